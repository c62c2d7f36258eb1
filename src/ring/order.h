/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ordering words: the only place where an atomic access is spelled.
 *
 * Every word they touch is naturally aligned, has one writer, and is read by threads of the host
 * and by lanes of a running device, so the scope is always the system. There is no
 * read-modify-write: none is atomic across a bus (CUDA C++ memory model: only where
 * hostNativeAtomicSupported).
 *
 *   load_acquire    nothing after it, in program order, is done before it
 *   store_release   nothing before it, in program order, is done after it
 *   load_relaxed    the value alone
 *   store_relaxed   the value alone
 *
 * One is 16 bits wide, because the kernel's layout has such a word (lane/port_uring.h). OpenCL has no
 * 16-bit atomics and stores the aligned 32 bits that it lies in, with the other half as it was: both
 * halves must have the same writer.
 */
#ifndef WN_RING_ORDER_H
#define WN_RING_ORDER_H

#include "warpnic/types.h"

#if defined(__OPENCL_VERSION__) || defined(__OPENCL_C_VERSION__)

#if defined(WN_OPENCL_PLAIN)

/*
 * A device without acquire and release (OpenCL 3.0 makes them optional): batch mode only, where nobody but the
 * kernel looks at memory from its launch until its end, and both are points of order.
 */
WN_FN uint32_t wn_load_acquire(WN_GLOBAL uint32_t *word)
{
	return *word;
}

WN_FN uint32_t wn_load_relaxed(WN_GLOBAL uint32_t *word)
{
	return *word;
}

WN_FN void wn_store_release(WN_GLOBAL uint32_t *word, uint32_t value)
{
	*word = value;
}

WN_FN void wn_store_relaxed(WN_GLOBAL uint32_t *word, uint32_t value)
{
	*word = value;
}

#else

/* OpenCL C 3.0, section 6.15.12; 2.0 has all scopes. PoCL 3.1 reports the scope but does not declare it. */
#if defined(__opencl_c_atomic_scope_all_devices) || __OPENCL_C_VERSION__ == 200
#define WN_SCOPE memory_scope_all_svm_devices
#else
#define WN_SCOPE memory_scope_device
#endif

WN_FN uint32_t wn_load_acquire(WN_GLOBAL uint32_t *word)
{
	return atomic_load_explicit((WN_GLOBAL atomic_uint *)word, memory_order_acquire, WN_SCOPE);
}

WN_FN uint32_t wn_load_relaxed(WN_GLOBAL uint32_t *word)
{
	return atomic_load_explicit((WN_GLOBAL atomic_uint *)word, memory_order_relaxed, WN_SCOPE);
}

WN_FN void wn_store_release(WN_GLOBAL uint32_t *word, uint32_t value)
{
	atomic_store_explicit((WN_GLOBAL atomic_uint *)word, value, memory_order_release, WN_SCOPE);
}

WN_FN void wn_store_relaxed(WN_GLOBAL uint32_t *word, uint32_t value)
{
	atomic_store_explicit((WN_GLOBAL atomic_uint *)word, value, memory_order_relaxed, WN_SCOPE);
}

#endif

/* The device is little-endian, as its host is: the upper half is the one at the odd address. */
WN_FN void wn_store_release16(WN_GLOBAL uint16_t *word, uint16_t value)
{
	const uint32_t is_upper = (uint32_t)((uint64_t)word >> 1) & 1;
	WN_GLOBAL uint16_t *pair = word - is_upper;
	const uint32_t both = is_upper ? (uint32_t)value << 16 | pair[0] : (uint32_t)pair[1] << 16 | value;

	wn_store_release((WN_GLOBAL uint32_t *)pair, both);
}

#elif defined(__METAL_VERSION__)

/*
 * Metal orders CPU and GPU where a command buffer begins and where it ends, and nowhere else (MTLStorageModeShared:
 * "coherency is only guaranteed at command buffer boundaries"). Lane code there works on memory that nobody else
 * looks at from a launch until its end, so both are the points of order, as in OpenCL's plain case. What a
 * lease reads and writes while it runs goes through device/metal/words.h and never through these.
 */
WN_FN uint32_t wn_load_acquire(WN_GLOBAL uint32_t *word)
{
	return *word;
}

