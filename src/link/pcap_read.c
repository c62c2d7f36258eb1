/* SPDX-License-Identifier: Apache-2.0 */
#include "link/pcap_read.h"

#ifndef WN_HAVE_LIBPCAP
#define WN_HAVE_LIBPCAP 0
#endif

#if WN_HAVE_LIBPCAP

#include <errno.h>
#include <fcntl.h>
#include <pcap/pcap.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "os/os.h"

enum {
	BUFFER_BYTES = 256 << 10,
	BUFFER_BYTES_MAX = 32 << 20,    /* two of the largest blocks that libpcap takes */
	RECORD_BYTES_MAX = 256 << 10,   /* libpcap refuses larger ones by their header */
	BLOCK_BYTES_MAX = 16 << 20,     /* the same, pcapng */
	SKIPS_MAX = 4096,               /* records that a filter may take out before peek returns */
	MEMORY_BYTES_FIRST = 1 << 20,
};

/* A frame in memory, followed by its bytes; the next one starts on a multiple of 8. */
struct kept_frame {
	int64_t time_ns;
	uint32_t length;
	uint32_t wire_length;
};

static const char *name_of(const struct wn_pcap_reader *reader)
{
	return strcmp(reader->path, "-") ? reader->path : "standard input";
}

static int fail(const struct wn_pcap_reader *reader, int code, const char *reason,
		struct wn_error *error)
{
	return wn_fail(error, code, WN_NO_INPUT, "pcap link '%s': %s", name_of(reader), reason);
}

/*
 * -- a pipe: libpcap would wait for the rest of a record, so it is only given whole ones --
 *
 * Both formats say how long the next record is in front of it, so that its bytes are counted here
 * and understood there.
 */

enum {
	PCAP_MAGIC_MICROSECONDS = (int)0xa1b2c3d4,
	PCAP_MAGIC_NANOSECONDS = (int)0xa1b23c4d,
	PCAP_MAGIC_PATCHED = (int)0xa1b2cd34,    /* 8 bytes more a record */
	PCAP_HEADER_BYTES = 24,
	PCAP_RECORD_BYTES = 16,
	NG_SECTION = 0x0a0d0d0a,
	NG_ORDER_MAGIC = 0x1a2b3c4d,
	NG_INTERFACE = 1,
	NG_PACKET = 2,
	NG_SIMPLE_PACKET = 3,
	NG_ENHANCED_PACKET = 6,
	NG_BLOCK_BYTES_MIN = 12,
};

static size_t at_hand(const struct wn_pcap_reader *reader)
{
	return reader->buffer.end - reader->buffer.at;
}

/* A word `offset` bytes on, in our byte order. */
static uint32_t word_at(const struct wn_pcap_reader *reader, size_t offset)
{
	uint32_t word;

	memcpy(&word, reader->buffer.bytes + reader->buffer.at + offset, sizeof(word));
	return reader->buffer.is_swapped ? __builtin_bswap32(word) : word;
}

/* One read of what the pipe has; the caller knows that there is something. */
static void fill(struct wn_pcap_reader *reader)
{
	const size_t left = at_hand(reader);
	uint8_t *larger;
	ssize_t got;

	if (reader->buffer.at) {
		memmove(reader->buffer.bytes, reader->buffer.bytes + reader->buffer.at, left);
		reader->buffer.at = 0;
		reader->buffer.end = left;
	}
	if (left == reader->buffer.size) {
		larger = left < BUFFER_BYTES_MAX ? realloc(reader->buffer.bytes, 2 * left) : NULL;
		if (!larger) {
			reader->buffer.is_over = 1;
			reader->buffer.error = ENOBUFS;
			return;
		}
		reader->buffer.bytes = larger;
		reader->buffer.size = 2 * left;
	}
	got = read(reader->buffer.fd, reader->buffer.bytes + left, reader->buffer.size - left);
	if (got > 0)
		reader->buffer.end += (size_t)got;
	else if (got == 0 || (errno != EINTR && errno != EAGAIN))
		reader->buffer.is_over = 1;
	if (got < 0 && reader->buffer.is_over)
		reader->buffer.error = errno;
}

/*
 * Looks at the pcapng block `offset` bytes on. Its length; 0 where it is not whole yet; SIZE_MAX
 * where it is none and libpcap is to say so.
 */
