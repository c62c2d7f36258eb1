/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long one stage of a packet's way took, as a histogram: for the pumps and for lanes of the cpu
 * device. (Groups of many lanes count into a coarser one: group_launch.h.)
 *
 * Each power of two is cut into 8 equal buckets, so a bucket is at most 1/8 of its value wide. One
 * writer, which may be read meanwhile by any thread: words are stored whole, and a reader may see a
 * value in its bucket that is not yet in the sum.
 */
#ifndef WN_LANE_TIMES_H
#define WN_LANE_TIMES_H

#include "ring/order.h"
#include "warpnic/types.h"

enum {
	WN_TIMES_SUB_BITS = 3,
	WN_TIMES_BITS_MAX = 40,    /* 18 minutes and more fall into the last bucket */
	WN_TIMES_BUCKETS = (WN_TIMES_BITS_MAX - WN_TIMES_SUB_BITS + 1) << WN_TIMES_SUB_BITS,
	WN_TIMES_SUM = WN_TIMES_BUCKETS,
	WN_TIMES_COUNT,
	WN_TIMES_WORDS
};

/* Zeroed is empty. Values are ns. */
struct wn_times {
	uint64_t words[WN_TIMES_WORDS];
};

/* The bucket of a value: below 8 one each. */
static inline uint32_t wn_times_bucket(uint64_t value)
{
	const uint32_t bits = value ? 64 - (uint32_t)__builtin_clzll(value) : 0;
	const uint32_t shift = bits > WN_TIMES_SUB_BITS + 1 ? bits - WN_TIMES_SUB_BITS - 1 : 0;
	const uint64_t bucket = ((uint64_t)shift << WN_TIMES_SUB_BITS) + (value >> shift);

	return bucket < WN_TIMES_BUCKETS ? (uint32_t)bucket : WN_TIMES_BUCKETS - 1;
}

/* The middle of a bucket's values. */
static inline double wn_times_middle(uint32_t bucket)
{
	const uint32_t shift = bucket < 2u << WN_TIMES_SUB_BITS ? 0 : (bucket >> WN_TIMES_SUB_BITS) - 1;
	const uint64_t first = (uint64_t)(bucket - (shift << WN_TIMES_SUB_BITS)) << shift;

	return (double)first + 0.5 * (double)(((uint64_t)1 << shift) - 1);
}

/* The writer's: counts `packets` times a value. */
static inline void wn_times_add(struct wn_times *times, uint64_t value, uint32_t packets)
{
	uint64_t *words = times->words;
	const uint32_t bucket = wn_times_bucket(value);

	wn_store_relaxed64(&words[bucket], words[bucket] + packets);
	wn_store_relaxed64(&words[WN_TIMES_SUM], words[WN_TIMES_SUM] + value * packets);
	wn_store_relaxed64(&words[WN_TIMES_COUNT], words[WN_TIMES_COUNT] + packets);
}

#endif
