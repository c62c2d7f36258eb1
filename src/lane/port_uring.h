/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device's side of an io_uring with one UDP socket (io_uring(7), linux/io_uring.h; Linux 6.0 and later).
 *
 *   cq        completions, batch by batch: packets that arrived, sends that are done, the end of the
 *             receive; each is copied, checked, then used
 *   sq        replies, each from the frame that its packet came in; and the receive, when it has ended
 *   buffers   the ring of provided buffers: frames that the kernel may receive into
 *
 * There is one request to receive, a multishot RECVMSG, which completes once a packet and takes a
 * buffer each time. It ends when there is no buffer (ENOBUFS), after an empty datagram, and by errors: then its
 * completion does not say that more will come (IORING_CQE_F_MORE), and the device puts it on the sq
 * again, once there are free frames. What the kernel writes into a buffer, and where in its frame it lies:
 *
 *     head_bytes | io_uring_recvmsg_out 16 | name 32 | control_bytes | payload
 *
 * The name is the peer's socket address, and a reply's destination as it lies there. Where replies go out by
 * SEND (Linux 6.2: with an address) there is no head. Where they go out by SENDMSG the head holds a
 * struct msghdr and an iovec, and control_bytes the address that the packet was sent to: the
 * socket is bound to all, and the reply must leave from that one.
 *
 * `user_data` comes back as it was given: kind << 56 | length << 32 | frame, for the receive kind << 56 | its
 * generation, for a write to the file (lane/file.h) kind << 56 | its number. It is checked against the state of the frame like any other word of the kernel's.
 *
 * Cursors, each with one writer, letters as in link/xdp_socket.h:
 *
 *   cq.producer      kernel    (P), acquired here (C)
 *   cq.consumer      device    (F), behind the last read of the entries
 *   sq.producer      device    (P), behind entries and frames
 *   sq.consumer      kernel    not looked at: see below
 *   buffers' tail    device    (P), 16 bits wide; it shares an aligned word with the number of the first
 *                              buffer, which is the device's, too
 *
 * Nothing is ever full. A frame has one entry at most: in the buffers (as many as frames), or in the cq (four times as
 * many), or in the sq (four times as many). In the sq it may have two more: the kernel moves its cursor behind
 * a batch of entries, after their completions are there, so of one batch, frames + 1 at most, all may be
 * back and on the sq again while the first are still counted. The same goes for the one write to the file.
 *
 * One group serves a ring. All lanes of a group hold the same port; take, send and give are a lane's own, the
 * others all lanes call together. The order of a batch's end is cq, buffers, sq: a receive that is armed
 * again finds its buffers. Were the device to die in between, a frame is in no ring, never in two, and its state
 * tells: link/uring_drive.c gives it back.
 */
#ifndef WN_LANE_PORT_URING_H
#define WN_LANE_PORT_URING_H

#include "lane/drive.h"
#include "ring/order.h"

enum {
	WN_URING_NAME_BYTES = 32,       /* struct sockaddr_in6 is 28 */
	WN_URING_CONTROL_BYTES = 48,    /* in6_pktinfo and its header are 40 */
	WN_URING_HEAD_BYTES = 80,       /* msghdr 56, iovec 16 */
	WN_URING_FRAMES_MAX = 8192      /* the sq ends at 32768 entries */
};

/* What a completion is of. */
enum wn_uring_kind { WN_URING_RECEIVE = 1, WN_URING_REPLY, WN_URING_FORWARD, WN_URING_WRITE };

/* How the receive is. */
enum wn_uring_receive {
	WN_URING_ARMED,                 /* with the kernel, or on the sq */
	WN_URING_ENDED,                 /* to be armed again */
	WN_URING_CANCELLED              /* by the host: for good */
};

/* struct io_uring_sqe */
struct wn_uring_sqe {
	uint8_t opcode;
	uint8_t flags;
	uint16_t ioprio;
	int32_t fd;
	uint64_t addr2;
	uint64_t addr;
	uint32_t len;
	uint32_t msg_flags;
	uint64_t user_data;
	uint16_t buf_group;
	uint16_t personality;
	uint16_t addr_len;
	uint16_t pad;
	uint64_t addr3;
	uint64_t pad2;
};

/* struct io_uring_cqe */
struct wn_uring_cqe {
	uint64_t user_data;
	int32_t res;
	uint32_t flags;
};

