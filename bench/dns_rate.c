/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many queries a second dns answers where no wire is, on any device: generated queries through memory
 * links with several queues, whose pumps hand them in and take the answers as fast as they can.
 *
 *     bench/dns_rate ZONE QUERIES DEVICE QUEUES [SECONDS]
 *
 * Prints one JSON line.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "tests/dns/message.h"
#include "warpnic/warpnic.h"

enum { QUERY_BYTES = 64, QUEUES_MAX = 64 };

static uint8_t (*queries)[QUERY_BYTES];
static uint8_t *lengths;
static uint32_t query_count;

struct pump {
	uint32_t at;
	uint64_t answers, bytes;
} __attribute__((aligned(128)));

static struct pump pumps[QUEUES_MAX];
static uint32_t is_over;

static int next(void *context, uint32_t queue, uint8_t *bytes, uint32_t capacity,
		struct wn_memory_packet *packet)
{
	struct pump *pump = &pumps[queue];

	(void)context;
	(void)capacity;
	if (__atomic_load_n(&is_over, __ATOMIC_RELAXED))
		return -1;
	memcpy(bytes, queries[pump->at], QUERY_BYTES);
	packet->length = lengths[pump->at];
	packet->arrival_ns = 1;
	pump->at = pump->at + 1 == query_count ? 0 : pump->at + 1;
	return 1;
}

static int take(void *context, uint32_t queue, const uint8_t *bytes,
		const struct wn_memory_packet *packet, int is_reply)
{
	(void)context;
	(void)bytes;
	(void)is_reply;
	__atomic_store_n(&pumps[queue].answers, pumps[queue].answers + 1, __ATOMIC_RELAXED);
	pumps[queue].bytes += packet->length;
	return 0;
}

static int read_queries(const char *path)
{
	FILE *file = fopen(path, "r");
	uint8_t message[512];
	char name[300], type[32];
	uint32_t room = 0;

	while (file && fscanf(file, "%299s %31s", name, type) == 2) {
		const uint32_t length = (uint32_t)message_query(message, name, message_type(type));

		if (length > QUERY_BYTES)
			continue;
		if (query_count == room) {
			room = room ? 2 * room : 1024;
			queries = realloc(queries, room * sizeof(*queries));
			lengths = realloc(lengths, room);
			if (!queries || !lengths)
				return -1;
		}
		memcpy(queries[query_count], message, length);
		lengths[query_count++] = (uint8_t)length;
	}
	if (file)
		fclose(file);
	return query_count ? 0 : -1;
}

static uint64_t answers(uint32_t queues)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < queues; i++)
		sum += __atomic_load_n(&pumps[i].answers, __ATOMIC_RELAXED);
	return sum;
}

static void wait_for(double seconds)
{
	nanosleep(&(struct timespec){(time_t)seconds,
				     (long)((seconds - (double)(time_t)seconds) * 1e9)},
		  NULL);
}

int main(int count, char **words)
{
	const uint32_t queues = count > 4 ? (uint32_t)atoi(words[4]) : 0;
	const struct wn_memory_hooks hooks = {.next = next, .take = take};
	char zone[1024], link[64];
	const char *const loads[] = {zone};
	struct wn_runtime_params params = {.program = "dns",
					   .links = {link},
					   .link_count = 1,
					   .hooks = &hooks,
					   .loads = loads,
					   .load_count = 1,
					   .parameters = {"rate_limit=0"},
					   .parameter_count = 1,
					   .pump_threads = 1};
	struct wn_error error = {0};
	struct wn_runtime *runtime;
	struct wn_counters counters;
	uint64_t before;
	int64_t began;
	double rate;

	if (count < 5 || !queues || queues > QUEUES_MAX || read_queries(words[2])) {
		fprintf(stderr, "usage: dns_rate ZONE QUERIES DEVICE QUEUES [SECONDS]\n");
		return WN_USAGE;
	}
	for (uint32_t i = 0; i < queues; i++)
		pumps[i].at = (uint32_t)((uint64_t)i * query_count / queues);
	snprintf(zone, sizeof(zone), "zone=%s", words[1]);
	snprintf(link, sizeof(link), "memory:queues=%u", queues);
	params.device = words[3];
	runtime = wn_runtime_create(&params, &error);
	if (!runtime || wn_runtime_start(runtime, &error)) {
		fprintf(stderr, "dns_rate: %s\n", error.text);
		return error.status;
	}
	wait_for(0.3);
	before = answers(queues);
	began = wn_clock_ns();
	wait_for(count > 5 ? atof(words[5]) : 1);
	rate = (double)(answers(queues) - before) / ((double)(wn_clock_ns() - began) * 1e-9);
	__atomic_store_n(&is_over, 1, __ATOMIC_RELAXED);
	wn_runtime_stop(runtime);
	wn_runtime_snapshot(runtime, &counters);
	wn_runtime_destroy(runtime);
	printf("{\"queries_per_second\": %.0f, \"received\": %llu, \"answered\": %llu, "
	       "\"answered_bytes\": %llu}\n",
	       rate, (unsigned long long)counters.received, (unsigned long long)counters.answered,
	       (unsigned long long)counters.answered_bytes);
	return counters.answered == counters.received ? WN_OK : WN_FAILED;
}
