/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection's steps: what a completion brings, and what the connection wants of the kernel then (lane/stream.h).
 * One lane works on a connection at a time, and leaves in its turn what is to be written to the rings.
 */
#ifndef WN_LANE_STREAM_STEP_H
#define WN_LANE_STREAM_STEP_H

#include "lane/stream_run.h"

/* -- the window, and frames that are held -- */

WN_FN WN_GLOBAL uint8_t *wn_stream_window(WN_PRIVATE const struct wn_stream_turn *turn, uint32_t number)
{
	return turn->view->stream.windows + ((uint64_t)number << turn->view->stream.window_shift);
}

WN_FN WN_GLOBAL uint8_t *wn_stream_frame(WN_PRIVATE const struct wn_stream_turn *turn, uint32_t frame)
{
	return turn->view->frames + ((uint64_t)frame << turn->view->frame_shift);
}

/* Puts bytes behind those in the window. Returns 0 where they do not fit. */
WN_FN uint32_t wn_stream_append(WN_PRIVATE const struct wn_stream_turn *turn, WN_GLOBAL struct wn_conn *conn, uint32_t number,
				WN_GLOBAL const uint8_t *bytes, uint32_t count)
{
	WN_GLOBAL uint8_t *window = wn_stream_window(turn, number);

	if (conn->fill + count > wn_stream_window_bytes(turn))
		return 0;
	if (conn->start + conn->fill + count > wn_stream_window_bytes(turn)) {
		wn_stream_copy(window, window + conn->start, conn->fill); /* downwards */
		conn->start = 0;
	}
	wn_stream_copy(window + conn->start + conn->fill, bytes, count);
	conn->fill += count;
	return 1;
}

WN_FN void wn_stream_hold(WN_PRIVATE const struct wn_stream_turn *turn, WN_GLOBAL struct wn_conn *conn, uint32_t frame, uint32_t bytes)
{
	turn->view->stream.lengths[frame] = bytes;
	if (conn->held_count++)
		turn->view->stream.next[conn->held_last] = frame;
	else
		conn->held_first = frame;
	conn->held_last = frame;
}

/* Moves what is held to the window, as far as it fits. Returns whether anything was. */
WN_FN uint32_t wn_stream_refill(WN_PRIVATE struct wn_stream_turn *turn, WN_GLOBAL struct wn_conn *conn, uint32_t number)
{
	uint32_t moved = 0;

	while (conn->held_count) {
		const uint32_t frame = conn->held_first;

		if (!wn_stream_append(turn, conn, number, wn_stream_frame(turn, frame), turn->view->stream.lengths[frame]))
			break;
		conn->held_first = turn->view->stream.next[frame];
		conn->held_count--;
		wn_stream_give(turn, frame);
		moved = 1;
	}
	return moved;
}

/* Nobody will read what there is. */
WN_FN void wn_stream_forget(WN_PRIVATE struct wn_stream_turn *turn, WN_GLOBAL struct wn_conn *conn)
{
	uint32_t unread = conn->fill;

	for (; conn->held_count; conn->held_count--) {
		const uint32_t frame = conn->held_first;

		unread += turn->view->stream.lengths[frame];
		conn->held_first = turn->view->stream.next[frame];
		wn_stream_give(turn, frame);
	}
	conn->start = conn->fill = 0;
	turn->deltas[WN_DELTA_TOTAL + WN_STREAM_UNREAD_BYTES] += (int32_t)unread;
}

/* Runs the program on what is in the window and behind it, as far as it will go just now. */
WN_FN void wn_stream_go_on(WN_PRIVATE struct wn_stream_turn *turn, WN_GLOBAL struct wn_conn *conn, uint32_t number)
{
	do {
		const uint32_t used = wn_stream_run(turn, conn, number, wn_stream_window(turn, number) + conn->start, conn->fill,
						    wn_stream_window_bytes(turn) - conn->start);

		conn->fill -= used;
		conn->start = conn->fill ? conn->start + used : 0;
		if (!wn_stream_refill(turn, conn, number))
			break;
		conn->flags |= WN_CONN_ASKS;
	} while (!(conn->flags & (WN_CONN_DEAD | WN_CONN_LAST | WN_CONN_SENDING)) && wn_stream_has_room(turn, conn));
}

