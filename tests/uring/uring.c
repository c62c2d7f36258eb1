/* SPDX-License-Identifier: Apache-2.0 */
/* The uring link with plain sockets on the far side, on loopback; the cpu device drives it. */
#include <stdlib.h>
#include <sys/wait.h>

#include "clock.h"
#include "tests/uring/server.h"

/* The same with each way of carrying out requests, and with each kind of rings. */
static const char *const ways[] = {"", ",poller=own", ",poller=off", ",rings=mapped", ",rings=mapped,poller=off"};

enum { WAYS = sizeof(ways) / sizeof(ways[0]) };

static void echo_on(const char *address, struct wn_runtime_params *params)
{
	struct wn_counters counters;
	struct server server;
	uint8_t bytes[1472] = {0};
	int fd;

	if (serve(&server, params, address))
		return;
	fd = client_to(&server.address);
	check_echo_lengths(fd); /* the first is empty, which ends the receive */
	check_echo(fd, bytes, 0);
	check_echo(fd, bytes, 0);
	check_echo(fd, bytes, 1472);
	close(fd);
	end(&server, &counters);
	CHECK_INT(counters.received, 51);
	CHECK_INT(counters.answered, 51);
	CHECK_INT(counters.receive_errors, 0);
}

static void test_echo(void)
{
	static const char *const addresses[] = {"127.0.0.1:0", "[::1]:0"};

	for (int i = 0; i < 2 * WAYS; i++) {
		struct wn_runtime_params params = {.program = "echo"};
		char link[128];

		snprintf(link, sizeof(link), "uring:udp:%s%s", addresses[i % 2], ways[i / 2]);
		echo_on(link, &params);
	}
}

static void test_echo_resident(void)
{
	struct wn_runtime_params params = {.program = "echo", .mode = WN_MODE_RESIDENT};

	echo_on("uring:udp:127.0.0.1:0", &params);
}

static void test_echo_lease(void)
{
	struct wn_runtime_params params = {.program = "echo", .mode = WN_MODE_LEASE};

	echo_on("uring:udp:127.0.0.1:0,poller=off", &params);
}

/* Bound to every address, the reply leaves from the one that was asked. */
static void from_asked(const char *link, const char *host)
{
	struct wn_runtime_params params = {.program = "echo"};
	struct wn_counters counters;
	struct server server;

	if (serve(&server, &params, link))
		return;
	check_asked(&server.address, host);
	end(&server, &counters);
	CHECK_INT(counters.answered, 1);
}

static void test_reply_from_asked_address(void)
{
	from_asked("uring:udp:0.0.0.0:0", "127.0.0.2");
	from_asked("uring:udp::0", "127.0.0.3");
	from_asked("uring:udp:[::]:0", "[::1]");
	from_asked("uring:udp:[::]:0,rings=mapped", "127.0.0.4");
}

static void test_peer(void)
{
	struct wn_runtime_params params = {.program = TEST_PROGRAM("peer")};
	struct wn_counters counters;
	struct server server;

	if (serve(&server, &params, "uring:udp:[::]:0,frames=16"))
		return;
	check_peers(&server.address, 20);
	end(&server, &counters);
	CHECK_INT(counters.answered, 80);
}

/* A frame holds what is in front of a packet, too: 2000 bytes of 2048 are left. */
static void test_truncated(void)
{
	struct wn_runtime_params params = {.program = "echo"};
	struct wn_counters counters;
	struct server server;
	static uint8_t bytes[5000];
	int fd;

	if (serve(&server, &params, "uring:udp:127.0.0.1:0"))
		return;
	fd = client_to(&server.address);
	CHECK_INT(send(fd, bytes, sizeof(bytes), 0), sizeof(bytes));
	CHECK_INT(send(fd, bytes, 2001, 0), 2001);
	check_echo(fd, bytes, 2000); /* comes back first: the two before it never do */
	close(fd);
	end(&server, &counters);
	CHECK_INT(counters.received, 3);
	CHECK_INT(counters.answered, 1);
	CHECK_INT(counters.dropped[WN_CAUSE_TRUNCATED], 2);
	CHECK_INT(counters.bytes, 5000 + 2001 + 2000);
}