/* struct io_uring_buf; the first one's `tail` is that of the ring (struct io_uring_buf_ring) */
struct wn_uring_buffer {
	uint64_t addr;
	uint32_t len;
	uint16_t bid;
	uint16_t tail;
};

/* struct io_uring_recvmsg_out, and the name behind it: struct sockaddr_in or sockaddr_in6 */
struct wn_uring_received {
	uint32_t name_bytes;
	uint32_t control_bytes;
	uint32_t payload_bytes;         /* of the packet, as much as was sent (MSG_TRUNC) */
	uint32_t flags;
	uint16_t family;
	uint8_t port[2];
	uint8_t v4[4];                  /* IPv6: the flow label */
	uint8_t v6[16];
	uint32_t scope;
	uint32_t pad;
};

/* struct cmsghdr with struct in_pktinfo or struct in6_pktinfo */
struct wn_uring_control {
	uint64_t bytes;
	int32_t level;
	int32_t type;
	uint32_t word[6];
};

/* struct msghdr, 64 bits, and the one iovec it has */
struct wn_uring_message {
	uint64_t name;
	uint32_t name_bytes;
	uint32_t pad;
	uint64_t vectors;
	uint64_t vector_count;
	uint64_t control;
	uint64_t control_bytes;
	uint32_t flags;
	uint32_t pad2;
	uint64_t vector_base;
	uint64_t vector_bytes;
};

/* Words beside the rings: what is not seen by the cursors, from one lease of the device to the next. */
struct wn_uring_words {
	uint32_t generation;            /* host: of the receive that is armed, or was last */
	uint32_t free_count;            /* device, and the host while none runs: frames that the kernel may receive into */
	uint32_t receive;               /* the same: enum wn_uring_receive */
};

/* linux/io_uring.h, linux/socket.h and linux/in.h; link/uring_open.c compares them with the headers. */
enum {
	WN_URING_OP_SENDMSG = 9,
	WN_URING_OP_RECVMSG = 10,
	WN_URING_OP_WRITE_FIXED = 5,
	WN_URING_OP_WRITE = 23,
	WN_URING_OP_SEND = 26,
	WN_URING_SQE_FIXED_FILE = 1 << 0,
	WN_URING_SQE_BUFFER_SELECT = 1 << 5,
	WN_URING_RECV_MULTISHOT = 1 << 1,
	WN_URING_CQE_BUFFER = 1 << 0,
	WN_URING_CQE_MORE = 1 << 1,
	WN_URING_CQE_BUFFER_SHIFT = 16,
	WN_URING_MSG_TRUNC = 0x20,
	WN_URING_AF_INET = 2,
	WN_URING_AF_INET6 = 10,
	WN_URING_IP = 0,
	WN_URING_IP_PKTINFO = 8,
	WN_URING_IPV6 = 41,
	WN_URING_IPV6_PKTINFO = 50,
	WN_URING_ENOBUFS = 105,
	WN_URING_ECANCELED = 125
};

struct wn_uring_port {
	uint32_t cq, sq, buffers;       /* our cursors */
	uint32_t free_count;
	uint32_t receive;               /* enum wn_uring_receive */
	uint32_t generation;
};

/* -- where things lie -- */

WN_FN WN_GLOBAL struct wn_uring_cqe *wn_uring_cqe_at(WN_STAGED const struct wn_drive_view *view, uint32_t at)
{
	return (WN_GLOBAL struct wn_uring_cqe *)view->uring.cq.entries + (at & view->uring.cq.mask);
}

WN_FN WN_GLOBAL struct wn_uring_sqe *wn_uring_sqe_at(WN_STAGED const struct wn_drive_view *view, uint32_t at)
{
	return (WN_GLOBAL struct wn_uring_sqe *)view->uring.sq.entries + (at & view->uring.sq.mask);
}

/* What the kernel wrote in front of the packet in a frame. */
WN_FN WN_GLOBAL struct wn_uring_received *wn_uring_received_in(WN_STAGED const struct wn_drive_view *view,
							       uint32_t frame)
{
	const uint64_t offset = ((uint64_t)frame << view->frame_shift) + view->uring.head_bytes;

	return (WN_GLOBAL struct wn_uring_received *)(view->frames + offset);
}

/* From the start of a buffer to the packet. */
WN_FN uint32_t wn_uring_header_bytes(WN_STAGED const struct wn_drive_view *view)
{
	return 16 + (uint32_t)WN_URING_NAME_BYTES + view->uring.control_bytes;
}

