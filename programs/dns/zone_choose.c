/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the answer to a name and a type holds: RFC 1034, section 4.3.2, done once for every name and
 * type of a zone and not for every query.
 */
#include "zones.h"

#include <string.h>

enum { CHAIN_MAX = 16 };

/* Where an alias leads. */
enum lead { LEADS_TO_NAME, LEADS_TO_CUT, LEADS_TO_REDIRECT, LEADS_NOWHERE, LEADS_OUT };

/* A way along aliases. */
struct walk {
	const struct dns_zone *zone;
	struct dns_message *message;
	int is_signed;
	int is_wildcard;         /* of the answer's base: longer questions get it, too */
	uint32_t number;         /* where it is now; DNS_NONE: at a name that is not there */
	uint32_t encloser;       /* of that one */
	struct dns_wire owner;   /* the name under which the next records stand; size 0: the question's */
	struct dns_proofs proofs;
	uint32_t made_count;
	uint8_t made[CHAIN_MAX][DNS_NAME_BYTES_MAX]; /* names that DNAME has led to */
};

/* The cut or DNAME that a name is below of, or is. */
static uint32_t cover_above(const struct dns_zone *zone, uint32_t number)
{
	while (!(zone->names[number].flags & (DNS_TREE_CUT | DNS_TREE_REDIRECT)) ||
	       (zone->names[number].flags & DNS_TREE_OCCLUDED))
		number = zone->names[number].parent;
	return number;
}

static struct dns_wire data_name(const struct dns_record *record)
{
	return (struct dns_wire){record->rdata, record->rdata_bytes};
}

/* Where the walk's owner leads to within the zone: its number is that of the name, the wildcard, the cut. */
static enum lead find_lead(struct walk *walk)
{
	const struct dns_zone *zone = walk->zone;
	uint32_t found = dns_zone_find(zone, walk->owner, &walk->encloser), above;

	above = found != DNS_NONE ? found : walk->encloser;
	if (above == DNS_NONE || (zone->names[above].flags & DNS_TREE_HIDDEN))
		return LEADS_OUT;
	if ((zone->names[above].flags & DNS_TREE_OCCLUDED) ||
	    (found == DNS_NONE && (zone->names[above].flags & (DNS_TREE_CUT | DNS_TREE_REDIRECT)))) {
		walk->number = cover_above(zone, above);
		return zone->names[walk->number].flags & DNS_TREE_CUT ? LEADS_TO_CUT : LEADS_TO_REDIRECT;
	}
	walk->number = found != DNS_NONE ? found : zone->names[above].wildcard;
	if (found == DNS_NONE)
		dns_prove_name(zone, &walk->proofs, walk->owner, above);
	return walk->number == DNS_NONE ? LEADS_NOWHERE : LEADS_TO_NAME;
}

/*
 * The name that DNAME at the walk's number makes of its owner, which is below that. 0, or -1 where it is
 * too long, or one too many.
 */
static int redirect(struct walk *walk, const struct dns_record *record)
{
	const uint32_t prefix = walk->owner.size - walk->zone->names[walk->number].name.size;
	uint8_t *made = walk->made[walk->made_count];

	if (walk->made_count == CHAIN_MAX || prefix + record->rdata_bytes > DNS_NAME_BYTES_MAX)
		return -1;
	memcpy(made, walk->owner.bytes, prefix);
	memcpy(made + prefix, record->rdata, record->rdata_bytes);
	walk->made_count++;
	walk->owner = (struct dns_wire){made, prefix + record->rdata_bytes};
	return 0;
}

uint32_t dns_chain_end(const struct dns_zone *zone, uint32_t number)
{
	struct walk walk = {.zone = zone, .number = number};

	for (int i = 0; i < CHAIN_MAX; i++) {
		const struct dns_record *alias = dns_zone_first(zone, walk.number, DNS_TYPE_CNAME);
		enum lead lead;

		if (!alias)
			return walk.number;
		walk.owner = data_name(alias);
		lead = find_lead(&walk);
		while (lead == LEADS_TO_REDIRECT) {
			if (redirect(&walk, dns_zone_first(zone, walk.number, DNS_TYPE_DNAME)))
				return DNS_NONE;
			lead = find_lead(&walk);
		}
		if (lead != LEADS_TO_NAME)
			return DNS_NONE;
	}
	return DNS_NONE;
}

