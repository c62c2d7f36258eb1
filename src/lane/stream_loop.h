/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device loop over connections, for a group of one lane. lane/group_stream.h is the same for a group of many.
 *
 * Included by the entry file of such a device, after the program and lane/drive_lane.h.
 */
#ifndef WN_LANE_STREAM_LOOP_H
#define WN_LANE_STREAM_LOOP_H

#include "lane/drive_lane.h"
#include "lane/stream_step.h"

enum { WN_STREAM_BATCH = 64 };

static inline void wn_stream_turn_init(struct wn_drive_lane *lane, struct wn_stream_turn *turn, uint64_t now_ns,
				       uint64_t *counts, const struct wn_program_data *data)
{
	struct wn_stream_words *words = lane->view.stream.words;

	turn->view = &lane->view;
	turn->counts = counts;
	turn->data = data;
	turn->now_ns = now_ns;
	turn->now_ms = (uint32_t)(now_ns / 1000000);
	turn->wall_seconds = (now_ns + wn_load_relaxed64(&words->wall_offset_ns)) / 1000000000u;
	turn->free_count = lane->port.uring.free_count;
	turn->open = (uint32_t)lane->totals[WN_STREAM_OPEN];
	turn->closing = wn_load_acquire(&words->closing);
	turn->generation = lane->port.uring.generation;
	turn->starved = lane->stream.starved;
	turn->index = (uint32_t)lane->values[WN_DRIVE_TAKEN];
	turn->wants = turn->give_first = turn->give_count = turn->accept = turn->accept_fails = turn->highest = 0;
	for (uint32_t i = 0; i < WN_DELTAS; i++)
		turn->deltas[i] = 0;
}

/* What the connection in hand wants goes behind what is on the sq. */
static inline void wn_stream_put(struct wn_drive_lane *lane, struct wn_stream_turn *turn, uint32_t number, uint32_t *entries)
{
	if (turn->wants)
		*entries += wn_stream_write(&lane->view, lane->port.uring.sq + *entries, number, turn->wants);
	turn->wants = 0;
	if (turn->highest > lane->stream.highest)
		lane->stream.highest = turn->highest;
	turn->open = (uint32_t)((int32_t)lane->totals[WN_STREAM_OPEN] +
				turn->deltas[WN_DELTA_TOTAL + WN_STREAM_OPEN]);
}

/* Adds what the batch counted. */
static inline void wn_stream_add(struct wn_drive_lane *lane, const struct wn_stream_turn *turn)
{
	uint64_t *values = lane->values, *totals = lane->totals;

	values[WN_DRIVE_TAKEN] += (uint64_t)(int64_t)turn->deltas[WN_DELTA_MESSAGES];
	values[WN_DRIVE_FINISHED] += (uint64_t)(int64_t)turn->deltas[WN_DELTA_MESSAGES];
	values[WN_DRIVE_TAKEN_BYTES] += (uint64_t)(int64_t)turn->deltas[WN_DELTA_BYTES];
	values[WN_DRIVE_ANSWERED] += (uint64_t)(int64_t)turn->deltas[WN_DELTA_ANSWERED];
	values[WN_DRIVE_ANSWERED_BYTES] += (uint64_t)(int64_t)turn->deltas[WN_DELTA_ANSWERED_BYTES];
	values[WN_DRIVE_SEND_FAILED] += (uint64_t)(int64_t)turn->deltas[WN_DELTA_SEND_FAILED];
	values[WN_DRIVE_BAD_ARRIVALS] += (uint64_t)(int64_t)turn->deltas[WN_DELTA_TOTAL + WN_STREAM_BAD_ENTRIES];
	for (uint32_t i = 0; i < WN_DELTA_CODES; i++)
		values[WN_DRIVE_DROPPED + i] += (uint64_t)(int64_t)turn->deltas[WN_DELTA_DROPPED + i];
	for (uint32_t i = 0; i < WN_STREAM_TOTALS; i++)
		totals[i] += (uint64_t)(int64_t)turn->deltas[WN_DELTA_TOTAL + i];
	lane->stream.starved += (uint32_t)turn->deltas[WN_DELTA_STARVED];
}

/*
 * The end of a batch: `taken` of the cq, `entries` on the sq, and the chain of frames back to the kernel. Returns how many
 * entries of the sq that were, the accept's with them.
 */
