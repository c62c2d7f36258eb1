/* SPDX-License-Identifier: Apache-2.0 */
/* http over a directory that the test makes. Requests as text; responses taken apart. */
#ifndef WN_TESTS_HTTP_SERVE_H
#define WN_TESTS_HTTP_SERVE_H

#include <fcntl.h>
#include <sys/stat.h>

#include "tests/tcp/server.h"

enum { BIG_BYTES = 16000000, REPLY_BYTES = 1 << 16 };

static char root[] = "/tmp/warpnic-http-XXXXXX";

static inline void write_file(const char *name, const void *bytes, size_t count)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", root, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	CHECK(fd >= 0 && write(fd, bytes, count) == (ssize_t)count);
	close(fd);
}

static inline uint8_t big_byte(uint32_t i)
{
	return (uint8_t)(i * 7 + (i >> 9));
}

static inline void make_root(void)
{
	uint8_t *big = malloc(BIG_BYTES);
	char path[256];

	CHECK(mkdtemp(root) != NULL && big);
	for (uint32_t i = 0; i < BIG_BYTES; i++)
		big[i] = big_byte(i);
	snprintf(path, sizeof(path), "%s/sub", root);
	CHECK_INT(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/.hidden", root);
	CHECK_INT(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/out", root);
	CHECK_INT(symlink("/etc/hostname", path), 0);
	snprintf(path, sizeof(path), "%s/link.txt", root);
	CHECK_INT(symlink("a.txt", path), 0);
	write_file("index.html", "<h1>hello</h1>\n", 15);
	write_file("a.txt", "abcdefghij", 10);
	write_file("a b+c.css", "b{}", 3);
	write_file("empty", "", 0);
	write_file("sub/index.html", "sub", 3);
	write_file(".hidden/x", "no", 2);
	write_file("big.bin", big, BIG_BYTES);
	free(big);
}

static inline void remove_root(void)
{
	static const char *const names[] = {"sub/index.html", "sub", ".hidden/x", ".hidden", "out", "link.txt", "index.html",
					    "a.txt", "a b+c.css", "empty", "big.bin", "new.txt", ""};
	char path[256];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", root, names[i]);
		if (unlink(path))
			rmdir(path);
	}
}

static inline int serve_root(struct server *server, const char *link)
{
	static char load[64];
	static const char *const loads[] = {load};
	struct wn_runtime_params params = {.program = "http", .loads = loads, .load_count = 1};

	snprintf(load, sizeof(load), "root=%s", root);
	return serve(server, &params, link);
}

struct reply {
	int status;
	char head[4096];
	char body[REPLY_BYTES];
	size_t body_bytes;       /* received */
	int has_ended;           /* the connection was closed instead of a status line */
};

/* The value of a field, or NULL. Good until the next call. */
static inline const char *field(const struct reply *reply, const char *name)
{
	static char value[512];
	char line[64];
	const char *at;

	snprintf(line, sizeof(line), "\r\n%s: ", name);
	at = strstr(reply->head, line);
	if (!at)
		return NULL;
	at += strlen(line);
	snprintf(value, sizeof(value), "%.*s", (int)strcspn(at, "\r"), at);
	return value;
}

/* Reads one response: its head byte by byte, then as much body as it says. */
static inline void take_reply(int fd, struct reply *reply, int has_body)
{
	size_t used = 0, length = 0;

	memset(reply, 0, sizeof(*reply));
	while (used < sizeof(reply->head) - 1 && !strstr(reply->head, "\r\n\r\n"))
		if (receive(fd, reply->head + used++, 1) != 1) {
			reply->has_ended = 1;
			return;
		}
	CHECK(!strncmp(reply->head, "HTTP/1.1 ", 9));
	reply->status = atoi(reply->head + 9);
	if (field(reply, "Content-Length"))
		length = (size_t)atol(field(reply, "Content-Length"));
	else
		CHECK_INT(reply->status, 304);
	CHECK(field(reply, "Date") && strlen(field(reply, "Date")) == 29);
	if (has_body)
		reply->body_bytes = receive_all(fd, reply->body, length < REPLY_BYTES ? length : REPLY_BYTES);
}

/* Asks and takes the response. */
static inline void ask(int fd, const char *request, struct reply *reply)
{
	send_all(fd, request, strlen(request));
	take_reply(fd, reply, strncmp(request, "HEAD", 4) != 0);
}

/* Whether the other side has closed. */
static inline int is_closed(int fd)
{
	char byte;

	return receive(fd, &byte, 1) == 0;
}

#endif
