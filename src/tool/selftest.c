/* SPDX-License-Identifier: Apache-2.0 */
/* `warpnic selftest`: does this device do what the cpu device does, in which modes, and what does it say of itself. */
#include "tool/selftest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "ring/order.h"
#include "tool/match.h"
#include "tool/tool.h"

enum { ARGUMENT_JSON = 1, ARGUMENT_DEVICE, DEVICES_MAX = 64, TRIP_BYTES = 64, TRIP_MS = 10000 };

static const enum wn_mode modes[WN_SELFTEST_MODES] = {WN_MODE_RESIDENT, WN_MODE_LEASE, WN_MODE_BATCH};

/* The largest events of a run, kept for the next. */
static struct wn_match_outcome on_cpu, on_device;

/* -- a run beside the cpu device -- */

/* What a device says of itself, once it has run. */
struct look {
	char name[400];
	enum wn_mode mode;
	struct wn_selftest *test;   /* NULL: its facts are not wanted */
};

static void look_at(void *context, const struct wn_runtime *runtime)
{
	struct look *look = context;
	struct wn_selftest *test = look->test;

	snprintf(look->name, sizeof(look->name), "%s", wn_runtime_device_name(runtime));
	look->mode = wn_runtime_mode(runtime);
	if (!test)
		return;
	while (test->fact_count < WN_SELFTEST_FACTS &&
	       wn_runtime_device_fact(runtime, test->fact_count, &test->facts[test->fact_count]))
		test->fact_count++;
}

static enum wn_selftest_result run_both(const struct wn_match_program *program, const char *folder, const char *device,
					enum wn_mode mode, struct look *look, char *text, size_t bytes)
{
	const struct wn_match_hooks hooks = {.look = look_at, .context = look};
	struct wn_error error = {0};
	int rc = wn_match_run(program, folder, "cpu", WN_MODE_BATCH, &on_cpu, NULL, &error);

	if (!rc)
		rc = wn_match_run(program, folder, device, mode, &on_device, &hooks, &error);
	else if (error.status == WN_UNAVAILABLE) {
		snprintf(text, bytes, "%s", error.text);
		return WN_SELFTEST_LEFT_OUT;
	}
	if (rc) {
		snprintf(text, bytes, "%s", error.text);
		return WN_SELFTEST_REFUSED;
	}
	return wn_match_compare(&on_cpu, &on_device, text, bytes) ? WN_SELFTEST_DIFFERENT : WN_SELFTEST_SAME;
}

static void try_modes(struct wn_selftest *test)
{
	const struct wn_match_program program = {.name = "echo", .packets = 500};

	for (int i = 0; i < WN_SELFTEST_MODES; i++) {
		struct wn_selftest_mode *mode = &test->modes[i];
		struct look look = {0};

		mode->result = run_both(&program, "", test->device, modes[i], &look, mode->text, sizeof(mode->text));
		if (mode->result == WN_SELFTEST_SAME)
			snprintf(mode->text, sizeof(mode->text), "%s", look.name);
	}
}

/* In the mode that it chooses itself. */
static void try_device(struct wn_selftest *test)
{
	const struct wn_match_program program = {.name = "echo", .packets = 500};
	struct look look = {.test = test};
	const enum wn_selftest_result result =
		run_both(&program, "", test->device, WN_MODE_AUTO, &look, test->failure, sizeof(test->failure));

	test->is_available = result == WN_SELFTEST_SAME || result == WN_SELFTEST_DIFFERENT;
	test->mode = look.mode;
	snprintf(test->name, sizeof(test->name), "%s", look.name);
}

static void match(struct wn_selftest *test, const char *folder)
{
	static const char *const shapes[] = {"datagrams", "frames", "the stack", "trains"};
	/* The cpu device's own choice is what it is compared with. */
	const enum wn_mode mode = strncmp(test->device, "cpu", 3) ? WN_MODE_AUTO : WN_MODE_RESIDENT;

	for (int i = 0; wn_match_programs[i].name && test->run_count < WN_SELFTEST_RUNS; i++) {
		struct wn_match_program program = wn_match_programs[i];
		struct wn_selftest_run *run = &test->runs[test->run_count++];
		const uint32_t most = program.shape == WN_MATCH_TRAINS ? WN_SELFTEST_TRAINS : WN_SELFTEST_PACKETS;
		struct look look = {0};

		if (program.packets > most)
			program.packets = most;
		run->program = program.name;
		run->shape = shapes[program.shape];
		run->result = run_both(&program, folder, test->device, mode, &look, run->text, sizeof(run->text));
		run->packets = on_cpu.counters.received;
	}
}

/* -- there and back -- */

struct trips {
	struct wn_selftest *test;
	int64_t sent_ns;
	uint32_t sent;      /* the pump's that receives */
	uint32_t taken;     /* the one's that sends */
};

static int next_trip(void *context, uint32_t queue, uint8_t *bytes, uint32_t capacity, struct wn_memory_packet *packet)
{
	struct trips *trips = context;

	(void)queue;
	(void)capacity;
	if (trips->sent == WN_SELFTEST_TRIPS)
		return -1;
	if (wn_load_acquire(&trips->taken) != trips->sent)
		return 0;
	memset(bytes, (int)trips->sent, TRIP_BYTES);
	packet->length = TRIP_BYTES;
	trips->sent++;
	trips->sent_ns = wn_clock_ns();
	return 1;
}