/* A frame came with bytes of a connection. */
WN_FN void wn_stream_arrive(WN_PRIVATE struct wn_stream_turn *turn, WN_GLOBAL struct wn_conn *conn, uint32_t number,
			    uint32_t frame, uint32_t bytes)
{
	WN_GLOBAL uint8_t *at = wn_stream_frame(turn, frame);
	uint32_t used;

	turn->deltas[WN_DELTA_BYTES] += (int32_t)bytes;
	if (conn->flags & (WN_CONN_DEAD | WN_CONN_LAST)) {
		turn->deltas[WN_DELTA_TOTAL + WN_STREAM_UNREAD_BYTES] += (int32_t)bytes;
		conn->linger_bytes += bytes;
		if (conn->linger_bytes > (uint32_t)WN_STREAM_LINGER_BYTES)
			wn_stream_die(conn, WN_END_PROGRAM);
		wn_stream_give(turn, frame);
		return;
	}
	conn->flags |= WN_CONN_ASKS;
	if (!conn->fill && !conn->held_count && !(conn->flags & WN_CONN_SENDING) && !conn->piece_count) {
		used = wn_stream_run(turn, conn, number, at, bytes, wn_stream_frame_bytes(turn));
		wn_stream_append(turn, conn, number, at + used, bytes - used);
		wn_stream_give(turn, frame);
		return;
	}
	if (!conn->held_count && wn_stream_append(turn, conn, number, at, bytes))
		wn_stream_give(turn, frame);
	else
		wn_stream_hold(turn, conn, frame, bytes);
	wn_stream_go_on(turn, conn, number);
}

/* -- what a connection wants -- */

WN_FN void wn_stream_close(WN_PRIVATE struct wn_stream_turn *turn, WN_GLOBAL struct wn_conn *conn)
{
	if (conn->answers)
		wn_stream_fail_pieces(turn, conn);
	if (conn->flags & WN_CONN_STARVED)
		turn->deltas[WN_DELTA_STARVED]--;
	turn->wants |= WN_WANT_CLOSE;
	turn->deltas[WN_DELTA_TOTAL + WN_STREAM_OPEN]--;
	turn->deltas[WN_DELTA_TOTAL + WN_STREAM_ENDED + conn->end]++;
	conn->flags = 0;
}

WN_FN void wn_stream_want_end(WN_PRIVATE struct wn_stream_turn *turn, WN_GLOBAL struct wn_conn *conn)
{
	wn_stream_forget(turn, conn);
	if ((conn->flags & WN_CONN_RECEIVING) && !(conn->flags & WN_CONN_RECEIVE_CANCELLED)) {
		conn->flags |= WN_CONN_RECEIVE_CANCELLED;
		turn->wants |= WN_WANT_CANCEL_RECEIVE;
	}
	if ((conn->flags & WN_CONN_SENDING) && !(conn->flags & WN_CONN_SEND_CANCELLED)) {
		conn->flags |= WN_CONN_SEND_CANCELLED;
		turn->wants |= WN_WANT_CANCEL_SEND;
	}
	if (!(conn->flags & (WN_CONN_RECEIVING | WN_CONN_SENDING | WN_CONN_SHUTTING)))
		wn_stream_close(turn, conn);
}

/* Nothing is being sent, and nothing is to be: whether that is the end, or the beginning of it. */
WN_FN void wn_stream_rest(WN_PRIVATE struct wn_stream_turn *turn, WN_GLOBAL struct wn_conn *conn)
{
	if (conn->flags & WN_CONN_LAST) {
		if (conn->flags & WN_CONN_ENDED)
			wn_stream_die(conn, WN_END_PROGRAM);
		else if (!(conn->flags & WN_CONN_LINGERS)) {
			wn_stream_forget(turn, conn);
			conn->flags |= WN_CONN_LINGERS | WN_CONN_SHUTTING;
			conn->active_ms = turn->now_ms;
			turn->wants |= WN_WANT_SHUT;
		}
	} else if (conn->flags & WN_CONN_ENDED) {
		wn_stream_die(conn, WN_END_PEER);
	} else if (turn->closing) {
		wn_stream_die(conn, WN_END_STOPPED);
	}
}

WN_FN void wn_stream_want_receive(WN_PRIVATE struct wn_stream_turn *turn, WN_GLOBAL struct wn_conn *conn)
{
	const uint32_t has_room = (conn->flags & WN_CONN_LAST) ||
				  (!conn->held_count &&
				   wn_stream_window_bytes(turn) - conn->fill >= wn_stream_frame_bytes(turn));

	if (!(conn->flags & (WN_CONN_RECEIVING | WN_CONN_ENDED | WN_CONN_STARVED)) && has_room) {
		conn->flags |= WN_CONN_RECEIVING | (conn->flags & WN_CONN_PRESSED ? 0 : (uint32_t)WN_CONN_MULTISHOT);
		turn->wants |= WN_WANT_RECEIVE;
	} else if ((conn->flags & WN_CONN_MULTISHOT) && !(conn->flags & WN_CONN_RECEIVE_CANCELLED) && !has_room) {
		conn->flags |= WN_CONN_RECEIVE_CANCELLED | WN_CONN_PRESSED;
		turn->wants |= WN_WANT_CANCEL_RECEIVE;
	}
}

