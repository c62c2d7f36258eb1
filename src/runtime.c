/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The runtime makes and owns everything. Start-up order, and its mirror image:
 *
 *   links opened  ->  program loaded  ->  rings made  ->  links attached  ->  device started  ->
 *   pumps started
 */
#include "warpnic/runtime.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "fit.h"
#include "runtime_state.h"

enum { SLOT_COUNT_PRESET = 4096, SLOT_BYTES_PRESET = 2048, STOP_MS_PRESET = 2000 };

void wn_queue_log(const struct wn_queue *queue, int64_t *last_ns, const char *format, ...)
{
	const int64_t now = wn_clock_ns();
	va_list arguments;
	char line[512];

	if (!queue->params->log || (*last_ns && now - *last_ns < WN_SECOND_NS))
		return;
	*last_ns = now;
	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	queue->params->log(queue->params->context, line);
}

/* -- create -- */

struct wn_data *wn_runtime_make_data(const struct wn_runtime_params *params,
				     const struct wn_program *program, struct wn_error *error)
{
	const struct wn_data_wishes wishes = {
		.parameters = params->parameters,
		.parameter_count = params->parameter_count,
		.tables = params->tables,
		.table_count = params->table_count,
		.file = params->data,
		.loads = params->loads,
		.load_count = params->load_count,
	};
	struct wn_data *data = calloc(1, sizeof(*data));

	if (!data) {
		wn_fail(error, ENOMEM, WN_FAILED, "out of memory");
		return NULL;
	}
	if (wn_data_init(data, program, &wishes, error)) {
		free(data);
		return NULL;
	}
	return data;
}

void wn_runtime_free_data(struct wn_data *data)
{
	if (!data)
		return;
	wn_data_finish(data);
	free(data);
}

/* The program first: one that does not compile must not have emptied a file or taken a port. */
static int open_program(struct wn_runtime *runtime, struct wn_error *error)
{
	const struct wn_runtime_params *params = &runtime->params;
	const int rc = wn_device_open(&runtime->device, params->device ? params->device : "cpu",
				      params->mode, params->program, error);

	if (rc)
		return rc;
	runtime->description = wn_description_create(&runtime->device.program);
	if (!runtime->description)
		return wn_fail(error, ENOMEM, WN_FAILED, "out of memory");
	runtime->data = wn_runtime_make_data(params, &runtime->device.program, error);
	return runtime->data ? 0 : -EINVAL;
}

static int open_links(struct wn_runtime *runtime, struct wn_error *error)
{
	const struct wn_runtime_params *params = &runtime->params;

	for (uint32_t i = 0; i < params->link_count; i++) {
		const int rc = wn_link_open(&runtime->links[i], params->links[i], params->filter,
					    params->slot_bytes, params->hooks, error);

		if (rc)
			return rc;
	}
	return 0;
}

static int make_drive(struct wn_runtime *runtime, struct wn_queue *queue, struct wn_error *error)
{
	queue->drive = calloc(1, sizeof(*queue->drive));
	if (!queue->drive)
		return wn_fail(error, ENOMEM, WN_FAILED, "out of memory");
	queue->drive->view.handover = queue->ring.view;
	queue->drive->view.own_link = queue->link_index;
	/* The file of -w is no link in that sense. */
	queue->drive->view.link_count = runtime->params.link_count - (runtime->params.deliver_link ? 1 : 0);
	return queue->link->ops->drive(queue->link, queue->index, queue->drive, error);
}

static struct wn_ring_geometry geometry_for(const struct wn_runtime *runtime,
					    const struct wn_link *link)
{
	const struct wn_link_limits *limits = &link->limits;
	struct wn_ring_geometry geometry = {
		.slot_count = runtime->params.slot_count,
		.slot_bytes = runtime->params.slot_bytes,
		.segments_max = limits->segments_max,
	};

	if (!geometry.slot_count)
		geometry.slot_count = limits->slot_count ? limits->slot_count : SLOT_COUNT_PRESET;
	if (!geometry.slot_bytes)
		geometry.slot_bytes = limits->slot_bytes_min > SLOT_BYTES_PRESET
					      ? limits->slot_bytes_min
					      : SLOT_BYTES_PRESET;
	return geometry;
}

