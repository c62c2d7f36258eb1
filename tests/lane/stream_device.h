/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device of a test of connections, included after the program: a group of one lane (lane/stream_loop.h), or with
 * WN_TEST_WARP one of 32 (lane/group_stream.h), whose lanes are those of warp_words.h. It has a view and a file,
 * serves what is there each time it is asked to, and keeps what it knows until it leaves.
 */
#ifndef WN_TESTS_STREAM_DEVICE_H
#define WN_TESTS_STREAM_DEVICE_H

#include <stdlib.h>
#include <string.h>

static uint64_t clock_ns;

#ifdef WN_TEST_WARP
#include "tests/lane/warp_words.h"

#include "lane/group.h"
#include "lane/group_drive.h"
#include "lane/group_stream.h"
#else
static inline uint64_t wn_lane_now_ns(void)
{
	return clock_ns;
}

static inline void wn_counter_store(uint64_t *word, uint64_t value)
{
	*word = value;
}

#include "lane/stream_loop.h"
#endif
#include "tests/check.h"

static struct {
	struct wn_drive_view view;
	struct wn_program_data data;
	int is_running;
#ifdef WN_TEST_WARP
	struct wn_group_queue queue;
	struct wn_group_launch launch;
	struct wn_group_order order;
	uint32_t alive, leave;
	uint64_t clock_offset_ns, totals[wn_lane_words + WN_STAGE_WORDS], row[wn_lane_words + WN_STAGE_WORDS];
	uint8_t *local;
#else
	struct wn_drive_lane lane;
	uint64_t row[wn_lane_words];
#endif
} device;

/* The program's counter, of all lanes and of all that have been here. */
static uint64_t device_counter(uint32_t number)
{
	return device.row[number];
}

#ifdef WN_TEST_WARP
enum { DEVICE_SEEDS = 4, DEVICE_STAGE_BYTES = 256 }; /* what is longer is read where it lies */

static void device_lane(void *argument)
{
	uint64_t counts[wn_lane_words + 1];
	struct wn_group_stream stream;
	struct wn_group group;

	(void)argument;
	wn_group_init(&group, &device.launch, device.local, counts, &device.data, 0, 0);
	wn_group_stream_init(&stream, &group,
			     device.local + wn_group_local_bytes(WN_GROUP_LANES, device.launch.stage_bytes), 0);
	wn_group_stream_serve(&stream, &device.order);
}

/* Between what one lane stages and what the next one does, nobody writes. */
static uint8_t *device_gap(uint32_t lane)
{
	const uint32_t all = wn_group_local_bytes(WN_GROUP_LANES, DEVICE_STAGE_BYTES);
	const uint32_t stride = DEVICE_STAGE_BYTES + WN_CHUNK_BYTES;

	return device.local + all - (WN_GROUP_LANES - lane) * stride + DEVICE_STAGE_BYTES;
}

static void device_launch(void)
{
	const size_t bytes = wn_group_drive_bytes(WN_GROUP_LANES, DEVICE_STAGE_BYTES);

	device.queue = (struct wn_group_queue){.leave = &device.leave, .group_count = 1};
	device.launch = (struct wn_group_launch){
		.queues = &device.queue, .totals = device.totals, .rows = device.row, .alive = &device.alive,
		.queue_count = 1, .group_count = 1, .row_words = wn_lane_words + WN_STAGE_WORDS,
		.stage_bytes = DEVICE_STAGE_BYTES, .drives = &device.view, .clock_offset_ns = &device.clock_offset_ns,
		.doze_ns = 1};
	/* Not a byte more than was asked for. */
	device.local = aligned_alloc(16, (bytes + 15) / 16 * 16);
	for (uint32_t i = 0; i < WN_GROUP_LANES; i++)
		memset(device_gap(i), 0x5a, WN_CHUNK_BYTES);
	warp.pauses = device.is_running = 1;
	warp_run(device_lane, NULL);
}

/* Until it would doze, which is when it has nothing to do and has shown its counts. */
static void device_serve(void)
{
	device.clock_offset_ns = clock_ns - warp_cycles;
	if (device.is_running)
		warp_resume();
	else
		device_launch();
	CHECK(warp.is_paused);
}

/* It leaves as it is; whoever serves next goes on at its cursors. */
static void device_leave(void)
{
	if (!device.is_running)
		return;
	device.leave = 1;
	warp_resume();
	CHECK(!warp.is_paused);
	device.leave = 0;
	device.is_running = 0;
	for (uint32_t i = 0; i < WN_GROUP_LANES; i++)
		for (uint32_t k = 0; k < WN_CHUNK_BYTES; k++)
			CHECK_INT(device_gap(i)[k], 0x5a);
	free(device.local);
}
#else
enum { DEVICE_SEEDS = 40 };

static void device_serve(void)
{
	if (!device.is_running)
		wn_drive_init(&device.lane, &device.view);
	device.is_running = 1;
	wn_stream_serve(&device.lane, &device.data, device.row, 1000);
}

static void device_leave(void)
{
	device.is_running = 0;
}
#endif

#endif
