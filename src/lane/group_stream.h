/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device loop over connections, for a group of many lanes: one group serves a ring.
 *
 *     look at the cq  ->  each lane takes the completions of one connection, in their order  ->  the program
 *     runs on them  ->  what they want goes to the sq side by side, frames go back  ->  cursors
 *
 * lane/stream_loop.h is the same for a group of one lane. Included by an entry file, after lane/group_drive.h. Nothing
 * below wn_stream_take waits for another lane. All lanes hold the same port; only the leader counts.
 */
#ifndef WN_LANE_GROUP_STREAM_H
#define WN_LANE_GROUP_STREAM_H

#include "lane/group_drive.h"

/* Requests are read many times over, and memory of the host is far: a lane brings what fits to its own. */
#define WN_STREAM_STAGE(turn, bytes, length) wn_group_stream_stage(turn, bytes, length)

struct wn_stream_turn;
WN_FN WN_STAGED uint8_t *wn_group_stream_stage(WN_PRIVATE const struct wn_stream_turn *turn, WN_GLOBAL uint8_t *bytes,
					       uint32_t length);

#include "lane/stream_step.h"

WN_FN WN_STAGED uint8_t *wn_group_stream_stage(WN_PRIVATE const struct wn_stream_turn *turn, WN_GLOBAL uint8_t *bytes,
					       uint32_t length)
{
	WN_GLOBAL const uint32_t *from = (WN_GLOBAL const uint32_t *)(bytes - ((uint64_t)bytes & 3));
	const uint32_t phase = (uint32_t)((uint64_t)bytes & 3);

	if (phase + length + 3 > turn->stage_bytes)
		return bytes;
	for (uint32_t i = 0; i < (phase + length + 3) / 4; i++)
		((WN_STAGED uint32_t *)turn->stage)[i] = from[i];
	return turn->stage + phase;
}

struct wn_group_stream {
	struct wn_group_drive drive;
	struct wn_stream_port port;
	WN_STAGED uint64_t *totals;    /* enum wn_stream_total; the leader's */
	uint32_t closing;
	uint32_t sq_room;              /* connections whose entries find room, when last looked */
};

WN_FN void wn_group_stream_look(WN_PRIVATE struct wn_group_stream *stream)
{
	WN_PRIVATE struct wn_group_drive *drive = &stream->drive;
	WN_STAGED const struct wn_drive_view *view = drive->view;
	const uint32_t lane = wn_group_lane();
	WN_GLOBAL uint32_t *looked_at = view->uring.cq.producer;
	uint32_t mine = 0;

	if (lane == 1)
		looked_at = &view->stream.words->closing;
	else if (lane == 2)
		looked_at = &view->words->closed;
	else if (lane == 3)
		looked_at = drive->group->queue->leave;
	else if (lane == 4)
		looked_at = view->uring.sq.consumer;
	if (lane < 5)
		mine = wn_load_acquire(looked_at); /* (C) (E1) */
	wn_group_barrier();
	drive->arrived = wn_group_shuffle(mine, 0) - drive->port.uring.cq;
	stream->closing = wn_group_shuffle(mine, 1);
	drive->closed = wn_group_shuffle(mine, 2);
	drive->leave = wn_group_shuffle(mine, 3);
	stream->sq_room = wn_stream_port_room(view, drive->port.uring.sq - wn_group_shuffle(mine, 4));
}

