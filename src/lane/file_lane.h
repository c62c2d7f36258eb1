/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device's side of its file (lane/file.h): append pieces, submit writes, take completions.
 *
 * One lane calls what changes the state: of a group, the leader. Whoever holds no device may do the same on
 * the host, with a state that was loaded from the words.
 */
#ifndef WN_LANE_FILE_LANE_H
#define WN_LANE_FILE_LANE_H

#include "lane/bytes.h"
#include "lane/drive.h"
#include "ring/order.h"

/* linux/errno.h; link/uring_file.c compares them with the headers. */
enum {
	WN_FILE_EINTR = 4,
	WN_FILE_EIO = 5,
	WN_FILE_EAGAIN = 11,
	WN_FILE_EFBIG = 27,
	WN_FILE_ENOSPC = 28,
	WN_FILE_EDQUOT = 122,
	WN_FILE_ECANCELED = 125
};

#define WN_FILE_NOWHERE 0xffffffffu

/* -- where things lie -- */

WN_FN uint32_t wn_file_offset(WN_STAGED const struct wn_drive_view *view, uint32_t position)
{
	return position & ((uint32_t)WN_FILE_BLOCKS * view->file.block_bytes - 1);
}

WN_FN WN_GLOBAL uint32_t *wn_file_at(WN_STAGED const struct wn_drive_view *view, uint32_t position)
{
	return (WN_GLOBAL uint32_t *)(view->file.memory + wn_file_offset(view, position));
}

WN_FN uint32_t wn_file_block_of(WN_STAGED const struct wn_drive_view *view, uint32_t position)
{
	return wn_file_offset(view, position) / view->file.block_bytes;
}

/* From a position to the end of its block, all of it where it is the first of one. */
WN_FN uint32_t wn_file_rest(WN_STAGED const struct wn_drive_view *view, uint32_t position)
{
	return view->file.block_bytes - (position & (view->file.block_bytes - 1));
}

WN_FN uint32_t wn_file_head_bytes(uint32_t flags)
{
	return flags & (uint32_t)WN_SLOT_IPV6 ? (uint32_t)WN_FILE_IPV6_BYTES : (uint32_t)WN_FILE_IPV4_BYTES;
}

/* Of the piece for `length` bytes of payload. */
WN_FN uint32_t wn_file_piece_bytes(uint32_t flags, uint32_t length)
{
	return (uint32_t)WN_FILE_PIECE_BYTES + ((wn_file_head_bytes(flags) + length + 3) & ~3u);
}

/* From a piece's position to that of the payload in it. */
WN_FN uint32_t wn_file_payload_at(uint32_t flags)
{
	return 28 + wn_file_head_bytes(flags);
}

/* -- showing the state -- */

/* One lane. A group shows it by all its lanes: lane/group_file.h. */
WN_FN void wn_file_show(WN_STAGED const struct wn_drive_view *view, WN_STAGED const struct wn_file_state *state)
{
	WN_GLOBAL struct wn_file_words *words = view->file.words;
	WN_STAGED const uint64_t *from = (WN_STAGED const uint64_t *)state;
	const uint32_t next = words->current + 1;

	for (uint32_t i = 0; i < WN_FILE_STATE_WORDS; i++)
		wn_store_release64(&words->states[next % 2][i], from[i]); /* (K1) */
	wn_store_release(&words->current, next); /* (K1) */
}

/* Goes on where it stands; no device runs, or this is the one. */
WN_FN void wn_file_load(WN_STAGED const struct wn_drive_view *view, WN_STAGED struct wn_file_state *state)
{
	WN_GLOBAL struct wn_file_words *words = view->file.words;
	WN_STAGED uint64_t *to = (WN_STAGED uint64_t *)state;

	for (uint32_t i = 0; i < WN_FILE_STATE_WORDS; i++)
		to[i] = words->states[words->current % 2][i];
}

/* -- appending -- */

WN_FN void wn_file_put_gap(WN_STAGED const struct wn_drive_view *view, uint32_t position, uint32_t bytes)
{
	WN_GLOBAL uint32_t *at = wn_file_at(view, position);

	at[0] = (uint32_t)WN_FILE_GAP;
	at[1] = bytes;
	at[bytes / 4 - 1] = bytes;
}

/*
 * A place for a piece of so many bytes: its position, or WN_FILE_NOWHERE. What is left of a block stays large
 * enough for a gap, and room is always left for the gap that a write may need at its end.
 */
