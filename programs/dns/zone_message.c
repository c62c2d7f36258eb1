/* SPDX-License-Identifier: Apache-2.0 */
#include "zones.h"

#include <string.h>

/* A pointer reaches 14 bits; what is behind it may move by a name's length. */
enum { POINTER_MAX = 0x3fff - DNS_NAME_BYTES_MAX };

static void add_suffix(struct dns_message *message, struct dns_wire name, uint32_t offset, int is_inside)
{
	if (message->suffix_count == DNS_SUFFIXES_MAX || offset > POINTER_MAX || name.size < 2)
		return;
	message->suffixes[message->suffix_count].name = name;
	message->suffixes[message->suffix_count].offset = offset;
	message->suffixes[message->suffix_count].is_inside = is_inside;
	message->suffix_count++;
}

/* Number of a name that is in the message already, or DNS_NONE. */
static uint32_t find_suffix(const struct dns_message *message, struct dns_wire name)
{
	for (uint32_t i = 0; i < message->suffix_count; i++)
		if (dns_wire_equals(message->suffixes[i].name, name))
			return i;
	return DNS_NONE;
}

void dns_message_begin(struct dns_message *message, struct dns_wire base, int moves)
{
	message->used = 0;
	message->body_bytes = 0;
	memset(message->counts, 0, sizeof(message->counts));
	message->flags = DNS_ANSWER_AUTHORITATIVE;
	message->signatures = 0;
	message->base_bytes = base.size;
	message->moves = moves;
	message->fixup_count = 0;
	message->suffix_count = 0;
	for (struct dns_wire name = base; name.size > 1; name = dns_wire_parent(name))
		add_suffix(message, name, DNS_HEADER_BYTES + base.size - name.size, 0);
}

static void put_bytes(struct dns_message *message, const void *bytes, uint32_t count)
{
	if (count > DNS_BODY_BYTES_MAX - message->used) {
		message->flags |= DNS_ANSWER_TOO_LONG;
		return;
	}
	memcpy(message->bytes + message->used, bytes, count);
	message->used += count;
}

static void put_number(struct dns_message *message, uint32_t number, uint32_t bytes)
{
	const uint8_t network[4] = {(uint8_t)(number >> 24), (uint8_t)(number >> 16), (uint8_t)(number >> 8),
				    (uint8_t)number};

	put_bytes(message, network + 4 - bytes, bytes);
}

static void put_pointer(struct dns_message *message, uint32_t suffix)
{
	const uint32_t inside = message->suffixes[suffix].is_inside ? DNS_FIXUP_INSIDE : 0;

	if (message->moves && message->fixup_count == DNS_FIXUPS_MAX) {
		message->flags |= DNS_ANSWER_TOO_LONG;
		return;
	}
	if (message->moves)
		message->fixups[message->fixup_count++] = (uint16_t)(message->used | inside);
	put_number(message, DNS_POINTER | message->suffixes[suffix].offset, 2);
}

/* A name; what is left of it, once its end is in the message already, is a pointer. */
static void put_name(struct dns_message *message, struct dns_wire name, int may_point)
{
	for (; name.size > 1; name = dns_wire_parent(name)) {
		const uint32_t suffix = find_suffix(message, name);

		if (suffix != DNS_NONE && may_point) {
			put_pointer(message, suffix);
			return;
		}
		if (suffix == DNS_NONE)
			add_suffix(message, name,
				   DNS_HEADER_BYTES + message->base_bytes + 4 + message->used, 1);
		put_bytes(message, name.bytes, 1u + name.bytes[0]);
	}
	put_number(message, 0, 1);
}

/* How many bytes stand before the names in a record's data, and how many names there are. */
struct shape {
	uint32_t before, names;
	int may_point;           /* only what RFC 1035 defines (RFC 3597, section 4) */
};

