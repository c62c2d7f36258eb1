/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What only the pcap link has: files of every make, damaged ones, pace, repetition, and what
 * becomes of packets that cannot be written.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "link/link.h"
#include "tests/check.h"
#include "tests/pcap/capture.h"

enum { SLOTS = 64, BYTES = 100 };

struct session {
	struct wn_link link;
	struct wn_ring ring;
	struct wn_error error;
	int end;                 /* the result that ended receive_all */
};

static char folder[] = "/tmp/wn-pcap-XXXXXX";
static char input[64], output[64];

/* -- files -- */

static void write_bytes(const char *path, const void *bytes, size_t length)
{
	FILE *file = fopen(path, "wb");

	if (!CHECK(file != NULL))
		return;
	CHECK_INT(fwrite(bytes, 1, length, file), length);
	CHECK_INT(fclose(file), 0);
}

static void fill(uint8_t *bytes, uint32_t i, uint32_t length)
{
	for (uint32_t at = 0; at < length; at++)
		bytes[at] = capture_byte(i, at);
}

static void start_file(struct capture *capture)
{
	CHECK_INT(capture_open(capture, input, (uint32_t)CAPTURE_NANOSECONDS, CAPTURE_ETHERNET,
			       65535, 0), 0);
}

/* `count` good records, 10 ms apart. */
static void add_records(struct capture *capture, uint32_t count)
{
	uint8_t bytes[BYTES];

	for (uint32_t i = 0; i < count; i++) {
		fill(bytes, i, BYTES);
		capture_record(capture, 1000, i * 10000000, BYTES, BYTES, bytes, BYTES);
	}
}

static void write_file(uint32_t count)
{
	struct capture capture;

	start_file(&capture);
	add_records(&capture, count);
	CHECK_INT(capture_close(&capture), 0);
}

/* -- links -- */

/* Opens pcap:input with these options. */
static int start(struct session *s, const char *options, const char *filter, uint32_t slot_bytes)
{
	const struct wn_ring_geometry geometry = { SLOTS, slot_bytes, 1 };
	char spec[256];

	memset(s, 0, sizeof(*s));
	snprintf(spec, sizeof(spec), "pcap:%s%s", input, options);
	if (!CHECK_INT(wn_link_open(&s->link, spec, filter, 0, NULL, &s->error), 0)) {
		printf("# %s\n", s->error.text);
		return -1;
	}
	CHECK_INT(wn_ring_create(&s->ring, &geometry, &s->error), 0);
	return 0;
}

static void stop(struct session *s)
{
	wn_link_close(&s->link);
	wn_ring_destroy(&s->ring);
}

static int receive(struct session *s, uint32_t first, int64_t wait_ns)
{
	struct wn_receive_batch batch = {
		.view = &s->ring.view, .first = first, .capacity = SLOTS, .wait_ns = wait_ns,
	};

	return s->link.ops->receive(&s->link, 0, &batch);
}

/* Receives to the end; packet i must be record i modulo `period`. How many there were. */
static uint32_t receive_all(struct session *s, uint32_t period)
{
	uint8_t expected[BYTES];
	uint32_t count = 0;

	for (;;) {
		const int n = receive(s, count, WN_SECOND_NS);

		s->end = n;
		if (n < 0 || (n == 0 && !CHECK(!"stuck")))
			return count;
		for (uint32_t i = 0; i < (uint32_t)n; i++, count++) {
			const uint32_t index = count & s->ring.view.slot_mask;

			fill(expected, count % period, BYTES);
			CHECK_INT(s->ring.view.slots[index].length, BYTES);
			CHECK(!memcmp(wn_ring_frame(&s->ring.view, index), expected, BYTES));
		}
	}
}

static void check_refused(const char *path, const char *options, int code, enum wn_status status,
			  const char *words)
{
	struct wn_link link;
	struct wn_error error = { .status = WN_OK };
	char spec[256];

	snprintf(spec, sizeof(spec), "pcap:%s%s", path, options);
	CHECK_INT(wn_link_open(&link, spec, NULL, 0, NULL, &error), -code);
	CHECK_INT(error.status, status);
	if (!CHECK(strstr(error.text, words) != NULL))
		printf("# %s\n", error.text);
	if (status == WN_NO_INPUT)
		CHECK(strstr(error.text, path) != NULL);
	wn_link_close(&link);
}

