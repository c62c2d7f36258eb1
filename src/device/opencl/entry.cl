/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernels, behind the program: device/opencl/text.c puts its text where this file includes it.
 *
 *   wn_serve       resident and lease: groups that poll (WN_OPENCL_SERVE)
 *   wn_run         batch: [first, first + count) of one piece
 *
 * One of them a text, because a driver's compiler may take seconds for each.
 */
#include "device/opencl/words.h"

#include WN_PROGRAM_SOURCE

#include "lane/items.h"

#if defined(WN_OPENCL_SERVE)

/* What the leader says to its lanes. */
struct share {
	uint32_t count;
	uint32_t position;
	uint32_t is_over;
};

/* The leader's look at one part: what is there, and whether nothing will ever be. */
static inline uint32_t look(WN_PRIVATE const struct wn_items *items, WN_GLOBAL struct wn_cl_state *state, uint32_t part,
			    WN_LOCAL struct share *share)
{
	const uint32_t queue = part / items->launch->part_count;
	struct wn_port port;

	wn_items_port(items, &port, queue, state->positions[part]);
	share->position = port.position;
	share->count = wn_load_relaxed(&state->lost[part]) ? 0 : wn_port_peek(&port);
	return !share->count && wn_port_finished(&port);
}

/* After a block, unless a slot of it was corrupt: then the part stands still for good. */
static inline void retire(WN_PRIVATE const struct wn_items *items, WN_GLOBAL struct wn_cl_state *state, uint32_t part,
			  WN_LOCAL const struct share *share)
{
	const uint32_t queue = part / items->launch->part_count;
	struct wn_port port;

	if (wn_load_relaxed(&state->lost[part]))
		return;
	wn_items_port(items, &port, queue, share->position);
	wn_port_retire(&port, share->count);
	state->positions[part] = port.position;
}

/*
 * `lease`: the number of this launch; `turns`: it ends after so many without a packet, 0: never. A turn looks
 * at each part of this group once.
 */
__kernel void wn_serve(__global uint8_t *memory, __global const struct wn_cl_launch *launch,
		       __global uint8_t *data, __global uint32_t *cells, __global uint32_t *rows,
		       __global struct wn_cl_state *state, uint32_t lease, uint32_t turns)
{
	WN_LOCAL struct share share;
	const uint32_t lane = (uint32_t)get_local_id(0), lanes = (uint32_t)get_local_size(0);
	const uint32_t group = (uint32_t)get_group_id(0), groups = (uint32_t)get_num_groups(0);
	const uint32_t parts = launch->queue_count * launch->part_count;
	uint64_t counts[wn_lane_words + 1];
	uint32_t idle = 0, busy = 0, finished;
	struct wn_items items;
	struct wn_port port;

	wn_items_init(&items, memory, launch, data, cells, rows, group * lanes + lane, counts);
	if (lane == 0)
		wn_store_release(&state->alive[group], state->alive[group] + 1);
	for (;;) {
		uint32_t served = 0;

		finished = 1;
		for (uint32_t part = group; part < parts; part += groups) {
			uint32_t count;

			if (lane == 0)
				finished &= look(&items, state, part, &share);
			barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE);
			count = share.count;
			if (count) {
				wn_items_port(&items, &port, part / launch->part_count, share.position);
				if (wn_items_serve(&items, &port, lane, count, lanes, counts))
					wn_store_relaxed(&state->lost[part], 1);
				served = 1;
			}
			barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE);
			if (lane == 0 && count)
				retire(&items, state, part, &share);
		}
		idle = served ? 0 : idle + 1;
		busy++;
		/* Counters: once all is quiet, and every now and then where it never is. */
		if (idle == 64 || busy % 4096 == 0)
			wn_items_flush(&items, counts);
		if (lane == 0)
			share.is_over = finished || wn_load_relaxed(&state->leave) ||
					(turns && (idle >= turns ||
						   (int32_t)(wn_load_relaxed(&state->over) - lease) >= 0));
		barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE);
		if (share.is_over)
			break;
	}
	wn_items_flush(&items, counts);
}

#else

__kernel void wn_run(__global uint8_t *memory, __global const struct wn_cl_launch *launch, __global uint8_t *data,
		     __global uint32_t *cells, __global uint32_t *rows, uint32_t queue, uint32_t first,
		     uint32_t count)
{
	const uint32_t lane = (uint32_t)get_global_id(0), lanes = (uint32_t)get_global_size(0);
	uint64_t counts[wn_lane_words + 1];
	struct wn_items items;
	struct wn_port port;

	wn_items_init(&items, memory, launch, data, cells, rows, lane, counts);
	wn_items_port(&items, &port, queue, first);
	wn_items_serve(&items, &port, lane, count, lanes, counts);
	wn_items_flush(&items, counts);
}

#endif
