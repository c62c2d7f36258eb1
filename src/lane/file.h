/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file that the device itself writes: what programs deliver, through the io_uring that the device drives
 * anyway (link/uring_file.h opens it, lane/file_lane.h is the device's side).
 *
 * The file is pcapng (draft-ietf-opsawg-pcapng; "block" is that format's word, too, so here a block is one of ours
 * and a pcapng block is called a piece): a section header and two interfaces, "packets" and "records", then
 * an enhanced packet piece a delivery,
 *
 *     type 6 | bytes | interface | time, high | time, low | captured | original | Ethernet, IP, UDP, payload | bytes
 *
 * with time in ns since 1970. The headers are made here from what the socket tells, from the peer to us, so that any
 * reader of captures names both ends, and any that replays frames can send them. The Ethernet addresses are zeros, as
 * they are on Linux's loopback. The payload is the packet's as the program delivered it, or, on the
 * interface "records", the bytes of the record. An IPv4 header has no
 * UDP checksum (RFC 768); an IPv6 header has one, which it must (RFC 8200 section 8.1).
 *
 * The memory is WN_FILE_BLOCKS blocks in a ring. The device appends pieces to a block; no piece lies in two blocks,
 * what is left of one is a piece of a type that readers pass over (WN_FILE_GAP). So every write begins and ends
 * with whole pieces, and whatever has been written can be read, also where the process was killed:
 *
 *         done      done + flight       fill
 *     ..... |====== flight =====|== waits ==| ..... free .....
 *
 * One write is under way at a time, of one block or of the part of it that is there: of `flush_bytes` at least, or
 * of less once the oldest of it has waited for flush_ns, or the queue is closed. It goes to `offset`, which is the
 * device's alone, so the file never has a hole. With O_DIRECT all of it is in units of `align`.
 *
 *   short       the rest is submitted again
 *   again       EAGAIN, EINTR, ECANCELED, nothing written: the same, WN_FILE_VAIN_MAX times at most without progress
 *   an error    ENOSPC and the like: what is not in the file as a whole is counted as failed, by name; the next
 *               write goes where this one should have gone. Packets go on.
 *   no room     a delivery that finds none is dropped, and counted as that (file_full)
 *
 * So at any time records = written + failed + those between done and fill, to the unit, and the same for bytes.
 *
 * The state is the device's. It works on a copy, and shows it whole after each batch that changed it, before the
 * entries it took are given back, and before a write that it names is on the sq: of two places in the memory it fills
 * the one that `current` does not name, then names it. Whoever goes on after a device that died reads that:
 * records that were appended and not shown are not in the file, nor is a write of them under way.
 *
 *   word                 written by      read by          write            read
 *   current              device (host,   host, the next   release (K1)     acquire (L1)
 *                        while none runs) device
 *   states               the same        the same         release (K1)     acquire (L1), see counters.h
 *
 * A completion is of the write with the number that it carries; any other is not followed.
 */
#ifndef WN_LANE_FILE_H
#define WN_LANE_FILE_H

#include "ring/layout.h"

enum {
	WN_FILE_BLOCKS = 8,
	WN_FILE_GAP_BYTES_MIN = 12,     /* a piece without content */
	WN_FILE_VAIN_MAX = 100,
	WN_FILE_PACKET = 6,             /* types of pieces */
	WN_FILE_GAP = (int)0x80574e47,  /* of those for local use */
	WN_FILE_PIECE_BYTES = 32,       /* of a packet's, around its data */
	WN_FILE_ETHERNET_BYTES = 14,
	WN_FILE_IPV4_BYTES = 42,        /* headers in front of the payload */
	WN_FILE_IPV6_BYTES = 62
};

/* What is counted, each the sum since the file was opened. */
enum wn_file_count {
	WN_FILE_RECORDS,                /* appended: packets and records that programs delivered */
	WN_FILE_BYTES,                  /* of those, as pieces of the file */
	WN_FILE_WRITTEN,
	WN_FILE_WRITTEN_BYTES,
	WN_FILE_FAILED,                 /* not written, and never will be */
	WN_FILE_FAILED_BYTES,
	WN_FILE_WRITES,                 /* submitted */
	WN_FILE_SHORT,                  /* of those, gone on with */
	WN_FILE_AGAIN,                  /* of those, tried again */
	WN_FILE_NO_SPACE,               /* of those, failed: ENOSPC, EDQUOT */
	WN_FILE_TOO_LARGE,              /* EFBIG */
	WN_FILE_IO,                     /* EIO */
	WN_FILE_OTHER,                  /* any other, and what a kernel cannot mean */
	WN_FILE_COUNTS
};

struct wn_file_state {
	uint32_t fill;                  /* positions, free-running: where the next piece goes */
	uint32_t done;                  /* all before it has its fate */
	uint32_t flight;                /* bytes from `done` that are with the kernel; 0: no write is under way */
	uint32_t flown;                 /* of those, what was written so far */
	uint32_t number;                /* of the last write that was submitted */
	uint32_t again;                 /* 1: what is left of the flight is to be submitted */
	uint32_t vain;                  /* times in a row that nothing of it was written */
	uint32_t flight_records;
	uint32_t flight_bytes;          /* of records */
	int32_t last_error;             /* an errno; 0: none so far */
	uint32_t block_records[WN_FILE_BLOCKS]; /* appended, not in flight */
	uint32_t block_bytes[WN_FILE_BLOCKS];
	uint64_t offset;                /* in the file, of `done` */
	uint64_t since_ns;              /* by the device's clock: when the oldest was appended that is not in flight */
	uint64_t counts[WN_FILE_COUNTS];
};

enum { WN_FILE_STATE_WORDS = sizeof(struct wn_file_state) / 8 };

struct wn_file_words {
	uint32_t current;               /* states[current % 2] is the one that holds */
	uint8_t pad[WN_LINE_BYTES - 4];
	uint64_t states[2][WN_FILE_STATE_WORDS]; /* struct wn_file_state */
};

/* The file of a queue, in its view. */
struct wn_file_view {
	WN_GLOBAL uint8_t *memory;      /* WN_FILE_BLOCKS * block_bytes */
	WN_GLOBAL struct wn_file_words *words;
	uint64_t address;               /* of the memory for the kernel */
	uint64_t realtime_offset_ns;    /* CLOCK_REALTIME - CLOCK_MONOTONIC */
	uint64_t flush_ns;
	uint32_t block_bytes;           /* a power of two; 0: there is no file */
	uint32_t flush_bytes;
	uint32_t align;                 /* of offset and length: 4, or that of O_DIRECT, a power of two */
	uint32_t opcode;                /* WRITE or WRITE_FIXED */
	uint32_t own_family;            /* 4, 6: what `own` is; 0: bound to all, the packet tells */
	uint32_t own_port;
	uint32_t own[4];                /* words of an address, the value that they have in network order */
};

WN_STATIC_ASSERT(sizeof(struct wn_file_state) % 8 == 0, file_state_is_whole_words);

#endif
