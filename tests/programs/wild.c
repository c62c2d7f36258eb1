/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the tests: answers, but steps outside all memory at a packet whose first byte is 1. No word of the
 * dialect does that; programs are C, and trusted.
 */
#define WN_SUMMARY "steps outside all memory at some packets"
#include <warpnic/program.h>

WN_PROGRAM(wild, WN_DATAGRAM, WN_LOOK_ALL)
{
	if (wn_u8(packet, 0) == 1)
		*(WN_GLOBAL uint32_t *)(wn_u64(packet, 8) + 16) = wn_u32(packet, 4);
	return WN_REPLY;
}
