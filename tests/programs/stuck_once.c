/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests: answers, but does not come back from a packet whose first byte is 1. */
#define WN_SUMMARY "does not come back from some packets"
#include <warpnic/program.h>

WN_PROGRAM(stuck_once, WN_DATAGRAM, WN_LOOK_ALL)
{
	uint32_t sum = 0;

	if (wn_u8(packet, 0) == 1) {
		WN_LOOP(i, 0xffffffffu, 0xffffffffu)
		{
			sum = sum * 31 + wn_u8(packet, (i + sum) % 8);
		}
		wn_put_u8(packet, 1, sum);
	}
	return WN_REPLY;
}
