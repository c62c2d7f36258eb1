/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the lanes of the cpu device note of the packets that the receive pump has chosen
 * (WN_SLOT_TIMED): some in a thousand, so that nobody else pays for it.
 *
 * Included by entry.c in front of the loop, whose three marks it fills. A look at the clock takes
 * longer than many programs do, so what it takes is measured and taken off.
 */
#ifndef WN_DEVICE_CPU_TIMING_H
#define WN_DEVICE_CPU_TIMING_H

#include "lane/times.h"

enum wn_cpu_stage {
	WN_CPU_WHOLE,          /* from arrival until the verdict was stored */
	WN_CPU_WAIT,           /* from arrival until a lane took the packet */
	WN_CPU_PROGRAM,        /* until the program had returned */
	WN_CPU_PUBLISH,        /* until its verdict was stored */
	WN_CPU_STAGES
};

/* One lane's. Written by its thread only. */
struct wn_cpu_times {
	struct wn_times stages[WN_CPU_STAGES];
	uint64_t seen_ns, judged_ns;
	uint64_t look_ns;      /* what a look at the clock takes */
};

#ifdef WN_NATIVE_ENTRY

static inline uint64_t wn_lane_now_ns(void);

static inline uint64_t wn_timing_less(uint64_t value, uint64_t look)
{
	return value > look ? value - look : 0;
}

/* The packet is answered: nobody waits for this any more. */
static __attribute__((noinline)) void wn_timing_end(struct wn_cpu_times *times, const struct wn_slot *slot)
{
	const uint64_t end = wn_lane_now_ns();
	const uint64_t wait = times->seen_ns > slot->arrival_ns ? times->seen_ns - slot->arrival_ns : 0;
	const uint64_t program = wn_timing_less(times->judged_ns - times->seen_ns, times->look_ns);
	const uint64_t publish = wn_timing_less(end - times->judged_ns, times->look_ns);

	wn_times_add(&times->stages[WN_CPU_WAIT], wait, slot->segment_count);
	wn_times_add(&times->stages[WN_CPU_PROGRAM], program, slot->segment_count);
	wn_times_add(&times->stages[WN_CPU_PUBLISH], publish, slot->segment_count);
	wn_times_add(&times->stages[WN_CPU_WHOLE], wait + program + publish, slot->segment_count);
}

#define WN_TIMED(port, slot) (WN_UNLIKELY((slot)->flags & WN_SLOT_TIMED) && (port)->times)
#define WN_LOOP_SEEN(port, slot)                                                                           \
	if (WN_TIMED(port, slot))                                                                          \
	((struct wn_cpu_times *)(port)->times)->seen_ns = wn_lane_now_ns()
#define WN_LOOP_JUDGED(port, slot)                                                                         \
	if (WN_TIMED(port, slot))                                                                          \
	((struct wn_cpu_times *)(port)->times)->judged_ns = wn_lane_now_ns()
#define WN_LOOP_ANSWERED(port, slot)                                                                       \
	if (WN_TIMED(port, slot))                                                                          \
	wn_timing_end((struct wn_cpu_times *)(port)->times, slot)

#endif

#endif