WN_FN uint32_t wn_file_place(WN_STAGED const struct wn_drive_view *view, WN_STAGED struct wn_file_state *state,
			     uint32_t bytes, uint64_t now_ns)
{
	const uint32_t rest = wn_file_rest(view, state->fill);
	const uint32_t skip = bytes == rest || bytes + WN_FILE_GAP_BYTES_MIN <= rest ? 0 : rest;
	const uint32_t used = state->fill - state->done;
	const uint32_t kept = view->file.align + WN_FILE_GAP_BYTES_MIN;
	uint32_t position, block;

	if (bytes + WN_FILE_GAP_BYTES_MIN > view->file.block_bytes ||
	    used + skip + bytes + kept > (uint32_t)WN_FILE_BLOCKS * view->file.block_bytes)
		return WN_FILE_NOWHERE;
	if (skip)
		wn_file_put_gap(view, state->fill, skip);
	if (used == state->flight)
		state->since_ns = now_ns;
	position = state->fill + skip;
	block = wn_file_block_of(view, position);
	state->fill = position + bytes;
	state->block_records[block]++;
	state->block_bytes[block] += bytes;
	state->counts[WN_FILE_RECORDS]++;
	state->counts[WN_FILE_BYTES] += bytes;
	return position;
}

/* A word of a packet in network order. */
WN_FN uint32_t wn_file_word(uint32_t word)
{
	return WN_IS_LITTLE ? word >> 24 | (word >> 8 & 0xff00) | (word << 8 & 0xff0000) | word << 24 : word;
}

WN_FN uint32_t wn_file_get32(WN_GLOBAL const uint8_t *bytes)
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* Word i of our own address. Bound to all addresses, the packet's control message has it (ip(7), ipv6(7)). */
WN_FN uint32_t wn_file_local(WN_STAGED const struct wn_drive_view *view, WN_PRIVATE const struct wn_drive_item *item,
			     uint32_t i)
{
	const uint32_t is_ipv6 = (item->flags & (uint32_t)WN_SLOT_IPV6) != 0;
	WN_GLOBAL const uint8_t *control = view->frames + item->offset - view->uring.control_bytes;
	/* in6_pktinfo begins with the address, of which an IPv4 one is the last word; in_pktinfo ends with it. */
	const uint32_t at = is_ipv6 ? 4 * i : control[8] == 41 ? 12 : 8;

	if (view->file.own_family)
		return view->file.own[view->file.own_family == 6 && !is_ipv6 ? 3 : i];
	return view->uring.control_bytes ? wn_file_get32(control + 16 + at) : 0;
}

WN_FN uint32_t wn_file_halves(uint32_t word)
{
	return (word >> 16) + (word & 0xffff);
}

/* The Internet checksum of a sum of words in network order (RFC 1071). */
WN_FN uint32_t wn_file_fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum & 0xffff;
}

/* An Ethernet header without addresses, and words behind it, which come to lie in two halves. */
WN_FN void wn_file_put_headers(WN_GLOBAL uint32_t *at, uint32_t type, WN_PRIVATE const uint32_t *words, uint32_t count)
{
	uint32_t before = type;

	at[0] = at[1] = at[2] = 0;
	at += 3;
	for (uint32_t i = 0; i < count; i++) {
		*at++ = wn_file_word(before << 16 | words[i] >> 16);
		before = words[i];
	}
	*(WN_GLOBAL uint16_t *)at = (uint16_t)(wn_file_word(before << 16) & 0xffff);
}

/* Headers of Ethernet, IPv4 and UDP; `bytes` from IPv4's on with all that follows. */
WN_FN void wn_file_put_ipv4(WN_STAGED const struct wn_drive_view *view, WN_PRIVATE const struct wn_drive_item *item,
			    WN_GLOBAL uint32_t *at, uint32_t bytes)
{
	uint32_t words[7] = {0x45000000 | bytes, 0x4000, 64u << 24 | 17u << 16, 0, 0, 0, 0}, sum = 0;

	words[3] = wn_file_get32(item->peer);
	words[4] = wn_file_local(view, item, 0);
	words[5] = item->peer_port << 16 | view->file.own_port;
	words[6] = (bytes - 20) << 16;
	for (uint32_t i = 0; i < 5; i++)
		sum += wn_file_halves(words[i]);
	words[2] |= wn_file_fold(sum);
	wn_file_put_headers(at, 0x0800, words, 7);
}

