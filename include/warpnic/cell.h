/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words that act on a cell: a naturally aligned 32-bit word of device memory that all lanes share.
 *
 * Each is atomic at the scope of the device, and relaxed: it orders nothing but accesses to the same
 * word. The host does not look at cells while the device runs. Programs have the checked functions of
 * warpnic/program.h instead.
 *
 *   load, store
 *   add                 modulo 2^32; returns what the word held
 *   compare_exchange    stores `value` if the word holds `expected`; returns what it held
 */
#ifndef WARPNIC_CELL_H
#define WARPNIC_CELL_H

#include "warpnic/types.h"

#if defined(WN_OPENCL_PLAIN)

/* OpenCL C 1.2, section 6.12.11: what a device has that lacks the atomics of 2.0. */
WN_FN uint32_t wn_word_load(WN_GLOBAL uint32_t *word)
{
	return atomic_or(word, 0u);
}

WN_FN void wn_word_store(WN_GLOBAL uint32_t *word, uint32_t value)
{
	atomic_xchg(word, value);
}

WN_FN uint32_t wn_word_add(WN_GLOBAL uint32_t *word, uint32_t amount)
{
	return atomic_add(word, amount);
}

WN_FN uint32_t wn_word_compare_exchange(WN_GLOBAL uint32_t *word, uint32_t expected, uint32_t value)
{
	return atomic_cmpxchg(word, expected, value);
}

#elif defined(__OPENCL_VERSION__) || defined(__OPENCL_C_VERSION__)

/* OpenCL C 3.0, section 6.15.12. */
WN_FN uint32_t wn_word_load(WN_GLOBAL uint32_t *word)
{
	return atomic_load_explicit((WN_GLOBAL atomic_uint *)word, memory_order_relaxed,
				    memory_scope_device);
}

WN_FN void wn_word_store(WN_GLOBAL uint32_t *word, uint32_t value)
{
	atomic_store_explicit((WN_GLOBAL atomic_uint *)word, value, memory_order_relaxed,
			      memory_scope_device);
}

WN_FN uint32_t wn_word_add(WN_GLOBAL uint32_t *word, uint32_t amount)
{
	return atomic_fetch_add_explicit((WN_GLOBAL atomic_uint *)word, amount, memory_order_relaxed,
					 memory_scope_device);
}

WN_FN uint32_t wn_word_compare_exchange(WN_GLOBAL uint32_t *word, uint32_t expected, uint32_t value)
{
	atomic_compare_exchange_strong_explicit((WN_GLOBAL atomic_uint *)word, &expected, value,
						memory_order_relaxed, memory_order_relaxed,
						memory_scope_device);
	return expected;
}

#elif defined(__METAL_VERSION__)

/* Metal Shading Language 2.1, section 5.13: relaxed is the only order that all versions have, device the scope. */
WN_FN uint32_t wn_word_load(WN_GLOBAL uint32_t *word)
{
	return metal::atomic_load_explicit((WN_GLOBAL metal::atomic_uint *)word, metal::memory_order_relaxed);
}

WN_FN void wn_word_store(WN_GLOBAL uint32_t *word, uint32_t value)
{
	metal::atomic_store_explicit((WN_GLOBAL metal::atomic_uint *)word, value, metal::memory_order_relaxed);
}

WN_FN uint32_t wn_word_add(WN_GLOBAL uint32_t *word, uint32_t amount)
{
	return metal::atomic_fetch_add_explicit((WN_GLOBAL metal::atomic_uint *)word, amount,
						metal::memory_order_relaxed);
}

/* There is only the weak one, which may fail without a reason: then it is done again. */
WN_FN uint32_t wn_word_compare_exchange(WN_GLOBAL uint32_t *word, uint32_t expected, uint32_t value)
{
	uint32_t held = expected;

	while (!metal::atomic_compare_exchange_weak_explicit((WN_GLOBAL metal::atomic_uint *)word, &held, value,
							     metal::memory_order_relaxed,
							     metal::memory_order_relaxed))
		if (held != expected)
			break;
	return held;
}

#elif defined(__CUDA_ARCH__) || defined(__CUDACC_RTC__)

/* PTX ISA, "Memory Consistency Model"; sm_70 and later. */
WN_FN uint32_t wn_word_load(uint32_t *word)
{
	uint32_t value;

	asm volatile("ld.relaxed.gpu.global.u32 %0, [%1];" : "=r"(value) : "l"(word) : "memory");
	return value;
}

WN_FN void wn_word_store(uint32_t *word, uint32_t value)
{
	asm volatile("st.relaxed.gpu.global.u32 [%0], %1;" : : "l"(word), "r"(value) : "memory");
}

WN_FN uint32_t wn_word_add(uint32_t *word, uint32_t amount)
{
	uint32_t before;

	asm volatile("atom.relaxed.gpu.global.add.u32 %0, [%1], %2;"
		     : "=r"(before)
		     : "l"(word), "r"(amount)
		     : "memory");
	return before;
}

WN_FN uint32_t wn_word_compare_exchange(uint32_t *word, uint32_t expected, uint32_t value)
{
	uint32_t before;

	asm volatile("atom.relaxed.gpu.global.cas.b32 %0, [%1], %2, %3;"
		     : "=r"(before)
		     : "l"(word), "r"(expected), "r"(value)
		     : "memory");
	return before;
}

#elif defined(__GNUC__) || defined(__clang__)

/* C11 memory model, in the spelling that gcc and clang share for C and C++. */
WN_FN uint32_t wn_word_load(const uint32_t *word)
{
	return __atomic_load_n(word, __ATOMIC_RELAXED);
}

WN_FN void wn_word_store(uint32_t *word, uint32_t value)
{
	__atomic_store_n(word, value, __ATOMIC_RELAXED);
}

WN_FN uint32_t wn_word_add(uint32_t *word, uint32_t amount)
{
	return __atomic_fetch_add(word, amount, __ATOMIC_RELAXED);
}

WN_FN uint32_t wn_word_compare_exchange(uint32_t *word, uint32_t expected, uint32_t value)
{
	__atomic_compare_exchange_n(word, &expected, value, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
	return expected;
}

#else
#error "warpnic: no words for cells with this compiler"
#endif

#endif
