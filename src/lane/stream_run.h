/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program on the bytes of a connection: from what came to the pieces of a reply.
 *
 * Included by the loops, after the program. One lane works on a connection at a time.
 */
#ifndef WN_LANE_STREAM_RUN_H
#define WN_LANE_STREAM_RUN_H

#include "lane/port_stream.h"
#include "warpnic/program.h"

/* Where the program reads `length` bytes: where they lie, unless a device says otherwise. */
#ifndef WN_STREAM_STAGE
#define WN_STREAM_STAGE(turn, bytes, length) (bytes)
#endif

/* What a batch counts: added to the queue's values and totals at its end, each as a signed number. */
enum wn_stream_delta {
	WN_DELTA_BYTES,            /* that came */
	WN_DELTA_MESSAGES,         /* that the program has ended */
	WN_DELTA_ANSWERED,
	WN_DELTA_ANSWERED_BYTES,
	WN_DELTA_SEND_FAILED,
	WN_DELTA_DROPPED,          /* by code, as far as WN_DELTA_CODES */
	WN_DELTA_CODES = 16,
	WN_DELTA_FRAMES = WN_DELTA_DROPPED + WN_DELTA_CODES, /* that came with bytes */
	WN_DELTA_STARVED,
	WN_DELTA_TOTAL,            /* enum wn_stream_total */
	WN_DELTAS = WN_DELTA_TOTAL + WN_STREAM_TOTALS
};

/* What one lane knows and does in a batch. */
struct wn_stream_turn {
	WN_STAGED const struct wn_drive_view *view;
	WN_STAGED uint8_t *record;
	WN_STAGED uint8_t *stage;  /* with WN_STREAM_STAGE: memory of the lane's own */
	uint32_t stage_bytes;
	WN_PRIVATE uint64_t *counts;
	WN_PRIVATE const struct wn_program_data *data;
	uint64_t now_ns, wall_seconds;
	uint32_t now_ms;
	uint32_t free_count;       /* frames that the kernel may receive into, before this entry */
	uint32_t open;             /* connections before this entry */
	uint32_t closing;
	uint32_t generation;       /* of the accept */
	uint32_t starved;          /* connections that wait for frames */
	uint32_t index;            /* messages before this batch */
	uint32_t wants;            /* enum wn_stream_want, of the connection in hand */
	uint32_t give_first, give_count; /* a chain of frames that go back to the kernel */
	uint32_t accept;           /* enum wn_uring_receive, where the accept ended; else 0 */
	uint32_t accept_fails;     /* it ended by an error: not to be tried again at once */
	uint32_t highest;          /* number of a connection that began, plus 1; else 0 */
	int32_t deltas[WN_DELTAS];
};

WN_FN void wn_stream_give(WN_PRIVATE struct wn_stream_turn *turn, uint32_t frame)
{
	turn->view->stream.next[frame] = turn->give_first;
	turn->give_first = frame;
	turn->give_count++;
}

WN_FN void wn_stream_die(WN_GLOBAL struct wn_conn *conn, uint32_t end)
{
	conn->flags |= WN_CONN_DEAD;
	if (!conn->end)
		conn->end = end;
}

WN_FN uint32_t wn_stream_window_bytes(WN_PRIVATE const struct wn_stream_turn *turn)
{
	return 1u << turn->view->stream.window_shift;
}

WN_FN uint32_t wn_stream_frame_bytes(WN_PRIVATE const struct wn_stream_turn *turn)
{
	return 1u << turn->view->frame_shift;
}

/* Bytes that are copied from memory of the device's to memory of the device's. */
WN_FN void wn_stream_copy(WN_GLOBAL uint8_t *to, WN_GLOBAL const uint8_t *from, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		to[i] = from[i];
}

/* -- replies -- */

WN_FN void wn_stream_add_piece(WN_GLOBAL struct wn_conn *conn, uint64_t address, uint64_t bytes)
{
	WN_GLOBAL struct wn_stream_piece *last = &conn->pieces[conn->piece_count ? conn->piece_count - 1 : 0];

	if (!bytes)
		return;
	if (conn->piece_count && last->address + last->bytes == address) {
		last->bytes += bytes;
		return;
	}
	conn->pieces[conn->piece_count].address = address;
	conn->pieces[conn->piece_count++].bytes = bytes;
}

