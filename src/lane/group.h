/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device loop of a group of many lanes: a warp, a work-group, a threadgroup.
 *
 *     peek  ->  stage the packets into local memory, all lanes together  ->  each lane runs the program
 *     on its own packet  ->  what changed goes back the same way  ->  verdict words  ->  retire
 *
 * lane/loop.h is the same for a group of one lane. Included once by an entry file, after the program
 * and after the file with the device's own words (device/cuda/words.h).
 *
 * **When a verdict is a plain store.** A release costs a lane two microseconds on its way to host memory
 * and is needed for what the device *wrote*: replies and records. Where no lane of the batch changed a byte
 * the words are relaxed, system-scope stores. What is left of (V)->(T) then is that a slot is
 * refilled only after the device has read it. That read is over: the word's lap, code and length are
 * computed from the slot and the staged bytes, which had arrived in registers or local memory before
 * the barrier that all lanes passed before one of them stored its word. The refilled bytes depend on
 * that word being seen (T), released (R) and acquired (F); for the read to return them, a value would
 * have to come out of a load that depends on itself, which the model excludes (PTX ISA, axiom "no
 * thin air"). A packet that does not fit local memory is read in place, and its verdict is a release.
 */
#ifndef WN_LANE_GROUP_H
#define WN_LANE_GROUP_H

#include "lane/group_launch.h"
#include "lane/group_port.h"
#include "lane/group_stage.h"
#include "lane/packet.h"
#include "lane/stack.h"

/* What a group keeps while it runs; each lane has its own copy. */
struct wn_group {
	WN_PRIVATE const struct wn_group_launch *launch;
	WN_STAGED struct wn_group_queue *queue; /* a copy: after each acquire a cache would have to fetch it anew */
	WN_STAGED uint8_t *local;      /* a stride of staged bytes a lane */
	WN_STAGED uint8_t *records;    /* a record a lane */
	WN_STAGED uint32_t *words;     /* verdict words of the datagrams of a train */
	WN_STAGED uint64_t *stages;    /* WN_STAGE_WORDS counts since they were last shown; the leader's */
	WN_PRIVATE const struct wn_program_data *data;
	WN_PRIVATE uint64_t *counts;   /* this lane's */
	uint32_t stride;
	uint32_t row;
	uint32_t is_dirty;             /* counted something that was not shown */
};

/* One lane's packet in a batch. */
struct wn_group_item {
	uint32_t is_mine;              /* this lane has one */
	uint32_t index;                /* of its slot */
	uint32_t segment;              /* of a train, else 0 */
	uint32_t is_segment;           /* what lies behind it belongs to the next one */
	uint32_t word;                 /* its verdict, without the lap */
	uint32_t kept_length;          /* 1: it is as long as it came */
};

/* Whether the lane's stack runs the program on it. */
WN_FN uint32_t wn_group_is_stacked(WN_PRIVATE const struct wn_packet *packet)
{
	return (packet->flags & WN_SLOT_FRAME) &&
	       ((uint32_t)wn_program_kind & (uint32_t)WN_ANY) == (uint32_t)WN_DATAGRAM;
}

/* Bytes from the packet's start that its run may touch: all of its room under the stack. */
WN_FN uint32_t wn_group_reach(WN_PRIVATE const struct wn_packet *packet)
{
	const uint32_t look = (uint32_t)wn_program_look_bytes;

	if (wn_group_is_stacked(packet))
		return packet->room;
	return packet->room < look ? packet->room : look;
}

WN_FN uint32_t wn_group_run(WN_PRIVATE struct wn_packet *packet,
			    WN_GLOBAL const struct wn_identity *identity)
{
	if (wn_group_is_stacked(packet))
		return wn_stack_run(packet, identity);
	return wn_packet_judge(packet, wn_program_run(packet));
}

/* When a batch went through its stages. */
struct wn_group_times {
	uint64_t begin, staged, judged; /* cycles */
};

/* Adds `packets` times a value to one stage. The leader only. */
WN_FN void wn_group_observe(WN_PRIVATE const struct wn_group *group, uint32_t stage, uint64_t value,
			    uint32_t packets)
{
	const uint32_t bits = value ? 64 - wn_leading_zeros(value) : 0;
	WN_STAGED uint64_t *row = group->stages + stage * WN_STAGE_STRIDE;

	row[bits < WN_STAGE_BUCKETS ? bits : WN_STAGE_BUCKETS - 1] += packets;
	row[WN_STAGE_BUCKETS] += value * packets;
	row[WN_STAGE_BUCKETS + 1] += packets;
}

/* From a moment of the host's clock until now. Both clocks are off a little, so it can come out below zero. */
WN_FN uint64_t wn_group_since(WN_PRIVATE const struct wn_group *group, uint64_t arrival_ns)
{
	const uint64_t now = wn_group_ns() + wn_load_device64(group->launch->clock_offset_ns);

	return now > arrival_ns ? now - arrival_ns : 0;
}

/* After a batch, when nobody waits for it any more. */
WN_FN void wn_group_note(WN_PRIVATE const struct wn_group *group,
			 WN_PRIVATE const struct wn_group_times *times, uint32_t packets,
			 uint64_t arrival_ns)
{
	const uint64_t end = wn_group_cycles();

	if (wn_group_lane() || group->launch->times_off)
		return;
	if (arrival_ns)
		wn_group_observe(group, WN_STAGE_WHOLE, wn_group_since(group, arrival_ns), packets);
	wn_group_observe(group, WN_STAGE_STAGE, times->staged - times->begin, packets);
	wn_group_observe(group, WN_STAGE_PROGRAM, times->judged - times->staged, packets);
	wn_group_observe(group, WN_STAGE_PUBLISH, end - times->judged, packets);
}

/*
 * How much of a packet goes back. One that has its slot to itself goes in whole chunks, because a byte costs the
 * bus as much as a chunk does; what it gained behind its end is zeroed first, so that nothing of another
 * packet's is in it.
 */
WN_FN uint32_t wn_group_close_chunk(WN_STAGED uint8_t *staged, uint32_t length, uint32_t reach,
				    uint32_t received, uint32_t is_segment)
{
	const uint32_t bytes = length < reach ? length : reach;
	const uint32_t end = (bytes + WN_CHUNK_BYTES - 1) / WN_CHUNK_BYTES * WN_CHUNK_BYTES;

	if (is_segment)
		return bytes;
	for (uint32_t i = bytes; length > received && i < end; i++)
		staged[i] = 0;
	return end;
}

/* What of one lane's packet goes back to the ring's side. */
struct wn_group_output {
	struct wn_group_piece piece;   /* of the packet */
	uint32_t record_bytes;
	uint32_t in_place;             /* it was read, and perhaps written, where it lies */
	WN_STAGED const uint8_t *bytes; /* where the program found its first byte; valid for a lane that has one */
};

/*
 * Brings up to one packet a lane to local memory, `count` of them, described by `packet` as they lie at
 * frames + offset, and runs the program on each. Leaves each lane's verdict in item->word.
 */
WN_FN void wn_group_judge(WN_PRIVATE struct wn_group *group, WN_PRIVATE struct wn_packet *packet,
			  WN_PRIVATE struct wn_group_item *item, WN_PRIVATE struct wn_group_times *times,
			  WN_PRIVATE struct wn_group_output *output, uint64_t offset, uint32_t count)
{
	WN_STAGED const struct wn_group_queue *queue = group->queue;
	const uint32_t lane = wn_group_lane();
	const uint32_t reach = wn_group_reach(packet);
	const uint32_t fits = reach <= group->launch->stage_bytes;
	uint32_t code;

	output->piece.offset = offset;
	output->piece.bytes =
		item->is_mine && fits ? (packet->length < reach ? packet->length : reach) : 0;
	output->record_bytes = output->in_place = 0;
	output->bytes = 0;
	times->begin = wn_group_cycles();
	if (count == 1)
		wn_group_stage_one_in(group->local, queue->view.frames, &output->piece);
	else
		wn_group_stage_in(group->local, group->stride, queue->view.frames, &output->piece, count);
	times->staged = wn_group_cycles();
	output->piece.bytes = 0;
	if (item->is_mine) {
		const uint32_t length = packet->length;

		packet->record = group->records + lane * WN_LOCAL_RECORD_STRIDE;
		if (fits) {
			packet->bytes =
				group->local + lane * group->stride + wn_piece_phase(&output->piece);
		} else {
			packet->bytes = queue->replies + offset;
			output->in_place = 1;
		}
		output->bytes = packet->bytes;
		item->word = wn_group_run(packet, queue->view.identity);
		item->kept_length = packet->length == length;
		code = wn_verdict_code(item->word);
		if (code == WN_CODE_RECORD)
			output->record_bytes = packet->record_length;
		else if (fits && packet->changed &&
			 (code == WN_REPLY || code == WN_DELIVER || code == WN_FORWARD ||
			  code >= WN_FORWARD_LINK))
			output->piece.bytes = wn_group_close_chunk(group->local + lane * group->stride,
								   wn_verdict_length(item->word), reach,
								   length, item->is_segment);
	}
	wn_group_barrier();
	times->judged = wn_group_cycles();
}

/*
 * Runs one batch and writes what changed, and records, to the ring's side. Returns whether any byte was
 * written there, or read there in place: then the words need a release.
 */
WN_FN uint32_t wn_group_batch(WN_PRIVATE struct wn_group *group,
			      WN_PRIVATE struct wn_packet *packet,
			      WN_PRIVATE struct wn_group_item *item,
			      WN_PRIVATE struct wn_group_times *times, uint64_t offset,
			      uint32_t count)
{
	WN_STAGED const struct wn_group_queue *queue = group->queue;
	struct wn_group_piece record = {
		((uint64_t)item->index * queue->view.segments_max + item->segment) *
			queue->view.result_bytes,
		0};
	struct wn_group_output output;

	wn_group_judge(group, packet, item, times, &output, offset, count);
	record.bytes = output.record_bytes;
	if (!wn_group_ballot(output.piece.bytes | record.bytes | output.in_place))
		return 0;
	if (wn_group_ballot(output.piece.bytes))
		wn_group_stage_out(queue->replies, group->local, group->stride, &output.piece, count);
	if (wn_group_ballot(record.bytes))
		wn_group_stage_out(queue->view.results, group->records, WN_LOCAL_RECORD_STRIDE,
				   &record, count);
	return 1;
}

/* Stores this lane's word as the last thing that is done with its slot. */
WN_FN void wn_group_answer(WN_GLOBAL uint32_t *word, uint32_t value, uint32_t wrote)
{
	if (wrote)
		wn_store_release(word, value); /* (V) */
	else
		wn_store_relaxed(word, value); /* (V), see above */
}

/* The slot of this lane: two loads of 16 bytes, side by side with its neighbours'. What is not used is not loaded. */
WN_FN void wn_group_load_slot(WN_PRIVATE struct wn_slot *slot, WN_GLOBAL const struct wn_slot *from)
{
	WN_GLOBAL const struct wn_chunk *chunks = (WN_GLOBAL const struct wn_chunk *)from;
	const struct wn_chunk a = chunks[0], b = chunks[1];

	slot->position = a.words[0];
	slot->flags = a.words[1];
	slot->length = a.words[2];
	slot->wire_length = a.words[3];
	slot->index = b.words[0];
	slot->segment_bytes = (uint16_t)b.words[1];
	slot->segment_count = (uint16_t)(b.words[1] >> 16);
	slot->arrival_ns = (uint64_t)b.words[3] << 32 | b.words[2];
}

/*
 * The slot of a packet that came alone: `last` tells what nearly every run needs, and the rest is only
 * fetched if the program asks for it (loads that nobody uses are not made). Returns its arrival for the
 * stages, now and then, else 0.
 */
WN_FN uint64_t wn_group_fill_slot(WN_PRIVATE struct wn_slot *slot,
				  WN_GLOBAL const struct wn_slot *from, uint32_t position,
				  uint32_t last, uint32_t is_mine)
{
	/* Another lane's flags are nobody's: a train that is not there would be served. */
	if (!is_mine)
		return 0;
	slot->position = position + 1;
	slot->flags = last & 0xff;
	slot->length = last >> 8;
	slot->wire_length = from->wire_length;
	slot->index = from->index;
	slot->segment_bytes = from->segment_bytes;
	slot->segment_count = from->segment_count;
	slot->arrival_ns = from->arrival_ns;
	return position % WN_TIMED_EVERY ? 0 : from->arrival_ns;
}

/* A train in hand: its datagrams are served in batches of one a lane. */
struct wn_group_train {
	struct wn_slot slot;
	uint32_t position;
	uint32_t index;
	uint32_t count;                /* segments */
	uint32_t done;                 /* of them, those of earlier batches */
	uint32_t first_code;
	uint32_t mixed;                /* verdicts or lengths differ (this lane's opinion) */
	uint32_t wrote;
};

/* Takes the train of slot `position` in hand; all lanes read the same slot. */
WN_FN void wn_group_take_train(WN_STAGED const struct wn_group_queue *queue,
			       WN_PRIVATE struct wn_group_train *train, uint32_t position)
{
	train->position = position;
	train->index = position & queue->view.slot_mask;
	wn_group_load_slot(&train->slot, &queue->view.slots[train->index]);
	train->count = train->slot.segment_count < queue->view.segments_max
			       ? train->slot.segment_count
			       : queue->view.segments_max;
	train->done = train->first_code = train->mixed = train->wrote = 0;
}

/* This lane's datagram of the next batch. Returns how many the batch has. */
WN_FN uint32_t wn_group_next_segments(WN_PRIVATE const struct wn_group *group,
				      WN_PRIVATE const struct wn_group_train *train,
				      WN_PRIVATE struct wn_packet *packet,
				      WN_PRIVATE struct wn_group_item *item,
				      WN_PRIVATE uint64_t *offset)
{
	WN_STAGED const struct wn_group_queue *queue = group->queue;
	const uint32_t left = train->count - train->done;
	const uint32_t batch = left < WN_GROUP_LANES ? left : (uint32_t)WN_GROUP_LANES;
	const uint32_t lane = wn_group_lane();

	item->is_mine = lane < batch;
	item->index = train->index;
	item->segment = item->is_mine ? train->done + lane : 0;
	item->is_segment = 1;
	wn_packet_of_slot(packet, queue->view.peers, train->index, &train->slot,
			  queue->view.slot_bytes, (uint32_t)wn_program_look_bytes, group->local,
			  group->records, group->counts, group->data);
	wn_packet_narrow(packet, train->slot.segment_bytes, item->segment, 0);
	*offset = wn_frame_offset(train->index, queue->view.frame_stride) +
		  (uint64_t)item->segment * train->slot.segment_bytes;
	return batch;
}

/* After a batch: keeps its words. */
WN_FN void wn_group_keep_segments(WN_PRIVATE const struct wn_group *group,
				  WN_PRIVATE struct wn_group_train *train,
				  WN_PRIVATE const struct wn_group_item *item, uint32_t wrote)
{
	const uint32_t code = wn_verdict_code(item->word);

	if (!train->done)
		train->first_code = wn_group_shuffle(code, 0);
	group->words[train->done + wn_group_lane()] = item->word;
	train->mixed |= item->is_mine && (code != train->first_code || !item->kept_length);
	train->wrote |= wrote;
	train->done += WN_GROUP_LANES;
}

/*
 * The slot's word answers for all datagrams where they were given the same verdict and kept their
 * lengths; else each has a word of its own.
 */
WN_FN void wn_group_answer_train(WN_PRIVATE const struct wn_group *group,
				 WN_PRIVATE const struct wn_group_train *train)
{
	WN_STAGED const struct wn_group_queue *queue = group->queue;
	const uint32_t lane = wn_group_lane();
	const uint32_t mixed = wn_group_ballot(train->mixed) || train->first_code == WN_CODE_RECORD;
	WN_GLOBAL uint32_t *own =
		queue->view.segments + (uint64_t)train->index * queue->view.segments_max;

	for (uint32_t at = lane; mixed && at < train->count; at += WN_GROUP_LANES)
		own[at] = group->words[at];
	wn_group_barrier();
	if (lane == 0)
		wn_group_answer(&queue->view.verdicts[train->index],
				wn_verdict_word(wn_lap(train->position, queue->view.slot_shift),
						mixed ? (uint32_t)WN_CODE_TRAIN : train->first_code,
						train->slot.length),
				train->wrote || mixed);
}

/*
 * Serves `count` slots of one block: first those with one packet, one a lane; then the trains, one after
 * the other. There is one place that runs the program, because it may be large. `last`, where it is not 0, are
 * length and flags of the one slot there is: then nothing more is fetched than what the program asks for.
 * Returns 0 where a slot did not hold its position.
 */
WN_FN uint32_t wn_group_block(WN_PRIVATE struct wn_group *group, uint32_t first, uint32_t count,
			      uint32_t last)
{
	WN_STAGED const struct wn_group_queue *queue = group->queue;
	const uint32_t lane = wn_group_lane(), position = first + lane;
	const uint32_t index = position & queue->view.slot_mask;
	struct wn_group_item item = {lane < count, index, 0, 0, 0, 1};
	struct wn_slot slot = {0, 0, 0, 0, 0, 0, 1, 0};
	uint64_t offset = wn_frame_offset(index, queue->view.frame_stride);
	uint64_t arrival_ns = 0;
	struct wn_group_times times;
	uint32_t bad, trains, is_train = 0, batch = count, wrote;
	struct wn_group_train train;
	struct wn_packet packet;

	train.slot = slot;
	train.position = train.index = train.count = train.done = train.first_code = train.mixed =
		train.wrote = 0;
	if (last)
		arrival_ns = wn_group_fill_slot(&slot, &queue->view.slots[index], position, last,
						item.is_mine);
	else if (item.is_mine)
		wn_group_load_slot(&slot, &queue->view.slots[index]);
	/* Of one that came alone all is known: its lanes need not ask each other. */
	bad = last ? 0 : wn_group_ballot(item.is_mine && slot.position != position + 1);
	if (WN_UNLIKELY(bad)) {
		if (item.is_mine && slot.position != position + 1 && !(bad & ((1u << lane) - 1)))
			wn_group_report_corrupt(queue->report, position);
		return 0;
	}
	/* Taken through a shuffle: like all reads of the slot, it is over before the verdict is stored. */
	if (!last || first % WN_TIMED_EVERY == 0)
		arrival_ns = wn_group_shuffle64(last ? arrival_ns : slot.arrival_ns, 0);
	trains = last ? (last & WN_SLOT_TRAIN) != 0 : wn_group_ballot(slot.flags & WN_SLOT_TRAIN);
	item.is_mine = item.is_mine && !(trains >> lane & 1);
	if (item.is_mine)
		wn_packet_of_slot(&packet, queue->view.peers, index, &slot, queue->view.slot_bytes,
				  (uint32_t)wn_program_look_bytes, group->local, group->records,
				  group->counts, group->data);
	for (;;) {
		wrote = wn_group_batch(group, &packet, &item, &times, offset, batch);
		if (is_train)
			wn_group_keep_segments(group, &train, &item, wrote);
		else if (item.is_mine)
			wn_group_answer(
				&queue->view.verdicts[index],
				item.word | wn_verdict_word(
						    wn_lap(position, queue->view.slot_shift), 0, 0),
				wrote);
		wn_group_note(group, &times, batch, is_train ? 0 : arrival_ns);
		if (!is_train || train.done >= train.count) {
			if (is_train)
				wn_group_answer_train(group, &train);
			if (!trains)
				return 1;
			is_train = 1;
			wn_group_take_train(queue, &train, first + wn_lowest_bit(trains));
			trains &= trains - 1;
		}
		batch = wn_group_next_segments(group, &train, &packet, &item, &offset);
	}
}

/* The sum over all lanes where it is wanted, else what was there. */
WN_FN uint64_t wn_group_sum_of(uint64_t value, uint64_t otherwise, uint32_t is_wanted)
{
	const uint64_t sum = wn_group_sum(value);

	return is_wanted ? sum : otherwise;
}

/* Adds to one word of the group's total and shows it to the host. */
WN_FN void wn_group_show(WN_PRIVATE const struct wn_group *group, uint32_t word, uint64_t sum)
{
	const uint64_t at = (uint64_t)group->row * group->launch->row_words + word;

	if (sum) {
		const uint64_t total = group->launch->totals[at] + sum;

		group->launch->totals[at] = total;
		wn_counter_store(&group->launch->rows[at], total);
	}
}

/* Shows what was counted since the last time: each lane a word of every WN_GROUP_LANES. */
WN_FN void wn_group_flush(WN_PRIVATE struct wn_group *group)
{
	const uint32_t lane = wn_group_lane(), words = (uint32_t)wn_lane_words;

	for (uint32_t first = 0; first < words; first += WN_GROUP_LANES) {
		uint64_t mine = 0;

		for (uint32_t i = first; i < words && i < first + WN_GROUP_LANES; i++) {
			const uint64_t count = group->counts[i];

			if (!wn_group_ballot(count != 0))
				continue;
			group->counts[i] = 0;
			mine = wn_group_sum_of(count, mine, lane == i - first);
		}
		if (first + lane < words)
			wn_group_show(group, first + lane, mine);
	}
	wn_group_barrier();
	for (uint32_t i = lane; i < WN_STAGE_WORDS; i += WN_GROUP_LANES) {
		wn_group_show(group, wn_lane_words + i, group->stages[i]);
		group->stages[i] = 0;
	}
	wn_group_barrier();
	group->is_dirty = 0;
}

WN_FN void wn_group_init(WN_PRIVATE struct wn_group *group,
			 WN_PRIVATE const struct wn_group_launch *launch, WN_STAGED uint8_t *local,
			 WN_PRIVATE uint64_t *counts, WN_PRIVATE const struct wn_program_data *data,
			 uint32_t queue, uint32_t row)
{
	WN_GLOBAL const uint32_t *from = (WN_GLOBAL const uint32_t *)&launch->queues[queue];

	group->launch = launch;
	group->stride = launch->stage_bytes + WN_CHUNK_BYTES;
	group->queue = (WN_STAGED struct wn_group_queue *)local;
	group->words = (WN_STAGED uint32_t *)(group->queue + 1);
	group->stages = (WN_STAGED uint64_t *)(group->words + WN_TRAIN_SEGMENTS_MAX);
	group->records = (WN_STAGED uint8_t *)(group->stages + WN_STAGE_WORDS);
	group->local = group->records + WN_GROUP_LANES * WN_LOCAL_RECORD_STRIDE;
	group->counts = counts;
	group->data = data;
	group->row = row;
	group->is_dirty = 0;
	for (uint32_t i = wn_lane_words; i-- > 0;)
		counts[i] = 0;
	for (uint32_t i = wn_group_lane(); i < sizeof(*group->queue) / 4; i += WN_GROUP_LANES)
		((WN_STAGED uint32_t *)group->queue)[i] = from[i];
	for (uint32_t i = wn_group_lane(); i < WN_STAGE_WORDS; i += WN_GROUP_LANES)
		group->stages[i] = 0;
	wn_group_barrier();
}

/* The range of a batch was published before the launch: nothing of it is looked at. */
WN_FN void wn_group_see_range(WN_PRIVATE struct wn_group_port *port,
			      WN_PRIVATE const struct wn_group_order *order)
{
	port->seen = order->first + order->count;
	port->final = port->seen;
	port->last = order->last;
	port->is_closed = 1;
}

/*
 * Serves one queue as group `number` of `groups`, until the ring, or the range, is closed and empty, the
 * host says leave, or the lease is over.
 */
WN_FN void wn_group_serve(WN_PRIVATE struct wn_group *group,
			  WN_PRIVATE const struct wn_group_order *order, uint32_t number,
			  uint32_t groups)
{
	WN_PRIVATE const struct wn_group_launch *launch = group->launch;
	WN_STAGED const struct wn_group_queue *queue = group->queue;
	const uint64_t begin = wn_group_shuffle64(wn_group_cycles(), 0);
	uint64_t flushed = begin, busy = begin, now;
	struct wn_group_port port;
	uint32_t lost = 0, count;

	wn_group_port_init(&port, queue,
			   order->is_range ? wn_group_first_position(order->first, number)
					   : queue->positions[number],
			   groups);
	if (order->is_range)
		wn_group_see_range(&port, order);
	else if (wn_group_lane() == 0)
		wn_store_relaxed(&launch->alive[group->row], launch->alive[group->row] + 1);
	for (;;) {
		count = lost || wn_group_finished(&port) ? 0 : wn_group_peek(&port);
		if (port.leave)
			break; /* what is there is left for whoever goes on at these positions */
		if (count) {
			lost = !wn_group_block(
				group, port.position, count,
				count == 1 && port.position + 1 == port.seen ? port.last : 0);
			if (!lost)
				wn_group_retire(&port, count);
			group->is_dirty = 1;
		} else if ((lost && order->is_range) || (!lost && wn_group_finished(&port))) {
			break;
		} else if (lost) {
			wn_group_look_at_words(&port);
		}
		if (order->is_range)
			continue;
		/* Lanes read clocks of their own; what they decide together, the leader decides. */
		now = wn_group_shuffle64(wn_group_cycles(), 0);
		if (count)
			busy = now;
		if (group->is_dirty &&
		    now - flushed > (count ? launch->flush_cycles : launch->settle_cycles)) {
			wn_group_flush(group);
			flushed = now;
		}
		if (order->lease_cycles && now - begin > order->lease_cycles)
			break;
		if (!count && launch->doze_ns && now - busy > launch->idle_cycles)
			wn_group_sleep(launch->doze_ns);
	}
	wn_group_flush(group);
	if (wn_group_lane() == 0 && !order->is_range)
		queue->positions[number] = port.position;
}

#endif
