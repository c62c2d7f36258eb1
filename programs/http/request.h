/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request's head, HTTP/1.1 (RFC 9112, sections 3 to 5), as it lies at the beginning of what came.
 *
 * It is looked at once all of it is there. Where what there is can be none, or has become too long, that is said at once.
 */
#ifndef WN_HTTP_REQUEST_H
#define WN_HTTP_REQUEST_H

#include "site.h"

enum {
	HTTP_BYTES_MAX = 1 << 20,   /* as far as any loop goes: a window is no longer */
	HTTP_SKIP_MAX = 1 << 16     /* of a body that nobody wants, to keep the connection */
};

enum http_method { HTTP_GET = 1, HTTP_HEAD, HTTP_OTHER };

/* Pieces of what came. */
struct http_piece {
	uint32_t at, bytes;
};

struct http_request {
	uint32_t method;            /* enum http_method */
	uint32_t minor;             /* of its version */
	uint32_t end;               /* of the head: where a body, or the next request, begins */
	uint32_t error;             /* enum site_text of the status that it deserves; 0: none */
	uint32_t hosts;             /* fields of that name */
	uint32_t closes, keeps;     /* options of Connection */
	uint32_t is_coded;          /* it has a Transfer-Encoding */
	uint32_t lengths;           /* fields Content-Length */
	uint64_t body_bytes;
	struct http_piece path;     /* as it came, without the query */
	struct http_piece range, if_range, if_none_match, if_modified_since; /* values; bytes 0: none */
};

WN_FN uint32_t http_is_digit(uint32_t c)
{
	return c - '0' < 10;
}

WN_FN uint32_t http_is_letter(uint32_t c)
{
	return (c | 0x20) - 'a' < 26;
}

/* tchar, RFC 9110, section 5.6.2 */
WN_FN uint32_t http_is_token(uint32_t c)
{
	/* 0x21 to 0x3f: ! # $ % & ' * + - . and digits; 0x5e to 0x60 and 0x7c, 0x7e: ^ _ ` | ~ */
	if (http_is_letter(c) || http_is_digit(c))
		return 1;
	if (c < 0x40)
		return c > 0x20 && (0x00006cfau >> (c - 0x20) & 1);
	return c == '^' || c == '_' || c == '`' || c == '|' || c == '~';
}

/* -- where it ends -- */

/* From `from` on: where the empty line behind the head ends; 0: not there yet. */
WN_FN uint32_t http_find_end(WN_PRIVATE struct wn_packet *packet, uint32_t from)
{
	const uint32_t length = wn_length(packet);

	WN_LOOP(i, length - from, HTTP_BYTES_MAX) {
		const uint32_t at = from + i;

		if (wn_u8(packet, at) != '\n')
			continue;
		if (at + 1 < length && wn_u8(packet, at + 1) == '\n')
			return at + 2;
		if (at + 2 < length && wn_u8(packet, at + 1) == '\r' && wn_u8(packet, at + 2) == '\n')
			return at + 3;
	}
	return 0;
}

/* Empty lines in front of a request, as some clients send behind a body (RFC 9112, section 2.2). */
WN_FN uint32_t http_skip_empty(WN_PRIVATE struct wn_packet *packet)
{
	const uint32_t length = wn_length(packet);

	WN_LOOP(i, length, HTTP_BYTES_MAX) {
		const uint32_t c = wn_u8(packet, i);

		if (c != '\r' && c != '\n')
			return i;
	}
	return length;
}

/* The first of `c` in [at, end), or end. */
WN_FN uint32_t http_find(WN_PRIVATE struct wn_packet *packet, uint32_t at, uint32_t end, uint32_t c)
{
	WN_LOOP(i, end - at, HTTP_BYTES_MAX) {
		if (wn_u8(packet, at + i) == c)
			return at + i;
	}
	return end;
}

/* -- the first line -- */

WN_FN uint32_t http_method_of(WN_PRIVATE struct wn_packet *packet, uint32_t at, uint32_t bytes)
{
	if (bytes == 3 && wn_u16(packet, at) == 0x4745 && wn_u8(packet, at + 2) == 'T')
		return HTTP_GET;
	return bytes == 4 && wn_u32(packet, at) == 0x48454144 ? HTTP_HEAD : HTTP_OTHER;
}

/* "HTTP/1.", and one digit. Else an error. */
WN_FN void http_take_version(WN_PRIVATE struct wn_packet *packet, uint32_t at, uint32_t end,
			     WN_PRIVATE struct http_request *request)
{
	if (end - at != 8 || wn_u32(packet, at) != 0x48545450 || wn_u8(packet, at + 4) != '/' ||
	    !http_is_digit(wn_u8(packet, at + 5)) || wn_u8(packet, at + 6) != '.' || !http_is_digit(wn_u8(packet, at + 7)))
		request->error = SITE_BAD_REQUEST;
	else if (wn_u8(packet, at + 5) != '1')
		request->error = SITE_VERSION;
	else
		request->minor = wn_u8(packet, at + 7) - '0';
}

