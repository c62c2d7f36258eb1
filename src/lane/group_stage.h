/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Staging: bytes of up to one packet a lane move between the ring and the group's local memory in
 * chunks of 16 bytes, by all lanes together, so that the bus sees whole lines. A packet that
 * begins in the middle of a chunk (a segment of a train) keeps its phase in local memory.
 *
 * All lanes call these functions together, each with what it knows of its own packet.
 */
#ifndef WN_LANE_GROUP_STAGE_H
#define WN_LANE_GROUP_STAGE_H

#include "lane/group_launch.h"

/* One lane's piece of memory on the ring's side and on the local side. */
struct wn_group_piece {
	uint64_t offset;        /* bytes from the base to the packet, on the ring's side */
	uint32_t bytes;         /* 0: nothing to move */
};

WN_FN uint32_t wn_piece_phase(WN_PRIVATE const struct wn_group_piece *piece)
{
	return (uint32_t)piece->offset % WN_CHUNK_BYTES;
}

/* log2 of how many lanes share a packet, for the longest one in chunks: 4 to 32 lanes. */
WN_FN uint32_t wn_group_share(uint32_t most_chunks)
{
	return most_chunks <= 4 ? 2 : most_chunks <= 8 ? 3 : most_chunks <= 16 ? 4 : 5;
}

WN_FN uint64_t wn_group_shuffle64(uint64_t value, uint32_t from)
{
	return (uint64_t)wn_group_shuffle((uint32_t)(value >> 32), from) << 32 |
	       wn_group_shuffle((uint32_t)value, from);
}

/*
 * Copies in: lane i's piece comes to local + i * stride, at its phase. Complete, and visible to all
 * lanes, when it returns. `count`: lanes from this one on have nothing.
 *
 * Steps are taken WN_STAGE_AHEAD at a time, all their loads before the first store: a load takes a
 * microsecond or two on its way over the bus. Copies that go straight to local memory (cp.async) would need
 * no registers, but a GPU fetches them from host memory in smaller pieces: 27 GB/s where loads get 45.
 */
WN_FN void wn_group_stage_in(WN_STAGED uint8_t *local, uint32_t stride,
			     WN_GLOBAL const uint8_t *base,
			     WN_PRIVATE const struct wn_group_piece *piece, uint32_t count)
{
	enum { WN_STAGE_AHEAD = 4 };
	const uint32_t lane = wn_group_lane();
	const uint32_t phase = wn_piece_phase(piece);
	const uint32_t chunks =
		piece->bytes ? (phase + piece->bytes + WN_CHUNK_BYTES - 1) / WN_CHUNK_BYTES : 0;
	const uint32_t most = wn_group_max(chunks);
	const uint32_t shift = wn_group_share(most);
	const uint32_t part = lane & ((1u << shift) - 1);
	const uint32_t turns = (most + (1u << shift) - 1) >> shift;
	const uint32_t steps =
		turns * ((count + (WN_GROUP_LANES >> shift) - 1) / (WN_GROUP_LANES >> shift));

	if (!most)
		return;
	for (uint32_t step = 0; step < steps; step += WN_STAGE_AHEAD) {
		struct wn_chunk chunk[WN_STAGE_AHEAD];
		WN_STAGED uint8_t *to[WN_STAGE_AHEAD];

		WN_UNROLL
		for (uint32_t i = 0; i < WN_STAGE_AHEAD; i++) {
			const uint32_t pass = (step + i) / turns, turn = (step + i) - pass * turns;
			const uint32_t whose =
				(pass * (WN_GROUP_LANES >> shift) + (lane >> shift)) %
				WN_GROUP_LANES;
			const uint64_t offset = wn_group_shuffle64(piece->offset - phase, whose);
			const uint32_t n = wn_group_shuffle(chunks, whose);
			const uint32_t k = (turn << shift) + part;

			to[i] = 0;
			if (step + i < steps && k < n) {
				chunk[i] = wn_chunk_load_global(base + offset + WN_CHUNK_BYTES * k);
				to[i] = local + whose * stride + WN_CHUNK_BYTES * k;
			}
		}
		WN_UNROLL
		for (uint32_t i = 0; i < WN_STAGE_AHEAD; i++)
			if (to[i])
				wn_chunk_store(to[i], chunk[i]);
	}
	wn_group_barrier();
}

/* The same where only the first lane has a piece: no other lane's place has to be asked for. */
WN_FN void wn_group_stage_one_in(WN_STAGED uint8_t *local, WN_GLOBAL const uint8_t *base,
				 WN_PRIVATE const struct wn_group_piece *piece)
{
	const uint32_t phase = wn_piece_phase(piece);
	const uint64_t offset = wn_group_shuffle64(piece->offset - phase, 0);
	const uint32_t end = wn_group_shuffle(piece->bytes ? phase + piece->bytes : 0, 0);

	for (uint32_t at = WN_CHUNK_BYTES * wn_group_lane(); at < end; at += WN_CHUNK_BYTES * WN_GROUP_LANES)
		wn_chunk_store(local + at, wn_chunk_load_global(base + offset + at));
	wn_group_barrier();
}

/* One chunk out: whole, or byte by byte where part of it belongs to somebody else. */
WN_FN void wn_chunk_out(WN_GLOBAL uint8_t *to, WN_STAGED const uint8_t *from, uint32_t begin,
			uint32_t end)
{
	if (begin == 0 && end == WN_CHUNK_BYTES) {
		wn_chunk_store_global(to, wn_chunk_load(from));
		return;
	}
	for (uint32_t i = begin; i < end; i++)
		to[i] = from[i];
}

/* Copies out, the mirror image; no byte outside a piece is written. The barrier is the caller's. */
WN_FN void wn_group_stage_out(WN_GLOBAL uint8_t *base, WN_STAGED const uint8_t *local,
			      uint32_t stride, WN_PRIVATE const struct wn_group_piece *piece,
			      uint32_t count)
{
	const uint32_t lane = wn_group_lane();
	const uint32_t phase = wn_piece_phase(piece);
	const uint32_t end = piece->bytes ? phase + piece->bytes : 0;
	const uint32_t most = wn_group_max((end + WN_CHUNK_BYTES - 1) / WN_CHUNK_BYTES);
	const uint32_t shift = wn_group_share(most);
	const uint32_t width = 1u << shift;

	if (!most)
		return;
	wn_group_barrier();
	for (uint32_t first = 0; first < count; first += WN_GROUP_LANES >> shift) {
		const uint32_t whose = first + (lane >> shift);
		const uint64_t offset = wn_group_shuffle64(piece->offset - phase, whose);
		const uint32_t last = wn_group_shuffle(end, whose);
		const uint32_t skip = wn_group_shuffle(phase, whose);

		for (uint32_t k = lane & (width - 1); WN_CHUNK_BYTES * k < last; k += width) {
			const uint32_t at = WN_CHUNK_BYTES * k;

			wn_chunk_out(base + offset + at, local + whose * stride + at, k ? 0 : skip,
				     last - at < WN_CHUNK_BYTES ? last - at
								: (uint32_t)WN_CHUNK_BYTES);
		}
	}
}

#endif
