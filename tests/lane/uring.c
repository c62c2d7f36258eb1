/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device's side of an io_uring (lane/port_uring.h) against rings in plain memory: what a kernel says, what it can
 * never mean, and what the device writes.
 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "lane/port_uring.h"
#include "tests/check.h"

enum { FRAMES = 16, SHIFT = 11, ENTRIES = 4 * FRAMES, HEADER = 48, ADDRESS = 0x10000000 };

static struct {
	uint32_t cq_producer, cq_consumer, sq_producer, sq_consumer, flags;
	struct wn_uring_cqe cq[ENTRIES];
	struct wn_uring_sqe sq[ENTRIES];
	struct wn_uring_buffer buffers[FRAMES];
	struct wn_uring_words words;
	uint8_t frames[FRAMES << SHIFT] __attribute__((aligned(16)));
	uint8_t states[FRAMES], beyond[16]; /* free, if one looked there */
	struct wn_drive_view view;
	struct wn_uring_port port;
} ring;

static void make(uint32_t first_cursor, uint16_t first_buffer)
{
	memset(&ring, 0, sizeof(ring));
	ring.view = (struct wn_drive_view){
		.kind = WN_DRIVE_URING, .frame_count = FRAMES, .frame_shift = SHIFT, .send_bytes_max = 65507,
		.frames = ring.frames, .states = ring.states, .checked = ring.states,
		.uring = {
			.cq = {&ring.cq_producer, &ring.cq_consumer, &ring.flags, (uint8_t *)ring.cq, ENTRIES - 1, 0},
			.sq = {&ring.sq_producer, &ring.sq_consumer, &ring.flags, (uint8_t *)ring.sq, ENTRIES - 1, 0},
			.buffers = ring.buffers, .words = &ring.words, .frames_address = ADDRESS,
			.receive_address = 0x77, .buffer_mask = FRAMES - 1, .arm_count = 2}};
	ring.cq_producer = ring.cq_consumer = ring.sq_producer = ring.sq_consumer = first_cursor;
	ring.buffers[0].tail = first_buffer;
	ring.words.generation = 3;
	ring.words.free_count = FRAMES;
	wn_uring_init(&ring.port, &ring.view);
}

/* The kernel completes something. */
static void complete(uint64_t user_data, int32_t res, uint32_t flags)
{
	ring.cq[ring.cq_producer & (ENTRIES - 1)] = (struct wn_uring_cqe){user_data, res, flags};
	ring.cq_producer++;
}

static uint64_t of_receive(uint32_t generation)
{
	return (uint64_t)WN_URING_RECEIVE << 56 | generation;
}

static uint32_t in_buffer(uint32_t frame)
{
	return frame << WN_URING_CQE_BUFFER_SHIFT | WN_URING_CQE_BUFFER;
}

/* It receives `wire` bytes, of which `length` are in the frame, from 192.0.2.7 port 4660. */
static void arrive(uint32_t frame, uint32_t length, uint32_t wire, uint32_t flags)
{
	struct wn_uring_received *received = wn_uring_received_in(&ring.view, frame);

	memset(received, 0, sizeof(*received));
	received->name_bytes = 16;
	received->payload_bytes = wire;
	received->flags = length < wire ? MSG_TRUNC : 0;
	received->family = AF_INET;
	memcpy(received->port, "\x12\x34", 2);
	memcpy(received->v4, "\xc0\x00\x02\x07", 4);
	complete(of_receive(3), (int32_t)(HEADER + ring.view.uring.control_bytes + length), in_buffer(frame) | flags);
}

/* Takes the one entry that is there, without the end of a batch. */
static uint32_t take(struct wn_drive_item *item)
{
	memset(item, 0xa5, sizeof(*item));
	CHECK_INT(wn_uring_arrived(&ring.port, &ring.view), 1);
	return wn_uring_take(&ring.port, &ring.view, 0, item);
}

/* The end of a batch of `taken` entries. */
static void end(struct wn_drive_batch batch)
{
	wn_uring_release(&ring.view, &ring.port, &batch);
	wn_uring_show(&ring.view, &ring.port, &batch);
	wn_uring_retire(&ring.view, &ring.port, &batch);
}

static void skip(void)
{
	end((struct wn_drive_batch){.taken = 1});
}

