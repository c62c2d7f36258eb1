/* SPDX-License-Identifier: Apache-2.0 */
/* Media types by the end of a name (the registry of IANA; RFC 9239 for scripts). */
#ifndef WN_HTTP_TYPES_H
#define WN_HTTP_TYPES_H

#include <stddef.h>
#include <string.h>
#include <strings.h>

static const char *http_type_of(const char *path)
{
	static const char *const types[][2] = {
		{"html", "text/html; charset=utf-8"}, {"htm", "text/html; charset=utf-8"},
		{"css", "text/css; charset=utf-8"},   {"js", "text/javascript; charset=utf-8"},
		{"mjs", "text/javascript; charset=utf-8"}, {"txt", "text/plain; charset=utf-8"},
		{"md", "text/markdown; charset=utf-8"}, {"csv", "text/csv; charset=utf-8"},
		{"json", "application/json"},         {"map", "application/json"},
		{"xml", "application/xml"},           {"svg", "image/svg+xml"},
		{"png", "image/png"},                 {"jpg", "image/jpeg"},
		{"jpeg", "image/jpeg"},               {"gif", "image/gif"},
		{"webp", "image/webp"},               {"avif", "image/avif"},
		{"ico", "image/vnd.microsoft.icon"},  {"woff2", "font/woff2"},
		{"woff", "font/woff"},                {"ttf", "font/ttf"},
		{"otf", "font/otf"},                  {"wasm", "application/wasm"},
		{"pdf", "application/pdf"},           {"zip", "application/zip"},
		{"gz", "application/gzip"},           {"mp4", "video/mp4"},
		{"webm", "video/webm"},               {"mp3", "audio/mpeg"},
		{"ogg", "audio/ogg"},                 {"wav", "audio/wav"},
		{"webmanifest", "application/manifest+json"},
	};
	const char *last = strrchr(path, '/'), *dot = last ? strrchr(last, '.') : NULL;

	for (size_t i = 0; dot && i < sizeof(types) / sizeof(types[0]); i++)
		if (!strcasecmp(dot + 1, types[i][0]))
			return types[i][1];
	return "application/octet-stream";
}

#endif