/* -- sets -- */

static int covers(const struct dns_record *signature, uint16_t type)
{
	return signature->rdata_bytes > 2 && (signature->rdata[0] << 8 | signature->rdata[1]) == type;
}

/* The set of a type at a name, with its signatures where they are wanted. Returns how many records. */
static uint32_t put_set(const struct dns_zone *zone, struct dns_message *message, enum dns_section section,
			struct dns_wire owner, uint32_t number, uint16_t type, int is_signed)
{
	const struct dns_record *record = dns_zone_first(zone, number, type);
	uint32_t count = 0;

	for (; record; record = dns_zone_next(zone, record), count++)
		dns_message_put(message, section, owner, record, record->ttl);
	if (!is_signed || !count || type == DNS_TYPE_RRSIG)
		return count;
	record = dns_zone_first(zone, number, DNS_TYPE_RRSIG);
	for (; record; record = dns_zone_next(zone, record))
		if (covers(record, type))
			dns_message_put(message, section, owner, record, record->ttl);
	return count;
}

/* The TTL of a denial (RFC 2308, section 5): the lower of the SOA's own and its MINIMUM. */
static uint32_t denial_ttl(const struct dns_record *soa)
{
	const uint8_t *minimum = soa->rdata + soa->rdata_bytes - 4;
	const uint32_t ttl = (uint32_t)minimum[0] << 24 | (uint32_t)minimum[1] << 16 |
			     (uint32_t)minimum[2] << 8 | minimum[3];

	return soa->rdata_bytes >= 20 && ttl < soa->ttl ? ttl : soa->ttl;
}

static void put_denial(const struct dns_zone *zone, struct dns_message *message, int is_signed)
{
	const struct dns_record *soa = dns_zone_first(zone, 0, DNS_TYPE_SOA), *signature;
	const uint32_t ttl = denial_ttl(soa);

	dns_message_put(message, DNS_IN_AUTHORITY, zone->apex, soa, ttl);
	signature = is_signed ? dns_zone_first(zone, 0, DNS_TYPE_RRSIG) : NULL;
	for (; signature; signature = dns_zone_next(zone, signature))
		if (covers(signature, DNS_TYPE_SOA))
			dns_message_put(message, DNS_IN_AUTHORITY, zone->apex, signature, ttl);
}

/* NSEC and NSEC3 records, which are named by their numbers in the chain. */
static void put_proofs(const struct dns_zone *zone, struct dns_message *message, const struct dns_proofs *proofs)
{
	for (uint32_t i = 0; i < proofs->count; i++)
		dns_choose_proof(zone, message, proofs->list[i]);
}

void dns_choose_proof(const struct dns_zone *zone, struct dns_message *message, uint32_t proof)
{
	const struct dns_proof *one = &zone->chain.proofs[proof];
	const uint16_t type = zone->chain.kind == DNS_CHAIN_NSEC ? DNS_TYPE_NSEC : DNS_TYPE_NSEC3;

	for (uint32_t i = one->first; i != DNS_NONE; i = zone->records[i].next) {
		const struct dns_record *record = &zone->records[i];

		if (record->type == type || (record->type == DNS_TYPE_RRSIG && covers(record, type)))
			dns_message_put(message, DNS_IN_AUTHORITY, one->owner, record, record->ttl);
	}
}

/* Whether a record before this one, of the same set, has the same target. */
static int is_repeated(const struct dns_zone *zone, const struct dns_record *record,
		       const struct dns_record *first)
{
	for (; first != record; first = dns_zone_next(zone, first))
		if (dns_wire_equals(dns_record_target(first), dns_record_target(record)))
			return 1;
	return 0;
}

/*
 * Addresses of the names in a set (NS, MX, SRV) that the zone knows. Where the set is a delegation at
 * `cut`, those below it must be there (RFC 9471), and come first.
 */
