/* SPDX-License-Identifier: Apache-2.0 */
/* warpnic check: may this program run everywhere, and does it do what its tests say? */
#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tool/check_compile.h"
#include "tool/check_lint.h"
#include "tool/check_test.h"
#include "tool/json.h"
#include "tool/tool.h"
#include "warpnic/runtime.h"

enum { ARGUMENT_DEVICE = 1, ARGUMENT_TEST, ARGUMENT_JSON, ARGUMENT_QUIET };
enum { TESTS_MAX = 64, FAILURES_MAX = 64, RUNNERS_MAX = 8 };

/* A file of tests that could not be run at all. */
struct failure {
	char path[256];
	struct wn_error error;
};

struct check {
	const char *path;
	const char *devices;                /* a list, or NULL: all */
	const char *tests[TESTS_MAX];
	uint32_t test_count;
	int is_json, is_quiet;

	struct wn_lints lints;
	struct wn_compiles compiles;
	char runners[RUNNERS_MAX][64];      /* devices that tests run on */
	uint32_t runner_count;
	struct wn_test_results results[RUNNERS_MAX];
	struct failure failures[FAILURES_MAX];
	uint32_t failure_count;
};

static const struct wn_argument check_arguments[] = {
	{ARGUMENT_DEVICE, 'd', "device", "LIST", WN_ARGUMENT_TEXT, 0, 0, "cpu|cuda|opencl|metal",
	 "devices to compile for, with commas: cpu,cuda,opencl,metal (preset: all)"},
	{ARGUMENT_TEST, 't', "test", "FILE", WN_ARGUMENT_TEXT, 0, 0, "@file",
	 "tests to run instead of those beside the program; may be given several times"},
	{.code = ARGUMENT_JSON, .letter = 'j', .name = "json", .help = "print one JSON document"},
	{.code = ARGUMENT_QUIET, .letter = 'q', .name = "quiet", .help = "print only what is wrong"},
	{0},
};

static int parse(struct check *check, int argc, char **argv)
{
	struct wn_arguments parsed;
	int code;

	wn_arguments_init(&parsed, &wn_command_check, argc, argv);
	while ((code = wn_arguments_next(&parsed)) > 0) {
		if (code == ARGUMENT_JSON)
			check->is_json = 1;
		else if (code == ARGUMENT_QUIET)
			check->is_quiet = 1;
		else if (code == ARGUMENT_DEVICE)
			check->devices = parsed.text;
		else if (check->test_count == TESTS_MAX)
			return wn_tool_usage(&wn_command_check, "more than %d tests", TESTS_MAX);
		else
			check->tests[check->test_count++] = parsed.text;
	}
	if (code < 0)
		return parsed.status ? parsed.status : -1;
	if (argc - parsed.operand != 1)
		return wn_tool_usage(&wn_command_check, "name one program, the path of a .c file");
	check->path = argv[parsed.operand];
	if (check->devices && !wn_compile_knows(check->devices))
		return wn_tool_usage(&wn_command_check, "--device %s: there are cpu, cuda, opencl, metal",
				     check->devices);
	return 0;
}

/* -- tests -- */

static void run_tests_of(struct check *check, const char *path)
{
	for (uint32_t i = 0; i < check->runner_count; i++) {
		struct wn_error error = {0};
		struct failure *failure = &check->failures[check->failure_count];

		if (!wn_test_run(&check->results[i], check->path, check->runners[i], path, &error))
			continue;
		if (check->failure_count == FAILURES_MAX)
			continue;
		snprintf(failure->path, sizeof(failure->path), "%s", path);
		failure->error = error;
		check->failure_count++;
	}
}

/* NAME.test, NAME-anything.test and the like, beside NAME.c. */
static void run_tests_beside(struct check *check)
{
	static const char *const endings[] = {".test", "[-.]*.test", ".in.pcap", "[-.]*.in.pcap"};
	const size_t length = strlen(check->path);
	const int stem = (int)(length > 2 && !strcmp(check->path + length - 2, ".c") ? length - 2 : length);
	char pattern[1024];

	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		glob_t found;

		snprintf(pattern, sizeof(pattern), "%.*s%s", stem, check->path, endings[i]);
		if (!glob(pattern, 0, NULL, &found))
			for (size_t k = 0; k < found.gl_pathc; k++)
				run_tests_of(check, found.gl_pathv[k]);
		globfree(&found);
	}
}

