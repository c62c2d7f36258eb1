/* SPDX-License-Identifier: Apache-2.0 */
#include "zones.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The first chunk of memory, and the largest that they grow to; each takes a record at least. */
enum { CHUNK_BYTES_MIN = 16 << 10, CHUNK_BYTES_MAX = 1 << 20, TEXT_BYTES = 1024 };

struct dns_chunk {
	struct dns_chunk *next;
	size_t used, room;
	uint8_t bytes[];
};

/* -- memory -- */

/* Room for some bytes; NULL when out of memory. */
static uint8_t *keep(struct dns_zone *zone, size_t bytes)
{
	struct dns_chunk *chunk = zone->chunks;

	if (!chunk || chunk->room - chunk->used < bytes) {
		size_t room = chunk ? 2 * chunk->room : CHUNK_BYTES_MIN;

		if (room > CHUNK_BYTES_MAX)
			room = CHUNK_BYTES_MAX;
		if (room < bytes)
			room = bytes;
		chunk = malloc(sizeof(*chunk) + room);
		if (!chunk)
			return NULL;
		*chunk = (struct dns_chunk){.next = zone->chunks, .room = room};
		zone->chunks = chunk;
	}
	chunk->used += bytes;
	return chunk->bytes + chunk->used - bytes;
}

int dns_grow(void *list, size_t count, size_t *room, size_t size)
{
	void **bytes = list, *moved;

	if (count < *room)
		return 0;
	moved = realloc(*bytes, (*room ? 2 * *room : 256) * size);
	if (!moved)
		return -ENOMEM;
	*bytes = moved;
	*room = *room ? 2 * *room : 256;
	return 0;
}

int dns_zone_add(struct dns_zone *zone, const uint8_t *owner, uint16_t type, uint32_t ttl,
		 const uint8_t *rdata, uint16_t rdata_bytes, uint32_t line)
{
	const uint32_t size = dns_wire_size(owner);
	struct dns_record *record;
	uint8_t *bytes;

	if (dns_grow(&zone->records, zone->record_count, &zone->record_room, sizeof(*zone->records)))
		return -ENOMEM;
	record = &zone->records[zone->record_count];
	*record = (struct dns_record){.next = DNS_NONE, .ttl = ttl, .line = line, .type = type,
				      .rdata_bytes = rdata_bytes};
	bytes = keep(zone, size + (size_t)rdata_bytes);
	if (!bytes)
		return -ENOMEM;
	for (uint32_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)dns_fold(owner[i]);
	memcpy(bytes + size, rdata, rdata_bytes);
	record->owner = bytes;
	record->rdata = bytes + size;
	zone->record_count++;
	return 0;
}

const char *dns_zone_source(struct dns_zone *zone, const char *path)
{
	const size_t bytes = strlen(path) + 1;
	char *kept = (char *)keep(zone, bytes);

	if (!kept || dns_grow(&zone->sources, zone->source_count, &zone->source_room, sizeof(*zone->sources)))
		return NULL;
	memcpy(kept, path, bytes);
	zone->sources[zone->source_count++] = (struct dns_source){kept, zone->record_count};
	return kept;
}

/* The file that a record came from. */
static const char *source_of(const struct dns_zone *zone, const struct dns_record *record)
{
	const size_t number = (size_t)(record - zone->records);
	size_t i = zone->source_count;

	while (i > 1 && zone->sources[i - 1].first > number)
		i--;
	return i ? zone->sources[i - 1].path : zone->path;
}

void dns_zone_finish(struct dns_zone *zone)
{
	while (zone->chunks) {
		struct dns_chunk *next = zone->chunks->next;

		free(zone->chunks);
		zone->chunks = next;
	}
	dns_chain_finish(zone);
	free(zone->sources);
	free(zone->records);
	free(zone->names);
	free(zone->slots);
	memset(zone, 0, sizeof(*zone));
}

/* -- looking up -- */

static uint32_t find_hash(const struct dns_zone *zone, struct dns_wire name, uint64_t hash)
{
	size_t place;

	if (!zone->slot_count)
		return DNS_NONE;
	for (place = dns_hash_spread(hash) & (zone->slot_count - 1); zone->slots[place];
	     place = (place + 1) & (zone->slot_count - 1)) {
		const struct dns_tree_name *found = &zone->names[zone->slots[place] - 1];

		if (found->hash == hash && dns_wire_equals(found->name, name))
			return zone->slots[place] - 1;
	}
	return DNS_NONE;
}

uint32_t dns_zone_find(const struct dns_zone *zone, struct dns_wire name, uint32_t *encloser)
{
	uint32_t found = find_hash(zone, name, dns_wire_hash(name.bytes));

	*encloser = DNS_NONE;
	if (found != DNS_NONE)
		return found;
	while (name.size > 1 && *encloser == DNS_NONE) {
		const uint32_t label = 1u + name.bytes[0];

		name.bytes += label;
		name.size -= label;
		*encloser = find_hash(zone, name, dns_wire_hash(name.bytes));
	}
	return DNS_NONE;
}

