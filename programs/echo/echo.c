/* SPDX-License-Identifier: Apache-2.0 */
/* Sends every datagram, and every byte of a connection, back to its sender: RFC 862. */
#define WN_SUMMARY "sends every datagram, or every byte of a connection, back (RFC 862)"
#include <warpnic/program.h>

WN_PROGRAM(echo, WN_DATAGRAM | WN_STREAM, WN_LOOK_NOTHING)
{
	uint32_t count = wn_length(packet);

	if (!wn_is_stream(packet))
		return WN_REPLY;
	if (count > wn_reply_room(packet))
		count = wn_reply_room(packet);
	wn_reply_copy(packet, 0, count);
	wn_consume(packet, count);
	return WN_REPLY;
}
