/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ICMP errors of the route program (RFC 792, RFC 1812 4.3; RFC 4443 section 3): time exceeded,
 * unreachable, packet too big. Built in the slot of the packet that caused them and sent back as a
 * reply, from the address of the interface that it came in on.
 *
 * None is sent about an ICMP error, about a fragment other than the first, to or about a group or a
 * broadcast, and not more than --param icmp_rate a second (RFC 1812 4.3.2.7, 4.3.2.8; RFC 4443 2.4).
 *
 *   0         14      34 (54)      42 (62)
 *   | MACs    | IP    | ICMP       | the packet, as it came, cut so that the whole is at most 576 (1280)
 */
#ifndef WN_ROUTE_ERROR_H
#define WN_ROUTE_ERROR_H

enum {
	ERROR_NONE = 0,
	ERROR_SILENT,           /* none, but the packet goes nowhere */
	ERROR_TIME,
	ERROR_TOO_BIG,
	ERROR_NO_NET,           /* + WN_ROUTE_NO_NET, _NO_HOST or _PROHIBITED */

	QUOTE_IPV4_MAX = 576 - 28,
	QUOTE_IPV6_MAX = 1280 - 48
};

/* One more in this second? Cells: the second, and the errors in it. */
WN_FN uint32_t may_send(WN_PRIVATE struct wn_packet *packet)
{
	const uint32_t second = (uint32_t)(wn_arrival_ns(packet) / 1000000000u);
	const uint32_t before = wn_cell_load(packet, table_limit, 0);

	if (before != second && wn_cell_compare_exchange(packet, table_limit, 0, before, second) == before)
		wn_cell_store(packet, table_limit, 1, 0);
	return wn_cell_add(packet, table_limit, 1, 1) < wn_parameter(packet, parameter_icmp_rate);
}

/* Whether RFC 1812 4.3.2.7 allows an error about this packet, whose header has been checked. */
WN_FN uint32_t deserves_ipv4(WN_PRIVATE struct wn_packet *packet)
{
	const uint32_t header = (wn_u8(packet, 14) & 15u) * 4;
	struct hop source;
	uint32_t type;

	if (wn_u8(packet, 6) & 1 || wn_u16(packet, 20) & 0x1fff)
		return 0;
	read_hop(packet, find_ipv4(packet, wn_u32(packet, 26)), &source);
	if (source.kind == WN_ROUTE_BROADCAST || source.kind == WN_ROUTE_LOCAL)
		return 0;
	if (wn_u8(packet, 23) != 1)
		return 1;
	if (wn_u16(packet, 16) < header + 8)
		return 0;
	type = wn_u8(packet, 14 + header);
	return type != 3 && type != 4 && type != 5 && type != 11 && type != 12;
}

/* The same by RFC 4443 2.4 (e): walks the extension headers, a bounded number of them. */
WN_FN uint32_t deserves_ipv6(WN_PRIVATE struct wn_packet *packet)
{
	const uint32_t end = 54 + wn_u16(packet, 18);
	uint32_t next = wn_u8(packet, 20), at = 54, ended = 0;

	if (wn_u8(packet, 6) & 1)
		return 0;
	WN_LOOP(i, ended ? 0 : 9, 9)
	{
		const uint32_t header = next;

		ended = next != 0 && next != 43 && next != 44 && next != 60;
		if (!ended) {
			if (at + 8 > end || (header == 44 && wn_u16(packet, at + 2) & 0xfff8))
				return 0;
			next = wn_u8(packet, at);
			at += header == 44 ? 8 : (wn_u8(packet, at + 1) + 1) * 8;
		}
	}
	/* Of ICMP only what is no error; what hides behind more headers than these is left alone. */
	if (next == 58)
		return at < end && wn_u8(packet, at) >= 128 && wn_u8(packet, at) != 137;
	return ended;
}

/* Back to where it came from. */
WN_FN void turn_macs(WN_PRIVATE struct wn_packet *packet, uint32_t from)
{
	wn_put_u32(packet, 0, wn_u32(packet, 6));
	wn_put_u16(packet, 4, wn_u16(packet, 10));
	wn_put_u32(packet, 6, wn_data_u32(packet, interface_at(from)));
	wn_put_u16(packet, 10, wn_data_u32(packet, interface_at(from) + 4));
}

/* Moves `count` bytes of the packet behind `headers` bytes of new ones; cuts what is behind. */
WN_FN void quote(WN_PRIVATE struct wn_packet *packet, uint32_t headers, uint32_t count)
{
	const uint32_t length = 14 + headers + count;

	if (length > wn_length(packet))
		wn_set_length(packet, length);
	wn_copy(packet, 14 + headers, 14, count);
	wn_set_length(packet, length);
}

