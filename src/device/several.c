/* SPDX-License-Identifier: Apache-2.0 */
#include "device/several.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct wn_option no_options[] = {{0}};

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
static int split(struct wn_several *several, const char *spec, struct wn_error *error)
{
	const char *options = spec;

	while (*options) {
		const size_t length = piece_length(options);

		if (!is_device(options, length))
			break;
		if (several->count == WN_PARTS_MAX)
			return wn_fail(error, EINVAL, WN_USAGE, "device '%s': at most %d devices", spec, WN_PARTS_MAX);
		snprintf(several->parts[several->count++].spec, WN_PART_SPEC_BYTES, "%.*s", (int)length, options);
		options += length + (options[length] == ',');
	}
	for (uint32_t i = 0; *options && i < several->count; i++) {
		struct wn_part *part = &several->parts[i];
		const size_t used = strlen(part->spec);

		if ((size_t)snprintf(part->spec + used, WN_PART_SPEC_BYTES - used, ",%s", options) >= WN_PART_SPEC_BYTES - used)
			return wn_fail(error, EINVAL, WN_USAGE, "device '%s': too long", spec);
	}
	return 0;
}

/* -- open and close -- */

int wn_several_open_part(struct wn_several *several, struct wn_part *part, const char *program, struct wn_error *error)
{
	struct wn_device *device = several->device;
	const int rc = wn_device_open(&part->device, part->spec, device->mode, program, error);

	if (rc)
		return rc;
	if (part->device.ops->launch || !part->device.ops->prepare)
		return wn_fail(error, ENOTSUP, WN_USAGE, "device '%s': there can only be one of it in a run", part->spec);
	/* The others follow the first one's choice of a mode. */
	if (device->mode == WN_MODE_AUTO)
		device->mode = part->device.mode;
	return 0;
}

void wn_several_close_part(struct wn_part *part)
{
	wn_device_close(&part->device);
	free(part->numbers);
	free(part->views);
	free(part->fds);
	free(part->starts);
	memset(part, 0, sizeof(*part));
}

void wn_several_show_names(struct wn_several *several)
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
	struct wn_several *several = device->state;
	int rc;

	several->device = device;
	rc = split(several, device->spec, error);
	snprintf(several->text, sizeof(several->text), "%s", device->program_text);
	for (uint32_t i = 0; !rc && i < several->count; i++)
		rc = wn_several_open_part(several, &several->parts[i], device->program_text, error);
	if (rc) {
		for (uint32_t i = 0; i < several->count; i++)
			wn_several_close_part(&several->parts[i]);
		return rc;
	}
	pthread_mutex_init(&several->lock, NULL);
	device->program = several->parts[0].device.program;
	wn_several_show_names(several);
	return 0;
}

static void several_close(struct wn_device *device)
{
	struct wn_several *several = device->state;

	wn_several_end_watch(several);
	for (uint32_t i = 0; i < several->count; i++)
		wn_several_close_part(&several->parts[i]);
	pthread_mutex_destroy(&several->lock);
}

/* -- start -- */

int wn_several_take_queues(struct wn_part *part, uint32_t capacity, struct wn_error *error)
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

void wn_several_add_queue(const struct wn_several *several, struct wn_part *part, uint32_t number, uint32_t start)
{
	part->numbers[part->count] = number;
	part->views[part->count] = several->views[number];
	part->fds[part->count] = several->device->ring_fds[number];
	part->starts[part->count++] = start;
}

int wn_several_start_part(struct wn_several *several, struct wn_part *part, struct wn_error *error)
{
	struct wn_device *device = &part->device;
	int rc;

	device->ring_fds = part->fds;
	device->starts = part->starts;
	device->times_off = several->device->times_off;
	device->hurry = &several->ending;
	device->log = several->device->log;
	device->log_context = several->device->log_context;
	rc = device->ops->start(device, part->views, part->count, several->data, error);
	if (!rc && device->copies)
		return wn_fail(error, ENOTSUP, WN_USAGE, "device '%s': with several devices what is received stays in host memory: rings=host",
			       part->spec);
	return rc;
}

static int several_start(struct wn_device *device, const struct wn_ring_view *views, uint32_t count,
			 const struct wn_program_data *data, struct wn_error *error)
{
	struct wn_several *several = device->state;
	int rc = 0;

	several->views = views;
	several->queue_count = count;
	several->data = data;
	if (count < several->count)
		return wn_fail(error, EINVAL, WN_USAGE, "%u devices for %u queue%s: a queue each is the least (queues=%u)",
			       several->count, count, count == 1 ? "" : "s", several->count);
	for (uint32_t i = 0; !rc && i < several->count; i++) {
		struct wn_part *part = &several->parts[i];

		rc = wn_several_take_queues(part, count, error);
		for (uint32_t q = i; !rc && q < count; q += several->count)
			wn_several_add_queue(several, part, q, wn_load_acquire(&views[q].words->published));
		if (!rc)
			rc = wn_several_start_part(several, part, error);
	}
	if (rc)
		return rc;
	wn_several_show_names(several);
	return wn_several_watch(several, error);
}

static int several_stop(struct wn_device *device, int64_t deadline_ns, int abandon)
{
	struct wn_several *several = device->state;
	int rc = 0;

	wn_several_end_watch(several);
	for (uint32_t i = 0; i < several->count; i++) {
		struct wn_part *part = &several->parts[i];

		if (!part->is_lost && part->device.ops && part->device.ops->stop(&part->device, deadline_ns, abandon))
			rc = -ETIMEDOUT;
	}
	return rc;
}

/* -- counters and stages -- */

static void several_sum_counters(const struct wn_device *device, uint64_t *sums)
{
	struct wn_several *several = device->state;

	pthread_mutex_lock(&several->lock);
	for (uint32_t i = 0; i < several->count; i++)
		if (several->parts[i].device.ops)
			several->parts[i].device.ops->sum_counters(&several->parts[i].device, sums);
	pthread_mutex_unlock(&several->lock);
}

/* Means weighed by packets; of quantiles the largest. */
static int several_stage(const struct wn_device *device, uint32_t number, struct wn_stage_times *times)
{
	struct wn_several *several = device->state;
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
	struct wn_several *several = device->state;
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

/* Those of all parts, one part after the other. */
static int several_fact(const struct wn_device *device, uint32_t number, struct wn_device_fact *fact)
{
	struct wn_several *several = device->state;
	int found = 0;

	pthread_mutex_lock(&several->lock);
	for (uint32_t i = 0; !found && i < several->count; i++) {
		const struct wn_device *part = &several->parts[i].device;
		uint32_t own = 0;

		if (several->parts[i].is_lost || !part->ops || !part->ops->fact)
			continue;
		while (!found && part->ops->fact(part, own, fact)) {
			found = number == 0;
			number -= !found;
			own++;
		}
	}
	pthread_mutex_unlock(&several->lock);
	return found;
}

const struct wn_device_ops wn_device_several = {
	.kind = "several",
	.summary = "several devices as one",
	.options = no_options,
	.state_bytes = sizeof(struct wn_several),
	.open = several_open,
	.start = several_start,
	.stop = several_stop,
	.prepare = wn_several_prepare,
	.replace = wn_several_replace,
	.drop = wn_several_drop,
	.sum_counters = several_sum_counters,
	.stage = several_stage,
	.power_mw = several_power_mw,
	.fact = several_fact,
	.close = several_close,
};
