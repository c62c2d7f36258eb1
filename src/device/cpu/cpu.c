/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cpu device: a group is one thread with one lane.
 *
 *   batch      the pump that published runs the program itself: no thread, no hand-over
 *   resident   worker threads; worker w is group w of every ring
 *   lease      the same threads, which return after a bounded number of polls or time and are
 *              armed again, as on devices that must not run for long
 *
 * On a CPU a hand-over to another core costs more than most programs do, so batch is what auto
 * chooses, unless workers were asked for.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backoff.h"
#include "clock.h"
#include "device/cpu/program.h"
#include "device/cpu/timing.h"
#include "device/device.h"
#include "os/os.h"
#include "times.h"

enum {
	WORKERS_MAX = 64,
	SERVE_BUDGET = 256,       /* slots of one ring before the next ring has its turn */
	LEASE_POLLS = 2000,
	LEASE_NS = 5000000
};

/* One group's hold on one ring, or on what it drives. */
struct lane {
	struct wn_port port;
	uint32_t is_driven;
	struct wn_drive_lane drive;
	struct wn_cpu_times times;
} __attribute__((aligned(WN_LINE_BYTES)));

struct worker {
	struct cpu *cpu;
	pthread_t thread;
	uint32_t number;
	struct lane *lanes;       /* one a ring */
	uint32_t first_lane;      /* number of the first of them */
	uint32_t done;            /* 1 when the thread has left; written by it */
	uint32_t held;            /* the hold that it stands still for; written by it */
};

/* A program with the lanes' rows of its counters; and what it is given, once it runs. */
struct version {
	struct wn_cpu_code code;
	uint64_t *rows;           /* one a lane */
	uint32_t row_words;       /* 64-bit words from one row to the next */
	const struct wn_program_data *data;
};

/*
 * `current` changes only while no lane is between two packets: before the threads start, or while all
 * of them are held. hold is a number, so that a worker that comes too late for one hold is not taken
 * to stand still for the next; a worker that sees its number (H) says so, after which it touches
 * nothing (I), and goes on when it sees another (J), after whatever was changed in between.
 *
 *   hold      written by the owner     read by the workers   release   acquire (H, J)
 *   held      written by the worker    read by the owner     release   acquire (I)
 */
struct cpu {
	enum wn_mode mode;
	uint32_t cores;
	uint32_t worker_count;    /* 0 in batch mode */
	uint32_t started;         /* threads to join */
	uint32_t queue_count;
	uint32_t abandon;         /* 1: leave, finished or not */
	uint32_t hold;            /* number of the hold that is on; 0: none */
	uint32_t holds;           /* so far; the owner's */
	uint32_t load_flags;      /* of every program: WN_CPU_TRACED or none */
	struct worker workers[WORKERS_MAX];
	struct lane *lanes;
	uint32_t lane_count;
	struct version *current;
};

static const struct wn_option cpu_options[] = {
	{"workers", WN_OPTION_NUMBER, 0, WORKERS_MAX, NULL, "0",
	 "threads that run the program; 0: the pump does, or one in resident and lease mode", 0},
	{"trace", WN_OPTION_CHOICE, 0, 0, "off|on", "off",
	 "keep which bytes the program touches, for `warpnic trace`", 0},
	{0},
};

static int cpu_list(struct wn_device_summary *list, uint32_t capacity)
{
	if (!capacity)
		return 1;
	memset(list, 0, sizeof(*list));
	snprintf(list->spec, sizeof(list->spec), "cpu");
	snprintf(list->name, sizeof(list->name), "%u processors", wn_device_cores());
	snprintf(list->modes, sizeof(list->modes), "batch, resident, lease");
	list->usable = 1;
	return 1;
}

static void free_version(struct version *version)
{
	if (!version)
		return;
	wn_cpu_code_unload(&version->code);
	free(version->rows);
	free(version);
}

