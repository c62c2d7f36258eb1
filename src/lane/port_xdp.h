/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device's side of an AF_XDP socket: all four of its rings (Linux,
 * Documentation/networking/af_xdp.rst and linux/if_xdp.h).
 *
 *   rx          entries taken, batch by batch; each is copied, checked, then used
 *   tx          replies, each from the frame that its packet came in
 *   completion  frames that were sent: they go back to fill
 *   fill        frames that the kernel may receive into
 *
 * One group serves a socket: each cursor has one writer. All lanes of a group hold the same port; take, send and give
 * are a lane's own, the others all lanes call together. Letters (P)(C)(F)(R) are those of
 * link/xdp_socket.h, with the device in the socket's place. (R) is not needed: fill and tx have twice as many
 * entries as there are frames. A frame is on one ring at most, so `frame_count` entries are in use at
 * most; the kernel may have taken as many more without having said so (it keeps a cursor of its own
 * and shows it late).
 *
 * A batch is given back to rx and completion (F) before it is shown on tx and fill (P), and the state of a
 * frame is set before either. Were the device to die in between, a frame is in no ring, never in
 * two, and its state tells: link/xdp_drive.c gives it back.
 */
#ifndef WN_LANE_PORT_XDP_H
#define WN_LANE_PORT_XDP_H

#include "lane/drive.h"
#include "ring/order.h"

/* struct xdp_desc */
struct wn_xdp_entry {
	uint64_t address;
	uint32_t length;
	uint32_t options;
};

struct wn_xdp_port {
	uint32_t rx, tx, fill, completion; /* our cursors */
};

WN_FN WN_GLOBAL uint64_t *wn_xdp_address_at(WN_STAGED const struct wn_kernel_ring *ring, uint32_t at)
{
	return (WN_GLOBAL uint64_t *)ring->entries + (at & ring->mask);
}

WN_FN WN_GLOBAL struct wn_xdp_entry *wn_xdp_entry_at(WN_STAGED const struct wn_kernel_ring *ring, uint32_t at)
{
	return (WN_GLOBAL struct wn_xdp_entry *)ring->entries + (at & ring->mask);
}

/* Goes on where the cursors stand. */
WN_FN void wn_xdp_init(WN_PRIVATE struct wn_xdp_port *port, WN_STAGED const struct wn_drive_view *view)
{
	port->rx = *view->xdp.rx.consumer;
	port->tx = *view->xdp.tx.producer;
	port->fill = *view->xdp.fill.producer;
	port->completion = *view->xdp.completion.consumer;
}

/* Frames that arrived and were not taken yet. */
WN_FN uint32_t wn_xdp_arrived(WN_PRIVATE const struct wn_xdp_port *port,
			      WN_STAGED const struct wn_drive_view *view)
{
	return wn_load_acquire(view->xdp.rx.producer) - port->rx; /* (C) */
}

/* Frames that were sent and were not taken back yet. */
WN_FN uint32_t wn_xdp_sent(WN_PRIVATE const struct wn_xdp_port *port,
			   WN_STAGED const struct wn_drive_view *view)
{
	return wn_load_acquire(view->xdp.completion.producer) - port->completion; /* (C) */
}

/* The frame of an address that the kernel hands back, which must be in this state; else frame_count. */
WN_FN uint32_t wn_xdp_frame_of(WN_STAGED const struct wn_drive_view *view, uint64_t address, uint32_t state)
{
	const uint64_t frame = address >> view->frame_shift;

	if (frame >= view->frame_count || view->checked[frame] != state)
		return view->frame_count;
	return (uint32_t)frame;
}

/* Entry i of those that arrived. */
WN_FN uint32_t wn_xdp_take(WN_PRIVATE const struct wn_xdp_port *port,
			   WN_STAGED const struct wn_drive_view *view, uint32_t i,
			   WN_PRIVATE struct wn_drive_item *item)
{
	const struct wn_xdp_entry entry = *wn_xdp_entry_at(&view->xdp.rx, port->rx + i);
	const uint32_t frame_bytes = 1u << view->frame_shift;

	item->frame = wn_xdp_frame_of(view, entry.address, WN_FRAME_FREE);
	if (item->frame == view->frame_count ||
	    entry.length > frame_bytes - (uint32_t)(entry.address & (frame_bytes - 1)))
		return WN_TAKE_BAD;
	item->offset = entry.address;
	item->length = entry.length;
	item->wire_length = entry.length;
	item->flags = WN_SLOT_FRAME;
	item->peer = 0;
	item->peer_port = 0;
	wn_drive_set_state(view, item->frame, WN_FRAME_DEVICE);
	return WN_TAKE_PACKET;
}

