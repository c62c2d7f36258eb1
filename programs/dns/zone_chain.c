/* SPDX-License-Identifier: Apache-2.0 */
#include "zones.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Offsets in the data of NSEC3 and NSEC3PARAM (RFC 5155, sections 3.2 and 4.2); the salt is the last. */
enum { AT_ALGORITHM = 0, AT_FLAGS = 1, AT_ITERATIONS = 2, AT_SALT_BYTES = 4, AT_SALT = 5 };

enum { ALGORITHM_SHA1 = 1, HASH_CHARACTERS = 32 };

static int covers(const struct dns_record *signature, uint16_t type)
{
	return signature->rdata_bytes > 2 && (signature->rdata[0] << 8 | signature->rdata[1]) == type;
}

int dns_chain_owns(const struct dns_record *record)
{
	return record->type == DNS_TYPE_NSEC3 ||
	       (record->type == DNS_TYPE_RRSIG && covers(record, DNS_TYPE_NSEC3));
}

/* The first label, in the alphabet of base32hex (RFC 4648, section 7). 0, or -1 where it is no hash. */
static int read_hash(const uint8_t *owner, uint8_t *hash)
{
	uint32_t bits = 0, held = 0, used = 0;

	if (owner[0] != HASH_CHARACTERS)
		return -1;
	for (uint32_t i = 1; i <= HASH_CHARACTERS; i++) {
		const uint8_t letter = (uint8_t)dns_fold(owner[i]);

		if (letter >= '0' && letter <= '9')
			bits = bits << 5 | (letter - '0');
		else if (letter >= 'a' && letter <= 'v')
			bits = bits << 5 | (letter - 'a' + 10);
		else
			return -1;
		held += 5;
		if (held >= 8) {
			held -= 8;
			hash[used++] = (uint8_t)(bits >> held);
		}
	}
	return 0;
}

static int out_of_memory(const struct dns_zone *zone, struct wn_error *error)
{
	return wn_fail(error, ENOMEM, WN_FAILED, "zone %s: out of memory", zone->path);
}

int dns_chain_add(struct dns_zone *zone, uint32_t number, struct wn_error *error)
{
	const struct dns_record *record = &zone->records[number];
	struct dns_chain *chain = &zone->chain;
	struct dns_proof proof = {
		.owner = {record->owner, dns_wire_size(record->owner)},
		.first = number,
		.last = number,
	};

	if (read_hash(record->owner, proof.hash))
		return dns_zone_refuse(zone, record, error, "NSEC3 at a name that is no hash");
	if (record->type == DNS_TYPE_RRSIG) {
		if (dns_grow(&chain->signatures, chain->signature_count, &chain->signature_room,
			     sizeof(*chain->signatures)))
			return out_of_memory(zone, error);
		chain->signatures[chain->signature_count++] = number;
		return 0;
	}
	if (record->rdata_bytes < AT_SALT || record->rdata_bytes < AT_SALT + record->rdata[AT_SALT_BYTES])
		return dns_zone_refuse(zone, record, error, "NSEC3 without its salt");
	if (dns_grow(&chain->proofs, chain->count, &chain->room, sizeof(*chain->proofs)))
		return out_of_memory(zone, error);
	chain->proofs[chain->count++] = proof;
	return 0;
}

void dns_chain_finish(struct dns_zone *zone)
{
	free(zone->chain.proofs);
	free(zone->chain.signatures);
	memset(&zone->chain, 0, sizeof(zone->chain));
}

/* -- NSEC3 -- */

/* Whether two records have been made with the same algorithm, iterations and salt. */
static int is_same_hash(const uint8_t *a, const uint8_t *b)
{
	return a[AT_ALGORITHM] == b[AT_ALGORITHM] &&
	       !memcmp(a + AT_ITERATIONS, b + AT_ITERATIONS, AT_SALT - AT_ITERATIONS + b[AT_SALT_BYTES]);
}

