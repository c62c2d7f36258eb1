/* SPDX-License-Identifier: Apache-2.0 */
#include "data/table.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { ARRAY_INDEX_MAX = 1 << 28 };

size_t wn_store_add(struct wn_store *store, size_t bytes)
{
	const size_t offset = store->used;
	const size_t needed = offset + (bytes + 7) / 8 * 8;

	if (needed > store->room) {
		const size_t room = needed > 2 * store->room ? needed : 2 * store->room;
		uint8_t *moved = realloc(store->bytes, room);

		if (!moved)
			return SIZE_MAX;
		store->bytes = moved;
		store->room = room;
	}
	memset(store->bytes + offset, 0, needed - offset);
	store->used = needed;
	return offset;
}

/* -- reading -- */

static int bad_line(const char *path, uint32_t line, const char *why, struct wn_error *error)
{
	return wn_fail(error, EINVAL, WN_FAILED, "%s:%u: %s", path, line, why);
}

int wn_number_parse(const char *text, uint64_t *number)
{
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return -EINVAL;
	errno = 0;
	*number = strtoull(text, &end, text[0] == '0' && (text[1] | 32) == 'x' ? 16 : 10);
	return errno || *end ? -EINVAL : 0;
}

/* Bits behind the prefix must be zero: 10.0.0.1/8 is more often a mistake than a wish. */
static int has_stray_bits(const struct wn_entry *entry)
{
	for (uint32_t bit = entry->length; bit < (entry->family == 4 ? 32u : 128u); bit++)
		if (entry->prefix[bit / 8] >> (7 - bit % 8) & 1)
			return 1;
	return 0;
}

static int parse_prefix(char *text, struct wn_entry *entry)
{
	char *slash = strchr(text, '/');
	uint64_t length;

	entry->family = strchr(text, ':') ? 6 : 4;
	length = entry->family == 4 ? 32 : 128;
	if (slash) {
		*slash = '\0';
		if (wn_number_parse(slash + 1, &length) || length > (entry->family == 4 ? 32 : 128))
			return -EINVAL;
	}
	entry->length = (uint32_t)length;
	if (inet_pton(entry->family == 4 ? AF_INET : AF_INET6, text, entry->prefix) != 1)
		return -EINVAL;
	return has_stray_bits(entry) ? -EINVAL : 0;
}

static int parse_number_value(char *text, struct wn_entry *entry, const char *path, struct wn_error *error)
{
	char *rest, *value = strtok_r(text, " \t", &rest);

	if (!value || strtok_r(NULL, " \t", &rest))
		return bad_line(path, entry->line, "not two words", error);
	if (wn_number_parse(value, &entry->value))
		return bad_line(path, entry->line, "the value is not a number", error);
	return 0;
}

/* The bytes go to entries->values, and the entry says which they are. */
static int parse_sized_value(char *text, struct wn_entries *entries, struct wn_entry *entry,
			     const char *path, struct wn_error *error)
{
	const size_t stride = wn_entries_stride(entries);
	char why[160];
	uint8_t *value;

	if (entries->value_count == entries->value_room) {
		const size_t room = entries->value_room ? 2 * entries->value_room : 256;
		uint8_t *moved = realloc(entries->values, room * stride);

		if (!moved)
			return wn_fail(error, ENOMEM, WN_FAILED, "table %s: out of memory", path);
		entries->values = moved;
		entries->value_room = room;
	}
	value = entries->values + entries->value_count * stride;
	memset(value, 0, stride);
	if (wn_value_parse(text, value, entries->value_bytes, why, sizeof(why)))
		return bad_line(path, entry->line, why, error);
	entry->value = entries->value_count++;
	return 0;
}

/* An array of numbers may have 2 GiB; one of longer values, too. */
static int check_index(const struct wn_entries *entries, const struct wn_entry *entry, const char *path,
		       struct wn_error *error)
{
	const uint64_t most = UINT64_C(8) * ARRAY_INDEX_MAX / wn_entries_stride(entries);

	return entry->key <= most ? 0
				  : wn_fail(error, EINVAL, WN_FAILED, "%s:%u: the index is above %llu", path,
					    entry->line, (unsigned long long)most);
}

/* 1 with an entry, 0 for a line without one, or -errno. */
static int parse_line(char *text, enum wn_table_kind kind, const char *path, uint32_t line,
		      struct wn_entries *entries, struct wn_entry *entry, struct wn_error *error)
{
	char *rest, *key;
	int rc;

	text[strcspn(text, "#\r\n")] = '\0';
	key = strtok_r(text, " \t", &rest);
	if (!key)
		return 0;
	memset(entry, 0, sizeof(*entry));
	entry->line = line;
	rc = entries->value_bytes ? parse_sized_value(rest, entries, entry, path, error)
				  : parse_number_value(rest, entry, path, error);
	if (rc)
		return rc;
	if (kind == WN_TABLE_lpm)
		return parse_prefix(key, entry)
			       ? bad_line(path, line, "not a prefix, such as 192.0.2.0/24 or 2001:db8::/32",
					  error)
			       : 1;
	if (wn_number_parse(key, &entry->key))
		return bad_line(path, line, kind == WN_TABLE_array ? "the index is not a number"
								   : "the key is not a number", error);
	rc = kind == WN_TABLE_array ? check_index(entries, entry, path, error) : 0;
	return rc ? rc : 1;
}

