/* SPDX-License-Identifier: Apache-2.0 */
#include "link/uring_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "lane/port_uring.h"
#include "lane/file_lane.h"
#include "link/uring.h"
#include "ring/order.h"

/* statx(2), Linux 6.1: what older headers lack. */
#ifndef STATX_DIOALIGN
#define STATX_DIOALIGN 0x2000U
#endif

enum {
	PAGE_BYTES = 4096,
	BLOCK_BYTES_MIN = 8192,
	FLUSH_BYTES = 65536,            /* worth a write of its own */
	ALIGN_MAX = 65536,
	SNAP_BYTES = 262144,            /* larger than any packet here */
	LINK_TYPE_ETHERNET = 1,
	SECTION = 0x0a0d0d0a,           /* types of pieces, and of their options */
	INTERFACE = 1,
	OPTION_NAME = 2,                /* if_name */
	OPTION_APPLICATION = 4,         /* shb_userappl */
	OPTION_RESOLUTION = 9,          /* if_tsresol */
};

#define FINISH_NS (500 * WN_MILLISECOND_NS)

_Static_assert(WN_FILE_EINTR == EINTR && WN_FILE_EIO == EIO && WN_FILE_EAGAIN == EAGAIN && WN_FILE_EFBIG == EFBIG &&
		       WN_FILE_ENOSPC == ENOSPC && WN_FILE_EDQUOT == EDQUOT && WN_FILE_ECANCELED == ECANCELED, "errors");

static const struct wn_option file_options[] = {
	{"direct", WN_OPTION_CHOICE, 0, 0, "auto|on|off", "auto",
	 "past the page cache (O_DIRECT): where the file system can, for sure, or not", 0},
	{"buffer", WN_OPTION_SIZE, 1 << 16, 1 << 30, NULL, "4m", "bytes in which records wait for the disk, a queue", 0},
	{"flush", WN_OPTION_NUMBER, 1, 3600000, NULL, "1000", "ms that a record waits for others at most", 0},
	{"append", WN_OPTION_CHOICE, 0, 0, "off|on", "off", "write behind what the file holds, as a section of its own", 0},
	{0},
};

/* -- the first pieces -- */

struct writer {
	uint8_t *bytes;
	uint32_t used;
};

static void put(struct writer *writer, const void *bytes, uint32_t count)
{
	memcpy(writer->bytes + writer->used, bytes, count);
	writer->used += count;
	while (writer->used % 4)
		writer->bytes[writer->used++] = 0;
}

static void put32(struct writer *writer, uint32_t word)
{
	put(writer, &word, sizeof(word));
}

static void put_option(struct writer *writer, uint16_t code, const void *bytes, uint16_t count)
{
	const uint16_t head[2] = {code, count};

	put(writer, head, sizeof(head));
	put(writer, bytes, count);
}

/* Ends the options, and the piece that began at `begin`: its length stands at both ends. */
static void end_piece(struct writer *writer, uint32_t begin)
{
	uint32_t bytes;

	put32(writer, 0);
	bytes = writer->used + 4 - begin;
	memcpy(writer->bytes + begin + 4, &bytes, sizeof(bytes));
	put32(writer, bytes);
}

static void put_section(struct writer *writer)
{
	static const uint32_t head[] = {SECTION, 0, 0x1a2b3c4d, 1 /* version 1.0 */, 0xffffffff, 0xffffffff};
	static const char name[] = "warpnic";
	const uint32_t begin = writer->used;

	put(writer, head, sizeof(head));
	put_option(writer, OPTION_APPLICATION, name, sizeof(name) - 1);
	end_piece(writer, begin);
}

static void put_interface(struct writer *writer, const char *name)
{
	static const uint32_t head[] = {INTERFACE, 0, LINK_TYPE_ETHERNET, SNAP_BYTES};
	static const uint8_t nanoseconds = 9;
	const uint32_t begin = writer->used;

	put(writer, head, sizeof(head));
	put_option(writer, OPTION_NAME, name, (uint16_t)strlen(name));
	put_option(writer, OPTION_RESOLUTION, &nanoseconds, 1);
	end_piece(writer, begin);
}

