/* SPDX-License-Identifier: Apache-2.0 */
/* What the pcap link writes, and what becomes of packets that cannot be written. */
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#include "tests/pcap/session.h"

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
	int last = 0;
	size_t got = 0;
	struct wn_link link;
	const int fd = open_pipe(&link);
	ssize_t n;

	if (fd < 0)
		return;
	while (link.ops->send(&link, 0, &item, 1) == 1) {
		sent++;
		last = item.error;
	}
	CHECK(sent > 0 && sent < 10);
	CHECK_INT(last, EINPROGRESS);
	CHECK_INT(link.ops->flush(&link, 0), -EAGAIN);
	CHECK(wn_clock_ns() - start_ns < 20 * WN_SECOND_NS);
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
	CHECK(wn_clock_ns() - start_ns < 60 * WN_SECOND_NS);
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

/* A reader that goes away in the middle of a record: flush says that it is lost, once. */
static void test_write_pipe_breaks_within(void)
{
	static uint8_t large[65535];
	struct wn_send_item two[2] = {{ .bytes = large, .length = sizeof(large), .reply_index = WN_NOT_A_REPLY }};
	struct wn_link link;
	const int fd = open_pipe(&link);

	if (fd < 0)
		return;
	two[1] = two[0];
	/* The header is in the pipe: the first one does not fit behind it, and the second is not taken. */
	CHECK_INT(link.ops->send(&link, 0, two, 2), 1);
	CHECK_INT(two[0].error, EINPROGRESS);
	CHECK_INT(link.ops->flush(&link, 0), -EAGAIN);
	close(fd);
	CHECK_INT(link.ops->flush(&link, 0), -EPIPE);
	CHECK_INT(link.ops->flush(&link, 0), 0);
	CHECK_INT(link.ops->send(&link, 0, two, 1), 1);
	CHECK_INT(two[0].error, EPIPE);
	wn_link_close(&link);
	unlink(output);
}

int main(void)
{
	const char *missing = begin();

	if (missing)
		return check_skip_all(missing);
	RUN(test_write);
	RUN(test_write_onto_input);
	RUN(test_write_nowhere);
	RUN(test_write_full);
	RUN(test_write_pipe_stalls);
	RUN(test_write_pipe_full);
	RUN(test_write_pipe_breaks);
	RUN(test_write_pipe_breaks_within);
	return finish();
}
