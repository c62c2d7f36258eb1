/* SPDX-License-Identifier: Apache-2.0 */
#include "link/identity.h"
#include "link/packet.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "clock.h"

enum {
	ADDRESSES_BYTES = 12,           /* of an Ethernet frame; the VLAN tag follows them */
};

static const struct wn_option options[] = {
	{ .name = "queues", .type = WN_OPTION_NUMBER, .minimum = 1, .maximum = WN_PACKET_QUEUES_MAX,
	  .preset = "1", .help = "sockets that share the interface's packets" },
	{ .name = "fanout", .type = WN_OPTION_CHOICE, .choices = "hash|lb|cpu|rollover",
	  .preset = "hash", .help = "who gets a packet: by flow, in turn, by cpu, first with room" },
	{ .name = "direction", .type = WN_OPTION_CHOICE, .choices = "in|both", .preset = "in",
	  .help = "both: also what this host sends out itself" },
	{ .name = "promisc", .type = WN_OPTION_CHOICE, .choices = "off|on", .preset = "off",
	  .help = "on: also frames for other stations" },
	{ .name = "ring", .type = WN_OPTION_SIZE, .minimum = 64 << 10, .maximum = 1 << 30,
	  .help = "bytes of the kernel's receive ring, a queue; preset 8m, more for a large mtu" },
	{ .name = "version", .type = WN_OPTION_CHOICE, .choices = "2|3", .preset = "2",
	  .help = "receive ring: 2 hands over each frame at once, 3 blocks of them within 1 ms" },
	{ .name = "bypass", .type = WN_OPTION_CHOICE, .choices = "off|on", .preset = "off",
	  .help = "on: sends around the interface's queueing discipline" },
	WN_IDENTITY_OPTIONS,
	{ .name = NULL },
};

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* What must be added to the wall clock to get CLOCK_MONOTONIC. */
static int64_t monotonic_offset(void)
{
	return wn_clock_ns() - wn_clock_of(CLOCK_REALTIME);
}

static int has_tag(const struct wn_packet_frame *frame)
{
	return (frame->status & TP_STATUS_VLAN_VALID) && frame->length >= ADDRESSES_BYTES;
}

static uint32_t wire_length(const struct wn_packet_frame *frame)
{
	return frame->wire_length + (has_tag(frame) ? WN_PACKET_TAG_BYTES : 0);
}

/* Copies a frame, with the tag that the kernel took out of it back in place. Returns its length. */
static uint32_t copy_frame(uint8_t *to, uint32_t capacity, const struct wn_packet_frame *frame)
{
	uint32_t tpid = ETH_P_8021Q, rest;

	if (!has_tag(frame)) {
		memcpy(to, frame->bytes, least(frame->length, capacity));
		return least(frame->length, capacity);
	}
	if (frame->status & TP_STATUS_VLAN_TPID_VALID)
		tpid = frame->vlan_tpid;
	memcpy(to, frame->bytes, ADDRESSES_BYTES);
	to[ADDRESSES_BYTES] = (uint8_t)(tpid >> 8);
	to[ADDRESSES_BYTES + 1] = (uint8_t)tpid;
	to[ADDRESSES_BYTES + 2] = (uint8_t)(frame->vlan_tci >> 8);
	to[ADDRESSES_BYTES + 3] = (uint8_t)frame->vlan_tci;
	rest = least(frame->length - ADDRESSES_BYTES,
		     capacity - ADDRESSES_BYTES - WN_PACKET_TAG_BYTES);
	memcpy(to + ADDRESSES_BYTES + WN_PACKET_TAG_BYTES, frame->bytes + ADDRESSES_BYTES, rest);
	return ADDRESSES_BYTES + WN_PACKET_TAG_BYTES + rest;
}

static uint32_t slot_flags(uint32_t status)
{
	uint32_t flags = WN_SLOT_FRAME | WN_SLOT_TIME_KERNEL;

	if (status & TP_STATUS_CSUMNOTREADY)
		flags |= WN_SLOT_CHECKSUM_PARTIAL;
	if (status & TP_STATUS_CSUM_VALID)
		flags |= WN_SLOT_CHECKSUM_VALID;
	return flags;
}

static void fill_slot(struct wn_receive_batch *batch, uint32_t i,
		      const struct wn_packet_frame *frame, int64_t offset_ns)
{
	const uint32_t capacity = least(batch->view->slot_bytes, WN_PACKET_FRAME_BYTES_MAX);
	const uint32_t length = copy_frame(wn_batch_frame(batch, i), capacity, frame);
	const int64_t time_ns = (int64_t)frame->seconds * WN_SECOND_NS + frame->nanoseconds;

	wn_batch_describe(batch, i, length, wire_length(frame), slot_flags(frame->status),
			  (uint64_t)(time_ns + offset_ns));
}

static int is_wanted(const struct wn_packet_state *state, const struct wn_packet_frame *frame)
{
	return state->direction == WN_PACKET_BOTH || !frame->is_outgoing;
}

/* Fills slots from what the kernel has handed over already. */
static int take_frames(struct wn_packet_state *state, struct wn_packet_queue *q,
		       struct wn_receive_batch *batch)
{
	const uint32_t capacity = least(batch->capacity, WN_PACKET_BURST);
	struct wn_packet_frame frame;
	int64_t offset_ns = 0;
	uint32_t count = 0;

	while (count < capacity && wn_packet_ring_peek(&q->ring, &frame)) {
		if (is_wanted(state, &frame)) {
			if (!count)
				offset_ns = monotonic_offset();
			fill_slot(batch, count++, &frame, offset_ns);
		}
		wn_packet_ring_retire(&q->ring);
	}
	if (count)
		q->is_down = 0;
	return (int)count;
}

