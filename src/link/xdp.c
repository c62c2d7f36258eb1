/* SPDX-License-Identifier: Apache-2.0 */
#include "link/identity.h"
#include "link/xdp.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "clock.h"
#include "ring/order.h"

enum {
	PUSH_NS = WN_MILLISECOND_NS, /* how long send asks the kernel to take what it has */
};

static const struct wn_option options[] = {
	{ .name = "queue", .type = WN_OPTION_NUMBER, .minimum = 0, .maximum = 1023, .preset = "0",
	  .help = "the interface's receive queue to take frames from" },
	{ .name = "queues", .type = WN_OPTION_CHOICE, .choices = "one|all", .preset = "one",
	  .help = "all: every receive queue, with a socket each" },
	{ .name = "mode", .type = WN_OPTION_CHOICE, .choices = "auto|zerocopy|copy|skb",
	  .preset = "auto",
	  .help = "auto: the best that works of zerocopy, copies in the driver, copies behind it (skb)" },
	{ .name = "steer", .type = WN_OPTION_CHOICE, .choices = "asked|all", .preset = "asked",
	  .help = "asked: what filter words, ip= or ports= name; all: every frame" },
	{ .name = "ports", .type = WN_OPTION_TEXT,
	  .help = "UDP ports to take, with + between them; with ip= only to these addresses" },
	{ .name = "ring", .type = WN_OPTION_NUMBER, .minimum = 64, .maximum = 65536, .preset = "2048",
	  .help = "frames for each direction, a queue: a power of two" },
	WN_IDENTITY_OPTIONS,
	{ .name = NULL },
};

static struct wn_xdp_queue *queue_of(struct wn_link *link, uint32_t queue)
{
	struct wn_xdp_state *state = link->state;

	return &state->queues[queue];
}

/* The kernel says in the fill ring that it does not look there by itself. 0 or -errno. */
static int wake_receive(struct wn_xdp_queue *q)
{
	if (!(wn_load_relaxed(q->socket.fill.flags) & XDP_RING_NEED_WAKEUP))
		return 0;
	return recvfrom(q->socket.fd, NULL, 0, MSG_DONTWAIT, NULL, NULL) < 0 ? -errno : 0;
}

/* Fills slots from what the kernel has handed over already. */
static int take_frames(struct wn_xdp_queue *q, struct wn_receive_batch *batch)
{
	const uint32_t room = batch->view->slot_bytes;
	const uint64_t now_ns = (uint64_t)wn_clock_ns();
	const uint8_t *frame;
	uint32_t count = 0, length;

	while (count < batch->capacity && count < WN_XDP_BURST &&
	       (frame = wn_xdp_receive_peek(&q->socket, &length))) {
		const uint32_t kept = length < room ? length : room;

		memcpy(wn_batch_frame(batch, count), frame, kept);
		wn_batch_describe(batch, count++, kept, length, WN_SLOT_FRAME, now_ns);
		wn_xdp_receive_retire(&q->socket);
	}
	wn_xdp_receive_show(&q->socket);
	wake_receive(q);
	if (count)
		q->is_down = 0;
	return (int)count;
}

/*
 * Nothing came: is the interface there? A socket whose interface was removed loses its binding and
 * will never receive again; one that is down may come back, and that it is down is said once.
 */
static int check_interface(struct wn_xdp_queue *q)
{
	const int rc = recvfrom(q->socket.fd, NULL, 0, MSG_DONTWAIT, NULL, NULL) < 0 ? errno : 0;

	if (rc == ENXIO || rc == EBADF)
		return -ENODEV;
	if (rc != ENETDOWN) {
		q->is_down = 0;
		return 0;
	}
	if (q->is_down)
		return 0;
	q->is_down = 1;
	return -ENETDOWN;
}

static int receive_xdp(struct wn_link *link, uint32_t queue, struct wn_receive_batch *batch)
{
	struct wn_xdp_queue *q = queue_of(link, queue);
	struct pollfd poll_fd = { .fd = q->socket.fd, .events = POLLIN };
	const struct timespec timeout = { batch->wait_ns / WN_SECOND_NS,
					  batch->wait_ns % WN_SECOND_NS };
	const int count = take_frames(q, batch);
	int rc;

	if (count || batch->wait_ns <= 0)
		return count;
	/* This also makes the kernel send what it could not take at once. */
	rc = ppoll(&poll_fd, 1, &timeout, NULL);
	if (rc < 0)
		return errno == EINTR ? 0 : -errno;
	if (!rc || !(poll_fd.revents & POLLIN))
		return check_interface(q);
	return take_frames(q, batch);
}

static int discard_xdp(struct wn_link *link, uint32_t queue, uint64_t *bytes)
{
	struct wn_xdp_queue *q = queue_of(link, queue);
	uint32_t length;
	int count = 0;

	while (count < WN_XDP_BURST && wn_xdp_receive_peek(&q->socket, &length)) {
		*bytes += length;
		count++;
		wn_xdp_receive_retire(&q->socket);
	}
	wn_xdp_receive_show(&q->socket);
	wake_receive(q);
	return count;
}