static const struct dns_record *of_type(const struct dns_zone *zone, uint32_t record, uint16_t type)
{
	while (record != DNS_NONE && zone->records[record].type != type)
		record = zone->records[record].next;
	return record == DNS_NONE ? NULL : &zone->records[record];
}

const struct dns_record *dns_zone_first(const struct dns_zone *zone, uint32_t name, uint16_t type)
{
	return of_type(zone, zone->names[name].first, type);
}

const struct dns_record *dns_zone_next(const struct dns_zone *zone, const struct dns_record *record)
{
	return of_type(zone, record->next, record->type);
}

/* -- the tree -- */

static void put_slot(struct dns_zone *zone, uint32_t number)
{
	size_t place = dns_hash_spread(zone->names[number].hash) & (zone->slot_count - 1);

	while (zone->slots[place])
		place = (place + 1) & (zone->slot_count - 1);
	zone->slots[place] = number + 1;
}

static int grow_slots(struct dns_zone *zone)
{
	const size_t count = zone->slot_count ? 2 * zone->slot_count : 1024;
	uint32_t *slots;

	if (2 * (zone->name_count + 1) <= zone->slot_count)
		return 0;
	slots = calloc(count, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	free(zone->slots);
	zone->slots = slots;
	zone->slot_count = count;
	for (uint32_t i = 0; i < zone->name_count; i++)
		put_slot(zone, i);
	return 0;
}

static uint32_t add_name(struct dns_zone *zone, struct dns_wire name, uint64_t hash, uint32_t parent)
{
	const uint32_t number = (uint32_t)zone->name_count;

	if (dns_grow(&zone->names, number, &zone->name_room, sizeof(*zone->names)) || grow_slots(zone))
		return DNS_NONE;
	zone->names[number] = (struct dns_tree_name){
		.name = name,
		.hash = hash,
		.parent = parent,
		.first = DNS_NONE,
		.last = DNS_NONE,
		.wildcard = DNS_NONE,
		.labels = dns_wire_labels(name.bytes),
	};
	zone->name_count++;
	put_slot(zone, number);
	if (parent != DNS_NONE && name.bytes[0] == 1 && name.bytes[1] == '*')
		zone->names[parent].wildcard = number;
	return number;
}

/* The number of a name in the zone; it and those above it are made where they are not there yet. */
static uint32_t reach_name(struct dns_zone *zone, struct dns_wire name)
{
	struct dns_wire missing[DNS_LABELS_MAX + 1];
	uint64_t hashes[DNS_LABELS_MAX + 1];
	uint32_t count = 0, number;

	for (;;) {
		const uint64_t hash = dns_wire_hash(name.bytes);

		number = find_hash(zone, name, hash);
		if (number != DNS_NONE)
			break;
		missing[count] = name;
		hashes[count++] = hash;
		name.size -= 1u + name.bytes[0];
		name.bytes += 1 + name.bytes[0];
	}
	while (count && number != DNS_NONE) {
		count--;
		number = add_name(zone, missing[count], hashes[count], number);
	}
	return number;
}

int dns_zone_refuse(const struct dns_zone *zone, const struct dns_record *record, struct wn_error *error,
		    const char *why)
{
	char text[TEXT_BYTES];

	return wn_fail(error, EINVAL, WN_FAILED, "%s:%u: %.300s: %s", source_of(zone, record), record->line,
		       dns_wire_text(record->owner, text, sizeof(text)), why);
}

/* What may stand beside a CNAME (RFC 4034, section 2.5 and RFC 4035, section 2.5). */
static int goes_with_cname(uint16_t type)
{
	return type == DNS_TYPE_RRSIG || type == DNS_TYPE_NSEC || type == DNS_TYPE_KEY;
}

/* Looks at a record beside those that its name has already. */
static int check_beside(const struct dns_zone *zone, const struct dns_tree_name *name,
			const struct dns_record *record, struct wn_error *error)
{
	for (uint32_t i = name->first; i != DNS_NONE; i = zone->records[i].next) {
		const struct dns_record *other = &zone->records[i];

		if (other->type == record->type && other->rdata_bytes == record->rdata_bytes &&
		    !memcmp(other->rdata, record->rdata, record->rdata_bytes))
			return dns_zone_refuse(zone, record, error, "the same record is given twice");
		if (other->type == record->type && record->type == DNS_TYPE_CNAME)
			return dns_zone_refuse(zone, record, error, "a second CNAME");
		if (other->type == record->type && record->type == DNS_TYPE_DNAME)
			return dns_zone_refuse(zone, record, error, "a second DNAME");
		if ((other->type == DNS_TYPE_CNAME && !goes_with_cname(record->type)) ||
		    (record->type == DNS_TYPE_CNAME && !goes_with_cname(other->type)))
			return dns_zone_refuse(zone, record, error, "CNAME and other data at one name");
	}
	return 0;
}

static int place_record(struct dns_zone *zone, uint32_t number, struct wn_error *error)
{
	struct dns_record *record = &zone->records[number];
	const struct dns_wire owner = {record->owner, dns_wire_size(record->owner)};
	struct dns_tree_name *name;
	uint32_t place;
	int rc;

	if (!dns_wire_is_below(owner, zone->apex))
		return dns_zone_refuse(zone, record, error, "is not in the zone");
	zone->is_signed |= record->type == DNS_TYPE_RRSIG;
	if (dns_chain_owns(record))
		return dns_chain_add(zone, number, error);
	place = reach_name(zone, owner);
	if (place == DNS_NONE)
		return wn_fail(error, ENOMEM, WN_FAILED, "zone %s: out of memory", zone->path);
	name = &zone->names[place];
	rc = check_beside(zone, name, record, error);
	if (rc)
		return rc;
	if (++name->record_count > DNS_RECORDS_AT_NAME_MAX)
		return dns_zone_refuse(zone, record, error, "more than 4096 records at one name");
	if (name->first == DNS_NONE)
		name->first = number;
	else
		zone->records[name->last].next = number;
	name->last = number;
	return 0;
}

/* The apex is where the SOA stands, and there is one (RFC 1035, section 5.2). */
static int find_apex(struct dns_zone *zone, struct wn_error *error)
{
	const struct dns_record *soa = NULL;

	for (size_t i = 0; i < zone->record_count; i++) {
		if (zone->records[i].type != DNS_TYPE_SOA)
			continue;
		if (soa)
			return dns_zone_refuse(zone, &zone->records[i], error, "a second SOA");
		soa = &zone->records[i];
	}
	if (!soa)
		return wn_fail(error, EINVAL, WN_FAILED, "%s: no SOA record: not a zone", zone->path);
	zone->apex = (struct dns_wire){soa->owner, dns_wire_size(soa->owner)};
	if (add_name(zone, zone->apex, dns_wire_hash(zone->apex.bytes), DNS_NONE) == DNS_NONE)
		return wn_fail(error, ENOMEM, WN_FAILED, "zone %s: out of memory", zone->path);
	return 0;
}

/* Records of one set have one TTL (RFC 2181, section 5.2): the lowest. */
static void level_ttls(struct dns_zone *zone, uint32_t number)
{
	for (uint32_t i = zone->names[number].first; i != DNS_NONE; i = zone->records[i].next) {
		struct dns_record *record = &zone->records[i];

		if (record->type == DNS_TYPE_RRSIG)
			continue;
		for (uint32_t k = zone->names[number].first; k != i; k = zone->records[k].next)
			if (zone->records[k].type == record->type && zone->records[k].ttl < record->ttl)
				record->ttl = zone->records[k].ttl;
			else if (zone->records[k].type == record->type)
				zone->records[k].ttl = record->ttl;
	}
}

/* RFC 6672, sections 2.3 and 3.3. */
static int check_redirect(const struct dns_zone *zone, uint32_t number, struct wn_error *error)
{
	const struct dns_tree_name *name = &zone->names[number];
	const struct dns_record *record = dns_zone_first(zone, number, DNS_TYPE_DNAME);

	if (name->name.size == 1)
		return dns_zone_refuse(zone, record, error, "DNAME at the root");
	if (number && dns_zone_first(zone, number, DNS_TYPE_NS))
		return dns_zone_refuse(zone, record, error, "DNAME at a delegation");
	if (name->parent != DNS_NONE && zone->names[name->parent].wildcard == number)
		return dns_zone_refuse(zone, record, error, "DNAME at a wildcard");
	return 0;
}

static int mark_names(struct dns_zone *zone, struct wn_error *error)
{
	int rc = 0;

	for (uint32_t i = 0; !rc && i < zone->name_count; i++) {
		struct dns_tree_name *name = &zone->names[i];

		if (i && zone->names[name->parent].flags & (DNS_TREE_CUT | DNS_TREE_OCCLUDED | DNS_TREE_REDIRECT))
			name->flags |= DNS_TREE_OCCLUDED;
		else if (i && dns_zone_first(zone, i, DNS_TYPE_NS))
			name->flags |= DNS_TREE_CUT;
		if (!dns_zone_first(zone, i, DNS_TYPE_DNAME))
			continue;
		rc = check_redirect(zone, i, error);
		name->flags |= DNS_TREE_REDIRECT;
	}
	return rc;
}

int dns_zone_index(struct dns_zone *zone, struct wn_error *error)
{
	int rc = find_apex(zone, error);

	for (uint32_t i = 0; !rc && i < zone->record_count; i++)
		rc = place_record(zone, i, error);
	if (rc)
		return rc;
	if (!dns_zone_first(zone, 0, DNS_TYPE_NS))
		return dns_zone_refuse(zone, dns_zone_first(zone, 0, DNS_TYPE_SOA), error, "no NS record at the apex");
	for (uint32_t i = 0; i < zone->name_count; i++)
		level_ttls(zone, i);
	rc = mark_names(zone, error);
	return rc ? rc : dns_chain_make(zone, error);
}
