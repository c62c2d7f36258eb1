/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Routes from a text file. One thing a line, '#' begins a comment:
 *
 *     interface LINK mac MAC [mtu BYTES] [ip ADDRESS/LENGTH]...
 *     neighbour ADDRESS link LINK mac MAC
 *     route PREFIX/LENGTH link LINK mac MAC
 *     route PREFIX/LENGTH link LINK via ADDRESS       a neighbour's
 *     route PREFIX/LENGTH unreachable|prohibit|blackhole
 */
#include "routes.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS_MAX = 64, MTU_PRESET = 1500, MTU_MIN = 68 };

struct line {
	char *words[WORDS_MAX];
	uint32_t count, number;
	const char *path;
	struct wn_error *error;
};

static int bad(const struct line *line, const char *what, const char *word)
{
	return wn_fail(line->error, EINVAL, WN_FAILED, "%s:%u: %s%s%s%s", line->path, line->number, what,
		       word ? " '" : "", word ? word : "", word ? "'" : "");
}

static void split(struct line *line, char *text)
{
	char *rest = NULL;

	text[strcspn(text, "#\n")] = '\0';
	line->count = 0;
	for (char *word = strtok_r(text, " \t\r", &rest); word && line->count < WORDS_MAX;
	     word = strtok_r(NULL, " \t\r", &rest))
		line->words[line->count++] = word;
}

static int read_number(const char *text, uint32_t most, uint32_t *number)
{
	char *end;
	unsigned long value;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || *end || text[0] < '0' || text[0] > '9' || value > most)
		return -EINVAL;
	*number = (uint32_t)value;
	return 0;
}

static int read_mac(const char *text, uint8_t *mac)
{
	unsigned int bytes[6];
	int used = 0;

	if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%n", &bytes[0], &bytes[1], &bytes[2], &bytes[3], &bytes[4],
		   &bytes[5], &used) != 6 || text[used] || bytes[0] & 1)
		return -EINVAL;
	for (int i = 0; i < 6; i++)
		mac[i] = (uint8_t)bytes[i];
	return 0;
}

/* "ADDRESS[/LENGTH]"; the length is the whole address where there is none. */
static int read_address(char *text, uint32_t *family, uint8_t *address, uint32_t *length)
{
	char *slash = strchr(text, '/');
	uint32_t most;
	int rc;

	*family = strchr(text, ':') ? 6 : 4;
	most = 8 * wn_route_address_bytes(*family);
	*length = most;
	if (slash && read_number(slash + 1, most, length))
		return -EINVAL;
	if (slash)
		*slash = '\0';
	rc = inet_pton(*family == 4 ? AF_INET : AF_INET6, text, address) == 1 ? 0 : -EINVAL;
	if (slash)
		*slash = '/';
	return rc;
}

static int read_link(const struct line *line, const struct wn_routes *routes, const char *text,
		     uint32_t *link)
{
	if (read_number(text, WN_ROUTE_INTERFACES_MAX - 1, link) || *link >= routes->interface_count)
		return bad(line, "no interface line before this one names link", text);
	return 0;
}

static int read_interface(struct wn_routes *routes, const struct line *line)
{
	struct wn_route_interface *interface = &routes->interfaces[routes->interface_count];
	uint8_t address[16];
	uint32_t number, family, length;

	if (line->count < 4 || line->count % 2 || read_number(line->words[1], 15, &number) ||
	    number != routes->interface_count)
		return bad(line, "expected 'interface LINK mac MAC [mtu N] [ip ADDRESS/LENGTH]...', links in turn "
				 "from 0 to 15", NULL);
	interface->mtu = MTU_PRESET;
	routes->interface_count++;
	for (uint32_t i = 2; i < line->count; i += 2) {
		char *value = line->words[i + 1];

		if (!strcmp(line->words[i], "mac")) {
			if (read_mac(value, interface->mac))
				return bad(line, "no MAC address of an interface:", value);
			interface->has_mac = 1;
		} else if (!strcmp(line->words[i], "mtu")) {
			if (read_number(value, 65535, &interface->mtu) || interface->mtu < MTU_MIN)
				return bad(line, "no number of bytes from 68 to 65535:", value);
		} else if (!strcmp(line->words[i], "ip")) {
			memset(address, 0, sizeof(address));
			if (read_address(value, &family, address, &length))
				return bad(line, "no ADDRESS/LENGTH:", value);
			if (wn_routes_add_address(routes, number, family, address, length))
				return wn_fail(line->error, ENOMEM, WN_FAILED, "routes: out of memory");
		} else {
			return bad(line, "expected mac, mtu or ip, not", line->words[i]);
		}
	}
	return interface->has_mac ? 0 : bad(line, "an interface needs its MAC: mac 02:00:00:00:00:01", NULL);
}

