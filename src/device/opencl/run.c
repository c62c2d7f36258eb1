/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resident and lease: a kernel polls the twins while this thread moves slots over and answers back.
 *
 * A lease ends after so many turns without a packet, by itself, or after `lease` ms, because the host says so;
 * two are queued, so that the device goes from one to the next. While there is nothing to do none is queued.
 */
#include <stdio.h>
#include <string.h>

#include "backoff.h"
#include "clock.h"
#include "device/opencl/worker.h"

enum {
	LEASES_AHEAD = 2,
	LEASE_TURNS = 1 << 16,
	TAKE_MAX = 64                   /* slots at once: the first of them need not wait for the last of a burst */
};

#define ALIVE_NS (10 * WN_SECOND_NS)
#define LOOK_NS (2 * WN_MILLISECOND_NS)

/* Launches that are queued, oldest first. */
struct leases {
	cl_event events[LEASES_AHEAD];
	uint32_t count;
	uint32_t last;                  /* number of the newest */
	int64_t since_ns;               /* when the oldest came to its turn */
};

int wn_cl_arguments(struct wn_cl_worker *worker, cl_kernel kernel, const struct wn_cl_argument *arguments, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		const struct wn_cl_argument *argument = &arguments[i];

		if (wn_cl_check(worker,
				argument->bytes ? worker->cl->clSetKernelArg(kernel, i, argument->bytes, argument->value)
						: worker->cl->clSetKernelArgSVMPointer(kernel, i, argument->value),
				"clSetKernelArg"))
			return -1;
	}
	return 0;
}

int wn_cl_enqueue(struct wn_cl_worker *worker, cl_kernel kernel, uint32_t groups, cl_event *event, const char *what)
{
	const size_t local = worker->lanes, global = (size_t)groups * worker->lanes;

	worker->team.control->launches++;
	if (wn_cl_check(worker, worker->cl->clEnqueueNDRangeKernel(worker->commands, kernel, 1, NULL, &global, &local, 0,
								   NULL, event), what))
		return -1;
	return wn_cl_check(worker, worker->cl->clFlush(worker->commands), "clFlush");
}

int wn_cl_look_at(struct wn_cl_worker *worker, cl_event event, const char *what)
{
	cl_int status = 1;

	if (wn_cl_check(worker, worker->cl->clGetEventInfo(event, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof(status), &status,
							   NULL), "clGetEventInfo"))
		return -1;
	if (status < 0)
		return wn_cl_check(worker, status, what);
	if (status != CL_COMPLETE)
		return 0;
	/* The question orders nothing; waiting does (OpenCL 3.0 API, clGetEventInfo). */
	return wn_cl_check(worker, worker->cl->clWaitForEvents(1, &event), what) ? -1 : 1;
}

uint32_t wn_cl_waiting(struct wn_cl_worker *worker, uint32_t i)
{
	return wn_load_acquire(&worker->team.rings[i].view.words->published) - worker->queues[i].taken; /* (D) */
}

int wn_cl_all_taken(struct wn_cl_worker *worker, uint32_t i)
{
	struct wn_ring_words *words = worker->team.rings[i].view.words;

	if (!wn_load_acquire(&words->closed)) /* (E) */
		return 0;
	return (int32_t)(worker->queues[i].taken - wn_load_relaxed(&words->final)) >= 0;
}

/* -- counters -- */

/* A row as of one moment (launch.h). 0, or -1: the lane is at it. */
static int take_row(uint32_t *row, uint64_t *values, uint32_t count)
{
	const uint32_t end = wn_load_acquire(&row[1]);

	for (uint32_t i = 0; i < count; i++) {
		const uint32_t low = wn_load_acquire(&row[WN_CL_ROW_HEAD + 2 * i]);
		const uint32_t high = wn_load_acquire(&row[WN_CL_ROW_HEAD + 2 * i + 1]);

		values[i] += (uint64_t)high << 32 | low;
	}
	return wn_load_relaxed(&row[0]) == end ? 0 : -1;
}

