/* SPDX-License-Identifier: Apache-2.0 */
/* Entries of the sq for connections (lane/stream.h), each written by one lane at a place that is its own. */
#ifndef WN_LANE_PORT_STREAM_H
#define WN_LANE_PORT_STREAM_H

#include "lane/stream.h"

/* What one step of a connection wants of the kernel. In this order: what is cancelled has been asked for before. */
enum wn_stream_want {
	WN_WANT_RECEIVE = 1 << 0,
	WN_WANT_SEND = 1 << 1,
	WN_WANT_SHUT = 1 << 2,
	WN_WANT_CANCEL_RECEIVE = 1 << 3,
	WN_WANT_CANCEL_SEND = 1 << 4,
	WN_WANT_CLOSE = 1 << 5
};

#define WN_STREAM_CANCELS_SEND 0x80000000u /* in the number of a CANCEL */

/* All but what is said of it is 0. */
WN_FN WN_GLOBAL struct wn_uring_sqe *wn_stream_entry(WN_STAGED const struct wn_drive_view *view, uint32_t at, uint32_t opcode,
						     uint32_t flags, uint32_t fd, uint64_t user_data)
{
	WN_GLOBAL struct wn_uring_sqe *entry = wn_uring_sqe_at(view, at);

	entry->opcode = (uint8_t)opcode;
	entry->flags = (uint8_t)flags;
	entry->ioprio = 0;
	entry->fd = (int32_t)fd;
	entry->addr2 = 0;
	entry->addr = 0;
	entry->len = 0;
	entry->msg_flags = 0;
	entry->user_data = user_data;
	entry->buf_group = 0;
	entry->personality = 0;
	entry->addr_len = 0;
	entry->pad = 0;
	entry->addr3 = 0;
	entry->pad2 = 0;
	return entry;
}

/* io_uring_sqe.file_index, which lies where addr_len does */
WN_FN void wn_stream_file_index(WN_GLOBAL struct wn_uring_sqe *entry, uint32_t index)
{
	entry->addr_len = (uint16_t)index;
	entry->pad = (uint16_t)(index >> 16);
}

WN_FN void wn_stream_write_accept(WN_STAGED const struct wn_drive_view *view, uint32_t at, uint32_t generation)
{
	WN_GLOBAL struct wn_uring_sqe *entry =
		wn_stream_entry(view, at, WN_URING_OP_ACCEPT, 0, (uint32_t)view->stream.listener,
				wn_stream_id(WN_STREAM_ACCEPT, generation, 0));

	entry->ioprio = WN_URING_ACCEPT_MULTISHOT;
	wn_stream_file_index(entry, WN_URING_INDEX_ALLOC);
}

WN_FN void wn_stream_write_receive(WN_STAGED const struct wn_drive_view *view, uint32_t at, uint32_t number,
				   WN_GLOBAL const struct wn_conn *conn)
{
	WN_GLOBAL struct wn_uring_sqe *entry =
		wn_stream_entry(view, at, WN_URING_OP_RECV, WN_URING_SQE_FIXED_FILE | WN_URING_SQE_BUFFER_SELECT, number,
				wn_stream_id(WN_STREAM_RECEIVE, conn->generation, number));

	entry->ioprio = conn->flags & WN_CONN_MULTISHOT ? WN_URING_RECV_MULTISHOT : 0;
}

/* The pieces from the first on, up to WN_STREAM_SEND_MAX bytes of them, go into the message. Returns how many. */
WN_FN uint32_t wn_stream_gather(WN_GLOBAL struct wn_conn *conn, WN_GLOBAL struct wn_stream_message *message)
{
	uint32_t left = WN_STREAM_SEND_MAX, count = 0;

	for (uint32_t i = conn->piece_first; i < conn->piece_count && left; i++) {
		const uint64_t bytes = conn->pieces[i].bytes < left ? conn->pieces[i].bytes : left;

		message->vector[count].address = conn->pieces[i].address;
		message->vector[count++].bytes = bytes;
		left -= (uint32_t)bytes;
	}
	conn->sent_bytes = WN_STREAM_SEND_MAX - left;
	return count;
}

