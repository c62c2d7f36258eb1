/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rings of either kind, for the loops: port_xdp.h or port_uring.h, by the view's kind, which is the same
 * for all lanes. Streams have the rings of port_uring.h, loops of their own, and port_stream.h.
 *
 * One batch is: look (arrived, sent), take and take_back each entry, send or give each frame, then, with a
 * barrier before each, release, show, retire.
 */
#ifndef WN_LANE_DRIVE_PORT_H
#define WN_LANE_DRIVE_PORT_H

#include "lane/port_uring.h"
#include "lane/port_xdp.h"

struct wn_drive_port {
	struct wn_xdp_port xdp;
	struct wn_uring_port uring;
};

WN_FN uint32_t wn_drive_is_uring(WN_STAGED const struct wn_drive_view *view)
{
	return view->kind != (uint32_t)WN_DRIVE_XDP;
}

WN_FN uint32_t wn_drive_is_stream(WN_STAGED const struct wn_drive_view *view)
{
	return view->kind == (uint32_t)WN_DRIVE_STREAM;
}

/* Goes on where the cursors stand. */
WN_FN void wn_drive_port_init(WN_PRIVATE struct wn_drive_port *port, WN_STAGED const struct wn_drive_view *view)
{
	port->uring.cq = port->uring.sq = 0; /* shown, whatever the kind */
	if (wn_drive_is_uring(view))
		wn_uring_init(&port->uring, view);
	else
		wn_xdp_init(&port->xdp, view);
}

/* One lane, whenever counts are shown: what whoever goes on must know besides the cursors. */
WN_FN void wn_drive_port_keep(WN_PRIVATE const struct wn_drive_port *port, WN_STAGED const struct wn_drive_view *view)
{
	if (wn_drive_is_uring(view))
		wn_uring_keep(&port->uring, view);
}

/* Entries that are there for take. */
WN_FN uint32_t wn_drive_port_arrived(WN_PRIVATE const struct wn_drive_port *port,
				     WN_STAGED const struct wn_drive_view *view)
{
	return wn_drive_is_uring(view) ? wn_uring_arrived(&port->uring, view) : wn_xdp_arrived(&port->xdp, view);
}

/* Entries that are there for take_back. With io_uring both come by one ring: none. */
WN_FN uint32_t wn_drive_port_sent(WN_PRIVATE const struct wn_drive_port *port,
				  WN_STAGED const struct wn_drive_view *view)
{
	return wn_drive_is_uring(view) ? 0 : wn_xdp_sent(&port->xdp, view);
}

WN_FN uint32_t wn_drive_port_take(WN_PRIVATE const struct wn_drive_port *port,
				  WN_STAGED const struct wn_drive_view *view, uint32_t i,
				  WN_PRIVATE struct wn_drive_item *item)
{
	return wn_drive_is_uring(view) ? wn_uring_take(&port->uring, view, i, item)
				       : wn_xdp_take(&port->xdp, view, i, item);
}

WN_FN uint32_t wn_drive_port_take_back(WN_PRIVATE const struct wn_drive_port *port,
				       WN_STAGED const struct wn_drive_view *view, uint32_t i,
				       WN_PRIVATE struct wn_drive_item *item)
{
	return wn_xdp_take_back(&port->xdp, view, i, item);
}

/* Whether the link takes what the item has become: item->forwards says where to. */
WN_FN uint32_t wn_drive_port_can_send(WN_STAGED const struct wn_drive_view *view,
				      WN_PRIVATE const struct wn_drive_item *item, WN_STAGED const uint8_t *bytes,
				      uint32_t length)
{
	return wn_drive_is_uring(view) ? wn_uring_can_send(view, item, length) : wn_xdp_can_send(view, bytes, length);
}

WN_FN void wn_drive_port_send(WN_PRIVATE const struct wn_drive_port *port, WN_STAGED const struct wn_drive_view *view,
			      uint32_t k, WN_PRIVATE const struct wn_drive_item *item, uint32_t length)
{
	if (wn_drive_is_uring(view))
		wn_uring_send(&port->uring, view, k, item, length);
	else
		wn_xdp_send(&port->xdp, view, k, item, length);
}

WN_FN void wn_drive_port_give(WN_PRIVATE const struct wn_drive_port *port, WN_STAGED const struct wn_drive_view *view,
			      uint32_t k, uint32_t frame)
{
	if (wn_drive_is_uring(view))
		wn_uring_give(&port->uring, view, k, frame);
	else
		wn_xdp_give(&port->xdp, view, k, frame);
}

WN_FN void wn_drive_port_release(WN_STAGED const struct wn_drive_view *view,
				 WN_PRIVATE const struct wn_drive_port *port,
				 WN_PRIVATE const struct wn_drive_batch *batch)
{
	if (wn_drive_is_uring(view))
		wn_uring_release(view, &port->uring, batch);
	else
		wn_xdp_release(view, &port->xdp, batch);
}

WN_FN void wn_drive_port_show(WN_STAGED const struct wn_drive_view *view, WN_PRIVATE const struct wn_drive_port *port,
			      WN_PRIVATE const struct wn_drive_batch *batch)
{
	if (wn_drive_is_uring(view))
		wn_uring_show(view, &port->uring, batch);
	else
		wn_xdp_show(view, &port->xdp, batch);
}

WN_FN void wn_drive_port_retire(WN_STAGED const struct wn_drive_view *view, WN_PRIVATE struct wn_drive_port *port,
				WN_PRIVATE const struct wn_drive_batch *batch)
{
	if (wn_drive_is_uring(view))
		wn_uring_retire(view, &port->uring, batch);
	else
		wn_xdp_retire(&port->xdp, batch);
}

#endif
