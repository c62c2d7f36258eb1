/* SPDX-License-Identifier: Apache-2.0 */
/* The page that `warpnic selftest` prints: at most 60 lines of 80 columns, without the name of the machine. */
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "bench_commit.h"
#include "device/device.h"
#include "tool/json.h"
#include "tool/selftest.h"
#include "warpnic/status.h"

enum { COLUMNS = 80, MARGIN = 16, LINES_OF_A_TEXT = 3, REASONS_MAX = 8 };

static const char *const result_names[] = {"same", "DIFFERENT", "refused", "left out"};

/* A name and what belongs to it, in a few lines at most; what is longer is cut. */
static void row(const char *name, const char *text)
{
	const int width = COLUMNS - MARGIN;

	for (int line = 1; line == 1 || (*text && line <= LINES_OF_A_TEXT); line++) {
		int count = (int)strlen(text);

		if (count > width) {
			for (count = width; count > 0 && text[count] != ' '; count--)
				continue;
			count = count ? count : width;
		}
		printf("%-*s%.*s\n", MARGIN, line == 1 ? name : "", count, text);
		text += count;
		text += strspn(text, " ");
	}
}

static const char *verdict(const struct wn_selftest *test, char *text, size_t bytes)
{
	uint32_t same = 0, left_out = 0;

	if (!test->is_available) {
		snprintf(text, bytes, "NOT AVAILABLE: %s", test->failure);
		return text;
	}
	for (uint32_t i = 0; i < test->run_count; i++) {
		same += test->runs[i].result == WN_SELFTEST_SAME;
		left_out += test->runs[i].result == WN_SELFTEST_LEFT_OUT;
	}
	snprintf(text, bytes, "%s: %u of %u runs as on the cpu device, byte for byte%s",
		 wn_selftest_status(test) == WN_OK ? "PASSED" : "FAILED", same, test->run_count - left_out,
		 test->trip_count < WN_SELFTEST_TRIPS ? "; packets that went alone did not all come back" : "");
	return text;
}

static void describe_system(char *text, size_t bytes)
{
	struct utsname system;

	if (uname(&system))
		snprintf(text, bytes, "not known");
	else
		snprintf(text, bytes, "%.30s %.60s, %.20s, %u processor%s, pages of %ld bytes", system.sysname,
			 system.release, system.machine, wn_device_cores(), wn_device_cores() == 1 ? "" : "s",
			 sysconf(_SC_PAGESIZE));
}

static void describe_trips(const struct wn_selftest *test, char *text, size_t bytes)
{
	const uint32_t count = test->trip_count;

	if (!count)
		snprintf(text, bytes, "none of %d packets came back", WN_SELFTEST_TRIPS);
	else
		snprintf(text, bytes, "%.1f us median, %.1f best, %.1f worst of %u packets, each alone",
			 (double)test->trips[count / 2] / 1000, (double)test->trips[0] / 1000,
			 (double)test->trips[count - 1] / 1000, count);
}

static void print_modes(const struct wn_selftest *test)
{
	char text[512];

	for (int i = 0; i < WN_SELFTEST_MODES; i++) {
		const struct wn_selftest_mode *mode = &test->modes[i];

		snprintf(text, sizeof(text), "%s: %s", mode->result == WN_SELFTEST_SAME ? "holds" : result_names[mode->result],
			 mode->text);
		row(wn_mode_name((enum wn_mode)(WN_MODE_RESIDENT + i)), text);
	}
	row("chosen", wn_mode_name(test->mode));
}

void wn_selftest_print(const struct wn_selftest *test)
{
	char text[1200], name[64];
	int reasons = 0;

	snprintf(name, sizeof(name), "warpnic %s, commit %s", WN_VERSION, WN_COMMIT);
	row("selftest", name);
	describe_system(text, sizeof(text));
	row("system", text);
	row("asked for", test->device);
	row("device", test->is_available ? test->name : test->summary.name[0] ? test->summary.name : "-");
	if (test->summary.note[0])
		row("to know", test->summary.note);
	if (test->is_available) {
		print_modes(test);
		for (uint32_t i = 0; i < test->fact_count; i++)
			row(test->facts[i].name, test->facts[i].value);
		describe_trips(test, text, sizeof(text));
		row("there and back", text);
	}
	for (uint32_t i = 0; i < test->run_count; i++) {
		const struct wn_selftest_run *run = &test->runs[i];

		printf("  %-12s%-11s%6llu packets  %s\n", run->program, run->shape, (unsigned long long)run->packets,
		       result_names[run->result]);
		if (run->result != WN_SELFTEST_SAME && reasons++ < REASONS_MAX)
			printf("    %.*s\n", COLUMNS - 4, run->text);
	}
	row("verdict", verdict(test, text, sizeof(text)));
}

static void print_lists_json(struct wn_json *json, const struct wn_selftest *test)
{
	wn_json_object(json, "modes");
	for (int i = 0; test->is_available && i < WN_SELFTEST_MODES; i++) {
		wn_json_object(json, wn_mode_name((enum wn_mode)(WN_MODE_RESIDENT + i)));
		wn_json_text(json, "result", result_names[test->modes[i].result]);
		wn_json_text(json, "text", test->modes[i].text);
		wn_json_end(json);
	}
	wn_json_end(json);
	wn_json_object(json, "facts");
	for (uint32_t i = 0; i < test->fact_count; i++)
		wn_json_text(json, test->facts[i].name, test->facts[i].value);
	wn_json_end(json);
	wn_json_array(json, "runs");
	for (uint32_t i = 0; i < test->run_count; i++) {
		wn_json_object(json, NULL);
		wn_json_text(json, "program", test->runs[i].program);
		wn_json_text(json, "packets_are", test->runs[i].shape);
		wn_json_number(json, "packets", test->runs[i].packets);
		wn_json_text(json, "result", result_names[test->runs[i].result]);
		wn_json_text(json, "text", test->runs[i].text);
		wn_json_end(json);
	}
	wn_json_end(json);
}

void wn_selftest_print_json(const struct wn_selftest *test)
{
	struct wn_json json;
	char text[1200];

	wn_json_init(&json, stdout, 1);
	wn_json_object(&json, NULL);
	wn_json_text(&json, "version", WN_VERSION);
	wn_json_text(&json, "commit", WN_COMMIT);
	describe_system(text, sizeof(text));
	wn_json_text(&json, "system", text);
	wn_json_text(&json, "asked_for", test->device);
	wn_json_bool(&json, "available", test->is_available);
	wn_json_text(&json, "device", test->is_available ? test->name : test->summary.name);
	wn_json_text(&json, "mode", wn_mode_name(test->mode));
	print_lists_json(&json, test);
	wn_json_number(&json, "round_trips", test->trip_count);
	wn_json_number(&json, "round_trip_median_ns", test->trip_count ? (uint64_t)test->trips[test->trip_count / 2] : 0);
	wn_json_text(&json, "verdict", verdict(test, text, sizeof(text)));
	wn_json_end(&json);
	wn_json_finish(&json);
}
