/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Routes IPv4 and IPv6 between links (RFC 1812, RFC 8200):
 *
 *     warpnic run route --routes kernel:veth0,veth1 --link packet:veth0 --link packet:veth1
 *
 * Longest prefix match, hop limit less one with the checksum mended (RFC 1624), new link-layer
 * addresses, out of the next hop's link. What cannot go on is answered with an ICMP error built here
 * (error.h). Frames to our MAC addresses only: which of them tells the link a frame came in on, so
 * each interface needs one of its own. What is for our own addresses, ARP and neighbours are the kernel's,
 * which sees each frame too. Nothing is fragmented.
 */
#define WN_SUMMARY "routes IPv4 and IPv6 between links, with the kernel's routes or from a file"
#define WN_LOADER "routes"
#define WN_PARAMETERS(X)                                                                           \
	X(number, icmp_rate, "1000", "ICMP errors a second at most; 0: none")                      \
	X(number, limit, "2", "cells of the rate limit: leave it")
#define WN_TABLES(X) X(cells, limit, "this second, and its ICMP errors")
#define WN_COUNTERS(X)                                                                             \
	X(forwarded_ipv4) X(forwarded_ipv6) X(time_exceeded) X(unreachable) X(too_big)             \
	X(local) X(not_to_us) X(not_ip) X(bad_header) X(bad_checksum) X(not_routable) X(blackhole) \
	X(errors_unsent) X(errors_limited)
#include <warpnic/program.h>

#include "layout.h"

/* Where a packet goes; layout.h. */
struct hop {
	uint32_t kind, link, mac_high, mac_low;
};

WN_FN uint32_t drop(WN_PRIVATE struct wn_packet *packet, uint32_t counter)
{
	wn_count(packet, counter, 1);
	return WN_DROP;
}

/* -- what the host has given -- */

WN_FN uint64_t interface_at(uint32_t number)
{
	return WN_ROUTE_INTERFACES_BYTES + (uint64_t)WN_ROUTE_INTERFACES_BYTES * number;
}

/* The interface whose MAC a frame is sent to; as many as there are where it is none of them. */
WN_FN uint32_t interface_of(WN_PRIVATE struct wn_packet *packet)
{
	const uint32_t high = wn_u32(packet, 0), low = wn_u16(packet, 4), count = wn_data_u32(packet, 0);
	uint32_t found = count;

	WN_LOOP(i, count, WN_ROUTE_INTERFACES_MAX)
	{
		if (found == count && wn_data_u32(packet, interface_at(i)) == high &&
		    wn_data_u32(packet, interface_at(i) + 4) == low)
			found = i;
	}
	return found;
}

/* Words of a trie: the root's, or those of a node. */
WN_FN uint32_t trie_root(WN_PRIVATE struct wn_packet *packet, uint64_t trie, uint32_t bits)
{
	return wn_data_u32(packet, trie + 4 * (uint64_t)bits);
}

WN_FN uint32_t trie_node(WN_PRIVATE struct wn_packet *packet, uint64_t trie, uint32_t node, uint32_t bits)
{
	const uint64_t number = node & 0x7fffffffu;

	return wn_data_u32(packet, trie + 4 * (WN_ROUTE_ROOT_WORDS + WN_ROUTE_NODE_WORDS * number + bits));
}

/* What the root and the node below it say of the first 24 bits. */
WN_FN uint32_t find_narrow(WN_PRIVATE struct wn_packet *packet, uint32_t address)
{
	const uint64_t trie = wn_data_u32(packet, 12);
	const uint32_t word = trie ? trie_root(packet, trie, address >> 16) : 0;

	return word >> 31 ? trie_node(packet, trie, word, address >> 8 & 0xff) : word;
}

/* The number of the next hop plus 1 for the longest prefix of an IPv4 address, or 0. */
WN_FN uint32_t find_ipv4(WN_PRIVATE struct wn_packet *packet, uint32_t address)
{
	const uint64_t wide = wn_data_u32(packet, 20);
	const uint32_t word = wide ? trie_root(packet, wide, address >> 8) : find_narrow(packet, address);

	if (WN_UNLIKELY(word >> 31))
		return trie_node(packet, wn_data_u32(packet, 12), word, address & 0xff);
	return word;
}

