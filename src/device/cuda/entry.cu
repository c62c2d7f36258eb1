/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiled once with each program: -DWN_PROGRAM_SOURCE="\"path/of/program.c\"". A block is one warp is
 * one group; the grid has group_count groups for each queue.
 */
#include WN_PROGRAM_SOURCE

#include "device/cuda/words.h"
#include "lane/group.h"
#include "lane/group_drive.h"
#include "lane/group_stream.h"

/* An argument that is read where it lies. Without the word, which clang does not have, each lane copies it. */
#if defined(__clang__)
#define WN_ARGUMENT
#else
#define WN_ARGUMENT __grid_constant__
#endif

/*
 * One kernel for all modes, because it holds the program. Resident and lease: a grid of group_count groups for
 * each queue. Batch: a grid for one range of one queue.
 */
extern "C" __global__ void __launch_bounds__(32) wn_serve(const WN_ARGUMENT struct wn_group_launch launch,
							  const WN_ARGUMENT struct wn_program_data data,
							  const struct wn_group_order given)
{
	extern __shared__ __align__(16) uint8_t local[];
	struct wn_group_order order = given;
	uint32_t number = wn_grid_index(), groups = wn_grid_count();
	uint64_t counts[wn_lane_words + 1];
	struct wn_group group;

	if ((uint32_t)wn_program_kind == (uint32_t)WN_STREAM)
		return; /* it takes no packets */
	if (!order.is_range) {
		order.queue = number % launch.queue_count;
		number /= launch.queue_count;
		groups = launch.group_count;
	}
	wn_group_init(&group, &launch, local, counts, &data, order.queue, order.queue * launch.group_count + number);
	wn_group_serve(&group, &order, number, groups);
}

/* Resident and lease, where the device drives: one group for each queue. */
extern "C" __global__ void __launch_bounds__(32) wn_drive(const WN_ARGUMENT struct wn_group_launch launch,
							  const WN_ARGUMENT struct wn_program_data data,
							  const struct wn_group_order order)
{
	extern __shared__ __align__(16) uint8_t local[];
	const uint32_t queue = wn_grid_index();
	uint64_t counts[wn_lane_words + 1];
	struct wn_group_drive drive;
	struct wn_group group;

	if ((uint32_t)wn_program_kind == (uint32_t)WN_STREAM)
		return;
	wn_group_init(&group, &launch, local, counts, &data, queue, queue);
	wn_group_drive_init(&drive, &group, local + wn_group_local_bytes(WN_GROUP_LANES, launch.stage_bytes), queue);
	wn_group_drive_serve(&drive, &order);
}

/* The same over connections; for other programs there is nothing in it. */
extern "C" __global__ void __launch_bounds__(32) wn_drive_streams(const WN_ARGUMENT struct wn_group_launch launch,
								  const WN_ARGUMENT struct wn_program_data data,
								  const struct wn_group_order order)
{
	extern __shared__ __align__(16) uint8_t local[];
	const uint32_t queue = wn_grid_index();
	uint64_t counts[wn_lane_words + 1];
	struct wn_group_stream stream;
	struct wn_group group;

	if (!((uint32_t)wn_program_kind & (uint32_t)WN_STREAM))
		return;
	wn_group_init(&group, &launch, local, counts, &data, queue, queue);
	wn_group_stream_init(&stream, &group, local + wn_group_local_bytes(WN_GROUP_LANES, launch.stage_bytes), queue);
	wn_group_stream_serve(&stream, &order);
}

#include "device/cuda/selftest.h"
