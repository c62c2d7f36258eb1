/* SPDX-License-Identifier: Apache-2.0 */
#include "device/metal/metal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "backoff.h"
#include "clock.h"
#include "device/watch.h"
#include "os/os.h"

/* After it is told to leave, what is under way has so long to end by itself. */
#define LEAVE_NS (200 * WN_MILLISECOND_NS)

uint32_t wn_metal_waiting(const struct wn_metal *metal, uint32_t i)
{
	return wn_load_acquire(&metal->views[i].words->published) - metal->queues[i].taken; /* (D) */
}

int wn_metal_all_taken(const struct wn_metal *metal, uint32_t i)
{
	struct wn_ring_words *words = metal->views[i].words;

	if (!wn_load_acquire(&words->closed)) /* (E) */
		return 0;
	return (int32_t)(metal->queues[i].taken - wn_load_relaxed(&words->final)) >= 0;
}

static void say(struct wn_metal *metal, const char *format, va_list arguments)
{
	char line[1024];

	vsnprintf(line, sizeof(line), format, arguments);
	if (metal->device->log)
		metal->device->log(metal->device->log_context, line);
}

void wn_metal_say(struct wn_metal *metal, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	say(metal, format, arguments);
	va_end(arguments);
}

void wn_metal_complain(struct wn_metal *metal, int64_t *last_ns, const char *format, ...)
{
	const int64_t now = wn_clock_ns();
	va_list arguments;

	if (*last_ns && now - *last_ns < WN_SECOND_NS)
		return;
	*last_ns = now;
	va_start(arguments, format);
	say(metal, format, arguments);
	va_end(arguments);
}

void wn_metal_give_up(struct wn_metal *metal, const char *format, ...)
{
	char reason[768];
	va_list arguments;

	if (metal->device->failed)
		return;
	va_start(arguments, format);
	vsnprintf(reason, sizeof(reason), format, arguments);
	va_end(arguments);
	wn_metal_say(metal, "%s: program '%s': given up: %s", metal->device->name, metal->current->program.name, reason);
	wn_store_release(&metal->device->failed, 1);
}

static int all_closed(const struct wn_metal *metal)
{
	for (uint32_t i = 0; i < metal->queue_count; i++)
		if (!wn_load_acquire(&metal->views[i].words->closed)) /* (E) */
			return 0;
	return 1;
}

/*
 * Given up: whatever has no verdict gets its last. This thread is the only one that ever stores verdicts, and no kernel
 * has the ring, so nothing that is still under way can come in between.
 */
static uint32_t settle(struct wn_metal *metal, int *is_over)
{
	const int is_last = all_closed(metal);
	uint32_t count = 0;

	for (uint32_t i = 0; i < metal->queue_count; i++)
		count += wn_watch_settle(&metal->views[i], wn_load_acquire(&metal->views[i].words->published)); /* (D) */
	*is_over = is_last;
	return count;
}

static uint32_t turn(struct wn_metal *metal, int is_draining, int *is_even, int *is_over)
{
	void *pool = wn_mtl_pool_push();
	uint32_t moved;

	if (metal->device->failed) {
		*is_even = 1;
		moved = settle(metal, is_over);
	} else if (metal->device->mode == WN_MODE_LEASE) {
		moved = wn_metal_lease_turn(metal, is_draining, is_even, is_over);
	} else {
		moved = wn_metal_batch_turn(metal, is_draining, is_even, is_over);
	}
	wn_mtl_pool_pop(pool);
	return moved;
}

/* Nothing is under way: stands still for as long as the owner wants. */
static void stand_still(struct wn_metal *metal, uint32_t hold)
{
	struct wn_backoff backoff;

	wn_backoff_init(&backoff, metal->device->cores);
	wn_store_release(&metal->held, hold); /* (I) */
	while (wn_load_acquire(&metal->hold) == hold && !wn_load_relaxed(&metal->abandon)) /* (J) */
		wn_backoff_wait(&backoff);
}

static void *serve(void *argument)
{
	struct wn_metal *metal = argument;
	int is_even = 0, is_over = 0;
	int64_t leave_ns = 0;
	struct wn_backoff backoff;

	wn_backoff_init(&backoff, metal->device->cores);
	while (!is_over) {
		const uint32_t hold = wn_load_acquire(&metal->hold), abandon = wn_load_relaxed(&metal->abandon); /* (H) */
		uint32_t moved;

		if (abandon && !leave_ns)
			leave_ns = wn_clock_ns() + LEAVE_NS;
		moved = turn(metal, hold || abandon, &is_even, &is_over);
		if (abandon && (is_even || metal->device->failed || wn_clock_ns() > leave_ns))
			break;
		if (hold && is_even && !is_over)
			stand_still(metal, hold);
		if (moved)
			wn_backoff_reset(&backoff);
		else
			wn_backoff_wait(&backoff);
	}
	wn_store_release(&metal->done, 1);
	return NULL;
}

int wn_metal_run(struct wn_metal *metal, struct wn_error *error)
{
	const int rc = pthread_create(&metal->thread, NULL, serve, metal);

	if (rc)
		return wn_fail(error, rc, WN_FAILED, "metal device: cannot start its thread: %s", strerror(rc));
	wn_os_thread_name(metal->thread, "wn-metal");
	metal->is_started = 1;
	return 0;
}
