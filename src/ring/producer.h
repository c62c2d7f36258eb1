/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The receive pump's side of the ring: reserve free slots, fill them, publish, close.
 * One thread a ring. Letters are those of layout.h.
 */
#ifndef WN_RING_PRODUCER_H
#define WN_RING_PRODUCER_H

#include "ring/copy.h"
#include "ring/ring.h"

struct wn_producer {
	const struct wn_ring_view *view;
	uint32_t published;     /* ours */
	uint32_t released_seen; /* the transmit pump's cursor when we last looked */
	const uint32_t *released;
	const struct wn_ring_copy *copy; /* the device reads this one; NULL: the ring itself */
};

static inline void wn_producer_init(struct wn_producer *producer, const struct wn_ring *ring)
{
	producer->view = &ring->view;
	producer->released = &ring->released;
	producer->copy = NULL;
	producer->published = 0;
	producer->released_seen = 0;
}

/*
 * Slots, up to `wanted`, that may be filled now, from position producer->published on. They are
 * ours until they are published. Looks at the other side's cursor only when the ring seems to hold
 * fewer than wanted.
 */
static inline uint32_t wn_producer_reserve(struct wn_producer *producer, uint32_t wanted)
{
	const uint32_t slot_count = producer->view->slot_mask + 1;
	uint32_t free_count = slot_count - (producer->published - producer->released_seen);

	if (free_count < wanted) {
		producer->released_seen = wn_load_acquire(producer->released); /* (F) */
		free_count = slot_count - (producer->published - producer->released_seen);
	}
	return free_count < wanted ? free_count : wanted;
}

/* Makes the next `count` reserved and filled slots visible to the device. */
static inline void wn_producer_publish(struct wn_producer *producer, uint32_t count)
{
	const struct wn_ring_view *view = producer->view;
	const struct wn_slot *last = &view->slots[(producer->published + count - 1) & view->slot_mask];
	const uint64_t latest = wn_latest(producer->published + count, last->length, last->flags);

	if (producer->copy) {
		wn_ring_copy_slots(producer->copy, view, producer->published, count);
		wn_ring_copy_publish(producer->copy, latest);
	}
	producer->published += count;
	wn_store_release(&view->words->published, producer->published); /* (P) */
	wn_store_release64(&view->words->latest, latest);               /* (P) */
}

/* Says that nothing more will come. The final count goes first, the flag carries it. */
static inline void wn_producer_close(struct wn_producer *producer)
{
	if (producer->copy)
		wn_ring_copy_close(producer->copy, producer->published);
	wn_store_relaxed(&producer->view->words->final, producer->published);
	wn_store_release(&producer->view->words->closed, 1); /* (C) */
}

#endif
