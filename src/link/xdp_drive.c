/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An xdp link whose sockets a device drives itself (lane/port_xdp.h): hands them over, wakes the kernel,
 * knows at the end where every frame is.
 */
#include "link/xdp.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "clock.h"
#include "link/bpf.h"
#include "ring/order.h"

enum { SHORT_WAIT_NS = 50000 };

/* How long after its entry left the map of sockets a frame may still arrive: that map is read under RCU. */
#define SETTLE_NS (2 * WN_MILLISECOND_NS)
#define LOOK_NS (20 * WN_MILLISECOND_NS)

static struct wn_xdp_queue *queue_of(struct wn_link *link, uint32_t queue)
{
	struct wn_xdp_state *state = link->state;

	return &state->queues[queue];
}

static uint32_t frames_of(const struct wn_xdp_socket *s)
{
	return 2 * s->frame_count;
}

static uint8_t *states_of(const struct wn_xdp_socket *s)
{
	return s->frames + s->frames_bytes;
}

/* -- handing over -- */

static struct wn_kernel_ring ring_of(const struct wn_xdp_ring *ring)
{
	return (struct wn_kernel_ring){
		.producer = ring->producer,
		.consumer = ring->consumer,
		.flags = ring->flags,
		.entries = ring->entries,
		.mask = ring->mask,
	};
}

static void add_region(struct wn_drive *drive, int fd, uint64_t offset, void *memory, size_t bytes)
{
	drive->regions[drive->region_count++] =
		(struct wn_drive_region){.fd = fd, .offset = offset, .bytes = bytes, .memory = memory};
}

/* The half that is for sending where the host drives goes to the kernel, to receive into, as well. */
static void fill_all(struct wn_xdp_socket *s)
{
	for (uint32_t i = s->frame_count; i < frames_of(s); i++)
		((uint64_t *)s->fill.entries)[s->fill.ours++ & s->fill.mask] = (uint64_t)i * s->frame_bytes;
	wn_store_release(s->fill.producer, s->fill.ours); /* (P) */
	s->free_count = 0;
}

int wn_xdp_drive(struct wn_link *link, uint32_t queue, struct wn_drive *drive, struct wn_error *error)
{
	const struct wn_xdp_state *state = link->state;
	struct wn_xdp_socket *s = &queue_of(link, queue)->socket;
	struct wn_xdp_ring *rings[] = {&s->fill, &s->rx, &s->tx, &s->completion};

	(void)error;
	fill_all(s);
	drive->view.kind = WN_DRIVE_XDP;
	drive->view.frame_count = frames_of(s);
	drive->view.frame_shift = (uint32_t)__builtin_ctz(s->frame_bytes);
	drive->view.send_bytes_max = state->interface.mtu + ETH_HLEN;
	drive->view.frames = s->frames;
	drive->view.states = drive->view.checked = states_of(s);
	drive->view.words = (struct wn_drive_words *)(void *)(s->frames + s->memory_bytes - WN_XDP_WORDS_BYTES);
	drive->view.xdp.fill = ring_of(&s->fill);
	drive->view.xdp.rx = ring_of(&s->rx);
	drive->view.xdp.tx = ring_of(&s->tx);
	drive->view.xdp.completion = ring_of(&s->completion);
	add_region(drive, s->memory_fd, 0, s->frames, s->memory_bytes);
	for (size_t i = 0; i < sizeof(rings) / sizeof(rings[0]); i++)
		add_region(drive, s->fd, rings[i]->page_offset, rings[i]->memory, rings[i]->bytes);
	link->limits.can_send = 0; /* by the host */
	return 0;
}

/* -- the thread beside the device -- */

uint32_t wn_xdp_sending(struct wn_link *link, uint32_t queue)
{
	const struct wn_xdp_socket *s = &queue_of(link, queue)->socket;

	return wn_load_acquire(s->tx.producer) - wn_load_acquire(s->tx.consumer);
}