WN_FN void wn_stream_write_send(WN_STAGED const struct wn_drive_view *view, uint32_t at, uint32_t number,
				WN_GLOBAL struct wn_conn *conn)
{
	const uint64_t offset = (uint64_t)number * sizeof(struct wn_stream_message);
	WN_GLOBAL struct wn_stream_message *message = &view->stream.messages[number];
	const uint32_t count = wn_stream_gather(conn, message);
	WN_GLOBAL struct wn_uring_sqe *entry =
		wn_stream_entry(view, at, count == 1 ? WN_URING_OP_SEND : WN_URING_OP_SENDMSG, WN_URING_SQE_FIXED_FILE, number,
				wn_stream_id(WN_STREAM_SEND, conn->generation, number));

	entry->msg_flags = WN_URING_MSG_WAITALL | WN_URING_MSG_NOSIGNAL;
	if (count == 1) {
		entry->addr = message->vector[0].address;
		entry->len = (uint32_t)message->vector[0].bytes;
		return;
	}
	message->vectors = view->stream.messages_address + offset + 64;
	message->vector_count = count;
	entry->addr = view->stream.messages_address + offset;
	entry->len = 1;
}

WN_FN void wn_stream_write_cancel(WN_STAGED const struct wn_drive_view *view, uint32_t at, uint32_t number, uint32_t generation,
				  uint32_t of_send)
{
	WN_GLOBAL struct wn_uring_sqe *entry = wn_stream_entry(
		view, at, WN_URING_OP_ASYNC_CANCEL, WN_URING_SQE_SKIP_SUCCESS, 0,
		wn_stream_id(WN_STREAM_CANCEL, generation, of_send ? number | WN_STREAM_CANCELS_SEND : number));

	entry->addr = wn_stream_id(of_send ? WN_STREAM_SEND : WN_STREAM_RECEIVE, generation, number);
}

/* Writes all that a connection wants, from `at` on. Returns how many entries that were. */
WN_FN uint32_t wn_stream_write(WN_STAGED const struct wn_drive_view *view, uint32_t at, uint32_t number, uint32_t wants)
{
	WN_GLOBAL struct wn_conn *conn = &view->stream.conns[number];
	const uint32_t first = at;

	if (wants & WN_WANT_RECEIVE)
		wn_stream_write_receive(view, at++, number, conn);
	if (wants & WN_WANT_SEND)
		wn_stream_write_send(view, at++, number, conn);
	if (wants & WN_WANT_SHUT) {
		WN_GLOBAL struct wn_uring_sqe *entry =
			wn_stream_entry(view, at++, WN_URING_OP_SHUTDOWN, WN_URING_SQE_FIXED_FILE, number,
					wn_stream_id(WN_STREAM_SHUT, conn->generation, number));

		entry->len = WN_URING_SHUT_WR;
	}
	if (wants & WN_WANT_CANCEL_RECEIVE)
		wn_stream_write_cancel(view, at++, number, conn->generation, 0);
	if (wants & WN_WANT_CANCEL_SEND)
		wn_stream_write_cancel(view, at++, number, conn->generation, 1);
	if (wants & WN_WANT_CLOSE) {
		WN_GLOBAL struct wn_uring_sqe *entry =
			wn_stream_entry(view, at++, WN_URING_OP_CLOSE, WN_URING_SQE_SKIP_SUCCESS, 0,
					wn_stream_id(WN_STREAM_CLOSE, conn->generation, number));

		wn_stream_file_index(entry, number + 1);
	}
	return at - first;
}

/* How many entries that will be. */
WN_FN uint32_t wn_stream_entries(uint32_t wants)
{
	uint32_t count = 0;

	for (; wants; wants &= wants - 1)
		count++;
	return count;
}

/* -- cursors, beside those of lane/port_uring.h; all lanes of a group hold the same -- */

