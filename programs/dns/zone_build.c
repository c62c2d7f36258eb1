/* SPDX-License-Identifier: Apache-2.0 */
#include "zone_blob.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* An apex, by its hash: which names of other zones are hidden. */
struct apex {
	uint64_t hash;
	struct dns_zone *zone;
};

/* -- answers -- */

/* What makes an answer, plain and with what DO asks for. */
struct choice {
	const struct dns_zone *zone;
	enum { CHOOSE_DENIAL, CHOOSE_REFERRAL, CHOOSE_REDIRECT, CHOOSE_TYPE } kind;
	uint32_t number;
	uint16_t type;
};

static void choose(struct dns_builder *builder, const struct choice *choice, int is_signed)
{
	if (choice->kind == CHOOSE_DENIAL)
		dns_choose_denial(choice->zone, &builder->message, is_signed);
	else if (choice->kind == CHOOSE_REFERRAL)
		dns_choose_referral(choice->zone, &builder->message, choice->number, is_signed);
	else if (choice->kind == CHOOSE_REDIRECT)
		dns_choose_redirect(choice->zone, &builder->message, choice->number, is_signed);
	else
		dns_choose_answer(choice->zone, &builder->message, choice->number, choice->type, is_signed);
}

static uint32_t add_choice(struct dns_builder *builder, const struct choice *choice)
{
	uint32_t index, plain = 0, more = 0;

	if (choice->zone->is_signed) {
		choose(builder, choice, 0);
		plain = builder->message.signatures;
		choose(builder, choice, 1);
		more = builder->message.signatures != plain;
	}
	choose(builder, choice, 0);
	index = dns_add_answer(builder, more ? DNS_ANSWER_HAS_SIGNED : 0);
	if (!more || !index)
		return index;
	choose(builder, choice, 1);
	return dns_add_answer(builder, 0) ? index : 0;
}

/* -- nodes -- */

/* Types that a name answers for, each once, in the order in which ANY takes the first. */
struct types {
	uint16_t list[DNS_TYPES_MAX];
	uint32_t count;
};

static void add_type(struct types *types, uint16_t type)
{
	for (uint32_t i = 0; i < types->count; i++)
		if (types->list[i] == type)
			return;
	if (types->count < DNS_TYPES_MAX)
		types->list[types->count++] = type;
}

static void add_types_of(struct types *types, const struct dns_zone *zone, uint32_t number)
{
	const int is_cut = zone->names[number].flags & DNS_TREE_CUT;

	for (uint32_t i = zone->names[number].first; i != DNS_NONE; i = zone->records[i].next)
		if (!is_cut || zone->records[i].type == DNS_TYPE_DS)
			add_type(types, zone->records[i].type);
}

static void list_types(struct types *types, const struct dns_zone *zone, uint32_t number)
{
	uint32_t end;

	types->count = 0;
	if (dns_zone_first(zone, number, DNS_TYPE_CNAME)) {
		add_type(types, DNS_TYPE_CNAME);
		add_types_of(types, zone, number);
		end = dns_chain_end(zone, number);
		if (end != DNS_NONE)
			add_types_of(types, zone, end);
		/* At a cut DS alone is not asked of somebody else, also where there is none. */
		if (end != DNS_NONE && (zone->names[end].flags & DNS_TREE_CUT))
			add_type(types, DNS_TYPE_DS);
		add_type(types, DNS_TYPE_OTHER);
	} else {
		add_types_of(types, zone, number);
	}
	if (zone->names[number].flags & DNS_TREE_REDIRECT)
		add_type(types, DNS_TYPE_REDIRECT);
}

/* The name's words: network order, the last one with its bytes lowest. */
static void put_name(struct dns_builder *builder, uint32_t index, struct dns_wire name)
{
	uint64_t word = 0;

	for (uint32_t i = 0; i < name.size; i++) {
		word = word << 8 | name.bytes[i];
		if (i % 8 == 7 || i + 1 == name.size) {
			dns_set_word(builder, index + i / 8, word);
			word = 0;
		}
	}
}

static uint32_t node_flags(const struct dns_zone *zone, uint32_t number)
{
	const uint32_t flags = zone->names[number].flags;

	return (flags & DNS_TREE_CUT ? DNS_NODE_CUT : 0) | (number == 0 ? DNS_NODE_APEX : 0) |
	       (flags & DNS_TREE_REDIRECT ? DNS_NODE_REDIRECT : 0) |
	       (zone->chain.kind != DNS_CHAIN_NONE ? DNS_NODE_PROVEN : 0) |
	       (zone->chain.kind == DNS_CHAIN_NSEC3 ? DNS_NODE_HASHED : 0);
}