static size_t measure_block(struct wn_pcap_reader *reader, size_t offset, uint32_t *type)
{
	uint32_t bytes, order;

	if (at_hand(reader) < offset + NG_BLOCK_BYTES_MIN)
		return 0;
	*type = word_at(reader, offset);
	if (*type == NG_SECTION) {
		order = word_at(reader, offset + 8);
		if (order == __builtin_bswap32(NG_ORDER_MAGIC))
			reader->buffer.is_swapped = !reader->buffer.is_swapped;
		else if (order != NG_ORDER_MAGIC)
			return SIZE_MAX;
	}
	bytes = word_at(reader, offset + 4);
	if (bytes < NG_BLOCK_BYTES_MIN || bytes > BLOCK_BYTES_MAX)
		return SIZE_MAX;
	return at_hand(reader) - offset < bytes ? 0 : bytes;
}

/* Whether all blocks up to and including one of a packet (or an interface) are whole. */
static int has_block(struct wn_pcap_reader *reader, int wants_interface)
{
	const int was_swapped = reader->buffer.is_swapped;
	size_t offset = 0, bytes;
	uint32_t type = 0;
	int has_it = 0;

	while (!has_it && (bytes = measure_block(reader, offset, &type))) {
		has_it = bytes == SIZE_MAX || type == NG_ENHANCED_PACKET || type == NG_PACKET ||
			 type == NG_SIMPLE_PACKET || (wants_interface && type == NG_INTERFACE);
		offset += has_it ? 0 : bytes;
	}
	/* A section that libpcap will not read now does not change how we look at what is first. */
	if (!has_it)
		reader->buffer.is_swapped = was_swapped;
	return has_it;
}

static int has_record(struct wn_pcap_reader *reader)
{
	uint32_t bytes;

	if (reader->buffer.is_ng)
		return has_block(reader, 0);
	if (at_hand(reader) < reader->buffer.header_bytes)
		return 0;
	bytes = word_at(reader, 8);
	return bytes > RECORD_BYTES_MAX || at_hand(reader) >= reader->buffer.header_bytes + bytes;
}

/* Whether the file header is whole; what is none is for libpcap to refuse. */
static int has_header(struct wn_pcap_reader *reader)
{
	uint32_t magic;

	reader->buffer.is_swapped = 0;
	if (at_hand(reader) < sizeof(magic))
		return 0;
	magic = word_at(reader, 0);
	reader->buffer.is_ng = magic == NG_SECTION;
	if (reader->buffer.is_ng)
		return has_block(reader, 1);
	reader->buffer.is_swapped = (magic >> 8 & 0xff) == 0xb2 && (magic & 0xff) == 0xa1;
	magic = word_at(reader, 0);
	reader->buffer.header_bytes = PCAP_RECORD_BYTES + (magic == (uint32_t)PCAP_MAGIC_PATCHED ? 8 : 0);
	if (magic != (uint32_t)PCAP_MAGIC_MICROSECONDS && magic != (uint32_t)PCAP_MAGIC_NANOSECONDS &&
	    magic != (uint32_t)PCAP_MAGIC_PATCHED)
		return 1;
	return at_hand(reader) >= PCAP_HEADER_BYTES;
}

/* Reads from the pipe until `has` is content, or for wait_ns (-1: no end). 1, 0 or -EINTR. */
static int wait_until(struct wn_pcap_reader *reader, int (*has)(struct wn_pcap_reader *),
		      int64_t wait_ns)
{
	const int64_t deadline_ns = wait_ns > 0 ? wn_clock_ns() + wait_ns : 0;
	struct pollfd poll_fd = { .fd = reader->buffer.fd, .events = POLLIN };

	while (!has(reader) && !reader->buffer.is_over) {
		const int64_t left_ns = wait_ns > 0 ? deadline_ns - wn_clock_ns() : 0;
		const int rc = wn_os_poll(&poll_fd, 1, wait_ns < 0 ? -1 : left_ns > 0 ? left_ns : 0);

		if (rc < 0)
			return -errno;
		if (!rc)
			return 0;
		fill(reader);
	}
	return 1;
}

/* What libpcap reads: never more than what was found to be whole, except at the end. */
static ssize_t stream_read(void *cookie, char *bytes, size_t count)
{
	struct wn_pcap_reader *reader = cookie;

	if (!at_hand(reader) && reader->buffer.error) {
		errno = reader->buffer.error;
		return -1;
	}
	if (count > at_hand(reader))
		count = at_hand(reader);
	memcpy(bytes, reader->buffer.bytes + reader->buffer.at, count);
	reader->buffer.at += count;
	return (ssize_t)count;
}

