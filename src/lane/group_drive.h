/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device loop where the device drives, for a group of many lanes: one group serves a queue.
 *
 *     look at what arrived and what was sent  ->  each lane takes one entry of each  ->  stage, run  ->
 *     what changed goes back to the frame  ->  frames to tx or fill, or a copy to the host  ->
 *     cursors
 *
 * lane/drive_loop.h is the same for a group of one lane. Included by an entry file, after lane/group.h.
 *
 * Four words of the host's memory are looked at by four lanes in one instruction, so a look takes as long as
 * one of them. All lanes hold the same port; only the leader counts.
 */
#ifndef WN_LANE_GROUP_DRIVE_H
#define WN_LANE_GROUP_DRIVE_H

#include "lane/drive_packet.h"
#include "lane/drive_port.h"
#include "lane/file_lane.h"
#include "lane/group.h"

struct wn_group_drive {
	WN_PRIVATE struct wn_group *group;
	WN_STAGED struct wn_drive_view *view;
	WN_STAGED uint64_t *values;    /* enum wn_drive_value; the leader's */
	WN_STAGED struct wn_file_state *file; /* where the device writes one; the leader's */
	struct wn_drive_port port;
	uint32_t published;            /* of the handover ring */
	uint32_t is_filed;             /* 1: the file's state has changed since it was shown */
	uint32_t shown;                /* as often */
	uint32_t arrived, sent;        /* entries not taken, when last looked */
	uint32_t closed, leave;
};

#include "lane/group_file.h"

WN_FN uint32_t wn_group_bits(uint32_t value)
{
	uint32_t count = 0;

	for (; value; value &= value - 1)
		count++;
	return count;
}

/* How many lanes below this one fulfil it. */
WN_FN uint32_t wn_group_rank(uint32_t ballot)
{
	return wn_group_bits(ballot & ((1u << wn_group_lane()) - 1));
}

WN_FN void wn_group_drive_look(WN_PRIVATE struct wn_group_drive *drive)
{
	WN_STAGED const struct wn_drive_view *view = drive->view;
	const uint32_t lane = wn_group_lane();
	const uint32_t is_uring = wn_drive_is_uring(view);
	WN_GLOBAL uint32_t *looked_at = is_uring ? view->uring.cq.producer : view->xdp.rx.producer;
	uint32_t mine = 0;

	if (lane == 1 && !is_uring)
		looked_at = view->xdp.completion.producer;
	else if (lane == 2)
		looked_at = &view->words->closed;
	else if (lane == 3)
		looked_at = drive->group->queue->leave;
	if (lane < 4)
		mine = wn_load_acquire(looked_at); /* (C) (E1) */
	wn_group_barrier();
	drive->arrived = wn_group_shuffle(mine, 0) - (is_uring ? drive->port.uring.cq : drive->port.xdp.rx);
	drive->sent = wn_group_shuffle(mine, 1);
	drive->sent = is_uring ? 0 : drive->sent - drive->port.xdp.completion;
	drive->closed = wn_group_shuffle(mine, 2);
	drive->leave = wn_group_shuffle(mine, 3);
}

/* Adds, for each lane with `is_mine`, one to the value that it names. */
WN_FN void wn_group_drive_tally(WN_PRIVATE const struct wn_group_drive *drive, uint32_t is_mine, uint32_t value)
{
	uint32_t left = wn_group_ballot(is_mine);

	while (left) {
		const uint32_t named = wn_group_shuffle(value, wn_lowest_bit(left));
		const uint32_t same = wn_group_ballot(is_mine && value == named);

		if (wn_group_lane() == 0)
			drive->values[named] += wn_group_bits(same);
		left &= ~same;
	}
}

WN_FN void wn_group_drive_tally_bytes(WN_PRIVATE const struct wn_group_drive *drive, uint32_t bytes, uint32_t value)
{
	const uint64_t sum = wn_group_sum(bytes);

	if (wn_group_lane() == 0)
		drive->values[value] += sum;
}

/*
 * Gives back the frames of the lanes with `is_mine`. What was sent was counted when it went: where the kernel had an
 * error for it, now it is known better.
 */
