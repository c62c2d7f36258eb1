/* SPDX-License-Identifier: Apache-2.0 */
#include "link/identity.h"
#include "link/interface.h"
#include "link/packet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef PACKET_IGNORE_OUTGOING
#define PACKET_IGNORE_OUTGOING 23
#endif
#ifndef PACKET_FANOUT_FLAG_IGNORE_OUTGOING
#define PACKET_FANOUT_FLAG_IGNORE_OUTGOING 0x4000
#endif

enum {
	CHECKSUM_BYTES = 4,             /* left room for, though few interfaces hand it over */
	SLOT_BYTES_USUAL = 2048,
	SLOTS_WHEN_LARGE = 512,         /* a queue of large slots takes 32 MiB, not 256 */
	SEND_BUFFER_BYTES = 4 << 20,    /* asked for; the kernel caps it at net.core.wmem_max */
	RING_BYTES_USUAL = 8 << 20,
};

static int open_socket(const char *name, struct wn_error *error)
{
	/* Protocol 0: receives nothing until it is bound with one. */
	const int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (fd >= 0)
		return fd;
	if (errno == EPERM || errno == EACCES)
		return wn_fail(error, errno, WN_UNAVAILABLE,
			       "packet link '%s': no permission: packet sockets need CAP_NET_RAW; "
			       "run as root, or: setcap cap_net_raw+ep %s", name,
			       program_invocation_name);
	return wn_fail(error, errno, WN_UNAVAILABLE, "packet link '%s': socket(AF_PACKET): %s",
		       name, strerror(errno));
}

static void fill_limits(struct wn_link *link)
{
	struct wn_packet_state *state = link->state;
	const uint32_t frame_bytes = state->mtu + ETH_HLEN + WN_PACKET_TAG_BYTES + CHECKSUM_BYTES;
	uint32_t slot_bytes = SLOT_BYTES_USUAL;

	while (slot_bytes < frame_bytes && slot_bytes < WN_SLOT_BYTES_MAX)
		slot_bytes *= 2;
	link->limits = (struct wn_link_limits){
		.kind = WN_FRAME,
		.queue_count = (uint32_t)wn_options_number(&link->options, "queues"),
		.slot_count = slot_bytes > 8 * SLOT_BYTES_USUAL ? SLOTS_WHEN_LARGE : 0,
		.slot_bytes_min = slot_bytes,
		.segments_max = 1,
		.burst_max = WN_PACKET_BURST,
		.can_receive = 1,
		.takes_filter = 1,
		.can_send = 1,
		.is_live = 1,
	};
	if (link->slot_bytes > slot_bytes)
		slot_bytes = link->slot_bytes;
	if (slot_bytes > WN_PACKET_FRAME_BYTES_MAX)
		slot_bytes = WN_PACKET_FRAME_BYTES_MAX;
	state->frame_bytes_max = slot_bytes;
}

static int set_option(int fd, int option, int value)
{
	return setsockopt(fd, SOL_PACKET, option, &value, sizeof(value)) ? -errno : 0;
}

static int bind_socket(const struct wn_packet_state *state, int fd, uint16_t protocol)
{
	const struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(protocol),
		.sll_ifindex = state->interface_index,
	};

	return bind(fd, (const struct sockaddr *)&address, sizeof(address)) ? -errno : 0;
}

static int be_promiscuous(const struct wn_packet_state *state, int fd)
{
	const struct packet_mreq request = {
		.mr_ifindex = state->interface_index,
		.mr_type = PACKET_MR_PROMISC,
	};

	if (setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &request, sizeof(request)))
		return -errno;
	return 0;
}

/* The first queue asks the kernel for a group nobody else uses, the others join it. */
static int join_fanout(struct wn_packet_state *state, const struct wn_link *link, uint32_t queue,
		       int fd)
{
	static const int types[] = { PACKET_FANOUT_HASH, PACKET_FANOUT_LB, PACKET_FANOUT_CPU,
				     PACKET_FANOUT_ROLLOVER };
	int type = types[wn_options_number(&link->options, "fanout")];
	socklen_t length = sizeof(state->fanout_id);
	int rc;

	if (link->limits.queue_count == 1)
		return 0;
	if (state->direction == WN_PACKET_IN)
		type |= PACKET_FANOUT_FLAG_IGNORE_OUTGOING;
	if (queue)
		return set_option(fd, PACKET_FANOUT, (int)state->fanout_id);
	rc = set_option(fd, PACKET_FANOUT, (type | PACKET_FANOUT_FLAG_UNIQUEID) << 16);
	if (rc == -EINVAL) {
		/* A kernel before 5.16; receive looks at each frame's direction as well. */
		type &= ~PACKET_FANOUT_FLAG_IGNORE_OUTGOING;
		rc = set_option(fd, PACKET_FANOUT, (type | PACKET_FANOUT_FLAG_UNIQUEID) << 16);
	}
	if (rc)
		return rc;
	if (getsockopt(fd, SOL_PACKET, PACKET_FANOUT, &state->fanout_id, &length))
		return -errno;
	state->fanout_id = (state->fanout_id & 0xffff) | (uint32_t)type << 16;
	return 0;
}

static size_t ring_bytes(const struct wn_link *link)
{
	const struct wn_packet_state *state = link->state;
	const size_t enough = (size_t)SLOTS_WHEN_LARGE * state->frame_bytes_max;

	if (wn_options_given(&link->options, "ring"))
		return wn_options_number(&link->options, "ring");
	return enough > RING_BYTES_USUAL ? enough : RING_BYTES_USUAL;
}

