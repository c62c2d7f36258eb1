/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Internet checksum (RFC 1071): the ones' complement of the ones' complement sum of 16-bit words.
 *
 * Sums are kept in the order of the machine, four bytes at a time; RFC 1071 section 2 (B) allows it,
 * because a swap of all bytes swaps the sum. wn_sum_fold() brings the result back to network order.
 */
#ifndef WN_LANE_CHECKSUM_H
#define WN_LANE_CHECKSUM_H

#include "lane/bytes.h"

/* Adds `length` bytes to a sum. A sum of several parts needs even lengths but for the last. */
WN_FN uint64_t wn_sum(uint64_t sum, WN_STAGED const uint8_t *bytes, uint32_t length)
{
	uint32_t at = 0;

	for (; at + 4 <= length; at += 4)
		sum += wn_native32(bytes + at);
	if (at + 2 <= length) {
		sum += wn_native16(bytes + at);
		at += 2;
	}
	if (at < length)
		sum += wn_native_last(bytes[at]);
	return sum;
}

/* Adds a number in host order as a 16-bit word of the packet. */
WN_FN uint64_t wn_sum_word(uint64_t sum, uint32_t word)
{
	return sum + wn_swap_if_little(word & 0xffff);
}

/* The checksum of what was added, in host order: 0 where a sum includes its own right checksum. */
WN_FN uint32_t wn_sum_fold(uint64_t sum)
{
	uint32_t folded;

	sum = (sum & 0xffffffffu) + (sum >> 32);
	sum = (sum & 0xffffffffu) + (sum >> 32);
	folded = (uint32_t)(sum & 0xffff) + (uint32_t)(sum >> 16);
	folded = (folded & 0xffff) + (folded >> 16);
	return wn_swap_if_little(~folded & 0xffff);
}

#endif
