/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <netdb.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tool/send.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

enum { SOCKET_BUFFER_BYTES = 4 << 20 };

/* Splits HOST:PORT; an IPv6 address stands in brackets, or else its last colon would be guessed. */
static int split_target(const char *target, char *host, size_t host_bytes, const char **port,
			struct wn_error *error)
{
	const char *colon = strrchr(target, ':');
	const char *first = target, *last = colon;

	if (!colon || !colon[1] || colon == target)
		return wn_fail(error, EINVAL, WN_USAGE,
			       "'%s': a target is HOST:PORT, as 127.0.0.1:9000 or [::1]:9000", target);
	if (target[0] == '[') {
		if (colon[-1] != ']')
			return wn_fail(error, EINVAL, WN_USAGE,
				       "'%s': nothing but :PORT may follow the ']'", target);
		first++;
		last--;
	} else if (memchr(target, ':', (size_t)(colon - target))) {
		return wn_fail(error, EINVAL, WN_USAGE,
			       "'%s': an IPv6 address needs brackets, as [::1]:9000", target);
	}
	if ((size_t)(last - first) >= host_bytes)
		return wn_fail(error, EINVAL, WN_USAGE, "'%s': the host's name is too long", target);
	snprintf(host, host_bytes, "%.*s", (int)(last - first), first);
	*port = colon + 1;
	return 0;
}

static int resolve(const char *target, struct addrinfo **addresses, struct wn_error *error)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_DGRAM};
	char host[256];
	const char *port = "";
	char *end;
	int rc = split_target(target, host, sizeof(host), &port, error);

	if (rc)
		return rc;
	if (port[0] >= '0' && port[0] <= '9') {
		const long number = strtol(port, &end, 10);

		if (*end || number < 1 || number > 65535)
			return wn_fail(error, EINVAL, WN_USAGE,
				       "'%s': port '%s' is not a number from 1 to 65535", target, port);
	}
	rc = getaddrinfo(host, port, &hints, addresses);
	if (rc == EAI_SERVICE)
		return wn_fail(error, EINVAL, WN_USAGE, "'%s': no port or service '%s'", target,
			       port);
	if (rc)
		return wn_fail(error, EHOSTUNREACH, WN_FAILED, "'%s': host '%s': %s", target, host,
			       gai_strerror(rc));
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

static int open_source(struct wn_send *send, uint32_t i, const struct addrinfo *address,
		       struct wn_error *error)
{
	const char *target = send->config.target;
	const int fd = socket(address->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return wn_fail(error, errno, WN_FAILED, "'%s': socket %u: %s", target, i + 1,
			       strerror(errno));
	send->sources[i].socket = fd;
	set_limits(fd);
	if (connect(fd, address->ai_addr, address->ai_addrlen))
		return wn_fail(error, errno, WN_UNAVAILABLE, "'%s': cannot be reached: %s", target,
			       strerror(errno));
	send->polls[i].fd = fd;
	return set_trains(fd, &send->config, error);
}

int wn_send_open(struct wn_send *send, struct wn_error *error)
{
	const uint32_t count = send->config.sources;
	struct addrinfo *addresses;
	int rc = resolve(send->config.target, &addresses, error);

	if (rc)
		return rc;
	send->sources = calloc(count, sizeof(*send->sources));
	send->polls = calloc(count, sizeof(*send->polls));
	if (!send->sources || !send->polls)
		rc = wn_fail(error, ENOMEM, WN_FAILED, "out of memory");
	for (uint32_t i = 0; send->sources && i < count; i++)
		send->sources[i].socket = -1;
	for (uint32_t i = 0; !rc && i < count; i++)
		rc = open_source(send, i, addresses, error);
	freeaddrinfo(addresses);
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