static void test_packet(void)
{
	struct wn_drive_item item;

	make(0, 0);
	arrive(5, 100, 100, WN_URING_CQE_MORE);
	CHECK_INT(take(&item), WN_TAKE_PACKET);
	CHECK_INT(item.frame, 5);
	CHECK_INT(item.offset, (5 << SHIFT) + HEADER);
	CHECK_INT(item.length, 100);
	CHECK_INT(item.wire_length, 100);
	CHECK_INT(item.flags, 0);
	CHECK_INT(item.ended, 0);
	CHECK_INT(item.peer_port, 0x1234);
	CHECK(!memcmp(item.peer, "\xc0\x00\x02\x07", 4));
	CHECK_INT(ring.states[5], WN_FRAME_DEVICE);
}

static void test_truncated(void)
{
	struct wn_drive_item item;

	make(0, 0);
	arrive(1, 2000, 9000, WN_URING_CQE_MORE);
	CHECK_INT(take(&item), WN_TAKE_PACKET);
	CHECK_INT(item.length, 2000);
	CHECK_INT(item.wire_length, 9000);
	CHECK_INT(item.flags, WN_SLOT_TRUNCATED);
	/* By its flags alone, too. */
	skip();
	arrive(2, 60, 60, WN_URING_CQE_MORE);
	wn_uring_received_in(&ring.view, 2)->flags = MSG_TRUNC;
	CHECK_INT(take(&item), WN_TAKE_PACKET);
	CHECK_INT(item.flags, WN_SLOT_TRUNCATED);
}

static void test_ipv6(void)
{
	static const uint8_t mapped[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 9};
	struct wn_uring_received *received;
	struct wn_drive_item item;

	make(0, 0);
	arrive(2, 8, 8, WN_URING_CQE_MORE);
	received = wn_uring_received_in(&ring.view, 2);
	received->name_bytes = 28;
	received->family = AF_INET6;
	memset(received->v6, 0x20, 16);
	CHECK_INT(take(&item), WN_TAKE_PACKET);
	CHECK_INT(item.flags, WN_SLOT_IPV6);
	CHECK(!memcmp(item.peer, received->v6, 16));
	CHECK_INT(item.name_bytes, 28);
	skip();
	arrive(3, 8, 8, WN_URING_CQE_MORE);
	received = wn_uring_received_in(&ring.view, 3);
	received->name_bytes = 28;
	received->family = AF_INET6;
	memcpy(received->v6, mapped, 16);
	CHECK_INT(take(&item), WN_TAKE_PACKET);
	CHECK_INT(item.flags, 0);
	CHECK(!memcmp(item.peer, mapped + 12, 4));
}

/* One entry that no kernel means, alone: what is said of it, and that no frame was touched. */
static void check_bad(uint64_t user_data, int32_t res, uint32_t flags)
{
	uint8_t before[FRAMES];
	struct wn_drive_item item;

	memcpy(before, ring.states, FRAMES);
	complete(user_data, res, flags);
	CHECK_INT(take(&item), WN_TAKE_BAD);
	CHECK(!memcmp(before, ring.states, FRAMES));
	skip();
}

static void test_bad_entries(void)
{
	make(0, 0);
	ring.states[4] = WN_FRAME_DEVICE;
	ring.states[5] = WN_FRAME_SENDING;
	check_bad(of_receive(3), 100, in_buffer(FRAMES) | WN_URING_CQE_MORE);
	check_bad(of_receive(3), 100, in_buffer(65535) | WN_URING_CQE_MORE);
	check_bad(of_receive(3), 100, in_buffer(4) | WN_URING_CQE_MORE);
	check_bad(of_receive(3), 100, in_buffer(5) | WN_URING_CQE_MORE);
	check_bad(of_receive(3), 100, WN_URING_CQE_MORE); /* a packet without a buffer */
	check_bad((uint64_t)WN_URING_REPLY << 56 | FRAMES, 0, 0);
	check_bad((uint64_t)WN_URING_REPLY << 56 | UINT32_MAX, 0, 0);
	check_bad((uint64_t)WN_URING_REPLY << 56 | 4, 0, 0); /* not sent */
	check_bad((uint64_t)WN_URING_FORWARD << 56 | 6, 0, 0); /* free */
	check_bad(5, 0, 0);
	check_bad((uint64_t)200 << 56 | 5, 0, 0);
}

