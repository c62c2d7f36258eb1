/* SPDX-License-Identifier: Apache-2.0 */
/* What goes wrong, and what the counters say of it. */
#include "clock.h"
#include "tests/runtime/network.h"

#include <unistd.h>

#include "lane/port_ring.h"
#include "runtime_state.h"

static uint32_t make_echo(uint32_t i, uint8_t *bytes, struct wn_memory_packet *packet)
{
	(void)packet;
	memset(bytes, (int)i, 32);
	bytes[0] = 15;
	return 32;
}

static struct wn_runtime_params params_for(const char *program)
{
	return (struct wn_runtime_params){
		.program = program,
		.links = {"memory:"},
		.link_count = 1,
	};
}

/* A link that refuses every reply: all are counted as send failed, none is lost. */
static void test_send_refused(void)
{
	struct wn_runtime_params params = params_for("echo");
	struct wn_counters counters;
	struct network network;

	network_init(&network, 5000, make_echo);
	network.take_error = ENETUNREACH;
	CHECK_INT(network_run(&network, &params, &counters), 0);
	CHECK_INT(counters.answered, 0);
	CHECK_INT(counters.dropped[WN_CAUSE_SEND_FAILED], 5000);
	network_finish(&network);
}

static uint32_t taken_later, taken_after_all;
static uint32_t refusals;
static uint8_t refused[32];      /* the reply that was refused last */
static int is_refused;

/*
 * EAGAIN for a moment, as a full transmit queue says, then fine again: three times before every
 * hundredth packet. By number, so that a pump which was not scheduled for its millisecond of patience,
 * and tries each reply once from there on, loses three a time at most.
 */
static int take_later(void *context, uint32_t queue, const uint8_t *bytes,
		      const struct wn_memory_packet *packet, int is_reply)
{
	if (taken_later % 100 == 0) {
		if (refusals < 3) {
			refusals++;
			memcpy(refused, bytes, sizeof(refused));
			is_refused = 1;
			return EAGAIN;
		}
		refusals = 0;
		/* Tried again until it was taken, and not another one in its place. */
		taken_after_all += is_refused && !memcmp(refused, bytes, sizeof(refused));
	}
	is_refused = 0;
	taken_later++;
	return network_take(context, queue, bytes, packet, is_reply);
}

static void test_send_later(void)
{
	struct wn_runtime_params params = params_for("echo");
	struct wn_counters counters = {0};
	struct network network;
	struct wn_memory_hooks hooks = {&network, network_next, take_later};
	struct wn_runtime *runtime;

	network_init(&network, 2000, make_echo);
	params.hooks = &hooks;
	runtime = wn_runtime_create(&params, NULL);
	CHECK(runtime != NULL);
	CHECK_INT(wn_runtime_start(runtime, NULL), 0);
	while (!wn_runtime_wait(runtime, 100))
		continue;
	CHECK_INT(wn_runtime_stop(runtime), 0);
	wn_runtime_snapshot(runtime, &counters);
	CHECK_INT(counters.answered + counters.dropped[WN_CAUSE_SEND_FAILED], 2000);
	CHECK(taken_after_all > 0);
	CHECK(counters.answered > 1900);
	for (uint32_t i = 1; i < network.taken_count; i++)
		CHECK(network.taken[i].tag > network.taken[i - 1].tag);
	wn_runtime_destroy(runtime);
	network_finish(&network);
}

static uint32_t make_slow(uint32_t i, uint8_t *bytes, struct wn_memory_packet *packet)
{
	(void)packet;
	memset(bytes, 0, 32);
	bytes[0] = i % 50 == 0 ? 255 : 1;
	memcpy(bytes + 4, &i, sizeof(i));
	return 32;
}