static uint32_t iterations_of(const uint8_t *param)
{
	return (uint32_t)param[AT_ITERATIONS] << 8 | param[AT_ITERATIONS + 1];
}

/* SHA-1 of up to 510 bytes. */
static void hash_bytes(const uint8_t *bytes, uint32_t count, uint8_t *hash)
{
	const uint32_t blocks = (count + 9 + DNS_SHA1_BLOCK_BYTES - 1) / DNS_SHA1_BLOCK_BYTES;
	uint8_t padded[9 * DNS_SHA1_BLOCK_BYTES] = {0};
	struct dns_sha1 sum, copy;
	uint32_t words[16];

	memcpy(padded, bytes, count);
	padded[count] = 0x80;
	padded[blocks * DNS_SHA1_BLOCK_BYTES - 2] = (uint8_t)(8 * count >> 8);
	padded[blocks * DNS_SHA1_BLOCK_BYTES - 1] = (uint8_t)(8 * count);
	dns_sha1_begin(&sum);
	for (uint32_t block = 0; block < blocks; block++) {
		const uint8_t *from = padded + block * DNS_SHA1_BLOCK_BYTES;

		for (uint32_t i = 0; i < 16; i++, from += 4)
			words[i] = (uint32_t)from[0] << 24 | (uint32_t)from[1] << 16 | (uint32_t)from[2] << 8 | from[3];
		copy = sum;
		for (uint32_t i = 0; i < DNS_SHA1_ROUNDS; i++)
			dns_sha1_step(&copy, words, i);
		dns_sha1_add(&sum, &copy);
	}
	for (uint32_t i = 0; i < DNS_SHA1_BYTES; i++)
		hash[i] = (uint8_t)(dns_sha1_word(&sum, i / 4) >> 8 * (3 - i % 4));
}

/* The hash of a name (RFC 5155, section 5). It may be one byte label longer than a name can be. */
static void hash_name(const struct dns_chain *chain, struct dns_wire name, uint8_t *hash)
{
	const uint32_t salt_bytes = chain->param[AT_SALT_BYTES];
	uint8_t bytes[2 * DNS_NAME_BYTES_MAX + 2];
	uint32_t used = name.size;

	for (uint32_t i = 0; i < name.size; i++)
		bytes[i] = (uint8_t)dns_fold(name.bytes[i]);
	for (uint32_t i = 0; i <= iterations_of(chain->param); i++) {
		memcpy(bytes + used, chain->param + AT_SALT, salt_bytes);
		hash_bytes(bytes, used + salt_bytes, hash);
		memcpy(bytes, hash, DNS_SHA1_BYTES);
		used = DNS_SHA1_BYTES;
	}
}

