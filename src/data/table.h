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
	uint64_t value;
	uint32_t line;
};

struct wn_entries {
	struct wn_entry *list;
	size_t count, room;
};

/*
 * Adds `bytes` zeroed bytes to the store, at a multiple of 8. Their offset, or SIZE_MAX when out of
 * memory. May move the store: addresses into it are good until the next call only.
 */
size_t wn_store_add(struct wn_store *store, size_t bytes);

/* Reads a file for a table of `kind`. The caller frees entries->list, also after a failure. */
int wn_entries_read(struct wn_entries *entries, enum wn_table_kind kind, const char *path,
		    struct wn_error *error);

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
