/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Echo (RFC 792, RFC 4443 section 4) and neighbour solicitation (RFC 4861 section 4.3): answers to
 * those who ask whether we are there.
 *
 *   0      1      2          4        8
 *   | type | code | checksum | ...    | data, or the target of a solicitation
 */
#ifndef WN_LANE_ICMP_H
#define WN_LANE_ICMP_H

#include "lane/ip.h"

enum {
	WN_ICMP_BYTES = 8,
	WN_ICMP_ECHO = 8,
	WN_ICMPV6_ECHO = 128,
	WN_ICMPV6_ECHO_REPLY = 129,
	WN_NEIGHBOUR_SOLICITATION = 135,
	WN_NEIGHBOUR_ADVERTISEMENT = 136,
	WN_SOLICITATION_BYTES = 24,
	WN_ADVERTISEMENT_BYTES = 32   /* with the option that carries our link-layer address */
};

WN_FN uint64_t wn_icmp_pseudo_sum(WN_PRIVATE const struct wn_frame *frame, uint32_t length)
{
	return frame->family == 4 ? 0 : wn_ipv6_pseudo_sum(frame, WN_PROTOCOL_ICMPV6, length);
}

WN_FN void wn_icmp_set_checksum(WN_PRIVATE struct wn_frame *frame, uint32_t length)
{
	WN_STAGED uint8_t *icmp = frame->bytes + frame->transport;

	wn_set16(icmp + 2, 0);
	wn_set16(icmp + 2, wn_sum_fold(wn_sum(wn_icmp_pseudo_sum(frame, length), icmp, length)));
}

WN_FN uint32_t wn_icmp_echo(WN_PRIVATE struct wn_frame *frame, uint32_t length)
{
	if (!wn_ip_is_to_us(frame))
		return WN_CODE_NOT_OURS;
	if (!wn_ip_has_source(frame))
		return WN_CODE_BAD_SOURCE;
	wn_ip_close_gap(frame, length);
	frame->bytes[frame->transport] = frame->family == 4 ? 0 : WN_ICMPV6_ECHO_REPLY;
	wn_ip_answer(frame, frame->family == 4 ? WN_PROTOCOL_ICMP : WN_PROTOCOL_ICMPV6, length);
	wn_icmp_set_checksum(frame, length);
	return WN_REPLY;
}

/* The headers of an advertisement: to all nodes where the sender has no address yet (RFC 4861 7.2.4). */
WN_FN void wn_neighbour_headers(WN_PRIVATE struct wn_frame *frame, uint32_t has_source)
{
	WN_STAGED uint8_t *ip = frame->bytes + frame->network;
	WN_STAGED const uint8_t *target = frame->bytes + frame->transport + 8;

	wn_ethernet_answer(frame);
	wn_ipv6_answer(frame, WN_PROTOCOL_ICMPV6, WN_ADVERTISEMENT_BYTES);
	ip[7] = 255;
	for (uint32_t i = 0; i < 16; i++) {
		ip[8 + i] = target[i];
		if (!has_source)
			ip[24 + i] = i == 0 ? 0xff : i == 1 ? 0x02 : i == 15 ? 1 : 0;
	}
	if (has_source)
		return;
	for (uint32_t i = 0; i < 6; i++)
		frame->bytes[i] = i < 2 ? 0x33 : i == 5 ? 1 : 0;
}

WN_FN uint32_t wn_neighbour_advertise(WN_PRIVATE struct wn_frame *frame, uint32_t length)
{
	WN_STAGED uint8_t *icmp = frame->bytes + frame->transport;
	const uint32_t has_source = wn_ip_has_source(frame);

	if (length < WN_SOLICITATION_BYTES)
		return WN_CODE_SHORT;
	if (frame->bytes[frame->network + 7] != 255 ||
	    frame->transport != frame->network + WN_IPV6_BYTES ||
	    frame->room < frame->transport + WN_ADVERTISEMENT_BYTES)
		return WN_CODE_UNSUPPORTED;
	if (!wn_is_our_ipv6(frame, frame->transport + 8))
		return WN_CODE_NOT_OURS;
	wn_neighbour_headers(frame, has_source);
	icmp[0] = WN_NEIGHBOUR_ADVERTISEMENT;
	icmp[4] = has_source ? 0x60 : 0x20; /* solicited, override */
	icmp[5] = icmp[6] = icmp[7] = 0;
	icmp[24] = 2;                       /* target link-layer address, in units of 8 bytes: */
	icmp[25] = 1;
	for (uint32_t i = 0; i < 6; i++)
		icmp[26 + i] = frame->identity->mac[i];
	frame->length = frame->transport + WN_ADVERTISEMENT_BYTES;
	wn_icmp_set_checksum(frame, WN_ADVERTISEMENT_BYTES);
	return WN_REPLY;
}

/* Answers what can be answered. WN_REPLY, or the code with which the packet is dropped. */
WN_FN uint32_t wn_icmp_answer(WN_PRIVATE struct wn_frame *frame)
{
	WN_STAGED const uint8_t *icmp = frame->bytes + frame->transport;
	const uint32_t length = frame->end - frame->transport;

	if (length < WN_ICMP_BYTES)
		return WN_CODE_SHORT;
	if (!(frame->flags & WN_SLOT_CHECKSUM_PARTIAL) &&
	    wn_sum_fold(wn_sum(wn_icmp_pseudo_sum(frame, length), icmp, length)) != 0)
		return WN_CODE_CHECKSUM;
	if (icmp[1] == 0 && icmp[0] == (frame->family == 4 ? WN_ICMP_ECHO : WN_ICMPV6_ECHO))
		return wn_icmp_echo(frame, length);
	if (icmp[1] == 0 && frame->family == 6 && icmp[0] == WN_NEIGHBOUR_SOLICITATION)
		return wn_neighbour_advertise(frame, length);
	return WN_CODE_UNSUPPORTED;
}

#endif
