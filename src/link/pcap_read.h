/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the Ethernet frames of a capture file (pcap or pcapng), once or again and again.
 *
 * Where it will be repeated, the first pass keeps what it reads in memory, up to
 * WN_PCAP_MEMORY_BYTES_MAX; later passes then run at the speed of memory. A larger file is read
 * again each time.
 *
 * One thread. Only in builds with libpcap.
 */
#ifndef WN_LINK_PCAP_READ_H
#define WN_LINK_PCAP_READ_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "link/filter.h"

struct pcap;

enum { WN_PCAP_MEMORY_BYTES_MAX = 256 << 20 };

/* A frame of the file. The bytes are valid until the reader is asked for another one. */
struct wn_pcap_packet {
	const uint8_t *bytes;
	uint32_t length;
	uint32_t wire_length;   /* at least length */
	int64_t time_ns;        /* since 1970 */
};

struct wn_pcap_reader {
	const char *path;       /* the caller's */
	struct pcap *handle;
	struct wn_filter filter;
	struct stat status;     /* of the file, as it was opened */
	int is_stream;          /* a pipe or stdin: read by us, whole records go on to libpcap */
	int is_plain;           /* a file whose records we read without libpcap */
	struct {
		uint8_t *bytes; /* of a file that is not plain: its stdio has these to itself */
		size_t size, at, end;
		off_t offset;   /* plain: where in the file bytes[0] lies */
		int fd;
		int is_over;    /* nothing will be added: its end, or the error below */
		int error;
		int is_ng;      /* pcapng */
		int is_swapped; /* the writer's byte order is not ours */
		uint32_t header_bytes;  /* of a pcap record */
		uint32_t tick_ns;       /* plain: unit of a record's fraction of a second */
	} buffer;
	struct {                /* the frames of the first pass */
		uint8_t *bytes;
		size_t used, size, at;
		int keeps;      /* the first pass is being kept */
		int is_whole;   /* it is over: read from here */
	} memory;
	struct wn_pcap_packet next;
	int has_next;
	uint64_t records;       /* read from the file in this pass, with those filtered out */
};

/*
 * Opens the file at `path` ("-": stdin); that text must live until close. Waits for a pipe's file
 * header; a signal ends that with -EINTR. 0 or -errno with the reason and WN_NO_INPUT, or WN_USAGE
 * for the filter. `repeats`: there will be more than one pass.
 */
int wn_pcap_reader_open(struct wn_pcap_reader *reader, const char *path, const char *filter,
			int repeats, struct wn_error *error);

/* A zeroed reader is fine. */
void wn_pcap_reader_close(struct wn_pcap_reader *reader);

/*
 * Whether peek has something: a whole record, the end, or an error; waits up to wait_ns for it. A
 * file always has. A pipe's writer may stop in the middle of a record: what is before it comes at
 * once, nothing waits for the rest.
 */
int wn_pcap_reader_wait(struct wn_pcap_reader *reader, int64_t wait_ns);

/*
 * Describes the next frame that passes the filter; the same one until it is taken. 1; 0 where
 * there is none just now, ask again; -ENODATA at the end of the pass; -EIO where the file is
 * damaged: then a line on stderr has named the file, the record and the reason.
 */
int wn_pcap_reader_peek(struct wn_pcap_reader *reader, struct wn_pcap_packet *packet);

/* Goes on to the frame after the one that peek described. */
void wn_pcap_reader_take(struct wn_pcap_reader *reader);

/* After -ENODATA: starts the next pass. 0, or -EIO as above. */
int wn_pcap_reader_rewind(struct wn_pcap_reader *reader);

#endif
