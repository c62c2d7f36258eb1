/* SPDX-License-Identifier: Apache-2.0 */
/* Where the time of one packet goes, from the client's send until its reply is there. */
#include <errno.h>
#include <string.h>

#include "tool/bench.h"

enum { P50, P99, MEAN, DESIGN };

/* A stage of which mean and quantiles are known; NULL quantiles: only the mean. */
static void add(struct wn_bench_table *table, const char *name, const double *p50, const double *p99, double mean,
		const char *design)
{
	struct wn_bench_row *row = wn_bench_row(table, "%s", name);

	if (p50)
		wn_bench_put(row, P50, wn_bench_figure(&(double){*p50 * 1e-3}, 1));
	if (p99)
		wn_bench_put(row, P99, wn_bench_figure(&(double){*p99 * 1e-3}, 1));
	wn_bench_put(row, MEAN, wn_bench_figure(&(double){mean * 1e-3}, 1));
	wn_bench_say(row, DESIGN, "%s", design);
}

static void add_stage(struct wn_bench_table *table, const char *name, const struct wn_stage_times *times,
		      const char *design)
{
	const int is_known = times->p50_ns > 0;

	add(table, name, is_known ? &times->p50_ns : NULL, is_known ? &times->p99_ns : NULL, times->mean_ns, design);
}

static const struct wn_stage_times *stage_of(const struct wn_bench_outcome *outcome, const char *name)
{
	static const struct wn_stage_times none;

	for (uint32_t i = 0; i < outcome->stage_count; i++)
		if (outcome->stages[i].name && !strcmp(outcome->stages[i].name, name))
			return &outcome->stages[i];
	return &none;
}

static void add_all(struct wn_bench_table *table, const struct wn_bench_outcome *outcome)
{
	const struct wn_stage_times *device = stage_of(outcome, "whole"), *wait = stage_of(outcome, "wait");
	/* The device's wait begins at the arrival, as the pump's pickup does. */
	const double seen = wait->mean_ns > outcome->way[1].mean_ns ? wait->mean_ns - outcome->way[1].mean_ns : 0;

	add_stage(table, "arrival in the kernel until the pump has it (its wake-up is in it)", &outcome->way[1], "< 1 (pickup)");
	add(table, "until a lane has it", NULL, NULL, seen, "< 1 (visible on the device)");
	if (outcome->stage_count > 4)
		add_stage(table, "staged on the device", stage_of(outcome, "stage"), "");
	add_stage(table, "processed", stage_of(outcome, "program"), "1-100");
	add_stage(table, "answered: verdict stored", stage_of(outcome, "publish"), "< 1");
	add(table, "until the transmit pump sees it", NULL, NULL,
	    outcome->way[1].mean_ns + outcome->way[2].mean_ns - device->mean_ns, "");
	add_stage(table, "handed to the kernel, which sends it", &outcome->way[3], "5-50");
	add_stage(table, "sum: arrival in the kernel until sent", &outcome->way[0], "");
	add(table, "the client's round trip, of all packets", &outcome->trip_p50_ns, &outcome->trip_p99_ns, outcome->trip_mean_ns,
	    "7-152 (total)");
}

int wn_bench_latency(struct wn_bench *bench)
{
	const struct wn_bench_load load = {.program = "echo", .link = "udp:127.0.0.1:0,timestamps=kernel",
					   .client = {"--window", "1"}, .windows = 1,
					   .window_seconds = bench->is_quick ? 1.0 : 4.0};
	struct wn_bench_table *table = wn_bench_table(bench, "latency", "Where the time of one packet goes: udp echo on loopback",
						      "stage");
	struct wn_bench_outcome outcome;
	const int rc = wn_bench_measure(bench, &load, &outcome);

	wn_bench_column(table, "p50", "us");
	wn_bench_column(table, "p99", "us");
	wn_bench_column(table, "mean", "us");
	wn_bench_column(table, "the design says", "us");
	if (rc == -EINTR)
		return rc;
	if (rc || !outcome.way[0].count) {
		wn_bench_note(table, "Left out: %s", rc ? outcome.wrong : "no packet was followed");
		return 0;
	}
	add_all(table, &outcome);
	wn_bench_note(table, "One packet in flight. Of %.0f packets %.0f were followed, by timestamps of the kernel (arrival) and of the "
			     "pumps; the means add up to the sum, quantiles do not. Stages without quantiles are what their "
			     "neighbours leave. %s, %s mode; clocks agree to %.2f us.",
		      (double)outcome.counters.received, (double)outcome.way[0].count, outcome.device, outcome.mode,
		      stage_of(&outcome, "wait")->error_ns * 1e-3);
	wn_bench_note(table, "On loopback a send is also the other side's arrival: the client has its reply before the pump's send call "
			     "returns, so its round trip is shorter than the stages together with its own send would be, and what the design "
			     "calls arrival (5-50 us, a NIC and its interrupt) is not there to be measured.");
	return 0;
}