static void put_addresses(const struct dns_zone *zone, struct dns_message *message, uint32_t number,
			  uint16_t type, uint32_t cut, enum dns_section section, int is_signed)
{
	const struct dns_record *first = dns_zone_first(zone, number, type);

	for (const struct dns_record *record = first; record; record = dns_zone_next(zone, record)) {
		const struct dns_wire target = dns_record_target(record);
		uint32_t found, encloser;
		int must;

		if (!target.size || is_repeated(zone, record, first))
			continue;
		must = cut != DNS_NONE && dns_wire_is_below(target, zone->names[cut].name);
		found = dns_zone_find(zone, target, &encloser);
		if (found == DNS_NONE || must != (section == DNS_IN_GLUE))
			continue;
		put_set(zone, message, section, target, found, DNS_TYPE_A, is_signed);
		put_set(zone, message, section, target, found, DNS_TYPE_AAAA, is_signed);
	}
}

/* What stands at a cut; `proofs` are those of the aliases that led there. */
static void put_referral(const struct dns_zone *zone, struct dns_message *message, uint32_t cut,
			 struct dns_proofs *proofs, int is_signed)
{
	const struct dns_wire owner = zone->names[cut].name;

	if (!message->counts[DNS_IN_ANSWER])
		message->flags &= ~(uint32_t)DNS_ANSWER_AUTHORITATIVE;
	put_set(zone, message, DNS_IN_AUTHORITY, owner, cut, DNS_TYPE_NS, 0);
	if (is_signed && dns_zone_first(zone, cut, DNS_TYPE_DS))
		message->signatures +=
			put_set(zone, message, DNS_IN_AUTHORITY, owner, cut, DNS_TYPE_DS, is_signed);
	else if (is_signed)
		dns_prove_type(zone, proofs, cut);
	if (is_signed)
		put_proofs(zone, message, proofs);
	put_addresses(zone, message, cut, DNS_TYPE_NS, cut, DNS_IN_GLUE, 0);
	put_addresses(zone, message, cut, DNS_TYPE_NS, cut, DNS_IN_EXTRA, 0);
}

/* -- answers -- */

void dns_choose_denial(const struct dns_zone *zone, struct dns_message *message, int is_signed)
{
	dns_message_begin(message, zone->apex, 1);
	put_denial(zone, message, is_signed);
}

void dns_choose_referral(const struct dns_zone *zone, struct dns_message *message, uint32_t cut,
			 int is_signed)
{
	struct dns_proofs proofs = {.count = 0};

	dns_message_begin(message, zone->names[cut].name, 1);
	put_referral(zone, message, cut, &proofs, is_signed);
}

void dns_choose_redirect(const struct dns_zone *zone, struct dns_message *message, uint32_t number,
			 int is_signed)
{
	dns_message_begin(message, zone->names[number].name, 1);
	put_set(zone, message, DNS_IN_ANSWER, zone->names[number].name, number, DNS_TYPE_DNAME, is_signed);
}

static void end_at_cut(struct walk *walk)
{
	/*
	 * What proves that a wildcard had to stand in is put behind this answer, so nothing of the additional
	 * section may be in it, glue neither: the alias alone is an answer, too.
	 */
	if (walk->is_wildcard && walk->is_signed && walk->zone->chain.kind != DNS_CHAIN_NONE)
		return;
	put_referral(walk->zone, walk->message, walk->number, &walk->proofs, walk->is_signed);
}

static void end_denied(struct walk *walk)
{
	put_denial(walk->zone, walk->message, walk->is_signed);
	if (walk->is_signed)
		put_proofs(walk->zone, walk->message, &walk->proofs);
}

