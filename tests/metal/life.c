/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Life and death of a metal device, on the mock: what is missing, what is refused, stop under load, another version of
 * the program, command buffers that fail, one that never completes, a device that is lost. In each the sum adds up,
 * nothing is answered twice, every answer is right, and no object is left over.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "tests/check.h"
#include "warpnic/runtime.h"

enum { TAGS = 1 << 20 };

/* A source, and what came back of each packet. */
struct traffic {
	uint64_t limit, made, answered, twice, wrong;
	uint8_t *seen;
	uint32_t stop;
	char lines[64][256];
	uint32_t line_count;
};

static struct traffic traffic;
static uint64_t poisoned;               /* this packet's first byte is 1, others' are not; 0: none */
static char next_program[256], wild_program[256];
static long (*live)(void);

static uint8_t first_byte(uint64_t tag)
{
	return poisoned && tag == poisoned ? 1 : (uint8_t)(2 + tag % 200);
}

static int next(void *context, uint32_t queue, uint8_t *bytes, uint32_t capacity, struct wn_memory_packet *packet)
{
	(void)context, (void)queue, (void)capacity;
	if (__atomic_load_n(&traffic.stop, __ATOMIC_RELAXED) || traffic.made == traffic.limit)
		return -1;
	memset(bytes, 0, 64);
	bytes[0] = first_byte(traffic.made);
	packet->tag = traffic.made++;
	packet->length = 64;
	return 1;
}

static int take(void *context, uint32_t queue, const uint8_t *bytes, const struct wn_memory_packet *packet, int is_reply)
{
	(void)context, (void)queue;
	if (!is_reply || packet->tag >= TAGS)
		return 0;
	traffic.twice += traffic.seen[packet->tag];
	traffic.seen[packet->tag] = 1;
	traffic.wrong += bytes[0] != (uint8_t)(first_byte(packet->tag) + 1);
	traffic.answered++;
	return 0;
}

static void log_line(void *context, const char *line)
{
	const uint32_t at = __atomic_fetch_add(&traffic.line_count, 1, __ATOMIC_RELAXED);

	(void)context;
	printf("# %s\n", line);
	if (at < 64)
		snprintf(traffic.lines[at], sizeof(traffic.lines[at]), "%s", line);
}

static int has_line(const char *text)
{
	for (uint32_t i = 0; i < traffic.line_count && i < 64; i++)
		if (strstr(traffic.lines[i], text))
			return 1;
	return 0;
}

/* As tests/metal/mock.h has it. */
static void play(const char *script)
{
	setenv("WN_METAL_MOCK", script, 1);
}

static struct wn_runtime *create(const char *device, const char *program, enum wn_mode mode, uint64_t limit,
				 struct wn_error *error)
{
	static struct wn_memory_hooks hooks = {.next = next, .take = take};
	const struct wn_runtime_params params = {
		.program = program, .device = device, .mode = mode, .links = {"memory:"}, .link_count = 1, .hooks = &hooks,
		.log = log_line, .stop_ms = 30000};
	uint8_t *seen = traffic.seen;

	memset(&traffic, 0, sizeof(traffic));
	traffic.seen = seen ? seen : malloc(TAGS);
	memset(traffic.seen, 0, TAGS);
	traffic.limit = limit;
	return wn_runtime_create(&params, error);
}

static struct wn_runtime *begin(const char *device, const char *program, enum wn_mode mode, uint64_t limit)
{
	struct wn_error error = {0};
	struct wn_runtime *runtime = create(device, program, mode, limit, &error);

	if (!CHECK(runtime && !wn_runtime_start(runtime, &error)))
		printf("# %s\n", error.text);
	return runtime;
}

/* Ends the source and the run. What the program has counted in *served, where it is next.c. */
static void end(struct wn_runtime *runtime, struct wn_counters *counters, uint64_t *served)
{
	uint64_t counts[8] = {0};

	__atomic_store_n(&traffic.stop, 1, __ATOMIC_RELAXED);
	CHECK_INT(wn_runtime_stop(runtime), 0);
	wn_runtime_snapshot(runtime, counters);
	wn_runtime_program_counters(runtime, counts, 8);
	wn_runtime_destroy(runtime);
	*served = counts[0];
	CHECK_INT(wn_counters_difference(counters), 0);
	CHECK_INT(counters->in_flight, 0);
	CHECK_INT(traffic.twice, 0);
	CHECK_INT(counters->answered, traffic.answered);
}

