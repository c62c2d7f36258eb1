/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proofs that something is not there: which NSEC or NSEC3 records go with an answer (RFC 4035, section
 * 3.1.3; RFC 5155, section 7.2). Most are known beforehand; what depends on the name asked for is the
 * record that covers it, and that is looked up here.
 */
#ifndef WN_DNS_PROVE_H
#define WN_DNS_PROVE_H

#include "question.h"
#include "sha1.h"

enum { DNS_PIECES_MAX = 4 };

/* What answers a question. */
struct dns_found {
	uint32_t answer;         /* its index, or 0: the name is in no zone */
	uint32_t code;           /* NXDOMAIN where the answer serves as the denial of a name */
	uint32_t is_negative;
	uint32_t prefix_bytes;   /* redirected by DNAME: bytes of the question's name before its owner */
	uint32_t piece_count;
	uint32_t pieces[DNS_PIECES_MAX]; /* proofs that go behind the answer */
};

/* Adds a piece, each once. */
WN_FN void dns_found_add(WN_PRIVATE struct dns_found *found, uint32_t piece)
{
	if (!piece || found->piece_count == DNS_PIECES_MAX)
		return;
	WN_LOOP(i, found->piece_count, DNS_PIECES_MAX)
	{
		if (found->pieces[i] == piece)
			return;
	}
	found->pieces[found->piece_count++] = piece;
}

/* Index of a node's proof words. */
WN_FN uint32_t dns_proof_words(uint32_t index, WN_PRIVATE const struct dns_node *node)
{
	return index + DNS_NODE_WORDS + (node->name_bytes + 7) / 8 + node->type_count;
}

/* Offset of the question's name without its first `count` labels. */
WN_FN uint32_t dns_name_without(WN_PRIVATE struct wn_packet *packet, uint32_t count)
{
	uint32_t at = DNS_HEADER_BYTES;

	WN_LOOP(i, count, DNS_LABELS_MAX)
	{
		at += 1 + wn_u8(packet, at);
	}
	return at;
}

/* -- NSEC: the names below one, in order -- */

/* The first eight bytes of the label at `at`, folded, zeros behind a shorter one. */
WN_FN uint64_t dns_label_head(WN_PRIVATE struct wn_packet *packet, uint32_t at)
{
	const uint32_t bytes = wn_u8(packet, at);

	if (bytes >= 8)
		return dns_fold(wn_u64(packet, at + 1));
	return bytes ? dns_name_tail(packet, at + 1 + bytes, bytes) << 8 * (8 - bytes) : 0;
}

/* Byte i of a node's name. */
WN_FN uint32_t dns_node_byte(WN_PRIVATE struct wn_packet *packet, uint32_t index, uint32_t name_bytes,
			     uint32_t i)
{
	const uint32_t left = name_bytes - i / 8 * 8, in_word = left < 8 ? left : 8;

	return wn_data_word(packet, (uint64_t)index + DNS_NODE_WORDS + i / 8) >> 8 * (in_word - 1 - i % 8) & 0xff;
}

/* Whether the first label of a node's name comes before the one at `at` (RFC 4034, section 6.1). */
WN_FN uint32_t dns_label_is_before(WN_PRIVATE struct wn_packet *packet, uint32_t index, uint32_t at)
{
	const uint32_t name_bytes = wn_data_word(packet, index) & 0xff;
	const uint32_t mine = dns_node_byte(packet, index, name_bytes, 0), bytes = wn_u8(packet, at);

	WN_LOOP(i, mine < bytes ? mine : bytes, DNS_LABEL_BYTES_MAX)
	{
		const uint32_t a = dns_node_byte(packet, index, name_bytes, 1 + i);
		const uint32_t b = dns_fold(wn_u8(packet, at + 1 + i)) & 0xff;

		if (a != b)
			return a < b;
	}
	return mine < bytes;
}

/*
 * The NSEC that covers a name whose label at `at` is none of those below the encloser: `word` says where
 * the list of these is. A list of none is the piece itself.
 */
