/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One packet's run: makes the view that the program sees, runs it, and turns what it returns into
 * the one code and length that go into the verdict word.
 */
#ifndef WN_LANE_PACKET_H
#define WN_LANE_PACKET_H

#include "ring/layout.h"
#include "warpnic/program.h"

/* Code and length as in a verdict word, without the lap. */
WN_FN uint32_t wn_packet_judge(WN_PRIVATE const struct wn_packet *packet, uint32_t verdict)
{
	if (WN_UNLIKELY(packet->fault))
		return wn_verdict_word(0, WN_CODE_FAULT, 0);
	if (verdict == WN_DELIVER && packet->record_length)
		return wn_verdict_word(0, WN_CODE_RECORD, packet->record_length);
	if (WN_UNLIKELY(packet->flags & WN_SLOT_TRUNCATED) && verdict != WN_DELIVER)
		return wn_verdict_word(0, WN_CODE_TRUNCATED, 0);
	if (verdict <= WN_FORWARD || (verdict >= WN_FORWARD_LINK && verdict < WN_CODE_COUNT))
		return wn_verdict_word(0, verdict, packet->length);
	return wn_verdict_word(0, WN_CODE_BAD_VERDICT, 0);
}

/*
 * The view of a packet that has a slot to itself: `slot` is the lane's copy of it, `look` what the program
 * looks at.
 */
WN_FN void wn_packet_of_slot(WN_PRIVATE struct wn_packet *packet,
			     WN_GLOBAL struct wn_peer *peers, uint32_t index,
			     WN_PRIVATE const struct wn_slot *slot, uint32_t slot_bytes, uint32_t look,
			     WN_STAGED uint8_t *bytes, WN_STAGED uint8_t *record, WN_PRIVATE uint64_t *counts,
			     WN_PRIVATE const struct wn_program_data *data)
{
	const uint32_t large = slot->length > (uint32_t)WN_ROOM_BYTES ? slot->length : (uint32_t)WN_ROOM_BYTES;
	WN_GLOBAL const struct wn_peer *peer = &peers[index];

	packet->bytes = bytes;
	packet->record = record;
	packet->peer = peer->address;
	packet->peer_staged = 0;
	packet->counts = counts;
	packet->data = data;
	packet->stream = 0;
	packet->length = slot->length;
	packet->room = slot_bytes < large ? slot_bytes : large;
	packet->look = look;
	packet->changed = 0;
	packet->wire_length = slot->wire_length;
	packet->flags = slot->flags;
	packet->index = slot->index;
	packet->record_length = 0;
	packet->fault = 0;
	packet->peer_port = peer->port;
	packet->local_port = 0;
	packet->arrival_ns = slot->arrival_ns;
}

/*
 * Narrows the view of a whole train to segment i. A segment's room is the segment: the next one starts
 * right behind it.
 */
WN_FN void wn_packet_narrow(WN_PRIVATE struct wn_packet *packet, uint32_t segment_bytes, uint32_t i,
			    uint32_t result_bytes)
{
	const uint32_t offset = i * segment_bytes;
	const uint32_t left = packet->length - offset;

	packet->bytes += offset;
	packet->record += (uint64_t)i * result_bytes;
	packet->length = left < segment_bytes ? left : segment_bytes;
	packet->room = packet->length;
	packet->wire_length = packet->length;
	packet->index += i;
}

#endif