/* The Internet checksum of `count` bytes at `at`, begun with `sum`. */
WN_FN uint32_t checksum(WN_PRIVATE struct wn_packet *packet, uint32_t sum, uint32_t at, uint32_t count)
{
	WN_LOOP(i, count / 2, 640)
	{
		sum += wn_u16(packet, at + 2 * i);
	}
	if (count & 1)
		sum += wn_u8(packet, at + count - 1) << 8;
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum & 0xffff;
}

WN_FN void count_error(WN_PRIVATE struct wn_packet *packet, uint32_t error)
{
	wn_count(packet, error == ERROR_TIME ? counter_time_exceeded
			 : error == ERROR_TOO_BIG ? counter_too_big : counter_unreachable, 1);
}

/* Type in the upper half, code in the lower. */
WN_FN uint32_t type_ipv4(uint32_t error)
{
	if (error == ERROR_TIME)
		return 0x0b00;
	if (error == ERROR_TOO_BIG)
		return 0x0304;
	return error == (uint32_t)ERROR_NO_NET + WN_ROUTE_NO_HOST      ? 0x0301
	       : error == (uint32_t)ERROR_NO_NET + WN_ROUTE_PROHIBITED ? 0x030d
								       : 0x0300;
}

WN_FN uint32_t answer_ipv4(WN_PRIVATE struct wn_packet *packet, uint32_t from, uint32_t error,
			   uint32_t link)
{
	const uint32_t ours = wn_data_u32(packet, interface_at(from) + 12);
	const uint32_t total = wn_u16(packet, 16);
	const uint32_t count = total < QUOTE_IPV4_MAX ? total : (uint32_t)QUOTE_IPV4_MAX;

	if (!ours || !deserves_ipv4(packet))
		return drop(packet, counter_errors_unsent);
	if (!may_send(packet))
		return drop(packet, counter_errors_limited);
	quote(packet, 28, count);
	turn_macs(packet, from);
	wn_put_u16(packet, 14, 0x45c0);      /* precedence 6: internetwork control (RFC 1812 4.3.2.5) */
	wn_put_u16(packet, 16, 28 + count);
	wn_put_u32(packet, 18, 0x00004000);  /* never fragmented: no identification (RFC 6864) */
	wn_put_u32(packet, 22, 0x40010000);
	wn_put_u32(packet, 26, ours);
	wn_put_u32(packet, 30, wn_u32(packet, 42 + 12));
	wn_put_u16(packet, 24, checksum(packet, 0, 14, 20));
	wn_put_u32(packet, 34, type_ipv4(error) << 16);
	wn_put_u32(packet, 38, error == ERROR_TOO_BIG ? wn_data_u32(packet, interface_at(link) + 8) : 0);
	wn_put_u16(packet, 36, checksum(packet, 0, 34, 8 + count));
	count_error(packet, error);
	return WN_REPLY;
}

WN_FN uint32_t type_ipv6(uint32_t error)
{
	if (error == ERROR_TIME)
		return 0x0300;
	if (error == ERROR_TOO_BIG)
		return 0x0200;
	return error == (uint32_t)ERROR_NO_NET + WN_ROUTE_NO_HOST      ? 0x0103
	       : error == (uint32_t)ERROR_NO_NET + WN_ROUTE_PROHIBITED ? 0x0101
								       : 0x0100;
}

WN_FN uint32_t answer_ipv6(WN_PRIVATE struct wn_packet *packet, uint32_t from, uint32_t error,
			   uint32_t link)
{
	const uint32_t total = 40 + wn_u16(packet, 18);
	const uint32_t count = total < QUOTE_IPV6_MAX ? total : (uint32_t)QUOTE_IPV6_MAX;
	uint32_t ours[4];

	wn_data_u32x4(packet, interface_at(from) + 16, ours);
	if (!(ours[0] | ours[1] | ours[2] | ours[3]) || !deserves_ipv6(packet))
		return drop(packet, counter_errors_unsent);
	if (!may_send(packet))
		return drop(packet, counter_errors_limited);
	quote(packet, 48, count);
	turn_macs(packet, from);
	wn_put_u32(packet, 14, 0x60000000);
	wn_put_u16(packet, 18, 8 + count);
	wn_put_u16(packet, 20, 58 << 8 | 64);
	WN_LOOP(i, 4, 4)
	{
		wn_put_u32(packet, 22 + 4 * i, ours[i]);
		wn_put_u32(packet, 38 + 4 * i, wn_u32(packet, 62 + 8 + 4 * i));
	}
	wn_put_u32(packet, 54, type_ipv6(error) << 16);
	wn_put_u32(packet, 58, error == ERROR_TOO_BIG ? wn_data_u32(packet, interface_at(link) + 8) : 0);
	/* The addresses, length and protocol of RFC 8200 8.1 come first. */
	wn_put_u16(packet, 56, checksum(packet, 8 + count + 58, 22, 32 + 8 + count));
	count_error(packet, error);
	return WN_REPLY;
}

#endif
