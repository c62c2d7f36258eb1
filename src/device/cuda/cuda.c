/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cuda device: a group is one warp, groups of all queues are one grid.
 *
 *   cuda.c        the contract of device.h; what any device with a process of its own does is in device/team
 *   worker*.c     that process
 *   code.c        a program as code for the GPU
 *
 * No CUDA context is ever made in this process: see device/team/control.h.
 */
#include "device/cuda/cuda.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "device/cuda/code.h"
#include "device/cuda/driver.h"
#include "device/cuda/power.h"

static const struct wn_option cuda_options[] = {
	{"groups", WN_OPTION_NUMBER, 0, WN_CUDA_GROUPS_MAX, NULL, "0",
	 "groups (warps) a queue; 0: as many as are of use", 0},
	{"restarts", WN_OPTION_NUMBER, 0, 1000, NULL, "3", "times that a stopped GPU is started anew", 0},
	{"stuck", WN_OPTION_NUMBER, 50, 60000, NULL, "600", "ms without an answer until a program counts as stuck", 0},
	{"lease", WN_OPTION_NUMBER, 1, 1000, NULL, "100", "ms of one launch in lease mode", 0},
	{"ahead", WN_OPTION_NUMBER, 1, WN_CUDA_AHEAD_MAX, NULL, "3",
	 "launches of a queue under way in batch mode; 1: each is waited for", 0},
	{"batch", WN_OPTION_NUMBER, 0, WN_CUDA_BATCH_MAX, NULL, "0",
	 "packets of a launch in batch mode, at most; 0: all there are", 0},
	{"doze", WN_OPTION_NUMBER, 0, 1000000, NULL, "2000", "ns that idle groups sleep between two looks", 0},
	{"code", WN_OPTION_CHOICE, 0, 0, "auto|ptx", "auto", "ready-made code: for this GPU, or what its driver compiles",
	 0},
	{"rings", WN_OPTION_CHOICE, 0, 0, "host|gpu|auto", "host",
	 "where what is received lies for the GPU to read; auto: where a round trip is shorter", 0},
	{0},
};

enum { RINGS_HOST, RINGS_GPU, RINGS_AUTO };

enum { GROUPS_PRESET = 24, BATCH_GROUPS_PRESET = 32 };

static void describe_gpu(const struct wn_cuda_driver *driver, int ordinal,
			 struct wn_device_summary *summary)
{
	CUdevice gpu;
	char name[80] = "";

	memset(summary, 0, sizeof(*summary));
	snprintf(summary->spec, sizeof(summary->spec), "cuda:%d", ordinal);
	if (driver->cuDeviceGet(&gpu, ordinal) ||
	    driver->cuDeviceGetName(name, sizeof(name), gpu)) {
		snprintf(summary->note, sizeof(summary->note), "the driver does not tell about it");
		return;
	}
	snprintf(summary->name, sizeof(summary->name), "%s, sm_%d%d, %d multiprocessors", name,
		 wn_cuda_attribute(driver, gpu, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR),
		 wn_cuda_attribute(driver, gpu, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR),
		 wn_cuda_attribute(driver, gpu, CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT));
	snprintf(summary->modes, sizeof(summary->modes), "resident, lease, batch");
	summary->usable =
		wn_cuda_attribute(driver, gpu, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR) >= 7;
	if (!summary->usable)
		snprintf(summary->note, sizeof(summary->note),
			 "compute capability 7.0 or later is needed");
	else if (wn_cuda_attribute(driver, gpu, CU_DEVICE_ATTRIBUTE_KERNEL_EXEC_TIMEOUT))
		snprintf(summary->note, sizeof(summary->note),
			 "kernels have a time limit: lease mode is chosen");
}

static int cuda_list(struct wn_device_summary *list, uint32_t capacity)
{
	const struct wn_cuda_driver *driver;
	struct wn_error error = {0};
	int count = 0;

	driver = wn_cuda_driver_open(&error);
	if (driver && !driver->cuDeviceGetCount(&count) && count) {
		for (int i = 0; i < count && (uint32_t)i < capacity; i++)
			describe_gpu(driver, i, &list[i]);
		return count;
	}
	if (capacity) {
		memset(list, 0, sizeof(*list));
		snprintf(list->spec, sizeof(list->spec), "cuda");
		snprintf(list->note, sizeof(list->note), "%.250s",
			 driver ? "the CUDA driver has no GPU" : error.text);
	}
	return 1;
}

/* -- open -- */

