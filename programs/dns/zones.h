/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host half of dns: zone files in, a blob (zone.h) out.
 *
 *   zone_load.c      a file, read by ldns, into records
 *   zone_tree.c      records into a tree of names; what a zone may not hold is refused here
 *   zone_message.c   one answer in the making: records with name compression
 *   zone_choose.c    what is in the answer to a name and a type
 *   zone_build.c     the answers of every name, and the blob
 *   zones.c          the loader: all of it
 *
 * One thread; nothing is kept between two builds.
 */
#ifndef WN_DNS_ZONES_H
#define WN_DNS_ZONES_H

#include <stddef.h>
#include <stdint.h>

#include "data/loader.h"
#include "zone.h"

#define DNS_NONE UINT32_MAX

/* Flags of a name in a tree. */
enum {
	DNS_TREE_CUT = 1,        /* has NS and is not the apex */
	DNS_TREE_OCCLUDED = 2,   /* below a cut: glue, or nothing */
	DNS_TREE_HIDDEN = 4,     /* at or below the apex of another zone that is served */
	DNS_TREE_TOP = 8         /* of those, the apex's own name */
};

enum { DNS_RECORDS_AT_NAME_MAX = 4096 };

/* A name in wire format, lower case where it is an owner's. */
struct dns_wire {
	const uint8_t *bytes;
	uint32_t size;
};

struct dns_record {
	const uint8_t *owner;    /* lower case; as it was written where it is an rdata's */
	const uint8_t *rdata;    /* not compressed */
	uint32_t next;           /* at the same name, in the order of the file; DNS_NONE */
	uint32_t ttl;
	uint32_t line;
	uint16_t type;
	uint16_t rdata_bytes;
};

struct dns_tree_name {
	struct dns_wire name;
	uint64_t hash;
	uint32_t parent;         /* DNS_NONE at the apex */
	uint32_t first, last;    /* of its records; DNS_NONE for an empty non-terminal */
	uint32_t record_count;
	uint32_t wildcard;       /* its child "*", or DNS_NONE */
	uint32_t labels;
	uint32_t flags;
	uint32_t index;          /* of its node in the blob; 0: has none */
};

struct dns_chunk;

struct dns_zone {
	const char *path;
	struct dns_chunk *chunks; /* memory of names and rdata */
	struct dns_record *records;
	size_t record_count, record_room;
	struct dns_tree_name *names; /* parents before their children; the apex is the first */
	size_t name_count, name_room;
	uint32_t *slots;         /* of the names by hash: number plus 1 */
	size_t slot_count;
	struct dns_wire apex;
	uint32_t is_signed;      /* holds an RRSIG */
	uint32_t negative;       /* index of the denial in the blob */
};

/* -- zone_load.c -- */

/*
 * Reads a file into the zone's records. `origin` is what names are relative to until $ORIGIN says so,
 * NULL where none is known. 0 or -errno, with file and line. The zone is to be zeroed, and finished
 * also after a failure.
 */
int dns_zone_load(struct dns_zone *zone, const char *path, const char *origin, struct wn_error *error);

/* -- zone_tree.c -- */

/* Adds a record; all bytes are copied, the owner's made lower case. 0 or -ENOMEM. */
int dns_zone_add(struct dns_zone *zone, const uint8_t *owner, uint16_t type, uint32_t ttl,
		 const uint8_t *rdata, uint16_t rdata_bytes, uint32_t line);

/* Makes the tree and checks it. 0 or -errno, with file and line. */
int dns_zone_index(struct dns_zone *zone, struct wn_error *error);

/*
 * The number of a name, or DNS_NONE; then *encloser is that of the longest name above it, or DNS_NONE
 * where it is not in the zone.
 */
uint32_t dns_zone_find(const struct dns_zone *zone, struct dns_wire name, uint32_t *encloser);

/* First record of a type at a name, and the next one; NULL at the end. */
const struct dns_record *dns_zone_first(const struct dns_zone *zone, uint32_t name, uint16_t type);
const struct dns_record *dns_zone_next(const struct dns_zone *zone, const struct dns_record *record);

void dns_zone_finish(struct dns_zone *zone);

/* Names in wire format: length with the root's byte, hash as in zone.h, equality but for case. */
uint32_t dns_wire_size(const uint8_t *name);
uint64_t dns_wire_hash(const uint8_t *name);
int dns_wire_equals(struct dns_wire a, struct dns_wire b);

/* As text, for messages; returns `text`. */
const char *dns_wire_text(const uint8_t *name, char *text, size_t bytes);

/* -- zone_message.c -- */

enum { DNS_SUFFIXES_MAX = 256 };

/* Sections in the order of the bytes. */
enum dns_section { DNS_IN_ANSWER, DNS_IN_AUTHORITY, DNS_IN_GLUE, DNS_IN_EXTRA, DNS_SECTIONS };

struct dns_message {
	uint32_t used, body_bytes;
	uint32_t counts[DNS_SECTIONS];
	uint32_t flags;              /* of the answer */
	uint32_t signatures;         /* RRSIGs that are in it, and what else only DO asks for */
	uint32_t base_bytes;
	int moves;                   /* it serves longer questions, too: keep fix-ups */
	uint32_t fixup_count, suffix_count;
	uint16_t fixups[DNS_FIXUPS_MAX];
	struct {
		struct dns_wire name;
		uint32_t offset;         /* in the message */
	} suffixes[DNS_SUFFIXES_MAX];
	uint8_t bytes[DNS_BODY_BYTES_MAX];
};

/* Begins an answer to `base`; `moves` where longer questions that end in it get the same one. */
void dns_message_begin(struct dns_message *message, struct dns_wire base, int moves);

/*
 * Appends a record. owner.size 0: the question's name. Sections come in their order. What does not fit
 * sets DNS_ANSWER_TOO_LONG, or, in DNS_IN_EXTRA, is left out.
 */
void dns_message_put(struct dns_message *message, enum dns_section section, struct dns_wire owner,
		     const struct dns_record *record, uint32_t ttl);

/* The name in a record's data at which additional records are looked for (NS, MX, SRV); size 0: none. */
struct dns_wire dns_record_target(const struct dns_record *record);

/* -- zone_choose.c -- */

/* The denial of a zone: its SOA. Serves every name in it. */
void dns_choose_denial(const struct dns_zone *zone, struct dns_message *message, int is_signed);

/* The referral at a cut, for all names at and below it. */
void dns_choose_referral(const struct dns_zone *zone, struct dns_message *message, uint32_t cut,
			 int is_signed);

/*
 * The answer to a type at a name that has it or is an alias, or, at an alias, to all other types
 * (DNS_TYPE_OTHER): aliases are followed within the zone. That of a wildcard serves every name below its
 * parent.
 */
void dns_choose_answer(const struct dns_zone *zone, struct dns_message *message, uint32_t number,
		       uint16_t type, int is_signed);

/* The name that the aliases from `number` on end at, or DNS_NONE where that is none of the zone. */
uint32_t dns_chain_end(const struct dns_zone *zone, uint32_t number);

/* -- zone_build.c -- */

/* Lays out the blob of all zones, which have been indexed. 0 or -errno. */
int dns_build(struct wn_blob *blob, struct dns_zone *zones, uint32_t count, struct wn_error *error);

#endif
