/* SPDX-License-Identifier: Apache-2.0 */
#include "zones.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#if WN_HAVE_LDNS

#include <ldns/ldns.h>

/*
 * Stand-ins, by which one sees what a file leaves out: an origin under a name that nobody has (RFC
 * 6761, section 6.4), and a TTL that nobody writes.
 */
#define NO_ORIGIN "no-origin.warpnic.invalid."
enum { NO_TTL = 0x7f0ddc0d, RDATA_BYTES_MAX = 65535 };

struct reader {
	FILE *file;
	const char *path;
	int line;                /* newlines that were read */
	int lacks_newline;       /* the file does not end with one */
	uint32_t ttl;            /* of $TTL, else NO_TTL */
	uint32_t last_ttl;       /* the last one that a record named */
	ldns_rdf *origin, *previous, *no_origin;
	ldns_buffer *data;
};

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

/* One line, or as many as one record takes. */
static int read_entry(struct reader *reader, struct dns_zone *zone, struct wn_error *error)
{
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
	case LDNS_STATUS_SYNTAX_EMPTY:
	case LDNS_STATUS_SYNTAX_ORIGIN:
		break;
	case LDNS_STATUS_SYNTAX_INCLUDE:
	case LDNS_STATUS_SYNTAX_INCLUDE_ERR_NOTIMPL:
		rc = refuse(reader, error, "$INCLUDE is not read: put the files together");
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

static int open_reader(struct reader *reader, const char *path, const char *origin, struct wn_error *error)
{
	*reader = (struct reader){.path = path,  .ttl = NO_TTL, .last_ttl = NO_TTL};
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

static void close_reader(struct reader *reader)
{
	if (reader->file)
		fclose(reader->file);
	ldns_rdf_deep_free(reader->origin);
	ldns_rdf_deep_free(reader->previous);
	ldns_rdf_deep_free(reader->no_origin);
	ldns_buffer_free(reader->data);
}

int dns_zone_load(struct dns_zone *zone, const char *path, const char *origin, struct wn_error *error)
{
	struct reader reader;
	int rc = open_reader(&reader, path, origin, error);

	zone->path = path;
	while (!rc && !feof(reader.file) && !ferror(reader.file))
		rc = read_entry(&reader, zone, error);
	if (!rc && ferror(reader.file))
		rc = wn_fail(error, EIO, WN_NO_INPUT, "zone %s: cannot be read", path);
	close_reader(&reader);
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
