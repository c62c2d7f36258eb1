/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A uring link in the hands of a device (lane/port_uring.h): hands the rings over, wakes the kernel, ends the receive.
 */
#include "link/uring.h"

#include <errno.h>
#include <string.h>

#include "clock.h"
#include "lane/port_uring.h"
#include "ring/order.h"

enum { UDP_BYTES_MAX = 65507 };

static struct wn_uring_queue *queue_of(struct wn_link *link, uint32_t queue)
{
	struct wn_uring *uring = link->state;

	return &uring->queues[queue];
}

/* -- handing over -- */

static uint64_t address_of(const void *memory)
{
	return (uint64_t)(uintptr_t)memory;
}

static struct wn_uring_rings rings_of(const struct wn_uring *uring, const struct wn_uring_ring *ring)
{
	const int by_message = ring->sends_by_message || uring->has_local;

	return (struct wn_uring_rings){
		.cq = ring->cq,
		.sq = ring->sq,
		.buffers = ring->buffers,
		.words = ring->uring_words,
		.frames_address = address_of(ring->frames),
		.receive_address = address_of(ring->receive),
		.peer_address = address_of(ring->peer),
		.peer_bytes = uring->has_peer ? wn_address_length(&uring->peer) : 0,
		.buffer_mask = ring->frame_count - 1,
		.head_bytes = by_message ? WN_URING_HEAD_BYTES : 0,
		.control_bytes = uring->has_local ? WN_URING_CONTROL_BYTES : 0,
		.arm_count = ring->frame_count / 8,
	};
}

/* A port that the host may use: no device runs. */
static struct wn_uring_port port_of(const struct wn_drive_view *view)
{
	struct wn_uring_port port;

	wn_uring_init(&port, view);
	return port;
}

void wn_uring_arm(const struct wn_drive_view *view)
{
	const uint32_t at = *view->uring.sq.producer;

	wn_uring_write_receive(view, at, ++view->uring.words->generation);
	view->uring.words->receive = WN_URING_ARMED;
	wn_store_release(view->uring.sq.producer, at + 1); /* (P) */
}

uint32_t wn_uring_give_all(const struct wn_drive_view *view, uint8_t state, const uint8_t *but)
{
	const struct wn_uring_port port = port_of(view);
	uint32_t count = 0;

	for (uint32_t i = 0; i < view->frame_count; i++)
		if (view->states[i] == state && !(but && but[i]))
			wn_uring_give(&port, view, count++, i);
	wn_store_release16(&view->uring.buffers->tail, (uint16_t)(port.buffers + count)); /* (P) */
	return count;
}

static void add_regions(const struct wn_uring_queue *own, struct wn_drive *drive)
{
	const struct wn_uring_ring *ring = &own->ring;

	if (own->file.memory)
		drive->regions[drive->region_count++] = (struct wn_drive_region){
			.fd = own->file.memory_fd, .bytes = own->file.memory_bytes, .memory = own->file.memory};
	drive->regions[drive->region_count++] = (struct wn_drive_region){
		.fd = ring->memory_fd, .bytes = ring->memory_bytes, .memory = ring->memory};
	if (!ring->kernel_rings)
		return;
	drive->regions[drive->region_count++] = (struct wn_drive_region){
		.fd = ring->fd, .offset = wn_uring_ring_offset(0), .bytes = ring->kernel_rings_bytes,
		.memory = ring->kernel_rings};
	drive->regions[drive->region_count++] = (struct wn_drive_region){
		.fd = ring->fd, .offset = wn_uring_ring_offset(1), .bytes = ring->kernel_sqes_bytes,
		.memory = ring->kernel_sqes};
}

void wn_uring_view(const struct wn_uring *uring, const struct wn_uring_queue *own, struct wn_drive_view *view)
{
	const struct wn_uring_ring *ring = &own->ring;

	view->kind = WN_DRIVE_URING;
	view->frame_count = ring->frame_count;
	view->frame_shift = (uint32_t)__builtin_ctz(ring->frame_bytes);
	view->send_bytes_max = UDP_BYTES_MAX;
	view->frames = ring->frames;
	view->states = view->checked = ring->states;
	view->words = ring->words;
	view->uring = rings_of(uring, ring);
	wn_uring_file_view(&own->file, uring->has_local, &uring->bound, &view->file);
}

int wn_uring_drive(struct wn_link *link, uint32_t queue, struct wn_drive *drive, struct wn_error *error)
{
	const struct wn_uring *uring = link->state;
	struct wn_uring_queue *own = queue_of(link, queue);
	struct wn_uring_ring *ring = &own->ring;

	(void)error;
	wn_uring_view(uring, own, &drive->view);
	ring->receive->name_bytes = WN_URING_NAME_BYTES;
	ring->receive->control_bytes = drive->view.uring.control_bytes;
	if (uring->has_peer)
		memcpy(ring->peer, &uring->peer, wn_address_length(&uring->peer));
	ring->uring_words->free_count = wn_uring_give_all(&drive->view, WN_FRAME_FREE, NULL);
	wn_uring_arm(&drive->view);
	add_regions(own, drive);
	return 0;
}

/* -- the thread beside the device -- */

uint32_t wn_uring_sending(struct wn_link *link, uint32_t queue)
{
	return wn_uring_ring_waiting(&queue_of(link, queue)->ring);
}

int wn_uring_wake(struct wn_link *link, uint32_t queue)
{
	return wn_uring_ring_wake(&queue_of(link, queue)->ring, wn_clock_ns());
}

int wn_uring_wait(struct wn_link *link, uint32_t queue, int64_t wait_ns)
{
	return wn_uring_ring_wait(&queue_of(link, queue)->ring, wait_ns);
}

/*
 * The sq is the device's, so the receive is cancelled by a system call of its own. The device may just be arming it
 * again, having run out of frames: so until there is none, and nothing on the sq or the cq.
 */
int wn_uring_quiesce(struct wn_link *link, uint32_t queue)
{
	struct wn_uring_queue *own = queue_of(link, queue);
	const struct wn_uring_ring *ring = &own->ring;

	own->is_closing = 1;
	if (wn_uring_ring_waiting(ring))
		return 0;
	return !wn_uring_ring_cancel(ring, wn_uring_receive_id(ring->uring_words->generation)) && !wn_uring_ring_waiting(ring) && !wn_uring_ring_untaken(ring);
}