/* A name's node and its answers. 0 or -ENOMEM. */
static int add_node(struct dns_builder *builder, struct dns_zone *zone, uint32_t number)
{
	struct dns_tree_name *name = &zone->names[number];
	const uint32_t name_words = (name->name.size + 7) / 8;
	struct choice choice = {zone, CHOOSE_TYPE, number, 0};
	struct dns_node node = {.name_bytes = name->name.size, .negative = zone->negative};
	struct types types;
	uint32_t answer;

	list_types(&types, zone, number);
	node.type_count = types.count;
	node.flags = node_flags(zone, number);
	name->index = dns_add_words(builder, DNS_NODE_WORDS + name_words + types.count +
						     (node.flags & DNS_NODE_PROVEN ? DNS_PROOF_WORDS : 0));
	if (!name->index)
		return -ENOMEM;
	dns_set_word(builder, name->index, dns_node_first(&node));
	put_name(builder, name->index + DNS_NODE_WORDS, name->name);
	for (uint32_t i = 0; i < types.count; i++) {
		choice.type = types.list[i];
		choice.kind = types.list[i] == DNS_TYPE_REDIRECT ? CHOOSE_REDIRECT : CHOOSE_TYPE;
		answer = add_choice(builder, &choice);
		if (!answer)
			return -ENOMEM;
		dns_set_word(builder, name->index + DNS_NODE_WORDS + name_words + i,
			 dns_pair(types.list[i], answer));
	}
	if (!(name->flags & DNS_TREE_CUT))
		return 0;
	choice.kind = CHOOSE_REFERRAL;
	answer = add_choice(builder, &choice);
	dns_set_word(builder, name->index + 1, dns_pair(0, answer));
	return answer ? 0 : -ENOMEM;
}

int dns_has_node(const struct dns_tree_name *name)
{
	if (name->flags & DNS_TREE_HIDDEN)
		return (name->flags & DNS_TREE_TOP) && (name->flags & DNS_TREE_CUT);
	return !(name->flags & DNS_TREE_OCCLUDED);
}

int dns_is_looked_up(const struct dns_tree_name *name)
{
	return !(name->flags & (DNS_TREE_HIDDEN | DNS_TREE_OCCLUDED));
}

static int add_zone(struct dns_builder *builder, struct dns_zone *zone)
{
	const struct choice denial = {zone, CHOOSE_DENIAL, 0, 0};
	int rc = dns_add_pieces(builder, zone);

	zone->negative = rc ? 0 : add_choice(builder, &denial);
	if (!zone->negative)
		return -ENOMEM;
	for (uint32_t i = 0; !rc && i < zone->name_count; i++)
		if (dns_has_node(&zone->names[i]))
			rc = add_node(builder, zone, i);
	for (uint32_t i = 0; !rc && i < zone->name_count; i++) {
		const struct dns_tree_name *name = &zone->names[i];

		if (name->index && name->wildcard != DNS_NONE && !(name->flags & DNS_TREE_CUT))
			dns_set_word(builder, name->index + 1, dns_pair(zone->names[name->wildcard].index, 0));
	}
	return rc ? rc : dns_add_proofs(builder, zone);
}

/* -- zones among each other -- */

static int by_hash(const void *a, const void *b)
{
	const struct apex *left = a, *right = b;

	return left->hash < right->hash ? -1 : left->hash > right->hash;
}

static struct dns_zone *find_apex(const struct apex *apexes, uint32_t count, const struct dns_tree_name *name)
{
	uint32_t low = 0, high = count;

	while (low < high) {
		const uint32_t middle = low + (high - low) / 2;

		if (apexes[middle].hash < name->hash)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < count && apexes[low].hash == name->hash; low++)
		if (dns_wire_equals(apexes[low].zone->apex, name->name))
			return apexes[low].zone;
	return NULL;
}

/* Names at and below the apex of another zone belong to that one. */
static void hide_names(struct dns_zone *zone, const struct apex *apexes, uint32_t count)
{
	for (uint32_t i = 1; i < zone->name_count; i++) {
		struct dns_tree_name *name = &zone->names[i];

		if (zone->names[name->parent].flags & DNS_TREE_HIDDEN)
			name->flags |= DNS_TREE_HIDDEN;
		else if (find_apex(apexes, count, name))
			name->flags |= DNS_TREE_HIDDEN | DNS_TREE_TOP;
	}
}

/* The apex's node names the one of the delegation to it, where the parent is served, too. */
static void link_apexes(struct dns_builder *builder, const struct dns_zone *zone, const struct apex *apexes,
			uint32_t count)
{
	for (uint32_t i = 1; i < zone->name_count; i++) {
		const struct dns_tree_name *name = &zone->names[i];
		const struct dns_zone *child;
		uint32_t node;

		if (!(name->flags & DNS_TREE_TOP) || !name->index)
			continue;
		child = find_apex(apexes, count, name);
		node = child->names[0].index;
		dns_set_word(builder, node + 1,
			 dns_pair(dns_low(dns_little(builder->words[node + 1])), name->index));
	}
}