static int is_in_list(const char *list, const char *word)
{
	const size_t length = strlen(word);

	for (const char *at = list; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL)
		if (strcspn(at, ",") == length && !strncmp(at, word, length))
			return 1;
	return 0;
}

/* Devices of this machine that can run it: the first of each kind. */
static void find_runners(struct check *check)
{
	struct wn_device_summary *list;
	const int count = wn_device_list(NULL, 0);

	list = calloc((size_t)count + 1, sizeof(*list));
	if (!list)
		return;
	wn_device_list(list, (uint32_t)count);
	for (int i = 0; i < count && check->runner_count < RUNNERS_MAX; i++) {
		char kind[64];
		int is_new = 1;

		snprintf(kind, sizeof(kind), "%.*s", (int)strcspn(list[i].spec, ":,"), list[i].spec);
		for (uint32_t k = 0; k < check->runner_count; k++)
			is_new &= strcmp(check->runners[k], kind) != 0;
		if (is_new && list[i].usable && (!check->devices || is_in_list(check->devices, kind)))
			snprintf(check->runners[check->runner_count++], sizeof(check->runners[0]), "%s", kind);
	}
	free(list);
}

static void run_tests(struct check *check)
{
	find_runners(check);
	for (uint32_t i = 0; i < check->test_count; i++)
		run_tests_of(check, check->tests[i]);
	if (!check->test_count)
		run_tests_beside(check);
}

/* -- what is said -- */

static int all_compiled(const struct check *check)
{
	for (uint32_t i = 0; i < check->compiles.count; i++)
		if (check->compiles.list[i].result == WN_COMPILE_FAILED)
			return 0;
	return 1;
}

static int is_well(const struct check *check)
{
	uint32_t failed = check->failure_count + check->lints.count;

	for (uint32_t i = 0; i < check->runner_count; i++)
		failed += check->results[i].failed;
	return !failed && all_compiled(check);
}

static const char *result_name(enum wn_compile_result result)
{
	static const char *const names[] = {"ok", "failed", "skipped"};

	return names[result];
}

static void print_lints(const struct wn_lints *lints)
{
	for (uint32_t i = 0; i < lints->count && i < WN_LINTS_MAX; i++)
		printf("%s:%u:%u: warning: %s\n", lints->list[i].path, lints->list[i].line,
		       lints->list[i].column, lints->list[i].text);
	if (lints->count > WN_LINTS_MAX)
		printf("and %u more\n", lints->count - WN_LINTS_MAX);
}

static void print_compiles(const struct check *check)
{
	for (uint32_t i = 0; i < check->compiles.count; i++) {
		const struct wn_compile *compile = &check->compiles.list[i];

		if (compile->output)
			fputs(compile->output, stdout);
		if (!check->is_quiet || compile->result == WN_COMPILE_FAILED)
			printf("%-7s %-7s %-8s %-22s %s\n", result_name(compile->result), compile->device,
			       compile->compiler, compile->language, compile->note);
	}
}

static void print_results(const struct check *check, uint32_t runner)
{
	const struct wn_test_results *results = &check->results[runner];

	for (const struct wn_test_result *r = results->first; r; r = r->next) {
		if (r->difference)
			printf("failed  %-7s %s:%u: %s\n%s", check->runners[runner], r->path, r->line, r->name,
			       r->difference);
		else if (!check->is_quiet)
			printf("ok      %-7s %s: %s\n", check->runners[runner], r->path, r->name);
	}
}

static void print(const struct check *check)
{
	uint32_t tests = 0, failed = check->failure_count;

	print_lints(&check->lints);
	print_compiles(check);
	for (uint32_t i = 0; i < check->runner_count; i++) {
		print_results(check, i);
		tests += check->results[i].count;
		failed += check->results[i].failed;
	}
	for (uint32_t i = 0; i < check->failure_count; i++)
		printf("failed  %s\n", check->failures[i].error.text);
	if (check->is_quiet)
		return;
	if (!all_compiled(check))
		printf("it does not compile everywhere: tests were not run\n");
	else if (!tests && !failed)
		printf("no tests: write some into %.*s.test\n",
		       (int)(strlen(check->path) - 2), check->path);
	else
		printf("%u test%s, %u failed\n", tests, tests == 1 ? "" : "s", failed);
}

