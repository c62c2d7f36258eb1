/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ring's two host sides with a device loop between them: laps, a full ring, cursors that wrap,
 * faults of the device, two processes.
 */
#include "check.h"

#include <errno.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lane/port_ring.h"
#include "warpnic/verdict.h"
#include "ring/consumer.h"
#include "ring/producer.h"

/* A ring with its three sides. `tampered` counts packets that came out other than they went in. */
struct bench {
	struct wn_ring ring;
	struct wn_producer producer;
	struct wn_consumer consumer;
	struct wn_port port;
	uint32_t sent, tampered;
};

static struct wn_ring_geometry geometry_of(uint32_t slot_count)
{
	return (struct wn_ring_geometry){slot_count, 64, 1};
}

/* Sets every cursor as if `start` slots had passed: each word holds the lap before. */
static void bench_preset(struct bench *bench, uint32_t start)
{
	const struct wn_ring_view *view = &bench->ring.view;

	bench->producer.published = bench->producer.released_seen = start;
	bench->consumer.released = start;
	bench->port.position = start;
	view->words->published = bench->ring.released = start;
	for (uint32_t i = 0; i <= view->slot_mask; i++) {
		const uint32_t before = start - view->slot_mask - 1 + i;

		view->verdicts[before & view->slot_mask] =
			wn_verdict_word(wn_lap(before, view->slot_shift), WN_REPLY, 0);
	}
}

static int bench_open(struct bench *bench, uint32_t slot_count)
{
	const struct wn_ring_geometry geometry = geometry_of(slot_count);
	struct wn_error error = {0};

	memset(bench, 0, sizeof(*bench));
	if (!CHECK_INT(wn_ring_create(&bench->ring, &geometry, &error), 0))
		return -1;
	wn_producer_init(&bench->producer, &bench->ring);
	wn_consumer_init(&bench->consumer, &bench->ring);
	wn_port_init(&bench->port, &bench->ring.view, 0, 1);
	return 0;
}

/* Fills and publishes up to `wanted` packets; each carries its position. */
static uint32_t produce(struct bench *bench, uint32_t wanted)
{
	const struct wn_ring_view *view = &bench->ring.view;
	const uint32_t count = wn_producer_reserve(&bench->producer, wanted);

	for (uint32_t i = 0; i < count; i++) {
		const uint32_t position = bench->producer.published + i;
		const uint32_t index = position & view->slot_mask;

		memcpy(wn_ring_frame(view, index), &position, sizeof(position));
		view->slots[index].position = position + 1;
		view->slots[index].length = sizeof(position);
	}
	if (count)
		wn_producer_publish(&bench->producer, count);
	return count;
}

/* The device: complements the packet, answers with a length that follows from the position. */
static uint32_t serve(struct bench *bench)
{
	const struct wn_ring_view *view = &bench->port.view;
	const uint32_t count = wn_port_peek(&bench->port);

	for (uint32_t i = 0; i < count; i++) {
		const uint32_t position = bench->port.position + i;
		const uint32_t index = position & view->slot_mask;
		uint32_t value;

		if (view->slots[index].position != position + 1) {
			wn_port_report_corrupt(&bench->port, position);
			return i;
		}
		memcpy(&value, wn_ring_frame(view, index), sizeof(value));
		value = ~value;
		memcpy(wn_ring_frame(view, index), &value, sizeof(value));
		wn_port_answer(&bench->port, position,
			       wn_verdict_word(wn_lap(position, view->slot_shift), WN_REPLY,
					       position & 0xffff));
	}
	if (count)
		wn_port_retire(&bench->port, count);
	return count;
}

/* Takes what is answered; `limit` as the receive pump would give it. */
static uint32_t consume(struct bench *bench, uint32_t limit)
{
	const struct wn_ring_view *view = &bench->ring.view;
	uint32_t words[64];
	const uint32_t count = wn_consumer_peek(&bench->consumer, limit, 0, words, 64);

	for (uint32_t i = 0; i < count; i++) {
		const uint32_t position = bench->consumer.released + i;
		uint32_t value;

		memcpy(&value, wn_ring_frame(view, position & view->slot_mask), sizeof(value));
		bench->tampered += value != ~position ||
				   wn_verdict_code(words[i]) != WN_REPLY ||
				   wn_verdict_length(words[i]) != (position & 0xffff);
	}
	if (count)
		wn_consumer_retire(&bench->consumer, count);
	bench->sent += count;
	return count;
}

