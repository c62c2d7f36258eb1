/* SPDX-License-Identifier: Apache-2.0 */
/* Captures that come through a pipe, in whatever pieces. */
#include <errno.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "tests/pcap/session.h"

/* A writer that stops in the middle of a stream does not hold up receive. */
static void test_read_pipe(void)
{
	struct session s;
	char path[96];
	int64_t start_ns;
	int fd, status;
	pid_t pid;

	write_file(5);
	snprintf(path, sizeof(path), "%s/file", folder);
	CHECK_INT(rename(input, path), 0);
	CHECK_INT(mkfifo(input, 0600), 0);
	pid = fork();
	if (!pid) {
		/* Holds the pipe open, with five packets in it, until it is killed. */
		char bytes[4096];
		const int from = open(path, O_RDONLY);
		const ssize_t length = read(from, bytes, sizeof(bytes));

		fd = open(input, O_WRONLY);
		if (write(fd, bytes, (size_t)length) != length)
			_exit(1);
		pause();
		_exit(0);
	}
	if (!start(&s, "", NULL, 2048)) {
		CHECK_INT(receive(&s, 0, 30 * WN_SECOND_NS), 5);
		start_ns = wn_clock_ns();
		CHECK_INT(receive(&s, 5, 0), 0);
		CHECK_INT(receive(&s, 5, 30 * WN_MILLISECOND_NS), 0);
		CHECK(wn_clock_ns() - start_ns < 20 * WN_SECOND_NS);
		kill(pid, SIGKILL);
		CHECK_INT(waitpid(pid, &status, 0), pid);
		CHECK_INT(receive(&s, 5, WN_SECOND_NS), -ENODATA);
		stop(&s);
	} else {
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
	}
	unlink(input);
	unlink(path);
}

/* `input` becomes a pipe with a file's bytes in it as far as the test has let them in. */
struct feed {
	struct session s;
	uint8_t bytes[4096];
	size_t length, at;
	int fd;
};

static size_t feed_more(struct feed *feed, size_t count)
{
	if (count > feed->length - feed->at)
		count = feed->length - feed->at;
	CHECK_INT(write(feed->fd, feed->bytes + feed->at, count), (ssize_t)count);
	feed->at += count;
	return count;
}

/* Takes the file that `input` is, and opens a link on a pipe that has `count` bytes of it. */
static int feed_open(struct feed *feed, size_t count)
{
	FILE *file = fopen(input, "rb");

	if (!CHECK(file != NULL))
		return -1;
	feed->length = fread(feed->bytes, 1, sizeof(feed->bytes), file);
	feed->at = 0;
	fclose(file);
	unlink(input);
	CHECK_INT(mkfifo(input, 0600), 0);
	/* For reading, too: so that opening it waits for nobody. */
	feed->fd = open(input, O_RDWR | O_CLOEXEC);
	feed_more(feed, count);
	return start(&feed->s, "", NULL, 2048);
}

static void feed_close(struct feed *feed)
{
	stop(&feed->s);
	close(feed->fd);
	unlink(input);
}

/*
 * Byte by byte from `header_bytes` on: a packet comes with the last byte of its record, not before
 * and not later, and no call waits.
 */
static void check_feed(size_t header_bytes, uint32_t count, size_t record_bytes)
{
	uint8_t expected[BYTES];
	struct feed feed;
	uint32_t got = 0;

	if (feed_open(&feed, header_bytes))
		return;
	CHECK_INT(feed.length, header_bytes + count * record_bytes);
	CHECK_INT(receive(&feed.s, 0, 0), 0);
	while (feed_more(&feed, 1)) {
		const uint32_t due = (uint32_t)((feed.at - header_bytes) / record_bytes);
		const int64_t start_ns = wn_clock_ns();
		const int n = receive(&feed.s, got, 0);

		if (!CHECK_INT(n, due - got))
			break;
		CHECK(wn_clock_ns() - start_ns < 20 * WN_SECOND_NS);
		if (n != 1)
			continue;
		fill(expected, got, BYTES);
		CHECK(!memcmp(wn_ring_frame(&feed.s.ring.view, got), expected, BYTES));
		got++;
	}
	CHECK_INT(got, count);
	feed_close(&feed);
}

static void check_feed_make(uint32_t magic, int is_swapped)
{
	struct capture capture;

	CHECK_INT(capture_open(&capture, input, magic, CAPTURE_ETHERNET, 65535, is_swapped), 0);
	add_records(&capture, 3);
	CHECK_INT(capture_close(&capture), 0);
	check_feed(CAPTURE_HEADER_BYTES, 3, CAPTURE_RECORD_BYTES + BYTES);
}

static void test_read_pipe_by_bytes(void)
{
	check_feed_make((uint32_t)CAPTURE_MICROSECONDS, 0);
	check_feed_make((uint32_t)CAPTURE_MICROSECONDS, 1);
	check_feed_make((uint32_t)CAPTURE_NANOSECONDS, 0);
	check_feed_make((uint32_t)CAPTURE_NANOSECONDS, 1);
}

static void test_read_pipe_by_bytes_ng(void)
{
	CHECK_INT(capture_write_ng(input, 3, BYTES, CAPTURE_ETHERNET), 0);
	check_feed(28 + 20, 3, 32 + BYTES);
}

/* A wait for the rest of a record is as long as asked, and no longer. */
static void test_read_pipe_half(void)
{
	struct feed feed;
	int64_t start_ns, took_ns;

	write_file(3);
	if (feed_open(&feed, CAPTURE_HEADER_BYTES + 2 * (CAPTURE_RECORD_BYTES + BYTES) + 50))
		return;
	start_ns = wn_clock_ns();
	CHECK_INT(receive(&feed.s, 0, 60 * WN_SECOND_NS), 2);
	CHECK(wn_clock_ns() - start_ns < 20 * WN_SECOND_NS);
	start_ns = wn_clock_ns();
	CHECK_INT(receive(&feed.s, 2, 50 * WN_MILLISECOND_NS), 0);
	took_ns = wn_clock_ns() - start_ns;
	CHECK(took_ns >= 50 * WN_MILLISECOND_NS && took_ns < 20 * WN_SECOND_NS);
	feed_more(&feed, SIZE_MAX);
	CHECK_INT(receive(&feed.s, 2, 0), 1);
	feed_close(&feed);
}

static void receive_nonsense_pipe(void)
{
	struct feed feed;

	if (feed_open(&feed, SIZE_MAX))
		return;
	CHECK_INT(receive_all(&feed.s, 2), 2);
	CHECK_INT(feed.s.end, -EIO);
	feed_close(&feed);
}

/* A length that no record has is refused by itself, not waited for. */
static void test_read_pipe_nonsense(void)
{
	struct capture capture;

	start_file(&capture);
	add_records(&capture, 2);
	capture_record(&capture, 1, 0, 0xfffffff0, 0xfffffff0, "", 0);
	CHECK_INT(capture_close(&capture), 0);
	check_says(receive_nonsense_pipe, "record 3: ");
}

int main(void)
{
	const char *missing = begin();

	if (missing)
		return check_skip_all(missing);
	RUN(test_read_pipe);
	RUN(test_read_pipe_by_bytes);
	RUN(test_read_pipe_by_bytes_ng);
	RUN(test_read_pipe_half);
	RUN(test_read_pipe_nonsense);
	return finish();
}