/* The end of each step. */
WN_FN void wn_stream_want(WN_PRIVATE struct wn_stream_turn *turn, WN_GLOBAL struct wn_conn *conn)
{
	if (turn->closing > 1)
		wn_stream_die(conn, WN_END_STOPPED);
	if (!(conn->flags & (WN_CONN_DEAD | WN_CONN_SENDING))) {
		if (conn->piece_first < conn->piece_count) {
			conn->flags |= WN_CONN_SENDING;
			turn->wants |= WN_WANT_SEND;
		} else {
			wn_stream_rest(turn, conn);
		}
	}
	if (conn->flags & WN_CONN_DEAD)
		wn_stream_want_end(turn, conn);
	else
		wn_stream_want_receive(turn, conn);
}

/* -- completions -- */

WN_FN void wn_stream_begin(WN_PRIVATE struct wn_stream_turn *turn, WN_GLOBAL struct wn_conn *conn, uint32_t number)
{
	conn->generation = (conn->generation + 1) & 0xffffffu;
	conn->flags = WN_CONN_OPEN;
	conn->start = conn->fill = 0;
	conn->held_first = conn->held_last = conn->held_count = 0;
	conn->sent_bytes = conn->end = conn->linger_bytes = 0;
	conn->active_ms = turn->now_ms;
	conn->kept = 0;
	wn_stream_drop_pieces(conn);
	turn->deltas[WN_DELTA_TOTAL + WN_STREAM_ACCEPTED]++;
	turn->deltas[WN_DELTA_TOTAL + WN_STREAM_OPEN]++;
	turn->highest = number + 1;
	if (turn->closing)
		wn_stream_die(conn, WN_END_STOPPED);
	else if (turn->open >= turn->view->stream.connection_limit)
		wn_stream_die(conn, WN_END_REFUSED);
}

WN_FN void wn_stream_bad(WN_PRIVATE struct wn_stream_turn *turn)
{
	turn->deltas[WN_DELTA_TOTAL + WN_STREAM_BAD_ENTRIES]++;
}

/* A new connection, or why there is none. Its number, or connection_count. */
WN_FN uint32_t wn_stream_accepted(WN_PRIVATE struct wn_stream_turn *turn, WN_PRIVATE const struct wn_uring_cqe *entry)
{
	const uint32_t none = turn->view->stream.connection_count;
	const uint32_t is_cancelled = entry->res == -WN_URING_ECANCELED;

	if (!(entry->flags & WN_URING_CQE_MORE))
		turn->accept = is_cancelled && turn->closing ? WN_URING_CANCELLED : WN_URING_ENDED;
	if (entry->res == -WN_URING_ENFILE) {
		turn->deltas[WN_DELTA_TOTAL + WN_STREAM_ACCEPTED]++;
		turn->deltas[WN_DELTA_TOTAL + WN_STREAM_ENDED + WN_END_REFUSED]++;
	} else if (entry->res < 0 && !is_cancelled) {
		turn->deltas[WN_DELTA_TOTAL + WN_STREAM_ACCEPT_ERRORS]++;
		turn->accept_fails = entry->res != -WN_URING_ECONNABORTED;
	}
	if (entry->res < 0)
		return none;
	if ((uint32_t)entry->res >= none || (turn->view->stream.conns[entry->res].flags & WN_CONN_OPEN)) {
		wn_stream_bad(turn);
		return none;
	}
	wn_stream_begin(turn, &turn->view->stream.conns[entry->res], (uint32_t)entry->res);
	return (uint32_t)entry->res;
}

