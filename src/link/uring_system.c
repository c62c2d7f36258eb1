/* SPDX-License-Identifier: Apache-2.0 */
#include "link/uring_system.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "clock.h"

enum {
	OP_SEND_ZC = 47,                /* 6.0, as multishot RECVMSG is */
	REGISTER_FILES2 = 13,           /* 5.13 */
	REGISTER_FILES_SPARSE = 1 << 0, /* 5.19 */
	REGISTER_PBUF_RING = 22,        /* 5.19 */
	UNREGISTER_PBUF_RING = 23,
	REGISTER_SYNC_CANCEL = 24,      /* 6.0 */
	REGISTER_PBUF_STATUS = 26,      /* 6.8 */
	CANCEL_ALL = 1 << 0,
	CANCEL_ANY = 1 << 2,
	SYNC_CANCEL_NS = 10 * WN_MILLISECOND_NS,
};

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

int wn_uring_setup(uint32_t entries, struct io_uring_params *params)
{
	const int fd = (int)syscall(__NR_io_uring_setup, entries, params);

	return fd < 0 ? -errno : fd;
}

int wn_uring_enter(int fd, uint32_t submit, uint32_t flags)
{
	return syscall(__NR_io_uring_enter, fd, submit, 0, flags, NULL, 0) < 0 ? -errno : 0;
}

int wn_uring_register(int fd, uint32_t what, void *argument, uint32_t count)
{
	const int rc = (int)syscall(__NR_io_uring_register, fd, what, argument, count);

	return rc < 0 ? -errno : rc;
}

int wn_uring_has_multishot(int fd)
{
	_Alignas(8) uint8_t answer[sizeof(struct io_uring_probe) + (OP_SEND_ZC + 1) * sizeof(struct io_uring_probe_op)];
	struct io_uring_probe *probe = (void *)answer;

	memset(answer, 0, sizeof(answer));
	return !wn_uring_register(fd, IORING_REGISTER_PROBE, answer, OP_SEND_ZC + 1) && probe->last_op >= OP_SEND_ZC &&
	       (probe->ops[OP_SEND_ZC].flags & IO_URING_OP_SUPPORTED);
}

int wn_uring_register_buffers(int fd, const void *buffers, uint32_t entries)
{
	struct buffers_request request = {.address = (uint64_t)(uintptr_t)buffers, .entries = entries};

	return wn_uring_register(fd, REGISTER_PBUF_RING, &request, 1);
}

int wn_uring_unregister_buffers(int fd)
{
	struct buffers_request request = {.address = 0};

	return wn_uring_register(fd, UNREGISTER_PBUF_RING, &request, 1);
}

int wn_uring_buffers_taken(int fd)
{
	struct buffers_status status = {.group = 0};
	const int rc = wn_uring_register(fd, REGISTER_PBUF_STATUS, &status, 1);

	return rc < 0 ? rc : (int)(status.head & 0xffff);
}

int wn_uring_register_table(int fd, uint32_t slots)
{
	struct files_request request = {.count = slots, .flags = REGISTER_FILES_SPARSE};
	struct rlimit limit;

	/* As many as descriptors a process may have, though these are none. */
	if (!getrlimit(RLIMIT_NOFILE, &limit) && limit.rlim_cur < slots && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max == RLIM_INFINITY || limit.rlim_max > slots ? slots : limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	return wn_uring_register(fd, REGISTER_FILES2, &request, sizeof(request));
}

static int cancel(int fd, struct cancel_request request)
{
	int rc;

	request.fd = -1;
	request.nanoseconds = SYNC_CANCEL_NS;
	request.flags |= CANCEL_ALL;
	rc = wn_uring_register(fd, REGISTER_SYNC_CANCEL, &request, 1);
	return rc == -ENOENT ? 0 : rc;
}

int wn_uring_cancel(int fd, uint64_t user_data)
{
	return cancel(fd, (struct cancel_request){.user_data = user_data});
}

int wn_uring_cancel_all(int fd)
{
	return cancel(fd, (struct cancel_request){.flags = CANCEL_ANY});
}
