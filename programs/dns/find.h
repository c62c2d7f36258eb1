/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds what answers a question: at most one look-up for each label that could be a name of a zone,
 * from the whole name upwards, and in most cases one alone.
 */
#ifndef WN_DNS_FIND_H
#define WN_DNS_FIND_H

#include "prove.h"

/* The node of the name that begins at `at`: its index, or 0. */
WN_FN uint32_t dns_find_name(WN_PRIVATE struct wn_packet *packet, uint64_t hash, uint32_t at,
			     uint32_t bytes, uint32_t probes)
{
	const uint64_t spread = dns_hash_spread(hash);
	const uint64_t head = wn_data_word(packet, DNS_HEAD_SLOTS);
	const uint32_t slots = dns_low(head), first = dns_high(head);
	uint32_t place = dns_hash_place(spread, slots);

	WN_LOOP(i, probes + 1, DNS_PROBES_MAX)
	{
		const uint64_t slot = wn_data_word(packet, (uint64_t)first + place);

		if (!slot)
			return 0;
		if (dns_low(slot) == dns_low(spread)) {
			const uint32_t node = dns_high(slot);

			/* The answer is right behind: one wait for all of it. */
			wn_data_ahead(packet, (uint64_t)node + 8);
			wn_data_ahead(packet, (uint64_t)node + 16);
			if ((wn_data_word(packet, node) & 0xff) == bytes &&
			    dns_name_equals(packet, at, bytes, node + DNS_NODE_WORDS))
				return node;
		}
		place = place + 1 < slots ? place + 1 : 0;
	}
	return 0;
}

/* The node of the longest name that the question's ends in, 0 for none; it has *depth labels more. */
WN_FN uint32_t dns_find_encloser(WN_PRIVATE struct wn_packet *packet,
				 WN_PRIVATE const struct dns_name *name, WN_PRIVATE uint32_t *depth)
{
	const uint64_t bounds = wn_data_word(packet, DNS_HEAD_BOUNDS);
	const uint32_t deepest = dns_high(bounds);
	uint32_t at = DNS_HEADER_BYTES, left = name->labels;
	uint64_t hash = name->hash;

	WN_LOOP(i, name->labels + 1, DNS_LABELS_MAX + 1)
	{
		uint32_t bytes, node;

		if (left <= deepest) {
			node = dns_find_name(packet, hash, at, DNS_HEADER_BYTES + name->bytes - at,
					     dns_low(bounds));
			*depth = i;
			if (node)
				return node;
		}
		bytes = wn_u8(packet, at);
		hash = (hash - dns_name_hash_label(packet, at + 1, bytes)) * DNS_HASH_INVERSE;
		at += 1 + bytes;
		left--;
	}
	return 0;
}

WN_FN void dns_node_read(WN_PRIVATE struct wn_packet *packet, uint32_t index,
			 WN_PRIVATE struct dns_node *node)
{
	dns_node_unpack(node, wn_data_word(packet, index), wn_data_word(packet, index + 1));
}

/* The answer that a node holds for a type; where it has neither, what denies: NODATA. */
WN_FN uint32_t dns_find_type(WN_PRIVATE struct wn_packet *packet, uint32_t index,
			     WN_PRIVATE const struct dns_node *node, uint32_t type,
			     WN_PRIVATE uint32_t *is_negative)
{
	const uint32_t types = index + DNS_NODE_WORDS + (node->name_bytes + 7) / 8;
	uint32_t other = 0;

	WN_LOOP(i, node->type_count, DNS_TYPES_MAX)
	{
		const uint64_t word = wn_data_word(packet, types + i);
		const uint32_t has = word & 0xffff;

		if (has == type)
			return dns_high(word);
		if (has == DNS_TYPE_OTHER)
			other = dns_high(word);
		else if (type == DNS_TYPE_ANY) /* RFC 8482, section 4.1: any one set will do */
			return dns_high(word);
	}
	*is_negative = !other;
	return other ? other : node->negative;
}

/* A name below DNAME: its answer, to which the alias is still to be added. */
WN_FN void dns_find_redirect(WN_PRIVATE struct wn_packet *packet, uint32_t index,
			     WN_PRIVATE const struct dns_node *node, uint32_t depth,
			     WN_PRIVATE struct dns_found *found)
{
	found->answer = dns_find_type(packet, index, node, DNS_TYPE_REDIRECT, &found->is_negative);
	found->prefix_bytes = dns_name_without(packet, depth) - DNS_HEADER_BYTES;
}

/* What a name answers with that is there, or a wildcard in its place. */
WN_FN void dns_find_there(WN_PRIVATE struct wn_packet *packet, WN_PRIVATE const struct dns_question *question,
			  uint32_t index, WN_PRIVATE const struct dns_node *node,
			  WN_PRIVATE struct dns_found *found)
{
	/* What is kept under this type answers for names below alone. */
	const uint32_t type = question->type == DNS_TYPE_REDIRECT ? (uint32_t)DNS_TYPE_OPT : question->type;

	found->answer = dns_find_type(packet, index, node, type, &found->is_negative);
	if (found->is_negative && question->wants_signed && (node->flags & DNS_NODE_PROVEN))
		dns_prove_type(packet, index, node, found);
}

/* A name that is not there: `index` is its closest encloser. */
WN_FN void dns_find_absent(WN_PRIVATE struct wn_packet *packet, WN_PRIVATE const struct dns_question *question,
			   uint32_t index, WN_PRIVATE const struct dns_node *node, uint32_t depth,
			   WN_PRIVATE struct dns_found *found)
{
	const uint32_t prove = question->wants_signed && (node->flags & DNS_NODE_PROVEN);
	struct dns_node wildcard;

	if (prove)
		dns_prove_name(packet, question, index, node, depth, found);
	if (node->wildcard) {
		dns_node_read(packet, node->wildcard, &wildcard);
		dns_find_there(packet, question, node->wildcard, &wildcard, found);
	} else {
		found->answer = node->negative;
		found->code = DNS_NXDOMAIN;
		found->is_negative = 1;
	}
	if (prove && found->is_negative)
		dns_prove_encloser(packet, index, node, !node->wildcard, found);
}

/* Finds what answers the question. */
WN_FN void dns_find(WN_PRIVATE struct wn_packet *packet, WN_PRIVATE const struct dns_question *question,
		    WN_PRIVATE struct dns_found *found)
{
	uint32_t depth = 0, index = dns_find_encloser(packet, &question->name, &depth);
	struct dns_node node;

	found->answer = found->is_negative = found->prefix_bytes = found->piece_count = 0;
	found->code = DNS_NOERROR;
	if (!index)
		return;
	dns_node_read(packet, index, &node);
	/* DS stands above the cut: of an apex whose parent is here, too, the parent is asked (RFC 4035). */
	if (!depth && question->type == DNS_TYPE_DS && (node.flags & DNS_NODE_APEX) && node.other) {
		index = node.other;
		dns_node_read(packet, index, &node);
	}
	if ((node.flags & DNS_NODE_CUT) && (depth || question->type != DNS_TYPE_DS))
		found->answer = node.other;
	else if (depth && (node.flags & DNS_NODE_REDIRECT))
		dns_find_redirect(packet, index, &node, depth, found);
	else if (depth)
		dns_find_absent(packet, question, index, &node, depth, found);
	else
		dns_find_there(packet, question, index, &node, found);
}

#endif
