/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a program is given besides packets: parameters, a read-only file, and tables. Built by the host
 * before the program runs, constant while it does but for tables of cells; the same layout for every
 * device.
 */
#ifndef WARPNIC_DATA_H
#define WARPNIC_DATA_H

#include "warpnic/types.h"

enum wn_table_kind {
	WN_TABLE_array = 1,  /* values by index from 0 */
	WN_TABLE_hash,       /* values by 64-bit key */
	WN_TABLE_lpm,        /* values by longest matching prefix, IPv4 and IPv6 apart */
	WN_TABLE_cells       /* 32-bit words that the program writes, zero at the start */
};

enum wn_parameter_type {
	WN_PARAMETER_number = 1, /* whole, with an optional suffix k, m or g */
	WN_PARAMETER_size,       /* the same in bytes, suffixes of 1024 */
	WN_PARAMETER_flag,       /* off or on: 0 or 1 */
	WN_PARAMETER_ipv4        /* an address, as a number in host order */
};

/*
 * One table. Its contents begin `offset` bytes into the store, a multiple of 8; those of a table of
 * cells lie among the cells.
 *
 *   array   `count` values of 8 bytes
 *   hash    `capacity` entries {key, value} of 16 bytes, a power of two; then `capacity` bytes, 1 where
 *           the entry is used. A key stands at most `probes` entries behind wn_table_hash(key).
 *   lpm     `count` values of 8 bytes; then from `offset4` and `offset6` a trie each: 65536 words for the
 *           first 16 bits, behind them nodes of 256 words for 8 bits each. A word is 0 (no prefix), the
 *           number of a value plus 1, or, with the highest bit set, the number of a node.
 *   cells   `count` words of 32 bits, from word `offset` of `cells` on
 */
struct wn_table {
	uint32_t kind;
	uint32_t probes;
	uint64_t offset;
	uint64_t count;
	uint64_t capacity;
	uint64_t offset4, offset6; /* 0: no prefix of that family */
};

/* Launch constants. */
struct wn_program_data {
	WN_GLOBAL const uint64_t *parameters;  /* in the program's order */
	WN_GLOBAL const struct wn_table *tables;
	WN_GLOBAL const uint8_t *store;        /* contents of the tables; aligned to 8 */
	WN_GLOBAL const uint8_t *file;         /* --data, or what a loader made; aligned to 64 */
	uint64_t file_bytes;
	WN_GLOBAL uint32_t *cells;             /* of all tables of cells; written by every lane */
	uint64_t cell_count;
	uint64_t store_bytes;                  /* for the host, where a device needs a copy */
	uint32_t parameter_count, table_count; /* likewise */
};

WN_STATIC_ASSERT(sizeof(struct wn_table) == 48, table_is_48_bytes);

/* Where a key belongs before it is masked: the finaliser of splitmix64 (Steele, Lea, Flood, 2014). */
WN_FN uint64_t wn_table_hash(uint64_t key)
{
	key = (key ^ (key >> 30)) * 0xbf58476d1ce4e5b9u;
	key = (key ^ (key >> 27)) * 0x94d049bb133111ebu;
	return key ^ (key >> 31);
}

#endif
