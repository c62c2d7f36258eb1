/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One packet in some thousand is followed on its way through a queue, by the clocks of the pumps:
 *
 *     arrival --pickup--> received --device--> verdict seen --send--> sent, or counted
 *
 * Never more than one at a time. The receive pump chooses it, marks its slot (WN_SLOT_TIMED: the cpu
 * device's lanes time it, too) and hands it over; the transmit pump ends it and hands back.
 *
 *   begun     written by the receive pump    read by transmit    release (B)   acquire (G)
 *   ended     written by the transmit pump   read by receive     release (N)   acquire (O)
 *
 *   (B)->(G)  position and times are written when the transmit pump sees that there is one. It is stored
 *             before `admitted` (A), so it is seen before the packet is.
 *   (N)->(O)  the transmit pump reads them no more when they are overwritten.
 */
#ifndef WN_FOLLOW_H
#define WN_FOLLOW_H

#include "clock.h"
#include "lane/times.h"
#include "ring/layout.h"

enum wn_follow_stage {
	WN_FOLLOW_WHOLE,
	WN_FOLLOW_PICKUP,
	WN_FOLLOW_DEVICE,
	WN_FOLLOW_SEND,
	WN_FOLLOW_STAGES
};

/* A packet weighs 1 and a burst 64; one is followed each time that much has gone by. */
enum { WN_FOLLOW_BURST_WEIGHT = 64, WN_FOLLOW_WEIGHT = 4096 };

struct wn_follow {
	uint32_t is_off;
	uint32_t weight;               /* since the last one (receive pump) */
	uint32_t begun;                /* (receive pump) */
	uint32_t position;
	uint64_t arrival_ns;
	uint64_t received_ns;
	uint32_t ended __attribute__((aligned(WN_LINE_BYTES))); /* (transmit pump, as all that follows) */
	uint64_t seen_ns;
	struct wn_times stages[WN_FOLLOW_STAGES];
};

/* What arrived longer ago than this did not arrive here: it is a capture's time. */
#define WN_FOLLOW_OLDEST_NS (60 * WN_SECOND_NS)

/*
 * The receive pump's, before it publishes `count` slots from `first` on. Which of a burst it is goes
 * round, so that the first of a burst, which waits least, is not preferred.
 */
static inline void wn_follow_begin(struct wn_follow *follow, const struct wn_ring_view *view, uint32_t first,
				   uint32_t count)
{
	uint32_t position;
	struct wn_slot *slot;
	int64_t now;

	follow->weight += WN_FOLLOW_BURST_WEIGHT + count;
	if (follow->weight < WN_FOLLOW_WEIGHT || follow->is_off)
		return;
	if (wn_load_acquire(&follow->ended) != follow->begun) /* (O) */
		return;
	position = first + (follow->begun * 37 + first) % count;
	slot = &view->slots[position & view->slot_mask];
	now = wn_clock_ns();
	follow->weight = 0;
	if (now - (int64_t)slot->arrival_ns > WN_FOLLOW_OLDEST_NS || now < (int64_t)slot->arrival_ns)
		return;
	slot->flags |= WN_SLOT_TIMED;
	follow->position = position;
	follow->arrival_ns = slot->arrival_ns;
	follow->received_ns = (uint64_t)now;
	wn_store_release(&follow->begun, follow->begun + 1); /* (B) */
}

/* The transmit pump's, when it sees verdicts for `count` slots from `first` on. 1: one of them is it. */
static inline int wn_follow_see(struct wn_follow *follow, uint32_t first, uint32_t count)
{
	if (wn_load_acquire(&follow->begun) == follow->ended) /* (G) */
		return 0;
	if (follow->position - first >= count)
		return 0;
	follow->seen_ns = (uint64_t)wn_clock_ns();
	return 1;
}

/* And when they have been carried out. */
static inline void wn_follow_end(struct wn_follow *follow)
{
	const uint64_t now = (uint64_t)wn_clock_ns();

	wn_times_add(&follow->stages[WN_FOLLOW_WHOLE], now - follow->arrival_ns, 1);
	wn_times_add(&follow->stages[WN_FOLLOW_PICKUP], follow->received_ns - follow->arrival_ns, 1);
	wn_times_add(&follow->stages[WN_FOLLOW_DEVICE], follow->seen_ns - follow->received_ns, 1);
	wn_times_add(&follow->stages[WN_FOLLOW_SEND], now - follow->seen_ns, 1);
	wn_store_release(&follow->ended, follow->ended + 1); /* (N) */
}

#endif