/* After attach the header may say what it likes: the checked copy counts. */
static void test_header_is_read_once(void)
{
	struct bench bench;

	if (bench_open(&bench, 4))
		return;
	memset(bench.ring.memory, 0xff, sizeof(struct wn_ring_header));
	for (int i = 0; i < 10; i++) {
		CHECK_INT(produce(&bench, 4), 4);
		CHECK_INT(serve(&bench), 4);
		CHECK_INT(consume(&bench, bench.producer.published), 4);
	}
	CHECK_INT(bench.tampered, 0);
	wn_ring_destroy(&bench.ring);
	CHECK(!bench.ring.memory);
	wn_ring_destroy(&bench.ring);
}

/* The verdict word as layout.h describes it, bit by bit: devices of other builds rely on it. */
static void test_fields_of_the_word(void)
{
	const uint32_t word = wn_verdict_word(0x3ff, 0x3f, 0xffff);

	CHECK_INT(word, UINT32_MAX);
	CHECK_INT(wn_verdict_word(1, 0, 0), 1 << 22);
	CHECK_INT(wn_verdict_word(0, 1, 0), 1 << 16);
	CHECK_INT(wn_verdict_word(0, 0, 1), 1);
	CHECK_INT(wn_verdict_lap(word), 0x3ff);
	CHECK_INT(wn_verdict_code(word), WN_CODE_COUNT - 1);
	CHECK_INT(wn_verdict_length(word), 0xffff);
	for (uint32_t shift = 1; shift <= 20; shift++) {
		CHECK_INT(wn_lap(0, shift), 1);
		CHECK_INT(wn_lap((1u << shift) - 1, shift), 1);
		CHECK_INT(wn_lap(1u << shift, shift), 2);
		CHECK_INT(wn_lap((1022u << shift), shift), 1023);
		CHECK_INT(wn_lap((1023u << shift), shift), 0);
		CHECK_INT(wn_lap(UINT32_MAX, shift), 0);
	}
}

static void test_ten_laps(void)
{
	static const uint32_t slot_counts[] = {2, 4, 4096};

	for (int i = 0; i < 3; i++) {
		const uint32_t total = 10 * slot_counts[i] + 1;
		struct bench bench;
		uint32_t made = 0;

		if (bench_open(&bench, slot_counts[i]))
			return;
		while (bench.sent < total) {
			const uint32_t before = made + bench.sent;

			made += produce(&bench, total - made < 7 ? total - made : 7);
			serve(&bench);
			consume(&bench, bench.producer.published);
			if (!CHECK(made + bench.sent > before))
				break;
		}
		CHECK_INT(bench.sent, total);
		CHECK_INT(bench.tampered, 0);
		CHECK_INT(bench.ring.released, total);
		CHECK_INT(bench.ring.view.words->corrupt, 0);
		wn_ring_destroy(&bench.ring);
	}
}

/* More laps than a verdict word can tell apart, on a ring of two. */
static void test_laps_of_the_word_wrap(void)
{
	struct bench bench;

	if (bench_open(&bench, 2))
		return;
	for (uint32_t i = 0; i < 2 * 1024 * 2 + 1; i++) {
		/* nothing answered yet: no earlier lap may pass for an answer */
		if (!CHECK_INT(produce(&bench, 1), 1) ||
		    !CHECK_INT(consume(&bench, bench.producer.published), 0) ||
		    !CHECK_INT(serve(&bench), 1) ||
		    !CHECK_INT(consume(&bench, bench.producer.published), 1))
			break;
	}
	CHECK_INT(bench.tampered, 0);
	wn_ring_destroy(&bench.ring);
}

/* Cursors pass 2^32, on every slot count: laps and differences must not notice. */
static void test_cursors_wrap(void)
{
	for (uint32_t slot_count = 2; slot_count <= 4096; slot_count *= 2) {
		struct bench bench;
		uint32_t made = 0;

		if (bench_open(&bench, slot_count))
			return;
		bench_preset(&bench, 0u - 2 * slot_count);
		while (made < 4 * slot_count + 3) {
			const uint32_t count = produce(&bench, 5);

			CHECK_INT(consume(&bench, bench.producer.published), 0);
			while (serve(&bench))
				continue;
			if (!CHECK(count > 0) ||
			    !CHECK_INT(consume(&bench, bench.producer.published), count))
				break;
			made += count;
		}
		CHECK_INT(bench.tampered, 0);
		CHECK(bench.consumer.released < 3 * slot_count + 8);
		wn_ring_destroy(&bench.ring);
	}
}

/* Several groups share the positions without gap or overlap, also where they wrap. */
static void test_groups_share_blocks(void)
{
	for (uint32_t groups = 1; groups <= 5; groups++) {
		const uint32_t start = 0u - 64 * WN_BLOCK_SLOTS;
		uint8_t owners[128 * WN_BLOCK_SLOTS] = {0};
		struct bench bench;

		if (bench_open(&bench, 2))
			return;
		for (uint32_t g = 0; g < groups; g++) {
			struct wn_port port;

			wn_port_init(&port, &bench.ring.view, g, groups);
			port.position += start;
			while (port.position - start < sizeof(owners)) {
				owners[port.position - start]++;
				wn_port_retire(&port, 1);
			}
		}
		for (uint32_t i = 0; i < sizeof(owners); i++)
			if (!CHECK_INT(owners[i], 1))
				break;
		wn_ring_destroy(&bench.ring);
	}
}

