/* SPDX-License-Identifier: Apache-2.0 */
/* The device's side of device/opencl/selftest.h: what is run before any program is trusted to a device. */
#include "device/opencl/words.h"
#include "device/opencl/selftest.h"

/* Rounds first, first + 1, ... `count` of them; gives up after `polls` looks for one. One group. */
__kernel void wn_handshake(__global struct wn_cl_selftest *test, uint32_t first, uint32_t count, uint32_t polls)
{
	WN_LOCAL uint32_t seen;
	const uint32_t lane = (uint32_t)get_local_id(0), lanes = (uint32_t)get_local_size(0);
	uint32_t stale = 0;

	for (uint32_t round = first; round < first + count; round++) {
		const uint32_t line = round % WN_CL_SELFTEST_LINES;

		if (lane == 0) {
			uint32_t poll = 0;

			do {
				seen = wn_load_acquire(&test->to_device);
			} while (seen != round && seen != WN_CL_SELFTEST_END && ++poll < polls);
		}
		barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE);
		if (seen != round)
			break;
		for (uint32_t i = lane; i < WN_CL_SELFTEST_WORDS; i += lanes) {
			stale += test->down[line][i] != wn_cl_selftest_word(round, i);
			test->up[line][i] = ~wn_cl_selftest_word(round, i);
		}
		barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE);
		if (lane == 0)
			wn_store_release(&test->to_host, round);
	}
	if (stale)
		wn_store_release(&test->stale, 1);
}
