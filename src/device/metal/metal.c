/* SPDX-License-Identifier: Apache-2.0 */
#include "device/metal/metal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backoff.h"
#include "clock.h"

static const struct wn_option metal_options[] = {
	{"lanes", WN_OPTION_NUMBER, 0, WN_METAL_LANES_MAX, NULL, "0", "threads of a threadgroup; 0: 32", 0},
	{"ahead", WN_OPTION_NUMBER, 1, WN_METAL_AHEAD_MAX, NULL, "3",
	 "command buffers of a queue under way in batch mode; 1: each is waited for", 0},
	{"batch", WN_OPTION_NUMBER, 0, WN_METAL_BATCH_MAX, NULL, "0",
	 "packets of a command buffer in batch mode, at most; 0: 256, fewer where slots are large", 0},
	{"lease", WN_OPTION_NUMBER, 1, WN_METAL_LEASE_MS_MAX, NULL, "5", "ms of one command buffer in lease mode", 0},
	{"failures", WN_OPTION_NUMBER, 1, 1000, NULL, "8",
	 "packets in a row that fail alone, or leases, until the device is given up", 0},
	{"stuck", WN_OPTION_NUMBER, 50, 60000, NULL, "10000", "ms that a command buffer may take", 0},
	{0},
};

enum { LANES_PRESET = 32 };

/* -- what is there -- */

static int is_not_here(struct wn_device_summary *list, uint32_t capacity, const char *note)
{
	if (!capacity)
		return 1;
	memset(list, 0, sizeof(*list));
	snprintf(list->spec, sizeof(list->spec), "metal");
	snprintf(list->note, sizeof(list->note), "%s", note);
	return 1;
}

static void describe(struct wn_device_summary *summary, uint32_t number, wn_id gpu)
{
	memset(summary, 0, sizeof(*summary));
	snprintf(summary->spec, sizeof(summary->spec), "metal:%u", number);
	snprintf(summary->name, sizeof(summary->name), "%s", wn_mtl_device_name(gpu));
	snprintf(summary->modes, sizeof(summary->modes), "batch; lease where asked for");
	summary->usable = 1;
}

static int list_devices(struct wn_device_summary *list, uint32_t capacity)
{
	wn_id devices = wn_mtl_copy_devices();
	const wn_ulong count = devices ? wn_mtl_count(devices) : 0;

	for (wn_ulong i = 0; i < count && i < capacity; i++)
		describe(&list[i], (uint32_t)i, wn_mtl_at(devices, i));
	wn_mtl_release(devices);
	return count ? (int)count : is_not_here(list, capacity, "Metal is here, but it has no device");
}

static int metal_list(struct wn_device_summary *list, uint32_t capacity)
{
	const char *why;
	void *pool;
	int count;

	if (wn_mtl_open(&why))
		return is_not_here(list, capacity, why);
	pool = wn_mtl_pool_push();
	count = list_devices(list, capacity);
	wn_mtl_pool_pop(pool);
	return count;
}

/* -- open -- */

static int parse_ordinal(const char *text, uint32_t *ordinal, struct wn_error *error)
{
	uint64_t number = 0;

	if (text[0] && (wn_parse_number(text, 0, &number) || number > 255))
		return wn_fail(error, EINVAL, WN_USAGE,
			       "device 'metal:%s': a number of a GPU, from 0, as `warpnic devices` shows it", text);
	*ordinal = (uint32_t)number;
	return 0;
}

static int find_gpu(struct wn_metal *metal, struct wn_error *error)
{
	wn_id devices = wn_mtl_copy_devices();
	const wn_ulong count = devices ? wn_mtl_count(devices) : 0;

	if (metal->ordinal < count) {
		metal->gpu = wn_mtl_retain(wn_mtl_at(devices, metal->ordinal));
		snprintf(metal->name, sizeof(metal->name), "%s", wn_mtl_device_name(metal->gpu));
	}
	wn_mtl_release(devices);
	if (metal->gpu)
		return 0;
	if (!count)
		return wn_fail(error, ENODEV, WN_UNAVAILABLE, "metal device: Metal is here, but it has no device");
	return wn_fail(error, ENODEV, WN_UNAVAILABLE, "device 'metal:%u': there %s %lu GPU%s here, from 0", metal->ordinal,
		       count == 1 ? "is" : "are", count, count == 1 ? "" : "s");
}

