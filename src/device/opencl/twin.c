/* SPDX-License-Identifier: Apache-2.0 */
#include "device/opencl/twin.h"

#include <string.h>

#include "warpnic/verdict.h"

static uint64_t take(uint64_t *end, uint64_t bytes)
{
	const uint64_t at = *end;

	*end = (at + bytes + WN_LINE_BYTES - 1) / WN_LINE_BYTES * WN_LINE_BYTES;
	return at;
}

uint64_t wn_twin_lay_out(struct wn_cl_ring *twin, const struct wn_ring_view *ring, uint32_t slots)
{
	uint64_t end = 0;

	memset(twin, 0, sizeof(*twin));
	twin->slot_mask = slots - 1;
	for (twin->slot_shift = 0; 1u << twin->slot_shift < slots;)
		twin->slot_shift++;
	twin->slot_bytes = ring->slot_bytes;
	twin->frame_stride = ring->frame_stride;
	twin->segments_max = ring->segments_max;
	twin->result_bytes = ring->result_bytes;
	if (ring->identity)
		twin->identity = *ring->identity;
	twin->words = take(&end, sizeof(struct wn_ring_words));
	twin->verdicts = take(&end, (uint64_t)slots * 4);
	twin->slots = take(&end, (uint64_t)slots * sizeof(struct wn_slot));
	twin->peers = take(&end, (uint64_t)slots * sizeof(struct wn_peer));
	twin->segments = take(&end, ring->segments ? (uint64_t)slots * ring->segments_max * 4 : 0);
	twin->results = take(&end, (uint64_t)slots * ring->segments_max * ring->result_bytes);
	twin->frames = take(&end, (uint64_t)slots * ring->frame_stride);
	return end;
}

void wn_twin_move(struct wn_cl_ring *twin, uint64_t base)
{
	twin->words += base;
	twin->verdicts += base;
	twin->slots += base;
	twin->peers += base;
	twin->segments += base;
	twin->results += base;
	twin->frames += base;
}

struct wn_ring_view wn_twin_view(const struct wn_cl_ring *twin, uint8_t *memory)
{
	return (struct wn_ring_view){
		.words = (struct wn_ring_words *)(memory + twin->words),
		.slots = (struct wn_slot *)(memory + twin->slots),
		.peers = (struct wn_peer *)(memory + twin->peers),
		.frames = memory + twin->frames,
		.verdicts = (uint32_t *)(memory + twin->verdicts),
		.segments = (uint32_t *)(memory + twin->segments),
		.results = memory + twin->results,
		.slot_mask = twin->slot_mask,
		.slot_shift = twin->slot_shift,
		.slot_bytes = twin->slot_bytes,
		.frame_stride = twin->frame_stride,
		.segments_max = twin->segments_max,
		.result_bytes = twin->result_bytes,
	};
}

uint64_t wn_twin_reach(const struct wn_cl_ring *twin, uint32_t count)
{
	return twin->frames + (uint64_t)count * twin->frame_stride;
}

static uint32_t lesser(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

void wn_twin_fill(const struct wn_ring_view *twin, const struct wn_ring_view *ring, uint32_t position)
{
	const uint32_t to = position & twin->slot_mask, from = position & ring->slot_mask;
	const struct wn_slot slot = ring->slots[from];

	twin->slots[to] = slot;
	if (!(slot.flags & WN_SLOT_FRAME))
		twin->peers[to] = ring->peers[from];
	memcpy(wn_ring_frame(twin, to), wn_ring_frame(ring, from), lesser(slot.length, ring->slot_bytes));
}

static int has_bytes(uint32_t code)
{
	return code == WN_REPLY || code == WN_DELIVER || code == WN_FORWARD || code >= WN_FORWARD_LINK;
}

/* Each datagram has a word of its own, and perhaps a record. */
static void copy_train(const struct wn_ring_view *twin, const struct wn_ring_view *ring, uint32_t from, uint32_t to)
{
	const uint32_t count = lesser(ring->slots[to].segment_count, ring->segments_max);
	const uint64_t record = (uint64_t)ring->segments_max * ring->result_bytes;

	memcpy(ring->segments + (uint64_t)to * ring->segments_max,
	       twin->segments + (uint64_t)from * ring->segments_max, (size_t)count * 4);
	memcpy(ring->results + to * record, twin->results + from * record, (size_t)count * ring->result_bytes);
}

int wn_twin_answer(const struct wn_ring_view *twin, const struct wn_ring_view *ring, uint32_t position)
{
	const uint32_t from = position & twin->slot_mask, to = position & ring->slot_mask;
	const uint32_t word = wn_load_acquire(&twin->verdicts[from]);
	const uint32_t code = wn_verdict_code(word), length = wn_verdict_length(word);
	const uint64_t record = (uint64_t)ring->segments_max * ring->result_bytes;

	if (wn_verdict_lap(word) != wn_lap(position, twin->slot_shift))
		return 0;
	if (has_bytes(code) || code == WN_CODE_TRAIN)
		memcpy(wn_ring_frame(ring, to), wn_ring_frame(twin, from), lesser(length, ring->slot_bytes));
	if (code == WN_CODE_TRAIN)
		copy_train(twin, ring, from, to);
	else if (code == WN_CODE_RECORD)
		memcpy(ring->results + to * record, twin->results + from * record, lesser(length, ring->result_bytes));
	wn_store_release(&ring->verdicts[to],
			 wn_verdict_word(wn_lap(position, ring->slot_shift), code, length)); /* (V) */
	return 1;
}
