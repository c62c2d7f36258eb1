/* SPDX-License-Identifier: Apache-2.0 */
/* A program on a uring:tcp link, and plain sockets that talk to it. */
#ifndef WN_TESTS_TCP_SERVER_H
#define WN_TESTS_TCP_SERVER_H

#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/server.h"

struct server {
	struct wn_runtime *runtime;
	union wn_address address;
	struct wn_connections connections; /* filled by end, as the next */
	struct wn_counters counters;
};

/* Starts a program on a link and finds out which port it got. 0 or -1. */
static inline int serve(struct server *server, struct wn_runtime_params *params, const char *link)
{
	struct wn_error error = {0};
	char text[128];

	params->links[0] = link;
	params->link_count = 1;
	params->stop_ms = 30000;
	server->runtime = wn_runtime_create(params, &error);
	CHECK_TEXT(error.text, "");
	if (!server->runtime)
		return -1;
	CHECK(wn_runtime_is_driven(server->runtime, 0));
	snprintf(text, sizeof(text), "%s", wn_runtime_link_where(server->runtime, 0) + strlen("uring:tcp:"));
	text[strcspn(text, ",")] = '\0';
	CHECK_INT(wn_address_parse(&server->address, text, &error), 0);
	CHECK_INT(wn_runtime_start(server->runtime, &error), 0);
	return 0;
}

static inline uint64_t ends_of(const struct wn_connections *connections)
{
	uint64_t sum = connections->open;

	for (int i = 0; i < WN_CONNECTION_ENDS; i++)
		sum += connections->ended[i];
	return sum;
}

/* Stops it: the sums add up, every frame and every connection is found where it belongs. */
static inline void end(struct server *server)
{
	struct wn_census census;

	CHECK_INT(wn_runtime_stop(server->runtime), 0);
	wn_runtime_snapshot(server->runtime, &server->counters);
	CHECK_INT(wn_counters_difference(&server->counters), 0);
	CHECK_INT(server->counters.in_flight, 0);
	CHECK_INT(wn_runtime_census(server->runtime, 0, &census), 0);
	CHECK_INT(census.fill, census.frames);
	CHECK_INT(census.rx + census.device + census.tx + census.completion + census.kernel + census.twice, 0);
	CHECK_INT(census.bad_entries, 0);
	CHECK_INT(wn_runtime_connections(server->runtime, 0, &server->connections), 0);
	CHECK_INT(server->connections.open, 0);
	CHECK_INT(ends_of(&server->connections), server->connections.accepted);
	wn_runtime_destroy(server->runtime);
}

/* Connections open just now. */
static inline uint64_t open_count(const struct server *server)
{
	struct wn_connections connections;

	CHECK_INT(wn_runtime_connections(server->runtime, 0, &connections), 0);
	return connections.open;
}

/* Waits until there are that many; 30 seconds at most. */
static inline int wait_open(const struct server *server, uint64_t count)
{
	for (int i = 0; i < 3000 && open_count(server) != count; i++)
		usleep(10000);
	return open_count(server) == count;
}

static inline int client(const struct server *server)
{
	const struct timeval patience = {30, 0};
	const int fd = socket(server->address.any.sa_family, SOCK_STREAM, 0), on = 1;

	CHECK(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	/* Interrupted, it goes on; see receive. */
	if (connect(fd, &server->address.any, wn_address_length(&server->address)) &&
	    (errno != EINTR || poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, 30000) != 1))
		CHECK_INT(errno, 0);
	return fd;
}

/* Receives until there are `count` bytes, or the end. Returns how many. */
static inline size_t receive_all(int fd, void *bytes, size_t count)
{
	size_t done = 0;
	ssize_t some = 1;

	while (done < count && (some = receive(fd, (char *)bytes + done, count - done)) > 0)
		done += (size_t)some;
	return done;
}

static inline void send_all(int fd, const void *bytes, size_t count)
{
	size_t done = 0;

	while (done < count) {
		const ssize_t some = send(fd, (const char *)bytes + done, count - done, MSG_NOSIGNAL);

		if (some < 0 && errno == EINTR)
			continue;
		if (some < 0)
			return;
		done += (size_t)some;
	}
}

/* Why no uring:tcp link can be opened here; NULL: one can. */
static inline const char *missing(void)
{
	return server_obstacle("uring:tcp:127.0.0.1:0");
}

#endif