/* What the kernel wrote in front of a packet, wrong in one way each: its frame is known, and comes back. */
static void check_bad_frame(uint32_t frame, int32_t res)
{
	struct wn_drive_item item;

	ring.cq[(ring.cq_producer - 1) & (ENTRIES - 1)].res = res;
	CHECK_INT(take(&item), WN_TAKE_BAD_FRAME);
	CHECK_INT(item.frame, frame);
	CHECK_INT(ring.states[frame], WN_FRAME_DEVICE);
	wn_uring_give(&ring.port, &ring.view, 0, frame);
	end((struct wn_drive_batch){.taken = 1, .received = 1, .given = 1});
	CHECK_INT(ring.states[frame], WN_FRAME_FREE);
	CHECK_INT(ring.port.free_count, FRAMES);
}

static void test_bad_frames(void)
{
	make(0, 0);
	arrive(1, 8, 8, WN_URING_CQE_MORE);
	check_bad_frame(1, -5);
	arrive(1, 8, UINT32_MAX, WN_URING_CQE_MORE);
	check_bad_frame(1, HEADER - 1);
	arrive(1, 8, UINT32_MAX, WN_URING_CQE_MORE);
	check_bad_frame(1, (1 << SHIFT) + 1);
	arrive(1, 8, UINT32_MAX, WN_URING_CQE_MORE);
	check_bad_frame(1, INT32_MAX);
	arrive(1, 8, 8, WN_URING_CQE_MORE);
	check_bad_frame(1, HEADER + 9); /* more than was sent */
	arrive(1, 8, 8, WN_URING_CQE_MORE);
	wn_uring_received_in(&ring.view, 1)->control_bytes = 1;
	check_bad_frame(1, HEADER + 8);
	arrive(1, 8, 8, WN_URING_CQE_MORE);
	wn_uring_received_in(&ring.view, 1)->family = 77;
	check_bad_frame(1, HEADER + 8);
	arrive(1, 8, 8, WN_URING_CQE_MORE);
	wn_uring_received_in(&ring.view, 1)->name_bytes = 28;
	check_bad_frame(1, HEADER + 8);
	arrive(1, 8, 8, WN_URING_CQE_MORE);
	wn_uring_received_in(&ring.view, 1)->family = AF_INET6;
	wn_uring_received_in(&ring.view, 1)->name_bytes = UINT32_MAX;
	check_bad_frame(1, HEADER + 8);
}

/* Answers the packet in `frame` as the k-th of a batch. */
static void answer(uint32_t k, struct wn_drive_item *item, uint32_t length, uint32_t forwards)
{
	item->forwards = forwards;
	CHECK(wn_uring_can_send(&ring.view, item, length));
	wn_uring_send(&ring.port, &ring.view, k, item, length);
}

static void test_send(void)
{
	struct wn_drive_item item;
	const struct wn_uring_sqe *entry = &ring.sq[0];

	make(0, 0);
	arrive(7, 100, 100, WN_URING_CQE_MORE);
	CHECK_INT(take(&item), WN_TAKE_PACKET);
	answer(0, &item, 60, 0);
	CHECK_INT(ring.sq_producer, 0); /* not shown yet */
	end((struct wn_drive_batch){.taken = 1, .received = 1, .sent = 1});
	CHECK_INT(ring.sq_producer, 1);
	CHECK_INT(ring.cq_consumer, 1);
	CHECK_INT(ring.states[7], WN_FRAME_SENDING);
	CHECK_INT(entry->opcode, WN_URING_OP_SEND);
	CHECK_INT(entry->flags, WN_URING_SQE_FIXED_FILE);
	CHECK_INT(entry->fd, 0);
	CHECK_INT(entry->addr, ADDRESS + (7 << SHIFT) + HEADER);
	CHECK_INT(entry->len, 60);
	CHECK_INT(entry->addr2, ADDRESS + (7 << SHIFT) + 16);
	CHECK_INT(entry->addr_len, 16);
	/* It comes back as it went. */
	complete(entry->user_data, 60, 0);
	CHECK_INT(take(&item), WN_TAKE_BACK);
	CHECK_INT(item.frame, 7);
	CHECK_INT(item.failed, 0);
	CHECK_INT(item.forwards, 0);
	CHECK_INT(ring.states[7], WN_FRAME_DEVICE);
	skip();
	/* And only once. */
	check_bad(entry->user_data, 60, 0);
}