static int load_code(struct version *version, const char *text, uint32_t flags, struct wn_error *error)
{
	const struct wn_cpu_program *program;
	const int rc = wn_cpu_code_load(&version->code, text, flags, error);

	if (rc)
		return rc;
	program = version->code.program;
	if (program->counter_count > WN_COUNTERS_MAX || program->lane_words > WN_LANE_WORDS_MAX)
		return wn_fail(error, EINVAL, WN_FAILED,
			       "program '%s': too many counters or histograms: at most %d and %d", text,
			       WN_COUNTERS_MAX, 16);
	version->row_words = (program->lane_words + 15) / 16 * 16 + 16;
	return 0;
}

/* A program without rows. *version stays NULL where it fails. */
static int load_version(struct version **version, const char *text, uint32_t flags,
			struct wn_error *error)
{
	struct version *made = calloc(1, sizeof(*made));
	const int rc = made ? load_code(made, text, flags, error)
			    : wn_fail(error, ENOMEM, WN_FAILED, "out of memory");

	if (rc) {
		free_version(made);
		return rc;
	}
	*version = made;
	return 0;
}

static int make_rows(struct version *version, uint32_t lane_count)
{
	const size_t bytes = (size_t)lane_count * version->row_words * 8;

	version->rows = aligned_alloc(WN_LINE_BYTES, bytes);
	if (!version->rows)
		return -ENOMEM;
	memset(version->rows, 0, bytes);
	return 0;
}

static void add_rows(const struct version *version, uint32_t lane_count, uint64_t *sums)
{
	for (uint32_t lane = 0; version->rows && lane < lane_count; lane++)
		for (uint32_t i = 0; i < version->code.program->lane_words; i++)
			sums[i] += wn_load_relaxed64(&version->rows[(size_t)lane * version->row_words + i]);
}

static int cpu_open(struct wn_device *device, struct wn_error *error)
{
	struct cpu *cpu = device->state;
	const uint32_t workers = (uint32_t)wn_options_number(&device->options, "workers");
	int rc;

	if (device->options.address[0])
		return wn_fail(error, EINVAL, WN_USAGE,
			       "device 'cpu:%s': there is one cpu device; say cpu or cpu,workers=N",
			       device->options.address);
	if (device->mode == WN_MODE_BATCH && workers)
		return wn_fail(error, EINVAL, WN_USAGE,
			       "device 'cpu,workers=%u': in batch mode the pump runs the program; "
			       "leave workers out, or say --mode resident", workers);
	cpu->load_flags = wn_options_number(&device->options, "trace") ? WN_CPU_TRACED : 0;
	rc = load_version(&cpu->current, device->program_text, cpu->load_flags, error);
	if (rc)
		return rc;
	if (device->mode == WN_MODE_AUTO)
		device->mode = workers ? WN_MODE_RESIDENT : WN_MODE_BATCH;
	cpu->mode = device->mode;
	cpu->cores = device->cores;
	cpu->worker_count = cpu->mode == WN_MODE_BATCH ? 0 : workers ? workers : 1;
	device->program = wn_cpu_code_describe(&cpu->current->code);
	if (cpu->worker_count)
		snprintf(device->name, sizeof(device->name), "cpu, %u worker%s", cpu->worker_count,
			 cpu->worker_count > 1 ? "s" : "");
	else
		snprintf(device->name, sizeof(device->name), "cpu, in the pump");
	return 0;
}

/* Serves one queue once. Returns the packets; *finished where that was the last time. */
static uint32_t serve_lane(const struct version *version, struct lane *lane, uint64_t *row, int *finished)
{
	uint32_t count;

	if (lane->is_driven) {
		count = version->code.program->drive(&lane->drive, version->data, row, SERVE_BUDGET);
		*finished = !count && wn_drive_leave(&lane->drive);
	} else {
		count = version->code.program->serve(&lane->port, version->data, row, SERVE_BUDGET);
		*finished = !count && wn_port_finished(&lane->port);
	}
	return count;
}

