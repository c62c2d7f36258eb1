/* SPDX-License-Identifier: Apache-2.0 */
/* echo over uring:tcp, on loopback: order, back-pressure, ends of all kinds, many connections. */
#include <pthread.h>
#include <sys/resource.h>

#include "tests/tcp/server.h"

static const char *const ways[] = {
	"uring:tcp:127.0.0.1:0", "uring:tcp:127.0.0.1:0,poller=off", "uring:tcp:[::1]:0,poller=own,queues=2",
	"uring:tcp:127.0.0.1:0,poller=off,rings=mapped", "uring:tcp:127.0.0.1:0,poller=off,frames=64,window=4k,reply=1k",
};

static uint8_t byte_of(uint32_t i)
{
	return (uint8_t)(i * 31 + (i >> 8) + (i >> 16));
}

struct transfer {
	int fd;
	uint32_t bytes;
};

static void *send_bytes(void *argument)
{
	const struct transfer *transfer = argument;
	uint8_t piece[5000];

	for (uint32_t done = 0; done < transfer->bytes;) {
		const uint32_t some = transfer->bytes - done < sizeof(piece) ? transfer->bytes - done : (uint32_t)sizeof(piece);

		for (uint32_t i = 0; i < some; i++)
			piece[i] = byte_of(done + i);
		send_all(transfer->fd, piece, some);
		done += some;
	}
	shutdown(transfer->fd, SHUT_WR);
	return NULL;
}

/* What is sent comes back, all of it, in order, and then the end. */
static void check_transfers(const struct server *server, uint32_t count, uint32_t bytes)
{
	struct transfer transfers[8];
	pthread_t threads[8];
	static uint8_t back[1 << 16];

	for (uint32_t i = 0; i < count; i++) {
		transfers[i] = (struct transfer){client(server), bytes};
		CHECK_INT(pthread_create(&threads[i], NULL, send_bytes, &transfers[i]), 0);
	}
	for (uint32_t i = 0; i < count; i++) {
		uint32_t done = 0, wrong = 0;
		ssize_t some;

		while ((some = receive(transfers[i].fd, back, sizeof(back))) > 0)
			for (ssize_t k = 0; k < some; k++)
				wrong += back[k] != byte_of(done++);
		CHECK_INT(some, 0);
		CHECK_INT(done, bytes);
		CHECK_INT(wrong, 0);
		pthread_join(threads[i], NULL);
		close(transfers[i].fd);
	}
}

static void test_order(void)
{
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		struct wn_runtime_params params = {.program = "echo"};
		struct server server;

		if (serve(&server, &params, ways[i]))
			return;
		check_transfers(&server, 1, 100);
		check_transfers(&server, 4, 1000000);
		end(&server);
		CHECK_INT(server.connections.accepted, 5);
		CHECK_INT(server.connections.ended[WN_CONNECTION_PEER], 5);
		CHECK_INT(server.counters.bytes, 4000100);
		CHECK_INT(server.counters.answered_bytes, 4000100);
	}
}

