/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's thread that polls a ring dies: the link is at its end, also where nothing comes, and the sum adds up.
 *
 * The thread is of the process that made the ring and dies with it. So one process makes the runtime, its child starts it, and
 * then the first one ends.
 */
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "clock.h"
#include "tests/uring/server.h"

#define PATIENCE_MS 60000

/* Ends of pipes: the child says that it serves, and, at its end, how many checks failed. */
struct talk {
	int serves[2];
	int result[2];
};

/* What is tried. */
struct scene {
	const char *link;
	const char *file;       /* where deliveries go, or NULL */
	uint32_t asks;          /* before it dies, one after the other, each answered */
	int is_flooded;         /* packets come while it dies, and after */
};

static int connect_to(const struct wn_runtime *runtime, int is_tcp)
{
	union wn_address address;
	int fd;

	server_address(runtime, &address);
	fd = socket(address.any.sa_family, is_tcp ? SOCK_STREAM : SOCK_DGRAM, 0);
	CHECK_INT(connect(fd, &address.any, wn_address_length(&address)), 0);
	return fd;
}

static void ask(int fd)
{
	char reply[8];

	CHECK_INT(send(fd, "before\n", 7, 0), 7);
	CHECK_INT(receive(fd, reply, sizeof(reply)), 7);
}

/* As much as goes, which may be nothing; also takes the replies, or a connection would stand still. */
static void flood(int fd)
{
	char bytes[4096] = {0};

	for (int i = 0; i < 64; i++) {
		ssize_t length = send(fd, bytes, 512, MSG_DONTWAIT | MSG_NOSIGNAL);

		length = length < 0 ? length : recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
		(void)length;
	}
}

static void check_end(struct wn_runtime *runtime, const struct scene *scene)
{
	struct wn_counters counters;
	struct wn_file_counts counts;

	CHECK(wn_runtime_stop(runtime) <= 0);
	wn_runtime_snapshot(runtime, &counters);
	CHECK_INT(wn_counters_difference(&counters), 0);
	if (!scene->is_flooded && !scene->file)
		CHECK_INT(counters.answered, scene->asks);
	if (!scene->file)
		return;
	CHECK_INT(wn_runtime_file(runtime, 0, &counts), 0);
	CHECK_INT(counts.written + counts.failed + counts.pending, counts.records);
	CHECK_INT(counters.delivered, counts.records);
}

/* The child: serves until there is nothing left that could. Returns its failures. */
static int serve_on(struct wn_runtime *runtime, const struct scene *scene, const struct talk *talk)
{
	const int64_t until_ns = wn_clock_ns() + PATIENCE_MS * WN_MILLISECOND_NS;
	const int before = check_failures();
	struct wn_error error = {0};
	int is_over = 0, fd;

	CHECK_INT(wn_runtime_start(runtime, &error), 0);
	fd = connect_to(runtime, !strncmp(scene->link, "uring:tcp", 9));
	for (uint32_t i = 0; i < scene->asks; i++)
		ask(fd);
	for (int i = 0; scene->is_flooded && i < 100; i++)
		flood(fd);
	CHECK_INT(write(talk->serves[1], "s", 1), 1);
	while (!is_over && wn_clock_ns() < until_ns) {
		if (scene->is_flooded)
			flood(fd);
		is_over = wn_runtime_wait(runtime, scene->is_flooded ? 1 : 100);
	}
	CHECK(is_over);
	close(fd);
	check_end(runtime, scene);
	wn_runtime_destroy(runtime);
	return check_failures() - before;
}

/* The process that makes the rings. */
static void make(const struct scene *scene, const struct talk *talk)
{
	struct wn_runtime_params params = {.program = scene->file ? "capture" : "echo", .links = {scene->link},
					   .link_count = 1, .deliver_file = scene->file};
	struct wn_error error = {0};
	struct wn_runtime *runtime = wn_runtime_create(&params, &error);
	uint8_t failures;

	if (!runtime)
		printf("# %s\n", error.text);
	if (runtime && fork() == 0) {
		close(talk->serves[0]);
		failures = (uint8_t)serve_on(runtime, scene, talk);
		_exit(write(talk->result[1], &failures, 1) != 1);
	}
	close(talk->serves[1]);
	_exit(read(talk->serves[0], &failures, 1) != 1);
}

static void dies(const struct scene *scene)
{
	struct talk talk;
	struct pollfd result = {.events = POLLIN};
	uint8_t failures = 255;
	int status = -1;
	pid_t maker;

	CHECK_INT(pipe(talk.serves), 0);
	CHECK_INT(pipe(talk.result), 0);
	maker = fork();
	if (!maker)
		make(scene, &talk);
	close(talk.serves[0]);
	close(talk.serves[1]);
	close(talk.result[1]);
	CHECK_INT(waitpid(maker, &status, 0), maker);
	CHECK_INT(status, 0);
	result.fd = talk.result[0];
	CHECK_INT(poll(&result, 1, 2 * PATIENCE_MS), 1);
	CHECK_INT(read(talk.result[0], &failures, 1), 1);
	CHECK_INT(failures, 0);
	close(talk.result[0]);
	if (failures)
		printf("# %s\n", scene->link);
}

static const char *const links[] = {
	"uring:udp:127.0.0.1:0", "uring:udp:127.0.0.1:0,poller=own,queues=2", "uring:udp:127.0.0.1:0,rings=mapped",
	"uring:tcp:127.0.0.1:0", "uring:tcp:127.0.0.1:0,poller=own",
};

static void die_all(uint32_t asks, int is_flooded)
{
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		dies(&(struct scene){.link = links[i], .asks = asks, .is_flooded = is_flooded});
}

static void test_dies_idle(void)
{
	die_all(0, 0);
}

static void test_dies_after_traffic(void)
{
	die_all(100, 0);
}

static void test_dies_under_load(void)
{
	die_all(0, 1);
}

/* A device that waits for a write that nobody carries out: the run ends all the same, and what was in memory is pending. */
static void test_dies_with_file(void)
{
	char path[] = "/tmp/warpnic-poller-XXXXXX", file[64];
	const int fd = mkstemp(path);

	CHECK(fd >= 0);
	close(fd);
	snprintf(file, sizeof(file), "uring:file:%s", path);
	dies(&(struct scene){.link = links[0], .file = file});
	dies(&(struct scene){.link = links[0], .file = file, .is_flooded = 1});
	unlink(path);
}

int main(void)
{
	const char *reason = missing();

	if (reason)
		return check_skip_all(reason);
	RUN(test_dies_idle);
	RUN(test_dies_after_traffic);
	RUN(test_dies_under_load);
	RUN(test_dies_with_file);
	return check_finish();
}
