/* SPDX-License-Identifier: Apache-2.0 */
/* http, request by request, as RFC 9110 and 9112 say; and what nobody should send. */
#include "tests/http/serve.h"

#define HOST "Host: x\r\n"

static struct server server;
static struct reply reply;

static void say(int fd, const char *text)
{
	send_all(fd, text, strlen(text));
}

/* One request on a connection of its own. */
static int get(const char *request)
{
	const int fd = client(&server);

	ask(fd, request, &reply);
	close(fd);
	return reply.status;
}

static void test_files(void)
{
	CHECK_INT(get("GET / HTTP/1.1\r\n" HOST "\r\n"), 200);
	CHECK_INT(reply.body_bytes, 15);
	CHECK(!memcmp(reply.body, "<h1>hello</h1>\n", 15));
	CHECK_TEXT(field(&reply, "Content-Type"), "text/html; charset=utf-8");
	CHECK_INT(get("GET /a.txt?x=/../y HTTP/1.1\r\n" HOST "\r\n"), 200);
	CHECK(!memcmp(reply.body, "abcdefghij", 10));
	CHECK_TEXT(field(&reply, "Content-Length"), "10");
	CHECK_TEXT(field(&reply, "Accept-Ranges"), "bytes");
	CHECK_INT(get("GET /%61%20b+c.css HTTP/1.1\r\n" HOST "\r\n"), 200);
	CHECK_INT(get("GET /a%20b%2Bc.css HTTP/1.1\r\n" HOST "\r\n"), 200);
	CHECK_TEXT(field(&reply, "Content-Type"), "text/css; charset=utf-8");
	CHECK_INT(get("GET http://host:80/a.txt HTTP/1.1\r\n" HOST "\r\n"), 200);
	CHECK_INT(get("GET /empty HTTP/1.1\r\n" HOST "\r\n"), 200);
	CHECK_INT(reply.body_bytes, 0);
	CHECK_INT(get("GET /link.txt HTTP/1.1\r\n" HOST "\r\n"), 200);
	CHECK_INT(get("GET /sub/ HTTP/1.1\r\n" HOST "\r\n"), 200);
	CHECK_INT(get("GET /sub HTTP/1.1\r\n" HOST "\r\n"), 301);
	CHECK_TEXT(field(&reply, "Location"), "/sub/");
	CHECK_INT(get("HEAD /a.txt HTTP/1.1\r\n" HOST "\r\n"), 200);
	CHECK_TEXT(field(&reply, "Content-Length"), "10");
}

static void test_not_there(void)
{
	static const char *const paths[] = {"/none", "/../etc/passwd", "/%2e%2e/etc/passwd", "/out", "/.hidden/x", "/a.txt/",
					    "//", "/sub/..", "/A.TXT", "/sub/../a.txt"};

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		char request[256];

		snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\n" HOST "\r\n", paths[i]);
		if (!CHECK_INT(get(request), 404))
			printf("# %s\n", paths[i]);
		CHECK(!strncmp(reply.body, "404 Not Found\n", 14));
	}
}

