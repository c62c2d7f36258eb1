/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A uring link whose device stands still, at the end or because it is dead: what it had not shown is counted by the
 * entries of the rings, what it held goes back to the kernel, and every frame is found.
 */
#include "link/uring.h"

#include <stdlib.h>

#include "clock.h"
#include "lane/port_uring.h"
#include "ring/order.h"

#define DRAIN_NS (100 * WN_MILLISECOND_NS)

static struct wn_uring_queue *queue_of(struct wn_link *link, uint32_t queue)
{
	struct wn_uring *uring = link->state;

	return &uring->queues[queue];
}

/* -- entries of the rings -- */

static uint32_t kind_of(uint64_t user_data)
{
	return (uint32_t)(user_data >> 56);
}

static int is_send(uint64_t user_data)
{
	return kind_of(user_data) != WN_URING_RECEIVE && kind_of(user_data) != WN_URING_WRITE;
}

/* Entries of the sq from `at` to `end` that send something. */
static uint32_t count_sends(const struct wn_drive_view *view, uint32_t at, uint32_t end)
{
	uint32_t count = 0;

	for (; at != end; at++)
		count += (uint32_t)is_send(wn_uring_sqe_at(view, at)->user_data);
	return count;
}

/* Entries of the cq from `at` to `end` that brought a packet. */
static uint32_t count_packets(const struct wn_drive_view *view, uint32_t at, uint32_t end)
{
	uint32_t count = 0;

	for (; at != end; at++) {
		const struct wn_uring_cqe *entry = wn_uring_cqe_at(view, at);

		count += kind_of(entry->user_data) == WN_URING_RECEIVE && (entry->flags & WN_URING_CQE_BUFFER);
	}
	return count;
}

/* The frame of an entry of the cq, or UINT32_MAX: it has none, or one that the kernel cannot have meant. */
static uint32_t frame_of(const struct wn_drive_view *view, const struct wn_uring_cqe *entry)
{
	uint32_t frame = (uint32_t)entry->user_data;

	if (kind_of(entry->user_data) == WN_URING_WRITE)
		return UINT32_MAX;
	if (kind_of(entry->user_data) == WN_URING_RECEIVE)
		frame = entry->flags & WN_URING_CQE_BUFFER ? entry->flags >> WN_URING_CQE_BUFFER_SHIFT : UINT32_MAX;
	return frame < view->frame_count ? frame : UINT32_MAX;
}

/* Sends that the kernel had an error for, which no device has taken. */
static uint32_t count_refused(const struct wn_drive_view *view)
{
	const uint32_t end = wn_load_acquire(view->uring.cq.producer); /* (C) */
	uint32_t count = 0;

	for (uint32_t at = wn_load_acquire(view->uring.cq.consumer); at != end; at++) {
		const struct wn_uring_cqe *entry = wn_uring_cqe_at(view, at);

		count += is_send(entry->user_data) && entry->res < 0;
	}
	return count;
}

/*
 * What the device did after it last showed its counts: the entries are still there, for they are overwritten only by
 * as many again as the rings have.
 */
static void count_unshown(const struct wn_drive_view *view, struct wn_drive_cursors *cursors)
{
	const uint64_t *shown = view->words->values;
	const uint32_t cq = wn_load_acquire(view->uring.cq.consumer), sq = wn_load_acquire(view->uring.sq.producer);
	const uint32_t from_cq = (uint32_t)shown[WN_DRIVE_CQ_CURSOR], from_sq = (uint32_t)shown[WN_DRIVE_SQ_CURSOR];

	cursors->cq = cq;
	cursors->sq = sq;
	cursors->taken = (uint32_t)(shown[WN_DRIVE_TAKEN] + shown[WN_DRIVE_BAD_ARRIVALS]);
	cursors->sent = (uint32_t)(shown[WN_DRIVE_ANSWERED] + shown[WN_DRIVE_FORWARDED]);
	cursors->unsent = count_sends(view, wn_load_acquire(view->uring.sq.consumer), sq) + count_refused(view);
	if (cq - from_cq <= view->uring.cq.mask)
		cursors->taken += count_packets(view, from_cq, cq);
	if (sq - from_sq <= view->uring.sq.mask)
		cursors->sent += count_sends(view, from_sq, sq);
}

/* Marks the frames of entries of the cq that nobody has taken. Of packets or of what was sent. */
static uint32_t mark_untaken(const struct wn_drive_view *view, int of_packets, uint8_t *seen, uint32_t *twice)
{
	const uint32_t end = wn_load_acquire(view->uring.cq.producer); /* (C) */
	uint32_t count = 0;

	for (uint32_t at = wn_load_acquire(view->uring.cq.consumer); at != end; at++) {
		const struct wn_uring_cqe entry = *wn_uring_cqe_at(view, at);
		const int is_packet = kind_of(entry.user_data) == WN_URING_RECEIVE;
		const uint32_t frame = is_packet ? entry.flags >> WN_URING_CQE_BUFFER_SHIFT : (uint32_t)entry.user_data;

		if (is_packet != of_packets || (is_packet ? !(entry.flags & WN_URING_CQE_BUFFER) : !is_send(entry.user_data)))
			continue;
		if (frame >= view->frame_count || seen[frame])
			++*twice;
		else
			seen[frame] = 1;
		count++;
	}
	return count;
}