/* The same for the IPv6 address at an offset of the packet. */
WN_FN uint32_t find_ipv6(WN_PRIVATE struct wn_packet *packet, uint32_t offset)
{
	const uint64_t trie = wn_data_u32(packet, 16);
	uint32_t word;

	if (!trie)
		return 0;
	word = trie_root(packet, trie, wn_u16(packet, offset));
	WN_LOOP(i, word >> 31 ? 14 : 0, 14)
	{
		word = trie_node(packet, trie, word, wn_u8(packet, offset + 2 + i));
	}
	return word;
}

WN_FN void read_hop(WN_PRIVATE struct wn_packet *packet, uint32_t word, WN_PRIVATE struct hop *hop)
{
	uint32_t values[4];

	if (!word) {
		hop->kind = WN_ROUTE_NO_NET;
		return;
	}
	wn_data_u32x4(packet, wn_data_u32(packet, 8) + (uint64_t)WN_ROUTE_HOP_BYTES * (word - 1), values);
	hop->kind = values[0];
	hop->link = values[1];
	hop->mac_high = values[2];
	hop->mac_low = values[3];
}

#include "error.h"

/* -- forwarding -- */

WN_FN void set_macs(WN_PRIVATE struct wn_packet *packet, WN_PRIVATE const struct hop *hop)
{
	const uint64_t ours = interface_at(hop->link);

	wn_put_u32(packet, 0, hop->mac_high);
	wn_put_u16(packet, 4, hop->mac_low);
	wn_put_u32(packet, 6, wn_data_u32(packet, ours));
	wn_put_u16(packet, 10, wn_data_u32(packet, ours + 4));
}

/*
 * What is to become of a packet of `bytes`, with that hop limit, to that hop: 0 to send it on, else
 * an error of error.h, or ERROR_SILENT.
 */
WN_FN uint32_t error_of(WN_PRIVATE struct wn_packet *packet, WN_PRIVATE const struct hop *hop,
			uint32_t hop_limit, uint32_t bytes)
{
	switch (hop->kind) {
	case WN_ROUTE_LOCAL:
	case WN_ROUTE_BROADCAST:
	case WN_ROUTE_BLACKHOLE:
		return ERROR_SILENT;
	case WN_ROUTE_FORWARD:
		break;
	default:
		/* RFC 1812 5.3.1: the hop limit comes first. */
		return hop_limit <= 1 ? (uint32_t)ERROR_TIME : (uint32_t)ERROR_NO_NET + hop->kind;
	}
	if (hop_limit <= 1)
		return ERROR_TIME;
	return bytes > wn_data_u32(packet, interface_at(hop->link) + 8) ? (uint32_t)ERROR_TOO_BIG
									       : (uint32_t)ERROR_NONE;
}

WN_FN uint32_t silent(WN_PRIVATE struct wn_packet *packet, WN_PRIVATE const struct hop *hop)
{
	return drop(packet, hop->kind == WN_ROUTE_LOCAL ? counter_local
			    : hop->kind == WN_ROUTE_BLACKHOLE ? counter_blackhole : counter_not_routable);
}

/* 0/8, 127/8 and 224/3 are neither sent from nor routed to (RFC 1812 5.3.7). */
WN_FN uint32_t is_martian(uint32_t address)
{
	return address >> 24 == 0 || address >> 24 == 127 || address >> 29 == 7;
}

/* The sum of the IPv4 header, its checksum included: 0xffff where it is right. */
WN_FN uint32_t sum_ipv4(WN_PRIVATE struct wn_packet *packet, uint32_t header)
{
	uint32_t sum = 0;

	WN_LOOP(i, header / 2, 30)
	{
		sum += wn_u16(packet, 14 + 2 * i);
	}
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum & 0xffff) + (sum >> 16);
}

