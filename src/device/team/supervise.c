/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A device that does not answer any more: noticed, stopped, accounted for, started anew.
 *
 * A queue stands still when a slot has had no verdict for `stuck` ms (device/watch.h); a team is gone when
 * its process has ended while packets could still come. Either way the process
 * is killed and waited for: only then is it sure that no kernel of it writes any more. Every slot that
 * has no verdict then gets one, `device stopped`, from this thread: it is the device's successor as the
 * writer of verdict words, and nothing was answered twice, because a slot is released only after its word was
 * seen. Replies that it had half written are never sent. The next team begins at the slots behind.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "device/team/remote.h"
#include "device/watch.h"
#include "os/os.h"

enum { LOOK_MS = 20 };

static void say(const struct wn_remote *remote, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void say(const struct wn_remote *remote, const char *format, ...)
{
	char line[1400];
	va_list arguments;

	if (!remote->device->log)
		return;
	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	remote->device->log(remote->device->log_context, line);
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
static int stands_still(const struct wn_remote *remote, struct wn_watch *watch, uint32_t i, int64_t now)
{
	const int64_t patience =
		(int64_t)wn_options_number(&remote->device->options, "stuck") * WN_MILLISECOND_NS;

	if (remote->device->drives)
		return drive_stands_still(remote->device->drives[i], watch, now, patience);
	return wn_watch_ring(watch, &remote->views[i], now, patience);
}

/* Settles what is in flight, and lets the next team begin behind it. */
static uint32_t settle_queues(struct wn_remote *remote)
{
	uint32_t count = 0;

	for (uint32_t i = 0; remote->device->drives && i < remote->queue_count; i++)
		count += wn_drive_ask_settle(remote->device->drives[i]);
	for (uint32_t i = 0; !remote->device->drives && i < remote->queue_count; i++) {
		const uint32_t published = wn_load_acquire(&remote->views[i].words->published);

		count += wn_watch_settle(&remote->views[i], published);
		wn_team_set_start(&remote->current->team, i, published);
	}
	return count;
}

void wn_remote_keep_rows(struct wn_remote *remote)
{
	wn_team_add_rows(&remote->current->team, remote->lost_rows, NULL);
	wn_team_clear_rows(&remote->current->team);
}

/* No more: packets that still come are counted as they do, until the owner stops it all. */
static void give_up(struct wn_remote *remote, const char *reason)
{
	say(remote, "%s: given up after %u restarts: %s", remote->device->name, remote->restarts, reason);
	wn_store_release(&remote->device->failed, 1);
}

static int start_anew(struct wn_remote *remote, struct wn_error *error)
{
	int rc = wn_team_spawn(&remote->current->team, error);

	if (rc)
		return rc;
	/* What came while it was being prepared is still good. */
	return wn_team_go(&remote->current->team, error);
}

static void revive(struct wn_remote *remote, const char *reason)
{
	struct wn_team *team = &remote->current->team;
	const uint64_t restarts = wn_options_number(&remote->device->options, "restarts");
	const int64_t begin = wn_clock_ns();
	struct wn_error error = {0};
	uint32_t lost;

	if (wn_team_kill(team)) {
		remote->device->is_lost = 1;
		give_up(remote, "its process does not end; its memory is left to it");
		return;
	}
	wn_remote_keep_rows(remote);
	lost = settle_queues(remote);
	say(remote, "%s: program '%s': %s; %u packets in flight are lost", remote->device->name,
	    remote->current->program.name, reason, lost);
	if (remote->restarts >= restarts) {
		give_up(remote, reason);
		return;
	}
	remote->restarts++;
	if (start_anew(remote, &error)) {
		give_up(remote, error.text);
		return;
	}
	say(remote, "%s: started anew in %d ms (%u of %u times)", remote->device->name,
	    (int)((wn_clock_ns() - begin) / WN_MILLISECOND_NS), remote->restarts,
	    (unsigned int)restarts);
}

static int all_closed(const struct wn_remote *remote)
{
	for (uint32_t i = 0; i < remote->queue_count; i++)
		if (!wn_load_acquire(remote->device->drives ? &remote->device->drives[i]->view.words->closed
							  : &remote->views[i].words->closed))
			return 0;
	return 1;
}

/* One look. Whether all rings are done with, so that nothing is left to watch. */
static int look(struct wn_remote *remote, struct wn_watch *watches)
{
	struct wn_team *team = &remote->current->team;
	const int64_t now = wn_clock_ns();
	char reason[1100];

	if (remote->device->failed) {
		/* A process that would not end may still write verdicts: then nobody else does. */
		if (!remote->device->is_lost && !remote->device->drives)
			settle_queues(remote);
		return 0;
	}
	if (wn_team_has_ended(team, 0)) {
		if (wn_team_ended_well(team) && all_closed(remote))
			return 1;
		snprintf(reason, sizeof(reason), "%s",
			 team->control->text[0] ? team->control->text
						: "its worker process was killed");
		memset(watches, 0, remote->queue_count * sizeof(*watches));
		revive(remote, reason);
		return 0;
	}
	for (uint32_t i = 0; i < remote->queue_count; i++) {
		if (!stands_still(remote, &watches[i], i, now))
			continue;
		snprintf(reason, sizeof(reason),
			 "queue %u got no answer for %u ms: the program is stuck", i,
			 (unsigned int)wn_options_number(&remote->device->options, "stuck"));
		memset(watches, 0, remote->queue_count * sizeof(*watches));
		revive(remote, reason);
		return 0;
	}
	return 0;
}

static void *supervise(void *argument)
{
	struct wn_remote *remote = argument;
	struct wn_watch watches[WN_TEAM_QUEUES_MAX] = {0};
	int is_over = 0;

	while (!is_over && !wn_load_acquire(&remote->ending)) {
		pthread_mutex_lock(&remote->lock);
		is_over = look(remote, watches);
		pthread_mutex_unlock(&remote->lock);
		nanosleep(&(struct timespec){0, LOOK_MS * WN_MILLISECOND_NS}, NULL);
	}
	return NULL;
}

int wn_remote_supervise(struct wn_remote *remote, struct wn_error *error)
{
	const int rc = pthread_create(&remote->supervisor, NULL, supervise, remote);

	if (rc)
		return wn_fail(error, rc, WN_FAILED, "%s device: cannot start its supervisor: %s", remote->device->ops->kind,
			       strerror(rc));
	wn_os_thread_name(remote->supervisor, "wn-supervisor");
	remote->is_supervised = 1;
	return 0;
}

void wn_remote_supervise_end(struct wn_remote *remote)
{
	wn_store_release(&remote->ending, 1);
	if (remote->is_supervised)
		pthread_join(remote->supervisor, NULL);
	remote->is_supervised = 0;
}