/* Runs `step` with stderr in a file, and looks for the words there. */
static void check_says(void (*step)(void), const char *words)
{
	char path[96], text[1024] = "";
	const int before = dup(STDERR_FILENO);
	size_t length;
	FILE *file;
	int fd;

	snprintf(path, sizeof(path), "%s/stderr", folder);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	dup2(fd, STDERR_FILENO);
	step();
	dup2(before, STDERR_FILENO);
	close(before);
	close(fd);
	file = fopen(path, "r");
	length = file ? fread(text, 1, sizeof(text) - 1, file) : 0;
	if (file)
		fclose(file);
	unlink(path);
	if (!CHECK(strstr(text, words) && strstr(text, input)))
		printf("# %s\n", text);
	/* One line. */
	CHECK(length > 0 && strchr(text, '\n') == text + length - 1);
}

/* -- files that cannot be opened -- */

static void test_missing_file(void)
{
	char path[96], options[96];

	snprintf(path, sizeof(path), "%s/none.pcap", folder);
	check_refused(path, "", ENOENT, WN_NO_INPUT, "No such file");
	/* Where the input is missing no output is made. */
	snprintf(options, sizeof(options), ",write=%s", output);
	unlink(output);
	check_refused(path, options, ENOENT, WN_NO_INPUT, "No such file");
	CHECK(access(output, F_OK) < 0);
}

static void test_unreadable_file(void)
{
	pid_t pid;
	int status = -1;

	if (geteuid())
		SKIP("needs root, to become a user without rights");
	write_file(1);
	chmod(input, 0);
	pid = fork();
	if (!pid) {
		if (setuid(65534))
			_exit(2);
		check_refused(input, "", EACCES, WN_NO_INPUT, "Permission denied");
		_exit(check_failures() != 0);
	}
	CHECK_INT(waitpid(pid, &status, 0), pid);
	CHECK_INT(status, 0);
	chmod(input, 0600);
}

static void test_directory(void)
{
	check_refused(folder, "", EISDIR, WN_NO_INPUT, "Is a directory");
}

static void test_empty_file(void)
{
	write_bytes(input, "", 0);
	check_refused(input, "", ENODATA, WN_NO_INPUT, "empty");
}

static void test_truncated_header(void)
{
	write_file(0);
	CHECK_INT(truncate(input, 12), 0);
	check_refused(input, "", EINVAL, WN_NO_INPUT, "truncated");
}

static void test_wrong_magic(void)
{
	write_bytes(input, "This is not a capture file, whatever its name says.", 51);
	check_refused(input, "", EINVAL, WN_NO_INPUT, "unknown file format");
}

static void test_link_types(void)
{
	struct capture capture;

	CHECK_INT(capture_open(&capture, input, (uint32_t)CAPTURE_NANOSECONDS, 113, 65535, 0), 0);
	CHECK_INT(capture_close(&capture), 0);
	check_refused(input, "", EPROTONOSUPPORT, WN_NO_INPUT, "LINUX_SLL (113)");
	CHECK_INT(capture_open(&capture, input, (uint32_t)CAPTURE_NANOSECONDS, 9999, 65535, 0), 0);
	CHECK_INT(capture_close(&capture), 0);
	check_refused(input, "", EPROTONOSUPPORT, WN_NO_INPUT, "unknown (9999)");
	CHECK_INT(capture_write_ng(input, 1, 60, 101), 0);
	check_refused(input, "", EPROTONOSUPPORT, WN_NO_INPUT, "RAW");
}

static void test_usage(void)
{
	write_file(1);
	check_refused("", "", EINVAL, WN_USAGE, "write=FILE");
	check_refused(input, ",speed=quick", EINVAL, WN_USAGE, "speed=quick");
	check_refused(input, ",speed=0", EINVAL, WN_USAGE, "speed=0");
	check_refused(input, ",speed=2,rate=5", EINVAL, WN_USAGE, "only one");
}

static void test_filter_words(void)
{
	struct wn_link link;
	struct wn_error error;
	char spec[96];

	write_file(1);
	snprintf(spec, sizeof(spec), "pcap:%s", input);
	CHECK(wn_link_open(&link, spec, "tcp prot 5", 0, NULL, &error) < 0);
	CHECK_INT(error.status, WN_USAGE);
	CHECK(strstr(error.text, "tcp prot 5") != NULL);
}

/* -- files of every make -- */