static int parse_ordinal(const char *text, uint32_t *ordinal, struct wn_error *error)
{
	uint64_t number = 0;

	if (text[0] && (wn_parse_number(text, 0, &number) || number > 255))
		return wn_fail(error, EINVAL, WN_USAGE,
			       "device 'cuda:%s': a number of a GPU, from 0; for example cuda:0",
			       text);
	*ordinal = (uint32_t)number;
	return 0;
}

static int find_gpu(struct cuda *cuda, struct wn_device *device, struct wn_error *error)
{
	const struct wn_cuda_driver *driver = wn_cuda_driver_open(error);
	int count = 0;
	CUdevice gpu;

	if (!driver)
		return -ENOENT;
	if (driver->cuDeviceGetCount(&count) || cuda->ordinal >= (uint32_t)count ||
	    driver->cuDeviceGet(&gpu, (int)cuda->ordinal))
		return wn_fail(error, ENODEV, WN_UNAVAILABLE,
			       "device 'cuda:%u': there %s %d GPU%s here, from 0", cuda->ordinal,
			       count == 1 ? "is" : "are", count, count == 1 ? "" : "s");
	driver->cuDeviceGetName(cuda->name, sizeof(cuda->name), gpu);
	cuda->major = wn_cuda_attribute(driver, gpu, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR);
	cuda->minor = wn_cuda_attribute(driver, gpu, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR);
	cuda->processors =
		(uint32_t)wn_cuda_attribute(driver, gpu, CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT);
	cuda->local_bytes_max = (uint32_t)wn_cuda_attribute(
		driver, gpu, CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN);
	if (cuda->major < 7)
		return wn_fail(
			error, ENOTSUP, WN_UNAVAILABLE,
			"device 'cuda:%u': %s has compute capability %d.%d; 7.0 or later is needed",
			cuda->ordinal, cuda->name, cuda->major, cuda->minor);
	cuda->is_auto = device->mode == WN_MODE_AUTO;
	if (cuda->is_auto)
		device->mode =
			wn_cuda_attribute(driver, gpu, CU_DEVICE_ATTRIBUTE_KERNEL_EXEC_TIMEOUT) ||
					!wn_cuda_attribute(driver, gpu,
							   CU_DEVICE_ATTRIBUTE_COOPERATIVE_LAUNCH)
				? WN_MODE_LEASE
				: WN_MODE_RESIDENT;
	return 0;
}

static int load_version(const struct cuda *cuda, const char *text, int anew,
			struct wn_remote_version **version, struct wn_error *error)
{
	int rc = wn_remote_version_make(version, text, anew, error);

	if (rc)
		return rc;
	rc = wn_cuda_code_make(&(*version)->code, text, cuda->major, cuda->minor, cuda->only_ptx, error);
	if (rc) {
		wn_remote_version_free(*version);
		*version = NULL;
	}
	return rc;
}

/* -- start -- */

/* Bytes of a packet in local memory: what the program looks at, as long as a lane can have that many. */
static uint32_t stage_bytes_of(const struct cuda *cuda, const struct wn_program *program)
{
	uint32_t bytes = 0;

	for (uint32_t i = 0; i < cuda->remote.queue_count; i++) {
		const struct wn_ring_view *view = &cuda->remote.views[i];
		uint32_t needed = program->look_bytes < view->slot_bytes ? program->look_bytes
									 : view->slot_bytes;

		/* The stack looks at all of a frame, whatever its program does. */
		if (view->identity && (view->identity->ipv4_count || view->identity->ipv6_count))
			needed = view->slot_bytes;
		if (needed > WN_CUDA_STAGE_BYTES_MAX)
			needed = WN_CUDA_STAGE_BYTES_MAX;
		bytes = needed > bytes ? needed : bytes;
	}
	return (bytes + WN_CHUNK_BYTES - 1) / WN_CHUNK_BYTES * WN_CHUNK_BYTES;
}

/* Groups that are of use, of those that fit: the local memory of a multiprocessor is the narrowest part. */
static uint32_t group_count_of(const struct cuda *cuda, enum wn_mode mode, uint32_t wanted,
			       uint32_t stage_bytes, int is_driven)
{
	const uint32_t local = wn_group_local_bytes(32, stage_bytes) + 1024;
	const uint32_t each = cuda->local_bytes_max / local;
	const uint32_t fit = (each < 16 ? each : 16) * cuda->processors / cuda->remote.queue_count;

	/* Each cursor of a kernel's ring has one writer. */
	if (is_driven)
		return 1;
	if (wanted)
		return wanted;
	/* A batch's groups need not all run at once. */
	if (mode == WN_MODE_BATCH)
		return BATCH_GROUPS_PRESET;
	return fit < 1 ? 1 : fit < GROUPS_PRESET ? fit : (uint32_t)GROUPS_PRESET;
}