WN_FN void wn_group_drive_come_back(WN_PRIVATE const struct wn_group_drive *drive,
				    WN_PRIVATE const struct wn_drive_item *item, uint32_t is_mine,
				    WN_PRIVATE struct wn_drive_batch *batch)
{
	const uint32_t back = wn_group_ballot(is_mine);
	const uint32_t answers = wn_group_ballot(is_mine && item->failed && !item->forwards);
	const uint32_t forwards = wn_group_ballot(is_mine && item->failed && item->forwards);

	if (is_mine)
		wn_drive_port_give(&drive->port, drive->view, batch->given + wn_group_rank(back), item->frame);
	batch->given += wn_group_bits(back);
	if (answers | forwards) {
		const uint64_t bytes = wn_group_sum(is_mine && item->failed && !item->forwards ? item->length : 0);

		if (wn_group_lane() == 0) {
			drive->values[WN_DRIVE_ANSWERED] -= wn_group_bits(answers);
			drive->values[WN_DRIVE_ANSWERED_BYTES] -= bytes;
			drive->values[WN_DRIVE_FORWARDED] -= wn_group_bits(forwards);
			drive->values[WN_DRIVE_SEND_FAILED] += wn_group_bits(answers | forwards);
		}
	}
}

/* Frames that were sent go back to fill, up to one a lane, `count` entries of completion. */
WN_FN void wn_group_drive_take_sent(WN_PRIVATE struct wn_group_drive *drive, uint32_t count,
				    WN_PRIVATE struct wn_drive_batch *batch)
{
	const uint32_t lane = wn_group_lane();
	struct wn_drive_item item = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
	uint32_t taken = WN_TAKE_NOTHING;

	if (lane < count)
		taken = wn_drive_port_take_back(&drive->port, drive->view, lane, &item);
	wn_group_drive_tally(drive, taken == WN_TAKE_BAD, WN_DRIVE_BAD_RETURNS);
	wn_group_drive_come_back(drive, &item, taken == WN_TAKE_BACK, batch);
}

/* Copies pieces of the pool to the handover ring's frames, all lanes each piece: they are rare. */
WN_FN void wn_group_drive_copy(WN_STAGED const struct wn_drive_view *view, uint32_t lanes, uint64_t from, uint64_t to,
			 uint32_t bytes)
{
	for (; lanes; lanes &= lanes - 1) {
		const uint32_t whose = wn_lowest_bit(lanes);
		WN_GLOBAL const uint8_t *source = view->frames + wn_group_shuffle64(from, whose);
		WN_GLOBAL uint8_t *target = view->handover.frames + wn_group_shuffle64(to, whose);
		const uint32_t count = wn_group_shuffle(bytes, whose);

		for (uint32_t i = wn_group_lane(); i < count; i += WN_GROUP_LANES)
			target[i] = source[i];
	}
}

/*
 * Hands over the packets, or the records, of the lanes with `is_mine`, as far as slots are free. Returns
 * whether this lane's was.
 */
WN_FN uint32_t wn_group_drive_hand_over(WN_PRIVATE struct wn_group_drive *drive, WN_PRIVATE const struct wn_packet *packet,
				  uint64_t offset, uint32_t word, uint32_t is_mine)
{
	WN_STAGED const struct wn_drive_view *view = drive->view;
	WN_STAGED const struct wn_ring_view *ring = &view->handover;
	const uint32_t wanted = wn_group_ballot(is_mine);
	const uint32_t is_record = wn_verdict_code(word) == WN_CODE_RECORD;
	const uint32_t position = drive->published + wn_group_rank(wanted);
	const uint32_t index = position & ring->slot_mask;
	struct wn_group_piece record = {(uint64_t)index * ring->result_bytes, 0};
	uint32_t is_free, done;

	is_free = ring->slot_mask + 1 - (drive->published - wn_load_acquire(&view->words->released)); /* (F1) */
	is_mine = is_mine && wn_group_rank(wanted) < is_free;
	done = wn_group_ballot(is_mine);
	if (is_mine)
		wn_drive_describe(ring, position, packet);
	record.bytes = is_mine && is_record ? wn_verdict_length(word) : 0;
	if (wn_group_ballot(record.bytes))
		wn_group_stage_out(ring->results, drive->group->records, WN_LOCAL_RECORD_STRIDE, &record,
				   WN_GROUP_LANES);
	wn_group_drive_copy(view, wn_group_ballot(is_mine && !is_record), offset, wn_frame_offset(index, ring->frame_stride),
		      wn_verdict_length(word));
	wn_group_barrier();
	if (is_mine)
		wn_store_release(&ring->verdicts[index],
				 word | wn_verdict_word(wn_lap(position, ring->slot_shift), 0, 0)); /* (V) */
	wn_group_barrier();
	drive->published += wn_group_bits(done);
	if (wn_group_lane() == 0 && done)
		wn_store_release(&ring->words->published, drive->published); /* (P1) */
	return is_mine;
}

