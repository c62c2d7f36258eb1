/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One io_uring with one file, a ring of provided buffers, and a pool of frames: set up with the system calls
 * alone (io_uring_setup(2), io_uring_register(2)). Whoever drives it works on what lies here;
 * lane/port_uring.h says how.
 *
 * All of it is in one memfd, so that a device in another process can have it. Before Linux 6.6 (NO_MMAP and
 * NO_SQARRAY; before 6.10 NO_MMAP takes huge pages only) the kernel makes the rings and we map them.
 *
 * Threads: open and close by the owner; enter and cancel by any one at a time.
 */
#ifndef WN_LINK_URING_RING_H
#define WN_LINK_URING_RING_H

#include <stddef.h>
#include <stdint.h>

#include "lane/drive.h"
#include "warpnic/status.h"

/* Who carries out what is on the sq. */
enum wn_uring_poller {
	WN_URING_POLLER_SHARED,         /* one kernel thread for all rings (SQPOLL, ATTACH_WQ) */
	WN_URING_POLLER_OWN,            /* one a ring */
	WN_URING_POLLER_OFF             /* whoever enters the kernel: the drive thread */
};

struct wn_uring_ring_setup {
	const char *spec;               /* of the link, for messages */
	enum wn_uring_poller poller;
	uint32_t idle_ms;               /* how long the kernel's thread looks before it sleeps */
	int shared_fd;                  /* the ring whose thread is shared; -1: none yet */
	int maps_rings;                 /* 1: the kernel's memory, also where it takes ours */
	uint32_t frame_count;           /* a power of two, 8192 at most */
	uint32_t frame_bytes;           /* a power of two */
	uint32_t file_slots;            /* places in the table of files, empty; 0: it has the one file */
	uint32_t sq_entries, cq_entries; /* powers of two; 0: four times the frames */
	const char *without;            /* what would do without io_uring, for messages; NULL: the udp link */
};

struct wn_uring_ring {
	int fd;
	int memory_fd;
	uint8_t *memory;                /* frames, states, words, constants, buffers, and the rings where they are ours */
	size_t memory_bytes;
	void *kernel_rings;             /* the kernel's: mapped; else NULL */
	size_t kernel_rings_bytes;
	void *kernel_sqes;
	size_t kernel_sqes_bytes;
	uint32_t frame_count;
	uint32_t frame_bytes;
	uint32_t sq_entries, cq_entries;
	int is_polled;                  /* SQPOLL */
	int64_t checked_ns;             /* when its thread was last seen alive: of wn_uring_ring_wake() */
	int sends_by_message;           /* 1: SEND takes no address (before Linux 6.2) */
	struct wn_kernel_ring cq, sq;
	uint8_t *frames;
	uint8_t *states;
	struct wn_drive_words *words;
	struct wn_uring_words *uring_words;
	struct wn_uring_message *receive; /* of the receive */
	uint8_t *peer;                  /* a socket address */
	struct wn_uring_buffer *buffers;
};

/*
 * Opens it with `file`, which io_uring knows as its file 0; its file 1 is none. All words are 0 and the buffers empty. 0, or -errno
 * with what is missing and what would do. wn_uring_ring_close() undoes it, also after a failure; a ring of
 * zeros with fd and memory_fd -1 is fine.
 */
int wn_uring_ring_open(struct wn_uring_ring *ring, const struct wn_uring_ring_setup *setup, int file,
		       struct wn_error *error);
void wn_uring_ring_close(struct wn_uring_ring *ring);

/* Makes a file the ring's file 1. 0 or -errno. */
int wn_uring_ring_add_file(const struct wn_uring_ring *ring, int file);

/* Makes memory the ring's fixed buffer 0, for writes without looking its pages up each time. 0 or -errno. */
int wn_uring_ring_add_buffer(const struct wn_uring_ring *ring, void *memory, size_t bytes);

/* IORING_OFF_...: where a second process maps the kernel's rings from. */
uint64_t wn_uring_ring_offset(int of_sqes);

/* Entries of the sq that the kernel has not taken. */
uint32_t wn_uring_ring_waiting(const struct wn_uring_ring *ring);

/* Completions that the device has not taken. */
uint32_t wn_uring_ring_untaken(const struct wn_uring_ring *ring);

/*
 * Makes the system call that the kernel asks for, where it does: its thread sleeps and there are entries, there
 * is no thread, completions have no room or wait for somebody to enter. 1 when it was made, 0, or
 * -errno; -EOWNERDEAD: its thread is no more.
 */
int wn_uring_ring_enter(const struct wn_uring_ring *ring);

/*
 * The turn of the thread beside a device: wn_uring_ring_enter(), and once a second a look whether the kernel's thread lives,
 * for a ring where nothing comes makes no other call. 1, 0, or -errno; the link is at its end: -EOWNERDEAD, that
 * thread is no more; -ENODEV, the ring is.
 */
int wn_uring_ring_wake(struct wn_uring_ring *ring, int64_t now_ns);

/* Waits for a completion, wait_ns at most, and a moment only while entries are on the sq. 1 when there is one. */
int wn_uring_ring_wait(const struct wn_uring_ring *ring, int64_t wait_ns);

/* Cancels all requests with this user_data. How many there were, or -errno: ask again. */
int wn_uring_ring_cancel(const struct wn_uring_ring *ring, uint64_t user_data);

/*
 * Lets the kernel take what is on the sq and ends all its requests, so that it has no frame any more but in buffers
 * and on the cq. 0 or -errno: -ETIMEDOUT where that took longer than wait_ns.
 */
int wn_uring_ring_drain(const struct wn_uring_ring *ring, int64_t wait_ns);

/*
 * No request is left (drain): takes all completions off the cq unseen, all buffers back from the kernel, and all files of
 * a table of `file_slots` out of it, which closes them. The buffers are empty then, their tail 0. 0 or -errno.
 */
int wn_uring_ring_reset(const struct wn_uring_ring *ring, uint32_t file_slots);

/* How many buffers the kernel has taken, modulo 2^16; -errno before Linux 6.8. */
int wn_uring_ring_buffers_taken(const struct wn_uring_ring *ring);

#endif
