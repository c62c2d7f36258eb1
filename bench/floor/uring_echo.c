/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The floor of `warpnic run echo --link uring:udp:...`: one thread and one io_uring with what the link uses, a
 * multishot receive into provided buffers and sends from those, as one would write it by hand.
 *
 *     uring_echo PORT SECONDS [--sqpoll]
 *
 * Without --sqpoll the thread submits and waits in one system call, and the kernel does its work there
 * (DEFER_TASKRUN). With it a thread of the kernel submits, and this one sleeps while nothing comes. Prints one JSON line. The time is
 * measured from the first packet on.
 */
#include "floor.h"

#include <linux/io_uring.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { BUFFERS = 2048, BUFFER_BYTES = 2048, ENTRIES = 4 * BUFFERS, NAME_BYTES = 32, HEADER_BYTES = 16 + NAME_BYTES,
       RECEIVE = 1 << 20 };

struct ring {
	int fd, is_polled;
	uint32_t *sq_head, *sq_tail, *sq_flags, *cq_head, *cq_tail;
	uint32_t tail, shown;           /* of the sq: ours, and what the kernel was told of */
	struct io_uring_sqe *sqes;
	struct io_uring_cqe *cqes;
	struct io_uring_buf_ring *buffers;
	uint16_t given;
	uint8_t *memory;
	struct msghdr message;
	uint64_t packets, bytes, calls;
};

static void *map(int fd, size_t bytes, off_t offset)
{
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			    MAP_POPULATE | (fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED), fd, offset);

	if (memory == MAP_FAILED)
		floor_die("mmap");
	return memory;
}

static void make(struct ring *ring, int is_polled, int socket)
{
	struct io_uring_params params = {.flags = IORING_SETUP_CQSIZE, .cq_entries = ENTRIES, .sq_thread_idle = 20};
	struct io_uring_buf_reg request = {.ring_entries = BUFFERS};
	uint8_t *rings;
	uint32_t *array;

	params.flags |= is_polled ? IORING_SETUP_SQPOLL : IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
	ring->is_polled = is_polled;
	ring->fd = (int)syscall(__NR_io_uring_setup, ENTRIES, &params);
	if (ring->fd < 0)
		floor_die("io_uring_setup");
	rings = map(ring->fd, params.sq_off.array + ENTRIES * 4 + params.cq_off.cqes + ENTRIES * 16, IORING_OFF_SQ_RING);
	ring->sqes = map(ring->fd, ENTRIES * sizeof(*ring->sqes), IORING_OFF_SQES);
	ring->sq_head = (void *)(rings + params.sq_off.head);
	ring->sq_tail = (void *)(rings + params.sq_off.tail);
	ring->sq_flags = (void *)(rings + params.sq_off.flags);
	ring->cq_head = (void *)(rings + params.cq_off.head);
	ring->cq_tail = (void *)(rings + params.cq_off.tail);
	ring->cqes = (void *)(rings + params.cq_off.cqes);
	array = (void *)(rings + params.sq_off.array);
	for (uint32_t i = 0; i < ENTRIES; i++)
		array[i] = i;
	ring->memory = map(-1, (size_t)BUFFERS * BUFFER_BYTES, 0);
	ring->buffers = map(-1, BUFFERS * sizeof(struct io_uring_buf), 0);
	request.ring_addr = (uint64_t)(uintptr_t)ring->buffers;
	if (syscall(__NR_io_uring_register, ring->fd, IORING_REGISTER_PBUF_RING, &request, 1) ||
	    syscall(__NR_io_uring_register, ring->fd, IORING_REGISTER_FILES, &socket, 1))
		floor_die("io_uring_register");
	ring->message.msg_namelen = NAME_BYTES;
}

static void give(struct ring *ring, uint16_t number)
{
	struct io_uring_buf *buffer = &ring->buffers->bufs[ring->given++ % BUFFERS];

	buffer->addr = (uint64_t)(uintptr_t)(ring->memory + (size_t)number * BUFFER_BYTES);
	buffer->len = BUFFER_BYTES;
	buffer->bid = number;
}

static struct io_uring_sqe *next_entry(struct ring *ring)
{
	struct io_uring_sqe *entry = &ring->sqes[ring->tail++ % ENTRIES];

	memset(entry, 0, sizeof(*entry));
	entry->flags = IOSQE_FIXED_FILE;
	return entry;
}

