/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes the answer out of the query's own bytes and one answer of the blob: header, the question as it
 * was asked, the records, OPT.
 */
#ifndef WN_DNS_ANSWER_H
#define WN_DNS_ANSWER_H

#include "find.h"

/* Sections of an answer that is being made. */
struct dns_counts {
	uint32_t answer, authority, additional;
};

/* Puts the header. `code` may have the bits of EDNS. */
WN_FN void dns_put_header(WN_PRIVATE struct wn_packet *packet, WN_PRIVATE const struct dns_question *question,
			  uint32_t code, uint32_t flags, WN_PRIVATE const struct dns_counts *counts)
{
	wn_put_u16(packet, 2, DNS_FLAG_QR | (question->flags & DNS_FLAGS_KEPT) | flags | (code & 15));
	wn_put_u32(packet, 6, counts->answer << 16 | counts->authority);
	wn_put_u16(packet, 10, counts->additional + question->has_edns);
}

/* Appends OPT at `at`, where there is room for it (RFC 6891, section 6.1). */
WN_FN void dns_put_edns(WN_PRIVATE struct wn_packet *packet, WN_PRIVATE const struct dns_question *question,
			uint32_t at, uint32_t code, uint32_t payload)
{
	if (!question->has_edns)
		return;
	wn_put_u8(packet, at, 0);
	wn_put_u32(packet, at + 1, (uint32_t)DNS_TYPE_OPT << 16 | payload);
	wn_put_u32(packet, at + 5, (code >> 4) << 24 | question->wants_signed << 15);
	wn_put_u16(packet, at + 9, 0);
}

/* Only the header: for what could not be read. */
WN_FN void dns_answer_header(WN_PRIVATE struct wn_packet *packet,
			     WN_PRIVATE struct dns_question *question, uint32_t code)
{
	const struct dns_counts none = {0, 0, 0};

	wn_set_length(packet, DNS_HEADER_BYTES);
	question->has_edns = 0;
	dns_put_header(packet, question, code, 0, &none);
	wn_put_u16(packet, 4, 0);
}

/* Header, question and OPT, no records. */
WN_FN void dns_answer_empty(WN_PRIVATE struct wn_packet *packet,
			    WN_PRIVATE const struct dns_question *question, uint32_t code, uint32_t flags,
			    uint32_t payload)
{
	const struct dns_counts none = {0, 0, 0};

	wn_set_length(packet, question->end + (question->has_edns ? (uint32_t)DNS_EDNS_BYTES : 0u));
	dns_put_header(packet, question, code, flags, &none);
	dns_put_edns(packet, question, question->end, code, payload);
}

/*
 * How many bytes fit of the records that may be left out, up to whole sets; *count of them. `index` is
 * that of the answer's bytes.
 */
WN_FN uint32_t dns_fit_extra(WN_PRIVATE struct wn_packet *packet, WN_PRIVATE const struct dns_answer *answer,
			     uint32_t index, uint32_t room, WN_PRIVATE uint32_t *count)
{
	/* Their owners are pointers: the names are in the records before. So a set is told by 4 bytes. */
	const uint64_t base = 8 * (uint64_t)index + answer->body_bytes;
	uint32_t at = 0, fitting = 0, kept = 0, last = 0;

	WN_LOOP(i, answer->extra_count, DNS_FIXUPS_MAX)
	{
		const uint32_t set = wn_data_u32(packet, base + at);
		const uint32_t length = 12 + (wn_data_u8(packet, base + at + 10) << 8 |
					      wn_data_u8(packet, base + at + 11));

		if (set != last) {
			fitting = at;
			kept = i;
			last = set;
		}
		at += length;
		if (at > room)
			break;
	}
	*count = kept;
	return fitting;
}

/*
 * Moves the pointers on a list, those that lie within `bytes` of what begins at `start`: by `outside`
 * where they point into the question, by `inside` where they point into the answer itself.
 */