WN_FN uint32_t wn_uring_buffer_bytes(WN_STAGED const struct wn_drive_view *view)
{
	return (1u << view->frame_shift) - view->uring.head_bytes;
}

/* The receive's user_data. */
WN_FN uint64_t wn_uring_receive_id(uint32_t generation)
{
	return (uint64_t)WN_URING_RECEIVE << 56 | generation;
}

/* -- taking -- */

/* Goes on where the cursors stand. */
WN_FN void wn_uring_init(WN_PRIVATE struct wn_uring_port *port, WN_STAGED const struct wn_drive_view *view)
{
	port->cq = *view->uring.cq.consumer;
	port->sq = *view->uring.sq.producer;
	port->buffers = view->uring.buffers->tail;
	port->free_count = view->uring.words->free_count;
	port->receive = view->uring.words->receive;
	port->generation = view->uring.words->generation;
}

/* One lane, behind the last batch: for whoever goes on. */
WN_FN void wn_uring_keep(WN_PRIVATE const struct wn_uring_port *port, WN_STAGED const struct wn_drive_view *view)
{
	view->uring.words->free_count = port->free_count;
	view->uring.words->receive = port->receive;
}

/* Completions that are there and were not taken yet. */
WN_FN uint32_t wn_uring_arrived(WN_PRIVATE const struct wn_uring_port *port,
				WN_STAGED const struct wn_drive_view *view)
{
	return wn_load_acquire(view->uring.cq.producer) - port->cq; /* (C) */
}

/* Fills in the peer. Returns 0 where it has no address that anybody could have. */
WN_FN uint32_t wn_uring_take_peer(WN_PRIVATE const struct wn_uring_received *received,
				  WN_GLOBAL const struct wn_uring_received *in_frame,
				  WN_PRIVATE struct wn_drive_item *item)
{
	uint32_t is_mapped = 1;

	item->name_bytes = received->name_bytes;
	item->peer_port = (uint32_t)received->port[0] << 8 | received->port[1];
	item->peer = in_frame->v4;
	if (received->family == WN_URING_AF_INET)
		return received->name_bytes == 16;
	if (received->family != WN_URING_AF_INET6 || received->name_bytes != 28)
		return 0;
	for (uint32_t i = 0; i < 12; i++)
		is_mapped &= received->v6[i] == (i < 10 ? 0 : 0xff);
	item->peer = is_mapped ? in_frame->v6 + 12 : in_frame->v6;
	item->flags |= is_mapped ? 0 : (uint32_t)WN_SLOT_IPV6;
	return 1;
}

/* A packet lies in item->frame, `bytes` of it with all that is in front of it. */
WN_FN uint32_t wn_uring_take_packet(WN_STAGED const struct wn_drive_view *view, uint32_t bytes,
				    WN_PRIVATE struct wn_drive_item *item)
{
	WN_GLOBAL const struct wn_uring_received *in_frame = wn_uring_received_in(view, item->frame);
	const struct wn_uring_received received = *in_frame;
	const uint32_t header_bytes = wn_uring_header_bytes(view);

	if (bytes < header_bytes || bytes > wn_uring_buffer_bytes(view) ||
	    received.control_bytes > view->uring.control_bytes)
		return WN_TAKE_BAD_FRAME;
	item->offset = ((uint64_t)item->frame << view->frame_shift) + view->uring.head_bytes + header_bytes;
	item->length = bytes - header_bytes;
	item->wire_length = received.payload_bytes;
	item->flags = item->length < item->wire_length || (received.flags & WN_URING_MSG_TRUNC)
			      ? (uint32_t)WN_SLOT_TRUNCATED
			      : 0;
	if (item->wire_length < item->length || !wn_uring_take_peer(&received, in_frame, item))
		return WN_TAKE_BAD_FRAME;
	return WN_TAKE_PACKET;
}

