/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a pcapng file in memory piece by piece (draft-ietf-opsawg-pcapng), as strictly as the format is. */
#ifndef WN_TESTS_PCAPNG_H
#define WN_TESTS_PCAPNG_H

#include <stdint.h>
#include <string.h>

struct pcapng {
	const uint8_t *bytes;
	uint64_t length;
	uint64_t at;                    /* of the next piece; stays where one is not whole */
	uint32_t sections, interfaces, packets, records, gaps;
	uint64_t packet_bytes;          /* of those pieces */
	const uint8_t *payload;         /* of the last packet, behind the headers of Ethernet, IP and UDP */
	uint32_t payload_bytes;
	uint32_t is_ipv6;
};

static inline uint32_t pcapng_word(const struct pcapng *file, uint64_t at)
{
	uint32_t word;

	memcpy(&word, file->bytes + at, sizeof(word));
	return word;
}

/* A piece's type; 0: the end, or what is no piece. */
static inline uint32_t pcapng_next(struct pcapng *file)
{
	const uint64_t left = file->length - file->at, at = file->at;
	uint32_t type, bytes, head;

	if (left < 12)
		return 0;
	type = pcapng_word(file, at);
	bytes = pcapng_word(file, at + 4);
	if (bytes < 12 || bytes % 4 || bytes > left || pcapng_word(file, at + bytes - 4) != bytes)
		return 0;
	file->at += bytes;
	file->sections += type == 0x0a0d0d0a;
	file->interfaces += type == 1;
	file->gaps += type >> 31;
	if (type != 6)
		return type;
	file->packets += pcapng_word(file, at + 8) == 0;
	file->records += pcapng_word(file, at + 8) == 1;
	file->packet_bytes += bytes;
	file->is_ipv6 = file->bytes[at + 28 + 12] == 0x86;
	head = file->is_ipv6 ? 62 : 42;
	file->payload = file->bytes + at + 28 + head;
	file->payload_bytes = pcapng_word(file, at + 20) - head;
	return type;
}

/* Reads all. Returns whether nothing is left. */
static inline int pcapng_read(struct pcapng *file, const uint8_t *bytes, uint64_t length)
{
	memset(file, 0, sizeof(*file));
	file->bytes = bytes;
	file->length = length;
	while (pcapng_next(file))
		continue;
	return file->at == length;
}

#endif
