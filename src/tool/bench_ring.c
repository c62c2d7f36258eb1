/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long the ring takes: bare, between two threads that do nothing but look, and one packet through the
 * whole runtime.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "backoff.h"
#include "clock.h"
#include "lane/port_ring.h"
#include "ring/consumer.h"
#include "ring/producer.h"
#include "tool/bench.h"
#include "warpnic/verdict.h"

enum { ROUNDS = 20000, SKIPPED = 2000, ROUNDS_RUNTIME = 4000 };

/* -- the bare ring -- */

struct bare {
	struct wn_ring ring;
	int64_t *one_way;            /* ns, written by the lane */
	int64_t *both;               /* by the host */
	uint32_t rounds;
	int64_t published_ns;        /* before a slot is published: ordered by the ring */
	uint32_t is_over;
};

/* The device's side: sees a slot, looks at the clock, answers. */
static void *answer(void *argument)
{
	struct bare *bare = argument;
	struct wn_port port;

	wn_port_init(&port, &bare->ring.view, 0, 1);
	for (uint32_t i = 0; i < bare->rounds;) {
		if (!wn_port_peek(&port)) {
			if (wn_load_relaxed(&bare->is_over))
				break;
			wn_cpu_relax();
			continue;
		}
		bare->one_way[i++] = wn_clock_ns() - bare->published_ns;
		wn_port_answer(&port, port.position,
			       wn_verdict_word(wn_lap(port.position, port.view.slot_shift), WN_DROP, 0));
		wn_port_retire(&port, 1);
	}
	return NULL;
}

/* The host's: publishes one, waits for its verdict. Returns the rounds that were whole. */
static uint32_t ask(struct bare *bare)
{
	struct wn_producer producer;
	struct wn_consumer consumer;
	uint32_t word, round;

	wn_producer_init(&producer, &bare->ring);
	wn_consumer_init(&consumer, &bare->ring);
	for (round = 0; round < bare->rounds && !wn_bench_is_stopped(); round++) {
		struct wn_slot *slot = &bare->ring.view.slots[producer.published & bare->ring.view.slot_mask];
		const int64_t give_up = wn_clock_ns() + WN_SECOND_NS;
		uint32_t looks = 0;

		wn_producer_reserve(&producer, 1);
		*slot = (struct wn_slot){.position = producer.published + 1, .length = 64};
		bare->published_ns = wn_clock_ns();
		wn_producer_publish(&producer, 1);
		while (!wn_consumer_peek(&consumer, producer.published, 0, &word, 1)) {
			wn_cpu_relax();
			if (++looks % 1024 == 0 && wn_clock_ns() > give_up)
				return round;
		}
		bare->both[round] = wn_clock_ns() - bare->published_ns;
		wn_consumer_retire(&consumer, 1);
	}
	return round;
}

static int compare(const void *a, const void *b)
{
	const int64_t one = *(const int64_t *)a, other = *(const int64_t *)b;

	return (one > other) - (one < other);
}

static struct wn_bench_figure quantile(int64_t *values, uint32_t count, double share)
{
	double value;

	if (count <= SKIPPED / 10)
		return (struct wn_bench_figure){0};
	qsort(values, count, sizeof(*values), compare);
	value = (double)values[(uint32_t)(share * (double)(count - 1))];
	return wn_bench_figure(&value, 1);
}

static uint32_t run_bare(struct bare *bare)
{
	const struct wn_ring_geometry geometry = {64, 2048, 1};
	struct wn_error error;
	pthread_t thread;
	uint32_t rounds = 0;

	if (wn_ring_create(&bare->ring, &geometry, &error))
		return 0;
	if (!pthread_create(&thread, NULL, answer, bare)) {
		rounds = ask(bare);
		wn_store_relaxed(&bare->is_over, 1);
		pthread_join(thread, NULL);
	}
	wn_ring_destroy(&bare->ring);
	return rounds;
}

static void add_bare(const struct wn_bench *bench, struct wn_bench_table *table)
{
	double one[2][WN_BENCH_RUNS_MAX], both[2][WN_BENCH_RUNS_MAX];
	struct bare bare = {.rounds = ROUNDS};
	uint32_t count = 0;

	bare.one_way = calloc(ROUNDS, sizeof(*bare.one_way));
	bare.both = calloc(ROUNDS, sizeof(*bare.both));
	for (uint32_t i = 0; bare.one_way && bare.both && i < bench->repeat; i++) {
		bare.is_over = 0;
		if (run_bare(&bare) < ROUNDS)
			break;
		one[0][count] = quantile(bare.one_way + SKIPPED, ROUNDS - SKIPPED, 0.5).median;
		one[1][count] = quantile(bare.one_way + SKIPPED, ROUNDS - SKIPPED, 0.99).median;
		both[0][count] = quantile(bare.both + SKIPPED, ROUNDS - SKIPPED, 0.5).median;
		both[1][count++] = quantile(bare.both + SKIPPED, ROUNDS - SKIPPED, 0.99).median;
	}
	free(bare.one_way);
	free(bare.both);
	for (uint32_t i = 0; i < 2; i++) {
		struct wn_bench_row *row =
			wn_bench_row(table, i ? "the bare ring between two cores, there and back" : "the bare ring between two cores, one way");

		wn_bench_put(row, 0, wn_bench_scale(wn_bench_figure(i ? both[0] : one[0], count), 1e-3));
		wn_bench_put(row, 1, wn_bench_scale(wn_bench_figure(i ? both[1] : one[1], count), 1e-3));
	}
}

