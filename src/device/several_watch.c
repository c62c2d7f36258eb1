/* SPDX-License-Identifier: Apache-2.0 */
#include "device/several.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "device/watch.h"

enum { LOOK_MS = 20, STOP_MS = 100 };

static void say(const struct wn_several *several, const char *line)
{
	if (several->device->log)
		several->device->log(several->device->log_context, line);
}

/* The part that serves, with the fewest queues: of all devices opened there. NULL: none is left. */
static struct wn_part *find_heir(struct wn_several *several)
{
	struct wn_part *best = NULL;
	uint32_t least = 0;

	for (uint32_t i = 0; i < several->count; i++) {
		struct wn_part *part = &several->parts[i];
		uint32_t queues = 0;

		for (uint32_t k = 0; k < several->count; k++)
			if (!several->parts[k].is_lost && !strcmp(several->parts[k].spec, part->spec))
				queues += several->parts[k].count;
		if (!part->is_lost && part->count && !wn_load_acquire(&part->device.failed) && (!best || queues < least)) {
			best = part;
			least = queues;
		}
	}
	return best;
}

/* Every queue of a part that is gone: nothing is owed in front of the position where the next one begins. */
static uint32_t settle_part(struct wn_part *part)
{
	uint32_t lost = 0;

	for (uint32_t i = 0; i < part->count; i++) {
		part->starts[i] = wn_load_acquire(&part->views[i].words->published);
		lost += wn_watch_settle(&part->views[i], part->starts[i]);
	}
	return lost;
}

/* Opens and starts one more device beside the heir, for the queues of `from`. Without the lock. 0 or -errno. */
static int start_beside(struct wn_several *several, struct wn_part *to, struct wn_part *from, const struct wn_part *heir,
			struct wn_error *error)
{
	int rc;

	memcpy(to->spec, heir->spec, sizeof(to->spec));
	rc = wn_several_take_queues(to, from->count, error);
	if (!rc)
		rc = wn_several_open_part(several, to, several->text, error);
	if (!rc && wn_load_acquire(&several->ending))
		rc = wn_fail(error, ECANCELED, WN_FAILED, "the run ends");
	if (rc)
		return rc;
	settle_part(from);
	for (uint32_t i = 0; i < from->count; i++)
		wn_several_add_queue(several, to, from->numbers[i], from->starts[i]);
	return wn_several_start_part(several, to, error);
}

/* The queues of `from` to one more device. With the lock, which is left and taken again. 0 or -errno. */
static int hand_over(struct wn_several *several, struct wn_part *from, const struct wn_part *heir, struct wn_error *error)
{
	struct wn_part *to = &several->parts[several->count];
	int rc;

	if (several->count == WN_PARTS_OPENED_MAX)
		return wn_fail(error, ENOSPC, WN_FAILED, "too many devices were given up");
	several->is_moving = 1;
	pthread_mutex_unlock(&several->lock);
	rc = start_beside(several, to, from, heir, error);
	if (rc) {
		if (to->device.ops)
			to->device.ops->stop(&to->device, wn_clock_ns(), 1);
		wn_several_close_part(to);
	}
	pthread_mutex_lock(&several->lock);
	several->is_moving = 0;
	several->count += !rc;
	return rc;
}

/* What came for queues that are nobody's is counted. */
static void settle_orphans(struct wn_several *several)
{
	for (uint32_t i = 0; i < several->count; i++)
		if (several->parts[i].is_orphaned)
			settle_part(&several->parts[i]);
}

/* A part was given up (the lock is held). Its process is ended for good first: then this thread writes its queues' verdicts. */
static void replace_part(struct wn_several *several, struct wn_part *part)
{
	const struct wn_part *heir;
	struct wn_error error = {0};
	char line[1024];
	int rc;

	part->is_lost = 1;
	if (part->device.is_lost || part->device.ops->stop(&part->device, wn_clock_ns() + STOP_MS * WN_MILLISECOND_NS, 1)) {
		wn_store_release(&several->device->is_lost, 1);
		wn_store_release(&several->device->failed, 1);
		return;
	}
	settle_part(part);
	heir = find_heir(several);
	rc = heir ? hand_over(several, part, heir, &error) : -ENODEV;
	if (rc) {
		part->is_orphaned = 1;
		snprintf(line, sizeof(line), "%s: its %u queues have no device any more: %.400s", part->spec, part->count,
			 heir ? error.text : "none is left");
		wn_store_release(&several->device->failed, 1);
	} else {
		snprintf(line, sizeof(line), "%s: its %u queues go on on %s", part->spec, part->count, heir->spec);
	}
	say(several, line);
	wn_several_show_names(several);
}

static void *watch(void *argument)
{
	struct wn_several *several = argument;

	while (!wn_load_acquire(&several->ending)) {
		pthread_mutex_lock(&several->lock);
		settle_orphans(several);
		for (uint32_t i = 0; i < several->count; i++) {
			struct wn_part *part = &several->parts[i];

			if (!part->is_lost && wn_load_acquire(&part->device.failed))
				replace_part(several, part);
		}
		pthread_mutex_unlock(&several->lock);
		nanosleep(&(struct timespec){0, LOOK_MS * WN_MILLISECOND_NS}, NULL);
	}
	return NULL;
}

int wn_several_watch(struct wn_several *several, struct wn_error *error)
{
	const int rc = pthread_create(&several->watcher, NULL, watch, several);

	if (rc)
		return wn_fail(error, rc, WN_FAILED, "device: cannot start the thread that watches the others: %s", strerror(rc));
	several->is_watched = 1;
	return 0;
}

void wn_several_end_watch(struct wn_several *several)
{
	wn_store_release(&several->ending, 1);
	if (!several->is_watched)
		return;
	pthread_join(several->watcher, NULL);
	several->is_watched = 0;
	settle_orphans(several);
}