/* A peer that sends and does not read keeps nobody else waiting, and its own bytes are not lost. */
static void test_slow_reader(void)
{
	struct wn_runtime_params params = {.program = "echo"};
	static uint8_t bytes[1 << 16], back[1 << 16];
	struct server server;
	size_t sent = 0, came = 0, wrong = 0;
	int slow;

	if (serve(&server, &params, "uring:tcp:127.0.0.1:0,poller=off"))
		return;
	slow = client(&server);
	for (int quiet = 0; quiet < 20;) {
		ssize_t some;

		for (uint32_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = byte_of((uint32_t)sent + i);
		some = send(slow, bytes, sizeof(bytes), MSG_DONTWAIT | MSG_NOSIGNAL);
		if (some > 0)
			sent += (size_t)some;
		quiet = some > 0 ? 0 : quiet + 1;
		if (some <= 0)
			usleep(10000);
	}
	CHECK(sent > 100000);
	check_transfers(&server, 4, 200000);
	shutdown(slow, SHUT_WR);
	while (came < sent) {
		const ssize_t some = receive(slow, back, sizeof(back));

		if (some <= 0)
			break;
		for (ssize_t k = 0; k < some; k++)
			wrong += back[k] != byte_of((uint32_t)came++);
	}
	CHECK_INT(came, sent);
	CHECK_INT(wrong, 0);
	CHECK_INT(receive(slow, back, 1), 0);
	close(slow);
	end(&server);
	CHECK_INT(server.connections.ended[WN_CONNECTION_PEER], 5);
}

/* Resets, at once and in the middle of an answer. */
static void test_resets(void)
{
	struct wn_runtime_params params = {.program = "echo"};
	const struct linger hard = {1, 0};
	static uint8_t bytes[1 << 20];
	struct server server;

	if (serve(&server, &params, "uring:tcp:127.0.0.1:0"))
		return;
	for (int i = 0; i < 20; i++) {
		const int fd = client(&server);

		if (i % 2)
			send(fd, bytes, i % 4 == 1 ? 100 : sizeof(bytes), MSG_DONTWAIT | MSG_NOSIGNAL);
		if (i % 3)
			usleep(2000);
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
		close(fd);
	}
	CHECK(wait_open(&server, 0));
	check_transfers(&server, 1, 5000);
	end(&server);
	CHECK(server.connections.ended[WN_CONNECTION_RESET] > 10);
	CHECK_INT(server.connections.accepted, 21);
}

static void test_limit(void)
{
	struct wn_runtime_params params = {.program = "echo"};
	struct server server;
	int fds[100];
	char byte;

	if (serve(&server, &params, "uring:tcp:127.0.0.1:0,connections=20,poller=off"))
		return;
	for (int i = 0; i < 100; i++)
		fds[i] = client(&server);
	/* Those above the limit are closed. */
	for (int i = 20; i < 100; i++)
		CHECK(receive(fds[i], &byte, 1) <= 0);
	CHECK(wait_open(&server, 20));
	send_all(fds[3], "x", 1);
	CHECK_INT(receive(fds[3], &byte, 1), 1);
	for (int i = 0; i < 100; i++)
		close(fds[i]);
	CHECK(wait_open(&server, 0));
	check_transfers(&server, 2, 1000);
	end(&server);
	CHECK_INT(server.connections.ended[WN_CONNECTION_REFUSED], 80);
	CHECK_INT(server.connections.accepted, 102);
}

static void test_idle(void)
{
	struct wn_runtime_params params = {.program = "echo"};
	struct server server;
	int fd;
	char byte;

	if (serve(&server, &params, "uring:tcp:127.0.0.1:0,timeout=1"))
		return;
	fd = client(&server);
	CHECK_INT(receive(fd, &byte, 1), 0);
	close(fd);
	end(&server);
	CHECK_INT(server.connections.ended[WN_CONNECTION_IDLE], 1);
}

/* Ten thousand that say nothing, or as many as this process may have. */
static void test_many(void)
{
	struct wn_runtime_params params = {.program = "echo"};
	struct rlimit limit;
	struct server server;
	uint32_t count = 10000;
	int *fds = malloc(count * sizeof(*fds));

	CHECK_INT(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur < 10200) {
		free(fds);
		SKIP("fewer than 10200 descriptors (RLIMIT_NOFILE)");
	}
	if (serve(&server, &params, "uring:tcp:127.0.0.1:0,connections=10000,poller=off"))
		return;
	for (uint32_t i = 0; i < count; i++)
		fds[i] = client(&server);
	CHECK(wait_open(&server, count));
	check_transfers(&server, 0, 0);
	for (uint32_t i = 0; i < count; i += 97) {
		char byte = 0;

		send_all(fds[i], "y", 1);
		CHECK_INT(receive(fds[i], &byte, 1), 1);
		CHECK_INT(byte, 'y');
	}
	for (uint32_t i = 0; i < count / 2; i++)
		close(fds[i]);
	CHECK(wait_open(&server, count - count / 2));
	end(&server);
	CHECK_INT(server.connections.accepted, count);
	CHECK_INT(server.connections.ended[WN_CONNECTION_PEER], count / 2);
	CHECK_INT(server.connections.ended[WN_CONNECTION_STOPPED], count - count / 2);
	for (uint32_t i = count / 2; i < count; i++)
		close(fds[i]);
	free(fds);
}

static void test_refusals(void)
{
	static const struct {
		const char *program, *link, *words;
	} cases[] = {{"work", "uring:tcp:127.0.0.1:0", "takes packets"}, {"http", "udp:127.0.0.1:0", "needs uring:tcp"},
		     {"http", "memory:", "needs uring:tcp"}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		static const char *const roots[] = {"root=" WN_TEST_PROGRAMS};
		struct wn_runtime_params params = {.program = cases[i].program, .links = {cases[i].link}, .link_count = 1,
						   .loads = roots, .load_count = !strcmp(cases[i].program, "http")};
		struct wn_error error = {0};

		CHECK(!wn_runtime_create(&params, &error));
		CHECK_INT(error.status, WN_USAGE);
		if (!CHECK(strstr(error.text, cases[i].words) != NULL))
			printf("# %s\n", error.text);
	}
}

int main(void)
{
	const char *reason = missing();

	if (reason)
		return check_skip_all(reason);
	RUN(test_order);
	RUN(test_slow_reader);
	RUN(test_resets);
	RUN(test_limit);
	RUN(test_idle);
	RUN(test_many);
	RUN(test_refusals);
	return check_finish();
}
