/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a group of lanes needs of its device, in CUDA's words: a group is one warp.
 *
 * Inline PTX (PTX ISA 6.0, sm_70 and later) throughout, so that nvcc, NVRTC and clang take the same
 * file without a header of the toolkit.
 */
#ifndef WN_DEVICE_CUDA_WORDS_H
#define WN_DEVICE_CUDA_WORDS_H

#include "warpnic/types.h"

enum { WN_GROUP_LANES = 32 };

#define WN_UNROLL _Pragma("unroll")

WN_FN uint32_t wn_group_lane(void)
{
	uint32_t lane;

	asm("mov.u32 %0, %%laneid;" : "=r"(lane));
	return lane;
}

/* Which block of the grid, and how many there are: groups. */
WN_FN uint32_t wn_grid_index(void)
{
	uint32_t index;

	asm("mov.u32 %0, %%ctaid.x;" : "=r"(index));
	return index;
}

WN_FN uint32_t wn_grid_count(void)
{
	uint32_t count;

	asm("mov.u32 %0, %%nctaid.x;" : "=r"(count));
	return count;
}

/* All lanes arrive; memory of one is visible to the others behind it (PTX ISA, bar.warp.sync). */
WN_FN void wn_group_barrier(void)
{
	asm volatile("bar.warp.sync 0xffffffff;" : : : "memory");
}

/* The value of another lane. No barrier: it orders nothing in memory. */
WN_FN uint32_t wn_group_shuffle(uint32_t value, uint32_t from)
{
	uint32_t got;

	asm volatile("shfl.sync.idx.b32 %0, %1, %2, 0x1f, 0xffffffff;"
		     : "=r"(got)
		     : "r"(value), "r"(from));
	return got;
}

WN_FN uint32_t wn_group_shuffle_xor(uint32_t value, uint32_t mask)
{
	uint32_t got;

	asm volatile("shfl.sync.bfly.b32 %0, %1, %2, 0x1f, 0xffffffff;"
		     : "=r"(got)
		     : "r"(value), "r"(mask));
	return got;
}

/* One bit a lane: its condition. */
WN_FN uint32_t wn_group_ballot(uint32_t condition)
{
	uint32_t bits;

	asm volatile(
		"{ .reg .pred p; setp.ne.u32 p, %1, 0; vote.sync.ballot.b32 %0, p, 0xffffffff; }"
		: "=r"(bits)
		: "r"(condition));
	return bits;
}

WN_FN uint32_t wn_group_max(uint32_t value)
{
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
	asm volatile("redux.sync.max.u32 %0, %0, 0xffffffff;" : "+r"(value));
#else
	for (uint32_t step = WN_GROUP_LANES / 2; step; step >>= 1) {
		const uint32_t other = wn_group_shuffle_xor(value, step);

		value = other > value ? other : value;
	}
#endif
	return value;
}


WN_FN uint32_t wn_leading_zeros(uint64_t value)
{
	uint32_t zeros;

	asm("clz.b64 %0, %1;" : "=r"(zeros) : "l"(value));
	return zeros;
}

/* Place of the lowest bit that is set; there is one. */
WN_FN uint32_t wn_lowest_bit(uint32_t value)
{
	return 63 - wn_leading_zeros(value & (~value + 1));
}

/* The sum over all lanes, in each of them. */
WN_FN uint64_t wn_group_sum(uint64_t value)
{
	for (uint32_t step = WN_GROUP_LANES / 2; step; step >>= 1) {
		const uint32_t low = wn_group_shuffle_xor((uint32_t)value, step);
		const uint32_t high = wn_group_shuffle_xor((uint32_t)(value >> 32), step);

		value += (uint64_t)high << 32 | low;
	}
	return value;
}

/* Sleeps about that long; the scheduler may wake it earlier. */
WN_FN void wn_group_sleep(uint32_t ns)
{
	asm volatile("nanosleep.u32 %0;" : : "r"(ns));
}

/* Cycles of this multiprocessor: for differences within one group. */
WN_FN uint64_t wn_group_cycles(void)
{
	uint64_t cycles;

	asm volatile("mov.u64 %0, %%clock64;" : "=l"(cycles));
	return cycles;
}

/* Nanoseconds of the device's clock, the same on all its multiprocessors; coarse. */
WN_FN uint64_t wn_group_ns(void)
{
	uint64_t ns;

	asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(ns));
	return ns;
}

/*
 * The words that one group hands to the others of its device: device memory, device scope. They
 * chain with the system-scope words of ring/order.h (PTX ISA, causality order).
 */
WN_FN uint32_t wn_load_acquire_device(const uint32_t *word)
{
	uint32_t value;

	asm volatile("ld.acquire.gpu.global.u32 %0, [%1];" : "=r"(value) : "l"(word) : "memory");
	return value;
}

WN_FN void wn_store_release_device(uint32_t *word, uint32_t value)
{
	asm volatile("st.release.gpu.global.u32 [%0], %1;" : : "l"(word), "r"(value) : "memory");
}

/* A word of device memory that the host changes now and then by a copy. */
WN_FN uint64_t wn_load_device64(const uint64_t *word)
{
	uint64_t value;

	asm volatile("ld.relaxed.gpu.global.u64 %0, [%1];" : "=l"(value) : "l"(word) : "memory");
	return value;
}

/* A 64-bit word of this group's row, which the host reads meanwhile: counters. */
WN_FN void wn_counter_store(uint64_t *word, uint64_t value)
{
	asm volatile("st.relaxed.sys.global.u64 [%0], %1;" : : "l"(word), "l"(value) : "memory");
}

/* 16 bytes at a multiple of 16. */
struct __align__(16) wn_chunk {
	uint32_t words[4];
};

WN_FN struct wn_chunk wn_chunk_load_global(const uint8_t *from)
{
	struct wn_chunk chunk;

	asm volatile("ld.global.v4.u32 {%0, %1, %2, %3}, [%4];"
		     : "=r"(chunk.words[0]), "=r"(chunk.words[1]), "=r"(chunk.words[2]),
		       "=r"(chunk.words[3])
		     : "l"(from)
		     : "memory");
	return chunk;
}

WN_FN void wn_chunk_store_global(uint8_t *to, struct wn_chunk chunk)
{
	asm volatile("st.global.v4.u32 [%0], {%1, %2, %3, %4};"
		     : : "l"(to), "r"(chunk.words[0]), "r"(chunk.words[1]), "r"(chunk.words[2]),
		       "r"(chunk.words[3]) : "memory");
}

WN_FN struct wn_chunk wn_chunk_load(const uint8_t *from)
{
	struct wn_chunk chunk;

	asm volatile("ld.v4.u32 {%0, %1, %2, %3}, [%4];"
		     : "=r"(chunk.words[0]), "=r"(chunk.words[1]), "=r"(chunk.words[2]),
		       "=r"(chunk.words[3])
		     : "l"(from)
		     : "memory");
	return chunk;
}

WN_FN void wn_chunk_store(uint8_t *to, struct wn_chunk chunk)
{
	asm volatile("st.v4.u32 [%0], {%1, %2, %3, %4};"
		     : : "l"(to), "r"(chunk.words[0]), "r"(chunk.words[1]), "r"(chunk.words[2]),
		       "r"(chunk.words[3]) : "memory");
}

#endif
