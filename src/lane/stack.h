/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lane's own network stack: what makes a datagram program out of frames.
 *
 *   ethernet.h  ->  arp.h                  answered here
 *               ->  ipv4.h, ipv6.h  ->  icmp.h   echo and neighbour solicitation: answered here
 *                                   ->  udp.h    the program sees the payload, and its reply is
 *                                                wrapped in headers in the slot it came in
 *
 * Everything else is dropped, with the cause. A datagram that is forwarded or delivered is the frame
 * it came in.
 */
#ifndef WN_LANE_STACK_H
#define WN_LANE_STACK_H

#include "lane/icmp.h"
#include "lane/packet.h"
#include "lane/udp.h"

/*
 * Looks at a frame. 0: a datagram of *length bytes for the program. WN_REPLY: the answer was built in
 * place, frame->length bytes. Else the code with which it is dropped.
 */
WN_FN uint32_t wn_stack_receive(WN_PRIVATE struct wn_frame *frame, WN_PRIVATE uint32_t *length)
{
	const uint32_t type = wn_ethernet_parse(frame);
	uint32_t protocol = 0, code;

	if (!type)
		return WN_CODE_SHORT;
	if (!frame->identity || !wn_ethernet_is_ours(frame))
		return WN_CODE_NOT_OURS;
	if (frame->bytes[6] & 1) /* a group never sends */
		return WN_CODE_BAD_SOURCE;
	if (type == WN_TYPE_ARP)
		return wn_arp_answer(frame);
	if (type != WN_TYPE_IPV4 && type != WN_TYPE_IPV6)
		return WN_CODE_UNSUPPORTED;
	code = type == WN_TYPE_IPV4 ? wn_ipv4_parse(frame, &protocol) : wn_ipv6_parse(frame, &protocol);
	if (code)
		return code;
	if (protocol == WN_PROTOCOL_UDP)
		return wn_udp_parse(frame, length);
	if (protocol == (frame->family == 4 ? WN_PROTOCOL_ICMP : WN_PROTOCOL_ICMPV6))
		return wn_icmp_answer(frame);
	return WN_CODE_UNSUPPORTED;
}

/* Narrows the view of a frame to its datagram. */
WN_FN void wn_stack_show(WN_PRIVATE struct wn_packet *packet, WN_PRIVATE const struct wn_frame *frame,
			 uint32_t length)
{
	const uint32_t payload = frame->transport + WN_UDP_BYTES;

	packet->bytes = frame->bytes + payload;
	packet->length = length;
	packet->wire_length = length;
	packet->room = frame->room - payload;
	packet->look = (uint32_t)wn_program_look_bytes;
	packet->flags &= ~(uint32_t)(WN_SLOT_FRAME | WN_SLOT_IPV6);
	packet->flags |= frame->family == 6 ? (uint32_t)WN_SLOT_IPV6 : 0u;
	packet->peer_staged = frame->bytes + frame->network + (frame->family == 4 ? 12 : 8);
	packet->peer_port = wn_get16(frame->bytes + frame->transport);
	packet->local_port = wn_get16(frame->bytes + frame->transport + 2);
}

/*
 * Before a datagram program runs on a frame: narrows the view to the datagram. 0, or the code with which it is over:
 * WN_REPLY where the stack itself has answered with frame->length bytes, or that of a drop.
 */
WN_FN uint32_t wn_stack_before(WN_PRIVATE struct wn_packet *packet, WN_PRIVATE struct wn_frame *frame,
			       WN_GLOBAL const struct wn_identity *identity, WN_PRIVATE uint32_t *length)
{
	uint32_t code;

	if (packet->flags & WN_SLOT_TRUNCATED)
		return WN_CODE_TRUNCATED;
	frame->bytes = packet->bytes;
	frame->identity = identity;
	frame->length = packet->length;
	frame->room = packet->room;
	frame->flags = packet->flags;
	code = wn_stack_receive(frame, length);
	packet->changed = code == WN_REPLY;
	if (!code)
		wn_stack_show(packet, frame, *length);
	return code;
}

/* After it: what becomes of the frame of `received` bytes. Code and length as in a verdict word, without the lap. */
WN_FN uint32_t wn_stack_after(WN_PRIVATE struct wn_packet *packet, WN_PRIVATE struct wn_frame *frame, uint32_t word,
			      uint32_t received)
{
	if (wn_verdict_code(word) == WN_CODE_RECORD)
		return word;
	if (wn_verdict_code(word) != WN_REPLY)
		return wn_verdict_word(0, wn_verdict_code(word), received);
	wn_udp_answer(frame, packet->length);
	packet->changed = 1;
	return wn_verdict_word(0, WN_REPLY, frame->length);
}

/* Runs a datagram program on a frame. Code and length as in a verdict word, without the lap. */
WN_FN uint32_t wn_stack_run(WN_PRIVATE struct wn_packet *packet,
			    WN_GLOBAL const struct wn_identity *identity)
{
	const uint32_t received = packet->length;
	uint32_t length = 0, code;
	struct wn_frame frame;

	code = wn_stack_before(packet, &frame, identity, &length);
	if (code)
		return wn_verdict_word(0, code, code == WN_REPLY ? frame.length : 0);
	return wn_stack_after(packet, &frame, wn_packet_judge(packet, wn_program_run(packet)), received);
}

#endif