/* -- one packet through the runtime -- */

struct ping {
	int64_t times[WN_BENCH_RUNS_MAX][ROUNDS_RUNTIME];
	int64_t sent_ns;
	uint32_t rounds, sent, answered;
};

static int next(void *context, uint32_t queue, uint8_t *bytes, uint32_t capacity, struct wn_memory_packet *packet)
{
	struct ping *ping = context;

	(void)queue;
	(void)capacity;
	if (ping->sent == ping->rounds || ping->sent != ping->answered)
		return 0;
	memset(bytes, (int)ping->sent, 64);
	packet->length = 64;
	ping->sent++;
	ping->sent_ns = wn_clock_ns();
	packet->arrival_ns = (uint64_t)ping->sent_ns;
	return 1;
}

static int take(void *context, uint32_t queue, const uint8_t *bytes, const struct wn_memory_packet *packet, int is_reply)
{
	struct ping *ping = context;
	int64_t *times = &ping->times[0][0];

	(void)queue;
	(void)bytes;
	(void)packet;
	if (is_reply)
		times[wn_load_relaxed(&ping->answered)] = wn_clock_ns() - ping->sent_ns;
	wn_store_release(&ping->answered, ping->answered + 1);
	return 0;
}

static int add_runtime(const struct wn_bench *bench, struct wn_bench_table *table, const char *device, enum wn_mode mode)
{
	struct ping *ping = calloc(1, sizeof(*ping));
	const struct wn_memory_hooks hooks = {.context = ping, .next = next, .take = take};
	const struct wn_bench_load load = {.program = "echo", .device = device, .link = "memory:", .mode = mode,
					   .pumps = 1, .hooks = &hooks, .windows = bench->repeat};
	double middle[WN_BENCH_RUNS_MAX], late[WN_BENCH_RUNS_MAX];
	struct wn_bench_outcome outcome;
	struct wn_bench_row *row;
	uint32_t count = 0;
	int rc = 0;

	if (!ping)
		return -ENOMEM;
	ping->rounds = ROUNDS_RUNTIME * bench->repeat;
	rc = wn_bench_measure(bench, &load, &outcome);
	while (!rc && (count + 1) * ROUNDS_RUNTIME <= ping->answered) {
		const int skipped = count ? 0 : ROUNDS_RUNTIME / 4;
		int64_t *times = ping->times[count] + skipped;

		middle[count] = quantile(times, (uint32_t)(ROUNDS_RUNTIME - skipped), 0.5).median;
		late[count++] = quantile(times, (uint32_t)(ROUNDS_RUNTIME - skipped), 0.99).median;
	}
	free(ping);
	if (rc == -EINTR)
		return rc;
	if (rc) {
		wn_bench_note(table, "%s, %s: left out: %s", device, wn_mode_name(mode), outcome.wrong);
		return 0;
	}
	row = wn_bench_row(table, "one packet through the runtime and back, echo, %s, %s", outcome.device, outcome.mode);
	wn_bench_put(row, 0, wn_bench_scale(wn_bench_figure(middle, count), 1e-3));
	wn_bench_put(row, 1, wn_bench_scale(wn_bench_figure(late, count), 1e-3));
	return 0;
}

int wn_bench_ring(struct wn_bench *bench)
{
	struct wn_bench_table *table = wn_bench_table(bench, "ring", "How long the ring takes", "what");
	int rc;

	wn_bench_column(table, "p50", "us");
	wn_bench_column(table, "p99", "us");
	if (bench->cores > 1)
		add_bare(bench, table);
	else
		wn_bench_note(table, "The bare ring is left out: it takes two processors.");
	rc = add_runtime(bench, table, "cpu", WN_MODE_BATCH);
	if (!rc && bench->cores > 1 && !bench->has_gpu)
		rc = add_runtime(bench, table, "cpu", WN_MODE_RESIDENT);
	if (!rc && bench->has_gpu)
		rc = add_runtime(bench, table, bench->device, WN_MODE_BATCH);
	if (!rc && bench->has_gpu)
		rc = add_runtime(bench, table, bench->device, WN_MODE_AUTO);
	wn_bench_note(table, "One packet at a time, by CLOCK_MONOTONIC, whose reading is in it. Through the runtime: handed in by a "
			     "memory link's hook until the hook has the reply.");
	return rc;
}