/* The view of this lane's packet, if it has one. */
WN_FN void wn_group_drive_show_packet(WN_PRIVATE const struct wn_group_drive *drive, WN_PRIVATE struct wn_packet *packet,
				WN_PRIVATE const struct wn_drive_item *item, uint32_t number)
{
	const uint64_t now = wn_group_ns() + wn_load_device64(drive->group->launch->clock_offset_ns);

	wn_drive_packet(packet, drive->view, item, number, now, drive->group->counts, drive->group->data);
	packet->bytes = drive->group->local;
	packet->record = drive->group->records;
}

/* What becomes of this lane's frame. */
struct wn_group_fate {
	uint32_t is_mine;
	uint32_t sends;                /* goes to tx; else to fill */
	uint32_t hands;                /* is handed over, if there is room */
	uint32_t files;                /* goes to the file, the same */
	uint32_t code, length;
	uint32_t value;                /* under which enum wn_drive_value it counts */
};

WN_FN void wn_group_drive_decide(WN_STAGED const struct wn_drive_view *view, WN_PRIVATE const struct wn_group_item *item,
			   WN_STAGED const uint8_t *bytes, WN_PRIVATE struct wn_drive_item *frame,
			   WN_PRIVATE struct wn_group_fate *fate)
{
	fate->is_mine = item->is_mine;
	fate->code = wn_verdict_code(item->word);
	fate->length = wn_verdict_length(item->word);
	fate->sends = item->is_mine && wn_drive_sends(view, fate->code);
	fate->hands = item->is_mine && wn_drive_hands_over(view, fate->code);
	fate->files = item->is_mine && wn_drive_files(view, fate->code);
	fate->value = wn_drive_drop_value(fate->code);
	if (!fate->sends)
		return;
	frame->forwards = fate->code != WN_REPLY;
	fate->sends = wn_drive_port_can_send(view, frame, bytes, fate->length);
	fate->value = !fate->sends              ? (uint32_t)WN_DRIVE_SEND_FAILED
		      : fate->code == WN_REPLY ? (uint32_t)WN_DRIVE_ANSWERED
						: (uint32_t)WN_DRIVE_FORWARDED;
}

/* Puts all lanes' frames on tx or fill, behind those that are there already, and counts them. */
WN_FN void wn_group_drive_carry_out(WN_PRIVATE struct wn_group_drive *drive, WN_PRIVATE const struct wn_group_fate *fate,
			      WN_PRIVATE const struct wn_drive_item *item, WN_PRIVATE struct wn_drive_batch *batch)
{
	WN_STAGED const struct wn_drive_view *view = drive->view;
	const uint32_t sending = wn_group_ballot(fate->sends);
	const uint32_t giving = wn_group_ballot(fate->is_mine && !fate->sends);

	if (fate->sends)
		wn_drive_port_send(&drive->port, view, batch->sent + wn_group_rank(sending), item, fate->length);
	else if (fate->is_mine)
		wn_drive_port_give(&drive->port, view, batch->given + wn_group_rank(giving), item->frame);
	batch->sent += wn_group_bits(sending);
	batch->given += wn_group_bits(giving);
	wn_group_drive_tally(drive, fate->is_mine, fate->value);
	wn_group_drive_tally(drive, fate->is_mine, WN_DRIVE_TAKEN);
	wn_group_drive_tally(drive, fate->is_mine, WN_DRIVE_FINISHED);
	wn_group_drive_tally_bytes(drive, item->wire_length, WN_DRIVE_TAKEN_BYTES);
	wn_group_drive_tally_bytes(drive, fate->sends && fate->code == WN_REPLY ? fate->length : 0,
			     WN_DRIVE_ANSWERED_BYTES);
}

/* What the lanes' entries say of the ring itself. */
WN_FN void wn_group_drive_note(WN_PRIVATE const struct wn_group_drive *drive,
			       WN_PRIVATE const struct wn_drive_item *item, uint32_t taken,
			       WN_PRIVATE struct wn_drive_batch *batch)
{
	uint32_t ended = wn_group_ballot(item->ended);

	batch->received = wn_group_bits(wn_group_ballot(taken == WN_TAKE_PACKET || taken == WN_TAKE_BAD_FRAME));
	for (; ended; ended &= ended - 1)
		batch->ended = wn_group_shuffle(item->ended, wn_lowest_bit(ended));
	wn_group_drive_tally(drive, taken == WN_TAKE_BAD || taken == WN_TAKE_BAD_FRAME, WN_DRIVE_BAD_ARRIVALS);
	wn_group_drive_tally(drive, taken == WN_TAKE_NOTHING && item->failed, WN_DRIVE_RECEIVE_ERRORS);
}

