/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A kernel for a device that drives connections, played: an io_uring in plain memory, its table of files, and the peers'
 * side of each connection. It checks what it is asked for, and does what it does when the test says so.
 */
#ifndef WN_TESTS_STREAM_KERNEL_H
#define WN_TESTS_STREAM_KERNEL_H

#include <errno.h>

#include "tests/lane/stream_device.h"

enum {
	FRAMES = 32, SHIFT = 9, ENTRIES = 256, CQ_ENTRIES = 1024, PLACES = 12, LIMIT = 8,
	WINDOW_SHIFT = 11, OUT_SHIFT = 10, IDLE_MS = 5000
};

static const char file_text[] = "*file.";

static struct {
	uint32_t cq_producer, cq_consumer, sq_producer, sq_consumer, flags;
	struct wn_uring_cqe cq[CQ_ENTRIES];
	struct wn_uring_sqe sq[ENTRIES];
	struct wn_uring_buffer buffers[FRAMES];
	struct wn_uring_words words;
	struct wn_drive_words drive_words;
	struct wn_stream_words stream_words;
	struct wn_ring_words handover_words;
	uint8_t frames[FRAMES << SHIFT], states[FRAMES];
	uint8_t windows[PLACES << WINDOW_SHIFT], outs[PLACES << OUT_SHIFT];
	uint32_t lengths[FRAMES], next[FRAMES];
	struct wn_conn conns[PLACES];
	struct wn_stream_message messages[PLACES];
} ring;

/* What the kernel knows of a connection. */
struct peer {
	int is_open;             /* in the table */
	int has_receive, is_multishot, has_send, is_shut, has_ended, is_plain;
	uint64_t receive_id, send_id;
	uint32_t came, went;     /* bytes in each direction */
	uint32_t seed;
	uint32_t send_count;
	struct wn_stream_piece sends[WN_STREAM_PIECES];
};

static struct {
	struct peer peers[PLACES];
	uint32_t buffer_head;
	int has_accept;
	uint64_t accept_id;
	int is_busy;             /* cancels come too early, now and then */
	uint32_t accepted, closed, seed;
} kernel;

static uint32_t any(uint32_t below)
{
	kernel.seed = kernel.seed * 1664525 + 1013904223;
	return (uint32_t)((uint64_t)(kernel.seed >> 8) * below >> 24);
}

/* Byte i of what a peer sends; nothing odd. */
static uint8_t byte_of(const struct peer *peer, uint32_t i)
{
	return (uint8_t)((peer->seed + i * 7 + (i >> 8)) % ODD);
}

static uint64_t at(const void *memory)
{
	return (uint64_t)(uintptr_t)memory;
}

static void make(void)
{
	device_leave();
	memset(&device, 0, sizeof(device));
	memset(&ring, 0, sizeof(ring));
	memset(&kernel, 0, sizeof(kernel));
	kernel.seed = 1;
	clock_ns = 1000000000;
	device.data = (struct wn_program_data){.file = (const uint8_t *)file_text, .file_bytes = 6, .file_address = at(file_text),
					     .file_version = 3};
	device.view = (struct wn_drive_view){
		.kind = WN_DRIVE_STREAM, .frame_count = FRAMES, .frame_shift = SHIFT, .frames = ring.frames,
		.states = ring.states, .checked = ring.states, .words = &ring.drive_words,
		.handover = {.words = &ring.handover_words},
		.uring = {
			.cq = {&ring.cq_producer, &ring.cq_consumer, &ring.flags, (uint8_t *)ring.cq, CQ_ENTRIES - 1, 0},
			.sq = {&ring.sq_producer, &ring.sq_consumer, &ring.flags, (uint8_t *)ring.sq, ENTRIES - 1, 0},
			.buffers = ring.buffers, .words = &ring.words, .frames_address = at(ring.frames),
			.buffer_mask = FRAMES - 1, .arm_count = FRAMES / 8},
		.stream = {
			.conns = ring.conns, .messages = ring.messages, .words = &ring.stream_words, .windows = ring.windows,
			.outs = ring.outs, .lengths = ring.lengths, .next = ring.next, .messages_address = at(ring.messages),
			.outs_address = at(ring.outs), .connection_count = PLACES, .connection_limit = LIMIT,
			.window_shift = WINDOW_SHIFT, .out_shift = OUT_SHIFT, .idle_ms = IDLE_MS, .listener = 77}};
	for (uint32_t i = 0; i < FRAMES; i++) {
		ring.buffers[i].addr = at(ring.frames) + ((uint64_t)i << SHIFT);
		ring.buffers[i].bid = (uint16_t)i;
	}
	ring.buffers[0].tail = FRAMES;
	ring.words.free_count = FRAMES;
	ring.words.receive = WN_URING_ENDED;
}

static void complete(uint64_t user_data, int32_t res, uint32_t flags)
{
	CHECK(ring.cq_producer - ring.cq_consumer < CQ_ENTRIES);
	ring.cq[ring.cq_producer & (CQ_ENTRIES - 1)] = (struct wn_uring_cqe){user_data, res, flags};
	ring.cq_producer++;
}

/* -- the kernel takes what is on the sq -- */

