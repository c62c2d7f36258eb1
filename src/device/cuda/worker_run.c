/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The three modes.
 *
 *   resident  one cooperative launch, which ends by itself once the rings are closed and empty
 *   lease     the same kernel for lease_ms at a time; the next one is queued before the last has ended
 *   batch     this process looks at `published` in the kernels' place, and launches a kernel on what is new;
 *             launches are queued one behind the other and never waited for
 */
#include "device/cuda/cuda.h"
#include "device/cuda/worker.h"

#include "backoff.h"
#include "clock.h"
#include "warpnic/device.h"

enum { WARP = 32, LEASES_AHEAD = 2 };

/* How long groups may take to come alive, the driver's own preparations included. */
#define ALIVE_NS (10 * WN_SECOND_NS)

static const char fault[] = "the GPU stopped on a fault while it ran the program";

static int launch_groups(struct wn_cuda_worker *worker, uint64_t lease_cycles)
{
	const uint32_t groups = worker->team.control->queue_count * worker->team.control->group_count;
	struct wn_group_order order = {.lease_cycles = lease_cycles};
	void *parameters[] = {&worker->launch, &worker->data, &order};

	const CUresult result = worker->driver->cuLaunchCooperativeKernel(worker->serve, groups, 1, 1, WARP, 1, 1,
									  worker->local_bytes, worker->stream, parameters);

	if (result)
		worker->team.control->is_unfit = 1;
	return wn_cuda_worker_check(worker, result, "launch of the resident kernel");
}

static int all_alive(const struct wn_cuda_worker *worker)
{
	const uint32_t groups = worker->team.control->queue_count * worker->team.control->group_count;
	const uint32_t *alive = wn_team_alive(worker->team.control);

	for (uint32_t i = 0; i < groups; i++)
		if (!wn_load_acquire(&alive[i]))
			return 0;
	return 1;
}

/*
 * Waits for the groups. The driver is asked all the while: a kernel may not start as long as nobody does
 * (libcu++, execution model, forward progress of the device).
 */
static int wait_alive(struct wn_cuda_worker *worker)
{
	const int64_t until = wn_clock_ns() + ALIVE_NS;

	while (!all_alive(worker)) {
		const CUresult result = worker->driver->cuStreamQuery(worker->stream);

		if (result == CUDA_SUCCESS && all_alive(worker))
			break; /* there was nothing to do */
		if (result && result != CUDA_ERROR_NOT_READY)
			return wn_cuda_worker_check(worker, result, fault);
		if (wn_clock_ns() > until) {
			worker->team.control->is_unfit = 1;
			return wn_team_fail(&worker->team,
				"the groups did not start within %d s: is the GPU "
				"busy with another resident program?",
				(int)(ALIVE_NS / WN_SECOND_NS));
		}
	}
	return 0;
}

/* One turn of waiting: 1 when the stream is empty, 0 when not, -1 on a fault or when nobody wants us. */
static int look_at_stream(struct wn_cuda_worker *worker)
{
	const CUresult result = worker->driver->cuStreamQuery(worker->stream);

	if (result == CUDA_SUCCESS)
		return 1;
	if (result != CUDA_ERROR_NOT_READY)
		return wn_cuda_worker_check(worker, result, fault);
	if (!wn_team_is_wanted(&worker->team, 1))
		return wn_team_fail(&worker->team, "abandoned");
	return wn_cuda_worker_set_clock(worker);
}

static int run_resident(struct wn_cuda_worker *worker)
{
	int rc;

	if (launch_groups(worker, 0) || wait_alive(worker))
		return -1;
	wn_team_say(&worker->team, WN_TEAM_READY);
	while ((rc = look_at_stream(worker)) == 0)
		continue;
	return rc < 0 ? -1 : 0;
}

/* Whether ring i is closed and position is at its end or behind. */
static int is_finished(const struct wn_cuda_worker *worker, uint32_t i, uint32_t position)
{
	struct wn_ring_words *words = worker->team.rings[i].view.words;

	if (!wn_load_acquire(&words->closed)) /* (E) */
		return 0;
	return (int32_t)(position - wn_load_relaxed(&words->final)) >= 0;
}

/* Between two leases: whether every group has come to the end of its ring. */
static int all_finished(const struct wn_cuda_worker *worker)
{
	const struct wn_team_control *control = worker->team.control;
	const uint32_t *positions = wn_team_positions(worker->team.control);

	for (uint32_t i = 0; i < control->queue_count; i++)
		for (uint32_t g = 0; g < control->group_count; g++)
			if (!is_finished(worker, i, positions[i * control->group_count + g]))
				return 0;
	return 1;
}

/* The same where the device drives. */
static int all_left(const struct wn_cuda_worker *worker)
{
	for (uint32_t i = 0; i < worker->team.control->queue_count; i++)
		if (!wn_load_acquire(&worker->words[i]->left))
			return 0;
	return 1;
}

static int run_lease(struct wn_cuda_worker *worker)
{
	const uint64_t khz = (uint64_t)wn_cuda_attribute(worker->driver, worker->device,
							 CU_DEVICE_ATTRIBUTE_CLOCK_RATE);
	const uint64_t lease_cycles = khz * worker->team.control->lease_ms;
	int rc;

	if (launch_groups(worker, lease_cycles) || wait_alive(worker))
		return -1;
	wn_team_say(&worker->team, WN_TEAM_READY);
	do {
		for (int i = 0; i < LEASES_AHEAD; i++)
			if (launch_groups(worker, lease_cycles))
				return -1;
		while ((rc = look_at_stream(worker)) == 0)
			continue;
		if (rc < 0)
			return -1;
	} while (!(worker->team.control->is_driven ? all_left(worker) : all_finished(worker)) && !wn_load_relaxed(&worker->team.control->abandon));
	return 0;
}

