/* SPDX-License-Identifier: Apache-2.0 */
/* Packets and bytes a second where the device looks at every byte of every packet. */
#include <errno.h>
#include <stddef.h>

#include "tool/bench.h"

static int add(const struct wn_bench *bench, struct wn_bench_table *table, const char *program, uint32_t bytes,
	       uint32_t queues)
{
	char link[64];
	const struct wn_bench_load load = {.program = program, .link = link, .pumps = 1};
	struct wn_bench_outcome outcome;
	struct wn_bench_row *row;
	int rc;

	snprintf(link, sizeof(link), "memory:count=0,queues=%u,bytes=%u", queues, bytes);
	rc = wn_bench_measure(bench, &load, &outcome);
	if (rc == -EINTR)
		return rc;
	row = wn_bench_row(table, "%s, %u B, %u queue%s", program, bytes, queues, queues > 1 ? "s" : "");
	if (rc) {
		wn_bench_note(table, "%s: left out: %s", row->name, outcome.wrong);
		return 0;
	}
	wn_bench_put(row, 0, wn_bench_of(&outcome, offsetof(struct wn_bench_window, packets), 1e-6));
	wn_bench_put(row, 1, wn_bench_of(&outcome, offsetof(struct wn_bench_window, bits), 1.25e-10));
	wn_bench_put(row, 2, wn_bench_of(&outcome, offsetof(struct wn_bench_window, cores), 1));
	return 0;
}

int wn_bench_bytes(struct wn_bench *bench)
{
	struct wn_bench_table *table = wn_bench_table(
		bench, "bytes", "Packets and bytes a second through the memory link", "program, packet, queues");
	const uint32_t queues = bench->queues;
	int rc;

	wn_bench_column(table, "packets a second", "M");
	wn_bench_column(table, "bytes", "GB/s");
	wn_bench_column(table, "cores used", "");
	rc = add(bench, table, "count", 64, 1);
	if (!rc && queues > 1)
		rc = add(bench, table, "count", 64, queues);
	if (!rc)
		rc = add(bench, table, "sum", 1500, 1);
	if (!rc && queues > 1)
		rc = add(bench, table, "sum", 1500, queues);
	wn_bench_note(table, "count looks at 64 bytes at most; sum reads every byte. The bytes are written by a core into the ring and, where the device "
			     "is a GPU, read over the bus, which is the limit: memory of its own, which is what the design's 400 GB/s "
			     "is about, is not where packets arrive.");
	return rc;
}
