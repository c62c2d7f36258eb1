/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a request to its response: which file, and what of it (RFC 9110, sections 8, 13, 14 and 15).
 */
#ifndef WN_HTTP_RESPOND_H
#define WN_HTTP_RESPOND_H

#include "request.h"

/* -- the blob -- */

WN_FN uint64_t http_text(WN_PRIVATE struct wn_packet *packet, uint32_t text)
{
	return wn_data_word(packet, SITE_FIRST_TEXT + text);
}

WN_FN void http_say(WN_PRIVATE struct wn_packet *packet, uint64_t piece)
{
	wn_reply_data(packet, piece >> 16, (uint32_t)piece & 0xffff);
}

/* -- which file -- */

WN_FN uint32_t http_hex(uint32_t c)
{
	if (http_is_digit(c))
		return c - '0';
	c = (c | 0x20) - 'a';
	return c < 6 ? c + 10 : 16;
}

/*
 * The byte of the path at `at`, decoded (RFC 3986, section 2.1), and how many it takes there. 256: it is none: two digits
 * are missing, or it is NUL.
 */
WN_FN uint32_t http_path_byte(WN_PRIVATE struct wn_packet *packet, uint32_t at, uint32_t end, WN_PRIVATE uint32_t *step)
{
	uint32_t c = wn_u8(packet, at);

	*step = 1;
	if (c != '%')
		return c;
	*step = 3;
	if (end - at < 3)
		return 256;
	c = http_hex(wn_u8(packet, at + 1)) << 8 | http_hex(wn_u8(packet, at + 2));
	if (c & 0x1010)
		return 256;
	c = (c >> 4 & 0xf0) | (c & 15);
	return c ? c : 256;
}

/* The hash of the path, 0 where it cannot be read. */
WN_FN uint64_t http_path_hash(WN_PRIVATE struct wn_packet *packet, struct http_piece path)
{
	const uint32_t end = path.at + path.bytes;
	uint64_t hash = SITE_HASH_START;
	uint32_t at = path.at, step;

	WN_LOOP(i, path.bytes, HTTP_BYTES_MAX) {
		uint32_t c;

		if (at >= end)
			break;
		c = http_path_byte(packet, at, end, &step);
		if (c > 255)
			return 0;
		hash = site_hash(hash, c);
		at += step;
	}
	return site_hash_end(hash);
}

/* Whether the path is that of the piece. */
WN_FN uint32_t http_path_is(WN_PRIVATE struct wn_packet *packet, struct http_piece path, uint64_t piece)
{
	const uint32_t end = path.at + path.bytes, bytes = (uint32_t)piece & 0xffff;
	uint32_t at = path.at, step;

	WN_LOOP(i, bytes, HTTP_BYTES_MAX) {
		if (at >= end || http_path_byte(packet, at, end, &step) != wn_data_u8(packet, (piece >> 16) + i))
			return 0;
		at += step;
	}
	return at == end;
}

/* The word at which the entry of a path is; 0: there is none. */
WN_FN uint64_t http_find_entry(WN_PRIVATE struct wn_packet *packet, struct http_piece path, uint64_t hash)
{
	const uint64_t mask = wn_data_word(packet, 1);
	const uint32_t probes = (uint32_t)wn_data_word(packet, 2);

	WN_LOOP(i, probes + 1, 1 << 16) {
		const uint64_t slot = SITE_TABLE + 2 * ((hash + i) & mask);
		const uint64_t found = wn_data_word(packet, slot), entry = wn_data_word(packet, slot + 1);

		if (!found)
			return 0;
		if (found == hash && http_path_is(packet, path, wn_data_word(packet, entry + SITE_PATH)))
			return entry;
	}
	return 0;
}

/* -- conditions -- */

/* Whether bytes [at, at + n) of the request are the piece. */
WN_FN uint32_t http_is_piece(WN_PRIVATE struct wn_packet *packet, uint32_t at, uint64_t piece)
{
	WN_LOOP(i, (uint32_t)piece & 0xffff, HTTP_BYTES_MAX) {
		if (wn_u8(packet, at + i) != wn_data_u8(packet, (piece >> 16) + i))
			return 0;
	}
	return 1;
}

WN_FN uint32_t http_value_is(WN_PRIVATE struct wn_packet *packet, struct http_piece value, uint64_t piece)
{
	return value.bytes == ((uint32_t)piece & 0xffff) && http_is_piece(packet, value.at, piece);
}

/* If-None-Match: "*", or a list with the tag in it, weak or strong (RFC 9110, section 13.1.2). */
WN_FN uint32_t http_matches(WN_PRIVATE struct wn_packet *packet, struct http_piece value, uint64_t tag)
{
	const uint32_t bytes = (uint32_t)tag & 0xffff;

	if (value.bytes == 1 && wn_u8(packet, value.at) == '*')
		return 1;
	WN_LOOP(i, value.bytes, HTTP_BYTES_MAX) {
		if (value.bytes - i < bytes)
			break;
		if (wn_u8(packet, value.at + i) == '"' && http_is_piece(packet, value.at + i, tag))
			return 1;
	}
	return 0;
}

