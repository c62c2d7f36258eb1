/* SPDX-License-Identifier: Apache-2.0 */
#include "tool/bench.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "device/device.h"
#include "tool/tool.h"

enum {
	ARGUMENT_QUICK = 1,
	ARGUMENT_DEVICE,
	ARGUMENT_ONLY,
	ARGUMENT_REPEAT,
	ARGUMENT_SECONDS,
	ARGUMENT_QUEUES,
	ARGUMENT_JSON,
	ARGUMENT_CSV,
	ARGUMENT_AGAINST,
	ARGUMENT_FROM,
	ARGUMENT_CHARTS,
	ARGUMENT_REPORT
};

static const struct wn_argument bench_arguments[] = {
	{ARGUMENT_QUICK, 'q', .name = "quick", .help = "coarser: fewer and shorter runs, under 40 seconds on two cores"},
	{ARGUMENT_DEVICE, 'd', "device", "DEVICE", WN_ARGUMENT_TEXT, 0, 0, "@device",
	 "what runs the programs (preset cpu); `warpnic devices` lists them"},
	{ARGUMENT_ONLY, 0, "only", "TABLE,...", WN_ARGUMENT_TEXT, 0, 0,
	 "cpu|ring|latency|lanes|bytes|resident|work|dns|sampling|claims", "these tables only: cpu, ring, latency, lanes, bytes, resident, work, dns, sampling, claims"},
	{ARGUMENT_REPEAT, 0, "repeat", "N", WN_ARGUMENT_NUMBER, 1, WN_BENCH_RUNS_MAX, NULL,
	 "runs of each figure (preset 7, with --quick 3)"},
	{ARGUMENT_SECONDS, 0, "seconds", "SECONDS", WN_ARGUMENT_REAL, 0, 60, NULL,
	 "how long one of them takes (preset 0.4, with --quick 0.1)"},
	{ARGUMENT_QUEUES, 0, "queues", "N", WN_ARGUMENT_NUMBER, 1, 64, NULL,
	 "queues where all cores are used (preset: one a core, with a GPU two fewer, at most 14)"},
	{ARGUMENT_JSON, 0, "json", "FILE", WN_ARGUMENT_TEXT, 0, 0, "@file", "write the run as JSON; -: to stdout, and no text"},
	{ARGUMENT_CSV, 0, "csv", "FILE", WN_ARGUMENT_TEXT, 0, 0, "@file", "write it as CSV; -: to stdout, and no text"},
	{ARGUMENT_AGAINST, 0, "against", "FILE", WN_ARGUMENT_TEXT, 0, 0, "@file",
	 "compare with an earlier run's JSON, in ratios"},
	{ARGUMENT_FROM, 0, "from", "FILE", WN_ARGUMENT_TEXT, 0, 0, "@file",
	 "measure nothing: show, compare or draw an earlier run's JSON"},
	{ARGUMENT_CHARTS, 0, "charts", "FOLDER", WN_ARGUMENT_TEXT, 0, 0, "@file", "draw charts into a folder, as SVG by gnuplot"},
	{ARGUMENT_REPORT, 0, "report", "FILE", WN_ARGUMENT_TEXT, 0, 0, "@file",
	 "write machine, tables and charts into one HTML file that needs no other"},
	{.code = 0},
};

static const struct {
	const char *name;
	wn_bench_maker *make;
} makers[] = {
	{"cpu", wn_bench_cpu},     {"ring", wn_bench_ring}, {"latency", wn_bench_latency},
	{"lanes", wn_bench_lanes}, {"bytes", wn_bench_bytes}, {"resident", wn_bench_in_gpu}, {"work", wn_bench_work},
	{"dns", wn_bench_dns},	   {"sampling", wn_bench_sampling}, {"claims", wn_bench_claims},
};

enum { MAKER_COUNT = sizeof(makers) / sizeof(makers[0]) };

/* What the command line says. */
struct wishes {
	const char *only, *json, *csv, *against, *from, *charts, *report;
	double seconds;
	uint32_t repeat, queues;
};

/* Whether a list of words, with commas between, has the word; NULL has them all. */
static int is_in(const char *list, const char *word)
{
	const size_t length = strlen(word);

	if (!list)
		return 1;
	while (*list) {
		const size_t this = strcspn(list, ",");

		if (this == length && !strncmp(list, word, length))
			return 1;
		list += this + (list[this] == ',');
	}
	return 0;
}

/* 0, or the exit status where a word of --only is no table. */
static int check_only(const char *only)
{
	while (only && *only) {
		const size_t length = strcspn(only, ",");
		int is_known = 0;

		for (int i = 0; i < MAKER_COUNT; i++)
			is_known |= strlen(makers[i].name) == length && !strncmp(makers[i].name, only, length);
		if (!is_known)
			return wn_tool_usage(&wn_command_bench, "--only %.*s: no such table; there are cpu, ring, latency, lanes, "
								"bytes, resident, work, dns, sampling and claims", (int)length, only);
		only += length + (only[length] == ',');
	}
	return 0;
}

