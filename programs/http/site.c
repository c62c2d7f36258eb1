/* SPDX-License-Identifier: Apache-2.0 */
/* The host half of the http program: a directory to the blob of site.h. */
#include "site.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "data/loader.h"
#include "tree.h"
#include "types.h"

#define SERVER "Server: warpnic\r\n"
#define ERROR_BODY(status) status "\n"

/* By enum site_text. */
static const char *const statuses[SITE_STATUSES] = {
	[SITE_OK] = "200 OK",
	[SITE_PARTIAL] = "206 Partial Content",
	[SITE_MOVED] = "301 Moved Permanently",
	[SITE_NOT_MODIFIED] = "304 Not Modified",
	[SITE_BAD_REQUEST] = "400 Bad Request",
	[SITE_NOT_FOUND] = "404 Not Found",
	[SITE_NOT_ALLOWED] = "405 Method Not Allowed",
	[SITE_URI_TOO_LONG] = "414 URI Too Long",
	[SITE_UNSATISFIABLE] = "416 Range Not Satisfiable",
	[SITE_FIELDS_TOO_LARGE] = "431 Request Header Fields Too Large",
	[SITE_VERSION] = "505 HTTP Version Not Supported",
};

static const char *const texts[SITE_TEXTS - SITE_CLOSES] = {
	"Connection: close\r\n",
	"Connection: keep-alive\r\n",
	"Content-Range: bytes ",
	"\r\nContent-Length: ",
	"\r\nContent-Length: 0\r\n\r\n",
	"Location: ",
	"ThuFriSatSunMonTueWed",
	"JanFebMarAprMayJunJulAugSepOctNovDec",
};

/*
 * The blob while it is written. The first time there is none, and only how much it takes is found out; the second time
 * the same is written.
 */
struct writer {
	uint8_t *bytes;          /* NULL: only counts */
	uint64_t at;             /* the next free byte */
	uint64_t slot_mask;
	uint64_t probes;
	uint64_t entry;          /* the next free word for an entry */
	struct wn_error *error;
};

static void put_word(struct writer *writer, uint64_t word, uint64_t value)
{
	if (writer->bytes)
		for (int i = 0; i < 8; i++)
			writer->bytes[8 * word + (uint64_t)i] = (uint8_t)(value >> 8 * i);
}

static uint64_t get_word(const struct writer *writer, uint64_t word)
{
	uint64_t value = 0;

	for (int i = 0; i < 8; i++)
		value |= (uint64_t)writer->bytes[8 * word + (uint64_t)i] << 8 * i;
	return value;
}

/* Its piece. */
static uint64_t put_text(struct writer *writer, const char *text)
{
	const uint64_t at = writer->at;
	const size_t length = strlen(text);

	if (writer->bytes)
		memcpy(writer->bytes + at, text, length);
	writer->at += length;
	return at << 16 | length;
}

/* -- what all responses have in common -- */

static void put_texts(struct writer *writer)
{
	char text[256];

	for (uint32_t i = 0; i < SITE_STATUSES; i++) {
		const size_t body = strlen(statuses[i]) + 1;

		snprintf(text, sizeof(text), "HTTP/1.1 %s\r\n" SERVER, statuses[i]);
		put_word(writer, SITE_FIRST_TEXT + i, put_text(writer, text));
		snprintf(text, sizeof(text), "%sContent-Type: text/plain; charset=utf-8\r\nContent-Length: %zu\r\n\r\n",
			 i == SITE_NOT_ALLOWED ? "Allow: GET, HEAD\r\n" : "", body);
		put_word(writer, SITE_FIRST_TEXT + SITE_TAIL + i, put_text(writer, text));
		snprintf(text, sizeof(text), "%s\n", statuses[i]);
		put_word(writer, SITE_FIRST_TEXT + SITE_BODY + i, put_text(writer, text));
	}
	for (uint32_t i = 0; i < SITE_TEXTS - SITE_CLOSES; i++)
		put_word(writer, SITE_FIRST_TEXT + SITE_CLOSES + i, put_text(writer, texts[i]));
}

/* -- paths -- */

static uint64_t hash_of(const char *path)
{
	uint64_t hash = SITE_HASH_START;

	for (; *path; path++)
		hash = site_hash(hash, (uint8_t)*path);
	return site_hash_end(hash);
}

