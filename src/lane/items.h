/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device loop of a group whose lanes are work-items without warp primitives: a leader looks, all lanes
 * serve, each a packet of its own, as lane/loop.h does.
 *
 *       leader:  look at a part, say position and count          (local memory)
 *       all:     barrier
 *       lane i:  slots i, i + lanes, ... of the block: peek at nothing, run, answer (V)
 *       all:     barrier
 *       leader:  go on in that part
 *
 * Nothing is assumed of how work-items run but what OpenCL C promises: a barrier that all items of a group
 * reach is passed by all. So no lane ever waits for another but at a barrier, every barrier is in flow that is
 * the same for all lanes (what they branch on is in local memory and was written before the barrier), and no
 * group waits for another. An implementation that runs the items of a group one after the other, from barrier
 * to barrier, as PoCL does, is served as well as one that runs them at once.
 *
 * Order. The leader acquires `published` (D) at the scope of all devices; the barrier with the global fence
 * makes what happened before it happen before what the lanes do behind it (work-group scope), and
 * happens-before is transitive over inclusive scopes (OpenCL C 3.0, 6.15.12.1 and the memory model of the API
 * specification, 3.3.6). So a lane sees the slot that the leader saw published. Each lane stores its own
 * verdict with a release (V): it orders that lane's reply bytes and that lane's reads, which are all that the
 * slot had. Two lanes never write one slot. Bytes of different slots are at least 32 bytes apart, and so are
 * the records.
 *
 * Parts. Queue q is served by part_count parts; part p takes blocks p, p + part_count, ... (lane/port_ring.h).
 * The parts of all queues are dealt to the groups in turn: with fewer groups than parts a group serves several,
 * one after the other, so that groups never have to outnumber the compute units.
 *
 * Metal promises the same of a barrier, but no order with the host before a command buffer's end: in lease mode its
 * lanes serve slots of their own (device/metal/entry.metal), and only wn_items_slot() is used.
 *
 * Included once by device/opencl/entry.cl or device/metal/entry.metal, behind the program.
 */
#ifndef WN_LANE_ITEMS_H
#define WN_LANE_ITEMS_H

#include "device/opencl/launch.h"
#include "lane/packet.h"
#include "lane/port_ring.h"
#include "lane/stack.h"

/* What every lane of a kernel has in hand. */
struct wn_items {
	WN_GLOBAL uint8_t *memory;
	WN_GLOBAL const struct wn_cl_launch *launch;
	WN_GLOBAL uint32_t *row;
	struct wn_program_data data;
	uint32_t is_dirty;
};

WN_FN void wn_items_init(WN_PRIVATE struct wn_items *items, WN_GLOBAL uint8_t *memory,
			 WN_GLOBAL const struct wn_cl_launch *launch, WN_GLOBAL uint8_t *data,
			 WN_GLOBAL uint32_t *cells, WN_GLOBAL uint32_t *rows, uint32_t row,
			 WN_PRIVATE uint64_t *counts)
{
	items->memory = memory;
	items->launch = launch;
	items->row = rows + (uint64_t)row * launch->row_words;
	items->is_dirty = 0;
	items->data.parameters = (WN_GLOBAL const uint64_t *)(data + launch->parameters);
	items->data.tables = (WN_GLOBAL const struct wn_table *)(data + launch->tables);
	items->data.store = data + launch->store;
	items->data.file = data + launch->file;
	items->data.file_bytes = launch->file_bytes;
	items->data.cells = cells;
	items->data.cell_count = launch->cell_count;
	items->data.store_bytes = launch->store_bytes;
	items->data.parameter_count = launch->parameter_count;
	items->data.table_count = launch->table_count;
	for (uint32_t i = wn_lane_words; i-- > 0;)
		counts[i] = 0;
}

/* A port on queue `queue`, standing at `position`. */
WN_FN void wn_items_port(WN_PRIVATE const struct wn_items *items, WN_PRIVATE struct wn_port *port,
			 uint32_t queue, uint32_t position)
{
	WN_GLOBAL const struct wn_cl_ring *ring = &items->launch->rings[queue];
	WN_PRIVATE struct wn_ring_view *view = &port->view;

	view->words = (WN_GLOBAL struct wn_ring_words *)(items->memory + ring->words);
	view->slots = (WN_GLOBAL struct wn_slot *)(items->memory + ring->slots);
	view->peers = (WN_GLOBAL struct wn_peer *)(items->memory + ring->peers);
	view->frames = items->memory + ring->frames;
	view->verdicts = (WN_GLOBAL uint32_t *)(items->memory + ring->verdicts);
	view->segments = (WN_GLOBAL uint32_t *)(items->memory + ring->segments);
	view->results = items->memory + ring->results;
	view->identity = &ring->identity;
	view->slot_mask = ring->slot_mask;
	view->slot_shift = ring->slot_shift;
	view->slot_bytes = ring->slot_bytes;
	view->frame_stride = ring->frame_stride;
	view->segments_max = ring->segments_max;
	view->result_bytes = ring->result_bytes;
	port->position = position;
	port->group_count = items->launch->part_count;
	port->times = 0;
}

/* Shows what this lane has counted; see launch.h. The row has one writer, so it may be read here. */
WN_FN void wn_items_flush(WN_PRIVATE struct wn_items *items, WN_PRIVATE uint64_t *counts)
{
	WN_GLOBAL uint32_t *row = items->row;
	const uint32_t number = row[0] + 1;

	if (!items->is_dirty)
		return;
	wn_store_relaxed(&row[0], number);
	for (uint32_t i = wn_lane_words; i-- > 0;) {
		WN_GLOBAL uint32_t *word = row + WN_CL_ROW_HEAD + 2 * i;
		const uint64_t total = ((uint64_t)word[1] << 32 | word[0]) + counts[i];

		if (counts[i]) {
			wn_store_release(&word[0], (uint32_t)total);
			wn_store_release(&word[1], (uint32_t)(total >> 32));
			counts[i] = 0;
		}
	}
	wn_store_release(&row[1], number);
	items->is_dirty = 0;
}

