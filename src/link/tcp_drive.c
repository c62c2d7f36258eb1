/* SPDX-License-Identifier: Apache-2.0 */
/* A uring:tcp link in the hands of a device (lane/stream.h): hands the ring over, wakes the kernel, takes it back. */
#include <errno.h>
#include <linux/io_uring.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "clock.h"
#include "lane/port_stream.h"
#include "link/tcp.h"
#include "ring/order.h"

#define DRAIN_NS (200 * WN_MILLISECOND_NS)
#define GRACE_NS (500 * WN_MILLISECOND_NS) /* at the end: for replies that are under way */

/* Headers older than the kernel lack some of these; those that they have are the same. */
_Static_assert((int)WN_URING_OP_ACCEPT == IORING_OP_ACCEPT && (int)WN_URING_OP_ASYNC_CANCEL == IORING_OP_ASYNC_CANCEL &&
		       (int)WN_URING_OP_CLOSE == IORING_OP_CLOSE && (int)WN_URING_OP_RECV == IORING_OP_RECV &&
		       (int)WN_URING_OP_SHUTDOWN == IORING_OP_SHUTDOWN, "opcodes");
_Static_assert((int)WN_URING_MSG_WAITALL == MSG_WAITALL && (int)WN_URING_MSG_NOSIGNAL == MSG_NOSIGNAL &&
		       (int)WN_URING_SHUT_WR == SHUT_WR, "sockets");
_Static_assert((int)WN_URING_ENOENT == ENOENT && (int)WN_URING_EAGAIN == EAGAIN && (int)WN_URING_EINTR == EINTR &&
		       (int)WN_URING_ENFILE == ENFILE && (int)WN_URING_ECONNABORTED == ECONNABORTED, "errors");
_Static_assert(sizeof(struct msghdr) <= 64, "msghdr");
_Static_assert((int)WN_CONNECTION_ENDS == WN_ENDS - 1 && (int)WN_CONNECTION_PEER == WN_END_PEER - 1 &&
		       (int)WN_CONNECTION_STOPPED == WN_END_STOPPED - 1, "ends");

static struct wn_tcp_queue *queue_of(struct wn_link *link, uint32_t queue)
{
	struct wn_tcp *tcp = link->state;

	return &tcp->queues[queue];
}

/* -- handing over -- */

static void set_view(const struct wn_tcp_queue *own, struct wn_drive_view *view)
{
	const struct wn_uring_ring *ring = &own->ring;

	view->kind = WN_DRIVE_STREAM;
	view->frame_count = ring->frame_count;
	view->frame_shift = (uint32_t)__builtin_ctz(ring->frame_bytes);
	view->frames = ring->frames;
	view->states = view->checked = ring->states;
	view->words = ring->words;
	view->uring = (struct wn_uring_rings){
		.cq = ring->cq,
		.sq = ring->sq,
		.buffers = ring->buffers,
		.words = ring->uring_words,
		.frames_address = (uint64_t)(uintptr_t)ring->frames,
		.buffer_mask = ring->frame_count - 1,
		.arm_count = ring->frame_count / 8,
	};
	view->stream = own->stream;
}

/* No device runs, and nothing is with the kernel: all frames go there, and the accept. */
static void begin(struct wn_tcp_queue *own)
{
	struct wn_drive_view view = {.kind = 0};
	struct wn_uring_port port;
	uint32_t at;

	set_view(own, &view);
	wn_uring_init(&port, &view);
	for (uint32_t i = 0; i < view.frame_count; i++)
		wn_uring_give(&port, &view, i, i);
	wn_store_release16(&view.uring.buffers->tail, (uint16_t)(port.buffers + view.frame_count)); /* (P) */
	own->ring.uring_words->free_count = view.frame_count;
	own->ring.uring_words->receive = WN_URING_CANCELLED;
	if (own->is_closing)
		return;
	at = *view.uring.sq.producer;
	wn_stream_write_accept(&view, at, ++own->ring.uring_words->generation);
	own->ring.uring_words->receive = WN_URING_ARMED;
	wn_store_release(view.uring.sq.producer, at + 1); /* (P) */
}