static int make_ring(struct wn_runtime *runtime, struct wn_queue *queue, struct wn_error *error)
{
	const struct wn_ring_geometry geometry = geometry_for(runtime, queue->link);
	int rc = wn_ring_create(&queue->ring, &geometry, error);

	if (rc)
		return rc;
	queue->has_ring = 1;
	queue->ring.view.identity = &queue->link->identity;
	queue->number = runtime->ring_count++;
	runtime->memory_bytes += queue->ring.bytes;
	if (geometry.segments_max > 1) {
		queue->trains = calloc(geometry.slot_count, sizeof(*queue->trains));
		if (!queue->trains)
			return wn_fail(error, ENOMEM, WN_FAILED, "out of memory");
		runtime->memory_bytes += geometry.slot_count * sizeof(*queue->trains);
	}
	wn_receive_init(queue);
	wn_transmit_init(queue);
	if (queue->link->ops->attach)
		rc = queue->link->ops->attach(queue->link, queue->index, &queue->ring.view, error);
	return rc || !runtime->is_driven ? rc : make_drive(runtime, queue, error);
}

/* The queue whose link takes what programs deliver on `link`; NULL: the callback does. */
static struct wn_queue *deliveries_of(const struct wn_runtime *runtime, uint32_t link)
{
	if (runtime->params.deliver_link)
		return runtime->queues[runtime->params.deliver_link - 1];
	return runtime->links[link].limits.keeps_deliveries ? runtime->queues[link] : NULL;
}

static int make_queues(struct wn_runtime *runtime, struct wn_error *error)
{
	const uint32_t link_count = runtime->params.link_count;

	for (uint32_t k = 0; k < link_count; k++) {
		const uint32_t count = runtime->links[k].limits.queue_count;

		runtime->queues[k] = aligned_alloc(WN_LINE_BYTES, count * sizeof(struct wn_queue));
		if (!runtime->queues[k])
			return wn_fail(error, ENOMEM, WN_FAILED, "out of memory");
		memset(runtime->queues[k], 0, count * sizeof(struct wn_queue));
		for (uint32_t i = 0; i < count; i++) {
			struct wn_queue *queue = &runtime->queues[k][i];

			queue->link = &runtime->links[k];
			queue->link_index = k;
			queue->index = i;
			queue->params = &runtime->params;
			queue->budget = runtime->params.packet_limit ? &runtime->budget : NULL;
			pthread_mutex_init(&queue->send_lock, NULL);
			pthread_mutex_init(&queue->late.lock, NULL);
		}
	}
	for (uint32_t k = 0; k < link_count; k++) {
		for (uint32_t i = 0; i < runtime->links[k].limits.queue_count; i++) {
			struct wn_queue *queue = &runtime->queues[k][i];
			int rc;

			queue->outlets.queues = runtime->queues;
			queue->outlets.count = link_count;
			queue->outlets.deliveries = deliveries_of(runtime, k);
			rc = runtime->links[k].limits.can_receive ? make_ring(runtime, queue, error)
								  : 0;
			if (rc)
				return rc;
		}
	}
	return 0;
}

struct wn_runtime *wn_runtime_create(const struct wn_runtime_params *params, struct wn_error *error)
{
	struct wn_runtime *runtime;

	if (wn_fit_params(params, error))
		return NULL;
	runtime = calloc(1, sizeof(*runtime));
	if (!runtime) {
		wn_fail(error, ENOMEM, WN_FAILED, "out of memory");
		return NULL;
	}
	runtime->params = *params;
	if (!runtime->params.stop_ms)
		runtime->params.stop_ms = STOP_MS_PRESET;
	pthread_mutex_init(&runtime->budget.lock, NULL);
	runtime->budget.left = params->packet_limit;
	pthread_mutex_init(&runtime->version_lock, NULL);
	if (open_program(runtime, error) || open_links(runtime, error) ||
	    wn_fit_links(runtime, error) || wn_fit_drive(runtime, error) || wn_fit_deliver_file(runtime, error) ||
	    make_queues(runtime, error)) {
		wn_runtime_destroy(runtime);
		return NULL;
	}
	return runtime;
}

/* -- start, wait, stop -- */

static uint32_t pump_threads(const struct wn_runtime *runtime)
{
	if (runtime->params.pump_threads)
		return runtime->params.pump_threads;
	/* Apart, the two cost a core each; where the pump runs the program there is nothing to gain. */
	if (runtime->device.mode == WN_MODE_BATCH && runtime->device.ops->launch)
		return 1;
	return runtime->device.cores >= 4 ? 2 : 1;
}

