/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests: answers with all that a program can see of the peer. */
#define WN_SUMMARY "answers with the peer"
#include <warpnic/program.h>

WN_PROGRAM(peer, WN_DATAGRAM, WN_LOOK_ALL)
{
	wn_set_length(packet, 24);
	wn_put_u32(packet, 0, wn_peer_family(packet));
	wn_put_u32(packet, 4, wn_peer_port(packet));
	WN_LOOP(i, 16, 16)
	{
		wn_put_u8(packet, 8 + i, wn_peer_address(packet, i));
	}
	return WN_REPLY;
}