static int check_apexes(const struct apex *apexes, uint32_t count, struct wn_error *error)
{
	char text[1024];

	for (uint32_t i = 1; i < count; i++)
		for (uint32_t k = i; k-- > 0 && apexes[k].hash == apexes[i].hash;)
			if (dns_wire_equals(apexes[k].zone->apex, apexes[i].zone->apex))
				return wn_fail(error, EINVAL, WN_FAILED,
					       "%s: zone %.300s is already given in %s", apexes[i].zone->path,
					       dns_wire_text(apexes[i].zone->apex.bytes, text, sizeof(text)),
					       apexes[k].zone->path);
	return 0;
}

/* -- the table of names -- */

static void count_names(struct dns_builder *builder, const struct dns_zone *zone)
{
	for (uint32_t i = 0; i < zone->name_count; i++) {
		const struct dns_tree_name *name = &zone->names[i];

		if (!dns_is_looked_up(name))
			continue;
		builder->name_count++;
		if (name->labels > builder->labels_max)
			builder->labels_max = name->labels;
	}
}

static void put_slot(struct dns_builder *builder, const struct dns_tree_name *name)
{
	const uint64_t spread = dns_hash_spread(name->hash);
	size_t place = dns_hash_place(spread, (uint32_t)builder->slot_count);
	uint32_t probes = 0;

	for (; builder->words[builder->first_slot + place]; probes++)
		place = place + 1 < builder->slot_count ? place + 1 : 0;
	dns_set_word(builder, builder->first_slot + place, dns_pair(dns_low(spread), name->index));
	if (probes > builder->probes)
		builder->probes = probes;
}

static void put_slots(struct dns_builder *builder, const struct dns_zone *zone)
{
	for (uint32_t i = 0; i < zone->name_count; i++)
		if (dns_is_looked_up(&zone->names[i]))
			put_slot(builder, &zone->names[i]);
}

static void put_head(struct dns_builder *builder)
{
	dns_set_word(builder, DNS_HEAD_MAGIC, DNS_MAGIC);
	dns_set_word(builder, DNS_HEAD_SLOTS,
		 dns_pair((uint32_t)builder->slot_count, (uint32_t)builder->first_slot));
	dns_set_word(builder, DNS_HEAD_BOUNDS, dns_pair(builder->probes, builder->labels_max));
	dns_set_word(builder, DNS_HEAD_TOTAL, builder->count);
}

static int build(struct dns_builder *builder, struct dns_zone *zones, const struct apex *apexes, uint32_t count)
{
	int rc = 0;

	for (uint32_t i = 0; i < count; i++) {
		hide_names(&zones[i], apexes, count);
		count_names(builder, &zones[i]);
	}
	/* At most 3 in 5 are taken: then few probes find a name or refuse it. */
	builder->slot_count = (size_t)builder->name_count * 5 / 3 + 8;
	dns_add_words(builder, DNS_HEAD_WORDS);
	builder->first_slot = dns_add_words(builder, builder->slot_count);
	if (!builder->first_slot)
		return -ENOMEM;
	for (uint32_t i = 0; !rc && i < count; i++)
		rc = add_zone(builder, &zones[i]);
	for (uint32_t i = 0; !rc && i < count; i++) {
		link_apexes(builder, &zones[i], apexes, count);
		put_slots(builder, &zones[i]);
	}
	if (!rc)
		put_head(builder);
	return rc;
}

int dns_build(struct wn_blob *blob, struct dns_zone *zones, uint32_t count, struct wn_error *error)
{
	struct dns_builder *builder = calloc(1, sizeof(*builder));
	struct apex *apexes = calloc((size_t)count + 1, sizeof(*apexes));
	int rc = builder && apexes ? 0 : -ENOMEM;

	for (uint32_t i = 0; !rc && i < count; i++)
		apexes[i] = (struct apex){zones[i].names[0].hash, &zones[i]};
	if (!rc) {
		qsort(apexes, count, sizeof(*apexes), by_hash);
		rc = check_apexes(apexes, count, error);
	}
	if (!rc)
		rc = build(builder, zones, apexes, count);
	if (rc == -ENOMEM)
		wn_fail(error, ENOMEM, WN_FAILED, "zones: out of memory for the tables");
	if (!rc)
		rc = wn_blob_create(blob, builder->count * sizeof(*builder->words), error);
	if (!rc)
		memcpy(blob->bytes, builder->words, blob->size);
	if (builder)
		free(builder->words);
	free(builder);
	free(apexes);
	return rc;
}
