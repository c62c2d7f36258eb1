/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole runtime that delivers large frames into a pipe, of which a part is still to be written when the
 * pump goes on: they are in flight until the pipe has them or its reader is gone.
 */
#include <sys/stat.h>
#include <time.h>

#include "tests/pcap/session.h"
#include "warpnic/warpnic.h"

/* One record fits into a pipe of 64 KiB, of the second one only a part does. */
enum { LARGE = 40000, RECORD = CAPTURE_RECORD_BYTES + LARGE };

struct run {
	struct wn_runtime *runtime;
	struct wn_counters counters;
	int fd;                  /* the pipe's reading end */
};

static void write_large(uint32_t count)
{
	static uint8_t bytes[LARGE];
	struct capture capture;

	start_file(&capture);
	for (uint32_t i = 0; i < count; i++) {
		fill(bytes, i, LARGE);
		capture_record(&capture, 1, 0, LARGE, LARGE, bytes, LARGE);
	}
	CHECK_INT(capture_close(&capture), 0);
}

/* Waits until so many are delivered and so many failed, and looks at the sum meanwhile. */
static void wait_for(struct run *run, uint64_t delivered, uint64_t failed)
{
	const int64_t until_ns = wn_clock_ns() + 60 * WN_SECOND_NS;

	do {
		wn_runtime_snapshot(run->runtime, &run->counters);
		CHECK_INT(wn_counters_difference(&run->counters), 0);
	} while ((run->counters.delivered != delivered ||
		  run->counters.dropped[WN_CAUSE_SEND_FAILED] != failed) && wn_clock_ns() < until_ns);
	CHECK_INT(run->counters.delivered, delivered);
	CHECK_INT(run->counters.dropped[WN_CAUSE_SEND_FAILED], failed);
}

static int begin_run(struct run *run, uint32_t pumps, uint64_t failed)
{
	char spec[200];
	const struct wn_runtime_params params = {
		.program = "capture",
		.device = "cpu",
		.links = {spec},
		.link_count = 1,
		.slot_count = 64,
		.slot_bytes = 65536,
		.pump_threads = pumps,
	};
	struct wn_error error = {0};

	unlink(output);
	CHECK_INT(mkfifo(output, 0600), 0);
	run->fd = open(output, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	snprintf(spec, sizeof(spec), "pcap:%s,write=%s", input, output);
	run->runtime = wn_runtime_create(&params, &error);
	CHECK_TEXT(error.text, "");
	if (!run->runtime)
		return -1;
	CHECK_INT(wn_runtime_start(run->runtime, &error), 0);
	/* The first record is in the pipe, of the second one a part, and what comes behind has failed. */
	wait_for(run, 1, failed);
	return 0;
}

static void end_run(struct run *run)
{
	const int64_t began_ns = wn_clock_ns();

	while (!wn_runtime_wait(run->runtime, 100))
		continue;
	CHECK_INT(wn_runtime_stop(run->runtime), 0);
	CHECK(wn_clock_ns() - began_ns < 30 * WN_SECOND_NS);
	wn_runtime_snapshot(run->runtime, &run->counters);
	CHECK_INT(wn_counters_difference(&run->counters), 0);
	CHECK_INT(run->counters.in_flight, 0);
	wn_runtime_destroy(run->runtime);
	if (run->fd >= 0)
		close(run->fd);
}

/* Reads `bytes` of the pipe, whatever comes late. */
static void read_pipe(const struct run *run, size_t bytes)
{
	static uint8_t stream[1 << 16];
	const int64_t until_ns = wn_clock_ns() + 60 * WN_SECOND_NS;
	size_t got = 0;

	while (got < bytes && wn_clock_ns() < until_ns) {
		const ssize_t n = read(run->fd, stream, sizeof(stream));

		got += n > 0 ? (size_t)n : 0;
	}
	CHECK_INT(got, bytes);
}

static void finishes(uint32_t pumps)
{
	struct run run;

	write_large(2);
	if (begin_run(&run, pumps, 0))
		return;
	CHECK_INT(run.counters.in_flight, 1);
	read_pipe(&run, CAPTURE_HEADER_BYTES + 2 * RECORD);
	wait_for(&run, 2, 0);
	end_run(&run);
}

/* The reader reads on: delivered. */
static void test_finishes(void)
{
	finishes(1);
	finishes(2);
}

static void breaks(uint32_t pumps)
{
	struct run run;

	write_large(2);
	if (begin_run(&run, pumps, 0))
		return;
	close(run.fd);
	run.fd = -1;
	wait_for(&run, 1, 1);
	end_run(&run);
}

/* The reader goes away in the middle of a record: that one is not delivered. */
static void test_breaks(void)
{
	breaks(1);
	breaks(2);
}

/* The reader stands still: the run ends all the same, and the record does not count as delivered. */
static void test_stalls(void)
{
	struct run run;

	write_large(2);
	if (begin_run(&run, 1, 0))
		return;
	end_run(&run);
	CHECK_INT(run.counters.delivered, 1);
	CHECK_INT(run.counters.dropped[WN_CAUSE_SEND_FAILED], 1);
}

/* What comes behind it while it is stuck fails by itself, and only it waits. */
static void test_more(void)
{
	struct run run;

	write_large(5);
	if (begin_run(&run, 1, 3))
		return;
	CHECK_INT(run.counters.in_flight, 1);
	read_pipe(&run, CAPTURE_HEADER_BYTES + 2 * RECORD);
	wait_for(&run, 2, 3);
	end_run(&run);
}

int main(void)
{
	const char *missing = begin();

	if (missing)
		return check_skip_all(missing);
	RUN(test_finishes);
	RUN(test_breaks);
	RUN(test_stalls);
	RUN(test_more);
	return finish();
}
