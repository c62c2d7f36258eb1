/* SPDX-License-Identifier: Apache-2.0 */
/* Trains of datagrams: split by the device, answered whole where that is right and apart where not. */
#include "tests/runtime/network.h"

enum { TRAINS = 600, SEGMENT = 20, SEGMENTS_MAX = 128 };

static uint32_t segments_of(uint32_t train)
{
	return train % 37 == 0 ? SEGMENTS_MAX : 1 + train % 64;
}

/* The last segment of every third train is shorter. */
static uint32_t length_of(uint32_t train, uint32_t segment)
{
	return train % 3 == 0 && segment + 1 == segments_of(train) ? 5 : SEGMENT;
}

/* Uniform trains echo or drop as one; the others ask for everything in turn. */
static uint32_t kind_of(uint32_t train, uint32_t segment)
{
	static const uint8_t mixed[] = {0, 1, 2, 4, 5, 6, 8, 15, 3};

	if (train % 4 == 0)
		return 15;
	if (train % 4 == 1)
		return 0;
	return mixed[(train + segment) % sizeof(mixed)];
}

static uint32_t make(uint32_t train, uint8_t *bytes, struct wn_memory_packet *packet)
{
	uint32_t at = 0;

	for (uint32_t segment = 0; segment < segments_of(train); segment++) {
		memset(bytes + at, (int)(train + segment), length_of(train, segment));
		bytes[at] = (uint8_t)kind_of(train, segment);
		bytes[at + 1] = (uint8_t)segment;
		at += length_of(train, segment);
	}
	packet->segment_bytes = SEGMENT;
	return at;
}

struct expected {
	uint32_t packets, answered, forwarded, delivered, bytes;
	uint32_t dropped[WN_CAUSE_COUNT];
};

static void expect(struct expected *expected)
{
	memset(expected, 0, sizeof(*expected));
	for (uint32_t train = 0; train < TRAINS; train++) {
		for (uint32_t segment = 0; segment < segments_of(train); segment++) {
			const uint32_t kind = kind_of(train, segment);

			expected->packets++;
			expected->bytes += length_of(train, segment);
			expected->answered += kind == 1 || kind == 8 || kind == 15;
			expected->forwarded += kind == 3;
			expected->delivered += kind == 2 || kind == 4;
			expected->dropped[WN_CAUSE_PROGRAM] += kind == 0;
			expected->dropped[WN_CAUSE_PROGRAM_FAULT] += kind == 5;
			expected->dropped[WN_CAUSE_BAD_VERDICT] += kind == 6;
		}
	}
}

/* Replies come back as whole trains or single segments, all in the order they came in. */
static void check_order(const struct network *network)
{
	uint64_t last_tag = 0;

	for (uint32_t i = 0; i < network->taken_count; i++) {
		if (!network->taken[i].is_reply)
			continue;
		CHECK(network->taken[i].tag >= last_tag);
		last_tag = network->taken[i].tag;
		if (last_tag % 4 == 0) {
			uint32_t length = 0;

			for (uint32_t k = 0; k < segments_of((uint32_t)last_tag); k++)
				length += length_of((uint32_t)last_tag, k);
			CHECK_INT(network->taken[i].length, length);
		}
	}
}

static void run(enum wn_mode mode, const char *device)
{
	struct wn_runtime_params params = {
		.program = TEST_PROGRAM("mixed"),
		.device = device,
		.mode = mode,
		.links = {"memory:trains=on"},
		.link_count = 1,
		.slot_count = 16,
	};
	struct wn_counters counters;
	struct expected expected;
	struct network network;

	network_init(&network, TRAINS * SEGMENTS_MAX, make);
	network.count = TRAINS;
	expect(&expected);
	CHECK_INT(network_run(&network, &params, &counters), 0);
	CHECK_INT(counters.received, expected.packets);
	CHECK_INT(counters.bytes, expected.bytes);
	CHECK_INT(counters.answered, expected.answered);
	CHECK_INT(counters.forwarded, expected.forwarded);
	CHECK_INT(counters.delivered, expected.delivered);
	CHECK_INT(network.delivered_count, expected.delivered);
	for (int cause = 0; cause < WN_CAUSE_COUNT; cause++)
		CHECK_INT(counters.dropped[cause], expected.dropped[cause]);
	check_order(&network);
	network_finish(&network);
}

/* More datagrams than a slot has verdicts: no train, and nothing of other slots is touched. */
static uint32_t make_too_many(uint32_t i, uint8_t *bytes, struct wn_memory_packet *packet)
{
	memset(bytes, 15, 4000);
	packet->segment_bytes = i % 2 ? 1 : 40;
	return 4000;
}

static void test_too_many_segments(void)
{
	struct wn_runtime_params params = {
		.program = TEST_PROGRAM("mixed"),
		.links = {"memory:trains=on"},
		.link_count = 1,
		.slot_count = 4,
	};
	struct wn_counters counters;
	struct network network;

	network_init(&network, 2000, make_too_many);
	network.count = 20;
	CHECK_INT(network_run(&network, &params, &counters), 0);
	CHECK_INT(counters.answered, 10 * 100);
	CHECK_INT(counters.dropped[WN_CAUSE_TRUNCATED], 10);
	network_finish(&network);
}

static void test_batch(void)
{
	run(WN_MODE_BATCH, "cpu");
}

static void test_resident_two_groups(void)
{
	run(WN_MODE_RESIDENT, "cpu,workers=2");
}

int main(void)
{
	RUN(test_batch);
	RUN(test_resident_two_groups);
	RUN(test_too_many_segments);
	return check_finish();
}