/* Serves every ring once. Returns the slots served; *finished when all rings are done with. */
static uint32_t serve_rings(struct worker *worker, int *finished)
{
	const struct version *version = worker->cpu->current;
	uint64_t *row = version->rows + (size_t)worker->first_lane * version->row_words;
	uint32_t served = 0;

	*finished = 1;
	for (uint32_t i = 0; i < worker->cpu->queue_count; i++, row += version->row_words) {
		struct lane *lane = &worker->lanes[i];
		int is_last = 1;

		/* A queue that is driven has one group. */
		if (!lane->is_driven || i % worker->cpu->worker_count == worker->number)
			served += serve_lane(version, lane, row, &is_last);
		*finished &= is_last;
	}
	return served;
}

/* Stands still between two batches for as long as the owner wants. */
static void stand_still(struct worker *worker, uint32_t hold)
{
	const uint32_t *abandon = &worker->cpu->abandon;
	struct wn_backoff backoff;

	wn_backoff_init(&backoff, worker->cpu->cores);
	wn_store_release(&worker->held, hold); /* (I) */
	while (wn_load_acquire(&worker->cpu->hold) == hold && !wn_load_relaxed(abandon)) /* (J) */
		wn_backoff_wait(&backoff);
}

/*
 * One lease, or the whole residence where polls is 0. Returns 1 when the rings are finished, 0
 * when the lease ran out and the rings are as they are: the next one goes on from the lanes'
 * positions.
 */
static int run_lease(struct worker *worker, uint32_t polls, int64_t until_ns)
{
	struct wn_backoff backoff;
	int finished;

	wn_backoff_init(&backoff, worker->cpu->cores);
	for (uint32_t poll = 0; !polls || (poll < polls && wn_clock_ns() < until_ns); poll++) {
		const uint32_t hold = wn_load_acquire(&worker->cpu->hold); /* (H) */
		uint32_t served;

		if (WN_UNLIKELY(hold))
			stand_still(worker, hold);
		served = serve_rings(worker, &finished);
		if (finished || wn_load_relaxed(&worker->cpu->abandon))
			return 1;
		if (served)
			wn_backoff_reset(&backoff);
		else
			wn_backoff_wait(&backoff);
	}
	return 0;
}

static void *work(void *argument)
{
	struct worker *worker = argument;

	if (worker->cpu->mode == WN_MODE_RESIDENT)
		run_lease(worker, 0, 0);
	else
		while (!run_lease(worker, LEASE_POLLS, wn_clock_ns() + LEASE_NS))
			continue;
	wn_store_release(&worker->done, 1);
	return NULL;
}

/* The shortest of some looks at the clock: what a look adds to what is measured. */
static uint64_t look_ns(void)
{
	int64_t shortest = WN_SECOND_NS, before = wn_clock_ns();

	for (int i = 0; i < 100; i++) {
		const int64_t now = wn_clock_ns();

		if (now - before < shortest)
			shortest = now - before;
		before = now;
	}
	return (uint64_t)shortest;
}

static int make_lanes(struct cpu *cpu, const struct wn_ring_view *views, uint32_t queue_count,
		      struct wn_drive *const *drives)
{
	const uint32_t groups = cpu->worker_count ? cpu->worker_count : 1;
	const uint64_t look = look_ns();

	cpu->queue_count = queue_count;
	cpu->lane_count = groups * queue_count;
	cpu->lanes = aligned_alloc(WN_LINE_BYTES, cpu->lane_count * sizeof(*cpu->lanes));
	if (!cpu->lanes || make_rows(cpu->current, cpu->lane_count))
		return -ENOMEM;
	memset(cpu->lanes, 0, cpu->lane_count * sizeof(*cpu->lanes));
	for (uint32_t i = 0; i < cpu->lane_count; i++) {
		struct lane *lane = &cpu->lanes[i];

		lane->is_driven = drives != NULL;
		if (drives)
			wn_drive_init(&lane->drive, &drives[i % queue_count]->view);
		else
			wn_port_init(&lane->port, &views[i % queue_count], i / queue_count, groups);
		lane->times.look_ns = look;
		lane->port.times = &lane->times;
	}
	return 0;
}

