/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Longest prefix match: a trie whose root covers 16 bits and every other node 8. Prefixes are put in
 * from the shortest to the longest, and each paints over what it covers, so that a look-up only walks
 * down: at most 3 words for IPv4, 15 for IPv6. (Controlled prefix expansion: Srinivasan and Varghese,
 * 1999.)
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "data/table.h"

#define IS_NODE 0x80000000u

enum { ROOT_WORDS = 65536, NODE_WORDS = 256, ROOT_BITS = 16, NODE_BITS = 8 };

/* A trie while it grows; then it is copied into the store. */
struct trie {
	uint32_t *words;
	size_t node_count, node_room;
};

static int by_length(const void *a, const void *b)
{
	const struct wn_entry *left = a, *right = b;
	int order;

	if (left->family != right->family)
		return left->family < right->family ? -1 : 1;
	if (left->length != right->length)
		return left->length < right->length ? -1 : 1;
	order = memcmp(left->prefix, right->prefix, sizeof(left->prefix));
	if (order)
		return order;
	return left->line < right->line ? -1 : left->line > right->line;
}

static int is_same(const struct wn_entry *a, const struct wn_entry *b)
{
	return a->family == b->family && a->length == b->length &&
	       !memcmp(a->prefix, b->prefix, sizeof(a->prefix));
}

/* A new node, all of whose words are `word`. Its number, or UINT32_MAX. */
static uint32_t add_node(struct trie *trie, uint32_t word)
{
	uint32_t *node;

	if (trie->node_count == trie->node_room) {
		const size_t room = trie->node_room ? 2 * trie->node_room : 64;
		uint32_t *moved = realloc(trie->words, (ROOT_WORDS + room * NODE_WORDS) * sizeof(*moved));

		if (!moved || room >= IS_NODE)
			return UINT32_MAX;
		trie->words = moved;
		trie->node_room = room;
	}
	node = trie->words + ROOT_WORDS + trie->node_count * NODE_WORDS;
	for (int i = 0; i < NODE_WORDS; i++)
		node[i] = word;
	return (uint32_t)trie->node_count++;
}

/* Paints `count` words from `at` on. Nodes there stay: they belong to longer prefixes only later. */
static void paint(struct trie *trie, size_t at, size_t count, uint32_t word)
{
	for (size_t i = 0; i < count; i++)
		trie->words[at + i] = word;
}

/* Puts a prefix in. 0 or -ENOMEM. All prefixes before it were as long or shorter. */
static int insert(struct trie *trie, const struct wn_entry *entry, uint32_t word)
{
	const uint8_t *prefix = entry->prefix;
	size_t base = 0, at = (size_t)prefix[0] << 8 | prefix[1];
	uint32_t covered = ROOT_BITS;

	while (entry->length > covered) {
		uint32_t next = trie->words[base + at];

		if (!(next & IS_NODE)) {
			next = add_node(trie, next);
			if (next == UINT32_MAX)
				return -ENOMEM;
			trie->words[base + at] = next | IS_NODE;
		}
		base = ROOT_WORDS + (size_t)(next & ~IS_NODE) * NODE_WORDS;
		at = prefix[covered / 8];
		covered += NODE_BITS;
	}
	paint(trie, base + at, (size_t)1 << (covered - entry->length), word);
	return 0;
}

/* The trie of one family into the store. `words` of entry i is i + 1. */
static int build_family(uint64_t *offset, struct wn_store *store, const struct wn_entries *entries,
			uint32_t family)
{
	struct trie trie = {.node_room = 64};
	size_t bytes, added;
	int rc = 0, any = 0;

	trie.words = calloc(ROOT_WORDS + 64 * NODE_WORDS, sizeof(*trie.words));
	if (!trie.words)
		return -ENOMEM;
	for (size_t i = 0; !rc && i < entries->count; i++) {
		if (entries->list[i].family != family)
			continue;
		any = 1;
		rc = insert(&trie, &entries->list[i], (uint32_t)i + 1);
	}
	bytes = (ROOT_WORDS + trie.node_count * NODE_WORDS) * sizeof(*trie.words);
	added = !rc && any ? wn_store_add(store, bytes) : 0;
	if (added == SIZE_MAX)
		rc = -ENOMEM;
	if (!rc && any) {
		memcpy(store->bytes + added, trie.words, bytes);
		*offset = added;
	}
	free(trie.words);
	return rc;
}

int wn_trie_build(struct wn_table *table, struct wn_store *store, struct wn_entries *entries,
		  const char *path, struct wn_error *error)
{
	const size_t stride = wn_entries_stride(entries);
	size_t offset;

	if (entries->count >= IS_NODE - 1)
		return wn_fail(error, E2BIG, WN_FAILED, "table %s: more than 2^31 prefixes", path);
	if (entries->count)
		qsort(entries->list, entries->count, sizeof(*entries->list), by_length);
	for (size_t i = 1; i < entries->count; i++)
		if (is_same(&entries->list[i], &entries->list[i - 1]))
			return wn_entry_twice(&entries->list[i], path, error);
	/* One word more: offset 0 is to mean that there is no trie. */
	offset = wn_store_add(store, stride * (entries->count + 1));
	if (offset == SIZE_MAX)
		goto no_memory;
	table->offset = offset;
	table->count = entries->count;
	for (size_t i = 0; i < entries->count; i++)
		wn_entry_store(entries, &entries->list[i], store->bytes + offset + stride * i);
	if (build_family(&table->offset4, store, entries, 4) ||
	    build_family(&table->offset6, store, entries, 6))
		goto no_memory;
	return 0;

no_memory:
	return wn_fail(error, ENOMEM, WN_FAILED, "table %s: out of memory", path);
}
