/* SPDX-License-Identifier: Apache-2.0 */
/* C that the host takes and OpenCL C does not: half is a type there. */
#include <warpnic/program.h>

WN_PROGRAM(half, WN_DATAGRAM, 4)
{
	const uint32_t half = wn_u32(packet, 0) / 2;

	wn_put_u32(packet, 0, half);
	return WN_REPLY;
}
