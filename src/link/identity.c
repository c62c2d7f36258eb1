/* SPDX-License-Identifier: Apache-2.0 */
#include "link/identity.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int bad_address(const struct wn_link *link, const char *text, const char *why,
		       struct wn_error *error)
{
	return wn_fail(error, EINVAL, WN_USAGE,
		       "link '%s': ip=%s: %s; write ip=10.0.0.2/24 or ip=fd00::2/64", link->spec, text, why);
}

/* Cuts the prefix length off. 0, or -EINVAL where it is not one. */
static int cut_prefix(char *address, int family_bits)
{
	char *slash = strchr(address, '/'), *end;
	long bits;

	if (!slash)
		return 0;
	*slash = '\0';
	bits = strtol(slash + 1, &end, 10);
	return slash[1] && !*end && bits >= 0 && bits <= family_bits ? 0 : -EINVAL;
}

static int add_address(struct wn_link *link, const char *text, struct wn_error *error)
{
	struct wn_identity *identity = &link->identity;
	char address[INET6_ADDRSTRLEN + 8];
	const int is_v6 = strchr(text, ':') != NULL;
	uint32_t *count = is_v6 ? &identity->ipv6_count : &identity->ipv4_count;
	void *to;

	if (strlen(text) >= sizeof(address))
		return bad_address(link, text, "too long", error);
	snprintf(address, sizeof(address), "%s", text);
	if (*count == WN_ADDRESSES_MAX)
		return bad_address(link, text, "more than 8 of one family", error);
	to = is_v6 ? identity->ipv6[*count] : identity->ipv4[*count];
	if (cut_prefix(address, is_v6 ? 128 : 32))
		return bad_address(link, text, "the prefix length is not one", error);
	if (inet_pton(is_v6 ? AF_INET6 : AF_INET, address, to) != 1)
		return bad_address(link, text, "not an address", error);
	++*count;
	return 0;
}

static int parse_mac(struct wn_link *link, const char *text, struct wn_error *error)
{
	unsigned int parts[6];
	char rest;

	if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%c", &parts[0], &parts[1], &parts[2], &parts[3],
		   &parts[4], &parts[5], &rest) != 6 ||
	    (parts[0] & 1))
		return wn_fail(error, EINVAL, WN_USAGE,
			       "link '%s': mac=%s: not the address of one station; write "
			       "mac=02:00:00:00:00:01", link->spec, text);
	for (int i = 0; i < 6; i++)
		link->identity.mac[i] = (uint8_t)parts[i];
	return 0;
}

int wn_identity_parse(struct wn_link *link, const uint8_t *mac, struct wn_error *error)
{
	static const uint8_t preset[6] = {0x02, 0, 0, 0, 0, 0x01};
	const struct wn_options *options = &link->options;

	memset(&link->identity, 0, sizeof(link->identity));
	memcpy(link->identity.mac, mac ? mac : preset, sizeof(preset));
	if (wn_options_given(options, "mac") &&
	    parse_mac(link, wn_options_text(options, "mac"), error))
		return -EINVAL;
	for (uint32_t i = 0; i < options->repeated_count; i++)
		if (!strcmp(options->repeated[i].option->name, "ip") &&
		    add_address(link, options->repeated[i].text, error))
			return -EINVAL;
	return 0;
}
