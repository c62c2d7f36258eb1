/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The transmit pump: take the verdicts in order, have them carried out (settle.c), release the
 * slots.
 */
#include "queue.h"

#include <string.h>

#include "settle.h"

void wn_transmit_init(struct wn_queue *queue)
{
	memset(&queue->transmit, 0, sizeof(queue->transmit));
	wn_consumer_init(&queue->transmit.consumer, &queue->ring);
}

static void show_finished(struct wn_queue *queue, uint64_t finished)
{
	queue->transmit.values[WN_TX_FINISHED] += finished;
	wn_counter_block_write(&queue->transmit_block, queue->transmit.values, WN_TX_COUNT);
}

static int is_empty(const struct wn_queue *queue)
{
	return wn_load_acquire(&queue->receive_done) &&
	       queue->transmit.consumer.released == wn_load_relaxed(&queue->admitted);
}

uint32_t wn_transmit_burst(struct wn_queue *queue)
{
	struct wn_transmit_side *side = &queue->transmit;
	const uint32_t limit = wn_load_acquire(&queue->admitted); /* (L) */
	uint64_t finished;
	uint32_t run = 0, count;
	int is_followed;

	if (WN_UNLIKELY(side->late_count)) {
		finished = wn_settle_late(queue, is_empty(queue));
		if (finished)
			show_finished(queue, finished);
	}

	/* The commonest end needs no look at anything: what was dropped in a row is only counted. */
	if (!queue->trains)
		run = wn_consumer_run_of(&side->consumer, limit, WN_DROP, WN_BURST_MAX);
	count = wn_consumer_peek(&side->consumer, limit, run, side->words, WN_BURST_MAX - run);
	if (!run && !count)
		return 0;
	is_followed = wn_follow_see(&queue->follow, side->consumer.released, run + count);
	wn_settle_drop(queue, WN_CAUSE_PROGRAM, run);
	finished = run + wn_settle_burst(queue, side->consumer.released + run, count);
	count += run;
	show_finished(queue, finished);
	wn_consumer_retire(&side->consumer, count);
	if (is_followed)
		wn_follow_end(&queue->follow);
	return count;
}

int wn_transmit_is_drained(const struct wn_queue *queue)
{
	return !queue->transmit.late_count && is_empty(queue);
}

void wn_transmit_abandon(struct wn_queue *queue)
{
	struct wn_transmit_side *side = &queue->transmit;
	const uint32_t limit = wn_load_acquire(&queue->admitted);
	uint32_t packets = 0;

	for (uint32_t at = side->consumer.released; at != limit; at++)
		packets += wn_settle_packets_in(queue, at & queue->ring.view.slot_mask);
	wn_settle_drop(queue, WN_CAUSE_DEVICE_STOPPED, packets);
	side->late_until_ns = 1; /* no time left */
	show_finished(queue, packets + (side->late_count ? wn_settle_late(queue, 1) : 0));
	wn_consumer_retire(&side->consumer, limit - side->consumer.released);
}
