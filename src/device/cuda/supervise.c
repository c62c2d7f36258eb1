/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A GPU that does not answer any more: noticed, stopped, accounted for, started anew.
 *
 * A queue stands still when a slot has had no verdict for `stuck` ms (device/watch.h); a team is gone when
 * its process has ended while packets could still come. Either way the process
 * is killed and waited for: only then is it sure that no kernel of it writes any more. Every slot that
 * has no verdict then gets one, `device stopped`, from this thread: it is the device's successor as the
 * writer of verdict words, and nothing was answered twice, because a slot is released only after its word was
 * seen. Replies that the GPU had half written are never sent. The next team begins at the slots behind.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "device/cuda/cuda.h"
#include "device/watch.h"

enum { LOOK_MS = 20 };

static void say(const struct cuda *cuda, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void say(const struct cuda *cuda, const char *format, ...)
{
	char line[1400];
	va_list arguments;

	if (!cuda->device->log)
		return;
	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	cuda->device->log(cuda->device->log_context, line);
}

/* Where the device drives: something arrived, and it does not take it. */
static int drive_stands_still(const struct wn_drive *drive, struct wn_watch *watch, int64_t now, int64_t patience)
{
	const uint32_t taken = wn_drive_taken(drive);

	if (!wn_drive_arrived(drive) || !watch->since_ns || taken != watch->mark) {
		watch->mark = taken;
		watch->since_ns = now;
		return 0;
	}
	return now - watch->since_ns > patience;
}

/* Whether queue i owes an answer for too long. */
static int stands_still(const struct cuda *cuda, struct wn_watch *watch, uint32_t i, int64_t now)
{
	const int64_t patience =
		(int64_t)wn_options_number(&cuda->device->options, "stuck") * WN_MILLISECOND_NS;

	if (cuda->device->drives)
		return drive_stands_still(cuda->device->drives[i], watch, now, patience);
	return wn_watch_ring(watch, &cuda->views[i], now, patience);
}

/* Gives every slot without a verdict its last one. Returns how many there were. */
static uint32_t settle_queue(const struct cuda *cuda, uint32_t i, uint32_t published)
{
	const struct wn_ring_view *view = &cuda->views[i];
	uint32_t count = 0;

	for (uint32_t left = view->slot_mask + 1; left; left--) {
		const uint32_t position = published - left;

		if (wn_watch_is_answered(view, position))
			continue;
		wn_store_release(&view->verdicts[position & view->slot_mask],
				 wn_verdict_word(wn_lap(position, view->slot_shift), WN_CODE_STOPPED, 0)); /* (V) */
		count++;
	}
	return count;
}

/* Settles what is in flight, and lets the next team begin behind it. */
static uint32_t settle_queues(struct cuda *cuda)
{
	uint32_t count = 0;

	for (uint32_t i = 0; cuda->device->drives && i < cuda->queue_count; i++)
		count += wn_drive_ask_settle(cuda->device->drives[i]);
	for (uint32_t i = 0; !cuda->device->drives && i < cuda->queue_count; i++) {
		const uint32_t published = wn_load_acquire(&cuda->views[i].words->published);

		count += settle_queue(cuda, i, published);
		wn_cuda_team_set_start(&cuda->current->team, i, published);
	}
	return count;
}

void wn_cuda_keep_rows(struct cuda *cuda)
{
	wn_cuda_team_add_rows(&cuda->current->team, cuda->lost_rows, NULL);
	wn_cuda_team_clear_rows(&cuda->current->team);
}

/* No more: packets that still come are counted as they do, until the owner stops it all. */
static void give_up(struct cuda *cuda, const char *reason)
{
	say(cuda, "%s: given up after %u restarts: %s", cuda->device->name, cuda->restarts, reason);
	wn_store_release(&cuda->device->failed, 1);
}

static int start_anew(struct cuda *cuda, struct wn_error *error)
{
	int rc = wn_cuda_team_spawn(&cuda->current->team, error);

	if (rc)
		return rc;
	/* What came while it was being prepared is still good. */
	return wn_cuda_team_go(&cuda->current->team, error);
}

static void revive(struct cuda *cuda, const char *reason)
{
	struct wn_cuda_team *team = &cuda->current->team;
	const uint64_t restarts = wn_options_number(&cuda->device->options, "restarts");
	const int64_t begin = wn_clock_ns();
	struct wn_error error = {0};
	uint32_t lost;

	if (wn_cuda_team_kill(team)) {
		cuda->device->is_lost = 1;
		give_up(cuda, "its process does not end; its memory is left to it");
		return;
	}
	wn_cuda_keep_rows(cuda);
	lost = settle_queues(cuda);
	say(cuda, "%s: program '%s': %s; %u packets in flight are lost", cuda->device->name,
	    cuda->current->program.name, reason, lost);
	if (cuda->restarts >= restarts) {
		give_up(cuda, reason);
		return;
	}
	cuda->restarts++;
	if (start_anew(cuda, &error)) {
		give_up(cuda, error.text);
		return;
	}
	say(cuda, "%s: started anew in %d ms (%u of %u times)", cuda->device->name,
	    (int)((wn_clock_ns() - begin) / WN_MILLISECOND_NS), cuda->restarts,
	    (unsigned int)restarts);
}

static int all_closed(const struct cuda *cuda)
{
	for (uint32_t i = 0; i < cuda->queue_count; i++)
		if (!wn_load_acquire(cuda->device->drives ? &cuda->device->drives[i]->view.words->closed
							  : &cuda->views[i].words->closed))
			return 0;
	return 1;
}

/* One look. Whether all rings are done with, so that nothing is left to watch. */
static int look(struct cuda *cuda, struct wn_watch *watches)
{
	struct wn_cuda_team *team = &cuda->current->team;
	const int64_t now = wn_clock_ns();
	char reason[1100];

	if (cuda->device->failed) {
		/* A process that would not end may still write verdicts: then nobody else does. */
		if (!cuda->device->is_lost && !cuda->device->drives)
			settle_queues(cuda);
		return 0;
	}
	if (wn_cuda_team_has_ended(team, 0)) {
		if (wn_cuda_team_ended_well(team) && all_closed(cuda))
			return 1;
		snprintf(reason, sizeof(reason), "%s",
			 team->control->text[0] ? team->control->text
						: "its worker process was killed");
		memset(watches, 0, cuda->queue_count * sizeof(*watches));
		revive(cuda, reason);
		return 0;
	}
	for (uint32_t i = 0; i < cuda->queue_count; i++) {
		if (!stands_still(cuda, &watches[i], i, now))
			continue;
		snprintf(reason, sizeof(reason),
			 "queue %u got no answer for %u ms: the program is stuck", i,
			 (unsigned int)wn_options_number(&cuda->device->options, "stuck"));
		memset(watches, 0, cuda->queue_count * sizeof(*watches));
		revive(cuda, reason);
		return 0;
	}
	return 0;
}

static void *supervise(void *argument)
{
	struct cuda *cuda = argument;
	struct wn_watch watches[WN_CUDA_QUEUES_MAX] = {0};
	int is_over = 0;

	while (!is_over && !wn_load_acquire(&cuda->ending)) {
		pthread_mutex_lock(&cuda->lock);
		is_over = look(cuda, watches);
		pthread_mutex_unlock(&cuda->lock);
		nanosleep(&(struct timespec){0, LOOK_MS * WN_MILLISECOND_NS}, NULL);
	}
	return NULL;
}

int wn_cuda_supervise(struct cuda *cuda, struct wn_error *error)
{
	const int rc = pthread_create(&cuda->supervisor, NULL, supervise, cuda);

	if (rc)
		return wn_fail(error, rc, WN_FAILED, "cuda device: cannot start its supervisor: %s",
			       strerror(rc));
	pthread_setname_np(cuda->supervisor, "wn-cuda");
	cuda->is_supervised = 1;
	return 0;
}

void wn_cuda_supervise_end(struct cuda *cuda)
{
	wn_store_release(&cuda->ending, 1);
	if (cuda->is_supervised)
		pthread_join(cuda->supervisor, NULL);
	cuda->is_supervised = 0;
}