static void check_back(int32_t res, uint32_t forwards, uint32_t failed)
{
	struct wn_drive_item item;
	uint64_t user_data;

	arrive(7, 100, 100, WN_URING_CQE_MORE);
	CHECK_INT(take(&item), WN_TAKE_PACKET);
	answer(0, &item, 100, forwards);
	user_data = ring.sq[ring.port.sq & (ENTRIES - 1)].user_data;
	end((struct wn_drive_batch){.taken = 1, .received = 1, .sent = 1});
	complete(user_data, res, 0);
	CHECK_INT(take(&item), WN_TAKE_BACK);
	CHECK_INT(item.failed, failed);
	CHECK_INT(item.forwards, forwards);
	CHECK_INT(item.length, 100);
	wn_uring_give(&ring.port, &ring.view, 0, 7);
	end((struct wn_drive_batch){.taken = 1, .given = 1});
}

static void test_send_results(void)
{
	make(0, 0);
	ring.view.uring.peer_address = 0x999;
	ring.view.uring.peer_bytes = 28;
	check_back(100, 0, 0);
	check_back(99, 0, 1); /* short */
	check_back(101, 0, 1);
	check_back(0, 0, 1);
	check_back(-EMSGSIZE, 0, 1);
	check_back(INT32_MIN, 1, 1);
	check_back(100, 1, 0);
	CHECK_INT(ring.port.free_count, FRAMES);
}

static void test_forward(void)
{
	struct wn_drive_item item;

	make(0, 0);
	arrive(7, 100, 100, WN_URING_CQE_MORE);
	CHECK_INT(take(&item), WN_TAKE_PACKET);
	item.forwards = 1;
	CHECK(!wn_uring_can_send(&ring.view, &item, 100)); /* to nobody */
	ring.view.uring.peer_address = 0x999;
	ring.view.uring.peer_bytes = 28;
	answer(0, &item, 100, 1);
	CHECK_INT(ring.sq[0].addr2, 0x999);
	CHECK_INT(ring.sq[0].addr_len, 28);
	CHECK(wn_uring_can_send(&ring.view, &item, 2000));
	CHECK(!wn_uring_can_send(&ring.view, &item, 2001)); /* than a frame has room for */
}

/* Bound to every address: by SENDMSG, from the address that was asked. */
static void check_message(const void *control, uint32_t bytes, uint32_t reply_bytes, uint32_t index_at)
{
	struct wn_uring_message *message = (void *)(ring.frames + (6 << SHIFT));
	uint8_t *at = ring.frames + (6 << SHIFT) + WN_URING_HEAD_BYTES + HEADER;
	struct wn_drive_item item;
	uint32_t index = 1;

	arrive(6, 100, 100, WN_URING_CQE_MORE);
	wn_uring_received_in(&ring.view, 6)->control_bytes = bytes;
	memcpy(at, control, bytes);
	CHECK_INT(take(&item), WN_TAKE_PACKET);
	CHECK_INT(item.offset, (6 << SHIFT) + WN_URING_HEAD_BYTES + HEADER + WN_URING_CONTROL_BYTES);
	answer(0, &item, 50, 0);
	CHECK_INT(ring.sq[ring.port.sq & (ENTRIES - 1)].opcode, WN_URING_OP_SENDMSG);
	CHECK_INT(ring.sq[ring.port.sq & (ENTRIES - 1)].addr, ADDRESS + (6 << SHIFT));
	CHECK_INT(message->name, ADDRESS + (6 << SHIFT) + WN_URING_HEAD_BYTES + 16);
	CHECK_INT(message->name_bytes, 16);
	CHECK_INT(message->vectors, ADDRESS + (6 << SHIFT) + 56);
	CHECK_INT(message->vector_base, ADDRESS + item.offset);
	CHECK_INT(message->vector_bytes, 50);
	CHECK_INT(message->control_bytes, reply_bytes);
	CHECK_INT(message->control, reply_bytes ? (uint64_t)ADDRESS + (6 << SHIFT) + WN_URING_HEAD_BYTES + HEADER : 0);
	if (reply_bytes)
		memcpy(&index, at + index_at, 4);
	CHECK_INT(index, reply_bytes ? 0 : 1); /* through whichever interface */
	end((struct wn_drive_batch){.taken = 1, .received = 1, .sent = 1});
	ring.states[6] = WN_FRAME_FREE;
}