/* The kernel sends whatever it is given, and a driver drops it in silence: checked here. */
static int item_error(const struct wn_xdp_state *state, const struct wn_send_item *item)
{
	uint32_t most = state->interface.mtu + ETH_HLEN;

	if (item->length < ETH_HLEN || item->segment_bytes)
		return EINVAL;
	if (item->bytes[12] == ETH_P_8021Q >> 8 && item->bytes[13] == (ETH_P_8021Q & 255))
		most += WN_XDP_TAG_BYTES;
	if (item->length > most || item->length > state->queues[0].socket.frame_bytes)
		return EMSGSIZE;
	return 0;
}

static int is_busy(int rc)
{
	return rc == -EAGAIN || rc == -EBUSY || rc == -ENOBUFS;
}

/*
 * Makes the kernel take what is on the tx ring; where it copies, it does that in this call, a few at
 * a time. What it has not taken after a millisecond goes with the next call. 0 or -errno.
 */
static int push(struct wn_xdp_queue *q)
{
	int64_t end_ns = 0;
	int rc;

	for (;;) {
		rc = wn_xdp_send_wake(&q->socket);
		if (rc && !is_busy(rc))
			return rc;
		if (q->socket.is_zerocopy || !wn_xdp_send_waiting(&q->socket))
			return 0;
		if (!end_ns)
			end_ns = wn_clock_ns() + PUSH_NS;
		else if (wn_clock_ns() > end_ns)
			return 0;
	}
}

/* Puts items on the tx ring. Returns how many are done with. */
static uint32_t put_items(struct wn_xdp_state *state, struct wn_xdp_queue *q,
			  struct wn_send_item *items, uint32_t count)
{
	uint32_t done;

	for (done = 0; done < count; done++) {
		struct wn_send_item *item = &items[done];
		uint8_t *frame;

		item->error = item_error(state, item);
		if (item->error)
			continue;
		frame = wn_xdp_send_reserve(&q->socket);
		if (!frame) {
			item->error = EAGAIN;
			break;
		}
		memcpy(frame, item->bytes, item->length);
		wn_xdp_send_put(&q->socket, item->length);
	}
	wn_xdp_send_show(&q->socket);
	return done;
}

/*
 * The kernel did not take the last `waiting` of them, and when it will nobody knows: they count as
 * failed, although they go out should the interface come back while the link is open.
 */
static void give_up(struct wn_send_item *items, uint32_t count, uint32_t waiting, int code)
{
	while (count-- && waiting) {
		if (items[count].error)
			continue;
		items[count].error = code;
		waiting--;
	}
}

static int send_xdp(struct wn_link *link, uint32_t queue, struct wn_send_item *items,
		    uint32_t count)
{
	struct wn_xdp_queue *q = queue_of(link, queue);
	uint32_t done;
	int rc;

	if (count > WN_XDP_BURST)
		count = WN_XDP_BURST;
	/* Down already: nothing is put where it would go out at some other time. */
	if (q->send_is_down) {
		rc = wn_xdp_send_wake(&q->socket);
		q->send_is_down = rc && !is_busy(rc);
		for (uint32_t i = 0; q->send_is_down && i < count; i++)
			items[i].error = -rc;
		if (q->send_is_down)
			return (int)count;
	}
	done = put_items(link->state, q, items, count);
	rc = push(q);
	if (rc) {
		q->send_is_down = 1;
		give_up(items, done, wn_xdp_send_waiting(&q->socket), -rc);
	}
	return (int)done;
}

static int flush_xdp(struct wn_link *link, uint32_t queue)
{
	struct wn_xdp_queue *q = queue_of(link, queue);

	return wn_xdp_send_waiting(&q->socket) ? push(q) : 0;
}

static uint64_t kernel_dropped(struct wn_link *link, uint32_t queue)
{
	struct wn_xdp_queue *q = queue_of(link, queue);

	return wn_xdp_socket_dropped(&q->socket) + wn_load_relaxed64(&q->socket.bad_addresses);
}

const struct wn_link_ops wn_link_xdp = {
	.kind = "xdp",
	.summary = "Ethernet frames of an interface, steered past the kernel (AF_XDP)",
	.address = "INTERFACE",
	.options = options,
	.state_bytes = sizeof(struct wn_xdp_state),
	.open = wn_xdp_open,
	.receive = receive_xdp,
	.discard = discard_xdp,
	.send = send_xdp,
	.flush = flush_xdp,
	.kernel_dropped = kernel_dropped,
	.drive = wn_xdp_drive,
	.wake = wn_xdp_wake,
	.wait = wn_xdp_wait,
	.quiesce = wn_xdp_quiesce,
	.sending = wn_xdp_sending,
	.settle = wn_xdp_settle,
	.census = wn_xdp_census,
	.close = wn_xdp_close,
};
