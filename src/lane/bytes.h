/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading and writing the bytes of a frame, unchecked: whoever calls has checked the length, and says
 * where. Programs have the checked functions of warpnic/program.h instead.
 */
#ifndef WN_LANE_BYTES_H
#define WN_LANE_BYTES_H

#include "warpnic/types.h"

/* Network order. */
WN_FN uint32_t wn_get16(WN_STAGED const uint8_t *bytes)
{
	return (uint32_t)bytes[0] << 8 | bytes[1];
}

WN_FN void wn_set16(WN_STAGED uint8_t *bytes, uint32_t value)
{
	bytes[0] = (uint8_t)(value >> 8);
	bytes[1] = (uint8_t)value;
}

WN_FN void wn_swap_bytes(WN_STAGED uint8_t *a, WN_STAGED uint8_t *b, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		const uint8_t kept = a[i];

		a[i] = b[i];
		b[i] = kept;
	}
}

WN_FN uint32_t wn_equal_bytes(WN_STAGED const uint8_t *a, WN_GLOBAL const uint8_t *b, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (a[i] != b[i])
			return 0;
	return 1;
}

/* Moves bytes towards the start; the ranges may overlap. */
WN_FN void wn_move_down(WN_STAGED uint8_t *to, WN_STAGED const uint8_t *from, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		to[i] = from[i];
}

/* The order of the machine: every device of this project is little-endian but some CPUs. */
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define WN_IS_LITTLE 0
#else
#define WN_IS_LITTLE 1
#endif

WN_FN uint32_t wn_swap_if_little(uint32_t word)
{
	return WN_IS_LITTLE ? (word >> 8 & 0xff) | (word & 0xff) << 8 : word;
}

WN_FN uint32_t wn_native16(WN_STAGED const uint8_t *bytes)
{
	return WN_IS_LITTLE ? (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 : wn_get16(bytes);
}

/* Compilers make one load of this where the machine allows it. */
WN_FN uint32_t wn_native32(WN_STAGED const uint8_t *bytes)
{
	return WN_IS_LITTLE ? (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
				      (uint32_t)bytes[3] << 24
			    : (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 |
				      (uint32_t)bytes[2] << 8 | bytes[3];
}

/* An odd last byte, followed by a zero. */
WN_FN uint32_t wn_native_last(uint32_t byte)
{
	return WN_IS_LITTLE ? byte : byte << 8;
}

#endif
