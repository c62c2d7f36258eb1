/* SPDX-License-Identifier: Apache-2.0 */
/* For the bench: answers with every byte changed, so that all of it has to travel both ways. */
#define WN_SUMMARY "answers with all words inverted"
#include <warpnic/program.h>

WN_PROGRAM(flip, WN_DATAGRAM, WN_LOOK_ALL)
{
	WN_LOOP(i, wn_length(packet) / 4, 16384)
	{
		wn_put_u32(packet, 4 * i, ~wn_u32(packet, 4 * i));
	}
	return WN_REPLY;
}