/* A date is compared with that of Last-Modified letter by letter: clients send back what they got. */
WN_FN uint32_t http_is_unmodified(WN_PRIVATE struct wn_packet *packet, WN_PRIVATE const struct http_request *request,
				  uint64_t entry)
{
	if (request->if_none_match.bytes)
		return http_matches(packet, request->if_none_match, wn_data_word(packet, entry + SITE_TAG));
	return request->if_modified_since.bytes &&
	       http_value_is(packet, request->if_modified_since, wn_data_word(packet, entry + SITE_MODIFIED));
}

/* -- ranges -- */

struct http_range {
	uint64_t first, bytes;
};

/* Digits from *at on. Returns how many; 0 as well where the number is too long. */
WN_FN uint32_t http_number(WN_PRIVATE struct wn_packet *packet, WN_PRIVATE uint32_t *at, uint32_t end,
			   WN_PRIVATE uint64_t *number)
{
	const uint32_t most = end - *at;
	uint32_t digits = 0;

	*number = 0;
	WN_LOOP(i, most, HTTP_BYTES_MAX) {
		const uint32_t c = wn_u8(packet, *at);

		if (!http_is_digit(c))
			break;
		*number = 10 * *number + (c - '0');
		++*at;
		digits++;
	}
	return digits < 19 ? digits : 0;
}

/*
 * One range of bytes (RFC 9110, section 14.1.2). SITE_PARTIAL, SITE_UNSATISFIABLE, or SITE_OK: it is no such thing, or several,
 * and the whole is the answer.
 */
WN_FN uint32_t http_take_range(WN_PRIVATE struct wn_packet *packet, struct http_piece value, uint64_t size,
			       WN_PRIVATE struct http_range *range)
{
	const uint32_t end = value.at + value.bytes;
	uint32_t at = value.at + 6, has_first, has_last;
	uint64_t last;

	if (value.bytes < 8 || (wn_u32(packet, value.at) | 0x20202020) != 0x62797465 ||
	    (wn_u8(packet, value.at + 4) | 0x20) != 's' || wn_u8(packet, value.at + 5) != '=')
		return SITE_OK;
	has_first = http_number(packet, &at, end, &range->first);
	if (at >= end || wn_u8(packet, at) != '-')
		return SITE_OK;
	at++;
	has_last = http_number(packet, &at, end, &last);
	if (at != end || (!has_first && !has_last) || (has_first && has_last && last < range->first))
		return SITE_OK;
	if (!has_first) {
		range->first = last < size ? size - last : 0;
		range->bytes = size - range->first;
		return range->bytes ? SITE_PARTIAL : SITE_UNSATISFIABLE;
	}
	if (range->first >= size)
		return SITE_UNSATISFIABLE;
	if (!has_last || last >= size)
		last = size - 1;
	range->bytes = last - range->first + 1;
	return SITE_PARTIAL;
}

/* What a GET of an entry is answered with. */
WN_FN uint32_t http_choose(WN_PRIVATE struct wn_packet *packet, WN_PRIVATE const struct http_request *request, uint64_t entry,
			   WN_PRIVATE struct http_range *range)
{
	if (wn_data_word(packet, entry + SITE_TARGET))
		return SITE_MOVED;
	if (http_is_unmodified(packet, request, entry))
		return SITE_NOT_MODIFIED;
	if (request->method != HTTP_GET || !request->range.bytes)
		return SITE_OK;
	if (request->if_range.bytes &&
	    !http_value_is(packet, request->if_range, wn_data_word(packet, entry + SITE_TAG)) &&
	    !http_value_is(packet, request->if_range, wn_data_word(packet, entry + SITE_MODIFIED)))
		return SITE_OK;
	return http_take_range(packet, request->range, wn_data_word(packet, entry + SITE_BODY_BYTES), range);
}

/* -- what is said -- */

WN_FN void http_say_two(WN_PRIVATE struct wn_packet *packet, uint32_t value, uint32_t behind)
{
	wn_reply_u8(packet, '0' + value / 10 % 10);
	wn_reply_u8(packet, '0' + value % 10);
	wn_reply_u8(packet, behind);
}

/*
 * Date: Sun, 06 Nov 1994 08:49:37 GMT (RFC 9110, section 5.6.7). The calendar is counted from 1 March of the year 0,
 * by eras of 400 years.
 */
