/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Load for http where wrk is not installed: one GET in flight on each of some connections that stay open, one thread.
 * No code of ours.
 *
 *     http_load PORT SECONDS CONNECTIONS [PATH]
 *
 * Prints: requests a second, the median and the 99th percentile of their time in microseconds, and how many failed.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 10000, TIMES_MAX = 1 << 22, REPLY_BYTES = 1 << 16 };

struct connection {
	int fd;
	size_t head_bytes;    /* of this response, so far, as long as its head has not ended */
	long left;            /* of its body; -1: the head has not ended */
	int64_t asked_ns;
	char head[1024];
};

static struct connection connections[CONNECTIONS_MAX];
static uint32_t times[TIMES_MAX];
static size_t time_count, request_count, failures;
static char request[512];

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static void ask(struct connection *connection)
{
	connection->head_bytes = 0;
	connection->left = -1;
	connection->asked_ns = now_ns();
	if (send(connection->fd, request, strlen(request), MSG_NOSIGNAL) != (ssize_t)strlen(request))
		failures++;
}

/* Takes the head as far as it has come. Returns the bytes that it used. */
static size_t take_head(struct connection *connection, const char *bytes, size_t count)
{
	const char *length;
	size_t used = 0;

	while (used < count && connection->head_bytes < sizeof(connection->head) - 1) {
		connection->head[connection->head_bytes++] = bytes[used++];
		if (connection->head_bytes < 4 || memcmp(connection->head + connection->head_bytes - 4, "\r\n\r\n", 4))
			continue;
		connection->head[connection->head_bytes] = '\0';
		length = strstr(connection->head, "Content-Length: ");
		connection->left = length ? atol(length + strlen("Content-Length: ")) : 0;
		failures += strncmp(connection->head, "HTTP/1.1 200", 12) != 0;
		break;
	}
	return used;
}

/* 0, or -1: the connection is over. */
static int take(struct connection *connection)
{
	static char bytes[REPLY_BYTES];
	const ssize_t count = recv(connection->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	size_t used = 0;

	if (count <= 0)
		return -1;
	if (connection->left < 0)
		used = take_head(connection, bytes, (size_t)count);
	if (connection->left < 0)
		return 0;
	connection->left -= count - (ssize_t)used;
	if (connection->left > 0)
		return 0;
	request_count++;
	if (time_count < TIMES_MAX)
		times[time_count++] = (uint32_t)(now_ns() - connection->asked_ns);
	ask(connection);
	return 0;
}

static int open_connection(int port, int epoll, uint32_t i)
{
	const struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct epoll_event event = {.events = EPOLLIN, .data.u32 = i};
	const int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	if (fd < 0 || connect(fd, (const struct sockaddr *)&to, sizeof(to)))
		return -1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	connections[i].fd = fd;
	return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

static int by_value(const void *a, const void *b)
{
	const uint32_t one = *(const uint32_t *)a, other = *(const uint32_t *)b;

	return one < other ? -1 : one > other;
}

static void run(int epoll, int64_t until_ns)
{
	struct epoll_event events[256];

	while (now_ns() < until_ns) {
		const int count = epoll_wait(epoll, events, 256, 100);

		for (int i = 0; i < count; i++) {
			struct connection *connection = &connections[events[i].data.u32];

			if (!take(connection))
				continue;
			failures++;
			epoll_ctl(epoll, EPOLL_CTL_DEL, connection->fd, NULL);
		}
	}
}

int main(int argc, char **argv)
{
	const int port = argc > 3 ? atoi(argv[1]) : 0, epoll = epoll_create1(0);
	const double seconds = argc > 3 ? atof(argv[2]) : 0;
	const uint32_t count = argc > 3 ? (uint32_t)atoi(argv[3]) : 0;
	int64_t begin_ns;
	double took;

	if (!port || seconds <= 0 || !count || count > CONNECTIONS_MAX) {
		fprintf(stderr, "usage: http_load PORT SECONDS CONNECTIONS [PATH]\n");
		return 2;
	}
	snprintf(request, sizeof(request), "GET %.400s HTTP/1.1\r\nHost: x\r\n\r\n", argc > 4 ? argv[4] : "/");
	for (uint32_t i = 0; i < count; i++)
		if (open_connection(port, epoll, i)) {
			perror("http_load: connect");
			return 1;
		}
	begin_ns = now_ns();
	for (uint32_t i = 0; i < count; i++)
		ask(&connections[i]);
	run(epoll, begin_ns + (int64_t)(seconds * 1e9));
	took = (double)(now_ns() - begin_ns) / 1e9;
	qsort(times, time_count, sizeof(times[0]), by_value);
	printf("%.0f %.1f %.1f %zu\n", (double)request_count / took, time_count ? times[time_count / 2] / 1e3 : 0.0,
	       time_count ? times[time_count * 99 / 100] / 1e3 : 0.0, failures);
	return failures != 0;
}