static int append(struct wn_entries *entries, const struct wn_entry *entry)
{
	if (entries->count == entries->room) {
		const size_t room = entries->room ? 2 * entries->room : 1024;
		struct wn_entry *moved = realloc(entries->list, room * sizeof(*moved));

		if (!moved)
			return -ENOMEM;
		entries->list = moved;
		entries->room = room;
	}
	entries->list[entries->count++] = *entry;
	return 0;
}

static FILE *open_text(const char *path, struct wn_error *error)
{
	FILE *file = fopen(path, "re");
	struct stat status;

	if (!file) {
		wn_fail(error, errno, WN_NO_INPUT, "table %s: %s", path, strerror(errno));
		return NULL;
	}
	if (fstat(fileno(file), &status) || S_ISDIR(status.st_mode)) {
		wn_fail(error, EISDIR, WN_NO_INPUT, "table %s: %s", path, strerror(EISDIR));
		fclose(file);
		return NULL;
	}
	return file;
}

int wn_entries_read(struct wn_entries *entries, enum wn_table_kind kind, uint32_t value_bytes,
		    const char *path, struct wn_error *error)
{
	FILE *file = open_text(path, error);
	struct wn_entry entry;
	char *text = NULL;
	size_t room = 0;
	int rc = 0;

	memset(entries, 0, sizeof(*entries));
	entries->value_bytes = value_bytes;
	if (!file)
		return -ENOENT;
	for (uint32_t line = 1; rc >= 0 && getline(&text, &room, file) >= 0; line++) {
		rc = parse_line(text, kind, path, line, entries, &entry, error);
		if (rc == 1 && append(entries, &entry))
			rc = wn_fail(error, ENOMEM, WN_FAILED, "table %s: out of memory", path);
	}
	if (rc >= 0 && ferror(file))
		rc = wn_fail(error, EIO, WN_NO_INPUT, "table %s: cannot be read", path);
	free(text);
	fclose(file);
	return rc < 0 ? rc : 0;
}

void wn_entries_finish(struct wn_entries *entries)
{
	free(entries->list);
	free(entries->values);
	memset(entries, 0, sizeof(*entries));
}

/* -- laying out -- */

uint32_t wn_entries_stride(const struct wn_entries *entries)
{
	return entries->value_bytes ? (entries->value_bytes + 7) / 8 * 8 : 8;
}

void wn_entry_store(const struct wn_entries *entries, const struct wn_entry *entry, uint8_t *to)
{
	const uint32_t stride = wn_entries_stride(entries);

	if (entries->value_bytes)
		memcpy(to, entries->values + entry->value * stride, stride);
	else
		memcpy(to, &entry->value, sizeof(entry->value));
}

int wn_entry_twice(const struct wn_entry *entry, const char *path, struct wn_error *error)
{
	return bad_line(path, entry->line, "given twice", error);
}

static int by_key(const void *a, const void *b)
{
	const struct wn_entry *left = a, *right = b;

	if (left->key != right->key)
		return left->key < right->key ? -1 : 1;
	return left->line < right->line ? -1 : left->line > right->line;
}

/* Indices that no line names hold 0. */
static int build_array(struct wn_table *table, struct wn_store *store, struct wn_entries *entries,
		       const char *path, struct wn_error *error)
{
	const size_t stride = wn_entries_stride(entries);
	size_t offset;

	if (!entries->count)
		return 0;
	qsort(entries->list, entries->count, sizeof(*entries->list), by_key);
	for (size_t i = 1; i < entries->count; i++)
		if (entries->list[i].key == entries->list[i - 1].key)
			return wn_entry_twice(&entries->list[i], path, error);
	table->count = entries->list[entries->count - 1].key + 1;
	offset = wn_store_add(store, table->count * stride);
	if (offset == SIZE_MAX)
		return wn_fail(error, ENOMEM, WN_FAILED, "table %s: out of memory", path);
	table->offset = offset;
	for (size_t i = 0; i < entries->count; i++)
		wn_entry_store(entries, &entries->list[i],
			       store->bytes + offset + stride * entries->list[i].key);
	return 0;
}

int wn_table_build(struct wn_table *table, struct wn_store *store, enum wn_table_kind kind,
		   struct wn_entries *entries, const char *path, struct wn_error *error)
{
	memset(table, 0, sizeof(*table));
	table->kind = (uint8_t)kind;
	table->has_handles = entries->value_bytes != 0;
	table->value_bytes = (uint16_t)(entries->value_bytes ? entries->value_bytes : 8);
	switch (kind) {
	case WN_TABLE_array:
		return build_array(table, store, entries, path, error);
	case WN_TABLE_hash:
		return wn_hash_build(table, store, entries, path, error);
	case WN_TABLE_lpm:
		return wn_trie_build(table, store, entries, path, error);
	case WN_TABLE_cells:
		break; /* has no file */
	}
	return -EINVAL;
}
