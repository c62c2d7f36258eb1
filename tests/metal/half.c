/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests: C, but not the Metal Shading Language, which has no pointer without an address space. */
#include <warpnic/program.h>

WN_PROGRAM(half, WN_DATAGRAM, WN_LOOK_ALL)
{
	const uint8_t *bytes = packet->bytes;

	return bytes[0] ? (uint32_t)WN_REPLY : (uint32_t)WN_DROP;
}