/* A socket whose interface is removed loses its binding, and will never receive again. */
static int is_gone(const struct wn_packet_state *state, const struct wn_packet_queue *q)
{
	struct sockaddr_ll address;
	socklen_t length = sizeof(address);

	return getsockname(q->fd, (struct sockaddr *)&address, &length) ||
	       address.sll_ifindex != state->interface_index;
}

/* What the socket complains of: the interface went down (it may come back), or is gone. */
static int socket_error(const struct wn_packet_state *state, struct wn_packet_queue *q)
{
	int code = 0;
	socklen_t length = sizeof(code);

	getsockopt(q->fd, SOL_SOCKET, SO_ERROR, &code, &length);
	if (is_gone(state, q))
		return -ENODEV;
	if (code == ENETDOWN)
		q->is_down = 1;
	return -code;
}

/* Waits for a frame. 0 when it is time to look; -errno. */
static int wait_frame(const struct wn_packet_state *state, struct wn_packet_queue *q,
		      int64_t wait_ns)
{
	struct pollfd poll_fd = { .fd = q->fd, .events = POLLIN };
	const struct timespec timeout = { wait_ns / WN_SECOND_NS, wait_ns % WN_SECOND_NS };
	const int rc = ppoll(&poll_fd, 1, &timeout, NULL);

	if (rc < 0)
		return errno == EINTR ? 0 : -errno;
	if (poll_fd.revents & (POLLERR | POLLHUP | POLLNVAL))
		return socket_error(state, q);
	/* Going down is reported, being removed after that is not. */
	return !rc && q->is_down && is_gone(state, q) ? -ENODEV : 0;
}

static int receive_packet(struct wn_link *link, uint32_t queue,
			  struct wn_receive_batch *batch)
{
	struct wn_packet_state *state = link->state;
	struct wn_packet_queue *q = &state->queues[queue];
	const int count = take_frames(state, q, batch);
	int rc;

	if (count || batch->wait_ns <= 0)
		return count;
	rc = wait_frame(state, q, batch->wait_ns);
	return rc ? rc : take_frames(state, q, batch);
}

static int discard_packet(struct wn_link *link, uint32_t queue, uint64_t *bytes)
{
	struct wn_packet_state *state = link->state;
	struct wn_packet_queue *q = &state->queues[queue];
	struct wn_packet_frame frame;
	int count = 0;

	while (count < WN_PACKET_BURST && wn_packet_ring_peek(&q->ring, &frame)) {
		if (is_wanted(state, &frame)) {
			*bytes += wire_length(&frame);
			count++;
		}
		wn_packet_ring_retire(&q->ring);
	}
	return count;
}

/* What cannot be a frame is not shown to the kernel: with CAP_SYS_RAWIO it would pad it. */
static int is_frame(const struct wn_send_item *item)
{
	return item->length >= ETH_HLEN && !item->segment_bytes;
}

/* Sends a run of frames. Returns how many are done with; 0 where the first has to wait. */
static int send_run(int fd, struct wn_send_item *items, uint32_t count)
{
	struct mmsghdr messages[WN_PACKET_BURST];
	struct iovec parts[WN_PACKET_BURST];
	int sent;

	memset(messages, 0, count * sizeof(messages[0]));
	for (uint32_t i = 0; i < count; i++) {
		parts[i].iov_base = (void *)(uintptr_t)items[i].bytes;
		parts[i].iov_len = items[i].length;
		messages[i].msg_hdr.msg_iov = &parts[i];
		messages[i].msg_hdr.msg_iovlen = 1;
		items[i].error = 0;
	}
	do
		sent = sendmmsg(fd, messages, count, MSG_DONTWAIT);
	while (sent < 0 && errno == EINTR);
	if (sent >= 0)
		return sent;
	if (errno == EAGAIN || errno == ENOBUFS)
		return 0;
	items[0].error = errno;
	return 1;
}

static int send_packet(struct wn_link *link, uint32_t queue, struct wn_send_item *items,
		       uint32_t count)
{
	struct wn_packet_state *state = link->state;
	const int fd = state->queues[queue].send_fd;
	uint32_t done = 0;

	if (count > WN_PACKET_BURST)
		count = WN_PACKET_BURST;
	while (done < count) {
		uint32_t run = 0;
		int rc;

		while (done + run < count && is_frame(&items[done + run]))
			run++;
		if (!run) {
			items[done++].error = EINVAL;
			continue;
		}
		rc = send_run(fd, items + done, run);
		if (!rc)
			break;
		done += (uint32_t)rc;
	}
	return (int)done;
}

static uint64_t kernel_dropped(struct wn_link *link, uint32_t queue)
{
	struct wn_packet_state *state = link->state;
	struct wn_packet_queue *q = &state->queues[queue];
	struct tpacket_stats_v3 statistics = { 0 };
	socklen_t length = sizeof(statistics);
	uint64_t dropped;

	pthread_mutex_lock(&q->statistics_lock);
	if (!getsockopt(q->fd, SOL_PACKET, PACKET_STATISTICS, &statistics, &length))
		q->dropped += statistics.tp_drops;
	dropped = q->dropped;
	pthread_mutex_unlock(&q->statistics_lock);
	return dropped;
}

const struct wn_link_ops wn_link_packet = {
	.kind = "packet",
	.summary = "Ethernet frames of an interface (AF_PACKET)",
	.address = "INTERFACE",
	.options = options,
	.state_bytes = sizeof(struct wn_packet_state),
	.open = wn_packet_open,
	.receive = receive_packet,
	.discard = discard_packet,
	.send = send_packet,
	.kernel_dropped = kernel_dropped,
	.close = wn_packet_close,
};
