/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device's side of the packet ring: one group's hold on one ring.
 *
 * Blocks of WN_BLOCK_SLOTS slots go to the groups in turn: group g begins with block g and goes on
 * in steps of group_count blocks, so groups need no claim and no word between them. A group
 * remembers nothing but its next position, which a lease hands on to the next one; it cannot be
 * computed from a cursor, because positions wrap at 2^32, which need not be a whole number of rounds. Letters are those of ring/layout.h.
 */
#ifndef WN_LANE_PORT_RING_H
#define WN_LANE_PORT_RING_H

#include "ring/layout.h"
#include "ring/order.h"

struct wn_port {
	struct wn_ring_view view;
	uint32_t position;     /* the next slot that is this group's */
	uint32_t group_count;
	WN_PRIVATE void *times; /* where a device notes what timed packets took; 0: nowhere */
};

WN_FN void wn_port_init(WN_PRIVATE struct wn_port *port, WN_PRIVATE const struct wn_ring_view *view,
			uint32_t group, uint32_t group_count)
{
	port->view = *view;
	port->position = group * (uint32_t)WN_BLOCK_SLOTS;
	port->group_count = group_count;
	port->times = 0;
}

/* Slots that are there, from port->position on, to the end of the block at most. */
WN_FN uint32_t wn_port_peek(WN_PRIVATE const struct wn_port *port)
{
	const uint32_t published = wn_load_acquire(&port->view.words->published); /* (D) */
	const int32_t available = (int32_t)(published - port->position);
	const uint32_t block = WN_BLOCK_SLOTS - port->position % WN_BLOCK_SLOTS;

	if (available <= 0)
		return 0;
	return (uint32_t)available < block ? (uint32_t)available : block;
}

/* Answers one slot: the last thing the group does with it. */
WN_FN void wn_port_answer(WN_PRIVATE const struct wn_port *port, uint32_t position, uint32_t word)
{
	wn_store_release(&port->view.verdicts[position & port->view.slot_mask], word); /* (V) */
}

/* Goes on to the next slot of this group, `count` of this block later. */
WN_FN void wn_port_retire(WN_PRIVATE struct wn_port *port, uint32_t count)
{
	port->position += count;
	if (count && port->position % WN_BLOCK_SLOTS == 0)
		port->position += (port->group_count - 1) * (uint32_t)WN_BLOCK_SLOTS;
}

/* Whether the ring is closed and nothing of this group's is left in it. */
WN_FN uint32_t wn_port_finished(WN_PRIVATE const struct wn_port *port)
{
	if (!wn_load_acquire(&port->view.words->closed)) /* (E) */
		return 0;
	return (int32_t)(port->position - wn_load_relaxed(&port->view.words->final)) >= 0;
}

/* Reports that a slot does not hold the position it should; the host stops the queue. */
WN_FN void wn_port_report_corrupt(WN_PRIVATE const struct wn_port *port, uint32_t position)
{
	wn_store_relaxed(&port->view.words->corrupt_position, position);
	wn_store_release(&port->view.words->corrupt, 1); /* (X) */
}

#endif