static int stream_close(void *cookie)
{
	struct wn_pcap_reader *reader = cookie;

	return reader->buffer.fd == STDIN_FILENO ? 0 : close(reader->buffer.fd);
}

/*
 * -- a plain file: pcap of our byte order, where libpcap would copy each record twice --
 *
 * Only records that are as they should be are read here. The first one that is not is libpcap's, and
 * so is all that follows: it knows what to do or to say.
 */

static int is_plain(struct wn_pcap_reader *reader)
{
	uint32_t words[PCAP_HEADER_BYTES / 4];

	if (pread(reader->buffer.fd, words, sizeof(words), 0) != (ssize_t)sizeof(words))
		return 0;
	reader->buffer.is_swapped = 0;
	reader->buffer.offset = sizeof(words);
	reader->buffer.tick_ns = words[0] == (uint32_t)PCAP_MAGIC_MICROSECONDS ? 1000 : 1;
	return (words[0] == (uint32_t)PCAP_MAGIC_MICROSECONDS ||
		words[0] == (uint32_t)PCAP_MAGIC_NANOSECONDS) &&
	       ((const uint16_t *)(const void *)words)[2] == 2 &&
	       ((const uint16_t *)(const void *)words)[3] == 4;
}

/* Whether `bytes` more of the file are in the buffer, which is large enough for any record. */
static int has_plain(struct wn_pcap_reader *reader, size_t bytes)
{
	const size_t left = at_hand(reader);
	ssize_t got;

	if (left >= bytes)
		return 1;
	memmove(reader->buffer.bytes, reader->buffer.bytes + reader->buffer.at, left);
	reader->buffer.offset += (off_t)reader->buffer.at;
	reader->buffer.at = 0;
	reader->buffer.end = left;
	while (reader->buffer.end < bytes) {
		got = pread(reader->buffer.fd, reader->buffer.bytes + reader->buffer.end,
			    reader->buffer.size - reader->buffer.end,
			    reader->buffer.offset + (off_t)reader->buffer.end);
		if (got <= 0)
			return 0;
		reader->buffer.end += (size_t)got;
	}
	return 1;
}

/* Leaves the rest of the file, from the record in hand on, to libpcap. */
static void end_plain(struct wn_pcap_reader *reader)
{
	reader->is_plain = 0;
	fseeko(pcap_file(reader->handle), reader->buffer.offset + (off_t)reader->buffer.at, SEEK_SET);
}

/* The next record. 1, or 0 where libpcap is to look at what comes now, the end of the file, too. */
static int next_plain(struct wn_pcap_reader *reader)
{
	struct wn_pcap_packet *next = &reader->next;
	uint32_t seconds, ticks, length;

	if (has_plain(reader, PCAP_RECORD_BYTES)) {
		seconds = word_at(reader, 0);
		ticks = word_at(reader, 4);
		length = word_at(reader, 8);
		if (seconds <= INT32_MAX && ticks < WN_SECOND_NS / reader->buffer.tick_ns &&
		    length <= (uint32_t)pcap_snapshot(reader->handle) &&
		    length <= BUFFER_BYTES - PCAP_RECORD_BYTES &&
		    has_plain(reader, PCAP_RECORD_BYTES + length)) {
			next->bytes = reader->buffer.bytes + reader->buffer.at + PCAP_RECORD_BYTES;
			next->length = length;
			next->wire_length = word_at(reader, 12);
			next->time_ns = seconds * WN_SECOND_NS + ticks * (int64_t)reader->buffer.tick_ns;
			reader->buffer.at += PCAP_RECORD_BYTES + length;
			return 1;
		}
	}
	end_plain(reader);
	return 0;
}

/* Opens the file for libpcap. NULL with errno. */
static FILE *open_stream(struct wn_pcap_reader *reader)
{
	const int is_stdin = !strcmp(reader->path, "-");
	FILE *stream;

	reader->buffer.at = reader->buffer.end = 0;
	reader->buffer.fd = is_stdin ? STDIN_FILENO : open(reader->path, O_RDONLY | O_CLOEXEC);
	if (reader->buffer.fd < 0 || fstat(reader->buffer.fd, &reader->status))
		return NULL;
	if (S_ISDIR(reader->status.st_mode)) {
		stream_close(reader);
		errno = EISDIR;
		return NULL;
	}
	if (S_ISREG(reader->status.st_mode) && !is_stdin) {
		reader->is_plain = is_plain(reader);
		stream = fdopen(reader->buffer.fd, "r");
		if (stream && !reader->is_plain)
			setvbuf(stream, (char *)reader->buffer.bytes, _IOFBF, BUFFER_BYTES);
	} else {
		reader->is_stream = 1;
		stream = wn_os_stream(reader, stream_read, stream_close);
		if (stream)
			setvbuf(stream, NULL, _IONBF, 0);
	}
	/* One thread reads: with other threads about, each fread would take its lock for nothing. */
	if (stream)
		wn_os_stream_unlocked(stream);
	return stream;
}