/* The newest language that this system compiles: what fresh options say. */
static int find_language(struct wn_metal *metal, struct wn_error *error)
{
	wn_id options = wn_mtl_new_compile_options();

	if (!options)
		return wn_fail(error, ENODEV, WN_UNAVAILABLE, "metal device: this system's Metal has no compiler");
	metal->language = wn_mtl_language(options);
	wn_mtl_release(options);
	if (metal->device->mode == WN_MODE_LEASE && metal->language < WN_MTL_LANGUAGE(3, 2))
		return wn_fail(error, ENOTSUP, WN_UNAVAILABLE,
			       "metal device: lease mode needs the Metal Shading Language 3.2 (macOS 15), and this system has "
			       "%lu.%lu; say --mode batch, or auto", metal->language >> 16, metal->language & 0xffff);
	return 0;
}

static int choose_mode(struct wn_device *device, struct wn_error *error)
{
	if (device->mode == WN_MODE_RESIDENT)
		return wn_fail(error, ENOTSUP, WN_UNAVAILABLE,
			       "metal device: no resident mode: macOS ends a command buffer that keeps the GPU for long, and "
			       "nobody else has it meanwhile; say --mode batch, or lease");
	if (device->mode == WN_MODE_AUTO)
		device->mode = WN_MODE_BATCH;
	return 0;
}

static void choose_sizes(struct wn_metal *metal)
{
	const struct wn_options *options = &metal->device->options;
	const wn_ulong most = wn_mtl_group_lanes_max(metal->current->pipeline);

	metal->ahead = (uint32_t)wn_options_number(options, "ahead");
	metal->failures_max = (uint32_t)wn_options_number(options, "failures");
	metal->lanes = (uint32_t)wn_options_number(options, "lanes");
	if (!metal->lanes)
		metal->lanes = LANES_PRESET;
	if (most && metal->lanes > most)
		metal->lanes = (uint32_t)most;
}

static int open_with_pool(struct wn_device *device, struct wn_error *error)
{
	struct wn_metal *metal = device->state;
	int rc = find_gpu(metal, error);

	if (!rc)
		rc = find_language(metal, error);
	if (!rc)
		rc = wn_metal_version_make(metal, device->program_text, 0, &metal->current, error);
	if (rc)
		return rc;
	choose_sizes(metal);
	device->program = metal->current->program;
	snprintf(device->name, sizeof(device->name), "metal:%u, %s", metal->ordinal, metal->name);
	return 0;
}

static int metal_open(struct wn_device *device, struct wn_error *error)
{
	struct wn_metal *metal = device->state;
	const char *why;
	void *pool;
	int rc = parse_ordinal(device->options.address, &metal->ordinal, error);

	metal->device = device;
	if (!rc)
		rc = choose_mode(device, error);
	if (rc)
		return rc;
	if (wn_mtl_open(&why))
		return wn_fail(error, ENODEV, WN_UNAVAILABLE, "metal device: %s", why);
	pool = wn_mtl_pool_push();
	rc = open_with_pool(device, error);
	if (rc) {
		wn_metal_version_free(metal->current);
		wn_mtl_release(metal->gpu);
	}
	wn_mtl_pool_pop(pool);
	return rc;
}

/* -- start and stop -- */

