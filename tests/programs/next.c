/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests: answers with the first byte one higher, so that a packet that was served twice shows it, and counts. */
#define WN_SUMMARY "answers with the first byte one higher"
#define WN_COUNTERS(X) X(served)
#include <warpnic/program.h>

WN_PROGRAM(next, WN_DATAGRAM, WN_LOOK_ALL)
{
	wn_put_u8(packet, 0, wn_u8(packet, 0) + 1);
	wn_count(packet, counter_served, 1);
	return WN_REPLY;
}