/* The same of entries of the sq that the kernel has not taken. */
static uint32_t mark_unsent(const struct wn_drive_view *view, uint8_t *seen, uint32_t *twice)
{
	const uint32_t end = wn_load_acquire(view->uring.sq.producer);
	uint32_t count = 0;

	for (uint32_t at = wn_load_acquire(view->uring.sq.consumer); at != end; at++) {
		const uint64_t user_data = wn_uring_sqe_at(view, at)->user_data;

		if (!is_send(user_data))
			continue;
		if ((uint32_t)user_data >= view->frame_count || seen[(uint32_t)user_data])
			++*twice;
		else
			seen[(uint32_t)user_data] = 1;
		count++;
	}
	return count;
}

/* And of buffers that the kernel has not taken. -errno where the kernel does not tell. */
static int mark_buffers(const struct wn_uring_ring *ring, const struct wn_drive_view *view, uint8_t *seen,
			uint32_t *twice)
{
	const int taken = wn_uring_ring_buffers_taken(ring);
	const uint16_t end = view->uring.buffers->tail;
	int count = 0;

	if (taken < 0)
		return taken;
	for (uint16_t at = (uint16_t)taken; at != end; at++, count++) {
		const uint32_t frame = view->uring.buffers[at & view->uring.buffer_mask].bid;

		if (frame >= view->frame_count || seen[frame])
			++*twice;
		else
			seen[frame] = 1;
	}
	return count;
}

/*
 * The kernel has no request any more: whatever is free and not among the buffers, or to be sent and not on the cq, was
 * given back by a device that died before it showed so.
 */
static void give_lost(const struct wn_uring_ring *ring, const struct wn_drive_view *view)
{
	uint8_t *seen = calloc(view->frame_count, 1);
	uint32_t twice = 0;

	if (seen && mark_buffers(ring, view, seen, &twice) >= 0) {
		mark_untaken(view, 1, seen, &twice);
		mark_untaken(view, 0, seen, &twice);
		wn_uring_give_all(view, WN_FRAME_FREE, seen);
		wn_uring_give_all(view, WN_FRAME_SENDING, seen);
	}
	free(seen);
}

static uint32_t count_state(const struct wn_drive_view *view, uint8_t state)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < view->frame_count; i++)
		count += view->states[i] == state;
	return count;
}

/*
 * Entries that the device had taken and not given back when it died: up to the last one whose frame is not as that
 * of a waiting one. They are given back; their frames are the device's. What it was about to do with them was
 * not shown to the kernel (lane/port_uring.h: first the cq, then the others).
 */
static void drop_batch(const struct wn_drive_view *view)
{
	const uint32_t first = wn_load_acquire(view->uring.cq.consumer);
	const uint32_t end = wn_load_acquire(view->uring.cq.producer); /* (C) */
	uint32_t next = first;

	for (uint32_t at = first; at != end; at++) {
		const struct wn_uring_cqe *entry = wn_uring_cqe_at(view, at);
		const uint32_t frame = frame_of(view, entry);
		const uint8_t waits = kind_of(entry->user_data) == WN_URING_RECEIVE ? WN_FRAME_FREE : WN_FRAME_SENDING;

		if (frame != UINT32_MAX && view->states[frame] != waits)
			next = at + 1;
	}
	for (uint32_t at = first; at != next; at++) {
		const uint32_t frame = frame_of(view, wn_uring_cqe_at(view, at));

		if (frame != UINT32_MAX)
			view->states[frame] = WN_FRAME_DEVICE;
	}
	wn_store_release(view->uring.cq.consumer, next); /* (F) */
}

/* Frames that the device held are free again; the receive is a new one, whatever had become of the other. */
void wn_uring_settle(struct wn_link *link, uint32_t queue, struct wn_drive_cursors *cursors)
{
	struct wn_uring_queue *own = queue_of(link, queue);
	const struct wn_uring_ring *ring = &own->ring;
	struct wn_drive_view view = {.kind = 0};
	int is_drained;

	wn_uring_view(link->state, own, &view);
	drop_batch(&view);
	is_drained = !wn_uring_ring_drain(ring, DRAIN_NS);
	if (is_drained)
		give_lost(ring, &view);
	count_unshown(&view, cursors);
	cursors->filed = wn_uring_file_settle(&view, is_drained);
	wn_uring_give_all(&view, WN_FRAME_DEVICE, NULL);
	ring->uring_words->free_count = count_state(&view, WN_FRAME_FREE);
	ring->uring_words->receive = WN_URING_CANCELLED;
	if (!own->is_closing)
		wn_uring_arm(&view);
}

void wn_uring_census(struct wn_link *link, uint32_t queue, struct wn_census *census)
{
	const struct wn_uring_queue *own = queue_of(link, queue);
	const struct wn_uring_ring *ring = &own->ring;
	struct wn_drive_view view = {.kind = 0};
	uint8_t *seen = calloc(ring->frame_count, 1);
	int fill;

	if (!seen)
		return;
	wn_uring_view(link->state, own, &view);
	census->frames += view.frame_count;
	census->rx += mark_untaken(&view, 1, seen, &census->twice);
	census->completion += mark_untaken(&view, 0, seen, &census->twice);
	census->tx += mark_unsent(&view, seen, &census->twice);
	fill = mark_buffers(ring, &view, seen, &census->twice);
	if (fill > 0)
		census->fill += (uint32_t)fill;
	for (uint32_t i = 0; i < view.frame_count; i++) {
		if (seen[i])
			continue;
		/* Before Linux 6.8 nobody tells which buffers are taken: none is, once nothing is received. */
		if (fill < 0 && view.states[i] == WN_FRAME_FREE)
			census->fill++;
		else if (view.states[i] == WN_FRAME_DEVICE)
			census->device++;
		else
			census->kernel++;
	}
	census->bad_entries += ring->words->values[WN_DRIVE_BAD_ARRIVALS] + ring->words->values[WN_DRIVE_BAD_RETURNS];
	free(seen);
}