WN_FN void dns_fix_up(WN_PRIVATE struct wn_packet *packet, uint32_t start, uint32_t list, uint32_t count,
		      uint32_t bytes, uint32_t outside, uint32_t inside)
{
	uint64_t four = 0;

	WN_LOOP(i, count, DNS_FIXUPS_MAX)
	{
		uint32_t fixup, at;

		if (i % 4 == 0)
			four = wn_data_word(packet, list + i / 4);
		fixup = four & 0xffff;
		four >>= 16;
		at = fixup & (DNS_FIXUP_INSIDE - 1);
		if (at >= bytes)
			return;
		wn_put_u16(packet, start + at,
			   wn_u16(packet, start + at) + (fixup & DNS_FIXUP_INSIDE ? inside : outside));
	}
}

/* The answer at `index`, or behind it its variant with signatures. */
WN_FN uint32_t dns_answer_choose(WN_PRIVATE struct wn_packet *packet,
				 WN_PRIVATE const struct dns_question *question, uint32_t index,
				 WN_PRIVATE struct dns_answer *answer)
{
	dns_answer_unpack(answer, wn_data_word(packet, index), wn_data_word(packet, index + 1));
	if (!question->wants_signed || !(answer->flags & DNS_ANSWER_HAS_SIGNED))
		return index;
	index += dns_answer_words(answer);
	dns_answer_unpack(answer, wn_data_word(packet, index), wn_data_word(packet, index + 1));
	return index;
}

/* -- what is added to an answer: the alias that DNAME makes, proofs -- */

/*
 * Bytes of the alias that an answer to a redirected question ends with (RFC 6672, section 3.1), or 0
 * where it would be too long. `index` is that of the answer's bytes, which begin with the DNAME record.
 */
WN_FN uint32_t dns_alias_bytes(WN_PRIVATE struct wn_packet *packet, uint32_t index, uint32_t prefix_bytes)
{
	const uint64_t at = 8 * (uint64_t)index + 10;
	const uint32_t target = wn_data_u8(packet, at) << 8 | wn_data_u8(packet, at + 1);

	return prefix_bytes + target > DNS_NAME_BYTES_MAX ? 0 : 12 + prefix_bytes + target;
}

/* Puts it at `at`; the DNAME record stands right behind the question. */
WN_FN void dns_put_alias(WN_PRIVATE struct wn_packet *packet, WN_PRIVATE const struct dns_question *question,
			 uint32_t at, uint32_t prefix_bytes)
{
	const uint32_t target = wn_u16(packet, question->end + 10);

	wn_put_u16(packet, at, DNS_POINTER | DNS_HEADER_BYTES);
	wn_put_u32(packet, at + 2, (uint32_t)DNS_TYPE_CNAME << 16 | DNS_CLASS_IN);
	wn_put_u32(packet, at + 6, wn_u32(packet, question->end + 6));
	wn_put_u16(packet, at + 10, prefix_bytes + target);
	wn_copy(packet, at + 12, DNS_HEADER_BYTES, prefix_bytes);
	wn_copy(packet, at + 12 + prefix_bytes, question->end + 12, target);
}

WN_FN uint32_t dns_pieces_bytes(WN_PRIVATE struct wn_packet *packet, WN_PRIVATE const struct dns_found *found)
{
	uint32_t bytes = 0;

	WN_LOOP(i, found->piece_count, DNS_PIECES_MAX)
	{
		bytes += wn_data_word(packet, found->pieces[i]) & 0xffff;
	}
	return bytes;
}

