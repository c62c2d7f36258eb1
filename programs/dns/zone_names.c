/* SPDX-License-Identifier: Apache-2.0 */
#include "zones.h"

#include <ctype.h>
#include <stdio.h>

uint32_t dns_wire_size(const uint8_t *name)
{
	uint32_t at = 0;

	while (name[at])
		at += 1u + name[at];
	return at + 1;
}

static uint64_t hash_label(const uint8_t *label, uint32_t bytes)
{
	uint64_t hash = dns_hash_label(bytes), word = 0;

	for (uint32_t i = 0; i < bytes; i++) {
		word = word << 8 | label[i];
		if (i % 8 == 7 || i + 1 == bytes) {
			hash = dns_hash_step(hash, dns_fold(word));
			word = 0;
		}
	}
	return hash;
}

uint64_t dns_wire_hash(const uint8_t *name)
{
	uint64_t hash = 0, power = 1;

	for (; *name; name += 1 + *name) {
		hash += power * hash_label(name + 1, *name);
		power *= DNS_HASH_FACTOR;
	}
	return hash;
}

static int lower(int byte)
{
	return byte >= 'A' && byte <= 'Z' ? byte + 32 : byte;
}

int dns_wire_equals(struct dns_wire a, struct dns_wire b)
{
	if (a.size != b.size)
		return 0;
	for (uint32_t i = 0; i < a.size; i++)
		if (lower(a.bytes[i]) != lower(b.bytes[i]))
			return 0;
	return 1;
}

const char *dns_wire_text(const uint8_t *name, char *text, size_t bytes)
{
	size_t used = 0;

	if (!*name)
		snprintf(text, bytes, ".");
	for (; *name; name += 1 + *name) {
		for (uint32_t i = 1; i <= *name && used + 6 < bytes; i++)
			used += (size_t)snprintf(text + used, bytes - used,
						 isgraph(name[i]) && name[i] != '.' ? "%c" : "\\%03u", name[i]);
		if (used + 2 < bytes)
			used += (size_t)snprintf(text + used, bytes - used, ".");
	}
	return text;
}

uint32_t dns_wire_labels(const uint8_t *name)
{
	uint32_t count = 0;

	for (; *name; name += 1 + *name)
		count++;
	return count;
}

struct dns_wire dns_wire_parent(struct dns_wire name)
{
	return (struct dns_wire){name.bytes + 1 + name.bytes[0], name.size - 1 - name.bytes[0]};
}

struct dns_wire dns_wire_last(struct dns_wire name, uint32_t labels)
{
	for (uint32_t count = dns_wire_labels(name.bytes); count > labels; count--)
		name = dns_wire_parent(name);
	return name;
}

int dns_wire_is_below(struct dns_wire name, struct dns_wire above)
{
	while (name.size > above.size)
		name = dns_wire_parent(name);
	return dns_wire_equals(name, above);
}

/* Labels as a whole: bytes in order, without case; what is shorter comes first. */
static int compare_labels(const uint8_t *a, const uint8_t *b)
{
	for (uint32_t i = 1; i <= *a && i <= *b; i++)
		if (lower(a[i]) != lower(b[i]))
			return lower(a[i]) - lower(b[i]);
	return *a - *b;
}

int dns_wire_compare_first(struct dns_wire a, struct dns_wire b)
{
	return compare_labels(a.bytes, b.bytes);
}

int dns_wire_compare(struct dns_wire a, struct dns_wire b)
{
	const uint8_t *labels[2][DNS_LABELS_MAX];
	uint32_t counts[2] = {0, 0};

	for (const uint8_t *at = a.bytes; *at; at += 1 + *at)
		labels[0][counts[0]++] = at;
	for (const uint8_t *at = b.bytes; *at; at += 1 + *at)
		labels[1][counts[1]++] = at;
	while (counts[0] && counts[1]) {
		const int order = compare_labels(labels[0][--counts[0]], labels[1][--counts[1]]);

		if (order)
			return order;
	}
	return (int)counts[0] - (int)counts[1];
}
