/* SPDX-License-Identifier: Apache-2.0 */
/* Each figure that the original design claims, beside what was measured here, and how. */
#include <string.h>

#include "tool/bench.h"

enum { CLAIMED, MEASURED, HOW };

/* A claim, and the figure that answers it: in `table`, of the row that begins so (NULL: the best of all). */
struct claim {
	const char *what, *claimed;
	const char *table, *row, *column, *unit;
	double factor;
	const char *how;
};

static const struct claim claims[] = {
	{"CPU involvement, share of a core", "1-5 %", "cpu", "udp, echo, 10,000", "of a core", "%", 1,
	 "udp echo of 10,000 a second, kernel included"},
	{"CPU involvement, flat out", "1-5 %", "cpu", "udp, echo, 64", "of a core", "%", 1, "udp echo, 64 in flight"},
	{"CPU involvement, the device drives", "1-5 %", "cpu", "io_uring, echo, 10,000", "of a core", "%", 1,
	 "the same 10,000 on io_uring: nearly all of it is the kernel's own thread, which polls"},
	{"CPU involvement, the device drives: user code", "1-5 %", "cpu", "io_uring, echo, 64", "user, of a core", "%", 1,
	 "udp echo on io_uring, 64 in flight"},
	{"CPU time a packet, kernel included", "-", "cpu", "udp, echo, 64", "system", "ns", 1, "udp echo, 64 in flight: system time"},
	{"ring latency, one way", "< 1 us", "ring", "the bare ring between two cores, one", "p50", "us", 1, "two threads, one packet"},
	{"ring latency, both ways", "< 1 us", "ring", "the bare ring between two cores, there", "p50", "us", 1, "two threads, one packet"},
	{"ring latency, both ways, with the device", "< 1 us", "ring", "one packet through", "p50", "us", 1, "one packet, echo; the last row of that table"},
	{"packets a second", "10M+", "bytes", "count, 64 B", "packets a second", "M/s", 1, "memory link, program count, 64 B"},
	{"packets a second on plain sockets", "10M+", "cpu", "udp, echo, 64", "packets a second", "M/s", 1, "udp echo on loopback"},
	{"memory bandwidth on packets", "400+ GB/s", "bytes", "sum, 1500 B", "bytes", "GB/s", 1, "every byte of 1500 read"},
	{"memory bandwidth, packets in GPU memory", "400+ GB/s", "resident", "50688 lanes", "bytes, each lane", "GB/s", 1, "no bus, no host"},
	{"memory bandwidth, the device loop in GPU memory", "400+ GB/s", "resident", "50688 lanes", "bytes, device loop", "GB/s", 1,
	 "the same by whole warps, through local memory"},
	{"one packet: arrival in the kernel", "5-50 us", NULL, NULL, NULL, "", 1, "on loopback there is no NIC and no interrupt"},
	{"one packet: pickup by the pump", "< 1 us", "latency", "arrival in the kernel", "p50", "us", 1, "kernel timestamp until the pump has it"},
	{"one packet: visible on the device", "< 1 us", "latency", "until a lane", "mean", "us", 1, "mean of the followed packets"},
	{"one packet: processed", "1-100 us", "latency", "processed", "p50", "us", 1, "program echo"},
	{"one packet: sent", "5-50 us", "latency", "handed to", "p50", "us", 1, "sendmmsg"},
	{"one packet: total", "7-152 us", "latency", "the client's round trip", "p50", "us", 1, "udp echo on loopback"},
	{"1 lane", "0.1 M/s", "lanes", "1", "1000 operations", "M/s", 1, "program work, 1000 operations"},
	{"64 lanes", "6 M/s", "lanes", "64", "1000 operations", "M/s", 1, "program work, 1000 operations"},
	{"1024 lanes", "50 M/s", "lanes", "1024", "1000 operations", "M/s", 1, "program work, 1000 operations"},
	{"4096 lanes", "100 M/s", "lanes", "4096", "1000 operations", "M/s", 1, "program work, 1000 operations"},
	{"1 lane, packets in GPU memory", "0.1 M/s", "resident", "1 lane,", "each lane by itself", "M/s", 1, "program transform, no bus"},
	{"64 lanes, packets in GPU memory", "6 M/s", "resident", "64 lanes", "each lane by itself", "M/s", 1, "program transform, no bus"},
	{"1024 lanes, packets in GPU memory", "50 M/s", "resident", "1024 lanes", "each lane by itself", "M/s", 1, "program transform, no bus"},
	{"4096 lanes, packets in GPU memory", "100 M/s", "resident", "4096 lanes", "each lane by itself", "M/s", 1, "program transform, no bus"},
};

/* The last row that begins so: more queues come later. */
static const struct wn_bench_figure *answer_to(const struct wn_bench_result *result, const struct claim *claim)
{
	const struct wn_bench_figure *found = NULL;
	const size_t length = strlen(claim->row);

	for (uint32_t t = 0; t < result->table_count; t++) {
		const struct wn_bench_table *table = &result->tables[t];

		for (uint32_t r = 0; !strcmp(table->name, claim->table) && r < table->row_count; r++) {
			const char *name = table->rows[r].name;
			const int is_number = !strcmp(claim->table, "lanes");

			if (strncmp(name, claim->row, length) || (is_number && name[length] && name[length] != ':'))
				continue;
			if (wn_bench_find(result, claim->table, name, claim->column))
				found = wn_bench_find(result, claim->table, name, claim->column);
		}
	}
	return found;
}

int wn_bench_claims(struct wn_bench *bench)
{
	struct wn_bench_table *table =
		wn_bench_table(bench, "claims", "What the original design claims, and what was measured here", "claim");

	wn_bench_column(table, "claimed", "");
	wn_bench_column(table, "measured", "");
	wn_bench_column(table, "how", "");
	for (uint32_t i = 0; i < sizeof(claims) / sizeof(claims[0]); i++) {
		const struct wn_bench_figure *figure = claims[i].table ? answer_to(bench->result, &claims[i]) : NULL;
		struct wn_bench_row *row = wn_bench_row(table, "%s", claims[i].what);

		wn_bench_say(row, CLAIMED, "%s", claims[i].claimed);
		wn_bench_say(row, HOW, claims[i].table ? "%s; `warpnic bench --only %s`" : "%s", claims[i].how, claims[i].table);
		if (!figure) {
			wn_bench_say(row, MEASURED, claims[i].table ? "not measured in this run" : "cannot be told here");
			continue;
		}
		wn_bench_put(row, MEASURED, wn_bench_scale(*figure, claims[i].factor));
		snprintf(row->cells[MEASURED].unit, sizeof(row->cells[MEASURED].unit), "%s", claims[i].unit);
	}
	return 0;
}