/* A completion of the receive: a packet, its end, or both. */
WN_FN uint32_t wn_uring_take_receive(WN_PRIVATE const struct wn_uring_port *port,
				     WN_STAGED const struct wn_drive_view *view,
				     WN_PRIVATE const struct wn_uring_cqe *entry,
				     WN_PRIVATE struct wn_drive_item *item)
{
	const uint32_t frame = entry->flags >> WN_URING_CQE_BUFFER_SHIFT;

	/* The end of an earlier one, that the host has replaced, says nothing of this one. */
	if (!(entry->flags & WN_URING_CQE_MORE) && (uint32_t)entry->user_data == port->generation)
		item->ended = entry->res == -WN_URING_ECANCELED ? WN_URING_CANCELLED : WN_URING_ENDED;
	if (!(entry->flags & WN_URING_CQE_BUFFER)) {
		item->failed = entry->res != -WN_URING_ENOBUFS && entry->res != -WN_URING_ECANCELED;
		return entry->res < 0 ? WN_TAKE_NOTHING : WN_TAKE_BAD;
	}
	if (frame >= view->frame_count || view->checked[frame] != WN_FRAME_FREE)
		return WN_TAKE_BAD;
	wn_drive_set_state(view, frame, WN_FRAME_DEVICE);
	item->frame = frame;
	return entry->res < 0 ? (uint32_t)WN_TAKE_BAD_FRAME
			      : wn_uring_take_packet(view, (uint32_t)entry->res, item);
}

/* Entry i of those that are there. A packet, a frame back from sending, or neither. */
WN_FN uint32_t wn_uring_take(WN_PRIVATE const struct wn_uring_port *port,
			     WN_STAGED const struct wn_drive_view *view, uint32_t i,
			     WN_PRIVATE struct wn_drive_item *item)
{
	const struct wn_uring_cqe entry = *wn_uring_cqe_at(view, port->cq + i);
	const uint32_t kind = (uint32_t)(entry.user_data >> 56);
	const uint32_t frame = (uint32_t)entry.user_data;

	item->frame = view->frame_count;
	item->failed = 0;
	item->ended = 0;
	if (kind == WN_URING_RECEIVE)
		return wn_uring_take_receive(port, view, &entry, item);
	if (kind == WN_URING_WRITE && view->file.block_bytes) {
		item->length = frame;
		item->wire_length = (uint32_t)entry.res;
		return WN_TAKE_WRITTEN;
	}
	if ((kind != WN_URING_REPLY && kind != WN_URING_FORWARD) || frame >= view->frame_count ||
	    view->checked[frame] != WN_FRAME_SENDING)
		return WN_TAKE_BAD;
	wn_drive_set_state(view, frame, WN_FRAME_DEVICE);
	item->frame = frame;
	item->forwards = kind == WN_URING_FORWARD;
	item->length = (uint32_t)(entry.user_data >> 32) & 0xffffff;
	item->failed = entry.res < 0 || (uint32_t)entry.res != item->length;
	return WN_TAKE_BACK;
}

/* -- sending -- */

/* Whether there is anywhere to send it to, and room for it in a frame. */
WN_FN uint32_t wn_uring_can_send(WN_STAGED const struct wn_drive_view *view,
				 WN_PRIVATE const struct wn_drive_item *item, uint32_t length)
{
	return length <= wn_uring_buffer_bytes(view) - wn_uring_header_bytes(view) &&
	       length <= view->send_bytes_max && (!item->forwards || view->uring.peer_bytes);
}

/* The packet's control message as that of its reply: from the address it was sent to. Returns its bytes, 0: none. */
WN_FN uint32_t wn_uring_turn_control(WN_STAGED const struct wn_drive_view *view, uint32_t frame)
{
	WN_GLOBAL const struct wn_uring_received *received = wn_uring_received_in(view, frame);
	WN_GLOBAL struct wn_uring_control *control = (WN_GLOBAL struct wn_uring_control *)(received + 1);

	if (!view->uring.control_bytes || received->control_bytes < 16)
		return 0;
	/* Through whichever interface: routes tell. */
	if (control->level == WN_URING_IP && control->type == WN_URING_IP_PKTINFO && control->bytes == 28) {
		control->word[0] = 0;
		return 32;
	}
	/* Who answers what was sent to many does so from an address of its own. */
	if (control->level == WN_URING_IPV6 && control->type == WN_URING_IPV6_PKTINFO && control->bytes == 36 &&
	    (control->word[0] & 0xff) != 0xff) {
		control->word[4] = 0;
		return 40;
	}
	return 0;
}

/* The head of a frame: what SENDMSG is told. */
WN_FN void wn_uring_write_message(WN_STAGED const struct wn_drive_view *view,
				  WN_PRIVATE const struct wn_drive_item *item, uint64_t name,
				  uint32_t name_bytes, uint32_t length)
{
	const uint64_t offset = (uint64_t)item->frame << view->frame_shift;
	WN_GLOBAL struct wn_uring_message *message = (WN_GLOBAL struct wn_uring_message *)(view->frames + offset);
	const uint32_t control_bytes = item->forwards ? 0 : wn_uring_turn_control(view, item->frame);

	message->name = name;
	message->name_bytes = name_bytes;
	message->pad = 0;
	message->vectors = view->uring.frames_address + offset + 56;
	message->vector_count = 1;
	message->control = control_bytes ? view->uring.frames_address + item->offset - view->uring.control_bytes : 0;
	message->control_bytes = control_bytes;
	message->flags = 0;
	message->pad2 = 0;
	message->vector_base = view->uring.frames_address + item->offset;
	message->vector_bytes = length;
}

