/* SPDX-License-Identifier: Apache-2.0 */
/* What it costs to follow packets on their way: on and off, in turn. */
#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "tool/bench.h"

enum { ON, OFF, RATIO, COLUMNS };

enum { PAIRS_QUICK = 7, PAIRS_GPU = 15, PAIRS = 41 };

/*
 * The median, and between which values it lies with 95 % certainty whatever the distribution: those of rank
 * n/2 -+ 1.96 sqrt(n)/2 (the binomial's normal approximation; ISO 16269-7). Of 7 values these are the ends.
 */
static struct wn_bench_figure sure_median(double *values, uint32_t count)
{
	struct wn_bench_figure figure = wn_bench_figure(values, count); /* sorts them */
	const double rank = floor((count - 1.96 * sqrt(count)) / 2);
	const uint32_t from = rank < 1 ? 0 : (uint32_t)rank - 1;

	figure.low = values[from];
	figure.high = values[count - 1 - from];
	return figure;
}

static int add(const struct wn_bench *bench, struct wn_bench_table *table, const char *program, const char *device)
{
	const uint32_t pairs = bench->is_quick ? PAIRS_QUICK : strcmp(device, "cpu") ? PAIRS_GPU : PAIRS;
	double values[COLUMNS][PAIRS];
	struct wn_bench_outcome outcome;
	struct wn_bench_row *row;
	int rc = 0;

	for (uint32_t i = 0; i < 2 * pairs && !rc; i++) {
		/* Which goes first changes with each pair, so that neither always follows the other. */
		const uint32_t off = (i ^ i >> 1) & 1;
		const struct wn_bench_load load = {.program = program, .device = device, .link = "memory:count=0", .pumps = 1,
						   .windows = 1, .times_off = off, .window_seconds = bench->window_seconds / 2};

		rc = wn_bench_measure(bench, &load, &outcome);
		values[off ? OFF : ON][i / 2] = outcome.windows[0].packets * 1e-6;
	}
	if (rc == -EINTR)
		return rc;
	row = wn_bench_row(table, "%s, 64 B, flat out, %s", program, device);
	if (rc) {
		wn_bench_note(table, "%s: left out: %s", row->name, outcome.wrong);
		return 0;
	}
	for (uint32_t i = 0; i < pairs; i++)
		values[RATIO][i] = 100 * (1 - values[ON][i] / values[OFF][i]);
	wn_bench_put(row, ON, wn_bench_figure(values[ON], pairs));
	wn_bench_put(row, OFF, wn_bench_figure(values[OFF], pairs));
	wn_bench_put(row, RATIO, sure_median(values[RATIO], pairs));
	return 0;
}

int wn_bench_sampling(struct wn_bench *bench)
{
	struct wn_bench_table *table = wn_bench_table(bench, "sampling", "What following packets on their way costs", "program");
	int rc;

	wn_bench_column(table, "on (preset)", "M/s");
	wn_bench_column(table, "off", "M/s");
	wn_bench_column(table, "less with it", "%");
	rc = add(bench, table, "drop", "cpu");
	if (!rc)
		rc = add(bench, table, "echo", "cpu");
	if (!rc && bench->has_gpu)
		rc = add(bench, table, "echo", bench->device);
	wn_bench_note(table, "The least work a packet there is, in turn, so it costs most here; the third column is the median of the pairs, and "
			     "between what it lies with 95 %% certainty. Promised: less than 3 %%.");
	return rc;
}