WN_FN void http_say_date(WN_PRIVATE struct wn_packet *packet)
{
	const uint64_t now = wn_wall_seconds(packet);
	const uint32_t second = (uint32_t)(now % 86400), day = (uint32_t)(now / 86400);
	const uint32_t of_era = (day + 719468) % 146097;
	const uint32_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	const uint32_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	const uint32_t march = (5 * of_year + 2) / 153;
	const uint32_t month = (march + 2) % 12;
	const uint32_t year = (day + 719468) / 146097 * 400 + year_of_era + (month < 2);

	wn_reply_text(packet, 0x446174653a20ull, 6); /* "Date: " */
	wn_reply_data(packet, (http_text(packet, SITE_DAYS) >> 16) + 3 * (day % 7), 3);
	wn_reply_text(packet, 0x2c20, 2);
	http_say_two(packet, of_year - (153 * march + 2) / 5 + 1, ' ');
	wn_reply_data(packet, (http_text(packet, SITE_MONTHS) >> 16) + 3 * month, 3);
	wn_reply_u8(packet, ' ');
	wn_reply_number(packet, year);
	wn_reply_u8(packet, ' ');
	http_say_two(packet, second / 3600, ':');
	http_say_two(packet, second / 60 % 60, ':');
	http_say_two(packet, second % 60, ' ');
	wn_reply_text(packet, 0x474d540d0aull, 5); /* "GMT\r\n" */
}

/* The beginning of every response. */
WN_FN void http_say_status(WN_PRIVATE struct wn_packet *packet, uint32_t status, uint32_t closes, uint32_t keeps)
{
	http_say(packet, http_text(packet, status));
	http_say_date(packet);
	if (closes)
		http_say(packet, http_text(packet, SITE_CLOSES));
	else if (keeps)
		http_say(packet, http_text(packet, SITE_KEEPS));
}

WN_FN void http_say_error(WN_PRIVATE struct wn_packet *packet, uint32_t status, uint32_t with_body)
{
	const uint64_t tail = http_text(packet, SITE_TAIL + status), body = http_text(packet, SITE_BODY + status);

	wn_reply_data(packet, tail >> 16, ((uint32_t)tail & 0xffff) + (with_body ? (uint32_t)body & 0xffff : 0));
}

WN_FN void http_say_partial(WN_PRIVATE struct wn_packet *packet, uint64_t entry, WN_PRIVATE const struct http_range *range)
{
	const uint64_t validators = wn_data_word(packet, entry + SITE_VALIDATORS);
	const uint32_t more = (uint32_t)wn_data_word(packet, entry + SITE_DESCRIPTION_BYTES);
	const uint64_t body = (validators >> 16) + ((uint32_t)validators & 0xffff) + more +
			      wn_data_word(packet, entry + SITE_END_BYTES);

	wn_reply_data(packet, validators >> 16, ((uint32_t)validators & 0xffff) + more);
	http_say(packet, http_text(packet, SITE_RANGE));
	wn_reply_number(packet, range->first);
	wn_reply_u8(packet, '-');
	wn_reply_number(packet, range->first + range->bytes - 1);
	wn_reply_u8(packet, '/');
	wn_reply_number(packet, wn_data_word(packet, entry + SITE_BODY_BYTES));
	http_say(packet, http_text(packet, SITE_LENGTH));
	wn_reply_number(packet, range->bytes);
	wn_reply_text(packet, 0x0d0a0d0a, 4);
	wn_reply_file(packet, body + range->first, range->bytes);
}

/* Behind the status: what an entry is answered with. */
WN_FN void http_say_entry(WN_PRIVATE struct wn_packet *packet, WN_PRIVATE const struct http_request *request, uint64_t entry,
			  uint32_t status, WN_PRIVATE const struct http_range *range)
{
	const uint64_t validators = wn_data_word(packet, entry + SITE_VALIDATORS);
	const uint64_t head = ((uint32_t)validators & 0xffff) + wn_data_word(packet, entry + SITE_DESCRIPTION_BYTES) +
			      wn_data_word(packet, entry + SITE_END_BYTES);
	const uint64_t body = wn_data_word(packet, entry + SITE_BODY_BYTES);

	if (status == SITE_OK) {
		wn_reply_file(packet, validators >> 16, head + (request->method == HTTP_GET ? body : 0));
	} else if (status == SITE_PARTIAL) {
		http_say_partial(packet, entry, range);
	} else if (status == SITE_NOT_MODIFIED) {
		http_say(packet, validators);
		wn_reply_text(packet, 0x0d0a, 2);
	} else if (status == SITE_MOVED) {
		http_say(packet, http_text(packet, SITE_LOCATION));
		http_say(packet, wn_data_word(packet, entry + SITE_TARGET));
		http_say(packet, http_text(packet, SITE_NO_LENGTH));
	} else {
		http_say(packet, http_text(packet, SITE_RANGE));
		wn_reply_text(packet, 0x2a2f, 2); /* "*" "/" */
		wn_reply_number(packet, body);
		http_say(packet, http_text(packet, SITE_NO_LENGTH));
	}
}

#endif