/* Requests that get an error and lose their connection. */
static void test_refused(void)
{
	static const struct {
		const char *request;
		int status;
	} cases[] = {
		{"GET / HTTP/1.1\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\n" HOST HOST "\r\n", 400},
		{"GET /\r\n\r\n", 400},
		{"GET  / HTTP/1.1\r\n" HOST "\r\n", 400},
		{"GET / HTTP/1.1 \r\n" HOST "\r\n", 400},
		{"GET / HTTP/x.1\r\n" HOST "\r\n", 400},
		{"GET / HTTP/2.0\r\n" HOST "\r\n", 505},
		{"PRI * HTTP/2.0\r\n\r\n", 505},
		{"GET a.txt HTTP/1.1\r\n" HOST "\r\n", 400},
		{"GET /\x01 HTTP/1.1\r\n" HOST "\r\n", 400},
		{"GET / HTTP/1.1\r\nHost : x\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\n" HOST "A: b\r\n c\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\n" HOST "nonsense\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\n" HOST ": x\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\n" HOST "A: b\rc\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\n" HOST "Content-Length: x\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nContent-Length: 2\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
		{"\x16\x03\x01\x02", 400},
		{"(ET / HTTP/1.1\r\n" HOST "\r\n", 400},
		{"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 405},
		{"POST / HTTP/1.1\r\n" HOST "Content-Length: 100000000\r\n\r\n", 405},
		{"GET / HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", 200},
		{"GET / HTTP/1.1\r\n" HOST "Connection: foo,Close\r\n\r\n", 200},
		{"GET / HTTP/1.0\r\n\r\n", 200},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const int fd = client(&server);

		ask(fd, cases[i].request, &reply);
		if (!CHECK_INT(reply.status, cases[i].status) || !CHECK(is_closed(fd)))
			printf("# %s\n", cases[i].request);
		CHECK_TEXT(field(&reply, "Connection"), "close");
		close(fd);
	}
}

/* Requests that leave their connection as it is. */
static void test_kept(void)
{
	static const struct {
		const char *request;
		int status;
	} cases[] = {
		{"GET / HTTP/1.1\r\n" HOST "\r\n", 200},
		{"\r\nGET / HTTP/1.1\nhOsT: x\n\n", 200},
		{"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", 200},
		{"POST /a.txt HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nGET /", 405},
		{"GET /none HTTP/1.1\r\n" HOST "\r\n", 404},
		{"OPTIONS * HTTP/1.1\r\n" HOST "\r\n", 405},
		{"GET /%zz HTTP/1.1\r\n" HOST "\r\n", 400},
		{"GET /a.txt HTTP/1.1\r\n" HOST "A: \t b \t\r\nB:\r\n\r\n", 200},
		{"HEAD /none HTTP/1.1\r\n" HOST "\r\n", 404},
	};
	const int fd = client(&server);

	for (int turn = 0; turn < 3; turn++)
		for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
			ask(fd, cases[i].request, &reply);
			if (!CHECK_INT(reply.status, cases[i].status))
				printf("# %s\n", cases[i].request);
			if (reply.status == 405)
				CHECK_TEXT(field(&reply, "Allow"), "GET, HEAD");
		}
	close(fd);
}

static void test_conditions(void)
{
	char tag[128], date[64], request[512];

	CHECK_INT(get("GET /a.txt HTTP/1.1\r\n" HOST "\r\n"), 200);
	snprintf(tag, sizeof(tag), "%.100s", field(&reply, "ETag"));
	snprintf(date, sizeof(date), "%.60s", field(&reply, "Last-Modified"));
	CHECK(tag[0] == '"' && strlen(date) == 29);
#define ASK(...) (snprintf(request, sizeof(request), __VA_ARGS__), get(request))
	CHECK_INT(ASK("GET /a.txt HTTP/1.1\r\n" HOST "If-None-Match: %s\r\n\r\n", tag), 304);
	CHECK_TEXT(field(&reply, "ETag"), tag);
	CHECK_INT(ASK("GET /a.txt HTTP/1.1\r\n" HOST "If-None-Match: \"x\", W/%s\r\n\r\n", tag), 304);
	CHECK_INT(ASK("HEAD /a.txt HTTP/1.1\r\n" HOST "If-None-Match: *\r\n\r\n"), 304);
	CHECK_INT(ASK("GET /a.txt HTTP/1.1\r\n" HOST "If-None-Match: \"x\"\r\nIf-Modified-Since: %s\r\n\r\n", date), 200);
	CHECK_INT(ASK("GET /a.txt HTTP/1.1\r\n" HOST "If-Modified-Since: %s\r\n\r\n", date), 304);
	CHECK_INT(ASK("GET /a.txt HTTP/1.1\r\n" HOST "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n"), 200);
	CHECK_INT(ASK("GET /a.txt HTTP/1.1\r\n" HOST "Range: bytes=1-2\r\nIf-Range: %s\r\n\r\n", tag), 206);
	CHECK_INT(ASK("GET /a.txt HTTP/1.1\r\n" HOST "Range: bytes=1-2\r\nIf-Range: %s\r\n\r\n", date), 206);
	CHECK_INT(ASK("GET /a.txt HTTP/1.1\r\n" HOST "Range: bytes=1-2\r\nIf-Range: W/%s\r\n\r\n", tag), 200);
}

static void test_ranges(void)
{
	static const struct {
		const char *range;
		int status;
		const char *content, *body;
	} cases[] = {
		{"bytes=0-0", 206, "bytes 0-0/10", "a"},       {"bytes=2-4", 206, "bytes 2-4/10", "cde"},
		{"bytes=7-", 206, "bytes 7-9/10", "hij"},      {"bytes=-3", 206, "bytes 7-9/10", "hij"},
		{"bytes=-300", 206, "bytes 0-9/10", "abcdefghij"}, {"Bytes=5-99999999", 206, "bytes 5-9/10", "fghij"},
		{"bytes=10-", 416, "bytes */10", ""},          {"bytes=-0", 416, "bytes */10", ""},
		{"bytes=4-2", 200, NULL, "abcdefghij"},        {"bytes=0-1,3-4", 200, NULL, "abcdefghij"},
		{"bytes=", 200, NULL, "abcdefghij"},           {"bytes=-", 200, NULL, "abcdefghij"},
		{"lines=1-2", 200, NULL, "abcdefghij"},        {"bytes=1-2x", 200, NULL, "abcdefghij"},
		{"bytes=99999999999999999999-", 200, NULL, "abcdefghij"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char request[256];

		snprintf(request, sizeof(request), "GET /a.txt HTTP/1.1\r\n" HOST "Range: %s\r\n\r\n", cases[i].range);
		if (!CHECK_INT(get(request), cases[i].status))
			printf("# %s\n", cases[i].range);
		CHECK_INT(reply.body_bytes, strlen(cases[i].body));
		CHECK(!memcmp(reply.body, cases[i].body, reply.body_bytes));
		if (cases[i].content)
			CHECK_TEXT(field(&reply, "Content-Range"), cases[i].content);
	}
	CHECK_INT(get("GET /empty HTTP/1.1\r\n" HOST "Range: bytes=0-0\r\n\r\n"), 416);
	CHECK_INT(get("GET /big.bin HTTP/1.1\r\n" HOST "Range: bytes=2000000-2000099\r\n\r\n"), 206);
	for (uint32_t i = 0; i < 100; i++)
		CHECK_INT((uint8_t)reply.body[i], big_byte(2000000 + i));
}

/* Many requests in one piece, and in pieces of one byte: the same responses in the same order. */
static void test_pipelining(void)
{
	static const char one[] = "GET /a.txt HTTP/1.1\r\n" HOST "\r\n", two[] = "GET /none HTTP/1.1\r\n" HOST "\r\n";
	const int fd = client(&server);
	char all[100 * (sizeof(one) + sizeof(two))] = "";

	for (int i = 0; i < 100; i++)
		strcat(strcat(all, one), two);
	send_all(fd, all, strlen(all));
	for (int i = 0; i < 100; i++) {
		take_reply(fd, &reply, 1);
		CHECK_INT(reply.status, 200);
		take_reply(fd, &reply, 1);
		CHECK_INT(reply.status, 404);
	}
	for (size_t i = 0; i < strlen(one); i++) {
		send_all(fd, one + i, 1);
		if (i % 8 == 0)
			usleep(500);
	}
	take_reply(fd, &reply, 1);
	CHECK_INT(reply.status, 200);
	/* What follows rubbish is not answered. */
	say(fd, "GET / HTTP/1.1\r\n" HOST "\r\nrubbish\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n");
	take_reply(fd, &reply, 1);
	CHECK_INT(reply.status, 200);
	take_reply(fd, &reply, 1);
	CHECK_INT(reply.status, 400);
	CHECK(is_closed(fd));
	close(fd);
}

/* All of a large file, read slowly. */
static void test_slow_reader(void)
{
	const int fd = client(&server), small = 65536;
	static uint8_t bytes[BIG_BYTES];
	uint32_t wrong = 0;

	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	say(fd, "GET /big.bin HTTP/1.1\r\n" HOST "\r\n");
	usleep(100000);
	CHECK_INT(get("GET / HTTP/1.1\r\n" HOST "\r\n"), 200);
	take_reply(fd, &reply, 0);
	CHECK_INT(reply.status, 200);
	CHECK_INT(receive_all(fd, bytes, sizeof(bytes)), BIG_BYTES);
	for (uint32_t i = 0; i < BIG_BYTES; i++)
		wrong += bytes[i] != big_byte(i);
	CHECK_INT(wrong, 0);
	close(fd);
}

static void *send_flood(void *argument)
{
	static char line[1 << 16];
	const int fd = *(const int *)argument;

	memset(line, 'a', sizeof(line));
	for (int i = 0; i < 16; i++)
		send_all(fd, line, sizeof(line));
	return NULL;
}

/* A line of 1 MB; fields that never end, in one go and drop by drop. */
static void test_endless(void)
{
	char line[64];
	int fd = client(&server);

	say(fd, "GET /");
	send_flood(&fd);
	take_reply(fd, &reply, 1);
	CHECK_INT(reply.status, 414);
	close(fd);
	fd = client(&server);
	say(fd, "GET / HTTP/1.1\r\n" HOST);
	for (int i = 0; i < 5000; i++) {
		snprintf(line, sizeof(line), "X-%d: yyyyyyyyyyyyyyyyyyyyyy\r\n", i);
		send_all(fd, line, strlen(line));
	}
	take_reply(fd, &reply, 1);
	CHECK_INT(reply.status, 431);
	close(fd);
	/* A head as long as browsers make it is none of these. */
	fd = client(&server);
	say(fd, "GET / HTTP/1.1\r\n" HOST "Cookie: ");
	for (int i = 0; i < 8000; i++)
		say(fd, "c");
	say(fd, "\r\n\r\n");
	take_reply(fd, &reply, 1);
	CHECK_INT(reply.status, 200);
	close(fd);
}

/* A client that has said all that it will still gets its answers. */
static void test_half_closed(void)
{
	const int fd = client(&server);

	say(fd, "GET /a.txt HTTP/1.1\r\n" HOST "\r\nGET / HTTP/1.1\r\n" HOST "\r\nGET /");
	shutdown(fd, SHUT_WR);
	take_reply(fd, &reply, 1);
	CHECK_INT(reply.status, 200);
	CHECK_INT(reply.body_bytes, 10);
	take_reply(fd, &reply, 1);
	CHECK_INT(reply.status, 200);
	CHECK(is_closed(fd));
	close(fd);
}

/* Another tree takes the place of the first; what is under way goes on from the old one. */
static void test_reload(void)
{
	const int fd = client(&server), small = 65536;
	static uint8_t bytes[BIG_BYTES];
	struct wn_error error = {0};
	uint32_t wrong = 0;

	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	say(fd, "GET /big.bin HTTP/1.1\r\n" HOST "\r\n");
	take_reply(fd, &reply, 0);
	write_file("new.txt", "new", 3);
	write_file("big.bin", "small", 5);
	CHECK_INT(get("GET /new.txt HTTP/1.1\r\n" HOST "\r\n"), 404);
	CHECK_INT(wn_runtime_reload(server.runtime, NULL, &error), 0);
	CHECK_TEXT(error.text, "");
	CHECK_INT(get("GET /new.txt HTTP/1.1\r\n" HOST "\r\n"), 200);
	CHECK_INT(receive_all(fd, bytes, sizeof(bytes)), BIG_BYTES);
	for (uint32_t i = 0; i < BIG_BYTES; i++)
		wrong += bytes[i] != big_byte(i);
	CHECK_INT(wrong, 0);
	ask(fd, "GET /big.bin HTTP/1.1\r\n" HOST "\r\n", &reply);
	CHECK_INT(reply.body_bytes, 5);
	close(fd);
	CHECK_INT(wn_runtime_reload(server.runtime, NULL, &error), 0);
}

int main(void)
{
	const char *reason = missing();

	if (reason)
		return check_skip_all(reason);
	make_root();
	if (!serve_root(&server, "uring:tcp:127.0.0.1:0,poller=off")) {
		RUN(test_files);
		RUN(test_not_there);
		RUN(test_refused);
		RUN(test_kept);
		RUN(test_conditions);
		RUN(test_ranges);
		RUN(test_pipelining);
		RUN(test_slow_reader);
		RUN(test_endless);
		RUN(test_half_closed);
		RUN(test_reload);
		end(&server);
	}
	remove_root();
	return check_finish();
}