/* One pump and one view for each queue with a ring, in the order of their numbers. */
static void join_parts(struct wn_runtime *runtime)
{
	for (uint32_t k = 0; k < runtime->params.link_count; k++) {
		for (uint32_t i = 0; i < runtime->links[k].limits.queue_count; i++) {
			struct wn_queue *queue = &runtime->queues[k][i];

			if (!queue->has_ring)
				continue;
			runtime->views[queue->number] = queue->ring.view;
			runtime->ring_fds[queue->number] = queue->ring.fd;
			runtime->drives[queue->number] = queue->drive;
			runtime->pumps[queue->number] = (struct wn_pump){
				.queue = queue,
				.device = &runtime->device,
				.control = &runtime->control,
				.thread_count = pump_threads(runtime),
			};
			pthread_mutex_init(&runtime->pumps[queue->number].launch_lock, NULL);
		}
	}
}

static int start_threads(struct wn_runtime *runtime, struct wn_error *error)
{
	int rc;

	runtime->device.ring_fds = runtime->ring_fds;
	runtime->device.drives = runtime->is_driven ? runtime->drives : NULL;
	runtime->device.times_off = runtime->params.times_off;
	runtime->device.log = runtime->params.log;
	runtime->device.log_context = runtime->params.context;
	rc = runtime->device.ops->start(&runtime->device, runtime->views, runtime->ring_count,
					     &runtime->data->shown, error);
	for (uint32_t i = 0; !rc && runtime->device.copies && i < runtime->ring_count; i++)
		runtime->pumps[i].queue->receive.producer.copy = &runtime->device.copies[i];
	for (uint32_t i = 0; !rc && i < runtime->ring_count; i++)
		rc = wn_pump_start(&runtime->pumps[i], error);
	return rc;
}

int wn_runtime_start(struct wn_runtime *runtime, struct wn_error *error)
{
	int rc;

	runtime->views = calloc(runtime->ring_count + 1, sizeof(*runtime->views));
	runtime->pumps = calloc(runtime->ring_count + 1, sizeof(*runtime->pumps));
	runtime->ring_fds = calloc(runtime->ring_count + 1, sizeof(*runtime->ring_fds));
	runtime->drives = calloc(runtime->ring_count + 1, sizeof(*runtime->drives));
	if (!runtime->drives || !runtime->views || !runtime->pumps || !runtime->ring_fds)
		return wn_fail(error, ENOMEM, WN_FAILED, "out of memory");
	join_parts(runtime);
	runtime->is_started = 1;
	rc = start_threads(runtime, error);
	runtime->start_failed = rc != 0;
	return rc;
}

static int any_failed(const struct wn_runtime *runtime)
{
	if (wn_load_acquire(&runtime->device.failed))
		return 1;
	for (uint32_t i = 0; i < runtime->ring_count; i++)
		if (wn_load_acquire(&runtime->pumps[i].queue->failed))
			return 1;
	return 0;
}

/* A device that waits for a broken link has to be told to leave at once. */
static int any_stranded(const struct wn_runtime *runtime)
{
	for (uint32_t i = 0; i < runtime->ring_count; i++)
		if (wn_load_acquire(&runtime->pumps[i].queue->stranded))
			return 1;
	return 0;
}

static int any_lost(const struct wn_runtime *runtime)
{
	for (uint32_t i = 0; i < runtime->ring_count; i++)
		if (wn_load_acquire(&runtime->pumps[i].queue->lost))
			return 1;
	return 0;
}

static int all_done(const struct wn_runtime *runtime)
{
	for (uint32_t i = 0; i < runtime->ring_count; i++)
		if (!wn_pump_is_done(&runtime->pumps[i]))
			return 0;
	return 1;
}

int wn_runtime_wait(struct wn_runtime *runtime, uint32_t timeout_ms)
{
	const int64_t deadline = wn_clock_ns() + timeout_ms * WN_MILLISECOND_NS;

	for (;;) {
		const int64_t left = deadline - wn_clock_ns();
		struct timespec pause = {0, left < 10 * WN_MILLISECOND_NS ? left
									  : 10 * WN_MILLISECOND_NS};

		if (any_failed(runtime))
			return -EIO;
		if (wn_load_relaxed(&runtime->control.stop))
			return 1;
		if (all_done(runtime))
			return any_lost(runtime) ? -ENODEV : 1;
		if (left <= 0)
			return 0;
		nanosleep(&pause, NULL);
	}
}

void wn_runtime_request_stop(struct wn_runtime *runtime)
{
	wn_store_relaxed(&runtime->control.stop, 1);
}

