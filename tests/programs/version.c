/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the tests of reload: two versions of a program, whose answers and counters differ. Answers with
 * its version, the parameter, what the table holds for 1, the packet's own number, and how many packets
 * were seen so far, which a cell counts.
 */
#ifndef VERSION
#define VERSION 1
#endif
#define WN_SUMMARY "says which version it is"
#if VERSION == 1
#define WN_COUNTERS(X) X(packets) X(only_in_1)
#define WN_HISTOGRAMS(X) X(lengths)
#else
#define WN_COUNTERS(X) X(only_in_2) X(even) X(packets)
#define WN_HISTOGRAMS(X) X(times) X(lengths)
#endif
#define WN_PARAMETERS(X)                                                                           \
	X(number, generation, "0", "comes back in the answer")                                     \
	X(number, seen, "4", "cells of that table")
#define WN_TABLES(X) X(hash, marks, "1 and a number") X(cells, seen, "packets, of both versions")
#include <warpnic/program.h>

WN_PROGRAM(version, WN_DATAGRAM, 20)
{
	uint64_t mark = 0;

	wn_count(packet, counter_packets, 1);
	wn_observe(packet, histogram_lengths, wn_length(packet));
	wn_cell_add(packet, table_seen, 1, 1);
	wn_hash_find(packet, table_marks, 1, &mark);
	wn_put_u32(packet, 0, VERSION);
	wn_put_u32(packet, 4, (uint32_t)wn_parameter(packet, parameter_generation));
	wn_put_u32(packet, 8, (uint32_t)mark);
	wn_put_u32(packet, 16, wn_cell_load(packet, table_seen, 1));
	return WN_REPLY;
}
