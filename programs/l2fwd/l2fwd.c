/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sends frames back with their MAC addresses swapped, as a test box does, or with --param forward=on
 * out of the next link. --param swap=off leaves the addresses as they are.
 */
#define WN_SUMMARY "frames back to the sender with MACs swapped, or out of the next link"
#define WN_PARAMETERS(X)                                                                           \
	X(flag, forward, "off", "out of the next link instead of back")                            \
	X(flag, swap, "on", "swap the MAC addresses")
#include <warpnic/program.h>

WN_PROGRAM(l2fwd, WN_FRAME, 14)
{
	if (wn_length(packet) < 14)
		return WN_DROP;
	if (wn_parameter(packet, parameter_swap)) {
		const uint64_t to = wn_u64(packet, 0) >> 16;
		const uint64_t from = wn_u64(packet, 6) >> 16;

		wn_put_u16(packet, 0, (uint32_t)(from >> 32));
		wn_put_u32(packet, 2, (uint32_t)from);
		wn_put_u16(packet, 6, (uint32_t)(to >> 32));
		wn_put_u32(packet, 8, (uint32_t)to);
	}
	return wn_parameter(packet, parameter_forward) ? WN_FORWARD : WN_REPLY;
}
