/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device's side of device/opencl/selftest.h, which runs before any program is trusted to a device: one round a
 * launch, plain loads and stores, as batch mode has them.
 */
#include "device/metal/words.h"

#include "device/opencl/selftest.h"

kernel void wn_selftest(device struct wn_cl_selftest *test [[buffer(0)]], constant uint32_t &round [[buffer(5)]],
			uint lane [[thread_position_in_grid]])
{
	const uint32_t line = round % WN_CL_SELFTEST_LINES;
	uint32_t stale = 0;

	if (lane)
		return;
	for (uint32_t i = 0; i < WN_CL_SELFTEST_WORDS; i++) {
		stale += test->down[line][i] != wn_cl_selftest_word(round, i);
		test->up[line][i] = ~wn_cl_selftest_word(round, i);
	}
	test->stale += stale;
	test->to_host = round;
}
