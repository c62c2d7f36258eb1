/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ethernet (IEEE 802.3), with up to two VLAN tags (IEEE 802.1Q, 802.1ad).
 *
 *   0         6         12          14
 *   | to (6)  | from (6)| [tag (4)] | type (2) | ...
 */
#ifndef WN_LANE_ETHERNET_H
#define WN_LANE_ETHERNET_H

#include "lane/bytes.h"
#include "ring/layout.h"

enum {
	WN_ETHERNET_BYTES = 14,
	WN_VLAN_BYTES = 4,
	WN_VLAN_TAGS_MAX = 2,
	WN_TYPE_IPV4 = 0x0800,
	WN_TYPE_ARP = 0x0806,
	WN_TYPE_VLAN = 0x8100,
	WN_TYPE_IPV6 = 0x86dd,
	WN_TYPE_SERVICE_VLAN = 0x88a8
};

/* A frame on its way through the stack: who it is for, what was found, what is to be sent. */
struct wn_frame {
	WN_STAGED uint8_t *bytes;
	WN_GLOBAL const struct wn_identity *identity;
	uint32_t length;      /* bytes received; after an answer was built, bytes to send */
	uint32_t room;        /* bytes that the slot holds */
	uint32_t flags;       /* of the slot: whether checksums are known */
	uint32_t network;     /* offset of the ARP, IPv4 or IPv6 header */
	uint32_t transport;   /* offset of the UDP, ICMP or ICMPv6 header */
	uint32_t end;         /* where the IP packet ends: what follows is padding */
	uint32_t family;      /* 4 or 6 */
};

/* Whether the frame is for us: our address, or a group. */
WN_FN uint32_t wn_ethernet_is_ours(WN_PRIVATE const struct wn_frame *frame)
{
	return (frame->bytes[0] & 1) || wn_equal_bytes(frame->bytes, frame->identity->mac, 6);
}

/* Finds the network header and returns the EtherType, or 0 where the frame is too short. */
WN_FN uint32_t wn_ethernet_parse(WN_PRIVATE struct wn_frame *frame)
{
	uint32_t at = 12, type;

	if (frame->length < WN_ETHERNET_BYTES)
		return 0;
	type = wn_get16(frame->bytes + at);
	for (uint32_t tag = 0; tag < WN_VLAN_TAGS_MAX; tag++) {
		if (type != WN_TYPE_VLAN && type != WN_TYPE_SERVICE_VLAN)
			break;
		at += WN_VLAN_BYTES;
		if (frame->length < at + 2)
			return 0;
		type = wn_get16(frame->bytes + at);
	}
	frame->network = at + 2;
	return type;
}

/* Back to its sender, from us. Tags and type stay as they are. */
WN_FN void wn_ethernet_answer(WN_PRIVATE const struct wn_frame *frame)
{
	for (uint32_t i = 0; i < 6; i++) {
		frame->bytes[i] = frame->bytes[6 + i];
		frame->bytes[6 + i] = frame->identity->mac[i];
	}
}

#endif
