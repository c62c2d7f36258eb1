/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The same while the kernel runs, as lease mode has it: rounds first, first + 1, ... through coherent accesses, until
 * the host says END, or after `turns` looks in all.
 */
#define WN_METAL_LEASE 1
#include "device/metal/words.h"

#include "device/metal/launch.h"
#include "device/opencl/selftest.h"

kernel void wn_handshake(WN_SHARED struct wn_cl_selftest *test [[buffer(0)]],
			 constant struct wn_metal_lease &lease [[buffer(5)]], uint lane [[thread_position_in_grid]])
{
	uint32_t stale = 0, round = lease.number, seen;

	if (lane)
		return;
	/* Looks are counted over all rounds: that is the bound of the kernel. */
	for (uint32_t turn = 0; turn < lease.turns; turn++) {
		const uint32_t line = round % WN_CL_SELFTEST_LINES;

		seen = test->to_device;
		wn_metal_fence();
		if (seen == WN_CL_SELFTEST_END)
			break;
		if (seen != round)
			continue;
		for (uint32_t i = 0; i < WN_CL_SELFTEST_WORDS; i++) {
			stale += test->down[line][i] != wn_cl_selftest_word(round, i);
			test->up[line][i] = ~wn_cl_selftest_word(round, i);
		}
		wn_metal_fence();
		test->to_host = round++;
	}
	test->stale = test->stale + stale;
}
