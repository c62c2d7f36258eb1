/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lease mode: kernels poll a whole twin of each ring while this thread moves slots over and answers back. A lease ends
 * after so many looks, by itself, or after `lease` ms, because the host says so; two are queued, so that the device
 * goes from one to the next. While there is nothing to do none is queued.
 *
 * What kernels look at while they run is written by the CPU with plain stores, then a fence, then the word that
 * announces it, then a fence; and read the other way round. What a kernel does not see in time it sees at its next
 * lease: a command buffer's start is a point of order in any case. So staleness costs time, and no packet.
 */
#include "device/metal/metal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "device/watch.h"

enum {
	TAKE_MAX = 64,                  /* slots at once: the first of them need not wait for the last of a burst */
	TURNS_MIN = 64
};

static struct wn_metal_words *words_of(const struct wn_metal *metal)
{
	return (struct wn_metal_words *)metal->lease.bytes;
}

static struct wn_metal_state *state_of(const struct wn_metal *metal)
{
	return wn_mtl_contents(metal->lease.state);
}

/* -- memory -- */

/* Where all twins are, and how large a slot of its own each lane needs. Returns the bytes of the former. */
static uint64_t lay_out(const struct wn_metal *metal, struct wn_metal_shared *shared)
{
	uint64_t end = sizeof(struct wn_metal_words), scratch = 0;

	for (uint32_t i = 0; i < metal->queue_count; i++) {
		const struct wn_ring_view *ring = &metal->views[i];
		struct wn_cl_ring own;
		const uint64_t bytes = wn_twin_lay_out(&shared->rings[i], ring, ring->slot_mask + 1);
		const uint64_t one = wn_twin_lay_out(&own, ring, 1);

		wn_twin_move(&shared->rings[i], end);
		end += bytes;
		scratch = one > scratch ? one : scratch;
	}
	shared->scratch_bytes = (uint32_t)scratch;
	return end;
}

static int make_memory(struct wn_metal *metal, struct wn_metal_shared *shared, struct wn_error *error)
{
	struct wn_metal_lease_state *lease = &metal->lease;
	const uint64_t bytes = lay_out(metal, shared);

	lease->memory = wn_metal_buffer(metal, bytes, "the twins of the rings", error);
	lease->shared = lease->memory ? wn_metal_buffer(metal, sizeof(*shared), "launch constants", error) : NULL;
	lease->state = lease->shared ? wn_metal_buffer(metal, sizeof(struct wn_metal_state), "launch state", error) : NULL;
	lease->scratch = lease->state ? wn_metal_buffer(metal, (uint64_t)shared->scratch_bytes * metal->queue_count *
							 metal->lanes, "the lanes' own slots", error) : NULL;
	if (!lease->scratch)
		return -ENOMEM;
	lease->bytes = wn_mtl_contents(lease->memory);
	memcpy(wn_mtl_contents(lease->shared), shared, sizeof(*shared));
	return 0;
}

static void begin_queue(struct wn_metal *metal, uint32_t i, const struct wn_cl_ring *ring)
{
	struct wn_metal_queue *queue = &metal->queues[i];

	queue->twin = wn_twin_view(ring, metal->lease.bytes);
	queue->answered = queue->taken;
	/* Words of earlier laps: a zero could be taken for an answer. */
	for (uint32_t k = 0; k <= metal->views[i].slot_mask; k++)
		queue->twin.verdicts[k] = wn_load_relaxed(&metal->views[i].verdicts[k]);
	queue->twin.words->published = queue->taken;
	state_of(metal)->positions[i] = queue->taken;
}

int wn_metal_lease_make(struct wn_metal *metal, struct wn_error *error)
{
	struct wn_metal_shared *shared = calloc(1, sizeof(*shared));
	int rc = shared ? make_memory(metal, shared, error) : wn_fail(error, ENOMEM, WN_FAILED, "out of memory");

	for (uint32_t i = 0; i < metal->queue_count && !rc; i++)
		begin_queue(metal, i, &shared->rings[i]);
	for (uint32_t k = 0; k < WN_METAL_LEASES && !rc; k++) {
		metal->lease.commands[k] = wn_metal_command_make(sizeof(struct wn_metal_command));
		metal->lease.rows[k] = k;
		if (!metal->lease.commands[k])
			rc = wn_fail(error, ENOMEM, WN_FAILED, "out of memory");
	}
	metal->lease.turns = WN_METAL_TURNS;
	free(shared);
	return rc;
}

