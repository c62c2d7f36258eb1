/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ring of a uring link without a runtime: its kernel thread asleep, more completions than fit, what a machine may
 * refuse, and a device that dies at any step of a batch.
 */
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "clock.h"
#include "lane/port_uring.h"
#include "link/uring.h"
#include "ring/order.h"
#include "tests/uring/server.h"

enum { FRAMES = 16, ENTRIES = 4 * FRAMES, OP_NOP = 0, NEED_WAKEUP = 1, CQ_OVERFLOW = 2 };

static const struct wn_uring_ring_setup setup = {
	.spec = "test", .poller = WN_URING_POLLER_OWN, .idle_ms = 1, .shared_fd = -1, .frame_count = FRAMES,
	.frame_bytes = 2048};

static int make_ring(struct wn_uring_ring *ring, const struct wn_uring_ring_setup *wishes)
{
	const int file = socket(AF_INET, SOCK_DGRAM, 0);
	struct wn_error error = {0};
	const int rc = wn_uring_ring_open(ring, wishes, file, &error);

	CHECK_TEXT(error.text, "");
	close(file);
	return rc;
}

static void put_nops(const struct wn_uring_ring *ring, uint32_t count)
{
	const uint32_t at = *ring->sq.producer;

	for (uint32_t i = 0; i < count; i++) {
		struct wn_uring_sqe *entry = (struct wn_uring_sqe *)(void *)ring->sq.entries + ((at + i) & ring->sq.mask);

		memset(entry, 0, sizeof(*entry));
		entry->opcode = OP_NOP;
		entry->user_data = at + i;
	}
	wn_store_release(ring->sq.producer, at + count);
}

static uint32_t completions(const struct wn_uring_ring *ring)
{
	return wn_load_acquire(ring->cq.producer) - *ring->cq.consumer;
}

/* Until as many are there, half a minute at most; `enters`: as the drive thread does. */
static void wait_for_completions(const struct wn_uring_ring *ring, uint32_t count, int enters)
{
	const int64_t until_ns = wn_clock_ns() + 30 * WN_SECOND_NS;

	while (completions(ring) < count && wn_clock_ns() < until_ns) {
		if (enters)
			CHECK(wn_uring_ring_enter(ring) >= 0);
		usleep(200);
	}
	CHECK_INT(completions(ring), count);
}

static void wait_for_sleep(const struct wn_uring_ring *ring)
{
	for (int turn = 0; turn < 30000 && !(wn_load_acquire(ring->sq.flags) & NEED_WAKEUP); turn++)
		usleep(1000);
	CHECK(wn_load_acquire(ring->sq.flags) & NEED_WAKEUP);
}

/* A thread that sleeps takes nothing, and is woken by one call; one that has nothing to do is left alone. */
static void test_sleeping_thread(void)
{
	struct wn_uring_ring ring;

	if (make_ring(&ring, &setup))
		return;
	wait_for_sleep(&ring);
	CHECK_INT(wn_uring_ring_enter(&ring), 0);
	put_nops(&ring, 3);
	usleep(20000);
	CHECK_INT(completions(&ring), 0);
	CHECK_INT(wn_uring_ring_waiting(&ring), 3);
	CHECK_INT(wn_uring_ring_enter(&ring), 1);
	wait_for_completions(&ring, 3, 0);
	CHECK_INT(wn_uring_ring_wait(&ring, 2 * WN_SECOND_NS), 1);
	CHECK_INT(wn_uring_ring_waiting(&ring), 0);
	wn_uring_ring_close(&ring);
}

/* More than the cq holds are kept by the kernel, which says so, and come once there is room. None is lost. */
static void check_overflow(const struct wn_uring_ring_setup *wishes)
{
	struct wn_uring_ring ring;
	uint32_t seen = 0;

	if (make_ring(&ring, wishes))
		return;
	for (uint32_t round = 0; round < 2; round++) {
		const int64_t until_ns = wn_clock_ns() + 30 * WN_SECOND_NS;

		put_nops(&ring, ENTRIES);
		while (wn_uring_ring_waiting(&ring) && wn_clock_ns() < until_ns)
			CHECK(wn_uring_ring_enter(&ring) >= 0);
	}
	wait_for_completions(&ring, ENTRIES, 0);
	CHECK(wn_load_acquire(ring.sq.flags) & CQ_OVERFLOW);
	for (int turn = 0; turn < 10000 && seen < 2 * ENTRIES; turn++) {
		const uint32_t count = completions(&ring);

		for (uint32_t i = 0; i < count; i++, seen++) {
			const struct wn_uring_cqe *entry =
				(struct wn_uring_cqe *)(void *)ring.cq.entries + ((*ring.cq.consumer + i) & ring.cq.mask);

			CHECK_INT(entry->user_data, seen);
		}
		wn_store_release(ring.cq.consumer, *ring.cq.consumer + count);
		wn_uring_ring_enter(&ring);
		usleep(1000);
	}
	CHECK_INT(seen, 2 * ENTRIES);
	CHECK(!(wn_load_acquire(ring.sq.flags) & CQ_OVERFLOW));
	wn_uring_ring_close(&ring);
}