static inline uint32_t wn_stream_finish(struct wn_drive_lane *lane, struct wn_stream_turn *turn, uint32_t taken, uint32_t entries)
{
	struct wn_drive_batch batch = {.taken = taken, .given = turn->give_count, .sent = entries,
				       .received = (uint32_t)turn->deltas[WN_DELTA_FRAMES]};
	uint32_t frame = turn->give_first;

	for (uint32_t i = 0; i < turn->give_count; i++) {
		const uint32_t next = lane->view.stream.next[frame];

		wn_uring_give(&lane->port.uring, &lane->view, i, frame);
		frame = next;
	}
	wn_stream_add(lane, turn);
	if (turn->accept)
		lane->port.uring.receive = turn->accept;
	if (wn_stream_port_accepts(&lane->port.uring, &lane->stream, turn->accept_fails))
		wn_stream_write_accept(&lane->view, lane->port.uring.sq + batch.sent++, lane->port.uring.generation);
	wn_stream_port_release(&lane->view, &lane->port.uring, &batch);
	wn_stream_port_show(&lane->view, &lane->port.uring, &batch);
	wn_stream_port_retire(&lane->port.uring, &batch);
	return batch.sent;
}

/* Entries of the sq that the kernel has not taken. */
static inline uint32_t wn_stream_used(const struct wn_drive_lane *lane)
{
	return lane->port.uring.sq - wn_load_acquire(lane->view.uring.sq.consumer); /* (C) */
}

/* One batch of completions. Returns how many there were. */
static inline uint32_t wn_stream_batch(struct wn_drive_lane *lane, struct wn_stream_turn *turn)
{
	const uint32_t room = wn_stream_port_room(&lane->view, wn_stream_used(lane));
	uint32_t count = wn_uring_arrived(&lane->port.uring, &lane->view), entries = 0;

	if (count > WN_STREAM_BATCH)
		count = WN_STREAM_BATCH;
	if (count > room)
		count = room;
	for (uint32_t i = 0; i < count; i++) {
		const struct wn_uring_cqe entry = *wn_uring_cqe_at(&lane->view, lane->port.uring.cq + i);

		wn_stream_take(turn, &entry);
		wn_stream_put(lane, turn, wn_stream_whose(turn, &entry), &entries);
	}
	if (count)
		wn_stream_finish(lane, turn, count, entries);
	return count;
}

/* Some of the connections that nothing may have come of, where it is time. Returns whether anything was done. */
static inline uint32_t wn_stream_sweep_some(struct wn_drive_lane *lane, struct wn_stream_turn *turn)
{
	struct wn_stream_port *port = &lane->stream;
	uint32_t count = wn_stream_port_room(&lane->view, wn_stream_used(lane)), entries = 0;

	if (!wn_stream_port_sweeps(port, turn->now_ms, turn->closing,
				   port->starved && turn->free_count >= lane->view.uring.arm_count))
		return 0;
	if (count > WN_STREAM_BATCH)
		count = WN_STREAM_BATCH;
	if (count > port->highest - port->sweep)
		count = port->highest - port->sweep;
	for (uint32_t i = 0; i < count; i++) {
		wn_stream_sweep(turn, port->sweep + i);
		wn_stream_put(lane, turn, port->sweep + i, &entries);
	}
	port->sweep += count;
	return count + wn_stream_finish(lane, turn, 0, entries);
}

/* As wn_drive_serve. */
static inline uint32_t wn_stream_serve(struct wn_drive_lane *lane, const struct wn_program_data *data, uint64_t *row,
				       uint32_t budget)
{
	const uint64_t before = lane->values[WN_DRIVE_TAKEN];
	uint64_t counts[wn_lane_words + 1];
	uint8_t record[WN_RESULT_BYTES];
	struct wn_stream_turn turn;
	uint32_t taken = 0, moved, any = 0;

	for (uint32_t i = wn_lane_words; i-- > 0;)
		counts[i] = row[i];
	turn.record = record;
	do {
		wn_stream_turn_init(lane, &turn, wn_lane_now_ns(), counts, data);
		moved = wn_stream_batch(lane, &turn);
		taken += moved;
		wn_stream_turn_init(lane, &turn, turn.now_ns, counts, data);
		moved += wn_stream_sweep_some(lane, &turn);
		any |= moved;
	} while (moved && taken < budget);
	if (!any)
		return 0;
	for (uint32_t i = wn_lane_words; i-- > 0;)
		wn_counter_store(&row[i], counts[i]);
	wn_drive_show_values(lane);
	moved = (uint32_t)(lane->values[WN_DRIVE_TAKEN] - before);
	return moved ? moved : taken != 0;
}

#endif
