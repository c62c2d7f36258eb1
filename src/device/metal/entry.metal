/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Batch: a launch serves [first, first + count) of one piece, a lane a packet, where it lies (lane/items.h). Stands
 * behind the program: device/text.c puts its text where this file includes it.
 */
#include "device/metal/words.h"

#include WN_PROGRAM_SOURCE

#include "device/metal/launch.h"
#include "lane/items.h"

kernel void wn_run(device uint8_t *memory [[buffer(0)]], device const struct wn_cl_launch *launch [[buffer(1)]],
		   device uint8_t *data [[buffer(2)]], device uint32_t *cells [[buffer(3)]],
		   device uint32_t *rows [[buffer(4)]], constant struct wn_metal_range &range [[buffer(5)]],
		   uint lane [[thread_position_in_grid]], uint lanes [[threads_per_grid]])
{
	uint64_t counts[wn_lane_words + 1];
	struct wn_items items;
	struct wn_port port;

	wn_items_init(&items, memory, launch, data, cells, rows, lane, counts);
	wn_items_port(&items, &port, range.queue, range.first);
	wn_items_serve(&items, &port, lane, range.count, lanes, counts);
	wn_items_flush(&items, counts);
}
