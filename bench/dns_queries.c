/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What dns takes for a query where no wire is: generated queries through the memory link, on the cpu
 * device in batch mode, in one thread; beside it the same queries through echo, which is what the rest
 * costs. Prints one JSON line: medians of several rounds of nanoseconds a query, taken in turn.
 *
 *     bench/dns_queries ZONE QUERIES [ROUNDS [COUNT]]
 *
 * QUERIES is dnsperf's: a name and a type a line.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "tests/dns/message.h"
#include "warpnic/warpnic.h"

enum { ROUNDS_MAX = 99, QUERY_BYTES = 320 };

struct traffic {
	uint8_t (*queries)[QUERY_BYTES];
	uint16_t *lengths;
	uint32_t query_count;
	uint32_t made, count;        /* to hand in */
	uint64_t answers, bytes;
};

static int next(void *context, uint32_t queue, uint8_t *bytes, uint32_t capacity,
		struct wn_memory_packet *packet)
{
	struct traffic *traffic = context;
	const uint32_t i = traffic->made % traffic->query_count;

	(void)queue;
	if (traffic->made == traffic->count || traffic->lengths[i] > capacity)
		return -1;
	traffic->made++;
	packet->length = traffic->lengths[i];
	packet->arrival_ns = 1;
	memcpy(bytes, traffic->queries[i], traffic->lengths[i]);
	return 1;
}

static int take(void *context, uint32_t queue, const uint8_t *bytes, const struct wn_memory_packet *packet,
		int is_reply)
{
	struct traffic *traffic = context;

	(void)queue;
	(void)bytes;
	(void)is_reply;
	traffic->answers++;
	traffic->bytes += packet->length;
	return 0;
}

static int read_queries(struct traffic *traffic, const char *path)
{
	FILE *file = fopen(path, "r");
	char name[300], type[32];
	uint32_t room = 0;

	while (file && fscanf(file, "%299s %31s", name, type) == 2) {
		if (traffic->query_count == room) {
			room = room ? 2 * room : 1024;
			traffic->queries = realloc(traffic->queries, room * sizeof(*traffic->queries));
			traffic->lengths = realloc(traffic->lengths, room * sizeof(*traffic->lengths));
			if (!traffic->queries || !traffic->lengths)
				return -1;
		}
		traffic->lengths[traffic->query_count] = (uint16_t)message_query(
			traffic->queries[traffic->query_count], name, message_type(type));
		traffic->query_count++;
	}
	if (file)
		fclose(file);
	return traffic->query_count ? 0 : -1;
}

/* Nanoseconds a query through a program; 0 where it did not answer all. */
static double measure(struct traffic *traffic, struct wn_runtime *runtime)
{
	struct wn_error error = {0};
	int64_t began;
	double taken;

	traffic->made = 0;
	traffic->answers = traffic->bytes = 0;
	began = wn_clock_of(CLOCK_PROCESS_CPUTIME_ID);
	if (wn_runtime_start(runtime, &error))
		return 0;
	while (!wn_runtime_wait(runtime, 100))
		continue;
	wn_runtime_stop(runtime);
	taken = (double)(wn_clock_of(CLOCK_PROCESS_CPUTIME_ID) - began);
	return traffic->answers == traffic->count ? taken / traffic->count : 0;
}

static double run(struct traffic *traffic, const char *program, const char *const *loads)
{
	const struct wn_memory_hooks hooks = {traffic, next, take};
	const struct wn_runtime_params params = {
		.program = program,
		.mode = WN_MODE_BATCH,
		.links = {"memory:"},
		.link_count = 1,
		.hooks = &hooks,
		.loads = loads,
		.load_count = loads ? 1 : 0,
		/* Counted as clients of a network are, but not limited. */
		.parameters = {"rate_limit=1g"},
		.parameter_count = loads ? 1 : 0,
	};
	struct wn_error error = {0};
	struct wn_runtime *runtime = wn_runtime_create(&params, &error);
	double taken;

	if (!runtime) {
		fprintf(stderr, "dns_queries: %s\n", error.text);
		exit(1);
	}
	if (loads && traffic->bytes == 0)
		fprintf(stderr, "%s\n", wn_runtime_data_note(runtime));
	taken = measure(traffic, runtime);
	wn_runtime_destroy(runtime);
	return taken;
}

static int by_value(const void *a, const void *b)
{
	const double left = *(const double *)a, right = *(const double *)b;

	return left < right ? -1 : left > right;
}

int main(int argc, char **argv)
{
	const int rounds = argc > 3 ? atoi(argv[3]) : 5;
	double dns[ROUNDS_MAX], echo[ROUNDS_MAX];
	struct traffic traffic = {0};
	char zone[4096];
	const char *load = zone;

	if (argc < 3 || rounds < 1 || rounds > ROUNDS_MAX || read_queries(&traffic, argv[2])) {
		fprintf(stderr, "usage: dns_queries ZONE QUERIES [ROUNDS [COUNT]]\n");
		return 2;
	}
	traffic.count = argc > 4 ? (uint32_t)atoi(argv[4]) : 2000000;
	snprintf(zone, sizeof(zone), "zone=%s", argv[1]);
	for (int i = 0; i < rounds; i++) {
		echo[i] = run(&traffic, "echo", NULL);
		dns[i] = run(&traffic, "dns", &load);
		if (echo[i] <= 0 || dns[i] <= 0) {
			fprintf(stderr, "dns_queries: not every query was answered\n");
			return 1;
		}
	}
	qsort(dns, (size_t)rounds, sizeof(*dns), by_value);
	qsort(echo, (size_t)rounds, sizeof(*echo), by_value);
	printf("{\"dns_ns\": %.1f, \"dns_min_ns\": %.1f, \"dns_max_ns\": %.1f, \"echo_ns\": %.1f, "
	       "\"echo_min_ns\": %.1f, \"echo_max_ns\": %.1f}\n",
	       dns[rounds / 2], dns[0], dns[rounds - 1], echo[rounds / 2], echo[0], echo[rounds - 1]);
	free(traffic.queries);
	free(traffic.lengths);
	return 0;
}