/*
 * Opens the receiving side, with a filter that passes nothing: until all sockets are in the group
 * each of them would see every frame. `step` names what was tried, for the message.
 */
static int open_receiver(struct wn_link *link, uint32_t queue, const char **step)
{
	struct wn_packet_state *state = link->state;
	struct wn_packet_queue *q = &state->queues[queue];
	const int version = wn_options_number(&link->options, "version") ? 3 : 2;
	int rc;

	*step = "filter";
	rc = wn_filter_attach_none(q->fd);
	if (rc)
		return rc;
	*step = "receive ring";
	rc = wn_packet_ring_open(&q->ring, q->fd, version, ring_bytes(link),
				 state->frame_bytes_max);
	if (rc)
		return rc;
	link->memory_bytes += q->ring.bytes;
	/* Linux 4.20; without it receive skips such frames by itself. */
	if (state->direction == WN_PACKET_IN)
		set_option(q->fd, PACKET_IGNORE_OUTGOING, 1);
	*step = "promisc=on";
	if (wn_options_number(&link->options, "promisc") && (rc = be_promiscuous(state, q->fd)))
		return rc;
	*step = "bind";
	rc = bind_socket(state, q->fd, ETH_P_ALL);
	if (rc)
		return rc;
	*step = "fanout";
	return join_fanout(state, link, queue, q->fd);
}

static int open_sender(struct wn_link *link, struct wn_packet_queue *q, const char **step)
{
	const int bytes = SEND_BUFFER_BYTES;
	int rc = 0;

	setsockopt(q->send_fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	*step = "bypass=on";
	if (wn_options_number(&link->options, "bypass"))
		rc = set_option(q->send_fd, PACKET_QDISC_BYPASS, 1);
	if (rc)
		return rc;
	*step = "bind to send";
	return bind_socket(link->state, q->send_fd, 0);
}

static int open_queue(struct wn_link *link, uint32_t queue, struct wn_error *error)
{
	struct wn_packet_state *state = link->state;
	struct wn_packet_queue *q = &state->queues[queue];
	const char *step = "";
	int rc;

	pthread_mutex_init(&q->statistics_lock, NULL);
	q->send_fd = -1;
	q->fd = open_socket(link->options.address, error);
	state->queue_count = queue + 1;
	if (q->fd < 0)
		return q->fd;
	q->send_fd = open_socket(link->options.address, error);
	if (q->send_fd < 0)
		return q->send_fd;
	rc = open_receiver(link, queue, &step);
	if (!rc)
		rc = open_sender(link, q, &step);
	if (rc)
		return wn_fail(error, -rc, WN_UNAVAILABLE, "packet link '%s': %s: %s",
			       link->options.address, step, strerror(-rc));
	return 0;
}

void wn_packet_close(struct wn_link *link)
{
	struct wn_packet_state *state = link->state;

	for (uint32_t i = 0; i < state->queue_count; i++) {
		struct wn_packet_queue *q = &state->queues[i];

		wn_packet_ring_close(&q->ring);
		if (q->send_fd >= 0)
			close(q->send_fd);
		if (q->fd >= 0)
			close(q->fd);
		pthread_mutex_destroy(&q->statistics_lock);
	}
	free(state->queues);
	wn_filter_finish(&state->filter);
	memset(state, 0, sizeof(*state));
}

static int open_queues(struct wn_link *link, struct wn_error *error)
{
	struct wn_packet_state *state = link->state;
	const uint32_t count = link->limits.queue_count;
	int rc = 0;

	state->queues = calloc(count, sizeof(*state->queues));
	if (!state->queues)
		return wn_fail(error, ENOMEM, WN_FAILED, "packet link: out of memory");
	for (uint32_t i = 0; i < count && !rc; i++)
		rc = open_queue(link, i, error);
	for (uint32_t i = 0; i < count && !rc; i++) {
		rc = wn_filter_attach(&state->filter, state->queues[i].fd);
		if (rc)
			wn_fail(error, -rc, WN_FAILED, "packet link '%s': filter '%s': %s",
				link->options.address, link->filter ? link->filter : "",
				strerror(-rc));
	}
	return rc;
}

int wn_packet_open(struct wn_link *link, struct wn_error *error)
{
	struct wn_packet_state *state = link->state;
	const char *name = link->options.address;
	struct wn_interface interface;
	int rc;

	state->direction = (int)wn_options_number(&link->options, "direction");
	rc = wn_interface_find(&interface, "packet link", name, error);
	if (rc)
		return rc;
	state->interface_index = interface.index;
	state->mtu = interface.mtu;
	rc = wn_identity_parse(link, interface.mac, error);
	if (!rc)
		rc = wn_filter_compile(&state->filter, link->filter, name, error);
	if (rc)
		return rc;
	fill_limits(link);
	rc = open_queues(link, error);
	if (rc) {
		wn_packet_close(link);
		return rc;
	}
	snprintf(link->where, sizeof(link->where),
		 "packet %s, mtu %u, %u queue%s with a kernel ring of %zu KiB (version %d)", name,
		 state->mtu, state->queue_count, state->queue_count > 1 ? "s" : "",
		 state->queues[0].ring.bytes >> 10, state->queues[0].ring.version);
	return 0;
}
