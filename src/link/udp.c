/* SPDX-License-Identifier: Apache-2.0 */
/* The udp link: one socket a queue, spread by SO_REUSEPORT. */
#include "link/udp.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "link/udp_socket.h"

enum { GRO_SLOTS = 256, QUEUES_MAX = 64 };

static const struct wn_option udp_options[] = {
	{"queues", WN_OPTION_NUMBER, 1, QUEUES_MAX, NULL, "1", "sockets on the port (SO_REUSEPORT)", 0},
	{"gro", WN_OPTION_CHOICE, 0, 0, "off|on", "off",
	 "receive trains of datagrams (UDP_GRO), 64 KiB a slot; the device splits them", 0},
	{"timestamps", WN_OPTION_CHOICE, 0, 0, "pump|kernel", "pump",
	 "who notes the arrival time: the pump once a burst, or the kernel, some 130 ns a packet", 0},
	{"peer", WN_OPTION_TEXT, 0, 0, NULL, NULL, "HOST:PORT that forwarded datagrams are sent to", 0},
	{"reuseport", WN_OPTION_CHOICE, 0, 0, "off|on", "off",
	 "share the port with other processes of this user", 0},
	{"rcvbuf", WN_OPTION_SIZE, 1024, 1 << 30, NULL, "4m", "receive buffer of a socket, bytes", 0},
	{"sndbuf", WN_OPTION_SIZE, 1024, 1 << 30, NULL, "4m", "send buffer of a socket, bytes", 0},
	{0},
};

/* What each packet is asked to tell besides its bytes. */
static int set_details(const struct wn_udp *udp, int fd)
{
	int rc = 0;

	if (udp->has_timestamps)
		rc = wn_os_ask_time(fd);
	return rc || !udp->has_local ? rc : wn_udp_socket_ask_local(fd, &udp->bound);
}

static int open_socket(struct wn_link *link, uint32_t queue, struct wn_error *error)
{
	struct wn_udp *udp = link->state;
	const int fd = wn_udp_socket_open(link, &udp->bound, error);
	int rc;

	if (fd < 0)
		return fd;
	udp->queues[queue].fd = fd;
	wn_os_datagrams(fd);
	rc = udp->has_gro ? wn_os_receive_trains(fd) : 0;
	if (rc)
		return wn_fail(error, -rc, WN_UNAVAILABLE,
			       "link '%s': this system has no UDP_GRO (Linux 5.0); say gro=off", link->spec);
	rc = set_details(udp, fd);
	if (rc)
		return wn_fail(error, -rc, WN_FAILED, "link '%s': setsockopt: %s", link->spec,
			       strerror(-rc));
	return wn_udp_socket_bind(link, fd, &udp->bound, error);
}

static void close_sockets(struct wn_link *link)
{
	struct wn_udp *udp = link->state;

	for (uint32_t i = 0; udp->queues && i < link->limits.queue_count; i++) {
		if (udp->queues[i].fd >= 0)
			close(udp->queues[i].fd);
		free(udp->queues[i].peers);
	}
	free(udp->queues);
}

static int make_queues(struct wn_link *link)
{
	struct wn_udp *udp = link->state;
	const size_t bytes = link->limits.queue_count * sizeof(*udp->queues);

	udp->queues = aligned_alloc(WN_LINE_BYTES, (bytes + WN_LINE_BYTES - 1) / WN_LINE_BYTES *
							   WN_LINE_BYTES);
	if (!udp->queues)
		return -ENOMEM;
	memset(udp->queues, 0, bytes);
	for (uint32_t i = 0; i < link->limits.queue_count; i++) {
		udp->queues[i].fd = -1;
		udp->queues[i].waits = -1;
		udp->queues[i].burst = WN_UDP_BURST;
	}
	return 0;
}

