/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Builds frames that the lane's stack is tried with, by code of its own: nothing here is shared with src/lane.
 */
#ifndef WN_TOOL_MATCH_FRAME_H
#define WN_TOOL_MATCH_FRAME_H

#include <stdint.h>
#include <string.h>

static const uint8_t our_mac[6] = {2, 0, 0, 0, 0, 9}, their_mac[6] = {2, 0, 0, 0, 0, 7};
static const uint8_t our_v4[4] = {10, 0, 0, 2}, their_v4[4] = {10, 0, 0, 1};
static const uint8_t our_v6[16] = {0xfd, [15] = 2}, their_v6[16] = {0xfd, [15] = 1};

/* What a frame is made of. Zeroed: UDP over IPv4, no tags, no options, right checksums. */
struct recipe {
	int tags;              /* VLAN tags */
	int v6;
	int options;           /* IPv4: bytes of options, a multiple of 4 */
	int extensions;        /* IPv6: extension headers of 8 bytes */
	int protocol;          /* 0: UDP */
	const uint8_t *payload; /* behind the UDP header; for other protocols the whole transport */
	uint32_t length;
	int padding;           /* bytes behind the IP packet */
	int no_checksum;       /* UDP checksum 0 */
};

static inline void frame_put16(uint8_t *bytes, uint32_t value)
{
	bytes[0] = (uint8_t)(value >> 8);
	bytes[1] = (uint8_t)value;
}

static inline uint32_t frame_get16(const uint8_t *bytes)
{
	return (uint32_t)bytes[0] << 8 | bytes[1];
}

/* Word by word, as RFC 1071 begins. */
static inline uint32_t frame_sum(uint32_t sum, const uint8_t *bytes, uint32_t length)
{
	for (uint32_t i = 0; i < length; i++)
		sum += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static inline uint32_t frame_transport_sum(int v6, const uint8_t *addresses, uint32_t protocol,
					   const uint8_t *bytes, uint32_t length)
{
	uint32_t sum = protocol + length;

	sum = frame_sum(sum, addresses, v6 ? 32 : 8);
	return frame_sum(sum, bytes, length);
}

/* Offset of the IP header. */
static inline uint32_t frame_network(const struct recipe *recipe)
{
	return 14 + 4 * (uint32_t)recipe->tags;
}

static inline uint32_t frame_ipv4(uint8_t *ip, const struct recipe *recipe, uint32_t transport)
{
	const uint32_t header = 20 + (uint32_t)recipe->options;

	memset(ip, 1, header); /* options: no operation */
	ip[0] = (uint8_t)(0x40 | header / 4);
	ip[1] = 0;
	frame_put16(ip + 2, header + transport);
	frame_put16(ip + 4, 77);
	frame_put16(ip + 6, 0);
	ip[8] = 33;
	ip[9] = (uint8_t)(recipe->protocol ? recipe->protocol : 17);
	memcpy(ip + 12, their_v4, 4);
	memcpy(ip + 16, our_v4, 4);
	frame_put16(ip + 10, 0);
	frame_put16(ip + 10, ~frame_sum(0, ip, header) & 0xffff);
	return header;
}

static inline uint32_t frame_ipv6(uint8_t *ip, const struct recipe *recipe, uint32_t transport)
{
	const uint32_t extensions = (uint32_t)recipe->extensions;
	uint8_t *next = ip + 6;

	memset(ip, 0, 40 + 8 * extensions);
	ip[0] = 0x60;
	frame_put16(ip + 4, 8 * extensions + transport);
	ip[7] = 33;
	memcpy(ip + 8, their_v6, 16);
	memcpy(ip + 24, our_v6, 16);
	for (uint32_t i = 0; i < extensions; i++) {
		uint8_t *header = ip + 40 + 8 * i;

		*next = i == 0 ? 0 : 60; /* hop-by-hop, then destination options */
		header[2] = 1;           /* PadN */
		header[3] = 4;
		next = header;
	}
	*next = (uint8_t)(recipe->protocol ? recipe->protocol : 17);
	return 40 + 8 * extensions;
}

/* Makes the frame and returns its length. */
static inline uint32_t frame_make(uint8_t *bytes, const struct recipe *recipe)
{
	const uint32_t network = frame_network(recipe);
	const uint32_t transport = recipe->protocol ? recipe->length : 8 + recipe->length;
	uint8_t *ip = bytes + network, *at;
	uint32_t sum;

	memcpy(bytes, our_mac, 6);
	memcpy(bytes + 6, their_mac, 6);
	for (int i = 0; i < recipe->tags; i++) {
		frame_put16(bytes + 12 + 4 * i, i + 1 < recipe->tags ? 0x88a8 : 0x8100);
		frame_put16(bytes + 14 + 4 * i, 100u + (uint32_t)i);
	}
	frame_put16(bytes + network - 2, recipe->v6 ? 0x86dd : 0x0800);
	at = ip + (recipe->v6 ? frame_ipv6(ip, recipe, transport) : frame_ipv4(ip, recipe, transport));
	if (recipe->protocol) {
		memcpy(at, recipe->payload, recipe->length);
	} else {
		frame_put16(at, 4321);
		frame_put16(at + 2, 53);
		frame_put16(at + 4, transport);
		frame_put16(at + 6, 0);
		memcpy(at + 8, recipe->payload, recipe->length);
		sum = ~frame_transport_sum(recipe->v6, recipe->v6 ? ip + 8 : ip + 12, 17, at, transport) &
		      0xffff;
		if (!recipe->no_checksum)
			frame_put16(at + 6, sum ? sum : 0xffff);
	}
	memset(at + transport, 0, (size_t)recipe->padding);
	return (uint32_t)(at - bytes) + transport + (uint32_t)recipe->padding;
}

#endif