WN_FN uint32_t wn_load_relaxed(WN_GLOBAL uint32_t *word)
{
	return *word;
}

WN_FN void wn_store_release(WN_GLOBAL uint32_t *word, uint32_t value)
{
	*word = value;
}

WN_FN void wn_store_release16(WN_GLOBAL uint16_t *word, uint16_t value)
{
	*word = value;
}

WN_FN void wn_store_relaxed(WN_GLOBAL uint32_t *word, uint32_t value)
{
	*word = value;
}

#elif defined(__CUDA_ARCH__) || defined(__CUDACC_RTC__)

/* PTX ISA, "Memory Consistency Model"; sm_70 and later. */
WN_FN uint64_t wn_load_acquire64(const uint64_t *word)
{
	uint64_t value;

	asm volatile("ld.acquire.sys.global.u64 %0, [%1];" : "=l"(value) : "l"(word) : "memory");
	return value;
}

WN_FN uint32_t wn_load_acquire(const uint32_t *word)
{
	uint32_t value;

	asm volatile("ld.acquire.sys.global.u32 %0, [%1];" : "=r"(value) : "l"(word) : "memory");
	return value;
}

WN_FN uint32_t wn_load_relaxed(const uint32_t *word)
{
	uint32_t value;

	asm volatile("ld.relaxed.sys.global.u32 %0, [%1];" : "=r"(value) : "l"(word) : "memory");
	return value;
}

WN_FN void wn_store_release(uint32_t *word, uint32_t value)
{
	asm volatile("st.release.sys.global.u32 [%0], %1;" : : "l"(word), "r"(value) : "memory");
}

WN_FN void wn_store_release16(uint16_t *word, uint16_t value)
{
	asm volatile("st.release.sys.global.u16 [%0], %1;" : : "l"(word), "h"(value) : "memory");
}

WN_FN void wn_store_relaxed(uint32_t *word, uint32_t value)
{
	asm volatile("st.relaxed.sys.global.u32 [%0], %1;" : : "l"(word), "r"(value) : "memory");
}

WN_FN void wn_store_release64(uint64_t *word, uint64_t value)
{
	asm volatile("st.release.sys.global.u64 [%0], %1;" : : "l"(word), "l"(value) : "memory");
}

WN_FN void wn_store_relaxed64(uint64_t *word, uint64_t value)
{
	asm volatile("st.relaxed.sys.global.u64 [%0], %1;" : : "l"(word), "l"(value) : "memory");
}

#elif defined(__GNUC__) || defined(__clang__)

/* C11 memory model, in the spelling that gcc and clang share for C and C++. */
WN_FN uint32_t wn_load_acquire(const uint32_t *word)
{
	return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

WN_FN uint32_t wn_load_relaxed(const uint32_t *word)
{
	return __atomic_load_n(word, __ATOMIC_RELAXED);
}

WN_FN void wn_store_release(uint32_t *word, uint32_t value)
{
	__atomic_store_n(word, value, __ATOMIC_RELEASE);
}

WN_FN void wn_store_release16(uint16_t *word, uint16_t value)
{
	__atomic_store_n(word, value, __ATOMIC_RELEASE);
}

WN_FN void wn_store_relaxed(uint32_t *word, uint32_t value)
{
	__atomic_store_n(word, value, __ATOMIC_RELAXED);
}

/* A byte that a device writes, for the host to look at. */
WN_FN uint32_t wn_load_relaxed8(const uint8_t *byte)
{
	return __atomic_load_n(byte, __ATOMIC_RELAXED);
}

/* The same for 64-bit words: counters, and `latest`, which only devices with such loads look at. */
WN_FN uint64_t wn_load_acquire64(const uint64_t *word)
{
	return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

WN_FN uint64_t wn_load_relaxed64(const uint64_t *word)
{
	return __atomic_load_n(word, __ATOMIC_RELAXED);
}

WN_FN void wn_store_release64(uint64_t *word, uint64_t value)
{
	__atomic_store_n(word, value, __ATOMIC_RELEASE);
}

WN_FN void wn_store_relaxed64(uint64_t *word, uint64_t value)
{
	__atomic_store_n(word, value, __ATOMIC_RELAXED);
}

#else
#error "warpnic: no ordering words for this compiler"
#endif

#endif
