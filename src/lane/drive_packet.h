/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One packet's run where the device drives: from a frame of the pool to the view that the program
 * sees, and from its verdict to what is done with the frame.
 */
#ifndef WN_LANE_DRIVE_PACKET_H
#define WN_LANE_DRIVE_PACKET_H

#include "lane/drive.h"
#include "lane/packet.h"
#include "lane/stack.h"

/* The view of a packet that lies in a frame; bytes and record are the caller's to place. */
WN_FN void wn_drive_packet(WN_PRIVATE struct wn_packet *packet, WN_STAGED const struct wn_drive_view *view,
			   WN_PRIVATE const struct wn_drive_item *item, uint32_t index, uint64_t arrival_ns,
			   WN_PRIVATE uint64_t *counts, WN_PRIVATE const struct wn_program_data *data)
{
	const uint32_t frame_bytes = 1u << view->frame_shift;
	const uint32_t room = frame_bytes - (uint32_t)(item->offset & (frame_bytes - 1));

	packet->peer = item->peer ? item->peer : view->frames;
	packet->peer_staged = 0;
	packet->counts = counts;
	packet->data = data;
	packet->stream = 0;
	packet->length = item->length;
	packet->room = room < (uint32_t)WN_ROOM_BYTES ? room : (uint32_t)WN_ROOM_BYTES;
	packet->look = (uint32_t)wn_program_look_bytes;
	packet->changed = 0;
	packet->wire_length = item->wire_length;
	packet->flags = item->flags;
	packet->index = index;
	packet->record_length = 0;
	packet->fault = 0;
	packet->peer_port = item->peer_port;
	packet->local_port = 0;
	packet->arrival_ns = arrival_ns;
}

/* Code and length as in a verdict word, without the lap. */
WN_FN uint32_t wn_drive_run(WN_PRIVATE struct wn_packet *packet, WN_GLOBAL const struct wn_identity *identity)
{
	if (((uint32_t)wn_program_kind & (uint32_t)WN_ANY) == (uint32_t)WN_DATAGRAM && (packet->flags & WN_SLOT_FRAME))
		return wn_stack_run(packet, identity);
	return wn_packet_judge(packet, wn_program_run(packet));
}

/* Whether the device itself sends what has this verdict: a reply, or out of the link it came from. */
WN_FN uint32_t wn_drive_sends(WN_STAGED const struct wn_drive_view *view, uint32_t code)
{
	return code == WN_REPLY || (code == WN_FORWARD && view->link_count == 1) ||
	       code == WN_FORWARD_LINK + view->own_link;
}

/* Whether the device writes it to its own file. */
WN_FN uint32_t wn_drive_files(WN_STAGED const struct wn_drive_view *view, uint32_t code)
{
	return view->file.block_bytes && (code == WN_DELIVER || code == WN_CODE_RECORD);
}

/* Whether the host carries it out. */
WN_FN uint32_t wn_drive_hands_over(WN_STAGED const struct wn_drive_view *view, uint32_t code)
{
	return ((code == WN_DELIVER || code == WN_CODE_RECORD) && !view->file.block_bytes) ||
	       ((code == WN_FORWARD || code >= WN_FORWARD_LINK) && !wn_drive_sends(view, code));
}

/* Under which enum wn_drive_value a verdict that is neither is counted. */
WN_FN uint32_t wn_drive_drop_value(uint32_t code)
{
	return (uint32_t)WN_DRIVE_DROPPED +
	       (code < (uint32_t)WN_DRIVE_CODES ? code : (uint32_t)WN_CODE_BAD_VERDICT);
}

/* Describes what is handed over in slot `position` of the handover ring, all but its bytes and its word. */
WN_FN void wn_drive_describe(WN_STAGED const struct wn_ring_view *ring, uint32_t position,
			     WN_PRIVATE const struct wn_packet *packet)
{
	WN_GLOBAL struct wn_slot *slot = &ring->slots[position & ring->slot_mask];

	slot->position = position + 1;
	slot->flags = packet->flags;
	slot->length = packet->length;
	slot->wire_length = packet->wire_length;
	slot->index = packet->index;
	slot->segment_bytes = 0;
	slot->segment_count = 1;
	slot->arrival_ns = packet->arrival_ns;
}

#endif