WN_FN void wn_group_stream_turn(WN_PRIVATE const struct wn_group_stream *stream, WN_PRIVATE struct wn_stream_turn *turn)
{
	WN_PRIVATE struct wn_group *group = stream->drive.group;
	WN_STAGED const struct wn_drive_view *view = stream->drive.view;
	const uint32_t lane = wn_group_lane();

	turn->view = view;
	turn->record = group->records + lane * WN_LOCAL_RECORD_STRIDE;
	turn->stage = group->local + lane * group->stride;
	turn->stage_bytes = group->launch->stage_bytes;
	turn->counts = group->counts;
	turn->data = group->data;
	turn->now_ns = wn_group_shuffle64(wn_group_ns() + wn_load_device64(group->launch->clock_offset_ns), 0);
	turn->now_ms = (uint32_t)(turn->now_ns / 1000000);
	turn->wall_seconds = (turn->now_ns + wn_load_acquire64(&view->stream.words->wall_offset_ns)) / 1000000000u;
	turn->free_count = stream->drive.port.uring.free_count;
	turn->open = (uint32_t)stream->totals[WN_STREAM_OPEN];
	turn->closing = stream->closing;
	turn->generation = stream->drive.port.uring.generation;
	turn->starved = stream->port.starved;
	turn->index = (uint32_t)stream->drive.values[WN_DRIVE_TAKEN];
	turn->wants = turn->give_first = turn->give_count = turn->accept = turn->accept_fails = turn->highest = 0;
	for (uint32_t i = 0; i < WN_DELTAS; i++)
		turn->deltas[i] = 0;
}

/* The sum of the lanes below this one, and, in *sum, of all. */
WN_FN uint32_t wn_group_stream_before(uint32_t value, WN_PRIVATE uint32_t *sum)
{
	const uint32_t lane = wn_group_lane();
	uint32_t before = value;

	for (uint32_t step = 1; step < WN_GROUP_LANES; step *= 2) {
		const uint32_t other = wn_group_shuffle(before, lane >= step ? lane - step : lane);

		before += lane >= step ? other : 0;
	}
	*sum = wn_group_shuffle(before, WN_GROUP_LANES - 1);
	return before - value;
}

/* Which lanes have the same connection as this one. */
WN_FN uint32_t wn_group_stream_same(uint32_t is_mine, uint32_t number)
{
	uint32_t left = wn_group_ballot(is_mine), mine = 0;

	while (left) {
		const uint32_t named = wn_group_shuffle(number, wn_lowest_bit(left));
		const uint32_t same = wn_group_ballot(is_mine && number == named);

		if (is_mine && number == named)
			mine = same;
		left &= ~same;
	}
	return mine;
}

WN_FN void wn_group_stream_add_one(WN_STAGED uint64_t *to, WN_PRIVATE const struct wn_stream_turn *turn, uint32_t delta)
{
	const int32_t mine = turn->deltas[delta];

	if (wn_group_ballot(mine != 0)) {
		const uint64_t sum = wn_group_sum((uint64_t)(int64_t)mine);

		if (wn_group_lane() == 0)
			*to += sum;
	}
}

/* Adds what the lanes counted. */
WN_FN void wn_group_stream_add(WN_PRIVATE struct wn_group_stream *stream, WN_PRIVATE const struct wn_stream_turn *turn)
{
	WN_STAGED uint64_t *values = stream->drive.values;

	wn_group_stream_add_one(&values[WN_DRIVE_TAKEN], turn, WN_DELTA_MESSAGES);
	wn_group_stream_add_one(&values[WN_DRIVE_FINISHED], turn, WN_DELTA_MESSAGES);
	wn_group_stream_add_one(&values[WN_DRIVE_TAKEN_BYTES], turn, WN_DELTA_BYTES);
	wn_group_stream_add_one(&values[WN_DRIVE_ANSWERED], turn, WN_DELTA_ANSWERED);
	wn_group_stream_add_one(&values[WN_DRIVE_ANSWERED_BYTES], turn, WN_DELTA_ANSWERED_BYTES);
	wn_group_stream_add_one(&values[WN_DRIVE_SEND_FAILED], turn, WN_DELTA_SEND_FAILED);
	wn_group_stream_add_one(&values[WN_DRIVE_BAD_ARRIVALS], turn, WN_DELTA_TOTAL + WN_STREAM_BAD_ENTRIES);
	for (uint32_t i = 0; i < WN_DELTA_CODES; i++)
		wn_group_stream_add_one(&values[WN_DRIVE_DROPPED + i], turn, WN_DELTA_DROPPED + i);
	for (uint32_t i = 0; i < WN_STREAM_TOTALS; i++)
		wn_group_stream_add_one(&stream->totals[i], turn, WN_DELTA_TOTAL + i);
	stream->port.starved += (uint32_t)wn_group_sum((uint64_t)(int64_t)turn->deltas[WN_DELTA_STARVED]);
}

