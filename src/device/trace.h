/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which bytes of its packet a program touches: for `warpnic trace`, on the cpu device with trace=on, which
 * compiles the program with WN_TRACE. One lane at a time: batch mode and one queue.
 */
#ifndef WN_DEVICE_TRACE_H
#define WN_DEVICE_TRACE_H

#include "warpnic/types.h"

enum { WN_TRACED_BYTES_MAX = 65536 };

enum {
	WN_MARK_READ = 1,
	WN_MARK_WRITTEN = 2
};

/* Written by the lane; read and cleared by the owner between two packets. */
struct wn_trace {
	uint32_t runs;                  /* of the program since it was cleared */
	uint32_t length;                /* bytes that the program saw at its start */
	uint32_t is_outside;            /* 1: it asked for more than there is; the first time: */
	uint32_t outside_offset, outside_count, outside_end;
	uint8_t marks[WN_TRACED_BYTES_MAX];
};

#ifdef WN_TRACE

static struct wn_trace wn_trace;

static inline void wn_trace_mark(uint32_t offset, uint32_t count, uint8_t mark)
{
	for (uint32_t i = 0; i < count && offset + i < WN_TRACED_BYTES_MAX; i++)
		wn_trace.marks[offset + i] |= mark;
}

static inline void wn_trace_outside(uint32_t offset, uint32_t count, uint32_t end)
{
	if (wn_trace.is_outside)
		return;
	wn_trace.is_outside = 1;
	wn_trace.outside_offset = offset;
	wn_trace.outside_count = count;
	wn_trace.outside_end = end;
}

#define WN_TRACE_READ(offset, count) wn_trace_mark(offset, count, WN_MARK_READ)
#define WN_TRACE_WRITE(offset, count) wn_trace_mark(offset, count, WN_MARK_WRITTEN)
#define WN_TRACE_OUTSIDE(offset, count, end) wn_trace_outside(offset, count, end)

#endif

/* The trace of a runtime whose device keeps one; NULL where it does not. The owner's call. */
struct wn_runtime;
struct wn_trace *wn_runtime_trace(struct wn_runtime *runtime);

#endif