static struct shape shape_of(uint16_t type)
{
	switch (type) {
	case DNS_TYPE_NS:
	case DNS_TYPE_CNAME:
	case DNS_TYPE_PTR:
		return (struct shape){0, 1, 1};
	case DNS_TYPE_SOA:
		return (struct shape){0, 2, 1};
	case DNS_TYPE_MX:
		return (struct shape){2, 1, 1};
	case DNS_TYPE_SRV:
		return (struct shape){6, 1, 0};
	default:
		return (struct shape){0, 0, 0};
	}
}

/* The size of the name at `at` of a record's data; 0 where there is none whole. */
static uint32_t name_size(const struct dns_record *record, uint32_t at)
{
	uint32_t size = 0;

	while (at + size < record->rdata_bytes && size <= DNS_NAME_BYTES_MAX) {
		const uint32_t label = record->rdata[at + size];

		if (label > DNS_LABEL_BYTES_MAX)
			return 0;
		size += 1 + label;
		if (!label)
			return size <= DNS_NAME_BYTES_MAX ? size : 0;
	}
	return 0;
}

static void put_data(struct dns_message *message, const struct dns_record *record)
{
	const struct shape shape = shape_of(record->type);
	uint32_t at = 0;

	if (shape.names && record->rdata_bytes >= shape.before) {
		put_bytes(message, record->rdata, shape.before);
		at = shape.before;
		for (uint32_t i = 0; i < shape.names; i++) {
			const uint32_t size = name_size(record, at);

			if (!size)
				break;
			put_name(message, (struct dns_wire){record->rdata + at, size}, shape.may_point);
			at += size;
		}
	}
	put_bytes(message, record->rdata + at, record->rdata_bytes - at);
}

static void put_record(struct dns_message *message, struct dns_wire owner,
		       const struct dns_record *record, uint32_t ttl)
{
	uint32_t data, bytes;

	if (owner.size)
		put_name(message, owner, 1);
	else if (message->base_bytes == 1 && !message->moves)
		put_number(message, 0, 1); /* the root itself: shorter than a pointer to it */
	else
		put_number(message, DNS_POINTER | DNS_HEADER_BYTES, 2); /* the question's name: never moves */
	put_number(message, record->type, 2);
	put_number(message, DNS_CLASS_IN, 2);
	put_number(message, ttl, 4);
	data = message->used;
	put_number(message, 0, 2);
	put_data(message, record);
	if (message->flags & DNS_ANSWER_TOO_LONG)
		return;
	bytes = message->used - data - 2;
	message->bytes[data] = (uint8_t)(bytes >> 8);
	message->bytes[data + 1] = (uint8_t)bytes;
}

void dns_message_put(struct dns_message *message, enum dns_section section, struct dns_wire owner,
		     const struct dns_record *record, uint32_t ttl)
{
	const uint32_t used = message->used, fixups = message->fixup_count, suffixes = message->suffix_count;

	/* An extra record has a pointer for its owner: see dns_fit_extra() of answer.h. */
	if (section == DNS_IN_EXTRA &&
	    ((message->flags & DNS_ANSWER_TOO_LONG) || find_suffix(message, owner) == DNS_NONE))
		return;
	put_record(message, owner, record, ttl);
	if (section != DNS_IN_EXTRA) {
		message->body_bytes = message->used;
	} else if (message->flags & DNS_ANSWER_TOO_LONG) {
		message->flags &= ~(uint32_t)DNS_ANSWER_TOO_LONG;
		message->used = used;
		message->fixup_count = fixups;
		message->suffix_count = suffixes;
		return;
	}
	message->counts[section]++;
	message->signatures += record->type == DNS_TYPE_RRSIG;
}

struct dns_wire dns_record_target(const struct dns_record *record)
{
	const struct shape shape = shape_of(record->type);
	const int has_target = record->type == DNS_TYPE_NS || record->type == DNS_TYPE_MX ||
			       record->type == DNS_TYPE_SRV;

	if (!has_target || record->rdata_bytes <= shape.before)
		return (struct dns_wire){NULL, 0};
	return (struct dns_wire){record->rdata + shape.before, name_size(record, shape.before)};
}
