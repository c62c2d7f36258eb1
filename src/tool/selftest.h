/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `warpnic selftest` finds of one device: selftest.c looks, selftest_report.c prints it, on one page that can be
 * pasted into a report.
 */
#ifndef WN_TOOL_SELFTEST_H
#define WN_TOOL_SELFTEST_H

#include "warpnic/runtime.h"

enum {
	WN_SELFTEST_MODES = 3,          /* resident, lease, batch */
	WN_SELFTEST_FACTS = 12,
	WN_SELFTEST_RUNS = 32,
	WN_SELFTEST_PACKETS = 2000,     /* of a run at most; trains: WN_SELFTEST_TRAINS */
	WN_SELFTEST_TRAINS = 200,
	WN_SELFTEST_TRIPS = 200
};

enum wn_selftest_result {
	WN_SELFTEST_SAME,               /* as on the cpu device, byte for byte */
	WN_SELFTEST_DIFFERENT,
	WN_SELFTEST_REFUSED,            /* it could not begin, or did not come to its end */
	WN_SELFTEST_LEFT_OUT            /* this build has not what the program needs */
};

/* A mode: whether the device takes it, and whether it holds. Asked for one by one. */
struct wn_selftest_mode {
	enum wn_selftest_result result;
	char text[400];                 /* what the device is then, or why not */
};

struct wn_selftest_run {
	const char *program, *shape;
	uint64_t packets;
	enum wn_selftest_result result;
	char text[256];                 /* what differs, or why not */
};

struct wn_selftest {
	const char *device;             /* as it was asked for */
	struct wn_device_summary summary; /* of the list; spec "" where it is not there */
	int is_available;               /* it starts, in the mode that it chooses */
	char failure[1024];             /* why not */
	char name[400];                 /* as the runtime has it, in that mode */
	enum wn_mode mode;
	struct wn_selftest_mode modes[WN_SELFTEST_MODES];
	struct wn_device_fact facts[WN_SELFTEST_FACTS];
	uint32_t fact_count;
	int64_t trips[WN_SELFTEST_TRIPS]; /* ns of a packet there and back, in order of length */
	uint32_t trip_count;
	struct wn_selftest_run runs[WN_SELFTEST_RUNS];
	uint32_t run_count;
};

/* WN_OK where all that ran was as on the cpu device, and the mode chosen holds; else WN_FAILED or WN_UNAVAILABLE. */
int wn_selftest_status(const struct wn_selftest *test);

void wn_selftest_print(const struct wn_selftest *test);
void wn_selftest_print_json(const struct wn_selftest *test);

#endif
