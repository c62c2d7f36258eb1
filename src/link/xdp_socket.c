/* SPDX-License-Identifier: Apache-2.0 */
#include "link/xdp_socket.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "ring/order.h"

enum {
	BUSY_NS = WN_SECOND_NS,     /* how long bind waits for a queue that another socket has */
	PAGE_BYTES = 4096,
};

/* -- open -- */

static int fail(const struct wn_xdp_socket_setup *setup, const char *step, int code,
		struct wn_error *error)
{
	return wn_fail(error, code, WN_UNAVAILABLE, "xdp link '%s': queue %u: %s: %s",
		       setup->interface, setup->queue, step, strerror(code));
}

static int open_socket(struct wn_xdp_socket *s, const struct wn_xdp_socket_setup *setup,
		       struct wn_error *error)
{
	s->fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (s->fd >= 0)
		return 0;
	if (errno == EPERM || errno == EACCES)
		return wn_fail(error, errno, WN_UNAVAILABLE,
			       "xdp link '%s': no permission: AF_XDP sockets need CAP_NET_RAW, and "
			       "their program CAP_BPF and CAP_NET_ADMIN; run as root, or: setcap "
			       "cap_net_raw,cap_net_admin,cap_bpf+ep %s", setup->interface,
			       program_invocation_name);
	if (errno == EAFNOSUPPORT)
		return wn_fail(error, errno, WN_UNAVAILABLE,
			       "xdp link '%s': this kernel has no AF_XDP sockets "
			       "(CONFIG_XDP_SOCKETS); the packet link does without", setup->interface);
	return fail(setup, "socket(AF_XDP)", errno, error);
}

static int register_frames(struct wn_xdp_socket *s, const struct wn_xdp_socket_setup *setup,
			   struct wn_error *error)
{
	struct xdp_umem_reg request = { .chunk_size = s->frame_bytes };
	struct rlimit limit = { 0, 0 };
	void *memory = MAP_FAILED;