/* Leaves of http://authority/path?query the path; of /path?query as well. */
WN_FN void http_take_target(WN_PRIVATE struct wn_packet *packet, uint32_t at, uint32_t end,
			    WN_PRIVATE struct http_request *request)
{
	uint32_t query;

	if (end - at > 7 && (wn_u32(packet, at) | 0x20202020) == 0x68747470 && wn_u16(packet, at + 4) == 0x3a2f &&
	    wn_u8(packet, at + 6) == '/') {
		at = http_find(packet, at + 7, end, '/');
		if (at == end)
			at = end - 1; /* no path: its last byte is no '/', and nothing is found by that name */
	}
	query = http_find(packet, at, end, '?');
	request->path.at = at;
	request->path.bytes = query - at;
	if (at == end || (wn_u8(packet, at) != '/' && request->method != HTTP_OTHER))
		request->error = SITE_BAD_REQUEST;
	WN_LOOP(i, end - at, HTTP_BYTES_MAX) {
		const uint32_t c = wn_u8(packet, at + i);

		if (c <= 0x20 || c >= 0x7f)
			request->error = SITE_BAD_REQUEST;
	}
}

/* method SP target SP version: the line [at, end), without its end. */
WN_FN void http_take_line(WN_PRIVATE struct wn_packet *packet, uint32_t at, uint32_t end,
			  WN_PRIVATE struct http_request *request)
{
	const uint32_t method_end = http_find(packet, at, end, ' ');
	const uint32_t target_end = method_end < end ? http_find(packet, method_end + 1, end, ' ') : end;

	request->method = http_method_of(packet, at, method_end - at);
	if (target_end == end || method_end == at) {
		request->error = SITE_BAD_REQUEST;
		return;
	}
	WN_LOOP(i, method_end - at, HTTP_BYTES_MAX) {
		if (!http_is_token(wn_u8(packet, at + i)))
			request->error = SITE_BAD_REQUEST;
	}
	http_take_target(packet, method_end + 1, target_end, request);
	if (!request->error)
		http_take_version(packet, target_end + 1, end, request);
}

/* -- fields -- */

/* Eight bytes, letters in lower case. Of a token no two are the same then but for case. */
WN_FN uint64_t http_lower8(WN_PRIVATE struct wn_packet *packet, uint32_t at)
{
	return wn_u64(packet, at) | 0x2020202020202020ull;
}

/* Content-Length: digits, the same where it is there twice (RFC 9112, section 6.3). */
WN_FN void http_take_length(WN_PRIVATE struct wn_packet *packet, struct http_piece value,
			    WN_PRIVATE struct http_request *request)
{
	uint64_t number = 0;

	WN_LOOP(i, value.bytes, HTTP_BYTES_MAX) {
		const uint32_t c = wn_u8(packet, value.at + i);

		if (!http_is_digit(c) || i >= 18)
			request->error = SITE_BAD_REQUEST;
		number = 10 * number + (c - '0');
	}
	if (!value.bytes || (request->lengths && number != request->body_bytes))
		request->error = SITE_BAD_REQUEST;
	request->lengths++;
	request->body_bytes = number;
}

/* Connection: of its options, close and keep-alive. */
WN_FN void http_take_connection(WN_PRIVATE struct wn_packet *packet, struct http_piece value,
				WN_PRIVATE struct http_request *request)
{
	uint32_t first = 0;

	WN_LOOP(i, value.bytes + 1, HTTP_BYTES_MAX) {
		const uint32_t c = i < value.bytes ? wn_u8(packet, value.at + i) : ',';
		const uint32_t at = value.at + first, bytes = i - first;

		if (c == ' ' || c == '\t' || c == ',') {
			if (bytes == 5 && (wn_u32(packet, at) | 0x20202020) == 0x636c6f73 &&
			    (wn_u8(packet, at + 4) | 0x20) == 'e')
				request->closes = 1;
			if (bytes == 10 && http_lower8(packet, at) == 0x6b6565702d616c69ull &&
			    (wn_u16(packet, at + 8) | 0x2020) == 0x7665)
				request->keeps = 1;
			first = i + 1;
		}
	}
}

