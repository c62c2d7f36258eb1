/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device loop where the device drives, for a group of one lane: take a batch from the kernel, run the
 * program on each packet where it lies, give each frame back, to be sent from or received into.
 *
 * Included once by the entry file of such a device, after the program. lane/group_drive.h is the
 * same for a group of many lanes.
 */
#ifndef WN_LANE_DRIVE_LOOP_H
#define WN_LANE_DRIVE_LOOP_H

#include "lane/drive_lane.h"
#include "lane/drive_packet.h"

enum { WN_DRIVE_BATCH = 64 };

/*
 * One batch. Its free frames are given back when all entries have been taken: until then no packet can have
 * arrived in one of them, whatever an entry says.
 */
struct wn_drive_turn {
	struct wn_drive_batch batch;
	uint32_t free[2 * WN_DRIVE_BATCH]; /* batch.given of them */
	uint32_t is_filed;                 /* 1: the file's state has changed */
	uint64_t now_ns;
};

/* Copies one packet, or its record, to the host. Returns how it is counted. */
static inline uint32_t wn_drive_hand_over(struct wn_drive_lane *lane, const struct wn_packet *packet,
					  const uint8_t *bytes, uint32_t word)
{
	const struct wn_ring_view *ring = &lane->view.handover;
	const uint32_t position = lane->published, index = position & ring->slot_mask;
	uint8_t *to = ring->frames + wn_frame_offset(index, ring->frame_stride);
	const uint32_t length = wn_verdict_length(word);

	if (position - wn_load_acquire(&lane->view.words->released) > ring->slot_mask) /* (F1) */
		return WN_DRIVE_FULL;
	wn_drive_describe(ring, position, packet);
	if (wn_verdict_code(word) == WN_CODE_RECORD) {
		to = ring->results + (uint64_t)index * ring->result_bytes;
		bytes = packet->record;
	}
	for (uint32_t i = 0; i < length; i++)
		to[i] = bytes[i];
	wn_store_release(&ring->verdicts[index],
			 word | wn_verdict_word(wn_lap(position, ring->slot_shift), 0, 0)); /* (V) */
	wn_store_release(&ring->words->published, ++lane->published); /* (P1) */
	return WN_DRIVE_HANDED;
}

/* The same into the device's own file (lane/file.h). */
static inline uint32_t wn_drive_file(struct wn_drive_lane *lane, const struct wn_drive_item *item,
				     struct wn_drive_turn *turn, const uint8_t *bytes, uint32_t length, uint32_t is_record)
{
	const struct wn_drive_view *view = &lane->view;
	const uint32_t position =
		wn_file_place(view, &lane->file, wn_file_piece_bytes(item->flags, length), turn->now_ns);
	uint32_t sum = 0;
	uint8_t *to;

	if (position == WN_FILE_NOWHERE)
		return WN_DRIVE_FILE_FULL;
	to = (uint8_t *)wn_file_at(view, position) + wn_file_payload_at(item->flags);
	for (uint32_t i = 0; i < length; i++)
		to[i] = bytes[i];
	for (uint32_t i = 0; (item->flags & (uint32_t)WN_SLOT_IPV6) && i < length; i++)
		sum += wn_file_sum_of(i, bytes[i]);
	wn_file_put_piece(view, position, item, turn->now_ns, length, is_record, sum);
	turn->is_filed = 1;
	return WN_DRIVE_FILED;
}

