/* SPDX-License-Identifier: Apache-2.0 */
/* A program on a uring link, and plain sockets that ask it. */
#ifndef WN_TESTS_URING_SERVER_H
#define WN_TESTS_URING_SERVER_H

#include "tests/server.h"

struct server {
	struct wn_runtime *runtime;
	union wn_address address;
	struct wn_census census;        /* filled by end */
};

/* Starts a program on a uring link and finds out which port it got. 0 or -1. */
static inline int serve(struct server *server, struct wn_runtime_params *params, const char *link)
{
	struct wn_error error = {0};

	server->runtime = server_open(params, link, &server->address);
	if (!server->runtime)
		return -1;
	CHECK(wn_runtime_is_driven(server->runtime, 0));
	CHECK_INT(wn_runtime_start(server->runtime, &error), 0);
	return 0;
}

/* Stops it: the sum adds up, and every frame is found where it belongs. */
static inline void end(struct server *server, struct wn_counters *counters)
{
	struct wn_census *census = &server->census;

	server_stop(server->runtime, counters);
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

/* Why no uring link can be opened here; NULL: one can. */
static inline const char *missing(void)
{
	return server_obstacle("uring:udp:127.0.0.1:0");
}

#endif
