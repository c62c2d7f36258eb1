/* SPDX-License-Identifier: Apache-2.0 */
/* Every verdict, in every mode, on one and on several groups: each packet one fate, in order. */
#include "tests/runtime/network.h"

enum { PACKETS = 30000, KINDS = 17 };

/* Packet i: what it asks for, a filling, and a length of its own. */
static uint32_t make(uint32_t i, uint8_t *bytes, struct wn_memory_packet *packet)
{
	const uint32_t length = i % 501 == 500 ? 0 : 2 + i % 60;

	(void)packet;
	memset(bytes, 0xcc, NETWORK_BYTES_MAX); /* the canary: all of the slot */
	for (uint32_t k = 0; k < length; k++)
		bytes[k] = (uint8_t)(i + k);
	if (length)
		bytes[0] = (uint8_t)(i % KINDS);
	return length;
}

/* What packet i asked for; 15 is an empty one, which is echoed. */
static uint32_t kind_of(uint32_t i)
{
	return i % 501 == 500 ? 15 : i % KINDS;
}

static uint32_t length_of(uint32_t i)
{
	return i % 501 == 500 ? 0 : 2 + i % 60;
}


static void check_reply(const struct network *network, uint32_t at, uint32_t i)
{
	const uint32_t kind = kind_of(i), length = length_of(i);
	const uint8_t *bytes = network->taken[at].bytes;

	CHECK_INT(network->taken[at].tag, network->taken[at].is_reply ? i : 0);
	CHECK_INT(network->taken[at].is_reply, kind != 3);
	CHECK_INT(network->taken[at].length, kind == 7 ? length + 100 : kind == 8 ? 1 : length);
	if (length && kind != 8)
		CHECK_INT(bytes[0], kind == 1 ? 0xa1 : kind);
	for (uint32_t k = 1; k < length && kind != 8; k++)
		CHECK_INT(bytes[k], (uint8_t)(i + k));
	if (kind == 7)
		for (uint32_t k = length; k < 64; k++)
			CHECK_INT(bytes[k], 0);
}

static void check_delivery(const struct network *network, uint32_t at, uint32_t i)
{
	const uint32_t kind = kind_of(i);
	const uint8_t *bytes = network->delivered[at].bytes;

	CHECK_INT(network->delivered[at].index, i);
	CHECK_INT(network->delivered[at].is_record, kind != 2);
	if (kind == 2) {
		CHECK_INT(network->delivered[at].length, length_of(i));
		CHECK_INT(bytes[1], (uint8_t)(i + 1));
	} else if (kind == 4) {
		CHECK_INT(network->delivered[at].length, 8);
		CHECK_INT(bytes[0] | bytes[1] << 8, i & 0xffff);
		CHECK_INT(bytes[4], (uint8_t)(i + 1));
	} else {
		CHECK_INT(network->delivered[at].length, 16);
		for (uint32_t k = 0; k < 12; k++)
			CHECK_INT(bytes[k], 0);
		CHECK_INT(bytes[12], 4);
	}
}

/* Walks what was handed in and finds each packet's fate in what came out, in the same order. */
static void check_all(const struct network *network, const struct wn_counters *counters)
{
	uint32_t taken = 0, delivered = 0, answered = 0, forwarded = 0, dropped[WN_CAUSE_COUNT] = {0};

	for (uint32_t i = 0; i < PACKETS; i++) {
		switch (kind_of(i)) {
		case 0:
			dropped[WN_CAUSE_PROGRAM]++;
			break;
		case 3:
			forwarded++;
			check_reply(network, taken++, i);
			break;
		case 2:
		case 4:
		case 13:
			check_delivery(network, delivered++, i);
			break;
		case 5:
		case 11:
		case 12:
		case 14:
			dropped[WN_CAUSE_PROGRAM_FAULT]++;
			break;
		case 6:  /* no verdict */
		case 9:  /* links that are not there */
		case 10:
			dropped[WN_CAUSE_BAD_VERDICT]++;
			break;
		default:
			answered++;
			check_reply(network, taken++, i);
		}
	}
	CHECK_INT(network->taken_count, taken);
	CHECK_INT(network->delivered_count, delivered);
	CHECK_INT(counters->received, PACKETS);
	CHECK_INT(counters->answered, answered);
	CHECK_INT(counters->forwarded, forwarded);
	CHECK_INT(counters->delivered, delivered);
	for (int cause = 0; cause < WN_CAUSE_COUNT; cause++)
		CHECK_INT(counters->dropped[cause], dropped[cause]);
}

static void run(enum wn_mode mode, const char *device, uint32_t slots, uint32_t pumps)
{
	struct wn_runtime_params params = {
		.program = TEST_PROGRAM("mixed"),
		.device = device,
		.mode = mode,
		.links = {"memory:"},
		.link_count = 1,
		.slot_count = slots,
		.pump_threads = pumps,
	};
	struct wn_counters counters;
	struct network network;

	network_init(&network, PACKETS, make);
	CHECK_INT(network_run(&network, &params, &counters), 0);
	check_all(&network, &counters);
	network_finish(&network);
}

static void test_batch(void)
{
	run(WN_MODE_BATCH, "cpu", 0, 1);
}

static void test_batch_two_pumps(void)
{
	run(WN_MODE_BATCH, "cpu", 64, 2);
}

static void test_resident(void)
{
	run(WN_MODE_RESIDENT, "cpu", 0, 1);
}

static void test_resident_two_pumps_small_ring(void)
{
	run(WN_MODE_RESIDENT, "cpu", 8, 2);
}

static void test_three_groups(void)
{
	run(WN_MODE_RESIDENT, "cpu,workers=3", 256, 2);
}

static void test_two_slots(void)
{
	run(WN_MODE_RESIDENT, "cpu,workers=2", 2, 1);
}

static void test_lease(void)
{
	run(WN_MODE_LEASE, "cpu,workers=2", 128, 1);
}

int main(void)
{
	RUN(test_batch);
	RUN(test_batch_two_pumps);
	RUN(test_resident);
	RUN(test_resident_two_pumps_small_ring);
	RUN(test_three_groups);
	RUN(test_two_slots);
	RUN(test_lease);
	return check_finish();
}
