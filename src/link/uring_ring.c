/* SPDX-License-Identifier: Apache-2.0 */
#include "link/uring_ring.h"

#include <errno.h>
#include <linux/io_uring.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "clock.h"
#include "lane/port_uring.h"
#include "ring/order.h"

/* What headers older than the kernel lack: linux/io_uring.h of Linux 6.8. */
enum {
	SETUP_SUBMIT_ALL = 1 << 7,      /* 5.18 */
	SETUP_COOP_TASKRUN = 1 << 8,    /* 5.19 */
	SETUP_TASKRUN_FLAG = 1 << 9,    /* 5.19 */
	SETUP_NO_MMAP = 1 << 14,        /* 6.5 */
	SETUP_NO_SQARRAY = 1 << 16,     /* 6.6 */
	SQ_CQ_OVERFLOW = 1 << 1,
	SQ_TASKRUN = 1 << 2,
	OP_SEND_ZC = 47,                /* 6.0, as multishot RECVMSG is */
	REGISTER_FILES2 = 13,           /* 5.13 */
	REGISTER_FILES_SPARSE = 1 << 0, /* 5.19 */
	REGISTER_PBUF_RING = 22,        /* 5.19 */
	UNREGISTER_PBUF_RING = 23,
	REGISTER_SYNC_CANCEL = 24,      /* 6.0 */
	REGISTER_PBUF_STATUS = 26,      /* 6.8 */
	CANCEL_ALL = 1 << 0,
	CANCEL_ANY = 1 << 2,
};

#define SHORT_WAIT_NS 50000

/* struct io_uring_buf_reg */
struct buffers_request {
	uint64_t address;
	uint32_t entries;
	uint16_t group;
	uint16_t flags;
	uint64_t reserved[3];
};

/* struct io_uring_buf_status */
struct buffers_status {
	uint32_t group;
	uint32_t head;
	uint32_t reserved[8];
};

/* struct io_uring_rsrc_register */
struct files_request {
	uint32_t count;
	uint32_t flags;
	uint64_t reserved;
	uint64_t data;
	uint64_t tags;
};

/* struct io_uring_sync_cancel_reg */
struct cancel_request {
	uint64_t user_data;
	int32_t fd;
	uint32_t flags;
	int64_t seconds, nanoseconds;
	uint64_t pad[4];
};