/* Puts the pieces from `at` on. Returns how many records they are. */
WN_FN uint32_t dns_put_pieces(WN_PRIVATE struct wn_packet *packet,
			      WN_PRIVATE const struct dns_question *question,
			      WN_PRIVATE const struct dns_found *found, uint32_t at)
{
	uint32_t count = 0;

	WN_LOOP(i, found->piece_count, DNS_PIECES_MAX)
	{
		const uint32_t index = found->pieces[i];
		struct dns_answer piece;

		dns_answer_unpack(&piece, wn_data_word(packet, index), wn_data_word(packet, index + 1));
		wn_data_copy_words(packet, at, index + DNS_ANSWER_WORDS, piece.body_bytes);
		dns_fix_up(packet, at, index + DNS_ANSWER_WORDS + dns_answer_bytes_words(&piece),
			   piece.fixup_count, piece.body_bytes, question->name.bytes - piece.base_bytes,
			   at - (DNS_HEADER_BYTES + piece.base_bytes + 4));
		count += piece.authority_count;
		at += piece.body_bytes;
	}
	return count;
}

/* The code of an answer that was found. */
WN_FN uint32_t dns_answer_code(WN_PRIVATE const struct dns_answer *answer, uint32_t code)
{
	if (answer->flags & DNS_ANSWER_NXDOMAIN)
		return DNS_NXDOMAIN;
	return answer->flags & DNS_ANSWER_YXDOMAIN ? (uint32_t)DNS_YXDOMAIN : code;
}

/*
 * Makes the answer that was found. `payload` is the most that we send over UDP. Returns the header's
 * flags and code; DNS_FLAG_TC where it did not fit: then no record is in it.
 */
WN_FN uint32_t dns_answer_make(WN_PRIVATE struct wn_packet *packet,
			       WN_PRIVATE const struct dns_question *question,
			       WN_PRIVATE const struct dns_found *found, uint32_t payload)
{
	const uint32_t asked = question->payload < payload ? question->payload : payload;
	const uint32_t limit = asked < wn_room(packet) ? asked : wn_room(packet);
	const uint32_t around = question->end + (question->has_edns ? (uint32_t)DNS_EDNS_BYTES : 0u);
	struct dns_answer answer;
	struct dns_counts counts;
	uint32_t index, code, flags, bytes, more, extra_count, difference;

	index = dns_answer_choose(packet, question, found->answer, &answer) + DNS_ANSWER_WORDS;
	code = dns_answer_code(&answer, found->code);
	flags = answer.flags & DNS_ANSWER_AUTHORITATIVE ? (uint32_t)DNS_FLAG_AA : 0u;
	more = dns_pieces_bytes(packet, found);
	if (found->prefix_bytes && !(answer.flags & DNS_ANSWER_TOO_LONG)) {
		more = dns_alias_bytes(packet, index, found->prefix_bytes);
		code = more ? code : (uint32_t)DNS_YXDOMAIN;
	}
	bytes = answer.body_bytes + more;
	if ((answer.flags & DNS_ANSWER_TOO_LONG) || around > limit || bytes > limit - around) {
		dns_answer_empty(packet, question, code, flags | DNS_FLAG_TC, payload);
		return flags | DNS_FLAG_TC | code;
	}
	/* Additional records would stand in the way of what is added. */
	extra_count = more ? 0 : answer.extra_count;
	if (!more)
		bytes += answer.extra_bytes;
	if (bytes > limit - around)
		bytes = answer.body_bytes + dns_fit_extra(packet, &answer, index,
							  limit - around - answer.body_bytes, &extra_count);
	wn_set_length(packet, around + bytes);
	wn_data_copy_words(packet, question->end, index, bytes - more);
	difference = question->name.bytes - answer.base_bytes;
	if (difference)
		dns_fix_up(packet, question->end, index + dns_answer_bytes_words(&answer), answer.fixup_count,
			   bytes - more, difference, difference);
	counts.answer = answer.answer_count;
	counts.authority = answer.authority_count;
	counts.additional = answer.glue_count + extra_count;
	if (found->prefix_bytes && more) {
		dns_put_alias(packet, question, question->end + bytes - more, found->prefix_bytes);
		counts.answer++;
	} else if (more) {
		counts.authority += dns_put_pieces(packet, question, found, question->end + bytes - more);
	}
	dns_put_header(packet, question, code, flags, &counts);
	dns_put_edns(packet, question, question->end + bytes, code, payload);
	return flags | code;
}

#endif
