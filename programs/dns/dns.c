/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An authoritative name server over UDP: docs/dns.md says what it serves and what not.
 *
 * The host half (zone_build.c) has cut out every answer beforehand, so a packet takes: reading the
 * question, one look-up of its name in most cases, and copying the answer behind the question.
 *
 *   question.h   header, question, EDNS        name.h    names: checked, hashed, compared
 *   rate.h       response rate limiting        find.h    which answer
 *   prove.h      and with which proofs         sha1.h    for NSEC3
 *   answer.h     puts it together              zone.h    the blob, shared with the host half
 */
#define WN_SUMMARY "answers DNS queries with authority, from zone files (--zone FILE)"
#define WN_LOADER "zones"
#define WN_COUNTERS(X)                                                                             \
	X(noerror) X(nodata) X(nxdomain) X(yxdomain) X(referrals) X(refused) X(formerr) X(notimp) X(badvers)   \
	X(truncated) X(limited_dropped) X(limited_slipped) X(not_queries) X(edns)
#define WN_PARAMETERS(X)                                                                           \
	X(number, rate_limit, "200", "answers a second to one client network, /24 or /56; 0: all") \
	X(number, payload, "1232", "longest answer in bytes, 512 to 4096")                         \
	X(number, rates, "64k", "cells that client networks are counted in")
#define WN_TABLES(X) X(cells, rates, "answers by client network")
#include <warpnic/program.h>

#include "answer.h"
#include "rate.h"

WN_FN uint32_t dns_payload(WN_PRIVATE const struct wn_packet *packet)
{
	const uint64_t payload = wn_parameter(packet, parameter_payload);

	if (payload < DNS_PAYLOAD_MIN)
		return DNS_PAYLOAD_MIN;
	return payload > DNS_BODY_BYTES_MAX ? (uint32_t)DNS_BODY_BYTES_MAX : (uint32_t)payload;
}

/* Answers that carry no record: everything but what a zone says. */
WN_FN void dns_reject(WN_PRIVATE struct wn_packet *packet, WN_PRIVATE struct dns_question *question,
		      uint32_t code)
{
	if (code == DNS_FORMERR || code == DNS_NOTIMP) {
		dns_answer_header(packet, question, code);
		wn_count(packet, code == DNS_FORMERR ? counter_formerr : counter_notimp, 1);
		return;
	}
	dns_answer_empty(packet, question, code, 0, dns_payload(packet));
	wn_count(packet, code == DNS_BADVERS ? counter_badvers : counter_refused, 1);
}

/* What the zones say, or REFUSED where the name is in none. */
WN_FN void dns_answer(WN_PRIVATE struct wn_packet *packet, WN_PRIVATE struct dns_question *question)
{
	struct dns_found found;
	uint32_t flags;

	found.answer = 0;
	if (wn_data_length(packet))
		dns_find(packet, question, &found);
	if (!found.answer) {
		dns_reject(packet, question, DNS_REFUSED);
		return;
	}
	flags = dns_answer_make(packet, question, &found, dns_payload(packet));
	if (flags & DNS_FLAG_TC)
		wn_count(packet, counter_truncated, 1);
	else if ((flags & 15) == DNS_NXDOMAIN)
		wn_count(packet, counter_nxdomain, 1);
	else if ((flags & 15) == DNS_YXDOMAIN)
		wn_count(packet, counter_yxdomain, 1);
	else if (found.is_negative)
		wn_count(packet, counter_nodata, 1);
	else
		wn_count(packet, flags & DNS_FLAG_AA ? counter_noerror : counter_referrals, 1);
}

WN_PROGRAM(dns, WN_DATAGRAM, WN_LOOK_ALL)
{
	struct dns_question question;
	const uint32_t code = dns_question_read(packet, &question);
	uint32_t rate;

	if (code == DNS_IGNORE) {
		wn_count(packet, counter_not_queries, 1);
		return WN_DROP;
	}
	wn_count(packet, counter_edns, question.has_edns);
	rate = dns_rate_check(packet, table_rates, wn_parameter(packet, parameter_rates),
			      wn_parameter(packet, parameter_rate_limit));
	if (rate == DNS_RATE_DROP || (rate == DNS_RATE_SLIP && (code == DNS_FORMERR || code == DNS_NOTIMP))) {
		wn_count(packet, counter_limited_dropped, 1);
		return WN_DROP;
	}
	if (rate == DNS_RATE_SLIP) {
		dns_answer_empty(packet, &question, DNS_NOERROR, DNS_FLAG_TC, dns_payload(packet));
		wn_count(packet, counter_limited_slipped, 1);
	} else if (code) {
		dns_reject(packet, &question, code);
	} else {
		dns_answer(packet, &question);
	}
	return WN_REPLY;
}
