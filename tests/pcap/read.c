/* SPDX-License-Identifier: Apache-2.0 */
/* Capture files of every make, damaged ones, pace and repetition. */
#include <errno.h>

#include "tests/pcap/session.h"

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
	CHECK(took_ns >= 200 * WN_MILLISECOND_NS && took_ns < 20 * WN_SECOND_NS);
	took_ns = time_of(",speed=4", 21, 21);
	CHECK(took_ns >= 50 * WN_MILLISECOND_NS && took_ns < 20 * WN_SECOND_NS);
	took_ns = time_of(",speed=file,loop=2", 21, 42);
	CHECK(took_ns >= 400 * WN_MILLISECOND_NS && took_ns < 20 * WN_SECOND_NS);
	took_ns = time_of(",rate=210,loop=2", 21, 42);
	CHECK(took_ns >= 195 * WN_MILLISECOND_NS && took_ns < 20 * WN_SECOND_NS);
	/* Not paced: at once, in one of some tries, where this process is held up. */
	for (int i = 0; i < 20 && took_ns >= 200 * WN_MILLISECOND_NS; i++)
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
		CHECK(wn_clock_ns() - start_ns < 20 * WN_SECOND_NS);
		stop(&s);
	}
}

int main(void)
{
	const char *missing = begin();

	if (missing)
		return check_skip_all(missing);
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
	return finish();
}
