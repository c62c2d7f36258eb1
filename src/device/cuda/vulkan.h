/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory of a GPU that the host writes through a mapping, taken from Vulkan: libvulkan.so.1 opened at run time,
 * nothing of an SDK. CUDA has no such memory of its own on a PCI Express machine; Vulkan has a memory type for
 * it (DEVICE_LOCAL, HOST_VISIBLE and HOST_COHERENT: the GPU's memory behind its BAR), and a descriptor of an
 * allocation that CUDA imports (VK_KHR_external_memory_fd, cuImportExternalMemory).
 *
 * The mapping is write combining: write whole lines, never read (a read takes a microsecond a word).
 */
#ifndef WN_DEVICE_CUDA_VULKAN_H
#define WN_DEVICE_CUDA_VULKAN_H

#include <stddef.h>
#include <stdint.h>

#include "warpnic/status.h"

struct wn_gpu_memory {
	uint8_t *memory;        /* the mapping; NULL: there is none */
	size_t bytes;           /* of the allocation, which may be more than was asked for */
	int fd;                 /* of the allocation; an importer gets a duplicate and owns that */
	void *library;
	void *instance, *device;
	uint64_t allocation;
};

/*
 * Takes `bytes` of the GPU with this UUID (cuDeviceGetUuid), zeroed by nobody. 0 or -errno with the reason,
 * WN_UNAVAILABLE. wn_gpu_memory_close() undoes it; a zeroed struct is fine. One thread at a time.
 */
int wn_gpu_memory_open(struct wn_gpu_memory *memory, const uint8_t uuid[16], size_t bytes, struct wn_error *error);
void wn_gpu_memory_close(struct wn_gpu_memory *memory);

#endif