static void tell_time(struct wn_tcp_queue *own, int64_t now_ns)
{
	struct timespec wall;

	clock_gettime(CLOCK_REALTIME, &wall);
	wn_store_relaxed64(&own->stream.words->wall_offset_ns,
			   (uint64_t)((int64_t)wall.tv_sec * WN_SECOND_NS + wall.tv_nsec - now_ns));
	own->clock_ns = now_ns;
}

int wn_tcp_drive(struct wn_link *link, uint32_t queue, struct wn_drive *drive, struct wn_error *error)
{
	struct wn_tcp_queue *own = queue_of(link, queue);
	const struct wn_uring_ring *ring = &own->ring;

	(void)error;
	set_view(own, &drive->view);
	tell_time(own, wn_clock_ns());
	begin(own);
	drive->regions[drive->region_count++] = (struct wn_drive_region){
		.fd = ring->memory_fd, .bytes = ring->memory_bytes, .memory = ring->memory};
	drive->regions[drive->region_count++] = (struct wn_drive_region){
		.fd = own->memory_fd, .bytes = own->memory_bytes, .memory = own->memory};
	if (!ring->kernel_rings)
		return 0;
	drive->regions[drive->region_count++] = (struct wn_drive_region){
		.fd = ring->fd, .offset = wn_uring_ring_offset(0), .bytes = ring->kernel_rings_bytes,
		.memory = ring->kernel_rings};
	drive->regions[drive->region_count++] = (struct wn_drive_region){
		.fd = ring->fd, .offset = wn_uring_ring_offset(1), .bytes = ring->kernel_sqes_bytes,
		.memory = ring->kernel_sqes};
	return 0;
}

/* -- the thread beside the device -- */

uint32_t wn_tcp_sending(struct wn_link *link, uint32_t queue)
{
	return wn_uring_ring_waiting(&queue_of(link, queue)->ring);
}

int wn_tcp_wake(struct wn_link *link, uint32_t queue)
{
	struct wn_tcp_queue *own = queue_of(link, queue);
	const int64_t now_ns = wn_clock_ns();

	if (now_ns - own->clock_ns > WN_SECOND_NS / 4)
		tell_time(own, now_ns);
	return wn_uring_ring_wake(&own->ring, now_ns);
}

int wn_tcp_wait(struct wn_link *link, uint32_t queue, int64_t wait_ns)
{
	return wn_uring_ring_wait(&queue_of(link, queue)->ring, wait_ns);
}

/*
 * The accept is cancelled by a system call, as the sq is the device's. The device closes what is idle, and what has
 * a reply under way behind it; later all that is left.
 */
int wn_tcp_quiesce(struct wn_link *link, uint32_t queue)
{
	struct wn_tcp_queue *own = queue_of(link, queue);
	const struct wn_uring_ring *ring = &own->ring;
	const int64_t now_ns = wn_clock_ns();

	if (!own->is_closing)
		own->closing_ns = now_ns;
	own->is_closing = 1;
	wn_store_release(&own->stream.words->closing, now_ns - own->closing_ns > GRACE_NS ? 2 : 1);
	if (wn_uring_ring_waiting(ring))
		return 0;
	return !wn_uring_ring_cancel(ring, wn_stream_id(WN_STREAM_ACCEPT, ring->uring_words->generation, 0)) &&
	       !wn_load_acquire64(&own->stream.words->totals[WN_STREAM_OPEN]) && !wn_uring_ring_waiting(ring) && !wn_uring_ring_untaken(ring);
}

/* -- the end -- */

/* Connections that the device left behind are closed here. Returns the answers that had not gone. */
static uint32_t end_connections(struct wn_tcp_queue *own)
{
	uint64_t *totals = own->stream.words->totals;
	uint32_t answers = 0;

	for (uint32_t i = 0; i < own->stream.connection_count; i++) {
		struct wn_conn *conn = &own->stream.conns[i];

		if (conn->flags & WN_CONN_OPEN)
			answers += conn->answers;
		conn->flags = conn->answers = conn->file_version = 0;
	}
	wn_store_release64(&totals[WN_STREAM_ENDED + WN_END_STOPPED],
			   totals[WN_STREAM_ENDED + WN_END_STOPPED] + totals[WN_STREAM_OPEN]);
	wn_store_release64(&totals[WN_STREAM_OPEN], 0);
	own->stream.words->starved = 0;
	return answers;
}

