/* SPDX-License-Identifier: Apache-2.0 */
/* What a cuda device keeps. */
#ifndef WN_DEVICE_CUDA_CUDA_H
#define WN_DEVICE_CUDA_CUDA_H

#include "device/cuda/near.h"
#include "device/team/remote.h"

enum {
	WN_CUDA_GROUPS_MAX = 64,         /* a queue */
	WN_CUDA_AHEAD_MAX = 16,          /* launches of a queue under way */
	WN_CUDA_BATCH_MAX = 1 << 20,     /* packets of a launch */
	WN_CUDA_STAGE_BYTES_MAX = WN_ROOM_BYTES
};

struct cuda {
	struct wn_remote remote;
	uint32_t ordinal;
	char name[80];
	int major, minor;                /* compute capability */
	uint32_t processors;
	uint32_t local_bytes_max;        /* local memory of a block */
	int only_ptx;
	struct wn_cuda_near near;        /* rings=gpu; its memory.memory is NULL: host */
	char rings[160];                 /* which, and why, for name */
	int has_started;
	int is_auto;                     /* the mode is ours to choose */
	uint32_t group_count;            /* a queue; chosen at the first start, then kept */
};

#endif
