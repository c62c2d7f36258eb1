/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiled once with each program: -DWN_PROGRAM_SOURCE="\"path/of/program.c\"". A block is one warp is
 * one group; the grid has group_count groups for each queue.
 */
#include WN_PROGRAM_SOURCE

#include "device/cuda/words.h"
#include "lane/group.h"

extern "C" __global__ void __launch_bounds__(32) wn_resident(const struct wn_group_launch *launch, uint64_t lease_cycles)
{
	extern __shared__ __align__(16) uint8_t local[];
	const uint32_t queue = wn_grid_index() % launch->queue_count, number = wn_grid_index() / launch->queue_count;
	uint64_t counts[wn_lane_words + 1];
	const struct wn_program_data data = *launch->data;
	struct wn_group group;

	wn_group_init(&group, launch, local, counts, &data, queue * launch->group_count + number);
	wn_group_reside(&group, queue, number, lease_cycles);
}

extern "C" __global__ void __launch_bounds__(32) wn_batch(const struct wn_group_launch *launch, uint32_t queue,
							  uint32_t first, uint32_t count)
{
	extern __shared__ __align__(16) uint8_t local[];
	uint64_t counts[wn_lane_words + 1];
	const struct wn_program_data data = *launch->data;
	struct wn_group group;

	wn_group_init(&group, launch, local, counts, &data, queue * launch->group_count + wn_grid_index());
	wn_group_serve_range(&group, queue, wn_grid_index(), wn_grid_count(), first, count);
}

#include "device/cuda/selftest.h"
