/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the host tells the kernels of lane/items.h, here and on the metal device. Included by both sides, so it holds numbers only: a kernel's argument may hold no
 * pointer but to one memory object (OpenCL C 3.0, 6.11), so everything is an offset into one of them.
 */
#ifndef WN_DEVICE_OPENCL_LAUNCH_H
#define WN_DEVICE_OPENCL_LAUNCH_H

#include "ring/layout.h"

enum {
	WN_CL_QUEUES_MAX = 64,
	WN_CL_PARTS_MAX = 64            /* groups that share a queue, in resident and lease mode */
};

/* The twin of a queue, or one piece of it: offsets from the start of `memory`. */
struct wn_cl_ring {
	uint64_t words, verdicts, slots, peers, segments, results, frames;
	uint32_t slot_mask;
	uint32_t slot_shift;
	uint32_t slot_bytes;
	uint32_t frame_stride;
	uint32_t segments_max;
	uint32_t result_bytes;
	struct wn_identity identity;
};

/* Launch constants. */
struct wn_cl_launch {
	uint64_t parameters, tables, store, file; /* offsets from the start of `data` */
	uint64_t store_bytes, file_bytes, cell_count;
	uint32_t parameter_count, table_count;
	uint32_t queue_count;
	uint32_t part_count;            /* of each queue; part p serves blocks p, p + part_count, ... */
	uint32_t row_words;             /* 32-bit words from one row to the next */
	uint32_t reserved;
	struct wn_cl_ring rings[WN_CL_QUEUES_MAX];
};

/*
 * What host and a running kernel say to each other besides the rings; fine-grained SVM.
 *
 *   word         written by         read by
 *   over         host               leaders      leases up to this number shall end
 *   leave        host               leaders      1: leave after the batch in hand
 *   alive        leaders            host         a count of launches that have begun, one a group
 *   positions    leaders            host, after a launch's end
 *   lost         lanes              leaders      1: a slot did not hold its position; the part stands still
 */
struct wn_cl_state {
	uint32_t over;
	uint8_t pad_over[WN_LINE_BYTES - 4];
	uint32_t leave;
	uint8_t pad_leave[WN_LINE_BYTES - 4];
	uint32_t alive[WN_CL_QUEUES_MAX * WN_CL_PARTS_MAX];
	uint32_t positions[WN_CL_QUEUES_MAX * WN_CL_PARTS_MAX];
	uint32_t lost[WN_CL_QUEUES_MAX * WN_CL_PARTS_MAX];
};

/*
 * A row: what one lane has counted, in 32-bit words: begin, end, then a low and a high word for each of
 * wn_lane_words. The host may look while the lane writes: the lane raises `begin`, stores the words, raises `end`, each
 * store a release; whoever reads `end`, the words and `begin`, each load an acquire, and finds both the same, has
 * seen no word of a later time and all words of this one.
 */
enum { WN_CL_ROW_HEAD = 2 };

WN_STATIC_ASSERT(sizeof(struct wn_cl_ring) == 256, ring_of_opencl_is_256_bytes);

#endif