/* The k-th of this batch to be sent: `length` bytes, from where its packet began, to its peer or, forwarded, to the link's. */
WN_FN void wn_uring_send(WN_PRIVATE const struct wn_uring_port *port, WN_STAGED const struct wn_drive_view *view,
			 uint32_t k, WN_PRIVATE const struct wn_drive_item *item, uint32_t length)
{
	WN_GLOBAL struct wn_uring_sqe *entry = wn_uring_sqe_at(view, port->sq + k);
	const uint64_t frame_address = view->uring.frames_address + ((uint64_t)item->frame << view->frame_shift);
	const uint64_t name =
		item->forwards ? view->uring.peer_address : frame_address + view->uring.head_bytes + 16;
	const uint32_t name_bytes = item->forwards ? view->uring.peer_bytes : item->name_bytes;
	const uint32_t by_message = view->uring.head_bytes != 0;
	const uint64_t kind = item->forwards ? WN_URING_FORWARD : WN_URING_REPLY;

	wn_drive_set_state(view, item->frame, WN_FRAME_SENDING);
	if (by_message)
		wn_uring_write_message(view, item, name, name_bytes, length);
	entry->opcode = by_message ? WN_URING_OP_SENDMSG : WN_URING_OP_SEND;
	entry->flags = WN_URING_SQE_FIXED_FILE;
	entry->ioprio = 0;
	entry->fd = 0;
	entry->addr2 = by_message ? 0 : name;
	entry->addr = by_message ? frame_address : view->uring.frames_address + item->offset;
	entry->len = by_message ? 1 : length;
	entry->msg_flags = 0;
	entry->user_data = kind << 56 | (uint64_t)length << 32 | item->frame;
	entry->buf_group = 0;
	entry->personality = 0;
	entry->addr_len = (uint16_t)(by_message ? 0 : name_bytes);
	entry->pad = 0;
	entry->addr3 = 0;
	entry->pad2 = 0;
}

/* The k-th of this batch that the kernel may receive into again. Leaves `tail` alone: it may be the ring's. */
WN_FN void wn_uring_give(WN_PRIVATE const struct wn_uring_port *port, WN_STAGED const struct wn_drive_view *view,
			 uint32_t k, uint32_t frame)
{
	WN_GLOBAL struct wn_uring_buffer *buffer =
		&view->uring.buffers[(port->buffers + k) & view->uring.buffer_mask];

	wn_drive_set_state(view, frame, WN_FRAME_FREE);
	buffer->addr = view->uring.frames_address + ((uint64_t)frame << view->frame_shift) + view->uring.head_bytes;
	buffer->len = wn_uring_buffer_bytes(view);
	buffer->bid = (uint16_t)frame;
}

/* The request to receive, at `at` of the sq. */
WN_FN void wn_uring_write_receive(WN_STAGED const struct wn_drive_view *view, uint32_t at, uint32_t generation)
{
	WN_GLOBAL struct wn_uring_sqe *entry = wn_uring_sqe_at(view, at);

	entry->opcode = WN_URING_OP_RECVMSG;
	entry->flags = WN_URING_SQE_FIXED_FILE | WN_URING_SQE_BUFFER_SELECT;
	entry->ioprio = WN_URING_RECV_MULTISHOT;
	entry->fd = 0;
	entry->addr2 = 0;
	entry->addr = view->uring.receive_address;
	entry->len = 1;
	entry->msg_flags = WN_URING_MSG_TRUNC;
	entry->user_data = wn_uring_receive_id(generation);
	entry->buf_group = 0;
	entry->personality = 0;
	entry->addr_len = 0;
	entry->pad = 0;
	entry->addr3 = 0;
	entry->pad2 = 0;
}

