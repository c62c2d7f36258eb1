/* SPDX-License-Identifier: Apache-2.0 */
/* The hash: open addressing at most half full, so that few probes find or refuse a key. */
#include <errno.h>
#include <string.h>

#include "data/table.h"

struct layout {
	const struct wn_entries *given;
	uint8_t *entries;     /* {key, value} */
	size_t entry_bytes;
	uint8_t *used;
	uint64_t mask;
};

/* Puts one entry in. Returns how far from its place it came to stand, or -1 where the key is there. */
static int64_t put(const struct layout *layout, const struct wn_entry *entry)
{
	uint64_t at = wn_table_hash(entry->key) & layout->mask;

	for (int64_t distance = 0;; distance++) {
		uint8_t *place = layout->entries + layout->entry_bytes * at;

		if (!layout->used[at]) {
			layout->used[at] = 1;
			memcpy(place, &entry->key, 8);
			wn_entry_store(layout->given, entry, place + 8);
			return distance;
		}
		if (!memcmp(place, &entry->key, 8))
			return -1;
		at = (at + 1) & layout->mask;
	}
}

int wn_hash_build(struct wn_table *table, struct wn_store *store, struct wn_entries *entries,
		  const char *path, struct wn_error *error)
{
	struct layout layout = {.given = entries, .entry_bytes = 8 + wn_entries_stride(entries)};
	uint64_t capacity = 8;
	size_t offset;

	while (capacity < 2 * entries->count)
		capacity *= 2;
	offset = wn_store_add(store, capacity * (layout.entry_bytes + 1));
	if (offset == SIZE_MAX)
		return wn_fail(error, ENOMEM, WN_FAILED, "table %s: out of memory", path);
	table->offset = offset;
	table->capacity = capacity;
	table->count = entries->count;
	layout.entries = store->bytes + offset;
	layout.used = layout.entries + layout.entry_bytes * capacity;
	layout.mask = capacity - 1;
	for (size_t i = 0; i < entries->count; i++) {
		const int64_t distance = put(&layout, &entries->list[i]);

		if (distance < 0)
			return wn_entry_twice(&entries->list[i], path, error);
		if (distance > table->probes)
			table->probes = (uint32_t)distance;
	}
	return 0;
}
