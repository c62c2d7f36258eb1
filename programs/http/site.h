/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The blob that the http program serves from: made by its host half (site.c), read by the device.
 *
 *   word 0                SITE_MAGIC
 *   word 1                slots of the table of paths, a power of two, minus 1
 *   word 2                the longest way from a path's place to where it stands, in slots
 *   word 3 ...            enum site_text: a piece of the blob each
 *   word SITE_TABLE ...   the table: hash of the path, 0 where it is empty; where its entry is, in words
 *   entries               enum site_entry words each
 *   bytes                 paths, texts, and for each file what its response has, without a gap:
 *
 *       validators | description | length of the body, end of the head | body
 *
 * A word has 8 bytes, little-endian. A piece is offset << 16 | length in bytes: texts are shorter than 64 KiB. A path is as
 * it is asked for once it is decoded: it begins with '/', and has a '/' at its end where it is a directory, whose entry is
 * its index.html, or, without that '/', sends there.
 */
#ifndef WN_HTTP_SITE_H
#define WN_HTTP_SITE_H

#include "warpnic/types.h"

#define SITE_MAGIC 0x0131707474686e77ull /* "wnhttp1" */

/* Status lines with the field that says who serves, and for errors all that follows the fields of the moment. */
enum site_text {
	SITE_OK,                 /* 200 */
	SITE_PARTIAL,            /* 206 */
	SITE_MOVED,              /* 301 */
	SITE_NOT_MODIFIED,       /* 304 */
	SITE_BAD_REQUEST,        /* 400 */
	SITE_NOT_FOUND,          /* 404 */
	SITE_NOT_ALLOWED,        /* 405 */
	SITE_URI_TOO_LONG,       /* 414 */
	SITE_UNSATISFIABLE,      /* 416 */
	SITE_FIELDS_TOO_LARGE,   /* 431 */
	SITE_VERSION,            /* 505 */
	SITE_STATUSES,
	SITE_TAIL = SITE_STATUSES, /* + the status: fields of an error, then the end of its head */
	SITE_BODY = 2 * SITE_STATUSES, /* + the status: its body, right behind */
	SITE_CLOSES = 3 * SITE_STATUSES, /* "Connection: close" */
	SITE_KEEPS,              /* "Connection: keep-alive", for HTTP/1.0 */
	SITE_RANGE,              /* "Content-Range: bytes " */
	SITE_LENGTH,             /* "\r\nContent-Length: " */
	SITE_NO_LENGTH,          /* "\r\nContent-Length: 0\r\n\r\n" */
	SITE_LOCATION,           /* "Location: " */
	SITE_DAYS,               /* "ThuFriSat...": 1 January 1970 was a Thursday */
	SITE_MONTHS,             /* "JanFeb..." */
	SITE_TEXTS
};

enum { SITE_FIRST_TEXT = 3, SITE_TABLE = SITE_FIRST_TEXT + SITE_TEXTS };

enum site_entry {
	SITE_PATH,               /* piece */
	SITE_TARGET,             /* piece: where to, encoded, for 301; 0: it is a file */
	SITE_VALIDATORS,         /* piece: ETag and Last-Modified, in this order */
	SITE_TAG,                /* piece: of them, the entity tag with its quotes */
	SITE_MODIFIED,           /* piece: the date of Last-Modified */
	SITE_DESCRIPTION_BYTES,  /* Accept-Ranges and Content-Type */
	SITE_END_BYTES,          /* Content-Length and the empty line */
	SITE_BODY_BYTES,
	SITE_ENTRY_WORDS
};

/* FNV-1a, 64 bits (Fowler, Noll, Vo; RFC 9923): one byte more. 0 is no hash of a path: see site_hash_end. */
#define SITE_HASH_START 0xcbf29ce484222325ull

WN_FN uint64_t site_hash(uint64_t hash, uint32_t byte)
{
	return (hash ^ byte) * 0x100000001b3ull;
}

WN_FN uint64_t site_hash_end(uint64_t hash)
{
	hash ^= hash >> 32;
	return hash ? hash : 1;
}

#endif