/* Waits for the pumps to drain. Past the deadline they are told to leave as they are. */
static int join_pumps(struct wn_runtime *runtime, int64_t deadline_ns)
{
	int rc = 0;

	for (uint32_t i = 0; i < runtime->ring_count; i++)
		if (wn_pump_join(&runtime->pumps[i], deadline_ns))
			rc = -ETIMEDOUT;
	if (!rc)
		return 0;
	wn_store_relaxed(&runtime->control.give_up, 1);
	for (uint32_t i = 0; i < runtime->ring_count; i++)
		if (wn_pump_join(&runtime->pumps[i], wn_clock_ns() + WN_SECOND_NS))
			runtime->device_is_lost = 1;
	return rc;
}

/* Queues that the device drives: it has let go of them, or does not come back. */
static void settle_drives(struct wn_runtime *runtime)
{
	for (uint32_t i = 0; i < runtime->ring_count; i++) {
		struct wn_queue *queue = runtime->pumps[i].queue;

		if (!queue->drive)
			continue;
		if (runtime->device_is_lost)
			wn_drive_count_held(queue);
		else
			wn_drive_settle(queue, 1);
	}
}

static void close_rings(struct wn_runtime *runtime)
{
	for (uint32_t i = 0; i < runtime->ring_count; i++)
		if (!runtime->pumps[i].started && !runtime->pumps[i].queue->drive)
			wn_receive_close(runtime->pumps[i].queue);
}

/* Whatever is left in a ring has one last fate. Only once its pumps have left. */
static void abandon_leftovers(struct wn_runtime *runtime)
{
	for (uint32_t i = 0; i < runtime->ring_count; i++) {
		struct wn_pump *pump = &runtime->pumps[i];

		if (!pump->started && !wn_transmit_is_drained(pump->queue))
			wn_transmit_abandon(pump->queue);
	}
}

int wn_runtime_stop(struct wn_runtime *runtime)
{
	const int64_t patience = runtime->params.stop_ms * WN_MILLISECOND_NS;
	int rc;

	if (!runtime->is_started || runtime->is_stopped)
		return runtime->stop_result;
	runtime->last_power_mw = wn_runtime_device_power_mw(runtime);
	runtime->is_stopped = 1;
	wn_runtime_request_stop(runtime);
	if (runtime->start_failed)
		wn_store_relaxed(&runtime->control.give_up, 1);
	rc = join_pumps(runtime, wn_clock_ns() + patience);
	close_rings(runtime);
	if (runtime->device.ops->stop(&runtime->device, wn_clock_ns() + patience,
				      rc != 0 || runtime->start_failed || any_failed(runtime) || any_stranded(runtime))) {
		runtime->device_is_lost = 1;
		rc = -ETIMEDOUT;
	}
	settle_drives(runtime);
	abandon_leftovers(runtime);
	runtime->stop_result = rc;
	return rc;
}

/* -- destroy -- */

static void free_queues(struct wn_runtime *runtime, uint32_t link)
{
	if (!runtime->queues[link])
		return;
	for (uint32_t i = 0; i < runtime->links[link].limits.queue_count; i++) {
		struct wn_queue *queue = &runtime->queues[link][i];

		wn_ring_destroy(&queue->ring);
		free(queue->trains);
		free(queue->drive);
		pthread_mutex_destroy(&queue->send_lock);
		pthread_mutex_destroy(&queue->late.lock);
	}
	free(runtime->queues[link]);
}

static void free_descriptions(struct wn_runtime *runtime)
{
	while (runtime->description) {
		struct wn_description *older = runtime->description->older;

		free(runtime->description);
		runtime->description = older;
	}
}

void wn_runtime_destroy(struct wn_runtime *runtime)
{
	if (!runtime)
		return;
	wn_runtime_stop(runtime);
	if (runtime->device_is_lost)
		return; /* somebody may still use every byte of it; the process's end frees it */
	wn_device_close(&runtime->device);
	wn_runtime_free_data(runtime->data);
	while (runtime->old_data) {
		struct wn_data *older = runtime->old_data->older;

		wn_runtime_free_data(runtime->old_data);
		runtime->old_data = older;
	}
	for (uint32_t k = 0; k < runtime->params.link_count; k++) {
		free_queues(runtime, k);
		wn_link_close(&runtime->links[k]);
	}
	free_descriptions(runtime);
	pthread_mutex_destroy(&runtime->version_lock);
	pthread_mutex_destroy(&runtime->budget.lock);
	for (uint32_t i = 0; runtime->pumps && i < runtime->ring_count; i++)
		pthread_mutex_destroy(&runtime->pumps[i].launch_lock);
	free(runtime->pumps);
	free(runtime->views);
	free(runtime->drives);
	free(runtime->ring_fds);
	free(runtime);
}
