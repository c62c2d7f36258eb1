/* SPDX-License-Identifier: Apache-2.0 */
/* The subcommands that say what there is: devices, programs, links. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/device.h"
#include "link/link.h"
#include "tool/json.h"
#include "tool/tool.h"
#include "warpnic/runtime.h"

enum { ARGUMENT_JSON = 1 };

static const struct wn_argument list_arguments[] = {
	{.code = ARGUMENT_JSON, .letter = 'j', .name = "json", .help = "print one JSON document"},
	{.code = 0},
};

/* The command line of all three. 0, or -1 where the subcommand is to return *status. */
static int parse(const struct wn_command *command, int argc, char **argv, int *is_json, int *status)
{
	struct wn_arguments arguments;
	int code;

	*is_json = 0;
	wn_arguments_init(&arguments, command, argc, argv);
	while ((code = wn_arguments_next(&arguments)) > 0)
		*is_json = 1;
	*status = arguments.status;
	if (!code && arguments.operand < argc) {
		*status = wn_tool_usage(command, "'%s': takes no operand", argv[arguments.operand]);
		return -1;
	}
	return code;
}

static int out_of_memory(const struct wn_command *command)
{
	const struct wn_error error = {WN_FAILED, "out of memory"};

	return wn_tool_fail(command, &error);
}

/* -- options of links and devices -- */

static const char *const option_types[] = {"number", "size", "choice", "text"};

/* What may stand behind "name=". */
static void describe_values(const struct wn_option *option, char *text, size_t bytes)
{
	if (option->type == WN_OPTION_CHOICE)
		snprintf(text, bytes, "%s", option->choices);
	else if (option->type == WN_OPTION_TEXT)
		snprintf(text, bytes, "TEXT");
	else if (option->maximum >= UINT32_MAX)
		snprintf(text, bytes, "%llu...", (unsigned long long)option->minimum);
	else
		snprintf(text, bytes, "%llu-%llu", (unsigned long long)option->minimum,
			 (unsigned long long)option->maximum);
}

/* Below the name of a kind: a line an option. */
static void print_options(const struct wn_option *options)
{
	char values[128], text[192];

	for (const struct wn_option *option = options; option && option->name; option++) {
		describe_values(option, values, sizeof(values));
		snprintf(text, sizeof(text), "%s=%s", option->name, values);
		printf("      %-28s %s", text, option->help);
		if (option->preset)
			printf(" (preset %s)", option->preset);
		puts(option->may_repeat ? " (may repeat)" : "");
	}
}

/* -- devices -- */

static void print_devices(const struct wn_device_summary *list, int count)
{
	printf("%-10s %-8s %-24s %s\n", "DEVICE", "USABLE", "MODES", "NAME");
	for (int i = 0; i < count; i++) {
		printf("%-10s %-8s %-24s %s\n", list[i].spec, list[i].usable ? "yes" : "no",
		       list[i].modes[0] ? list[i].modes : "-", list[i].name);
		if (list[i].note[0])
			printf("%-10s %s\n", "", list[i].note);
	}
	for (int k = 0; wn_device_kinds[k]; k++) {
		printf("\nOptions of %s (%s), as in --device %s,name=value:\n",
		       wn_device_kinds[k]->kind, wn_device_kinds[k]->summary,
		       wn_device_kinds[k]->kind);
		print_options(wn_device_kinds[k]->options);
	}
}

static void print_devices_json(const struct wn_device_summary *list, int count)
{
	struct wn_json json;

	wn_json_init(&json, stdout, 1);
	wn_json_object(&json, NULL);
	wn_json_array(&json, "devices");
	for (int i = 0; i < count; i++) {
		wn_json_object(&json, NULL);
		wn_json_text(&json, "device", list[i].spec);
		wn_json_text(&json, "name", list[i].name);
		wn_json_text(&json, "modes", list[i].modes);
		wn_json_bool(&json, "usable", list[i].usable);
		wn_json_text(&json, "note", list[i].note);
		wn_json_end(&json);
	}
	wn_json_end(&json);
	wn_json_end(&json);
	wn_json_finish(&json);
}

static int run_devices(int argc, char **argv)
{
	struct wn_device_summary *list;
	int is_json, status, count;

	if (parse(&wn_command_devices, argc, argv, &is_json, &status))
		return status;
	count = wn_device_list(NULL, 0);
	list = calloc((size_t)count + 1, sizeof(*list));
	if (!list)
		return out_of_memory(&wn_command_devices);
	wn_device_list(list, (uint32_t)count);
	if (is_json)
		print_devices_json(list, count);
	else
		print_devices(list, count);
	free(list);
	return wn_tool_finish_output(&wn_command_devices, WN_OK);
}