/* How many proofs stand before a hash or at it. */
static uint32_t count_hashes(const struct dns_chain *chain, const uint8_t *hash)
{
	uint32_t low = 0, high = (uint32_t)chain->count;

	while (low < high) {
		const uint32_t middle = low + (high - low) / 2;

		if (memcmp(chain->proofs[middle].hash, hash, DNS_SHA1_BYTES) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int by_hash(const void *a, const void *b)
{
	const struct dns_proof *left = a, *right = b;

	return memcmp(left->hash, right->hash, DNS_SHA1_BYTES);
}

/* The number of the proof with this hash, or DNS_NONE. */
static uint32_t find_hash(const struct dns_chain *chain, const uint8_t *hash)
{
	const uint32_t count = count_hashes(chain, hash);

	return count && !memcmp(chain->proofs[count - 1].hash, hash, DNS_SHA1_BYTES) ? count - 1 : DNS_NONE;
}

/* Signatures go to the record that they sign, where it is one of the chain's. */
static void place_signatures(struct dns_zone *zone)
{
	for (size_t i = 0; i < zone->chain.signature_count; i++) {
		const uint32_t number = zone->chain.signatures[i];
		uint8_t hash[DNS_SHA1_BYTES];
		uint32_t proof;

		read_hash(zone->records[number].owner, hash);
		proof = find_hash(&zone->chain, hash);
		if (proof == DNS_NONE)
			continue;
		zone->records[zone->chain.proofs[proof].last].next = number;
		zone->chain.proofs[proof].last = number;
	}
}

/* Keeps the records that the apex names; there may be others, of a chain in the making. */
static int make_hashed(struct dns_zone *zone, const struct dns_record *param, struct wn_error *error)
{
	struct dns_chain *chain = &zone->chain;
	size_t kept = 0;

	if (param->rdata_bytes < AT_SALT || param->rdata_bytes < AT_SALT + param->rdata[AT_SALT_BYTES])
		return dns_zone_refuse(zone, param, error, "NSEC3PARAM without its salt");
	if (iterations_of(param->rdata) > DNS_ITERATIONS_MAX)
		return dns_zone_refuse(zone, param, error,
				       "NSEC3 with more than 150 iterations: there should be none (RFC 9276)");
	chain->param = param->rdata;
	for (size_t i = 0; i < chain->count; i++)
		if (is_same_hash(zone->records[chain->proofs[i].first].rdata, chain->param))
			chain->proofs[kept++] = chain->proofs[i];
	chain->count = kept;
	if (!kept)
		return 0;
	qsort(chain->proofs, kept, sizeof(*chain->proofs), by_hash);
	chain->kind = DNS_CHAIN_NSEC3;
	place_signatures(zone);
	return 0;
}

/* -- NSEC -- */

static int by_name(const void *a, const void *b)
{
	const struct dns_proof *left = a, *right = b;

	return dns_wire_compare(left->owner, right->owner);
}

static int make_named(struct dns_zone *zone, struct wn_error *error)
{
	struct dns_chain *chain = &zone->chain;

	chain->count = 0;
	for (uint32_t i = 0; i < zone->name_count; i++) {
		const struct dns_tree_name *name = &zone->names[i];

		if ((name->flags & DNS_TREE_OCCLUDED) || !dns_zone_first(zone, i, DNS_TYPE_NSEC))
			continue;
		if (dns_grow(&chain->proofs, chain->count, &chain->room, sizeof(*chain->proofs)))
			return out_of_memory(zone, error);
		chain->proofs[chain->count++] = (struct dns_proof){.owner = name->name, .first = name->first};
	}
	qsort(chain->proofs, chain->count, sizeof(*chain->proofs), by_name);
	chain->kind = DNS_CHAIN_NSEC;
	return 0;
}

int dns_chain_make(struct dns_zone *zone, struct wn_error *error)
{
	const struct dns_record *param = dns_zone_first(zone, 0, DNS_TYPE_NSEC3PARAM);
	int rc = 0;

	/* One with flags is being made or taken away (RFC 5155, section 4.1.2). */
	while (param && (param->rdata_bytes < AT_SALT || param->rdata[AT_FLAGS] ||
			 param->rdata[AT_ALGORITHM] != ALGORITHM_SHA1))
		param = dns_zone_next(zone, param);
	if (param && zone->chain.count)
		rc = make_hashed(zone, param, error);
	if (!rc && zone->chain.kind == DNS_CHAIN_NONE && dns_zone_first(zone, 0, DNS_TYPE_NSEC))
		rc = make_named(zone, error);
	return rc;
}

/* How many proofs stand before a name, or before it or at it. */
static uint32_t count_names(const struct dns_chain *chain, struct dns_wire name, int at_too)
{
	uint32_t low = 0, high = (uint32_t)chain->count;

	while (low < high) {
		const uint32_t middle = low + (high - low) / 2;

		if (dns_wire_compare(chain->proofs[middle].owner, name) < at_too)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static uint32_t last_of(const struct dns_chain *chain, uint32_t count)
{
	return (count ? count : (uint32_t)chain->count) - 1;
}

uint32_t dns_chain_before(const struct dns_zone *zone, struct dns_wire name)
{
	return last_of(&zone->chain, count_names(&zone->chain, name, 0));
}

/* Names below one stand together, right behind it. */
uint32_t dns_chain_last(const struct dns_zone *zone, struct dns_wire name)
{
	const struct dns_chain *chain = &zone->chain;
	uint32_t low = count_names(chain, name, 1), high = (uint32_t)chain->count;

	while (low < high) {
		const uint32_t middle = low + (high - low) / 2;

		if (dns_wire_is_below(chain->proofs[middle].owner, name))
			low = middle + 1;
		else
			high = middle;
	}
	return last_of(chain, low);
}

/* -- what proves what -- */

uint32_t dns_chain_over(const struct dns_zone *zone, struct dns_wire name)
{
	const struct dns_chain *chain = &zone->chain;
	uint8_t hash[DNS_SHA1_BYTES];

	if (chain->kind == DNS_CHAIN_NSEC)
		return last_of(chain, count_names(chain, name, 1));
	hash_name(chain, name, hash);
	return last_of(chain, count_hashes(chain, hash));
}

uint32_t dns_chain_at(const struct dns_zone *zone, struct dns_wire name)
{
	uint8_t hash[DNS_SHA1_BYTES];

	hash_name(&zone->chain, name, hash);
	return find_hash(&zone->chain, hash);
}

uint32_t dns_chain_provable(const struct dns_zone *zone, uint32_t number)
{
	if (zone->chain.kind == DNS_CHAIN_NSEC3)
		while (number && dns_chain_at(zone, zone->names[number].name) == DNS_NONE)
			number = zone->names[number].parent;
	return number;
}

static void add_proof(struct dns_proofs *proofs, uint32_t number)
{
	if (number == DNS_NONE || proofs->count == DNS_PROOFS_MAX)
		return;
	for (uint32_t i = 0; i < proofs->count; i++)
		if (proofs->list[i] == number)
			return;
	proofs->list[proofs->count++] = number;
}

void dns_prove_name(const struct dns_zone *zone, struct dns_proofs *proofs, struct dns_wire name,
		    uint32_t encloser)
{
	if (zone->chain.kind == DNS_CHAIN_NSEC3) {
		encloser = dns_chain_provable(zone, encloser);
		name = dns_wire_last(name, zone->names[encloser].labels + 1);
	}
	if (zone->chain.kind != DNS_CHAIN_NONE)
		add_proof(proofs, dns_chain_over(zone, name));
}

void dns_prove_encloser(const struct dns_zone *zone, struct dns_proofs *proofs, uint32_t encloser,
			int no_wildcard)
{
	uint8_t wildcard[DNS_NAME_BYTES_MAX + 2] = {1, '*'};
	const struct dns_tree_name *name;

	if (zone->chain.kind == DNS_CHAIN_NONE)
		return;
	name = &zone->names[dns_chain_provable(zone, encloser)];
	if (zone->chain.kind == DNS_CHAIN_NSEC3)
		add_proof(proofs, dns_chain_at(zone, name->name));
	memcpy(wildcard + 2, name->name.bytes, name->name.size);
	if (no_wildcard)
		add_proof(proofs, dns_chain_over(zone, (struct dns_wire){wildcard, name->name.size + 2}));
}

void dns_prove_type(const struct dns_zone *zone, struct dns_proofs *proofs, uint32_t number)
{
	const struct dns_wire name = zone->names[number].name;
	uint32_t at;

	if (zone->chain.kind == DNS_CHAIN_NONE)
		return;
	at = zone->chain.kind == DNS_CHAIN_NSEC ? dns_chain_over(zone, name) : dns_chain_at(zone, name);
	add_proof(proofs, at);
	if (at != DNS_NONE)
		return;
	/* Opt-out: no NSEC3 stands here, but one over it (RFC 5155, sections 7.2.4 and 7.2.7). */
	dns_prove_encloser(zone, proofs, number, 0);
	dns_prove_name(zone, proofs, name, number);
}
