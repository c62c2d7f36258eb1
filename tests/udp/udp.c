/* SPDX-License-Identifier: Apache-2.0 */
/* The udp link with plain sockets on the far side, on loopback. */
#include <arpa/inet.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <net/if.h>
#include <unistd.h>

#include "clock.h"
#include "ring/order.h"
#include "tests/server.h"

#define NO_TRAINS "no trains with calls of POSIX alone"

struct server {
	struct wn_runtime *runtime;
	union wn_address address;
};

/* Starts a program on a udp link and finds out which port it got. */
static int serve(struct server *server, struct wn_runtime_params *params, const char *link)
{
	struct wn_error error = {0};

	server->runtime = server_open(params, link, &server->address);
	if (!server->runtime)
		return -1;
	CHECK_INT(wn_runtime_start(server->runtime, &error), 0);
	return 0;
}

static void end(struct server *server, struct wn_counters *counters)
{
	server_stop(server->runtime, counters);
	wn_runtime_destroy(server->runtime);
}

static void echo_on(const char *link, struct wn_runtime_params *params)
{
	struct wn_counters counters;
	struct server server;
	int fd;

	if (serve(&server, params, link))
		return;
	fd = client_to(&server.address);
	check_echo_lengths(fd); /* the first is empty: a packet like any other */
	close(fd);
	end(&server, &counters);
	CHECK_INT(counters.received, 48);
	CHECK_INT(counters.answered, 48);
}

static void test_echo_ipv4(void)
{
	struct wn_runtime_params params = {.program = "echo"};

	echo_on("udp:127.0.0.1:0", &params);
}

static void test_echo_ipv6(void)
{
	struct wn_runtime_params params = {.program = "echo"};

	echo_on("udp:[::1]:0", &params);
}

static void test_echo_resident(void)
{
	struct wn_runtime_params params = {
		.program = "echo", .mode = WN_MODE_RESIDENT, .pump_threads = 2, .slot_count = 4};

	echo_on("udp:127.0.0.1:0", &params);
}

static void test_echo_gro(void)
{
	struct wn_runtime_params params = {.program = "echo"};

	if (!WN_OS_LINUX)
		SKIP(NO_TRAINS);
	echo_on("udp:127.0.0.1:0,gro=on", &params);
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
	from_asked("udp:0.0.0.0:0", "127.0.0.2");
	from_asked("udp::0", "127.0.0.3");
	from_asked("udp:[::]:0", "[::1]");
	from_asked("udp:[::]:0", "127.0.0.4");
}

static void test_peer(void)
{
	struct wn_runtime_params params = {.program = TEST_PROGRAM("peer"), .slot_count = 2};
	struct wn_counters counters;
	struct server server;

	if (serve(&server, &params, "udp:[::]:0"))
		return;
	check_peers(&server.address, 6);
	end(&server, &counters);
	CHECK_INT(counters.answered, 24);
}

/* -c N is a total over all queues. */
static void test_packet_limit(void)
{
	struct wn_runtime_params params = {.program = "echo", .packet_limit = 40};
	struct wn_counters counters;
	struct server server;
	int ended = 0;

	if (serve(&server, &params, "udp:127.0.0.1:0,queues=3"))
		return;
	for (uint32_t i = 0; i < 100 && !ended; i++) {
		const int fd = client_to(&server.address);

		CHECK_INT(send(fd, &i, sizeof(i), 0), sizeof(i));
		close(fd);
		ended = wn_runtime_wait(server.runtime, 0) == 1;
		usleep(2000);
	}
	CHECK_INT(wn_runtime_wait(server.runtime, 30000), 1);
	end(&server, &counters);
	CHECK_INT(counters.received, 40);
}

/* Kernel timestamps are on our clock, and before we looked. */
static int check_arrival(void *context, const struct wn_delivery *delivery)
{
	const int64_t age = wn_clock_ns() - (int64_t)delivery->arrival_ns;

	(void)context;
	CHECK(age > 0);
	CHECK(age < 30 * WN_SECOND_NS);
	return 0;
}