void wn_cl_show_rows(struct wn_cl_worker *worker)
{
	struct wn_team_control *control = worker->team.control;
	uint64_t sums[WN_LANE_WORDS_MAX] = {0};

	for (uint32_t r = 0; r < worker->row_count; r++)
		if (take_row(worker->rows + (size_t)r * worker->launch.row_words, sums, control->lane_words))
			return; /* the next look shows it */
	for (uint32_t i = 0; i < control->lane_words; i++)
		wn_store_relaxed64(&wn_team_rows(control)[i], sums[i]);
}

/* -- slots over, answers back -- */

static uint32_t take_slots(struct wn_cl_worker *worker, uint32_t i)
{
	struct wn_cl_queue *queue = &worker->queues[i];
	const struct wn_ring_view *ring = &worker->team.rings[i].view;
	const uint32_t waiting = wn_cl_waiting(worker, i), count = waiting < TAKE_MAX ? waiting : TAKE_MAX;

	for (uint32_t k = 0; k < count; k++)
		wn_twin_fill(&queue->twin, ring, queue->taken + k);
	queue->taken += count;
	if (count)
		wn_store_release(&queue->twin.words->published, queue->taken); /* (P), to the kernel */
	if (wn_cl_all_taken(worker, i) && !queue->twin.words->closed) {
		queue->twin.words->final = queue->taken;
		wn_store_release(&queue->twin.words->closed, 1); /* (C) */
	}
	return count;
}

static uint32_t bring_answers(struct wn_cl_worker *worker, uint32_t i)
{
	struct wn_cl_queue *queue = &worker->queues[i];
	const struct wn_ring_view *ring = &worker->team.rings[i].view;
	uint32_t count = 0;

	while (queue->answered != queue->taken && wn_twin_answer(&queue->twin, ring, queue->answered)) {
		queue->answered++;
		count++;
	}
	if (WN_UNLIKELY(wn_load_acquire(&queue->twin.words->corrupt)) && !wn_load_relaxed(&ring->words->corrupt)) {
		wn_store_relaxed(&ring->words->corrupt_position, wn_load_relaxed(&queue->twin.words->corrupt_position));
		wn_store_release(&ring->words->corrupt, 1); /* (X) */
	}
	return count;
}

/* -- launches -- */

int wn_cl_launch_serve(struct wn_cl_worker *worker, uint32_t number, uint32_t turns, cl_event *event)
{
	const struct wn_cl_argument arguments[] = {
		{0, worker->memory}, {sizeof(cl_mem), &worker->launch_memory}, {sizeof(cl_mem), &worker->data},
		{sizeof(cl_mem), &worker->cells}, {0, worker->rows}, {0, worker->state}, {sizeof(number), &number},
		{sizeof(turns), &turns},
	};

	if (wn_cl_arguments(worker, worker->serve, arguments, sizeof(arguments) / sizeof(arguments[0])))
		return -1;
	return wn_cl_enqueue(worker, worker->serve, worker->groups, event, "a launch");
}

static int launch(struct wn_cl_worker *worker, struct leases *leases, uint32_t turns)
{
	const uint32_t number = leases->last + 1;

	if (wn_cl_launch_serve(worker, number, turns, &leases->events[leases->count]))
		return -1;
	if (!leases->count++)
		leases->since_ns = wn_clock_ns();
	leases->last = number;
	return 0;
}

/* Takes note of launches that have ended, and ends the one whose time is over. 0 or -1. */
static int look_at_leases(struct wn_cl_worker *worker, struct leases *leases, int64_t now)
{
	while (leases->count) {
		const int rc = wn_cl_look_at(worker, leases->events[0], "the device stopped on a fault while it ran the program");

		if (rc < 0)
			return -1;
		if (!rc)
			break;
		worker->cl->clReleaseEvent(leases->events[0]);
		leases->count--;
		memmove(leases->events, leases->events + 1, leases->count * sizeof(leases->events[0]));
		leases->since_ns = now;
	}
	if (leases->count && worker->mode == WN_MODE_LEASE &&
	    now - leases->since_ns > worker->team.control->lease_ms * WN_MILLISECOND_NS)
		wn_store_release(&worker->state->over, leases->last + 1 - leases->count);
	return 0;
}