static int take_trip(void *context, uint32_t queue, const uint8_t *bytes, const struct wn_memory_packet *packet, int is_reply)
{
	struct trips *trips = context;
	struct wn_selftest *test = trips->test;

	(void)queue;
	(void)bytes;
	(void)packet;
	if (is_reply && test->trip_count < WN_SELFTEST_TRIPS)
		test->trips[test->trip_count++] = wn_clock_ns() - trips->sent_ns;
	wn_store_release(&trips->taken, trips->taken + 1);
	return 0;
}

static int compare(const void *a, const void *b)
{
	const int64_t one = *(const int64_t *)a, other = *(const int64_t *)b;

	return (one > other) - (one < other);
}

static void measure_trips(struct wn_selftest *test)
{
	struct trips trips = {.test = test};
	const struct wn_memory_hooks hooks = {.context = &trips, .next = next_trip, .take = take_trip};
	const struct wn_runtime_params params = {.program = "echo", .device = test->device, .links = {"memory:"},
						 .link_count = 1, .hooks = &hooks};
	struct wn_runtime *runtime = wn_runtime_create(&params, NULL);

	if (runtime && !wn_runtime_start(runtime, NULL))
		for (int ms = 0; ms < TRIP_MS && !wn_runtime_wait(runtime, 100); ms += 100)
			continue;
	if (runtime)
		wn_runtime_stop(runtime);
	wn_runtime_destroy(runtime);
	qsort(test->trips, test->trip_count, sizeof(test->trips[0]), compare);
}

/* -- the command -- */

static void find_summary(struct wn_selftest *test)
{
	static struct wn_device_summary list[DEVICES_MAX];
	const int count = wn_device_list(list, DEVICES_MAX);
	const size_t kind = strcspn(test->device, ":,"), whole = strcspn(test->device, ",");

	for (int i = count < DEVICES_MAX ? count - 1 : DEVICES_MAX - 1; i >= 0; i--)
		if (!strncmp(list[i].spec, test->device, kind) && strcspn(list[i].spec, ":") == kind &&
		    (kind == whole || !list[i].spec[kind] ||
		     (strlen(list[i].spec) == whole && !strncmp(list[i].spec, test->device, whole))))
			test->summary = list[i];
}

int wn_selftest_status(const struct wn_selftest *test)
{
	if (!test->is_available)
		return WN_UNAVAILABLE;
	for (int i = 0; i < WN_SELFTEST_MODES; i++)
		if (test->modes[i].result == WN_SELFTEST_DIFFERENT)
			return WN_FAILED;
	for (uint32_t i = 0; i < test->run_count; i++)
		if (test->runs[i].result == WN_SELFTEST_DIFFERENT || test->runs[i].result == WN_SELFTEST_REFUSED)
			return WN_FAILED;
	return test->trip_count == WN_SELFTEST_TRIPS ? WN_OK : WN_FAILED;
}

/* 0, or -errno: no folder for what programs read. */
static int look(struct wn_selftest *test)
{
	char folder[128];
	int rc;

	find_summary(test);
	try_device(test);
	if (!test->is_available)
		return 0;
	try_modes(test);
	measure_trips(test);
	rc = wn_match_files_create(folder, sizeof(folder));
	if (rc)
		return rc;
	match(test, folder);
	wn_match_files_remove(folder);
	wn_match_finish(&on_cpu);
	wn_match_finish(&on_device);
	return 0;
}

/* What is wrong with the words, before anything is tried: status 2, as `run` has it. */
static int check_device(const struct wn_selftest *test, int *status)
{
	const struct wn_runtime_params params = {.program = "echo", .device = test->device, .links = {"memory:count=1"},
						 .link_count = 1};
	struct wn_error error = {0};
	struct wn_runtime *runtime = wn_runtime_create(&params, &error);

	wn_runtime_destroy(runtime);
	if (runtime || error.status == WN_UNAVAILABLE)
		return 0;
	*status = wn_tool_fail(&wn_command_selftest, &error);
	return -1;
}

static const struct wn_argument arguments_taken[] = {
	{ARGUMENT_DEVICE, 'd', "device", "DEVICE", WN_ARGUMENT_TEXT, 0, 0, "@device",
	 "which one, as `run` takes it (preset: cpu)"},
	{.code = ARGUMENT_JSON, .letter = 'j', .name = "json", .help = "print one JSON document"},
	{.code = 0},
};

static int run_selftest(int argc, char **argv)
{
	static struct wn_selftest test;
	struct wn_arguments arguments;
	int code, is_json = 0, status;

	test.device = "cpu";
	wn_arguments_init(&arguments, &wn_command_selftest, argc, argv);
	while ((code = wn_arguments_next(&arguments)) > 0) {
		if (code == ARGUMENT_JSON)
			is_json = 1;
		else
			test.device = arguments.text;
	}
	if (code < 0)
		return arguments.status;
	if (arguments.operand < argc)
		return wn_tool_usage(&wn_command_selftest, "'%s': takes no operand; say --device", argv[arguments.operand]);
	if (check_device(&test, &status))
		return status;
	if (look(&test)) {
		const struct wn_error error = {WN_FAILED, "cannot write the files that programs read: is $TMPDIR full?"};

		return wn_tool_fail(&wn_command_selftest, &error);
	}
	if (is_json)
		wn_selftest_print_json(&test);
	else
		wn_selftest_print(&test);
	return wn_tool_finish_output(&wn_command_selftest, wn_selftest_status(&test));
}

const struct wn_command wn_command_selftest = {
	.name = "selftest",
	.operands = "[option...]",
	.summary = "whether a device does what the cpu device does, on one page for a report",
	.arguments = arguments_taken,
	.notes = "Exit status: 0 as it should be, 1 something differs, 69 the device is not there.",
	.examples = "warpnic selftest --device opencl\nwarpnic selftest --device metal > report.txt",
	.run = run_selftest,
};
