/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The worker process of a cuda device: attaches the rings, hands them to the GPU, and keeps a kernel on them.
 *
 *   worker.c         main: takes the descriptors, starts, ends with the socket
 *   worker_setup.c   context, module, memory, self-test
 *   worker_run.c     the three modes
 *
 * One thread. Every error is final: the process says why in the control object and ends, and whoever
 * started it decides what is next.
 */
#ifndef WN_DEVICE_CUDA_WORKER_H
#define WN_DEVICE_CUDA_WORKER_H

#include "device/cuda/control.h"
#include "device/cuda/driver.h"
#include "device/cuda/selftest.h"

struct wn_cuda_worker {
	int socket;
	int fds[WN_CUDA_FDS_MAX];
	struct wn_cuda_control *control;
	CUdeviceptr control_device;     /* the same memory as the GPU addresses it */
	struct wn_ring rings[WN_CUDA_QUEUES_MAX];
	const struct wn_cuda_driver *driver;
	CUdevice device;
	CUmodule module;
	CUfunction serve, selftest;
	struct wn_group_launch launch;  /* arguments of the kernel */
	struct wn_program_data data;
	CUdeviceptr mirrors[WN_CUDA_QUEUES_MAX]; /* struct wn_group_mirror */
	CUdeviceptr cells;
	struct wn_selftest *test;       /* host memory, for the self-test and the clock */
	CUdeviceptr test_device;
	CUdeviceptr clock;              /* the word behind launch.clock_offset_ns */
	CUstream side_stream;           /* for what goes on beside the groups */
	int64_t clock_due_ns;
	CUstream stream;
	CUstream queue_streams[WN_CUDA_QUEUES_MAX]; /* batch mode */
	uint32_t local_bytes;
};

/* Says why in the control object. Returns -1. */
int wn_cuda_worker_fail(struct wn_cuda_worker *worker, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The same for a call of the driver that failed; `what` names it. 0 where result is CUDA_SUCCESS. */
int wn_cuda_worker_check(struct wn_cuda_worker *worker, CUresult result, const char *what);

/* Changes the state and wakes the other side. */
void wn_cuda_worker_say(struct wn_cuda_worker *worker, enum wn_cuda_state state);

/* Whether whoever started us is still there; waits up to `ms` for its end. */
int wn_cuda_worker_is_wanted(const struct wn_cuda_worker *worker, int ms);

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