void wn_metal_lease_end(struct wn_metal *metal)
{
	struct wn_metal_lease_state *lease = &metal->lease;

	wn_mtl_release(lease->memory);
	wn_mtl_release(lease->shared);
	wn_mtl_release(lease->scratch);
	wn_mtl_release(lease->state);
	for (uint32_t k = 0; k < WN_METAL_LEASES; k++)
		wn_metal_command_free(lease->commands[k]);
	memset(lease, 0, sizeof(*lease));
}

/* -- slots over, answers back -- */

static uint32_t take_slots(struct wn_metal *metal, uint32_t i)
{
	struct wn_metal_queue *queue = &metal->queues[i];
	const uint32_t waiting = wn_metal_waiting(metal, i), count = waiting < TAKE_MAX ? waiting : TAKE_MAX;

	for (uint32_t k = 0; k < count; k++)
		wn_twin_fill(&queue->twin, &metal->views[i], queue->taken + k);
	queue->taken += count;
	if (count) {
		wn_metal_cpu_fence();
		wn_store_release(&queue->twin.words->published, queue->taken); /* (P), to the kernel */
	}
	if (wn_metal_all_taken(metal, i) && !queue->twin.words->closed) {
		wn_store_relaxed(&queue->twin.words->final, queue->taken);
		wn_metal_cpu_fence();
		wn_store_release(&queue->twin.words->closed, 1); /* (C) */
	}
	if (count)
		wn_metal_cpu_fence();
	return count;
}

static uint32_t bring_answers(struct wn_metal *metal, uint32_t i)
{
	struct wn_metal_queue *queue = &metal->queues[i];
	const struct wn_ring_view *ring = &metal->views[i];
	uint32_t count = 0, ready = 0;

	/* All words first, then one fence for all that stands behind them. */
	while (ready < TAKE_MAX && queue->answered + ready != queue->taken &&
	       wn_watch_is_answered(&queue->twin, queue->answered + ready))
		ready++;
	if (ready)
		wn_metal_cpu_fence();
	for (; count < ready; count++)
		wn_twin_answer(&queue->twin, ring, queue->answered++);
	if (WN_UNLIKELY(wn_load_acquire(&queue->twin.words->corrupt)) && !wn_load_relaxed(&ring->words->corrupt)) {
		wn_metal_cpu_fence();
		wn_store_relaxed(&ring->words->corrupt_position, wn_load_relaxed(&queue->twin.words->corrupt_position));
		wn_store_release(&ring->words->corrupt, 1); /* (X) */
	}
	return count;
}

/* -- leases -- */

static int launch(struct wn_metal *metal)
{
	struct wn_metal_lease_state *state = &metal->lease;
	const struct wn_metal_version *version = metal->current;
	const struct wn_metal_lease lease = {state->last + 1, state->turns};
	const struct wn_metal_launch launch = {
		.pipeline = version->pipeline,
		.buffers = {state->memory, version->launch, version->data, version->cells,
			    version->rows[state->rows[state->count]], NULL, state->shared, state->scratch, state->state},
		.bytes = &lease,
		.byte_count = sizeof(lease),
		.group_memory = sizeof(struct wn_metal_share),
		.groups = metal->queue_count,
		.lanes = metal->lanes,
	};

	if (wn_metal_commit(metal, state->commands[state->count], &launch))
		return -1;
	state->count++;
	state->last++;
	return 0;
}

/* The oldest has ended: it becomes the last of the free ones. */
static void retire_oldest(struct wn_metal *metal, int is_good)
{
	struct wn_metal_lease_state *lease = &metal->lease;
	struct wn_metal_command *command = lease->commands[0];
	const uint32_t rows = lease->rows[0];

	wn_metal_take_rows(metal->current, rows, is_good);
	memmove(lease->commands, lease->commands + 1, sizeof(lease->commands) - sizeof(lease->commands[0]));
	memmove(lease->rows, lease->rows + 1, sizeof(lease->rows) - sizeof(lease->rows[0]));
	lease->commands[WN_METAL_LEASES - 1] = command;
	lease->rows[WN_METAL_LEASES - 1] = rows;
	lease->count--;
	/* The next one has its turn from now on. */
	lease->commands[0]->since_ns = wn_clock_ns();
}

