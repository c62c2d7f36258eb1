/* SPDX-License-Identifier: Apache-2.0 */
/* The ready-made programs that look into frames: count, l2fwd; and echo through the stack. */
#include "tests/lane/frames.h"
#include "tests/runtime/network.h"

static const uint8_t payload[1600];

/* Frames of known kinds, and the counter of `count` that each belongs to. */
static const struct {
	struct recipe recipe;
	uint32_t cut;           /* leave only so many bytes; 0: all */
	const char *counter;    /* without _packets */
} cases[] = {
	{{.payload = payload, .length = 10}, 0, "udp4"},
	{{.payload = payload, .length = 10, .tags = 1}, 0, "udp4"},
	{{.payload = payload, .length = 100, .tags = 2, .v6 = 1}, 0, "udp6"},
	{{.payload = payload, .length = 20, .protocol = 6}, 0, "tcp4"},
	{{.payload = payload, .length = 20, .protocol = 6, .v6 = 1}, 0, "tcp6"},
	{{.payload = payload, .length = 60, .protocol = 1}, 0, "icmp4"},
	{{.payload = payload, .length = 60, .protocol = 58, .v6 = 1}, 0, "icmp6"},
	{{.payload = payload, .length = 60, .protocol = 58}, 0, "ip4_other"},
	{{.payload = payload, .length = 60, .protocol = 47}, 0, "ip4_other"},
	{{.payload = payload, .length = 60, .protocol = 1, .v6 = 1}, 0, "ip6_other"},
	{{.payload = payload, .length = 60, .v6 = 1, .extensions = 1}, 0, "ip6_other"},
	{{.payload = payload, .length = 1500}, 0, "udp4"},
	{{.payload = payload, .length = 10}, 33, "other"},  /* IPv4 cut in its header */
	{{.payload = payload, .length = 10, .v6 = 1}, 53, "other"},
	{{.payload = payload, .length = 10}, 13, "other"},
	{{.payload = payload, .length = 10, .tags = 2}, 17, "other"},
};

enum { CASES = sizeof(cases) / sizeof(cases[0]), TURNS = 50 };

static uint32_t make_case(uint32_t i, uint8_t *bytes, struct wn_memory_packet *packet)
{
	const uint32_t length = frame_make(bytes, &cases[i % CASES].recipe);

	(void)packet;
	return cases[i % CASES].cut ? cases[i % CASES].cut : length;
}

static uint64_t value_of(const struct wn_runtime *runtime, const char *name)
{
	uint64_t values[64] = {0};
	const uint32_t count = wn_runtime_program_counters(runtime, values, 64);

	for (uint32_t i = 0; i < count; i++)
		if (!strcmp(wn_runtime_program_counter_name(runtime, i), name))
			return values[i];
	CHECK(!"the counter is there");
	return 0;
}

/* What count should say, from the cases alone. */
static void check_protocol(const struct wn_runtime *runtime, const char *protocol)
{
	static uint8_t bytes[NETWORK_BYTES_MAX];
	uint64_t packets = 0, sum = 0;
	char name[64];

	for (uint32_t i = 0; i < CASES; i++) {
		if (strcmp(cases[i].counter, protocol))
			continue;
		packets += TURNS;
		sum += TURNS * make_case(i, bytes, NULL);
	}
	snprintf(name, sizeof(name), "%s_packets", protocol);
	CHECK_INT(value_of(runtime, name), packets);
	snprintf(name, sizeof(name), "%s_bytes", protocol);
	CHECK_INT(value_of(runtime, name), sum);
}