WN_FN void wn_stream_received(WN_PRIVATE struct wn_stream_turn *turn, WN_GLOBAL struct wn_conn *conn, uint32_t number,
			      WN_PRIVATE const struct wn_uring_cqe *entry, uint32_t frame)
{
	const uint32_t has_frame = frame < turn->view->frame_count;

	if (!(entry->flags & WN_URING_CQE_MORE))
		conn->flags &= ~(uint32_t)(WN_CONN_RECEIVING | WN_CONN_MULTISHOT | WN_CONN_RECEIVE_CANCELLED);
	if (entry->res > 0 && has_frame && (uint32_t)entry->res <= wn_stream_frame_bytes(turn)) {
		wn_stream_arrive(turn, conn, number, frame, (uint32_t)entry->res);
		return;
	}
	if (has_frame)
		wn_stream_give(turn, frame);
	if (entry->res > 0 || (!has_frame && (entry->flags & WN_URING_CQE_BUFFER)))
		wn_stream_bad(turn);
	else if (entry->res == 0)
		conn->flags |= WN_CONN_ENDED | WN_CONN_ASKS;
	else if (entry->res == -WN_URING_ENOBUFS) {
		turn->deltas[WN_DELTA_STARVED] += !(conn->flags & WN_CONN_STARVED);
		conn->flags |= WN_CONN_STARVED;
	} else if (entry->res != -WN_URING_ECANCELED && entry->res != -WN_URING_EINTR && entry->res != -WN_URING_EAGAIN)
		wn_stream_die(conn, WN_END_RESET);
	if (conn->flags & WN_CONN_ENDED)
		wn_stream_go_on(turn, conn, number);
}

/* `bytes` of the pieces have gone. */
WN_FN void wn_stream_advance(WN_GLOBAL struct wn_conn *conn, uint64_t bytes)
{
	while (bytes && conn->piece_first < conn->piece_count) {
		WN_GLOBAL struct wn_stream_piece *piece = &conn->pieces[conn->piece_first];
		const uint64_t some = bytes < piece->bytes ? bytes : piece->bytes;

		piece->address += some;
		piece->bytes -= some;
		bytes -= some;
		conn->piece_first += !piece->bytes;
	}
}

WN_FN void wn_stream_sent(WN_PRIVATE struct wn_stream_turn *turn, WN_GLOBAL struct wn_conn *conn, uint32_t number, int32_t res)
{
	conn->flags &= ~(uint32_t)(WN_CONN_SENDING | WN_CONN_SEND_CANCELLED);
	if (res > 0 && (uint32_t)res <= conn->sent_bytes) {
		turn->deltas[WN_DELTA_ANSWERED_BYTES] += res;
		conn->active_ms = turn->now_ms;
		wn_stream_advance(conn, (uint32_t)res);
	} else if (res != -WN_URING_EINTR && res != -WN_URING_EAGAIN) {
		if (res >= 0)
			wn_stream_bad(turn);
		wn_stream_fail_pieces(turn, conn);
		wn_stream_die(conn, WN_END_RESET);
	}
	if (conn->piece_first < conn->piece_count)
		return;
	wn_stream_drop_pieces(conn);
	wn_stream_go_on(turn, conn, number);
}

/* The frame that an entry names, the device's from now on; frame_count where it names none that it may. */
WN_FN uint32_t wn_stream_take_frame(WN_PRIVATE struct wn_stream_turn *turn, WN_PRIVATE const struct wn_uring_cqe *entry)
{
	const uint32_t frame = entry->flags >> WN_URING_CQE_BUFFER_SHIFT;

	if (!(entry->flags & WN_URING_CQE_BUFFER) || frame >= turn->view->frame_count ||
	    turn->view->checked[frame] != WN_FRAME_FREE)
		return turn->view->frame_count;
	wn_drive_set_state(turn->view, frame, WN_FRAME_DEVICE);
	turn->deltas[WN_DELTA_FRAMES]++;
	turn->free_count--;
	return frame;
}

/* What a connection must have with the kernel for a completion of that kind. */
WN_FN uint32_t wn_stream_expected(uint32_t kind)
{
	if (kind == WN_STREAM_RECEIVE)
		return WN_CONN_RECEIVING;
	if (kind == WN_STREAM_SEND)
		return WN_CONN_SENDING;
	return kind == WN_STREAM_SHUT ? (uint32_t)WN_CONN_SHUTTING : 0;
}

/* A cancel that came too early, or too late: tried again as long as there is what it was for. */
WN_FN void wn_stream_not_cancelled(WN_GLOBAL struct wn_conn *conn, uint32_t of_send)
{
	conn->flags &= ~(uint32_t)(of_send ? WN_CONN_SEND_CANCELLED : WN_CONN_RECEIVE_CANCELLED);
}

/* The connection that an entry is of, if all of it can be true; connection_count where it is of none. */
WN_FN uint32_t wn_stream_whose(WN_PRIVATE const struct wn_stream_turn *turn, WN_PRIVATE const struct wn_uring_cqe *entry)
{
	const uint32_t kind = (uint32_t)(entry->user_data >> 56);
	const uint32_t number = (uint32_t)entry->user_data & ~WN_STREAM_CANCELS_SEND;

	if (kind == WN_STREAM_ACCEPT)
		return entry->res >= 0 && (uint32_t)entry->res < turn->view->stream.connection_count
			       ? (uint32_t)entry->res
			       : turn->view->stream.connection_count;
	return number < turn->view->stream.connection_count ? number : turn->view->stream.connection_count;
}

