/* SPDX-License-Identifier: Apache-2.0 */
/* What IPv4 and IPv6 have in common for the transports above them. */
#ifndef WN_LANE_IP_H
#define WN_LANE_IP_H

#include "lane/ipv4.h"
#include "lane/ipv6.h"

enum { WN_PROTOCOL_ICMP = 1, WN_PROTOCOL_UDP = 17, WN_PROTOCOL_ICMPV6 = 58 };

/* Whether the packet is to one of our addresses, not to a group that we are in. */
WN_FN uint32_t wn_ip_is_to_us(WN_PRIVATE const struct wn_frame *frame)
{
	return frame->family == 4 || wn_is_our_ipv6(frame, frame->network + 24);
}

/* Whether an answer has somewhere to go: not to the unspecified address. */
WN_FN uint32_t wn_ip_has_source(WN_PRIVATE const struct wn_frame *frame)
{
	return frame->family == 4 || !wn_ipv6_is_unspecified(frame->bytes + frame->network + 8);
}

/* The sum of the pseudo header; addresses may have been swapped, which does not change it. */
WN_FN uint64_t wn_ip_pseudo_sum(WN_PRIVATE const struct wn_frame *frame, uint32_t protocol,
				uint32_t length)
{
	return frame->family == 4 ? wn_ipv4_pseudo_sum(frame, protocol, length)
				  : wn_ipv6_pseudo_sum(frame, protocol, length);
}

/*
 * Takes IPv4 options or extension headers out of the packet, so that the transport header, with
 * `length` bytes from it on, stands right behind the fixed header.
 */
WN_FN void wn_ip_close_gap(WN_PRIVATE struct wn_frame *frame, uint32_t length)
{
	const uint32_t header = frame->family == 4 ? (uint32_t)WN_IPV4_BYTES : (uint32_t)WN_IPV6_BYTES;
	const uint32_t fixed = frame->network + header;

	if (frame->transport == fixed)
		return;
	wn_move_down(frame->bytes + fixed, frame->bytes + frame->transport, length);
	frame->transport = fixed;
}

/* Writes Ethernet and IP headers of the answer; `length` bytes from the transport header on. */
WN_FN void wn_ip_answer(WN_PRIVATE struct wn_frame *frame, uint32_t protocol, uint32_t length)
{
	wn_ethernet_answer(frame);
	if (frame->family == 4)
		wn_ipv4_answer(frame, length);
	else
		wn_ipv6_answer(frame, protocol, length);
	frame->length = frame->transport + length;
}

#endif