static void test_arrival(void)
{
	static const char *const links[] = {"udp:127.0.0.1:0,timestamps=kernel",
					    "udp:127.0.0.1:0,timestamps=pump"};

	for (int i = 0; i < 2; i++) {
		struct wn_runtime_params params = {.program = "capture", .deliver = check_arrival};
		struct wn_counters counters = {0};
		struct server server;
		int fd;

		if (serve(&server, &params, links[i]))
			return;
		fd = client_to(&server.address);
		CHECK_INT(send(fd, "now", 3, 0), 3);
		for (int turn = 0; turn < 6000 && !counters.delivered; turn++) {
			usleep(5000);
			wn_runtime_snapshot(server.runtime, &counters);
		}
		close(fd);
		end(&server, &counters);
		CHECK_INT(counters.delivered, 1);
	}
}

static void test_truncated(void)
{
	struct wn_runtime_params params = {.program = "echo", .slot_bytes = 2048};
	struct wn_counters counters;
	struct server server;
	static uint8_t bytes[5000];
	int fd;

	if (serve(&server, &params, "udp:127.0.0.1:0"))
		return;
	fd = client_to(&server.address);
	CHECK_INT(send(fd, bytes, sizeof(bytes), 0), sizeof(bytes));
	CHECK_INT(send(fd, bytes, 2049, 0), 2049);
	check_echo(fd, bytes, 2048); /* comes back first: the two before it never do */
	close(fd);
	end(&server, &counters);
	CHECK_INT(counters.received, 3);
	CHECK_INT(counters.answered, 1);
	CHECK_INT(counters.dropped[WN_CAUSE_TRUNCATED], 2);
	CHECK_INT(counters.bytes, 5000 + 2049 + 2048);
}

static void test_largest_datagram(void)
{
	struct wn_runtime_params params = {.program = "echo", .slot_bytes = 65536, .slot_count = 16};
	struct wn_counters counters;
	struct server server;
	static uint8_t bytes[65507];
	int fd;

	if (serve(&server, &params, "udp:127.0.0.1:0"))
		return;
	fd = client_to(&server.address);
	check_echo(fd, bytes, sizeof(bytes));
	close(fd);
	end(&server, &counters);
	CHECK_INT(counters.answered, 1);
}

/* A reply that no datagram could hold: the room of a large packet is its own length. The next one goes out. */
static void test_reply_too_long(void)
{
	struct wn_runtime_params params = {
		.program = TEST_PROGRAM("mixed"), .slot_bytes = 65536, .slot_count = 16};
	struct wn_counters counters;
	struct server server;
	static uint8_t bytes[65450];
	int fd;

	if (serve(&server, &params, "udp:127.0.0.1:0"))
		return;
	fd = client_to(&server.address);
	bytes[0] = 7; /* grows by 100 */
	CHECK_INT(send(fd, bytes, 65435, 0), 65435);
	bytes[0] = 15;
	check_echo(fd, bytes, 100);
	close(fd);
	end(&server, &counters);
	CHECK_INT(counters.dropped[WN_CAUSE_PROGRAM_FAULT], 1);
	CHECK_INT(counters.answered, 1);
}

static int send_train(int fd, const uint8_t *bytes, size_t length, uint16_t segment)
{
	char control[CMSG_SPACE(sizeof(segment))] = {0};
	struct iovec vector = {(void *)(uintptr_t)bytes, length};
	struct msghdr header = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = control,
				.msg_controllen = sizeof(control)};
	struct cmsghdr *message = CMSG_FIRSTHDR(&header);

	message->cmsg_level = IPPROTO_UDP;
	message->cmsg_type = UDP_SEGMENT;
	message->cmsg_len = CMSG_LEN(sizeof(segment));
	memcpy(CMSG_DATA(message), &segment, sizeof(segment));
	return (int)sendmsg(fd, &header, 0);
}

