/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A device that dies with connections open, at any step of a batch: the link closes them all (wn_tcp_settle), every frame and
 * every connection that was counted is accounted for, and the device that is started anew serves those that come then. A
 * real ring on loopback; the device is a group of one lane, compiled into this test with the program, that stops.
 */
#define WN_NATIVE_ENTRY 1
#include WN_PROGRAM_SOURCE

#include <poll.h>

#include "clock.h"
#include "ring/order.h"

static inline uint64_t wn_lane_now_ns(void)
{
	return (uint64_t)wn_clock_ns();
}

static inline void wn_counter_store(uint64_t *word, uint64_t value)
{
	wn_store_relaxed64(word, value);
}

#include "data/loader.h"
#include "lane/stream_loop.h"
#include "link/link.h"
#include "link/tcp.h"
#include "tests/tcp/server.h"

enum { CLIENTS = 6, ANSWERED = 2, SLOW = CLIENTS - 1, FLOOD = 1 << 20 };

/* Where the device dies. */
enum step {
	STEP_IDLE,              /* it has nothing in hand */
	STEP_SOME,              /* it has dealt with half the batch; what its connections are is written, no ring is */
	STEP_PUT,               /* all entries of sq and buffers are written; no cursor was stored */
	STEP_RELEASED,          /* the cq was given back; sq and buffers not shown */
	STEP_SHOWN,             /* the kernel goes on; what was counted is not shown */
	STEP_COUNTED,           /* all is done */
	STEP_COUNT
};

static struct wn_blob blob; /* what the program reads: nothing, or a site of one file */

/* What the program answers: itself, or that file. */
#ifdef WN_TEST_HTTP
static const char request[] = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n", begins[] = "HTTP/1.1 200 ";

static void make_blob(void)
{
	char folder[] = "/tmp/warpnic-death-XXXXXX", path[128];
	const struct wn_load load = {"root", folder};
	struct wn_error error = {0};
	FILE *file;

	CHECK(mkdtemp(folder) != NULL);
	snprintf(path, sizeof(path), "%s/a", folder);
	file = fopen(path, "we");
	if (CHECK(file != NULL)) {
		for (int i = 0; i < 500; i++)
			fprintf(file, "line %d\n", i);
		fclose(file);
	}
	CHECK_INT(wn_loader_site.build(&blob, &load, 1, &error), 0);
	unlink(path);
	rmdir(folder);
}
#else
static const char request[] = "once more\n", begins[] = "once more\n";

static void make_blob(void)
{
}
#endif

struct device {
	struct wn_link link;
	struct wn_drive drive;
	struct wn_ring_words handover;
	struct wn_drive_lane lane;
	struct wn_program_data data;
	uint64_t row[wn_lane_words + 1];
	struct server where;    /* its address, for the clients */
	int clients[CLIENTS];
};

static struct wn_stream_words *words_of(struct device *device)
{
	return device->drive.view.stream.words;
}

static uint64_t total(struct device *device, enum wn_stream_total which)
{
	return wn_load_acquire64(&words_of(device)->totals[which]);
}

/* The device begins, or begins anew, where the ring stands. */
static void start(struct device *device)
{
	wn_drive_init(&device->lane, &device->drive.view);
}

static void turn(struct device *device)
{
	wn_stream_serve(&device->lane, &device->data, device->row, 1000);
	CHECK(device->link.ops->wake(&device->link, 0) >= 0);
}

/* Serves until the client has that many bytes to read, half a minute at most. Returns whether it has. */
static int serve_until(struct device *device, int client, size_t bytes)
{
	const int64_t until_ns = wn_clock_ns() + 30 * WN_SECOND_NS;
	static char seen[4096];

	while (wn_clock_ns() < until_ns) {
		turn(device);
		if (recv(client, seen, sizeof(seen), MSG_DONTWAIT | MSG_PEEK) >= (ssize_t)bytes)
			return 1;
		usleep(100);
	}
	return 0;
}

static int make_device(struct device *device, const char *spec)
{
	struct wn_error error = {0};
	struct wn_tcp *tcp;

	memset(device, 0, sizeof(*device));
	CHECK_INT(wn_link_open(&device->link, spec, NULL, 0, NULL, &error), 0);
	CHECK_TEXT(error.text, "");
	if (!device->link.ops)
		return -1;
	CHECK_INT(device->link.ops->drive(&device->link, 0, &device->drive, &error), 0);
	device->drive.view.handover.words = &device->handover;
	device->data = (struct wn_program_data){.file = blob.bytes, .file_bytes = blob.size, .file_version = 1,
						.file_address = (uint64_t)(uintptr_t)blob.bytes};
	tcp = device->link.state;
	device->where.address = tcp->bound;
	start(device);
	return 0;
}

