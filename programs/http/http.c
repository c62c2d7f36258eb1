/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Serves the files of a directory over HTTP/1.1 (RFC 9110, RFC 9112): docs/http.md says what and what not.
 *
 *     warpnic run http --root DIR --link uring:tcp:127.0.0.1:8080
 *
 * The host half (site.c) has read all files and written what every response has in common in front of each, so a
 * response is a few lines of the moment and one piece of memory that the kernel sends from where it lies.
 *
 *   request.h   a request's head         site.h   the blob, shared with the host half
 *   respond.h   which file, which part, which status
 */
#define WN_SUMMARY "serves the files of a directory over HTTP/1.1 (--root DIR)"
#define WN_LOADER "site"
#define WN_COUNTERS(X)                                                                                     \
	X(ok_200) X(partial_206) X(moved_301) X(not_modified_304) X(bad_request_400) X(not_found_404)      \
	X(not_allowed_405) X(uri_too_long_414) X(unsatisfiable_416) X(fields_too_large_431) X(version_505) \
	X(skipped_bytes)
#include <warpnic/program.h>

#include "respond.h"

/* A response that ends the connection: what follows cannot be told from it. */
WN_FN uint32_t http_refuse(WN_PRIVATE struct wn_packet *packet, uint32_t status)
{
	wn_count(packet, status, 1);
	http_say_status(packet, status, 1, 0);
	http_say_error(packet, status, 1);
	return WN_CLOSE;
}

/* Whether what there is, with no end of a head in it, may still become one. */
WN_FN uint32_t http_wait(WN_PRIVATE struct wn_packet *packet, uint32_t at)
{
	const uint32_t length = wn_length(packet);

	if (at < length && !http_is_token(wn_u8(packet, at)))
		return http_refuse(packet, SITE_BAD_REQUEST);
	if (wn_is_full(packet))
		return http_refuse(packet, http_find(packet, at, length, '\n') < length ? SITE_FIELDS_TOO_LARGE
											  : SITE_URI_TOO_LONG);
	wn_keep(packet, length > 3 ? length - 3 : 0);
	return WN_MORE;
}

/* Bytes of a body that nobody wants. */
WN_FN uint32_t http_skip(WN_PRIVATE struct wn_packet *packet, uint32_t left)
{
	const uint32_t count = left < wn_length(packet) ? left : wn_length(packet);

	wn_count(packet, counter_skipped_bytes, count);
	wn_consume(packet, count);
	wn_keep(packet, (uint64_t)(left - count) << 32);
	return WN_MORE;
}

WN_FN uint32_t http_answer(WN_PRIVATE struct wn_packet *packet, WN_PRIVATE struct http_request *request)
{
	const uint64_t hash = request->method == HTTP_OTHER ? 1 : http_path_hash(packet, request->path);
	const uint32_t closes = request->closes || (!request->minor && !request->keeps) || request->is_coded ||
				request->body_bytes > HTTP_SKIP_MAX;
	uint64_t entry = 0;
	struct http_range range;
	uint32_t status;

	range.first = range.bytes = 0;
	if (request->method == HTTP_OTHER)
		status = SITE_NOT_ALLOWED;
	else if (!hash)
		status = SITE_BAD_REQUEST;
	else {
		entry = http_find_entry(packet, request->path, hash);
		status = entry ? http_choose(packet, request, entry, &range) : (uint32_t)SITE_NOT_FOUND;
	}
	wn_count(packet, status, 1);
	http_say_status(packet, status, closes, !request->minor);
	if (entry)
		http_say_entry(packet, request, entry, status, &range);
	else
		http_say_error(packet, status, request->method != HTTP_HEAD);
	wn_consume(packet, request->end);
	wn_keep(packet, closes ? 0 : request->body_bytes << 32);
	return closes ? WN_CLOSE : WN_REPLY;
}

/* The kept word: bytes of a body to skip in its upper half; in the lower, how far there is no end of a head. */
WN_PROGRAM(http, WN_STREAM, WN_LOOK_ALL)
{
	const uint64_t kept = wn_kept(packet);
	struct http_request request;
	uint32_t at, end;

	if (kept >> 32)
		return http_skip(packet, (uint32_t)(kept >> 32));
	if (wn_data_length(packet) < 8 || wn_data_word(packet, 0) != SITE_MAGIC)
		return WN_DROP;
	at = http_skip_empty(packet);
	end = http_find_end(packet, (uint32_t)kept > at ? (uint32_t)kept : at);
	if (!end)
		return http_wait(packet, at);
	http_take_head(packet, at, end, &request);
	if (request.error)
		return http_refuse(packet, request.error);
	return http_answer(packet, &request);
}
