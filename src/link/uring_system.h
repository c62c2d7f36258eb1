/* SPDX-License-Identifier: Apache-2.0 */
/*
 * io_uring's system calls (io_uring_setup(2), io_uring_enter(2), io_uring_register(2)), and what headers older than the kernel
 * lack of them: linux/io_uring.h of Linux 6.8. Errors are -errno. Any thread.
 */
#ifndef WN_LINK_URING_SYSTEM_H
#define WN_LINK_URING_SYSTEM_H

#include <linux/io_uring.h>
#include <stdint.h>

enum {
	WN_URING_SETUP_SUBMIT_ALL = 1 << 7,  /* 5.18 */
	WN_URING_SETUP_COOP_TASKRUN = 1 << 8, /* 5.19 */
	WN_URING_SETUP_TASKRUN_FLAG = 1 << 9, /* 5.19 */
	WN_URING_SETUP_NO_MMAP = 1 << 14,    /* 6.5 */
	WN_URING_SETUP_NO_SQARRAY = 1 << 16, /* 6.6 */
	WN_URING_SQ_CQ_OVERFLOW = 1 << 1,
	WN_URING_SQ_TASKRUN = 1 << 2,
};

/* Returns a descriptor, or -errno. */
int wn_uring_setup(uint32_t entries, struct io_uring_params *params);
int wn_uring_enter(int fd, uint32_t submit, uint32_t flags);
/* What is 0 or, for some, a number. */
int wn_uring_register(int fd, uint32_t what, void *argument, uint32_t count);

/* Whether the kernel has multishot RECVMSG (6.0). */
int wn_uring_has_multishot(int fd);

/* Group 0 of provided buffers: `entries` of them, a power of two, at `buffers`. */
int wn_uring_register_buffers(int fd, const void *buffers, uint32_t entries);
int wn_uring_unregister_buffers(int fd);

/* How many of group 0 the kernel has taken, modulo 2^16; -errno before Linux 6.8. */
int wn_uring_buffers_taken(int fd);

/* A table of files with nothing in it: the kernel fills it (IORING_FILE_INDEX_ALLOC). Raises RLIMIT_NOFILE as far as it may be. */
int wn_uring_register_table(int fd, uint32_t slots);

/* Cancels requests with this user_data, or all. How many there were, or -errno: ask again. */
int wn_uring_cancel(int fd, uint64_t user_data);
int wn_uring_cancel_all(int fd);

#endif