/* The end of a batch of `taken` completions: each lane has a connection that wants something, or none. */
WN_FN void wn_group_stream_finish(WN_PRIVATE struct wn_group_stream *stream, WN_PRIVATE struct wn_stream_turn *turn,
				  uint32_t number, uint32_t taken)
{
	WN_PRIVATE struct wn_uring_port *uring = &stream->drive.port.uring;
	WN_STAGED const struct wn_drive_view *view = stream->drive.view;
	const uint32_t ended = wn_group_ballot(turn->accept != 0), fails = wn_group_ballot(turn->accept_fails);
	const uint32_t highest = wn_group_max(turn->highest);
	struct wn_drive_batch batch;
	uint32_t at, frame = turn->give_first;

	batch.taken = taken;
	batch.back = batch.ended = 0;
	batch.received = (uint32_t)wn_group_sum((uint64_t)(int64_t)turn->deltas[WN_DELTA_FRAMES]);
	at = wn_group_stream_before(wn_stream_entries(turn->wants), &batch.sent);
	if (turn->wants)
		wn_stream_write(view, uring->sq + at, number, turn->wants);
	at = wn_group_stream_before(turn->give_count, &batch.given);
	for (uint32_t i = 0; i < turn->give_count; i++) {
		const uint32_t next = view->stream.next[frame];

		wn_uring_give(uring, view, at + i, frame);
		frame = next;
	}
	wn_group_stream_add(stream, turn);
	if (ended)
		uring->receive = wn_group_shuffle(turn->accept, wn_lowest_bit(ended));
	if (highest > stream->port.highest)
		stream->port.highest = highest;
	if (wn_stream_port_accepts(uring, &stream->port, fails != 0)) {
		if (wn_group_lane() == 0)
			wn_stream_write_accept(view, uring->sq + batch.sent, uring->generation);
		batch.sent++;
	}
	wn_group_barrier();
	if (wn_group_lane() == 0)
		wn_stream_port_release(view, uring, &batch);
	wn_group_barrier();
	if (wn_group_lane() == 0)
		wn_stream_port_show(view, uring, &batch);
	wn_stream_port_retire(uring, &batch);
	stream->drive.group->is_dirty = 1;
}

/* Up to one completion a lane; those of one connection are all taken by the first of their lanes. */
WN_FN uint32_t wn_group_stream_batch(WN_PRIVATE struct wn_group_stream *stream)
{
	WN_STAGED const struct wn_drive_view *view = stream->drive.view;
	const uint32_t lane = wn_group_lane();
	uint32_t count = stream->drive.arrived, is_mine, number, same, accepts;
	struct wn_uring_cqe entry;
	struct wn_stream_turn turn;

	if (count > WN_GROUP_LANES)
		count = WN_GROUP_LANES;
	if (count > stream->sq_room)
		count = stream->sq_room;
	if (!count)
		return 0;
	wn_group_stream_turn(stream, &turn);
	is_mine = lane < count;
	entry = *wn_uring_cqe_at(view, stream->drive.port.uring.cq + (is_mine ? lane : 0));
	number = wn_stream_whose(&turn, &entry);
	/* What is of none stands alone. */
	same = wn_group_stream_same(is_mine, number < view->stream.connection_count
						     ? number
						     : view->stream.connection_count + lane);
	accepts = wn_group_ballot(is_mine && entry.user_data >> 56 == (uint64_t)WN_STREAM_ACCEPT);
	turn.open += wn_group_rank(accepts);
	if (is_mine && wn_lowest_bit(same) == lane) {
		for (; same; same &= same - 1) {
			entry = *wn_uring_cqe_at(view, stream->drive.port.uring.cq + wn_lowest_bit(same));
			wn_stream_take(&turn, &entry);
		}
	}
	wn_group_barrier();
	wn_group_stream_finish(stream, &turn, number, count);
	return 1;
}

