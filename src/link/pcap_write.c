/* SPDX-License-Identifier: Apache-2.0 */
#include "link/pcap_write.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "clock.h"

/* The format: one file header, then for each packet a record header and its bytes. */
struct file_header {
	uint32_t magic;
	uint16_t version_major, version_minor;
	int32_t zone;
	uint32_t accuracy;
	uint32_t snap_bytes;
	uint32_t link_type;
};

struct record_header {
	uint32_t seconds;
	uint32_t nanoseconds;
	uint32_t length;
	uint32_t wire_length;
};

enum {
	MAGIC_NANOSECONDS = (int)0xa1b23c4d,
	LINK_TYPE_ETHERNET = 1,
	GATHER_MAX = 64,                 /* records in one writev */
	CLOSE_WAIT_MS = 1000,
};

/* -- keeping SIGPIPE from the process: blocked here, and taken back where we caused it -- */

struct held_signal {
	sigset_t before;
	int was_pending;
};

static sigset_t pipe_signal(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGPIPE);
	return set;
}

static void hold_signal(struct held_signal *held)
{
	const sigset_t set = pipe_signal();
	sigset_t pending;

	sigpending(&pending);
	held->was_pending = sigismember(&pending, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &set, &held->before);
}

static void release_signal(const struct held_signal *held, int caused)
{
	const sigset_t set = pipe_signal();
	sigset_t pending;
	int signal;

	sigpending(&pending);
	if (caused && !held->was_pending && sigismember(&pending, SIGPIPE))
		sigwait(&set, &signal);
	pthread_sigmask(SIG_SETMASK, &held->before, NULL);
}

/* writev that is not interrupted and raises no SIGPIPE. Bytes or -errno. */
static ssize_t write_parts(const struct wn_pcap_writer *writer, const struct iovec *parts,
			   int count)
{
	struct held_signal held;
	ssize_t written;

	if (!writer->is_file)
		hold_signal(&held);
	do
		written = writev(writer->fd, parts, count);
	while (written < 0 && errno == EINTR);
	if (written < 0)
		written = -errno;
	if (!writer->is_file)
		release_signal(&held, written == -EPIPE);
	return written;
}

/* Whether a write of at most PIPE_BUF bytes will not wait. */
static int is_writable(const struct wn_pcap_writer *writer, int wait_ms)
{
	struct pollfd poll_fd = { .fd = writer->fd, .events = POLLOUT };

	return writer->is_file || poll(&poll_fd, 1, wait_ms) > 0;
}

static int open_file(struct wn_pcap_writer *writer, const char *path, const struct stat *input,
		     struct wn_error *error)
{
	struct stat status;

	writer->is_ours = strcmp(path, "-") != 0;
	/* Not O_TRUNC: first it must be sure that this is not the file being read. */
	writer->fd = writer->is_ours ? open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666)
				     : STDOUT_FILENO;
	if (writer->fd < 0 || fstat(writer->fd, &status))
		return wn_fail(error, errno, WN_FAILED, "pcap link: write=%s: %s", path,
			       strerror(errno));
	writer->is_file = S_ISREG(status.st_mode);
	if (writer->is_file && input && input->st_dev == status.st_dev &&
	    input->st_ino == status.st_ino)
		return wn_fail(error, EINVAL, WN_USAGE,
			       "pcap link: write=%s: is the file that is read; name another one",
			       path);
	if (isatty(writer->fd))
		return wn_fail(error, EINVAL, WN_USAGE,
			       "pcap link: write=%s: is a terminal; name a file, or pipe it on",
			       path);
	if (writer->is_file && writer->is_ours && ftruncate(writer->fd, 0))
		return wn_fail(error, errno, WN_FAILED, "pcap link: write=%s: %s", path,
			       strerror(errno));
	return 0;
}

static int write_header(struct wn_pcap_writer *writer, const char *path, struct wn_error *error)
{
	struct file_header header = {
		.magic = (uint32_t)MAGIC_NANOSECONDS,
		.version_major = 2,
		.version_minor = 4,
		.snap_bytes = WN_PCAP_RECORD_BYTES_MAX,
		.link_type = LINK_TYPE_ETHERNET,
	};
	const struct iovec part = { &header, sizeof(header) };
	const ssize_t written = write_parts(writer, &part, 1);

	if (written != (ssize_t)sizeof(header))
		return wn_fail(error, written < 0 ? (int)-written : EIO, WN_FAILED,
			       "pcap link: write=%s: %s", path,
			       strerror(written < 0 ? (int)-written : EIO));
	/* Asked after the write: stdout may be a file that is appended to. */
	if (writer->is_file)
		writer->end = lseek(writer->fd, 0, SEEK_CUR);
	return 0;
}

int wn_pcap_writer_open(struct wn_pcap_writer *writer, const char *path, const struct stat *input,
			struct wn_error *error)
{
	int rc;

	memset(writer, 0, sizeof(*writer));
	rc = open_file(writer, path, input, error);
	if (!rc)
		rc = write_header(writer, path, error);
	if (!rc && !writer->is_file) {
		writer->rest = malloc(sizeof(struct record_header) + WN_PCAP_RECORD_BYTES_MAX);
		if (!writer->rest)
			rc = wn_fail(error, ENOMEM, WN_FAILED, "pcap link: out of memory");
	}
	if (rc)
		wn_pcap_writer_close(writer);
	return rc;
}

void wn_pcap_writer_close(struct wn_pcap_writer *writer)
{
	const int64_t deadline_ns = wn_clock_ns() + CLOSE_WAIT_MS * WN_MILLISECOND_NS;

	if (writer->fd >= 0)
		while (wn_pcap_writer_flush(writer) == -EAGAIN && wn_clock_ns() < deadline_ns)
			is_writable(writer, CLOSE_WAIT_MS / 10);
	if (writer->fd >= 0 && writer->is_ours)
		close(writer->fd);
	free(writer->rest);
	memset(writer, 0, sizeof(*writer));
	writer->fd = -1;
}