static int make_team(struct wn_device *device, struct wn_remote_version *version,
		     const struct wn_program_data *data, struct wn_error *error)
{
	struct cuda *cuda = device->state;
	const struct wn_options *options = &device->options;
	const uint32_t stage_bytes = stage_bytes_of(cuda, &version->program);
	struct wn_team_params params = {
		.kind = "cuda",
		.program = version->program.name,
		.ordinal = cuda->ordinal,
		.mode = device->mode,
		.queue_count = cuda->remote.queue_count,
		.group_count =
			cuda->group_count
				? cuda->group_count
				: group_count_of(cuda, device->mode,
						 (uint32_t)wn_options_number(options, "groups"),
						 stage_bytes, device->drives != NULL),
		.stage_bytes = stage_bytes,
		.lane_words = version->program.lane_words,
		.lease_ms = (uint32_t)wn_options_number(options, "lease"),
		.doze_ns = (uint32_t)wn_options_number(options, "doze"),
		.ahead = (uint32_t)wn_options_number(options, "ahead"),
		.batch_slots = (uint32_t)wn_options_number(options, "batch"),
		.times_off = device->times_off,
		.views = cuda->remote.views,
		.ring_fds = device->ring_fds,
		.drives = device->drives,
		.near = cuda->near.memory.memory ? &cuda->near : NULL,
		.code = &version->code,
		.data = data,
		.hurry = device->hurry ? device->hurry : &cuda->remote.ending,
	};
	struct wn_paths paths;
	int rc;

	wn_paths_find(&paths);
	snprintf(params.worker, sizeof(params.worker), "%s", paths.cuda_worker);
	rc = wn_team_create(&version->team, &params, error);

	if (!rc)
		rc = wn_team_spawn(&version->team, error);
	cuda->group_count = params.group_count;
	return rc;
}

/* rings=gpu|auto: takes the memory. 0 also where auto must do without, and cuda->rings says why. */
static int open_near(struct wn_device *device, struct wn_error *error)
{
	struct cuda *cuda = device->state;
	const uint64_t rings = wn_options_number(&device->options, "rings");
	const struct wn_cuda_driver *driver = wn_cuda_driver_open(error);
	const char *why_not = device->drives ? "the device drives the kernel's rings, which are in host memory"
			      : device->mode == WN_MODE_BATCH ? "mode batch reads published packets where the worker sees them"
							      : NULL;
	struct wn_error reason = {0};
	uint8_t uuid[16];
	CUdevice gpu;

	if (rings == RINGS_HOST || !driver)
		return 0;
	if (why_not && rings == RINGS_GPU)
		return wn_fail(error, EINVAL, WN_USAGE, "cuda device: rings=gpu: %s: use rings=host", why_not);
	if (!why_not && (driver->cuDeviceGet(&gpu, (int)cuda->ordinal) || driver->cuDeviceGetUuid(uuid, gpu)))
		why_not = "the driver does not tell the GPU's UUID";
	if (!why_not && wn_cuda_near_open(&cuda->near, uuid, cuda->remote.views, cuda->remote.queue_count, &reason))
		why_not = reason.text;
	if (why_not && rings == RINGS_GPU)
		return wn_fail(error, ENOTSUP, WN_UNAVAILABLE, "cuda device: rings=gpu: %s", why_not);
	if (why_not)
		snprintf(cuda->rings, sizeof(cuda->rings), ", rings in host memory (%.100s)", why_not);
	return 0;
}

/* Whether auto would rather have host memory, by the self-tests that both have passed. */
static int is_host_nearer(struct wn_device *device)
{
	struct cuda *cuda = device->state;
	const double host_us = (double)cuda->remote.current->team.control->round_trip_ns / 1e3;
	const double gpu_us = (double)cuda->near.round_trip_ns / 1e3;
	const int is_nearer = wn_options_number(&device->options, "rings") == RINGS_AUTO && gpu_us > 0.9 * host_us;

	snprintf(cuda->rings, sizeof(cuda->rings), ", rings in %s memory (round trip %.2f us, %s %.2f)",
		 is_nearer ? "host" : "GPU", is_nearer ? host_us : gpu_us, is_nearer ? "GPU" : "host",
		 is_nearer ? gpu_us : host_us);
	return is_nearer;
}