static void test_send_message(void)
{
	union {
		struct cmsghdr head;
		uint8_t bytes[48];
	} control;
	const struct in_pktinfo v4 = {.ipi_ifindex = 2, .ipi_spec_dst.s_addr = 0x0100007f};
	struct in6_pktinfo v6 = {.ipi6_ifindex = 3};

	make(0, 0);
	ring.view.uring.head_bytes = WN_URING_HEAD_BYTES;
	ring.view.uring.control_bytes = WN_URING_CONTROL_BYTES;
	memset(&control, 0, sizeof(control));
	check_message(&control, 0, 0, 0);
	control.head = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(v4)), .cmsg_level = IPPROTO_IP, .cmsg_type = IP_PKTINFO};
	memcpy(CMSG_DATA(&control.head), &v4, sizeof(v4));
	check_message(&control, CMSG_SPACE(sizeof(v4)), CMSG_SPACE(sizeof(v4)), 16);
	control.head = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(v6)), .cmsg_level = IPPROTO_IPV6, .cmsg_type = IPV6_PKTINFO};
	memcpy(CMSG_DATA(&control.head), &v6, sizeof(v6));
	check_message(&control, CMSG_SPACE(sizeof(v6)), CMSG_SPACE(sizeof(v6)), 32);
	v6.ipi6_addr.s6_addr[0] = 0xff; /* multicast cannot be a source */
	memcpy(CMSG_DATA(&control.head), &v6, sizeof(v6));
	check_message(&control, CMSG_SPACE(sizeof(v6)), 0, 0);
	v6.ipi6_addr.s6_addr[0] = 0x20;
	memcpy(CMSG_DATA(&control.head), &v6, sizeof(v6));
	control.head.cmsg_len = UINT64_MAX;
	check_message(&control, CMSG_SPACE(sizeof(v6)), 0, 0);
}

static void test_receive_ends(void)
{
	struct wn_drive_item item;
	struct wn_uring_sqe *entry = &ring.sq[0];

	make(0, 0);
	/* After an empty datagram. There are frames: it is armed again in the same batch. */
	arrive(0, 0, 0, 0);
	CHECK_INT(take(&item), WN_TAKE_PACKET);
	CHECK_INT(item.length, 0);
	CHECK_INT(item.ended, WN_URING_ENDED);
	wn_uring_give(&ring.port, &ring.view, 0, 0);
	end((struct wn_drive_batch){.taken = 1, .received = 1, .given = 1, .ended = item.ended});
	CHECK_INT(ring.sq_producer, 1);
	CHECK_INT(entry->opcode, WN_URING_OP_RECVMSG);
	CHECK_INT(entry->flags, WN_URING_SQE_FIXED_FILE | WN_URING_SQE_BUFFER_SELECT);
	CHECK_INT(entry->ioprio, WN_URING_RECV_MULTISHOT);
	CHECK_INT(entry->msg_flags, MSG_TRUNC);
	CHECK_INT(entry->addr, 0x77);
	CHECK_INT(entry->user_data, of_receive(3));
	CHECK_INT(ring.port.receive, WN_URING_ARMED);
	/* Nothing is armed twice. */
	arrive(1, 5, 5, WN_URING_CQE_MORE);
	CHECK_INT(take(&item), WN_TAKE_PACKET);
	answer(0, &item, 5, 0);
	end((struct wn_drive_batch){.taken = 1, .received = 1, .sent = 1, .ended = item.ended});
	CHECK_INT(ring.sq_producer, 2);
	CHECK_INT(ring.sq[0].opcode, WN_URING_OP_RECVMSG);
	CHECK_INT(ring.sq[1].opcode, WN_URING_OP_SEND);
}

/* All frames are out when it ends: it waits for some, and comes behind what is sent. */
static void test_no_buffers(void)
{
	struct wn_drive_item item[FRAMES];

	make(0, 0);
	for (uint32_t i = 0; i < FRAMES; i++) {
		arrive(i, 9, 9, WN_URING_CQE_MORE);
		CHECK_INT(wn_uring_take(&ring.port, &ring.view, i, &item[i]), WN_TAKE_PACKET);
		answer(i, &item[i], 9, 0);
	}
	end((struct wn_drive_batch){.taken = FRAMES, .received = FRAMES, .sent = FRAMES});
	CHECK_INT(ring.port.free_count, 0);
	complete(of_receive(3), -ENOBUFS, 0);
	CHECK_INT(take(&item[0]), WN_TAKE_NOTHING);
	CHECK_INT(item[0].failed, 0);
	CHECK_INT(item[0].ended, WN_URING_ENDED);
	end((struct wn_drive_batch){.taken = 1, .ended = item[0].ended});
	CHECK_INT(ring.sq_producer, FRAMES);
	CHECK_INT(ring.port.receive, WN_URING_ENDED);
	for (uint32_t i = 0; i < 2; i++) {
		complete(ring.sq[i].user_data, 9, 0);
		CHECK_INT(take(&item[0]), WN_TAKE_BACK);
		wn_uring_give(&ring.port, &ring.view, 0, i);
		CHECK_INT(ring.sq_producer, FRAMES); /* one free frame is too few here */
		end((struct wn_drive_batch){.taken = 1, .given = 1});
	}
	CHECK_INT(ring.sq_producer, FRAMES + 1);
	CHECK_INT(ring.sq[FRAMES].opcode, WN_URING_OP_RECVMSG);
	CHECK_INT(ring.buffers[0].tail, 2);
}

