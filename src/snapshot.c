/* SPDX-License-Identifier: Apache-2.0 */
/* What can be asked of a runtime while it runs: counters, and how it was made. */
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "device/trace.h"
#include "runtime_state.h"
#include "times.h"

static void add_link(const struct wn_runtime *runtime, uint32_t link, struct wn_counters *counters)
{
	const struct wn_link *source = &runtime->links[link];

	for (uint32_t i = 0; i < source->limits.queue_count; i++) {
		const struct wn_queue *queue = &runtime->queues[link][i];

		if (!queue->has_ring)
			continue;
		wn_counters_add(counters, &queue->receive_block, &queue->transmit_block);
		counters->received += wn_load_relaxed64(&queue->held);
		counters->in_flight += wn_load_relaxed64(&queue->held);
		if (source->ops->kernel_dropped)
			counters->kernel_dropped +=
				source->ops->kernel_dropped(queue->link, queue->index);
	}
}

void wn_runtime_snapshot(const struct wn_runtime *runtime, struct wn_counters *counters)
{
	memset(counters, 0, sizeof(*counters));
	for (uint32_t link = 0; link < runtime->params.link_count; link++)
		add_link(runtime, link, counters);
}

void wn_runtime_link_snapshot(const struct wn_runtime *runtime, uint32_t link,
			      struct wn_counters *counters)
{
	memset(counters, 0, sizeof(*counters));
	if (link < runtime->params.link_count)
		add_link(runtime, link, counters);
}

/*
 * Takes all that the program and those before it have counted, and returns what it is. The lock is
 * only for the look: a runtime that anybody may ask is not constant in that.
 */
static const struct wn_program *take_sums(const struct wn_runtime *runtime,
					  uint64_t sums[WN_LANE_WORDS_MAX])
{
	pthread_mutex_t *lock = (pthread_mutex_t *)(uintptr_t)&runtime->version_lock;
	const struct wn_program *program;

	pthread_mutex_lock(lock);
	memcpy(sums, runtime->carried, sizeof(runtime->carried));
	runtime->device.ops->sum_counters(&runtime->device, sums);
	program = &runtime->description->program;
	pthread_mutex_unlock(lock);
	return program;
}

static const struct wn_program *program_of(const struct wn_runtime *runtime)
{
	pthread_mutex_t *lock = (pthread_mutex_t *)(uintptr_t)&runtime->version_lock;
	const struct wn_program *program;

	pthread_mutex_lock(lock);
	program = &runtime->description->program;
	pthread_mutex_unlock(lock);
	return program;
}

uint32_t wn_runtime_program_counters(const struct wn_runtime *runtime, uint64_t *values,
				     uint32_t capacity)
{
	uint64_t sums[WN_LANE_WORDS_MAX];
	const uint32_t count = take_sums(runtime, sums)->counter_count;

	for (uint32_t i = 0; i < count && i < capacity; i++)
		values[i] = sums[i];
	return count;
}

int wn_runtime_stage(const struct wn_runtime *runtime, uint32_t number, struct wn_stage_times *times)
{
	memset(times, 0, sizeof(*times));
	return runtime->device.ops->stage ? runtime->device.ops->stage(&runtime->device, number, times) : 0;
}

int wn_runtime_way(const struct wn_runtime *runtime, uint32_t number, struct wn_stage_times *times)
{
	static const char *const names[WN_FOLLOW_STAGES] = {"whole", "pickup", "device", "send"};
	struct wn_times sum = {0};

	memset(times, 0, sizeof(*times));
	if (number >= WN_FOLLOW_STAGES)
		return 0;
	for (uint32_t link = 0; link < runtime->params.link_count; link++)
		for (uint32_t i = 0; i < runtime->links[link].limits.queue_count; i++)
			wn_times_merge(&sum, &runtime->queues[link][i].follow.stages[number]);
	wn_times_tell(&sum, times);
	times->name = names[number];
	return 1;
}

const char *wn_runtime_program_histogram(const struct wn_runtime *runtime, uint32_t histogram,
					 uint64_t buckets[WN_HISTOGRAM_BUCKETS_LOG2])
{
	uint64_t sums[WN_LANE_WORDS_MAX];
	const struct wn_program *program = take_sums(runtime, sums);
	const uint32_t first = program->counter_count + WN_HISTOGRAM_BUCKETS_LOG2 * histogram;

	if (histogram >= WN_LANE_WORDS_MAX || first + WN_HISTOGRAM_BUCKETS_LOG2 > program->lane_words)
		return NULL;
	memcpy(buckets, sums + first, WN_HISTOGRAM_BUCKETS_LOG2 * sizeof(*buckets));
	return program->histogram_names[histogram];
}

const char *wn_runtime_program_counter_name(const struct wn_runtime *runtime, uint32_t counter)
{
	const struct wn_program *program = program_of(runtime);

	return counter < program->counter_count ? program->counter_names[counter] : NULL;
}

const struct wn_record_field *wn_runtime_record_fields(const struct wn_runtime *runtime)
{
	return program_of(runtime)->record_fields;
}

const char *wn_runtime_program_name(const struct wn_runtime *runtime)
{
	return program_of(runtime)->name;
}

uint32_t wn_runtime_reload_count(const struct wn_runtime *runtime)
{
	pthread_mutex_t *lock = (pthread_mutex_t *)(uintptr_t)&runtime->version_lock;
	uint32_t count;

	pthread_mutex_lock(lock);
	count = runtime->reload_count;
	pthread_mutex_unlock(lock);
	return count;
}

struct wn_trace *wn_runtime_trace(struct wn_runtime *runtime)
{
	const struct wn_device_ops *ops = runtime->device.ops;

