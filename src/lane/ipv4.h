/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IPv4 (RFC 791).
 *
 *   0    1    2     4     6          8    9      10     12       16       20
 *   |v|l | tos| len | id  | flags,off| ttl| proto| sum  | from   | to     | [options]
 */
#ifndef WN_LANE_IPV4_H
#define WN_LANE_IPV4_H

#include "lane/arp.h"
#include "lane/checksum.h"

enum { WN_IPV4_BYTES = 20, WN_TTL = 64 };

/* 0.0.0.0/8, 127/8, and 224/3: nothing may be sent there. Our own address is nobody's, either. */
WN_FN uint32_t wn_ipv4_is_bad_source(WN_PRIVATE const struct wn_frame *frame, uint32_t offset)
{
	const uint32_t first = frame->bytes[offset];

	return first == 0 || first == 127 || first >= 224 || wn_is_our_ipv4(frame, offset);
}

/*
 * Checks the header and finds the transport header. Returns 0, or the code with which the packet is
 * dropped; *protocol is the protocol number.
 */
WN_FN uint32_t wn_ipv4_parse(WN_PRIVATE struct wn_frame *frame, WN_PRIVATE uint32_t *protocol)
{
	WN_STAGED const uint8_t *ip = frame->bytes + frame->network;
	const uint32_t there = frame->length - frame->network;
	uint32_t header, total;

	if (there < WN_IPV4_BYTES)
		return WN_CODE_SHORT;
	header = (ip[0] & 15u) * 4;
	total = wn_get16(ip + 2);
	if (ip[0] >> 4 != 4)
		return WN_CODE_UNSUPPORTED;
	if (header < WN_IPV4_BYTES || header > there || total < header || total > there)
		return WN_CODE_SHORT;
	if (wn_sum_fold(wn_sum(0, ip, header)) != 0)
		return WN_CODE_CHECKSUM;
	if (!wn_is_our_ipv4(frame, frame->network + 16))
		return WN_CODE_NOT_OURS;
	if (wn_get16(ip + 6) & 0x3fff) /* more fragments, or an offset */
		return WN_CODE_FRAGMENT;
	if (wn_ipv4_is_bad_source(frame, frame->network + 12))
		return WN_CODE_BAD_SOURCE;
	frame->family = 4;
	frame->transport = frame->network + header;
	frame->end = frame->network + total;
	*protocol = ip[9];
	return 0;
}

/* The part of a transport checksum that comes from the addresses (RFC 768). */
WN_FN uint64_t wn_ipv4_pseudo_sum(WN_PRIVATE const struct wn_frame *frame, uint32_t protocol,
				  uint32_t length)
{
	const uint64_t sum = wn_sum(0, frame->bytes + frame->network + 12, 8);

	return wn_sum_word(wn_sum_word(sum, protocol), length);
}

/*
 * Writes the header of the answer, to the sender, `length` bytes behind the header. Options are
 * dropped: the transport header and what follows must stand right behind 20 bytes.
 */
WN_FN void wn_ipv4_answer(WN_PRIVATE struct wn_frame *frame, uint32_t length)
{
	WN_STAGED uint8_t *ip = frame->bytes + frame->network;

	ip[0] = 0x45;
	ip[1] = 0;
	wn_set16(ip + 2, WN_IPV4_BYTES + length);
	wn_set16(ip + 4, 0);      /* no identification: it is never fragmented (RFC 6864) */
	wn_set16(ip + 6, 0x4000); /* don't fragment */
	ip[8] = WN_TTL;
	wn_swap_bytes(ip + 12, ip + 16, 4);
	wn_set16(ip + 10, 0);
	wn_set16(ip + 10, wn_sum_fold(wn_sum(0, ip, WN_IPV4_BYTES)));
}

#endif