static void ask(int client)
{
	send_all(client, request, sizeof(request) - 1);
}

/* A client that asks and is answered. */
static void check_served(struct device *device)
{
	const int fd = client(&device->where);
	char back[16] = {0};

	ask(fd);
	CHECK(serve_until(device, fd, sizeof(begins) - 1));
	CHECK_INT(receive_all(fd, back, sizeof(begins) - 1), sizeof(begins) - 1);
	CHECK(!memcmp(back, begins, sizeof(begins) - 1));
	close(fd);
}

/* Some are answered, one reads nothing of what it has asked for, the others have asked, and completions wait. */
static void make_clients(struct device *device)
{
	static char flood[FLOOD];
	const int64_t until_ns = wn_clock_ns() + 30 * WN_SECOND_NS;

	for (size_t i = 0; i < FLOOD; i++)
		flood[i] = request[i % (sizeof(request) - 1)];
	for (int i = 0; i < CLIENTS; i++)
		device->clients[i] = client(&device->where);
	while (total(device, WN_STREAM_OPEN) < CLIENTS && wn_clock_ns() < until_ns)
		turn(device);
	CHECK_INT(total(device, WN_STREAM_OPEN), CLIENTS);
	for (int i = 0; i < ANSWERED; i++) {
		ask(device->clients[i]);
		CHECK(serve_until(device, device->clients[i], sizeof(begins) - 1));
	}
	for (int quiet = 0; quiet < 5;) {
		quiet = send(device->clients[SLOW], flood, FLOOD, MSG_DONTWAIT | MSG_NOSIGNAL) > 0 ? 0 : quiet + 1;
		turn(device);
		usleep(500);
	}
	for (int i = 0; i < SLOW; i++)
		ask(device->clients[i]);
	while (wn_uring_arrived(&device->lane.port.uring, &device->drive.view) < SLOW && wn_clock_ns() < until_ns) {
		device->link.ops->wake(&device->link, 0);
		usleep(100);
	}
	CHECK(wn_uring_arrived(&device->lane.port.uring, &device->drive.view) >= SLOW);
}

/* A batch as wn_stream_batch() and wn_stream_finish() do it, up to `last`. */
static void run_batch(struct device *device, enum step last)
{
	struct wn_drive_lane *lane = &device->lane;
	const uint32_t count = wn_uring_arrived(&lane->port.uring, &lane->view);
	uint64_t counts[wn_lane_words + 1] = {0};
	uint8_t record[WN_RESULT_BYTES];
	struct wn_drive_batch batch = {.taken = count};
	struct wn_stream_turn turn = {.record = record};
	uint32_t frame;

	if (last == STEP_IDLE)
		return;
	wn_stream_turn_init(lane, &turn, wn_lane_now_ns(), counts, &device->data);
	for (uint32_t i = 0; i < (last == STEP_SOME ? count / 2 : count); i++) {
		const struct wn_uring_cqe entry = *wn_uring_cqe_at(&lane->view, lane->port.uring.cq + i);

		wn_stream_take(&turn, &entry);
		wn_stream_put(lane, &turn, wn_stream_whose(&turn, &entry), &batch.sent);
	}
	if (last == STEP_COUNTED) {
		wn_stream_finish(lane, &turn, count, batch.sent);
		wn_drive_show_values(lane);
	}
	if (last == STEP_SOME || last == STEP_COUNTED)
		return;
	CHECK(batch.sent > 0);
	frame = turn.give_first;
	for (; batch.given < turn.give_count; batch.given++) {
		const uint32_t next = lane->view.stream.next[frame];

		wn_uring_give(&lane->port.uring, &lane->view, batch.given, frame);
		frame = next;
	}
	if (last >= STEP_RELEASED)
		wn_stream_port_release(&lane->view, &lane->port.uring, &batch);
	if (last >= STEP_SHOWN)
		wn_stream_port_show(&lane->view, &lane->port.uring, &batch);
}

static void check_sums(struct device *device, uint64_t open)
{
	uint64_t ends = total(device, WN_STREAM_OPEN);
	struct wn_census census = {.frames = 0};

	CHECK_INT(total(device, WN_STREAM_OPEN), open);
	for (int i = 0; i < WN_ENDS; i++)
		ends += total(device, WN_STREAM_ENDED + i);
	CHECK_INT(ends, total(device, WN_STREAM_ACCEPTED));
	CHECK_INT(total(device, WN_STREAM_ENDED + WN_END_NONE), 0);
	device->link.ops->census(&device->link, 0, &census);
	CHECK_INT(census.fill, census.frames);
	CHECK_INT(census.rx + census.device + census.tx + census.completion + census.kernel + census.twice, 0);
	CHECK_INT(census.bad_entries, 0);
}