WN_FN uint32_t dns_nsec_over(WN_PRIVATE struct wn_packet *packet, uint64_t word, uint32_t at)
{
	const uint32_t first = dns_low(word);
	const uint64_t head = dns_label_head(packet, at);
	uint32_t low = 0, high = dns_high(word);

	if (!high)
		return first;
	/* Entry 0 comes before all labels: the answer is in [low, high). */
	WN_LOOP(i, 32, 32)
	{
		const uint32_t middle = low + (high - low) / 2;
		uint64_t other;
		uint32_t is_before;

		if (middle == low)
			break;
		other = wn_data_word(packet, (uint64_t)first + 2 * (uint64_t)middle);
		is_before = other != head ? other < head
					  : dns_label_is_before(packet,
								dns_high(wn_data_word(packet, (uint64_t)first +
										      2 * (uint64_t)middle + 1)),
								at);
		if (is_before)
			low = middle;
		else
			high = middle;
	}
	return dns_low(wn_data_word(packet, (uint64_t)first + 2 * (uint64_t)low + 1));
}

/* -- NSEC3: hashes, in order -- */

/* What is hashed: the name at `at`, or in further rounds the hash before; the salt behind it. */
struct dns_hash3 {
	uint64_t salt;           /* its offset in the blob */
	uint32_t salt_bytes;
	uint32_t at, bytes;      /* of the name; at 0: `last`, the round before */
	struct dns_sha1 last;
};

/* Byte i of it, with SHA-1's padding, but for the length. */
WN_FN uint32_t dns_hash3_byte(WN_PRIVATE struct wn_packet *packet, WN_PRIVATE const struct dns_hash3 *what,
			      uint32_t i)
{
	if (i < what->bytes && !what->at)
		return dns_sha1_word(&what->last, i / 4) >> 8 * (3 - i % 4) & 0xff;
	if (i < what->bytes)
		return dns_fold(wn_u8(packet, what->at + i)) & 0xff;
	i -= what->bytes;
	if (i < what->salt_bytes)
		return wn_data_u8(packet, (uint64_t)what->salt + i);
	return i == what->salt_bytes ? 0x80 : 0;
}

/* One round, into what->last. */
WN_FN void dns_hash3_round(WN_PRIVATE struct wn_packet *packet, WN_PRIVATE struct dns_hash3 *what)
{
	const uint32_t bytes = what->bytes + what->salt_bytes;
	const uint32_t blocks = (bytes + 9 + DNS_SHA1_BLOCK_BYTES - 1) / DNS_SHA1_BLOCK_BYTES;
	struct dns_sha1 hash, copy;
	uint32_t words[16];

	dns_sha1_begin(&hash);
	WN_LOOP(block, blocks, (2 * 255 + 9) / DNS_SHA1_BLOCK_BYTES + 1)
	{
		WN_LOOP(i, 16, 16)
		{
			const uint32_t from = block * DNS_SHA1_BLOCK_BYTES + 4 * i;

			words[i] = dns_hash3_byte(packet, what, from) << 24 |
				   dns_hash3_byte(packet, what, from + 1) << 16 |
				   dns_hash3_byte(packet, what, from + 2) << 8 |
				   dns_hash3_byte(packet, what, from + 3);
		}
		if (block + 1 == blocks)
			words[15] = 8 * bytes;
		copy = hash;
		WN_LOOP(i, DNS_SHA1_ROUNDS, DNS_SHA1_ROUNDS)
		{
			dns_sha1_step(&copy, words, i);
		}
		dns_sha1_add(&hash, &copy);
	}
	what->last = hash;
	what->at = 0;
	what->bytes = DNS_SHA1_BYTES;
}

