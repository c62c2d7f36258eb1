/* SPDX-License-Identifier: Apache-2.0 */
/* What can run packet programs on this machine. */
#ifndef WARPNIC_DEVICE_H
#define WARPNIC_DEVICE_H

#include <stdint.h>

#include "warpnic/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How the device comes by its packets; docs/architecture.md has the table. */
enum wn_mode {
	WN_MODE_AUTO,
	WN_MODE_RESIDENT,  /* polls the ring until the ring is closed */
	WN_MODE_LEASE,     /* the same, bounded in polls and in time, then armed again */
	WN_MODE_BATCH      /* started on a range of slots; never polls */
};

struct wn_device_summary {
	char spec[64];     /* what --device takes */
	char name[128];
	char modes[64];    /* "resident, lease, batch" */
	uint8_t usable;
	char note[256];    /* why not, or what to know */
};

enum { WN_STAGE_BUCKETS_MAX = 64 };

/*
 * How long packets took in one stage of their way through a device, since it was started. A packet's own
 * stages add up to its whole: `whole` is taken from arrival until the verdict is stored, `wait` is what the
 * others leave of it.
 */
struct wn_stage_times {
	const char *name;      /* "whole", "wait", "stage", "program", "publish" */
	double mean_ns;
	double p50_ns, p99_ns; /* of buckets of a histogram: right to within a factor of two on a GPU, to
				* within an eighth elsewhere; 0: not known */
	uint64_t count;        /* packets */
	double error_ns;       /* of the device's clock against the host's, where both are in it; on the cpu
				* device what a look at the clock takes, which is taken off */
};

/* What a report of a device names beside it: "self-test" "2000 messages, 0 stale words"; "MSL" "3.1". */
struct wn_device_fact {
	char name[24];
	char value[160];
};

/* Fills up to `capacity` entries; returns how many there are. Any thread. */
WN_API int wn_device_list(struct wn_device_summary *list, uint32_t capacity);

/* "auto", "resident", "lease", "batch". A constant. */
WN_API const char *wn_mode_name(enum wn_mode mode);

#ifdef __cplusplus
}
#endif

#endif