/* A queue in batch mode: what was launched, and where the launches end that may still run. */
struct range {
	uint32_t next;                  /* the first position that was not launched */
	uint32_t ends[WN_CUDA_AHEAD_MAX];
	uint32_t under_way;             /* of them, oldest first */
};

/* Forgets launches that have answered all they were given: seen from their last verdict. */
static void retire_launches(const struct wn_ring *ring, struct range *range)
{
	while (range->under_way) {
		const uint32_t position = range->ends[0] - 1;
		const uint32_t word =
			wn_load_acquire(&ring->view.verdicts[position & ring->view.slot_mask]);

		if (wn_verdict_lap(word) != wn_lap(position, ring->view.slot_shift))
			return;
		range->under_way--;
		for (uint32_t i = 0; i < range->under_way; i++)
			range->ends[i] = range->ends[i + 1];
	}
}

/*
 * Launches on what was published since the last time, without waiting for what runs. A few launches are
 * queued one behind the other, so that the GPU goes from one to the next by itself; while they are, more
 * packets gather for the next. Returns how many were launched, or -1.
 */
static int launch_range(struct wn_cuda_worker *worker, uint32_t i, struct range *range)
{
	const struct wn_ring *ring = &worker->team.rings[i];
	const uint32_t most = worker->team.control->batch_slots;
	const uint64_t latest = wn_load_acquire64(&ring->view.words->latest); /* (D): the launch carries it on */
	const uint32_t published = (uint32_t)(latest >> 32);
	const uint32_t first = range->next, waiting = published - first;
	const uint32_t count = most && waiting > most ? most : waiting;
	struct wn_group_order order = {.is_range = 1, .queue = i, .first = first, .count = count,
				       .last = waiting == 1 ? (uint32_t)latest : 0};
	const uint32_t blocks =
		(first % WN_BLOCK_SLOTS + count + WN_BLOCK_SLOTS - 1) / WN_BLOCK_SLOTS;
	const uint32_t groups =
		blocks < worker->team.control->group_count ? blocks : worker->team.control->group_count;
	void *parameters[] = {&worker->launch, &worker->data, &order};

	if (!count)
		return 0;
	retire_launches(ring, range);
	if (range->under_way == worker->team.control->ahead)
		return 0;
	if (wn_cuda_worker_check(worker,
				 worker->driver->cuLaunchKernel(worker->serve, groups, 1, 1, WARP,
								1, 1, worker->local_bytes,
								worker->queue_streams[i],
								parameters, NULL),
				 fault))
		return -1;
	range->next = first + count;
	range->ends[range->under_way++] = range->next;
	return (int)(count & 0x7fffffff);
}

/* Asks whether a queue's launches still do well. 0 or -1. */
static int ask(struct wn_cuda_worker *worker, uint32_t i)
{
	const CUresult result = worker->driver->cuStreamQuery(worker->queue_streams[i]);

	return result == CUDA_ERROR_NOT_READY ? 0 : wn_cuda_worker_check(worker, result, fault);
}

/* The end of batch mode: what was launched must have run. */
static int finish_streams(struct wn_cuda_worker *worker)
{
	for (uint32_t i = 0; i < worker->team.control->queue_count; i++)
		if (wn_cuda_worker_check(
			    worker, worker->driver->cuStreamSynchronize(worker->queue_streams[i]),
			    fault))
			return -1;
	return 0;
}

static int run_batch(struct wn_cuda_worker *worker)
{
	const uint32_t queues = worker->team.control->queue_count;
	struct range ranges[WN_TEAM_QUEUES_MAX] = {0};
	uint32_t finished = 0;
	int64_t asked_ns = wn_clock_ns();
	struct wn_backoff backoff;

	for (uint32_t i = 0; i < queues; i++)
		ranges[i].next = worker->team.control->starts[i];
	wn_backoff_init(&backoff, 2);
	wn_team_say(&worker->team, WN_TEAM_READY);
	while (finished < queues && !wn_load_relaxed(&worker->team.control->abandon)) {
		int moved = 0;

		finished = 0;
		for (uint32_t i = 0; i < queues; i++) {
			const int count = launch_range(worker, i, &ranges[i]);

			if (count < 0)
				return -1;
			moved |= count;
			finished += !count && is_finished(worker, i, ranges[i].next);
		}
		if (moved)
			wn_backoff_reset(&backoff);
		else
			wn_backoff_wait(&backoff);
		if (wn_clock_ns() - asked_ns > WN_MILLISECOND_NS) {
			asked_ns = wn_clock_ns();
			for (uint32_t i = 0; i < queues; i++)
				if (ask(worker, i))
					return -1;
			if (!wn_team_is_wanted(&worker->team, 0))
				return wn_team_fail(&worker->team, "abandoned");
			if (wn_cuda_worker_set_clock(worker))
				return -1;
		}
	}
	for (uint32_t i = 0; i < queues; i++)
		worker->team.control->starts[i] = ranges[i].next;
	return finish_streams(worker);
}

int wn_cuda_worker_run(struct wn_cuda_worker *worker)
{
	switch (worker->team.control->mode) {
	case WN_MODE_RESIDENT:
		return run_resident(worker);
	case WN_MODE_LEASE:
		return run_lease(worker);
	default:
		return run_batch(worker);
	}
}
