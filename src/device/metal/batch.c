/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Batch mode: fill a piece, commit a launch on it, and go on to the next piece without waiting. Up to `ahead` pieces
 * of a queue are under way; answers are taken in order.
 */
#include "device/metal/metal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "device/watch.h"

enum {
	BATCH_SLOTS_PRESET = 256,
	PIECE_BYTES_MAX = 64 << 20,
	LAUNCHES_UNTIL_LARGER = 64      /* good ones in a row, after a failure had made them smaller */
};

static struct wn_cl_ring *ring_of(const struct wn_metal *metal, uint32_t i)
{
	struct wn_cl_launch *launch = wn_mtl_contents(metal->current->launch);

	return &launch->rings[i];
}

/* -- memory -- */

/* Slots of a piece: a power of two that every ring has and that does not take too much memory. */
static uint32_t slots_of(const struct wn_metal *metal)
{
	uint64_t slots = wn_options_number(&metal->device->options, "batch");
	uint32_t power = 1;

	slots = slots ? slots : BATCH_SLOTS_PRESET;
	for (uint32_t i = 0; i < metal->queue_count; i++) {
		const struct wn_ring_view *ring = &metal->views[i];
		const uint64_t each = ring->frame_stride + (uint64_t)ring->segments_max * (4 + ring->result_bytes) + 68;
		const uint64_t most = PIECE_BYTES_MAX / each + 1;

		slots = slots < ring->slot_mask + 1 ? slots : ring->slot_mask + 1;
		slots = slots < most ? slots : most;
	}
	while (power * 2 <= slots)
		power *= 2;
	return power;
}

static int make_piece(struct wn_metal *metal, uint32_t i, struct wn_metal_piece **piece, struct wn_error *error)
{
	struct wn_cl_ring ring;
	const uint64_t bytes = wn_twin_lay_out(&ring, &metal->views[i], metal->batch_slots);
	struct wn_metal_piece *made = wn_metal_command_make(sizeof(*made));

	*piece = made;
	if (!made)
		return wn_fail(error, ENOMEM, WN_FAILED, "out of memory");
	made->memory = wn_metal_buffer(metal, bytes, "a batch", error);
	if (!made->memory)
		return -ENOMEM;
	made->bytes = wn_mtl_contents(made->memory);
	return 0;
}

int wn_metal_batch_make(struct wn_metal *metal, struct wn_error *error)
{
	metal->batch_slots = metal->batch_now = slots_of(metal);
	for (uint32_t i = 0; i < metal->queue_count; i++)
		for (uint32_t k = 0; k < metal->ahead; k++) {
			const int rc = make_piece(metal, i, &metal->queues[i].pieces[k], error);

			if (rc)
				return rc;
		}
	return 0;
}

void wn_metal_batch_end(struct wn_metal *metal)
{
	for (uint32_t i = 0; i < metal->queue_count; i++)
		for (uint32_t k = 0; k < WN_METAL_AHEAD_MAX; k++) {
			struct wn_metal_piece *piece = metal->queues[i].pieces[k];

			if (!piece)
				continue;
			wn_mtl_release(piece->memory); /* a command buffer that is under way holds it as well */
			wn_metal_command_free(&piece->command); /* the piece, which it stands in front of */
			metal->queues[i].pieces[k] = NULL;
		}
}

/* -- launches -- */

static void fill(struct wn_metal *metal, uint32_t i, struct wn_metal_piece *piece, uint32_t first, uint32_t count)
{
	const struct wn_ring_view twin = wn_twin_view(ring_of(metal, i), piece->bytes);

	twin.words->corrupt = 0;
	for (uint32_t k = 0; k < count; k++) {
		const uint32_t position = first + k;

		/* Whatever lap lies there from another time, it is not this one. */
		twin.verdicts[position & twin.slot_mask] = wn_verdict_word(wn_lap(position, twin.slot_shift) ^ 1, 0, 0);
		wn_twin_fill(&twin, &metal->views[i], position);
	}
}