/* A name of 13 bytes and more: the first eight, the last eight, and, of 17, the one that is in neither. */
WN_FN void http_take_long(WN_PRIVATE struct wn_packet *packet, struct http_piece name, struct http_piece value,
			  WN_PRIVATE struct http_request *request)
{
	const uint64_t first = http_lower8(packet, name.at), last = http_lower8(packet, name.at + name.bytes - 8);
	const uint32_t middle = wn_u8(packet, name.at + 8) | 0x20;

	if (name.bytes == 13 && first == 0x69662d6e6f6e652dull && last == 0x6e652d6d61746368ull)
		request->if_none_match = value;
	else if (name.bytes == 14 && first == 0x636f6e74656e742dull && last == 0x742d6c656e677468ull)
		http_take_length(packet, value, request);
	else if (name.bytes == 17 && first == 0x69662d6d6f646966ull && middle == 'i' && last == 0x65642d73696e6365ull)
		request->if_modified_since = value;
	else if (name.bytes == 17 && first == 0x7472616e73666572ull && middle == '-' && last == 0x656e636f64696e67ull)
		request->is_coded = 1;
}

/* One field that means something here; others are left alone. */
WN_FN void http_take_named(WN_PRIVATE struct wn_packet *packet, struct http_piece name, struct http_piece value,
			   WN_PRIVATE struct http_request *request)
{
	if (name.bytes == 4 && (wn_u32(packet, name.at) | 0x20202020) == 0x686f7374)
		request->hosts++;
	else if (name.bytes == 5 && (wn_u32(packet, name.at) | 0x20202020) == 0x72616e67 &&
		 (wn_u8(packet, name.at + 4) | 0x20) == 'e')
		request->range = value;
	else if (name.bytes == 8 && http_lower8(packet, name.at) == 0x69662d72616e6765ull)
		request->if_range = value;
	else if (name.bytes == 10 && http_lower8(packet, name.at) == 0x636f6e6e65637469ull &&
		 (wn_u16(packet, name.at + 8) | 0x2020) == 0x6f6e)
		http_take_connection(packet, value, request);
	else if (name.bytes >= 13 && name.bytes <= 17)
		http_take_long(packet, name, value, request);
}

WN_FN uint32_t http_is_space(uint32_t c)
{
	return c == ' ' || c == '\t';
}

/* name ":" value, the line [at, end), without its end. No folded lines, no space in front of the colon. */
WN_FN void http_take_field(WN_PRIVATE struct wn_packet *packet, uint32_t at, uint32_t end,
			   WN_PRIVATE struct http_request *request)
{
	const uint32_t colon = http_find(packet, at, end, ':');
	struct http_piece name, value;

	name.at = at;
	name.bytes = colon - at;
	value.at = colon + 1;
	if (colon == end || !name.bytes) {
		request->error = SITE_BAD_REQUEST;
		return;
	}
	WN_LOOP(i, name.bytes, HTTP_BYTES_MAX) {
		if (!http_is_token(wn_u8(packet, at + i)))
			request->error = SITE_BAD_REQUEST;
	}
	WN_LOOP(i, end - colon, HTTP_BYTES_MAX) {
		const uint32_t c = wn_u8(packet, colon + i);

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			request->error = SITE_BAD_REQUEST;
	}
	WN_LOOP(i, end - colon, HTTP_BYTES_MAX) {
		if (value.at == end || !http_is_space(wn_u8(packet, value.at)))
			break;
		value.at++;
	}
	value.bytes = end - value.at;
	WN_LOOP(i, end - colon, HTTP_BYTES_MAX) {
		if (!value.bytes || !http_is_space(wn_u8(packet, value.at + value.bytes - 1)))
			break;
		value.bytes--;
	}
	http_take_named(packet, name, value, request);
}

/* -- all of it -- */

WN_FN void http_request_init(WN_PRIVATE struct http_request *request, uint32_t end)
{
	struct http_piece none;

	none.at = none.bytes = 0;
	request->method = HTTP_OTHER;
	request->minor = 1;
	request->end = end;
	request->error = request->hosts = request->closes = request->keeps = request->is_coded = request->lengths = 0;
	request->body_bytes = 0;
	request->path = request->range = request->if_range = none;
	request->if_none_match = request->if_modified_since = none;
}

/* The head [at, end), its last line empty. */
WN_FN void http_take_head(WN_PRIVATE struct wn_packet *packet, uint32_t at, uint32_t end,
			  WN_PRIVATE struct http_request *request)
{
	uint32_t line = 0;

	http_request_init(request, end);
	WN_LOOP(i, end, HTTP_BYTES_MAX) {
		const uint32_t feed = http_find(packet, at, end, '\n');
		const uint32_t line_end = feed > at && wn_u8(packet, feed - 1) == '\r' ? feed - 1 : feed;

		if (line_end == at || request->error)
			break;
		if (line++)
			http_take_field(packet, at, line_end, request);
		else
			http_take_line(packet, at, line_end, request);
		at = feed + 1;
	}
	if (request->error)
		return;
	/* RFC 9112, sections 3.2 and 6.1 */
	if ((request->minor && request->hosts != 1) || request->hosts > 1 || (request->is_coded && request->lengths))
		request->error = SITE_BAD_REQUEST;
}

#endif