int wn_xdp_wake(struct wn_link *link, uint32_t queue)
{
	const struct wn_xdp_socket *s = &queue_of(link, queue)->socket;
	int made = 0, rc = 0;

	if (wn_load_relaxed(s->fill.flags) & XDP_RING_NEED_WAKEUP) {
		rc = recvfrom(s->fd, NULL, 0, MSG_DONTWAIT, NULL, NULL) < 0 ? -errno : 0;
		made = 1;
	}
	if (wn_xdp_sending(link, queue) && (wn_load_relaxed(s->tx.flags) & XDP_RING_NEED_WAKEUP)) {
		rc = sendto(s->fd, NULL, 0, MSG_DONTWAIT, NULL, 0) < 0 ? -errno : 0;
		made = 1;
	}
	if (rc == -ENXIO || rc == -EBADF)
		return -ENODEV;
	if (rc == -EAGAIN || rc == -EBUSY || rc == -ENOBUFS || rc == -EINTR)
		rc = 0;
	return rc ? rc : made;
}

/* Whether most frames are out to be sent: their return is not something that poll tells. */
static int is_short(const struct wn_xdp_socket *s)
{
	return wn_load_acquire(s->tx.producer) - wn_load_acquire(s->completion.consumer) > s->frame_count;
}

/*
 * Now and then, where nothing comes: is the interface there? A socket whose interface was removed will never
 * receive again, and poll does not tell.
 */
static int look_at_interface(struct wn_xdp_queue *q)
{
	const int64_t now_ns = wn_clock_ns();

	if (now_ns - q->looked_ns < LOOK_NS)
		return 0;
	q->looked_ns = now_ns;
	if (recvfrom(q->socket.fd, NULL, 0, MSG_DONTWAIT, NULL, NULL) < 0 && (errno == ENXIO || errno == EBADF))
		return -ENODEV;
	return 0;
}

int wn_xdp_wait(struct wn_link *link, uint32_t queue, int64_t wait_ns)
{
	struct wn_xdp_queue *q = queue_of(link, queue);
	struct pollfd poll_fd = {.fd = q->socket.fd, .events = POLLIN};
	const int64_t ns = is_short(&q->socket) || wn_xdp_sending(link, queue) ? SHORT_WAIT_NS : wait_ns;
	const struct timespec timeout = {ns / WN_SECOND_NS, ns % WN_SECOND_NS};

	if (ppoll(&poll_fd, 1, &timeout, NULL) > 0 && (poll_fd.revents & POLLIN))
		return 1;
	return look_at_interface(q);
}

int wn_xdp_quiesce(struct wn_link *link, uint32_t queue)
{
	struct wn_xdp_state *state = link->state;
	struct wn_xdp_queue *q = &state->queues[queue];
	const struct wn_xdp_socket *s = &q->socket;

	if (!q->quiet_ns) {
		wn_bpf_socket_map_clear(state->map_fd, state->first_queue + queue);
		q->quiet_ns = wn_clock_ns();
	}
	return wn_clock_ns() - q->quiet_ns > SETTLE_NS &&
	       wn_load_acquire(s->rx.producer) == wn_load_acquire(s->rx.consumer);
}

/* -- when the device stands still -- */

static uint32_t frame_at(const struct wn_xdp_socket *s, const struct wn_xdp_ring *ring, uint32_t at)
{
	const uint64_t address = ring == &s->rx ? ((const struct xdp_desc *)ring->entries)[at & ring->mask].addr
						: ((const uint64_t *)ring->entries)[at & ring->mask];

	return address / s->frame_bytes < frames_of(s) ? (uint32_t)(address / s->frame_bytes) : UINT32_MAX;
}

/*
 * Entries that the device had taken and not given back when it died: up to the last one whose frame is not in the
 * `state` that waiting frames of this ring have. They are given back; their frames are the device's.
 * What it was about to do with them was not shown to the kernel (lane/port_xdp.h: first (F), then (P)).
 */