static void set_argument(struct wn_bench *bench, struct wishes *wishes, int code, const struct wn_arguments *given)
{
	switch (code) {
	case ARGUMENT_QUICK:
		bench->is_quick = 1;
		break;
	case ARGUMENT_DEVICE:
		bench->device = given->text;
		break;
	case ARGUMENT_ONLY:
		wishes->only = given->text;
		break;
	case ARGUMENT_REPEAT:
		wishes->repeat = (uint32_t)given->number;
		break;
	case ARGUMENT_SECONDS:
		wishes->seconds = given->real;
		break;
	case ARGUMENT_QUEUES:
		wishes->queues = (uint32_t)given->number;
		break;
	case ARGUMENT_JSON:
		wishes->json = given->text;
		break;
	case ARGUMENT_CSV:
		wishes->csv = given->text;
		break;
	case ARGUMENT_AGAINST:
		wishes->against = given->text;
		break;
	case ARGUMENT_FROM:
		wishes->from = given->text;
		break;
	case ARGUMENT_CHARTS:
		wishes->charts = given->text;
		break;
	case ARGUMENT_REPORT:
		wishes->report = given->text;
		break;
	}
}

static void set_presets(struct wn_bench *bench, const struct wishes *wishes)
{
	uint32_t queues;

	bench->has_gpu = strncmp(bench->device, "cpu", 3) != 0;
	bench->cores = wn_device_cores();
	bench->repeat = wishes->repeat ? wishes->repeat : bench->is_quick ? 3 : 7;
	bench->window_seconds = wishes->seconds > 0 ? wishes->seconds : bench->is_quick ? 0.1 : 0.4;
	/* A GPU's process and the rest of the machine have two to themselves. */
	queues = bench->has_gpu && bench->cores > 2 ? bench->cores - 2 : bench->cores;
	if (bench->has_gpu && queues > 14)
		queues = 14;
	bench->queues = wishes->queues ? wishes->queues : queues > 64 ? 64 : queues;
}

static int is_stdout(const char *path)
{
	return path && !strcmp(path, "-");
}

/* 0; or -1 where the subcommand is to return *status. */
static int parse(struct wn_bench *bench, struct wishes *wishes, int argc, char **argv, int *status)
{
	struct wn_arguments arguments;
	int code;

	bench->device = "cpu";
	wn_arguments_init(&arguments, &wn_command_bench, argc, argv);
	while ((code = wn_arguments_next(&arguments)) > 0)
		set_argument(bench, wishes, code, &arguments);
	*status = arguments.status;
	if (code < 0)
		return -1;
	if (arguments.operand < argc)
		*status = wn_tool_usage(&wn_command_bench, "'%s': bench takes options only", argv[arguments.operand]);
	else if (is_stdout(wishes->json) && is_stdout(wishes->csv))
		*status = wn_tool_usage(&wn_command_bench, "--json - and --csv - both want stdout");
	else
		*status = check_only(wishes->only);
	set_presets(bench, wishes);
	return *status ? -1 : 0;
}

/* Measures. Returns 1 where the user stopped it: the last table has then what was done of it. */
static int measure(struct wn_bench *bench, const struct wishes *wishes, FILE *text)
{
	const int64_t began = wn_clock_ns();
	int rc = 0;

	wn_bench_catch_signals();
	wn_bench_describe_machine(bench);
	if (text)
		wn_bench_print_facts(bench->result, text);
	for (int i = 0; i < MAKER_COUNT; i++) {
		/* The claims are what the others have found, so they are made of what is done. */
		if (!is_in(wishes->only, makers[i].name) || (rc && strcmp(makers[i].name, "claims")))
			continue;
		if (isatty(STDERR_FILENO))
			fprintf(stderr, "warpnic bench: %s\r", makers[i].name);
		if (makers[i].make(bench) == -EINTR)
			rc = 1;
		if (text)
			wn_bench_print_table(&bench->result->tables[bench->result->table_count - 1], text);
	}
	wn_bench_judge_spread(bench->result);
	wn_bench_fact(bench->result, "took", "%.0f s%s", (double)(wn_clock_ns() - began) * 1e-9,
		      rc ? ", and was stopped: not all of it was measured" : "");
	return rc;
}

static void print_all(const struct wn_bench_result *result, FILE *text)
{
	wn_bench_print_facts(result, text);
	for (uint32_t i = 0; i < result->table_count; i++)
		wn_bench_print_table(&result->tables[i], text);
}

/* A file of the result, or stdout. 0 or an errno. */
static int write_file(const char *path, const struct wn_bench *bench, int (*write)(const struct wn_bench *bench, FILE *file),
		      int status)
{
	FILE *file = is_stdout(path) ? stdout : fopen(path, "we");
	int rc = file ? write(bench, file) : -errno;

	if (file && file != stdout && fclose(file) && !rc)
		rc = -errno;
	if (!rc)
		return status;
	fprintf(stderr, "warpnic bench: '%s': %s\n", path, strerror(-rc));
	return WN_FAILED;
}

static int write_json(const struct wn_bench *bench, FILE *file)
{
	return wn_bench_write_json(bench->result, file);
}

