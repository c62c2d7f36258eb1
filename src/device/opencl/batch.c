/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Batch mode: this thread fills a piece, queues what brings it to the device, a kernel on it, and what brings it
 * back, and goes on to the next piece without waiting. Up to `ahead` pieces of a queue are under way, so while
 * the device runs one, the next is already queued and the host fills a third. Answers are taken in order.
 *
 *   mapped   pieces are memory that both sides reach: unmap, kernel, map
 *   copied   write, kernel, read: only the slots that are in use
 */
#include <string.h>

#include "backoff.h"
#include "clock.h"
#include "device/opencl/worker.h"

/* Between two looks at counters, and at who has started us. */
#define ROWS_NS (20 * WN_MILLISECOND_NS)

static const char fault[] = "the device stopped on a fault while it ran the program";

static void fill(struct wn_cl_worker *worker, uint32_t i, struct wn_cl_piece *piece)
{
	const struct wn_ring_view twin = wn_twin_view(&worker->launch.rings[i], piece->bytes);

	twin.words->corrupt = 0;
	for (uint32_t k = 0; k < piece->count; k++) {
		const uint32_t position = piece->first + k;

		/* Whatever lap lies there from another time, it is not this one. */
		twin.verdicts[position & twin.slot_mask] = wn_verdict_word(wn_lap(position, twin.slot_shift) ^ 1, 0, 0);
		wn_twin_fill(&twin, &worker->team.rings[i].view, position);
	}
}

/* The bytes of a piece that are in use: to the last index that its positions have. */
static uint64_t reach_of(const struct wn_cl_worker *worker, uint32_t i, const struct wn_cl_piece *piece)
{
	const struct wn_cl_ring *ring = &worker->launch.rings[i];
	const uint32_t last = (piece->first & ring->slot_mask) + piece->count;

	return wn_twin_reach(ring, last > ring->slot_mask ? ring->slot_mask + 1 : last);
}

static int bring(struct wn_cl_worker *worker, struct wn_cl_piece *piece, uint64_t bytes)
{
	const struct wn_cl *cl = worker->cl;

	if (worker->is_mapped)
		return wn_cl_check(worker, cl->clEnqueueUnmapMemObject(worker->commands, piece->memory, piece->bytes, 0, NULL,
								       NULL), "clEnqueueUnmapMemObject");
	return wn_cl_check(worker, cl->clEnqueueWriteBuffer(worker->commands, piece->memory, CL_FALSE, 0, bytes, piece->bytes,
							    0, NULL, NULL), "clEnqueueWriteBuffer");
}

static int fetch(struct wn_cl_worker *worker, uint32_t i, struct wn_cl_piece *piece, uint64_t bytes)
{
	const struct wn_cl_ring *ring = &worker->launch.rings[i];
	const struct wn_cl *cl = worker->cl;
	cl_int result;

	if (!worker->is_mapped)
		return wn_cl_check(worker, cl->clEnqueueReadBuffer(worker->commands, piece->memory, CL_FALSE, 0, bytes,
								   piece->bytes, 0, NULL, &piece->done), "clEnqueueReadBuffer");
	/* The address is good once the event is complete; nobody looks before. */
	piece->bytes = cl->clEnqueueMapBuffer(worker->commands, piece->memory, CL_FALSE, CL_MAP_READ | CL_MAP_WRITE, 0,
					      wn_twin_reach(ring, ring->slot_mask + 1), 0, NULL, &piece->done, &result);
	return wn_cl_check(worker, result, "clEnqueueMapBuffer");
}

int wn_cl_launch_batch(struct wn_cl_worker *worker, const cl_mem *memory, uint32_t i, uint32_t first, uint32_t count)
{
	const uint32_t wanted = (count + worker->lanes - 1) / worker->lanes;
	const struct wn_cl_argument arguments[] = {
		{sizeof(cl_mem), memory}, {sizeof(cl_mem), &worker->launch_memory}, {sizeof(cl_mem), &worker->data},
		{sizeof(cl_mem), &worker->cells}, {sizeof(cl_mem), &worker->row_memory}, {sizeof(i), &i},
		{sizeof(first), &first}, {sizeof(count), &count},
	};

	if (wn_cl_arguments(worker, worker->run, arguments, sizeof(arguments) / sizeof(arguments[0])))
		return -1;
	return wn_cl_enqueue(worker, worker->run, wanted < 1 ? 1 : wanted < worker->groups ? wanted : worker->groups, NULL, fault);
}

static int launch(struct wn_cl_worker *worker, uint32_t i, struct wn_cl_piece *piece)
{
	const uint64_t bytes = reach_of(worker, i, piece);

	if (bring(worker, piece, bytes) || wn_cl_launch_batch(worker, &piece->memory, i, piece->first, piece->count) ||
	    fetch(worker, i, piece, bytes))
		return -1;
	return wn_cl_check(worker, worker->cl->clFlush(worker->commands), "clFlush");
}