static void arm(struct ring *ring)
{
	struct io_uring_sqe *entry = next_entry(ring);

	entry->opcode = IORING_OP_RECVMSG;
	entry->flags |= IOSQE_BUFFER_SELECT;
	entry->ioprio = IORING_RECV_MULTISHOT;
	entry->addr = (uint64_t)(uintptr_t)&ring->message;
	entry->len = 1;
	entry->user_data = RECEIVE;
}

/* Sends a packet back from where it lies. */
static void answer(struct ring *ring, const struct io_uring_cqe *done)
{
	const uint32_t number = done->flags >> IORING_CQE_BUFFER_SHIFT;
	uint8_t *at = ring->memory + (size_t)number * BUFFER_BYTES;
	const struct io_uring_recvmsg_out *out = (const void *)at;
	struct io_uring_sqe *entry = next_entry(ring);

	entry->opcode = IORING_OP_SEND;
	entry->addr = (uint64_t)(uintptr_t)(at + HEADER_BYTES);
	entry->len = (uint32_t)done->res - HEADER_BYTES;
	entry->addr2 = (uint64_t)(uintptr_t)(at + sizeof(*out));
	entry->addr_len = (uint16_t)out->namelen;
	entry->user_data = number;
	ring->packets++;
	ring->bytes += entry->len;
}

static uint32_t turn(struct ring *ring)
{
	const uint32_t head = *ring->cq_head, tail = __atomic_load_n(ring->cq_tail, __ATOMIC_ACQUIRE);
	int ended = 0;

	for (uint32_t at = head; at != tail; at++) {
		const struct io_uring_cqe *done = &ring->cqes[at % ENTRIES];

		if (done->user_data != RECEIVE)
			give(ring, (uint16_t)done->user_data);
		else if (done->flags & IORING_CQE_F_BUFFER)
			answer(ring, done);
		ended |= done->user_data == RECEIVE && !(done->flags & IORING_CQE_F_MORE);
	}
	if (ended)
		arm(ring);
	__atomic_store_n(ring->cq_head, tail, __ATOMIC_RELEASE);
	__atomic_store_n(&ring->buffers->tail, ring->given, __ATOMIC_RELEASE);
	__atomic_store_n(ring->sq_tail, ring->tail, __ATOMIC_RELEASE);
	return tail - head;
}

/* Tells the kernel, and waits for something; a tenth of a second at most, so that the clock is looked at. */
static void enter(struct ring *ring, uint32_t done)
{
	struct __kernel_timespec tenth = {.tv_nsec = 100000000};
	struct io_uring_getevents_arg argument = {.ts = (uint64_t)(uintptr_t)&tenth};
	const uint32_t submit = ring->tail - ring->shown;

	if (ring->is_polled) {
		if (__atomic_load_n(ring->sq_flags, __ATOMIC_RELAXED) & IORING_SQ_NEED_WAKEUP)
			syscall(__NR_io_uring_enter, ring->fd, 0, 0, IORING_ENTER_SQ_WAKEUP, NULL, 0);
		else if (!done)
			poll(&(struct pollfd){.fd = ring->fd, .events = POLLIN}, 1, 100);
		return;
	}
	syscall(__NR_io_uring_enter, ring->fd, submit, 1, IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &argument,
		sizeof(argument));
	ring->shown = ring->tail;
	ring->calls++;
}

static void run(struct ring *ring, double wanted_seconds)
{
	struct floor_cpu before = {0, 0}, after;
	double start = 0, now = 0;

	for (int i = 0; i < BUFFERS; i++)
		give(ring, (uint16_t)i);
	arm(ring);
	while (!start || now - start < wanted_seconds) {
		enter(ring, turn(ring));
		now = floor_seconds();
		if (!start && ring->packets) {
			start = now;
			before = floor_cpu();
		}
	}
	after = floor_cpu();
	after.user_ns -= before.user_ns;
	after.system_ns -= before.system_ns;
	floor_print("uring_echo", ring->packets, ring->bytes, ring->calls, now - start, after);
}

int main(int argc, char **argv)
{
	static struct ring ring;
	int socket;

	if (argc < 3 || (argc > 3 && strcmp(argv[3], "--sqpoll"))) {
		fprintf(stderr, "usage: uring_echo PORT SECONDS [--sqpoll]\n");
		return 2;
	}
	socket = floor_socket((uint16_t)atoi(argv[1]), 0);
	make(&ring, argc > 3, socket);
	run(&ring, atof(argv[2]));
	return 0;
}
