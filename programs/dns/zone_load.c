/* SPDX-License-Identifier: Apache-2.0 */
#include "zones.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#if WN_HAVE_LDNS

#include <ldns/ldns.h>

/*
 * Stand-ins, by which one sees what a file leaves out: an origin under a name that nobody has (RFC
 * 6761, section 6.4), and a TTL that nobody writes.
 */
#define NO_ORIGIN "no-origin.warpnic.invalid."
enum { NO_TTL = 0x7f0ddc0d, RDATA_BYTES_MAX = 65535 };

enum { INCLUDES_MAX = 8, PATH_BYTES = 4096 };

/* M_TRIM_THRESHOLD of mallopt(3): while a zone is read, and what it is by itself. */
enum { HEAP_KEPT_BYTES = 8 << 20, HEAP_PRESET_BYTES = 128 << 10 };

/* A file that is read, at last by an $INCLUDE of another one. */
struct reader {
	FILE *file;
	const char *path;
	uint32_t depth;          /* $INCLUDEs around it */
	int line;                /* newlines that were read */
	int lacks_newline;       /* the file does not end with one */
	uint32_t ttl;            /* of $TTL, else NO_TTL */
	uint32_t last_ttl;       /* the last one that a record named */
	ldns_rdf *origin, *previous;
	ldns_rdf *base;          /* the origin, as it was before the entry in hand */
	ldns_rdf *no_origin;     /* the outermost reader's, as is data */
	ldns_buffer *data;
};

static int read_file(struct reader *reader, struct dns_zone *zone, struct wn_error *error);

/* ldns counts newlines, which the last line of a file may lack. */
static int line_of(const struct reader *reader)
{
	return reader->line + (reader->lacks_newline && feof(reader->file));
}

static int refuse(const struct reader *reader, struct wn_error *error, const char *why)
{
	return wn_fail(error, EINVAL, WN_FAILED, "%s:%d: %s", reader->path, line_of(reader), why);
}

/* The bytes of the stand-in for an origin, anywhere in a name: it was relative to nothing. */
static int lacks_origin(const struct reader *reader, const uint8_t *bytes, size_t count)
{
	return memmem(bytes, count, ldns_rdf_data(reader->no_origin), ldns_rdf_size(reader->no_origin)) != NULL;
}

static int take_record(const struct reader *reader, struct dns_zone *zone, const ldns_rr *record,
		       struct wn_error *error)
{
	const uint8_t *owner = ldns_rdf_data(ldns_rr_owner(record));
	const size_t owner_bytes = ldns_rdf_size(ldns_rr_owner(record));
	const uint8_t *data;
	size_t bytes;

	ldns_buffer_clear(reader->data);
	if (ldns_rr_rdata2buffer_wire(reader->data, record) != LDNS_STATUS_OK ||
	    ldns_buffer_position(reader->data) > RDATA_BYTES_MAX)
		return refuse(reader, error, "the record's data are too long");
	data = ldns_buffer_begin(reader->data);
	bytes = ldns_buffer_position(reader->data);
	if (ldns_rr_get_class(record) != LDNS_RR_CLASS_IN)
		return refuse(reader, error, "the class is not IN");
	if (lacks_origin(reader, owner, owner_bytes) || lacks_origin(reader, data, bytes))
		return refuse(reader, error,
			      "a relative name, and no $ORIGIN before it: begin the file with one, or say "
			      "--zone NAME=FILE");
	if (ldns_rr_ttl(record) == NO_TTL)
		return refuse(reader, error, "no TTL, and no $TTL before it");
	if (dns_zone_add(zone, owner, (uint16_t)ldns_rr_get_type(record), ldns_rr_ttl(record), data,
			 (uint16_t)bytes, (uint32_t)line_of(reader)))
		return wn_fail(error, ENOMEM, WN_FAILED, "zone %s: out of memory", reader->path);
	return 0;
}

/* RFC 1035, section 5.1: a record without a TTL has the last one that was stated. */
static void settle_ttl(struct reader *reader, ldns_rr *record)
{
	if (ldns_rr_ttl(record) != NO_TTL)
		reader->last_ttl = ldns_rr_ttl(record);
	else
		ldns_rr_set_ttl(record, reader->last_ttl);
}

static int open_file(struct reader *reader, struct wn_error *error)
{
	struct stat status;

	reader->file = fopen(reader->path, "re");
	if (!reader->file)
		return wn_fail(error, errno, WN_NO_INPUT, "zone %s: %s", reader->path, strerror(errno));
	if (fstat(fileno(reader->file), &status) || S_ISDIR(status.st_mode))
		return wn_fail(error, EISDIR, WN_NO_INPUT, "zone %s: %s", reader->path, strerror(EISDIR));
	reader->lacks_newline = !fseek(reader->file, -1, SEEK_END) && getc(reader->file) != '\n';
	rewind(reader->file);
	return 0;
}

static void close_file(struct reader *reader)
{
	if (reader->file)
		fclose(reader->file);
	ldns_rdf_deep_free(reader->origin);
	ldns_rdf_deep_free(reader->previous);
	ldns_rdf_deep_free(reader->base);
}

