/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lease: a group a queue, which polls, bounded in looks; MSL 3.2. Stands behind the program, as entry.metal does.
 *
 * The program runs on memory that nobody else looks at: each lane has a ring of one slot to itself (lane/items.h, plain
 * loads and stores), into which it brings a packet, and from which it brings the answer back, through coherent
 * accesses (words.h).
 */
#define WN_METAL_LEASE 1
#include "device/metal/words.h"

#include WN_PROGRAM_SOURCE

#include "device/metal/launch.h"
#include "lane/items.h"

#define WN_WORD_AT(ring, word) ((ring)->words + __builtin_offsetof(struct wn_ring_words, word))

/* The leader's look at its queue: what is there, and whether to go on after it. */
static inline void look(WN_SHARED uint32_t *shared, device const struct wn_cl_ring *ring,
			device const struct wn_metal_state *state, uint32_t queue, uint32_t number,
			threadgroup struct wn_metal_share *share)
{
	const uint32_t position = state->positions[queue];
	const uint32_t published = wn_shared_load(shared, WN_WORD_AT(ring, published)); /* (D) */
	const uint32_t closed = wn_shared_load(shared, WN_WORD_AT(ring, closed));       /* (E) */
	const uint32_t over = wn_shared_load(shared, __builtin_offsetof(struct wn_metal_words, over));
	const uint32_t block = WN_BLOCK_SLOTS - position % WN_BLOCK_SLOTS;
	const int32_t available = (int32_t)(published - position);

	wn_metal_fence();
	share->position = position;
	share->count = available <= 0 || state->lost[queue] ? 0
		       : (uint32_t)available < block	    ? (uint32_t)available
							    : block;
	share->is_over = (int32_t)(over - number) >= 0 ||
			 (closed && (int32_t)(position + share->count -
					      wn_shared_load(shared, WN_WORD_AT(ring, final))) >= 0);
}

/* One slot over into this lane's own. */
static inline void bring(WN_SHARED uint32_t *shared, device const struct wn_cl_ring *ring, thread const struct wn_port *own,
			 uint32_t position)
{
	const uint32_t index = position & ring->slot_mask;
	uint32_t length;

	wn_shared_read((device uint8_t *)own->view.slots, shared, ring->slots + (uint64_t)index * sizeof(struct wn_slot),
		       sizeof(struct wn_slot));
	wn_shared_read((device uint8_t *)own->view.peers, shared, ring->peers + (uint64_t)index * sizeof(struct wn_peer),
		       sizeof(struct wn_peer));
	length = own->view.slots[0].length;
	wn_shared_read(own->view.frames + WN_HEADROOM_BYTES, shared,
		       ring->frames + wn_frame_offset(index, ring->frame_stride),
		       length < ring->slot_bytes ? length : ring->slot_bytes);
}

static inline uint32_t has_bytes(uint32_t code)
{
	return code == WN_REPLY || code == WN_DELIVER || code == WN_FORWARD || code == WN_CODE_TRAIN ||
	       code >= WN_FORWARD_LINK;
}

/* The answer back; its word last, behind a fence. */
static inline void answer(WN_SHARED uint32_t *shared, device const struct wn_cl_ring *ring,
			  thread const struct wn_port *own, uint32_t position)
{
	const uint32_t index = position & ring->slot_mask, word = own->view.verdicts[0];
	const uint32_t code = wn_verdict_code(word), length = wn_verdict_length(word);
	const uint32_t trains = own->view.slots[0].segment_count;
	const uint32_t segments = trains < ring->segments_max ? trains : ring->segments_max;
	const uint64_t results = ring->results + (uint64_t)index * ring->segments_max * ring->result_bytes;

	if (has_bytes(code))
		wn_shared_write(shared, ring->frames + wn_frame_offset(index, ring->frame_stride),
				own->view.frames + WN_HEADROOM_BYTES, length < ring->slot_bytes ? length : ring->slot_bytes);
	if (code == WN_CODE_TRAIN)
		wn_shared_write(shared, ring->segments + (uint64_t)index * ring->segments_max * 4,
				(device const uint8_t *)own->view.segments, segments * 4);
	if (code == WN_CODE_TRAIN || code == WN_CODE_RECORD)
		wn_shared_write(shared, results, own->view.results,
				(code == WN_CODE_TRAIN ? segments : 1u) * ring->result_bytes);
	wn_metal_fence();
	wn_shared_store(shared, ring->verdicts + (uint64_t)index * 4,
			wn_verdict_word(wn_lap(position, ring->slot_shift), code, length)); /* (V) */
}

kernel void wn_lease(WN_SHARED uint32_t *shared [[buffer(0)]], device const struct wn_cl_launch *launch [[buffer(1)]],
		     device uint8_t *data [[buffer(2)]], device uint32_t *cells [[buffer(3)]],
		     device uint32_t *rows [[buffer(4)]], constant struct wn_metal_lease &lease [[buffer(5)]],
		     device const struct wn_metal_shared *twins [[buffer(6)]], device uint8_t *scratch [[buffer(7)]],
		     device struct wn_metal_state *state [[buffer(8)]],
		     threadgroup struct wn_metal_share *share [[threadgroup(0)]],
		     uint lane [[thread_position_in_threadgroup]], uint lanes [[threads_per_threadgroup]],
		     uint queue [[threadgroup_position_in_grid]])
{
	device const struct wn_cl_ring *ring = &twins->rings[queue];
	const uint32_t row = queue * lanes + lane;
	uint64_t counts[wn_lane_words + 1];
	struct wn_items items;
	struct wn_port own;

	wn_items_init(&items, scratch + (uint64_t)row * twins->scratch_bytes, launch, data, cells, rows, row, counts);
	wn_items_port(&items, &own, queue, 0);
	for (uint32_t turn = 0; turn < lease.turns; turn++) {
		uint32_t count, position, is_over;

		if (lane == 0)
			look(shared, ring, state, queue, lease.number, share);
		wn_metal_barrier();
		count = share->count;
		position = share->position;
		is_over = share->is_over;
		wn_metal_fence();
		for (uint32_t i = lane; i < count; i += lanes) {
			bring(shared, ring, &own, position + i);
			own.position = position + i;
			items.is_dirty = 1;
			if (!wn_items_slot(&own, position + i, counts, &items.data)) {
				answer(shared, ring, &own, position + i);
				continue;
			}
			state->lost[queue] = 1;
			wn_shared_store(shared, WN_WORD_AT(ring, corrupt_position), position + i);
			wn_metal_fence();
			wn_shared_store(shared, WN_WORD_AT(ring, corrupt), 1); /* (X) */
		}
		wn_metal_barrier();
		if (lane == 0 && count && !state->lost[queue])
			state->positions[queue] = position + count;
		if (is_over)
			break;
	}
	wn_items_flush(&items, counts);
}
