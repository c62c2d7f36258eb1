/* SPDX-License-Identifier: Apache-2.0 */
/* Throughput by the number of lanes that work: threads on a CPU, 32 a group on a GPU. */
#include <errno.h>
#include <stddef.h>

#include "tool/bench.h"

static const uint32_t works[] = {0, 1000, 10000};
enum { WORKS = sizeof(works) / sizeof(works[0]), LANES_A_GROUP = 32, GROUPS_MAX = 64 };

static int add(const struct wn_bench *bench, struct wn_bench_table *table, struct wn_bench_row *row, const char *device,
	       uint32_t queues, uint32_t slots)
{
	for (uint32_t i = 0; i < WORKS; i++) {
		char link[64], operations[32];
		const struct wn_bench_load load = {.program = "work", .device = device, .link = link, .pumps = 1,
						   .slots = slots, .parameters = {operations}, .parameter_count = 1};
		struct wn_bench_outcome outcome;
		int rc;

		snprintf(link, sizeof(link), "memory:count=0,queues=%u", queues);
		snprintf(operations, sizeof(operations), "operations=%u", works[i]);
		rc = wn_bench_measure(bench, &load, &outcome);
		if (rc == -EINTR)
			return rc;
		if (rc)
			wn_bench_note(table, "%s, %u operations: left out: %s", row->name, works[i], outcome.wrong);
		else
			wn_bench_put(row, i, wn_bench_of(&outcome, offsetof(struct wn_bench_window, packets), 1e-6));
	}
	return 0;
}

/* On the cpu device a lane is a thread, and more of them than cores are of no use. */
static int add_threads(const struct wn_bench *bench, struct wn_bench_table *table)
{
	int rc = 0;

	for (uint32_t lanes = 1; !rc && lanes <= bench->cores; lanes = lanes == bench->cores ? lanes + 1 : lanes * 2 > bench->cores ? bench->cores : lanes * 2)
		rc = add(bench, table, wn_bench_row(table, "%u", lanes), "cpu", lanes, 256);
	wn_bench_note(table, "On a CPU a lane is a thread with a queue of its own, and there is no use for more of them than cores: 64, "
			     "1024 and 4096 lanes need a GPU.");
	return rc;
}

/* Two slots are in flight at most, so that no more than two lanes of the one group have something to do. */
static int add_groups(const struct wn_bench *bench, struct wn_bench_table *table)
{
	static const uint32_t wanted[] = {64, 1024, 4096, 16384, 65536};
	int rc = add(bench, table, wn_bench_row(table, "2: a ring of two slots"), bench->device, 1, 2);

	for (uint32_t i = 0; !rc && i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		const uint32_t groups = wanted[i] / LANES_A_GROUP;
		const uint32_t queues = groups <= 32 ? 1 : groups / 32 < bench->queues ? groups / 32 : bench->queues;
		uint32_t each = groups / queues;
		char device[64];

		/* Presets of a queue, where there are not queues enough for 32 groups each. */
		each = each > 32 ? 32 : each;
		snprintf(device, sizeof(device), "%.40s,groups=%u", bench->device, each);
		rc = add(bench, table, wn_bench_row(table, "%u: %u queue%s of %u groups", queues * each * LANES_A_GROUP, queues,
						    queues > 1 ? "s" : "", each), device, queues, 4096);
		if (queues * each * LANES_A_GROUP < wanted[i])
			break;
	}
	wn_bench_note(table, "Each queue has a pump on a core of its own, so more lanes also mean more pumps.");
	return rc;
}

int wn_bench_lanes(struct wn_bench *bench)
{
	struct wn_bench_table *table =
		wn_bench_table(bench, "lanes", "Throughput by lanes: packets of 64 bytes, in millions a second", "lanes");
	int rc;

	for (uint32_t i = 0; i < WORKS; i++) {
		char name[48];

		snprintf(name, sizeof(name), "%u operations", works[i]);
		wn_bench_column(table, name, "M/s");
	}
	rc = bench->has_gpu ? add_groups(bench, table) : add_threads(bench, table);
	wn_bench_note(table, "Program work: so many multiply-adds a packet, each of which needs the one before. The design says 0.1, 6, "
			     "50 and 100 M/s with 1, 64, 1024 and 4096 lanes, and not for which program.");
	return rc;
}
