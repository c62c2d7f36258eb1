/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tool/match.h"

const struct wn_match_program wn_match_programs[] = {
	{.name = "drop", .shape = WN_MATCH_DATAGRAMS, .packets = 5000},
	{.name = "count", .shape = WN_MATCH_DATAGRAMS, .packets = 20000},
	{.name = "count", .shape = WN_MATCH_FRAMES, .packets = 20000},
	{.name = "echo", .shape = WN_MATCH_DATAGRAMS, .packets = 20000},
	{.name = "echo", .shape = WN_MATCH_STACKED, .packets = 20000},
	{.is_thorough = 1, .name = "echo", .shape = WN_MATCH_TRAINS, .packets = 1500},
	{.name = "count", .shape = WN_MATCH_TRAINS, .packets = 1500},
	{.name = "transform", .shape = WN_MATCH_DATAGRAMS, .packets = 20000},
	{.is_thorough = 1, .name = "transform", .shape = WN_MATCH_STACKED, .packets = 20000},
	{.name = "transform", .shape = WN_MATCH_TRAINS, .packets = 1000},
	{.name = "sum", .shape = WN_MATCH_FRAMES, .packets = 10000},
	{.name = "work", .shape = WN_MATCH_DATAGRAMS, .packets = 2000},
	{.name = "forward", .shape = WN_MATCH_FRAMES, .packets = 10000},
	{.name = "capture", .shape = WN_MATCH_FRAMES, .packets = 10000},
	{.name = "l2fwd", .shape = WN_MATCH_FRAMES, .packets = 20000},
	{.name = "filter", .shape = WN_MATCH_FRAMES, .packets = 20000,
	 .load = "expression=udp port 53 or ip6 or greater 700"},
	{.name = "route", .shape = WN_MATCH_FRAMES, .packets = 20000, .load = "routes=%s/interfaces",
	 .parameter = "icmp_rate=0"},
	{.name = "dns", .shape = WN_MATCH_DATAGRAMS, .packets = 20000, .load = "zone=%s/zone",
	 .parameter = "rate_limit=0", .is_dns = 1},
	{.name = "dns", .shape = WN_MATCH_STACKED, .packets = 10000, .load = "zone=%s/zone",
	 .parameter = "rate_limit=0", .is_dns = 1},
	{.name = NULL},
};

static const struct {
	const char *name, *text;
} files[] = {
	{"interfaces", "interface 0 mac 02:00:00:00:00:09 ip 10.0.0.9/24\n"
		       "route 10.0.0.0/8 link 0 mac 02:00:00:00:01:01\n"
		       "route fd00::/16 link 0 mac 02:00:00:00:01:02\n"},
	{"zone", "$ORIGIN example.org.\n$TTL 60\n@ SOA ns host 1 2 3 4 5\n@ NS ns\n@ MX 10 mail\n"
		 "ns A 192.0.2.1\nns AAAA 2001:db8::1\nwww A 192.0.2.2\nwww A 192.0.2.3\n"
		 "mail A 192.0.2.9\nalias CNAME www\n*.wild TXT \"x\"\nsub NS ns.sub\n"
		 "ns.sub A 192.0.2.7\n"},
};

enum { FILE_COUNT = sizeof(files) / sizeof(files[0]) };

static int write_text(const char *folder, const char *name, const char *text)
{
	char path[256];
	FILE *file;
	int rc;

	snprintf(path, sizeof(path), "%.200s/%s", folder, name);
	file = fopen(path, "we");
	if (!file)
		return -errno;
	rc = fputs(text, file) < 0 ? -errno : 0;
	return fclose(file) && !rc ? -errno : rc;
}

int wn_match_files_create(char *folder, size_t bytes)
{
	const char *temporary = getenv("TMPDIR");
	int rc = 0;

	snprintf(folder, bytes, "%s/wn-match-XXXXXX", temporary && *temporary ? temporary : "/tmp");
	if (!mkdtemp(folder))
		return -errno;
	for (int i = 0; !rc && i < FILE_COUNT; i++)
		rc = write_text(folder, files[i].name, files[i].text);
	if (rc)
		wn_match_files_remove(folder);
	return rc;
}

void wn_match_files_remove(const char *folder)
{
	char path[256];

	for (int i = 0; i < FILE_COUNT; i++) {
		snprintf(path, sizeof(path), "%.200s/%s", folder, files[i].name);
		unlink(path);
	}
	rmdir(folder);
}