static void test_large_frames(void)
{
	struct wn_runtime_params params = {.program = "echo", .slot_bytes = 65536, .slot_count = 16};
	struct wn_counters counters;
	struct server server;
	static uint8_t bytes[65488];
	int fd;

	if (serve(&server, &params, "uring:udp:127.0.0.1:0,frames=16"))
		return;
	fd = client_to(&server.address);
	check_echo(fd, bytes, sizeof(bytes));
	close(fd);
	end(&server, &counters);
	CHECK_INT(counters.answered, 1);
}

static void test_queues(void)
{
	static const char *const links[] = {"uring:udp:127.0.0.1:0,queues=3", "uring:udp:127.0.0.1:0,queues=3,poller=own",
					    "uring:udp:127.0.0.1:0,queues=3,poller=off"};

	for (int turn = 0; turn < 3; turn++) {
		struct wn_runtime_params params = {.program = "echo"};
		struct wn_counters counters;
		struct server server;

		if (serve(&server, &params, links[turn]))
			return;
		CHECK_INT(wn_runtime_queue_count(server.runtime, 0), 3);
		for (uint32_t i = 0; i < 50; i++) {
			const int fd = client_to(&server.address);

			check_echo(fd, &i, sizeof(i));
			close(fd);
		}
		end(&server, &counters);
		CHECK_INT(counters.answered, 50);
		CHECK_INT(server.census.frames, 3 * 2048);
	}
}

/* What is delivered is handed over to the host; its bytes arrive. */
static int keep_delivery(void *context, const struct wn_delivery *delivery)
{
	uint32_t *seen = context;

	CHECK_INT(delivery->length, 5);
	CHECK(memcmp(delivery->bytes, "taken", 5) == 0);
	CHECK_INT(delivery->is_frame, 0);
	CHECK(wn_clock_ns() - (int64_t)delivery->arrival_ns < 30 * WN_SECOND_NS);
	++*seen;
	return 0;
}

static void test_deliver(void)
{
	uint32_t seen = 0;
	struct wn_runtime_params params = {.program = "capture", .deliver = keep_delivery, .context = &seen};
	struct wn_counters counters = {0};
	struct server server;
	int fd;

	if (serve(&server, &params, "uring:udp:127.0.0.1:0,frames=16"))
		return;
	fd = client_to(&server.address);
	for (uint32_t i = 0; i < 100; i++) {
		CHECK_INT(send(fd, "taken", 5, 0), 5);
		for (int turn = 0; turn < 6000 && counters.delivered != i + 1; turn++) {
			usleep(turn ? 5000 : 500);
			wn_runtime_snapshot(server.runtime, &counters);
		}
	}
	close(fd);
	end(&server, &counters);
	CHECK_INT(counters.delivered, 100);
	CHECK_INT(seen, 100);
}

/* What is forwarded goes to peer=; without one it counts as not sent. */
static void test_forward(void)
{
	union wn_address far_address = {.v4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}};
	socklen_t length = sizeof(far_address);
	const int far_fd = socket(AF_INET, SOCK_DGRAM, 0);
	const struct timeval patience = {30, 0};
	char link[128], reply[16];

	setsockopt(far_fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	CHECK_INT(bind(far_fd, &far_address.any, sizeof(far_address.v4)), 0);
	CHECK_INT(getsockname(far_fd, &far_address.any, &length), 0);
	for (int with_peer = 0; with_peer < 2; with_peer++) {
		struct wn_runtime_params params = {.program = "forward"};
		struct wn_counters counters = {0};
		struct server server;
		int fd;

		snprintf(link, sizeof(link), "uring:udp:%s:0%s%u", with_peer ? "127.0.0.1" : "0.0.0.0",
			 with_peer ? ",peer=127.0.0.1:" : ",frames=", with_peer ? ntohs(far_address.v4.sin_port) : 16);
		if (serve(&server, &params, link))
			break;
		server.address.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		fd = client_to(&server.address);
		CHECK_INT(send(fd, "onward", 6, 0), 6);
		if (with_peer)
			CHECK_INT(receive(far_fd, reply, sizeof(reply)), 6);
		for (int turn = 0; turn < 6000 && !counters.received; turn++) {
			usleep(5000);
			wn_runtime_snapshot(server.runtime, &counters);
		}
		close(fd);
		end(&server, &counters);
		CHECK_INT(counters.forwarded, with_peer);
		CHECK_INT(counters.dropped[WN_CAUSE_SEND_FAILED], !with_peer);
	}
	close(far_fd);
}