static int make_memory(struct wn_metal *metal, const struct wn_program_data *data, struct wn_error *error)
{
	const int is_lease = metal->device->mode == WN_MODE_LEASE;
	int rc;

	/* As many as can be under way, and some for the self-test. */
	metal->commands = wn_mtl_new_queue(metal->gpu, metal->queue_count * metal->ahead + 8);
	if (!metal->commands)
		return wn_fail(error, ENODEV, WN_UNAVAILABLE, "metal device: %s gives no command queue", metal->name);
	rc = wn_metal_selftest(metal, error);
	if (!rc && is_lease)
		rc = wn_metal_handshake(metal, error);
	if (!rc)
		rc = is_lease ? wn_metal_lease_make(metal, error) : wn_metal_batch_make(metal, error);
	return rc ? rc : wn_metal_version_give(metal, metal->current, NULL, data, error);
}

static void name_device(struct wn_metal *metal)
{
	struct wn_device *device = metal->device;

	snprintf(device->name, sizeof(device->name), "metal:%u, %.90s, threadgroups of %u, %s", metal->ordinal, metal->name,
		 metal->lanes, wn_mode_name(device->mode));
	wn_metal_say(metal, "%s", device->name);
}

static int metal_start(struct wn_device *device, const struct wn_ring_view *views, uint32_t count,
		       const struct wn_program_data *data, struct wn_error *error)
{
	struct wn_metal *metal = device->state;
	void *pool;
	int rc;

	if (count > WN_CL_QUEUES_MAX)
		return wn_fail(error, EINVAL, WN_USAGE, "metal device: %u queues: at most %d", count, WN_CL_QUEUES_MAX);
	metal->views = views;
	metal->queue_count = count;
	for (uint32_t i = 0; i < count; i++)
		metal->queues[i].taken = device->starts ? device->starts[i] : wn_load_acquire(&views[i].words->published);
	pool = wn_mtl_pool_push();
	rc = make_memory(metal, data, error);
	wn_mtl_pool_pop(pool);
	if (rc)
		return rc;
	name_device(metal);
	return wn_metal_run(metal, error);
}

static int metal_stop(struct wn_device *device, int64_t deadline_ns, int abandon)
{
	struct wn_metal *metal = device->state;

	if (abandon)
		wn_store_relaxed(&metal->abandon, 1);
	if (!metal->is_started)
		return 0;
	if (wn_backoff_until_done(&metal->done, deadline_ns))
		return -ETIMEDOUT;
	pthread_join(metal->thread, NULL);
	metal->is_started = 0;
	if (metal->retried || metal->stopped)
		wn_metal_say(metal, "%s: %llu launches failed, %llu packets were given up", device->name,
			     (unsigned long long)metal->retried, (unsigned long long)metal->stopped);
	return 0;
}

static void metal_close(struct wn_device *device)
{
	struct wn_metal *metal = device->state;
	void *pool;

	wn_store_relaxed(&metal->abandon, 1);
	if (metal->is_started)
		pthread_join(metal->thread, NULL);
	pool = wn_mtl_pool_push();
	wn_metal_batch_end(metal);
	wn_metal_lease_end(metal);
	wn_metal_version_free(metal->current);
	wn_mtl_release(metal->commands);
	wn_mtl_release(metal->gpu);
	wn_mtl_pool_pop(pool);
}

/* -- replace -- */

static int metal_prepare(struct wn_device *device, const char *text, struct wn_version *version, struct wn_error *error)
{
	struct wn_metal *metal = device->state;
	struct wn_metal_version *made = NULL;
	void *pool = wn_mtl_pool_push();
	const int rc = wn_metal_version_make(metal, text, WN_CPU_ANEW, &made, error);

	wn_mtl_pool_pop(pool);
	if (rc)
		return rc;
	version->program = made->program;
	version->state = made;
	return 0;
}

static void add_sums(const struct wn_metal_version *version, uint64_t *sums)
{
	for (uint32_t i = 0; i < version->program.lane_words; i++)
		sums[i] += wn_load_relaxed64(&version->sums[i]);
}