static int cpu_start(struct wn_device *device, const struct wn_ring_view *views, uint32_t count,
		     const struct wn_program_data *data, struct wn_error *error)
{
	struct cpu *cpu = device->state;
	int rc = make_lanes(cpu, views, count, device->drives);

	if (rc)
		return wn_fail(error, -rc, WN_FAILED, "cpu device: out of memory");
	cpu->current->data = data;
	for (uint32_t i = 0; i < cpu->worker_count; i++) {
		char name[16];

		cpu->workers[i].cpu = cpu;
		cpu->workers[i].number = i;
		cpu->workers[i].first_lane = i * count;
		cpu->workers[i].lanes = cpu->lanes + (size_t)i * count;
		rc = pthread_create(&cpu->workers[i].thread, NULL, work, &cpu->workers[i]);
		if (rc)
			return wn_fail(error, rc, WN_FAILED, "cpu device: cannot start worker %u: %s", i,
				       strerror(rc));
		snprintf(name, sizeof(name), "wn-lane-%u", i);
		wn_os_thread_name(cpu->workers[i].thread, name);
		cpu->started++;
	}
	return 0;
}

static void cpu_launch(struct wn_device *device, uint32_t queue, uint32_t first, uint32_t count)
{
	struct cpu *cpu = device->state;
	const struct version *version = cpu->current;
	struct lane *lane = &cpu->lanes[queue];

	lane->port.position = first;
	version->code.program->serve(&lane->port, version->data,
				     version->rows + (size_t)queue * version->row_words, count);
}

static uint32_t cpu_serve(struct wn_device *device, uint32_t queue)
{
	struct cpu *cpu = device->state;
	const struct version *version = cpu->current;
	int is_last;

	return serve_lane(version, &cpu->lanes[queue], version->rows + (size_t)queue * version->row_words,
			  &is_last);
}

/* -- replace -- */

static int cpu_prepare(struct wn_device *device, const char *text, struct wn_version *version,
		       struct wn_error *error)
{
	const struct cpu *cpu = device->state;
	struct version *made = NULL;
	const int rc = load_version(&made, text, cpu->load_flags | WN_CPU_ANEW, error);

	if (rc)
		return rc;
	if (make_rows(made, cpu->lane_count)) {
		free_version(made);
		return wn_fail(error, ENOMEM, WN_FAILED, "cpu device: out of memory");
	}
	version->program = wn_cpu_code_describe(&made->code);
	version->state = made;
	return 0;
}

/* Waits until a worker stands still or has left. 0 or -ETIMEDOUT. */
static int wait_held(const struct worker *worker, uint32_t hold, int64_t deadline_ns)
{
	struct wn_backoff backoff;

	wn_backoff_init(&backoff, 1);
	while (wn_load_acquire(&worker->held) != hold && !wn_load_acquire(&worker->done)) { /* (I) */
		if (wn_clock_ns() >= deadline_ns)
			return -ETIMEDOUT;
		wn_backoff_wait(&backoff);
	}
	return 0;
}

static void release_workers(struct cpu *cpu)
{
	wn_store_release(&cpu->hold, 0); /* (J) */
}

/* Brings all workers to a stop between two batches. 0, or -ETIMEDOUT and they go on as before. */
static int hold_workers(struct cpu *cpu, int64_t deadline_ns, struct wn_error *error)
{
	cpu->holds = cpu->holds + 1 ? cpu->holds + 1 : 1;
	wn_store_release(&cpu->hold, cpu->holds); /* (H) */
	for (uint32_t i = 0; i < cpu->started; i++) {
		if (!wait_held(&cpu->workers[i], cpu->holds, deadline_ns))
			continue;
		release_workers(cpu);
		return wn_fail(error, ETIMEDOUT, WN_FAILED,
			       "cpu device: worker %u did not come back from the program in time", i);
	}
	return 0;
}

