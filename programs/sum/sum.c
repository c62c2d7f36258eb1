/* SPDX-License-Identifier: Apache-2.0 */
/* Counts packets, and looks at every byte of them: what `warpnic bench` reaches in bytes a second. */
#define WN_SUMMARY "counts packets and adds up all their words"
#define WN_COUNTERS(X) X(packets) X(bytes) X(sum)
#include <warpnic/program.h>

WN_PROGRAM(sum, WN_ANY, WN_LOOK_ALL)
{
	const uint32_t length = wn_length(packet);
	uint32_t sum = 0;

	WN_LOOP(i, length / 4, 16384)
	{
		sum += wn_u32(packet, 4 * i);
	}
	WN_LOOP(k, length % 4, 3)
	{
		sum += wn_u8(packet, length - 1 - k);
	}
	wn_count(packet, counter_packets, 1);
	wn_count(packet, counter_bytes, length);
	wn_count(packet, counter_sum, sum);
	return WN_DROP;
}