static void check_make(uint32_t magic, int is_swapped)
{
	struct capture capture;
	struct session s;

	CHECK_INT(capture_open(&capture, input, magic, CAPTURE_ETHERNET, 65535, is_swapped), 0);
	add_records(&capture, 5);
	CHECK_INT(capture_close(&capture), 0);
	if (start(&s, "", NULL, 2048))
		return;
	CHECK_INT(receive_all(&s, 5), 5);
	CHECK_INT(s.end, -ENODATA);
	CHECK_INT(receive(&s, 0, 0), -ENODATA);
	stop(&s);
}

static void test_makes(void)
{
	check_make((uint32_t)CAPTURE_MICROSECONDS, 0);
	check_make((uint32_t)CAPTURE_MICROSECONDS, 1);
	check_make((uint32_t)CAPTURE_NANOSECONDS, 0);
	check_make((uint32_t)CAPTURE_NANOSECONDS, 1);
}

static void test_pcapng(void)
{
	struct session s;

	CHECK_INT(capture_write_ng(input, 7, BYTES, CAPTURE_ETHERNET), 0);
	if (!start(&s, "", NULL, 2048)) {
		CHECK_INT(receive_all(&s, 7), 7);
		CHECK_INT(s.end, -ENODATA);
		stop(&s);
	}
}

static void test_no_packets(void)
{
	struct session s;

	write_file(0);
	/* For ever nothing ends as well. */
	if (!start(&s, ",loop=0", NULL, 2048)) {
		CHECK_INT(receive_all(&s, 1), 0);
		CHECK_INT(s.end, -ENODATA);
		stop(&s);
	}
}

/* -- records that are not whole -- */

static void check_cut(const struct session *s, uint32_t index, uint32_t length, uint32_t wire)
{
	const struct wn_slot *slot = &s->ring.view.slots[index];

	CHECK_INT(slot->length, length);
	CHECK_INT(slot->wire_length, wire);
	CHECK_INT(slot->flags & WN_SLOT_TRUNCATED, wire > length ? WN_SLOT_TRUNCATED : 0);
}

static void test_cut_packets(void)
{
	static uint8_t bytes[70000];
	struct capture capture;
	struct session s;

	fill(bytes, 0, sizeof(bytes));
	start_file(&capture);
	capture_record(&capture, 1, 0, 60, 1500, bytes, 60);           /* cut when captured */
	capture_record(&capture, 1, 0, 3000, 3000, bytes, 3000);       /* longer than the slot */
	capture_record(&capture, 1, 0, 60, 20, bytes, 60);             /* less on the wire */
	capture_record(&capture, 1, 0, 0, 0, bytes, 0);                /* nothing */
	CHECK_INT(capture_close(&capture), 0);
	if (!start(&s, "", NULL, 2048)) {
		CHECK_INT(receive(&s, 0, 0), 4);
		check_cut(&s, 0, 60, 1500);
		check_cut(&s, 1, 2048, 3000);
		check_cut(&s, 2, 60, 60);
		check_cut(&s, 3, 0, 0);
		stop(&s);
	}
	/* A slot of 65536 bytes holds 65535: a verdict word can say no more. */
	CHECK_INT(capture_open(&capture, input, (uint32_t)CAPTURE_NANOSECONDS, CAPTURE_ETHERNET,
			       262144, 0), 0);
	capture_record(&capture, 1, 0, 70000, 70000, bytes, 70000);
	CHECK_INT(capture_close(&capture), 0);
	if (!start(&s, "", NULL, 65536)) {
		CHECK_INT(receive(&s, 0, 0), 1);
		check_cut(&s, 0, 65535, 70000);
		stop(&s);
	}
}

/* Captured more than the file's snap length: cut to that, as libpcap does, and said so. */
static void test_beyond_snap_length(void)
{
	uint8_t bytes[BYTES];
	struct capture capture;
	struct session s;

	fill(bytes, 0, BYTES);
	CHECK_INT(capture_open(&capture, input, (uint32_t)CAPTURE_NANOSECONDS, CAPTURE_ETHERNET, 64,
			       0), 0);
	capture_record(&capture, 1, 0, BYTES, BYTES, bytes, BYTES);
	capture_record(&capture, 1, 0, 60, 60, bytes, 60);
	CHECK_INT(capture_close(&capture), 0);
	if (!start(&s, "", NULL, 2048)) {
		CHECK_INT(receive(&s, 0, 0), 2);
		check_cut(&s, 0, 64, BYTES);
		check_cut(&s, 1, 60, 60);
		stop(&s);
	}
}

