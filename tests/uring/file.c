/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file that the device writes through its io_uring: real packets, a real kernel, real files; a disk that is full, a
 * limit, a process that is killed, a device that dies between any two steps.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "clock.h"
#include "lane/file_lane.h"
#include "lane/port_uring.h"
#include "link/uring.h"
#include "ring/order.h"
#include "tests/pcapng.h"
#include "tests/uring/server.h"

static char folder[64];

static const char *path_of(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static int64_t size_of(const char *name)
{
	struct stat status;

	return stat(path_of(name), &status) ? -1 : status.st_size;
}

/* All of a file; the caller frees it. */
static uint8_t *slurp(const char *name, uint64_t *bytes)
{
	const int fd = open(path_of(name), O_RDONLY);
	struct stat status = {.st_size = 0};
	uint8_t *memory;

	*bytes = 0;
	if (!CHECK(fd >= 0))
		return NULL;
	fstat(fd, &status);
	memory = malloc((size_t)status.st_size + 1);
	*bytes = (uint64_t)read(fd, memory, (size_t)status.st_size);
	close(fd);
	return memory;
}

/* Reads a file that must be whole; its pieces point into memory that stays. */
static void read_whole(const char *name, struct pcapng *file)
{
	uint64_t bytes;
	uint8_t *memory = slurp(name, &bytes);

	memset(file, 0, sizeof(*file));
	if (!memory)
		return;
	CHECK(pcapng_read(file, memory, bytes));
	free(memory);
}

static void check_counts(const struct wn_file_counts *counts)
{
	CHECK_INT(counts->written + counts->failed + counts->pending, counts->records);
	CHECK_INT(counts->written_bytes + counts->failed_bytes + counts->pending_bytes, counts->bytes);
}

/* Ends it, and tells what became of what was delivered: all of that is in the sum, too. */
static void end_file(struct server *server, struct wn_counters *counters, struct wn_file_counts *counts)
{
	wn_runtime_stop(server->runtime);
	CHECK_INT(wn_runtime_file(server->runtime, 0, counts), 0);
	check_counts(counts);
	CHECK_INT(counts->pending, 0);
	end(server, counters);
	CHECK_INT(counters->delivered, counts->records);
	CHECK_INT(counters->received, counters->delivered + counters->dropped[WN_CAUSE_FILE_FULL]);
}

static const char *deliver(const char *name, const char *options)
{
	static char text[256];

	snprintf(text, sizeof(text), "uring:file:%s%s", path_of(name), options);
	return text;
}

/* Sends so many and waits until the program has seen them. */
static void send_packets(struct server *server, uint32_t count, uint32_t length)
{
	const int fd = client_to(&server->address);
	struct wn_counters counters = {0}, before;
	uint8_t bytes[1472] = {0};

	wn_runtime_snapshot(server->runtime, &before);
	for (uint32_t i = 0; i < count; i++) {
		memcpy(bytes, &i, sizeof(i));
		CHECK_INT(send(fd, bytes, length, 0), length);
		for (int turn = 0; i % 64 == 63 && turn < 100000 && counters.received + counters.kernel_dropped <
								   before.received + before.kernel_dropped + i; turn++) {
			usleep(200);
			wn_runtime_snapshot(server->runtime, &counters);
		}
	}
	for (int turn = 0; turn < 100000 && counters.received + counters.kernel_dropped <
						  before.received + before.kernel_dropped + count; turn++) {
		usleep(500);
		wn_runtime_snapshot(server->runtime, &counters);
	}
	close(fd);
}

static void check_file(const char *link, const char *options, enum wn_mode mode)
{
	struct wn_runtime_params params = {.program = "capture", .mode = mode, .deliver_file = deliver("a", options)};
	struct wn_file_counts counts;
	struct wn_counters counters;
	struct server server;
	struct pcapng file;

	if (serve(&server, &params, link))
		return;
	send_packets(&server, 1000, 100);
	end_file(&server, &counters, &counts);
	/* Where the disk is slower than that, what finds no room in memory has its number, too. */
	CHECK_INT(counters.delivered + counters.dropped[WN_CAUSE_FILE_FULL] + counters.kernel_dropped, 1000);
	CHECK(counts.written > 100);
	CHECK_INT(counts.written, counters.delivered);
	read_whole("a", &file);
	CHECK_INT(file.packets, counts.written);
	CHECK_INT(file.sections, 1);
	CHECK_INT(file.interfaces, 2);
	CHECK_INT(file.packet_bytes, counts.written_bytes);
}

static void test_file(void)
{
	check_file("uring:udp:127.0.0.1:0", "", WN_MODE_AUTO);
	check_file("uring:udp:127.0.0.1:0", ",direct=off", WN_MODE_AUTO);
	check_file("uring:udp:[::1]:0,poller=off", ",buffer=64k", WN_MODE_AUTO);
	check_file("uring:udp:127.0.0.1:0,rings=mapped,poller=own", ",flush=1", WN_MODE_AUTO);
	check_file("uring:udp:127.0.0.1:0,frames=16", ",direct=off", WN_MODE_RESIDENT);
	check_file("uring:udp:127.0.0.1:0,frames=16,poller=off", "", WN_MODE_LEASE);
}

/* Both ends of a packet, whatever the socket is bound to. */
static void check_ends(const char *link, const char *to, const uint8_t *local, uint32_t is_ipv6)
{
	struct wn_runtime_params params = {.program = "capture", .deliver_file = deliver("a", "")};
	struct wn_file_counts counts;
	struct wn_counters counters;
	struct server server;
	struct pcapng file = {0};
	uint64_t bytes;
	uint8_t *memory;
	char text[64];
	uint16_t port;

	if (serve(&server, &params, link))
		return;
	port = server.address.v4.sin_port;
	snprintf(text, sizeof(text), "%s:%u", to, ntohs(port));
	CHECK_INT(wn_address_parse(&server.address, text, NULL), 0);
	send_packets(&server, 1, 10);
	end_file(&server, &counters, &counts);
	memory = slurp("a", &bytes);
	file.bytes = memory;
	file.length = bytes;
	while (memory && pcapng_next(&file))
		continue;
	CHECK_INT(file.packets, 1);
	CHECK_INT(file.payload_bytes, 10);
	CHECK_INT(file.is_ipv6, is_ipv6);
	if (file.payload) {
		CHECK(!memcmp(file.payload - (is_ipv6 ? 24 : 12), local, is_ipv6 ? 16 : 4));
		CHECK(!memcmp(file.payload - 6, &port, 2));
	}
	free(memory);
}

static void test_ends(void)
{
	static const uint8_t v6[16] = {[15] = 1};

	check_ends("uring:udp:127.0.0.1:0", "127.0.0.1", (const uint8_t[]){127, 0, 0, 1}, 0);
	check_ends("uring:udp:0.0.0.0:0", "127.0.0.2", (const uint8_t[]){127, 0, 0, 2}, 0);
	check_ends("uring:udp:[::]:0", "127.0.0.3", (const uint8_t[]){127, 0, 0, 3}, 0);
	check_ends("uring:udp:[::]:0", "[::1]", v6, 1);
	check_ends("uring:udp:[::1]:0", "[::1]", v6, 1);
}

/* Records are on an interface of their own. */
static void test_records(void)
{
	struct wn_runtime_params params = {.program = "transform", .deliver_file = deliver("a", "")};
	struct wn_file_counts counts;
	struct wn_counters counters;
	struct server server;
	struct pcapng file;

	if (serve(&server, &params, "uring:udp:127.0.0.1:0"))
		return;
	send_packets(&server, 200, 64);
	wn_runtime_stop(server.runtime);
	CHECK_INT(wn_runtime_file(server.runtime, 0, &counts), 0);
	end(&server, &counters);
	CHECK(counters.delivered > 0);
	CHECK_INT(counts.written, counters.delivered);
	read_whole("a", &file);
	CHECK_INT(file.records, counters.delivered);
	CHECK_INT(file.packets, 0);
}

/* What waits is written after a while, without the end. */
static void test_flush(void)
{
	struct wn_runtime_params params = {.program = "capture", .deliver_file = deliver("a", ",flush=20")};
	struct wn_file_counts counts = {0};
	struct wn_counters counters;
	struct server server;
	struct pcapng file;

	if (serve(&server, &params, "uring:udp:127.0.0.1:0"))
		return;
	for (uint32_t i = 1; i <= 3; i++) {
		send_packets(&server, 1, 100);
		for (int turn = 0; turn < 100000 && counts.written < i; turn++) {
			usleep(500);
			CHECK_INT(wn_runtime_file(server.runtime, 0, &counts), 0);
			check_counts(&counts);
		}
		read_whole("a", &file);
		CHECK_INT(file.packets, i);
	}
	end_file(&server, &counters, &counts);
}

static void test_queues(void)
{
	struct wn_runtime_params params = {.program = "capture", .deliver_file = deliver("q", "")};
	struct wn_file_counts counts;
	struct wn_counters counters;
	struct server server;
	struct pcapng files[2];

	if (serve(&server, &params, "uring:udp:127.0.0.1:0,queues=2"))
		return;
	for (int i = 0; i < 20; i++)
		send_packets(&server, 10, 50);
	end_file(&server, &counters, &counts);
	read_whole("q.0", &files[0]);
	read_whole("q.1", &files[1]);
	CHECK_INT(files[0].packets + files[1].packets, 200);
	CHECK(files[0].packets && files[1].packets);
}

/* Another section behind what is there; a file that somebody writes is left alone. */
static void test_append(void)
{
	struct wn_runtime_params params = {.program = "capture", .deliver_file = deliver("b", ",append=on")};
	struct wn_runtime_params other = {.program = "capture", .link_count = 1, .links = {"uring:udp:127.0.0.1:0"}};
	struct wn_error error = {0};
	struct wn_file_counts counts;
	struct wn_counters counters;
	struct server server;
	struct pcapng file;

	for (uint32_t i = 1; i <= 3; i++) {
		if (serve(&server, &params, "uring:udp:127.0.0.1:0"))
			return;
		other.deliver_file = params.deliver_file;
		CHECK(wn_runtime_create(&other, &error) == NULL);
		CHECK(strstr(error.text, "another process") != NULL);
		send_packets(&server, 10, 100);
		end_file(&server, &counters, &counts);
		read_whole("b", &file);
		CHECK_INT(file.sections, i);
		CHECK_INT(file.packets, 10 * i);
	}
}

/* -- disks that are full, and limits -- */

/* Runs in a process of its own, whose output is TAP diagnostics only. Returns whether all held. */
static void in_child(int (*body)(void))
{
	int status = 0;
	pid_t child;

	fflush(stdout);
	child = fork();
	if (!child) {
		const int rc = body();

		fflush(stdout);
		_exit(rc ? rc : check_failures() != 0);
	}
	waitpid(child, &status, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		SKIP("not here");
	CHECK_INT(status, 0);
}

/* Traffic goes on; what is not in the file is counted by name, and what is can be read. */
static int overfill(const char *name, const char *options, uint32_t packets, enum wn_file_count named)
{
	struct wn_runtime_params params = {.program = "capture", .deliver_file = deliver(name, options)};
	/* In the middle of a piece; with O_DIRECT at a unit, else the kernel cuts a write to what it then refuses. */
	const struct rlimit limit = {(1 << 20) + (strstr(options, "direct=off") ? 5000 : 8192), RLIM_INFINITY};
	struct wn_file_counts counts;
	struct wn_counters counters;
	struct server server;
	struct pcapng file;

	if (serve(&server, &params, "uring:udp:127.0.0.1:0"))
		return 1;
	/* The memory of rings counts as a file, too, so the limit comes behind it. */
	if (named == WN_FILE_TOO_LARGE && setrlimit(RLIMIT_FSIZE, &limit))
		return 77;
	for (uint32_t i = 0; i < packets; i += 256)
		send_packets(&server, 256, 1400);
	end_file(&server, &counters, &counts);
	CHECK_INT(counters.received + counters.kernel_dropped, packets);
	CHECK(counts.failed > 0);
	CHECK(counts.written > 0);
	CHECK(named == WN_FILE_NO_SPACE ? counts.no_space > 0 : counts.too_large > 0);
	CHECK_INT(counts.other_errors + counts.io_errors, 0);
	CHECK_INT(counts.last_error, named == WN_FILE_NO_SPACE ? ENOSPC : EFBIG);
	read_whole(name, &file);
	CHECK_INT(file.packets, counts.written);
	return 0;
}

/* A file system of one MiB, in a name space that goes with this process. */
static int fill_small_disk(void)
{
	if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("none", folder, "tmpfs", 0, "size=1m"))
		return 77;
	overfill("full", "", 4096, WN_FILE_NO_SPACE);
	unlink(path_of("full"));
	return overfill("full", ",direct=off,buffer=256k", 4096, WN_FILE_NO_SPACE);
}

static void test_full(void)
{
	in_child(fill_small_disk);
}

static int fill_to_limit(void)
{
	signal(SIGXFSZ, SIG_IGN);
	return overfill("limit", ",direct=off", 2048, WN_FILE_TOO_LARGE);
}

static int fill_to_limit_directly(void)
{
	signal(SIGXFSZ, SIG_IGN);
	return overfill("limit", "", 2048, WN_FILE_TOO_LARGE);
}

static void test_limit(void)
{
	in_child(fill_to_limit);
	in_child(fill_to_limit_directly);
}

/* -- ends that nobody planned -- */

/* kill -9 under load: what is in the file is whole up to the last write, and perhaps part of the one under way. */
static void check_killed(const char *options)
{
	struct wn_runtime_params params = {.program = "capture", .deliver_file = deliver("k", options)};
	uint64_t bytes;
	struct pcapng file;
	uint8_t *memory;
	int ready[2], status;
	pid_t child;

	unlink(path_of("k"));
	CHECK_INT(pipe(ready), 0);
	fflush(stdout);
	child = fork();
	if (!child) {
		struct server server;

		if (serve(&server, &params, "uring:udp:127.0.0.1:0"))
			_exit(1);
		CHECK_INT(write(ready[1], "x", 1), 1);
		for (;;)
			send_packets(&server, 64, 500);
	}
	CHECK_INT(read(ready[0], &status, 1), 1);
	for (int turn = 0; turn < 12000 && size_of("k") < 65536; turn++)
		usleep(5000);
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	close(ready[0]);
	close(ready[1]);
	memory = slurp("k", &bytes);
	if (memory) {
		pcapng_read(&file, memory, bytes);
		CHECK(file.packets > 0);
		CHECK(bytes - file.at < 65536);
		CHECK_INT(file.interfaces, 2);
	}
	free(memory);
}

static void test_killed(void)
{
	check_killed(",flush=5,direct=off");
	check_killed(",flush=5");
}

/* -- a device that dies -- */

enum { FRAMES = 16 };
enum step { STEP_APPENDED, STEP_SHOWN, STEP_SUBMITTED, STEP_ENDED, STEP_TAKEN, STEP_DONE };

struct device {
	struct wn_link link;
	struct wn_drive drive;
	struct wn_uring_port port;
	struct wn_file_state state;
};

static void append(struct device *device, uint32_t count)
{
	static const uint8_t peer[4] = {127, 0, 0, 1};
	const struct wn_drive_item item = {.peer = peer, .peer_port = 7, .length = 20};

	for (uint32_t i = 0; i < count; i++) {
		const struct wn_drive_view *view = &device->drive.view;
		const uint32_t position = wn_file_place(view, &device->state, wn_file_piece_bytes(0, 20), 1);

		wn_file_put_piece(view, position, &item, 1, 20, 0, 0);
	}
}

static const struct wn_uring_cqe *await(struct device *device)
{
	const struct wn_drive_view *view = &device->drive.view;
	const int64_t until_ns = wn_clock_ns() + 30 * WN_SECOND_NS;

	while (!wn_uring_arrived(&device->port, view) && wn_clock_ns() < until_ns) {
		device->link.ops->wake(&device->link, 0);
		usleep(200);
	}
	CHECK_INT(wn_uring_arrived(&device->port, view), 1);
	return wn_uring_cqe_at(view, device->port.cq);
}

/* Five records, as far as `last`. */
static void run(struct device *device, enum step last)
{
	const struct wn_drive_view *view = &device->drive.view;
	struct wn_drive_batch batch = {.writes = 1};

	append(device, 5);
	if (last == STEP_APPENDED)
		return;
	wn_file_submit(view, &device->state);
	wn_uring_write_file(view, device->port.sq, &device->state);
	wn_file_show(view, &device->state);
	if (last == STEP_SHOWN)
		return;
	wn_uring_show(view, &device->port, &batch);
	wn_uring_retire(view, &device->port, &batch);
	if (last == STEP_SUBMITTED)
		return;
	CHECK(await(device) != NULL);
	if (last == STEP_ENDED)
		return;
	CHECK_INT(wn_file_complete(view, &device->state, device->state.number, await(device)->res), 1);
	wn_file_show(view, &device->state);
	if (last == STEP_TAKEN)
		return;
	batch = (struct wn_drive_batch){.taken = 1};
	wn_uring_release(view, &device->port, &batch);
}

/* Whatever the device did, records that it has shown come into the file once, the others not at all. */
static void check_death(const char *spec, enum step last)
{
	struct wn_drive_cursors cursors = {.taken = 0};
	struct wn_file_counts counts = {.records = 0};
	const uint32_t records = last == STEP_APPENDED ? 0 : 5;
	struct wn_census census = {.frames = 0};
	struct wn_error error = {0};
	struct device device;
	struct pcapng file;

	memset(&device, 0, sizeof(device));
	CHECK_INT(wn_link_open(&device.link, spec, NULL, 0, NULL, &error), 0);
	if (!device.link.ops)
		return;
	CHECK_INT(device.link.ops->deliver_to(&device.link, path_of("d"), &error), 0);
	CHECK_TEXT(error.text, "");
	CHECK_INT(device.link.ops->drive(&device.link, 0, &device.drive, &error), 0);
	wn_uring_init(&device.port, &device.drive.view);
	wn_file_load(&device.drive.view, &device.state);
	run(&device, last);
	device.link.ops->settle(&device.link, 0, &cursors);
	CHECK_INT(cursors.filed, records);
	CHECK_INT(cursors.taken, 0);
	CHECK_INT(cursors.sent, 0);
	device.link.ops->census(&device.link, 0, &census);
	CHECK_INT(census.fill, FRAMES);
	CHECK_INT(census.twice, 0);
	/* The next one appends three more. */
	wn_uring_init(&device.port, &device.drive.view);
	wn_file_load(&device.drive.view, &device.state);
	append(&device, 3);
	wn_file_show(&device.drive.view, &device.state);
	device.link.ops->finish(&device.link, 0);
	device.link.ops->file_counts(&device.link, 0, &counts);
	CHECK_INT(counts.records, records + 3);
	CHECK_INT(counts.written, records + 3);
	check_counts(&counts);
	wn_link_close(&device.link);
	read_whole("d", &file);
	CHECK_INT(file.packets, records + 3);
}

static void test_death(void)
{
	for (enum step last = STEP_APPENDED; last <= STEP_DONE; last++) {
		const int before = check_failures();

		check_death("uring:udp:127.0.0.1:0,frames=16", last);
		check_death("uring:udp:127.0.0.1:0,frames=16,poller=off", last);
		check_death("uring:udp:127.0.0.1:0,frames=16,rings=mapped", last);
		if (check_failures() != before)
			printf("# dead at step %d\n", last);
	}
}

/* -- what is refused -- */

static void check_refused(struct wn_runtime_params params, const char *words)
{
	struct wn_error error = {0};

	params.program = "capture";
	if (!params.link_count) {
		params.links[0] = "uring:udp:127.0.0.1:0";
		params.link_count = 1;
	}
	CHECK(wn_runtime_create(&params, &error) == NULL);
	if (!CHECK(strstr(error.text, words) != NULL))
		printf("# %s\n", error.text);
}

static void test_refused(void)
{
	check_refused((struct wn_runtime_params){.deliver_file = "out.pcapng"}, "must be uring:file:PATH");
	check_refused((struct wn_runtime_params){.deliver_file = "uring:file:"}, "must be uring:file:PATH");
	check_refused((struct wn_runtime_params){.deliver_file = "uring:file:/nonexistent/x"}, "No such file");
	check_refused((struct wn_runtime_params){.deliver_file = "uring:file:/tmp"}, "s a directory");
	check_refused((struct wn_runtime_params){.deliver_file = "uring:file:/dev/null"}, "is not a file");
	check_refused((struct wn_runtime_params){.deliver_file = deliver("r", ",direct=maybe")}, "auto");
	check_refused((struct wn_runtime_params){.deliver_file = deliver("r", ",buffer=1k")}, "buffer");
	check_refused((struct wn_runtime_params){.deliver_file = deliver("r", ",size=1k")}, "size");
	check_refused((struct wn_runtime_params){.deliver_file = deliver("r", ""), .link_count = 1,
						 .links = {"udp:127.0.0.1:0"}}, "has no io_uring");
	check_refused((struct wn_runtime_params){.deliver_file = deliver("r", ""), .link_count = 2,
						 .links = {"uring:udp:127.0.0.1:0", "uring:udp:127.0.0.1:0"},
						 .drive = WN_DRIVE_DEVICE}, "one link that receives");
}

static void test_reload(void)
{
	struct wn_runtime_params params = {.program = "capture", .deliver_file = deliver("a", ",flush=1")};
	struct wn_file_counts counts;
	struct wn_counters counters;
	struct server server;
	struct pcapng file;

	if (serve(&server, &params, "uring:udp:127.0.0.1:0"))
		return;
	for (uint32_t i = 0; i < 10; i++) {
		struct wn_error error = {0};

		send_packets(&server, 20, 100);
		CHECK_INT(wn_runtime_reload(server.runtime, &params, &error), 0);
	}
	end_file(&server, &counters, &counts);
	read_whole("a", &file);
	CHECK_INT(file.packets, 200);
}

static void remove_folder(void)
{
	static const char *const names[] = {"a", "b", "d", "k", "r", "q.0", "q.1", "full", "limit"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlink(path_of(names[i]));
	rmdir(folder);
}

int main(void)
{
	const char *reason = missing();

	if (reason)
		return check_skip_all(reason);
	/* Where the tests are built: on a disk, more likely than /tmp is. */
	snprintf(folder, sizeof(folder), "./wn-file-%d", (int)getpid());
	if (mkdir(folder, 0700))
		return check_skip_all("no folder to write to");
	RUN(test_file);
	RUN(test_ends);
	RUN(test_records);
	RUN(test_flush);
	RUN(test_queues);
	RUN(test_append);
	RUN(test_full);
	RUN(test_limit);
	RUN(test_killed);
	RUN(test_death);
	RUN(test_refused);
	RUN(test_reload);
	remove_folder();
	return check_finish();
}
