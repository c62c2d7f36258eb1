/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The self-test before a device is trusted: messages both ways through memory, as the ring does it. In round
 * r the host fills a line with words made of r, then releases `to_device`; the lanes check every word, fill a
 * line of their own, and release `to_host`. A word from another round, or half a `to_device`, means that what
 * this project relies on does not hold here. What the host writes lies in host memory or in the GPU's
 * (device/cuda/near.h), what the device writes always in host memory.
 */
#ifndef WN_DEVICE_CUDA_SELFTEST_H
#define WN_DEVICE_CUDA_SELFTEST_H

#include "ring/order.h"
#include "warpnic/types.h"

enum { WN_SELFTEST_LINES = 8, WN_SELFTEST_WORDS = 32, WN_SELFTEST_ROUNDS = 2000 };

/* In memory that host and device share. */
struct wn_selftest {
	uint64_t to_device;     /* wn_selftest_round() of the last one, the host's */
	uint8_t pad_to_device[120];
	uint32_t to_host;       /* rounds, the device's */
	uint8_t pad_to_host[124];
	uint32_t stale;         /* words of another round that the device saw; valid once it has ended */
	uint8_t pad_stale[124];
	uint64_t clock_ns;      /* the device's clock in this round, in front of to_host */
	uint64_t cycles;        /* the multiprocessor's, at the same moment */
	uint8_t pad_clock[112];
	uint32_t down[WN_SELFTEST_LINES][WN_SELFTEST_WORDS]; /* host to device */
	uint32_t up[WN_SELFTEST_LINES][WN_SELFTEST_WORDS];   /* device to host */
};

WN_FN uint32_t wn_selftest_word(uint32_t round, uint32_t i)
{
	return (round * 2654435761u) ^ (i * 40503u) ^ round;
}

/* As `latest` of a ring: the round, and what only belongs to it. */
WN_FN uint64_t wn_selftest_round(uint32_t round)
{
	return (uint64_t)round << 32 | (wn_selftest_word(round, 77) & 0xffffffffu);
}

#if defined(WN_PROGRAM_SOURCE)

/* One warp; what the host says lies in `from`. Ends after `rounds`, or when the host has been silent for `patience` cycles. */
extern "C" __global__ void __launch_bounds__(32)
	wn_selftest(struct wn_selftest *test, struct wn_selftest *from, uint32_t rounds, uint64_t patience)
{
	const uint32_t lane = wn_group_lane();
	uint32_t stale = 0;

	for (uint32_t round = 1; round <= rounds; round++) {
		const uint64_t begin = wn_group_cycles();
		const uint32_t line = round % WN_SELFTEST_LINES;
		uint64_t seen;

		do {
			seen = wn_load_acquire64(&from->to_device);
			seen = wn_group_shuffle64(seen, 0);
		} while (seen >> 32 != round &&
			 !wn_group_shuffle(wn_group_cycles() - begin > patience, 0));
		if (seen >> 32 != round)
			break;
		wn_group_barrier();
		stale += seen != wn_selftest_round(round);
		stale += from->down[line][lane] != wn_selftest_word(round, lane);
		test->up[line][lane] = ~wn_selftest_word(round, lane);
		if (lane == 0) {
			test->clock_ns = wn_group_ns();
			test->cycles = wn_group_cycles();
		}
		wn_group_barrier();
		if (lane == 0)
			wn_store_release(&test->to_host, round);
	}
	stale = (uint32_t)wn_group_sum(stale);
	if (lane == 0)
		wn_store_release(&test->stale, stale);
}

#endif

#endif