static uint32_t rows_of(const struct wn_metal *metal, uint32_t i, const struct wn_metal_piece *piece)
{
	for (uint32_t k = 0; k < metal->ahead; k++)
		if (metal->queues[i].pieces[k] == piece)
			return i * metal->ahead + k;
	return 0;
}

/* Fills the piece with [first, first + count) and commits a launch on it. 0 or -1. */
static int launch(struct wn_metal *metal, uint32_t i, struct wn_metal_piece *piece, uint32_t first, uint32_t count)
{
	const struct wn_metal_version *version = metal->current;
	const struct wn_metal_range range = {i, first, count};
	const struct wn_metal_launch launch = {
		.pipeline = version->pipeline,
		.buffers = {piece->memory, version->launch, version->data, version->cells,
			    version->rows[rows_of(metal, i, piece)]},
		.bytes = &range,
		.byte_count = sizeof(range),
		.groups = (count + metal->lanes - 1) / metal->lanes,
		.lanes = metal->lanes,
	};

	fill(metal, i, piece, first, count);
	return wn_metal_commit(metal, &piece->command, &launch);
}

/*
 * The answers to [first, first + count): 0, or -1 where the device has not given them all. Then none is taken, because
 * the packets are launched again, and one whose answer has left may be another packet's by then.
 */
static int bring_answers(struct wn_metal *metal, uint32_t i, const struct wn_metal_piece *piece, uint32_t first,
			 uint32_t count)
{
	const struct wn_ring_view *ring = &metal->views[i];
	const struct wn_ring_view twin = wn_twin_view(ring_of(metal, i), piece->bytes);

	for (uint32_t k = 0; k < count && !twin.words->corrupt; k++) {
		if (wn_watch_is_answered(&twin, first + k))
			continue;
		snprintf(metal->reason, sizeof(metal->reason), "a launch ended without an answer to packet %u of %u", k, count);
		return -1;
	}
	for (uint32_t k = 0; k < count; k++)
		wn_twin_answer(&twin, ring, first + k);
	if (WN_UNLIKELY(twin.words->corrupt)) {
		wn_store_relaxed(&ring->words->corrupt_position, twin.words->corrupt_position);
		wn_store_release(&ring->words->corrupt, 1); /* (X) */
	}
	return 0;
}

/* -- failures -- */

/* One packet that has failed alone: it has its last verdict. */
static void stop_packet(struct wn_metal *metal, uint32_t i, uint32_t position)
{
	const struct wn_ring_view *ring = &metal->views[i];

	wn_store_release(&ring->verdicts[position & ring->slot_mask],
			 wn_verdict_word(wn_lap(position, ring->slot_shift), WN_CODE_STOPPED, 0)); /* (V) */
	wn_store_relaxed64(&metal->stopped, metal->stopped + 1);
	if (++metal->failures >= metal->failures_max)
		wn_metal_give_up(metal, "%u packets in a row failed, each in a launch of its own: %s", metal->failures,
				 metal->reason);
	else
		wn_metal_complain(metal, &metal->said_stop_ns, "%s: program '%s': a packet failed alone, and is given up: %s",
				  metal->device->name, metal->current->program.name, metal->reason);
}

/* A launch by itself, to its end. 1, or 0: it failed; or the device is given up. */
static int run_alone(struct wn_metal *metal, uint32_t i, struct wn_metal_piece *piece, uint32_t first, uint32_t count)
{
	const int64_t patience = (int64_t)wn_options_number(&metal->device->options, "stuck") * WN_MILLISECOND_NS;
	int rc = launch(metal, i, piece, first, count) ? -1 : wn_metal_wait(metal, &piece->command, patience);

	if (rc == 0) {
		wn_metal_give_up(metal, "a command buffer did not complete within %d ms", (int)(patience / WN_MILLISECOND_NS));
		return 0;
	}
	if (rc > 0 && bring_answers(metal, i, piece, first, count))
		rc = -1;
	wn_metal_take_rows(metal->current, rows_of(metal, i, piece), rc > 0);
	if (rc < 0)
		wn_store_relaxed64(&metal->retried, metal->retried + 1);
	return rc > 0;
}

