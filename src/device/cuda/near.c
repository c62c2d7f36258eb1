/* SPDX-License-Identifier: Apache-2.0 */
#include "device/cuda/near.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "device/cuda/selftest.h"

#define TEST_NS (2 * WN_SECOND_NS)

/* Write combining memory takes zeros by the line as well. */
static void zero_lines(uint8_t *to, uint64_t bytes)
{
	static const uint8_t zeros[WN_COPY_LINE_BYTES] __attribute__((aligned(WN_COPY_LINE_BYTES)));

	for (uint64_t at = 0; at < bytes; at += WN_COPY_LINE_BYTES)
		wn_copy_lines(to + at, zeros, sizeof(zeros));
	wn_copy_fence();
}

int wn_cuda_near_open(struct wn_cuda_near *near, const uint8_t uuid[16], const struct wn_ring_view *views,
		      uint32_t count, struct wn_error *error)
{
	uint64_t bytes = 0;
	int rc;

	memset(near, 0, sizeof(*near));
	near->queue_count = count;
	for (uint32_t i = 0; i < count; i++) {
		near->offsets[i] = bytes;
		bytes += wn_ring_copy_bytes(&views[i]);
	}
	near->test_offset = bytes;
	bytes += 4096;
	rc = wn_gpu_memory_open(&near->memory, uuid, bytes, error);
	if (rc)
		return rc;
	for (uint32_t i = 0; i < count; i++) {
		uint8_t *base = near->memory.memory + near->offsets[i];

		near->copies[i].words = (struct wn_ring_copy_words *)base;
		near->copies[i].slots = (struct wn_slot *)(base + wn_ring_copy_slots_offset());
		near->copies[i].frames = base + wn_ring_copy_frames_offset(&views[i]);
		/* Words and slots: a position that somebody left there must not be taken for ours. */
		zero_lines(base, wn_ring_copy_frames_offset(&views[i]));
	}
	zero_lines(near->memory.memory + near->test_offset, 4096);
	return 0;
}

void wn_cuda_near_close(struct wn_cuda_near *near)
{
	wn_gpu_memory_close(&near->memory);
	memset(near, 0, sizeof(*near));
}

void wn_cuda_near_describe(const struct wn_cuda_near *near, struct wn_team_control *control)
{
	control->near_bytes = near->memory.bytes;
	control->near_test_offset = near->test_offset;
	memcpy(control->near_offsets, near->offsets, sizeof(control->near_offsets));
}

void wn_cuda_near_leave(const struct wn_cuda_near *near, uint32_t generation)
{
	for (uint32_t i = 0; i < near->queue_count; i++)
		wn_store_relaxed(&near->copies[i].words->leave, generation);
	wn_copy_fence();
}

/* A round, as wn_producer_publish writes slots and `latest`: the line, then the word. */
static void send_round(struct wn_selftest *there, uint32_t round)
{
	uint32_t line[WN_SELFTEST_WORDS] __attribute__((aligned(WN_COPY_LINE_BYTES)));

	for (uint32_t i = 0; i < WN_SELFTEST_WORDS; i++)
		line[i] = wn_selftest_word(round, i);
	wn_copy_lines((uint8_t *)there->down[round % WN_SELFTEST_LINES], (const uint8_t *)line, sizeof(line));
	wn_copy_fence();
	wn_store_relaxed64(&there->to_device, wn_selftest_round(round));
	wn_copy_fence();
}

static int compare(const void *a, const void *b)
{
	const int64_t one = *(const int64_t *)a, other = *(const int64_t *)b;

	return (one > other) - (one < other);
}

void wn_cuda_near_test(struct wn_cuda_near *near, struct wn_team_control *control)
{
	struct wn_selftest *there = (struct wn_selftest *)(near->memory.memory + near->test_offset);
	const int64_t until = wn_clock_ns() + TEST_NS;
	int64_t times[WN_SELFTEST_ROUNDS];

	near->round_trip_ns = 0;
	for (uint32_t round = 1; round <= WN_SELFTEST_ROUNDS; round++) {
		const int64_t begin = wn_clock_ns();
		int64_t now = begin;

		send_round(there, round);
		while (wn_load_acquire(&control->near_test.to_host) != round && now < until)
			now = wn_clock_ns();
		if (now >= until)
			return;
		times[round - 1] = wn_clock_ns() - begin;
	}
	qsort(times, WN_SELFTEST_ROUNDS, sizeof(times[0]), compare);
	near->round_trip_ns = times[WN_SELFTEST_ROUNDS / 2];
	/* The next one begins at round 1, and must not see the last of this one. */
	wn_store_relaxed64(&there->to_device, 0);
	wn_copy_fence();
}