static void end_all(struct wn_metal *metal)
{
	wn_store_release(&words_of(metal)->over, metal->lease.last);
	wn_metal_cpu_fence();
}

/*
 * After a lease that failed, and once none is under way: what it had in hand is brought over anew from the ring, where
 * it still is as it came, and the next one begins at the first packet without an answer.
 */
static void begin_again(struct wn_metal *metal)
{
	struct wn_metal_state *state = state_of(metal);

	for (uint32_t i = 0; i < metal->queue_count; i++) {
		struct wn_metal_queue *queue = &metal->queues[i];

		while (bring_answers(metal, i))
			continue;
		for (uint32_t position = queue->answered; position != queue->taken; position++) {
			queue->twin.verdicts[position & queue->twin.slot_mask] =
				wn_verdict_word(wn_lap(position, queue->twin.slot_shift) ^ 1, 0, 0);
			wn_twin_fill(&queue->twin, &metal->views[i], position);
		}
		state->positions[i] = queue->answered;
	}
	wn_metal_cpu_fence();
}

static void note_failure(struct wn_metal *metal)
{
	struct wn_metal_lease_state *lease = &metal->lease;

	lease->turns = lease->turns / 2 > TURNS_MIN ? lease->turns / 2 : TURNS_MIN;
	wn_store_relaxed64(&metal->retried, metal->retried + 1);
	if (++metal->failures >= metal->failures_max)
		wn_metal_give_up(metal, "%u leases in a row failed: %s", metal->failures, metal->reason);
	else
		wn_metal_say(metal, "%s: program '%s': a lease failed, and is tried again with %u looks: %s",
			     metal->device->name, metal->current->program.name, lease->turns, metal->reason);
}

/* Takes note of leases that have ended, and ends the one whose time is over. */
static void look_at_leases(struct wn_metal *metal)
{
	struct wn_metal_lease_state *lease = &metal->lease;
	const int64_t lease_ns = (int64_t)wn_options_number(&metal->device->options, "lease") * WN_MILLISECOND_NS;
	const int64_t stuck_ns = (int64_t)wn_options_number(&metal->device->options, "stuck") * WN_MILLISECOND_NS;
	int64_t age;

	while (lease->count && !metal->device->failed) {
		const int rc = wn_metal_look(metal, lease->commands[0]);

		if (!rc)
			break;
		retire_oldest(metal, rc > 0);
		if (rc < 0) {
			note_failure(metal);
			end_all(metal);
			lease->is_broken = 1;
		} else if (!lease->is_broken) {
			metal->failures = 0;
		}
	}
	if (!lease->count) {
		if (lease->is_broken)
			begin_again(metal);
		lease->is_broken = 0;
		return;
	}
	age = wn_clock_ns() - lease->commands[0]->since_ns;
	if (age > stuck_ns)
		wn_metal_give_up(metal, "a command buffer did not complete within %d ms", (int)(stuck_ns / WN_MILLISECOND_NS));
	else if (age > lease_ns)
		wn_store_release(&words_of(metal)->over, lease->last + 1 - lease->count);
}

uint32_t wn_metal_lease_turn(struct wn_metal *metal, int is_draining, int *is_even, int *is_over)
{
	struct wn_metal_lease_state *lease = &metal->lease;
	uint32_t moved = 0, waiting = 0;

	*is_over = 1;
	look_at_leases(metal);
	for (uint32_t i = 0; i < metal->queue_count && !metal->device->failed; i++) {
		const struct wn_metal_queue *queue = &metal->queues[i];

		if (!is_draining)
			moved += take_slots(metal, i);
		/* Between a failure and the fresh start nothing is taken of what a failed lease has left. */
		if (!lease->is_broken)
			moved += bring_answers(metal, i);
		waiting |= queue->answered != queue->taken;
		*is_over &= queue->answered == queue->taken && wn_metal_all_taken(metal, i);
	}
	if (is_draining || *is_over)
		end_all(metal);
	while (!is_draining && !*is_over && !lease->is_broken && !metal->device->failed && (moved || waiting) &&
	       lease->count < WN_METAL_LEASES)
		if (launch(metal))
			wn_metal_give_up(metal, "%s", metal->reason);
	*is_even = !lease->count;
	*is_over &= *is_even;
	return moved;
}
