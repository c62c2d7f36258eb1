/* SPDX-License-Identifier: Apache-2.0 */
/* What a GPU draws, by NVML (libnvidia-ml.so.1, which comes with the driver), opened at run time. */
#ifndef WN_DEVICE_CUDA_POWER_H
#define WN_DEVICE_CUDA_POWER_H

#include <stdint.h>

/* Milliwatts just now, of the GPU with this number; 0 where that cannot be told. Any thread. */
uint32_t wn_cuda_power_mw(uint32_t ordinal);

#endif