/* The first team, with rings where they are to be. */
static int make_first_team(struct wn_device *device, const struct wn_program_data *data, struct wn_error *error)
{
	struct cuda *cuda = device->state;
	int rc = open_near(device, error);

	if (rc)
		return rc;
	rc = make_team(device, cuda->remote.current, data, error);
	if (!cuda->near.memory.memory)
		return rc;
	if (rc && wn_options_number(&device->options, "rings") == RINGS_AUTO)
		snprintf(cuda->rings, sizeof(cuda->rings), ", rings in host memory (%.100s)", error->text);
	else if (rc || !is_host_nearer(device))
		return rc;
	wn_team_destroy(&cuda->remote.current->team);
	wn_cuda_near_close(&cuda->near);
	return make_team(device, cuda->remote.current, data, error);
}

/* A team for the remote part: the first one decides where the rings are. */
static int make_any_team(struct wn_device *device, struct wn_remote_version *version,
			 const struct wn_program_data *data, struct wn_error *error)
{
	struct cuda *cuda = device->state;
	int rc;

	if (cuda->has_started)
		return make_team(device, version, data, error);
	rc = make_first_team(device, data, error);
	cuda->has_started = 1;
	device->copies = cuda->near.memory.memory ? cuda->near.copies : NULL;
	return rc;
}

static void name_device(struct wn_device *device)
{
	const struct cuda *cuda = device->state;
	const struct wn_team_control *control = cuda->remote.current->team.control;

	snprintf(device->name, sizeof(device->name),
		 "cuda:%u, %s, %s, %u group%s a queue, %u registers a lane%.100s", cuda->ordinal,
		 cuda->name, cuda->remote.current->code.from, cuda->group_count,
		 cuda->group_count > 1 ? "s" : "", control->registers, cuda->rings);
}

static int cuda_open(struct wn_device *device, struct wn_error *error)
{
	struct cuda *cuda = device->state;
	int rc = parse_ordinal(device->options.address, &cuda->ordinal, error);

	cuda->only_ptx = (int)wn_options_number(&device->options, "code");
	if (!rc)
		rc = find_gpu(cuda, device, error);
	if (!rc)
		rc = load_version(cuda, device->program_text, 0, &cuda->remote.current, error);
	if (rc)
		return rc;
	pthread_mutex_init(&cuda->remote.lock, NULL);
	cuda->remote.device = device;
	cuda->remote.make_team = make_any_team;
	cuda->remote.name_device = name_device;
	device->program = cuda->remote.current->program;
	snprintf(device->name, sizeof(device->name), "cuda:%u, %s", cuda->ordinal, cuda->name);
	return 0;
}

/* What a start that failed has left. */
static void undo_start(struct wn_device *device)
{
	struct cuda *cuda = device->state;

	wn_team_destroy(&cuda->remote.current->team);
	wn_cuda_near_close(&cuda->near);
	device->copies = NULL;
	cuda->has_started = 0;
	cuda->group_count = 0;
	cuda->rings[0] = '\0';
}

/* Resident, lease, batch: the handshake with the groups decides, where the user did not. */
static int start_in_some_mode(struct wn_device *device, const struct wn_program_data *data, struct wn_error *error)
{
	struct cuda *cuda = device->state;
	char line[sizeof(error->text) + 128];
	int rc;

	for (;;) {
		const struct wn_team *team = &cuda->remote.current->team;

		rc = wn_remote_start(&cuda->remote, data, error);
		if (!rc || !cuda->is_auto || device->mode == WN_MODE_BATCH || device->drives || !team->control ||
		    !team->control->is_unfit)
			return rc;
		snprintf(line, sizeof(line), "cuda:%u: mode %s does not do here (%s): the next one", cuda->ordinal,
			 wn_mode_name(device->mode), error->text);
		if (device->log)
			device->log(device->log_context, line);
		undo_start(device);
		device->mode = device->mode == WN_MODE_RESIDENT ? WN_MODE_LEASE : WN_MODE_BATCH;
	}
}