static int open_handle(struct wn_pcap_reader *reader, struct wn_error *error)
{
	char text[PCAP_ERRBUF_SIZE];
	FILE *stream = open_stream(reader);

	if (!stream)
		return fail(reader, errno, strerror(errno), error);
	if (S_ISREG(reader->status.st_mode) && !reader->status.st_size) {
		fclose(stream);
		return fail(reader, ENODATA, "the file is empty: not even a pcap header", error);
	}
	if (reader->is_stream && wait_until(reader, has_header, -1) < 0) {
		fclose(stream);
		return fail(reader, EINTR, "stopped before a capture header came", error);
	}
	reader->handle = pcap_fopen_offline_with_tstamp_precision(
		stream, PCAP_TSTAMP_PRECISION_NANO, text);
	if (!reader->handle) {
		fclose(stream);
		return fail(reader, EINVAL, text, error);
	}
	reader->records = 0;
	return 0;
}

static int check_link_type(const struct wn_pcap_reader *reader, struct wn_error *error)
{
	const int type = pcap_datalink(reader->handle);
	const char *name = pcap_datalink_val_to_name(type);

	if (type == DLT_EN10MB)
		return 0;
	return wn_fail(error, EPROTONOSUPPORT, WN_NO_INPUT,
		       "pcap link '%s': link type %s (%d) is not supported; it takes Ethernet "
		       "captures (EN10MB, 1)", name_of(reader), name ? name : "unknown", type);
}

int wn_pcap_reader_open(struct wn_pcap_reader *reader, const char *path, const char *filter,
			int repeats, struct wn_error *error)
{
	int rc;

	memset(reader, 0, sizeof(*reader));
	reader->path = path;
	reader->memory.keeps = repeats;
	reader->buffer.bytes = malloc(BUFFER_BYTES);
	reader->buffer.size = BUFFER_BYTES;
	if (!reader->buffer.bytes)
		return wn_fail(error, ENOMEM, WN_FAILED, "pcap link: out of memory");
	rc = open_handle(reader, error);
	if (!rc)
		rc = check_link_type(reader, error);
	if (!rc)
		rc = wn_filter_compile(&reader->filter, filter, NULL, error);
	if (rc)
		wn_pcap_reader_close(reader);
	return rc;
}

void wn_pcap_reader_close(struct wn_pcap_reader *reader)
{
	if (reader->handle)
		pcap_close(reader->handle);
	wn_filter_finish(&reader->filter);
	free(reader->memory.bytes);
	free(reader->buffer.bytes);
	memset(reader, 0, sizeof(*reader));
}

int wn_pcap_reader_wait(struct wn_pcap_reader *reader, int64_t wait_ns)
{
	if (reader->has_next || reader->memory.is_whole || !reader->is_stream)
		return 1;
	return wait_until(reader, has_record, wait_ns) > 0;
}

/* -- the frames of the first pass in memory -- */

static size_t kept_bytes(uint32_t length)
{
	return (sizeof(struct kept_frame) + length + 7) & ~(size_t)7;
}

static void forget(struct wn_pcap_reader *reader)
{
	free(reader->memory.bytes);
	memset(&reader->memory, 0, sizeof(reader->memory));
}

static int make_room(struct wn_pcap_reader *reader, size_t bytes)
{
	size_t size = reader->memory.size ? reader->memory.size : MEMORY_BYTES_FIRST;
	uint8_t *larger;

	while (size < reader->memory.used + bytes)
		size *= 2;
	if (size == reader->memory.size)
		return 0;
	larger = size > WN_PCAP_MEMORY_BYTES_MAX ? NULL : realloc(reader->memory.bytes, size);
	if (!larger)
		return -ENOMEM;
	reader->memory.bytes = larger;
	reader->memory.size = size;
	return 0;
}

/* Keeps the frame for the next pass; where there is no room for it, none of them is. */
static void keep(struct wn_pcap_reader *reader, const struct wn_pcap_packet *packet)
{
	const size_t bytes = kept_bytes(packet->length);
	struct kept_frame *frame;

	if (make_room(reader, bytes)) {
		forget(reader);
		return;
	}
	frame = (void *)(reader->memory.bytes + reader->memory.used);
	*frame = (struct kept_frame){ packet->time_ns, packet->length, packet->wire_length };
	memcpy(frame + 1, packet->bytes, packet->length);
	reader->memory.used += bytes;
}

