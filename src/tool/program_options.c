/* SPDX-License-Identifier: Apache-2.0 */
/* A program's parameters as options of `warpnic run`, for its help and the completion. */
#include <stdlib.h>
#include <string.h>

#include "device/cpu/program.h"
#include "tool/tool.h"
#include "warpnic/runtime.h"

enum { PROGRAMS_MAX = 64 };

static const char *value_of(enum wn_parameter_type type)
{
	static const char *const names[] = {"VALUE", "N|off", "BYTES", "off|on", "ADDRESS"};

	return names[type];
}

/* The name as an option is written. */
static void option_name(const struct wn_parameter_field *field, char *name, size_t bytes)
{
	snprintf(name, bytes, "%s", field->name);
	for (char *at = name; (at = strchr(at, '_')) != NULL; at++)
		*at = '-';
}

static int is_ready_made(const char *word)
{
	struct wn_program_summary *list = calloc(PROGRAMS_MAX, sizeof(*list));
	const int count = list ? wn_program_list(list, PROGRAMS_MAX) : 0;
	int found = 0;

	for (int i = 0; !found && i < count && i < PROGRAMS_MAX; i++)
		found = !strcmp(list[i].name, word);
	free(list);
	return found;
}

static int is_source(const char *word)
{
	const size_t length = strlen(word);

	return length > 2 && word[0] != '-' && !strcmp(word + length - 2, ".c");
}

static void print_options(const struct wn_cpu_program *program, FILE *file)
{
	char name[64], help[256], heading[96];

	snprintf(heading, sizeof(heading), "Options of program %s:", program->name);
	wn_help_heading(heading, file);
	if (!program->parameters[0].name)
		fputs("  none\n", file);
	for (const struct wn_parameter_field *field = program->parameters; field->name; field++) {
		option_name(field, name, sizeof(name));
		snprintf(help, sizeof(help), "%s (preset %s)", field->help, field->preset);
		wn_help_option(0, name, value_of(field->type), help, file);
	}
}

void wn_program_help(int argc, char **argv, FILE *file)
{
	struct wn_cpu_code code = {0};
	struct wn_error error = {0};

	for (int i = 1; i < argc; i++) {
		if (!is_source(argv[i]) && !is_ready_made(argv[i]))
			continue;
		if (wn_cpu_code_load(&code, argv[i], 0, &error))
			return; /* what is wrong with it is said when it is run */
		print_options(code.program, file);
		wn_cpu_code_unload(&code);
		return;
	}
}

void wn_program_words(const char *program, FILE *file)
{
	struct wn_cpu_code code = {0};
	struct wn_error error = {0};
	char name[64];

	if (!is_ready_made(program) || wn_cpu_code_load(&code, program, 0, &error))
		return;
	for (const struct wn_parameter_field *field = code.program->parameters; field->name; field++) {
		option_name(field, name, sizeof(name));
		fprintf(file, "--%s\t-\t%s\t%s\n", name, value_of(field->type),
			field->type == WN_PARAMETER_flag ? "off|on" : field->type == WN_PARAMETER_number ? "off" : "-");
	}
	wn_cpu_code_unload(&code);
}
