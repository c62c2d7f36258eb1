/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IPv6 (RFC 8200).
 *
 *   0            4      6     7     8           24          40
 *   | v,tc,flow  | plen | next| hop | from (16) | to (16)   | [extension headers]
 */
#ifndef WN_LANE_IPV6_H
#define WN_LANE_IPV6_H

#include "lane/checksum.h"
#include "lane/ethernet.h"
#include "warpnic/verdict.h"

enum {
	WN_IPV6_BYTES = 40,
	WN_IPV6_EXTENSIONS_MAX = 8,
	WN_HOP_LIMIT = 64,
	WN_NEXT_HOP_BY_HOP = 0,
	WN_NEXT_ROUTING = 43,
	WN_NEXT_FRAGMENT = 44,
	WN_NEXT_DESTINATION = 60
};

WN_FN uint32_t wn_is_our_ipv6(WN_PRIVATE const struct wn_frame *frame, uint32_t offset)
{
	for (uint32_t i = 0; i < frame->identity->ipv6_count && i < WN_ADDRESSES_MAX; i++)
		if (wn_equal_bytes(frame->bytes + offset, frame->identity->ipv6[i], 16))
			return 1;
	return 0;
}

/* ff02::1:ffXX:XXXX of one of our addresses (RFC 4291 section 2.7.1). */
WN_FN uint32_t wn_is_our_solicited_node(WN_PRIVATE const struct wn_frame *frame, uint32_t offset)
{
	WN_STAGED const uint8_t *to = frame->bytes + offset;

	if (to[0] != 0xff || to[1] != 0x02 || to[11] != 1 || to[12] != 0xff)
		return 0;
	for (uint32_t i = 2; i < 11; i++)
		if (to[i])
			return 0;
	for (uint32_t i = 0; i < frame->identity->ipv6_count && i < WN_ADDRESSES_MAX; i++)
		if (wn_equal_bytes(to + 13, frame->identity->ipv6[i] + 13, 3))
			return 1;
	return 0;
}

WN_FN uint32_t wn_ipv6_is_unspecified(WN_STAGED const uint8_t *address)
{
	uint32_t any = 0;

	for (uint32_t i = 0; i < 16; i++)
		any |= address[i];
	return !any;
}

/* ::1 */
WN_FN uint32_t wn_ipv6_is_loopback(WN_STAGED const uint8_t *address)
{
	uint32_t any = 0;

	for (uint32_t i = 0; i < 15; i++)
		any |= address[i];
	return !any && address[15] == 1;
}

/*
 * Walks the extension headers from `at` on. Returns 0 with frame->transport and *next set, or the
 * code with which the packet is dropped. The chain is bounded.
 */
WN_FN uint32_t wn_ipv6_walk(WN_PRIVATE struct wn_frame *frame, uint32_t at, WN_PRIVATE uint32_t *next)
{
	for (uint32_t i = 0; i <= WN_IPV6_EXTENSIONS_MAX; i++) {
		if (*next == WN_NEXT_FRAGMENT)
			return WN_CODE_FRAGMENT;
		if (*next != WN_NEXT_HOP_BY_HOP && *next != WN_NEXT_ROUTING &&
		    *next != WN_NEXT_DESTINATION) {
			frame->transport = at;
			return 0;
		}
		/* Hop-by-hop options only ever come first (RFC 8200 section 4.1). */
		if (*next == WN_NEXT_HOP_BY_HOP && i > 0)
			return WN_CODE_UNSUPPORTED;
		if (frame->end - at < 8)
			return WN_CODE_SHORT;
		if (*next == WN_NEXT_ROUTING && frame->bytes[at + 3] != 0) /* segments left */
			return WN_CODE_UNSUPPORTED;
		*next = frame->bytes[at];
		if (frame->end - at < (frame->bytes[at + 1] + 1u) * 8)
			return WN_CODE_SHORT;
		at += (frame->bytes[at + 1] + 1u) * 8;
	}
	return WN_CODE_UNSUPPORTED;
}

/*
 * Checks the header and finds the transport header. Returns 0, or the code with which the packet is
 * dropped; *protocol is the last next-header value. An unspecified source is left to the caller.
 */
WN_FN uint32_t wn_ipv6_parse(WN_PRIVATE struct wn_frame *frame, WN_PRIVATE uint32_t *protocol)
{
	WN_STAGED const uint8_t *ip = frame->bytes + frame->network;
	const uint32_t there = frame->length - frame->network;

	if (there < WN_IPV6_BYTES)
		return WN_CODE_SHORT;
	if (ip[0] >> 4 != 6)
		return WN_CODE_UNSUPPORTED;
	if (there - WN_IPV6_BYTES < wn_get16(ip + 4))
		return WN_CODE_SHORT;
	if (!wn_is_our_ipv6(frame, frame->network + 24) &&
	    !wn_is_our_solicited_node(frame, frame->network + 24))
		return WN_CODE_NOT_OURS;
	if (ip[8] == 0xff || wn_ipv6_is_loopback(ip + 8) || wn_is_our_ipv6(frame, frame->network + 8))
		return WN_CODE_BAD_SOURCE;
	frame->family = 6;
	frame->end = frame->network + WN_IPV6_BYTES + wn_get16(ip + 4);
	*protocol = ip[6];
	return wn_ipv6_walk(frame, frame->network + WN_IPV6_BYTES, protocol);
}

/* The part of a transport checksum that comes from the addresses (RFC 8200 section 8.1). */
WN_FN uint64_t wn_ipv6_pseudo_sum(WN_PRIVATE const struct wn_frame *frame, uint32_t protocol,
				  uint32_t length)
{
	const uint64_t sum = wn_sum(0, frame->bytes + frame->network + 8, 32);

	return wn_sum_word(wn_sum_word(sum, protocol), length);
}

/*
 * Writes the header of the answer, to the sender, `length` bytes behind the header. Extension headers
 * are dropped: the transport header must stand right behind 40 bytes.
 */
WN_FN void wn_ipv6_answer(WN_PRIVATE struct wn_frame *frame, uint32_t protocol, uint32_t length)
{
	WN_STAGED uint8_t *ip = frame->bytes + frame->network;

	wn_set16(ip, 0x6000);
	wn_set16(ip + 2, 0);
	wn_set16(ip + 4, length);
	ip[6] = (uint8_t)protocol;
	ip[7] = WN_HOP_LIMIT;
	wn_swap_bytes(ip + 8, ip + 24, 16);
}

#endif
