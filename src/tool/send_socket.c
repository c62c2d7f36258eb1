/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "link/address.h"
#include "tool/send.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

enum { SOCKET_BUFFER_BYTES = 4 << 20 };

/* A target is an address as a udp link takes it, but of one host and one port. */
static int parse_target(const char *target, union wn_address *address, struct wn_error *error)
{
	const int rc = wn_address_parse(address, target, error);

	if (rc)
		return rc;
	if (wn_address_is_wildcard(address))
		return wn_fail(error, EINVAL, WN_USAGE,
			       "address '%s': is every local address; name one host, for example "
			       "127.0.0.1:9000", target);
	/* The port is at the same place in both families. */
	if (!address->v4.sin_port)
		return wn_fail(error, EINVAL, WN_USAGE,
			       "address '%s': nobody receives on port 0; name one from 1 to 65535",
			       target);
	return 0;
}

static int set_trains(int fd, const struct wn_send_config *config, struct wn_error *error)
{
	const int segment = (int)config->payload_bytes, on = 1;

	if (config->gso > 1 && setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof(segment)))
		return wn_fail(error, errno, WN_UNAVAILABLE,
			       "--gso %u: %s; this kernel has no UDP_SEGMENT (Linux 4.18)", config->gso,
			       strerror(errno));
	if (config->is_gro && setsockopt(fd, IPPROTO_UDP, UDP_GRO, &on, sizeof(on)))
		return wn_fail(error, errno, WN_UNAVAILABLE,
			       "--gro: %s; this kernel has no UDP_GRO (Linux 5.0)", strerror(errno));
	return 0;
}

/* Blocking calls end after a tenth of a second, so that timers and signals are seen. */
static void set_limits(int fd)
{
	const int bytes = SOCKET_BUFFER_BYTES;
	const struct timeval tenth = {.tv_usec = 100000};

	/* Best effort: the kernel caps the buffers at its own limits, and small ones do. */
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tenth, sizeof(tenth));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tenth, sizeof(tenth));
}

static int open_source(struct wn_send *send, uint32_t i, const union wn_address *address,
		       struct wn_error *error)
{
	const char *target = send->config.target;
	const int fd = socket(address->any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return wn_fail(error, errno, WN_FAILED, "'%s': socket %u: %s", target, i + 1,
			       strerror(errno));
	send->sources[i].socket = fd;
	set_limits(fd);
	if (connect(fd, &address->any, wn_address_length(address)))
		return wn_fail(error, errno, WN_UNAVAILABLE, "'%s': cannot be reached: %s", target,
			       strerror(errno));
	send->polls[i].fd = fd;
	return set_trains(fd, &send->config, error);
}

int wn_send_open(struct wn_send *send, struct wn_error *error)
{
	const uint32_t count = send->config.sources;
	union wn_address address;
	int rc = parse_target(send->config.target, &address, error);

	if (rc)
		return rc;
	send->sources = calloc(count, sizeof(*send->sources));
	send->polls = calloc(count, sizeof(*send->polls));
	if (!send->sources || !send->polls)
		rc = wn_fail(error, ENOMEM, WN_FAILED, "out of memory");
	for (uint32_t i = 0; send->sources && i < count; i++)
		send->sources[i].socket = -1;
	for (uint32_t i = 0; !rc && i < count; i++)
		rc = open_source(send, i, &address, error);
	return rc;
}

void wn_send_close(struct wn_send *send)
{
	for (uint32_t i = 0; send->sources && i < send->config.sources; i++)
		if (send->sources[i].socket >= 0)
			close(send->sources[i].socket);
	free(send->sources);
	free(send->polls);
	send->sources = NULL;
	send->polls = NULL;
}