static int peek_memory(struct wn_pcap_reader *reader, struct wn_pcap_packet *packet)
{
	const struct kept_frame *frame;

	if (reader->memory.at == reader->memory.used)
		return -ENODATA;
	frame = (const void *)(reader->memory.bytes + reader->memory.at);
	*packet = (struct wn_pcap_packet){ (const uint8_t *)(frame + 1), frame->length,
					   frame->wire_length, frame->time_ns };
	return 1;
}

/* -- the file -- */

static int damaged(const struct wn_pcap_reader *reader, const char *reason)
{
	fprintf(stderr, "warpnic: pcap link '%s': record %llu: %s; the %llu before it were read\n",
		name_of(reader), (unsigned long long)reader->records + 1, reason,
		(unsigned long long)reader->records);
	return -EIO;
}

/* A file may claim any time; one that does not fit is taken as the last that does. */
static int64_t time_of(const struct pcap_pkthdr *header)
{
	const int64_t seconds_max = INT64_MAX / WN_SECOND_NS / 2;
	int64_t seconds = header->ts.tv_sec;

	if (seconds < 0)
		seconds = 0;
	if (seconds > seconds_max)
		seconds = seconds_max;
	/* With nanosecond precision tv_usec holds nanoseconds. */
	return seconds * WN_SECOND_NS + header->ts.tv_usec;
}

/* The next record by way of libpcap. 1, -ENODATA or -EIO. */
static int next_of_libpcap(struct wn_pcap_reader *reader)
{
	struct wn_pcap_packet *next = &reader->next;
	struct pcap_pkthdr *header;
	const int rc = pcap_next_ex(reader->handle, &header, &next->bytes);

	if (rc == PCAP_ERROR_BREAK)
		return -ENODATA;
	if (rc != 1)
		return damaged(reader, pcap_geterr(reader->handle));
	next->length = header->caplen;
	next->wire_length = header->len;
	next->time_ns = time_of(header);
	return 1;
}

/* Reads up to the next frame that passes the filter. As peek. */
static int read_file(struct wn_pcap_reader *reader)
{
	struct wn_pcap_packet *next = &reader->next;

	for (uint32_t skips = 0; skips < SKIPS_MAX; skips++) {
		int rc;

		if (!wn_pcap_reader_wait(reader, 0))
			return 0;
		rc = reader->is_plain ? next_plain(reader) : 0;
		if (!rc)
			rc = next_of_libpcap(reader);
		if (rc != 1)
			return rc;
		reader->records++;
		if (next->wire_length < next->length)
			next->wire_length = next->length;
		if (!wn_filter_matches(&reader->filter, next->bytes, next->length,
				       next->wire_length))
			continue;
		if (reader->memory.keeps)
			keep(reader, next);
		reader->has_next = 1;
		return 1;
	}
	return 0;
}

int wn_pcap_reader_peek(struct wn_pcap_reader *reader, struct wn_pcap_packet *packet)
{
	int rc;

	if (reader->memory.is_whole)
		return peek_memory(reader, packet);
	if (!reader->has_next) {
		rc = read_file(reader);
		if (rc != 1)
			return rc;
	}
	*packet = reader->next;
	return 1;
}

void wn_pcap_reader_take(struct wn_pcap_reader *reader)
{
	if (reader->memory.is_whole) {
		const struct kept_frame *frame =
			(const void *)(reader->memory.bytes + reader->memory.at);

		reader->memory.at += kept_bytes(frame->length);
	}
	reader->has_next = 0;
}

int wn_pcap_reader_rewind(struct wn_pcap_reader *reader)
{
	struct wn_error error;

	if (reader->memory.keeps || reader->memory.is_whole) {
		reader->memory.keeps = 0;
		reader->memory.is_whole = 1;
		reader->memory.at = 0;
		return 0;
	}
	if (!S_ISREG(reader->status.st_mode) || !strcmp(reader->path, "-"))
		return damaged(reader, "too long to repeat from a pipe; save it to a file");
	pcap_close(reader->handle);
	reader->handle = NULL;
	if (open_handle(reader, &error)) {
		fprintf(stderr, "warpnic: %s\n", error.text);
		return -EIO;
	}
	return 0;
}

#endif