/* RFC 1624, equation 3, with m' = m - 0x0100: the hop limit is the upper half of its word. */
WN_FN void lower_ttl(WN_PRIVATE struct wn_packet *packet)
{
	const uint32_t before = wn_u16(packet, 22), after = before - 0x100;
	uint32_t sum = (~wn_u16(packet, 24) & 0xffff) + (~before & 0xffff) + after;

	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	wn_put_u16(packet, 22, after);
	wn_put_u16(packet, 24, ~sum & 0xffff);
}

WN_FN uint32_t route_ipv4(WN_PRIVATE struct wn_packet *packet, uint32_t from)
{
	const uint32_t there = wn_length(packet) - 14;
	uint32_t header, total, error;
	struct hop hop;

	if (there < 20)
		return drop(packet, counter_bad_header);
	header = (wn_u8(packet, 14) & 15u) * 4;
	total = wn_u16(packet, 16);
	if (wn_u8(packet, 14) >> 4 != 4 || header < 20 || header > total || total > there)
		return drop(packet, counter_bad_header);
	if (sum_ipv4(packet, header) != 0xffff)
		return drop(packet, counter_bad_checksum);
	if (is_martian(wn_u32(packet, 26)) || is_martian(wn_u32(packet, 30)))
		return drop(packet, counter_not_routable);
	read_hop(packet, find_ipv4(packet, wn_u32(packet, 30)), &hop);
	error = error_of(packet, &hop, wn_u8(packet, 22), total);
	if (error == ERROR_SILENT)
		return silent(packet, &hop);
	/* It would have to be cut, which is not done here. */
	if (error == ERROR_TOO_BIG && !(wn_u16(packet, 20) & 0x4000))
		return drop(packet, counter_too_big);
	if (error)
		return answer_ipv4(packet, from, error, hop.link);
	lower_ttl(packet);
	set_macs(packet, &hop);
	wn_count(packet, counter_forwarded_ipv4, 1);
	return wn_forward_to(hop.link);
}

/* Multicast, link-local, loopback and unspecified addresses stay where they are (RFC 4291 2.5, 2.7). */
WN_FN uint32_t stays_ipv6(WN_PRIVATE struct wn_packet *packet, uint32_t offset)
{
	const uint64_t high = wn_u64(packet, offset), low = wn_u64(packet, offset + 8);

	return high >> 56 == 0xff || high >> 54 == 0x3fa || (!high && low <= 1);
}

WN_FN uint32_t route_ipv6(WN_PRIVATE struct wn_packet *packet, uint32_t from)
{
	const uint32_t there = wn_length(packet) - 14;
	uint32_t total, error;
	struct hop hop;

	if (there < 40)
		return drop(packet, counter_bad_header);
	total = 40 + wn_u16(packet, 18);
	if (wn_u8(packet, 14) >> 4 != 6 || total > there)
		return drop(packet, counter_bad_header);
	if (stays_ipv6(packet, 22) || stays_ipv6(packet, 38))
		return drop(packet, counter_not_routable);
	read_hop(packet, find_ipv6(packet, 38), &hop);
	error = error_of(packet, &hop, wn_u8(packet, 21), total);
	if (error == ERROR_SILENT)
		return silent(packet, &hop);
	if (error)
		return answer_ipv6(packet, from, error, hop.link);
	wn_put_u8(packet, 21, wn_u8(packet, 21) - 1);
	set_macs(packet, &hop);
	wn_count(packet, counter_forwarded_ipv6, 1);
	return wn_forward_to(hop.link);
}

WN_PROGRAM(route, WN_FRAME, WN_LOOK_ALL)
{
	uint32_t from, type;

	if (wn_length(packet) < 14 || wn_is_truncated(packet))
		return drop(packet, counter_bad_header);
	from = interface_of(packet);
	if (from >= wn_data_u32(packet, 0))
		return drop(packet, counter_not_to_us);
	type = wn_u16(packet, 12);
	if (type == 0x0800)
		return route_ipv4(packet, from);
	if (type == 0x86dd)
		return route_ipv6(packet, from);
	return drop(packet, counter_not_ip);
}
