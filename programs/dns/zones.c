/* SPDX-License-Identifier: Apache-2.0 */
#include "zones.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"

static const struct wn_load_option options[] = {
	{"zone", "[NAME=]FILE", "a zone file (RFC 1035); NAME is its origin, where no $ORIGIN says it"},
	{NULL, NULL, NULL},
};

/* Splits "[NAME=]FILE". A name has no '/', so ./odd=name is a file. */
static const char *split(const char *value, char *origin, size_t bytes)
{
	const size_t length = strcspn(value, "=/");

	origin[0] = '\0';
	if (value[length] != '=' || length + 2 > bytes)
		return value;
	memcpy(origin, value, length);
	snprintf(origin + length, bytes - length, "%s", length && value[length - 1] == '.' ? "" : ".");
	return value + length + 1;
}

static int load_zone(struct dns_zone *zone, const char *value, struct wn_error *error)
{
	char origin[1024];
	const char *path = split(value, origin, sizeof(origin));
	int rc = dns_zone_load(zone, path, origin[0] ? origin : NULL, error);

	return rc ? rc : dns_zone_index(zone, error);
}

static void describe(struct wn_blob *blob, const struct dns_zone *zones, uint32_t count, int64_t began_ns)
{
	size_t names = 0, records = 0;

	for (uint32_t i = 0; i < count; i++) {
		names += zones[i].name_count;
		records += zones[i].record_count;
	}
	snprintf(blob->note, sizeof(blob->note),
		 "%u zone%s, %zu names, %zu records: %.1f MiB, %.0f bytes a name, loaded in %.2f s", count,
		 count == 1 ? "" : "s", names, records, (double)blob->size / (1 << 20),
		 (double)blob->size / (double)names, (double)(wn_clock_ns() - began_ns) * 1e-9);
}

static int build(struct wn_blob *blob, const struct wn_load *loads, uint32_t count, struct wn_error *error)
{
	const int64_t began_ns = wn_clock_ns();
	struct dns_zone *zones;
	int rc = 0;

	if (!count)
		return wn_fail(error, EINVAL, WN_USAGE,
			       "no zone named; for example --zone example.org.zone, or --zone example.org=FILE");
	zones = calloc(count, sizeof(*zones));
	if (!zones)
		return wn_fail(error, ENOMEM, WN_FAILED, "out of memory");
	for (uint32_t i = 0; !rc && i < count; i++)
		rc = load_zone(&zones[i], loads[i].value, error);
	if (!rc)
		rc = dns_build(blob, zones, count, error);
	if (!rc)
		describe(blob, zones, count, began_ns);
	for (uint32_t i = 0; i < count; i++)
		dns_zone_finish(&zones[i]);
	free(zones);
	return rc;
}

const struct wn_loader wn_loader_zones = {
	.name = "zones",
	.options = options,
#if !WN_HAVE_LDNS
	.missing = "zone files are read by ldns, which this build lacks: install libldns-dev and build again "
		   "(meson setup --reconfigure build)",
#endif
	.build = build,
};