static void take_cancel(const struct wn_uring_sqe *entry)
{
	if (kernel.is_busy && any(2)) {
		complete(entry->user_data, -EALREADY, 0);
		return;
	}
	for (uint32_t i = 0; i < PLACES; i++) {
		struct peer *peer = &kernel.peers[i];

		if (peer->has_receive && peer->receive_id == entry->addr) {
			peer->has_receive = 0;
			complete(entry->addr, -ECANCELED, 0);
			return;
		}
		if (peer->has_send && peer->send_id == entry->addr) {
			peer->has_send = 0;
			complete(entry->addr, -ECANCELED, 0);
			return;
		}
	}
	complete(entry->user_data, -ENOENT, 0);
}

static void take_send(struct peer *peer, const struct wn_uring_sqe *entry)
{
	const struct wn_stream_message *message = (const void *)(uintptr_t)entry->addr;

	CHECK(!peer->has_send);
	CHECK(peer->is_open);
	peer->has_send = 1;
	peer->send_id = entry->user_data;
	peer->send_count = 1;
	peer->sends[0] = (struct wn_stream_piece){entry->addr, entry->len};
	if (entry->opcode != WN_URING_OP_SENDMSG)
		return;
	CHECK_INT(message->vectors, at(message->vector));
	peer->send_count = (uint32_t)message->vector_count;
	memcpy(peer->sends, message->vector, message->vector_count * sizeof(peer->sends[0]));
}

static void take_entry(const struct wn_uring_sqe *entry)
{
	const uint32_t index = entry->addr_len | (uint32_t)entry->pad << 16;
	struct peer *peer = &kernel.peers[entry->fd < PLACES ? entry->fd : 0];

	switch (entry->opcode) {
	case WN_URING_OP_ACCEPT:
		CHECK_INT(entry->fd, 77);
		CHECK_INT(index, WN_URING_INDEX_ALLOC);
		CHECK(!kernel.has_accept);
		kernel.has_accept = 1;
		kernel.accept_id = entry->user_data;
		break;
	case WN_URING_OP_RECV:
		CHECK(peer->is_open && !peer->has_receive);
		peer->has_receive = 1;
		peer->is_multishot = entry->ioprio & WN_URING_RECV_MULTISHOT;
		peer->receive_id = entry->user_data;
		break;
	case WN_URING_OP_SEND:
	case WN_URING_OP_SENDMSG:
		take_send(peer, entry);
		break;
	case WN_URING_OP_ASYNC_CANCEL:
		take_cancel(entry);
		break;
	case WN_URING_OP_SHUTDOWN:
		peer->is_shut = 1;
		complete(entry->user_data, 0, 0);
		break;
	default:
		CHECK_INT(entry->opcode, WN_URING_OP_CLOSE);
		peer = &kernel.peers[index - 1];
		CHECK(peer->is_open && !peer->has_receive && !peer->has_send);
		peer->is_open = 0;
		kernel.closed++;
	}
}

static void take_entries(void)
{
	CHECK(ring.sq_producer - ring.sq_consumer <= ENTRIES);
	for (; ring.sq_consumer != ring.sq_producer; ring.sq_consumer++)
		take_entry(&ring.sq[ring.sq_consumer & (ENTRIES - 1)]);
}

/* -- what it does on its own -- */

static void accept_one(void)
{
	for (uint32_t i = 0; i < PLACES; i++) {
		if (kernel.peers[i].is_open)
			continue;
		kernel.accepted++;
		kernel.peers[i] = (struct peer){.is_open = 1, .seed = any(1000)};
		complete(kernel.accept_id, (int32_t)i, WN_URING_CQE_MORE);
		return;
	}
	kernel.accepted++;
	kernel.closed++;
	kernel.has_accept = 0;
	complete(kernel.accept_id, -ENFILE, 0);
}

/* Bytes come: all `odd`, or, from 256 on, the peer's own. Returns whether there was a frame. */
static int bytes_come(struct peer *peer, uint32_t count, uint32_t odd)
{
	const uint16_t tail = ring.buffers[0].tail;
	uint8_t *bytes;
	uint32_t frame;

	if ((uint16_t)kernel.buffer_head == tail) {
		peer->has_receive = 0;
		complete(peer->receive_id, -ENOBUFS, 0);
		return 0;
	}
	frame = ring.buffers[kernel.buffer_head++ & (FRAMES - 1)].bid;
	bytes = ring.frames + ((size_t)frame << SHIFT);
	for (uint32_t i = 0; i < count; i++)
		bytes[i] = odd < 256 ? (uint8_t)odd : byte_of(peer, peer->came + i);
	peer->came += count;
	peer->has_receive = peer->is_multishot;
	complete(peer->receive_id, (int32_t)count,
		 WN_URING_CQE_BUFFER | frame << WN_URING_CQE_BUFFER_SHIFT | (peer->is_multishot ? WN_URING_CQE_MORE : 0));
	return 1;
}

/* Some of what is being sent goes, and is what came. */
static void bytes_go(struct peer *peer, uint32_t count)
{
	uint32_t done = 0;

	for (uint32_t i = 0; i < peer->send_count && done < count; i++) {
		const uint8_t *bytes = (const uint8_t *)(uintptr_t)peer->sends[i].address;

		for (uint64_t k = 0; k < peer->sends[i].bytes && done < count; k++, done++) {
			if (!peer->is_plain && bytes[k] != byte_of(peer, peer->went))
				CHECK_INT(bytes[k], byte_of(peer, peer->went));
			peer->went++;
		}
	}
	peer->has_send = 0;
	complete(peer->send_id, (int32_t)done, 0);
}

static void serve(void)
{
	do {
		device_serve();
		take_entries();
	} while (ring.cq_producer != ring.cq_consumer);
}

#endif
