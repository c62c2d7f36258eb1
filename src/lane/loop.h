/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device loop: peek a batch, run the program on each packet, answer, retire.
 *
 * Included once by each device's entry file, after the program. This is the shape of a group of
 * one lane (the cpu device): on such a group the barriers of the general shape are nothing.
 */
#ifndef WN_LANE_LOOP_H
#define WN_LANE_LOOP_H

#include "lane/packet.h"
#include "lane/port_ring.h"
#include "lane/stack.h"

/*
 * When a lane has taken a slot, has its verdict, and has stored it: for a device that times some of them
 * (device/cpu/timing.h). Nothing elsewhere.
 */
#ifndef WN_LOOP_SEEN
#define WN_LOOP_SEEN(port, slot)
#define WN_LOOP_JUDGED(port, slot)
#define WN_LOOP_ANSWERED(port, slot)
#endif

/*
 * Runs the program on every datagram of a train. One word answers for the whole train where all
 * segments were given the same verdict and kept their lengths; else each has a word of its own and
 * the slot's word says so.
 */
WN_FN uint32_t wn_loop_train(WN_PRIVATE const struct wn_port *port, uint32_t index,
			     WN_PRIVATE const struct wn_packet *train)
{
	WN_PRIVATE const struct wn_ring_view *view = &port->view;
	WN_GLOBAL uint32_t *words = view->segments + (uint64_t)index * view->segments_max;
	const uint32_t segment_bytes = view->slots[index].segment_bytes;
	const uint32_t count = view->slots[index].segment_count;
	uint32_t first_code = 0, uniform = 1;
	struct wn_packet packet;

	for (uint32_t i = 0; i < count && i < view->segments_max; i++) {
		uint32_t word, received;

		packet = *train;
		wn_packet_narrow(&packet, segment_bytes, i, view->result_bytes);
		received = packet.length;
		word = wn_packet_judge(&packet, wn_program_run(&packet));
		words[i] = word;
		if (i == 0)
			first_code = wn_verdict_code(word);
		uniform &= wn_verdict_code(word) == first_code && packet.length == received;
	}
	if (uniform && first_code != WN_CODE_RECORD)
		return wn_verdict_word(0, first_code, train->length);
	return wn_verdict_word(0, WN_CODE_TRAIN, train->length);
}

/* Serves one slot. 0, or 1 when the slot does not hold its position. */
WN_FN uint32_t wn_loop_slot(WN_PRIVATE const struct wn_port *port, uint32_t position,
			    WN_PRIVATE uint64_t *counts, WN_PRIVATE const struct wn_program_data *data)
{
	WN_PRIVATE const struct wn_ring_view *view = &port->view;
	const uint32_t index = position & view->slot_mask;
	const uint32_t lap = wn_lap(position, view->slot_shift);
	struct wn_packet packet;
	struct wn_slot slot;
	uint32_t word;

	slot = view->slots[index];
	if (WN_UNLIKELY(slot.position != position + 1)) {
		wn_port_report_corrupt(port, position);
		return 1;
	}
	WN_LOOP_SEEN(port, &slot);
	wn_packet_of_slot(&packet, view->peers, index, &slot, view->slot_bytes, (uint32_t)wn_program_look_bytes,
			  view->frames + wn_frame_offset(index, view->frame_stride),
			  view->results + (uint64_t)index * view->segments_max * view->result_bytes, counts, data);
	if (((uint32_t)wn_program_kind & (uint32_t)WN_ANY) == (uint32_t)WN_DATAGRAM && (packet.flags & WN_SLOT_FRAME))
		word = wn_stack_run(&packet, view->identity);
	else if (packet.flags & WN_SLOT_TRAIN)
		word = wn_loop_train(port, index, &packet);
	else
		word = wn_packet_judge(&packet, wn_program_run(&packet));
	WN_LOOP_JUDGED(port, &slot);
	wn_port_answer(port, position, word | wn_verdict_word(lap, 0, 0));
	WN_LOOP_ANSWERED(port, &slot);
	return 0;
}

/*
 * Serves `count` slots of one block and returns how many. It is fewer where a slot did not hold its
 * position: the group stays there for good, and answers nothing twice.
 */
WN_FN uint32_t wn_loop_block(WN_PRIVATE const struct wn_port *port, uint32_t count,
			     WN_PRIVATE uint64_t *counts, WN_PRIVATE const struct wn_program_data *data)
{
	for (uint32_t i = 0; i < count; i++)
		if (WN_UNLIKELY(wn_loop_slot(port, port->position + i, counts, data)))
			return i;
	return count;
}

/*
 * Serves what is there for this group, up to `budget` slots, and returns how many it served. The
 * lane's counters are taken from and given back to `row`, which the host may read meanwhile.
 */
WN_FN uint32_t wn_loop_serve(WN_PRIVATE struct wn_port *port,
			     WN_PRIVATE const struct wn_program_data *data, WN_GLOBAL uint64_t *row,
			     uint32_t budget)
{
	uint64_t counts[wn_lane_words + 1];
	uint32_t served = 0, count;

	count = wn_port_peek(port);
	if (!count)
		return 0;
	for (uint32_t i = wn_lane_words; i-- > 0;)
		counts[i] = row[i];
	while (count && served < budget) {
		const uint32_t done = wn_loop_block(port, count, counts, data);

		wn_port_retire(port, done);
		served += done;
		if (WN_UNLIKELY(done < count))
			break;
		count = wn_port_peek(port);
	}
	for (uint32_t i = wn_lane_words; i-- > 0;)
		wn_counter_store(&row[i], counts[i]);
	return served;
}

#endif
