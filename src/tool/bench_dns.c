/* SPDX-License-Identifier: Apache-2.0 */
/* A program of real use: DNS answers out of a generated zone, without a wire. */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tool/bench.h"

enum { QUERIES = 4096, QUERY_BYTES = 64, QUEUES_MAX = 64 };

struct pump {
	uint32_t at;
} __attribute__((aligned(128)));

struct queries {
	struct pump pumps[QUEUES_MAX];
	uint8_t bytes[QUERIES][QUERY_BYTES];
	uint32_t lengths[QUERIES];
};

/* A query for an address (RFC 1035, section 4.1), of a name that is there, or (one of 16) is not. */
static uint32_t make_query(uint8_t *at, uint32_t number, uint32_t name)
{
	static const uint8_t tail[] = {5, 'b', 'e', 'n', 'c', 'h', 0, 0, 1, 0, 1};
	char label[24];
	const int length = snprintf(label, sizeof(label), "h%u", number % 16 ? name : name + 1000000000);

	memset(at, 0, 12);
	at[0] = (uint8_t)(number >> 8);
	at[1] = (uint8_t)number;
	at[5] = 1;
	at[12] = (uint8_t)length;
	memcpy(at + 13, label, (size_t)length);
	memcpy(at + 13 + length, tail, sizeof(tail));
	return 13 + (uint32_t)length + sizeof(tail);
}

static int next(void *context, uint32_t queue, uint8_t *bytes, uint32_t capacity, struct wn_memory_packet *packet)
{
	struct queries *queries = context;
	struct pump *pump = &queries->pumps[queue];

	(void)capacity;
	memcpy(bytes, queries->bytes[pump->at], QUERY_BYTES);
	packet->length = queries->lengths[pump->at];
	packet->arrival_ns = 1;
	pump->at = (pump->at + 1) % QUERIES;
	return 1;
}

/* A zone of so many names in a file of its own. 0 or -errno. */
static int write_zone(char *path, uint32_t names)
{
	const int fd = mkstemp(path);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "w");

	if (!file)
		return -errno;
	fprintf(file, "$ORIGIN bench.\n$TTL 300\n@ SOA ns h 1 3600 600 86400 60\n@ NS ns\nns A 192.0.2.1\n");
	for (uint32_t i = 0; i < names; i++)
		fprintf(file, "h%u A 198.51.%u.%u\n", i, i >> 8 & 0xff, i & 0xff);
	return fclose(file) ? -errno : 0;
}

static int add(const struct wn_bench *bench, struct wn_bench_table *table, const char *zone, struct queries *queries,
	       const char *device, uint32_t queues)
{
	const struct wn_memory_hooks hooks = {.context = queries, .next = next};
	const char *const loads[] = {zone};
	char link[64];
	const struct wn_bench_load load = {.program = "dns", .device = device, .link = link, .pumps = 1, .hooks = &hooks,
					   .loads = loads, .load_count = 1, .parameters = {"rate_limit=0"},
					   .parameter_count = 1};
	struct wn_bench_outcome outcome;
	struct wn_bench_row *row;
	int rc;

	snprintf(link, sizeof(link), "memory:queues=%u", queues);
	rc = wn_bench_measure(bench, &load, &outcome);
	if (rc == -EINTR)
		return rc;
	if (rc) {
		wn_bench_note(table, "%s: left out: %s", device, outcome.wrong);
		return 0;
	}
	row = wn_bench_row(table, "%s, %u queue%s", outcome.device, queues, queues > 1 ? "s" : "");
	wn_bench_put(row, 0, wn_bench_of(&outcome, offsetof(struct wn_bench_window, packets), 1e-6));
	wn_bench_put(row, 1, wn_bench_of(&outcome, offsetof(struct wn_bench_window, cores), 1));
	wn_bench_put(row, 2, wn_bench_figure(&(double){100.0 * (double)outcome.counters.answered /
							      (double)(outcome.counters.received ? outcome.counters.received : 1)}, 1));
	return 0;
}

static int add_all(const struct wn_bench *bench, struct wn_bench_table *table, const char *zone, struct queries *queries)
{
	int rc = add(bench, table, zone, queries, "cpu", 1);

	if (!rc && bench->cores > 1)
		rc = add(bench, table, zone, queries, "cpu", bench->cores);
	if (!rc && bench->has_gpu)
		rc = add(bench, table, zone, queries, bench->device, 1);
	if (!rc && bench->has_gpu && bench->queues > 1)
		rc = add(bench, table, zone, queries, bench->device, bench->queues);
	return rc;
}

int wn_bench_dns(struct wn_bench *bench)
{
	struct wn_bench_table *table = wn_bench_table(bench, "dns", "For real: dns, answers a second without a wire", "device");
	char path[] = "/tmp/warpnic-bench-XXXXXX", zone[64];
	const uint32_t names = bench->is_quick ? 1000 : 100000;
	struct queries *queries = calloc(1, sizeof(*queries));
	int rc = queries ? write_zone(path, names) : -ENOMEM;

	wn_bench_column(table, "answers a second", "M");
	wn_bench_column(table, "cores used", "");
	wn_bench_column(table, "answered", "%");
	if (rc) {
		wn_bench_note(table, "Left out: a zone cannot be written: %s", strerror(-rc));
		free(queries);
		return 0;
	}
	for (uint32_t i = 0; i < QUERIES; i++)
		queries->lengths[i] = make_query(queries->bytes[i], i, (i * 2654435761u) % names);
	snprintf(zone, sizeof(zone), "zone=%s", path);
	rc = add_all(bench, table, zone, queries);
	unlink(path);
	free(queries);
	wn_bench_note(table, "A zone of %u names, queries for them (one of 16 for a name that is not there) by hooks of a memory link, "
			     "one pump a queue. Beside NSD and Knot, on a wire: `./dev peers`.", names);
	return rc;
}
