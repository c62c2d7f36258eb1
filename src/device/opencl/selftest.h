/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The self-test before a device is trusted: messages both ways through memory that host and device share, as
 * the ring does it. In round r the host fills a line with words made of r, then releases `to_device`; the lanes
 * check every word, fill a line of their own, and release `to_host`. A word from another round means that
 * what this project relies on does not hold here. As device/cuda/selftest.h, with words of 32 bits only.
 */
#ifndef WN_DEVICE_OPENCL_SELFTEST_H
#define WN_DEVICE_OPENCL_SELFTEST_H

#include "ring/order.h"
#include "warpnic/types.h"

enum {
	WN_CL_SELFTEST_LINES = 8,
	WN_CL_SELFTEST_WORDS = 32,
	WN_CL_SELFTEST_END = 0x7fffffff    /* in place of a round: there are no more */
};

/* In memory that host and device share. */
struct wn_cl_selftest {
	uint32_t to_device;     /* rounds, the host's */
	uint8_t pad_to_device[124];
	uint32_t to_host;       /* rounds, the device's */
	uint8_t pad_to_host[124];
	uint32_t stale;         /* words of another round that the device saw; valid once it has ended */
	uint8_t pad_stale[124];
	uint64_t clock_ns;      /* the device's clock in this round, in front of to_host */
	uint64_t cycles;        /* the multiprocessor's, at the same moment */
	uint8_t pad_clock[112];
	uint32_t down[WN_CL_SELFTEST_LINES][WN_CL_SELFTEST_WORDS]; /* host to device */
	uint32_t up[WN_CL_SELFTEST_LINES][WN_CL_SELFTEST_WORDS];   /* device to host */
};

WN_FN uint32_t wn_cl_selftest_word(uint32_t round, uint32_t i)
{
	return (round * 2654435761u) ^ (i * 40503u) ^ round;
}

#endif
