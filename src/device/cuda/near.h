/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rings=gpu: what a queue receives is copied into the GPU's own memory (ring/copy.h), for all queues in one
 * allocation:
 *
 *   [ words, slots, frames of queue 0 ] [ of queue 1 ] ... [ the self-test's page ]
 *
 * The memory belongs to the device's process, not to the worker that has it imported: a worker may die and the
 * next one finds everything where it was. Opened before the first team, closed after the last one.
 */
#ifndef WN_DEVICE_CUDA_NEAR_H
#define WN_DEVICE_CUDA_NEAR_H

#include "device/team/control.h"
#include "device/cuda/vulkan.h"
#include "ring/copy.h"

struct wn_cuda_near {
	struct wn_gpu_memory memory;
	uint32_t queue_count;
	uint32_t generation;            /* of teams, from 1: which ones a word `leave` means */
	uint64_t offsets[WN_TEAM_QUEUES_MAX];
	uint64_t test_offset;
	struct wn_ring_copy copies[WN_TEAM_QUEUES_MAX];
	int64_t round_trip_ns;          /* of the last self-test, the median; 0: it was not whole */
};

/* Takes the memory and zeroes what must be. 0 or -errno with the reason, WN_UNAVAILABLE. */
int wn_cuda_near_open(struct wn_cuda_near *near, const uint8_t uuid[16], const struct wn_ring_view *views,
		      uint32_t count, struct wn_error *error);
void wn_cuda_near_close(struct wn_cuda_near *near);

/* Tells a worker where everything is. */
void wn_cuda_near_describe(const struct wn_cuda_near *near, struct wn_team_control *control);

/*
 * Plays the host in the self-test that a worker has begun (WN_TEAM_TESTING), at most for two seconds. The worker
 * judges it.
 */
void wn_cuda_near_test(struct wn_cuda_near *near, struct wn_team_control *control);

/* Tells the lanes of teams up to this generation to leave. */
void wn_cuda_near_leave(const struct wn_cuda_near *near, uint32_t generation);

#endif
