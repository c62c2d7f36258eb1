/* SPDX-License-Identifier: Apache-2.0 */
/* A ring while it runs. */
#include "link/uring_ring.h"

#include <errno.h>
#include <linux/io_uring.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "clock.h"
#include "lane/port_uring.h"
#include "link/uring_system.h"
#include "ring/order.h"

#define SHORT_WAIT_NS 50000

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

	if (asks & (WN_URING_SQ_CQ_OVERFLOW | WN_URING_SQ_TASKRUN))
		flags |= IORING_ENTER_GETEVENTS;
	if (ring->is_polled && waiting && (asks & IORING_SQ_NEED_WAKEUP))
		flags |= IORING_ENTER_SQ_WAKEUP;
	if (!ring->is_polled)
		submit = waiting;
	if (!flags && !submit)
		return 0;
	rc = wn_uring_enter(ring->fd, submit, flags);
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
		rc = wn_uring_enter(ring->fd, 0, 0) == -EOWNERDEAD ? -EOWNERDEAD : 0;
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
	return wn_uring_cancel(ring->fd, user_data);
}

int wn_uring_ring_drain(const struct wn_uring_ring *ring, int64_t wait_ns)
{
	const struct timespec pause = {0, WN_MILLISECOND_NS / 10};
	const int64_t until_ns = wn_clock_ns() + wait_ns;

	do {
		const int rc = wn_uring_ring_enter(ring);

		if (!wn_uring_ring_waiting(ring) && !wn_uring_cancel_all(ring->fd))
			return 0;
		if (rc < 0)
			return rc;
		nanosleep(&pause, NULL);
	} while (wn_clock_ns() < until_ns);
	return -ETIMEDOUT;
}

int wn_uring_ring_reset(const struct wn_uring_ring *ring, uint32_t file_slots)
{
	int rc = wn_uring_unregister_buffers(ring->fd);

	do {
		wn_store_release(ring->cq.consumer, wn_load_acquire(ring->cq.producer));
	} while (wn_uring_ring_enter(ring) > 0);
	if (!rc)
		rc = wn_uring_register(ring->fd, IORING_UNREGISTER_FILES, NULL, 0);
	if (!rc)
		rc = wn_uring_register_table(ring->fd, file_slots);
	wn_store_release16(&ring->buffers->tail, 0);
	return rc ? rc : wn_uring_register_buffers(ring->fd, ring->buffers, ring->frame_count);
}

int wn_uring_ring_buffers_taken(const struct wn_uring_ring *ring)
{
	return wn_uring_buffers_taken(ring->fd);
}
