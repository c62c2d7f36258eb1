/* SPDX-License-Identifier: Apache-2.0 */
/* Sends every datagram back to its sender: RFC 862, over UDP. */
#define WN_SUMMARY "sends every datagram back to its sender (RFC 862)"
#include <warpnic/program.h>

WN_PROGRAM(echo, WN_DATAGRAM, WN_LOOK_NOTHING)
{
	(void)packet;
	return WN_REPLY;
}
