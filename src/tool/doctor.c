/* SPDX-License-Identifier: Apache-2.0 */
/* `warpnic doctor`: what of warpnic works on this machine, how fast that kind of thing is, what to do if not. */
#include "tool/doctor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool/json.h"
#include "tool/tool.h"

enum { ARGUMENT_JSON = 1 };

static const char *const health_names[] = {"works", "limited", "missing"};

struct wn_finding *wn_finding_add(struct wn_findings *findings, const char *part, const char *name)
{
	struct wn_finding *finding;

	if (findings->count == findings->capacity) {
		findings->capacity = findings->capacity ? 2 * findings->capacity : 16;
		findings->list = realloc(findings->list, findings->capacity * sizeof(*findings->list));
		if (!findings->list)
			abort();
	}
	finding = &findings->list[findings->count++];
	memset(finding, 0, sizeof(*finding));
	finding->part = part;
	snprintf(finding->name, sizeof(finding->name), "%s", name);
	return finding;
}

static const char *colour_of(enum wn_health health, int has_colour)
{
	static const char *const colours[] = {"\033[32m", "\033[33m", "\033[31m"};

	return has_colour ? colours[health] : "";
}

/* A line each, and indented ones for speed and for what to do. */
static void print_findings(const struct wn_findings *findings)
{
	const int has_colour = wn_tool_has_colour(stdout);
	const char *part = "";

	for (uint32_t i = 0; i < findings->count; i++) {
		const struct wn_finding *finding = &findings->list[i];

		if (strcmp(part, finding->part))
			printf("%s%s\n", part[0] ? "\n" : "", finding->part);
		part = finding->part;
		printf("  %-14s %s%-8s%s %s\n", finding->name, colour_of(finding->health, has_colour),
		       health_names[finding->health], has_colour ? "\033[0m" : "", finding->note);
		if (finding->speed[0] && finding->health != WN_MISSING)
			printf("  %-14s %-8s %s\n", "", "", finding->speed);
		if (finding->remedy[0])
			printf("  %-14s %-8s -> %s\n", "", "", finding->remedy);
	}
}

static void print_json(const struct wn_findings *findings)
{
	struct wn_json json;

	wn_json_init(&json, stdout, 1);
	wn_json_object(&json, NULL);
	wn_json_array(&json, "findings");
	for (uint32_t i = 0; i < findings->count; i++) {
		const struct wn_finding *finding = &findings->list[i];

		wn_json_object(&json, NULL);
		wn_json_text(&json, "part", finding->part);
		wn_json_text(&json, "name", finding->name);
		wn_json_text(&json, "health", health_names[finding->health]);
		wn_json_text(&json, "note", finding->note);
		wn_json_text(&json, "speed", finding->speed);
		wn_json_text(&json, "remedy", finding->remedy);
		wn_json_end(&json);
	}
	wn_json_end(&json);
	wn_json_end(&json);
	wn_json_finish(&json);
}

static const struct wn_argument arguments_taken[] = {
	{.code = ARGUMENT_JSON, .letter = 'j', .name = "json", .help = "print one JSON document"},
	{.code = 0},
};

static int run_doctor(int argc, char **argv)
{
	struct wn_findings findings = {0};
	struct wn_arguments arguments;
	int code, is_json = 0;

	wn_arguments_init(&arguments, &wn_command_doctor, argc, argv);
	while ((code = wn_arguments_next(&arguments)) > 0)
		is_json = 1;
	if (code < 0)
		return arguments.status;
	if (arguments.operand < argc)
		return wn_tool_usage(&wn_command_doctor, "'%s': takes no operand", argv[arguments.operand]);
	wn_doctor_system(&findings);
	wn_doctor_devices(&findings);
	wn_doctor_links(&findings);
	wn_doctor_interfaces(&findings);
	if (is_json)
		print_json(&findings);
	else
		print_findings(&findings);
	free(findings.list);
	return wn_tool_finish_output(&wn_command_doctor, WN_OK);
}

const struct wn_command wn_command_doctor = {
	.name = "doctor",
	.operands = "[option...]",
	.summary = "what works on this machine, how fast, and what to do if it does not",
	.arguments = arguments_taken,
	.notes = "Looks and changes nothing. Exit status: 0, whatever it finds.",
	.examples = "warpnic doctor\nwarpnic doctor --json",
	.run = run_doctor,
};
