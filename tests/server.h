/* SPDX-License-Identifier: Apache-2.0 */
/* A program behind a socket on loopback, and plain sockets that ask it: what tests of links have in common. */
#ifndef WN_TESTS_SERVER_H
#define WN_TESTS_SERVER_H

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "link/address.h"
#include "tests/check.h"
#include "warpnic/warpnic.h"

#define TEST_PROGRAM(name) WN_TEST_PROGRAMS "/" name ".c"

/* The address in what a link says of itself: udp:ADDRESS, uring:udp:ADDRESS or uring:tcp:ADDRESS, and more behind it. */
static inline void server_address(const struct wn_runtime *runtime, union wn_address *address)
{
	const char *where = wn_runtime_link_where(runtime, 0);
	struct wn_error error = {0};
	char text[128];

	snprintf(text, sizeof(text), "%s", where + strlen(strncmp(where, "uring:", 6) ? "udp:" : "uring:udp:"));
	text[strcspn(text, " ,")] = '\0';
	CHECK_INT(wn_address_parse(address, text, &error), 0);
	CHECK_TEXT(error.text, "");
}

/* Opens a program on a link, and the first of params->link_count is that one. NULL: it failed, and that is said. */
static inline struct wn_runtime *server_open(struct wn_runtime_params *params, const char *link, union wn_address *address)
{
	struct wn_error error = {0};
	struct wn_runtime *runtime;

	params->links[0] = link;
	params->link_count = params->link_count ? params->link_count : 1;
	runtime = wn_runtime_create(params, &error);
	CHECK_TEXT(error.text, "");
	if (runtime)
		server_address(runtime, address);
	return runtime;
}

/* Stops it: the sum adds up, and nothing is left. */
static inline void server_stop(struct wn_runtime *runtime, struct wn_counters *counters)
{
	CHECK_INT(wn_runtime_stop(runtime), 0);
	wn_runtime_snapshot(runtime, counters);
	CHECK_INT(wn_counters_difference(counters), 0);
	CHECK_INT(counters->in_flight, 0);
}

/* Why no such link can be opened here; NULL: one can, or it fails for another reason, which a test will show. */
static inline const char *server_obstacle(const char *link)
{
	struct wn_runtime_params params = {.program = "echo", .link_count = 1, .links = {link}};
	static struct wn_error error;
	struct wn_runtime *runtime = wn_runtime_create(&params, &error);

	if (!runtime)
		return error.status == WN_UNAVAILABLE ? error.text : NULL;
	wn_runtime_destroy(runtime);
	return NULL;
}

/*
 * recv(2). The thread that made a ring is interrupted now and then for the kernel's own business, and a receive with a
 * timeout does not begin anew by itself.
 */
static inline ssize_t receive(int fd, void *bytes, size_t capacity)
{
	ssize_t length;

	do {
		length = recv(fd, bytes, capacity, 0);
	} while (length < 0 && errno == EINTR);
	return length;
}

/* -- datagrams -- */

static inline int client_to(const union wn_address *address)
{
	const struct timeval patience = {30, 0};
	const int fd = socket(address->any.sa_family, SOCK_DGRAM, 0);

	CHECK(fd >= 0);
	CHECK_INT(connect(fd, &address->any, wn_address_length(address)), 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	return fd;
}

static inline void check_echo(int fd, const void *bytes, size_t length)
{
	uint8_t reply[65536];

	CHECK_INT(send(fd, bytes, length, 0), length);
	CHECK_INT(receive(fd, reply, sizeof(reply)), length);
	CHECK(memcmp(reply, bytes, length) == 0);
}

/* From none to 1472 bytes, 48 datagrams in all. */
static inline void check_echo_lengths(int fd)
{
	uint8_t bytes[1472];

	for (uint32_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7);
	for (uint32_t length = 0; length < sizeof(bytes); length += 31)
		check_echo(fd, bytes, length);
}

/* `address`, of which only the port counts, at another host of ours. */
static inline void address_at(union wn_address *to, const char *host, const union wn_address *address)
{
	char text[64];

	snprintf(text, sizeof(text), "%s:%u", host, ntohs(address->v4.sin_port));
	CHECK_INT(wn_address_parse(to, text, NULL), 0);
}

/* echo, bound to every address: the reply leaves from the one that was asked. */
static inline void check_asked(const union wn_address *bound, const char *host)
{
	union wn_address to;
	int fd;

	address_at(&to, host, bound);
	fd = client_to(&to); /* connected: a reply from elsewhere would not be received */
	check_echo(fd, "asked", 5);
	close(fd);
}

/* tests/programs/peer.c: what a program sees of its peer, and that nothing of the peer before shines through. */
static inline void check_peer(const union wn_address *to, uint32_t family, const uint8_t *address)
{
	union wn_address own;
	socklen_t length = sizeof(own);
	const int fd = client_to(to);
	uint8_t reply[64];

	CHECK_INT(getsockname(fd, &own.any, &length), 0);
	CHECK_INT(send(fd, "?", 1, 0), 1);
	CHECK_INT(receive(fd, reply, sizeof(reply)), 24);
	CHECK_INT(reply[3], family);
	CHECK_INT(reply[6] << 8 | reply[7], ntohs(own.v4.sin_port));
	CHECK(memcmp(reply + 8, address, 16) == 0);
	close(fd);
}

/* Peers of both families in turn, at a server bound to [::]: 4 datagrams a turn. */
static inline void check_peers(const union wn_address *bound, int turns)
{
	static const uint8_t v6[16] = {[15] = 1}, v4[16] = {127, 0, 0, 1};
	union wn_address to6, to4;

	address_at(&to6, "[::1]", bound);
	address_at(&to4, "127.0.0.1", bound);
	for (int turn = 0; turn < turns; turn++) {
		check_peer(&to6, 6, v6);
		check_peer(&to6, 6, v6);
		check_peer(&to4, 4, v4);
		check_peer(&to4, 4, v4);
	}
}

#endif
