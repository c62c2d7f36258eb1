/* SPDX-License-Identifier: Apache-2.0 */
/* Proofs in the blob: pieces, the proof words of nodes, and what the program looks names up in. */
#include "zone_blob.h"

#include <errno.h>
#include <stdlib.h>

/* -- pieces -- */

static uint64_t number_of(const uint8_t *bytes, uint32_t count)
{
	uint64_t number = 0;

	for (uint32_t i = 0; i < count; i++)
		number = number << 8 | bytes[i];
	return number;
}

/* The hashes of NSEC3, with what makes them. 0 or -ENOMEM. */
static int add_hashes(struct dns_builder *builder, struct dns_zone *zone)
{
	struct dns_chain *chain = &zone->chain;
	const uint8_t *salt = chain->param + 5;
	const uint32_t salt_bytes = chain->param[4], salt_words = (salt_bytes + 7) / 8;
	uint32_t at;

	chain->index = dns_add_words(builder, 1 + salt_words + DNS_HASHED_WORDS * chain->count);
	if (!chain->index)
		return -ENOMEM;
	dns_set_word(builder, chain->index,
		     dns_pair((uint32_t)chain->count, (uint32_t)number_of(chain->param + 2, 2) | salt_bytes << 16));
	for (uint32_t i = 0; i < salt_words; i++) {
		uint64_t word = 0;

		for (uint32_t k = 8 * i; k < salt_bytes && k < 8 * i + 8; k++)
			word |= (uint64_t)salt[k] << 8 * (k % 8);
		dns_set_word(builder, chain->index + 1 + i, word);
	}
	at = chain->index + 1 + salt_words;
	for (size_t i = 0; i < chain->count; i++, at += DNS_HASHED_WORDS) {
		const struct dns_proof *proof = &chain->proofs[i];

		dns_set_word(builder, at, number_of(proof->hash, 8));
		dns_set_word(builder, at + 1, number_of(proof->hash + 8, 8));
		dns_set_word(builder, at + 2, dns_pair(proof->piece, (uint32_t)number_of(proof->hash + 16, 4)));
	}
	return 0;
}

int dns_add_pieces(struct dns_builder *builder, struct dns_zone *zone)
{
	for (uint32_t i = 0; i < zone->chain.count && zone->chain.kind != DNS_CHAIN_NONE; i++) {
		dns_message_begin(&builder->message, zone->apex, 1);
		dns_choose_proof(zone, &builder->message, i);
		zone->chain.proofs[i].piece = dns_add_answer(builder, 0);
		if (!zone->chain.proofs[i].piece)
			return -ENOMEM;
	}
	return zone->chain.kind == DNS_CHAIN_NSEC3 ? add_hashes(builder, zone) : 0;
}

/* -- NSEC: the names below each name, in order -- */

/* A name with a node, as the child of the one above it. */
struct child {
	const struct dns_zone *zone;
	uint32_t parent, number;
};

static int by_parent(const void *a, const void *b)
{
	const struct child *left = a, *right = b;
	const struct dns_tree_name *names = left->zone->names;

	if (left->parent != right->parent)
		return left->parent < right->parent ? -1 : 1;
	return dns_wire_compare_first(names[left->number].name, names[right->number].name);
}

/* The first eight bytes of a label, without case, zeros behind a shorter one. */
static uint64_t head_of(const uint8_t *label)
{
	uint64_t head = 0;

	for (uint32_t i = 1; i <= 8; i++)
		head = head << 8 | (i <= *label ? label[i] : 0);
	return dns_fold(head);
}

