/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a query: header, one question, and the additional section for EDNS (RFC 1035, section 4.1;
 * RFC 6891). Nothing is changed.
 */
#ifndef WN_DNS_QUESTION_H
#define WN_DNS_QUESTION_H

#include "name.h"

/* RCODEs, and what else may come of reading. */
enum {
	DNS_NOERROR = 0,
	DNS_FORMERR = 1,
	DNS_SERVFAIL = 2,
	DNS_NXDOMAIN = 3,
	DNS_NOTIMP = 4,
	DNS_REFUSED = 5,
	DNS_YXDOMAIN = 6,
	DNS_BADVERS = 16,
	DNS_IGNORE = 256,          /* not to be answered: no header, or itself an answer */
	DNS_EDNS_BYTES = 11,       /* of an OPT record without options */
	DNS_PAYLOAD_MIN = 512,
	DNS_RECORDS_MAX = 8,       /* looked at behind the question */
	DNS_OPTIONS_MAX = 64       /* of one OPT record */
};

/* Bits of the header's second word. */
enum {
	DNS_FLAG_QR = 0x8000,
	DNS_FLAG_AA = 0x0400,
	DNS_FLAG_TC = 0x0200,
	DNS_FLAG_RD = 0x0100,
	DNS_FLAG_CD = 0x0010,
	DNS_FLAGS_KEPT = 0x7910    /* opcode, RD and CD come back as they were asked */
};

struct dns_question {
	struct dns_name name;
	uint32_t type;
	uint32_t flags;            /* of the header */
	uint32_t end;              /* offset behind the question */
	uint32_t has_edns;
	uint32_t wants_signed;     /* DO */
	uint32_t payload;          /* what the client can take, 512 or more */
};

/* Options must fill the record's data exactly. */
WN_FN uint32_t dns_options_are_whole(WN_PRIVATE struct wn_packet *packet, uint32_t at, uint32_t bytes)
{
	WN_LOOP(i, DNS_OPTIONS_MAX, DNS_OPTIONS_MAX)
	{
		uint32_t option;

		if (!bytes)
			return 1;
		if (bytes < 4)
			return 0;
		option = 4 + wn_u16(packet, at + 2);
		if (option > bytes)
			return 0;
		at += option;
		bytes -= option;
	}
	return !bytes;
}

/* Offset behind an owner's name, or 0. A pointer ends a name; where to is none of our business. */
WN_FN uint32_t dns_skip_name(WN_PRIVATE struct wn_packet *packet, uint32_t at)
{
	const uint32_t end = wn_length(packet), begin = at;

	WN_LOOP(i, DNS_LABELS_MAX + 1, DNS_LABELS_MAX + 1)
	{
		const uint32_t bytes = at < end ? wn_u8(packet, at) : DNS_LABEL_BYTES_MAX + 1;

		if (bytes >= 0xc0)
			return end - at >= 2 ? at + 2 : 0;
		if (bytes > DNS_LABEL_BYTES_MAX)
			return 0;
		at += 1 + bytes;
		if (!bytes)
			return at - begin <= DNS_NAME_BYTES_MAX ? at : 0;
	}
	return 0;
}

/* The OPT record whose fixed part begins at `at`. An RCODE: NOERROR, FORMERR, BADVERS. */
WN_FN uint32_t dns_edns_read(WN_PRIVATE struct wn_packet *packet,
			     WN_PRIVATE struct dns_question *question, uint32_t at, uint32_t bytes)
{
	const uint32_t payload = wn_u16(packet, at + 2);

	if (question->has_edns || !dns_options_are_whole(packet, at + 10, bytes))
		return DNS_FORMERR;
	question->has_edns = 1;
	question->payload = payload < DNS_PAYLOAD_MIN ? (uint32_t)DNS_PAYLOAD_MIN : payload;
	question->wants_signed = wn_u16(packet, at + 6) >> 15;
	return wn_u8(packet, at + 5) ? (uint32_t)DNS_BADVERS : (uint32_t)DNS_NOERROR;
}

/* What stands behind the question: `count` records, of which only OPT says anything to us. */
WN_FN uint32_t dns_additional_read(WN_PRIVATE struct wn_packet *packet,
				   WN_PRIVATE struct dns_question *question, uint32_t count)
{
	uint32_t at = question->end, code = DNS_NOERROR;

	if (count > DNS_RECORDS_MAX)
		return DNS_FORMERR;
	WN_LOOP(i, count, DNS_RECORDS_MAX)
	{
		const uint32_t behind = dns_skip_name(packet, at);
		uint32_t bytes, edns;

		if (!behind || wn_length(packet) - behind < 10)
			return DNS_FORMERR;
		bytes = wn_u16(packet, behind + 8);
		if (wn_length(packet) - behind - 10 < bytes)
			return DNS_FORMERR;
		if (wn_u16(packet, behind) == DNS_TYPE_OPT) {
			if (behind - at != 1) /* its owner is the root */
				return DNS_FORMERR;
			edns = dns_edns_read(packet, question, behind, bytes);
			if (edns == DNS_FORMERR)
				return DNS_FORMERR;
			code = edns;
		}
		at = behind + 10 + bytes;
	}
	return at == wn_length(packet) ? code : (uint32_t)DNS_FORMERR;
}

/* Reads all of it. An RCODE, or DNS_IGNORE. With FORMERR and NOTIMP only `flags` is filled in. */
WN_FN uint32_t dns_question_read(WN_PRIVATE struct wn_packet *packet,
				 WN_PRIVATE struct dns_question *question)
{
	uint32_t code;

	if (wn_length(packet) < DNS_HEADER_BYTES)
		return DNS_IGNORE;
	question->flags = wn_u16(packet, 2);
	question->has_edns = 0;
	question->wants_signed = 0;
	question->payload = DNS_PAYLOAD_MIN;
	if (question->flags & DNS_FLAG_QR)
		return DNS_IGNORE;
	if (question->flags & 0x7800)
		return DNS_NOTIMP;
	if (wn_u32(packet, 4) != 0x00010000 || wn_u16(packet, 8)) /* one question, no answer, no authority */
		return DNS_FORMERR;
	if (!dns_name_read(packet, &question->name))
		return DNS_FORMERR;
	question->end = DNS_HEADER_BYTES + question->name.bytes + 4;
	if (wn_length(packet) < question->end)
		return DNS_FORMERR;
	question->type = wn_u16(packet, question->end - 4);
	code = dns_additional_read(packet, question, wn_u16(packet, 10));
	if (code)
		return code;
	if (wn_u16(packet, question->end - 2) != DNS_CLASS_IN || question->type == DNS_TYPE_AXFR ||
	    question->type == DNS_TYPE_IXFR)
		return DNS_REFUSED;
	return DNS_NOERROR;
}

#endif
