/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Turns a sensor's datagram into a record for the host.
 *
 * The first 16 bytes are four IEEE 754 floats in network byte order. The record (24 bytes,
 * little-endian) is the packet's index, a code, and the four floats. The code is 0, or 1 where the
 * packet is too short for even one float. A float that is not whole in the packet is 0.
 */
#define WN_SUMMARY "four floats of each packet into a record {index, code, f0, f1, f2, f3}"
#define WN_RECORD(X) X(u32, index) X(u32, code) X(f32, f0) X(f32, f1) X(f32, f2) X(f32, f3)
#include <warpnic/program.h>

WN_PROGRAM(transform, WN_DATAGRAM, 16)
{
	const uint32_t floats = wn_length(packet) / 4;

	wn_record_u32(packet, 0, wn_index(packet));
	wn_record_u32(packet, 4, floats == 0);
	WN_LOOP(i, 4, 4)
	{
		wn_record_u32(packet, 8 + 4 * i, i < floats ? wn_u32(packet, 4 * i) : 0);
	}
	return WN_DELIVER;
}
