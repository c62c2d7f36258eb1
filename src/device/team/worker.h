/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every worker process does first and last: it takes the descriptors, attaches the rings, says how it
 * stands, and ends with the socket. One thread. Every error is final: the process says why in the control
 * object and ends, and whoever started it decides what is next.
 */
#ifndef WN_DEVICE_TEAM_WORKER_H
#define WN_DEVICE_TEAM_WORKER_H

#include "device/team/control.h"

struct wn_team_worker {
	int socket;
	int fds[WN_TEAM_FDS_MAX];
	int fd_count;
	struct wn_team_control *control;
	struct wn_ring rings[WN_TEAM_QUEUES_MAX];
};

/*
 * The beginning of main: signals, descriptors, the control object. 0, or -1 with a word on stderr where it was
 * started by hand, or by another version.
 */
int wn_team_begin(struct wn_team_worker *worker, int argument_count, const char *name);

/* Attaches all rings. 0 or -1. */
int wn_team_open_rings(struct wn_team_worker *worker);

/* Everything is prepared; whoever started us says when. 0 or -1. */
int wn_team_wait_go(struct wn_team_worker *worker);

/* Says why in the control object. Returns -1. */
int wn_team_fail(struct wn_team_worker *worker, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Changes the state and wakes the other side. */
void wn_team_say(struct wn_team_worker *worker, enum wn_team_state state);

/* Whether whoever started us is still there; waits up to `ms` for its end. */
int wn_team_is_wanted(const struct wn_team_worker *worker, int ms);

#endif
