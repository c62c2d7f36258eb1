/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a device still answers: the heartbeat is the verdict words themselves.
 *
 * Watched is the oldest slot without a verdict, not the newest: where one group of many does not come back,
 * the others go on and answer what was published behind its packet, until the ring is full. Any thread of
 * the host may look, a few times for each patience; nothing is written to the ring by that. And what becomes of
 * the packets that a device had when it stopped.
 */
#ifndef WN_DEVICE_WATCH_H
#define WN_DEVICE_WATCH_H

#include "ring/layout.h"
#include "ring/order.h"
#include "warpnic/verdict.h"

/* What was last seen of a queue. Zeroed at first, and after each new start of its device. */
struct wn_watch {
	uint32_t published;     /* then */
	uint32_t mark;          /* every slot before it has its verdict */
	int64_t since_ns;       /* since when the mark has stood on a slot without one; 0: it does not */
};

static inline int wn_watch_is_answered(const struct wn_ring_view *view, uint32_t position)
{
	const uint32_t word = wn_load_acquire(&view->verdicts[position & view->slot_mask]); /* (T) */

	return wn_verdict_lap(word) == wn_lap(position, view->slot_shift);
}

/*
 * One look. Whether the ring has owed the same answer for longer than patience_ns. A look that finds half a
 * ring published since the last one only moves the mark, so that a busy ring costs two loads.
 */
static inline int wn_watch_ring(struct wn_watch *watch, const struct wn_ring_view *view, int64_t now_ns,
				int64_t patience_ns)
{
	const uint32_t published = wn_load_acquire(&view->words->published), slots = view->slot_mask + 1;
	const uint32_t gained = published - watch->published;
	uint32_t mark = watch->mark;

	watch->published = published;
	if (watch->since_ns && published - mark <= slots && !wn_watch_is_answered(view, mark))
		return now_ns - watch->since_ns > patience_ns;
	watch->since_ns = 0;
	if (published - mark > slots)
		mark = watch->mark = published - slots;
	if (gained > slots / 2)
		return 0;
	while (mark != published && wn_watch_is_answered(view, mark))
		mark++;
	watch->mark = mark;
	if (mark != published)
		watch->since_ns = now_ns;
	return 0;
}

/*
 * Gives every slot in front of `published` that has no verdict its last one, `device stopped`. The caller is the
 * device's successor as the writer of verdict words: nothing of it runs any more. Returns how many there were.
 */
static inline uint32_t wn_watch_settle(const struct wn_ring_view *view, uint32_t published)
{
	uint32_t count = 0;

	for (uint32_t left = view->slot_mask + 1; left; left--) {
		const uint32_t position = published - left;

		if (wn_watch_is_answered(view, position))
			continue;
		wn_store_release(&view->verdicts[position & view->slot_mask],
				 wn_verdict_word(wn_lap(position, view->slot_shift), WN_CODE_STOPPED, 0)); /* (V) */
		count++;
	}
	return count;
}

#endif
