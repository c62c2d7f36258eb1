/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host half of dns: zone files in, a blob (zone.h) out.
 *
 *   zone_load.c      a file, read by ldns, into records
 *   zone_names.c     names in wire format
 *   zone_tree.c      records into a tree of names; what a zone may not hold is refused here
 *   zone_chain.c     its NSEC or NSEC3 records, in order, and which of them prove what
 *   zone_message.c   one answer in the making: records with name compression
 *   zone_choose.c    what is in the answer to a name and a type
 *   zone_blob.c      the blob while it grows: words and answers
 *   zone_prove.c     proofs in the blob
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
#include "sha1.h"
#include "zone.h"

#define DNS_NONE UINT32_MAX

/* Flags of a name in a tree. */
enum {
	DNS_TREE_CUT = 1,        /* has NS and is not the apex */
	DNS_TREE_OCCLUDED = 2,   /* below a cut: glue, or nothing */
	DNS_TREE_HIDDEN = 4,     /* at or below the apex of another zone that is served */
	DNS_TREE_TOP = 8,        /* of those, the apex's own name */
	DNS_TREE_REDIRECT = 16   /* has DNAME: what is below it is occluded, too */
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

/* An NSEC or NSEC3. */
struct dns_proof {
	struct dns_wire owner;
	uint32_t first;          /* record at its name: it and its signatures are among those from here on */
	uint32_t last;           /* NSEC3 */
	uint32_t piece;          /* index in the blob, once it is there */
	uint8_t hash[DNS_SHA1_BYTES]; /* NSEC3 */
};

/* The proofs of a zone in order: of their names, or of their hashes. */
struct dns_chain {
	enum { DNS_CHAIN_NONE, DNS_CHAIN_NSEC, DNS_CHAIN_NSEC3 } kind;
	struct dns_proof *proofs;
	size_t count, room;
	const uint8_t *param;    /* NSEC3: algorithm, flags, iterations, salt, as on the wire */
	uint32_t index;          /* NSEC3: of the chain in the blob */
	uint32_t *signatures;    /* NSEC3: records that wait for the chain */
	size_t signature_count, signature_room;
};

struct dns_chunk;

/* A file that records came from: those from `first` on, up to the next source's. */
struct dns_source {
	const char *path;
	size_t first;
};

struct dns_zone {
	const char *path;
	struct dns_source *sources;
	size_t source_count, source_room;
	struct dns_chunk *chunks; /* memory of names and rdata */
	struct dns_record *records;
	size_t record_count, record_room;
	struct dns_tree_name *names; /* parents before their children; the apex is the first */
	size_t name_count, name_room;
	uint32_t *slots;         /* of the names by hash: number plus 1 */
	size_t slot_count;
	struct dns_wire apex;
	uint32_t is_signed;      /* holds an RRSIG */
	struct dns_chain chain;
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

/*
 * What is added from here on comes from this file. Returns the zone's own copy of the path, or NULL when
 * out of memory.
 */
const char *dns_zone_source(struct dns_zone *zone, const char *path);

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

/* Refuses the zone for one of its records: with file, line and owner. -EINVAL. */
int dns_zone_refuse(const struct dns_zone *zone, const struct dns_record *record, struct wn_error *error,
		    const char *why);

/* Makes room for one more in a list that doubles: `list` points to its pointer. 0 or -ENOMEM. */
int dns_grow(void *list, size_t count, size_t *room, size_t size);

/* -- zone_names.c: names in wire format -- */

/* Length with the root's byte, labels without it, hash as in zone.h, equality but for case. */
uint32_t dns_wire_size(const uint8_t *name);
uint32_t dns_wire_labels(const uint8_t *name);
uint64_t dns_wire_hash(const uint8_t *name);
int dns_wire_equals(struct dns_wire a, struct dns_wire b);

/* The name without its first label, the last `labels` of it, whether it is `above` or below that. */
struct dns_wire dns_wire_parent(struct dns_wire name);
struct dns_wire dns_wire_last(struct dns_wire name, uint32_t labels);
int dns_wire_is_below(struct dns_wire name, struct dns_wire above);

/* Canonical order (RFC 4034, section 6.1), of names and of their first labels alone: as qsort has it. */
int dns_wire_compare(struct dns_wire a, struct dns_wire b);
int dns_wire_compare_first(struct dns_wire a, struct dns_wire b);

/* As text, for messages; returns `text`. */
const char *dns_wire_text(const uint8_t *name, char *text, size_t bytes);

/* -- zone_chain.c -- */

enum { DNS_PROOFS_MAX = 16 };

/* A list of proofs, by their numbers in the chain, each once. */
struct dns_proofs {
	uint32_t list[DNS_PROOFS_MAX];
	uint32_t count;
};

/* Whether a record is one of NSEC3's: these are no names of the zone (RFC 5155, section 7.2.8). */
int dns_chain_owns(const struct dns_record *record);

/* Takes such a record, and, when all are there, makes the chain of the zone. 0 or -errno. */
int dns_chain_add(struct dns_zone *zone, uint32_t record, struct wn_error *error);
int dns_chain_make(struct dns_zone *zone, struct wn_error *error);
void dns_chain_finish(struct dns_zone *zone);

/*
 * The number of the NSEC that stands before a name or at it (DNS_CHAIN_NSEC), or of the NSEC3 that
 * stands before its hash or at it.
 */
uint32_t dns_chain_over(const struct dns_zone *zone, struct dns_wire name);

/* NSEC: the last one that stands before a name, and the last one at or below it. */
uint32_t dns_chain_before(const struct dns_zone *zone, struct dns_wire name);
uint32_t dns_chain_last(const struct dns_zone *zone, struct dns_wire name);

/* NSEC3: the number of the one that stands at a name, or DNS_NONE. */
uint32_t dns_chain_at(const struct dns_zone *zone, struct dns_wire name);

/* The name itself or the longest one above it that has an NSEC3; with NSEC the name itself. */
uint32_t dns_chain_provable(const struct dns_zone *zone, uint32_t number);

/* Adds what proves that a name has not the type; it is there, also if it is no more than a part of others. */
void dns_prove_type(const struct dns_zone *zone, struct dns_proofs *proofs, uint32_t number);

/* Adds what proves that a name is not there. `encloser` is its closest encloser. */
void dns_prove_name(const struct dns_zone *zone, struct dns_proofs *proofs, struct dns_wire name,
		    uint32_t encloser);

/* Adds what proves that `encloser` is there, and, with no_wildcard, that it has no wildcard. */
void dns_prove_encloser(const struct dns_zone *zone, struct dns_proofs *proofs, uint32_t encloser,
			int no_wildcard);

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
		int is_inside;           /* in the answer; else in the question */
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

/* The answer to all names below DNAME, up to the alias that is made for each of them. */
void dns_choose_redirect(const struct dns_zone *zone, struct dns_message *message, uint32_t number,
			 int is_signed);

/* Puts one proof of the chain, by its number, and its signatures into the authority section. */
void dns_choose_proof(const struct dns_zone *zone, struct dns_message *message, uint32_t proof);

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