/* What stands at the end of the aliases. */
static void end_at_name(struct walk *walk, uint16_t type)
{
	const struct dns_zone *zone = walk->zone;
	const uint32_t number = walk->number;

	if ((zone->names[number].flags & DNS_TREE_CUT) && type != DNS_TYPE_DS) {
		end_at_cut(walk);
	} else if (put_set(zone, walk->message, DNS_IN_ANSWER, walk->owner, number, type, walk->is_signed)) {
		if (walk->is_signed)
			put_proofs(zone, walk->message, &walk->proofs);
		put_addresses(zone, walk->message, number, type, DNS_NONE, DNS_IN_EXTRA, walk->is_signed);
	} else {
		dns_prove_type(zone, &walk->proofs, number);
		/* A wildcard that stands in, and has not the type: nothing closer is there, either. */
		if (walk->encloser != DNS_NONE)
			dns_prove_encloser(zone, &walk->proofs, walk->encloser, 0);
		end_denied(walk);
	}
}

/* The end of aliases at no name of the zone. */
static void end_elsewhere(struct walk *walk, enum lead lead)
{
	if (lead == LEADS_TO_CUT) {
		end_at_cut(walk);
	} else if (lead == LEADS_NOWHERE) { /* RFC 6604: the code is that of the last name */
		walk->message->flags |= DNS_ANSWER_NXDOMAIN;
		dns_prove_encloser(walk->zone, &walk->proofs, walk->encloser, 1);
		end_denied(walk);
	} else if (walk->is_signed) {
		put_proofs(walk->zone, walk->message, &walk->proofs);
	}
}

/* DNAME at the walk's number and the alias that it makes. 0, or -1 where the walk ends there. */
static int follow_redirect(struct walk *walk)
{
	const struct dns_record *record = dns_zone_first(walk->zone, walk->number, DNS_TYPE_DNAME);
	const struct dns_wire from = walk->owner;
	struct dns_record alias = {.type = DNS_TYPE_CNAME, .ttl = record->ttl};

	put_set(walk->zone, walk->message, DNS_IN_ANSWER, walk->zone->names[walk->number].name, walk->number,
		DNS_TYPE_DNAME, walk->is_signed);
	if (redirect(walk, record)) {
		if (walk->made_count < CHAIN_MAX)
			walk->message->flags |= DNS_ANSWER_YXDOMAIN;
		return -1;
	}
	alias.rdata = walk->owner.bytes;
	alias.rdata_bytes = (uint16_t)walk->owner.size;
	dns_message_put(walk->message, DNS_IN_ANSWER, from, &alias, alias.ttl);
	return 0;
}

/* The alias at the walk's number, and where it leads, through DNAMEs. */
static enum lead follow(struct walk *walk, const struct dns_record *alias)
{
	enum lead lead;

	put_set(walk->zone, walk->message, DNS_IN_ANSWER, walk->owner, walk->number, DNS_TYPE_CNAME,
		walk->is_signed);
	walk->owner = data_name(alias);
	lead = find_lead(walk);
	while (lead == LEADS_TO_REDIRECT)
		lead = follow_redirect(walk) ? LEADS_OUT : find_lead(walk);
	return lead;
}

void dns_choose_answer(const struct dns_zone *zone, struct dns_message *message, uint32_t number,
		       uint16_t type, int is_signed)
{
	const struct dns_tree_name *name = &zone->names[number];
	const int is_wildcard = name->parent != DNS_NONE && zone->names[name->parent].wildcard == number;
	struct walk walk = {.zone = zone, .message = message, .is_signed = is_signed, .is_wildcard = is_wildcard,
			    .number = number, .encloser = DNS_NONE};
	uint32_t visited[CHAIN_MAX];

	dns_message_begin(message, is_wildcard ? zone->names[name->parent].name : name->name, is_wildcard);
	for (int i = 0; i < CHAIN_MAX; i++) {
		const struct dns_record *alias = dns_zone_first(zone, walk.number, DNS_TYPE_CNAME);
		enum lead lead;

		if (!alias || type == DNS_TYPE_CNAME || dns_zone_first(zone, walk.number, type)) {
			end_at_name(&walk, type);
			return;
		}
		visited[i] = walk.number;
		lead = follow(&walk, alias);
		for (int k = 0; lead == LEADS_TO_NAME && k <= i; k++)
			if (visited[k] == walk.number)
				lead = LEADS_OUT; /* a loop: each alias once */
		if (lead != LEADS_TO_NAME) {
			end_elsewhere(&walk, lead);
			return;
		}
	}
}
