/* SPDX-License-Identifier: Apache-2.0 */
/* The blob while it grows: words, and answers made of messages. zone.h is what it is to become. */
#ifndef WN_DNS_ZONE_BLOB_H
#define WN_DNS_ZONE_BLOB_H

#include "zones.h"

struct dns_builder {
	uint64_t *words;         /* little-endian */
	size_t count, room;
	size_t slot_count, first_slot;
	uint32_t name_count, labels_max, probes;
	struct dns_message message;
};

/* A word as the blob has it, or out of it: the same either way. */
static inline uint64_t dns_little(uint64_t word)
{
	return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? word : __builtin_bswap64(word);
}

/* Adds zeroed words. Index of the first, or 0 when out of memory or of indices. */
uint32_t dns_add_words(struct dns_builder *builder, size_t count);
void dns_set_word(struct dns_builder *builder, size_t index, uint64_t word);

/* Adds builder->message. Its index, or 0. */
uint32_t dns_add_answer(struct dns_builder *builder, uint32_t more_flags);

/* Whether a name has a node, and whether it is found by its hash. */
int dns_has_node(const struct dns_tree_name *name);
int dns_is_looked_up(const struct dns_tree_name *name);

/* -- zone_prove.c -- */

/* Adds a zone's pieces and, with NSEC3, its chain: before its nodes. 0 or -ENOMEM. */
int dns_add_pieces(struct dns_builder *builder, struct dns_zone *zone);

/* Fills the proof words of its nodes, which all are there. 0 or -ENOMEM. */
int dns_add_proofs(struct dns_builder *builder, struct dns_zone *zone);

#endif
