/* SPDX-License-Identifier: Apache-2.0 */
/* Packets that lie in the GPU's memory already: what its lanes and its memory give where no bus is in the way. */
#include <errno.h>

#include "tool/bench.h"

enum { LANES, LANES_BYTES, LOOP, LOOP_BYTES };

static struct wn_bench_figure runs_of(const struct wn_bench *bench, const char *program, const char *how, uint32_t lanes,
				      uint32_t bytes)
{
	double values[WN_BENCH_RUNS_MAX];
	uint32_t count = 0;

	while (count < bench->repeat && !wn_bench_is_stopped()) {
		const double value = wn_bench_resident(program, how, lanes, bytes, bench->window_seconds, "mpps");

		if (value <= 0)
			break;
		values[count++] = value;
	}
	return wn_bench_figure(values, count);
}

static int add(const struct wn_bench *bench, struct wn_bench_table *table, const char *program, uint32_t lanes, uint32_t bytes)
{
	struct wn_bench_row *row = wn_bench_row(table, "%u lane%s, %s, %u B", lanes, lanes > 1 ? "s" : "", program, bytes);

	wn_bench_put(row, LANES, runs_of(bench, program, "lanes", lanes, bytes));
	wn_bench_put(row, LANES_BYTES, wn_bench_scale(row->cells[LANES].figure, bytes * 1e-3));
	if (lanes > 1) {
		wn_bench_put(row, LOOP, runs_of(bench, program, "loop", lanes, bytes));
		wn_bench_put(row, LOOP_BYTES, wn_bench_scale(row->cells[LOOP].figure, bytes * 1e-3));
	}
	return wn_bench_is_stopped() ? -EINTR : 0;
}

int wn_bench_in_gpu(struct wn_bench *bench)
{
	static const uint32_t lanes[] = {1, 64, 1024, 4096, 67584};
	struct wn_bench_table *table = wn_bench_table(bench, "resident", "Packets that lie in the GPU's memory already", "lanes, program, packet");
	int rc = 0;

	wn_bench_column(table, "each lane by itself", "M/s");
	wn_bench_column(table, "bytes, each lane", "GB/s");
	wn_bench_column(table, "the device loop", "M/s");
	wn_bench_column(table, "bytes, device loop", "GB/s");
	if (!bench->has_gpu) {
		wn_bench_note(table, "Left out: this is about a GPU's memory.");
		return 0;
	}
	if (wn_bench_resident("transform", "lanes", 1024, 64, 0.05, "mpps") <= 0) {
		wn_bench_note(table, "Left out: bench/resident-transform is not beside this program; a build with nvcc makes it.");
		return 0;
	}
	for (uint32_t i = 0; !rc && i < sizeof(lanes) / sizeof(lanes[0]); i++)
		rc = add(bench, table, "transform", lanes[i], 64);
	if (!rc)
		rc = add(bench, table, "sum", 50688, 1500);
	wn_bench_note(table, "No host and no bus: 512 MiB of packets, over and over; bytes of whole packets, of which transform reads 16. What a NIC that writes into GPU memory could bring at most; no link "
			     "of this project does.");
	return rc;
}