/* What is whole comes, then the fault once, then the end. */
static void receive_damaged(void)
{
	struct session s;

	if (start(&s, ",loop=3", NULL, 2048))
		return;
	CHECK_INT(receive_all(&s, 5), 5);
	CHECK_INT(s.end, -EIO);
	CHECK_INT(receive(&s, 0, 0), -ENODATA);
	CHECK_INT(receive(&s, 0, 0), -ENODATA);
	stop(&s);
}

static void test_truncated_record(void)
{
	const int whole = CAPTURE_HEADER_BYTES + 5 * (CAPTURE_RECORD_BYTES + BYTES);

	write_file(6);
	CHECK_INT(truncate(input, whole + CAPTURE_RECORD_BYTES + BYTES - 1), 0);
	check_says(receive_damaged, "record 6: truncated");
	write_file(6);
	CHECK_INT(truncate(input, whole + 7), 0);
	check_says(receive_damaged, "record 6: truncated");
}

static void test_nonsense_length(void)
{
	uint8_t bytes[BYTES];
	struct capture capture;

	fill(bytes, 0, BYTES);
	start_file(&capture);
	add_records(&capture, 5);
	capture_record(&capture, 1, 0, 0xffffffff, 0xffffffff, bytes, BYTES);
	CHECK_INT(capture_close(&capture), 0);
	check_says(receive_damaged, "record 6: ");
}

/* -- pace and repetition -- */

static void test_loop(void)
{
	struct session s;

	write_file(70);
	if (!start(&s, ",loop=3", NULL, 2048)) {
		CHECK_INT(receive_all(&s, 70), 210);
		CHECK_INT(s.end, -ENODATA);
		stop(&s);
	}
	if (!start(&s, ",loop=0,limit=1000", NULL, 2048)) {
		CHECK_INT(receive_all(&s, 70), 1000);
		CHECK_INT(s.end, -ENODATA);
		stop(&s);
	}
	if (!start(&s, ",limit=7", NULL, 2048)) {
		CHECK_INT(receive_all(&s, 70), 7);
		stop(&s);
	}
}

/* A file that is too large to be kept is read again; only 70 of its records pass the filter. */
static void test_loop_filtered(void)
{
	struct capture capture;
	uint8_t bytes[BYTES];
	struct session s;

	start_file(&capture);
	for (uint32_t i = 0; i < 140; i++) {
		fill(bytes, i / 2, BYTES);
		bytes[13] = i % 2 ? 0xb5 : 0xb6;
		capture_record(&capture, 1, 0, BYTES, BYTES, bytes, BYTES);
	}
	CHECK_INT(capture_close(&capture), 0);
	if (!start(&s, ",loop=3", "ether proto 0x88b5", 2048)) {
		CHECK_INT(receive_all(&s, 70), 210);
		CHECK_INT(s.end, -ENODATA);
		stop(&s);
	}
}

/* 300 MB of (sparse) records do not stay in memory: each pass reads the file. */
static void test_loop_large(void)
{
	struct capture capture;
	struct session s;
	uint32_t count = 0;
	int n;

	start_file(&capture);
	for (uint32_t i = 0; i < 4600; i++)
		capture_record(&capture, 1, 0, 65535, 65535, NULL, 65535);
	CHECK_INT(capture_close(&capture), 0);
	if (!start(&s, ",loop=2", NULL, 2048)) {
		while ((n = receive(&s, count, 0)) >= 0)
			count += (uint32_t)n;
		CHECK_INT(n, -ENODATA);
		CHECK_INT(count, 9200);
		stop(&s);
	}
}

static int64_t time_of(const char *options, uint32_t period, uint32_t count)
{
	const int64_t start_ns = wn_clock_ns();
	struct session s;

	if (start(&s, options, NULL, 2048))
		return -1;
	CHECK_INT(receive_all(&s, period), count);
	stop(&s);
	return wn_clock_ns() - start_ns;
}