/* The path leads to the entry that is next. */
static void put_path(struct writer *writer, const char *path, uint64_t entry)
{
	const uint64_t hash = hash_of(path);

	put_word(writer, entry + SITE_PATH, put_text(writer, path));
	for (uint64_t i = 0; writer->bytes; i++) {
		const uint64_t slot = SITE_TABLE + 2 * ((hash + i) & writer->slot_mask);

		if (get_word(writer, slot))
			continue;
		put_word(writer, slot, hash);
		put_word(writer, slot + 1, entry);
		if (i > writer->probes)
			writer->probes = i;
		return;
	}
}

static uint64_t next_entry(struct writer *writer)
{
	const uint64_t entry = writer->entry;

	writer->entry += SITE_ENTRY_WORDS;
	return entry;
}

/* -- files -- */

static uint64_t hash_bytes(const uint8_t *bytes, uint64_t count)
{
	uint64_t hash = SITE_HASH_START;

	for (uint64_t i = 0; i < count; i++)
		hash = site_hash(hash, bytes[i]);
	return hash;
}

/* All of a file, at `bytes`. It must have the size that it had when the directory was read. */
static int read_body(struct writer *writer, const struct http_file *file, uint8_t *bytes)
{
	const int fd = open(file->name, O_RDONLY | O_CLOEXEC);
	uint64_t done = 0;
	ssize_t count = 1;

	if (fd < 0)
		return wn_fail(writer->error, errno, WN_NO_INPUT, "root: %s: %s", file->name, strerror(errno));
	while (done < file->bytes && (count = read(fd, bytes + done, file->bytes - done)) > 0)
		done += (uint64_t)count;
	close(fd);
	if (count < 0)
		return wn_fail(writer->error, errno, WN_NO_INPUT, "root: %s: %s", file->name, strerror(errno));
	if (done < file->bytes)
		return wn_fail(writer->error, EAGAIN, WN_FAILED, "root: %s: changed while it was read; try again", file->name);
	return 0;
}

/* ETag, Last-Modified. The tag is that of the bytes, so that the same file has the same one on every machine. */
static void put_validators(struct writer *writer, const struct http_file *file, uint64_t entry, uint64_t hash)
{
	const uint64_t at = writer->at;
	char text[128], date[64];
	struct tm broken;
	size_t length;

	gmtime_r(&file->modified, &broken);
	strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", &broken);
	length = (size_t)snprintf(text, sizeof(text), "\"%" PRIx64 "-%016" PRIx64 "\"", file->bytes, hash);
	put_text(writer, "ETag: ");
	put_word(writer, entry + SITE_TAG, writer->at << 16 | length);
	put_text(writer, text);
	put_text(writer, "\r\nLast-Modified: ");
	put_word(writer, entry + SITE_MODIFIED, put_text(writer, date));
	put_text(writer, "\r\n");
	put_word(writer, entry + SITE_VALIDATORS, at << 16 | (writer->at - at));
}

static int put_file(struct writer *writer, const struct http_file *file, uint64_t entry)
{
	uint64_t hash = UINT64_MAX, at;
	uint8_t *body = NULL;
	char text[160];

	/* The tag comes in front of the body that it is made of. */
	if (writer->bytes && file->bytes) {
		int rc;

		body = malloc(file->bytes);
		if (!body)
			return wn_fail(writer->error, ENOMEM, WN_FAILED, "out of memory");
		rc = read_body(writer, file, body);
		if (rc) {
			free(body);
			return rc;
		}
		hash = hash_bytes(body, file->bytes);
	}
	put_validators(writer, file, entry, hash);
	at = writer->at;
	snprintf(text, sizeof(text), "Accept-Ranges: bytes\r\nContent-Type: %s\r\n", http_type_of(file->path));
	put_text(writer, text);
	put_word(writer, entry + SITE_DESCRIPTION_BYTES, writer->at - at);
	at = writer->at;
	snprintf(text, sizeof(text), "Content-Length: %" PRIu64 "\r\n\r\n", file->bytes);
	put_text(writer, text);
	put_word(writer, entry + SITE_END_BYTES, writer->at - at);
	put_word(writer, entry + SITE_BODY_BYTES, file->bytes);
	if (body)
		memcpy(writer->bytes + writer->at, body, file->bytes);
	writer->at += file->bytes;
	free(body);
	return 0;
}

