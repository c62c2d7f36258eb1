/* SPDX-License-Identifier: Apache-2.0 */
/* Writes capture files byte by byte, well made or not, without libpcap; and reads ours back. */
#ifndef WN_TESTS_CAPTURE_H
#define WN_TESTS_CAPTURE_H

#include <stdint.h>
#include <stdio.h>

enum {
	CAPTURE_MICROSECONDS = (int)0xa1b2c3d4,
	CAPTURE_NANOSECONDS = (int)0xa1b23c4d,
	CAPTURE_ETHERNET = 1,
	CAPTURE_HEADER_BYTES = 24,
	CAPTURE_RECORD_BYTES = 16
};

/* A pcap file that is being written. */
struct capture {
	FILE *file;
	uint32_t magic;
	uint32_t snap_bytes;
	uint32_t link_type;
	int is_swapped;         /* all numbers in the other byte order */
};

/* Opens `path` and writes the file header. 0 or -1. */
int capture_open(struct capture *capture, const char *path, uint32_t magic, uint32_t link_type,
		 uint32_t snap_bytes, int is_swapped);

/*
 * A record of `length` bytes that claims `captured` and `wire`; fraction in the magic's unit.
 * Without bytes it is a hole, which takes no room on the disk.
 */
void capture_record(struct capture *capture, uint32_t seconds, uint32_t fraction, uint32_t captured,
		    uint32_t wire, const void *bytes, uint32_t length);

/* 0, or -1 where something could not be written. */
int capture_close(struct capture *capture);

/* A pcapng file with `count` Ethernet packets of `bytes` bytes (test pattern). 0 or -1. */
int capture_write_ng(const char *path, uint32_t count, uint32_t bytes, uint16_t link_type);

/* Byte `at` of test packet i: a broadcast frame with an experimental ethertype. */
uint8_t capture_byte(uint32_t i, uint32_t at);

/* One record read from a nanosecond file of this machine's byte order. */
struct capture_packet {
	uint32_t seconds, nanoseconds, length, wire_length;
	uint8_t bytes[65536];
};

/* Opens a file that the pcap link wrote. NULL where its header is not as it must be. */
FILE *capture_read_open(const char *path);

/* 1, 0 at a clean end, -1 where the file ends within a record. */
int capture_read(FILE *file, struct capture_packet *packet);

#endif
