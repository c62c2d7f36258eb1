/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A device whose lanes are driven by a process of its own: what cuda and opencl have in common.
 *
 *   remote.c      stop, replace, counters
 *   supervise.c   a thread that notices when the device does not answer any more, and starts it anew
 *   team.c        one worker process, as the device sees it
 *   worker.c      what all worker processes do first
 *
 * The device's state begins with a struct wn_remote; ops->stop, replace, drop and sum_counters may be the
 * functions below.
 */
#ifndef WN_DEVICE_TEAM_REMOTE_H
#define WN_DEVICE_TEAM_REMOTE_H

#include <pthread.h>

#include "device/cpu/program.h"
#include "device/team/team.h"

/* A program with what runs it. */
struct wn_remote_version {
	struct wn_cpu_code native;       /* for its names and sizes */
	struct wn_team_code code;
	struct wn_program program;
	struct wn_team team;
};

struct wn_remote {
	struct wn_device *device;
	const struct wn_ring_view *views;
	uint32_t queue_count;

	/* Makes version->team and starts its process, which has prepared all. 0 or -errno. */
	int (*make_team)(struct wn_device *device, struct wn_remote_version *version,
			 const struct wn_program_data *data, struct wn_error *error);
	void (*name_device)(struct wn_device *device);

	/* The supervisor holds the lock while it looks; whoever changes the team holds it, too. */
	pthread_mutex_t lock;
	struct wn_remote_version *current;
	uint64_t lost_rows[WN_LANE_WORDS_MAX]; /* counts of teams that died */
	uint32_t restarts;               /* so far */

	pthread_t supervisor;
	int is_supervised;               /* there is a thread to join */
	uint32_t ending;                 /* 1: it must leave (the owner's) */
};

/* Names and sizes come from the same source, compiled for the host. 0 or -errno; *version stays NULL then. */
int wn_remote_version_make(struct wn_remote_version **version, const char *text, int anew, struct wn_error *error);
void wn_remote_version_free(struct wn_remote_version *version);

/* The end of ops->start: makes the team, lets it serve, watches it. */
int wn_remote_start(struct wn_remote *remote, const struct wn_program_data *data, struct wn_error *error);

int wn_remote_stop(struct wn_device *device, int64_t deadline_ns, int abandon);
void wn_remote_sum_counters(const struct wn_device *device, uint64_t *sums);
int wn_remote_replace(struct wn_device *device, struct wn_version *version, const struct wn_program_data *data,
		      uint64_t *old_sums, int64_t deadline_ns, struct wn_error *error);
void wn_remote_drop(struct wn_device *device, struct wn_version *version);


/* ops->fact: what its worker process found out. */
int wn_remote_fact(const struct wn_device *device, uint32_t number, struct wn_device_fact *fact);

/* The end of ops->close, and of an open that failed after the lock was made. */
void wn_remote_close(struct wn_remote *remote);

/* supervise.c: starts the thread. 0 or -errno. */
int wn_remote_supervise(struct wn_remote *remote, struct wn_error *error);

/* What its counters showed last is kept apart; the next life of the team counts from zero. */
void wn_remote_keep_rows(struct wn_remote *remote);

/* Ends it; it starts nothing any more. May be called twice. */
void wn_remote_supervise_end(struct wn_remote *remote);

#endif