/* Lets the thread come to where nothing is under way. 0, or -ETIMEDOUT and it goes on as before. */
static int hold(struct wn_metal *metal, int64_t deadline_ns, struct wn_error *error)
{
	struct wn_backoff backoff;

	metal->holds = metal->holds + 1 ? metal->holds + 1 : 1;
	wn_store_release(&metal->hold, metal->holds); /* (H) */
	wn_backoff_init(&backoff, 1);
	while (wn_load_acquire(&metal->held) != metal->holds && !wn_load_acquire(&metal->done)) { /* (I) */
		if (wn_clock_ns() >= deadline_ns) {
			wn_store_release(&metal->hold, 0); /* (J) */
			return wn_fail(error, ETIMEDOUT, WN_FAILED, "metal device: its command buffers did not complete in time");
		}
		wn_backoff_wait(&backoff);
	}
	return 0;
}

static int replace_with_pool(struct wn_metal *metal, struct wn_version *version, const struct wn_program_data *data,
			     uint64_t *old_sums, int64_t deadline_ns, struct wn_error *error)
{
	struct wn_metal_version *fresh = version->state, *old = metal->current;
	const struct wn_program old_program = metal->device->program;
	int rc = wn_metal_version_give(metal, fresh, old, data, error);

	if (!rc)
		rc = hold(metal, deadline_ns, error);
	if (rc)
		return rc;
	metal->current = fresh;
	wn_store_release(&metal->hold, 0); /* (J) */
	add_sums(old, old_sums);
	metal->device->program = version->program;
	version->program = old_program;
	version->state = old;
	return 0;
}

static int metal_replace(struct wn_device *device, struct wn_version *version, const struct wn_program_data *data,
			 uint64_t *old_sums, int64_t deadline_ns, struct wn_error *error)
{
	void *pool = wn_mtl_pool_push();
	const int rc = replace_with_pool(device->state, version, data, old_sums, deadline_ns, error);

	wn_mtl_pool_pop(pool);
	return rc;
}

static void metal_drop(struct wn_device *device, struct wn_version *version)
{
	void *pool;

	(void)device;
	if (version->state) {
		pool = wn_mtl_pool_push();
		wn_metal_version_free(version->state);
		wn_mtl_pool_pop(pool);
	}
	memset(version, 0, sizeof(*version));
}

static void metal_sum_counters(const struct wn_device *device, uint64_t *sums)
{
	const struct wn_metal *metal = device->state;

	add_sums(metal->current, sums);
}

static int metal_fact(const struct wn_device *device, uint32_t number, struct wn_device_fact *fact)
{
	const struct wn_metal *metal = device->state;
	const wn_ulong language = metal->language;

	switch (number) {
	case 0:
		snprintf(fact->name, sizeof(fact->name), "MSL");
		snprintf(fact->value, sizeof(fact->value), "%lu.%lu", language >> 16, language & 0xffff);
		return 1;
	case 1:
		snprintf(fact->name, sizeof(fact->name), "self-test");
		snprintf(fact->value, sizeof(fact->value), "%u messages, %u stale words%s", metal->rounds, metal->stale,
			 device->mode == WN_MODE_LEASE ? ", while kernels ran" : ", one a command buffer");
		return 1;
	case 2:
		snprintf(fact->name, sizeof(fact->name), "failed");
		snprintf(fact->value, sizeof(fact->value), "%llu command buffers, %llu packets given up",
			 (unsigned long long)wn_load_relaxed64(&metal->retried),
			 (unsigned long long)wn_load_relaxed64(&metal->stopped));
		return 1;
	default:
		return 0;
	}
}

const struct wn_device_ops wn_device_metal = {
	.kind = "metal",
	.summary = "Apple's GPUs, by number: metal:0",
	.options = metal_options,
	.state_bytes = sizeof(struct wn_metal),
	.list = metal_list,
	.open = metal_open,
	.start = metal_start,
	.stop = metal_stop,
	.prepare = metal_prepare,
	.replace = metal_replace,
	.drop = metal_drop,
	.sum_counters = metal_sum_counters,
	.fact = metal_fact,
	.close = metal_close,
};
