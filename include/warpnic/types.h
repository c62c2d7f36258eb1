/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words that every compiler of this project spells differently.
 *
 * Included by everything a device compiles: C11 (gcc, clang), C++14 (nvcc, NVRTC), OpenCL C 3.0, the
 * Metal Shading Language. No device header may include a header of the C library; this one brings
 * the fixed-width integers instead.
 *
 *   WN_FN               a function of a header: static inline
 *   WN_GLOBAL           qualifier of a pointer to memory that host and device share
 *   WN_STAGED           qualifier of a pointer to the bytes of the packet in hand; on a GPU they
 *                       have been staged into the group's local memory. The opencl and metal devices run a
 *                       packet where it lies, so there it is global unless the compiler is told otherwise
 *   WN_PRIVATE          qualifier of a pointer to a lane's own variable
 *   WN_STATIC_ASSERT    compile-time check; the message is an identifier, not a string
 *   WN_UNLIKELY         branch hint
 */
#ifndef WARPNIC_TYPES_H
#define WARPNIC_TYPES_H

#if defined(__OPENCL_VERSION__) || defined(__OPENCL_C_VERSION__)

typedef unsigned char uint8_t;
typedef unsigned short uint16_t;
typedef unsigned int uint32_t;
typedef unsigned long uint64_t;
typedef signed char int8_t;
typedef short int16_t;
typedef int int32_t;
typedef long int64_t;
#define WN_FN static inline
#define WN_GLOBAL __global
#ifndef WN_STAGED
#define WN_STAGED __global
#endif
#define WN_PRIVATE __private
#define WN_STATIC_ASSERT(condition, name) typedef char wn_assert_##name[(condition) ? 1 : -1]

#elif defined(__METAL_VERSION__)

/* Its integers have the usual names; where they are in the namespace, this brings them out. */
#include <metal_stdlib>
using namespace metal;
#define WN_FN static inline
#define WN_GLOBAL device
#ifndef WN_STAGED
#define WN_STAGED device
#endif
#define WN_PRIVATE thread
#define WN_STATIC_ASSERT(condition, name) static_assert(condition, #name)

#elif defined(__CUDACC_RTC__)

typedef unsigned char uint8_t;
typedef unsigned short uint16_t;
typedef unsigned int uint32_t;
typedef unsigned long long uint64_t;
typedef signed char int8_t;
typedef short int16_t;
typedef int int32_t;
typedef long long int64_t;
#define WN_FN static __device__ inline
#define WN_GLOBAL
#define WN_STAGED
#define WN_PRIVATE
#define WN_STATIC_ASSERT(condition, name) static_assert(condition, #name)

#else

#include <stdint.h>
#if defined(__CUDA_ARCH__) || defined(__CUDACC__)
#define WN_FN static __host__ __device__ inline
#else
#define WN_FN static inline
#endif
#define WN_GLOBAL
#define WN_STAGED
#define WN_PRIVATE
#if defined(__cplusplus)
#define WN_STATIC_ASSERT(condition, name) static_assert(condition, #name)
#else
#define WN_STATIC_ASSERT(condition, name) _Static_assert(condition, #name)
#endif

#endif

#if defined(__GNUC__) || defined(__clang__)
#define WN_UNLIKELY(condition) __builtin_expect(!!(condition), 0)
#else
#define WN_UNLIKELY(condition) (condition)
#endif

#endif