/* A train in, its datagrams back one by one, with their verdicts. */
static void test_train(void)
{
	struct wn_runtime_params params = {.program = TEST_PROGRAM("mixed")};
	struct wn_counters counters;
	struct server server;
	uint8_t bytes[50 * 40 + 7], reply[256];
	int fd;

	if (!WN_OS_LINUX)
		SKIP(NO_TRAINS);
	if (serve(&server, &params, "udp:127.0.0.1:0,gro=on"))
		return;
	fd = client_to(&server.address);
	for (uint32_t i = 0; i <= 50; i++) {
		memset(bytes + i * 40, (int)i, i < 50 ? 40 : 7);
		bytes[i * 40] = i % 10 == 3 ? 0 : i % 10 == 4 ? 8 : 15; /* drop, shorten, echo */
	}
	if (send_train(fd, bytes, sizeof(bytes), 40) < 0) {
		end(&server, &counters);
		SKIP("this kernel has no UDP_SEGMENT");
	}
	for (uint32_t i = 0; i <= 50; i++) {
		if (i % 10 == 3)
			continue;
		CHECK_INT(recv(fd, reply, sizeof(reply), 0), i % 10 == 4 ? 1 : i < 50 ? 40 : 7);
		if (i % 10 != 4)
			CHECK_INT(reply[1], i);
	}
	bytes[0] = 15;
	for (uint32_t i = 0; i < 50; i++)
		bytes[i * 40] = 15;
	CHECK_INT(send_train(fd, bytes, sizeof(bytes), 40), sizeof(bytes));
	for (uint32_t i = 0; i <= 50; i++)
		CHECK_INT(recv(fd, reply, sizeof(reply), 0), i < 50 ? 40 : 7);
	close(fd);
	end(&server, &counters);
	CHECK_INT(counters.received, 102);
	CHECK_INT(counters.answered, 97);
	CHECK_INT(counters.dropped[WN_CAUSE_PROGRAM], 5);
}

static void test_queues(void)
{
	struct wn_runtime_params params = {.program = "echo"};
	struct wn_counters counters, link;
	struct server server;

	if (serve(&server, &params, "udp:127.0.0.1:0,queues=3"))
		return;
	CHECK_INT(wn_runtime_queue_count(server.runtime, 0), 3);
	for (uint32_t i = 0; i < 50; i++) {
		const int fd = client_to(&server.address);

		check_echo(fd, &i, sizeof(i));
		close(fd);
	}
	wn_runtime_link_snapshot(server.runtime, 0, &link);
	CHECK_INT(link.received, 50);
	end(&server, &counters);
	CHECK_INT(counters.answered, 50);
}