/* Whether the hash at `index` is not behind `hash`. */
WN_FN uint32_t dns_hash3_is_before(WN_PRIVATE struct wn_packet *packet, uint32_t index,
				   WN_PRIVATE const struct dns_sha1 *hash)
{
	uint64_t other = wn_data_word(packet, index), mine = (uint64_t)hash->a << 32 | hash->b;

	if (other != mine)
		return other < mine;
	other = wn_data_word(packet, (uint64_t)index + 1);
	mine = (uint64_t)hash->c << 32 | hash->d;
	if (other != mine)
		return other < mine;
	return dns_high(wn_data_word(packet, (uint64_t)index + 2)) <= hash->e;
}

/* The NSEC3 that covers the name that begins at `at` and is `bytes` long; `chain` is the zone's. */
WN_FN uint32_t dns_nsec3_over(WN_PRIVATE struct wn_packet *packet, uint32_t chain, uint32_t at, uint32_t bytes)
{
	const uint64_t head = wn_data_word(packet, chain);
	const uint32_t iterations = dns_high(head) & 0xffff;
	struct dns_hash3 what;
	uint32_t first, low = 0, high = dns_low(head);

	dns_sha1_begin(&what.last);
	what.at = at;
	what.bytes = bytes;
	what.salt = 8 * ((uint64_t)chain + 1);
	what.salt_bytes = dns_high(head) >> 16 & 0xff;
	first = chain + 1 + (what.salt_bytes + 7) / 8;
	WN_LOOP(i, iterations + 1, DNS_ITERATIONS_MAX + 1)
	{
		dns_hash3_round(packet, &what);
	}
	WN_LOOP(i, 32, 32)
	{
		const uint32_t middle = low + (high - low) / 2;

		if (low == high)
			break;
		if (dns_hash3_is_before(packet, first + DNS_HASHED_WORDS * middle, &what.last))
			low = middle + 1;
		else
			high = middle;
	}
	/* Before the first hash the last one covers: they form a ring. */
	low = low ? low - 1 : dns_low(head) - 1;
	return dns_low(wn_data_word(packet, (uint64_t)first + DNS_HASHED_WORDS * low + 2));
}

/* -- what goes with an answer -- */

/* At a name that is there: the type is not. */
WN_FN void dns_prove_type(WN_PRIVATE struct wn_packet *packet, uint32_t index,
			  WN_PRIVATE const struct dns_node *node, WN_PRIVATE struct dns_found *found)
{
	const uint64_t word = wn_data_word(packet, dns_proof_words(index, node));

	dns_found_add(found, dns_low(word));
	dns_found_add(found, dns_high(word));
}

/* The name asked for is not there: `index` is its closest encloser, `depth` labels above it. */
WN_FN void dns_prove_name(WN_PRIVATE struct wn_packet *packet, WN_PRIVATE const struct dns_question *question,
			  uint32_t index, WN_PRIVATE const struct dns_node *node, uint32_t depth,
			  WN_PRIVATE struct dns_found *found)
{
	const uint64_t word = wn_data_word(packet, (uint64_t)dns_proof_words(index, node) + 2);
	uint32_t at;

	if (node->flags & DNS_NODE_HASHED) {
		at = dns_name_without(packet, depth - 1 + dns_high(word));
		dns_found_add(found, dns_nsec3_over(packet, dns_low(word), at,
						    DNS_HEADER_BYTES + question->name.bytes - at));
	} else {
		dns_found_add(found, dns_nsec_over(packet, word, dns_name_without(packet, depth - 1)));
	}
}

/* Its closest encloser is there (NSEC3 alone says so), and, with `no_wildcard`, has no wildcard. */
WN_FN void dns_prove_encloser(WN_PRIVATE struct wn_packet *packet, uint32_t index,
			      WN_PRIVATE const struct dns_node *node, uint32_t no_wildcard,
			      WN_PRIVATE struct dns_found *found)
{
	const uint64_t word = wn_data_word(packet, (uint64_t)dns_proof_words(index, node) + 1);

	dns_found_add(found, dns_low(word));
	if (no_wildcard)
		dns_found_add(found, dns_high(word));
}

#endif