/* Whether an entry can be true of its connection. */
WN_FN uint32_t wn_stream_is_true(WN_PRIVATE const struct wn_stream_turn *turn, WN_PRIVATE const struct wn_uring_cqe *entry,
				 uint32_t kind, uint32_t number)
{
	WN_GLOBAL const struct wn_conn *conn = &turn->view->stream.conns[number];
	const uint32_t expected = wn_stream_expected(kind);

	return number < turn->view->stream.connection_count && kind >= WN_STREAM_RECEIVE && kind <= WN_STREAM_CANCEL &&
	       conn->generation == ((uint32_t)(entry->user_data >> 32) & 0xffffffu) && (conn->flags & WN_CONN_OPEN) &&
	       (conn->flags & expected) == expected &&
	       (kind == WN_STREAM_RECEIVE || !(entry->flags & WN_URING_CQE_BUFFER));
}

/* One that is true. */
WN_FN void wn_stream_follow(WN_PRIVATE struct wn_stream_turn *turn, WN_PRIVATE const struct wn_uring_cqe *entry, uint32_t kind,
			    uint32_t number)
{
	WN_GLOBAL struct wn_conn *conn = &turn->view->stream.conns[number];

	if (kind == WN_STREAM_RECEIVE)
		wn_stream_received(turn, conn, number, entry, wn_stream_take_frame(turn, entry));
	else if (kind == WN_STREAM_SEND)
		wn_stream_sent(turn, conn, number, entry->res);
	else if (kind == WN_STREAM_CANCEL)
		wn_stream_not_cancelled(conn, (uint32_t)entry->user_data & WN_STREAM_CANCELS_SEND);
	else {
		conn->flags &= ~(uint32_t)WN_CONN_SHUTTING;
		if (entry->res < 0)
			wn_stream_die(conn, WN_END_RESET);
	}
	wn_stream_want(turn, conn);
}

/* One entry of the cq. Leaves in turn->wants what its connection, wn_stream_whose(), wants in all. */
WN_FN void wn_stream_take(WN_PRIVATE struct wn_stream_turn *turn, WN_PRIVATE const struct wn_uring_cqe *entry)
{
	const uint32_t kind = (uint32_t)(entry->user_data >> 56);
	const uint32_t number = wn_stream_whose(turn, entry);

	if (entry->user_data == wn_stream_id(WN_STREAM_ACCEPT, turn->generation, 0) && !(entry->flags & WN_URING_CQE_BUFFER)) {
		if (wn_stream_accepted(turn, entry) < turn->view->stream.connection_count)
			wn_stream_want(turn, &turn->view->stream.conns[number]);
	} else if (wn_stream_is_true(turn, entry, kind, number)) {
		wn_stream_follow(turn, entry, kind, number);
	} else if (kind != WN_STREAM_CANCEL) {
		wn_stream_bad(turn); /* but of a cancel: its connection was closed meanwhile, which is what it was for */
	}
}

/* A look at a connection that nothing has come of. */
WN_FN void wn_stream_sweep(WN_PRIVATE struct wn_stream_turn *turn, uint32_t number)
{
	WN_GLOBAL struct wn_conn *conn = &turn->view->stream.conns[number];
	const int32_t age_ms = (int32_t)(turn->now_ms - conn->active_ms);

	if (!(conn->flags & WN_CONN_OPEN))
		return;
	if ((conn->flags & WN_CONN_LINGERS) && age_ms > (int32_t)WN_STREAM_LINGER_MS)
		wn_stream_die(conn, WN_END_PROGRAM);
	else if (turn->view->stream.idle_ms && age_ms > (int32_t)turn->view->stream.idle_ms)
		wn_stream_die(conn, WN_END_IDLE);
	else if (turn->starved && conn->held_count && age_ms > (int32_t)WN_STREAM_HOLD_MS)
		wn_stream_die(conn, WN_END_OVERRUN);
	if ((conn->flags & WN_CONN_STARVED) && turn->free_count >= turn->view->uring.arm_count) {
		conn->flags &= ~(uint32_t)WN_CONN_STARVED;
		turn->deltas[WN_DELTA_STARVED]--;
	}
	wn_stream_want(turn, conn);
}

#endif