struct wn_stream_port {
	uint32_t highest;          /* connection numbers below this have been in use */
	uint32_t starved;          /* connections that wait for frames */
	uint32_t sweep;            /* of the look at all of them that is under way: who is next; UINT32_MAX: none is */
	uint32_t swept_ms;         /* when one began */
	uint32_t seen_closing;
	uint32_t accept_fails;     /* the accept waits for the next look */
};

/* Goes on where the ring stands. */
WN_FN void wn_stream_port_init(WN_PRIVATE struct wn_stream_port *port, WN_STAGED const struct wn_drive_view *view)
{
	WN_GLOBAL const struct wn_stream_words *words = view->stream.words;

	port->highest = words->highest;
	port->starved = words->starved;
	port->sweep = 0xffffffffu;
	port->swept_ms = port->seen_closing = port->accept_fails = 0;
}

/* One lane, whenever counts are shown. */
WN_FN void wn_stream_port_keep(WN_PRIVATE const struct wn_stream_port *port, WN_STAGED const struct wn_drive_view *view)
{
	WN_GLOBAL struct wn_stream_words *words = view->stream.words;

	words->highest = port->highest;
	words->starved = port->starved;
}

/* Whether a look at all connections is under way, or begins now. */
WN_FN uint32_t wn_stream_port_sweeps(WN_PRIVATE struct wn_stream_port *port, uint32_t now_ms, uint32_t closing, uint32_t can_feed)
{
	if (port->sweep != 0xffffffffu && port->sweep < port->highest)
		return 1;
	port->sweep = 0xffffffffu;
	if (closing == port->seen_closing && !can_feed && now_ms - port->swept_ms < (uint32_t)WN_STREAM_SWEEP_MS)
		return 0;
	port->seen_closing = closing;
	port->swept_ms = now_ms;
	port->accept_fails = 0;
	port->sweep = 0;
	return 1;
}

/* Completions, or looks at connections, whose entries find room on the sq, the accept besides: with `used` of it in use. */
WN_FN uint32_t wn_stream_port_room(WN_STAGED const struct wn_drive_view *view, uint32_t used)
{
	return used < view->uring.sq.mask ? (view->uring.sq.mask - used) / (uint32_t)WN_STREAM_ENTRIES : 0;
}

/* Whether the accept goes on the sq again, behind a batch. One that failed for want of memory waits for the next look at all. */
WN_FN uint32_t wn_stream_port_accepts(WN_PRIVATE struct wn_uring_port *uring, WN_PRIVATE struct wn_stream_port *port,
				      uint32_t fails)
{
	port->accept_fails |= fails;
	if (uring->receive != (uint32_t)WN_URING_ENDED || port->accept_fails)
		return 0;
	uring->receive = WN_URING_ARMED;
	return 1;
}

/* Behind a barrier of the group, one lane: what was taken may be overwritten. */
WN_FN void wn_stream_port_release(WN_STAGED const struct wn_drive_view *view, WN_PRIVATE const struct wn_uring_port *uring,
				  WN_PRIVATE const struct wn_drive_batch *batch)
{
	if (batch->taken)
		wn_store_release(view->uring.cq.consumer, uring->cq + batch->taken); /* (F) */
}

/* Behind another one, the same lane: frames before the receives that use them. */
WN_FN void wn_stream_port_show(WN_STAGED const struct wn_drive_view *view, WN_PRIVATE const struct wn_uring_port *uring,
			       WN_PRIVATE const struct wn_drive_batch *batch)
{
	if (batch->given)
		wn_store_release16(&view->uring.buffers->tail, (uint16_t)(uring->buffers + batch->given)); /* (P) */
	if (batch->sent)
		wn_store_release(view->uring.sq.producer, uring->sq + batch->sent); /* (P) */
}

/* All lanes: goes on to the next batch. */
WN_FN void wn_stream_port_retire(WN_PRIVATE struct wn_uring_port *uring, WN_PRIVATE const struct wn_drive_batch *batch)
{
	uring->free_count = uring->free_count - batch->received + batch->given;
	uring->cq += batch->taken;
	uring->sq += batch->sent;
	uring->buffers += batch->given;
}

#endif
