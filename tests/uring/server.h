/* SPDX-License-Identifier: Apache-2.0 */
/* A program on a uring link, and plain sockets that ask it. */
#ifndef WN_TESTS_URING_SERVER_H
#define WN_TESTS_URING_SERVER_H

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "link/address.h"
#include "tests/check.h"
#include "warpnic/warpnic.h"

#define TEST_PROGRAM(name) WN_TEST_PROGRAMS "/" name ".c"

struct server {
	struct wn_runtime *runtime;
	union wn_address address;
	struct wn_census census;        /* filled by end */
};

/* Starts a program on a uring link and finds out which port it got. 0 or -1. */
static inline int serve(struct server *server, struct wn_runtime_params *params, const char *link)
{
	struct wn_error error = {0};
	char text[128];

	params->links[0] = link;
	params->link_count = params->link_count ? params->link_count : 1;
	server->runtime = wn_runtime_create(params, &error);
	CHECK_TEXT(error.text, "");
	if (!server->runtime)
		return -1;
	CHECK(wn_runtime_is_driven(server->runtime, 0));
	snprintf(text, sizeof(text), "%s", wn_runtime_link_where(server->runtime, 0) + strlen("uring:udp:"));
	text[strcspn(text, ",")] = '\0';
	CHECK_INT(wn_address_parse(&server->address, text, &error), 0);
	CHECK_INT(wn_runtime_start(server->runtime, &error), 0);
	return 0;
}

/* Stops it: the sum adds up, and every frame is found where it belongs. */
static inline void end(struct server *server, struct wn_counters *counters)
{
	struct wn_census *census = &server->census;

	CHECK_INT(wn_runtime_stop(server->runtime), 0);
	wn_runtime_snapshot(server->runtime, counters);
	CHECK_INT(wn_counters_difference(counters), 0);
	CHECK_INT(counters->in_flight, 0);
	CHECK_INT(wn_runtime_census(server->runtime, 0, census), 0);
	CHECK_INT(census->fill + census->rx + census->device + census->tx + census->completion + census->kernel,
		  census->frames);
	CHECK(census->frames > 0);
	CHECK_INT(census->device, 0);
	CHECK_INT(census->kernel, 0);
	CHECK_INT(census->twice, 0);
	CHECK_INT(census->bad_entries, 0);
	wn_runtime_destroy(server->runtime);
}

static inline int client_to(const union wn_address *address)
{
	const struct timeval patience = {30, 0};
	const int fd = socket(address->any.sa_family, SOCK_DGRAM, 0);

	CHECK(fd >= 0);
	CHECK_INT(connect(fd, &address->any, wn_address_length(address)), 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	return fd;
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

static inline void check_echo(int fd, const void *bytes, size_t length)
{
	uint8_t reply[65536];

	CHECK_INT(send(fd, bytes, length, 0), length);
	CHECK_INT(receive(fd, reply, sizeof(reply)), length);
	CHECK(memcmp(reply, bytes, length) == 0);
}

/* Why no uring link can be opened here; NULL: one can. */
static inline const char *missing(void)
{
	struct wn_runtime_params params = {.program = "echo", .link_count = 1, .links = {"uring:udp:127.0.0.1:0"}};
	static struct wn_error error;
	struct wn_runtime *runtime = wn_runtime_create(&params, &error);

	if (!runtime)
		return error.status == WN_UNAVAILABLE ? error.text : NULL;
	wn_runtime_destroy(runtime);
	return NULL;
}

#endif