/* Clients that ask and leave: ICMP errors come back, the server goes on. */
static void test_peer_gone(void)
{
	struct wn_runtime_params params = {.program = "echo"};
	struct wn_counters counters;
	struct server server;
	int fd;

	if (serve(&server, &params, "udp:127.0.0.1:0"))
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

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static int deliver_at_gate(void *context, const struct wn_delivery *delivery)
{
	(void)context;
	(void)delivery;
	pthread_mutex_lock(&gate);
	pthread_mutex_unlock(&gate);
	return 0;
}

/* Whoever takes the deliveries stops: the ring fills, the socket fills, the kernel drops and says so. */
static void test_reader_stops(void)
{
	struct wn_runtime_params params = {
		.program = "capture", .slot_count = 64, .deliver = deliver_at_gate};
	struct wn_counters counters;
	struct server server;
	const uint32_t sent = 5000;
	int fd;

	if (serve(&server, &params, "udp:127.0.0.1:0,rcvbuf=64k"))
		return;
	pthread_mutex_lock(&gate);
	fd = client_to(&server.address);
	for (uint32_t i = 0; i < sent; i++)
		CHECK_INT(send(fd, &i, sizeof(i), 0), sizeof(i));
	for (uint32_t turn = 0; turn < 3000; turn++) {
		wn_runtime_snapshot(server.runtime, &counters);
		if (counters.in_flight && (counters.kernel_dropped || (!WN_OS_LINUX && turn > 10)))
			break;
		usleep(10000);
	}
	CHECK_INT(wn_counters_difference(&counters), 0);
	CHECK(counters.in_flight > 0 && counters.in_flight <= 64);
	CHECK(!WN_OS_LINUX || counters.kernel_dropped > 0); /* elsewhere nobody tells */
	pthread_mutex_unlock(&gate);
	for (uint32_t turn = 0; turn < 3000; turn++) {
		wn_runtime_snapshot(server.runtime, &counters);
		if (counters.delivered + counters.kernel_dropped == sent)
			break;
		usleep(10000);
	}
	close(fd);
	end(&server, &counters);
	CHECK(!WN_OS_LINUX || counters.received + counters.kernel_dropped == sent);
	CHECK_INT(counters.delivered, counters.received);
}

/* The same with full=drop: what the ring does not take is read, dropped and counted here. */
static void test_full_drop(void)
{
	struct wn_runtime_params params = {.program = TEST_PROGRAM("slow"),
					   .mode = WN_MODE_RESIDENT,
					   .slot_count = 16,
					   .when_full = WN_FULL_DROP};
	struct wn_counters counters;
	struct server server;
	uint8_t bytes[8] = {255};
	int fd;

	if (serve(&server, &params, "udp:127.0.0.1:0"))
		return;
	fd = client_to(&server.address);
	for (uint32_t i = 0; i < 2000; i++)
		CHECK_INT(send(fd, bytes, sizeof(bytes), 0), sizeof(bytes));
	for (uint32_t turn = 0; turn < 3000; turn++) {
		wn_runtime_snapshot(server.runtime, &counters);
		CHECK_INT(wn_counters_difference(&counters), 0);
		if (counters.received + counters.kernel_dropped == 2000 && !counters.in_flight)
			break;
		usleep(10000);
	}
	close(fd);
	end(&server, &counters);
	CHECK(counters.dropped[WN_CAUSE_RING_FULL] > 0);
	CHECK_INT(counters.answered + counters.dropped[WN_CAUSE_SEND_FAILED] +
			  counters.dropped[WN_CAUSE_RING_FULL] + counters.kernel_dropped,
		  2000);
}

/* In a network of our own without a route: what cannot be sent is counted, and the rest goes on. */
static void test_no_route(void)
{
	struct wn_runtime_params params = {.program = "forward", .link_count = 2};
	struct wn_counters counters;
	struct server server;
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	int fd;

	if (unshare(CLONE_NEWNET))
		SKIP("needs root for a network namespace");
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	CHECK_INT(ioctl(fd, SIOCSIFFLAGS, &request), 0);
	close(fd);
	params.links[1] = "udp:127.0.0.1:0,peer=192.0.2.1:9";
	if (serve(&server, &params, "udp:127.0.0.1:0"))
		return;
	fd = client_to(&server.address);
	for (uint32_t i = 0; i < 300; i++)
		CHECK_INT(send(fd, &i, sizeof(i), 0), sizeof(i));
	for (uint32_t turn = 0; turn < 3000; turn++) {
		wn_runtime_snapshot(server.runtime, &counters);
		if (counters.received == 300 && !counters.in_flight)
			break;
		usleep(10000);
	}
	close(fd);
	end(&server, &counters);
	CHECK_INT(counters.received, 300);
	CHECK_INT(counters.dropped[WN_CAUSE_SEND_FAILED], 300);
}

/* Two links as a wire: what comes in on one leaves by the other, to its peer. */
static void test_forward(void)
{
	struct wn_runtime_params params = {.program = "forward", .link_count = 2};
	struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const struct timeval patience = {30, 0};
	socklen_t length = sizeof(own);
	struct wn_counters counters;
	struct server server;
	char link[128], bytes[16];
	int sink, fd;

	sink = socket(AF_INET, SOCK_DGRAM, 0);
	setsockopt(sink, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	CHECK_INT(bind(sink, (struct sockaddr *)&own, sizeof(own)), 0);
	CHECK_INT(getsockname(sink, (struct sockaddr *)&own, &length), 0);
	snprintf(link, sizeof(link), "udp:127.0.0.1:0,peer=127.0.0.1:%u", ntohs(own.sin_port));
	params.links[1] = link;
	if (serve(&server, &params, "udp:127.0.0.1:0"))
		return;
	fd = client_to(&server.address);
	for (uint32_t i = 0; i < 100; i++) {
		CHECK_INT(send(fd, &i, sizeof(i), 0), sizeof(i));
		CHECK_INT(recv(sink, bytes, sizeof(bytes), 0), sizeof(i));
		CHECK(memcmp(bytes, &i, sizeof(i)) == 0);
	}
	close(fd);
	close(sink);
	end(&server, &counters);
	CHECK_INT(counters.forwarded, 100);
}

int main(void)
{
	RUN(test_echo_ipv4);
	RUN(test_echo_ipv6);
	RUN(test_echo_resident);
	RUN(test_echo_gro);
	RUN(test_reply_from_asked_address);
	RUN(test_peer);
	RUN(test_packet_limit);
	RUN(test_arrival);
	RUN(test_truncated);
	RUN(test_largest_datagram);
	RUN(test_reply_too_long);
	RUN(test_train);
	RUN(test_queues);
	RUN(test_peer_gone);
	RUN(test_reader_stops);
	RUN(test_full_drop);
	RUN(test_forward);
	RUN(test_no_route); /* last: it leaves the network behind */
	return check_finish();
}