/* "/a/index.html" is "/a/" as well: an entry with the same words but for its path. */
static void put_index(struct writer *writer, const char *path, uint64_t of)
{
	const size_t length = strlen(path);
	const char name[] = "/index.html";
	char *directory;
	uint64_t entry;

	if (length < strlen(name) || strcmp(path + length - strlen(name), name))
		return;
	entry = next_entry(writer);
	directory = strndup(path, length - strlen("index.html"));
	if (!directory)
		return;
	for (uint32_t i = SITE_PATH + 1; writer->bytes && i < SITE_ENTRY_WORDS; i++)
		put_word(writer, entry + i, get_word(writer, of + i));
	put_path(writer, directory, entry);
	free(directory);
}

/* Where "/a" leads: "/a/", encoded (RFC 3986, section 2). */
static void put_move(struct writer *writer, const char *directory)
{
	const uint64_t entry = next_entry(writer), at = writer->at;
	char text[8];

	for (const char *c = directory; *c; c++) {
		const int plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') ||
				  strchr("-._~/", *c) != NULL;

		snprintf(text, sizeof(text), plain ? "%c" : "%%%02X", plain ? *c : (uint8_t)*c);
		put_text(writer, text);
	}
	put_text(writer, "/");
	put_word(writer, entry + SITE_TARGET, at << 16 | (writer->at - at));
	put_path(writer, directory, entry);
}

static int write_site(struct writer *writer, const struct http_tree *tree, uint64_t slots, uint64_t entries)
{
	writer->slot_mask = slots - 1;
	writer->entry = SITE_TABLE + 2 * slots;
	writer->at = 8 * (writer->entry + SITE_ENTRY_WORDS * entries);
	put_word(writer, 0, SITE_MAGIC);
	put_word(writer, 1, writer->slot_mask);
	put_texts(writer);
	for (uint32_t i = 0; i < tree->count; i++) {
		const uint64_t entry = next_entry(writer);
		const int rc = put_file(writer, &tree->files[i], entry);

		if (rc)
			return rc;
		put_path(writer, tree->files[i].path, entry);
		put_index(writer, tree->files[i].path, entry);
	}
	for (uint32_t i = 0; i < tree->directory_count; i++)
		if (tree->directories[i][0])
			put_move(writer, tree->directories[i]);
	put_word(writer, 2, writer->probes);
	return 0;
}

static int write_blob(struct wn_blob *blob, const struct http_tree *tree, struct wn_error *error)
{
	const uint64_t entries = (uint64_t)tree->count + 2 * (uint64_t)tree->directory_count;
	struct writer writer = {.error = error};
	uint64_t slots = 8;
	int rc;

	while (slots < 2 * entries)
		slots *= 2;
	write_site(&writer, tree, slots, entries);
	rc = wn_blob_create(blob, writer.at, error);
	if (rc)
		return rc;
	writer = (struct writer){.bytes = blob->bytes, .error = error};
	return write_site(&writer, tree, slots, entries);
}

static int build(struct wn_blob *blob, const struct wn_load *loads, uint32_t count, struct wn_error *error)
{
	struct http_tree tree = {.count = 0};
	uint64_t bytes = 0;
	int rc;

	if (count != 1)
		return wn_fail(error, EINVAL, WN_USAGE, count ? "http: --root is given %u times: there is one"
							      : "http: --root DIR says what to serve", count);
	rc = http_tree_read(&tree, loads[0].value, error);
	if (!rc)
		rc = write_blob(blob, &tree, error);
	for (uint32_t i = 0; i < tree.count; i++)
		bytes += tree.files[i].bytes;
	if (!rc)
		snprintf(blob->note, sizeof(blob->note), "%u files, %.1f KiB, from %.120s%s; %u names left out", tree.count,
			 (double)bytes / 1024, loads[0].value, tree.count ? "" : ": EVERYTHING WILL BE 404", tree.skipped);
	http_tree_finish(&tree);
	return rc;
}

static const struct wn_load_option options[] = {
	{"root", "DIR", "a directory whose files are served"},
	{NULL, NULL, NULL},
};

const struct wn_loader wn_loader_site = {
	.name = "site",
	.options = options,
	.build = build,
};