	return ops->trace ? ops->trace(&runtime->device) : NULL;
}

const char *wn_runtime_device_name(const struct wn_runtime *runtime)
{
	return runtime->device.name;
}

int wn_runtime_device_fact(const struct wn_runtime *runtime, uint32_t number, struct wn_device_fact *fact)
{
	const struct wn_device_ops *ops = runtime->device.ops;

	memset(fact, 0, sizeof(*fact));
	return ops->fact ? ops->fact(&runtime->device, number, fact) : 0;
}

uint32_t wn_runtime_device_power_mw(const struct wn_runtime *runtime)
{
	const struct wn_device_ops *ops = runtime->device.ops;

	if (runtime->is_stopped)
		return runtime->last_power_mw;
	return ops->power_mw ? ops->power_mw(&runtime->device) : 0;
}

enum wn_mode wn_runtime_mode(const struct wn_runtime *runtime)
{
	return runtime->device.mode;
}

const char *wn_runtime_link_where(const struct wn_runtime *runtime, uint32_t link)
{
	return link < runtime->params.link_count ? runtime->links[link].where : NULL;
}

int wn_runtime_is_driven(const struct wn_runtime *runtime, uint32_t link)
{
	return link < runtime->params.link_count && runtime->is_driven && runtime->links[link].limits.can_receive;
}

int wn_runtime_census(const struct wn_runtime *runtime, uint32_t link, struct wn_census *census)
{
	struct wn_link *source = (struct wn_link *)(uintptr_t)&runtime->links[link];

	memset(census, 0, sizeof(*census));
	if (!wn_runtime_is_driven(runtime, link))
		return -ENOTSUP;
	for (uint32_t i = 0; i < source->limits.queue_count; i++)
		source->ops->census(source, i, census);
	return 0;
}

int wn_runtime_file(const struct wn_runtime *runtime, uint32_t link, struct wn_file_counts *counts)
{
	struct wn_link *source = (struct wn_link *)(uintptr_t)&runtime->links[link];

	memset(counts, 0, sizeof(*counts));
	if (!runtime->params.deliver_file || !wn_runtime_is_driven(runtime, link) || !source->ops->file_counts)
		return -ENOTSUP;
	for (uint32_t i = 0; i < source->limits.queue_count; i++)
		source->ops->file_counts(source, i, counts);
	return 0;
}

int wn_runtime_connections(const struct wn_runtime *runtime, uint32_t link, struct wn_connections *connections)
{
	struct wn_link *source = (struct wn_link *)(uintptr_t)&runtime->links[link];

	memset(connections, 0, sizeof(*connections));
	if (link >= runtime->params.link_count || !source->ops->connections)
		return -ENOTSUP;
	for (uint32_t i = 0; i < source->limits.queue_count; i++)
		source->ops->connections(source, i, connections);
	return 0;
}

const char *wn_end_name(enum wn_connection_end end)
{
	static const char *const names[WN_CONNECTION_ENDS] = {
		[WN_CONNECTION_PEER] = "closed_by_peer", [WN_CONNECTION_PROGRAM] = "closed_by_program",
		[WN_CONNECTION_FAULT] = "program_fault", [WN_CONNECTION_RESET] = "reset",
		[WN_CONNECTION_IDLE] = "idle",           [WN_CONNECTION_REFUSED] = "refused",
		[WN_CONNECTION_OVERRUN] = "overrun",     [WN_CONNECTION_STOPPED] = "stopped",
	};

	return (unsigned)end < WN_CONNECTION_ENDS ? names[end] : "unknown";
}

uint32_t wn_runtime_queue_count(const struct wn_runtime *runtime, uint32_t link)
{
	return link < runtime->params.link_count ? runtime->links[link].limits.queue_count : 0;
}

static const struct wn_queue *first_ring(const struct wn_runtime *runtime, uint32_t link)
{
	if (link >= runtime->params.link_count || !runtime->queues[link][0].has_ring)
		return NULL;
	return &runtime->queues[link][0];
}

uint32_t wn_runtime_slot_count(const struct wn_runtime *runtime, uint32_t link)
{
	const struct wn_queue *queue = first_ring(runtime, link);

	return queue ? queue->ring.header.slot_count : 0;
}

uint32_t wn_runtime_slot_bytes(const struct wn_runtime *runtime, uint32_t link)
{
	const struct wn_queue *queue = first_ring(runtime, link);

	return queue ? queue->ring.header.slot_bytes : 0;
}

size_t wn_runtime_memory_bytes(const struct wn_runtime *runtime)
{
	size_t bytes = runtime->memory_bytes + wn_data_bytes(runtime->data);

	for (uint32_t i = 0; i < runtime->params.link_count; i++)
		bytes += runtime->links[i].memory_bytes;
	return bytes;
}

size_t wn_runtime_data_bytes(const struct wn_runtime *runtime)
{
	return wn_data_bytes(runtime->data);
}

const char *wn_runtime_data_note(const struct wn_runtime *runtime)
{
	return runtime->data->blob.note;
}

uint32_t wn_runtime_ring_depth(const struct wn_runtime *runtime, uint32_t link)
{
	uint32_t depth = 0;

	if (!first_ring(runtime, link))
		return 0;
	for (uint32_t i = 0; i < runtime->links[link].limits.queue_count; i++) {
		const struct wn_queue *queue = &runtime->queues[link][i];
		/* The later cursor first: the other may only have moved on since. */
		const uint32_t released = wn_load_acquire(&queue->ring.released);

		depth += wn_load_acquire(&queue->admitted) - released;
	}
	return depth;
}