WN_FN void wn_stream_take_reply(WN_PRIVATE struct wn_stream_turn *turn, WN_GLOBAL struct wn_conn *conn, uint32_t number,
				WN_PRIVATE const struct wn_stream *stream)
{
	const uint64_t outs = turn->view->stream.outs_address + ((uint64_t)number << turn->view->stream.out_shift);

	wn_stream_add_piece(conn, outs + conn->out_used, stream->out_bytes);
	conn->out_used += stream->out_bytes;
	if (stream->file_bytes) {
		wn_stream_add_piece(conn, turn->data->file_address + stream->file_from, stream->file_bytes);
		wn_store_release(&conn->file_version, turn->data->file_version); /* (V) */
	}
	conn->answers++;
	turn->deltas[WN_DELTA_ANSWERED]++;
}

/* Whether another reply has room: half of what there is, and two pieces. */
WN_FN uint32_t wn_stream_has_room(WN_PRIVATE const struct wn_stream_turn *turn, WN_GLOBAL const struct wn_conn *conn)
{
	return conn->piece_count + 2 <= (uint32_t)WN_STREAM_PIECES &&
	       2 * conn->out_used <= 1u << turn->view->stream.out_shift;
}

/* All of them are gone, one way or the other. */
WN_FN void wn_stream_drop_pieces(WN_GLOBAL struct wn_conn *conn)
{
	conn->piece_first = conn->piece_count = 0;
	conn->out_used = conn->answers = 0;
	if (conn->file_version)
		wn_store_release(&conn->file_version, 0); /* (V) */
}

/* Replies that did not arrive as a whole. */
WN_FN void wn_stream_fail_pieces(WN_PRIVATE struct wn_stream_turn *turn, WN_GLOBAL struct wn_conn *conn)
{
	turn->deltas[WN_DELTA_ANSWERED] -= (int32_t)conn->answers;
	turn->deltas[WN_DELTA_SEND_FAILED] += (int32_t)conn->answers;
	wn_stream_drop_pieces(conn);
}

/* -- runs -- */

WN_FN void wn_stream_show(WN_PRIVATE struct wn_stream_turn *turn, WN_GLOBAL const struct wn_conn *conn, uint32_t number,
			  WN_STAGED uint8_t *bytes, uint32_t length, uint32_t room, WN_PRIVATE struct wn_stream *stream,
			  WN_PRIVATE struct wn_packet *packet)
{
	stream->out = turn->view->stream.outs + ((uint64_t)number << turn->view->stream.out_shift) + conn->out_used;
	stream->out_room = (1u << turn->view->stream.out_shift) - conn->out_used;
	stream->out_bytes = stream->consumed = 0;
	stream->file_from = stream->file_bytes = 0;
	stream->kept = conn->kept;
	stream->wall_seconds = turn->wall_seconds;
	stream->is_end = (conn->flags & WN_CONN_ENDED) && !conn->held_count;
	stream->is_full = conn->held_count || length + wn_stream_frame_bytes(turn) > wn_stream_window_bytes(turn);
	stream->connection = number;
	packet->bytes = bytes;
	packet->record = turn->record;
	packet->peer = 0;
	packet->peer_staged = 0;
	packet->counts = turn->counts;
	packet->data = turn->data;
	packet->stream = stream;
	packet->length = packet->wire_length = packet->look = length;
	packet->room = room;
	packet->changed = packet->flags = 0;
	packet->index = turn->index + (uint32_t)turn->deltas[WN_DELTA_MESSAGES];
	packet->record_length = packet->fault = 0;
	packet->peer_port = packet->local_port = 0;
	packet->arrival_ns = turn->now_ns;
}

