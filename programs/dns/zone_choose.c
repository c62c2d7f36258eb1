/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the answer to a name and a type holds: RFC 1034, section 4.3.2, done once for every name and
 * type of a zone and not for every query.
 */
#include "zones.h"

#include <string.h>

enum { CHAIN_MAX = 16 };

/* Where a CNAME leads. */
enum lead { LEADS_TO_NAME, LEADS_TO_CUT, LEADS_NOWHERE, LEADS_OUT };

static uint32_t cut_above(const struct dns_zone *zone, uint32_t number)
{
	while (!(zone->names[number].flags & DNS_TREE_CUT))
		number = zone->names[number].parent;
	return number;
}

static struct dns_wire data_name(const struct dns_record *record)
{
	return (struct dns_wire){record->rdata, record->rdata_bytes};
}

/* Where a name leads to within the zone; *number is that of the name, the wildcard or the cut. */
static enum lead lead_of(const struct dns_zone *zone, struct dns_wire name, uint32_t *number)
{
	uint32_t encloser, found = dns_zone_find(zone, name, &encloser), above;

	above = found != DNS_NONE ? found : encloser;
	if (above == DNS_NONE || (zone->names[above].flags & DNS_TREE_HIDDEN))
		return LEADS_OUT;
	if ((zone->names[above].flags & DNS_TREE_OCCLUDED) ||
	    (found == DNS_NONE && (zone->names[above].flags & DNS_TREE_CUT))) {
		*number = cut_above(zone, above);
		return LEADS_TO_CUT;
	}
	*number = found != DNS_NONE ? found : zone->names[above].wildcard;
	return *number == DNS_NONE ? LEADS_NOWHERE : LEADS_TO_NAME;
}

uint32_t dns_chain_end(const struct dns_zone *zone, uint32_t number)
{
	for (int i = 0; i < CHAIN_MAX; i++) {
		const struct dns_record *alias = dns_zone_first(zone, number, DNS_TYPE_CNAME);

		if (!alias)
			return number;
		if (lead_of(zone, data_name(alias), &number) != LEADS_TO_NAME)
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

/* Whether a record before this one, of the same set, has the same target. */
static int is_repeated(const struct dns_zone *zone, const struct dns_record *record,
		       const struct dns_record *first)
{
	for (; first != record; first = dns_zone_next(zone, first))
		if (dns_wire_equals(dns_record_target(first), dns_record_target(record)))
			return 1;
	return 0;
}

static int ends_in(struct dns_wire name, struct dns_wire end)
{
	while (name.size > end.size) {
		const uint32_t label = 1u + name.bytes[0];

		name = (struct dns_wire){name.bytes + label, name.size - label};
	}
	return dns_wire_equals(name, end);
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
		must = cut != DNS_NONE && ends_in(target, zone->names[cut].name);
		found = dns_zone_find(zone, target, &encloser);
		if (found == DNS_NONE || must != (section == DNS_IN_GLUE))
			continue;
		put_set(zone, message, section, target, found, DNS_TYPE_A, is_signed);
		put_set(zone, message, section, target, found, DNS_TYPE_AAAA, is_signed);
	}
}

static void put_referral(const struct dns_zone *zone, struct dns_message *message, uint32_t cut,
			 int is_signed)
{
	const struct dns_wire owner = zone->names[cut].name;

	if (!message->counts[DNS_IN_ANSWER])
		message->flags &= ~(uint32_t)DNS_ANSWER_AUTHORITATIVE;
	put_set(zone, message, DNS_IN_AUTHORITY, owner, cut, DNS_TYPE_NS, 0);
	if (is_signed)
		message->signatures +=
			put_set(zone, message, DNS_IN_AUTHORITY, owner, cut, DNS_TYPE_DS, is_signed);
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
	dns_message_begin(message, zone->names[cut].name, 1);
	put_referral(zone, message, cut, is_signed);
}

/* What stands at one name, which is not an alias for this type. */
static void put_end(const struct dns_zone *zone, struct dns_message *message, struct dns_wire owner,
		    uint32_t number, uint16_t type, int is_signed)
{
	if ((zone->names[number].flags & DNS_TREE_CUT) && type != DNS_TYPE_DS)
		put_referral(zone, message, number, is_signed);
	else if (put_set(zone, message, DNS_IN_ANSWER, owner, number, type, is_signed))
		put_addresses(zone, message, number, type, DNS_NONE, DNS_IN_EXTRA, is_signed);
	else
		put_denial(zone, message, is_signed);
}

void dns_choose_answer(const struct dns_zone *zone, struct dns_message *message, uint32_t number,
		       uint16_t type, int is_signed)
{
	const struct dns_tree_name *name = &zone->names[number];
	const int is_wildcard = name->parent != DNS_NONE && zone->names[name->parent].wildcard == number;
	struct dns_wire owner = {NULL, 0};
	uint32_t visited[CHAIN_MAX];

	dns_message_begin(message, is_wildcard ? zone->names[name->parent].name : name->name, is_wildcard);
	for (int i = 0; i < CHAIN_MAX; i++) {
		const struct dns_record *alias = dns_zone_first(zone, number, DNS_TYPE_CNAME);
		enum lead lead;

		if (!alias || type == DNS_TYPE_CNAME || dns_zone_first(zone, number, type)) {
			put_end(zone, message, owner, number, type, is_signed);
			return;
		}
		put_set(zone, message, DNS_IN_ANSWER, owner, number, DNS_TYPE_CNAME, is_signed);
		visited[i] = number;
		owner = data_name(alias);
		lead = lead_of(zone, owner, &number);
		for (int k = 0; lead == LEADS_TO_NAME && k <= i; k++)
			if (visited[k] == number)
				return; /* a loop: each alias once */
		if (lead == LEADS_TO_CUT)
			put_referral(zone, message, number, is_signed);
		if (lead == LEADS_NOWHERE) { /* RFC 6604: the code is that of the last name */
			message->flags |= DNS_ANSWER_NXDOMAIN;
			put_denial(zone, message, is_signed);
		}
		if (lead != LEADS_TO_NAME)
			return;
	}
}