static void drop_batch(struct wn_xdp_socket *s, struct wn_xdp_ring *ring, uint8_t state)
{
	const uint32_t first = wn_load_acquire(ring->consumer), end = wn_load_acquire(ring->producer);
	uint32_t next = first;

	for (uint32_t at = first; at != end; at++) {
		const uint32_t frame = frame_at(s, ring, at);

		if (frame != UINT32_MAX && states_of(s)[frame] != state)
			next = at + 1;
	}
	for (uint32_t at = first; at != next; at++) {
		const uint32_t frame = frame_at(s, ring, at);

		if (frame != UINT32_MAX)
			states_of(s)[frame] = WN_FRAME_DEVICE;
	}
	wn_store_release(ring->consumer, next); /* (F) */
}

/* All rings stand still but for the kernel's cursors; frames the device held are free again. */
void wn_xdp_settle(struct wn_link *link, uint32_t queue, struct wn_drive_cursors *cursors)
{
	struct wn_xdp_socket *s = &queue_of(link, queue)->socket;
	uint32_t fill = wn_load_acquire(s->fill.producer);

	drop_batch(s, &s->rx, WN_FRAME_FREE);
	drop_batch(s, &s->completion, WN_FRAME_SENDING);
	cursors->taken = wn_load_acquire(s->rx.consumer);
	cursors->sent = wn_load_acquire(s->tx.producer);
	cursors->unsent = cursors->sent - wn_load_acquire(s->tx.consumer);
	for (uint32_t i = 0; i < frames_of(s); i++) {
		if (states_of(s)[i] != WN_FRAME_DEVICE)
			continue;
		states_of(s)[i] = WN_FRAME_FREE;
		((uint64_t *)s->fill.entries)[fill++ & s->fill.mask] = (uint64_t)i * s->frame_bytes;
	}
	wn_store_release(s->fill.producer, fill); /* (P) */
}

/* Marks the frames of the entries that wait on a ring. Returns how many there are. */
static uint32_t mark(const struct wn_xdp_socket *s, const struct wn_xdp_ring *ring, int is_address,
		     uint8_t *seen, uint32_t *twice)
{
	const uint32_t end = wn_load_acquire(ring->producer);
	uint32_t count = 0;

	for (uint32_t at = wn_load_acquire(ring->consumer); at != end; at++, count++) {
		const uint64_t address =
			is_address ? ((const uint64_t *)ring->entries)[at & ring->mask]
				   : ((const struct xdp_desc *)ring->entries)[at & ring->mask].addr;
		const uint64_t frame = address / s->frame_bytes;

		if (frame >= frames_of(s) || seen[frame])
			++*twice;
		else
			seen[frame] = 1;
	}
	return count;
}

void wn_xdp_census(struct wn_link *link, uint32_t queue, struct wn_census *census)
{
	const struct wn_xdp_socket *s = &queue_of(link, queue)->socket;
	uint8_t *seen = calloc(frames_of(s), 1);
	const struct wn_drive_words *words =
		(const struct wn_drive_words *)(const void *)(s->frames + s->memory_bytes - WN_XDP_WORDS_BYTES);

	if (!seen)
		return;
	census->frames += frames_of(s);
	/* A ring whose consumer is the kernel may show entries that it has taken: what it holds comes later. */
	census->rx += mark(s, &s->rx, 0, seen, &census->twice);
	census->completion += mark(s, &s->completion, 1, seen, &census->twice);
	census->tx += mark(s, &s->tx, 0, seen, &census->twice);
	census->fill += mark(s, &s->fill, 1, seen, &census->twice);
	for (uint32_t i = 0; i < frames_of(s); i++) {
		census->device += !seen[i] && states_of(s)[i] == WN_FRAME_DEVICE;
		census->kernel += !seen[i] && states_of(s)[i] != WN_FRAME_DEVICE;
	}
	census->bad_entries += words->values[WN_DRIVE_BAD_ARRIVALS] + words->values[WN_DRIVE_BAD_RETURNS];
	free(seen);
}