static int parse(struct wn_link *link, struct wn_error *error)
{
	struct wn_udp *udp = link->state;
	const struct wn_options *options = &link->options;
	int rc = wn_address_parse(&udp->bound, options->address, error);

	if (rc)
		return rc;
	udp->has_gro = wn_options_number(options, "gro") != 0;
	udp->has_timestamps = wn_options_number(options, "timestamps") != 0;
	udp->has_local = (uint8_t)wn_address_is_wildcard(&udp->bound);
	udp->has_peer = wn_options_given(options, "peer") != 0;
	return udp->has_peer ? wn_address_parse(&udp->peer, wn_options_text(options, "peer"), error) : 0;
}

static int udp_open(struct wn_link *link, struct wn_error *error)
{
	struct wn_udp *udp = link->state;
	char text[64];
	int rc = parse(link, error);

	if (rc)
		return rc;
	link->limits = (struct wn_link_limits){
		.kind = WN_DATAGRAM,
		.queue_count = (uint32_t)wn_options_number(&link->options, "queues"),
		.slot_count = udp->has_gro ? GRO_SLOTS : 0,
		.slot_bytes_min = udp->has_gro ? WN_SLOT_BYTES_MAX : 2048,
		.segments_max = udp->has_gro ? WN_TRAIN_SEGMENTS_MAX : 1,
		.burst_max = WN_UDP_BURST,
		.can_receive = 1,
		.can_send = 1,
		.is_live = 1,
	};
	if (udp->has_gro && link->slot_bytes && link->slot_bytes != WN_SLOT_BYTES_MAX)
		return wn_fail(error, EINVAL, WN_USAGE,
			       "link '%s': a train needs slots of %d bytes, not %u: leave --slot-bytes out",
			       link->spec, WN_SLOT_BYTES_MAX, link->slot_bytes);
	if (make_queues(link))
		return wn_fail(error, ENOMEM, WN_FAILED, "link '%s': out of memory", link->spec);
	rc = wn_udp_socket_check(link, &udp->bound, error);
	for (uint32_t i = 0; !rc && i < link->limits.queue_count; i++)
		rc = open_socket(link, i, error);
	if (rc) {
		close_sockets(link);
		return rc;
	}
	snprintf(link->where, sizeof(link->where), "udp:%s%s",
		 wn_address_format(&udp->bound, text, sizeof(text)), udp->has_gro ? " gro" : "");
	return 0;
}

static int udp_attach(struct wn_link *link, uint32_t queue, const struct wn_ring_view *view,
		      struct wn_error *error)
{
	struct wn_udp *udp = link->state;
	struct wn_udp_queue *own = &udp->queues[queue];
	const int has_control = udp->has_gro || udp->has_timestamps || udp->has_local;

	own->peers = calloc(view->slot_mask + 1, sizeof(*own->peers));
	link->memory_bytes += (view->slot_mask + 1) * sizeof(*own->peers);
	if (!own->peers)
		return wn_fail(error, ENOMEM, WN_FAILED, "link '%s': out of memory", link->spec);
	for (uint32_t i = 0; i < WN_UDP_BURST; i++) {
		struct msghdr *header = &own->receive[i].msg_hdr;

		own->receive_vectors[i].iov_len = view->slot_bytes < 65535 ? view->slot_bytes : 65535;
		header->msg_iov = &own->receive_vectors[i];
		header->msg_iovlen = 1;
		header->msg_control = has_control ? own->receive_control[i] : NULL;
		own->send[i].msg_hdr.msg_iov = &own->send_vectors[i];
		own->send[i].msg_hdr.msg_iovlen = 1;
	}
	return 0;
}

static uint64_t udp_kernel_dropped(struct wn_link *link, uint32_t queue)
{
	const struct wn_udp *udp = link->state;
	return wn_os_socket_dropped(udp->queues[queue].fd);
}

static void udp_close(struct wn_link *link)
{
	close_sockets(link);
}

const struct wn_link_ops wn_link_udp = {
	.kind = "udp",
	.summary = "datagrams of a UDP socket, IPv4 or IPv6",
	.address = "HOST:PORT",
	.options = udp_options,
	.state_bytes = sizeof(struct wn_udp),
	.open = udp_open,
	.attach = udp_attach,
	.receive = wn_udp_receive,
	.discard = wn_udp_discard,
	.send = wn_udp_send,
	.kernel_dropped = udp_kernel_dropped,
	.close = udp_close,
};