/* Never too early; how late is the scheduler's business. */
static void test_pace(void)
{
	int64_t took_ns;

	write_file(21);
	took_ns = time_of(",speed=file", 21, 21);
	CHECK(took_ns >= 200 * WN_MILLISECOND_NS && took_ns < 2 * WN_SECOND_NS);
	took_ns = time_of(",speed=4", 21, 21);
	CHECK(took_ns >= 50 * WN_MILLISECOND_NS && took_ns < WN_SECOND_NS);
	took_ns = time_of(",speed=file,loop=2", 21, 42);
	CHECK(took_ns >= 400 * WN_MILLISECOND_NS && took_ns < 3 * WN_SECOND_NS);
	took_ns = time_of(",rate=210,loop=2", 21, 42);
	CHECK(took_ns >= 195 * WN_MILLISECOND_NS && took_ns < 2 * WN_SECOND_NS);
	took_ns = time_of("", 21, 21);
	CHECK(took_ns < 200 * WN_MILLISECOND_NS);
}

/* A wait for a packet that is not due yet is bounded. */
static void test_pace_wait(void)
{
	struct session s;
	int64_t start_ns;

	write_file(2);
	if (!start(&s, ",speed=0.001", NULL, 2048)) {
		CHECK_INT(receive(&s, 0, 0), 1);
		start_ns = wn_clock_ns();
		CHECK_INT(receive(&s, 1, 0), 0);
		CHECK_INT(receive(&s, 1, 30 * WN_MILLISECOND_NS), 0);
		CHECK(wn_clock_ns() - start_ns < WN_SECOND_NS);
		stop(&s);
	}
}

/* -- pipes -- */

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
		CHECK_INT(receive(&s, 0, WN_SECOND_NS), 5);
		start_ns = wn_clock_ns();
		CHECK_INT(receive(&s, 5, 0), 0);
		CHECK_INT(receive(&s, 5, 30 * WN_MILLISECOND_NS), 0);
		CHECK(wn_clock_ns() - start_ns < WN_SECOND_NS);
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
		CHECK(wn_clock_ns() - start_ns < WN_SECOND_NS);
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
	CHECK_INT(receive(&feed.s, 0, 10 * WN_SECOND_NS), 2);
	CHECK(wn_clock_ns() - start_ns < WN_SECOND_NS);
	start_ns = wn_clock_ns();
	CHECK_INT(receive(&feed.s, 2, 50 * WN_MILLISECOND_NS), 0);
	took_ns = wn_clock_ns() - start_ns;
	CHECK(took_ns >= 50 * WN_MILLISECOND_NS && took_ns < WN_SECOND_NS);
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

/* -- writing -- */

static uint8_t packets[SLOTS][BYTES];
static struct wn_send_item items[SLOTS];

static void make_items(void)
{
	for (uint32_t i = 0; i < SLOTS; i++) {
		fill(packets[i], i, BYTES);
		items[i] = (struct wn_send_item){ .bytes = packets[i], .length = BYTES, .error = -1,
						  .reply_index = WN_NOT_A_REPLY };
	}
}

static int open_writer(struct wn_link *link, const char *path)
{
	struct wn_error error;
	char spec[128];

	snprintf(spec, sizeof(spec), "pcap:,write=%s", path);
	if (CHECK_INT(wn_link_open(link, spec, NULL, 0, NULL, &error), 0))
		return 0;
	printf("# %s\n", error.text);
	return -1;
}

/* Reads the output: how many whole records, which must be packets 0, 1, ... */
static uint32_t count_written(int *end)
{
	static struct capture_packet packet;
	FILE *file = capture_read_open(output);
	uint32_t count = 0;

	*end = -1;
	if (!CHECK(file != NULL))
		return 0;
	while ((*end = capture_read(file, &packet)) == 1) {
		CHECK_INT(packet.length, BYTES);
		CHECK(!memcmp(packet.bytes, packets[count % SLOTS], BYTES));
		count++;
	}
	fclose(file);
	return count;
}

