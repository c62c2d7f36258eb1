/* SPDX-License-Identifier: Apache-2.0 */
/* The uring link: one socket and one io_uring a queue, spread by SO_REUSEPORT. */
#include "link/uring.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lane/port_uring.h"
#include "link/udp_socket.h"
#include "link/uring_options.h"
#include "os/linux_drops.h"

enum { QUEUES_MAX = 64, FRAME_BYTES_MIN = 2048, FRAMES_MIN = 16 };

static const struct wn_option uring_options[] = {
	{"queues", WN_OPTION_NUMBER, 1, QUEUES_MAX, NULL, "1", "sockets on the port (SO_REUSEPORT), a ring each", 0},
	WN_URING_OPTIONS,
	{"frames", WN_OPTION_NUMBER, FRAMES_MIN, WN_URING_FRAMES_MAX, NULL, "2048", "frames a queue, a power of two", 0},
	{"peer", WN_OPTION_TEXT, 0, 0, NULL, NULL, "HOST:PORT that forwarded datagrams are sent to", 0},
	{"reuseport", WN_OPTION_CHOICE, 0, 0, "off|on", "off",
	 "share the port with other processes of this user", 0},
	{"rcvbuf", WN_OPTION_SIZE, 1024, 1 << 30, NULL, "4m", "receive buffer of a socket, bytes", 0},
	{"sndbuf", WN_OPTION_SIZE, 1024, 1 << 30, NULL, "4m", "send buffer of a socket, bytes", 0},
	{0},
};

static int parse_address(struct wn_link *link, struct wn_error *error)
{
	struct wn_uring *uring = link->state;
	const char *address = link->options.address;

	if (strncmp(address, "udp:", 4))
		return wn_fail(error, EINVAL, WN_USAGE,
			       "link '%s': must be uring:udp:HOST:PORT or uring:tcp:HOST:PORT, such as uring:udp:127.0.0.1:9000", link->spec);
	return wn_address_parse(&uring->bound, address + 4, error);
}

static int parse(struct wn_link *link, struct wn_error *error)
{
	struct wn_uring *uring = link->state;
	const struct wn_options *options = &link->options;
	int rc = parse_address(link, error);

	if (!rc)
		rc = wn_uring_options_power(link, "frames", error);
	if (rc)
		return rc;
	uring->has_local = (uint8_t)wn_address_is_wildcard(&uring->bound);
	uring->has_peer = wn_options_given(options, "peer") != 0;
	return uring->has_peer ? wn_address_parse(&uring->peer, wn_options_text(options, "peer"), error) : 0;
}

static int open_socket(struct wn_link *link, uint32_t queue, struct wn_error *error)
{
	struct wn_uring *uring = link->state;
	const int fd = wn_udp_socket_open(link, &uring->bound, error);
	int rc;

	if (fd < 0)
		return fd;
	uring->queues[queue].fd = fd;
	rc = uring->has_local ? wn_udp_socket_ask_local(fd, &uring->bound) : 0;
	if (rc)
		return wn_fail(error, -rc, WN_FAILED, "link '%s': setsockopt: %s", link->spec, strerror(-rc));
	return wn_udp_socket_bind(link, fd, &uring->bound, error);
}

static int open_queue(struct wn_link *link, uint32_t queue, struct wn_error *error)
{
	struct wn_uring *uring = link->state;
	struct wn_uring_queue *own = &uring->queues[queue];
	struct wn_uring_ring_setup setup = {
		.frame_bytes = link->slot_bytes > FRAME_BYTES_MIN ? link->slot_bytes : FRAME_BYTES_MIN,
	};
	int rc = open_socket(link, queue, error);

	wn_uring_options_setup(link, queue ? uring->queues[0].ring.fd : -1, &setup);
	if (!rc)
		rc = wn_uring_ring_open(&own->ring, &setup, own->fd, error);
	if (!rc)
		link->memory_bytes += own->ring.memory_bytes;
	return rc;
}

static void uring_close(struct wn_link *link)
{
	struct wn_uring *uring = link->state;

	/* The thread that all share is the first ring's. */
	for (uint32_t i = link->limits.queue_count; uring->queues && i-- > 0;) {
		wn_uring_ring_close(&uring->queues[i].ring);
		wn_uring_file_close(&uring->queues[i].file);
		if (uring->queues[i].fd >= 0)
			close(uring->queues[i].fd);
	}
	free(uring->queues);
	uring->queues = NULL;
}

static int make_queues(struct wn_link *link)
{
	struct wn_uring *uring = link->state;

	uring->queues = calloc(link->limits.queue_count, sizeof(*uring->queues));
	if (!uring->queues)
		return -ENOMEM;
	for (uint32_t i = 0; i < link->limits.queue_count; i++) {
		uring->queues[i].fd = uring->queues[i].ring.fd = uring->queues[i].ring.memory_fd = -1;
		uring->queues[i].file.fd = uring->queues[i].file.memory_fd = -1;
	}
	return 0;
}

static void describe(struct wn_link *link)
{
	const struct wn_uring *uring = link->state;
	const struct wn_uring_ring *first = &uring->queues[0].ring;
	char address[64], ring[64];

	wn_uring_options_describe(link, first, ring, sizeof(ring));
	snprintf(link->where, sizeof(link->where), "uring:udp:%s, %s, %u frames of %u",
		 wn_address_format(&uring->bound, address, sizeof(address)), ring,
		 first->frame_count, first->frame_bytes);
}

static int uring_open(struct wn_link *link, struct wn_error *error)
{
	struct wn_uring *uring = link->state;
	int rc = parse(link, error);

	if (rc)
		return rc;
	link->limits = (struct wn_link_limits){
		.kind = WN_DATAGRAM,
		.queue_count = (uint32_t)wn_options_number(&link->options, "queues"),
		.slot_bytes_min = FRAME_BYTES_MIN,
		.segments_max = 1,
		.burst_max = 1,
		.can_receive = 1,
		.is_live = 1,
	};
	if (make_queues(link))
		return wn_fail(error, ENOMEM, WN_FAILED, "link '%s': out of memory", link->spec);
	rc = wn_udp_socket_check(link, &uring->bound, error);
	for (uint32_t i = 0; !rc && i < link->limits.queue_count; i++)
		rc = open_queue(link, i, error);
	if (rc) {
		uring_close(link);
		return rc;
	}
	describe(link);
	return 0;
}

static uint64_t uring_kernel_dropped(struct wn_link *link, uint32_t queue)
{
	const struct wn_uring *uring = link->state;

	return wn_linux_socket_dropped(uring->queues[queue].fd);
}

const struct wn_link_ops wn_link_uring = {
	.kind = "uring",
	.summary = "datagrams of a UDP socket through an io_uring that the device drives",
	.address = "udp:HOST:PORT",
	.options = uring_options,
	.state_bytes = sizeof(struct wn_uring),
	.open = uring_open,
	.kernel_dropped = uring_kernel_dropped,
	.drive = wn_uring_drive,
	.wake = wn_uring_wake,
	.wait = wn_uring_wait,
	.quiesce = wn_uring_quiesce,
	.sending = wn_uring_sending,
	.settle = wn_uring_settle,
	.deliver_to = wn_uring_deliver_to,
	.finish = wn_uring_finish,
	.file_counts = wn_uring_file_counts,
	.census = wn_uring_census,
	.close = uring_close,
};