/* The kernel refuses to send it (a broadcast): that is found out when its frame comes back. */
static void test_send_failed(void)
{
	static const char *const hosts[] = {"127.0.0.1", "0.0.0.0"}; /* by SEND, and by SENDMSG */

	for (int turn = 0; turn < 2; turn++) {
		struct wn_runtime_params params = {.program = "forward"};
		struct wn_counters counters = {0};
		struct server server;
		char link[128];
		int fd;

		snprintf(link, sizeof(link), "uring:udp:%s:0,frames=16,peer=255.255.255.255:9", hosts[turn]);
		if (serve(&server, &params, link))
			return;
		server.address.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		fd = client_to(&server.address);
		for (uint32_t i = 0; i < 100; i++) {
			CHECK_INT(send(fd, "onward", 6, 0), 6);
			for (int look = 0; look < 6000 && counters.dropped[WN_CAUSE_SEND_FAILED] != i + 1; look++) {
				usleep(look ? 5000 : 200);
				wn_runtime_snapshot(server.runtime, &counters);
				CHECK_INT(wn_counters_difference(&counters), 0);
			}
		}
		close(fd);
		end(&server, &counters);
		CHECK_INT(counters.received, 100);
		CHECK_INT(counters.forwarded, 0);
		CHECK_INT(counters.dropped[WN_CAUSE_SEND_FAILED], 100);
	}
}

/* More than the frames hold, again and again: the receive ends and is armed again, and nothing is lost in silence. */
static void flood(const char *link)
{
	enum { PACKETS = 20000 };
	struct wn_runtime_params params = {.program = "echo"};
	struct wn_counters counters = {0};
	struct server server;
	uint8_t reply[64];
	uint64_t sent = 0;
	ssize_t length;
	int fd;

	if (serve(&server, &params, link))
		return;
	fd = client_to(&server.address);
	for (uint32_t i = 0; i < PACKETS; i++)
		sent += send(fd, &i, sizeof(i), 0) == sizeof(i);
	for (int turn = 0; turn < 12000 && counters.received + counters.kernel_dropped < sent; turn++) {
		while (recv(fd, reply, sizeof(reply), MSG_DONTWAIT) > 0)
			continue;
		usleep(5000);
		wn_runtime_snapshot(server.runtime, &counters);
	}
	while (recv(fd, reply, sizeof(reply), MSG_DONTWAIT) >= 0)
		continue;
	/* Echoes of the flood may still be on their way. */
	CHECK_INT(send(fd, "still here", 10, 0), 10);
	do {
		length = receive(fd, reply, sizeof(reply));
	} while (length == sizeof(uint32_t));
	CHECK_INT(length, 10);
	close(fd);
	end(&server, &counters);
	CHECK_INT(counters.received + counters.kernel_dropped, sent + 1);
	CHECK_INT(counters.answered + counters.dropped[WN_CAUSE_SEND_FAILED], counters.received);
	CHECK_INT(server.census.fill, server.census.frames);
}

static void test_flood(void)
{
	flood("uring:udp:127.0.0.1:0,frames=16");
	flood("uring:udp:127.0.0.1:0,frames=16,poller=off");
	flood("uring:udp:0.0.0.0:0,frames=16,rings=mapped");
	flood("uring:udp:127.0.0.1:0,frames=256,rcvbuf=8k");
}

