/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests: works on a packet for about as many microseconds as its first byte says. */
#define WN_SUMMARY "takes its time"
#include <warpnic/program.h>

WN_PROGRAM(slow, WN_ANY, WN_LOOK_ALL)
{
	const uint32_t rounds = wn_u8(packet, 0) * 300;
	uint32_t sum = 0;

	WN_LOOP(i, rounds, 255 * 300)
	{
		sum = sum * 31 + wn_u8(packet, i % wn_length(packet));
	}
	wn_put_u8(packet, 1, sum);
	return WN_REPLY;
}
