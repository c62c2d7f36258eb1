/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Included first where clang compiles entry.cu without a CUDA toolkit: CUDA's own words, as clang's
 * attributes and built-ins have them.
 */
#ifndef WN_DEVICE_CUDA_CLANG_H
#define WN_DEVICE_CUDA_CLANG_H

#define __host__ __attribute__((host))
#define __device__ __attribute__((device))
#define __global__ __attribute__((global))
#define __shared__ __attribute__((shared))
#define __align__(bytes) __attribute__((aligned(bytes)))
#define __launch_bounds__(...) __attribute__((launch_bounds(__VA_ARGS__)))

#endif