/* The same for IPv6. `sum`: of the payload, as words of 16 bits in network order. */
WN_FN void wn_file_put_ipv6(WN_STAGED const struct wn_drive_view *view, WN_PRIVATE const struct wn_drive_item *item,
			    WN_GLOBAL uint32_t *at, uint32_t bytes, uint32_t sum)
{
	const uint32_t udp_bytes = bytes - 40;
	uint32_t words[12] = {6u << 28, udp_bytes << 16 | 17u << 8 | 64, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};

	for (uint32_t i = 0; i < 4; i++) {
		words[2 + i] = wn_file_get32(item->peer + 4 * i);
		words[6 + i] = wn_file_local(view, item, i);
	}
	words[10] = item->peer_port << 16 | view->file.own_port;
	sum += 17 + 2 * udp_bytes;
	for (uint32_t i = 2; i < 11; i++)
		sum += wn_file_halves(words[i]);
	sum = wn_file_fold(sum);
	words[11] = udp_bytes << 16 | (sum ? sum : 0xffff);
	wn_file_put_headers(at, 0x86dd, words, 12);
}

/* What byte i of a payload adds to its sum. */
WN_FN uint32_t wn_file_sum_of(uint32_t i, uint32_t byte)
{
	return i & 1 ? byte : byte << 8;
}

/*
 * All of a piece but its payload, which is `length` bytes and whose sum matters with IPv6 only. A packet that was longer than
 * what there is of it says so.
 */
WN_FN void wn_file_put_piece(WN_STAGED const struct wn_drive_view *view, uint32_t position,
			     WN_PRIVATE const struct wn_drive_item *item, uint64_t arrival_ns, uint32_t length,
			     uint32_t is_record, uint32_t sum)
{
	const uint32_t bytes = wn_file_piece_bytes(item->flags, length), head = wn_file_head_bytes(item->flags);
	const uint64_t time_ns = arrival_ns + view->file.realtime_offset_ns;
	const uint32_t is_cut = !is_record && (item->flags & (uint32_t)WN_SLOT_TRUNCATED) && item->wire_length > length;
	const uint32_t original = head + (is_cut ? item->wire_length : length);
	const uint32_t most = item->flags & (uint32_t)WN_SLOT_IPV6 ? 65535 + 40 : 65535;
	const uint32_t said = original - (uint32_t)WN_FILE_ETHERNET_BYTES;
	WN_GLOBAL uint32_t *at = wn_file_at(view, position);
	WN_GLOBAL uint8_t *pad = (WN_GLOBAL uint8_t *)(at + 7) + head + length;

	for (uint32_t i = head + length; i & 3; i++)
		*pad++ = 0;
	at[0] = WN_FILE_PACKET;
	at[1] = bytes;
	at[2] = is_record;
	at[3] = (uint32_t)(time_ns >> 32);
	at[4] = (uint32_t)time_ns;
	at[5] = head + length;
	at[6] = original;
	at[bytes / 4 - 1] = bytes;
	if (item->flags & (uint32_t)WN_SLOT_IPV6)
		wn_file_put_ipv6(view, item, at + 7, said < most ? said : most, sum);
	else
		wn_file_put_ipv4(view, item, at + 7, said < most ? said : most);
}

/* -- writing -- */

/* Whether a write is to be submitted now. */
WN_FN uint32_t wn_file_is_due(WN_STAGED const struct wn_drive_view *view, WN_STAGED const struct wn_file_state *state,
			      uint64_t now_ns, uint32_t is_closing)
{
	const uint32_t there = state->fill - state->done;

	if (state->flight)
		return state->again;
	if (!there)
		return 0;
	return is_closing || there >= view->file.flush_bytes || there >= wn_file_rest(view, state->done) ||
	       now_ns - state->since_ns >= view->file.flush_ns;
}

/* A new flight: of what is there, up to the end of a block; in whole units, for which a gap is added. */
WN_FN void wn_file_take_off(WN_STAGED const struct wn_drive_view *view, WN_STAGED struct wn_file_state *state)
{
	const uint32_t rest = wn_file_rest(view, state->done), block = wn_file_block_of(view, state->done);
	uint32_t gap = (0 - state->fill) & (view->file.align - 1);

	if (state->fill - state->done < rest && gap) {
		gap += gap < WN_FILE_GAP_BYTES_MIN ? view->file.align : 0;
		wn_file_put_gap(view, state->fill, gap);
		state->fill += gap;
	}
	state->flight = state->fill - state->done < rest ? state->fill - state->done : rest;
	state->flown = 0;
	state->vain = 0;
	state->flight_records = state->block_records[block];
	state->flight_bytes = state->block_bytes[block];
	state->block_records[block] = 0;
	state->block_bytes[block] = 0;
}

