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

/*
 * The same with values of a size, as a program writes them: hash(32). Which of the two a name is, tells
 * the bracket behind it.
 */
#define WN_TABLE_array(bytes) (WN_TABLE_array + 256 * (bytes))
#define WN_TABLE_hash(bytes) (WN_TABLE_hash + 256 * (bytes))
#define WN_TABLE_lpm(bytes) (WN_TABLE_lpm + 256 * (bytes))

enum { WN_VALUE_BYTES_MAX = 4096 };

enum wn_parameter_type {
	WN_PARAMETER_number = 1, /* whole, with an optional suffix k, m or g; off is 0 */
	WN_PARAMETER_size,       /* the same in bytes, suffixes of 1024 */
	WN_PARAMETER_flag,       /* off or on: 0 or 1 */
	WN_PARAMETER_ipv4        /* an address, as a number in host order */
};

/*
 * One table. Its contents begin `offset` bytes into the store, a multiple of 8; those of a table of
 * cells lie among the cells.
 *
 *   array   `count` values
 *   hash    `capacity` entries {key of 8 bytes, value}, a power of two; then `capacity` bytes, 1 where the
 *           entry is used. A key stands at most `probes` entries behind wn_table_hash(key).
 *   lpm     `count` values; then from `offset4` and `offset6` a trie each: 65536 words for the
 *           first 16 bits, behind them nodes of 256 words for 8 bits each. A word is 0 (no prefix), the
 *           number of a value plus 1, or, with the highest bit set, the number of a node.
 *   cells   `count` words of 32 bits, from word `offset` of `cells` on
 *
 * A value is a number of 8 bytes; or, where the program says a size, that many bytes and zeros up to the
 * next multiple of 8. A look-up then gives a handle: the multiple of 8 in the store that it begins at,
 * times 2^13, plus its size.
 */
struct wn_table {
	uint8_t kind;
	uint8_t has_handles;
	uint16_t value_bytes;
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
	uint64_t store_bytes;
	uint32_t parameter_count, table_count; /* for the host, where a device needs a copy */
	uint64_t file_address;                 /* streams: where the file is for the kernel that sends from it */
	uint32_t file_version;                 /* streams: which file that is: one more with each reload */
	uint32_t reserved;
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
