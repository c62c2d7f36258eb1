/* SPDX-License-Identifier: Apache-2.0 */
/*
 * As much of a frame as the tools need to know: where its headers begin, and for whom it is. The stack
 * that counts is src/lane/stack.h; this one only looks.
 */
#ifndef WN_TOOL_FRAME_H
#define WN_TOOL_FRAME_H

#include <stdint.h>

enum { WN_FRAME_VLANS_MAX = 2, WN_FRAME_ADDRESSES_MAX = 8, WN_FRAME_OPTIONS_BYTES = 1024 };

/* Offsets in bytes from the start of the frame; 0 where that header is not there, or is cut. */
struct wn_frame_parts {
	uint32_t vlan_count;
	uint32_t type;              /* Ethernet type behind the tags; 0: the frame is too short */
	uint32_t network;           /* of the IPv4 or IPv6 header */
	int family;                 /* 4, 6, or 0 */
	uint32_t protocol;          /* behind IPv6's extension headers */
	uint32_t transport;         /* of the first fragment only */
	uint32_t payload;           /* of a UDP datagram */
	uint32_t end;               /* of the IP packet, within the frame */
};

void wn_frame_look(struct wn_frame_parts *parts, const uint8_t *bytes, uint32_t length);

/* Who is written to. Gathers; zeroed at first. */
struct wn_frame_targets {
	int has_mac;
	uint8_t mac[6];
	uint32_t count4, count6;
	uint8_t ipv4[WN_FRAME_ADDRESSES_MAX][4];
	uint8_t ipv6[WN_FRAME_ADDRESSES_MAX][16];
};

void wn_frame_note_target(struct wn_frame_targets *targets, const uint8_t *bytes, uint32_t length);

/* Options of a link that is all of them: "mac=...,ip=...", or "". */
void wn_frame_link_options(const struct wn_frame_targets *targets, char text[WN_FRAME_OPTIONS_BYTES]);

#endif