/* A source faster than the device, told not to wait: the newest are dropped, order is kept. */
static void test_ring_full(void)
{
	struct wn_runtime_params params = params_for(TEST_PROGRAM("slow"));
	struct wn_counters counters;
	struct network network;
	uint32_t number, last = 0;

	network_init(&network, 20000, make_slow);
	params.mode = WN_MODE_RESIDENT;
	params.slot_count = 64;
	params.when_full = WN_FULL_DROP;
	CHECK_INT(network_run(&network, &params, &counters), 0);
	CHECK_INT(counters.received, 20000);
	CHECK(counters.dropped[WN_CAUSE_RING_FULL] > 0);
	CHECK_INT(counters.answered + counters.dropped[WN_CAUSE_RING_FULL], 20000);
	CHECK_INT(network.taken_count, counters.answered);
	for (uint32_t i = 0; i < network.taken_count; i++) {
		memcpy(&number, network.taken[i].bytes + 4, sizeof(number));
		CHECK_INT(number, network.taken[i].tag);
		CHECK(i == 0 || number > last);
		last = number;
	}
	network_finish(&network);
}

/* Longer than a slot: never answered as if it were whole. */
static uint32_t make_long(uint32_t i, uint8_t *bytes, struct wn_memory_packet *packet)
{
	memset(bytes, 15, 256);
	packet->wire_length = i % 2 ? 256 : 3000;
	return 256;
}

static void test_truncated(void)
{
	struct wn_runtime_params params = params_for("echo");
	struct wn_counters counters;
	struct network network;

	network_init(&network, 1000, make_long);
	params.slot_bytes = 256;
	CHECK_INT(network_run(&network, &params, &counters), 0);
	CHECK_INT(counters.answered, 500);
	CHECK_INT(counters.dropped[WN_CAUSE_TRUNCATED], 500);
	CHECK_INT(counters.bytes, 500 * 256 + 500 * 3000);
	network_finish(&network);
}

/* A program that does not come back: the stop is bounded and says how much was left. */
static void test_stuck(void)
{
	struct wn_runtime_params params = params_for(TEST_PROGRAM("stuck"));
	struct wn_counters counters;
	struct network network;
	struct wn_memory_hooks hooks = {&network, network_next, network_take};
	struct wn_runtime *runtime;
	int64_t before;

	network_init(&network, 100, make_echo);
	params.mode = WN_MODE_RESIDENT;
	params.stop_ms = 200;
	params.hooks = &hooks;
	runtime = wn_runtime_create(&params, NULL);
	CHECK(runtime != NULL);
	CHECK_INT(wn_runtime_start(runtime, NULL), 0);
	do {
		CHECK_INT(wn_runtime_wait(runtime, 100), 0);
		wn_runtime_snapshot(runtime, &counters);
	} while (counters.received < 100);
	before = wn_clock_ns();
	CHECK_INT(wn_runtime_stop(runtime), -ETIMEDOUT);
	CHECK(wn_clock_ns() - before < 30 * WN_SECOND_NS);
	wn_runtime_snapshot(runtime, &counters);
	CHECK_INT(wn_counters_difference(&counters), 0);
	CHECK_INT(counters.dropped[WN_CAUSE_DEVICE_STOPPED], 100);
	CHECK_INT(counters.in_flight, 0);
	/* Its thread still runs in our memory: nothing is freed, the process ends with it. */
}

/* A lane that finds another position than it should reports it and answers nothing. */
static void test_corrupt_slot(void)
{
	const struct wn_ring_geometry geometry = {64, 256, 1};
	struct wn_producer producer;
	struct wn_ring ring;
	struct wn_port port;

	CHECK_INT(wn_ring_create(&ring, &geometry, NULL), 0);
	wn_producer_init(&producer, &ring);
	CHECK_INT(wn_producer_reserve(&producer, 3), 3);
	for (uint32_t i = 0; i < 3; i++)
		ring.view.slots[i].position = i == 1 ? 77 : i + 1;
	wn_producer_publish(&producer, 3);
	wn_port_init(&port, &ring.view, 0, 1);
	CHECK_INT(wn_port_peek(&port), 3);
	wn_port_report_corrupt(&port, 1);
	CHECK_INT(ring.view.words->corrupt, 1);
	CHECK_INT(ring.view.words->corrupt_position, 1);
	wn_ring_destroy(&ring);
}

struct spoiler {
	struct network network;
	struct wn_runtime *runtime;
};

static int take_of_spoiler(void *context, uint32_t queue, const uint8_t *bytes,
			   const struct wn_memory_packet *packet, int is_reply)
{
	return network_take(&((struct spoiler *)context)->network, queue, bytes, packet, is_reply);
}

