/* SPDX-License-Identifier: Apache-2.0 */
/* What the host's CPU does for a packet: by whose time, and how much of a core. */
#include <errno.h>
#include <stddef.h>

#include "tool/bench.h"

struct kind {
	const char *name;
	struct wn_bench_load load;
};

static const struct kind kinds[] = {
	{"memory link, 64 B, drop, flat out", {.program = "drop", .link = "memory:count=0"}},
	{"udp, echo, 64 in flight", {.program = "echo", .link = "udp:127.0.0.1:0", .client = {"--window", "64"}}},
	{"udp, echo, 10,000 a second", {.program = "echo", .link = "udp:127.0.0.1:0", .client = {"--rate", "10k"}}},
	{"udp, echo, trains of 64 (gro=on)",
	 {.program = "echo", .link = "udp:127.0.0.1:0,gro=on", .client = {"--gso", "64", "--gro", "--window", "512"}}},
	{"io_uring, echo, 64 in flight, the device drives",
	 {.program = "echo", .link = "uring:udp:127.0.0.1:0,poller=own", .client = {"--window", "64"}}},
	{"io_uring, echo, 10,000 a second, the device drives",
	 {.program = "echo", .link = "uring:udp:127.0.0.1:0", .client = {"--rate", "10k"}}},
};

int wn_bench_cpu(struct wn_bench *bench)
{
	struct wn_bench_table *table = wn_bench_table(bench, "cpu", "What the CPU does for a packet", "link and load");
	struct wn_bench_outcome outcome;

	wn_bench_column(table, "packets a second", "M");
	wn_bench_column(table, "user", "ns");
	wn_bench_column(table, "system", "ns");
	wn_bench_column(table, "kernel threads", "ns");
	wn_bench_column(table, "of a core", "%");
	wn_bench_column(table, "user, of a core", "%");
	for (uint32_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const int rc = wn_bench_measure(bench, &kinds[i].load, &outcome);
		struct wn_bench_row *row;

		if (rc == -EINTR)
			return rc;
		row = wn_bench_row(table, "%s", kinds[i].name);
		if (rc) {
			wn_bench_note(table, "%s: left out: %s", kinds[i].name, outcome.wrong);
			continue;
		}
		wn_bench_put(row, 0, wn_bench_of(&outcome, offsetof(struct wn_bench_window, packets), 1e-6));
		wn_bench_put(row, 1, wn_bench_of(&outcome, offsetof(struct wn_bench_window, user_ns), 1));
		wn_bench_put(row, 2, wn_bench_of(&outcome, offsetof(struct wn_bench_window, system_ns), 1));
		wn_bench_put(row, 3, wn_bench_of(&outcome, offsetof(struct wn_bench_window, kernel_ns), 1));
		wn_bench_put(row, 4, wn_bench_of(&outcome, offsetof(struct wn_bench_window, cores), 100));
		wn_bench_put(row, 5, wn_bench_of(&outcome, offsetof(struct wn_bench_window, user_cores), 100));
	}
	wn_bench_note(table, "Time of this process, of the worker process that holds a GPU (all of it as user time), and of all threads of the "
			     "kernel, whatever they did; the thread that polls for io_uring is this process's, as system time. The sender is a "
			     "process of its own. On loopback the kernel's receive path runs in the sender's time.");
	return 0;
}
