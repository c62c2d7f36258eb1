/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Look-ups in tables of 100,000 entries, keys that are there in random order, on one core: numbers, and
 * values of 32 bytes of which one word is read by its handle. Prints one JSON line: medians of several
 * rounds, ns a look-up. No floor: what is compared is a number with a value of a size.
 *
 *     bench/tables [ROUNDS]
 */
#define WN_TABLES(X)                                                                                         \
	X(hash, hash_numbers, "") X(hash(32), hash_values, "") X(lpm, lpm_numbers, "") X(lpm(32), lpm_values, "")
#include "warpnic/program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "data/table.h"

enum { ENTRIES = 100000, ASKED = 1 << 20, ROUNDS_MAX = 99, VALUE_BYTES = 32 };

static uint64_t keys[ENTRIES];
static uint32_t asked[ASKED];
static struct wn_table tables[wn_table_count];
static struct wn_store store;
static uint64_t random_state = 88172645463325252u;

static uint64_t random_word(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

/* Keys differ in their low 24 bits at least: they are the networks of the prefixes, too. */
static void make_keys(void)
{
	for (uint32_t i = 0; i < ENTRIES; i++)
		keys[i] = random_word() << 24 | i * 167u % 0xffffff;
	for (uint32_t i = 0; i < ASKED; i++)
		asked[i] = (uint32_t)(random_word() % ENTRIES);
}

static int build(uint32_t table, enum wn_table_kind kind, uint32_t value_bytes)
{
	struct wn_entries entries = {.count = ENTRIES, .value_bytes = value_bytes};
	struct wn_error error = {0};
	int rc;

	entries.list = calloc(ENTRIES, sizeof(*entries.list));
	entries.values = calloc(ENTRIES, VALUE_BYTES);
	for (uint32_t i = 0; entries.list && entries.values && i < ENTRIES; i++) {
		struct wn_entry *entry = &entries.list[i];

		entry->key = keys[i];
		entry->value = i;
		entry->family = 4;
		entry->length = 24;
		for (int k = 0; k < 3; k++)
			entry->prefix[k] = (uint8_t)(keys[i] >> (16 - 8 * k));
		entries.values[i * VALUE_BYTES + 16] = (uint8_t)(i >> 24);
		entries.values[i * VALUE_BYTES + 17] = (uint8_t)(i >> 16);
		entries.values[i * VALUE_BYTES + 18] = (uint8_t)(i >> 8);
		entries.values[i * VALUE_BYTES + 19] = (uint8_t)i;
	}
	rc = !entries.list || !entries.values
		     ? -1
		     : wn_table_build(&tables[table], &store, kind, &entries, "bench", &error);
	if (rc)
		fprintf(stderr, "tables: %s\n", error.text);
	wn_entries_finish(&entries);
	return rc;
}

/* Every question once. ns, or -1 where an answer was wrong. */
static int64_t time_of(struct wn_packet *packet, uint32_t table)
{
	const int is_hash = tables[table].kind == WN_TABLE_hash, has_handles = tables[table].has_handles;
	const int64_t start = wn_clock_ns();
	uint64_t wrong = 0;

	for (uint32_t i = 0; i < ASKED; i++) {
		const uint64_t key = keys[asked[i]];
		uint64_t value = 0;

		if (is_hash)
			wrong += !wn_hash_find(packet, table, key, &value);
		else
			wrong += !wn_lpm_ipv4(packet, table, (uint32_t)(key << 8 | 7), &value);
		wrong += (has_handles ? wn_value_u32(packet, value, 16) : value) != asked[i];
	}
	return wrong || packet->fault ? -1 : wn_clock_ns() - start;
}

static int by_value(const void *a, const void *b)
{
	const int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

	return left < right ? -1 : left > right;
}

int main(int argc, char **argv)
{
	static const char *const names[] = {"hash_number_ns", "hash_value_ns", "lpm_number_ns", "lpm_value_ns"};
	const int wanted = argc > 1 ? atoi(argv[1]) : 9;
	const int rounds = wanted < 1 ? 1 : wanted > ROUNDS_MAX ? ROUNDS_MAX : wanted;
	static int64_t times[wn_table_count][ROUNDS_MAX];
	struct wn_program_data data = {0};
	struct wn_packet packet = {0};

	make_keys();
	if (build(table_hash_numbers, WN_TABLE_hash, 0) || build(table_hash_values, WN_TABLE_hash, VALUE_BYTES) ||
	    build(table_lpm_numbers, WN_TABLE_lpm, 0) || build(table_lpm_values, WN_TABLE_lpm, VALUE_BYTES))
		return 1;
	data.tables = tables;
	data.store = store.bytes;
	data.store_bytes = store.used;
	packet.data = &data;
	for (int i = 0; i < rounds; i++)
		for (uint32_t table = 0; table < wn_table_count; table++) {
			times[table][i] = time_of(&packet, table);
			if (times[table][i] < 0) {
				fprintf(stderr, "tables: %s: a wrong answer\n", names[table]);
				return 1;
			}
		}
	printf("{\"bench\": \"tables\", \"entries\": %d, \"bytes\": %zu", ENTRIES, store.used);
	for (uint32_t table = 0; table < wn_table_count; table++) {
		qsort(times[table], (size_t)rounds, sizeof(times[table][0]), by_value);
		printf(", \"%s\": %.2f", names[table], (double)times[table][rounds / 2] / ASKED);
	}
	printf("}\n");
	free(store.bytes);
	return 0;
}
