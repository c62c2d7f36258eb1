/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-1 (RFC 3174), a block at a time: what NSEC3 hashes names with. Shared by both halves. */
#ifndef WN_DNS_SHA1_H
#define WN_DNS_SHA1_H

#include "warpnic/types.h"

enum {
	DNS_SHA1_BYTES = 20,
	DNS_SHA1_ROUNDS = 80,
	DNS_SHA1_BLOCK_BYTES = 64
};

WN_FN uint32_t dns_rotate(uint32_t word, uint32_t bits)
{
	return word << bits | word >> (32 - bits);
}

/* The hash so far. */
struct dns_sha1 {
	uint32_t a, b, c, d, e;
};

WN_FN void dns_sha1_begin(WN_PRIVATE struct dns_sha1 *hash)
{
	hash->a = 0x67452301u;
	hash->b = 0xefcdab89u;
	hash->c = 0x98badcfeu;
	hash->d = 0x10325476u;
	hash->e = 0xc3d2e1f0u;
}

/* The function and the constant of round i (RFC 3174, section 5), for three words of the state. */
WN_FN uint32_t dns_sha1_round(uint32_t i, uint32_t b, uint32_t c, uint32_t d)
{
	if (i < 20)
		return ((b & c) | (~b & d)) + 0x5a827999u;
	if (i < 40)
		return (b ^ c ^ d) + 0x6ed9eba1u;
	if (i < 60)
		return ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdcu;
	return (b ^ c ^ d) + 0xca62c1d6u;
}

/* Round i of the DNS_SHA1_ROUNDS that take a block of 16 words, which are used up, into a copy of the hash. */
WN_FN void dns_sha1_step(WN_PRIVATE struct dns_sha1 *copy, WN_PRIVATE uint32_t *words, uint32_t i)
{
	const uint32_t at = i & 15;
	uint32_t next;

	if (i >= 16)
		words[at] = dns_rotate(words[(at + 13) & 15] ^ words[(at + 8) & 15] ^ words[(at + 2) & 15] ^ words[at],
				       1);
	next = dns_rotate(copy->a, 5) + dns_sha1_round(i, copy->b, copy->c, copy->d) + copy->e + words[at];
	copy->e = copy->d;
	copy->d = copy->c;
	copy->c = dns_rotate(copy->b, 30);
	copy->b = copy->a;
	copy->a = next;
}

/* The copy after all rounds, into the hash. */
WN_FN void dns_sha1_add(WN_PRIVATE struct dns_sha1 *hash, WN_PRIVATE const struct dns_sha1 *copy)
{
	hash->a += copy->a;
	hash->b += copy->b;
	hash->c += copy->c;
	hash->d += copy->d;
	hash->e += copy->e;
}

/* Word i of it, 0 to 4. */
WN_FN uint32_t dns_sha1_word(WN_PRIVATE const struct dns_sha1 *hash, uint32_t i)
{
	if (i < 2)
		return i ? hash->b : hash->a;
	if (i < 4)
		return i == 2 ? hash->c : hash->d;
	return hash->e;
}

#endif