/* Spoils a slot that is filled and not published, for it is filled in one burst with the one behind it. */
static int spoil_and_next(void *context, uint32_t queue, uint8_t *bytes, uint32_t capacity,
			  struct wn_memory_packet *packet)
{
	struct spoiler *spoiler = context;
	struct wn_queue *own = &spoiler->runtime->queues[0][queue];

	if (spoiler->network.made == 201)
		own->ring.view.slots[200].position = 12345;
	return network_next(&spoiler->network, queue, bytes, capacity, packet);
}

static char last_line[512];

static void keep_line(void *context, const char *line)
{
	(void)context;
	snprintf(last_line, sizeof(last_line), "%s", line);
}

static uint32_t make_very_slow(uint32_t i, uint8_t *bytes, struct wn_memory_packet *packet)
{
	(void)i;
	(void)packet;
	memset(bytes, 255, 32);
	return 32;
}

static void test_corrupt_ring(void)
{
	struct wn_runtime_params params = params_for(TEST_PROGRAM("slow"));
	struct spoiler spoiler = {0};
	struct wn_memory_hooks hooks = {&spoiler, spoil_and_next, take_of_spoiler};
	struct wn_counters counters;
	int rc = 0;

	network_init(&spoiler.network, 1000, make_very_slow);
	params.mode = WN_MODE_RESIDENT;
	params.slot_count = 256;
	params.hooks = &hooks;
	params.log = keep_line;
	spoiler.runtime = wn_runtime_create(&params, NULL);
	CHECK(spoiler.runtime != NULL);
	CHECK_INT(wn_runtime_start(spoiler.runtime, NULL), 0);
	while (rc == 0)
		rc = wn_runtime_wait(spoiler.runtime, 100);
	CHECK_INT(rc, -EIO);
	wn_runtime_stop(spoiler.runtime);
	CHECK_TEXT(last_line, "memory (hooks): queue 0 stopped: ring corrupt at position 200");
	wn_runtime_snapshot(spoiler.runtime, &counters);
	CHECK_INT(counters.answered, 200);
	CHECK_INT(counters.received, 200 + counters.dropped[WN_CAUSE_DEVICE_STOPPED]);
	CHECK_INT(wn_counters_difference(&counters), 0);
	wn_runtime_destroy(spoiler.runtime);
	network_finish(&spoiler.network);
}

/* What a device wrote is checked before it is used: words that no loop of ours writes. */
static void test_forged_words(void)
{
	static const uint32_t codes[] = {15, 31, 20, WN_CODE_RECORD, WN_REPLY, WN_CODE_TRAIN};
	struct wn_runtime_params params = params_for("drop");
	struct network network;
	struct wn_memory_hooks hooks = {&network, network_next, network_take};
	struct wn_runtime *runtime;
	struct wn_queue *queue;
	struct wn_counters counters;

	network_init(&network, 6, make_echo);
	params.hooks = &hooks;
	params.slot_count = 8;
	params.slot_bytes = 256;
	runtime = wn_runtime_create(&params, NULL);
	CHECK(runtime != NULL);
	queue = &runtime->queues[0][0];
	CHECK_INT(wn_receive_burst(queue, 0), 6);
	for (uint32_t i = 0; i < 6; i++)
		queue->ring.view.verdicts[i] = wn_verdict_word(1, codes[i], 40000);
	/* Answers to what was never published are not looked at. */
	queue->ring.view.verdicts[6] = wn_verdict_word(1, WN_REPLY, 10);
	CHECK_INT(wn_transmit_burst(queue), 6);
	CHECK_INT(wn_transmit_burst(queue), 0);
	wn_runtime_snapshot(runtime, &counters);
	CHECK_INT(counters.dropped[WN_CAUSE_BAD_VERDICT], 6);
	CHECK_INT(network.taken_count, 0);
	CHECK_INT(wn_counters_difference(&counters), 0);
	wn_runtime_destroy(runtime);
	network_finish(&network);
}

int main(void)
{
	RUN(test_send_refused);
	RUN(test_send_later);
	RUN(test_ring_full);
	RUN(test_truncated);
	RUN(test_corrupt_slot);
	RUN(test_corrupt_ring);
	RUN(test_forged_words);
	RUN(test_stuck);
	/* A thread of the last test is still at work. */
	fflush(stdout);
	_exit(check_finish());
}
