/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A queue that the device drives: what the link hands over, and the one thread of the host that is left.
 *
 *   lane/drive.h       what device and host share
 *   link/..._drive.c   a link's rings and frames, handed over
 *   drive.c            the thread: it wakes the kernel where the kernel asks for that, copies the
 *                      device's counts into the queue's counter blocks, and lets the transmit pump's
 *                      code carry out what the device handed over; it touches no other packet
 *
 * On a device without lanes of its own (cpu in batch mode) the same thread runs the program, too.
 */
#ifndef WN_DRIVE_H
#define WN_DRIVE_H

#include <stddef.h>

#include "lane/drive.h"
#include "warpnic/runtime.h"

struct wn_pump;
struct wn_queue;

enum { WN_DRIVE_REGIONS_MAX = 8 };

/* Memory that the device works in, as another process can map it. All pointers of a view lie in these. */
struct wn_drive_region {
	int fd;                 /* the link's */
	uint64_t offset;        /* for mmap of fd */
	size_t bytes;
	void *memory;           /* where it is mapped here */
};

struct wn_drive {
	struct wn_drive_view view;
	struct wn_drive_region regions[WN_DRIVE_REGIONS_MAX];
	uint32_t region_count;

	/* A device that died asks the drive thread to settle, before it begins anew: see wn_drive_ask_settle. */
	uint32_t settle_wanted; /* the device's: how often; release, read with acquire by the thread */
	uint32_t settle_done;   /* the thread's; release, acquire */
	uint32_t settle_lost;   /* packets, by the last one */
};

/* Packets that arrived and were not taken; entries that were taken, modulo 2^32. Any thread. */
uint32_t wn_drive_arrived(const struct wn_drive *drive);
uint32_t wn_drive_taken(const struct wn_drive *drive);

/*
 * The device's lanes are dead: makes the queue such that others can begin, and waits for that, at most a
 * second. Returns the packets that were lost with them. A thread of the device's.
 */
uint32_t wn_drive_ask_settle(struct wn_drive *drive);

/* How many packets, modulo 2^32, went each way since the link was opened, by the rings themselves. */
struct wn_drive_cursors {
	uint32_t taken;         /* entries of what arrived */
	uint32_t sent;          /* entries given to the kernel to send */
	uint32_t unsent;        /* of them, those that it has not taken, or refused */
	uint32_t cq, sq;        /* uring: up to where its rings were counted */
	uint32_t filed;         /* uring: records in the memory of its file, or written */
};

/* pump.c: the body of the thread. */
void *wn_drive_run(void *pump);

/*
 * The device has left or is dead: counts whatever it had not shown, puts frames back that it held. Packets that
 * it had taken and not finished are dropped: device_stopped. By the owner, after the thread has left; is_final: what
 * the kernel has not taken to send by now never goes out, either.
 */
void wn_drive_settle(struct wn_queue *queue, int is_final);

/*
 * The device does not come back: the packets it has in hand, which it has not counted, are received and in
 * flight. Nothing of theirs is touched. By the owner, at the end.
 */
void wn_drive_count_held(struct wn_queue *queue);

#endif