static int cpu_replace(struct wn_device *device, struct wn_version *version,
		       const struct wn_program_data *data, uint64_t *old_sums, int64_t deadline_ns,
		       struct wn_error *error)
{
	struct cpu *cpu = device->state;
	const struct wn_program old_program = device->program;
	struct version *old = cpu->current;
	const int rc = hold_workers(cpu, deadline_ns, error);

	if (rc)
		return rc;
	cpu->current = version->state;
	cpu->current->data = data;
	release_workers(cpu);
	add_rows(old, cpu->lane_count, old_sums);
	device->program = version->program;
	version->program = old_program;
	version->state = old;
	return 0;
}

static void cpu_drop(struct wn_device *device, struct wn_version *version)
{
	(void)device;
	free_version(version->state);
	memset(version, 0, sizeof(*version));
}

static int cpu_stop(struct wn_device *device, int64_t deadline_ns, int abandon)
{
	struct cpu *cpu = device->state;

	if (abandon)
		wn_store_relaxed(&cpu->abandon, 1);
	while (cpu->started) {
		struct worker *last = &cpu->workers[cpu->started - 1];

		if (wn_backoff_until_done(&last->done, deadline_ns))
			return -ETIMEDOUT;
		pthread_join(last->thread, NULL);
		cpu->started--;
	}
	return 0;
}

static int cpu_fact(const struct wn_device *device, uint32_t number, struct wn_device_fact *fact)
{
	(void)device;
	snprintf(fact->name, sizeof(fact->name), "compiler");
#ifdef __clang__
	snprintf(fact->value, sizeof(fact->value), "%s", __VERSION__);
#else
	snprintf(fact->value, sizeof(fact->value), "gcc %s", __VERSION__);
#endif
	return number == 0;
}

static struct wn_trace *cpu_trace(struct wn_device *device)
{
	const struct cpu *cpu = device->state;

	return cpu->current->code.program->trace;
}

static void cpu_sum_counters(const struct wn_device *device, uint64_t *sums)
{
	const struct cpu *cpu = device->state;

	add_rows(cpu->current, cpu->lane_count, sums);
}

/* Of packets that pumps have marked: none where the device drives. */
static int cpu_stage(const struct wn_device *device, uint32_t number, struct wn_stage_times *times)
{
	static const char *const names[WN_CPU_STAGES] = {"whole", "wait", "program", "publish"};
	const struct cpu *cpu = device->state;
	struct wn_times sum = {0};

	if (number >= WN_CPU_STAGES)
		return 0;
	for (uint32_t i = 0; cpu->lanes && i < cpu->lane_count; i++)
		wn_times_merge(&sum, &cpu->lanes[i].times.stages[number]);
	wn_times_tell(&sum, times);
	times->name = names[number];
	times->error_ns = cpu->lanes && number ? (double)cpu->lanes[0].times.look_ns : 0;
	return 1;
}

static void cpu_close(struct wn_device *device)
{
	struct cpu *cpu = device->state;

	wn_store_relaxed(&cpu->abandon, 1);
	while (cpu->started)
		pthread_join(cpu->workers[--cpu->started].thread, NULL);
	free(cpu->lanes);
	free_version(cpu->current);
}

const struct wn_device_ops wn_device_cpu = {
	.kind = "cpu",
	.summary = "this machine's processors",
	.options = cpu_options,
	.state_bytes = sizeof(struct cpu),
	.can_drive = 1,
	.list = cpu_list,
	.open = cpu_open,
	.start = cpu_start,
	.launch = cpu_launch,
	.serve = cpu_serve,
	.stop = cpu_stop,
	.prepare = cpu_prepare,
	.replace = cpu_replace,
	.drop = cpu_drop,
	.sum_counters = cpu_sum_counters,
	.stage = cpu_stage,
	.trace = cpu_trace,
	.fact = cpu_fact,
	.close = cpu_close,
};