static void test_full_ring_reserves_what_is_free(void)
{
	struct bench bench;

	if (bench_open(&bench, 4))
		return;
	CHECK_INT(wn_producer_reserve(&bench.producer, 9), 4);
	CHECK_INT(wn_producer_reserve(&bench.producer, 0), 0);
	CHECK_INT(produce(&bench, 3), 3);
	CHECK_INT(wn_producer_reserve(&bench.producer, 9), 1);
	CHECK_INT(produce(&bench, 9), 1);
	CHECK_INT(wn_producer_reserve(&bench.producer, 1), 0);
	CHECK_INT(serve(&bench), 4);
	CHECK_INT(wn_producer_reserve(&bench.producer, 1), 0);
	CHECK_INT(consume(&bench, 3), 3);
	CHECK_INT(wn_producer_reserve(&bench.producer, 9), 3);
	CHECK_INT(consume(&bench, 4), 1);
	CHECK_INT(wn_producer_reserve(&bench.producer, 9), 4);
	CHECK_INT(bench.tampered, 0);
	wn_ring_destroy(&bench.ring);
}

/* A device that answers what is not there: the receive pump's count decides. */
static void test_reader_keeps_to_its_limit(void)
{
	struct bench bench;
	uint32_t words[8];

	if (bench_open(&bench, 4))
		return;
	for (uint32_t i = 0; i < 4; i++)
		wn_port_answer(&bench.port, i,
			       wn_verdict_word(wn_lap(i, bench.ring.view.slot_shift), WN_REPLY, 4));
	CHECK_INT(wn_consumer_peek(&bench.consumer, 0, 0, words, 8), 0);
	CHECK_INT(produce(&bench, 2), 2);
	CHECK_INT(wn_consumer_peek(&bench.consumer, 2, 0, words, 8), 2);
	CHECK_INT(wn_consumer_peek(&bench.consumer, 2, 0, words, 1), 1);
	wn_ring_destroy(&bench.ring);
}

/* An answer that is missing in the middle holds back those behind it. */
static void test_order_is_kept(void)
{
	struct bench bench;
	uint32_t words[8];

	if (bench_open(&bench, 4))
		return;
	CHECK_INT(produce(&bench, 4), 4);
	for (uint32_t i = 4; i-- > 0;) {
		CHECK_INT(wn_consumer_peek(&bench.consumer, 4, 0, words, 8), 0);
		wn_port_answer(&bench.port, i,
			       wn_verdict_word(wn_lap(i, bench.ring.view.slot_shift), WN_DROP, i));
	}
	CHECK_INT(wn_consumer_peek(&bench.consumer, 4, 0, words, 8), 4);
	for (uint32_t i = 0; i < 4; i++)
		CHECK_INT(wn_verdict_length(words[i]), i);
	wn_ring_destroy(&bench.ring);
}

/* A run ends at another code, at a lap that is not there yet, at the limit and where it was asked to. */
static void test_run_of_one_code(void)
{
	struct bench bench;
	const struct wn_consumer *consumer = &bench.consumer;
	uint32_t words[8];

	if (bench_open(&bench, 8))
		return;
	/* Two short of the wrap of the slots, where the lap changes. */
	bench_preset(&bench, 8u * 5 - 2);
	CHECK_INT(produce(&bench, 6), 6);
	CHECK_INT(wn_consumer_run_of(consumer, 44, WN_REPLY, 8), 0);
	for (uint32_t i = 38; i < 43; i++)
		wn_port_answer(&bench.port, i,
			       wn_verdict_word(wn_lap(i, 3), i == 42 ? WN_REPLY : WN_DROP, i));
	CHECK_INT(wn_consumer_run_of(consumer, 44, WN_REPLY, 8), 0);
	CHECK_INT(wn_consumer_run_of(consumer, 39, WN_DROP, 8), 1);
	CHECK_INT(wn_consumer_run_of(consumer, 44, WN_DROP, 1), 1);
	CHECK_INT(wn_consumer_run_of(consumer, 44, WN_DROP, 8), 2);
	/* What lies behind a run: the rest of the burst, up to the slot without an answer. */
	CHECK_INT(wn_consumer_peek(consumer, 44, 2, words, 8), 3);
	CHECK_INT(wn_verdict_code(words[2]), WN_REPLY);
	CHECK_INT(wn_verdict_length(words[2]), 42);
	wn_consumer_retire(&bench.consumer, 2);
	CHECK_INT(wn_consumer_run_of(consumer, 44, WN_DROP, 8), 2);
	CHECK_INT(wn_consumer_run_of(consumer, 41, WN_DROP, 8), 1);
	wn_ring_destroy(&bench.ring);
}

