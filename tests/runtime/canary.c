/* SPDX-License-Identifier: Apache-2.0 */
/*
 * No packet's run sees another packet. All of a ring that is not the packet in hand is filled with a
 * canary: headroom, records, the bytes beyond each length; and every other packet is a neighbour with a mark of
 * its own. No reply and no record of any ready-made program may hold canary or mark, and all that comes out
 * must be the same, byte for byte, with other canaries and other neighbours.
 *
 * Under AddressSanitizer the same bytes are poisoned (device/cpu/guard.h): a program that goes around the
 * packet's view must die of it.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime_state.h"
#include "tests/lane/frames.h"
#include "warpnic/warpnic.h"

#if defined(__SANITIZE_ADDRESS__)
#define UNDER_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define UNDER_ASAN 1
#endif
#endif
#ifndef UNDER_ASAN
#define UNDER_ASAN 0
#endif

enum { PACKETS = 3000, SLOTS = 64, RUN_OF_BYTES = 4, OUT_MAX = 2 * PACKETS };

/* One thing that came out: of which packet, and a sum of all its bytes. */
struct out {
	uint32_t packet;
	uint32_t length;
	uint64_t sum;
	int kind;             /* 0 forwarded, 1 replied, 2 delivered, 3 record */
	uint32_t number;      /* among all that came out */
};

struct run {
	uint8_t canary, mark; /* filling, and what neighbours are made of */
	int is_frame;
	uint32_t made;
	struct out *outs;
	uint32_t out_count, leaks;
	struct wn_counters counters;
	uint64_t values[WN_COUNTERS_MAX];     /* the program's own counters */
};

static char zone_path[] = "/tmp/warpnic-canary-XXXXXX", routes_path[] = "/tmp/warpnic-canary-XXXXXX";

static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

/* -- packets -- */

/* Bytes that are neither canary nor mark: 0x00 to 0x7f. Half of them are questions for dns. */
static uint32_t make_payload(uint32_t i, uint8_t *bytes)
{
	static const char question[] = "\x12\x34\x01\0\0\1\0\0\0\0\0\1\3www\7example\0\0\1\0\1\0\0\x29\x10\0\0\0\0\0\0\0";
	uint32_t state = i, length = next_random(&state) % 300;

	for (uint32_t k = 0; k < length; k++)
		bytes[k] = (uint8_t)(next_random(&state) & 0x7f);
	if (i % 4 == 0) {
		length = sizeof(question) - 1;
		memcpy(bytes, question, length);
		bytes[28] = (uint8_t)(i % 8 ? 1 : next_random(&state) & 0x7f); /* the type */
		if (i % 12 == 0)
			length = next_random(&state) % length;         /* cut somewhere */
	}
	return length;
}

static uint32_t make_frame(uint32_t i, uint8_t *bytes)
{
	uint8_t payload[512];
	uint32_t state = i + 77;
	const struct recipe recipe = {
		.payload = payload,
		.length = make_payload(i, payload),
		.tags = (int)(i / 2 % 3),
		.v6 = i / 4 & 1,
		.protocol = i % 10 == 6 ? 6 : 0,
		.extensions = i % 14 == 4 ? 2 : 0,
	};
	uint32_t length = frame_make(bytes, &recipe);

	if (i % 16 == 2)
		length = next_random(&state) % length;                     /* cut */
	if (i % 16 == 10)
		bytes[next_random(&state) % length] ^= 0x11;                /* a header or a checksum that lies */
	return length;
}

/* Neighbours have the odd numbers, and lengths that do not depend on their mark. */
static int next(void *context, uint32_t queue, uint8_t *bytes, uint32_t capacity,
		struct wn_memory_packet *packet)
{
	struct run *run = context;
	const uint32_t i = run->made;