/* Entry i of those that were sent. */
WN_FN uint32_t wn_xdp_take_back(WN_PRIVATE const struct wn_xdp_port *port,
				WN_STAGED const struct wn_drive_view *view, uint32_t i,
				WN_PRIVATE struct wn_drive_item *item)
{
	const uint64_t address = *wn_xdp_address_at(&view->xdp.completion, port->completion + i);

	item->frame = wn_xdp_frame_of(view, address, WN_FRAME_SENDING);
	if (item->frame == view->frame_count)
		return WN_TAKE_BAD;
	wn_drive_set_state(view, item->frame, WN_FRAME_DEVICE);
	return WN_TAKE_BACK;
}

/* Whether the link takes it: the kernel sends whatever it is given, and a driver drops it in silence. */
WN_FN uint32_t wn_xdp_can_send(WN_STAGED const struct wn_drive_view *view, WN_STAGED const uint8_t *bytes,
			       uint32_t length)
{
	const uint32_t is_tagged = length > 18 && bytes[12] == 0x81 && bytes[13] == 0; /* IEEE 802.1Q */

	return length >= 14 && length <= view->send_bytes_max + (is_tagged ? 4 : 0);
}

/* The k-th of this batch to be sent: `length` bytes, from where its packet began. */
WN_FN void wn_xdp_send(WN_PRIVATE const struct wn_xdp_port *port,
		       WN_STAGED const struct wn_drive_view *view, uint32_t k,
		       WN_PRIVATE const struct wn_drive_item *item, uint32_t length)
{
	WN_GLOBAL struct wn_xdp_entry *entry = wn_xdp_entry_at(&view->xdp.tx, port->tx + k);

	wn_drive_set_state(view, item->frame, WN_FRAME_SENDING);
	entry->address = item->offset;
	entry->length = length;
	entry->options = 0;
}

/* The k-th of this batch that the kernel may receive into again. */
WN_FN void wn_xdp_give(WN_PRIVATE const struct wn_xdp_port *port,
		       WN_STAGED const struct wn_drive_view *view, uint32_t k, uint32_t frame)
{
	wn_drive_set_state(view, frame, WN_FRAME_FREE);
	*wn_xdp_address_at(&view->xdp.fill, port->fill + k) = (uint64_t)frame << view->frame_shift;
}

/* Behind a barrier of the group, one lane: what was taken may be overwritten. */
WN_FN void wn_xdp_release(WN_STAGED const struct wn_drive_view *view, WN_PRIVATE const struct wn_xdp_port *port,
			  WN_PRIVATE const struct wn_drive_batch *batch)
{
	if (batch->taken)
		wn_store_release(view->xdp.rx.consumer, port->rx + batch->taken); /* (F) */
	if (batch->back)
		wn_store_release(view->xdp.completion.consumer, port->completion + batch->back); /* (F) */
}

/* Behind another one, the same lane: the kernel may send, and receive, from what was put there. */
WN_FN void wn_xdp_show(WN_STAGED const struct wn_drive_view *view, WN_PRIVATE const struct wn_xdp_port *port,
		       WN_PRIVATE const struct wn_drive_batch *batch)
{
	if (batch->sent)
		wn_store_release(view->xdp.tx.producer, port->tx + batch->sent); /* (P) */
	if (batch->given)
		wn_store_release(view->xdp.fill.producer, port->fill + batch->given); /* (P) */
}

/* All lanes: goes on to the next batch. */
WN_FN void wn_xdp_retire(WN_PRIVATE struct wn_xdp_port *port, WN_PRIVATE const struct wn_drive_batch *batch)
{
	port->rx += batch->taken;
	port->completion += batch->back;
	port->tx += batch->sent;
	port->fill += batch->given;
}

WN_STATIC_ASSERT(sizeof(struct wn_xdp_entry) == 16, xdp_entry_is_16_bytes);

#endif
