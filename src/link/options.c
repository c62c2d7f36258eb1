/* SPDX-License-Identifier: Apache-2.0 */
#include "link/options.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int wn_parse_number(const char *text, int binary, uint64_t *number)
{
	const uint64_t kilo = binary ? 1024 : 1000;
	uint64_t scale = 1;
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return -EINVAL;
	errno = 0;
	*number = strtoull(text, &end, 10);
	if (errno)
		return -EINVAL;
	switch (tolower((unsigned char)*end)) {
	case 'g':
		scale *= kilo; /* fall through */
	case 'm':
		scale *= kilo; /* fall through */
	case 'k':
		scale *= kilo;
		end++;
	}
	if (*end || __builtin_mul_overflow(*number, scale, number))
		return -EINVAL;
	return 0;
}

static int find(const struct wn_option *table, const char *name, size_t length)
{
	for (int i = 0; table && table[i].name; i++)
		if (strlen(table[i].name) == length && !strncmp(table[i].name, name, length))
			return i;
	return -1;
}

/* Place of `value` among "a|b|c", or -1. */
static int choice_of(const char *choices, const char *value)
{
	const size_t length = strlen(value);
	int place = 0;

	for (const char *at = choices;; place++) {
		const char *bar = at + strcspn(at, "|");

		if ((size_t)(bar - at) == length && !strncmp(at, value, length))
			return place;
		if (!*bar)
			return -1;
		at = bar + 1;
	}
}

static int set_value(struct wn_options *options, int i, const char *value, const char *kind,
		     struct wn_error *error)
{
	const struct wn_option *option = &options->table[i];
	int place;

	options->values[i].text = value;
	switch (option->type) {
	case WN_OPTION_NUMBER:
	case WN_OPTION_SIZE:
		if (wn_parse_number(value, option->type == WN_OPTION_SIZE,
				    &options->values[i].number) ||
		    options->values[i].number < option->minimum ||
		    options->values[i].number > option->maximum)
			return wn_fail(error, EINVAL, WN_USAGE,
				       "%s: %s=%s: must be a number from %llu to %llu (%s)", kind,
				       option->name, value, (unsigned long long)option->minimum,
				       (unsigned long long)option->maximum, option->help);
		return 0;
	case WN_OPTION_CHOICE:
		place = choice_of(option->choices, value);
		if (place < 0)
			return wn_fail(error, EINVAL, WN_USAGE, "%s: %s=%s: must be one of %s (%s)",
				       kind, option->name, value, option->choices, option->help);
		options->values[i].number = (uint64_t)place;
		return 0;
	case WN_OPTION_TEXT:
		if (!option->may_repeat)
			return 0;
		if (options->repeated_count == WN_OPTION_VALUES_MAX)
			return wn_fail(error, EINVAL, WN_USAGE, "%s: %s: given more than %d times",
				       kind, option->name, WN_OPTION_VALUES_MAX);
		options->repeated[options->repeated_count].option = option;
		options->repeated[options->repeated_count++].text = value;
		return 0;
	}
	return 0;
}

static int set_presets(struct wn_options *options, const char *kind, struct wn_error *error)
{
	for (int i = 0; options->table && options->table[i].name; i++) {
		const struct wn_option *option = &options->table[i];
		const uint32_t repeated = options->repeated_count;
		int rc;

		assert(i < WN_OPTIONS_MAX);
		options->values[i].text = "";
		if (!option->preset)
			continue;
		rc = set_value(options, i, option->preset, kind, error);
		options->repeated_count = repeated;
		if (rc)
			return rc;
	}
	return 0;
}

static void list_names(const struct wn_option *table, char *text, size_t bytes)
{
	size_t used = 0;

	text[0] = '\0';
	for (int i = 0; table && table[i].name && used < bytes; i++)
		used += (size_t)snprintf(text + used, bytes - used, "%s%s", i ? ", " : "",
					 table[i].name);
}

/* Cuts off what stands before the next comma, in place: "\," and "\\" lose a backslash. */
static char *next_token(char **rest)
{
	char *const token = *rest;
	char *from = token, *to = token;

	if (!token)
		return NULL;
	while (*from && *from != ',') {
		if (*from == '\\' && (from[1] == ',' || from[1] == '\\'))
			from++;
		*to++ = *from++;
	}
	*rest = *from ? from + 1 : NULL;
	*to = '\0';
	return token;
}

/* Nothing in the table is called that. */
static int unknown(const struct wn_option *table, const char *kind, const char *token, int number,
		   struct wn_error *error)
{
	char names[512];

	list_names(table, names, sizeof(names));
	if (!token[0])
		return wn_fail(error, EINVAL, WN_USAGE,
			       "%s: option %d is empty: there is a comma too many; it has: %s", kind,
			       number, names[0] ? names : "none");
	return wn_fail(error, EINVAL, WN_USAGE, "%s: unknown option '%s'; it has: %s", kind, token,
		       names[0] ? names : "none");
}

static int set_option(struct wn_options *options, const char *kind, const char *token, int number,
		      struct wn_error *error)
{
	const struct wn_option *table = options->table;
	const char *equals = strchr(token, '=');
	const int i = find(table, token, equals ? (size_t)(equals - token) : strlen(token));

	if (i < 0)
		return unknown(table, kind, token, number, error);
	if (!equals)
		return wn_fail(error, EINVAL, WN_USAGE, "%s: option %s needs a value (%s)", kind,
			       token, table[i].help);
	if (options->values[i].given && !table[i].may_repeat)
		return wn_fail(error, EINVAL, WN_USAGE, "%s: option %s given twice", kind,
			       table[i].name);
	options->values[i].given = 1;
	return set_value(options, i, equals + 1, kind, error);
}

int wn_options_init(struct wn_options *options, const struct wn_option *table, const char *kind,
		    const char *text, struct wn_error *error)
{
	char *rest;
	const char *token;
	int rc;

	memset(options, 0, sizeof(*options));
	options->table = table;
	options->address = "";
	options->text = strdup(text);
	if (!options->text)
		return wn_fail(error, ENOMEM, WN_FAILED, "out of memory");
	rc = set_presets(options, kind, error);
	if (rc)
		return rc;
	rest = options->text;
	options->address = next_token(&rest);
	for (int number = 1; !rc && (token = next_token(&rest)); number++)
		rc = set_option(options, kind, token, number, error);
	return rc;
}

void wn_options_finish(struct wn_options *options)
{
	free(options->text);
	memset(options, 0, sizeof(*options));
}

static int must_find(const struct wn_options *options, const char *name)
{
	const int i = find(options->table, name, strlen(name));

	assert(i >= 0);
	return i;
}

uint64_t wn_options_number(const struct wn_options *options, const char *name)
{
	return options->values[must_find(options, name)].number;
}

const char *wn_options_text(const struct wn_options *options, const char *name)
{
	return options->values[must_find(options, name)].text;
}

int wn_options_given(const struct wn_options *options, const char *name)
{
	return options->values[must_find(options, name)].given;
}