/*
 * A launch has failed: the same packets once more, in halves of what failed last, and larger again where all is well.
 * Every packet ends with its answer or with the last verdict, or the device is given up.
 */
static void try_smaller(struct wn_metal *metal, uint32_t i, struct wn_metal_piece *piece)
{
	const uint32_t first = piece->first, count = piece->count;
	uint32_t size = count > 1 ? count / 2 : 1, done = 0;

	wn_store_relaxed64(&metal->retried, metal->retried + 1);
	wn_metal_complain(metal, &metal->said_retry_ns,
			  "%s: program '%s': a launch of %u packets failed, and is tried again with %u: %s",
			  metal->device->name, metal->current->program.name, count, size, metal->reason);
	while (done < count && !metal->device->failed) {
		const uint32_t n = size < count - done ? size : count - done;

		if (run_alone(metal, i, piece, first + done, n)) {
			metal->failures = 0;
			done += n;
			metal->batch_now = n < metal->batch_now ? n : metal->batch_now;
		} else if (n > 1) {
			size = n / 2;
		} else if (!metal->device->failed) {
			stop_packet(metal, i, first + done++);
		}
	}
}

/* -- turns -- */

static uint32_t launch_next(struct wn_metal *metal, uint32_t i)
{
	struct wn_metal_queue *queue = &metal->queues[i];
	const uint32_t waiting = wn_metal_waiting(metal, i);
	struct wn_metal_piece *piece = queue->pieces[(queue->oldest + queue->under_way) % metal->ahead];

	if (!waiting || queue->under_way == metal->ahead)
		return 0;
	piece->first = queue->taken;
	piece->count = waiting < metal->batch_now ? waiting : metal->batch_now;
	if (launch(metal, i, piece, piece->first, piece->count)) {
		wn_metal_give_up(metal, "%s", metal->reason);
		return 0;
	}
	queue->taken += piece->count;
	queue->under_way++;
	return piece->count;
}

/* After a failure launches are smaller; when many were good they may be larger again. */
static void grow(struct wn_metal *metal)
{
	if (metal->batch_now == metal->batch_slots || ++metal->failures_since < LAUNCHES_UNTIL_LARGER)
		return;
	metal->failures_since = 0;
	metal->batch_now *= 2;
	if (metal->batch_now > metal->batch_slots)
		metal->batch_now = metal->batch_slots;
}

static uint32_t finish_oldest(struct wn_metal *metal, uint32_t i)
{
	struct wn_metal_queue *queue = &metal->queues[i];
	struct wn_metal_piece *piece = queue->pieces[queue->oldest];
	const int64_t stuck_ms = (int64_t)wn_options_number(&metal->device->options, "stuck");
	int rc;

	if (!queue->under_way)
		return 0;
	rc = wn_metal_look(metal, &piece->command);
	if (!rc) {
		if (wn_clock_ns() - piece->command.since_ns > stuck_ms * WN_MILLISECOND_NS)
			wn_metal_give_up(metal, "a command buffer did not complete within %d ms", (int)stuck_ms);
		return 0;
	}
	if (rc > 0 && bring_answers(metal, i, piece, piece->first, piece->count))
		rc = -1;
	wn_metal_take_rows(metal->current, rows_of(metal, i, piece), rc > 0);
	if (rc < 0) {
		metal->failures_since = 0;
		try_smaller(metal, i, piece);
	} else {
		metal->failures = 0;
		grow(metal);
	}
	queue->oldest = (queue->oldest + 1) % metal->ahead;
	queue->under_way--;
	return piece->count;
}

uint32_t wn_metal_batch_turn(struct wn_metal *metal, int is_draining, int *is_even, int *is_over)
{
	uint32_t moved = 0;

	*is_even = *is_over = 1;
	for (uint32_t i = 0; i < metal->queue_count && !metal->device->failed; i++) {
		if (!is_draining)
			moved += launch_next(metal, i);
		moved += finish_oldest(metal, i);
		*is_even &= !metal->queues[i].under_way;
		*is_over &= !metal->queues[i].under_way && wn_metal_all_taken(metal, i);
	}
	return moved;
}
