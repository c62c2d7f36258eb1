/* SPDX-License-Identifier: Apache-2.0 */
/* The memory link's far side: hooks, called by the link itself. */
#include "tests/contract/feeder.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { KEPT_MAX = 512 };

static struct {
	pthread_mutex_t lock;        /* feed and next may be called by two threads */
	struct sample fed[KEPT_MAX], taken[KEPT_MAX];
	uint32_t fed_count, given, taken_count, collected;
} far = { .lock = PTHREAD_MUTEX_INITIALIZER };

static int next(void *context, uint32_t queue, uint8_t *bytes, uint32_t capacity,
		struct wn_memory_packet *packet)
{
	int count = 0;

	(void)context;
	(void)queue;
	pthread_mutex_lock(&far.lock);
	if (far.given < far.fed_count) {
		const struct sample *sample = &far.fed[far.given++];

		packet->length = sample->length < capacity ? sample->length : capacity;
		packet->wire_length = sample->length;
		memcpy(bytes, sample->bytes, packet->length);
		count = 1;
	}
	pthread_mutex_unlock(&far.lock);
	return count;
}

static int take(void *context, uint32_t queue, const uint8_t *bytes,
		const struct wn_memory_packet *packet, int is_reply)
{
	(void)context;
	(void)queue;
	(void)is_reply;
	if (far.taken_count == KEPT_MAX)
		return ENOBUFS;
	far.taken[far.taken_count].length = packet->length;
	memcpy(far.taken[far.taken_count++].bytes, bytes, packet->length);
	return 0;
}

static const struct wn_memory_hooks hooks = { .next = next, .take = take };

static int prepare(char *spec, size_t bytes, const struct sample *samples, uint32_t count)
{
	(void)samples;
	(void)count;
	far.fed_count = far.given = far.taken_count = far.collected = 0;
	snprintf(spec, bytes, "memory:");
	return 0;
}

static int feed(const struct wn_link *link, const struct sample *samples, uint32_t count)
{
	int rc = 0;

	(void)link;
	pthread_mutex_lock(&far.lock);
	for (uint32_t i = 0; i < count && !rc; i++) {
		if (far.fed_count == KEPT_MAX)
			rc = -ENOSPC;
		else
			far.fed[far.fed_count++] = samples[i];
	}
	pthread_mutex_unlock(&far.lock);
	return rc;
}

static int collect(uint8_t *bytes, uint32_t capacity)
{
	const struct sample *sample = &far.taken[far.collected];

	if (far.collected == far.taken_count || sample->length > capacity)
		return -1;
	far.collected++;
	memcpy(bytes, sample->bytes, sample->length);
	return (int)sample->length;
}

static void finish(void)
{
}

const struct feeder feeder_memory = {
	.kind = "memory",
	.packets = WN_DATAGRAM,
	.unknown_option = "memory:surely_unknown=1",
	.wrong_value = "memory:queues=0",
	.wrong_option = "queues",
	.prepare = prepare,
	.hooks = &hooks,
	.feed = feed,
	.collect = collect,
	.finish = finish,
};
