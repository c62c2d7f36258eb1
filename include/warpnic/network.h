/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 32-bit values in network order at any address of a packet, unchecked: programs have the checked
 * functions of warpnic/program.h. Compilers for CPUs make one load and one swap of the bytewise form;
 * for a GPU, where an access must be aligned, that has to be asked at run time.
 */
#ifndef WARPNIC_NETWORK_H
#define WARPNIC_NETWORK_H

#include "warpnic/types.h"

#if defined(__CUDA_ARCH__) || defined(__CUDACC_RTC__)

WN_FN uint32_t wn_swap32(uint32_t value)
{
	uint32_t swapped;

	asm("prmt.b32 %0, %1, 0, 0x0123;" : "=r"(swapped) : "r"(value));
	return swapped;
}

WN_FN uint32_t wn_load32(const uint8_t *at)
{
	if (((uint64_t)at & 3) == 0)
		return wn_swap32(*(const uint32_t *)at);
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

WN_FN void wn_store32(uint8_t *at, uint32_t value)
{
	if (((uint64_t)at & 3) == 0) {
		*(uint32_t *)at = wn_swap32(value);
		return;
	}
	at[0] = (uint8_t)(value >> 24);
	at[1] = (uint8_t)(value >> 16);
	at[2] = (uint8_t)(value >> 8);
	at[3] = (uint8_t)value;
}

#else

WN_FN uint32_t wn_load32(WN_STAGED const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

WN_FN void wn_store32(WN_STAGED uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 24);
	at[1] = (uint8_t)(value >> 16);
	at[2] = (uint8_t)(value >> 8);
	at[3] = (uint8_t)value;
}

#endif

/* A word that lies in memory in network order, as a number. */
WN_FN uint32_t wn_network32(uint32_t word)
{
#if defined(__CUDA_ARCH__) || defined(__CUDACC_RTC__)
	return wn_swap32(word);
#elif defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	return word;
#else
	return word << 24 | (word & 0xff00u) << 8 | (word >> 8 & 0xff00u) | word >> 24;
#endif
}

#endif
