/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "link/address.h"
#include "tool/send.h"

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
	int rc = config->gso > 1 ? wn_os_send_trains(fd, config->payload_bytes) : 0;

	if (rc)
		return wn_fail(error, -rc, WN_UNAVAILABLE,
			       "--gso %u: %s; this system has no UDP_SEGMENT (Linux 4.18)", config->gso, strerror(-rc));
	rc = config->is_gro ? wn_os_receive_trains(fd) : 0;
	if (rc)
		return wn_fail(error, -rc, WN_UNAVAILABLE,
			       "--gro: %s; this system has no UDP_GRO (Linux 5.0)", strerror(-rc));
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
	const int fd = wn_os_socket(address->any.sa_family, SOCK_DGRAM);

	if (fd < 0)
		return wn_fail(error, -fd, WN_FAILED, "'%s': socket %u: %s", target, i + 1, strerror(-fd));
	send->sources[i].socket = fd;
	send->sources[i].waits = -1;
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
