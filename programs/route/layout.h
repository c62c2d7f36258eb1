/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the route program reads: interfaces, next hops and two tries, made by the host (routes.c).
 * Numbers are little-endian words of 32 bits; addresses and MACs are numbers, first byte highest.
 *
 *   word 0           interfaces, at most WN_ROUTE_INTERFACES_MAX; interface k belongs to link k
 *   word 1           next hops
 *   word 2           byte offset of the next hops, 16 bytes each
 *   word 3           byte offset of the IPv4 trie; 0: no prefix
 *   word 4           byte offset of the IPv6 trie; 0: no prefix
 *   word 5           byte offset of the wide IPv4 root, 2^24 words; 0: none. It is there where prefixes
 *                    are many, and takes the place of the root and the nodes below it (DIR-24-8: Gupta,
 *                    Lin and McKeown, 1998); its nodes are those of the IPv4 trie
 *   byte 64          the interfaces, 64 bytes each: MAC (4 bytes), MAC (2 bytes), MTU, IPv4 address,
 *                    IPv6 address (4 words); an address of 0 is none
 *
 *   next hop         kind, link, MAC (4 bytes), MAC (2 bytes)
 *   trie             as warpnic/data.h has it, but a word that is no node is 0 or the number of a
 *                    next hop plus 1
 */
#ifndef WN_ROUTE_LAYOUT_H
#define WN_ROUTE_LAYOUT_H

enum {
	WN_ROUTE_INTERFACES_MAX = 16,
	WN_ROUTE_INTERFACES_BYTES = 64,  /* where they begin, and bytes of each */
	WN_ROUTE_HOP_BYTES = 16,
	WN_ROUTE_ROOT_WORDS = 65536,
	WN_ROUTE_NODE_WORDS = 256,
	WN_ROUTE_WIDE_WORDS = 1 << 24,
	WN_ROUTE_WIDE_FROM = 20000       /* prefixes, from which on 64 MiB more are worth it */
};

/* What becomes of packets to a prefix. No prefix at all is WN_ROUTE_NO_NET. */
enum {
	WN_ROUTE_NO_NET = 0,      /* ICMP: network unreachable; IPv6: no route */
	WN_ROUTE_FORWARD,         /* out of the hop's link, to its MAC */
	WN_ROUTE_NO_HOST,         /* on a link of ours, but no neighbour is known: host unreachable */
	WN_ROUTE_PROHIBITED,      /* ICMP: communication administratively prohibited */
	WN_ROUTE_BLACKHOLE,       /* nothing is said */
	WN_ROUTE_LOCAL,           /* an address of ours: the kernel's */
	WN_ROUTE_BROADCAST,       /* of a subnet of ours */
	WN_ROUTE_KIND_COUNT
};

#endif