static int wait_all(struct wn_runtime *runtime)
{
	int rc = 0;

	for (int i = 0; i < 1800 && !rc; i++)
		rc = wn_runtime_wait(runtime, 100);
	return rc;
}

static void pause_ms(int ms)
{
	nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

/* -- what is missing, what is refused -- */

static void check_refused(const char *script, const char *device, enum wn_mode mode, int status, const char *says)
{
	struct wn_error error = {0};
	struct wn_runtime *runtime;
	const long before = live();

	play(script);
	runtime = create(device, next_program, mode, 10, &error);
	if (runtime)
		CHECK(wn_runtime_start(runtime, &error) != 0);
	wn_runtime_destroy(runtime);
	CHECK_INT(error.status, status);
	if (!CHECK(strstr(error.text, says) != NULL))
		printf("# '%s', which should hold '%s'\n", error.text, says);
	CHECK_INT(live() - before, 0);
}

static void test_refusals(void)
{
	check_refused("", "metal:x", WN_MODE_AUTO, WN_USAGE, "a number of a GPU");
	check_refused("", "metal:5", WN_MODE_AUTO, WN_UNAVAILABLE, "there is 1 GPU here, from 0");
	check_refused("devices=0", "metal", WN_MODE_AUTO, WN_UNAVAILABLE, "it has no device");
	check_refused("", "metal,ahead=5", WN_MODE_AUTO, WN_USAGE, "ahead");
	check_refused("", "metal", WN_MODE_RESIDENT, WN_UNAVAILABLE, "no resident mode");
	check_refused("refuse", "metal", WN_MODE_AUTO, WN_UNAVAILABLE, "this compiler takes nothing");
	check_refused("wrong", "metal", WN_MODE_AUTO, WN_UNAVAILABLE, "the self-test failed: 4 words of 32 launches");
	check_refused("msl=3.1", "metal", WN_MODE_LEASE, WN_UNAVAILABLE, "needs the Metal Shading Language 3.2");
	check_refused("deaf", "metal", WN_MODE_LEASE, WN_UNAVAILABLE, "does not see what the CPU writes");
	check_refused("lost=3", "metal", WN_MODE_AUTO, WN_UNAVAILABLE, "Device Removed");
}

static void test_own_lines(void)
{
	struct wn_error error = {0};
	char path[512];

	play("");
	snprintf(path, sizeof(path), "%s/../metal/half.c", WN_TEST_PROGRAMS);
	CHECK(create("metal", path, WN_MODE_AUTO, 1, &error) == NULL);
	CHECK_INT(error.status, WN_UNAVAILABLE);
	if (!CHECK(strstr(error.text, "half.c:7:") && strstr(error.text, "error")))
		printf("# %s\n", error.text);
}

static void test_facts(void)
{
	struct wn_runtime *runtime;
	struct wn_device_fact fact;
	struct wn_counters counters;
	uint64_t served;

	play("msl=3.1");
	runtime = begin("metal", next_program, WN_MODE_AUTO, 100);
	CHECK_INT(wn_runtime_mode(runtime), WN_MODE_BATCH);
	CHECK(wn_runtime_device_fact(runtime, 0, &fact) && !strcmp(fact.name, "MSL") && !strcmp(fact.value, "3.1"));
	CHECK(wn_runtime_device_fact(runtime, 1, &fact) && strstr(fact.value, "32 messages, 0 stale words"));
	wait_all(runtime);
	end(runtime, &counters, &served);
	CHECK_INT(counters.answered, 100);
}

/* -- with command buffers that do what they should -- */

static void check_good(const char *device, enum wn_mode mode)
{
	const long before = live();
	struct wn_counters counters;
	uint64_t served;
	struct wn_runtime *runtime = begin(device, next_program, mode, 20000);

	CHECK_INT(wait_all(runtime), 1);
	end(runtime, &counters, &served);
	CHECK_INT(counters.answered, 20000);
	CHECK_INT(served, 20000);
	CHECK_INT(traffic.wrong, 0);
	CHECK_INT(live() - before, 0);
}

static void test_good(void)
{
	play("");
	check_good("metal", WN_MODE_AUTO);
	check_good("metal,ahead=1,batch=16,lanes=3", WN_MODE_BATCH);
	check_good("metal,lanes=4", WN_MODE_LEASE);
}

static void check_stop(enum wn_mode mode)
{
	struct wn_runtime *runtime = begin("metal", next_program, mode, TAGS);
	struct wn_counters counters;
	uint64_t served;

	for (int i = 0; i < 600 && !__atomic_load_n(&traffic.made, __ATOMIC_RELAXED); i++)
		pause_ms(100);
	pause_ms(100);
	wn_runtime_request_stop(runtime);
	end(runtime, &counters, &served);
	CHECK(counters.received > 0);
	CHECK_INT(counters.answered, counters.received);
	CHECK_INT(served, counters.received);
	CHECK_INT(traffic.wrong, 0);
}

static void test_stop(void)
{
	play("");
	check_stop(WN_MODE_BATCH);
	check_stop(WN_MODE_LEASE);
}

static void check_reload(enum wn_mode mode)
{
	const long before = live();
	struct wn_runtime *runtime = begin("metal", next_program, mode, TAGS);
	struct wn_counters counters;
	struct wn_error error = {0};
	uint64_t served;

	for (int i = 0; i < 3; i++) {
		pause_ms(30);
		if (!CHECK_INT(wn_runtime_reload(runtime, NULL, &error), 0))
			printf("# %s\n", error.text);
	}
	pause_ms(30);
	end(runtime, &counters, &served);
	CHECK_INT(counters.answered, counters.received);
	CHECK_INT(served, counters.received);
	CHECK_INT(traffic.wrong, 0);
	CHECK_INT(live() - before, 0);
}

static void test_reload(void)
{
	play("");
	check_reload(WN_MODE_BATCH);
	check_reload(WN_MODE_LEASE);
}

/* -- with those that fail -- */

/* What failed half way is served again from the packet as it came, and counted once. */
static void check_retried(const char *script, const char *device)
{
	struct wn_runtime *runtime;
	struct wn_counters counters;
	uint64_t served;

	play(script);
	runtime = begin(device, next_program, WN_MODE_BATCH, 5000);
	CHECK_INT(wait_all(runtime), 1);
	end(runtime, &counters, &served);
	CHECK_INT(counters.answered, 5000);
	CHECK_INT(served, 5000);
	CHECK_INT(traffic.wrong, 0);
	CHECK(has_line("is tried again with"));
	CHECK(has_line("GPU Timeout Error (code 2)"));
}

static void test_retried(void)
{
	check_retried("fail=once", "metal,lanes=1,batch=64");
	check_retried("fail=over:20", "metal,lanes=1,batch=64");
	check_retried("fail=over:1", "metal,lanes=1,batch=256,ahead=4");
}

/* A fault that goes with one packet: it alone is given up. */
static void test_fault(void)
{
	struct wn_runtime *runtime;
	struct wn_counters counters;
	uint64_t served;

	play("");
	poisoned = 4000;
	runtime = begin("metal", wild_program, WN_MODE_BATCH, 5000);
	CHECK_INT(wait_all(runtime), 1);
	end(runtime, &counters, &served);
	poisoned = 0;
	CHECK_INT(counters.received, 5000);
	CHECK_INT(counters.answered, 4999);
	CHECK_INT(counters.dropped[WN_CAUSE_DEVICE_STOPPED], 1);
	CHECK(!traffic.seen[4000]);
	CHECK(has_line("Address Fault"));
	CHECK(has_line("a packet failed alone"));
}

/* Nothing goes any more: given up after some packets, the rest is counted. */
static void check_given_up(const char *script, const char *device, enum wn_mode mode, const char *says)
{
	struct wn_runtime *runtime;
	struct wn_counters counters;
	uint64_t served;
	int64_t begin_ns;

	play(script);
	runtime = begin(device, next_program, mode, TAGS);
	begin_ns = wn_clock_ns();
	CHECK_INT(wait_all(runtime), -EIO);
	end(runtime, &counters, &served);
	CHECK(wn_clock_ns() - begin_ns < 120 * WN_SECOND_NS);
	CHECK(counters.received > 0);
	CHECK_INT(counters.answered + counters.dropped[WN_CAUSE_DEVICE_STOPPED], counters.received);
	CHECK(counters.dropped[WN_CAUSE_DEVICE_STOPPED] > 0);
	CHECK_INT(traffic.wrong, 0);
	CHECK(has_line("given up"));
	if (!CHECK(has_line(says)))
		printf("# no line with '%s'\n", says);
}

static void test_given_up(void)
{
	check_given_up("fail=all", "metal,failures=3", WN_MODE_BATCH, "3 packets in a row failed");
	check_given_up("lost=60", "metal,failures=3", WN_MODE_BATCH, "Device Removed");
	check_given_up("hang=60", "metal,stuck=200", WN_MODE_BATCH, "did not complete within 200 ms");
}

static void test_lease_fails(void)
{
	struct wn_runtime *runtime;
	struct wn_counters counters;
	uint64_t served;

	play("fail=once");
	runtime = begin("metal,lanes=4", next_program, WN_MODE_LEASE, 5000);
	CHECK_INT(wait_all(runtime), 1);
	end(runtime, &counters, &served);
	CHECK_INT(counters.answered, 5000);
	CHECK_INT(traffic.wrong, 0);
	CHECK(has_line("a lease failed"));
	check_given_up("fail=all", "metal,failures=3,lanes=4", WN_MODE_LEASE, "3 leases in a row failed");
	check_given_up("hang=45", "metal,stuck=200,lanes=4", WN_MODE_LEASE, "did not complete within 200 ms");
}

/* Two devices, one of which is given up: the other has its queue as well. */
static void test_several(void)
{
	const struct wn_runtime_params params = {
		.program = next_program, .device = "metal:0,metal:1", .links = {"memory:count=20000,queues=2"},
		.link_count = 1, .log = log_line};
	struct wn_error error = {0};
	struct wn_runtime *runtime;
	struct wn_counters counters;

	play("devices=2");
	traffic.line_count = 0;
	runtime = wn_runtime_create(&params, &error);
	if (!CHECK(runtime && !wn_runtime_start(runtime, &error)))
		printf("# %s\n", error.text);
	CHECK_INT(wait_all(runtime), 1);
	CHECK_INT(wn_runtime_stop(runtime), 0);
	wn_runtime_snapshot(runtime, &counters);
	wn_runtime_destroy(runtime);
	CHECK_INT(counters.answered, 40000);
}

int main(void)
{
	const char *mock = getenv("WARPNIC_METAL");
	void *handle = mock ? dlopen(mock, RTLD_NOW) : NULL;

	if (system("command -v \"${WN_TEST_CLANG:-clang++}\" >/dev/null"))
		return check_skip_all("no clang++, which compiles for the mock");
	if (handle)
		*(void **)&live = dlsym(handle, "wn_mock_live");
	if (!live)
		return check_skip_all("WARPNIC_METAL does not name the mock");
	snprintf(next_program, sizeof(next_program), "%s/next.c", WN_TEST_PROGRAMS);
	snprintf(wild_program, sizeof(wild_program), "%s/wild.c", WN_TEST_PROGRAMS);
	RUN(test_refusals);
	RUN(test_own_lines);
	RUN(test_facts);
	RUN(test_good);
	RUN(test_stop);
	RUN(test_reload);
	RUN(test_retried);
	RUN(test_fault);
	RUN(test_several);
	RUN(test_lease_fails);
	RUN(test_given_up);
	free(traffic.seen);
	return check_finish();
}
