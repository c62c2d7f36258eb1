/* SPDX-License-Identifier: Apache-2.0 */
/* The uring:tcp link: one socket that listens and one io_uring a queue, spread by SO_REUSEPORT. */
#include "link/tcp.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "link/uring_options.h"

enum {
	QUEUES_MAX = 64,
	FRAME_BYTES = 2048,
	FRAMES_MIN = 64,
	SPARE = 64,                     /* places in the table of files for those that are refused */
	SQ_ENTRIES_MAX = 32768,
	CQ_ENTRIES_MAX = 65536,
	PAGE_BYTES = 4096,
};

static const struct wn_option tcp_options[] = {
	{"queues", WN_OPTION_NUMBER, 1, QUEUES_MAX, NULL, "1", "sockets on the port (SO_REUSEPORT), a ring each", 0},
	{"connections", WN_OPTION_NUMBER, 1, WN_STREAM_CONNECTIONS_MAX - SPARE, NULL, "1024",
	 "open at once, a queue; further ones are closed and counted as refused", 0},
	{"timeout", WN_OPTION_NUMBER, 0, 86400, NULL, "60",
	 "seconds in which a connection must have been answered or read something; 0: no end", 0},
	{"window", WN_OPTION_SIZE, 2 * FRAME_BYTES, 1 << 20, NULL, "16k",
	 "bytes of a connection that are kept until the program has consumed them, a power of two", 0},
	{"reply", WN_OPTION_SIZE, 1024, 1 << 20, NULL, "8k", "bytes of replies that wait to be sent, a power of two", 0},
	WN_URING_OPTIONS,
	{"frames", WN_OPTION_NUMBER, FRAMES_MIN, WN_STREAM_FRAMES_MAX, NULL, "2048",
	 "frames of 2 KiB that are received into, a queue, a power of two", 0},
	{"backlog", WN_OPTION_NUMBER, 1, 65535, NULL, "4096", "connections that may wait to be accepted", 0},
	{"reuseport", WN_OPTION_CHOICE, 0, 0, "off|on", "off",
	 "share the port with other processes of this user", 0},
	{0},
};

static uint32_t power_of_two(uint32_t least, uint32_t most)
{
	uint32_t power = 256;

	while (power < least && power < most)
		power *= 2;
	return power;
}

static int parse(struct wn_link *link, struct wn_error *error)
{
	struct wn_tcp *tcp = link->state;
	int rc = wn_address_parse(&tcp->bound, link->options.address, error);

	tcp->connections = (uint32_t)wn_options_number(&link->options, "connections");
	if (!rc)
		rc = wn_uring_options_power(link, "frames", error);
	if (!rc)
		rc = wn_uring_options_power(link, "window", error);
	return rc ? rc : wn_uring_options_power(link, "reply", error);
}

/* -- sockets -- */

static int set(int fd, int level, int name)
{
	const int on = 1;

	return setsockopt(fd, level, name, &on, sizeof(on)) ? -errno : 0;
}

static int cannot_bind(const struct wn_link *link, int code, struct wn_error *error)
{
	const char *hint = "";

	if (code == EADDRINUSE)
		hint = "; another process has it (ss -tlpn tells which): choose another port, or let both say reuseport=on";
	else if (code == EADDRNOTAVAIL)
		hint = "; that address is not on this machine (ip address lists them)";
	else if (code == EACCES)
		hint = "; ports below 1024 need CAP_NET_BIND_SERVICE: run as root, or setcap cap_net_bind_service+ep";
	return wn_fail(error, code, WN_UNAVAILABLE, "link '%s': %s%s", link->spec, strerror(code), hint);
}

/*
 * Our queues share the port by SO_REUSEPORT, and so could somebody else's. Unless that is wanted, a socket without it must
 * be able to have the port first.
 */
static int check_port(const struct wn_link *link, const struct wn_tcp *tcp, struct wn_error *error)
{
	int fd, rc = 0;

	if (link->limits.queue_count == 1 || wn_options_number(&link->options, "reuseport"))
		return 0;
	fd = socket(tcp->bound.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && (set(fd, SOL_SOCKET, SO_REUSEADDR) || bind(fd, &tcp->bound.any, wn_address_length(&tcp->bound))))
		rc = cannot_bind(link, errno, error);
	if (fd >= 0)
		close(fd);
	return rc;
}

