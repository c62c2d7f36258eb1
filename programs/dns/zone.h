/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The blob that dns answers from: made by the host half (zone_build.c), read by the program.
 *
 * It is a run of 64-bit little-endian words; an index is a word's number from the start of the blob, 32
 * bits wide (so 32 GiB at most), and 0 where there is nothing. Integers are packed into words from the
 * lowest bit up, as the functions below say.
 *
 *   head       DNS_HEAD_WORDS words
 *   slots      the hash table of names, a word each: tag, index of the node
 *   nodes      a name and all that can be asked of it, right behind each other
 *   answers    whole answers, cut out beforehand: all behind the question, as it goes on the wire
 *
 * A node is there for every name of a zone that has authority: also for empty non-terminals and for
 * the names of delegations, not for what lies below a delegation. So the longest name that is found on
 * the way up from a question is its closest encloser (RFC 4592, section 3.3.1), and one node says what
 * to do: answer, refer, expand the wildcard, or deny.
 *
 *   node       DNS_NODE_WORDS words, the name, then a word for each type, then, with DNS_NODE_PROVEN,
 *              DNS_PROOF_WORDS words
 *   name       lower case, in wire format, 8 bytes a word in network order; in the last word the bytes
 *              that are left stand lowest
 *   type       type, 16 bits free, index of the answer; DNS_TYPE_OTHER answers for types that are not
 *              there, DNS_TYPE_REDIRECT for all names below
 *   proofs     of a zone with NSEC or NSEC3 records, for questions with DO. Three words:
 *                what denies a type at the name: two pieces
 *                what says that the name is there (NSEC3), what says that it has no wildcard: a piece each
 *                NSEC: list of the names below it, how many entries; none: the piece instead of the list
 *                NSEC3: the zone's chain, how many labels above the closest encloser is that has an NSEC3
 *
 * Answers hold compression pointers (RFC 1035, section 4.1.4). They are right for a question as long as
 * the answer's base name: the name itself, or, where one answer serves many questions, the name that
 * all of them end in. A longer question moves all that lies behind it, and all but its own start; so
 * each pointer on the list of fix-ups grows by the difference. A fix-up with DNS_FIXUP_INSIDE points into
 * the answer itself: it grows by as much as the answer has moved.
 *
 *   answer     DNS_ANSWER_WORDS words, the bytes, padded to a word, then the fix-ups, 4 in a word
 *   bytes      answer section, authority section, glue that must be there; then what may be left out
 *   piece      an answer that is an NSEC or NSEC3 with its signatures: it goes behind another one. Its base is
 *              the apex of the zone
 *
 *   list       of the names right below a name, in order (RFC 4034, section 6.1), two words an entry: the first
 *              8 bytes of the label; the piece that covers what is between it and the next entry's, index
 *              of its node. The first entry stands for the name above: it has no label and no node
 *   chain      how many hashes, iterations (16 bits), bytes of the salt (8 bits); the salt; the hashes in order,
 *              DNS_HASHED_WORDS words each: the hash in network order, 20 bytes, and in the low half of the
 *              last word its piece
 */
#ifndef WN_DNS_ZONE_H
#define WN_DNS_ZONE_H

#include "warpnic/types.h"

/* -- protocol constants: RFC 1035, 3596, 4034, 6891 -- */

enum {
	DNS_HEADER_BYTES = 12,
	DNS_NAME_BYTES_MAX = 255,
	DNS_LABEL_BYTES_MAX = 63,
	DNS_LABELS_MAX = 127,          /* of a name of 255 bytes, without the root's */
	DNS_POINTER = 0xc000,
	DNS_CLASS_IN = 1,
	DNS_TYPE_A = 1,
	DNS_TYPE_NS = 2,
	DNS_TYPE_CNAME = 5,
	DNS_TYPE_SOA = 6,
	DNS_TYPE_PTR = 12,
	DNS_TYPE_MX = 15,
	DNS_TYPE_KEY = 25,
	DNS_TYPE_AAAA = 28,
	DNS_TYPE_SRV = 33,
	DNS_TYPE_DNAME = 39,
	DNS_TYPE_OPT = 41,
	DNS_TYPE_DS = 43,
	DNS_TYPE_RRSIG = 46,
	DNS_TYPE_NSEC = 47,
	DNS_TYPE_NSEC3 = 50,
	DNS_TYPE_NSEC3PARAM = 51,
	DNS_TYPE_IXFR = 251,
	DNS_TYPE_AXFR = 252,
	DNS_TYPE_ANY = 255
};