	(void)queue;
	if (i == PACKETS)
		return -1;
	memset(bytes, run->canary, capacity);
	if (i % 2) {
		packet->length = 1 + i * 7 % 400;
		memset(bytes, run->mark, packet->length);
	} else {
		packet->length = run->is_frame ? make_frame(i, bytes) : make_payload(i, bytes);
	}
	memset(bytes + packet->length, run->canary, capacity - packet->length);
	packet->wire_length = i % 22 == 8 ? packet->length + 50 : packet->length; /* some are cut short */
	packet->arrival_ns = 1000 + i;
	packet->tag = i;
	run->made++;
	return 1;
}

/* -- what comes out -- */

static int has_run_of(const uint8_t *bytes, uint32_t length, uint8_t byte)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < length && count < RUN_OF_BYTES; i++)
		count = bytes[i] == byte ? count + 1 : 0;
	return count == RUN_OF_BYTES;
}

static void note(struct run *run, uint32_t packet, int kind, const uint8_t *bytes, uint32_t length)
{
	struct out *out = &run->outs[run->out_count < OUT_MAX ? run->out_count++ : OUT_MAX - 1];
	uint64_t sum = 0xcbf29ce484222325u;

	for (uint32_t i = 0; i < length; i++)
		sum = (sum ^ bytes[i]) * 0x100000001b3u;
	*out = (struct out){packet, length, sum, kind, run->out_count};
	if (packet % 2 == 0 && (has_run_of(bytes, length, run->canary) || has_run_of(bytes, length, run->mark)))
		run->leaks++;
	if (packet % 2 && has_run_of(bytes, length, run->canary))
		run->leaks++;
}

/* What is forwarded says not of which packet it is; it is known by its first byte. */
static int take(void *context, uint32_t queue, const uint8_t *bytes, const struct wn_memory_packet *packet,
		int is_reply)
{
	struct run *run = context;
	const uint32_t number = is_reply			   ? (uint32_t)packet->tag
				: packet->length && bytes[0] == run->mark ? 1
									  : 0;

	(void)queue;
	note(run, number, is_reply, bytes, packet->length);
	return 0;
}

static int deliver(void *context, const struct wn_delivery *delivery)
{
	note(context, delivery->index, delivery->is_record ? 3 : 2, delivery->bytes, delivery->length);
	return 0;
}

/* Headroom, frames and records: all of the ring that a program could reach. */
static void fill_rings(struct wn_runtime *runtime, uint8_t canary)
{
	const struct wn_ring_view *view = &runtime->queues[0][0].ring.view;
	const uint64_t slots = view->slot_mask + 1;

	memset(view->frames, canary, slots * view->frame_stride);
	memset(view->results, canary, slots * view->segments_max * view->result_bytes);
}

/* What a program needs to be of use here. */
static void set_needs(struct wn_runtime_params *params, const char *program)
{
	static char zone[64], routes[64];
	static const char *const zones[] = {zone}, *const tables[] = {routes};
	static const char *const expressions[] = {"expression=udp or tcp"};

	snprintf(zone, sizeof(zone), "zone=%s", zone_path);
	snprintf(routes, sizeof(routes), "routes=%s", routes_path);
	if (!strcmp(program, "dns")) {
		params->loads = zones;
		params->load_count = 1;
		params->parameters[0] = "rate_limit=0";
		params->parameter_count = 1;
	} else if (!strcmp(program, "route")) {
		params->loads = tables;
		params->load_count = 1;
		params->parameters[0] = "icmp_rate=1000000";
		params->parameter_count = 1;
	} else if (!strcmp(program, "filter")) {
		params->loads = expressions;
		params->load_count = 1;
	}
}

