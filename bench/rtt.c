/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One packet in flight through the whole runtime, by the hooks of the memory link: from the moment it is
 * handed in until its reply comes back, both in this thread's clock.
 *
 *     rtt PROGRAM DEVICE MODE [BYTES [ROUNDS]]
 *
 * Prints one JSON line. The pump is one thread, so that no hand-over between threads is measured.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "warpnic/runtime.h"

struct ping {
	int64_t *times;
	int64_t sent_ns;
	uint32_t rounds, sent, answered, bytes;
};

static int next(void *context, uint32_t queue, uint8_t *bytes, uint32_t capacity,
		struct wn_memory_packet *packet)
{
	struct ping *ping = context;

	(void)queue;
	(void)capacity;
	if (ping->sent == ping->rounds && ping->answered == ping->rounds)
		return -1;
	if (ping->sent != ping->answered || ping->sent == ping->rounds)
		return 0;
	memset(bytes, (int)ping->sent, ping->bytes);
	packet->length = ping->bytes;
	ping->sent++;
	ping->sent_ns = wn_clock_ns();
	packet->arrival_ns = (uint64_t)ping->sent_ns;
	return 1;
}

static int take(void *context, uint32_t queue, const uint8_t *bytes,
		const struct wn_memory_packet *packet, int is_reply)
{
	struct ping *ping = context;

	(void)queue;
	(void)bytes;
	(void)packet;
	if (is_reply)
		ping->times[ping->answered++] = wn_clock_ns() - ping->sent_ns;
	return 0;
}

static int compare(const void *a, const void *b)
{
	const int64_t one = *(const int64_t *)a, other = *(const int64_t *)b;

	return (one > other) - (one < other);
}

static int run(struct ping *ping, const struct wn_runtime_params *params)
{
	struct wn_error error = {0};
	struct wn_runtime *runtime = wn_runtime_create(params, &error);

	if (!runtime || wn_runtime_start(runtime, &error)) {
		fprintf(stderr, "rtt: %s\n", error.text);
		return error.status;
	}
	while (!wn_runtime_wait(runtime, 100))
		continue;
	wn_runtime_stop(runtime);
	wn_runtime_destroy(runtime);
	return ping->answered == ping->rounds ? 0 : WN_FAILED;
}

int main(int count, char **words)
{
	static const char *const modes[] = {"auto", "resident", "lease", "batch"};
	struct ping ping = {.bytes = count > 4 ? (uint32_t)atoi(words[4]) : 64,
			    .rounds = count > 5 ? (uint32_t)atoi(words[5]) : 20000};
	const struct wn_memory_hooks hooks = {.context = &ping, .next = next, .take = take};
	struct wn_runtime_params params = {
		.links = {"memory:"}, .link_count = 1, .pump_threads = 1, .hooks = &hooks};
	uint32_t skip = ping.rounds / 10, kept = ping.rounds - skip;
	int status;

	if (count < 4) {
		fprintf(stderr, "usage: rtt PROGRAM DEVICE MODE [BYTES [ROUNDS]]\n");
		return WN_USAGE;
	}
	params.program = words[1];
	params.device = words[2];
	for (int i = 0; i < 4; i++)
		if (!strcmp(words[3], modes[i]))
			params.mode = (enum wn_mode)i;
	ping.times = calloc(ping.rounds, sizeof(*ping.times));
	if (!ping.times)
		return WN_FAILED;
	status = run(&ping, &params);
	if (!status) {
		qsort(ping.times + skip, kept, sizeof(*ping.times), compare);
		printf("{\"probe\": \"rtt\", \"p50_us\": %.3f, \"p99_us\": %.3f, \"min_us\": "
		       "%.3f}\n",
		       (double)ping.times[skip + kept / 2] / 1e3,
		       (double)ping.times[skip + kept * 99 / 100] / 1e3,
		       (double)ping.times[skip] / 1e3);
	}
	free(ping.times);
	return status;
}
