/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file that a device writes through the io_uring that it drives (lane/file.h says what is in it and how): opened
 * here, with its first pieces written and its memory handed to the kernel; and at the end finished and cut.
 *
 * One file a queue: PATH, or with several queues PATH.0, PATH.1 and so on. It is locked (flock(2)), so that no two
 * processes write it. With O_DIRECT memory, offset and length are multiples of what the file system asks for
 * (STATX_DIOALIGN, Linux 6.1; else 4096 bytes), and pages of the page cache are neither filled nor pushed out.
 *
 * Threads: the owner's, while no device runs; counts, any.
 */
#ifndef WN_LINK_URING_FILE_H
#define WN_LINK_URING_FILE_H

#include "lane/drive.h"
#include "link/address.h"
#include "link/uring_ring.h"
#include "warpnic/runtime.h"

enum wn_uring_direct { WN_URING_DIRECT_AUTO, WN_URING_DIRECT_ON, WN_URING_DIRECT_OFF };

struct wn_uring_file_setup {
	const char *path;
	enum wn_uring_direct direct;
	int appends;                    /* 1: behind what is there */
	uint64_t buffer_bytes;          /* of the memory in which records wait; rounded down to a power of two */
	uint64_t flush_ns;
	uint32_t frame_bytes;           /* what a packet can have at most */
};

struct wn_uring_file {
	int fd;
	int memory_fd;
	uint8_t *memory;
	size_t memory_bytes;
	struct wn_file_words *words;
	uint32_t block_bytes;           /* 0: none is open */
	uint32_t align;
	uint32_t opcode;
	uint64_t flush_ns;
	char path[512];
};

/* 0 or -errno with the reason. wn_uring_file_close() undoes it, also after a failure. */
int wn_uring_file_open(struct wn_uring_file *file, const struct wn_uring_ring *ring,
		       const struct wn_uring_file_setup *setup, struct wn_error *error);

/* Behind the ring's close. One with fd and memory_fd -1 is fine. */
void wn_uring_file_close(struct wn_uring_file *file);

/* All of a view that is the file's; nothing where none is open. */
void wn_uring_file_view(const struct wn_uring_file *file, int has_local, const union wn_address *bound,
			struct wn_file_view *view);

/*
 * A device that is no more: a write that it submitted and the kernel does not have (is_drained: it has none) is
 * submitted again by the next. Returns the records that were appended, modulo 2^32.
 */
uint32_t wn_uring_file_settle(const struct wn_drive_view *view, int is_drained);

#endif