/* Ends while packets come: whatever was taken has its fate, and all frames are found. */
static void test_stop_under_load(void)
{
	for (int turn = 0; turn < 6; turn++) {
		struct wn_runtime_params params = {.program = "echo"};
		struct wn_counters counters;
		struct server server;
		char link[128];
		pid_t sender;

		snprintf(link, sizeof(link), "uring:udp:127.0.0.1:0,frames=64%s", ways[turn % WAYS]);
		if (serve(&server, &params, link))
			return;
		sender = fork();
		if (!sender) {
			const int64_t until_ns = wn_clock_ns() + 300 * WN_MILLISECOND_NS;
			const int fd = client_to(&server.address);
			uint8_t reply[64];

			while (wn_clock_ns() < until_ns) {
				send(fd, "load", 4, MSG_DONTWAIT);
				recv(fd, reply, sizeof(reply), MSG_DONTWAIT);
			}
			_exit(0);
		}
		for (int wait = 0; wait < 6000; wait++) {
			wn_runtime_snapshot(server.runtime, &counters);
			if (counters.received > 100)
				break;
			usleep(5000);
		}
		end(&server, &counters);
		CHECK(counters.received > 0);
		waitpid(sender, NULL, 0);
	}
}

/* Clients that ask and leave: ICMP errors come back, the server goes on. */
static void test_peer_gone(void)
{
	struct wn_runtime_params params = {.program = "echo"};
	struct wn_counters counters;
	struct server server;
	int fd;

	if (serve(&server, &params, "uring:udp:127.0.0.1:0"))
		return;
	for (uint32_t i = 0; i < 200; i++) {
		fd = client_to(&server.address);
		CHECK_INT(send(fd, "bye", 3, 0), 3);
		close(fd);
	}
	fd = client_to(&server.address);
	check_echo(fd, "still there?", 12);
	close(fd);
	end(&server, &counters);
	CHECK_INT(counters.received, 201);
	CHECK_INT(counters.answered + counters.dropped[WN_CAUSE_SEND_FAILED], 201);
	CHECK_INT(counters.receive_errors, 0);
}

/* The port is free again at once, although the kernel takes its time with the ring. */
static void test_port_is_free_again(void)
{
	uint16_t port = 0;

	for (int turn = 0; turn < 4; turn++) {
		struct wn_runtime_params params = {.program = "echo"};
		struct wn_counters counters;
		struct server server;
		char link[128];
		int fd;

		snprintf(link, sizeof(link), "uring:udp:127.0.0.1:%u%s", port, turn % 2 ? ",queues=2" : "");
		if (serve(&server, &params, link))
			return;
		port = ntohs(server.address.v4.sin_port);
		fd = client_to(&server.address);
		check_echo(fd, "again", 5);
		close(fd);
		end(&server, &counters);
	}
}

/* The program is replaced while packets flow. */
static void test_reload(void)
{
	struct wn_runtime_params params = {.program = "echo"};
	struct wn_counters counters;
	struct server server;
	int fd;

	if (serve(&server, &params, "uring:udp:127.0.0.1:0"))
		return;
	fd = client_to(&server.address);
	for (uint32_t i = 0; i < 20; i++) {
		struct wn_error error = {0};

		check_echo(fd, &i, sizeof(i));
		CHECK_INT(wn_runtime_reload(server.runtime, &params, &error), 0);
		CHECK_TEXT(error.text, "");
	}
	close(fd);
	end(&server, &counters);
	CHECK_INT(counters.answered, 20);
}

int main(void)
{
	const char *reason = missing();

	if (reason)
		return check_skip_all(reason);
	RUN(test_echo);
	RUN(test_echo_resident);
	RUN(test_echo_lease);
	RUN(test_reply_from_asked_address);
	RUN(test_peer);
	RUN(test_truncated);
	RUN(test_large_frames);
	RUN(test_queues);
	RUN(test_deliver);
	RUN(test_forward);
	RUN(test_send_failed);
	RUN(test_flood);
	RUN(test_stop_under_load);
	RUN(test_peer_gone);
	RUN(test_port_is_free_again);
	RUN(test_reload);
	return check_finish();
}
