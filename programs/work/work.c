/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A packet that costs as much as one says: the first word of it goes through so many multiply-adds, each of
 * which needs the one before. `warpnic bench` measures with it, against the same loop written by hand.
 */
#define WN_SUMMARY "answers after a number of operations on the packet's first word"
#define WN_PARAMETERS(X) X(number, operations, "0", "multiply-adds a packet, one after the other")
#include <warpnic/program.h>

WN_PROGRAM(work, WN_ANY, 4)
{
	const uint32_t operations = (uint32_t)wn_parameter(packet, parameter_operations);
	uint32_t x = wn_u32(packet, 0);

	/* Constants of a linear congruential generator: Numerical Recipes, 2nd edition, section 7.1. */
	WN_LOOP(i, operations, 1000000)
	{
		x = x * 1664525u + 1013904223u;
	}
	wn_put_u32(packet, 0, x);
	return WN_REPLY;
}