/* Up to one packet a lane, `count` entries of rx. */
WN_FN void wn_group_drive_take_arrived(WN_PRIVATE struct wn_group_drive *drive, uint32_t count,
				 WN_PRIVATE struct wn_drive_batch *batch)
{
	WN_STAGED const struct wn_drive_view *view = drive->view;
	const uint32_t lane = wn_group_lane();
	const uint32_t before = wn_group_shuffle(lane ? 0 : (uint32_t)drive->values[WN_DRIVE_TAKEN], 0);
	struct wn_drive_item item = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, returned;
	struct wn_group_item mine = {0, 0, 0, 0, 0, 1};
	uint32_t taken = WN_TAKE_NOTHING;
	struct wn_group_output output;
	struct wn_group_times times;
	struct wn_group_fate fate;
	struct wn_packet packet;

	if (lane < count)
		taken = wn_drive_port_take(&drive->port, view, lane, &item);
	wn_group_drive_note(drive, &item, taken, batch);
	if (view->file.block_bytes)
		wn_group_file_complete(drive, &item, taken == WN_TAKE_WRITTEN);
	returned = item;
	returned.failed = taken == WN_TAKE_BACK && item.failed;
	mine.is_mine = taken == WN_TAKE_PACKET;
	if (!mine.is_mine)
		item.length = item.wire_length = 0;
	wn_group_drive_show_packet(drive, &packet, &item, before + wn_group_rank(wn_group_ballot(mine.is_mine)));
	wn_group_judge(drive->group, &packet, &mine, &times, &output, item.offset, count);
	if (wn_group_ballot(output.piece.bytes))
		wn_group_stage_out(view->frames, drive->group->local, drive->group->stride, &output.piece, count);
	wn_group_drive_decide(view, &mine, output.bytes, &item, &fate);
	wn_group_barrier();
	if (wn_group_ballot(fate.hands)) {
		const uint32_t done = wn_group_drive_hand_over(drive, &packet, item.offset, mine.word, fate.hands);

		if (fate.hands)
			fate.value = done ? WN_DRIVE_HANDED : WN_DRIVE_FULL;
	}
	if (wn_group_ballot(fate.files)) {
		const uint32_t value = wn_group_file_append(drive, &packet, &item, mine.word, fate.files);

		if (fate.files)
			fate.value = value;
	}
	wn_group_drive_carry_out(drive, &fate, &item, batch);
	wn_group_drive_come_back(drive, &returned, taken == WN_TAKE_BACK || taken == WN_TAKE_BAD_FRAME, batch);
	wn_group_note(drive->group, &times, count, 0);
}

/* One batch of what the last look showed. Returns whether there was one. */
WN_FN uint32_t wn_group_drive_batch(WN_PRIVATE struct wn_group_drive *drive)
{
	WN_STAGED const struct wn_drive_view *view = drive->view;
	struct wn_drive_batch batch;

	batch.taken = drive->arrived < WN_GROUP_LANES ? drive->arrived : (uint32_t)WN_GROUP_LANES;
	batch.back = drive->sent < WN_GROUP_LANES ? drive->sent : (uint32_t)WN_GROUP_LANES;
	batch.sent = batch.given = batch.received = batch.ended = batch.writes = 0;
	if (!batch.taken && !batch.back && !wn_group_file_is_due(drive))
		return 0;
	/* In this order: what arrived cannot lie in a frame that comes back only now. */
	if (batch.taken)
		wn_group_drive_take_arrived(drive, batch.taken, &batch);
	if (batch.back)
		wn_group_drive_take_sent(drive, batch.back, &batch);
	if (view->file.block_bytes)
		wn_group_file_finish(drive, &batch);
	wn_group_barrier();
	if (wn_group_lane() == 0)
		wn_drive_port_release(view, &drive->port, &batch);
	wn_group_barrier();
	if (wn_group_lane() == 0)
		wn_drive_port_show(view, &drive->port, &batch);
	wn_drive_port_retire(view, &drive->port, &batch);
	drive->group->is_dirty = 1;
	return 1;
}

