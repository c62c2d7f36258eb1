/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In builds with AddressSanitizer: while a program runs, all is poisoned that is near its packet and not
 * its packet. So a view that lets a byte too many through is found, and not only where it leaves a trace in
 * what comes out.
 *
 *   - the headroom in front of the frame, and the segments of a train before this one
 *   - everything from the packet's length to the end of its slot, until the packet is made longer
 *   - frames and records of the slots behind it that this group has still to serve: nobody else looks at
 *     those meanwhile, as they are published and not answered (ring/layout.h)
 *
 * Where the device drives, a packet has its frame to itself: what is behind it. Of a connection: what is behind the
 * bytes so far in its frame, or its window.
 *
 * Included by entry.c in front of the loop, which runs the program through wn_guarded_run().
 */
#ifndef WN_DEVICE_CPU_GUARD_H
#define WN_DEVICE_CPU_GUARD_H

#include <sanitizer/asan_interface.h>
#include <string.h>

#include "lane/drive.h"
#include "lane/port_ring.h"
#include "warpnic/program.h"

/* What the thread serves just now: one of them. */
static _Thread_local const struct wn_port *wn_guard_port;
static _Thread_local const struct wn_drive_view *wn_guard_pool;

struct wn_guard_range {
	uint8_t *first;
	uint8_t *end;       /* behind the last */
};

enum { WN_GUARD_RANGES = 4 };

/* Slots behind `index`, without a turn of the ring, that this group has still to serve. */
static uint32_t wn_guard_later(const struct wn_port *port, uint32_t index)
{
	const uint32_t done = (index - port->position) & port->view.slot_mask;
	const uint32_t available = wn_port_peek(port);
	const uint32_t left = available > done ? available - done - 1 : 0;

	return left < port->view.slot_mask - index ? left : port->view.slot_mask - index;
}

static void wn_guard_find(const struct wn_packet *packet, struct wn_guard_range *ranges)
{
	const struct wn_port *port = wn_guard_port;
	const struct wn_ring_view *view = &port->view;
	const uint32_t index = (uint32_t)((uint64_t)(packet->bytes - view->frames) / view->frame_stride);
	const uint32_t later = wn_guard_later(port, index);
	const uint64_t results = (uint64_t)view->segments_max * view->result_bytes;
	uint8_t *frame = view->frames + wn_frame_offset(index, view->frame_stride);

	ranges[0] = (struct wn_guard_range){frame - WN_HEADROOM_BYTES, frame};
	ranges[1] = (struct wn_guard_range){packet->bytes + packet->length,
					    frame - WN_HEADROOM_BYTES +
						    (uint64_t)(later + 1) * view->frame_stride};
	ranges[2] = (struct wn_guard_range){view->results + (index + 1) * results,
					    view->results + (index + 1 + later) * results};
	ranges[3] = (struct wn_guard_range){frame, packet->flags & WN_SLOT_TRAIN ? packet->bytes : frame};
}

static void wn_guard_find_frame(const struct wn_packet *packet, struct wn_guard_range *ranges)
{
	const struct wn_drive_view *view = wn_guard_pool;
	const uint64_t frame = (uint64_t)(packet->bytes - view->frames) >> view->frame_shift;
	uint8_t *end = view->frames + ((frame + 1) << view->frame_shift);

	memset(ranges, 0, WN_GUARD_RANGES * sizeof(*ranges));
	if (packet->stream)
		end = packet->bytes + packet->room;
	ranges[0] = (struct wn_guard_range){packet->bytes + packet->length, end};
}

static uint32_t wn_guarded_run(struct wn_packet *packet)
{
	struct wn_guard_range ranges[WN_GUARD_RANGES];
	uint32_t verdict;

	if (wn_guard_port)
		wn_guard_find(packet, ranges);
	else
		wn_guard_find_frame(packet, ranges);
	for (int i = 0; i < WN_GUARD_RANGES; i++)
		if (ranges[i].end > ranges[i].first)
			ASAN_POISON_MEMORY_REGION(ranges[i].first, (size_t)(ranges[i].end - ranges[i].first));
	verdict = wn_program_run(packet);
	for (int i = 0; i < WN_GUARD_RANGES; i++)
		if (ranges[i].end > ranges[i].first)
			ASAN_UNPOISON_MEMORY_REGION(ranges[i].first, (size_t)(ranges[i].end - ranges[i].first));
	return verdict;
}

#endif
