/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UDP (RFC 768).
 *
 *   0      2      4        6          8
 *   | from | to   | length | checksum | payload
 */
#ifndef WN_LANE_UDP_H
#define WN_LANE_UDP_H

#include "lane/ip.h"

enum { WN_UDP_BYTES = 8 };

/* Whether the checksum holds, or somebody vouches for it. */
WN_FN uint32_t wn_udp_is_whole(WN_PRIVATE const struct wn_frame *frame, uint32_t length)
{
	WN_STAGED const uint8_t *udp = frame->bytes + frame->transport;

	if (frame->flags & (WN_SLOT_CHECKSUM_VALID | WN_SLOT_CHECKSUM_PARTIAL))
		return 1;
	if (wn_get16(udp + 6) == 0)
		return frame->family == 4; /* none was made; IPv6 does not allow that */
	return wn_sum_fold(wn_sum(wn_ip_pseudo_sum(frame, WN_PROTOCOL_UDP, length), udp, length)) == 0;
}

/* Returns 0 with *length set to that of the payload, or the code with which it is dropped. */
WN_FN uint32_t wn_udp_parse(WN_PRIVATE const struct wn_frame *frame, WN_PRIVATE uint32_t *length)
{
	WN_STAGED const uint8_t *udp = frame->bytes + frame->transport;
	const uint32_t there = frame->end - frame->transport;
	uint32_t said;

	if (there < WN_UDP_BYTES)
		return WN_CODE_SHORT;
	said = wn_get16(udp + 4);
	if (said < WN_UDP_BYTES || said > there)
		return WN_CODE_SHORT;
	if (!wn_ip_is_to_us(frame))
		return WN_CODE_NOT_OURS;
	if (!wn_udp_is_whole(frame, said))
		return WN_CODE_CHECKSUM;
	if (!wn_ip_has_source(frame) || wn_get16(udp) == 0)
		return WN_CODE_BAD_SOURCE;
	*length = said - WN_UDP_BYTES;
	return 0;
}

/* Writes all headers of the answer around the payload, which now is `length` bytes. */
WN_FN void wn_udp_answer(WN_PRIVATE struct wn_frame *frame, uint32_t length)
{
	const uint32_t total = WN_UDP_BYTES + length;
	WN_STAGED uint8_t *udp;
	uint32_t checksum;

	wn_ip_close_gap(frame, total);
	udp = frame->bytes + frame->transport;
	wn_swap_bytes(udp, udp + 2, 2);
	wn_set16(udp + 4, total);
	wn_set16(udp + 6, 0);
	wn_ip_answer(frame, WN_PROTOCOL_UDP, total);
	checksum = wn_sum_fold(wn_sum(wn_ip_pseudo_sum(frame, WN_PROTOCOL_UDP, total), udp, total));
	wn_set16(udp + 6, checksum ? checksum : 0xffff); /* zero would say that there is none */
}

#endif