/* -- the blob -- */

enum {
	DNS_HEAD_WORDS = 8,
	DNS_NODE_WORDS = 2,
	DNS_ANSWER_WORDS = 2,
	DNS_BODY_BYTES_MAX = 4096,     /* of an answer: none that is longer is ever sent over UDP */
	DNS_FIXUPS_MAX = 1024,
	DNS_TYPES_MAX = 1024,          /* types at one name */
	DNS_PROBES_MAX = 4096,
	DNS_PROOF_WORDS = 3,
	DNS_HASHED_WORDS = 3,
	DNS_ITERATIONS_MAX = 150,      /* of NSEC3; there should be none (RFC 9276, section 3.1) */
	DNS_FIXUP_INSIDE = 0x8000,
	DNS_TYPE_OTHER = 0,            /* reserved as types (RFC 6895): never asked for in earnest */
	DNS_TYPE_REDIRECT = 65535
};

#define DNS_MAGIC 0x32306e6f7a6e7764u /* "dwnzon02" */

/* Words of the head. */
enum {
	DNS_HEAD_MAGIC,
	DNS_HEAD_SLOTS,                /* how many, index of the first */
	DNS_HEAD_BOUNDS,               /* longest way from a name's place to its slot, most labels of a name */
	DNS_HEAD_TOTAL                 /* words of the blob, 0 */
};

/* Flags of a node. */
enum {
	DNS_NODE_CUT = 1,              /* a delegation: `other` is the answer that refers, but to DS */
	DNS_NODE_APEX = 2,             /* of a zone: `other` is the node of the delegation to it, if any */
	DNS_NODE_REDIRECT = 4,         /* has DNAME: names below it are redirected */
	DNS_NODE_PROVEN = 8,           /* proof words follow the types */
	DNS_NODE_HASHED = 16           /* they are of NSEC3 */
};

/* Flags of an answer. */
enum {
	DNS_ANSWER_AUTHORITATIVE = 1,
	DNS_ANSWER_NXDOMAIN = 2,
	DNS_ANSWER_TOO_LONG = 4,       /* longer than DNS_BODY_BYTES_MAX: always truncated */
	DNS_ANSWER_HAS_SIGNED = 8,     /* right behind it is the one for questions with DO */
	DNS_ANSWER_YXDOMAIN = 16       /* an alias in it would become too long (RFC 6672, section 2.2) */
};

struct dns_node {
	uint32_t name_bytes;           /* 1 to 255 */
	uint32_t flags;
	uint32_t type_count;
	uint32_t negative;             /* index of the answer with the SOA of its zone */
	uint32_t wildcard;             /* index of the node of its child "*" */
	uint32_t other;
};

struct dns_answer {
	uint32_t body_bytes;           /* what must be there */
	uint32_t extra_bytes;          /* what may be left out: additional records */
	uint32_t answer_count, authority_count, glue_count, extra_count;
	uint32_t fixup_count;
	uint32_t base_bytes;           /* length of the name that its pointers are right for */
	uint32_t flags;
};

/* Both halves of a word. */
WN_FN uint64_t dns_pair(uint32_t low, uint32_t high)
{
	return low | (uint64_t)high << 32;
}

WN_FN uint32_t dns_low(uint64_t word)
{
	return (uint32_t)word;
}

WN_FN uint32_t dns_high(uint64_t word)
{
	return (uint32_t)(word >> 32);
}

