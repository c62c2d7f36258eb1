/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables on the host: read from text, laid out as warpnic/data.h says.
 *
 * A text file has one entry a line, '#' begins a comment:
 *
 *     array   INDEX VALUE
 *     hash    KEY VALUE
 *     lpm     PREFIX[/LENGTH] VALUE        192.0.2.0/24 7, or 2001:db8::/32 0x10
 *
 * Numbers are decimal, or hexadecimal with 0x. An index, key or prefix stands at most once.
 *
 * Where the table's values have a size, VALUE is one word or more that fill it from its first byte on,
 * neither less nor more:
 *
 *     NUMBER[u8|u16|u32|u64]    so many bits, the most significant byte first; 64 where it is left out
 *     192.0.2.1                 4 bytes
 *     02:00:00:00:00:01         bytes in hexadecimal, two digits each
 *     x020000000001             the same
 */
#ifndef WN_DATA_TABLE_H
#define WN_DATA_TABLE_H

#include <stddef.h>

#include "warpnic/data.h"
#include "warpnic/status.h"

/* The contents of all tables of a program, one behind the other. Zeroed is empty. */
struct wn_store {
	uint8_t *bytes;       /* aligned to 8 */
	size_t used, room;
};

/* One line of a file. */
struct wn_entry {
	uint64_t key;         /* array: index; hash: key */
	uint8_t prefix[16];   /* lpm: network order */
	uint32_t length;      /* lpm: bits */
	uint32_t family;      /* lpm: 4 or 6 */
	uint64_t value;       /* where values have a size: which of `values` */
	uint32_t line;
};

struct wn_entries {
	struct wn_entry *list;
	size_t count, room;
	uint32_t value_bytes; /* 0: numbers */
	uint8_t *values;      /* wn_entries_stride() bytes each, the rest of them zero */
	size_t value_count, value_room;
};

/*
 * Adds `bytes` zeroed bytes to the store, at a multiple of 8. Their offset, or SIZE_MAX when out of
 * memory. May move the store: addresses into it are good until the next call only.
 */
size_t wn_store_add(struct wn_store *store, size_t bytes);

/*
 * Reads a file for a table of `kind` whose values have `value_bytes`, 0 for numbers. The caller calls
 * wn_entries_finish(), also after a failure.
 */
int wn_entries_read(struct wn_entries *entries, enum wn_table_kind kind, uint32_t value_bytes,
		    const char *path, struct wn_error *error);
void wn_entries_finish(struct wn_entries *entries);

/* Bytes between two values in the store, and one entry's value put there. */
uint32_t wn_entries_stride(const struct wn_entries *entries);
void wn_entry_store(const struct wn_entries *entries, const struct wn_entry *entry, uint8_t *to);

/* A number, decimal or with 0x, and nothing behind it: 0 or -EINVAL. */
int wn_number_parse(const char *text, uint64_t *number);

/*
 * The words of a value with a size into bytes[count]; takes `text` apart. 0, or -EINVAL with the reason
 * in why[why_bytes].
 */
int wn_value_parse(char *text, uint8_t *bytes, uint32_t count, char *why, size_t why_bytes);

/* Lays the entries out. `path` is for messages. 0 or -errno. Entries may be reordered. */
int wn_table_build(struct wn_table *table, struct wn_store *store, enum wn_table_kind kind,
		   struct wn_entries *entries, const char *path, struct wn_error *error);

/* The same for one kind each; hash.c and trie.c. */
int wn_hash_build(struct wn_table *table, struct wn_store *store, struct wn_entries *entries,
		  const char *path, struct wn_error *error);
int wn_trie_build(struct wn_table *table, struct wn_store *store, struct wn_entries *entries,
		  const char *path, struct wn_error *error);

int wn_entry_twice(const struct wn_entry *entry, const char *path, struct wn_error *error);

#endif