static void test_corrupt_slot_is_reported(void)
{
	struct bench bench;

	if (bench_open(&bench, 4))
		return;
	CHECK_INT(produce(&bench, 3), 3);
	bench.ring.view.slots[1].position = 77;
	CHECK_INT(serve(&bench), 1);
	CHECK_INT(bench.ring.view.words->corrupt, 1);
	CHECK_INT(bench.ring.view.words->corrupt_position, 1);
	CHECK_INT(consume(&bench, 3), 1);
	wn_ring_destroy(&bench.ring);
}

static void test_close_carries_the_final_count(void)
{
	struct bench bench;

	if (bench_open(&bench, 4))
		return;
	CHECK_INT(wn_port_finished(&bench.port), 0);
	CHECK_INT(produce(&bench, 2), 2);
	wn_producer_close(&bench.producer);
	CHECK_INT(wn_port_finished(&bench.port), 0);
	CHECK_INT(serve(&bench), 2);
	CHECK_INT(wn_port_finished(&bench.port), 1);
	CHECK_INT(bench.ring.view.words->final, 2);
	wn_ring_destroy(&bench.ring);
}

/* -- two processes -- */

static int pass_fd(int socket, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] __attribute__((aligned(8))) = {0};
	char byte = 0;
	struct iovec part = {&byte, 1};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control,
				 .msg_controllen = sizeof(control)};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	return sendmsg(socket, &message, 0) == 1 ? 0 : -errno;
}

static int take_fd(int socket)
{
	char control[CMSG_SPACE(sizeof(int))] __attribute__((aligned(8)));
	char byte;
	struct iovec part = {&byte, 1};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control,
				 .msg_controllen = sizeof(control)};
	int fd = -1;

	if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) == 1 && CMSG_FIRSTHDR(&message))
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	return fd;
}

/* The other process: attaches what it is handed and serves until the ring is closed. */
static int device_process(int socket)
{
	struct bench bench;
	const int fd = take_fd(socket);

	memset(&bench, 0, sizeof(bench));
	if (!CHECK(fd >= 0) || !CHECK_INT(wn_ring_open(&bench.ring, fd, NULL), 0))
		return 1;
	close(fd);
	CHECK_INT(bench.ring.fd, -1);
	wn_port_init(&bench.port, &bench.ring.view, 0, 1);
	while (!wn_port_finished(&bench.port))
		if (!serve(&bench))
			sched_yield();
	CHECK_INT(bench.ring.view.words->corrupt, 0);
	wn_ring_destroy(&bench.ring);
	return check_failures() != 0;
}

static void test_two_processes(void)
{
	enum { TOTAL = 20000 };
	struct bench bench;
	uint32_t made = 0;
	int sockets[2], status = -1;
	pid_t child;

	if (!CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets), 0) ||
	    bench_open(&bench, 64))
		return;
	child = fork();
	if (!child) {
		/* what the parent mapped is not used here: the child has only the descriptor */
		munmap(bench.ring.memory, bench.ring.bytes);
		close(bench.ring.fd);
		close(sockets[0]);
		alarm(60);
		_exit(device_process(sockets[1]));
	}
	close(sockets[1]);
	CHECK_INT(pass_fd(sockets[0], bench.ring.fd), 0);
	for (uint32_t idle = 0; bench.sent < TOTAL && idle < 10000000;) {
		const uint32_t before = made + bench.sent;

		made += produce(&bench, TOTAL - made < 16 ? TOTAL - made : 16);
		consume(&bench, bench.producer.published);
		idle = made + bench.sent > before ? 0 : idle + 1;
		if (idle)
			sched_yield();
	}
	CHECK_INT(bench.sent, TOTAL);
	CHECK_INT(bench.tampered, 0);
	wn_producer_close(&bench.producer);
	CHECK_INT(waitpid(child, &status, 0), child);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	close(sockets[0]);
	wn_ring_destroy(&bench.ring);
}

int main(void)
{
	RUN(test_header_is_read_once);
	RUN(test_fields_of_the_word);
	RUN(test_ten_laps);
	RUN(test_laps_of_the_word_wrap);
	RUN(test_cursors_wrap);
	RUN(test_groups_share_blocks);
	RUN(test_full_ring_reserves_what_is_free);
	RUN(test_reader_keeps_to_its_limit);
	RUN(test_order_is_kept);
	RUN(test_run_of_one_code);
	RUN(test_corrupt_slot_is_reported);
	RUN(test_close_carries_the_final_count);
	RUN(test_two_processes);
	return check_finish();
}