/* The connection ends, and the message by which it does is dropped. */
WN_FN void wn_stream_drop(WN_PRIVATE struct wn_stream_turn *turn, WN_GLOBAL struct wn_conn *conn, uint32_t code)
{
	const uint32_t named = code < (uint32_t)WN_DELTA_CODES ? code : (uint32_t)WN_CODE_BAD_VERDICT;

	turn->deltas[WN_DELTA_MESSAGES]++;
	turn->deltas[WN_DELTA_DROPPED + named]++;
	wn_stream_die(conn, code == WN_DROP || code == WN_CODE_TRUNCATED ? WN_END_PROGRAM : WN_END_FAULT);
}

/* It wants more bytes. Where none can come, what there is will never be a message. */
WN_FN void wn_stream_wait_for_more(WN_PRIVATE struct wn_stream_turn *turn, WN_GLOBAL struct wn_conn *conn,
				   WN_PRIVATE const struct wn_stream *stream, uint32_t left)
{
	if (stream->consumed && left)
		return; /* it runs on those */
	conn->flags &= ~(uint32_t)WN_CONN_ASKS;
	if (stream->is_full && !stream->consumed)
		wn_stream_drop(turn, conn, WN_CODE_TRUNCATED);
	else if (stream->is_end && left) {
		turn->deltas[WN_DELTA_MESSAGES]++;
		turn->deltas[WN_DELTA_DROPPED + WN_CODE_TRUNCATED]++;
	}
}

/* Does what the program said. */
WN_FN void wn_stream_obey(WN_PRIVATE struct wn_stream_turn *turn, WN_GLOBAL struct wn_conn *conn, uint32_t number,
			  WN_PRIVATE const struct wn_packet *packet, uint32_t verdict)
{
	WN_PRIVATE const struct wn_stream *stream = packet->stream;

	conn->kept = stream->kept;
	if (stream->consumed)
		conn->active_ms = turn->now_ms;
	if (packet->fault)
		wn_stream_drop(turn, conn, WN_CODE_FAULT);
	else if (verdict == WN_MORE)
		wn_stream_wait_for_more(turn, conn, stream, packet->length - stream->consumed);
	else if (verdict == WN_DROP)
		wn_stream_drop(turn, conn, WN_DROP);
	else if ((verdict == WN_REPLY && stream->consumed) || verdict == WN_CLOSE) {
		if (stream->out_bytes || stream->file_bytes || verdict == WN_REPLY) {
			turn->deltas[WN_DELTA_MESSAGES]++;
			wn_stream_take_reply(turn, conn, number, stream);
		} else {
			wn_stream_drop(turn, conn, WN_DROP);
		}
		if (verdict == WN_CLOSE) {
			conn->flags |= WN_CONN_LAST;
			conn->end = WN_END_PROGRAM;
		}
	} else {
		wn_stream_drop(turn, conn, WN_CODE_BAD_VERDICT);
	}
}

/*
 * Runs the program on `length` bytes until it wants more than these, or has said so much that it must be sent first.
 * `room`: up to where nobody else's bytes lie. Returns how many it has consumed.
 */
WN_FN uint32_t wn_stream_run(WN_PRIVATE struct wn_stream_turn *turn, WN_GLOBAL struct wn_conn *conn, uint32_t number,
			     WN_GLOBAL uint8_t *bytes, uint32_t length, uint32_t room)
{
	struct wn_stream stream;
	WN_STAGED uint8_t *seen = WN_STREAM_STAGE(turn, bytes, length);
	struct wn_packet packet;
	uint32_t used = 0;

	while ((conn->flags & WN_CONN_ASKS) && !(conn->flags & (WN_CONN_DEAD | WN_CONN_LAST | WN_CONN_SENDING)) &&
	       wn_stream_has_room(turn, conn)) {
		uint32_t verdict;

		if (used == length) {
			conn->flags &= ~(uint32_t)WN_CONN_ASKS;
			break;
		}
		wn_stream_show(turn, conn, number, seen + used, length - used, room - used, &stream, &packet);
		verdict = wn_program_run(&packet);
		wn_stream_obey(turn, conn, number, &packet, verdict);
		used += stream.consumed;
	}
	return used;
}

#endif