static void test_receive_errors(void)
{
	struct wn_drive_item item;

	make(0, 0);
	complete(of_receive(3), -ENOMEM, 0);
	CHECK_INT(take(&item), WN_TAKE_NOTHING);
	CHECK_INT(item.failed, 1);
	CHECK_INT(item.ended, WN_URING_ENDED);
	end((struct wn_drive_batch){.taken = 1, .ended = item.ended});
	CHECK_INT(ring.sq_producer, 1);
	/* The end of one that was replaced is not the end of this one. */
	complete(of_receive(2), -ECANCELED, 0);
	CHECK_INT(take(&item), WN_TAKE_NOTHING);
	CHECK_INT(item.ended, 0);
	skip();
	CHECK_INT(ring.port.receive, WN_URING_ARMED);
	/* Cancelled is for good. */
	complete(of_receive(3), -ECANCELED, 0);
	CHECK_INT(take(&item), WN_TAKE_NOTHING);
	CHECK_INT(item.failed, 0);
	CHECK_INT(item.ended, WN_URING_CANCELLED);
	end((struct wn_drive_batch){.taken = 1, .ended = item.ended});
	skip();
	CHECK_INT(ring.sq_producer, 1);
}

/* Around the end of 32 and of 16 bits. */
static void test_wrap(void)
{
	struct wn_drive_item item;

	make(UINT32_MAX - 20, 65530);
	for (uint32_t i = 0; i < 60; i++) {
		const uint32_t frame = i % FRAMES;

		arrive(frame, 33, 33, WN_URING_CQE_MORE);
		CHECK_INT(take(&item), WN_TAKE_PACKET);
		answer(0, &item, 33, 0);
		end((struct wn_drive_batch){.taken = 1, .received = 1, .sent = 1});
		CHECK_INT(ring.sq_producer - ring.sq_consumer, i + 1);
		complete(ring.sq[(ring.sq_producer - 1) & (ENTRIES - 1)].user_data, 33, 0);
		CHECK_INT(take(&item), WN_TAKE_BACK);
		CHECK_INT(item.frame, frame);
		wn_uring_give(&ring.port, &ring.view, 0, frame);
		end((struct wn_drive_batch){.taken = 1, .given = 1});
		CHECK_INT(ring.buffers[0].tail, (uint16_t)(65530 + i + 1));
		CHECK_INT(ring.buffers[(65530 + i) % FRAMES].bid, frame);
		CHECK_INT(ring.buffers[(65530 + i) % FRAMES].addr, ADDRESS + (frame << SHIFT));
		CHECK_INT(ring.buffers[(65530 + i) % FRAMES].len, 1 << SHIFT);
	}
	CHECK_INT(ring.cq_consumer, ring.cq_producer);
	CHECK_INT(ring.port.free_count, FRAMES);
}

/* The first buffer's number and the tail share a word: neither is lost with the other. */
static void test_tail(void)
{
	make(0, 0xfffe);
	ring.buffers[0].bid = 0x1234;
	wn_store_release16(&ring.buffers[0].tail, 0xffff);
	CHECK_INT(ring.buffers[0].tail, 0xffff);
	CHECK_INT(ring.buffers[0].bid, 0x1234);
	wn_uring_give(&ring.port, &ring.view, 2, 9); /* at 0x10000: the first entry */
	CHECK_INT(ring.buffers[0].bid, 9);
	CHECK_INT(ring.buffers[0].tail, 0xffff);
}

int main(void)
{
	RUN(test_packet);
	RUN(test_truncated);
	RUN(test_ipv6);
	RUN(test_bad_entries);
	RUN(test_bad_frames);
	RUN(test_send);
	RUN(test_send_results);
	RUN(test_forward);
	RUN(test_send_message);
	RUN(test_receive_ends);
	RUN(test_no_buffers);
	RUN(test_receive_errors);
	RUN(test_wrap);
	RUN(test_tail);
	return check_finish();
}