/* The list of `count` children of one name. Its proof word, or 0. */
static uint64_t add_list(struct dns_builder *builder, const struct dns_zone *zone, uint32_t number,
			 const struct child *children, uint32_t count)
{
	const struct dns_proof *proofs = zone->chain.proofs;
	const struct dns_wire name = zone->names[number].name;
	uint32_t index, at;

	if (!count)
		return dns_pair(proofs[dns_chain_over(zone, name)].piece, 0);
	index = dns_add_words(builder, 2 * ((size_t)count + 1));
	if (!index)
		return 0;
	at = index;
	dns_set_word(builder, at + 1, dns_pair(proofs[dns_chain_over(zone, name)].piece, 0));
	for (uint32_t i = 0; i < count; i++) {
		const struct dns_tree_name *child = &zone->names[children[i].number];
		/* Up to the next one, all that there is stands below this one. */
		const uint32_t over = i + 1 < count
					      ? dns_chain_before(zone, zone->names[children[i + 1].number].name)
					      : dns_chain_last(zone, name);

		at += 2;
		dns_set_word(builder, at, head_of(child->name.bytes));
		dns_set_word(builder, at + 1, dns_pair(proofs[over].piece, child->index));
	}
	return dns_pair(index, count + 1);
}

static struct child *list_children(const struct dns_zone *zone, uint32_t *count)
{
	struct child *children = calloc(zone->name_count + 1, sizeof(*children));

	*count = 0;
	for (uint32_t i = 1; children && i < zone->name_count; i++)
		if (dns_has_node(&zone->names[i]))
			children[(*count)++] = (struct child){zone, zone->names[i].parent, i};
	if (children)
		qsort(children, *count, sizeof(*children), by_parent);
	return children;
}

/* -- proof words -- */

/* Pieces of the first two proofs. */
static uint64_t pieces_of(const struct dns_zone *zone, const struct dns_proofs *proofs)
{
	return dns_pair(proofs->count > 0 ? zone->chain.proofs[proofs->list[0]].piece : 0,
			proofs->count > 1 ? zone->chain.proofs[proofs->list[1]].piece : 0);
}

/* The first of a node's proof words. */
static uint32_t proof_words(const struct dns_builder *builder, const struct dns_tree_name *name)
{
	struct dns_node node;

	dns_node_unpack(&node, dns_little(builder->words[name->index]), dns_little(builder->words[name->index + 1]));
	return name->index + DNS_NODE_WORDS + (node.name_bytes + 7) / 8 + node.type_count;
}

/* The third word is given for NSEC, and made here for NSEC3. */
static void put_proofs(struct dns_builder *builder, const struct dns_zone *zone, uint32_t number, uint64_t third)
{
	const uint32_t words = proof_words(builder, &zone->names[number]);
	struct dns_proofs type = {.count = 0}, encloser = {.count = 0};

	dns_prove_type(zone, &type, number);
	dns_set_word(builder, words, pieces_of(zone, &type));
	dns_prove_encloser(zone, &encloser, number, 1);
	if (zone->chain.kind == DNS_CHAIN_NSEC) {
		dns_set_word(builder, words + 1, dns_pair(0, dns_low(pieces_of(zone, &encloser))));
	} else {
		const uint32_t provable = dns_chain_provable(zone, number);

		dns_set_word(builder, words + 1, pieces_of(zone, &encloser));
		third = dns_pair(zone->chain.index, zone->names[number].labels - zone->names[provable].labels);
	}
	dns_set_word(builder, words + 2, third);
}

static int add_named(struct dns_builder *builder, struct dns_zone *zone)
{
	uint32_t count;
	struct child *children = list_children(zone, &count), *at = children;
	int rc = children ? 0 : -ENOMEM;

	for (uint32_t i = 0; !rc && i < zone->name_count; i++) {
		struct child *end = at;
		uint64_t third;

		while (end < children + count && end->parent == i)
			end++;
		third = dns_has_node(&zone->names[i]) ? add_list(builder, zone, i, at, (uint32_t)(end - at)) : 1;
		if (!third)
			rc = -ENOMEM;
		else if (dns_has_node(&zone->names[i]))
			put_proofs(builder, zone, i, third);
		at = end;
	}
	free(children);
	return rc;
}

int dns_add_proofs(struct dns_builder *builder, struct dns_zone *zone)
{
	if (zone->chain.kind == DNS_CHAIN_NSEC)
		return add_named(builder, zone);
	for (uint32_t i = 0; i < zone->name_count && zone->chain.kind == DNS_CHAIN_NSEC3; i++)
		if (dns_has_node(&zone->names[i]))
			put_proofs(builder, zone, i, 0);
	return 0;
}