/* Whether the connection ends, whatever still comes of it; half a minute at most. */
static int sees_the_end(int fd)
{
	static char some[1 << 16];
	const int64_t until_ns = wn_clock_ns() + 30 * WN_SECOND_NS;

	while (wn_clock_ns() < until_ns) {
		struct pollfd wait = {.fd = fd, .events = POLLIN};
		ssize_t count;

		if (poll(&wait, 1, 100) <= 0)
			continue;
		count = recv(fd, some, sizeof(some), MSG_DONTWAIT);
		if (!count || (count < 0 && errno != EAGAIN && errno != EINTR))
			return 1;
	}
	return 0;
}

static void check_death(const char *spec, enum step last)
{
	struct wn_drive_cursors cursors = {.taken = 0};
	static struct device device;
	uint32_t generation;

	if (make_device(&device, spec))
		return;
	make_clients(&device);
	run_batch(&device, last);
	/* From here on it does nothing. */
	words_of(&device)->starved = 1;
	generation = device.drive.view.uring.words->generation;
	device.link.ops->settle(&device.link, 0, &cursors);
	check_sums(&device, 0);
	/* One accept, which is not the one before, and nobody who waits for frames. */
	CHECK_INT(words_of(&device)->starved, 0);
	CHECK_INT(device.drive.view.uring.words->receive, WN_URING_ARMED);
	CHECK_INT(device.drive.view.uring.words->generation, generation + 1);
	CHECK_INT(total(&device, WN_STREAM_ENDED + WN_END_STOPPED), CLIENTS);
	CHECK_INT(cursors.taken, device.drive.view.words->values[WN_DRIVE_TAKEN]);
	CHECK(cursors.unsent <= cursors.sent);
	CHECK_INT(device.link.ops->file_users(&device.link, 0, 1), 0);
	for (int i = 0; i < CLIENTS; i++) {
		CHECK(sees_the_end(device.clients[i]));
		close(device.clients[i]);
	}
	start(&device);
	for (int i = 0; i < 3 * CLIENTS; i++)
		check_served(&device);
	CHECK_INT(total(&device, WN_STREAM_ACCEPTED), 4 * CLIENTS);
	for (int turns = 0; turns < 60000 && !device.link.ops->quiesce(&device.link, 0); turns++) {
		turn(&device);
		usleep(500);
	}
	CHECK_INT(device.link.ops->quiesce(&device.link, 0), 1);
	check_sums(&device, 0);
	wn_link_close(&device.link);
}

static void check_deaths(const char *spec)
{
	for (enum step last = STEP_IDLE; last < STEP_COUNT; last++) {
		const int before = check_failures();

		check_death(spec, last);
		if (check_failures() != before)
			printf("# %s: dead at step %d\n", spec, last);
	}
}

static void test_by_calls(void)
{
	check_deaths("uring:tcp:127.0.0.1:0,frames=64,poller=off");
}

static void test_by_thread(void)
{
	check_deaths("uring:tcp:127.0.0.1:0,frames=64,poller=own");
}

static void test_mapped(void)
{
	check_deaths("uring:tcp:127.0.0.1:0,frames=64,poller=off,rings=mapped");
}

/* Dead over and over again: nothing is used up. */
static void test_again(void)
{
	struct wn_drive_cursors cursors;
	static struct device device;

	if (make_device(&device, "uring:tcp:127.0.0.1:0,frames=64,poller=off,connections=8"))
		return;
	for (int round = 0; round < 20; round++) {
		make_clients(&device);
		run_batch(&device, STEP_SOME + (enum step)(round % 4));
		memset(&cursors, 0, sizeof(cursors));
		device.link.ops->settle(&device.link, 0, &cursors);
		check_sums(&device, 0);
		for (int i = 0; i < CLIENTS; i++) {
			CHECK(sees_the_end(device.clients[i]));
			close(device.clients[i]);
		}
		start(&device);
	}
	CHECK_INT(total(&device, WN_STREAM_ENDED + WN_END_STOPPED), 20 * CLIENTS);
	check_served(&device);
	wn_link_close(&device.link);
}

int main(void)
{
	const char *reason = missing();

	if (reason)
		return check_skip_all(reason);
	make_blob();
	RUN(test_by_calls);
	RUN(test_by_thread);
	RUN(test_mapped);
	RUN(test_again);
	return check_finish();
}