static void write_lints(struct wn_json *json, const struct wn_lints *lints)
{
	wn_json_array(json, "warnings");
	for (uint32_t i = 0; i < lints->count && i < WN_LINTS_MAX; i++) {
		wn_json_object(json, NULL);
		wn_json_text(json, "path", lints->list[i].path);
		wn_json_number(json, "line", lints->list[i].line);
		wn_json_number(json, "column", lints->list[i].column);
		wn_json_text(json, "text", lints->list[i].text);
		wn_json_end(json);
	}
	wn_json_end(json);
}

static void write_compiles(struct wn_json *json, const struct wn_compiles *compiles)
{
	wn_json_array(json, "devices");
	for (uint32_t i = 0; i < compiles->count; i++) {
		const struct wn_compile *compile = &compiles->list[i];

		wn_json_object(json, NULL);
		wn_json_text(json, "device", compile->device);
		wn_json_text(json, "compiler", compile->compiler);
		wn_json_text(json, "language", compile->language);
		wn_json_text(json, "result", result_name(compile->result));
		wn_json_text(json, "note", compile->note);
		wn_json_text(json, "output", compile->output);
		wn_json_end(json);
	}
	wn_json_end(json);
}

static void write_results(struct wn_json *json, const struct check *check)
{
	wn_json_array(json, "tests");
	for (uint32_t i = 0; i < check->runner_count; i++) {
		for (const struct wn_test_result *r = check->results[i].first; r; r = r->next) {
			wn_json_object(json, NULL);
			wn_json_text(json, "device", check->runners[i]);
			wn_json_text(json, "path", r->path);
			wn_json_number(json, "line", r->line);
			wn_json_text(json, "test", r->name);
			wn_json_bool(json, "ok", !r->difference);
			wn_json_text(json, "difference", r->difference);
			wn_json_end(json);
		}
	}
	wn_json_end(json);
	wn_json_array(json, "errors");
	for (uint32_t i = 0; i < check->failure_count; i++)
		wn_json_text(json, NULL, check->failures[i].error.text);
	wn_json_end(json);
}

static void print_json(const struct check *check)
{
	struct wn_json json;

	wn_json_init(&json, stdout, 1);
	wn_json_object(&json, NULL);
	wn_json_text(&json, "program", check->path);
	wn_json_bool(&json, "ok", is_well(check));
	write_lints(&json, &check->lints);
	write_compiles(&json, &check->compiles);
	write_results(&json, check);
	wn_json_end(&json);
	wn_json_finish(&json);
}

/* What can be looked at even where the program does not compile comes first. */
static int look(struct check *check, struct wn_error *error)
{
	int rc;

	if (access(check->path, R_OK))
		return wn_fail(error, errno, WN_NO_INPUT, "program %s: %s", check->path, strerror(errno));
	rc = wn_lint_file(&check->lints, check->path, error);
	if (!rc)
		rc = wn_compiles_run(&check->compiles, check->path, check->devices, error);
	if (!rc && all_compiled(check))
		run_tests(check);
	return rc;
}

static int run_check(int argc, char **argv)
{
	static struct check check;
	struct wn_error error = {0};
	int status = parse(&check, argc, argv);

	if (status)
		return status < 0 ? WN_OK : status;
	if (look(&check, &error)) {
		status = wn_tool_fail(&wn_command_check, &error);
	} else {
		if (check.is_json)
			print_json(&check);
		else
			print(&check);
		status = wn_tool_finish_output(&wn_command_check, is_well(&check) ? WN_OK : WN_FAILED);
	}
	for (uint32_t i = 0; i < check.runner_count; i++)
		wn_test_results_free(&check.results[i]);
	wn_compiles_free(&check.compiles);
	return status;
}

const struct wn_command wn_command_check = {
	.name = "check",
	.summary = "compile a program for every device, and run its tests",
	.operands = "FILE.c [option...]",
	.arguments = check_arguments,
	.notes = "Tests are NAME.test and NAME-*.test, and pairs of NAME.in.pcap with NAME.out.pcap or\n"
		 "NAME.out.json, beside NAME.c; warpnic-check(1) says what is in them. A compiler that is\n"
		 "not here is skipped. Exit status 1 where a compiler complains, the dialect forbids\n"
		 "something, or a test fails.",
	.examples = "warpnic check shout/shout.c\nwarpnic check mine.c --device cpu,cuda --json",
	.run = run_check,
};