/* Shows what was counted: all values of one moment, see counters.h. */
WN_FN void wn_group_drive_flush(WN_PRIVATE struct wn_group_drive *drive)
{
	WN_GLOBAL struct wn_drive_words *words = drive->view->words;
	const uint32_t lane = wn_group_lane();
	const uint64_t sequence = words->sequence;

	if (lane == 0) {
		wn_drive_port_keep(&drive->port, drive->view);
		drive->values[WN_DRIVE_CQ_CURSOR] = drive->port.uring.cq;
		drive->values[WN_DRIVE_SQ_CURSOR] = drive->port.uring.sq;
		wn_store_relaxed64(&words->sequence, sequence + 1);
	}
	wn_group_barrier();
	for (uint32_t i = lane; i < WN_DRIVE_VALUES; i += WN_GROUP_LANES)
		wn_store_release64(&words->values[i], drive->values[i]); /* (S1) */
	wn_group_barrier();
	if (lane == 0)
		wn_store_release64(&words->sequence, sequence + 2); /* (S1) */
	wn_group_barrier();
	wn_group_flush(drive->group);
}

/* Goes on where the queue stands. `local`: behind what wn_group_init uses. */
WN_FN void wn_group_drive_init(WN_PRIVATE struct wn_group_drive *drive, WN_PRIVATE struct wn_group *group,
			 WN_STAGED uint8_t *local, uint32_t queue)
{
	WN_GLOBAL const uint32_t *from = (WN_GLOBAL const uint32_t *)&group->launch->drives[queue];
	const uint32_t lane = wn_group_lane();

	drive->group = group;
	drive->view = (WN_STAGED struct wn_drive_view *)local;
	drive->values = (WN_STAGED uint64_t *)(local + sizeof(*drive->view));
	drive->file = (WN_STAGED struct wn_file_state *)(drive->values + WN_DRIVE_VALUES);
	drive->is_filed = 0;
	for (uint32_t i = lane; i < sizeof(*drive->view) / 4; i += WN_GROUP_LANES)
		((WN_STAGED uint32_t *)local)[i] = from[i];
	wn_group_barrier();
	for (uint32_t i = lane; i < WN_DRIVE_VALUES; i += WN_GROUP_LANES)
		drive->values[i] = drive->view->words->values[i];
	drive->shown = drive->view->file.block_bytes ? drive->view->file.words->current : 0;
	if (lane == 0 && drive->view->file.block_bytes)
		wn_file_load(drive->view, drive->file);
	drive->published = drive->view->handover.words->published;
	wn_drive_port_init(&drive->port, drive->view);
	drive->arrived = drive->sent = drive->closed = drive->leave = 0;
	wn_group_barrier();
}

/* Serves the queue until it is closed and nothing is left, the host says leave, or the lease is over. */
WN_FN void wn_group_drive_serve(WN_PRIVATE struct wn_group_drive *drive, WN_PRIVATE const struct wn_group_order *order)
{
	WN_PRIVATE struct wn_group *group = drive->group;
	WN_PRIVATE const struct wn_group_launch *launch = group->launch;
	const uint64_t begin = wn_group_shuffle64(wn_group_cycles(), 0);
	uint64_t flushed = begin, busy = begin, now;
	uint32_t did;

	if (wn_group_lane() == 0)
		wn_store_relaxed(&launch->alive[group->row], launch->alive[group->row] + 1);
	for (;;) {
		wn_group_drive_look(drive);
		if (drive->leave)
			break; /* what is there is left for whoever goes on at these cursors */
		did = wn_group_drive_batch(drive);
		if (!did && drive->closed && !wn_group_file_is_busy(drive))
			break;
		/* Lanes read clocks of their own; what they decide together, the leader decides. */
		now = wn_group_shuffle64(wn_group_cycles(), 0);
		if (did)
			busy = now;
		if (group->is_dirty && now - flushed > (did ? launch->flush_cycles : launch->settle_cycles)) {
			wn_group_drive_flush(drive);
			flushed = now;
		}
		if (order->lease_cycles && now - begin > order->lease_cycles)
			break;
		if (!did && launch->doze_ns && now - busy > launch->idle_cycles)
			wn_group_sleep(launch->doze_ns);
	}
	wn_group_drive_flush(drive);
	if (wn_group_lane() == 0 && drive->closed && !drive->leave)
		wn_store_release(&drive->view->words->left, 1); /* (X1) */
}

#endif