static int write_csv(const struct wn_bench *bench, FILE *file)
{
	wn_bench_write_csv(bench->result, file);
	return ferror(file) ? -EIO : 0;
}

/* Charts into the folder that was asked for, or into one that goes again, for the report. Returns the exit status. */
static int draw(const struct wn_bench *bench, const struct wishes *wishes, int status)
{
	char own[] = "/tmp/warpnic-charts-XXXXXX", path[64];
	const char *folder = wishes->charts ? wishes->charts : mkdtemp(own);
	struct wn_error error = {0};
	const int drawn = folder ? wn_bench_charts(bench->result, folder, &error) : -1;
	FILE *file = wishes->report ? is_stdout(wishes->report) ? stdout : fopen(wishes->report, "we") : NULL;

	if (drawn < 0)
		fprintf(stderr, "warpnic bench: %s\n", error.text);
	if (drawn < 0 && wishes->charts)
		status = (int)error.status;
	if (file) {
		wn_bench_report(bench->result, drawn < 0 ? NULL : folder, file);
		if (ferror(file) | (file != stdout && fclose(file)))
			status = WN_FAILED;
	} else if (wishes->report) {
		fprintf(stderr, "warpnic bench: '%s': %s\n", wishes->report, strerror(errno));
		status = WN_FAILED;
	}
	for (uint32_t i = 0; !wishes->charts && folder && wn_bench_chart_names[i]; i++) {
		snprintf(path, sizeof(path), "%s/%s.svg", folder, wn_bench_chart_names[i]);
		unlink(path);
	}
	if (!wishes->charts && folder)
		rmdir(folder);
	return status;
}

static int open_check(const char *device, struct wn_error *error)
{
	struct wn_device opened = {0};
	const int rc = wn_device_open(&opened, device, WN_MODE_AUTO, "drop", error);

	wn_device_close(&opened);
	return rc;
}

static int run_parsed(struct wn_bench *bench, const struct wishes *wishes, struct wn_bench_result *old)
{
	FILE *text = is_stdout(wishes->json) || is_stdout(wishes->csv) || is_stdout(wishes->report) ? NULL : stdout;
	struct wn_error error = {0};
	int status = WN_OK, is_stopped = 0;

	/* All that can be wrong is said before half a minute is gone. */
	if (wishes->against && wn_bench_read_json(old, wishes->against, &error))
		return wn_tool_fail(&wn_command_bench, &error);
	if (wishes->from) {
		if (wn_bench_read_json(bench->result, wishes->from, &error))
			return wn_tool_fail(&wn_command_bench, &error);
		if (text)
			print_all(bench->result, text);
	} else {
		if (open_check(bench->device, &error))
			return wn_tool_fail(&wn_command_bench, &error);
		is_stopped = measure(bench, wishes, text);
		if (text)
			for (uint32_t i = bench->result->fact_count - 2; i < bench->result->fact_count; i++)
				fprintf(text, "%s- %s: %s\n", i == bench->result->fact_count - 2 ? "\n" : "", bench->result->facts[i].name,
					bench->result->facts[i].value);
	}
	if (wishes->against && text)
		wn_bench_compare(bench->result, old, text);
	if (wishes->json)
		status = write_file(wishes->json, bench, write_json, status);
	if (wishes->csv)
		status = write_file(wishes->csv, bench, write_csv, status);
	if (wishes->charts || wishes->report)
		status = draw(bench, wishes, status);
	return wn_tool_finish_output(&wn_command_bench, is_stopped ? WN_FAILED : status);
}

static int run_bench(int argc, char **argv)
{
	struct wn_bench bench = {0};
	struct wishes wishes = {0};
	struct wn_bench_result *old;
	int status;

	if (parse(&bench, &wishes, argc, argv, &status))
		return status;
	bench.result = calloc(1, sizeof(*bench.result));
	old = calloc(1, sizeof(*old));
	if (bench.result && old)
		status = run_parsed(&bench, &wishes, old);
	else
		status = wn_tool_fail(&wn_command_bench, &(struct wn_error){WN_FAILED, "out of memory"});
	free(bench.result);
	free(old);
	return status;
}

const struct wn_command wn_command_bench = {
	.name = "bench",
	.summary = "measure this machine: rates, latencies, costs, and the claims of the design",
	.operands = "[option...]",
	.arguments = bench_arguments,
	.notes = "Every figure is measured in this run: median (lowest .. highest). Traffic stays on\n"
		 "loopback and in memory. What cannot be measured here is named and left out.\n"
		 "Ctrl-C ends it, prints what is done, and exits with 1.\n"
		 "Exit status: 0; 1 stopped, or something could not be written; 2 usage; 66 a file of\n"
		 "--against or --from that is not there or no run; 69 no such device here.",
	.examples = "warpnic bench --quick                          half a minute, as text\n"
		    "warpnic bench --device cuda --json h200.json   with a GPU, kept\n"
		    "warpnic bench --quick --against old.json       in ratios\n"
		    "warpnic bench --only work,claims               two tables\n"
		    "warpnic bench --from h200.json --report h200.html --charts charts",
	.run = run_bench,
};
