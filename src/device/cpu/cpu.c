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
#include "device/device.h"

enum {
	WORKERS_MAX = 64,
	SERVE_BUDGET = 256,       /* slots of one ring before the next ring has its turn */
	LEASE_POLLS = 2000,
	LEASE_NS = 5000000
};

/* One group's hold on one ring, and its row of the program's counters. */
struct lane {
	struct wn_port port;
	uint64_t *row;
} __attribute__((aligned(WN_LINE_BYTES)));

struct worker {
	struct cpu *cpu;
	pthread_t thread;
	struct lane *lanes;       /* one a ring */
	uint32_t done;            /* 1 when the thread has left; written by it */
};

struct cpu {
	struct wn_cpu_code code;
	enum wn_mode mode;
	uint32_t cores;
	uint32_t worker_count;    /* 0 in batch mode */
	uint32_t started;         /* threads to join */
	uint32_t queue_count;
	uint32_t row_words;       /* 64-bit words from one row to the next */
	uint32_t abandon;         /* 1: leave, finished or not */
	struct worker workers[WORKERS_MAX];
	struct lane *lanes;
	uint64_t *rows;
	const struct wn_program_data *data;
	uint32_t lane_count;
};

static const struct wn_option cpu_options[] = {
	{"workers", WN_OPTION_NUMBER, 0, WORKERS_MAX, NULL, "0",
	 "threads that run the program; 0: the pump does, or one in resident and lease mode", 0},
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

static int cpu_open(struct wn_device *device, struct wn_error *error)
{
	struct cpu *cpu = device->state;
	const uint32_t workers = (uint32_t)wn_options_number(&device->options, "workers");
	const struct wn_cpu_program *program;
	int rc;

	if (device->options.address[0])
		return wn_fail(error, EINVAL, WN_USAGE,
			       "device 'cpu:%s': there is one cpu device; say cpu or cpu,workers=N",
			       device->options.address);
	if (device->mode == WN_MODE_BATCH && workers)
		return wn_fail(error, EINVAL, WN_USAGE,
			       "device 'cpu,workers=%u': in batch mode the pump runs the program; "
			       "leave workers out, or say --mode resident", workers);
	rc = wn_cpu_code_load(&cpu->code, device->program_text, error);
	if (rc)
		return rc;
	program = cpu->code.program;
	if (program->counter_count > WN_COUNTERS_MAX || program->lane_words > WN_LANE_WORDS_MAX) {
		wn_cpu_code_unload(&cpu->code);
		return wn_fail(error, EINVAL, WN_FAILED,
			       "program '%s': too many counters or histograms: at most %d and %d",
			       device->program_text, WN_COUNTERS_MAX, 16);
	}
	if (device->mode == WN_MODE_AUTO)
		device->mode = workers ? WN_MODE_RESIDENT : WN_MODE_BATCH;
	cpu->mode = device->mode;
	cpu->cores = device->cores;
	cpu->worker_count = cpu->mode == WN_MODE_BATCH ? 0 : workers ? workers : 1;
	device->program = (struct wn_program){
		.name = program->name,
		.summary = program->summary,
		.kind = (enum wn_packet_kind)program->kind,
		.look_bytes = program->look_bytes,
		.counter_count = program->counter_count,
		.counter_names = program->counter_names,
		.record_fields = program->record_fields,
		.histogram_names = program->histogram_names,
		.parameters = program->parameters,
		.tables = program->tables,
		.loader = program->loader,
		.lane_words = program->lane_words,
	};
	if (cpu->worker_count)
		snprintf(device->name, sizeof(device->name), "cpu, %u worker%s", cpu->worker_count,
			 cpu->worker_count > 1 ? "s" : "");
	else
		snprintf(device->name, sizeof(device->name), "cpu, in the pump");
	return 0;
}

/* Serves every ring once. Returns the slots served; *finished when all rings are done with. */
static uint32_t serve_rings(struct worker *worker, int *finished)
{
	const struct wn_cpu_program *program = worker->cpu->code.program;
	uint32_t served = 0;

	*finished = 1;
	for (uint32_t i = 0; i < worker->cpu->queue_count; i++) {
		struct lane *lane = &worker->lanes[i];
		const uint32_t count = program->serve(&lane->port, worker->cpu->data, lane->row, SERVE_BUDGET);

		served += count;
		if (count || !wn_port_finished(&lane->port))
			*finished = 0;
	}
	return served;
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
		const uint32_t served = serve_rings(worker, &finished);

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

static int make_lanes(struct cpu *cpu, const struct wn_ring_view *views, uint32_t queue_count)
{
	const uint32_t groups = cpu->worker_count ? cpu->worker_count : 1;
	const uint32_t words = cpu->code.program->lane_words;

	cpu->queue_count = queue_count;
	cpu->lane_count = groups * queue_count;
	cpu->row_words = (words + 15) / 16 * 16 + 16;
	cpu->lanes = aligned_alloc(WN_LINE_BYTES, cpu->lane_count * sizeof(*cpu->lanes));
	cpu->rows = aligned_alloc(WN_LINE_BYTES, (size_t)cpu->lane_count * cpu->row_words * 8);
	if (!cpu->lanes || !cpu->rows)
		return -ENOMEM;
	memset(cpu->rows, 0, (size_t)cpu->lane_count * cpu->row_words * 8);
	for (uint32_t i = 0; i < cpu->lane_count; i++) {
		wn_port_init(&cpu->lanes[i].port, &views[i % queue_count], i / queue_count, groups);
		cpu->lanes[i].row = cpu->rows + (size_t)i * cpu->row_words;
	}
	return 0;
}

static int cpu_start(struct wn_device *device, const struct wn_ring_view *views, uint32_t count,
		     const struct wn_program_data *data, struct wn_error *error)
{
	struct cpu *cpu = device->state;
	int rc = make_lanes(cpu, views, count);

	cpu->data = data;
	if (rc)
		return wn_fail(error, -rc, WN_FAILED, "cpu device: out of memory");
	for (uint32_t i = 0; i < cpu->worker_count; i++) {
		cpu->workers[i].cpu = cpu;
		cpu->workers[i].lanes = cpu->lanes + (size_t)i * count;
		rc = pthread_create(&cpu->workers[i].thread, NULL, work, &cpu->workers[i]);
		if (rc)
			return wn_fail(error, rc, WN_FAILED, "cpu device: cannot start worker %u: %s", i,
				       strerror(rc));
		cpu->started++;
	}
	return 0;
}

static void cpu_launch(struct wn_device *device, uint32_t queue, uint32_t first, uint32_t count)
{
	struct cpu *cpu = device->state;
	struct lane *lane = &cpu->lanes[queue];

	lane->port.position = first;
	cpu->code.program->serve(&lane->port, cpu->data, lane->row, count);
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

static void cpu_sum_counters(const struct wn_device *device, uint64_t *sums)
{
	const struct cpu *cpu = device->state;

	for (uint32_t lane = 0; lane < cpu->lane_count; lane++)
		for (uint32_t i = 0; i < cpu->code.program->lane_words; i++)
			sums[i] += wn_load_relaxed64(&cpu->lanes[lane].row[i]);
}

static void cpu_close(struct wn_device *device)
{
	struct cpu *cpu = device->state;

	wn_store_relaxed(&cpu->abandon, 1);
	while (cpu->started)
		pthread_join(cpu->workers[--cpu->started].thread, NULL);
	free(cpu->rows);
	free(cpu->lanes);
	wn_cpu_code_unload(&cpu->code);
}

const struct wn_device_ops wn_device_cpu = {
	.kind = "cpu",
	.summary = "this machine's processors",
	.options = cpu_options,
	.state_bytes = sizeof(struct cpu),
	.list = cpu_list,
	.open = cpu_open,
	.start = cpu_start,
	.launch = cpu_launch,
	.stop = cpu_stop,
	.sum_counters = cpu_sum_counters,
	.close = cpu_close,
};
