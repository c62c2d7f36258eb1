/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tests of a program: text files with packets in and what becomes of them, and pairs of capture files.
 *
 *     # a comment; a line that ends with a backslash goes on in the next one
 *     param limit=5                 settings, before the first test: as of `warpnic run`;
 *     table routes=routes.txt       file names are relative to the test
 *     data words.txt
 *     load zone=example.zone
 *     link ip=10.0.0.2              frames: who the link is (preset: whoever is written to)
 *
 *     test lower case becomes upper case
 *     in "hello" 00                 a packet, as tool/craft.h says
 *     out reply "HELLO" 00          what becomes of it: one of
 *         drop                      the program said so
 *         fault                     it reached outside
 *         dropped CAUSE             for a cause of `warpnic run`, such as bad_checksum
 *         reply PACKET              also forward and deliver: byte for byte; where a frame went in, bytes
 *                                   alone stand for the payload of what came out
 *         record NAME=VALUE...      these fields of the record; or bytes, of all of it
 *     count shouted 1               a counter of the program, from the start of the file on
 *
 * NAME.in.pcap goes in, and NAME.out.pcap is what comes out: replies, forwarded and delivered packets in
 * their order; or NAME.out.json: what `warpnic trace --json` says of each packet, line by line.
 */
#ifndef WN_TOOL_CHECK_TEST_H
#define WN_TOOL_CHECK_TEST_H

#include <stdint.h>

#include "warpnic/status.h"

struct wn_test_result {
	struct wn_test_result *next;
	char *path;
	uint32_t line;         /* of the text file, or the number of the packet */
	char *name;
	char *difference;      /* lines of text; NULL: as expected */
};

struct wn_test_results {
	struct wn_test_result *first, **last;
	uint32_t count, failed;
};

/*
 * Runs a program (as `warpnic run` takes it) on a device with the tests of one file, a .test or a
 * .in.pcap. 0 with one result or more added, or -errno where the file, the program or the device cannot be had.
 */
int wn_test_run(struct wn_test_results *results, const char *program, const char *device,
		const char *path, struct wn_error *error);

void wn_test_results_free(struct wn_test_results *results);

#endif
