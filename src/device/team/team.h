/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A team: one worker process with what it drives, as the device sees it. Its life:
 *
 *   create  ->  spawn (a process that has prepared everything)  ->  go  ->  serves  ->  it ends by itself, or
 *   leave (between two batches, nothing lost), or kill (whatever it held is lost)
 *
 * After an end, spawn and go begin the next life, at the positions that the control object holds. Calls of
 * one team come from one thread at a time.
 */
#ifndef WN_DEVICE_TEAM_TEAM_H
#define WN_DEVICE_TEAM_TEAM_H

#include <sys/types.h>

#include "device/device.h"
#include "device/team/control.h"
#include "paths.h"

struct wn_cuda_near;

/* A program as code for the device. */
struct wn_team_code {
	int fd;                  /* a memory object that holds it; -1: none */
	size_t bytes;
	char from[64];           /* where it is from: "cubin for sm_90", "PTX", "NVRTC 13.0", "source" */
};

/* Copies bytes into a memory object of that name. The descriptor, or -errno. */
int wn_team_memory_object(const char *name, const void *bytes, size_t count);
void wn_team_code_free(struct wn_team_code *code);

/* What a team is made of; descriptors stay the caller's. */
struct wn_team_params {
	const char *kind;                   /* of the device, for messages */
	char worker[WN_PATH_BYTES];         /* the program that is its process */
	const char *program;                /* name, for messages */
	uint32_t ordinal;
	enum wn_mode mode;                  /* auto: the process chooses */
	uint32_t queue_count;
	uint32_t group_count;               /* a queue */
	uint32_t stage_bytes;
	uint32_t lane_words;
	uint32_t lease_ms;
	uint32_t doze_ns;
	uint32_t times_off;
	uint32_t ahead, batch_slots;                /* batch: see control.h */
	uint32_t lanes, parts, transfer, is_selftest; /* opencl's: see control.h */
	const struct wn_ring_view *views;   /* queue_count of them, and their rings' descriptors */
	const int *ring_fds;
	struct wn_drive *const *drives;     /* the same, where the device drives the queues; else NULL */
	struct wn_cuda_near *near;          /* rings=gpu (device/cuda/near.h); NULL: host */
	const struct wn_team_code *code;
	const struct wn_program_data *data; /* copied */
	const uint32_t *hurry;              /* 1: nobody waits for a start any more */
};

struct wn_team {
	struct wn_team_params params;
	struct wn_team_control *control;    /* NULL: there is no team */
	const uint32_t *cells;              /* where the host has them: the same means the same cells */
	int control_fd;
	int data_fd;
	int socket;                         /* -1: no process */
	pid_t pid;
	int exit_status;                    /* of the last process, as waitpid has it */
};

/* Makes the shared objects. 0 or -errno. wn_team_destroy() undoes it, also after a failure. */
int wn_team_create(struct wn_team *team, const struct wn_team_params *params,
			struct wn_error *error);

/* Begins at this count of published slots, with nothing carried over from an earlier life. */
void wn_team_set_start(struct wn_team *team, uint32_t queue, uint32_t published);

/* Begins where another team of the same shape left off, cells included. */
void wn_team_continue(struct wn_team *team, const struct wn_team *old);

/*
 * Starts a worker process and waits until it has prepared everything, at most for a minute (a driver may
 * have to compile the code first), and of that five seconds in WN_TEAM_TRYING. 0 or -errno with its reason; then
 * there is no process. -ETIMEDOUT with the state still WN_TEAM_TRYING: what it tried did not come back.
 */
int wn_team_spawn(struct wn_team *team, struct wn_error *error);

/* Lets it serve, and waits until all groups do. 0 or -errno with its reason; then there is no process. */
int wn_team_go(struct wn_team *team, struct wn_error *error);

/* Whether its process has ended; waits up to `ms` for that. Then it is reaped, and text says why, if it knew. */
int wn_team_has_ended(struct wn_team *team, int ms);

/* Whether it ended as it should: rings closed and empty, or told to leave. */
int wn_team_ended_well(const struct wn_team *team);

/* Tells all groups to leave after the batch in hand. */
void wn_team_leave(struct wn_team *team);

/*
 * Ends its process and waits for that: then no kernel of it runs any more and nothing of it writes to shared
 * memory. 0, or -ETIMEDOUT where even that took more than ten seconds (the driver holds it).
 */
int wn_team_kill(struct wn_team *team);

/* Adds the rows of all groups to sums[lane_words], or to stages[WN_STAGE_WORDS]; NULL leaves one out. */
void wn_team_add_rows(const struct wn_team *team, uint64_t *sums, uint64_t *stages);

/* Zeroes the rows. There is no process. */
void wn_team_clear_rows(struct wn_team *team);

/* Kills what runs and frees everything. A zeroed team is fine. */
void wn_team_destroy(struct wn_team *team);

#endif
