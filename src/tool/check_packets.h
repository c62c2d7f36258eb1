/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packets from a file, for `warpnic check` and `warpnic trace`: a capture of Ethernet frames (pcap or
 * pcapng, builds with libpcap), or text written by hand:
 *
 *     # a comment, to the end of the line
 *     link kind=frame,ip=10.0.0.2     options of the memory link the packets come in on
 *     param limit=3                   a parameter of the program
 *     table names=names.txt           a table of it; the file is beside this one
 *     data blob.bin                   the file that it reads; beside this one, too
 *     "hello" 0a                      a packet: hex digits and "text", in any order
 *     empty                           a packet of no bytes
 *
 * Spaces between hex digits mean nothing; in text \n, \r, \t, \\ and \" are one character each. A
 * capture NAME.pcap may have such lines, without packets, in NAME.setup beside it.
 */
#ifndef WN_TOOL_CHECK_PACKETS_H
#define WN_TOOL_CHECK_PACKETS_H

#include <stdint.h>
#include <stdio.h>

#include "warpnic/runtime.h"

enum {
	WN_TEST_PACKETS_MAX = 16384,       /* of a file */
	WN_TEST_PACKET_BYTES_MAX = 65535
};

struct wn_test_packet {
	uint8_t *bytes;
	uint32_t length;
	uint32_t wire_length;
};

/* What the program is given besides packets. */
struct wn_test_setup {
	char link[512];                    /* "option=value,...", or "" */
	char *parameters[WN_WISHES_MAX];
	char *tables[WN_WISHES_MAX];
	uint32_t parameter_count, table_count;
	char *data;                        /* a path, or NULL */
};

struct wn_test_packets {
	struct wn_test_packet *list;
	uint32_t count;
	int is_capture;                    /* Ethernet frames */
	struct wn_test_setup setup;
};

/*
 * Reads up to `limit` packets (0: as many as there may be). 0 or -errno with the file and, in text, the
 * line: WN_NO_INPUT where it cannot be read, WN_FAILED where it is wrong. Free it in both cases; a
 * zeroed one is fine.
 */
int wn_test_packets_read(struct wn_test_packets *packets, const char *path, uint32_t limit,
			 struct wn_error *error);
void wn_test_packets_free(struct wn_test_packets *packets);

/* Whether the path ends in .pcap, .pcapng or .cap. */
int wn_test_is_capture(const char *path);

/*
 * Turns hex digits and "text", up to a '#' or the end, into bytes; "empty" is none. Their count, or -1
 * where it is neither, an odd count of digits, or more than WN_TEST_PACKET_BYTES_MAX.
 */
int wn_test_bytes(const char *text, uint8_t *bytes);

/* Offset, hex and characters of 16 bytes a line, each line behind `indent` spaces. */
void wn_test_dump(FILE *file, int indent, const uint8_t *bytes, uint32_t length);

#endif
