/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packets as a person writes them:
 *
 *     "GET " 00 ff 20*00 u16:53 u32:7 f32:1.5 "a\r\n"       bytes, one piece behind the other
 *     udp 192.0.2.1:4000 > 198.51.100.2:53 BYTES            an Ethernet frame around them
 *     udp [2001:db8::1]:4000 > [2001:db8::2]:53 ttl 3 BYTES
 *     eth 02:00:00:00:00:07 > 02:00:00:00:00:09 vlan 12 udp ... BYTES
 *     eth MAC > MAC type 0806 BYTES                         any other frame
 *
 * Texts know the escapes \n \r \t \0 \\ \" and \xHH; u8, u16, u32 and f32 are in network order. What is not
 * said of a frame: 02:00:00:00:00:01 sends to 02:00:00:00:00:02, the TTL (or hop limit) is 64, the
 * identification is 0, lengths and checksums are right (RFC 791, 768, 8200).
 */
#ifndef WN_TOOL_CRAFT_H
#define WN_TOOL_CRAFT_H

#include <stdint.h>

#include "warpnic/status.h"

enum { WN_CRAFT_BYTES_MAX = 65535 };

struct wn_crafted {
	uint32_t length;
	int is_frame;                   /* eth, vlan or udp was said */
	uint8_t bytes[WN_CRAFT_BYTES_MAX];
};

/* 0, or -EINVAL with what was not understood. */
int wn_craft(struct wn_crafted *crafted, const char *text, struct wn_error *error);

#endif