/* -- $INCLUDE and $ORIGIN (RFC 1035, section 5.1) -- */

/*
 * The next word of a line: up to a blank, or what stands in quotes. NULL at the end and where a comment
 * begins.
 */
static char *next_word(char **line)
{
	char *word = *line + strspn(*line, " \t\r\n");
	const int is_quoted = *word == '"';

	if (!*word || *word == ';')
		return NULL;
	word += is_quoted;
	*line = word + strcspn(word, is_quoted ? "\"" : " \t\r\n;");
	if (**line == ';')
		**line = '\0';
	else if (**line)
		*(*line)++ = '\0';
	return word;
}

/*
 * ldns says that an $INCLUDE was read, but not which: the line that begins with `word` is read again, from
 * `begin` on, behind empty lines and comments. The caller frees the line. NULL: it cannot be read again.
 */
static char *read_line_again(struct reader *reader, long begin, const char *word)
{
	const long end = ftell(reader->file);
	const size_t length = strlen(word);
	char *line = NULL;
	size_t room = 0;

	if (begin < 0 || end < begin || fseek(reader->file, begin, SEEK_SET))
		return NULL;
	while (getline(&line, &room, reader->file) > 0 && strncmp(line, word, length))
		continue;
	if (fseek(reader->file, end, SEEK_SET) || !line || strncmp(line, word, length)) {
		free(line);
		return NULL;
	}
	return line;
}

/* Zones may come from somebody else: what they include is in their own folder, or below it. */
static int leads_out(const char *name)
{
	if (*name == '/')
		return 1;
	for (const char *part = name; part; part = strchr(part, '/')) {
		part += *part == '/';
		if (!strncmp(part, "..", 2) && (!part[2] || part[2] == '/'))
			return 1;
	}
	return 0;
}

/* The path of an included file, beside the zone's own. -EINVAL with the reason. */
static int find_included(const struct reader *reader, const struct dns_zone *zone, const char *name,
			 char *path, struct wn_error *error)
{
	const char *slash = strrchr(zone->path, '/');
	const int folder = slash ? (int)(slash - zone->path) + 1 : 0;

	if (!name || !*name)
		return refuse(reader, error, "$INCLUDE names no file");
	if (leads_out(name))
		return refuse(reader, error, "$INCLUDE: only files in the zone's own folder are read");
	if (reader->depth == INCLUDES_MAX)
		return refuse(reader, error, "$INCLUDE: more than 8 files within each other");
	if (snprintf(path, PATH_BYTES, "%.*s%s", folder, zone->path, name) >= PATH_BYTES)
		return refuse(reader, error, "$INCLUDE: the path is too long");
	return 0;
}

/* Reads what one line includes. Origin and owner are the outer file's again behind it. */
static int include_file(struct reader *outer, struct dns_zone *zone, char *line, struct wn_error *error)
{
	struct reader inner = *outer;
	const char *name, *origin;
	char path[PATH_BYTES];
	int rc;

	line += strlen("$INCLUDE");
	name = next_word(&line);
	origin = name ? next_word(&line) : NULL;
	rc = find_included(outer, zone, name, path, error);
	if (rc)
		return rc;
	inner.file = NULL;
	inner.base = NULL;
	inner.depth++;
	inner.line = 0;
	inner.path = dns_zone_source(zone, path);
	inner.origin = origin ? ldns_dname_new_frm_str(origin) : ldns_rdf_clone(outer->origin);
	inner.previous = outer->previous ? ldns_rdf_clone(outer->previous) : NULL;
	if (!inner.path)
		rc = wn_fail(error, ENOMEM, WN_FAILED, "zone %s: out of memory", outer->path);
	else if (!inner.origin)
		rc = refuse(outer, error, "$INCLUDE: the origin is not a name");
	else if (origin && origin[strlen(origin) - 1] != '.' &&
		 ldns_dname_cat(inner.origin, outer->origin) != LDNS_STATUS_OK)
		rc = refuse(outer, error, "$INCLUDE: the origin is too long");
	if (!rc)
		rc = open_file(&inner, error);
	if (!rc)
		rc = read_file(&inner, zone, error);
	close_file(&inner);
	outer->ttl = inner.ttl;
	outer->last_ttl = inner.last_ttl;
	if (!rc && !dns_zone_source(zone, outer->path))
		rc = wn_fail(error, ENOMEM, WN_FAILED, "zone %s: out of memory", outer->path);
	return rc;
}

static int read_include(struct reader *reader, struct dns_zone *zone, long begin, struct wn_error *error)
{
	char *line = read_line_again(reader, begin, "$INCLUDE");
	const int rc = line ? include_file(reader, zone, line, error)
			    : refuse(reader, error, "$INCLUDE is read in files alone, not in what a pipe brings");

	free(line);
	return rc;
}

static int keep_base(struct reader *reader, struct wn_error *error)
{
	ldns_rdf_deep_free(reader->base);
	reader->base = ldns_rdf_clone(reader->origin);
	return reader->base ? 0 : wn_fail(error, ENOMEM, WN_FAILED, "zone %s: out of memory", reader->path);
}

