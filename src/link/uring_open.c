/* SPDX-License-Identifier: Apache-2.0 */
/* How a ring is made, with its memory; and its end. */
#include "link/uring_ring.h"

#include <errno.h>
#include <linux/io_uring.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <unistd.h>

#include "clock.h"
#include "lane/port_uring.h"
#include "link/uring_system.h"

enum {
	PAGE_BYTES = 4096,
	ENTRIES_A_FRAME = 4,            /* of sq and cq: lane/port_uring.h says why none is ever full */
	RINGS_HEADER_BYTES = PAGE_BYTES, /* struct io_rings, 320 bytes or so */
	RECEIVE_AT = WN_LINE_BYTES,     /* in the page of constants, behind struct wn_uring_words */
	PEER_AT = 2 * WN_LINE_BYTES,
};

#define SAME_AS_IN_HEADERS(ours, theirs, member, its)                                                      \
	_Static_assert(offsetof(struct ours, member) == offsetof(struct theirs, its), #member)

SAME_AS_IN_HEADERS(wn_uring_sqe, io_uring_sqe, opcode, opcode);
SAME_AS_IN_HEADERS(wn_uring_sqe, io_uring_sqe, flags, flags);
SAME_AS_IN_HEADERS(wn_uring_sqe, io_uring_sqe, ioprio, ioprio);
SAME_AS_IN_HEADERS(wn_uring_sqe, io_uring_sqe, fd, fd);
SAME_AS_IN_HEADERS(wn_uring_sqe, io_uring_sqe, addr2, addr2);
SAME_AS_IN_HEADERS(wn_uring_sqe, io_uring_sqe, addr, addr);
SAME_AS_IN_HEADERS(wn_uring_sqe, io_uring_sqe, len, len);
SAME_AS_IN_HEADERS(wn_uring_sqe, io_uring_sqe, msg_flags, msg_flags);
SAME_AS_IN_HEADERS(wn_uring_sqe, io_uring_sqe, user_data, user_data);
SAME_AS_IN_HEADERS(wn_uring_sqe, io_uring_sqe, buf_group, buf_group);
SAME_AS_IN_HEADERS(wn_uring_sqe, io_uring_sqe, addr_len, splice_fd_in);
SAME_AS_IN_HEADERS(wn_uring_cqe, io_uring_cqe, user_data, user_data);
SAME_AS_IN_HEADERS(wn_uring_cqe, io_uring_cqe, res, res);
SAME_AS_IN_HEADERS(wn_uring_cqe, io_uring_cqe, flags, flags);
SAME_AS_IN_HEADERS(wn_uring_message, msghdr, name, msg_name);
SAME_AS_IN_HEADERS(wn_uring_message, msghdr, name_bytes, msg_namelen);
SAME_AS_IN_HEADERS(wn_uring_message, msghdr, vectors, msg_iov);
SAME_AS_IN_HEADERS(wn_uring_message, msghdr, vector_count, msg_iovlen);
SAME_AS_IN_HEADERS(wn_uring_message, msghdr, control, msg_control);
SAME_AS_IN_HEADERS(wn_uring_message, msghdr, control_bytes, msg_controllen);
SAME_AS_IN_HEADERS(wn_uring_message, msghdr, flags, msg_flags);
_Static_assert(offsetof(struct wn_uring_message, vector_base) == sizeof(struct msghdr), "iovec");
_Static_assert(sizeof(struct wn_uring_sqe) == sizeof(struct io_uring_sqe), "sqe");
_Static_assert(offsetof(struct wn_uring_received, v4) - 16 == offsetof(struct sockaddr_in, sin_addr), "v4");
_Static_assert(offsetof(struct wn_uring_received, v6) - 16 == offsetof(struct sockaddr_in6, sin6_addr), "v6");
_Static_assert(offsetof(struct wn_uring_received, scope) - 16 == offsetof(struct sockaddr_in6, sin6_scope_id), "scope");
_Static_assert(offsetof(struct wn_uring_control, word) == sizeof(struct cmsghdr), "cmsghdr");
_Static_assert(sizeof(struct sockaddr_in6) <= WN_URING_NAME_BYTES, "name");
_Static_assert(CMSG_SPACE(sizeof(struct in6_pktinfo)) == 40 && CMSG_LEN(sizeof(struct in6_pktinfo)) == 36, "in6_pktinfo");
_Static_assert(CMSG_SPACE(sizeof(struct in_pktinfo)) == 32 && CMSG_LEN(sizeof(struct in_pktinfo)) == 28, "in_pktinfo");
_Static_assert((int)WN_URING_OP_SENDMSG == IORING_OP_SENDMSG && (int)WN_URING_OP_RECVMSG == IORING_OP_RECVMSG &&
		       (int)WN_URING_OP_SEND == IORING_OP_SEND && (int)WN_URING_OP_WRITE == IORING_OP_WRITE &&
		       (int)WN_URING_OP_WRITE_FIXED == IORING_OP_WRITE_FIXED, "opcodes");
_Static_assert(WN_URING_SQE_FIXED_FILE == IOSQE_FIXED_FILE && WN_URING_SQE_BUFFER_SELECT == IOSQE_BUFFER_SELECT &&
		       WN_URING_CQE_BUFFER == IORING_CQE_F_BUFFER &&
		       (int)WN_URING_CQE_BUFFER_SHIFT == IORING_CQE_BUFFER_SHIFT, "flags");
_Static_assert((int)WN_URING_MSG_TRUNC == MSG_TRUNC && (int)WN_URING_AF_INET == AF_INET &&
		       (int)WN_URING_AF_INET6 == AF_INET6 && (int)WN_URING_IP == IPPROTO_IP &&
		       (int)WN_URING_IP_PKTINFO == IP_PKTINFO && (int)WN_URING_IPV6 == IPPROTO_IPV6 &&
		       (int)WN_URING_IPV6_PKTINFO == IPV6_PKTINFO, "sockets");
_Static_assert((int)WN_URING_ENOBUFS == ENOBUFS && (int)WN_URING_ECANCELED == ECANCELED, "errors");

/* -- refusals -- */

/* 0: open to all; 1: to CAP_SYS_ADMIN and a group; 2: to nobody. */
static int disabled_by_sysctl(void)
{
	FILE *file = fopen("/proc/sys/kernel/io_uring_disabled", "re");
	int value = 0;

	if (file && fscanf(file, "%d", &value) != 1)
		value = 0;
	if (file)
		fclose(file);
	return value;
}

static const char *without(const struct wn_uring_ring_setup *setup)
{
	return setup->without ? setup->without : "; the same address as a udp link needs no io_uring";
}

static int no_permission(const struct wn_uring_ring_setup *setup, int code, struct wn_error *error)
{
	const int disabled = disabled_by_sysctl();

	if (disabled)
		return wn_fail(error, code, WN_UNAVAILABLE,
			       "link '%s': io_uring is disabled on this machine (sysctl kernel.io_uring_disabled=%d%s)%s",
			       setup->spec, disabled,
			       disabled == 1 ? ": only root and the group kernel.io_uring_group may" : "", without(setup));
	return wn_fail(error, code, WN_UNAVAILABLE,
		       "link '%s': no permission for io_uring: a seccomp filter forbids it, as containers' do (docker: "
		       "--security-opt seccomp=...)%s", setup->spec, without(setup));
}

static int cannot_setup(const struct wn_uring_ring_setup *setup, int code, struct wn_error *error)
{
	struct rlimit limit = {0, 0};

	switch (code) {
	case EPERM:
	case EACCES:
		return no_permission(setup, code, error);
	case ENOSYS:
		return wn_fail(error, code, WN_UNAVAILABLE,
			       "link '%s': this kernel has no io_uring, or a seccomp filter hides it%s",
			       setup->spec, without(setup));
	case ENOMEM:
		getrlimit(RLIMIT_MEMLOCK, &limit);
		return wn_fail(error, code, WN_UNAVAILABLE,
			       "link '%s': rings for %u frames need more memory than there is, or than the %llu KiB "
			       "that may be locked (RLIMIT_MEMLOCK); raise it (ulimit -l unlimited, LimitMEMLOCK=), or "
			       "give a smaller frames=%s", setup->spec, setup->frame_count,
			       (unsigned long long)limit.rlim_cur >> 10, without(setup));
	case EMFILE:
		if (!setup->file_slots)
			break;
		getrlimit(RLIMIT_NOFILE, &limit);
		return wn_fail(error, code, WN_UNAVAILABLE,
			       "link '%s': a table of %u files is more than the %llu that this process may have (RLIMIT_NOFILE); "
			       "raise it (ulimit -n, LimitNOFILE=), or give fewer connections=", setup->spec, setup->file_slots,
			       (unsigned long long)limit.rlim_cur);
	case EINVAL:
		return wn_fail(error, code, WN_UNAVAILABLE,
			       "link '%s': this kernel's io_uring is too old: it needs Linux 6.0%s", setup->spec,
			       without(setup));
	}
	return wn_fail(error, code, WN_UNAVAILABLE, "link '%s': io_uring: %s%s", setup->spec, strerror(code), without(setup));
}

/* -- memory -- */

static size_t pages(size_t bytes)
{
	return (bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
}


/* Offsets in the memfd, in this order. */
struct places {
	size_t states, words, constants, buffers, sqes, rings, end;
};

static struct places places_in(const struct wn_uring_ring *ring)
{
	const uint32_t n = ring->frame_count;
	struct places at;

	at.states = (size_t)n * ring->frame_bytes;
	at.words = at.states + pages(n);
	at.constants = at.words + pages(sizeof(struct wn_drive_words));
	at.buffers = at.constants + PAGE_BYTES;
	at.sqes = at.buffers + pages(n * sizeof(struct wn_uring_buffer));
	at.rings = at.sqes + pages(ring->sq_entries * sizeof(struct wn_uring_sqe));
	at.end = at.rings + RINGS_HEADER_BYTES + pages(ring->cq_entries * sizeof(struct wn_uring_cqe));
	return at;
}

static int make_memory(struct wn_uring_ring *ring)
{
	const struct places at = places_in(ring);
	void *memory;

	ring->memory_fd = memfd_create("warpnic-uring", MFD_CLOEXEC);
	if (ring->memory_fd < 0 || ftruncate(ring->memory_fd, (off_t)at.end))
		return -errno;
	memory = mmap(NULL, at.end, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring->memory_fd, 0);
	if (memory == MAP_FAILED)
		return -errno;
	ring->memory = memory;
	ring->memory_bytes = at.end;
	ring->frames = ring->memory;
	ring->states = ring->memory + at.states;
	ring->words = (void *)(ring->memory + at.words);
	ring->uring_words = (void *)(ring->memory + at.constants);
	ring->receive = (void *)(ring->memory + at.constants + RECEIVE_AT);
	ring->peer = ring->memory + at.constants + PEER_AT;
	ring->buffers = (void *)(ring->memory + at.buffers);
	return 0;
}

/* -- the ring -- */

static struct io_uring_params params_of(const struct wn_uring_ring *ring, const struct wn_uring_ring_setup *setup)
{
	struct io_uring_params params = {
		.flags = IORING_SETUP_CQSIZE | WN_URING_SETUP_SUBMIT_ALL,
		.cq_entries = ring->cq_entries,
	};

	if (setup->poller == WN_URING_POLLER_OFF) {
		params.flags |= WN_URING_SETUP_COOP_TASKRUN | WN_URING_SETUP_TASKRUN_FLAG;
		return params;
	}
	params.flags |= IORING_SETUP_SQPOLL;
	params.sq_thread_idle = setup->idle_ms;
	if (setup->poller == WN_URING_POLLER_SHARED && setup->shared_fd >= 0) {
		params.flags |= IORING_SETUP_ATTACH_WQ;
		params.wq_fd = (uint32_t)setup->shared_fd;
	}
	return params;
}

/* Offsets from where the rings begin. */
static void set_rings(struct wn_uring_ring *ring, const struct io_uring_params *params, uint8_t *rings, void *sqes)
{
	const struct io_sqring_offsets *sq = &params->sq_off;
	const struct io_cqring_offsets *cq = &params->cq_off;

	ring->sq = (struct wn_kernel_ring){
		.producer = (void *)(rings + sq->tail),
		.consumer = (void *)(rings + sq->head),
		.flags = (void *)(rings + sq->flags),
		.entries = sqes,
		.mask = params->sq_entries - 1,
	};
	ring->cq = (struct wn_kernel_ring){
		.producer = (void *)(rings + cq->tail),
		.consumer = (void *)(rings + cq->head),
		.flags = (void *)(rings + sq->flags),
		.entries = rings + cq->cqes,
		.mask = params->cq_entries - 1,
	};
}

/* Rings in our memory. 0 or -errno: -EINVAL where the kernel is too old. */
static int setup_in_memory(struct wn_uring_ring *ring, const struct wn_uring_ring_setup *setup)
{
	const struct places at = places_in(ring);
	struct io_uring_params params = params_of(ring, setup);
	const uint64_t sqes = (uint64_t)(uintptr_t)(ring->memory + at.sqes);
	const uint64_t rings = (uint64_t)(uintptr_t)(ring->memory + at.rings);
	int fd;

	/* user_addr, in the last eight bytes of either, which older headers know as reserved. */
	_Static_assert(sizeof(params.sq_off) == 40 && sizeof(params.cq_off) == 40, "user_addr");
	memcpy((char *)&params.sq_off + 32, &sqes, sizeof(sqes));
	memcpy((char *)&params.cq_off + 32, &rings, sizeof(rings));
	params.flags |= WN_URING_SETUP_NO_MMAP | WN_URING_SETUP_NO_SQARRAY;
	fd = wn_uring_setup(ring->sq_entries, &params);
	if (fd < 0)
		return fd;
	ring->fd = fd;
	set_rings(ring, &params, ring->memory + at.rings, ring->memory + at.sqes);
	return 0;
}

static int map(int fd, size_t bytes, uint64_t offset, void **memory)
{
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, (off_t)offset);

	if (at == MAP_FAILED)
		return -errno;
	*memory = at;
	return 0;
}

/* Rings in the kernel's memory. The array of the sq names its entries in their order, for good. */
static int setup_mapped(struct wn_uring_ring *ring, const struct wn_uring_ring_setup *setup)
{
	struct io_uring_params params = params_of(ring, setup);
	const int fd = wn_uring_setup(ring->sq_entries, &params);
	uint32_t *array;
	size_t sq_end, cq_end;
	int rc;

	if (fd < 0)
		return fd;
	ring->fd = fd;
	sq_end = params.sq_off.array + params.sq_entries * sizeof(uint32_t);
	cq_end = params.cq_off.cqes + params.cq_entries * sizeof(struct wn_uring_cqe);
	ring->kernel_rings_bytes = pages(sq_end > cq_end ? sq_end : cq_end);
	ring->kernel_sqes_bytes = pages(params.sq_entries * sizeof(struct wn_uring_sqe));
	rc = map(fd, ring->kernel_rings_bytes, IORING_OFF_SQ_RING, &ring->kernel_rings);
	if (!rc)
		rc = map(fd, ring->kernel_sqes_bytes, IORING_OFF_SQES, &ring->kernel_sqes);
	if (rc)
		return rc;
	set_rings(ring, &params, ring->kernel_rings, ring->kernel_sqes);
	array = (void *)((uint8_t *)ring->kernel_rings + params.sq_off.array);
	for (uint32_t i = 0; i < params.sq_entries; i++)
		array[i] = i;
	return 0;
}

/* Multishot RECVMSG cannot be asked for; what came with it can. */int wn_uring_ring_open(struct wn_uring_ring *ring, const struct wn_uring_ring_setup *setup, int file,
		       struct wn_error *error)
{
	int files[2] = {file, -1}, rc;

	memset(ring, 0, sizeof(*ring));
	ring->fd = ring->memory_fd = -1;
	ring->frame_count = setup->frame_count;
	ring->frame_bytes = setup->frame_bytes;
	ring->sq_entries = setup->sq_entries ? setup->sq_entries : ENTRIES_A_FRAME * setup->frame_count;
	ring->cq_entries = setup->cq_entries ? setup->cq_entries : ENTRIES_A_FRAME * setup->frame_count;
	ring->is_polled = setup->poller != WN_URING_POLLER_OFF;
	rc = make_memory(ring);
	if (rc)
		return wn_fail(error, -rc, WN_UNAVAILABLE, "link '%s': memory for %u frames of %u bytes: %s",
			       setup->spec, setup->frame_count, setup->frame_bytes, strerror(-rc));
	rc = setup->maps_rings ? -EINVAL : setup_in_memory(ring, setup);
	/* SEND takes an address for longer than the sq can be without its array. */
	ring->sends_by_message = rc != 0;
	if (rc)
		rc = setup_mapped(ring, setup);
	if (!rc && !wn_uring_has_multishot(ring->fd))
		rc = -EINVAL;
	if (!rc)
		rc = setup->file_slots ? wn_uring_register_table(ring->fd, setup->file_slots) : wn_uring_register(ring->fd, IORING_REGISTER_FILES, files, 2);
	if (!rc)
		rc = wn_uring_register_buffers(ring->fd, ring->buffers, ring->frame_count);
	return rc ? cannot_setup(setup, -rc, error) : 0;
}

int wn_uring_ring_add_file(const struct wn_uring_ring *ring, int file)
{
	struct io_uring_files_update update = {.offset = 1, .fds = (uint64_t)(uintptr_t)&file};
	const int rc = wn_uring_register(ring->fd, IORING_REGISTER_FILES_UPDATE, &update, 1);

	return rc == 1 ? 0 : rc < 0 ? rc : -EIO;
}

int wn_uring_ring_add_buffer(const struct wn_uring_ring *ring, void *memory, size_t bytes)
{
	struct iovec buffer = {memory, bytes};

	return wn_uring_register(ring->fd, IORING_REGISTER_BUFFERS, &buffer, 1);
}
/* The ring itself goes a moment after its descriptor; the file, and with it the port, must not wait for that. */
void wn_uring_ring_close(struct wn_uring_ring *ring)
{
	if (ring->fd >= 0) {
		wn_uring_cancel_all(ring->fd);
		wn_uring_register(ring->fd, IORING_UNREGISTER_FILES, NULL, 0);
	}
	if (ring->kernel_sqes)
		munmap(ring->kernel_sqes, ring->kernel_sqes_bytes);
	if (ring->kernel_rings)
		munmap(ring->kernel_rings, ring->kernel_rings_bytes);
	if (ring->fd >= 0)
		close(ring->fd);
	if (ring->memory)
		munmap(ring->memory, ring->memory_bytes);
	if (ring->memory_fd >= 0)
		close(ring->memory_fd);
	memset(ring, 0, sizeof(*ring));
	ring->fd = ring->memory_fd = -1;
}

uint64_t wn_uring_ring_offset(int of_sqes)
{
	return of_sqes ? IORING_OFF_SQES : IORING_OFF_SQ_RING;
}
