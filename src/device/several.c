/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several devices as one: --device cuda:0,cuda:1[,option=value...].
 *
 * Queue i is part i mod N's; the options are every part's. A part that is given up, after its own restarts,
 * hands its queues to the part with the fewest of them that is left: there another device is opened beside the
 * one that serves already, at the positions where the queues stand. What the lost one had in hand is counted as
 * device stopped; what its program kept in cells is lost with it.
 *
 * A thread of its own watches the parts. The lock is held by it while it hands over, and by every call that
 * goes through the parts.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "device/device.h"
#include "device/watch.h"

enum { PARTS_MAX = 8, OPENED_MAX = 2 * PARTS_MAX, SPEC_BYTES = 256, LOOK_MS = 20, STOP_MS = 100 };

static const struct wn_option no_options[] = {{0}};

/* One device that was opened. Those that serve have queues; one that was given up keeps its counts. */
struct part {
	struct wn_device device;
	char spec[SPEC_BYTES];
	uint32_t count;                  /* queues */
	uint32_t *numbers;               /* of each, among all */
	struct wn_ring_view *views;
	int *fds;
	uint32_t *starts;
	int is_lost;                     /* given up; its queues are another's, or nobody's */
	int is_orphaned;                 /* nobody's: what comes is only counted */
};

struct several {
	struct wn_device *device;
	struct part parts[OPENED_MAX];
	uint32_t count;
	char text[SPEC_BYTES * 4];       /* of the program that runs */
	const struct wn_ring_view *views;
	uint32_t queue_count;
	const struct wn_program_data *data;
	pthread_mutex_t lock;
	pthread_t watcher;
	int is_watched;
	uint32_t ending;
};

/* A version of the program, on every part that serves. */
struct versions {
	struct wn_version of[OPENED_MAX];
	uint32_t has[OPENED_MAX];
	char text[SPEC_BYTES * 4];
};

/* -- the text -- */

/* The length of the piece at `spec`, up to a comma or the end. */
static size_t piece_length(const char *spec)
{
	return strcspn(spec, ",");
}

/* Whether a piece names a device rather than an option: "cuda:1", "cuda". */
static int is_device(const char *piece, size_t length)
{
	for (int i = 0; wn_device_kinds[i]; i++) {
		const size_t kind = strlen(wn_device_kinds[i]->kind);

		if (length >= kind && !strncmp(piece, wn_device_kinds[i]->kind, kind) &&
		    (length == kind || piece[kind] == ':') && !memchr(piece, '=', length))
			return 1;
	}
	return 0;
}

int wn_device_names_several(const char *spec)
{
	const size_t length = piece_length(spec);

	return spec[length] == ',' && is_device(spec + length + 1, piece_length(spec + length + 1));
}

/* The texts of the parts: each device with all options. 0 or -errno. */
static int split(struct several *several, const char *spec, struct wn_error *error)
{
	const char *options = spec;

	while (*options) {
		const size_t length = piece_length(options);

		if (!is_device(options, length))
			break;
		if (several->count == PARTS_MAX)
			return wn_fail(error, EINVAL, WN_USAGE, "device '%s': at most %d devices", spec, PARTS_MAX);
		snprintf(several->parts[several->count++].spec, SPEC_BYTES, "%.*s", (int)length, options);
		options += length + (options[length] == ',');
	}
	for (uint32_t i = 0; *options && i < several->count; i++) {
		struct part *part = &several->parts[i];
		const size_t used = strlen(part->spec);

		if ((size_t)snprintf(part->spec + used, SPEC_BYTES - used, ",%s", options) >= SPEC_BYTES - used)
			return wn_fail(error, EINVAL, WN_USAGE, "device '%s': too long", spec);
	}
	return 0;
}

/* -- open and close -- */

static int open_part(struct several *several, struct part *part, const char *program, struct wn_error *error)
{
	struct wn_device *device = several->device;
	const int rc = wn_device_open(&part->device, part->spec, device->mode, program, error);

	if (rc)
		return rc;
	if (part->device.ops->launch || !part->device.ops->prepare)
		return wn_fail(error, ENOTSUP, WN_USAGE, "device '%s': there can only be one of it in a run", part->spec);
	/* The others follow the first one's choice of a mode. */
	device->mode = part->device.mode;
	return 0;
}

static void close_part(struct part *part)
{
	wn_device_close(&part->device);
	free(part->numbers);
	free(part->views);
	free(part->fds);
	free(part->starts);
	memset(part, 0, sizeof(*part));
}

