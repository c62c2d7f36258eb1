/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: a hostile connection for http, which serves a small tree.
 *
 * Byte 0 chooses the pieces, the rest is what the peer sends. It is given to the program twice, in one piece and in many, each
 * time in memory of its own. What is asserted: no fault; every verdict is one, and consumes what it must; a response begins
 * as one; a full window is never answered with a wish for more; and both times the same is said.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../programs/http/http.c"
#include "data/loader.h"

enum { WINDOW = 4096, OUT = 4096, SAID = 1 << 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What a connection was told; of pieces of the file their place. */
struct said {
	uint8_t bytes[SAID];
	size_t count;
	uint32_t runs, closes;
};

static struct wn_blob blob;

static void make_file(const char *folder, const char *name, const char *text)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "we");
	if (!file || fputs(text, file) < 0 || fclose(file))
		abort();
}

static void start(void)
{
	char folder[] = "/tmp/warpnic-fuzz-XXXXXX", path[128];
	const struct wn_load load = {"root", folder};
	static const char *const names[] = {"index.html", "a.txt", "b c.css"};
	struct wn_error error = {0};

	if (!mkdtemp(folder))
		abort();
	for (size_t i = 0; i < 3; i++)
		make_file(folder, names[i], "0123456789");
	if (wn_loader_site.build(&blob, &load, 1, &error)) {
		fprintf(stderr, "%s\n", error.text);
		abort();
	}
	for (size_t i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		unlink(path);
	}
	rmdir(folder);
}

static void say(struct said *said, const void *bytes, size_t count)
{
	if (said->count + count > SAID)
		return;
	memcpy(said->bytes + said->count, bytes, count);
	said->count += count;
}

/* One run on `count` bytes. Returns how many it has consumed; *goes_on: it is to run again at once. */
static size_t run_once(const uint8_t *bytes, size_t count, int is_full, uint64_t *kept, struct said *said, int *goes_on)
{
	uint64_t counts[wn_lane_words + 1] = {0};
	const struct wn_program_data given = {.file = blob.bytes, .file_bytes = blob.size};
	uint8_t *window = malloc(count), *out = malloc(OUT);
	struct wn_stream stream = {.out = out, .out_room = OUT, .kept = *kept, .wall_seconds = 784111777, .is_full = (uint32_t)is_full};
	struct wn_packet packet;
	uint32_t verdict;

	if (!window || !out)
		abort();
	memcpy(window, bytes, count);
	memset(&packet, 0, sizeof(packet));
	packet.bytes = window;
	packet.counts = counts;
	packet.data = &given;
	packet.stream = &stream;
	packet.length = packet.wire_length = packet.look = packet.room = (uint32_t)count;
	verdict = wn_program_run(&packet);
	if (packet.fault || stream.consumed > count)
		abort();
	if (verdict != WN_REPLY && verdict != WN_MORE && verdict != WN_CLOSE)
		abort();
	if (verdict == WN_REPLY && !stream.consumed)
		abort();
	if (verdict == WN_MORE && (stream.out_bytes || (is_full && !stream.consumed)))
		abort();
	if (verdict != WN_MORE && (stream.out_bytes < 20 || memcmp(out, "HTTP/1.1 ", 9)))
		abort();
	say(said, out, stream.out_bytes);
	if (stream.file_bytes)
		say(said, &stream.file_from, sizeof(stream.file_from));
	*kept = stream.kept;
	said->runs++;
	said->closes |= verdict == WN_CLOSE;
	*goes_on = verdict == WN_REPLY || (verdict == WN_MORE && stream.consumed);
	free(window);
	free(out);
	return stream.consumed;
}

/* All that the peer sends, in pieces of up to `step` bytes. */
static void serve(const uint8_t *bytes, size_t size, size_t step, struct said *said)
{
	size_t from = 0, end = 0;
	uint64_t kept = 0;

	while (end < size && !said->closes) {
		int goes_on = 1;

		end += step < size - end ? step : size - end;
		while (goes_on && from < end && !said->closes)
			from += run_once(bytes + from, end - from, 0, &kept, said, &goes_on);
	}
	/* And if no more fits in. */
	if (!said->closes && from < size) {
		struct said more = {.count = 0};
		int goes_on;

		run_once(bytes + from, size - from, 1, &kept, &more, &goes_on);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct said whole, parts;

	if (!blob.bytes)
		start();
	if (size < 2 || size > WINDOW)
		return 0;
	memset(&whole, 0, sizeof(whole));
	memset(&parts, 0, sizeof(parts));
	serve(data + 1, size - 1, size, &whole);
	serve(data + 1, size - 1, 1 + data[0] % 32, &parts);
	if (whole.count != parts.count || memcmp(whole.bytes, parts.bytes, whole.count) || whole.closes != parts.closes)
		abort();
	return 0;
}
