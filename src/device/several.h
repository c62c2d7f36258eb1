/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several devices as one: --device cuda:0,cuda:1[,option=value...].
 *
 *   several.c          the text, open, start, stop, counters
 *   several_watch.c    a thread that hands the queues of a part that is given up to another
 *   several_reload.c   another version of the program, on all of them
 *
 * Queue i is part i mod N's; the options are every part's. A part that is given up, after its own restarts,
 * hands its queues to the part with the fewest of them that is left: there another device is opened beside the
 * one that serves already, at the positions where the queues stand. What the lost one had in hand is counted as
 * device stopped; what its program kept in cells is lost with it.
 *
 * The lock is held by the watching thread while it looks, and by every call that goes through the parts; but not
 * while a device is opened for a hand-over, which may take as long as a compile: nobody sees that part before it serves,
 * a reload meanwhile is refused, and a stop ends it.
 */
#ifndef WN_DEVICE_SEVERAL_H
#define WN_DEVICE_SEVERAL_H

#include <pthread.h>

#include "device/device.h"

enum {
	WN_PARTS_MAX = 8,
	WN_PARTS_OPENED_MAX = 2 * WN_PARTS_MAX,
	WN_PART_SPEC_BYTES = 256
};

/* One device that was opened. Those that serve have queues; one that was given up keeps its counts. */
struct wn_part {
	struct wn_device device;
	char spec[WN_PART_SPEC_BYTES];
	uint32_t count;                  /* queues */
	uint32_t *numbers;               /* of each, among all */
	struct wn_ring_view *views;
	int *fds;
	uint32_t *starts;
	int is_lost;                     /* given up; its queues are another's, or nobody's */
	int is_orphaned;                 /* nobody's: what comes is only counted */
};

struct wn_several {
	struct wn_device *device;
	struct wn_part parts[WN_PARTS_OPENED_MAX];
	uint32_t count;
	char text[WN_PART_SPEC_BYTES * 4];       /* of the program that runs */
	const struct wn_ring_view *views;
	uint32_t queue_count;
	const struct wn_program_data *data;
	pthread_mutex_t lock;
	int is_moving;                   /* a hand-over is under way (lock) */
	pthread_t watcher;
	int is_watched;
	uint32_t ending;                 /* 1: the watch is to end, and with it a start that it waits for */
};

/* several.c: for the others. 0 or -errno. */
int wn_several_open_part(struct wn_several *several, struct wn_part *part, const char *program, struct wn_error *error);
void wn_several_close_part(struct wn_part *part);
int wn_several_take_queues(struct wn_part *part, uint32_t capacity, struct wn_error *error);
void wn_several_add_queue(const struct wn_several *several, struct wn_part *part, uint32_t number, uint32_t start);
int wn_several_start_part(struct wn_several *several, struct wn_part *part, struct wn_error *error);
void wn_several_show_names(struct wn_several *several);

/* several_watch.c: starts the thread; ends it, as often as one likes. */
int wn_several_watch(struct wn_several *several, struct wn_error *error);
void wn_several_end_watch(struct wn_several *several);

/* several_reload.c: ops of the device. */
int wn_several_prepare(struct wn_device *device, const char *text, struct wn_version *version, struct wn_error *error);
int wn_several_replace(struct wn_device *device, struct wn_version *version, const struct wn_program_data *data,
		       uint64_t *old_sums, int64_t deadline_ns, struct wn_error *error);
void wn_several_drop(struct wn_device *device, struct wn_version *version);

#endif
