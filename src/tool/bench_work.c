/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The traditional way against this one: the same program as a loop written by hand (bench_twin.c), on the
 * cpu device, and on a GPU, while the work a packet grows. Where each wins, for each core that is used.
 */
#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>

#include "clock.h"
#include "ring/order.h"
#include "tool/bench.h"

static const uint32_t coarse[] = {0, 10, 100, 1000, 10000, 100000};
static const uint32_t fine[] = {0, 10, 30, 100, 300, 1000, 3000, 10000, 30000, 100000};
enum { THREADS_MAX = 256 };

/* Columns, in the order in which they are made; those of the GPU only where there is one. */
enum { HAND_ONE, OURS_ONE, RATIO_ONE, HAND_ALL, OURS_ALL, RATIO_ALL };

struct crew {
	uint32_t operations;
	double seconds;
	double rates[THREADS_MAX];
	uint32_t next;
};

static void *work_by_hand(void *argument)
{
	struct crew *crew = argument;
	const uint32_t own = __atomic_fetch_add(&crew->next, 1, __ATOMIC_RELAXED);

	crew->rates[own] = wn_bench_twin(crew->operations, crew->seconds);
	return NULL;
}

/* Packets a second of so many threads together. */
static double by_hand(uint32_t operations, double seconds, uint32_t threads)
{
	struct crew crew = {.operations = operations, .seconds = seconds};
	pthread_t ids[THREADS_MAX];
	uint32_t started = 0;
	double sum = 0;

	while (started < threads && started < THREADS_MAX && !pthread_create(&ids[started], NULL, work_by_hand, &crew))
		started++;
	for (uint32_t i = 0; i < started; i++)
		pthread_join(ids[i], NULL);
	for (uint32_t i = 0; i < started; i++)
		sum += crew.rates[i];
	return sum;
}

static struct wn_bench_figure hand_figure(const struct wn_bench *bench, uint32_t operations, uint32_t threads)
{
	double values[WN_BENCH_RUNS_MAX];

	for (uint32_t i = 0; i < bench->repeat; i++)
		values[i] = by_hand(operations, bench->window_seconds, threads);
	return wn_bench_scale(wn_bench_figure(values, bench->repeat), 1e-6);
}

static int ours(const struct wn_bench *bench, const char *device, uint32_t operations, uint32_t queues,
		struct wn_bench_outcome *outcome)
{
	char link[64], parameter[32];
	/* On a CPU a slot waits for those before it: fewer of them, so that a window sees them all. */
	const struct wn_bench_load load = {.program = "work", .device = device, .link = link, .pumps = 1, .has_watts = queues > 1,
					   .slots = strncmp(device, "cpu", 3) ? 4096 : operations > 3000 ? 16 : 1024,
					   .parameters = {parameter}, .parameter_count = 1};

	snprintf(link, sizeof(link), "memory:count=0,queues=%u", queues);
	snprintf(parameter, sizeof(parameter), "operations=%u", operations);
	return wn_bench_measure(bench, &load, outcome);
}

static void put_ratio(struct wn_bench_row *row, uint32_t column)
{
	const struct wn_bench_figure *hand = &row->cells[column - 2].figure, *own = &row->cells[column - 1].figure;

	if (hand->count && own->count && hand->median > 0)
		wn_bench_put(row, column, wn_bench_figure(&(double){own->median / hand->median}, 1));
}

static int add(const struct wn_bench *bench, struct wn_bench_table *table, uint32_t operations)
{
	const uint32_t queues[2] = {1, bench->queues};
	struct wn_bench_outcome outcome;
	struct wn_bench_row *row = NULL;
	struct wn_bench_figure hand[2];

	hand[0] = hand_figure(bench, operations, 1);
	hand[1] = bench->cores > 1 ? hand_figure(bench, operations, bench->cores) : hand[0];
	if (wn_bench_is_stopped())
		return -EINTR;
	row = wn_bench_row(table, "%u", operations);
	wn_bench_put(row, HAND_ONE, hand[0]);
	wn_bench_put(row, HAND_ALL, hand[1]);
	for (int i = 0; i < 2; i++) {
		const uint32_t column = i ? OURS_ALL : OURS_ONE;
		const int rc = ours(bench, bench->device, operations, queues[i], &outcome);

		if (rc == -EINTR) {
			table->row_count--;
			return rc;
		}
		if (rc) {
			wn_bench_note(table, "%u operations: left out: %s", operations, outcome.wrong);
			continue;
		}
		wn_bench_put(row, column, wn_bench_of(&outcome, offsetof(struct wn_bench_window, packets), 1e-6));
		if (i && outcome.watts > 0)
			wn_bench_say(row, column, "at %.0f W: %.3g M/s a W", outcome.watts, row->cells[column].figure.median / outcome.watts);
		put_ratio(row, column + 1);
	}
	return 0;
}

/* Where the ratio passes 1, and says so, whoever wins. */
static void tell_crossover(const struct wn_bench *bench, struct wn_bench_table *table, uint32_t column, const char *what)
{
	const char *before = NULL;

	for (uint32_t i = 0; i < table->row_count; i++) {
		const struct wn_bench_figure *ratio = &table->rows[i].cells[column].figure;

		if (!ratio->count)
			continue;
		if (ratio->median >= 1) {
			if (before)
				wn_bench_note(table, "Crossover, %s: between %s and %s operations a packet. Below it the loop on the CPU wins.",
					      what, before, table->rows[i].name);
			else
				wn_bench_note(table, "Crossover, %s: none, ours is ahead from %s operations on.", what, table->rows[i].name);
			return;
		}
		before = table->rows[i].name;
	}
	wn_bench_note(table, "Crossover, %s: none up to %s operations a packet: the loop written by hand on the CPU wins everywhere%s.", what,
		      before ? before : "0", bench->has_gpu ? "" : ", as it must where both use the same core");
}

int wn_bench_work(struct wn_bench *bench)
{
	struct wn_bench_table *table = wn_bench_table(
		bench, "work", "The traditional way (a loop on the CPU, tuned by hand) against ours, as the work grows", "operations a packet");
	const uint32_t count = bench->is_quick ? sizeof(coarse) / sizeof(coarse[0]) : sizeof(fine) / sizeof(fine[0]);
	char name[48];
	int rc = 0;

	wn_bench_column(table, "by hand, one core", "M/s");
	wn_bench_column(table, bench->has_gpu ? "ours, one pump and the GPU" : "ours, one core", "M/s");
	wn_bench_column(table, "ratio, one core", "");
	snprintf(name, sizeof(name), "by hand, %u cores", bench->cores);
	wn_bench_column(table, name, "M/s");
	snprintf(name, sizeof(name), "ours, %u pumps%s", bench->queues, bench->has_gpu ? " and the GPU" : "");
	wn_bench_column(table, name, "M/s");
	wn_bench_column(table, "ratio, all cores", "");
	for (uint32_t i = 0; !rc && i < count; i++)
		rc = add(bench, table, bench->is_quick ? coarse[i] : fine[i]);
	wn_bench_note(table, "Packets of 64 bytes, in memory on both sides, so that no kernel hides the difference. By hand: 64 packets at once in %s, "
			     "without ring, verdicts or counters.", wn_bench_twin_name());
	tell_crossover(bench, table, RATIO_ONE, "for each core");
	tell_crossover(bench, table, RATIO_ALL, "with all cores");
	return rc;
}