/* A lane's copy, by its members: C++ has no copy of a struct from one address space to another. */
WN_FN void wn_slot_of(WN_PRIVATE struct wn_slot *slot, WN_GLOBAL const struct wn_slot *from)
{
	slot->position = from->position;
	slot->flags = from->flags;
	slot->length = from->length;
	slot->wire_length = from->wire_length;
	slot->index = from->index;
	slot->segment_bytes = from->segment_bytes;
	slot->segment_count = from->segment_count;
	slot->arrival_ns = from->arrival_ns;
}

/* A slot in hand, between what comes before the program and what comes after it. */
struct wn_items_slot {
	struct wn_slot slot;
	struct wn_packet whole;         /* the packet, or the train */
	struct wn_frame frame;          /* where the stack took its headers off */
	uint32_t is_stacked;
	uint32_t runs;                  /* of the program: datagrams of a train, else one, or none */
	uint32_t word;                  /* without a lap */
};

/* Before the program: what is there, and what the stack says. 0, or 1 where the slot does not hold its position. */
WN_FN uint32_t wn_items_take(WN_PRIVATE const struct wn_port *port, WN_PRIVATE struct wn_items_slot *taken,
			     uint32_t position, WN_PRIVATE uint64_t *counts, WN_PRIVATE const struct wn_program_data *data)
{
	WN_PRIVATE const struct wn_ring_view *view = &port->view;
	const uint32_t index = position & view->slot_mask;
	WN_PRIVATE struct wn_packet *whole = &taken->whole;
	uint32_t length = 0, code;

	wn_slot_of(&taken->slot, &view->slots[index]);
	if (WN_UNLIKELY(taken->slot.position != position + 1)) {
		wn_port_report_corrupt(port, position);
		return 1;
	}
	wn_packet_of_slot(whole, view->peers, index, &taken->slot, view->slot_bytes, (uint32_t)wn_program_look_bytes,
			  view->frames + wn_frame_offset(index, view->frame_stride),
			  view->results + (uint64_t)index * view->segments_max * view->result_bytes, counts, data);
	taken->is_stacked = ((uint32_t)wn_program_kind & (uint32_t)WN_ANY) == (uint32_t)WN_DATAGRAM &&
			    (whole->flags & WN_SLOT_FRAME);
	taken->runs = 1;
	if (taken->is_stacked) {
		code = wn_stack_before(whole, &taken->frame, view->identity, &length);
		if (code) {
			taken->runs = 0;
			taken->word = wn_verdict_word(0, code, code == WN_REPLY ? taken->frame.length : 0);
		}
	} else if (whole->flags & WN_SLOT_TRAIN) {
		taken->runs = taken->slot.segment_count < view->segments_max ? taken->slot.segment_count
									      : view->segments_max;
		taken->word = wn_verdict_word(0, WN_CODE_TRAIN, whole->length);
	}
	return 0;
}

/*
 * Serves one slot, with one place that runs the program: a compiler puts it there as a whole, and a large one takes
 * it seconds. What comes of it is what wn_loop_slot() does. 1 where the slot does not hold its position.
 */
WN_FN uint32_t wn_items_slot(WN_PRIVATE const struct wn_port *port, uint32_t position, WN_PRIVATE uint64_t *counts,
			     WN_PRIVATE const struct wn_program_data *data)
{
	WN_PRIVATE const struct wn_ring_view *view = &port->view;
	WN_GLOBAL uint32_t *words = view->segments + (uint64_t)(position & view->slot_mask) * view->segments_max;
	uint32_t first_code = 0, uniform = 1;
	struct wn_items_slot taken;

	if (WN_UNLIKELY(wn_items_take(port, &taken, position, counts, data)))
		return 1;
	for (uint32_t i = 0; i < taken.runs; i++) {
		const uint32_t is_train = !taken.is_stacked && (taken.whole.flags & WN_SLOT_TRAIN);
		struct wn_packet packet = taken.whole;
		uint32_t word, received;

		if (is_train)
			wn_packet_narrow(&packet, taken.slot.segment_bytes, i, view->result_bytes);
		received = packet.length;
		word = wn_packet_judge(&packet, wn_program_run(&packet));
		if (taken.is_stacked)
			word = wn_stack_after(&packet, &taken.frame, word, taken.slot.length);
		if (!is_train) {
			taken.word = word;
			break;
		}
		words[i] = word;
		if (i == 0)
			first_code = wn_verdict_code(word);
		uniform &= wn_verdict_code(word) == first_code && packet.length == received;
		if (i + 1 == taken.runs && uniform && first_code != WN_CODE_RECORD)
			taken.word = wn_verdict_word(0, first_code, taken.whole.length);
	}
	wn_port_answer(port, position, taken.word | wn_verdict_word(wn_lap(position, view->slot_shift), 0, 0));
	return 0;
}

/* Serves slots first, first + step, ... of the `count` that begin at the port's position. 1 where one is corrupt. */
WN_FN uint32_t wn_items_serve(WN_PRIVATE struct wn_items *items, WN_PRIVATE const struct wn_port *port,
			      uint32_t first, uint32_t count, uint32_t step, WN_PRIVATE uint64_t *counts)
{
	uint32_t is_corrupt = 0;

	for (uint32_t i = first; i < count; i += step) {
		is_corrupt |= wn_items_slot(port, port->position + i, counts, &items->data);
		items->is_dirty = 1;
	}
	return is_corrupt;
}

#endif