	s->frames_bytes = (size_t)s->frame_bytes * s->frame_count * 2;
	s->memory_bytes = s->frames_bytes + ((size_t)s->frame_count * 2 + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES +
			  PAGE_BYTES;
	s->memory_fd = memfd_create("warpnic-xdp", MFD_CLOEXEC);
	if (s->memory_fd >= 0 && !ftruncate(s->memory_fd, (off_t)s->memory_bytes))
		memory = mmap(NULL, s->memory_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
			      s->memory_fd, 0);
	if (memory == MAP_FAILED)
		return fail(setup, "memory for its frames", errno, error);
	s->frames = memory;
	request.addr = (uint64_t)(uintptr_t)s->frames;
	request.len = s->frames_bytes;
	if (!setsockopt(s->fd, SOL_XDP, XDP_UMEM_REG, &request, sizeof(request)))
		return 0;
	if (errno != ENOBUFS)
		return fail(setup, "XDP_UMEM_REG", errno, error);
	getrlimit(RLIMIT_MEMLOCK, &limit);
	return wn_fail(error, ENOBUFS, WN_UNAVAILABLE,
		       "xdp link '%s': queue %u: %zu KiB of frames are more than the %llu KiB that "
		       "may be locked (RLIMIT_MEMLOCK); raise it (ulimit -l unlimited, LimitMEMLOCK=), "
		       "or give a smaller ring=", setup->interface, setup->queue, s->frames_bytes >> 10,
		       (unsigned long long)limit.rlim_cur >> 10);
}

static int map_ring(struct wn_xdp_socket *s, struct wn_xdp_ring *ring, uint32_t entries,
		    const struct xdp_ring_offset *offsets, size_t entry_bytes, uint64_t page_offset)
{
	void *memory;

	ring->page_offset = page_offset;
	ring->bytes = (offsets->desc + entry_bytes * entries + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
	memory = mmap(NULL, ring->bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, s->fd,
		      (off_t)page_offset);
	if (memory == MAP_FAILED)
		return -errno;
	ring->memory = memory;
	ring->producer = (uint32_t *)(void *)(ring->memory + offsets->producer);
	ring->consumer = (uint32_t *)(void *)(ring->memory + offsets->consumer);
	ring->flags = (uint32_t *)(void *)(ring->memory + offsets->flags);
	ring->entries = ring->memory + offsets->desc;
	ring->mask = entries - 1;
	return 0;
}

static int map_rings(struct wn_xdp_socket *s)
{
	const uint32_t theirs = 2 * s->frame_count, ours = 2 * theirs;
	struct xdp_mmap_offsets at;
	socklen_t length = sizeof(at);
	int rc;

	if (setsockopt(s->fd, SOL_XDP, XDP_UMEM_FILL_RING, &ours, sizeof(ours)) ||
	    setsockopt(s->fd, SOL_XDP, XDP_UMEM_COMPLETION_RING, &theirs, sizeof(theirs)) ||
	    setsockopt(s->fd, SOL_XDP, XDP_RX_RING, &theirs, sizeof(theirs)) ||
	    setsockopt(s->fd, SOL_XDP, XDP_TX_RING, &ours, sizeof(ours)) ||
	    getsockopt(s->fd, SOL_XDP, XDP_MMAP_OFFSETS, &at, &length))
		return -errno;
	rc = map_ring(s, &s->fill, ours, &at.fr, sizeof(uint64_t), XDP_UMEM_PGOFF_FILL_RING);
	if (!rc)
		rc = map_ring(s, &s->completion, theirs, &at.cr, sizeof(uint64_t),
			      XDP_UMEM_PGOFF_COMPLETION_RING);
	if (!rc)
		rc = map_ring(s, &s->rx, theirs, &at.rx, sizeof(struct xdp_desc), XDP_PGOFF_RX_RING);
	if (!rc)
		rc = map_ring(s, &s->tx, ours, &at.tx, sizeof(struct xdp_desc), XDP_PGOFF_TX_RING);
	return rc;
}

/* The first half of the frames is for receiving, the second for sending. */
static int share_out_frames(struct wn_xdp_socket *s)
{
	s->free = calloc(s->frame_count, sizeof(*s->free));
	s->with_kernel = calloc(2 * (size_t)s->frame_count, sizeof(*s->with_kernel));
	if (!s->free || !s->with_kernel)
		return -ENOMEM;
	for (uint32_t i = 0; i < s->frame_count; i++) {
		((uint64_t *)s->fill.entries)[s->fill.ours++ & s->fill.mask] =
			(uint64_t)i * s->frame_bytes;
		s->with_kernel[i] = 1;
		s->free[s->free_count++] = (uint64_t)(2 * s->frame_count - 1 - i) * s->frame_bytes;
	}
	wn_store_release(s->fill.producer, s->fill.ours); /* (P) */
	return 0;
}

/* The kernel frees a queue a moment after the socket that had it is closed, or its process dead. */
static int bind_patiently(int fd, const struct sockaddr_xdp *address)
{
	const struct timespec pause = { 0, WN_MILLISECOND_NS };
	const int64_t end_ns = wn_clock_ns() + BUSY_NS;

	while (bind(fd, (const struct sockaddr *)address, sizeof(*address))) {
		if (errno != EBUSY || wn_clock_ns() > end_ns)
			return -errno;
		nanosleep(&pause, NULL);
	}
	return 0;
}

static int bind_socket(struct wn_xdp_socket *s, const struct wn_xdp_socket_setup *setup,
		       struct wn_error *error)
{
	struct sockaddr_xdp address = {
		.sxdp_family = AF_XDP,
		.sxdp_flags = XDP_USE_NEED_WAKEUP,
		.sxdp_ifindex = (uint32_t)setup->interface_index,
		.sxdp_queue_id = setup->queue,
	};
	int rc;

	/* Without either the kernel tries zerocopy, then copy. */
	if (setup->mode == WN_XDP_ZEROCOPY)
		address.sxdp_flags |= XDP_ZEROCOPY;
	else if (setup->mode != WN_XDP_AUTO)
		address.sxdp_flags |= XDP_COPY;
	rc = bind_patiently(s->fd, &address);
	if (!rc)
		return 0;
	if (rc == -EBUSY)
		return wn_fail(error, EBUSY, WN_UNAVAILABLE,
			       "xdp link '%s': queue %u belongs to another AF_XDP socket; end what "
			       "has it, or take another queue=", setup->interface, setup->queue);
	if (setup->mode == WN_XDP_ZEROCOPY && (rc == -EOPNOTSUPP || rc == -EINVAL))
		return wn_fail(error, -rc, WN_UNAVAILABLE,
			       "xdp link '%s': mode=zerocopy: its driver cannot (%s); mode=auto takes "
			       "copies then", setup->interface, strerror(-rc));
	return fail(setup, "bind", -rc, error);
}

int wn_xdp_socket_open(struct wn_xdp_socket *s, const struct wn_xdp_socket_setup *setup,
		       struct wn_error *error)
{
	struct xdp_options options = { .flags = 0 };
	socklen_t length = sizeof(options);
	int rc;

	memset(s, 0, sizeof(*s));
	s->fd = s->memory_fd = -1;
	s->frame_count = setup->entries;
	s->frame_bytes = setup->frame_bytes;
	rc = open_socket(s, setup, error);
	if (!rc)
		rc = register_frames(s, setup, error);
	if (rc)
		return rc;
	rc = map_rings(s);
	if (rc)
		return fail(setup, "rings", -rc, error);
	rc = share_out_frames(s);
	if (rc)
		return fail(setup, "frames", -rc, error);
	rc = bind_socket(s, setup, error);
	if (rc)
		return rc;
	if (!getsockopt(s->fd, SOL_XDP, XDP_OPTIONS, &options, &length))
		s->is_zerocopy = (options.flags & XDP_OPTIONS_ZEROCOPY) != 0;
	return 0;
}

static void unmap_ring(struct wn_xdp_ring *ring)
{
	if (ring->memory)
		munmap(ring->memory, ring->bytes);
}

void wn_xdp_socket_close(struct wn_xdp_socket *s)
{
	unmap_ring(&s->tx);
	unmap_ring(&s->rx);
	unmap_ring(&s->completion);
	unmap_ring(&s->fill);
	if (s->fd >= 0)
		close(s->fd);
	if (s->frames)
		munmap(s->frames, s->memory_bytes);
	if (s->memory_fd >= 0)
		close(s->memory_fd);
	free(s->free);
	free(s->with_kernel);
	memset(s, 0, sizeof(*s));
	s->fd = s->memory_fd = -1;
}

/* -- frames -- */

/* Whether the kernel may hand this address back: a frame of ours, of that half, that it has. */
static int is_ours(const struct wn_xdp_socket *s, uint64_t address, uint32_t first_frame)
{
	const uint64_t frame = address / s->frame_bytes;

	return frame >= first_frame && frame - first_frame < s->frame_count && s->with_kernel[frame];
}

const uint8_t *wn_xdp_receive_peek(struct wn_xdp_socket *s, uint32_t *length)
{
	struct wn_xdp_ring *rx = &s->rx;

	for (;; rx->ours++) {
		const struct xdp_desc *entry;

		if (rx->ours == rx->theirs)
			rx->theirs = wn_load_acquire(rx->producer); /* (C) */
		if (rx->ours == rx->theirs)
			return NULL;
		entry = (const struct xdp_desc *)rx->entries + (rx->ours & rx->mask);
		if (is_ours(s, entry->addr, 0) &&
		    entry->len <= s->frame_bytes - entry->addr % s->frame_bytes) {
			*length = entry->len;
			return s->frames + entry->addr;
		}
		wn_store_relaxed64(&s->bad_addresses, s->bad_addresses + 1);
	}
}

void wn_xdp_receive_retire(struct wn_xdp_socket *s)
{
	struct wn_xdp_ring *rx = &s->rx, *fill = &s->fill;
	const struct xdp_desc *entry = (const struct xdp_desc *)rx->entries + (rx->ours & rx->mask);

	/* There is room: it has an entry for each frame that can ever be put there. */
	((uint64_t *)fill->entries)[fill->ours++ & fill->mask] =
		entry->addr - entry->addr % s->frame_bytes;
	rx->ours++;
}

void wn_xdp_receive_show(struct wn_xdp_socket *s)
{
	wn_store_release(s->rx.consumer, s->rx.ours);     /* (F) */
	wn_store_release(s->fill.producer, s->fill.ours); /* (P) */
}

static void take_completions(struct wn_xdp_socket *s)
{
	struct wn_xdp_ring *done = &s->completion;

	done->theirs = wn_load_acquire(done->producer); /* (C) */
	for (; done->ours != done->theirs; done->ours++) {
		const uint64_t address = ((uint64_t *)done->entries)[done->ours & done->mask];

		if (is_ours(s, address, s->frame_count)) {
			s->with_kernel[address / s->frame_bytes] = 0;
			s->free[s->free_count++] = address - address % s->frame_bytes;
		} else {
			wn_store_relaxed64(&s->bad_completions, s->bad_completions + 1);
		}
	}
	wn_store_release(done->consumer, done->ours); /* (F) */
}

uint8_t *wn_xdp_send_reserve(struct wn_xdp_socket *s)
{
	if (!s->free_count)
		take_completions(s);
	if (!s->free_count)
		return NULL;
	/* More entries than frames, but the kernel may have sent some before it moved its cursor. */
	if (s->tx.ours - s->tx.theirs > s->tx.mask)
		s->tx.theirs = wn_load_acquire(s->tx.consumer); /* (R) */
	if (s->tx.ours - s->tx.theirs > s->tx.mask)
		return NULL;
	return s->frames + s->free[s->free_count - 1];
}

void wn_xdp_send_put(struct wn_xdp_socket *s, uint32_t length)
{
	struct wn_xdp_ring *tx = &s->tx;
	const uint64_t address = s->free[--s->free_count];

	((struct xdp_desc *)tx->entries)[tx->ours++ & tx->mask] =
		(struct xdp_desc){ .addr = address, .len = length };
	s->with_kernel[address / s->frame_bytes] = 1;
}

void wn_xdp_send_show(struct wn_xdp_socket *s)
{
	wn_store_release(s->tx.producer, s->tx.ours); /* (P) */
}

int wn_xdp_send_wake(struct wn_xdp_socket *s)
{
	if (!(wn_load_relaxed(s->tx.flags) & XDP_RING_NEED_WAKEUP))
		return 0;
	return sendto(s->fd, NULL, 0, MSG_DONTWAIT, NULL, 0) < 0 ? -errno : 0;
}

uint32_t wn_xdp_send_waiting(const struct wn_xdp_socket *s)
{
	return s->tx.ours - wn_load_acquire(s->tx.consumer); /* (R) */
}

uint64_t wn_xdp_socket_dropped(const struct wn_xdp_socket *s)
{
	struct xdp_statistics statistics = { .rx_dropped = 0 };
	socklen_t length = sizeof(statistics);

	if (getsockopt(s->fd, SOL_XDP, XDP_STATISTICS, &statistics, &length))
		return 0;
	return statistics.rx_dropped + statistics.rx_ring_full;
}
