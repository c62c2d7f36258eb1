/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pcap link under test, on files that the test has made: `input`, which it reads, and `output`, in
 * a folder of their own. Records are those of add_records(): packet i is the test pattern i.
 */
#ifndef WN_TESTS_SESSION_H
#define WN_TESTS_SESSION_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

static inline void write_bytes(const char *path, const void *bytes, size_t length)
{
	FILE *file = fopen(path, "wb");

	if (!CHECK(file != NULL))
		return;
	CHECK_INT(fwrite(bytes, 1, length, file), length);
	CHECK_INT(fclose(file), 0);
}

static inline void fill(uint8_t *bytes, uint32_t i, uint32_t length)
{
	for (uint32_t at = 0; at < length; at++)
		bytes[at] = capture_byte(i, at);
}

static inline void start_file(struct capture *capture)
{
	CHECK_INT(capture_open(capture, input, (uint32_t)CAPTURE_NANOSECONDS, CAPTURE_ETHERNET,
			       65535, 0), 0);
}

/* `count` good records, 10 ms apart. */
static inline void add_records(struct capture *capture, uint32_t count)
{
	uint8_t bytes[BYTES];

	for (uint32_t i = 0; i < count; i++) {
		fill(bytes, i, BYTES);
		capture_record(capture, 1000, i * 10000000, BYTES, BYTES, bytes, BYTES);
	}
}

static inline void write_file(uint32_t count)
{
	struct capture capture;

	start_file(&capture);
	add_records(&capture, count);
	CHECK_INT(capture_close(&capture), 0);
}

/* -- links -- */

/* Opens pcap:input with these options. */
static inline int start(struct session *s, const char *options, const char *filter, uint32_t slot_bytes)
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

static inline void stop(struct session *s)
{
	wn_link_close(&s->link);
	wn_ring_destroy(&s->ring);
}

static inline int receive(struct session *s, uint32_t first, int64_t wait_ns)
{
	struct wn_receive_batch batch = {
		.view = &s->ring.view, .first = first, .capacity = SLOTS, .wait_ns = wait_ns,
	};

	return s->link.ops->receive(&s->link, 0, &batch);
}

/* Receives to the end; packet i must be record i modulo `period`. How many there were. */
static inline uint32_t receive_all(struct session *s, uint32_t period)
{
	uint8_t expected[BYTES];
	uint32_t count = 0;

	for (;;) {
		const int n = receive(s, count, 30 * WN_SECOND_NS);

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

static inline void check_refused(const char *path, const char *options, int code, enum wn_status status,
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
static inline void check_says(void (*step)(void), const char *words)
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

/* -- main -- */

/* Makes the folder. NULL, or why nothing can be tested. */
static inline const char *begin(void)
{
	if (wn_link_pcap.missing)
		return "built without libpcap";
	if (!mkdtemp(folder))
		return "no temporary folder";
	snprintf(input, sizeof(input), "%s/in.pcap", folder);
	snprintf(output, sizeof(output), "%s/out.pcap", folder);
	return NULL;
}

/* Takes it away; what main returns. */
static inline int finish(void)
{
	const int status = check_finish();

	unlink(input);
	unlink(output);
	rmdir(folder);
	return status;
}

#endif