/* 0, or -1 where this build cannot run it. */
static int run_program(struct run *run, const char *program, enum wn_mode mode)
{
	const struct wn_memory_hooks hooks = {run, next, take};
	struct wn_runtime_params params = {
		.program = program,
		.device = mode == WN_MODE_RESIDENT ? "cpu,workers=2" : "cpu",
		.mode = mode,
		.links = {run->is_frame ? "memory:kind=frame,mac=02:00:00:00:00:09,ip=10.0.0.2,ip=fd00::2" : "memory:"},
		.link_count = 1,
		.slot_count = SLOTS,
		.pump_threads = 1,
		.hooks = &hooks,
		.deliver = deliver,
		.context = run,
	};
	struct wn_error error = {0};
	struct wn_runtime *runtime;

	set_needs(&params, program);
	run->outs = calloc(OUT_MAX, sizeof(*run->outs));
	CHECK(run->outs != NULL);
	runtime = wn_runtime_create(&params, &error);
	if (!runtime) {
		printf("# %s: %s\n", program, error.text);
		CHECK(error.status == WN_UNAVAILABLE);
		return -1;
	}
	fill_rings(runtime, run->canary);
	CHECK_INT(wn_runtime_start(runtime, &error), 0);
	while (!wn_runtime_wait(runtime, 100))
		continue;
	CHECK_INT(wn_runtime_stop(runtime), 0);
	wn_runtime_snapshot(runtime, &run->counters);
	CHECK_INT(run->counters.received, PACKETS);
	wn_runtime_program_counters(runtime, run->values, WN_COUNTERS_MAX);
	wn_runtime_destroy(runtime);
	return 0;
}

/*
 * By what they are, then in their order: what is delivered comes at once, replies at the end of a burst, and
 * where a burst ends is a matter of time.
 */
static int by_kind(const void *a, const void *b)
{
	const struct out *one = a, *other = b;

	return one->kind != other->kind ? one->kind - other->kind
	       : one->number < other->number ? -1 : one->number > other->number;
}

/* The same packets had the same fates and answers. Neighbours may differ by what they are made of. */
static void check_same(const char *program, const struct run *a, const struct run *b, int all)
{
	uint32_t differ = 0;

	CHECK_INT(a->out_count, b->out_count);
	for (uint32_t i = 0; i < a->out_count && a->out_count == b->out_count; i++) {
		const struct out *one = &a->outs[i], *other = &b->outs[i];

		differ += one->packet != other->packet || one->kind != other->kind ||
			  one->length != other->length ||
			  ((all || one->packet % 2 == 0) && one->sum != other->sum);
	}
	if (differ)
		printf("# %s: %u of %u differ\n", program, differ, a->out_count);
	CHECK_INT(differ, 0);
	if (all) {
		CHECK(memcmp(a->values, b->values, sizeof(a->values)) == 0);
		CHECK(memcmp(a->counters.dropped, b->counters.dropped, sizeof(a->counters.dropped)) == 0);
	}
	CHECK_INT(a->leaks, 0);
	CHECK_INT(b->leaks, 0);
}

static void check_program(const char *program, int is_frame, enum wn_mode mode)
{
	struct run runs[3] = {
		{.canary = 0xc5, .mark = 0xe7, .is_frame = is_frame},
		{.canary = 0x9a, .mark = 0xe7, .is_frame = is_frame},
		{.canary = 0xc5, .mark = 0xb3, .is_frame = is_frame},
	};
	int cannot = 0;

	for (int i = 0; !cannot && i < 3; i++)
		cannot = run_program(&runs[i], program, mode);
	for (int i = 0; !cannot && i < 3; i++)
		qsort(runs[i].outs, runs[i].out_count, sizeof(*runs[i].outs), by_kind);
	if (!cannot) {
		check_same(program, &runs[0], &runs[1], 1);
		check_same(program, &runs[0], &runs[2], 0);
		printf("# %s on %s: %u came out\n", program, is_frame ? "frames" : "datagrams",
		       runs[0].out_count);
	}
	for (int i = 0; i < 3; i++)
		free(runs[i].outs);
}

static void check_programs(enum wn_mode mode)
{
	const int count = wn_program_list(NULL, 0);
	struct wn_program_summary *list = calloc((size_t)count + 1, sizeof(*list));

	CHECK(count > 5 && list);
	if (!list)
		return;
	wn_program_list(list, (uint32_t)count);
	for (int i = 0; i < count; i++) {
		if (!strcmp(list[i].kind, "stream"))
			continue; /* no packet comes near it */
		if (strcmp(list[i].kind, "frame"))
			check_program(list[i].name, 0, mode);
		/* A datagram program runs on frames, too, by the stack. */
		check_program(list[i].name, 1, mode);
	}
	/* And one that makes packets longer, and leaves gaps in its records. */
	check_program(WN_TEST_PROGRAMS "/mixed.c", 0, mode);
	free(list);
}