WN_FN void dns_node_unpack(WN_PRIVATE struct dns_node *node, uint64_t first, uint64_t second)
{
	node->name_bytes = first & 0xff;
	node->flags = first >> 8 & 0xff;
	node->type_count = first >> 16 & 0xffff;
	node->negative = dns_high(first);
	node->wildcard = dns_low(second);
	node->other = dns_high(second);
}

WN_FN uint64_t dns_node_first(WN_PRIVATE const struct dns_node *node)
{
	return dns_pair(node->name_bytes | node->flags << 8 | node->type_count << 16, node->negative);
}

WN_FN void dns_answer_unpack(WN_PRIVATE struct dns_answer *answer, uint64_t first, uint64_t second)
{
	answer->body_bytes = first & 0xffff;
	answer->extra_bytes = first >> 16 & 0xffff;
	answer->answer_count = first >> 32 & 0xffff;
	answer->authority_count = first >> 48 & 0xffff;
	answer->glue_count = second & 0xffff;
	answer->extra_count = second >> 16 & 0xffff;
	answer->fixup_count = second >> 32 & 0xffff;
	answer->base_bytes = second >> 48 & 0xff;
	answer->flags = second >> 56 & 0xff;
}

WN_FN uint64_t dns_answer_first(WN_PRIVATE const struct dns_answer *answer)
{
	return dns_pair(answer->body_bytes | answer->extra_bytes << 16,
			answer->answer_count | answer->authority_count << 16);
}

WN_FN uint64_t dns_answer_second(WN_PRIVATE const struct dns_answer *answer)
{
	return dns_pair(answer->glue_count | answer->extra_count << 16,
			answer->fixup_count | answer->base_bytes << 16 | answer->flags << 24);
}

/* Words that an answer's bytes take, and with head and fix-ups the whole of it. */
WN_FN uint32_t dns_answer_bytes_words(WN_PRIVATE const struct dns_answer *answer)
{
	return (answer->body_bytes + answer->extra_bytes + 7) / 8;
}

WN_FN uint32_t dns_answer_words(WN_PRIVATE const struct dns_answer *answer)
{
	return DNS_ANSWER_WORDS + dns_answer_bytes_words(answer) + (answer->fixup_count + 3) / 4;
}

/* -- names: case and hash -- */

/*
 * The hash of a name grows from the root: hash(root) = 0, hash(label.rest) = hash(label) +
 * DNS_HASH_FACTOR * hash(rest), modulo 2^64. The factor has an inverse, so taking a label off costs one
 * multiplication. Equal hashes are told apart by the names.
 */
#define DNS_HASH_FACTOR 0x9e3779b97f4a7c15u
#define DNS_HASH_INVERSE 0xf1de83e19937733du

WN_STATIC_ASSERT(DNS_HASH_FACTOR * DNS_HASH_INVERSE == 1, dns_hash_factor_has_its_inverse);

/* Eight bytes, each A to Z of them made a to z. Bytes of a name that are lengths are below 'A'. */
WN_FN uint64_t dns_fold(uint64_t word)
{
	const uint64_t each = 0x0101010101010101u;
	const uint64_t low = word & 0x7f * each;
	const uint64_t upper = (low + (0x80 - 'A') * each) & ~(low + (0x7f - 'Z') * each) & ~word & 0x80 * each;

	return word | upper >> 2;
}

/* A label: begun with its length, then eight bytes at a time; the last ones stand lowest. */
WN_FN uint64_t dns_hash_label(uint32_t bytes)
{
	return (bytes + 1) * 0xd6e8feb86659fd93u;
}

WN_FN uint64_t dns_hash_step(uint64_t hash, uint64_t folded)
{
	hash = (hash ^ folded) * 0xff51afd7ed558ccdu;
	return hash ^ hash >> 32;
}

/* What a slot is found by: its low half is the tag, its high half says where. */
WN_FN uint64_t dns_hash_spread(uint64_t hash)
{
	hash = (hash ^ hash >> 31) * 0xc4ceb9fe1a85ec53u;
	return hash ^ hash >> 29;
}

WN_FN uint32_t dns_hash_place(uint64_t spread, uint32_t slots)
{
	return (uint32_t)((spread >> 32) * slots >> 32);
}

#endif