static void show_names(struct several *several)
{
	struct wn_device *device = several->device;
	size_t used = 0;

	for (uint32_t i = 0; i < several->count && used < sizeof(device->name); i++)
		if (!several->parts[i].is_lost)
			used += (size_t)snprintf(device->name + used, sizeof(device->name) - used, "%s%.100s",
						 used ? "; " : "", several->parts[i].device.name);
}

static int several_open(struct wn_device *device, struct wn_error *error)
{
	struct several *several = device->state;
	int rc;

	several->device = device;
	rc = split(several, device->spec, error);
	snprintf(several->text, sizeof(several->text), "%s", device->program_text);
	for (uint32_t i = 0; !rc && i < several->count; i++)
		rc = open_part(several, &several->parts[i], device->program_text, error);
	if (rc) {
		for (uint32_t i = 0; i < several->count; i++)
			close_part(&several->parts[i]);
		return rc;
	}
	pthread_mutex_init(&several->lock, NULL);
	device->program = several->parts[0].device.program;
	show_names(several);
	return 0;
}

static void end_watching(struct several *several)
{
	wn_store_release(&several->ending, 1);
	if (several->is_watched)
		pthread_join(several->watcher, NULL);
	several->is_watched = 0;
}

static void several_close(struct wn_device *device)
{
	struct several *several = device->state;

	end_watching(several);
	for (uint32_t i = 0; i < several->count; i++)
		close_part(&several->parts[i]);
	pthread_mutex_destroy(&several->lock);
}

/* -- start -- */

static int take_queues(struct part *part, uint32_t capacity, struct wn_error *error)
{
	part->numbers = calloc(capacity + 1, sizeof(*part->numbers));
	part->views = calloc(capacity + 1, sizeof(*part->views));
	part->fds = calloc(capacity + 1, sizeof(*part->fds));
	part->starts = calloc(capacity + 1, sizeof(*part->starts));
	part->count = 0;
	return part->numbers && part->views && part->fds && part->starts
		       ? 0
		       : wn_fail(error, ENOMEM, WN_FAILED, "out of memory");
}

static void add_queue(const struct several *several, struct part *part, uint32_t number, uint32_t start)
{
	part->numbers[part->count] = number;
	part->views[part->count] = several->views[number];
	part->fds[part->count] = several->device->ring_fds[number];
	part->starts[part->count++] = start;
}

static int start_part(struct several *several, struct part *part, struct wn_error *error)
{
	struct wn_device *device = &part->device;
	int rc;

	device->ring_fds = part->fds;
	device->starts = part->starts;
	device->times_off = several->device->times_off;
	device->log = several->device->log;
	device->log_context = several->device->log_context;
	rc = device->ops->start(device, part->views, part->count, several->data, error);
	if (!rc && device->copies)
		return wn_fail(error, ENOTSUP, WN_USAGE, "device '%s': with several devices what is received stays in host memory: rings=host",
			       part->spec);
	return rc;
}

/* -- handing over -- */

static void say(const struct several *several, const char *line)
{
	if (several->device->log)
		several->device->log(several->device->log_context, line);
}

/* The part that serves, with the fewest queues: of all devices opened there. NULL: none is left. */
static struct part *find_heir(struct several *several)
{
	struct part *best = NULL;
	uint32_t least = 0;

