/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A group's hold on one ring, where many groups serve it and looking at a shared word is dear.
 *
 * Block k of WN_BLOCK_SLOTS slots is group k mod group_count's, as in lane/port_ring.h. But `published`
 * lies across a bus: one reader sees it a microsecond after it was written, sixteen readers take
 * tens. So exactly one group at a time looks at it: the one whose block holds the frontier, the next
 * slot to be published. The others look at a mirror in the device's own memory, which that group
 * writes once its block is full; with that store it hands the right to look, and to write the
 * mirror, to the owner of the next block. A single packet on its way meets no mirror at all.
 *
 *   word               written by                        read by          write        read
 *   mirror.published   the group at the frontier         other groups     release (M)  acquire (N)
 *   mirror.closed      the group at the frontier         other groups     release (M)  acquire (N)
 *   mirror.leave       the group at the frontier         other groups     release (M)  acquire (N)
 *
 *   (M)->(N)  device scope. The frontier's group has acquired `published` from the host (D), so what
 *             the host wrote before happens before what a group does that sees the mirror: causality
 *             is transitive over scopes that include both sides (PTX ISA, causality order). Without
 *             it: a group runs on half a packet.
 *   The mirror never goes back: a group writes it only while its own block is the frontier's, and the
 *   next group can be there only after having read that value.
 *
 * Where the words themselves lie in device memory (the host writes them through a mapping), every group
 * looks at them directly and there is no mirror.
 *
 * All lanes of a group hold the same wn_group_port and call these functions together.
 */
#ifndef WN_LANE_GROUP_PORT_H
#define WN_LANE_GROUP_PORT_H

#include "lane/group_launch.h"
#include "ring/order.h"

struct wn_group_port {
	WN_STAGED const struct wn_group_queue *queue;
	uint32_t position;      /* the next slot that is this group's */
	uint32_t group_count;
	uint32_t seen;          /* published, when last looked */
	uint32_t last;          /* of the slot before it: length << 8 and flags; 0: not known */
	uint32_t final;
	uint32_t is_closed;
	uint32_t leave;
	uint32_t looks;
};

WN_FN void wn_group_port_init(WN_PRIVATE struct wn_group_port *port,
			      WN_STAGED const struct wn_group_queue *queue, uint32_t position,
			      uint32_t group_count)
{
	port->queue = queue;
	port->position = position;
	port->group_count = group_count;
	port->seen = wn_group_block_first(position) - 1;
	port->last = 0;
	port->final = 0;
	port->is_closed = 0;
	port->leave = 0;
	port->looks = 0;
}

/* So many looks out of these are at `latest` alone: three lines take longer to come than one. */
enum { WN_LOOKS_ALONE = 8 };

/* Lanes 0, 1, 2 look at one word each; then all lanes know all three. */
WN_FN void wn_group_take(WN_PRIVATE struct wn_group_port *port, uint64_t mine,
			 WN_GLOBAL const uint32_t *final)
{
	wn_group_barrier();
	port->seen = wn_group_shuffle((uint32_t)(mine >> 32), 0);
	port->last = wn_group_shuffle((uint32_t)mine, 0);
	port->is_closed = wn_group_shuffle((uint32_t)mine, 1);
	port->leave = wn_group_shuffle((uint32_t)mine, 2);
	if (WN_UNLIKELY(port->is_closed)) {
		port->final = *final;
		port->seen = port->final;
		port->last = 0;
	}
}

/* Tells the groups behind. */
WN_FN void wn_group_tell(WN_PRIVATE const struct wn_group_port *port)
{
	WN_GLOBAL struct wn_group_mirror *mirror = port->queue->mirror;

	if (wn_group_lane() == 0) {
		if (port->leave)
			wn_store_release_device(&mirror->leave, 1); /* (M) */
		if (port->is_closed) {
			mirror->final = port->final;
			wn_store_release_device(&mirror->closed, 1); /* (M) */
		}
		wn_store_release_device(&mirror->published, port->seen); /* (M) */
	}
	wn_group_barrier();
}

WN_FN void wn_group_look_at_mirror(WN_PRIVATE struct wn_group_port *port)
{
	WN_GLOBAL struct wn_group_mirror *mirror = port->queue->mirror;
	const uint32_t lane = wn_group_lane();
	uint64_t mine = 0;

	if (lane < 3)
		mine = wn_load_acquire_device(lane == 0 ? &mirror->published
					      : lane == 1 ? &mirror->closed : &mirror->leave); /* (N) */
	wn_group_take(port, lane ? mine : mine << 32, &mirror->final);
}

WN_FN void wn_group_look_at_words(WN_PRIVATE struct wn_group_port *port)
{
	WN_GLOBAL struct wn_ring_words *words = port->queue->view.words;
	const uint32_t lane = wn_group_lane();
	const uint32_t wanted = port->looks++ % WN_LOOKS_ALONE ? 1 : 3;
	WN_GLOBAL const uint64_t *looked_at = &words->latest;
	uint64_t mine = 0;

	/* One instruction for all three, or they would wait for each other. `final` and a pad come along. */
	if (lane == 1)
		looked_at = (WN_GLOBAL const uint64_t *)&words->closed;
	else if (lane == 2)
		looked_at = (WN_GLOBAL const uint64_t *)port->queue->leave;
	if (lane < wanted)
		mine = wn_load_acquire64(looked_at); /* (D) (E) */
	if (lane == 2)
		mine = wanted > 2 && (uint32_t)mine >= port->queue->leave_from;
	wn_group_take(port, mine, &words->final);
}

/* Slots that are there, from port->position on, to the end of the block at most. */
WN_FN uint32_t wn_group_peek(WN_PRIVATE struct wn_group_port *port)
{
	const uint32_t first = wn_group_block_first(port->position);
	const uint32_t end = first + WN_BLOCK_SLOTS;
	uint32_t available;

	if (port->queue->mirror) {
		if ((int32_t)(port->seen - first) < 0)
			wn_group_look_at_mirror(port);
		/* Now, or since we looked last, our block holds the frontier. */
		if (!port->is_closed && (int32_t)(port->seen - first) >= 0 &&
		    (int32_t)(port->seen - port->position) <= 0) {
			wn_group_look_at_words(port);
			if ((int32_t)(port->seen - end) >= 0 || port->is_closed || port->leave)
				wn_group_tell(port);
		}
	} else if ((int32_t)(port->seen - port->position) <= 0) {
		wn_group_look_at_words(port);
	}
	if ((int32_t)(port->seen - port->position) <= 0)
		return 0;
	available = (int32_t)(port->seen - end) >= 0 ? end - port->position
						     : port->seen - port->position;
	return available;
}

/* Goes on to the next slot of this group, `count` of this block later. */
WN_FN void wn_group_retire(WN_PRIVATE struct wn_group_port *port, uint32_t count)
{
	port->position += count;
	if (count && port->position % WN_BLOCK_SLOTS == 0)
		port->position += (port->group_count - 1) * (uint32_t)WN_BLOCK_SLOTS;
}

/* Whether the ring is closed and nothing of this group's is left in it. */
WN_FN uint32_t wn_group_finished(WN_PRIVATE const struct wn_group_port *port)
{
	return port->is_closed && (int32_t)(port->position - port->final) >= 0;
}

/* A slot does not hold its position: the group stays there for good; the host stops the queue. */
WN_FN void wn_group_report_corrupt(WN_GLOBAL struct wn_ring_words *words, uint32_t position)
{
	wn_store_relaxed(&words->corrupt_position, position);
	wn_store_release(&words->corrupt, 1); /* (X) */
}

#endif