static void test_write(void)
{
	struct wn_link link;
	struct wn_receive_batch batch = { .capacity = 1 };
	struct capture_packet *packet = malloc(sizeof(*packet));
	FILE *file;
	int end;

	make_items();
	items[0].arrival_ns = (uint64_t)wn_clock_ns() - 5 * WN_SECOND_NS;
	items[1].wire_length = 1500;
	if (!open_writer(&link, output)) {
		CHECK_INT(link.limits.can_receive, 0);
		CHECK_INT(link.limits.can_send, 1);
		CHECK_INT(link.limits.keeps_deliveries, 1);
		CHECK_INT(link.ops->receive(&link, 0, &batch), -ENODATA);
		CHECK_INT(link.ops->send(&link, 0, items, SLOTS), SLOTS);
		for (int i = 0; i < SLOTS; i++)
			CHECK_INT(items[i].error, 0);
		/* Before close: nothing is kept back. */
		CHECK_INT(count_written(&end), SLOTS);
		CHECK_INT(end, 0);
		wn_link_close(&link);
	}
	file = capture_read_open(output);
	if (CHECK(file && packet)) {
		const int64_t now = (int64_t)time(NULL);

		CHECK_INT(capture_read(file, packet), 1);
		CHECK(now - packet->seconds >= 4 && now - packet->seconds <= 7);
		CHECK_INT(packet->wire_length, BYTES);
		CHECK_INT(capture_read(file, packet), 1);
		CHECK(now - packet->seconds <= 2);
		CHECK_INT(packet->wire_length, 1500);
	}
	if (file)
		fclose(file);
	free(packet);
}

/* A file is never overwritten with itself, under no name. */
static void test_write_onto_input(void)
{
	char options[96], other[64];
	struct stat status;

	write_file(3);
	snprintf(other, sizeof(other), "%s/link", folder);
	CHECK_INT(link(input, other), 0);
	snprintf(options, sizeof(options), ",write=%s", other);
	check_refused(input, options, EINVAL, WN_USAGE, "file that is read");
	CHECK_INT(stat(input, &status), 0);
	CHECK_INT(status.st_size, CAPTURE_HEADER_BYTES + 3 * (CAPTURE_RECORD_BYTES + BYTES));
	unlink(other);
}

static void test_write_nowhere(void)
{
	struct wn_link link;
	struct wn_error error;

	CHECK_INT(wn_link_open(&link, "pcap:,write=/nonexistent/out.pcap", NULL, 0, NULL, &error),
		  -ENOENT);
	CHECK_INT(error.status, WN_FAILED);
	CHECK(strstr(error.text, "/nonexistent/out.pcap") != NULL);
	if (!access("/dev/full", W_OK)) {
		CHECK_INT(wn_link_open(&link, "pcap:,write=/dev/full", NULL, 0, NULL, &error),
			  -ENOSPC);
		CHECK(strstr(error.text, "No space") != NULL);
	}
}

/* The file is full in the middle of a record: it ends with the last whole one. */
static void test_write_full(void)
{
	const uint32_t whole = 10;
	const struct rlimit limit = {
		CAPTURE_HEADER_BYTES + whole * (CAPTURE_RECORD_BYTES + BYTES) + 50, RLIM_INFINITY,
	};
	struct rlimit before;
	struct wn_link link;
	int end;

	make_items();
	getrlimit(RLIMIT_FSIZE, &before);
	signal(SIGXFSZ, SIG_IGN);
	if (!open_writer(&link, output)) {
		setrlimit(RLIMIT_FSIZE, &limit);
		CHECK_INT(link.ops->send(&link, 0, items, SLOTS), SLOTS);
		setrlimit(RLIMIT_FSIZE, &before);
		for (uint32_t i = 0; i < SLOTS; i++)
			CHECK_INT(items[i].error, i < whole ? 0 : EFBIG);
		CHECK_INT(count_written(&end), whole);
		CHECK_INT(end, 0);
		/* There is room again. */
		items[0] = items[whole];
		CHECK_INT(link.ops->send(&link, 0, items, 1), 1);
		CHECK_INT(items[0].error, 0);
		CHECK_INT(count_written(&end), whole + 1);
		CHECK_INT(end, 0);
		wn_link_close(&link);
	}
	signal(SIGXFSZ, SIG_DFL);
}