/* Runs the program on one packet and does with its frame what the verdict says. */
static inline void wn_drive_packet_run(struct wn_drive_lane *lane, struct wn_drive_item *item,
				       struct wn_drive_turn *turn, uint64_t *counts,
				       const struct wn_program_data *data)
{
	const struct wn_drive_view *view = &lane->view;
	uint8_t record[WN_RESULT_BYTES], *bytes = view->frames + item->offset;
	uint32_t word, code, length, value;
	struct wn_packet packet;

	wn_drive_packet(&packet, view, item, (uint32_t)lane->values[WN_DRIVE_TAKEN], turn->now_ns, counts, data);
	packet.bytes = bytes;
	packet.record = record;
	lane->values[WN_DRIVE_TAKEN]++;
	lane->values[WN_DRIVE_TAKEN_BYTES] += item->wire_length;
	word = wn_drive_run(&packet, view->handover.identity);
	code = wn_verdict_code(word);
	length = wn_verdict_length(word);
	item->forwards = code != WN_REPLY;
	if (wn_drive_sends(view, code) && wn_drive_port_can_send(view, item, bytes, length)) {
		wn_drive_port_send(&lane->port, view, turn->batch.sent++, item, length);
		value = code == WN_REPLY ? WN_DRIVE_ANSWERED : WN_DRIVE_FORWARDED;
		if (code == WN_REPLY)
			lane->values[WN_DRIVE_ANSWERED_BYTES] += length;
	} else {
		if (wn_drive_sends(view, code))
			value = WN_DRIVE_SEND_FAILED;
		else if (wn_drive_files(view, code))
			value = wn_drive_file(lane, item, turn, code == WN_CODE_RECORD ? record : bytes, length,
					      code == WN_CODE_RECORD);
		else if (wn_drive_hands_over(view, code))
			value = wn_drive_hand_over(lane, &packet, bytes, word);
		else
			value = wn_drive_drop_value(code);
		turn->free[turn->batch.given++] = item->frame;
	}
	lane->values[value]++;
	lane->values[WN_DRIVE_FINISHED]++;
}

static inline uint32_t wn_drive_at_most(uint32_t count, uint32_t most)
{
	return count < most ? count : most;
}

/* The frame of one that was sent goes back to the kernel. It was counted when it went: now it is known better. */
static inline void wn_drive_come_back(struct wn_drive_lane *lane, const struct wn_drive_item *item,
				      struct wn_drive_turn *turn)
{
	turn->free[turn->batch.given++] = item->frame;
	if (!item->failed)
		return;
	lane->values[WN_DRIVE_SEND_FAILED]++;
	lane->values[item->forwards ? WN_DRIVE_FORWARDED : WN_DRIVE_ANSWERED]--;
	if (!item->forwards)
		lane->values[WN_DRIVE_ANSWERED_BYTES] -= item->length;
}

static inline void wn_drive_take_written(struct wn_drive_lane *lane, const struct wn_drive_item *item,
					 struct wn_drive_turn *turn)
{
	if (!wn_file_complete(&lane->view, &lane->file, item->length, (int32_t)item->wire_length))
		lane->values[WN_DRIVE_BAD_ARRIVALS]++;
	turn->is_filed = 1;
}

/* Entry i of what arrived. */
static inline void wn_drive_entry(struct wn_drive_lane *lane, uint32_t i, struct wn_drive_turn *turn,
				  uint64_t *counts, const struct wn_program_data *data)
{
	struct wn_drive_item item = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
	const uint32_t taken = wn_drive_port_take(&lane->port, &lane->view, i, &item);

	turn->batch.received += taken == WN_TAKE_PACKET || taken == WN_TAKE_BAD_FRAME;
	if (item.ended)
		turn->batch.ended = item.ended;
	if (taken == WN_TAKE_PACKET)
		wn_drive_packet_run(lane, &item, turn, counts, data);
	else if (taken == WN_TAKE_BACK)
		wn_drive_come_back(lane, &item, turn);
	else if (taken == WN_TAKE_NOTHING)
		lane->values[WN_DRIVE_RECEIVE_ERRORS] += item.failed;
	else if (taken == WN_TAKE_WRITTEN)
		wn_drive_take_written(lane, &item, turn);
	else
		lane->values[WN_DRIVE_BAD_ARRIVALS]++;
	if (taken == WN_TAKE_BAD_FRAME)
		turn->free[turn->batch.given++] = item.frame;
}

