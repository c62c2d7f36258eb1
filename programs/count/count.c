/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counts packets and bytes by protocol and by length class.
 *
 * Bytes are those the packet had on the wire. A datagram is udp4 or udp6; a frame is told by its
 * EtherType, behind up to two VLAN tags (IEEE 802.1Q), and by the protocol number of its IPv4 or
 * IPv6 header (RFC 791 section 3.1, RFC 8200 section 3; extension headers are counted as other).
 * Length classes are those of RFC 2819 (etherStatsPkts), without the frame check sequence.
 */
#define WN_SUMMARY "counts packets and bytes by protocol and length class"
#define WN_COUNTERS(X)                                                                             \
	X(udp4_packets) X(udp4_bytes) X(udp6_packets) X(udp6_bytes)                                \
	X(tcp4_packets) X(tcp4_bytes) X(tcp6_packets) X(tcp6_bytes)                                \
	X(icmp4_packets) X(icmp4_bytes) X(icmp6_packets) X(icmp6_bytes)                            \
	X(ip4_other_packets) X(ip4_other_bytes) X(ip6_other_packets) X(ip6_other_bytes)            \
	X(arp_packets) X(arp_bytes) X(other_packets) X(other_bytes)                                \
	X(length_0_63) X(length_64_127) X(length_128_255) X(length_256_511)                        \
	X(length_512_1023) X(length_1024_1518) X(length_1519_up)
#include <warpnic/program.h>

/* Each protocol has two counters, packets and bytes; this is the first of them. */
WN_FN uint32_t ip_counter(uint32_t protocol, uint32_t six)
{
	if (protocol == 17)
		return six ? counter_udp6_packets : counter_udp4_packets;
	if (protocol == 6)
		return six ? counter_tcp6_packets : counter_tcp4_packets;
	if (protocol == (six ? 58u : 1u))
		return six ? counter_icmp6_packets : counter_icmp4_packets;
	return six ? counter_ip6_other_packets : counter_ip4_other_packets;
}

WN_FN uint32_t is_vlan(uint32_t type)
{
	return type == 0x8100 || type == 0x88a8;
}

WN_FN uint32_t frame_counter(WN_PRIVATE struct wn_packet *packet)
{
	const uint32_t length = wn_length(packet);
	uint32_t at = 12, type;

	if (length < 14)
		return counter_other_packets;
	type = wn_u16(packet, at);
	WN_LOOP(tag, 2, 2)
	{
		if (is_vlan(type) && length >= at + 6) {
			at += 4;
			type = wn_u16(packet, at);
		}
	}
	at += 2;
	if (type == 0x0800 && length >= at + 20)
		return ip_counter(wn_u8(packet, at + 9), 0);
	if (type == 0x86dd && length >= at + 40)
		return ip_counter(wn_u8(packet, at + 6), 1);
	return type == 0x0806 ? counter_arp_packets : counter_other_packets;
}

WN_FN uint32_t length_counter(uint32_t length)
{
	if (length < 128)
		return length < 64 ? counter_length_0_63 : counter_length_64_127;
	if (length < 512)
		return length < 256 ? counter_length_128_255 : counter_length_256_511;
	if (length < 1024)
		return counter_length_512_1023;
	return length < 1519 ? counter_length_1024_1518 : counter_length_1519_up;
}

WN_PROGRAM(count, WN_ANY, 64)
{
	const uint32_t bytes = wn_wire_length(packet);
	const uint32_t counter = wn_is_frame(packet) ? frame_counter(packet)
						     : ip_counter(17, wn_peer_family(packet) == 6);

	wn_count(packet, counter, 1);
	wn_count(packet, counter + 1, bytes);
	wn_count(packet, length_counter(bytes), 1);
	return WN_DROP;
}
