/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The far side of memory links, for tests: hands in packets made by a function, and remembers what
 * came back.
 */
#ifndef WN_TESTS_NETWORK_H
#define WN_TESTS_NETWORK_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ring/order.h"
#include "tests/check.h"
#include "warpnic/warpnic.h"

/* Programs of tests/programs; the build defines the folder. */
#define TEST_PROGRAM(name) WN_TEST_PROGRAMS "/" name ".c"

/* Whether ThreadSanitizer watches, which sees races that a test makes on purpose. */
#if defined(__SANITIZE_THREAD__)
#define UNDER_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define UNDER_TSAN 1
#endif
#endif
#ifndef UNDER_TSAN
#define UNDER_TSAN 0
#endif

enum { NETWORK_BYTES_MAX = 2048 };

struct network {
	uint32_t count;          /* packets to hand in, on queue 0 */
	uint32_t made;
	/* Makes packet i; returns its length. */
	uint32_t (*make)(uint32_t i, uint8_t *bytes, struct wn_memory_packet *packet);

	/* What came back, in order. Guarded by the contract: one transmit pump at a time. */
	struct {
		uint64_t tag;
		uint32_t length;
		int is_reply;
		uint8_t bytes[64];   /* the first of them */
	} *taken;
	uint32_t taken_count;

	/* What was delivered, in order. */
	struct {
		uint32_t index, length;
		int is_record;
		uint8_t bytes[64];
	} *delivered;
	uint32_t delivered_count;

	int take_error;          /* errno for every take; 0: takes it */
};

static inline int network_next(void *context, uint32_t queue, uint8_t *bytes, uint32_t capacity,
			       struct wn_memory_packet *packet)
{
	struct network *network = context;

	(void)queue;
	if (network->made == network->count)
		return -1;
	packet->tag = network->made;
	packet->length = network->make(network->made++, bytes, packet);
	CHECK(packet->length <= capacity);
	return 1;
}

static inline int network_take(void *context, uint32_t queue, const uint8_t *bytes,
			       const struct wn_memory_packet *packet, int is_reply)
{
	struct network *network = context;
	const uint32_t i = network->taken_count;

	(void)queue;
	if (network->take_error)
		return network->take_error;
	network->taken[i].tag = packet->tag;
	network->taken[i].length = packet->length;
	network->taken[i].is_reply = is_reply;
	memcpy(network->taken[i].bytes, bytes, packet->length < 64 ? packet->length : 64);
	network->taken_count++;
	return 0;
}

static inline int network_deliver(void *context, const struct wn_delivery *delivery)
{
	struct network *network = context;
	const uint32_t i = network->delivered_count++;

	network->delivered[i].index = delivery->index;
	network->delivered[i].length = delivery->length;
	network->delivered[i].is_record = delivery->is_record;
	memcpy(network->delivered[i].bytes, delivery->bytes, delivery->length < 64 ? delivery->length : 64);
	return 0;
}

static inline void network_init(struct network *network, uint32_t count,
				uint32_t (*make)(uint32_t, uint8_t *, struct wn_memory_packet *))
{
	memset(network, 0, sizeof(*network));
	network->count = count;
	network->make = make;
	network->taken = calloc(count + 1, sizeof(*network->taken));
	network->delivered = calloc(count + 1, sizeof(*network->delivered));
	if (!network->taken || !network->delivered)
		abort();
}

static inline void network_finish(struct network *network)
{
	free(network->taken);
	free(network->delivered);
}

/* Snapshots while a runtime works: the sum must hold in every one. */
struct watcher {
	struct wn_runtime *runtime;
	pthread_t thread;
	uint32_t stop;
};

static inline void *watcher_main(void *argument)
{
	struct watcher *watcher = argument;

	do {
		struct wn_counters counters;

		wn_runtime_snapshot(watcher->runtime, &counters);
		CHECK_INT(wn_counters_difference(&counters), 0);
		CHECK((int64_t)counters.in_flight >= 0);
	} while (!wn_load_relaxed(&watcher->stop));
	return NULL;
}

/* Runs to the end of the network, watched; fills the counters. Returns what stop returned. */
static inline int network_run(struct network *network, struct wn_runtime_params *params,
			      struct wn_counters *counters)
{
	struct wn_memory_hooks hooks = {network, network_next, network_take};
	struct watcher watcher = {0};
	struct wn_error error = {0};
	int rc;

	params->hooks = &hooks;
	params->context = network;
	if (!params->deliver)
		params->deliver = network_deliver;
	watcher.runtime = wn_runtime_create(params, &error);
	CHECK_TEXT(error.text, "");
	if (!watcher.runtime)
		return -1;
	CHECK_INT(wn_runtime_start(watcher.runtime, &error), 0);
	CHECK_INT(pthread_create(&watcher.thread, NULL, watcher_main, &watcher), 0);
	while (wn_runtime_wait(watcher.runtime, 100) == 0)
		continue;
	rc = wn_runtime_stop(watcher.runtime);
	wn_store_relaxed(&watcher.stop, 1);
	pthread_join(watcher.thread, NULL);
	wn_runtime_snapshot(watcher.runtime, counters);
	CHECK_INT(wn_counters_difference(counters), 0);
	CHECK_INT(counters->in_flight, 0);
	wn_runtime_destroy(watcher.runtime);
	return rc;
}

#endif