	for (uint32_t i = 0; i < several->count; i++) {
		struct part *part = &several->parts[i];
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
static uint32_t settle_part(struct part *part)
{
	uint32_t lost = 0;

	for (uint32_t i = 0; i < part->count; i++) {
		part->starts[i] = wn_load_acquire(&part->views[i].words->published);
		lost += wn_watch_settle(&part->views[i], part->starts[i]);
	}
	return lost;
}

/* Opens one more device beside the heir, for the queues of `from`. 0 or -errno. */
static int hand_over(struct several *several, struct part *from, const struct part *heir, struct wn_error *error)
{
	struct part *to = &several->parts[several->count];
	int rc;

	if (several->count == OPENED_MAX)
		return wn_fail(error, ENOSPC, WN_FAILED, "too many devices were given up");
	memcpy(to->spec, heir->spec, sizeof(to->spec));
	rc = take_queues(to, from->count, error);
	if (!rc)
		rc = open_part(several, to, several->text, error);
	if (!rc) {
		settle_part(from);
		for (uint32_t i = 0; i < from->count; i++)
			add_queue(several, to, from->numbers[i], from->starts[i]);
		rc = start_part(several, to, error);
	}
	if (rc) {
		if (to->device.ops)
			to->device.ops->stop(&to->device, wn_clock_ns(), 1);
		close_part(to);
		return rc;
	}
	several->count++;
	return 0;
}

/* A part was given up. Its process is ended for good first: then this thread writes its queues' verdicts. */
static void replace_part(struct several *several, struct part *part)
{
	const struct part *heir;
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
	show_names(several);
}

static void *watch(void *argument)
{
	struct several *several = argument;

	while (!wn_load_acquire(&several->ending)) {
		pthread_mutex_lock(&several->lock);
		for (uint32_t i = 0; i < several->count; i++) {
			struct part *part = &several->parts[i];

			if (part->is_orphaned)
				settle_part(part);
			else if (!part->is_lost && wn_load_acquire(&part->device.failed))
				replace_part(several, part);
		}
		pthread_mutex_unlock(&several->lock);
		nanosleep(&(struct timespec){0, LOOK_MS * WN_MILLISECOND_NS}, NULL);
	}
	return NULL;
}

static int several_start(struct wn_device *device, const struct wn_ring_view *views, uint32_t count,
			 const struct wn_program_data *data, struct wn_error *error)
{
	struct several *several = device->state;
	int rc = 0;

	several->views = views;
	several->queue_count = count;
	several->data = data;
	if (count < several->count)
		return wn_fail(error, EINVAL, WN_USAGE, "%u devices for %u queue%s: a queue each is the least (queues=%u)",
			       several->count, count, count == 1 ? "" : "s", several->count);
	for (uint32_t i = 0; !rc && i < several->count; i++) {
		struct part *part = &several->parts[i];

		rc = take_queues(part, count, error);
		for (uint32_t q = i; !rc && q < count; q += several->count)
			add_queue(several, part, q, wn_load_acquire(&views[q].words->published));
		if (!rc)
			rc = start_part(several, part, error);
	}
	if (rc)
		return rc;
	rc = pthread_create(&several->watcher, NULL, watch, several);
	if (rc)
		return wn_fail(error, rc, WN_FAILED, "device: cannot start the thread that watches the others: %s", strerror(rc));
	several->is_watched = 1;
	show_names(several);
	return 0;
}

static int several_stop(struct wn_device *device, int64_t deadline_ns, int abandon)
{
	struct several *several = device->state;
	int rc = 0;

	end_watching(several);
	for (uint32_t i = 0; i < several->count; i++) {
		struct part *part = &several->parts[i];

		if (!part->is_lost && part->device.ops && part->device.ops->stop(&part->device, deadline_ns, abandon))
			rc = -ETIMEDOUT;
	}
	return rc;
}

/* -- counters and stages -- */

static void several_sum_counters(const struct wn_device *device, uint64_t *sums)
{
	struct several *several = device->state;

	pthread_mutex_lock(&several->lock);
	for (uint32_t i = 0; i < several->count; i++)
		if (several->parts[i].device.ops)
			several->parts[i].device.ops->sum_counters(&several->parts[i].device, sums);
	pthread_mutex_unlock(&several->lock);
}

/* Means weighed by packets; of quantiles the largest. */
static int several_stage(const struct wn_device *device, uint32_t number, struct wn_stage_times *times)
{
	struct several *several = device->state;
	int found = 0;

	memset(times, 0, sizeof(*times));
	pthread_mutex_lock(&several->lock);
	for (uint32_t i = 0; i < several->count; i++) {
		const struct wn_device *part = &several->parts[i].device;
		struct wn_stage_times own = {0};

		if (several->parts[i].is_lost || !part->ops->stage || !part->ops->stage(part, number, &own))
			continue;
		found = 1;
		times->name = own.name;
		times->mean_ns += own.mean_ns * (double)own.count;
		times->count += own.count;
		times->p50_ns = own.p50_ns > times->p50_ns ? own.p50_ns : times->p50_ns;
		times->p99_ns = own.p99_ns > times->p99_ns ? own.p99_ns : times->p99_ns;
		times->error_ns = own.error_ns > times->error_ns ? own.error_ns : times->error_ns;
	}
	pthread_mutex_unlock(&several->lock);
	if (times->count)
		times->mean_ns /= (double)times->count;
	return found;
}

static uint32_t several_power_mw(const struct wn_device *device)
{
	struct several *several = device->state;
	uint32_t sum = 0;

	pthread_mutex_lock(&several->lock);
	for (uint32_t i = 0; i < several->count; i++) {
		const struct wn_device *part = &several->parts[i].device;
		int is_first = 1;

		for (uint32_t k = 0; k < i; k++)
			is_first &= strcmp(several->parts[k].spec, several->parts[i].spec) != 0;
		if (is_first && part->ops && part->ops->power_mw)
			sum += part->ops->power_mw(part);
	}
	pthread_mutex_unlock(&several->lock);
	return sum;
}

/* -- another version of the program -- */

static void several_drop(struct wn_device *device, struct wn_version *version)
{
	struct several *several = device->state;
	struct versions *versions = version->state;

	for (uint32_t i = 0; versions && i < several->count; i++)
		if (versions->has[i] && several->parts[i].device.ops)
			several->parts[i].device.ops->drop(&several->parts[i].device, &versions->of[i]);
	free(versions);
	memset(version, 0, sizeof(*version));
}

static int several_prepare(struct wn_device *device, const char *text, struct wn_version *version, struct wn_error *error)
{
	struct several *several = device->state;
	struct versions *versions = calloc(1, sizeof(*versions));
	int rc = versions ? 0 : wn_fail(error, ENOMEM, WN_FAILED, "out of memory");

	pthread_mutex_lock(&several->lock);
	version->state = versions;
	if (versions)
		snprintf(versions->text, sizeof(versions->text), "%s", text);
	for (uint32_t i = 0; !rc && i < several->count; i++) {
		struct part *part = &several->parts[i];

		if (part->is_lost)
			continue;
		rc = part->device.ops->prepare(&part->device, text, &versions->of[i], error);
		versions->has[i] = !rc;
		if (!rc)
			version->program = versions->of[i].program;
	}
	pthread_mutex_unlock(&several->lock);
	if (rc)
		several_drop(device, version);
	return rc;
}

/* One after the other; where one cannot, those before it get their old program back. */
static int replace_all(struct several *several, struct versions *versions, const struct wn_program_data *data,
		       uint64_t *old_sums, int64_t deadline_ns, struct wn_error *error)
{
	uint64_t ignored[WN_LANE_WORDS_MAX];
	int rc = 0;

	for (uint32_t i = 0; i < several->count; i++) {
		struct part *part = &several->parts[i];

		if (part->is_lost)
			continue;
		if (versions->has[i])
			rc = part->device.ops->replace(&part->device, &versions->of[i], data, old_sums, deadline_ns, error);
		else
			rc = wn_fail(error, EAGAIN, WN_FAILED, "reload: a device was given up meanwhile: try again");
		for (uint32_t k = i; rc && k-- > 0;)
			if (!several->parts[k].is_lost)
				several->parts[k].device.ops->replace(&several->parts[k].device, &versions->of[k], several->data,
								      ignored, deadline_ns, NULL);
		if (rc)
			return rc;
	}
	return 0;
}

static int several_replace(struct wn_device *device, struct wn_version *version, const struct wn_program_data *data,
			   uint64_t *old_sums, int64_t deadline_ns, struct wn_error *error)
{
	struct several *several = device->state;
	struct versions *versions = version->state;
	uint64_t sums[WN_LANE_WORDS_MAX] = {0};
	char text[sizeof(versions->text)];
	int rc;

	pthread_mutex_lock(&several->lock);
	rc = replace_all(several, versions, data, sums, deadline_ns, error);
	if (!rc) {
		/* Those that are lost have nothing to do with the new program: their counts are the old one's. */
		for (uint32_t i = 0; i < several->count; i++) {
			struct part *part = &several->parts[i];

			if (!part->is_lost || !part->device.ops)
				continue;
			part->device.ops->sum_counters(&part->device, sums);
			wn_device_close(&part->device);
		}
		for (uint32_t i = 0; i < device->program.lane_words; i++)
			old_sums[i] += sums[i];
		version->program = device->program;
		for (uint32_t i = several->count; i-- > 0;)
			if (!several->parts[i].is_lost)
				device->program = several->parts[i].device.program;
		memcpy(text, versions->text, sizeof(text));
		memcpy(versions->text, several->text, sizeof(text));
		memcpy(several->text, text, sizeof(text));
		several->data = data;
		show_names(several);
	}
	pthread_mutex_unlock(&several->lock);
	return rc;
}

const struct wn_device_ops wn_device_several = {
	.kind = "several",
	.summary = "several devices as one",
	.options = no_options,
	.state_bytes = sizeof(struct several),
	.open = several_open,
	.start = several_start,
	.stop = several_stop,
	.prepare = several_prepare,
	.replace = several_replace,
	.drop = several_drop,
	.sum_counters = several_sum_counters,
	.stage = several_stage,
	.power_mw = several_power_mw,
	.close = several_close,
};
