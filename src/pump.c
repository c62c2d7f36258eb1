/* SPDX-License-Identifier: Apache-2.0 */
#include "pump.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "os/os.h"

/* How long a pump with nothing in flight stays in the kernel: a stop is noticed after that. */
#define IDLE_WAIT_NS (20 * WN_MILLISECOND_NS)

static int should_stop(const struct wn_pump *pump)
{
	return wn_load_relaxed(&pump->control->stop) != 0;
}

/* Gives the queue up, loudly, where the device found a slot without its position. */
static int is_corrupt(struct wn_queue *queue)
{
	const struct wn_ring_words *words = queue->ring.view.words;
	int64_t never = 0;

	if (!wn_load_acquire(&words->corrupt)) /* (Y) */
		return 0;
	wn_queue_log(queue, &never, "%s: queue %u stopped: ring corrupt at position %u",
		     queue->link->where, queue->index, wn_load_relaxed(&words->corrupt_position));
	wn_store_release(&queue->failed, 1);
	return 1;
}

static int must_leave(struct wn_pump *pump)
{
	return wn_load_relaxed(&pump->control->give_up) || wn_load_relaxed(&pump->queue->failed);
}

/*
 * A lock alone would be taken again by this
 * thread before one that waits for it has woken up, so the word comes first.
 */
void wn_pump_enter(struct wn_pump *pump)
{
	struct wn_backoff backoff;

	wn_backoff_init(&backoff, pump->device->cores);
	while (WN_UNLIKELY(wn_load_relaxed(&pump->control->hold)))
		wn_backoff_wait(&backoff);
	pthread_mutex_lock(&pump->launch_lock);
}

void wn_pump_leave(struct wn_pump *pump)
{
	pthread_mutex_unlock(&pump->launch_lock);
}

/* Batch mode: runs the program on what was just published. */
static void launch(struct wn_pump *pump, uint32_t first, uint32_t count)
{
	wn_pump_enter(pump);
	pump->device->ops->launch(pump->device, pump->queue->number, first, count);
	wn_pump_leave(pump);
}

int wn_pump_hold(struct wn_pump *pump, int64_t deadline_ns)
{
	struct wn_backoff backoff;

	wn_backoff_init(&backoff, 1);
	while (pthread_mutex_trylock(&pump->launch_lock)) {
		if (wn_clock_ns() >= deadline_ns)
			return -ETIMEDOUT;
		wn_backoff_wait(&backoff);
	}
	return 0;
}

void wn_pump_release(struct wn_pump *pump)
{
	pthread_mutex_unlock(&pump->launch_lock);
}

/* One turn of the receive pump. Returns the slots published. */
static uint32_t receive_turn(struct wn_pump *pump, int64_t wait_ns)
{
	struct wn_queue *queue = pump->queue;
	const uint32_t first = queue->receive.producer.published;
	uint32_t count;

	if (queue->receive.is_closed)
		return 0;
	if (should_stop(pump)) {
		wn_receive_close(queue);
		return 0;
	}
	count = wn_receive_burst(queue, wait_ns);
	if (count && pump->device->ops->launch && pump->device->mode == WN_MODE_BATCH)
		launch(pump, first, count);
	return count;
}

static int nothing_in_flight(const struct wn_queue *queue)
{
	return queue->receive.producer.published == queue->transmit.consumer.released;
}

static void *run_both(void *argument)
{
	struct wn_pump *pump = argument;
	struct wn_queue *queue = pump->queue;
	struct wn_backoff backoff;

	wn_backoff_init(&backoff, pump->device->cores);
	while (!must_leave(pump)) {
		const int idle = nothing_in_flight(queue);
		uint32_t moved = receive_turn(pump, idle ? IDLE_WAIT_NS : 0);

		moved += wn_transmit_burst(queue);
		if (moved) {
			wn_backoff_reset(&backoff);
			continue;
		}
		if (wn_transmit_is_drained(queue))
			break;
		if (nothing_in_flight(queue) && !queue->receive.is_closed)
			continue;
		if (wn_backoff_is_long(&backoff) && is_corrupt(queue))
			break;
		wn_backoff_wait(&backoff);
	}
	wn_store_release(&pump->done[0], 1);
	return NULL;
}

static void *run_receive(void *argument)
{
	struct wn_pump *pump = argument;
	struct wn_queue *queue = pump->queue;
	struct wn_backoff backoff;

	wn_backoff_init(&backoff, pump->device->cores);
	while (!must_leave(pump) && !queue->receive.is_closed) {
		if (receive_turn(pump, IDLE_WAIT_NS))
			wn_backoff_reset(&backoff);
		else if (!wn_producer_reserve(&queue->receive.producer, 1))
			wn_backoff_wait(&backoff);
	}
	wn_store_release(&pump->done[0], 1);
	return NULL;
}

static void *run_transmit(void *argument)
{
	struct wn_pump *pump = argument;
	struct wn_queue *queue = pump->queue;
	struct wn_backoff backoff;

	wn_backoff_init(&backoff, pump->device->cores);
	while (!must_leave(pump) && !wn_transmit_is_drained(queue)) {
		if (wn_transmit_burst(queue)) {
			wn_backoff_reset(&backoff);
			continue;
		}
		if (wn_backoff_is_long(&backoff) && is_corrupt(queue))
			break;
		wn_backoff_wait(&backoff);
	}
	wn_store_release(&pump->done[1], 1);
	return NULL;
}

static int start_thread(struct wn_pump *pump, void *(*body)(void *), const char *role,
			struct wn_error *error)
{
	char name[16];
	int rc = pthread_create(&pump->threads[pump->started], NULL, body, pump);

	if (rc)
		return wn_fail(error, rc, WN_FAILED, "cannot start a pump: %s", strerror(rc));
	snprintf(name, sizeof(name), "wn-%s-%u", role, pump->queue->number);
	wn_os_thread_name(pump->threads[pump->started++], name);
	return 0;
}

int wn_pump_start(struct wn_pump *pump, struct wn_error *error)
{
	int rc;

	if (pump->queue->drive) {
		pump->done[1] = 1;
		return start_thread(pump, wn_drive_run, "drive", error);
	}
	if (pump->thread_count == 1) {
		pump->done[1] = 1;
		return start_thread(pump, run_both, "pump", error);
	}
	rc = start_thread(pump, run_receive, "rx", error);
	if (rc) {
		pump->done[0] = pump->done[1] = 1;
		return rc;
	}
	rc = start_thread(pump, run_transmit, "tx", error);
	if (rc)
		pump->done[1] = 1;
	return rc;
}

int wn_pump_is_done(const struct wn_pump *pump)
{
	return wn_load_acquire(&pump->done[0]) && wn_load_acquire(&pump->done[1]);
}

int wn_pump_join(struct wn_pump *pump, int64_t deadline_ns)
{
	while (pump->started) {
		if (wn_backoff_until_done(&pump->done[pump->started - 1], deadline_ns))
			return -ETIMEDOUT;
		pthread_join(pump->threads[--pump->started], NULL);
	}
	return 0;
}
