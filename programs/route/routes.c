/* SPDX-License-Identifier: Apache-2.0 */
/* The loader of the route program: entries become next hops and tries. */
#include "routes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/loader.h"
#include "data/table.h"

void wn_route_cut(uint8_t *prefix, uint32_t family, uint32_t length)
{
	for (uint32_t bit = length; bit < 8 * wn_route_address_bytes(family); bit++)
		prefix[bit / 8] &= (uint8_t)~(0x80 >> bit % 8);
}

int wn_routes_add(struct wn_routes *routes, const struct wn_route_entry *entry)
{
	if (routes->count == routes->room) {
		const size_t room = routes->room ? 2 * routes->room : 256;
		struct wn_route_entry *moved = realloc(routes->list, room * sizeof(*moved));

		if (!moved)
			return -ENOMEM;
		routes->list = moved;
		routes->room = room;
	}
	routes->list[routes->count++] = *entry;
	return 0;
}

int wn_routes_add_address(struct wn_routes *routes, uint32_t link, uint32_t family,
			  const uint8_t *address, uint32_t length)
{
	const uint32_t bytes = wn_route_address_bytes(family);
	struct wn_route_interface *interface = &routes->interfaces[link];
	struct wn_route_entry entry = {
		.family = family, .length = 8 * bytes, .kind = WN_ROUTE_LOCAL, .rank = WN_ROUTE_RANK_LOCAL,
		.link = link,
	};

	memcpy(entry.prefix, address, bytes);
	if (family == 4 && !interface->has_ipv4) {
		memcpy(interface->ipv4, address, 4);
		interface->has_ipv4 = 1;
	}
	/* Link-local addresses are no source for what leaves the link. */
	if (family == 6 && !interface->has_ipv6 && !(address[0] == 0xfe && (address[1] & 0xc0) == 0x80)) {
		memcpy(interface->ipv6, address, 16);
		interface->has_ipv6 = 1;
	}
	if (wn_routes_add(routes, &entry))
		return -ENOMEM;
	if (length >= entry.length)
		return 0;
	entry.kind = WN_ROUTE_NO_HOST;
	entry.rank = WN_ROUTE_RANK_NEIGHBOUR;
	entry.length = length;
	wn_route_cut(entry.prefix, family, length);
	if (wn_routes_add(routes, &entry))
		return -ENOMEM;
	if (family == 6 || length > 30)
		return 0;
	/* The subnet's broadcast address (RFC 919). */
	entry.kind = WN_ROUTE_BROADCAST;
	entry.rank = WN_ROUTE_RANK_LOCAL;
	entry.length = 32;
	for (uint32_t bit = length; bit < 32; bit++)
		entry.prefix[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	return wn_routes_add(routes, &entry);
}

/* -- layout -- */

static int by_prefix(const void *a, const void *b)
{
	const struct wn_route_entry *left = a, *right = b;
	int order;

	if (left->family != right->family)
		return left->family < right->family ? -1 : 1;
	if (left->length != right->length)
		return left->length < right->length ? -1 : 1;
	order = memcmp(left->prefix, right->prefix, sizeof(left->prefix));
	if (order)
		return order;
	if (left->rank != right->rank)
		return left->rank < right->rank ? -1 : 1;
	if (left->metric != right->metric)
		return left->metric < right->metric ? -1 : 1;
	return left->line < right->line ? -1 : left->line > right->line;
}

static int is_same_prefix(const struct wn_route_entry *a, const struct wn_route_entry *b)
{
	return a->family == b->family && a->length == b->length &&
	       !memcmp(a->prefix, b->prefix, sizeof(a->prefix));
}

/* Keeps the first entry of each prefix. Sorted. */
static void choose(struct wn_routes *routes)
{
	size_t kept = 0;

	if (!routes->count)
		return;
	qsort(routes->list, routes->count, sizeof(*routes->list), by_prefix);
	for (size_t i = 1; i < routes->count; i++)
		if (!is_same_prefix(&routes->list[i], &routes->list[kept]))
			routes->list[++kept] = routes->list[i];
	routes->count = kept + 1;
}

/* The neighbour with that address: a whole address that is forwarded to on that link. Or NULL. */
static const struct wn_route_entry *find_neighbour(const struct wn_routes *routes,
						   const struct wn_route_entry *wanted)
{
	struct wn_route_entry key = {.family = wanted->gateway_family};
	size_t low = 0, high = routes->count;

	key.length = 8 * wn_route_address_bytes(key.family);
	memcpy(key.prefix, wanted->gateway, sizeof(key.prefix));
	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (by_prefix(&routes->list[middle], &key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < routes->count && is_same_prefix(&routes->list[low], &key); low++)
		if (routes->list[low].kind == WN_ROUTE_FORWARD && !routes->list[low].has_gateway &&
		    routes->list[low].link == wanted->link)
			return &routes->list[low];
	return NULL;
}

/* Gives each route by way of a gateway the gateway's MAC. Sorted, before entries are chosen from. */
static void resolve(struct wn_routes *routes)
{
	for (size_t i = 0; i < routes->count; i++) {
		struct wn_route_entry *entry = &routes->list[i];
		const struct wn_route_entry *neighbour;

		if (entry->kind != WN_ROUTE_FORWARD || !entry->has_gateway)
			continue;
		neighbour = find_neighbour(routes, entry);
		if (neighbour) {
			memcpy(entry->mac, neighbour->mac, 6);
		} else {
			entry->kind = WN_ROUTE_NO_HOST;
			routes->unresolved++;
		}
	}
}

/* A next hop as it is laid out. */
struct hop {
	uint32_t words[4];
};

static struct hop hop_of(const struct wn_route_entry *entry)
{
	const uint8_t *mac = entry->mac;
	struct hop hop = {{entry->kind}};

	if (entry->kind != WN_ROUTE_FORWARD)
		return hop;
	hop.words[1] = entry->link;
	hop.words[2] = (uint32_t)mac[0] << 24 | (uint32_t)mac[1] << 16 | (uint32_t)mac[2] << 8 | mac[3];
	hop.words[3] = (uint32_t)mac[4] << 8 | mac[5];
	return hop;
}

struct hops {
	struct hop *list;
	uint32_t count;
	uint32_t *slots;        /* a hash of them: number plus 1, or 0 */
	uint32_t slot_count;    /* a power of two, more than there can be hops */
};

/* The number of a hop, which is added where it is new: many routes share few next hops. */
static uint32_t number_of(struct hops *hops, const struct hop *hop)
{
	uint64_t key = wn_table_hash((uint64_t)hop->words[2] << 32 | hop->words[3]) ^
		       wn_table_hash((uint64_t)hop->words[0] << 32 | hop->words[1]);

	for (;; key++) {
		uint32_t *slot = &hops->slots[key & (hops->slot_count - 1)];

		if (*slot && memcmp(&hops->list[*slot - 1], hop, sizeof(*hop)))
			continue;
		if (!*slot) {
			hops->list[hops->count] = *hop;
			*slot = ++hops->count;
		}
		return *slot - 1;
	}
}

static int make_hops(struct hops *hops, size_t entry_count)
{
	hops->slot_count = 16;
	while (hops->slot_count < 2 * entry_count)
		hops->slot_count *= 2;
	hops->slots = calloc(hops->slot_count, sizeof(*hops->slots));
	hops->list = calloc(entry_count + 1, sizeof(*hops->list));
	return hops->slots && hops->list ? 0 : -ENOMEM;
}

/* Turns words that number entries into words that number next hops. */
static void rename_words(uint32_t *words, size_t count, const uint8_t *values)
{
	for (size_t i = 0; i < count; i++) {
		uint64_t hop;

		if (!words[i] || words[i] >> 31)
			continue;
		memcpy(&hop, values + 8 * (size_t)(words[i] - 1), sizeof(hop));
		words[i] = (uint32_t)hop + 1;
	}
}

/* Both tries, by the builder of the tables. `store` then holds them. */
static int make_tries(const struct wn_routes *routes, struct hops *hops, struct wn_table *table,
		      struct wn_store *store, struct wn_error *error)
{
	struct wn_entries entries = {.count = routes->count};
	int rc;

	entries.list = calloc(routes->count + 1, sizeof(*entries.list));
	if (!entries.list)
		return wn_fail(error, ENOMEM, WN_FAILED, "routes: out of memory");
	for (size_t i = 0; i < routes->count; i++) {
		const struct hop hop = hop_of(&routes->list[i]);

		memcpy(entries.list[i].prefix, routes->list[i].prefix, 16);
		entries.list[i].length = routes->list[i].length;
		entries.list[i].family = routes->list[i].family;
		entries.list[i].value = number_of(hops, &hop);
	}
	rc = wn_trie_build(table, store, &entries, "routes", error);
	free(entries.list);
	if (!rc && table->offset4)
		rename_words((uint32_t *)(void *)(store->bytes + table->offset4),
			     ((table->offset6 ? table->offset6 : store->used) - table->offset4) / 4,
			     store->bytes + table->offset);
	if (!rc && table->offset6)
		rename_words((uint32_t *)(void *)(store->bytes + table->offset6),
			     (store->used - table->offset6) / 4, store->bytes + table->offset);
	return rc;
}

static void put(struct wn_blob *blob, size_t at, uint32_t word)
{
	for (int i = 0; i < 4; i++)
		blob->bytes[at + (size_t)i] = (uint8_t)(word >> 8 * i);
}

static uint32_t number_at(const uint8_t *bytes)
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static void put_interface(struct wn_blob *blob, size_t at, const struct wn_route_interface *interface)
{
	put(blob, at, number_at(interface->mac));
	put(blob, at + 4, (uint32_t)interface->mac[4] << 8 | interface->mac[5]);
	put(blob, at + 8, interface->mtu);
	put(blob, at + 12, interface->has_ipv4 ? number_at(interface->ipv4) : 0);
	for (size_t i = 0; i < 4 && interface->has_ipv6; i++)
		put(blob, at + 16 + 4 * i, number_at(interface->ipv6 + 4 * i));
}

/* Copies words of the tries; a trie that is there starts at a multiple of 64. */
static size_t put_trie(struct wn_blob *blob, size_t at, const uint8_t *from, size_t bytes)
{
	for (size_t i = 0; i < bytes; i += 4) {
		uint32_t word;

		memcpy(&word, from + i, sizeof(word));
		put(blob, at + i, word);
	}
	return (at + bytes + 63) / 64 * 64;
}

/* The wide root: for each 24 bits what the root and the node below it say. */
static void put_wide(struct wn_blob *blob, size_t at, const uint8_t *trie)
{
	const uint32_t *words = (const uint32_t *)(const void *)trie;

	for (size_t i = 0; i < WN_ROUTE_WIDE_WORDS; i++) {
		uint32_t word = words[i >> 8];

		if (word >> 31)
			word = words[WN_ROUTE_ROOT_WORDS + (size_t)(word & 0x7fffffff) * WN_ROUTE_NODE_WORDS +
				     (i & 0xff)];
		put(blob, at + 4 * i, word);
	}
}

static int lay_out(struct wn_blob *blob, const struct wn_routes *routes, const struct hops *hops,
		   const struct wn_table *table, const struct wn_store *store, struct wn_error *error)
{
	const size_t hops_at = WN_ROUTE_INTERFACES_BYTES * (1 + (size_t)WN_ROUTE_INTERFACES_MAX);
	const size_t tries_at = (hops_at + (size_t)WN_ROUTE_HOP_BYTES * hops->count + 63) / 64 * 64;
	const size_t bytes4 = table->offset4 ? (table->offset6 ? table->offset6 : store->used) - table->offset4
					     : 0;
	const size_t bytes6 = table->offset6 ? store->used - table->offset6 : 0;
	const size_t wide = bytes4 && routes->count >= WN_ROUTE_WIDE_FROM ? 4 * (size_t)WN_ROUTE_WIDE_WORDS : 0;
	const size_t total = tries_at + bytes4 + bytes6 + wide + 192;
	size_t at = tries_at;

	if (total > UINT32_MAX)
		return wn_fail(error, E2BIG, WN_FAILED, "routes: %zu prefixes need %zu MiB, at most 4096 are possible",
			       routes->count, total >> 20);
	if (wn_blob_create(blob, total, error))
		return -ENOMEM;
	put(blob, 0, routes->interface_count);
	put(blob, 4, hops->count);
	put(blob, 8, (uint32_t)hops_at);
	for (uint32_t i = 0; i < routes->interface_count; i++)
		put_interface(blob, WN_ROUTE_INTERFACES_BYTES * (1 + (size_t)i), &routes->interfaces[i]);
	for (size_t i = 0; i < 4 * (size_t)hops->count; i++)
		put(blob, hops_at + 4 * i, hops->list[i / 4].words[i % 4]);
	if (bytes4) {
		put(blob, 12, (uint32_t)at);
		at = put_trie(blob, at, store->bytes + table->offset4, bytes4);
	}
	if (bytes6) {
		put(blob, 16, (uint32_t)at);
		at = put_trie(blob, at, store->bytes + table->offset6, bytes6);
	}
	if (wide) {
		put(blob, 20, (uint32_t)at);
		put_wide(blob, at, store->bytes + table->offset4);
	}
	snprintf(blob->note, sizeof(blob->note), "route: %u interface%s, %zu prefixes, %u next hops, %zu KiB%s",
		 routes->interface_count, routes->interface_count == 1 ? "" : "s", routes->count, hops->count,
		 total >> 10, routes->unresolved ? "; gateways that are no neighbours yet" : "");
	return 0;
}

static int finish_routes(struct wn_blob *blob, struct wn_routes *routes, struct wn_error *error)
{
	struct wn_store store = {0};
	struct wn_table table = {0};
	struct hops hops = {0};
	int rc;

	if (routes->count)
		qsort(routes->list, routes->count, sizeof(*routes->list), by_prefix);
	resolve(routes);
	choose(routes);
	rc = make_hops(&hops, routes->count);
	if (rc)
		wn_fail(error, ENOMEM, WN_FAILED, "routes: out of memory");
	if (!rc)
		rc = make_tries(routes, &hops, &table, &store, error);
	if (!rc)
		rc = lay_out(blob, routes, &hops, &table, &store, error);
	free(store.bytes);
	free(hops.slots);
	free(hops.list);
	return rc;
}

static int build(struct wn_blob *blob, const struct wn_load *loads, uint32_t count,
		 struct wn_error *error)
{
	static const char kernel[] = "kernel:";
	struct wn_routes routes = {0};
	const char *source;
	int rc;

	if (count != 1)
		return wn_fail(error, EINVAL, WN_USAGE,
			       "program 'route': it needs --routes once: a file, or kernel:eth0,eth1 with the "
			       "interfaces in the order of the links");
	source = loads[0].value;
	if (!strncmp(source, kernel, sizeof(kernel) - 1))
		rc = wn_routes_ask(&routes, source + sizeof(kernel) - 1, error);
	else
		rc = wn_routes_read(&routes, source, error);
	if (!rc && !routes.interface_count)
		rc = wn_fail(error, EINVAL, WN_FAILED, "routes '%s': no interface is named", source);
	if (!rc)
		rc = finish_routes(blob, &routes, error);
	free(routes.list);
	return rc;
}

static const struct wn_load_option options[] = {
	{"routes", "FILE|kernel:IFACE,...", "routes and neighbours: a text file, or the kernel's own"},
	{0},
};

const struct wn_loader wn_loader_routes = {
	.name = "routes",
	.options = options,
	.build = build,
};