static void test_overflow(void)
{
	struct wn_uring_ring_setup wishes = setup;

	check_overflow(&wishes);
	wishes.maps_rings = 1;
	check_overflow(&wishes);
	wishes.poller = WN_URING_POLLER_OFF;
	check_overflow(&wishes);
}

/* -- refusals -- */

/* From here on this process's io_uring_setup fails so. */
static int forbid(int code)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_io_uring_setup, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t)code),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = {sizeof(filter) / sizeof(filter[0]), filter};

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0);
}

static void check_refused(const char *spec, const char *words)
{
	struct wn_link link;
	struct wn_error error = {0};

	CHECK(wn_link_open(&link, spec, NULL, 0, NULL, &error) < 0);
	CHECK_INT(error.status, WN_UNAVAILABLE);
	if (!CHECK(strstr(error.text, words) != NULL) || !CHECK(strstr(error.text, "udp link") != NULL))
		printf("# %s\n", error.text);
}

static void test_refusals(void)
{
	static const struct {
		int code;
		const char *words;
	} cases[] = {{ENOSYS, "has no io_uring"}, {EPERM, "seccomp"}, {ENOMEM, "RLIMIT_MEMLOCK"},
		     {EINVAL, "needs Linux 6.0"}, {EMFILE, "Too many open files"}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int status = 0;
		pid_t child;

		fflush(stdout);
		child = fork();
		if (!child) {
			if (forbid(cases[i].code))
				_exit(77);
			check_refused("uring:udp:127.0.0.1:0,queues=2", cases[i].words);
			_exit(check_failures() != 0);
		}
		waitpid(child, &status, 0);
		if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
			SKIP("no seccomp filters here");
		CHECK_INT(status, 0);
	}
}

static void test_bad_requests(void)
{
	static const struct {
		const char *spec, *words;
	} cases[] = {{"uring:127.0.0.1:53", "must be uring:udp:HOST:PORT"}, {"uring:sctp:127.0.0.1:53", "uring:tcp:"},
		     {"uring:tcp:127.0.0.1:0,window=5000", "power of two"}, {"uring:tcp:127.0.0.1", "no port"},
		     {"uring:udp:127.0.0.1:0,frames=100", "power of two"}, {"uring:udp:127.0.0.1:0,frames=8", "frames"},
		     {"uring:udp:127.0.0.1:0,poller=none", "shared"}, {"uring:udp:127.0.0.1:0,peer=x", "no port"}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct wn_error error = {0};
		struct wn_link link;

		CHECK(wn_link_open(&link, cases[i].spec, NULL, 0, NULL, &error) < 0);
		if (!CHECK(strstr(error.text, cases[i].words) != NULL))
			printf("# %s: %s\n", cases[i].spec, error.text);
	}
}

/* -- a device that dies -- */

/* How far it comes with a batch. */
enum step { STEP_NONE, STEP_TAKEN, STEP_DECIDED, STEP_RELEASED, STEP_SHOWN };

struct device {
	struct wn_link link;
	struct wn_drive drive;
	struct wn_uring_port port;
	int client;
};

static int make_device(struct device *device, const char *spec)
{
	struct wn_error error = {0};
	struct wn_uring *uring;

	memset(device, 0, sizeof(*device));
	CHECK_INT(wn_link_open(&device->link, spec, NULL, 0, NULL, &error), 0);
	CHECK_TEXT(error.text, "");
	if (!device->link.ops)
		return -1;
	CHECK_INT(device->link.ops->drive(&device->link, 0, &device->drive, &error), 0);
	wn_uring_init(&device->port, &device->drive.view);
	uring = device->link.state;
	device->client = client_to(&uring->bound);
	return 0;
}

/* Waits until `count` entries are there, as the drive thread would. */
static void await(struct device *device, uint32_t count)
{
	const int64_t until_ns = wn_clock_ns() + 30 * WN_SECOND_NS;

	while (wn_uring_arrived(&device->port, &device->drive.view) < count && wn_clock_ns() < until_ns) {
		device->link.ops->wake(&device->link, 0);
		usleep(200);
	}
	CHECK_INT(wn_uring_arrived(&device->port, &device->drive.view), count);
}

