/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests: answers questions about what it was given. */
#define WN_SUMMARY "looks things up"
#define WN_COUNTERS(X) X(asked)
#define WN_HISTOGRAMS(X) X(lengths) X(values)
#define WN_PARAMETERS(X)                                                                           \
	X(number, limit, "10k", "a number") X(size, room, "2k", "a size")                          \
	X(flag, loud, "off", "a flag") X(ipv4, home, "10.1.2.3", "an address")                     \
	X(number, seats, "100", "how many seats") X(number, marks, "7", "how many marks")
#define WN_TABLES(X)                                                                               \
	X(array, slots, "values by index") X(hash, names, "values by key")                         \
	X(lpm, routes, "values by prefix") X(cells, seats, "words") X(cells, marks, "more words")
#include <warpnic/program.h>

/*
 * The question: byte 0 says what to look up, bytes 8 to 15 the number or key, bytes 16 to 31 an IPv6
 * address. The answer: bytes 0 to 3 whether it was found, bytes 8 to 15 what.
 */
WN_PROGRAM(dialect, WN_DATAGRAM, WN_LOOK_ALL)
{
	const uint32_t what = wn_u8(packet, 0);
	const uint64_t key = wn_u64(packet, 8);
	uint64_t value = 0;
	uint32_t found = 1;

	wn_count(packet, counter_asked, 1);
	wn_observe(packet, histogram_lengths, wn_length(packet));
	wn_observe(packet, histogram_values, key);
	wn_observe(packet, 2, key);
	if (what == 'p')
		value = wn_parameter(packet, (uint32_t)key);
	else if (what == 'a')
		found = wn_array_get(packet, table_slots, key, &value);
	else if (what == 'h')
		found = wn_hash_find(packet, table_names, key, &value);
	else if (what == '4')
		found = wn_lpm_ipv4(packet, table_routes, (uint32_t)key, &value);
	else if (what == '6')
		found = wn_lpm_ipv6(packet, table_routes, 16, &value);
	else if (what == 'w') /* the wrong kind, and a table that is not there */
		found = wn_hash_find(packet, table_slots, key, &value) |
			wn_array_get(packet, 77, key, &value) |
			wn_array_get(packet, 0xffffffff, key, &value);
	else if (what == 'd')
		value = wn_data_u32(packet, key);
	else if (what == 'c')
		wn_data_copy(packet, 16, key, 8);
	else if (what == 'l')
		value = wn_data_length(packet);
	else if (what == 'e')
		value = wn_equal(packet, 16, 24, (uint32_t)key);
	else if (what == 'S')
		wn_cell_store(packet, wn_u8(packet, 1) ? table_marks : table_seats, key, wn_u32(packet, 16));
	else if (what == 'L')
		value = wn_cell_load(packet, wn_u8(packet, 1) ? table_marks : table_seats, key);
	else if (what == 'A')
		value = wn_cell_add(packet, table_seats, key, wn_u32(packet, 16));
	else if (what == 'X')
		value = wn_cell_compare_exchange(packet, table_seats, key, wn_u32(packet, 16),
						 wn_u32(packet, 20));
	else if (what == 'W') /* not cells */
		value = wn_cell_load(packet, table_slots, key);
	else if (what == 'm')
		wn_copy(packet, 17, 16, 14);
	wn_put_u32(packet, 0, found);
	if (what != 'c' && what != 'm')
		wn_put_u64(packet, 8, value);
	return WN_REPLY;
}