static int cuda_start(struct wn_device *device, const struct wn_ring_view *views, uint32_t count,
		      const struct wn_program_data *data, struct wn_error *error)
{
	struct cuda *cuda = device->state;

	if (count > WN_TEAM_QUEUES_MAX)
		return wn_fail(error, EINVAL, WN_USAGE, "cuda device: %u queues: at most %d", count,
			       WN_TEAM_QUEUES_MAX);
	if (device->drives && device->mode == WN_MODE_BATCH)
		return wn_fail(error, EINVAL, WN_USAGE,
			       "cuda device: drive=device with mode batch: nobody but the GPU looks at the "
			       "kernel's rings, so it must stay: mode resident or lease");
	if (device->drives && count > WN_TEAM_DRIVEN_MAX)
		return wn_fail(error, EINVAL, WN_USAGE,
			       "cuda device: drive=device: %u queues: at most %d", count, WN_TEAM_DRIVEN_MAX);
	cuda->remote.views = views;
	cuda->remote.queue_count = count;
	return start_in_some_mode(device, data, error);
}

/* -- stages -- */

/* The middle, as a factor, of the bucket in which a share of all packets is reached. */
static double quantile(const uint64_t *row, double share)
{
	const double wanted = share * (double)row[WN_STAGE_BUCKETS + 1];
	double seen = 0;

	for (uint32_t bits = 0; bits < WN_STAGE_BUCKETS; bits++) {
		seen += (double)row[bits];
		if (seen >= wanted && seen > 0)
			return bits ? 0.75 * (double)((uint64_t)1 << bits) : 0;
	}
	return 0;
}

static void fill_times(struct wn_stage_times *times, const uint64_t *row, double unit_ns)
{
	times->count = row[WN_STAGE_BUCKETS + 1];
	times->mean_ns =
		times->count ? unit_ns * (double)row[WN_STAGE_BUCKETS] / (double)times->count : 0;
	times->p50_ns = unit_ns * quantile(row, 0.5);
	times->p99_ns = unit_ns * quantile(row, 0.99);
}

/* The whole, what its stages leave of it, and the stages. */
static int cuda_stage(const struct wn_device *device, uint32_t number, struct wn_stage_times *times)
{
	static const char *const names[] = {"whole", "wait", "stage", "program", "publish"};
	struct cuda *cuda = device->state;
	uint64_t words[WN_STAGE_WORDS] = {0};
	double cycle_ns, clock_error;

	if (number >= sizeof(names) / sizeof(names[0]) || !cuda->remote.current->team.control)
		return 0;
	pthread_mutex_lock(&cuda->remote.lock);
	wn_team_add_rows(&cuda->remote.current->team, NULL, words);
	clock_error = (double)cuda->remote.current->team.control->clock_error_ns;
	cycle_ns = cuda->remote.current->team.control->cycle_ns;
	pthread_mutex_unlock(&cuda->remote.lock);
	times->name = names[number];
	times->error_ns = number < 2 ? clock_error : 0;
	if (number != 1) {
		const uint32_t stage = number ? number - 1 : (uint32_t)WN_STAGE_WHOLE;

		fill_times(times, words + stage * WN_STAGE_STRIDE, number ? cycle_ns : 1);
		return 1;
	}
	fill_times(times, words, 1);
	times->p50_ns = times->p99_ns = 0;
	for (uint32_t i = 1; i < WN_STAGE_COUNT; i++) {
		struct wn_stage_times part;

		fill_times(&part, words + i * WN_STAGE_STRIDE, cycle_ns);
		times->mean_ns -= part.mean_ns;
	}
	return 1;
}

static uint32_t cuda_power_mw(const struct wn_device *device)
{
	const struct cuda *cuda = device->state;

	return wn_cuda_power_mw(cuda->ordinal);
}

static void cuda_close(struct wn_device *device)
{
	struct cuda *cuda = device->state;

	wn_remote_close(&cuda->remote);
	wn_cuda_near_close(&cuda->near);
}

/* -- another version of the program -- */

static int cuda_prepare(struct wn_device *device, const char *text, struct wn_version *version,
			struct wn_error *error)
{
	struct wn_remote_version *made = NULL;
	const int rc = load_version(device->state, text, 1, &made, error);

	if (rc)
		return rc;
	version->program = made->program;
	version->state = made;
	return 0;
}

const struct wn_device_ops wn_device_cuda = {
	.kind = "cuda",
	.summary = "an NVIDIA GPU, by its number: cuda:0",
	.options = cuda_options,
	.state_bytes = sizeof(struct cuda),
	.can_drive = 1,
	.list = cuda_list,
	.open = cuda_open,
	.start = cuda_start,
	.stop = wn_remote_stop,
	.prepare = cuda_prepare,
	.replace = wn_remote_replace,
	.drop = wn_remote_drop,
	.sum_counters = wn_remote_sum_counters,
	.fact = wn_remote_fact,
	.stage = cuda_stage,
	.power_mw = cuda_power_mw,
	.close = cuda_close,
};