int wn_pcap_writer_is_behind(const struct wn_pcap_writer *writer)
{
	return writer->rest_at < writer->rest_bytes;
}

int wn_pcap_writer_flush(struct wn_pcap_writer *writer)
{
	while (writer->rest_at < writer->rest_bytes) {
		const uint32_t left = writer->rest_bytes - writer->rest_at;
		const struct iovec part = { writer->rest + writer->rest_at,
					    left < PIPE_BUF ? left : PIPE_BUF };
		ssize_t written;

		if (!is_writable(writer, 0))
			return -EAGAIN;
		written = write_parts(writer, &part, 1);
		if (written == -EAGAIN)
			return -EAGAIN;
		if (written < 0) {
			writer->rest_bytes = writer->rest_at = 0;
			return (int)written;
		}
		writer->rest_at += (uint32_t)written;
	}
	writer->rest_bytes = writer->rest_at = 0;
	return 0;
}

/* Records laid out for one writev. */
struct gathered {
	struct record_header headers[GATHER_MAX];
	struct iovec parts[2 * GATHER_MAX];
	uint32_t count;
	size_t bytes;
};

/* Gathers the records that make up at most limit_bytes, but always one. */
static void gather(struct gathered *all, const struct wn_pcap_record *records, uint32_t count,
		   size_t limit_bytes)
{
	all->count = 0;
	all->bytes = 0;
	for (uint32_t i = 0; i < count && i < GATHER_MAX; i++) {
		const struct wn_pcap_record *record = &records[i];
		const size_t bytes = sizeof(struct record_header) + record->length;

		if (i && all->bytes + bytes > limit_bytes)
			return;
		all->headers[i] = (struct record_header){
			.seconds = (uint32_t)(record->time_ns / WN_SECOND_NS),
			.nanoseconds = (uint32_t)(record->time_ns % WN_SECOND_NS),
			.length = record->length,
			.wire_length = record->wire_length,
		};
		all->parts[2 * i] = (struct iovec){ &all->headers[i], sizeof(all->headers[i]) };
		all->parts[2 * i + 1] =
			(struct iovec){ (void *)(uintptr_t)record->bytes, record->length };
		all->bytes += bytes;
		all->count = i + 1;
	}
}

/* How many whole records the first `bytes` bytes make up; takes them off `bytes`. */
static uint32_t whole_records(const struct gathered *all, size_t *bytes)
{
	uint32_t count = 0;

	while (count < all->count) {
		const size_t record = sizeof(struct record_header) + all->headers[count].length;

		if (*bytes < record)
			break;
		*bytes -= record;
		count++;
	}
	return count;
}

/* Drops what was written behind the last whole record, so that the file stays readable. */
static void cut_back(struct wn_pcap_writer *writer)
{
	if (!ftruncate(writer->fd, writer->end))
		lseek(writer->fd, writer->end, SEEK_SET);
}

/* Skips the first `bytes` bytes of the parts. */
static void advance(struct gathered *all, size_t bytes)
{
	for (uint32_t i = 0; i < 2 * all->count && bytes; i++) {
		struct iovec *part = &all->parts[i];
		const size_t taken = bytes < part->iov_len ? bytes : part->iov_len;

		part->iov_base = (uint8_t *)part->iov_base + taken;
		part->iov_len -= taken;
		bytes -= taken;
	}
}

static int append_file(struct wn_pcap_writer *writer, struct gathered *all)
{
	size_t done = 0, rest;
	ssize_t written = 0;
	uint32_t count;

	/* A short write says nothing about why: only going on gets the reason. */
	while (done < all->bytes) {
		written = write_parts(writer, all->parts, (int)(2 * all->count));
		if (written <= 0)
			break;
		done += (size_t)written;
		advance(all, (size_t)written);
	}
	rest = done;
	count = whole_records(all, &rest);
	writer->end += (int64_t)(done - rest);
	if (rest)
		cut_back(writer);
	return count ? (int)count : written < 0 ? (int)written : -EIO;
}

/* A record that is too large for one write that does not wait: in pieces, the rest kept here. */
static int append_large(struct wn_pcap_writer *writer, const struct gathered *all)
{
	int rc;

	memcpy(writer->rest, all->parts[0].iov_base, all->parts[0].iov_len);
	memcpy(writer->rest + all->parts[0].iov_len, all->parts[1].iov_base, all->parts[1].iov_len);
	writer->rest_bytes = (uint32_t)all->bytes;
	writer->rest_at = 0;
	rc = wn_pcap_writer_flush(writer);
	return rc && rc != -EAGAIN ? rc : 1;
}

int wn_pcap_writer_append(struct wn_pcap_writer *writer, const struct wn_pcap_record *records,
			  uint32_t count)
{
	struct gathered all;
	ssize_t written;
	int rc = wn_pcap_writer_flush(writer);

	if (rc)
		return rc == -EAGAIN ? 0 : rc;
	gather(&all, records, count, writer->is_file ? SIZE_MAX : PIPE_BUF);
	if (writer->is_file)
		return append_file(writer, &all);
	if (!is_writable(writer, 0))
		return 0;
	if (all.bytes > PIPE_BUF)
		return append_large(writer, &all);
	/* A pipe takes PIPE_BUF bytes as a whole or not at all. */
	written = write_parts(writer, all.parts, (int)(2 * all.count));
	if (written < 0)
		return written == -EAGAIN ? 0 : (int)written;
	return (int)all.count;
}