enum {
	PAGE_BYTES = 4096,
	ENTRIES_A_FRAME = 4,            /* of sq and cq: lane/port_uring.h says why none is ever full */
	RINGS_HEADER_BYTES = PAGE_BYTES, /* struct io_rings, 320 bytes or so */
	RECEIVE_AT = WN_LINE_BYTES,     /* in the page of constants, behind struct wn_uring_words */
	PEER_AT = 2 * WN_LINE_BYTES,
	SYNC_CANCEL_NS = 10 * WN_MILLISECOND_NS,
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

/* -- system calls -- */

static int setup_ring(uint32_t entries, struct io_uring_params *params)
{
	const int fd = (int)syscall(__NR_io_uring_setup, entries, params);

	return fd < 0 ? -errno : fd;
}

static int enter(int fd, uint32_t submit, uint32_t flags)
{
	return syscall(__NR_io_uring_enter, fd, submit, 0, flags, NULL, 0) < 0 ? -errno : 0;
}

static int set(int fd, uint32_t what, void *argument, uint32_t count)
{
	const int rc = (int)syscall(__NR_io_uring_register, fd, what, argument, count);

	return rc < 0 ? -errno : rc;
}

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
		.flags = IORING_SETUP_CQSIZE | SETUP_SUBMIT_ALL,
		.cq_entries = ring->cq_entries,
	};

	if (setup->poller == WN_URING_POLLER_OFF) {
		params.flags |= SETUP_COOP_TASKRUN | SETUP_TASKRUN_FLAG;
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
	params.flags |= SETUP_NO_MMAP | SETUP_NO_SQARRAY;
	fd = setup_ring(ring->sq_entries, &params);
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
	const int fd = setup_ring(ring->sq_entries, &params);
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

/* Multishot RECVMSG cannot be asked for; what came with it can. */
static int has_multishot(int fd)
{
	_Alignas(8) uint8_t answer[sizeof(struct io_uring_probe) + (OP_SEND_ZC + 1) * sizeof(struct io_uring_probe_op)];
	struct io_uring_probe *probe = (void *)answer;

	memset(answer, 0, sizeof(answer));
	return !set(fd, IORING_REGISTER_PROBE, answer, OP_SEND_ZC + 1) && probe->last_op >= OP_SEND_ZC &&
	       (probe->ops[OP_SEND_ZC].flags & IO_URING_OP_SUPPORTED);
}

static int set_buffers(const struct wn_uring_ring *ring)
{
	struct buffers_request request = {
		.address = (uint64_t)(uintptr_t)ring->buffers,
		.entries = ring->frame_count,
	};

	return set(ring->fd, REGISTER_PBUF_RING, &request, 1);
}

/* A table of files with nothing in it: the kernel fills it (IORING_FILE_INDEX_ALLOC). */
static int set_table(const struct wn_uring_ring *ring, uint32_t slots)
{
	struct files_request request = {.count = slots, .flags = REGISTER_FILES_SPARSE};
	struct rlimit limit;

	/* As many as descriptors a process may have, though these are none. */
	if (!getrlimit(RLIMIT_NOFILE, &limit) && limit.rlim_cur < slots && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max == RLIM_INFINITY || limit.rlim_max > slots ? slots : limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	return set(ring->fd, REGISTER_FILES2, &request, sizeof(request));
}

int wn_uring_ring_open(struct wn_uring_ring *ring, const struct wn_uring_ring_setup *setup, int file,
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
	if (!rc && !has_multishot(ring->fd))
		rc = -EINVAL;
	if (!rc)
		rc = setup->file_slots ? set_table(ring, setup->file_slots) : set(ring->fd, IORING_REGISTER_FILES, files, 2);
	if (!rc)
		rc = set_buffers(ring);
	return rc ? cannot_setup(setup, -rc, error) : 0;
}

int wn_uring_ring_add_file(const struct wn_uring_ring *ring, int file)
{
	struct io_uring_files_update update = {.offset = 1, .fds = (uint64_t)(uintptr_t)&file};
	const int rc = set(ring->fd, IORING_REGISTER_FILES_UPDATE, &update, 1);

	return rc == 1 ? 0 : rc < 0 ? rc : -EIO;
}

int wn_uring_ring_add_buffer(const struct wn_uring_ring *ring, void *memory, size_t bytes)
{
	struct iovec buffer = {memory, bytes};

	return set(ring->fd, IORING_REGISTER_BUFFERS, &buffer, 1);
}

/* How many requests were cancelled, or -errno. */
static int cancel(const struct wn_uring_ring *ring, struct cancel_request request)
{
	int rc;

	request.fd = -1;
	request.nanoseconds = SYNC_CANCEL_NS;
	request.flags |= CANCEL_ALL;
	rc = set(ring->fd, REGISTER_SYNC_CANCEL, &request, 1);
	return rc == -ENOENT ? 0 : rc;
}

/* The ring itself goes a moment after its descriptor; the file, and with it the port, must not wait for that. */
void wn_uring_ring_close(struct wn_uring_ring *ring)
{
	if (ring->fd >= 0) {
		cancel(ring, (struct cancel_request){.flags = CANCEL_ANY});
		set(ring->fd, IORING_UNREGISTER_FILES, NULL, 0);
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

/* -- while it runs -- */

uint32_t wn_uring_ring_waiting(const struct wn_uring_ring *ring)
{
	return wn_load_acquire(ring->sq.producer) - wn_load_acquire(ring->sq.consumer);
}

uint32_t wn_uring_ring_untaken(const struct wn_uring_ring *ring)
{
	return wn_load_acquire(ring->cq.producer) - wn_load_acquire(ring->cq.consumer); /* (C) */
}

/*
 * The kernel's thread says that it sleeps, then looks at the sq once more; we look the other way round, with
 * nothing in between that would keep the order. An entry that both miss is found by the next look:
 * whoever waits while entries are on the sq waits a moment only.
 */
int wn_uring_ring_enter(const struct wn_uring_ring *ring)
{
	const uint32_t waiting = wn_uring_ring_waiting(ring);
	const uint32_t asks = wn_load_relaxed(ring->sq.flags);
	uint32_t flags = 0, submit = 0;
	int rc;

	if (asks & (SQ_CQ_OVERFLOW | SQ_TASKRUN))
		flags |= IORING_ENTER_GETEVENTS;
	if (ring->is_polled && waiting && (asks & IORING_SQ_NEED_WAKEUP))
		flags |= IORING_ENTER_SQ_WAKEUP;
	if (!ring->is_polled)
		submit = waiting;
	if (!flags && !submit)
		return 0;
	rc = enter(ring->fd, submit, flags);
	if (rc == -EINTR || rc == -EAGAIN || rc == -EBUSY)
		rc = 0;
	return rc ? rc : 1;
}

/* Without flags the call wakes nobody, but it fails where the thread is gone. */
int wn_uring_ring_wake(struct wn_uring_ring *ring, int64_t now_ns)
{
	int rc = wn_uring_ring_enter(ring);

	if (!rc && ring->is_polled && now_ns - ring->checked_ns > WN_SECOND_NS) {
		ring->checked_ns = now_ns;
		rc = enter(ring->fd, 0, 0) == -EOWNERDEAD ? -EOWNERDEAD : 0;
	}
	return rc == -EBADF || rc == -EBADFD ? -ENODEV : rc;
}

/* Without a thread of the kernel's, what is on the sq goes with the same call. */
static int wait_inside(const struct wn_uring_ring *ring, int64_t wait_ns)
{
	const struct __kernel_timespec timeout = {wait_ns / WN_SECOND_NS, wait_ns % WN_SECOND_NS};
	const struct io_uring_getevents_arg argument = {.ts = (uint64_t)(uintptr_t)&timeout};

	syscall(__NR_io_uring_enter, ring->fd, wn_uring_ring_waiting(ring), 1,
		IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &argument, sizeof(argument));
	return wn_uring_ring_untaken(ring) != 0;
}

int wn_uring_ring_wait(const struct wn_uring_ring *ring, int64_t wait_ns)
{
	const int64_t least_ns = wn_uring_ring_waiting(ring) && wait_ns > SHORT_WAIT_NS ? SHORT_WAIT_NS : wait_ns;
	const struct timespec timeout = {least_ns / WN_SECOND_NS, least_ns % WN_SECOND_NS};
	struct pollfd poll_fd = {.fd = ring->fd, .events = POLLIN};

	if (!ring->is_polled)
		return wait_inside(ring, least_ns);
	return ppoll(&poll_fd, 1, &timeout, NULL) > 0 && (poll_fd.revents & POLLIN);
}

int wn_uring_ring_cancel(const struct wn_uring_ring *ring, uint64_t user_data)
{
	return cancel(ring, (struct cancel_request){.user_data = user_data});
}

int wn_uring_ring_drain(const struct wn_uring_ring *ring, int64_t wait_ns)
{
	const struct timespec pause = {0, WN_MILLISECOND_NS / 10};
	const int64_t until_ns = wn_clock_ns() + wait_ns;

	do {
		const int rc = wn_uring_ring_enter(ring);

		if (!wn_uring_ring_waiting(ring) && !cancel(ring, (struct cancel_request){.flags = CANCEL_ANY}))
			return 0;
		if (rc < 0)
			return rc;
		nanosleep(&pause, NULL);
	} while (wn_clock_ns() < until_ns);
	return -ETIMEDOUT;
}

int wn_uring_ring_reset(const struct wn_uring_ring *ring, uint32_t file_slots)
{
	struct buffers_request request = {.address = 0};
	int rc = set(ring->fd, UNREGISTER_PBUF_RING, &request, 1);

	do {
		wn_store_release(ring->cq.consumer, wn_load_acquire(ring->cq.producer));
	} while (wn_uring_ring_enter(ring) > 0);
	if (!rc)
		rc = set(ring->fd, IORING_UNREGISTER_FILES, NULL, 0);
	if (!rc)
		rc = set_table(ring, file_slots);
	wn_store_release16(&ring->buffers->tail, 0);
	return rc ? rc : set_buffers(ring);
}

int wn_uring_ring_buffers_taken(const struct wn_uring_ring *ring)
{
	struct buffers_status status = {.group = 0};
	const int rc = set(ring->fd, REGISTER_PBUF_STATUS, &status, 1);

	return rc < 0 ? rc : (int)(status.head & 0xffff);
}