/* What is left of the file's flight, at `at` of the sq: file 1, at the offset that is the device's own. */
WN_FN void wn_uring_write_file(WN_STAGED const struct wn_drive_view *view, uint32_t at,
			       WN_STAGED const struct wn_file_state *state)
{
	WN_GLOBAL struct wn_uring_sqe *entry = wn_uring_sqe_at(view, at);
	const uint32_t mask = (uint32_t)WN_FILE_BLOCKS * view->file.block_bytes - 1;

	entry->opcode = (uint8_t)view->file.opcode;
	entry->flags = WN_URING_SQE_FIXED_FILE;
	entry->ioprio = 0;
	entry->fd = 1;
	entry->addr2 = state->offset + state->flown;
	entry->addr = view->file.address + ((state->done + state->flown) & mask);
	entry->len = state->flight - state->flown;
	entry->msg_flags = 0;
	entry->user_data = (uint64_t)WN_URING_WRITE << 56 | state->number;
	entry->buf_group = 0;
	entry->personality = 0;
	entry->addr_len = 0;
	entry->pad = 0;
	entry->addr3 = 0;
	entry->pad2 = 0;
}

/* -- the end of a batch -- */

WN_FN uint32_t wn_uring_receive_after(WN_PRIVATE const struct wn_uring_port *port,
				      WN_PRIVATE const struct wn_drive_batch *batch)
{
	return batch->ended ? batch->ended : port->receive;
}

WN_FN uint32_t wn_uring_free_after(WN_PRIVATE const struct wn_uring_port *port,
				   WN_PRIVATE const struct wn_drive_batch *batch)
{
	return port->free_count - batch->received + batch->given;
}

/* Whether the receive is armed again behind this batch: it has ended, and would not end at once. */
WN_FN uint32_t wn_uring_arms(WN_STAGED const struct wn_drive_view *view, WN_PRIVATE const struct wn_uring_port *port,
			     WN_PRIVATE const struct wn_drive_batch *batch)
{
	return wn_uring_receive_after(port, batch) == WN_URING_ENDED &&
	       wn_uring_free_after(port, batch) >= view->uring.arm_count;
}

/* Behind a barrier of the group, one lane: what was taken may be overwritten. */
WN_FN void wn_uring_release(WN_STAGED const struct wn_drive_view *view, WN_PRIVATE const struct wn_uring_port *port,
			    WN_PRIVATE const struct wn_drive_batch *batch)
{
	if (batch->taken)
		wn_store_release(view->uring.cq.consumer, port->cq + batch->taken); /* (F) */
}

/* Behind another one, the same lane: the kernel may receive into and send from what was put there. */
WN_FN void wn_uring_show(WN_STAGED const struct wn_drive_view *view, WN_PRIVATE const struct wn_uring_port *port,
			 WN_PRIVATE const struct wn_drive_batch *batch)
{
	const uint32_t arms = wn_uring_arms(view, port, batch);

	if (batch->given)
		wn_store_release16(&view->uring.buffers->tail, (uint16_t)(port->buffers + batch->given)); /* (P) */
	if (arms)
		wn_uring_write_receive(view, port->sq + batch->sent + batch->writes, port->generation);
	if (batch->sent + batch->writes + arms)
		wn_store_release(view->uring.sq.producer, port->sq + batch->sent + batch->writes + arms); /* (P) */
}

/* All lanes: goes on to the next batch. */
WN_FN void wn_uring_retire(WN_STAGED const struct wn_drive_view *view, WN_PRIVATE struct wn_uring_port *port,
			   WN_PRIVATE const struct wn_drive_batch *batch)
{
	const uint32_t arms = wn_uring_arms(view, port, batch);

	port->receive = arms ? (uint32_t)WN_URING_ARMED : wn_uring_receive_after(port, batch);
	port->free_count = wn_uring_free_after(port, batch);
	port->cq += batch->taken;
	port->sq += batch->sent + batch->writes + arms;
	port->buffers += batch->given;
}

WN_STATIC_ASSERT(sizeof(struct wn_uring_sqe) == 64, uring_sqe_is_64_bytes);
WN_STATIC_ASSERT(sizeof(struct wn_uring_cqe) == 16, uring_cqe_is_16_bytes);
WN_STATIC_ASSERT(sizeof(struct wn_uring_buffer) == 16, uring_buffer_is_16_bytes);
WN_STATIC_ASSERT(sizeof(struct wn_uring_received) == 16 + WN_URING_NAME_BYTES, uring_received_is_48_bytes);
WN_STATIC_ASSERT(sizeof(struct wn_uring_control) <= WN_URING_CONTROL_BYTES, uring_control_fits);
WN_STATIC_ASSERT(sizeof(struct wn_uring_message) == 72, uring_message_is_72_bytes);

#endif
