/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the host tells the kernels of the metal device, besides device/opencl/launch.h, whose layout of rings, data and
 * rows they share. Included by both sides: numbers only, and every shared word is 32 bits wide.
 */
#ifndef WN_DEVICE_METAL_LAUNCH_H
#define WN_DEVICE_METAL_LAUNCH_H

#include "device/opencl/launch.h"

/* Which buffer is what to a kernel; the same numbers stand in entry.metal. */
enum {
	WN_METAL_MEMORY = 0,   /* batch: the piece; lease: what host and device share while it runs */
	WN_METAL_LAUNCH = 1,   /* struct wn_cl_launch */
	WN_METAL_DATA = 2,     /* parameters, tables, store, file */
	WN_METAL_CELLS = 3,
	WN_METAL_ROWS = 4,     /* one a lane; zeros at the start of a launch */
	WN_METAL_RANGE = 5,    /* struct wn_metal_range, or wn_metal_lease */
	WN_METAL_SHARED = 6,   /* lease: struct wn_metal_shared */
	WN_METAL_SCRATCH = 7,  /* lease: a ring of one slot a lane, which nobody else sees */
	WN_METAL_STATE = 8     /* lease: struct wn_metal_state */
};

/* Batch: positions [first, first + count) of the piece. */
struct wn_metal_range {
	uint32_t queue, first, count;
};

/* Lease: its number, and how many looks it may take. */
struct wn_metal_lease {
	uint32_t number, turns;
};

/*
 * The first bytes of what is shared while a lease runs; the twins of the rings follow. Written by the host, read by
 * leaders through coherent loads.
 */
struct wn_metal_words {
	uint32_t over;         /* leases up to this number shall end */
	uint32_t pad[31];
};

/* Lease: where the twins are in that memory, and how far it is from one lane's scratch slot to the next. */
struct wn_metal_shared {
	uint32_t scratch_bytes;
	uint32_t reserved[3];
	struct wn_cl_ring rings[WN_CL_QUEUES_MAX];
};

/*
 * Lease: what one hands to the next; the device's while any is under way, the host's while none is. Not shared while it
 * runs, so command buffers' boundaries are order enough.
 */
struct wn_metal_state {
	uint32_t positions[WN_CL_QUEUES_MAX]; /* the next slot of each queue */
	uint32_t lost[WN_CL_QUEUES_MAX];      /* 1: a slot did not hold its position; the queue stands still */
};

/* What the leader says to its lanes. */
struct wn_metal_share {
	uint32_t count, position, is_over, reserved;
};

WN_STATIC_ASSERT(sizeof(struct wn_metal_words) == WN_LINE_BYTES, words_of_a_lease_are_a_line);

#endif
