/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-1 (RFC 3174), a block at a time: what NSEC3 hashes names with. Shared by both halves. */
#ifndef WN_DNS_SHA1_H
#define WN_DNS_SHA1_H

#include "warpnic/types.h"

enum {
	DNS_SHA1_BYTES = 20,
	DNS_SHA1_WORDS = 5,
	DNS_SHA1_BLOCK_BYTES = 64
};

WN_FN uint32_t dns_rotate(uint32_t word, uint32_t bits)
{
	return word << bits | word >> (32 - bits);
}

WN_FN void dns_sha1_begin(WN_PRIVATE uint32_t *state)
{
	state[0] = 0x67452301u;
	state[1] = 0xefcdab89u;
	state[2] = 0x98badcfeu;
	state[3] = 0x10325476u;
	state[4] = 0xc3d2e1f0u;
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

/* Takes a block of 16 words, which it uses up, into the state. */
WN_FN void dns_sha1_block(WN_PRIVATE uint32_t *state, WN_PRIVATE uint32_t *words)
{
	uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];

	for (uint32_t i = 0; i < 80; i++) {
		const uint32_t at = i & 15;
		uint32_t next;

		if (i >= 16)
			words[at] = dns_rotate(words[(at + 13) & 15] ^ words[(at + 8) & 15] ^
					       words[(at + 2) & 15] ^ words[at], 1);
		next = dns_rotate(a, 5) + dns_sha1_round(i, b, c, d) + e + words[at];
		e = d;
		d = c;
		c = dns_rotate(b, 30);
		b = a;
		a = next;
	}
	state[0] += a;
	state[1] += b;
	state[2] += c;
	state[3] += d;
	state[4] += e;
}

#endif