const struct wn_command wn_command_devices = {
	.name = "devices",
	.summary = "list what can run programs on this machine",
	.operands = "[option...]",
	.arguments = list_arguments,
	.examples = "warpnic devices\nwarpnic devices --json",
	.run = run_devices,
};

/* -- programs -- */

static void print_programs(const struct wn_program_summary *list, int count)
{
	printf("%-14s %-9s %s\n", "PROGRAM", "TAKES", "WHAT IT DOES");
	for (int i = 0; i < count; i++)
		printf("%-14s %-9s %s\n", list[i].name, list[i].kind, list[i].summary);
	puts("\nA program of your own: warpnic run ./mine.c ...");
}

static void print_programs_json(const struct wn_program_summary *list, int count)
{
	struct wn_json json;

	wn_json_init(&json, stdout, 1);
	wn_json_object(&json, NULL);
	wn_json_array(&json, "programs");
	for (int i = 0; i < count; i++) {
		wn_json_object(&json, NULL);
		wn_json_text(&json, "program", list[i].name);
		wn_json_text(&json, "kind", list[i].kind);
		wn_json_text(&json, "summary", list[i].summary);
		wn_json_text(&json, "path", list[i].path);
		wn_json_end(&json);
	}
	wn_json_end(&json);
	wn_json_end(&json);
	wn_json_finish(&json);
}

static int run_programs(int argc, char **argv)
{
	struct wn_program_summary *list;
	int is_json, status, count;

	if (parse(&wn_command_programs, argc, argv, &is_json, &status))
		return status;
	count = wn_program_list(NULL, 0);
	list = calloc((size_t)count + 1, sizeof(*list));
	if (!list)
		return out_of_memory(&wn_command_programs);
	wn_program_list(list, (uint32_t)count);
	if (is_json)
		print_programs_json(list, count);
	else
		print_programs(list, count);
	free(list);
	return wn_tool_finish_output(&wn_command_programs, WN_OK);
}

const struct wn_command wn_command_programs = {
	.name = "programs",
	.summary = "list the ready-made programs",
	.operands = "[option...]",
	.arguments = list_arguments,
	.examples = "warpnic programs\nwarpnic programs --json",
	.run = run_programs,
};

/* -- links -- */

static void print_link(const struct wn_link_ops *ops)
{
	printf("%s:%s\n    %s\n", ops->kind, ops->address, ops->summary);
	if (ops->missing)
		printf("    not in this build: %s\n", ops->missing);
	print_options(ops->options);
}

static void print_option_json(struct wn_json *json, const struct wn_option *option)
{
	wn_json_object(json, NULL);
	wn_json_text(json, "option", option->name);
	wn_json_text(json, "type", option_types[option->type]);
	if (option->type == WN_OPTION_NUMBER || option->type == WN_OPTION_SIZE) {
		wn_json_number(json, "minimum", option->minimum);
		wn_json_number(json, "maximum", option->maximum);
	}
	if (option->type == WN_OPTION_CHOICE)
		wn_json_text(json, "choices", option->choices);
	wn_json_text(json, "preset", option->preset);
	wn_json_bool(json, "may_repeat", option->may_repeat);
	wn_json_text(json, "help", option->help);
	wn_json_end(json);
}

static void print_links_json(void)
{
	struct wn_json json;

	wn_json_init(&json, stdout, 1);
	wn_json_object(&json, NULL);
	wn_json_array(&json, "links");
	for (int i = 0; wn_link_kinds[i]; i++) {
		wn_json_object(&json, NULL);
		wn_json_text(&json, "kind", wn_link_kinds[i]->kind);
		wn_json_text(&json, "address", wn_link_kinds[i]->address);
		wn_json_text(&json, "summary", wn_link_kinds[i]->summary);
		wn_json_text(&json, "missing", wn_link_kinds[i]->missing);
		wn_json_array(&json, "options");
		for (const struct wn_option *o = wn_link_kinds[i]->options; o && o->name; o++)
			print_option_json(&json, o);
		wn_json_end(&json);
		wn_json_end(&json);
	}
	wn_json_end(&json);
	wn_json_end(&json);
	wn_json_finish(&json);
}

static int run_links(int argc, char **argv)
{
	int is_json, status;

	if (parse(&wn_command_links, argc, argv, &is_json, &status))
		return status;
	if (is_json) {
		print_links_json();
	} else {
		puts("--link KIND:ADDRESS[,option=value...]\n");
		for (int i = 0; wn_link_kinds[i]; i++)
			print_link(wn_link_kinds[i]);
	}
	return wn_tool_finish_output(&wn_command_links, WN_OK);
}

const struct wn_command wn_command_links = {
	.name = "links",
	.summary = "list the kinds of links, with all their options",
	.operands = "[option...]",
	.arguments = list_arguments,
	.examples = "warpnic links\nwarpnic links --json",
	.run = run_links,
};