/* Fills the start of the memory. Returns the bytes, a multiple of `align`. */
static uint32_t put_first_pieces(struct wn_uring_file *file)
{
	struct wn_drive_view view = {.file = {.memory = file->memory, .block_bytes = file->block_bytes}};
	struct writer writer = {file->memory, 0};
	uint32_t gap;

	put_section(&writer);
	put_interface(&writer, "packets");
	put_interface(&writer, "records");
	gap = (0 - writer.used) & (file->align - 1);
	if (!gap)
		return writer.used;
	gap += gap < WN_FILE_GAP_BYTES_MIN ? file->align : 0;
	wn_file_put_gap(&view, writer.used, gap);
	return writer.used + gap;
}

/* -- opening -- */

static uint32_t power_of_two_below(uint64_t number)
{
	uint32_t power = 1;

	while ((uint64_t)power * 2 <= number)
		power *= 2;
	return power;
}

static int make_memory(struct wn_uring_file *file, const struct wn_uring_file_setup *setup)
{
	const size_t words_bytes = (sizeof(struct wn_file_words) + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
	uint32_t block_bytes = power_of_two_below(setup->buffer_bytes) / WN_FILE_BLOCKS;
	size_t bytes;
	void *memory;

	/* The largest piece fits, with the gap behind it. */
	while (block_bytes < BLOCK_BYTES_MIN || block_bytes < 2 * setup->frame_bytes)
		block_bytes *= 2;
	bytes = (size_t)WN_FILE_BLOCKS * block_bytes;
	file->memory_fd = memfd_create("warpnic-file", MFD_CLOEXEC);
	if (file->memory_fd < 0 || ftruncate(file->memory_fd, (off_t)(bytes + words_bytes)))
		return -errno;
	memory = mmap(NULL, bytes + words_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, file->memory_fd, 0);
	if (memory == MAP_FAILED)
		return -errno;
	file->memory = memory;
	file->memory_bytes = bytes + words_bytes;
	file->words = (void *)(file->memory + bytes);
	file->block_bytes = block_bytes;
	return 0;
}

/* What O_DIRECT asks of offsets and lengths; 0: more than can be had. */
static uint32_t direct_align(int fd)
{
	/* struct statx: stx_dio_mem_align and stx_dio_offset_align behind stx_mnt_id, which older headers lack. */
	uint32_t words[64] = {0};
	uint32_t align = 0;

	if (!statx(fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, (struct statx *)(void *)words) && (words[0] & STATX_DIOALIGN))
		align = words[39] > words[38] ? words[39] : words[38];
	if (align > ALIGN_MAX || (align & (align - 1)))
		return 0;
	return align < PAGE_BYTES ? PAGE_BYTES : align;
}

static int fail_file(const struct wn_uring_file *file, int code, struct wn_error *error)
{
	return wn_fail(error, code, WN_FAILED, "deliver: %s: %s", file->path, strerror(code));
}

/* Opens it, with O_DIRECT where asked to. 0 or -errno. Not O_TRUNC: first it must be sure what it is. */
static int open_path(struct wn_uring_file *file, int is_direct)
{
	file->fd = open(file->path, O_WRONLY | O_CREAT | O_CLOEXEC | (is_direct ? O_DIRECT : 0), 0666);
	if (file->fd < 0)
		return -errno;
	file->align = is_direct ? direct_align(file->fd) : 4;
	return file->align ? 0 : -EINVAL;
}

static int check_file(const struct wn_uring_file *file, struct stat *status, struct wn_error *error)
{
	if (fstat(file->fd, status))
		return fail_file(file, errno, error);
	if (!S_ISREG(status->st_mode))
		return wn_fail(error, EINVAL, WN_USAGE,
			       "deliver: %s: is not a file: a device writes at offsets of its own, which only files have; "
			       "records go to a pipe with --records", file->path);
	if (flock(file->fd, LOCK_EX | LOCK_NB))
		return wn_fail(error, errno, WN_FAILED, "deliver: %s: %s", file->path,
			       errno == EWOULDBLOCK ? "another process writes it" : strerror(errno));
	return 0;
}

/* The first pieces, at the offset where the file begins to be ours. 0 or -errno. */
static int begin(struct wn_uring_file *file, uint64_t offset)
{
	const uint32_t bytes = put_first_pieces(file);
	struct wn_file_state state = {.fill = bytes, .done = bytes, .offset = offset + bytes};
	ssize_t written;

	if (ftruncate(file->fd, (off_t)offset))
		return -errno;
	written = pwrite(file->fd, file->memory, bytes, (off_t)offset);
	if (written < 0)
		return -errno;
	if (written != (ssize_t)bytes)
		return -ENOSPC;
	memcpy(file->words->states[0], &state, sizeof(state));
	return 0;
}

/* A ring that is being taken down may hold the file, and with it the lock, for a moment longer. */
static void close_fd(struct wn_uring_file *file)
{
	if (file->fd >= 0) {
		flock(file->fd, LOCK_UN);
		close(file->fd);
	}
	file->fd = -1;
}

/* With or without O_DIRECT. 0 or -errno; error is filled but where that may be tried without. */
static int open_one_way(struct wn_uring_file *file, const struct wn_uring_file_setup *setup, int is_direct,
			struct wn_error *error)
{
	struct stat status;
	uint64_t offset = 0;
	int rc = open_path(file, is_direct);

	if (rc)
		return fail_file(file, -rc, error);
	rc = check_file(file, &status, error);
	if (rc)
		return rc;
	if (setup->appends)
		offset = (uint64_t)status.st_size;
	if (offset % 4)
		return wn_fail(error, EINVAL, WN_FAILED, "deliver: %s: is no whole pcapng file: nothing can be appended",
			       file->path);
	if (offset % file->align)
		return fail_file(file, EINVAL, error);
	rc = begin(file, offset);
	return rc ? fail_file(file, -rc, error) : 0;
}

static int open_either_way(struct wn_uring_file *file, const struct wn_uring_file_setup *setup, struct wn_error *error)
{
	int rc = -EINVAL;

	if (setup->direct != WN_URING_DIRECT_OFF)
		rc = open_one_way(file, setup, 1, error);
	if (rc == -EINVAL && setup->direct == WN_URING_DIRECT_ON && error->status == WN_FAILED)
		return wn_fail(error, EINVAL, WN_FAILED,
			       "deliver: %s: its file system has no O_DIRECT, or the file ends in the middle of a unit of "
			       "it: direct=auto does without", file->path);
	if (rc != -EINVAL || setup->direct == WN_URING_DIRECT_ON)
		return rc;
	close_fd(file);
	memset(error, 0, sizeof(*error));
	return open_one_way(file, setup, 0, error);
}

int wn_uring_file_open(struct wn_uring_file *file, const struct wn_uring_ring *ring,
		       const struct wn_uring_file_setup *setup, struct wn_error *error)
{
	struct wn_error unused;
	int rc;

	if (snprintf(file->path, sizeof(file->path), "%s", setup->path) >= (int)sizeof(file->path))
		return wn_fail(error, ENAMETOOLONG, WN_USAGE, "deliver: %.40s...: longer than %zu characters", setup->path,
			       sizeof(file->path) - 1);
	file->flush_ns = setup->flush_ns;
	rc = make_memory(file, setup);
	if (rc)
		return wn_fail(error, -rc, WN_FAILED, "deliver: %s: memory for records: %s", file->path, strerror(-rc));
	rc = open_either_way(file, setup, error ? error : &unused);
	if (rc)
		return rc;
	rc = wn_uring_ring_add_file(ring, file->fd);
	if (rc)
		return wn_fail(error, -rc, WN_FAILED, "deliver: %s: io_uring: %s", file->path, strerror(-rc));
	/* It counts against RLIMIT_MEMLOCK; without, the kernel looks the pages up at each write. */
	file->opcode = wn_uring_ring_add_buffer(ring, file->memory, (size_t)WN_FILE_BLOCKS * file->block_bytes)
			       ? WN_URING_OP_WRITE : WN_URING_OP_WRITE_FIXED;
	return 0;
}

void wn_uring_file_close(struct wn_uring_file *file)
{
	close_fd(file);
	if (file->memory)
		munmap(file->memory, file->memory_bytes);
	if (file->memory_fd >= 0)
		close(file->memory_fd);
	memset(file, 0, sizeof(*file));
	file->fd = file->memory_fd = -1;
}

void wn_uring_file_view(const struct wn_uring_file *file, int has_local, const union wn_address *bound,
			struct wn_file_view *view)
{
	memset(view, 0, sizeof(*view));
	if (file->fd < 0)
		return;
	view->memory = file->memory;
	view->words = file->words;
	view->address = (uint64_t)(uintptr_t)file->memory;
	view->realtime_offset_ns = (uint64_t)(wn_clock_of(CLOCK_REALTIME) - wn_clock_ns());
	view->flush_ns = file->flush_ns;
	view->block_bytes = file->block_bytes;
	view->flush_bytes = file->block_bytes < FLUSH_BYTES ? file->block_bytes : FLUSH_BYTES;
	view->align = file->align;
	view->opcode = file->opcode;
	view->own_port = ntohs(bound->any.sa_family == AF_INET ? bound->v4.sin_port : bound->v6.sin6_port);
	if (has_local)
		return;
	view->own_family = bound->any.sa_family == AF_INET ? 4 : 6;
	view->own[0] = ntohl(bound->v4.sin_addr.s_addr);
	for (uint32_t i = 0; view->own_family == 6 && i < 4; i++)
		view->own[i] = ntohl(bound->v6.sin6_addr.s6_addr32[i]);
}

/* -- the link's part -- */

static int open_of_queue(struct wn_link *link, uint32_t queue, const struct wn_options *options, struct wn_error *error)
{
	struct wn_uring *uring = link->state;
	struct wn_uring_queue *own = &uring->queues[queue];
	char path[sizeof(own->file.path) + 16];
	const struct wn_uring_file_setup setup = {
		.path = link->limits.queue_count > 1 ? path : options->address,
		.direct = (enum wn_uring_direct)wn_options_number(options, "direct"),
		.appends = (int)wn_options_number(options, "append"),
		.buffer_bytes = wn_options_number(options, "buffer"),
		.flush_ns = wn_options_number(options, "flush") * WN_MILLISECOND_NS,
		.frame_bytes = own->ring.frame_bytes,
	};
	int rc;

	snprintf(path, sizeof(path), "%.512s.%u", options->address, queue);
	rc = wn_uring_file_open(&own->file, &own->ring, &setup, error);
	if (!rc)
		link->memory_bytes += own->file.memory_bytes;
	return rc;
}

int wn_uring_deliver_to(struct wn_link *link, const char *text, struct wn_error *error)
{
	const struct wn_uring *uring = link->state;
	const size_t used = strlen(link->where);
	struct wn_options options;
	int rc = wn_options_init(&options, file_options, "deliver uring:file", text, error);

	for (uint32_t i = 0; !rc && i < link->limits.queue_count; i++)
		rc = open_of_queue(link, i, &options, error);
	if (!rc)
		snprintf(link->where + used, sizeof(link->where) - used, ", writes %.60s%s%s%s", options.address,
			 link->limits.queue_count > 1 ? ".0 and on" : "",
			 uring->queues[0].file.align > 4 ? ", O_DIRECT" : "",
			 uring->queues[0].file.opcode == WN_URING_OP_WRITE ? ", not in locked memory" : "");
	wn_options_finish(&options);
	return rc;
}

/* -- a device that is no more -- */

/* The completion of the write that is under way, not taken; NULL: it has none. */
static const struct wn_uring_cqe *find_completion(const struct wn_drive_view *view, const struct wn_file_state *state)
{
	const uint32_t end = wn_load_acquire(view->uring.cq.producer); /* (C) */
	const uint64_t user_data = (uint64_t)WN_URING_WRITE << 56 | state->number;

	for (uint32_t at = wn_load_acquire(view->uring.cq.consumer); at != end; at++)
		if (wn_uring_cqe_at(view, at)->user_data == user_data)
			return wn_uring_cqe_at(view, at);
	return NULL;
}

uint32_t wn_uring_file_settle(const struct wn_drive_view *view, int is_drained)
{
	struct wn_file_state state;

	if (!view->file.block_bytes)
		return 0;
	wn_file_load(view, &state);
	if (is_drained && state.flight && !state.again && !find_completion(view, &state)) {
		state.again = 1;
		wn_file_show(view, &state);
	}
	return (uint32_t)state.counts[WN_FILE_RECORDS];
}

/* Puts what is due on the sq. */
static void submit(const struct wn_drive_view *view, struct wn_file_state *state)
{
	const uint32_t at = *view->uring.sq.producer;

	wn_file_submit(view, state);
	wn_uring_write_file(view, at, state);
	wn_file_show(view, state);
	wn_store_release(view->uring.sq.producer, at + 1); /* (P) */
}

/* Writes what is left, in the device's place, as far as the time goes. */
static void write_rest(const struct wn_uring_ring *ring, const struct wn_drive_view *view, struct wn_file_state *state)
{
	const struct timespec pause = {0, WN_MILLISECOND_NS / 20};
	const int64_t until_ns = wn_clock_ns() + FINISH_NS;

	while (state->fill != state->done && wn_clock_ns() < until_ns) {
		const struct wn_uring_cqe *entry = find_completion(view, state);

		if (entry && wn_file_complete(view, state, state->number, entry->res))
			wn_file_show(view, state);
		if (wn_file_is_due(view, state, 0, 1))
			submit(view, state);
		if (wn_uring_ring_enter(ring) < 0)
			return;
		nanosleep(&pause, NULL);
	}
}

/* What a failed write left behind the last whole piece goes, too; not while the kernel may still write there. */
void wn_uring_finish(struct wn_link *link, uint32_t queue)
{
	struct wn_uring *uring = link->state;
	struct wn_uring_queue *own = &uring->queues[queue];
	struct wn_drive_view view = {.kind = 0};
	struct wn_file_state state;
	struct stat status;

	if (own->file.fd < 0)
		return;
	wn_uring_view(uring, own, &view);
	wn_file_load(&view, &state);
	write_rest(&own->ring, &view, &state);
	if (!state.flight && !fstat(own->file.fd, &status) && (uint64_t)status.st_size > state.offset &&
	    ftruncate(own->file.fd, (off_t)state.offset))
		state.last_error = errno;
}

/* -- counts -- */

/* All of one moment, of a state that may just be shown anew. */
static void read_state(struct wn_file_words *words, struct wn_file_state *state)
{
	uint64_t copy[WN_FILE_STATE_WORDS];
	uint32_t current;

	do {
		current = wn_load_acquire(&words->current); /* (L1) */
		for (uint32_t i = 0; i < WN_FILE_STATE_WORDS; i++)
			copy[i] = wn_load_acquire64(&words->states[current % 2][i]); /* (L1) */
	} while (wn_load_relaxed(&words->current) != current);
	memcpy(state, copy, sizeof(copy));
}

void wn_uring_file_counts(struct wn_link *link, uint32_t queue, struct wn_file_counts *counts)
{
	const struct wn_uring *uring = link->state;
	struct wn_file_state state;
	const uint64_t *from = state.counts;

	if (!uring->queues[queue].file.words)
		return;
	read_state(uring->queues[queue].file.words, &state);
	counts->records += from[WN_FILE_RECORDS];
	counts->bytes += from[WN_FILE_BYTES];
	counts->written += from[WN_FILE_WRITTEN];
	counts->written_bytes += from[WN_FILE_WRITTEN_BYTES];
	counts->failed += from[WN_FILE_FAILED];
	counts->failed_bytes += from[WN_FILE_FAILED_BYTES];
	counts->writes += from[WN_FILE_WRITES];
	counts->short_writes += from[WN_FILE_SHORT];
	counts->repeated += from[WN_FILE_AGAIN];
	counts->no_space += from[WN_FILE_NO_SPACE];
	counts->too_large += from[WN_FILE_TOO_LARGE];
	counts->io_errors += from[WN_FILE_IO];
	counts->other_errors += from[WN_FILE_OTHER];
	/* Not of the counts alone: what is in memory is counted by itself, so that the sum is a check. */
	for (uint32_t i = 0; i < WN_FILE_BLOCKS; i++) {
		counts->pending += state.block_records[i];
		counts->pending_bytes += state.block_bytes[i];
	}
	counts->pending += state.flight_records;
	counts->pending_bytes += state.flight_bytes;
	if (state.last_error)
		counts->last_error = state.last_error;
}
