/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The opencl device: the same programs on whatever has an OpenCL driver.
 *
 *   opencl.c         the contract of device.h; start, watch, restart and reload are device/team's
 *   ../text.c        a program and all it includes as one text with #line marks
 *   api.c            libOpenCL.so.1, opened at run time; only worker processes do
 *   device.c         what a device can and what it lacks, by name
 *   build.c, cache.c the text as a program of that device; its binary kept for the next time
 *   handshake.c      whether host and a running kernel see each other's memory
 *   twin.c           slots over to the device, answers back
 *   run.c, batch.c   the modes
 *   entry.cl         the kernels, around lane/items.h and lane/loop.h
 *
 * One process for all OpenCL (warpnic-opencl-worker). An OpenCL driver loads a compiler and threads of its
 * own, an enqueue may not come back, and a kernel that does not end can only be ended with its process. So
 * neither a list of devices nor a handshake nor a run opens libOpenCL in the process that has the links: a
 * list is a short-lived process with ten seconds, a handshake has five, a run is watched by its verdicts.
 *
 * Memory. OpenCL has no word for "this memory of another process": what a kernel may see while the host
 * writes is what clSVMAlloc gave (OpenCL 3.0 API, 5.6.1), and only with fine-grained SVM and atomics. So a queue
 * has a twin, a ring of the same layout in memory of the device's, and the worker's one thread takes slots
 * over and brings answers back (twin.h). A device touches no byte of the ring that pumps use. It costs one copy
 * each way, and it is the same copy for all modes:
 *
 *   mode       the twin                                     how kernels come by slots
 *   resident   fine-grained SVM, all slots                  poll its `published` until the ring is closed
 *   lease      the same                                     the same, bounded in turns and in ms; two are queued
 *   batch      plain buffers, `ahead` pieces of `batch`     never poll: launched on a piece; `ahead` are queued
 *              slots a queue, mapped or copied
 *
 * Choice of the mode. `auto` asks nobody's claim: where SVM and atomics are there, 2,000 messages go both
 * ways through SVM while a kernel runs (handshake.h). If all arrive and no word is stale, it is resident on a
 * CPU and lease elsewhere (kernels that do not end wedge desktop GPUs); else batch, and `name` says why. A
 * handshake that does not come back is ended with its process, and the next one is told: batch. A mode that
 * was asked for and does not pass is an error (69), not another mode.
 *
 * Lanes. A work-item is a lane with a packet of its own, run where it lies (lane/loop.h): no sub-groups, no
 * shuffles, no local memory but a line for the leader. Why that is right everywhere is in lane/items.h.
 * Groups of a kernel that polls never exceed the compute units less one: OpenCL promises no progress to a group
 * that has not begun, and the host's side needs a core on a CPU device.
 *
 * drive=device is refused (can_drive is 0): no kernel's rings are SVM. `reload` works in all modes: the next
 * process is ready before the old one leaves at a batch boundary.
 */
#ifndef WN_DEVICE_OPENCL_OPENCL_H
#define WN_DEVICE_OPENCL_OPENCL_H

#include "device/team/remote.h"

enum {
	WN_OPENCL_LANES_MAX = 64,       /* work-items a group */
	WN_OPENCL_GROUPS_MAX = 64,      /* parts of a queue in resident and lease mode, groups of a launch in batch mode */
	WN_OPENCL_AHEAD_MAX = 8,
	WN_OPENCL_BATCH_MAX = 4096
};

/* list.c: fills up to `capacity` entries; returns how many there are. Any thread. */
int wn_opencl_list(struct wn_device_summary *list, uint32_t capacity);

#endif
