/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Appends Ethernet frames to a capture file: pcap with nanosecond timestamps, in this machine's
 * byte order, written with writev and kept back nowhere. So each frame has its own outcome:
 * written whole, or not at all.
 *
 * A file that cannot take more (ENOSPC, EFBIG) is cut back to its last whole record. A pipe is
 * never waited for: while its reader does not read, append returns 0. Once part of a record is in
 * the pipe the rest of it follows before anything else. SIGPIPE is kept from the process.
 *
 * One thread at a time.
 */
#ifndef WN_LINK_PCAP_WRITE_H
#define WN_LINK_PCAP_WRITE_H

#include <stdint.h>
#include <sys/stat.h>

#include "warpnic/status.h"

struct wn_pcap_writer {
	int fd;                /* -1: closed */
	int is_ours;           /* opened here, not stdout */
	int is_file;           /* regular: can be cut back, always takes what it has room for */
	int64_t end;           /* of the last whole record of a regular file */
	uint8_t *rest;         /* of a record that a pipe took in part */
	uint32_t rest_bytes;
	uint32_t rest_at;
};

enum { WN_PCAP_RECORD_BYTES_MAX = 65535 };

/* A frame to write. */
struct wn_pcap_record {
	const uint8_t *bytes;  /* the caller's */
	uint32_t length;       /* at most WN_PCAP_RECORD_BYTES_MAX */
	uint32_t wire_length;  /* at least length */
	int64_t time_ns;       /* CLOCK_REALTIME */
};

/*
 * Creates or empties the file at `path` ("-": stdout) and writes the header. `input` is NULL, or
 * the file being read, which is refused as output. 0 or -errno with the reason.
 */
int wn_pcap_writer_open(struct wn_pcap_writer *writer, const char *path, const struct stat *input,
			struct wn_error *error);

/*
 * Appends frames in order. Returns how many are written, at least one; 0 where the first cannot be
 * written just now; -errno where it cannot be written at all. Of one that is too large for a pipe to take
 * at once a part may be left: then the writer is behind, and only flush tells what became of it.
 */
int wn_pcap_writer_append(struct wn_pcap_writer *writer, const struct wn_pcap_record *records,
			  uint32_t count);

/* Whether a part of the last frame is still to be written. */
int wn_pcap_writer_is_behind(const struct wn_pcap_writer *writer);

/* Writes what a pipe did not take in full yet. 0, -EAGAIN, or -errno: that frame is lost. */
int wn_pcap_writer_flush(struct wn_pcap_writer *writer);

/* Waits a moment for the rest of the last record, then closes. A writer with fd -1 is fine. */
void wn_pcap_writer_close(struct wn_pcap_writer *writer);

#endif
