/* SPDX-License-Identifier: Apache-2.0 */
#include "tool/replay.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "os/os.h"

enum { BYTES_MAX = 65536, PATIENCE_S = 10 };

/* Where the packet is. Guarded by the lock, as all that follows. */
enum place {
	NOWHERE,    /* none wanted */
	WAITING,    /* for the receive pump to fetch it */
	UNDER_WAY,
	SETTLED
};

struct wn_replay {
	struct wn_runtime *runtime;
	struct wn_memory_hooks hooks;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	enum place place;
	int is_over;
	const struct wn_replay_packet *packet;
	struct wn_counters before;
	struct wn_replay_result result;
	uint8_t bytes[BYTES_MAX];
	char link[1024];
};

static void wait_for(struct wn_replay *replay, int64_t ns)
{
	wn_os_condition_wait(&replay->changed, &replay->lock, wn_clock_ns() + ns);
}

/* A packet that nobody was handed was dropped: for which cause, the counters say. */
static void find_cause(struct wn_replay *replay, const struct wn_counters *now)
{
	for (int cause = 0; cause < WN_CAUSE_COUNT; cause++) {
		if (now->dropped[cause] == replay->before.dropped[cause])
			continue;
		replay->result.fate = WN_REPLAY_DROPPED;
		replay->result.cause = (enum wn_cause)cause;
	}
}

static void settle(struct wn_replay *replay)
{
	struct wn_counters now;

	wn_runtime_snapshot(replay->runtime, &now);
	if (now.in_flight || now.received == replay->before.received)
		return; /* still on its way: into the ring, or through it */
	find_cause(replay, &now);
	replay->before = now;
	replay->place = SETTLED;
	pthread_cond_broadcast(&replay->changed);
}

/* The receive pump asks for the next packet: by then it has sent what the one before led to. */
static int next(void *context, uint32_t queue, uint8_t *bytes, uint32_t capacity,
		struct wn_memory_packet *packet)
{
	struct wn_replay *replay = context;
	int rc = 0;

	(void)queue;
	pthread_mutex_lock(&replay->lock);
	if (replay->place == UNDER_WAY)
		settle(replay);
	if (replay->place == NOWHERE || replay->place == SETTLED)
		wait_for(replay, WN_MILLISECOND_NS);
	if (replay->is_over) {
		rc = -1;
	} else if (replay->place == WAITING) {
		packet->length = replay->packet->length < capacity ? replay->packet->length : capacity;
		packet->wire_length = replay->packet->wire_length ? replay->packet->wire_length
								  : replay->packet->length;
		memcpy(bytes, replay->packet->bytes, packet->length);
		replay->place = UNDER_WAY;
		rc = 1;
	}
	pthread_mutex_unlock(&replay->lock);
	return rc;
}

static void note(struct wn_replay *replay, enum wn_replay_fate fate, const uint8_t *bytes,
		 uint32_t length)
{
	pthread_mutex_lock(&replay->lock);
	replay->result.fate = fate;
	replay->result.length = length < BYTES_MAX ? length : BYTES_MAX;
	memcpy(replay->bytes, bytes, replay->result.length);
	pthread_mutex_unlock(&replay->lock);
}

static int take(void *context, uint32_t queue, const uint8_t *bytes,
		const struct wn_memory_packet *packet, int is_reply)
{
	(void)queue;
	note(context, is_reply ? WN_REPLAY_ANSWERED : WN_REPLAY_FORWARDED, bytes, packet->length);
	return 0;
}

static int deliver(void *context, const struct wn_delivery *delivery)
{
	note(context, delivery->is_record ? WN_REPLAY_RECORD : WN_REPLAY_DELIVERED, delivery->bytes,
	     delivery->length);
	return 0;
}

static struct wn_runtime *make_runtime(struct wn_replay *replay, const struct wn_runtime_params *given,
				       struct wn_error *error)
{
	struct wn_runtime_params params = *given;

	params.links[0] = replay->link;
	params.link_count = 1;
	params.slot_count = 64;
	params.pump_threads = 1;
	params.hooks = &replay->hooks;
	params.deliver = deliver;
	params.context = replay;
	replay->runtime = wn_runtime_create(&params, error);
	if (!replay->runtime)
		return NULL;
	return wn_runtime_start(replay->runtime, error) ? NULL : replay->runtime;
}

struct wn_replay *wn_replay_create(const struct wn_runtime_params *params, int is_frame,
				   const char *link_options, struct wn_error *error)
{
	struct wn_replay *replay = calloc(1, sizeof(*replay));

	if (!replay) {
		wn_fail(error, ENOMEM, WN_FAILED, "out of memory");
		return NULL;
	}
	pthread_mutex_init(&replay->lock, NULL);
	wn_os_condition_init(&replay->changed);
	replay->hooks = (struct wn_memory_hooks){replay, next, take};
	snprintf(replay->link, sizeof(replay->link), "memory:kind=%s%s%s", is_frame ? "frame" : "datagram",
		 link_options[0] ? "," : "", link_options);
	if (!make_runtime(replay, params, error)) {
		wn_replay_destroy(replay);
		return NULL;
	}
	return replay;
}

int wn_replay_packet(struct wn_replay *replay, const struct wn_replay_packet *packet,
		     struct wn_replay_result *result, struct wn_error *error)
{
	const int64_t deadline = wn_clock_ns() + PATIENCE_S * WN_SECOND_NS;
	int rc = 0;

	pthread_mutex_lock(&replay->lock);
	replay->packet = packet;
	replay->result = (struct wn_replay_result){.bytes = replay->bytes};
	replay->place = WAITING;
	pthread_cond_broadcast(&replay->changed);
	while (replay->place != SETTLED && wn_clock_ns() < deadline)
		wait_for(replay, WN_SECOND_NS);
	if (replay->place != SETTLED)
		rc = wn_fail(error, ETIMEDOUT, WN_FAILED,
			     "the program did not come back from a packet within %d s", PATIENCE_S);
	*result = replay->result;
	pthread_mutex_unlock(&replay->lock);
	return rc;
}

struct wn_runtime *wn_replay_runtime(const struct wn_replay *replay)
{
	return replay->runtime;
}

void wn_replay_destroy(struct wn_replay *replay)
{
	if (!replay)
		return;
	pthread_mutex_lock(&replay->lock);
	replay->is_over = 1;
	pthread_cond_broadcast(&replay->changed);
	pthread_mutex_unlock(&replay->lock);
	if (replay->runtime && wn_runtime_stop(replay->runtime) == -ETIMEDOUT)
		return; /* its thread is still at work in our memory */
	wn_runtime_destroy(replay->runtime);
	pthread_cond_destroy(&replay->changed);
	pthread_mutex_destroy(&replay->lock);
	free(replay);
}