/* What is due becomes a write with a number; its entry is lane/port_uring.h's to write. */
WN_FN void wn_file_submit(WN_STAGED const struct wn_drive_view *view, WN_STAGED struct wn_file_state *state)
{
	if (!state->flight)
		wn_file_take_off(view, state);
	state->again = 0;
	state->number++;
	state->counts[WN_FILE_WRITES]++;
}

/* The flight is over, `bytes` of the file and `records` with `record_bytes` are written of it. */
WN_FN void wn_file_land(WN_STAGED struct wn_file_state *state, uint32_t bytes, uint32_t records, uint32_t record_bytes)
{
	state->counts[WN_FILE_WRITTEN] += records;
	state->counts[WN_FILE_WRITTEN_BYTES] += record_bytes;
	state->counts[WN_FILE_FAILED] += state->flight_records - records;
	state->counts[WN_FILE_FAILED_BYTES] += state->flight_bytes - record_bytes;
	state->offset += bytes;
	state->done += state->flight;
	state->flight = 0;
	state->flown = 0;
	state->again = 0;
	state->flight_records = 0;
	state->flight_bytes = 0;
}

/* For good. What is in the file as a whole is written; with O_DIRECT none is, as the next write begins at a unit. */
WN_FN void wn_file_fail(WN_STAGED const struct wn_drive_view *view, WN_STAGED struct wn_file_state *state, int32_t error)
{
	const uint32_t flown = view->file.align > 4 ? 0 : state->flown;
	uint32_t at = 0, records = 0, bytes = 0;

	while (at < flown) {
		WN_GLOBAL const uint32_t *piece = wn_file_at(view, state->done + at);
		const uint32_t length = piece[1];

		if (length < WN_FILE_GAP_BYTES_MIN || length > flown - at)
			break;
		at += length;
		records += piece[0] == WN_FILE_PACKET;
		bytes += piece[0] == WN_FILE_PACKET ? length : 0;
	}
	state->last_error = error;
	state->counts[error == WN_FILE_ENOSPC || error == WN_FILE_EDQUOT ? WN_FILE_NO_SPACE
		      : error == WN_FILE_EFBIG                           ? WN_FILE_TOO_LARGE
		      : error == WN_FILE_EIO                             ? WN_FILE_IO
									  : WN_FILE_OTHER]++;
	wn_file_land(state, at, records, bytes);
}

/* The flight goes on with what is left of it; not for ever where nothing comes of it. */
WN_FN void wn_file_go_on(WN_STAGED const struct wn_drive_view *view, WN_STAGED struct wn_file_state *state,
			 uint32_t written, int32_t error)
{
	state->flown = (state->flown + written) & ~(view->file.align - 1);
	state->vain = written >= view->file.align ? 0 : state->vain + 1;
	state->counts[written ? WN_FILE_SHORT : WN_FILE_AGAIN]++;
	if (state->vain > WN_FILE_VAIN_MAX)
		wn_file_fail(view, state, error);
	else
		state->again = 1;
}

/* The write `number` has ended with `result`. Returns 0 where the kernel cannot have meant it. */
WN_FN uint32_t wn_file_complete(WN_STAGED const struct wn_drive_view *view, WN_STAGED struct wn_file_state *state,
				uint32_t number, int32_t result)
{
	const uint32_t left = state->flight - state->flown;
	const int32_t error = (int32_t)(0u - (uint32_t)result); /* a kernel may say anything */

	if (!state->flight || state->again || number != state->number)
		return 0;
	if (result > 0 && (uint32_t)result > left) {
		wn_file_fail(view, state, 0);
		return 0;
	}
	if ((uint32_t)result == left)
		wn_file_land(state, state->flight, state->flight_records, state->flight_bytes);
	else if (result >= 0)
		wn_file_go_on(view, state, (uint32_t)result, WN_FILE_EIO);
	else if (result == -WN_FILE_EAGAIN || result == -WN_FILE_EINTR || result == -WN_FILE_ECANCELED)
		wn_file_go_on(view, state, 0, error);
	else
		wn_file_fail(view, state, error);
	return 1;
}

#endif
