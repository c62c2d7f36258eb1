/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ARP for IPv4 over Ethernet (RFC 826): answers requests for our addresses.
 *
 *   0     2     4    5    6    8          14         18         24
 *   | hrd | pro |hln |pln | op | sha (6)  | spa (4)  | tha (6)  | tpa (4) |
 */
#ifndef WN_LANE_ARP_H
#define WN_LANE_ARP_H

#include "lane/ethernet.h"
#include "warpnic/verdict.h"

enum { WN_ARP_BYTES = 28 };

WN_FN uint32_t wn_is_our_ipv4(WN_PRIVATE const struct wn_frame *frame, uint32_t offset)
{
	for (uint32_t i = 0; i < frame->identity->ipv4_count && i < WN_ADDRESSES_MAX; i++)
		if (wn_equal_bytes(frame->bytes + offset, frame->identity->ipv4[i], 4))
			return 1;
	return 0;
}

/* Turns a request into its answer. WN_REPLY, or the code with which it is dropped. */
WN_FN uint32_t wn_arp_answer(WN_PRIVATE struct wn_frame *frame)
{
	WN_STAGED uint8_t *arp = frame->bytes + frame->network;

	if (frame->length < frame->network + WN_ARP_BYTES)
		return WN_CODE_SHORT;
	if (wn_get16(arp) != 1 || wn_get16(arp + 2) != WN_TYPE_IPV4 || arp[4] != 6 || arp[5] != 4 ||
	    wn_get16(arp + 6) != 1)
		return WN_CODE_UNSUPPORTED;
	if (!wn_is_our_ipv4(frame, frame->network + 24))
		return WN_CODE_NOT_OURS;
	wn_ethernet_answer(frame);
	wn_set16(arp + 6, 2);
	wn_swap_bytes(arp + 8, arp + 18, 10);
	for (uint32_t i = 0; i < 6; i++)
		arp[8 + i] = frame->identity->mac[i];
	frame->length = frame->network + WN_ARP_BYTES;
	return WN_REPLY;
}

#endif