/* Keeps launches queued, as the mode wants them. 0 or -1. */
static int arm(struct wn_cl_worker *worker, struct leases *leases, int is_busy)
{
	if (worker->mode == WN_MODE_RESIDENT)
		return leases->count ? 0 : launch(worker, leases, 0);
	while (is_busy && leases->count < LEASES_AHEAD)
		if (launch(worker, leases, LEASE_TURNS))
			return -1;
	return 0;
}

static int wait_alive(struct wn_cl_worker *worker, struct leases *leases)
{
	const int64_t until = wn_clock_ns() + ALIVE_NS;
	struct wn_backoff backoff;

	wn_backoff_init(&backoff, 2);
	for (uint32_t g = 0; g < worker->groups; g++) {
		while (!wn_load_acquire(&worker->state->alive[g])) {
			if (look_at_leases(worker, leases, wn_clock_ns()))
				return -1;
			if (wn_clock_ns() > until)
				return wn_team_fail(&worker->team, "group %u of %u did not start within %d s: is the device "
						    "busy with another program?", g, worker->groups,
						    (int)(ALIVE_NS / WN_SECOND_NS));
			wn_backoff_wait(&backoff);
		}
	}
	return 0;
}

/* Everything that went over has come back. */
static int is_even(const struct wn_cl_worker *worker)
{
	for (uint32_t i = 0; i < worker->launch.queue_count; i++)
		if (worker->queues[i].answered != worker->queues[i].taken)
			return 0;
	return 1;
}

/* One turn over all queues. Returns what was moved; *is_over once there is nothing more to come. */
static uint32_t turn(struct wn_cl_worker *worker, int *is_over)
{
	const int is_leaving = wn_load_relaxed(&worker->team.control->abandon) != 0;
	uint32_t moved = 0, finished = 0;

	for (uint32_t i = 0; i < worker->launch.queue_count; i++) {
		if (!is_leaving)
			moved += take_slots(worker, i);
		moved += bring_answers(worker, i);
		finished += worker->queues[i].answered == worker->queues[i].taken && wn_cl_all_taken(worker, i);
	}
	*is_over = (is_leaving && is_even(worker)) || finished == worker->launch.queue_count;
	return moved;
}

/* Now and then. 0 or -1. */
static int look_around(struct wn_cl_worker *worker, struct leases *leases, int64_t *looked_ns)
{
	const int64_t now = wn_clock_ns();

	if (now - *looked_ns < LOOK_NS)
		return 0;
	*looked_ns = now;
	wn_cl_show_rows(worker);
	if (look_at_leases(worker, leases, now))
		return -1;
	return wn_team_is_wanted(&worker->team, 0) ? 0 : wn_team_fail(&worker->team, "abandoned");
}

static int serve(struct wn_cl_worker *worker, struct leases *leases)
{
	int64_t looked_ns = 0;
	struct wn_backoff backoff;
	int is_over = 0;

	wn_backoff_init(&backoff, 2);
	while (!is_over) {
		const uint32_t moved = turn(worker, &is_over);

		if (look_around(worker, leases, &looked_ns) || arm(worker, leases, moved || !is_even(worker)))
			return -1;
		if (moved)
			wn_backoff_reset(&backoff);
		else
			wn_backoff_wait(&backoff);
	}
	return 0;
}

int wn_cl_run(struct wn_cl_worker *worker)
{
	struct leases leases = {.count = 0};

	if (worker->mode == WN_MODE_BATCH)
		return wn_cl_run_batch(worker);
	if (arm(worker, &leases, 1) || wait_alive(worker, &leases))
		return -1;
	wn_team_say(&worker->team, WN_TEAM_READY);
	if (serve(worker, &leases))
		return -1;
	wn_store_release(&worker->state->leave, 1);
	return wn_cl_check(worker, worker->cl->clFinish(worker->commands), "the last launch");
}