/* Whether a write to the file is to be submitted. */
static inline int wn_drive_file_is_due(const struct wn_drive_lane *lane)
{
	const struct wn_file_state *file = &lane->file;

	if (!lane->view.file.block_bytes || file->fill == file->done || (file->flight && !file->again))
		return 0;
	return (int)wn_file_is_due(&lane->view, file, wn_lane_now_ns(), wn_load_relaxed(&lane->view.words->closed));
}

/* Before anything of the batch is shown to the kernel. */
static inline void wn_drive_finish_file(struct wn_drive_lane *lane, struct wn_drive_turn *turn)
{
	if (wn_drive_file_is_due(lane)) {
		wn_file_submit(&lane->view, &lane->file);
		wn_uring_write_file(&lane->view, lane->port.uring.sq + turn->batch.sent, &lane->file);
		turn->batch.writes = 1;
		turn->is_filed = 1;
	}
	if (turn->is_filed)
		wn_file_show(&lane->view, &lane->file);
}

/* The end of a batch. */
static inline void wn_drive_finish(struct wn_drive_lane *lane, struct wn_drive_turn *turn)
{
	const struct wn_drive_view *view = &lane->view;

	for (uint32_t i = 0; i < turn->batch.given; i++)
		wn_drive_port_give(&lane->port, view, i, turn->free[i]);
	wn_drive_finish_file(lane, turn);
	wn_drive_port_release(view, &lane->port, &turn->batch);
	wn_drive_port_show(view, &lane->port, &turn->batch);
	wn_drive_port_retire(view, &lane->port, &turn->batch);
}

/* One batch. Returns the packets in it; *moved, whether anything was done. */
static inline uint32_t wn_drive_once(struct wn_drive_lane *lane, uint64_t *counts,
				     const struct wn_program_data *data, int *moved)
{
	const struct wn_drive_view *view = &lane->view;
	const uint64_t before = lane->values[WN_DRIVE_TAKEN];
	struct wn_drive_item item = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
	struct wn_drive_turn turn;

	turn.batch = (struct wn_drive_batch){
		.back = wn_drive_at_most(wn_drive_port_sent(&lane->port, view), WN_DRIVE_BATCH),
		.taken = wn_drive_at_most(wn_drive_port_arrived(&lane->port, view), WN_DRIVE_BATCH)};
	*moved = turn.batch.back || turn.batch.taken || wn_drive_file_is_due(lane);
	if (!*moved)
		return 0;
	turn.is_filed = 0;
	turn.now_ns = turn.batch.taken ? wn_lane_now_ns() : 0;
	for (uint32_t i = 0; i < turn.batch.taken; i++)
		wn_drive_entry(lane, i, &turn, counts, data);
	for (uint32_t i = 0; i < turn.batch.back; i++) {
		if (wn_drive_port_take_back(&lane->port, view, i, &item) == WN_TAKE_BACK)
			wn_drive_come_back(lane, &item, &turn);
		else
			lane->values[WN_DRIVE_BAD_RETURNS]++;
	}
	wn_drive_finish(lane, &turn);
	return (uint32_t)(lane->values[WN_DRIVE_TAKEN] - before);
}

/*
 * Serves what is there, up to `budget` packets or somewhat more, and returns how many. The program's
 * counters are taken from and given back to `row`, which the host may read meanwhile.
 */
static inline uint32_t wn_drive_serve(struct wn_drive_lane *lane, const struct wn_program_data *data,
				      uint64_t *row, uint32_t budget)
{
	uint64_t counts[wn_lane_words + 1];
	uint32_t served = 0;
	int moved;

	if (!wn_drive_is_due(lane) && !wn_drive_file_is_due(lane))
		return 0;
	for (uint32_t i = wn_lane_words; i-- > 0;)
		counts[i] = row[i];
	do {
		served += wn_drive_once(lane, counts, data, &moved);
	} while (moved && served < budget);
	for (uint32_t i = wn_lane_words; i-- > 0;)
		wn_counter_store(&row[i], counts[i]);
	wn_drive_show_values(lane);
	return served;
}

#endif