static void test_count(void)
{
	static const char *const protocols[] = {"udp4", "udp6", "tcp4", "tcp6", "icmp4", "icmp6",
						"ip4_other", "ip6_other", "arp", "other"};
	static const char *const lengths[] = {"length_0_63", "length_64_127", "length_128_255",
					      "length_256_511", "length_512_1023", "length_1024_1518",
					      "length_1519_up"};
	struct wn_runtime_params params = {.program = "count", .links = {"memory:kind=frame"}, .link_count = 1};
	struct network network;
	struct wn_memory_hooks hooks = {&network, network_next, network_take};
	struct wn_runtime *runtime;
	uint64_t sum = 0;

	network_init(&network, CASES * TURNS, make_case);
	params.hooks = &hooks;
	runtime = wn_runtime_create(&params, NULL);
	CHECK(runtime != NULL);
	CHECK_INT(wn_runtime_start(runtime, NULL), 0);
	while (!wn_runtime_wait(runtime, 100))
		continue;
	CHECK_INT(wn_runtime_stop(runtime), 0);
	for (uint32_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++)
		check_protocol(runtime, protocols[i]);
	for (uint32_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
		sum += value_of(runtime, lengths[i]);
	CHECK_INT(sum, CASES * TURNS);
	CHECK_INT(value_of(runtime, "length_1519_up"), TURNS);
	wn_runtime_destroy(runtime);
	network_finish(&network);
}

static void run_l2fwd(const char *parameter, int is_reply, int is_swapped)
{
	struct wn_runtime_params params = {.program = "l2fwd", .links = {"memory:kind=frame"}, .link_count = 1};
	struct wn_counters counters;
	struct network network;

	params.parameters[0] = parameter;
	params.parameter_count = parameter != NULL;
	network_init(&network, CASES * TURNS, make_case);
	CHECK_INT(network_run(&network, &params, &counters), 0);
	CHECK_INT(is_reply ? counters.answered : counters.forwarded, (CASES - 1) * TURNS);
	CHECK_INT(counters.dropped[WN_CAUSE_PROGRAM], TURNS); /* the one of 13 bytes */
	for (uint32_t i = 0; i < network.taken_count; i++) {
		const uint8_t *bytes = network.taken[i].bytes;

		CHECK(memcmp(bytes, is_swapped ? their_mac : our_mac, 6) == 0);
		CHECK(memcmp(bytes + 6, is_swapped ? our_mac : their_mac, 6) == 0);
		CHECK_INT(network.taken[i].is_reply, is_reply);
	}
	network_finish(&network);
}

static void test_l2fwd(void)
{
	run_l2fwd(NULL, 1, 1);
	run_l2fwd("swap=off", 1, 0);
	run_l2fwd("forward=on", 0, 1);
}

static uint32_t make_question(uint32_t i, uint8_t *bytes, struct wn_memory_packet *packet)
{
	const struct recipe recipe = {.payload = payload, .length = i % 1400, .v6 = i & 1, .tags = (int)i % 3};

	(void)packet;
	return frame_make(bytes, &recipe);
}

/* The stack in the device's loop, on several groups: every frame answered, with the right length. */
static void test_echo_on_frames(void)
{
	struct wn_runtime_params params = {
		.program = "echo",
		.device = "cpu,workers=2",
		.links = {"memory:kind=frame,ip=10.0.0.2/24,ip=fd00::2/64,mac=02:00:00:00:00:09"},
		.link_count = 1,
		.slot_count = 64,
	};
	struct wn_counters counters;
	struct network network;

	network_init(&network, 5000, make_question);
	CHECK_INT(network_run(&network, &params, &counters), 0);
	CHECK_INT(counters.answered, 5000);
	for (uint32_t i = 0; i < network.taken_count; i++) {
		CHECK_INT(network.taken[i].tag, i);
		CHECK_INT(network.taken[i].length,
			  14 + 4 * (i % 3) + (i & 1 ? 40 : 20) + 8 + i % 1400);
		CHECK(memcmp(network.taken[i].bytes, their_mac, 6) == 0);
	}
	network_finish(&network);
}

int main(void)
{
	RUN(test_count);
	RUN(test_l2fwd);
	RUN(test_echo_on_frames);
	return check_finish();
}
