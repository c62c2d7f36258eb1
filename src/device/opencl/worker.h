/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The worker process of an opencl device; opencl.h says why there is one. One thread of its own; the driver
 * has more.
 *
 *   worker.c      main, or the list of devices
 *   setup.c       device, program, the choice of the mode, memory
 *   handshake.c   the test behind that choice
 *   run.c         resident and lease
 *   batch.c       batch
 */
#ifndef WN_DEVICE_OPENCL_WORKER_H
#define WN_DEVICE_OPENCL_WORKER_H

#include "device/opencl/device.h"
#include "device/opencl/opencl.h"
#include "device/opencl/twin.h"
#include "device/team/worker.h"
#include "warpnic/device.h"

/* One launch on one piece of a queue (batch.c). */
struct wn_cl_piece {
	cl_mem memory;
	uint8_t *bytes;                 /* mapped, or a copy */
	cl_event done;                  /* of the launch under way; NULL: none is */
	uint32_t first, count;
};

struct wn_cl_queue {
	struct wn_ring_view twin;       /* resident and lease: where it is in this process */
	uint32_t taken;                 /* positions before it went over */
	uint32_t answered;              /* positions before it came back */
	struct wn_cl_piece pieces[WN_OPENCL_AHEAD_MAX];
	uint32_t oldest, under_way;     /* of the pieces, in turn */
};

struct wn_cl_worker {
	struct wn_team_worker team;
	const struct wn_cl *cl;
	struct wn_cl_device device;
	cl_context context;
	cl_command_queue commands;
	cl_program program;
	int is_kept;                    /* it came as a binary */
	cl_kernel serve, run, handshake;

	uint32_t mode;                  /* the one that was chosen */
	uint32_t lanes, groups;         /* work-items a group, groups of a launch */
	uint32_t row_count;
	uint32_t batch_slots;
	int is_mapped;                  /* batch: pieces are mapped, not copied */

	struct wn_cl_launch launch;
	cl_mem launch_memory, data, cells;
	cl_mem row_memory;              /* batch */
	uint32_t *rows;                 /* resident and lease: SVM; batch: a copy */
	cl_event rows_read;             /* batch: that copy is on its way */
	uint64_t row_bytes;
	uint8_t *memory;                /* resident and lease: the twins; SVM */
	struct wn_cl_state *state;      /* the same */
	struct wn_cl_queue queues[WN_TEAM_QUEUES_MAX];
};

/* Says that a call failed, in the control object, and returns -1; 0 where result is CL_SUCCESS. */
int wn_cl_check(struct wn_cl_worker *worker, cl_int result, const char *what);

/*
 * build.c: the handshake's kernel, and once the mode is chosen the program's, out of their texts or kept binaries.
 * 0 or -1. keep: after its first launch, the program's binary for the next time.
 */
int wn_cl_build_handshake(struct wn_cl_worker *worker);
int wn_cl_build(struct wn_cl_worker *worker);
void wn_cl_keep(struct wn_cl_worker *worker);

/* cache.c: binaries by what they were made of. */
void *wn_cl_cache_load(const char *key, const char *text, size_t *bytes);
void wn_cl_cache_store(const char *key, const char *text, const void *binary, size_t bytes);
void wn_cl_cache_drop(const char *key, const char *text);

/*
 * handshake.c. Through SVM while a kernel runs: 1 where all messages came and no word was stale, 0 where not, -1
 * where the driver failed. Through buffers between launches: 0, or -1.
 */
int wn_cl_handshake_svm(struct wn_cl_worker *worker);
int wn_cl_handshake_buffers(struct wn_cl_worker *worker);

/* setup.c: makes everything that a launch needs. 0 or -1. */
int wn_cl_setup(struct wn_cl_worker *worker);

/* What an earlier process may have left only just now: where queues begin, and the cells. And at the end. 0 or -1. */
int wn_cl_take_over(struct wn_cl_worker *worker);
int wn_cl_hand_over(struct wn_cl_worker *worker);

/* Sums the rows of all lanes into the control object's. */
void wn_cl_show_rows(struct wn_cl_worker *worker);

/* How many slots wait to be taken from queue i, having looked (D); and whether all of it went over. */
uint32_t wn_cl_waiting(struct wn_cl_worker *worker, uint32_t i);
int wn_cl_all_taken(struct wn_cl_worker *worker, uint32_t i);

/* The state of a command: 1 it is complete, 0 not yet, -1 it failed and the reason is said. */
int wn_cl_look_at(struct wn_cl_worker *worker, cl_event event, const char *what);

/* Serves until the rings are closed and empty or it is told to leave. 0 or -1. */
int wn_cl_run(struct wn_cl_worker *worker);
int wn_cl_run_batch(struct wn_cl_worker *worker);

/* Queues one launch: of groups that poll, or on [first, first + count) of queue i in `memory`. 0 or -1. */
int wn_cl_launch_serve(struct wn_cl_worker *worker, uint32_t number, uint32_t turns, cl_event *event);
int wn_cl_launch_batch(struct wn_cl_worker *worker, const cl_mem *memory, uint32_t i, uint32_t first, uint32_t count);

/* Sets a kernel's arguments from the first one on. 0 or -1. */
struct wn_cl_argument {
	size_t bytes;                   /* 0: value is an SVM pointer */
	const void *value;
};
int wn_cl_arguments(struct wn_cl_worker *worker, cl_kernel kernel, const struct wn_cl_argument *arguments, uint32_t count);

/* Queues `groups` groups of the kernel, behind what was queued before. 0 or -1. */
int wn_cl_enqueue(struct wn_cl_worker *worker, cl_kernel kernel, uint32_t groups, cl_event *event, const char *what);

#endif