/* Opens output as a pipe; its reading end is returned. */
static int open_pipe(struct wn_link *link)
{
	int fd;

	unlink(output);
	CHECK_INT(mkfifo(output, 0600), 0);
	fd = open(output, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	CHECK(fd >= 0);
	if (open_writer(link, output)) {
		close(fd);
		unlink(output);
		return -1;
	}
	return fd;
}

/* A reader that stops: send returns 0 at once; when it reads again all is there, in order. */
static void test_write_pipe_stalls(void)
{
	static uint8_t large[65535], stream[1 << 20];
	const int64_t start_ns = wn_clock_ns();
	struct wn_send_item item = { .bytes = large, .length = sizeof(large),
				     .reply_index = WN_NOT_A_REPLY };
	uint32_t sent = 0;
	size_t got = 0;
	struct wn_link link;
	const int fd = open_pipe(&link);
	ssize_t n;

	if (fd < 0)
		return;
	while (link.ops->send(&link, 0, &item, 1) == 1)
		sent++;
	CHECK(sent > 0 && sent < 10);
	CHECK_INT(link.ops->flush(&link, 0), -EAGAIN);
	CHECK(wn_clock_ns() - start_ns < WN_SECOND_NS);
	do {
		while ((n = read(fd, stream + got, sizeof(stream) - got)) > 0)
			got += (size_t)n;
	} while (link.ops->flush(&link, 0) == -EAGAIN);
	while ((n = read(fd, stream + got, sizeof(stream) - got)) > 0)
		got += (size_t)n;
	CHECK_INT(got, CAPTURE_HEADER_BYTES + sent * (CAPTURE_RECORD_BYTES + sizeof(large)));
	make_items();
	CHECK_INT(link.ops->send(&link, 0, items, SLOTS), SLOTS);
	CHECK_INT(read(fd, stream, sizeof(stream)), SLOTS * (CAPTURE_RECORD_BYTES + BYTES));
	wn_link_close(&link);
	close(fd);
	unlink(output);
}

/* The same with packets that are written at once or not at all. */
static void test_write_pipe_full(void)
{
	const int64_t start_ns = wn_clock_ns();
	struct wn_link link;
	uint32_t sent = 0;
	const int fd = open_pipe(&link);

	if (fd < 0)
		return;
	make_items();
	while (sent < 100000 && link.ops->send(&link, 0, items, 1) == 1)
		sent++;
	CHECK(sent > 0 && sent < 100000);
	CHECK(wn_clock_ns() - start_ns < 5 * WN_SECOND_NS);
	wn_link_close(&link);
	close(fd);
	unlink(output);
}

/* A reader that goes away: an error for each packet, and this process lives. */
static void test_write_pipe_breaks(void)
{
	struct wn_link link;
	sigset_t before, after;
	const int fd = open_pipe(&link);

	if (fd < 0)
		return;
	make_items();
	pthread_sigmask(SIG_SETMASK, NULL, &before);
	CHECK_INT(link.ops->send(&link, 0, items, 1), 1);
	CHECK_INT(items[0].error, 0);
	close(fd);
	CHECK_INT(link.ops->send(&link, 0, items, 3), 3);
	for (int i = 0; i < 3; i++)
		CHECK_INT(items[i].error, EPIPE);
	pthread_sigmask(SIG_SETMASK, NULL, &after);
	CHECK_INT(sigismember(&after, SIGPIPE), sigismember(&before, SIGPIPE));
	sigpending(&after);
	CHECK_INT(sigismember(&after, SIGPIPE), 0);
	wn_link_close(&link);
	unlink(output);
}

int main(void)
{
	int status;

	if (wn_link_pcap.missing)
		return check_skip_all("built without libpcap");
	if (!mkdtemp(folder))
		return check_skip_all("no temporary folder");
	snprintf(input, sizeof(input), "%s/in.pcap", folder);
	snprintf(output, sizeof(output), "%s/out.pcap", folder);
	RUN(test_missing_file);
	RUN(test_unreadable_file);
	RUN(test_directory);
	RUN(test_empty_file);
	RUN(test_truncated_header);
	RUN(test_wrong_magic);
	RUN(test_link_types);
	RUN(test_usage);
	RUN(test_filter_words);
	RUN(test_makes);
	RUN(test_pcapng);
	RUN(test_no_packets);
	RUN(test_cut_packets);
	RUN(test_beyond_snap_length);
	RUN(test_truncated_record);
	RUN(test_nonsense_length);
	RUN(test_loop);
	RUN(test_loop_filtered);
	RUN(test_loop_large);
	RUN(test_pace);
	RUN(test_pace_wait);
	unlink(input);
	RUN(test_read_pipe);
	RUN(test_read_pipe_by_bytes);
	RUN(test_read_pipe_by_bytes_ng);
	RUN(test_read_pipe_half);
	RUN(test_read_pipe_nonsense);
	RUN(test_write);
	RUN(test_write_onto_input);
	RUN(test_write_nowhere);
	RUN(test_write_full);
	RUN(test_write_pipe_stalls);
	RUN(test_write_pipe_full);
	RUN(test_write_pipe_breaks);
	status = check_finish();
	unlink(input);
	unlink(output);
	rmdir(folder);
	return status;
}