/* Some of the connections that nothing may have come of, where it is time. */
WN_FN uint32_t wn_group_stream_sweep(WN_PRIVATE struct wn_group_stream *stream)
{
	WN_PRIVATE struct wn_stream_port *port = &stream->port;
	WN_STAGED const struct wn_drive_view *view = stream->drive.view;
	uint32_t count = stream->sq_room < WN_GROUP_LANES ? stream->sq_room : (uint32_t)WN_GROUP_LANES, number;
	struct wn_stream_turn turn;

	wn_group_stream_turn(stream, &turn);
	if (!wn_stream_port_sweeps(port, turn.now_ms, turn.closing,
				   port->starved && turn.free_count >= view->uring.arm_count))
		return 0;
	if (count > port->highest - port->sweep)
		count = port->highest - port->sweep;
	number = port->sweep + wn_group_lane();
	if (wn_group_lane() < count)
		wn_stream_sweep(&turn, number);
	wn_group_barrier();
	port->sweep += count;
	wn_group_stream_finish(stream, &turn, number, 0);
	return count;
}

WN_FN void wn_group_stream_flush(WN_PRIVATE struct wn_group_stream *stream)
{
	WN_GLOBAL struct wn_stream_words *words = stream->drive.view->stream.words;

	if (wn_group_lane() == 0)
		wn_stream_port_keep(&stream->port, stream->drive.view);
	for (uint32_t i = wn_group_lane(); i < WN_STREAM_TOTALS; i += WN_GROUP_LANES)
		wn_store_release64(&words->totals[i], stream->totals[i]); /* (S1) */
	wn_group_barrier();
	wn_group_drive_flush(&stream->drive);
}

/* As wn_group_drive_init. */
WN_FN void wn_group_stream_init(WN_PRIVATE struct wn_group_stream *stream, WN_PRIVATE struct wn_group *group,
				WN_STAGED uint8_t *local, uint32_t queue)
{
	wn_group_drive_init(&stream->drive, group, local, queue);
	wn_stream_port_init(&stream->port, stream->drive.view);
	stream->totals = (WN_STAGED uint64_t *)(stream->drive.file + 1);
	for (uint32_t i = wn_group_lane(); i < WN_STREAM_TOTALS; i += WN_GROUP_LANES)
		stream->totals[i] = stream->drive.view->stream.words->totals[i];
	stream->closing = stream->sq_room = 0;
	wn_group_barrier();
}

/* As wn_group_drive_serve. */
WN_FN void wn_group_stream_serve(WN_PRIVATE struct wn_group_stream *stream, WN_PRIVATE const struct wn_group_order *order)
{
	WN_PRIVATE struct wn_group *group = stream->drive.group;
	WN_PRIVATE const struct wn_group_launch *launch = group->launch;
	const uint64_t begin = wn_group_shuffle64(wn_group_cycles(), 0);
	uint64_t flushed = begin, busy = begin, now;
	uint32_t did;

	if (wn_group_lane() == 0)
		wn_store_relaxed(&launch->alive[group->row], launch->alive[group->row] + 1);
	for (;;) {
		wn_group_stream_look(stream);
		if (stream->drive.leave)
			break; /* what is there is left for whoever goes on at these cursors */
		did = wn_group_stream_batch(stream);
		if (!did)
			did = wn_group_stream_sweep(stream);
		if (!did && stream->drive.closed)
			break;
		now = wn_group_shuffle64(wn_group_cycles(), 0);
		if (did)
			busy = now;
		if (group->is_dirty && now - flushed > (did ? launch->flush_cycles : launch->settle_cycles)) {
			wn_group_stream_flush(stream);
			flushed = now;
		}
		if (order->lease_cycles && now - begin > order->lease_cycles)
			break;
		if (!did && launch->doze_ns && now - busy > launch->idle_cycles)
			wn_group_sleep(launch->doze_ns);
	}
	wn_group_stream_flush(stream);
	if (wn_group_lane() == 0 && stream->drive.closed && !stream->drive.leave)
		wn_store_release(&stream->drive.view->words->left, 1); /* (X1) */
}

#endif
