/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests: reads parts of values that have a size. */
#define WN_SUMMARY "looks up values that have a size"
#define WN_TABLES(X)                                                                                         \
	X(array(6), slots, "6 bytes by index") X(hash(24), names, "24 bytes by key")                          \
	X(lpm(13), routes, "13 bytes by prefix") X(hash, plain, "numbers by key")                             \
	X(array(4096), long_ones, "the longest there are") X(hash(1), short_ones, "the shortest")
#include <warpnic/program.h>

/*
 * The question: byte 0 says what to look up, byte 1 how to read ('1', '2', '4', '8', or 'c' to copy), bytes
 * 2 and 3 from where, byte 4 how many bytes to copy; bytes 8 to 15 the number or key, bytes 16 to 31 an
 * IPv6 address. The answer: bytes 0 to 3 whether it was found, 4 to 7 the value's size, 8 to 15 what was
 * read, or from byte 16 on what was copied.
 */
WN_PROGRAM(values, WN_DATAGRAM, WN_LOOK_ALL)
{
	const uint32_t what = wn_u8(packet, 0), how = wn_u8(packet, 1), from = wn_u16(packet, 2);
	const uint64_t key = wn_u64(packet, 8);
	uint64_t handle = 0, value = 0;
	uint32_t found = 1;

	if (what == 'a')
		found = wn_array_get(packet, table_slots, key, &handle);
	else if (what == 'h')
		found = wn_hash_find(packet, table_names, key, &handle);
	else if (what == '4')
		found = wn_lpm_ipv4(packet, table_routes, (uint32_t)key, &handle);
	else if (what == '6')
		found = wn_lpm_ipv6(packet, table_routes, 16, &handle);
	else if (what == 'p')
		found = wn_hash_find(packet, table_plain, key, &handle);
	else if (what == 'l')
		found = wn_array_get(packet, table_long_ones, key, &handle);
	else if (what == 's')
		found = wn_hash_find(packet, table_short_ones, key, &handle);
	else /* a handle that nobody gave */
		handle = key;
	if (how == '1')
		value = found ? wn_value_u8(packet, handle, from) : 0;
	else if (how == '2')
		value = found ? wn_value_u16(packet, handle, from) : 0;
	else if (how == '4')
		value = found ? wn_value_u32(packet, handle, from) : 0;
	else if (how == '8')
		value = found ? wn_value_u64(packet, handle, from) : 0;
	else if (how == 'c' && found)
		wn_value_copy(packet, 16, handle, from, wn_u8(packet, 4));
	else if (how == 'n')
		value = handle;
	wn_put_u32(packet, 0, found);
	wn_put_u32(packet, 4, wn_value_bytes(handle));
	wn_put_u64(packet, 8, value);
	return WN_REPLY;
}
