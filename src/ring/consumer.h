/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The transmit pump's side of the ring: look at the verdicts that are there, retire their slots.
 * One thread a ring. Letters are those of layout.h.
 */
#ifndef WN_RING_CONSUMER_H
#define WN_RING_CONSUMER_H

#include "ring/ring.h"

struct wn_consumer {
	const struct wn_ring_view *view;
	uint32_t released;      /* ours */
	uint32_t *released_shown;/* where the receive pump sees it */
};

static inline void wn_consumer_init(struct wn_consumer *consumer, struct wn_ring *ring)
{
	consumer->view = &ring->view;
	consumer->released_shown = &ring->released;
	consumer->released = 0;
}

/*
 * Copies the verdict words of the next answered slots, up to `wanted`, and returns how many there
 * are, in order from position consumer->released + skip on. Stops at the first slot without an
 * answer. `skip` slots, seen to be answered already, are passed over.
 *
 * `limit` is the receive pump's private count of published slots: a word further on is not an
 * answer, whatever a device wrote there.
 */
static inline uint32_t wn_consumer_peek(const struct wn_consumer *consumer, uint32_t limit,
					uint32_t skip, uint32_t *words, uint32_t wanted)
{
	const struct wn_ring_view *view = consumer->view;
	uint32_t count = limit - consumer->released - skip;

	if (count > wanted)
		count = wanted;
	for (uint32_t i = 0; i < count; i++) {
		const uint32_t position = consumer->released + skip + i;
		const uint32_t word = wn_load_acquire(&view->verdicts[position & view->slot_mask]); /* (T) */

		if (wn_verdict_lap(word) != wn_lap(position, view->slot_shift))
			return i;
		words[i] = word;
	}
	return count;
}

/*
 * How many of the next answered slots carry `code`, up to `wanted` and no further than `limit`;
 * nothing else of their words is looked at. Two or three instructions a word, for the code that needs
 * nothing done: a burst of packets that were dropped.
 */
static inline uint32_t wn_consumer_run_of(const struct wn_consumer *consumer, uint32_t limit,
					  uint32_t code, uint32_t wanted)
{
	const struct wn_ring_view *view = consumer->view;
	const uint32_t first = consumer->released & view->slot_mask;
	const uint32_t to_wrap = view->slot_mask + 1 - first; /* the lap changes there */
	const uint32_t expected =
		wn_verdict_word(wn_lap(consumer->released, view->slot_shift), code, 0) >> 16;
	uint32_t *verdicts = view->verdicts + first;
	uint32_t count = limit - consumer->released, done = 0;

	if (count > wanted)
		count = wanted;
	if (count > to_wrap)
		count = to_wrap;
	while (done < count && wn_load_acquire(&verdicts[done]) >> 16 == expected) /* (T) */
		done++;
	return done;
}

/* Gives the next `count` slots back to the receive pump; nothing of them may be used any more. */
static inline void wn_consumer_retire(struct wn_consumer *consumer, uint32_t count)
{
	consumer->released += count;
	wn_store_release(consumer->released_shown, consumer->released); /* (R) */
}

#endif