/* Launches on what waits, if a piece is free. Returns how many slots, or -1. */
static int launch_next(struct wn_cl_worker *worker, uint32_t i)
{
	struct wn_cl_queue *queue = &worker->queues[i];
	const uint32_t ahead = worker->team.control->ahead, waiting = wn_cl_waiting(worker, i);
	struct wn_cl_piece *piece = &queue->pieces[(queue->oldest + queue->under_way) % ahead];

	if (!waiting || queue->under_way == ahead)
		return 0;
	piece->first = queue->taken;
	piece->count = waiting < worker->batch_slots ? waiting : worker->batch_slots;
	fill(worker, i, piece);
	if (launch(worker, i, piece))
		return -1;
	queue->taken += piece->count;
	queue->under_way++;
	return (int)piece->count;
}

/* The piece's answers, and what of it has none: then a slot was corrupt. */
static int bring_answers(struct wn_cl_worker *worker, uint32_t i, const struct wn_cl_piece *piece)
{
	const struct wn_ring_view *ring = &worker->team.rings[i].view;
	const struct wn_ring_view twin = wn_twin_view(&worker->launch.rings[i], piece->bytes);

	for (uint32_t k = 0; k < piece->count; k++) {
		if (wn_twin_answer(&twin, ring, piece->first + k))
			continue;
		if (!twin.words->corrupt)
			return wn_team_fail(&worker->team, "the device ended a launch without an answer to packet %u of %u",
					    k, piece->count);
		wn_store_relaxed(&ring->words->corrupt_position, twin.words->corrupt_position);
		wn_store_release(&ring->words->corrupt, 1); /* (X) */
	}
	return 0;
}

/* Takes what has come back. Returns how many slots, or -1. */
static int finish_oldest(struct wn_cl_worker *worker, uint32_t i)
{
	struct wn_cl_queue *queue = &worker->queues[i];
	struct wn_cl_piece *piece = &queue->pieces[queue->oldest];
	int rc;

	if (!queue->under_way)
		return 0;
	rc = wn_cl_look_at(worker, piece->done, fault);
	if (rc <= 0)
		return rc;
	worker->cl->clReleaseEvent(piece->done);
	piece->done = NULL;
	if (bring_answers(worker, i, piece))
		return -1;
	queue->answered += piece->count;
	queue->oldest = (queue->oldest + 1) % worker->team.control->ahead;
	queue->under_way--;
	return (int)piece->count;
}

/* The counters come with their own read, behind what was queued; shown once it is here. 0 or -1. */
static int look_around(struct wn_cl_worker *worker, int64_t *looked_ns)
{
	const int64_t now = wn_clock_ns();

	if (now - *looked_ns < ROWS_NS)
		return 0;
	*looked_ns = now;
	if (!wn_team_is_wanted(&worker->team, 0))
		return wn_team_fail(&worker->team, "abandoned");
	if (worker->rows_read) {
		const int rc = wn_cl_look_at(worker, worker->rows_read, "counters");

		if (rc <= 0)
			return rc;
		worker->cl->clReleaseEvent(worker->rows_read);
		worker->rows_read = NULL;
		wn_cl_show_rows(worker);
	}
	return wn_cl_check(worker, worker->cl->clEnqueueReadBuffer(worker->commands, worker->row_memory, CL_FALSE, 0,
								   worker->row_bytes, worker->rows, 0, NULL,
								   &worker->rows_read), "counters") ||
			       wn_cl_check(worker, worker->cl->clFlush(worker->commands), "clFlush")
		       ? -1
		       : 0;
}

/* One turn over all queues. Returns the slots that were moved, or -1; *is_over once there is nothing more to come. */
static int turn(struct wn_cl_worker *worker, int *is_over)
{
	const int is_leaving = wn_load_relaxed(&worker->team.control->abandon) != 0;
	uint32_t finished = 0, even = 0;
	int moved = 0;

	for (uint32_t i = 0; i < worker->launch.queue_count; i++) {
		const int over = is_leaving ? 0 : launch_next(worker, i), back = over < 0 ? -1 : finish_oldest(worker, i);

		if (back < 0)
			return -1;
		moved |= over | back;
		even += !worker->queues[i].under_way;
		finished += !worker->queues[i].under_way && wn_cl_all_taken(worker, i);
	}
	*is_over = finished == worker->launch.queue_count || (is_leaving && even == worker->launch.queue_count);
	return moved;
}

int wn_cl_run_batch(struct wn_cl_worker *worker)
{
	int64_t looked_ns = 0;
	struct wn_backoff backoff;
	int is_over = 0;

	wn_backoff_init(&backoff, 2);
	wn_team_say(&worker->team, WN_TEAM_READY);
	while (!is_over) {
		const int moved = turn(worker, &is_over);

		if (moved < 0 || look_around(worker, &looked_ns))
			return -1;
		if (moved)
			wn_backoff_reset(&backoff);
		else
			wn_backoff_wait(&backoff);
	}
	/* The last counts, behind all launches. */
	return wn_cl_check(worker, worker->cl->clFinish(worker->commands), fault) ||
			       wn_cl_check(worker, worker->cl->clEnqueueReadBuffer(worker->commands, worker->row_memory, CL_TRUE,
										   0, worker->row_bytes, worker->rows, 0, NULL,
										   NULL), "counters")
		       ? -1
		       : 0;
}