static int kind_of(const char *word)
{
	if (!strcmp(word, "unreachable"))
		return WN_ROUTE_NO_HOST;
	if (!strcmp(word, "prohibit"))
		return WN_ROUTE_PROHIBITED;
	return strcmp(word, "blackhole") ? -1 : WN_ROUTE_BLACKHOLE;
}

/* "link LINK mac MAC" or, for routes, "link LINK via ADDRESS", from word 2 on. */
static int read_hop(struct wn_routes *routes, const struct line *line, struct wn_route_entry *entry)
{
	uint32_t length;
	int rc;

	if (line->count != 6 || strcmp(line->words[2], "link"))
		return bad(line, "expected 'link LINK mac MAC', or 'link LINK via ADDRESS' of a neighbour", NULL);
	rc = read_link(line, routes, line->words[3], &entry->link);
	if (rc)
		return rc;
	if (!strcmp(line->words[4], "mac"))
		return read_mac(line->words[5], entry->mac) ? bad(line, "no MAC address of a neighbour:",
								  line->words[5])
							    : 0;
	entry->has_gateway = 1;
	if (strcmp(line->words[4], "via") || entry->rank == WN_ROUTE_RANK_NEIGHBOUR ||
	    read_address(line->words[5], &entry->gateway_family, entry->gateway, &length))
		return bad(line, "expected mac MAC, or via ADDRESS, not", line->words[5]);
	return 0;
}

static int read_entry(struct wn_routes *routes, const struct line *line, uint32_t rank)
{
	struct wn_route_entry entry = {.kind = WN_ROUTE_FORWARD, .rank = rank, .line = line->number};
	uint8_t whole[16];
	int rc = 0;

	if (line->count < 3 || read_address(line->words[1], &entry.family, entry.prefix, &entry.length))
		return bad(line, "no address or prefix:", line->count > 1 ? line->words[1] : "");
	memcpy(whole, entry.prefix, sizeof(whole));
	wn_route_cut(entry.prefix, entry.family, entry.length);
	if (memcmp(whole, entry.prefix, sizeof(whole)))
		return bad(line, "bits behind the prefix are not zero:", line->words[1]);
	if (rank == WN_ROUTE_RANK_ROUTE && line->count == 3) {
		const int kind = kind_of(line->words[2]);

		if (kind < 0)
			return bad(line, "expected unreachable, prohibit, blackhole or link, not", line->words[2]);
		entry.kind = (uint32_t)kind;
	} else {
		rc = read_hop(routes, line, &entry);
	}
	if (!rc && wn_routes_add(routes, &entry))
		rc = wn_fail(line->error, ENOMEM, WN_FAILED, "routes: out of memory");
	return rc;
}

static int read_line(struct wn_routes *routes, const struct line *line)
{
	if (!line->count)
		return 0;
	if (!strcmp(line->words[0], "interface"))
		return read_interface(routes, line);
	if (!strcmp(line->words[0], "route"))
		return read_entry(routes, line, WN_ROUTE_RANK_ROUTE);
	if (!strcmp(line->words[0], "neighbour"))
		return read_entry(routes, line, WN_ROUTE_RANK_NEIGHBOUR);
	return bad(line, "expected interface, neighbour or route, not", line->words[0]);
}

int wn_routes_read(struct wn_routes *routes, const char *path, struct wn_error *error)
{
	struct line line = {.path = path, .error = error};
	FILE *file = fopen(path, "re");
	char *text = NULL;
	size_t room = 0;
	int rc = 0;

	if (!file)
		return wn_fail(error, errno, WN_NO_INPUT, "routes '%s': %s", path, strerror(errno));
	while (!rc && getline(&text, &room, file) >= 0) {
		line.number++;
		split(&line, text);
		rc = read_line(routes, &line);
	}
	if (!rc && ferror(file))
		rc = wn_fail(error, EIO, WN_NO_INPUT, "routes '%s': %s", path, strerror(errno));
	free(text);
	fclose(file);
	return rc;
}