/* What the device had not shown of its counts is not known. Whatever it was about, its connections end. */
void wn_tcp_settle(struct wn_link *link, uint32_t queue, struct wn_drive_cursors *cursors)
{
	struct wn_tcp_queue *own = queue_of(link, queue);
	const struct wn_uring_ring *ring = &own->ring;
	const uint64_t *shown = ring->words->values;
	const int is_clean = wn_load_acquire(&ring->words->left) && !own->stream.words->totals[WN_STREAM_OPEN];

	cursors->taken = (uint32_t)(shown[WN_DRIVE_TAKEN] + shown[WN_DRIVE_BAD_ARRIVALS]);
	cursors->sent = (uint32_t)(shown[WN_DRIVE_ANSWERED] + shown[WN_DRIVE_FORWARDED]);
	if (!is_clean) {
		uint32_t left;

		wn_uring_ring_drain(ring, DRAIN_NS);
		/* Connections also know of answers of the last batch, which were never shown as sent. */
		left = end_connections(own);
		cursors->unsent = left < cursors->sent ? left : cursors->sent;
		wn_uring_ring_reset(ring, own->stream.connection_count);
		begin(own);
	}
	cursors->cq = wn_load_acquire(ring->cq.consumer);
	cursors->sq = wn_load_acquire(ring->sq.producer);
}

/* All frames are with the kernel, to be received into, but those that a connection holds. */
void wn_tcp_census(struct wn_link *link, uint32_t queue, struct wn_census *census)
{
	struct wn_tcp_queue *own = queue_of(link, queue);
	const int taken = wn_uring_ring_buffers_taken(&own->ring);
	struct wn_drive_view view = {.kind = 0};
	uint32_t free_frames = 0, untaken_frames = 0;

	set_view(own, &view);
	for (uint32_t i = 0; i < view.frame_count; i++)
		free_frames += view.states[i] == WN_FRAME_FREE;
	for (uint32_t at = *view.uring.cq.consumer; at != wn_load_acquire(view.uring.cq.producer); at++)
		untaken_frames += (wn_uring_cqe_at(&view, at)->flags & WN_URING_CQE_BUFFER) != 0;
	census->frames += view.frame_count;
	census->device += view.frame_count - free_frames;
	census->rx += untaken_frames;
	/* Before Linux 6.8 nobody tells which buffers are taken: none is, once no connection is left. */
	census->fill += taken < 0 ? free_frames - untaken_frames : (uint16_t)(view.uring.buffers->tail - (uint16_t)taken);
	if (taken >= 0)
		census->kernel += free_frames - untaken_frames - (uint16_t)(view.uring.buffers->tail - (uint16_t)taken);
	census->bad_entries += own->ring.words->values[WN_DRIVE_BAD_ARRIVALS];
}

/* -- asked by others -- */

uint32_t wn_tcp_file_users(struct wn_link *link, uint32_t queue, uint32_t version)
{
	const struct wn_tcp_queue *own = queue_of(link, queue);
	uint32_t users = 0;

	for (uint32_t i = 0; i < own->stream.connection_count; i++)
		users += wn_load_acquire(&own->stream.conns[i].file_version) == version;
	return users;
}

void wn_tcp_connections(struct wn_link *link, uint32_t queue, struct wn_connections *connections)
{
	const uint64_t *totals = queue_of(link, queue)->stream.words->totals;

	connections->accepted += wn_load_acquire64(&totals[WN_STREAM_ACCEPTED]);
	connections->open += wn_load_acquire64(&totals[WN_STREAM_OPEN]);
	connections->accept_errors += wn_load_acquire64(&totals[WN_STREAM_ACCEPT_ERRORS]);
	connections->unread_bytes += wn_load_acquire64(&totals[WN_STREAM_UNREAD_BYTES]);
	for (uint32_t i = 0; i < WN_CONNECTION_ENDS; i++)
		connections->ended[i] += wn_load_acquire64(&totals[WN_STREAM_ENDED + WN_END_PEER + i]);
}
