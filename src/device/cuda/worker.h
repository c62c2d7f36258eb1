/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The worker process of a cuda device: attaches the rings, hands them to the GPU, and keeps a kernel on them.
 *
 *   worker.c         main
 *   worker_setup.c   context, module, memory, self-test
 *   worker_drive.c   the kernel's rings, where the device drives the queues
 *   worker_run.c     the three modes
 *
 * One thread. Every error is final: the process says why in the control object and ends, and whoever
 * started it decides what is next.
 */
#ifndef WN_DEVICE_CUDA_WORKER_H
#define WN_DEVICE_CUDA_WORKER_H

#include "device/cuda/driver.h"
#include "device/cuda/selftest.h"
#include "device/team/worker.h"

struct wn_cuda_worker {
	struct wn_team_worker team;
	CUdeviceptr control_device;     /* the same memory as the GPU addresses it */
	const struct wn_cuda_driver *driver;
	CUdevice device;
	CUmodule module;
	CUfunction serve, selftest;     /* serve: wn_drive, where the device drives */
	struct wn_group_launch launch;  /* arguments of the kernel */
	struct wn_program_data data;
	CUdeviceptr mirrors[WN_TEAM_QUEUES_MAX]; /* struct wn_group_mirror */
	CUdeviceptr checked[WN_TEAM_DRIVEN_MAX]; /* of driven queues: the GPU's copy of the frames' states */
	const uint8_t *states[WN_TEAM_DRIVEN_MAX]; /* and where the host has them */
	const struct wn_drive_words *words[WN_TEAM_DRIVEN_MAX];
	CUdeviceptr cells;
	struct wn_selftest *test;       /* host memory, for the self-test and the clock */
	CUdeviceptr test_device;
	CUdeviceptr near;               /* rings=gpu: the memory that the device's process writes */
	CUdeviceptr clock;              /* the word behind launch.clock_offset_ns */
	CUstream side_stream;           /* for what goes on beside the groups */
	int64_t clock_due_ns;
	CUstream stream;
	CUstream queue_streams[WN_TEAM_QUEUES_MAX]; /* batch mode */
	uint32_t local_bytes;
};

/* Says that a call of the driver failed, in the control object, and returns -1; `what` names it. 0 where result is CUDA_SUCCESS. */
int wn_cuda_worker_check(struct wn_cuda_worker *worker, CUresult result, const char *what);

/* Memory of this process that the GPU may use, at *device; zeroed memory of the GPU, with a copy of `from`. 0 or -1. */
int wn_cuda_worker_share(struct wn_cuda_worker *worker, void *memory, size_t bytes, CUdeviceptr *device);
int wn_cuda_worker_take(struct wn_cuda_worker *worker, CUdeviceptr *memory, const void *from, size_t bytes);

/*
 * worker_drive.c: maps what the device drives, and hands it to the GPU: launch.drives, and what of each queue's view
 * is another then. 0 or -1.
 */
int wn_cuda_worker_share_drives(struct wn_cuda_worker *worker, struct wn_group_queue *queues);

/* The GPU's copies of the states, as they are by now. 0 or -1. */
int wn_cuda_worker_copy_states(struct wn_cuda_worker *worker);

/* Makes everything that a launch needs. 0 or -1. */
int wn_cuda_worker_setup(struct wn_cuda_worker *worker);

/* Compares the clocks anew, every now and then, beside what runs. 0 or -1. */
int wn_cuda_worker_set_clock(struct wn_cuda_worker *worker);

/*
 * What an earlier team may have left only just now: where the mirrors begin, and the cells. And at the
 * end, the cells for the next one. 0 or -1.
 */
int wn_cuda_worker_take_over(struct wn_cuda_worker *worker);
int wn_cuda_worker_hand_over(struct wn_cuda_worker *worker);

/* Serves until the rings are closed and empty or it is told to leave. 0 or -1. */
int wn_cuda_worker_run(struct wn_cuda_worker *worker);

#endif
