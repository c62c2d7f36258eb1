/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The threads that serve a queue: one that receives and transmits in turn, or two.
 *
 * A queue that the device drives has one thread, of another kind: drive.c.
 *
 * A pump ends when its queue is drained, when the queue had to be given up (ring corrupt), or when
 * `give_up` is set. Nothing in flight and nothing to do, it waits in the kernel, in its link's
 * receive.
 */
#ifndef WN_PUMP_H
#define WN_PUMP_H

#include "device/device.h"
#include "queue.h"

/* What all pumps of a runtime look at. Each word has one writer: see there. */
struct wn_pump_control {
	uint32_t stop;          /* 1: receive no more, drain (any thread; only ever set) */
	uint32_t give_up;       /* 1: leave now (the runtime's owner) */
	uint32_t hold;          /* 1: launch nothing just now, somebody waits for launch_lock (the owner) */
};

struct wn_pump {
	struct wn_queue *queue;
	struct wn_device *device;
	struct wn_pump_control *control;
	pthread_t threads[2];
	uint32_t started;       /* threads to join */
	uint32_t done[2];       /* 1 when that thread has left; written by it */
	uint32_t thread_count;  /* 1 or 2 */
	pthread_mutex_t launch_lock; /* held while the device is launched (batch mode) */
};

/* Starts the queue's threads. 0 or -errno; some may then run, and wn_pump_join() ends them. */
int wn_pump_start(struct wn_pump *pump, struct wn_error *error);

/*
 * Keeps the pump from launching the device, once a launch that is under way has returned. What it
 * receives meanwhile waits in the ring. 0 or -ETIMEDOUT; each 0 is undone by wn_pump_release(). The
 * caller sets control->hold before the first hold and clears it after the last release.
 */
int wn_pump_hold(struct wn_pump *pump, int64_t deadline_ns);
void wn_pump_release(struct wn_pump *pump);

/* Around a call that runs the program in this thread: what hold waits for. */
void wn_pump_enter(struct wn_pump *pump);
void wn_pump_leave(struct wn_pump *pump);

/* Whether all of its threads have left. */
int wn_pump_is_done(const struct wn_pump *pump);

/* Waits for its threads until the deadline (CLOCK_MONOTONIC). 0 or -ETIMEDOUT. */
int wn_pump_join(struct wn_pump *pump, int64_t deadline_ns);

#endif