/* What is set here, each connection has from the beginning. */
static int open_socket(struct wn_link *link, uint32_t queue, struct wn_error *error)
{
	struct wn_tcp *tcp = link->state;
	const int share = link->limits.queue_count > 1 || wn_options_number(&link->options, "reuseport");
	const int fd = socket(tcp->bound.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t length = sizeof(tcp->bound);

	if (fd < 0)
		return wn_fail(error, errno, WN_UNAVAILABLE, "link '%s': socket: %s", link->spec, strerror(errno));
	tcp->queues[queue].fd = fd;
	set(fd, SOL_SOCKET, SO_REUSEADDR);
	set(fd, SOL_SOCKET, SO_KEEPALIVE);
	set(fd, IPPROTO_TCP, TCP_NODELAY);
	if (share)
		set(fd, SOL_SOCKET, SO_REUSEPORT);
	if (bind(fd, &tcp->bound.any, wn_address_length(&tcp->bound)) ||
	    listen(fd, (int)wn_options_number(&link->options, "backlog")))
		return cannot_bind(link, errno, error);
	/* Port 0 was a wish for any: the further queues must share the one we got. */
	getsockname(fd, &tcp->bound.any, &length);
	return 0;
}

/* -- memory -- */

static size_t lay(size_t *end, size_t bytes)
{
	const size_t at = *end;

	*end += (bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
	return at;
}

/* Untouched pages of windows that nobody needs cost nothing. */
static int make_memory(struct wn_link *link, struct wn_tcp_queue *own)
{
	const struct wn_tcp *tcp = link->state;
	const uint32_t count = tcp->connections + SPARE, frames = own->ring.frame_count;
	const uint32_t window_shift = (uint32_t)__builtin_ctzll(wn_options_number(&link->options, "window"));
	const uint32_t out_shift = (uint32_t)__builtin_ctzll(wn_options_number(&link->options, "reply"));
	size_t end = 0;
	const size_t words = lay(&end, sizeof(struct wn_stream_words)), lengths = lay(&end, frames * sizeof(uint32_t));
	const size_t next = lay(&end, frames * sizeof(uint32_t)), conns = lay(&end, count * sizeof(struct wn_conn));
	const size_t messages = lay(&end, count * sizeof(struct wn_stream_message));
	const size_t outs = lay(&end, (size_t)count << out_shift), windows = lay(&end, (size_t)count << window_shift);
	void *memory;

	own->memory_fd = memfd_create("warpnic-tcp", MFD_CLOEXEC);
	if (own->memory_fd < 0 || ftruncate(own->memory_fd, (off_t)end))
		return -errno;
	memory = mmap(NULL, end, PROT_READ | PROT_WRITE, MAP_SHARED, own->memory_fd, 0);
	if (memory == MAP_FAILED)
		return -errno;
	own->memory = memory;
	own->memory_bytes = end;
	own->stream = (struct wn_stream_rings){
		.words = (void *)(own->memory + words),
		.lengths = (void *)(own->memory + lengths),
		.next = (void *)(own->memory + next),
		.conns = (void *)(own->memory + conns),
		.messages = (void *)(own->memory + messages),
		.outs = own->memory + outs,
		.windows = own->memory + windows,
		.messages_address = (uint64_t)(uintptr_t)(own->memory + messages),
		.outs_address = (uint64_t)(uintptr_t)(own->memory + outs),
		.connection_count = count,
		.connection_limit = tcp->connections,
		.window_shift = window_shift,
		.out_shift = out_shift,
		.idle_ms = 1000 * (uint32_t)wn_options_number(&link->options, "timeout"),
		.listener = own->fd,
	};
	return 0;
}

/* -- opening -- */

static int open_queue(struct wn_link *link, uint32_t queue, struct wn_error *error)
{
	struct wn_tcp *tcp = link->state;
	struct wn_tcp_queue *own = &tcp->queues[queue];
	const uint32_t frames = (uint32_t)wn_options_number(&link->options, "frames");
	struct wn_uring_ring_setup setup = {
		.frame_bytes = FRAME_BYTES,
		.file_slots = tcp->connections + SPARE,
		.sq_entries = power_of_two(4 * tcp->connections, SQ_ENTRIES_MAX),
		.cq_entries = power_of_two(4 * tcp->connections + frames, CQ_ENTRIES_MAX),
		.without = "",
	};
	int rc = open_socket(link, queue, error);

	wn_uring_options_setup(link, queue ? tcp->queues[0].ring.fd : -1, &setup);
	if (!rc)
		rc = wn_uring_ring_open(&own->ring, &setup, -1, error);
	if (rc)
		return rc;
	rc = make_memory(link, own);
	if (rc)
		return wn_fail(error, -rc, WN_UNAVAILABLE, "link '%s': memory for %u connections: %s", link->spec,
			       tcp->connections, strerror(-rc));
	link->memory_bytes += own->ring.memory_bytes + own->memory_bytes;
	return 0;
}

static void tcp_close(struct wn_link *link)
{
	struct wn_tcp *tcp = link->state;

	/* The thread that all share is the first ring's. */
	for (uint32_t i = link->limits.queue_count; tcp->queues && i-- > 0;) {
		struct wn_tcp_queue *own = &tcp->queues[i];

		wn_uring_ring_close(&own->ring);
		if (own->memory)
			munmap(own->memory, own->memory_bytes);
		if (own->memory_fd >= 0)
			close(own->memory_fd);
		if (own->fd >= 0)
			close(own->fd);
	}
	free(tcp->queues);
	tcp->queues = NULL;
}

static int make_queues(struct wn_link *link)
{
	struct wn_tcp *tcp = link->state;

	tcp->queues = calloc(link->limits.queue_count, sizeof(*tcp->queues));
	if (!tcp->queues)
		return -ENOMEM;
	for (uint32_t i = 0; i < link->limits.queue_count; i++)
		tcp->queues[i].fd = tcp->queues[i].memory_fd = tcp->queues[i].ring.fd = tcp->queues[i].ring.memory_fd = -1;
	return 0;
}

static void describe(struct wn_link *link)
{
	const struct wn_tcp *tcp = link->state;
	const struct wn_uring_ring *first = &tcp->queues[0].ring;
	char address[64], ring[64];

	wn_uring_options_describe(link, first, ring, sizeof(ring));
	snprintf(link->where, sizeof(link->where), "uring:tcp:%s, %s, %u connections, %u frames of %u",
		 wn_address_format(&tcp->bound, address, sizeof(address)), ring,
		 tcp->connections, first->frame_count, first->frame_bytes);
}

static int tcp_open(struct wn_link *link, struct wn_error *error)
{
	struct wn_tcp *tcp = link->state;
	int rc = parse(link, error);

	if (rc)
		return rc;
	link->limits = (struct wn_link_limits){
		.kind = WN_STREAM,
		.queue_count = (uint32_t)wn_options_number(&link->options, "queues"),
		.slot_count = 64,
		.slot_bytes_min = FRAME_BYTES,
		.segments_max = 1,
		.burst_max = 1,
		.can_receive = 1,
		.is_live = 1,
	};
	if (make_queues(link))
		return wn_fail(error, ENOMEM, WN_FAILED, "link '%s': out of memory", link->spec);
	rc = check_port(link, tcp, error);
	for (uint32_t i = 0; !rc && i < link->limits.queue_count; i++)
		rc = open_queue(link, i, error);
	if (rc) {
		tcp_close(link);
		return rc;
	}
	describe(link);
	return 0;
}

const struct wn_link_ops wn_link_tcp = {
	.kind = "uring:tcp",
	.summary = "connections of a TCP socket through an io_uring that the device drives",
	.address = "HOST:PORT",
	.options = tcp_options,
	.state_bytes = sizeof(struct wn_tcp),
	.open = tcp_open,
	.drive = wn_tcp_drive,
	.wake = wn_tcp_wake,
	.wait = wn_tcp_wait,
	.quiesce = wn_tcp_quiesce,
	.sending = wn_tcp_sending,
	.settle = wn_tcp_settle,
	.census = wn_tcp_census,
	.file_users = wn_tcp_file_users,
	.connections = wn_tcp_connections,
	.close = tcp_close,
};
