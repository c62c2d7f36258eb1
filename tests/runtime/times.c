/* SPDX-License-Identifier: Apache-2.0 */
/* Where a packet's time goes: what is told adds up, in every mode, and nothing is told where it is off. */
#include <math.h>
#include <time.h>

#include "lane/times.h"
#include "tests/runtime/network.h"

static void run(struct wn_runtime **runtime, enum wn_mode mode, uint32_t pumps, uint32_t off)
{
	const struct wn_runtime_params params = {.program = "echo", .mode = mode, .links = {"memory:count=300k"},
						 .link_count = 1, .pump_threads = pumps, .times_off = off};
	struct wn_error error = {0};

	*runtime = wn_runtime_create(&params, &error);
	CHECK_TEXT(error.text, "");
	CHECK_INT(wn_runtime_start(*runtime, &error), 0);
	while (!wn_runtime_wait(*runtime, 50))
		continue;
	CHECK_INT(wn_runtime_stop(*runtime), 0);
}

typedef int teller(const struct wn_runtime *runtime, uint32_t number, struct wn_stage_times *times);

/* The stages behind the first add up to it, in the mean; all were counted for the same packets. */
static void check_sum(const struct wn_runtime *runtime, teller *tell, uint32_t stages, const char *const *names)
{
	struct wn_stage_times whole, part;
	double sum = 0;

	CHECK_INT(tell(runtime, 0, &whole), 1);
	CHECK_TEXT(whole.name, "whole");
	CHECK(whole.count > 10 && whole.count < 3000);
	CHECK(whole.mean_ns > 0 && whole.mean_ns < 1e9 && whole.p50_ns <= whole.p99_ns);
	for (uint32_t i = 1; i < stages; i++) {
		CHECK_INT(tell(runtime, i, &part), 1);
		CHECK_TEXT(part.name, names[i]);
		CHECK_INT(part.count, whole.count);
		sum += part.mean_ns;
	}
	CHECK(fabs(sum - whole.mean_ns) < 1e-6 * whole.mean_ns + 1e-3);
	CHECK_INT(tell(runtime, stages, &part), 0);
}

static void check_all(enum wn_mode mode, uint32_t pumps)
{
	static const char *const way[] = {"whole", "pickup", "device", "send"};
	static const char *const stages[] = {"whole", "wait", "program", "publish"};
	struct wn_runtime *runtime;

	run(&runtime, mode, pumps, 0);
	check_sum(runtime, wn_runtime_way, 4, way);
	check_sum(runtime, wn_runtime_stage, 4, stages);
	wn_runtime_destroy(runtime);
}

static void test_batch(void)
{
	check_all(WN_MODE_BATCH, 1);
}

static void test_resident(void)
{
	check_all(WN_MODE_RESIDENT, 1);
}

static void test_two_pumps(void)
{
	check_all(WN_MODE_LEASE, 2);
}

static void test_off(void)
{
	struct wn_stage_times times;
	struct wn_runtime *runtime;

	run(&runtime, WN_MODE_BATCH, 1, 1);
	CHECK_INT(wn_runtime_way(runtime, 0, &times), 1);
	CHECK_INT(times.count, 0);
	CHECK_INT(wn_runtime_stage(runtime, 0, &times), 1);
	CHECK_INT(times.count, 0);
	wn_runtime_destroy(runtime);
}

static uint32_t make(uint32_t i, uint8_t *bytes, struct wn_memory_packet *packet)
{
	(void)i;
	(void)packet;
	memset(bytes, 5, 64);
	return 64;
}

/* A program that takes its time shows in the stage that is its own, and not in the one behind. */
static void test_slow_program(void)
{
	struct network network;
	const struct wn_memory_hooks hooks = {.context = &network, .next = network_next, .take = network_take};
	const struct wn_runtime_params params = {.program = TEST_PROGRAM("slow"), .links = {"memory:"},
						 .link_count = 1, .hooks = &hooks};
	struct wn_stage_times program, publish;
	struct wn_runtime *runtime;
	struct wn_error error = {0};

	network_init(&network, 20000, make);
	runtime = wn_runtime_create(&params, &error);
	CHECK_TEXT(error.text, "");
	if (runtime) {
		CHECK_INT(wn_runtime_start(runtime, &error), 0);
		while (!wn_runtime_wait(runtime, 50))
			continue;
		wn_runtime_stop(runtime);
		wn_runtime_stage(runtime, 2, &program);
		wn_runtime_stage(runtime, 3, &publish);
		CHECK(program.count > 0);
		CHECK(program.p50_ns > 500 && program.p50_ns > 5 * publish.p50_ns);
		wn_runtime_destroy(runtime);
	}
	network_finish(&network);
}

/* Buckets: none before another, no value in two, the middle within an eighth. */
static void test_buckets(void)
{
	uint32_t last = 0;

	for (uint64_t value = 0; value < 1 << 20; value++) {
		const uint32_t bucket = wn_times_bucket(value);
		const double middle = wn_times_middle(bucket);

		CHECK(bucket == last || bucket == last + 1);
		CHECK(fabs(middle - (double)value) <= (double)value / 8);
		last = bucket;
	}
	CHECK_INT(wn_times_bucket(UINT64_MAX), WN_TIMES_BUCKETS - 1);
	CHECK(wn_times_bucket((uint64_t)1 << 39) < WN_TIMES_BUCKETS - 1);
}

int main(void)
{
	RUN(test_buckets);
	RUN(test_batch);
	RUN(test_resident);
	RUN(test_two_pumps);
	RUN(test_off);
	RUN(test_slow_program);
	return check_finish();
}
