/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Response rate limiting, so that a server is no amplifier for whoever writes the addresses of others
 * into queries.
 *
 * Clients are counted by network, /24 and /56, in a table of cells: 12 bits of the second, 20 of the
 * answers in it. The clock is the arrival of the packets. Networks whose hashes meet in one cell share
 * it. Of the queries above the limit every second is answered with TC and no records, so that a client
 * whose address was not forged still learns that it is to ask again; the rest are dropped. Clients on
 * loopback are exempt.
 */
#ifndef WN_DNS_RATE_H
#define WN_DNS_RATE_H

#include "warpnic/program.h"

enum {
	DNS_RATE_ANSWER,
	DNS_RATE_SLIP,
	DNS_RATE_DROP,
	DNS_RATE_COUNT_BITS = 20,
	DNS_RATE_COUNT_MAX = 0xff000   /* not counted further: the bits above are not a count's */
};

/* ::ffff:0:0/96 is IPv4 seen through an IPv6 socket (RFC 4291, section 2.5.5.2). */
WN_FN uint32_t dns_rate_is_mapped(WN_PRIVATE const struct wn_packet *packet)
{
	uint32_t zeros = 0;

	WN_LOOP(i, 10, 10)
		zeros |= wn_peer_address(packet, i);
	return !zeros && wn_peer_address(packet, 10) == 0xff && wn_peer_address(packet, 11) == 0xff;
}

WN_FN uint32_t dns_rate_is_loopback6(WN_PRIVATE const struct wn_packet *packet)
{
	uint32_t zeros = 0;

	WN_LOOP(i, 15, 15)
		zeros |= wn_peer_address(packet, i);
	return !zeros && wn_peer_address(packet, 15) == 1;
}

/* The client's network as one number, or 0 where it is exempt. */
WN_FN uint64_t dns_rate_network(WN_PRIVATE const struct wn_packet *packet)
{
	const uint32_t is_six = wn_peer_family(packet) == 6;
	uint32_t at = 0, count = 3;
	uint64_t network = 4;

	if (is_six && !dns_rate_is_mapped(packet)) {
		if (dns_rate_is_loopback6(packet))
			return 0;
		count = 7;
		network = 6;
	} else {
		at = is_six ? 12 : 0;
		if (wn_peer_address(packet, at) == 127)
			return 0;
	}
	WN_LOOP(i, count, 7)
		network = network << 8 | wn_peer_address(packet, at + i);
	return network;
}

/* Counts one query of a network that arrived in `second`; how many that makes. */
WN_FN uint32_t dns_rate_count(WN_PRIVATE struct wn_packet *packet, uint32_t table, uint64_t cell,
			      uint32_t second)
{
	const uint32_t mask = (1u << DNS_RATE_COUNT_BITS) - 1;
	uint32_t held = wn_cell_load(packet, table, cell);

	/* Twice: another lane may begin the second at the same time. Then a count is lost, not wrong. */
	WN_LOOP(i, 2, 2)
	{
		uint32_t seen;

		if (held >> DNS_RATE_COUNT_BITS == second) {
			if ((held & mask) >= DNS_RATE_COUNT_MAX)
				return held & mask;
			return (wn_cell_add(packet, table, cell, 1) & mask) + 1;
		}
		seen = wn_cell_compare_exchange(packet, table, cell, held, second << DNS_RATE_COUNT_BITS | 1);
		if (seen == held)
			return 1;
		held = seen;
	}
	return 1;
}

/* What becomes of a query: DNS_RATE_ANSWER, _SLIP or _DROP. `limit` 0: no limit. */
WN_FN uint32_t dns_rate_check(WN_PRIVATE struct wn_packet *packet, uint32_t table, uint64_t cells,
			      uint64_t limit)
{
	const uint32_t second = (uint32_t)(wn_arrival_ns(packet) / 1000000000u) & 0xfff;
	uint64_t network;
	uint32_t count;

	if (!limit || !cells)
		return DNS_RATE_ANSWER;
	network = dns_rate_network(packet);
	if (!network)
		return DNS_RATE_ANSWER;
	count = dns_rate_count(packet, table, wn_table_hash(network) % cells, second);
	if (count <= limit)
		return DNS_RATE_ANSWER;
	return count & 1 ? (uint32_t)DNS_RATE_SLIP : (uint32_t)DNS_RATE_DROP;
}

#endif
