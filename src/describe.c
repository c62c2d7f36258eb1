/* SPDX-License-Identifier: Apache-2.0 */
#include "describe.h"

#include <stdlib.h>
#include <string.h>

#include "warpnic/runtime.h"

/* Where the copy goes. Called twice: `at` is NULL while sizes are added up. */
struct arena {
	uint8_t *at;
	size_t used;
};

static void *take(struct arena *arena, const void *bytes, size_t count)
{
	void *place = arena->at ? arena->at + arena->used : NULL;

	if (place && count)
		memcpy(place, bytes, count);
	arena->used += (count + 7) / 8 * 8;
	return place;
}

static const char *take_text(struct arena *arena, const char *text)
{
	return text ? take(arena, text, strlen(text) + 1) : NULL;
}

static const char *const *take_names(struct arena *arena, const char *const *names)
{
	const char **copy;
	uint32_t count = 0;

	while (names[count])
		count++;
	copy = take(arena, names, (count + 1) * sizeof(*names));
	for (uint32_t i = 0; i < count; i++) {
		const char *name = take_text(arena, names[i]);

		if (copy)
			copy[i] = name;
	}
	return copy;
}

static const struct wn_record_field *take_records(struct arena *arena,
						  const struct wn_record_field *fields)
{
	struct wn_record_field *copy;
	uint32_t count = 0;

	while (fields[count].name)
		count++;
	copy = take(arena, fields, (count + 1) * sizeof(*fields));
	for (uint32_t i = 0; i < count; i++) {
		const char *name = take_text(arena, fields[i].name);

		if (copy)
			copy[i].name = name;
	}
	return copy;
}

static const struct wn_parameter_field *take_parameters(struct arena *arena,
							const struct wn_parameter_field *fields)
{
	struct wn_parameter_field *copy;
	uint32_t count = 0;

	while (fields[count].name)
		count++;
	copy = take(arena, fields, (count + 1) * sizeof(*fields));
	for (uint32_t i = 0; i < count; i++) {
		struct wn_parameter_field field = fields[i];

		field.name = take_text(arena, fields[i].name);
		field.preset = take_text(arena, fields[i].preset);
		field.help = take_text(arena, fields[i].help);
		if (copy)
			copy[i] = field;
	}
	return copy;
}

static const struct wn_table_field *take_tables(struct arena *arena,
						const struct wn_table_field *fields)
{
	struct wn_table_field *copy;
	uint32_t count = 0;

	while (fields[count].name)
		count++;
	copy = take(arena, fields, (count + 1) * sizeof(*fields));
	for (uint32_t i = 0; i < count; i++) {
		struct wn_table_field field = fields[i];

		field.name = take_text(arena, fields[i].name);
		field.help = take_text(arena, fields[i].help);
		if (copy)
			copy[i] = field;
	}
	return copy;
}

static void take_program(struct arena *arena, const struct wn_program *program,
			 struct wn_program *copy)
{
	*copy = *program;
	copy->name = take_text(arena, program->name);
	copy->summary = take_text(arena, program->summary);
	copy->loader = take_text(arena, program->loader);
	copy->counter_names = take_names(arena, program->counter_names);
	copy->histogram_names = take_names(arena, program->histogram_names);
	copy->record_fields = take_records(arena, program->record_fields);
	copy->parameters = take_parameters(arena, program->parameters);
	copy->tables = take_tables(arena, program->tables);
}

struct wn_description *wn_description_create(const struct wn_program *program)
{
	struct wn_description *description;
	struct wn_program scratch;
	struct arena arena = {0};

	take_program(&arena, program, &scratch);
	description = calloc(1, sizeof(*description) + arena.used);
	if (!description)
		return NULL;
	arena = (struct arena){.at = (uint8_t *)(description + 1)};
	take_program(&arena, program, &description->program);
	return description;
}

/* -- comparing -- */

static int same_text(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static int same_names(const char *const *a, const char *const *b)
{
	for (; *a && *b; a++, b++)
		if (strcmp(*a, *b))
			return 0;
	return *a == *b;
}

int wn_program_has_same_records(const struct wn_program *a, const struct wn_program *b)
{
	const struct wn_record_field *left = a->record_fields, *right = b->record_fields;

	for (; left->name && right->name; left++, right++)
		if (strcmp(left->name, right->name) || left->type != right->type)
			return 0;
	return left->name == right->name;
}

static int same_parameters(const struct wn_parameter_field *a, const struct wn_parameter_field *b)
{
	for (; a->name && b->name; a++, b++)
		if (strcmp(a->name, b->name) || a->type != b->type || !same_text(a->preset, b->preset) ||
		    !same_text(a->help, b->help))
			return 0;
	return a->name == b->name;
}

static int same_tables(const struct wn_table_field *a, const struct wn_table_field *b)
{
	for (; a->name && b->name; a++, b++)
		if (strcmp(a->name, b->name) || a->kind != b->kind || a->value_bytes != b->value_bytes ||
		    !same_text(a->help, b->help))
			return 0;
	return a->name == b->name;
}

int wn_program_is_same(const struct wn_program *a, const struct wn_program *b)
{
	return same_text(a->name, b->name) && same_text(a->summary, b->summary) && same_text(a->loader, b->loader) &&
	       a->kind == b->kind &&
	       a->look_bytes == b->look_bytes && a->counter_count == b->counter_count &&
	       a->lane_words == b->lane_words && same_names(a->counter_names, b->counter_names) &&
	       same_names(a->histogram_names, b->histogram_names) &&
	       wn_program_has_same_records(a, b) && same_parameters(a->parameters, b->parameters) &&
	       same_tables(a->tables, b->tables);
}

/* -- carrying on -- */

/* Adds `words` words of each of from's names to the same name of to. */
static void carry(const char *const *from, const uint64_t *sums, const char *const *to,
		  uint64_t *carried, uint32_t words)
{
	for (uint32_t i = 0; from[i]; i++)
		for (uint32_t k = 0; to[k]; k++)
			for (uint32_t w = 0; w < words && !strcmp(from[i], to[k]); w++)
				carried[k * words + w] += sums[i * words + w];
}

void wn_program_carry(const struct wn_program *from, const uint64_t *sums, const struct wn_program *to,
		      uint64_t *carried)
{
	carry(from->counter_names, sums, to->counter_names, carried, 1);
	carry(from->histogram_names, sums + from->counter_count, to->histogram_names,
	      carried + to->counter_count, WN_HISTOGRAM_BUCKETS_LOG2);
}