/* One batch of `count` packets: the first is dropped, the others are answered; up to `last`. */
static void run_batch(struct device *device, uint32_t count, enum step last)
{
	const struct wn_drive_view *view = &device->drive.view;
	struct wn_drive_batch batch = {.taken = count};
	struct wn_drive_item items[FRAMES];

	for (uint32_t i = 0; last >= STEP_TAKEN && i < count; i++) {
		CHECK_INT(wn_uring_take(&device->port, view, i, &items[i]), WN_TAKE_PACKET);
		batch.received++;
	}
	for (uint32_t i = 0; last >= STEP_DECIDED && i < count; i++) {
		items[i].forwards = 0;
		if (i)
			wn_uring_send(&device->port, view, batch.sent++, &items[i], items[i].length);
		else
			wn_uring_give(&device->port, view, batch.given++, items[i].frame);
	}
	if (last >= STEP_RELEASED)
		wn_uring_release(view, &device->port, &batch);
	if (last >= STEP_SHOWN)
		wn_uring_show(view, &device->port, &batch);
}

static void check_census(struct device *device)
{
	struct wn_census census = {.frames = 0};

	device->link.ops->census(&device->link, 0, &census);
	CHECK_INT(census.frames, FRAMES);
	CHECK_INT(census.fill + census.rx + census.tx + census.completion, FRAMES);
	CHECK_INT(census.device, 0);
	CHECK_INT(census.kernel, 0);
	CHECK_INT(census.twice, 0);
}

/* The next device goes on: what is on the cq it takes, and all frames come round. */
static void go_on(struct device *device)
{
	const struct wn_drive_view *view = &device->drive.view;
	const int64_t until_ns = wn_clock_ns() + 30 * WN_SECOND_NS;
	uint32_t packets = 0;

	wn_uring_init(&device->port, view);
	for (uint32_t i = 0; i < 3 * FRAMES; i++)
		CHECK_INT(send(device->client, "more", 4, 0), 4);
	while (packets < 3 * FRAMES && wn_clock_ns() < until_ns) {
		struct wn_drive_batch batch = {.taken = wn_uring_arrived(&device->port, view)};

		for (uint32_t i = 0; i < batch.taken; i++) {
			struct wn_drive_item item;
			const uint32_t taken = wn_uring_take(&device->port, view, i, &item);

			batch.received += taken == WN_TAKE_PACKET;
			if (item.ended)
				batch.ended = item.ended;
			if (taken == WN_TAKE_PACKET || taken == WN_TAKE_BACK)
				wn_uring_give(&device->port, view, batch.given++, item.frame);
			CHECK(taken != WN_TAKE_BAD && taken != WN_TAKE_BAD_FRAME);
			packets += taken == WN_TAKE_PACKET && item.length == 4;
		}
		wn_uring_release(view, &device->port, &batch);
		wn_uring_show(view, &device->port, &batch);
		wn_uring_retire(view, &device->port, &batch);
		device->link.ops->wake(&device->link, 0);
	}
	CHECK_INT(packets, 3 * FRAMES);
	CHECK_INT(device->port.free_count, FRAMES);
}

static void check_death(const char *spec, enum step last)
{
	/* Packets that count as taken, and as sent, by the rings alone. */
	static const uint32_t taken[] = {0, 5, 5, 5, 5}, sent[] = {0, 0, 0, 0, 4};
	struct wn_drive_cursors cursors = {.taken = 0};
	struct device device;

	if (make_device(&device, spec))
		return;
	for (uint32_t i = 0; i < 5; i++)
		CHECK_INT(send(device.client, "one", 3, 0), 3);
	await(&device, 5);
	run_batch(&device, 5, last);
	device.link.ops->settle(&device.link, 0, &cursors);
	CHECK_INT(cursors.taken, taken[last]);
	CHECK_INT(cursors.sent, sent[last]);
	check_census(&device);
	go_on(&device);
	for (int turn = 0; turn < 60000 && !device.link.ops->quiesce(&device.link, 0); turn++) {
		struct wn_drive_batch batch = {.taken = wn_uring_arrived(&device.port, &device.drive.view)};

		wn_uring_release(&device.drive.view, &device.port, &batch);
		wn_uring_retire(&device.drive.view, &device.port, &batch);
		device.link.ops->wake(&device.link, 0);
		usleep(500);
	}
	CHECK_INT(device.link.ops->quiesce(&device.link, 0), 1);
	check_census(&device);
	close(device.client);
	wn_link_close(&device.link);
}

static void test_death(void)
{
	for (enum step last = STEP_NONE; last <= STEP_SHOWN; last++) {
		const int before = check_failures();

		check_death("uring:udp:127.0.0.1:0,frames=16", last);
		check_death("uring:udp:0.0.0.0:0,frames=16,poller=off", last);
		check_death("uring:udp:127.0.0.1:0,frames=16,rings=mapped", last);
		if (check_failures() != before)
			printf("# dead at step %d\n", last);
	}
}

int main(void)
{
	const char *reason = missing();

	if (reason)
		return check_skip_all(reason);
	RUN(test_sleeping_thread);
	RUN(test_overflow);
	RUN(test_refusals);
	RUN(test_bad_requests);
	RUN(test_death);
	return check_finish();
}