/* ldns takes every $ORIGIN for a whole name; one that ends without a dot is relative to the one before. */
static int settle_origin(struct reader *reader, long begin, struct wn_error *error)
{
	char *line = read_line_again(reader, begin, "$ORIGIN"), *rest = line ? line + strlen("$ORIGIN") : NULL;
	const char *name = rest ? next_word(&rest) : NULL;
	int rc = 0;

	if (name && name[strlen(name) - 1] != '.' &&
	    ldns_dname_cat(reader->origin, reader->base) != LDNS_STATUS_OK)
		rc = refuse(reader, error, "$ORIGIN: the name is too long");
	free(line);
	return rc ? rc : keep_base(reader, error);
}

/* -- entries -- */

/* One line, or as many as one record takes. */
static int read_entry(struct reader *reader, struct dns_zone *zone, struct wn_error *error)
{
	const long begin = ftell(reader->file);
	ldns_rr *record = NULL;
	const ldns_status status = ldns_rr_new_frm_fp_l(&record, reader->file, &reader->ttl, &reader->origin,
							&reader->previous, &reader->line);
	int rc = 0;

	switch (status) {
	case LDNS_STATUS_OK:
		settle_ttl(reader, record);
		rc = take_record(reader, zone, record, error);
		break;
	case LDNS_STATUS_SYNTAX_TTL:
		reader->last_ttl = reader->ttl;
		break;
	case LDNS_STATUS_SYNTAX_ORIGIN:
		rc = settle_origin(reader, begin, error);
		break;
	case LDNS_STATUS_SYNTAX_EMPTY:
		break;
	case LDNS_STATUS_SYNTAX_INCLUDE:
	case LDNS_STATUS_SYNTAX_INCLUDE_ERR_NOTIMPL:
		rc = read_include(reader, zone, begin, error);
		break;
	case LDNS_STATUS_MEM_ERR:
		rc = wn_fail(error, ENOMEM, WN_FAILED, "zone %s: out of memory", reader->path);
		break;
	default:
		rc = refuse(reader, error, ldns_get_errorstr_by_id(status));
	}
	if (status == LDNS_STATUS_OK)
		ldns_rr_free(record);
	return rc;
}

static int read_file(struct reader *reader, struct dns_zone *zone, struct wn_error *error)
{
	int rc = keep_base(reader, error);

	while (!rc && !feof(reader->file) && !ferror(reader->file))
		rc = read_entry(reader, zone, error);
	if (!rc && ferror(reader->file))
		rc = wn_fail(error, EIO, WN_NO_INPUT, "zone %s: cannot be read", reader->path);
	return rc;
}

static int open_reader(struct reader *reader, const char *path, const char *origin, struct wn_error *error)
{
	*reader = (struct reader){.path = path, .ttl = NO_TTL, .last_ttl = NO_TTL};
	reader->no_origin = ldns_dname_new_frm_str(NO_ORIGIN);
	reader->origin = ldns_dname_new_frm_str(origin ? origin : NO_ORIGIN);
	reader->data = ldns_buffer_new(RDATA_BYTES_MAX + 1);
	if (!reader->no_origin || !reader->data)
		return wn_fail(error, ENOMEM, WN_FAILED, "zone %s: out of memory", path);
	if (!reader->origin)
		return wn_fail(error, EINVAL, WN_USAGE, "zone '%s=%s': '%s' is not a name", origin, path, origin);
	ldns_dname2canonical(reader->origin);
	return open_file(reader, error);
}

/*
 * ldns takes some 300 KiB for each record and frees them again, and glibc then gives the top of the heap
 * back to the system, and fetches it anew for the next: two system calls a record and a page fault for
 * each page. So it keeps a little more while a zone is read.
 */
static void keep_heap(int is_reading)
{
#ifdef __GLIBC__
	mallopt(M_TRIM_THRESHOLD, is_reading ? HEAP_KEPT_BYTES : HEAP_PRESET_BYTES);
#else
	(void)is_reading;
#endif
}

int dns_zone_load(struct dns_zone *zone, const char *path, const char *origin, struct wn_error *error)
{
	struct reader reader;
	int rc = open_reader(&reader, path, origin, error);

	keep_heap(1);
	zone->path = path;
	if (!rc && !dns_zone_source(zone, path))
		rc = wn_fail(error, ENOMEM, WN_FAILED, "zone %s: out of memory", path);
	if (!rc)
		rc = read_file(&reader, zone, error);
	close_file(&reader);
	ldns_rdf_deep_free(reader.no_origin);
	ldns_buffer_free(reader.data);
	keep_heap(0);
	return rc;
}

#else

/* Never called: the loader says that it is missing. */
int dns_zone_load(struct dns_zone *zone, const char *path, const char *origin, struct wn_error *error)
{
	(void)zone;
	(void)origin;
	return wn_fail(error, ENOTSUP, WN_UNAVAILABLE, "zone %s: this build has no ldns", path);
}

#endif