static void test_batch(void)
{
	check_programs(WN_MODE_BATCH);
}

static void test_resident(void)
{
	check_programs(WN_MODE_RESIDENT);
}

/* -- the poison -- */

/* Runs tests/programs/peek.c in a process of its own. Whether it died. */
static int dies(const char *parameter, int is_grown)
{
	struct run run = {.canary = 0xc5, .mark = 0xe7};
	const struct wn_memory_hooks hooks = {&run, next, take};
	struct wn_runtime_params params = {
		.program = "peek",
		.links = {"memory:"},
		.link_count = 1,
		.slot_count = SLOTS,
		.hooks = &hooks,
		.parameters = {parameter, is_grown ? "grow=on" : "grow=off"},
		.parameter_count = 2,
	};
	struct wn_runtime *runtime;
	int status = 0;
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child == 0) {
		if (!freopen("/dev/null", "w", stderr)) /* the report is expected */
			_exit(2);
		run.outs = calloc(OUT_MAX, sizeof(*run.outs));
		runtime = wn_runtime_create(&params, NULL);
		if (!run.outs || !runtime || wn_runtime_start(runtime, NULL))
			_exit(0);
		while (!wn_runtime_wait(runtime, 100))
			continue;
		_exit(0);
	}
	CHECK(child > 0 && waitpid(child, &status, 0) == child);
	return !(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void test_poison(void)
{
	if (!UNDER_ASAN)
		SKIP("only with AddressSanitizer");
	CHECK(!dies("behind=0", 0));
	CHECK(dies("behind=1", 0));
	CHECK(dies("behind=100", 0));
	CHECK(dies("behind=2300", 0));      /* in the next packet, which lies 2176 bytes on */
	CHECK(!dies("behind=8", 1));        /* a packet that was made longer */
	CHECK(dies("before=1", 0));
	CHECK(dies("before=100", 0));
	CHECK(dies("record=1", 0));         /* the next packet's */
}

static void make_home(char *home)
{
	char path[256], target[512];

	CHECK(mkdtemp(home) != NULL);
	snprintf(path, sizeof(path), "%s/programs", home);
	CHECK_INT(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/programs/peek.so", home);
	snprintf(target, sizeof(target), "%s/peek.so", WN_TEST_BUILD);
	CHECK_INT(symlink(target, path), 0);
	setenv("WARPNIC_HOME", home, 1);
}

static void remove_home(const char *home)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/programs/peek.so", home);
	unlink(path);
	snprintf(path, sizeof(path), "%s/programs", home);
	rmdir(path);
	rmdir(home);
}

static void make_file(char *path, const char *text)
{
	const int fd = mkstemp(path);

	CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

static const char zone_text[] = "$ORIGIN example.\n$TTL 300\n@ SOA ns admin 1 2 3 4 5\n@ NS ns\n"
				"ns A 192.0.2.1\nwww A 192.0.2.2\nwww AAAA 2001:db8::2\nwww TXT \"some text\"\n"
				"*.wild CNAME www\n";

/* IPv4 is forwarded up to the MTU, IPv6 is refused: ICMP errors carry a piece of what they answer. */
static const char routes_text[] = "interface 0 mac 02:00:00:00:00:09 mtu 200 ip 10.9.0.1/24 ip fd09::1/64\n"
				  "route 10.0.0.0/8 link 0 mac 02:00:00:00:00:0b\nroute fd00::/16 unreachable\n";

int main(void)
{
	char home[] = "/tmp/warpnic-peek-XXXXXX";

	make_file(zone_path, zone_text);
	make_file(routes_path, routes_text);
	RUN(test_batch);
	RUN(test_resident);
	make_home(home);
	RUN(test_poison);
	remove_home(home);
	unlink(zone_path);
	unlink(routes_path);
	return check_finish();
}
