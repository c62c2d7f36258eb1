/* SPDX-License-Identifier: Apache-2.0 */
#include "link/address.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int malformed(const char *text, const char *why, struct wn_error *error)
{
	return wn_fail(error, EINVAL, WN_USAGE,
		       "address '%s': %s; write HOST:PORT, for example 127.0.0.1:9000 or [::1]:9000", text,
		       why);
}

/*
 * Splits at the colon before the port; IPv6 hosts stand in brackets, so that it is the last one.
 * NULL, or what is wrong.
 */
static const char *split(const char *text, char *host, size_t bytes, const char **port)
{
	const char *colon = strrchr(text, ':');
	size_t length;

	if (!colon)
		return "no port";
	length = (size_t)(colon - text);
	if (text[0] == '[') {
		if (length < 3 || text[length - 1] != ']')
			return "brackets hold an IPv6 host, and only :PORT follows them";
		text++;
		length -= 2;
	} else if (memchr(text, ':', length)) {
		return "an IPv6 host needs brackets";
	}
	if (length >= bytes)
		return "the host's name is too long";
	memcpy(host, text, length);
	host[length] = '\0';
	*port = colon + 1;
	return NULL;
}

static int is_port(const char *text)
{
	char *end;
	unsigned long port;

	if (!isdigit((unsigned char)text[0]))
		return 0;
	port = strtoul(text, &end, 10);
	return !*end && port <= 65535;
}

int wn_address_parse(union wn_address *address, const char *text, struct wn_error *error)
{
	struct addrinfo hints = {.ai_socktype = SOCK_DGRAM, .ai_flags = AI_NUMERICSERV};
	struct addrinfo *found = NULL;
	char host[256];
	const char *port = "", *wrong = split(text, host, sizeof(host), &port);
	int rc;

	if (wrong)
		return malformed(text, wrong, error);
	if (!is_port(port))
		return malformed(text, "the port is not a number from 0 to 65535", error);
	if (!host[0] || !strcmp(host, "*"))
		snprintf(host, sizeof(host), "0.0.0.0");
	rc = getaddrinfo(host, port, &hints, &found);
	if (rc)
		return wn_fail(error, EHOSTUNREACH, WN_FAILED, "address '%s': host '%s': %s", text, host,
			       gai_strerror(rc));
	memset(address, 0, sizeof(*address));
	if (found->ai_addrlen <= sizeof(*address))
		memcpy(address, found->ai_addr, found->ai_addrlen);
	freeaddrinfo(found);
	return 0;
}

const char *wn_address_format(const union wn_address *address, char *text, size_t bytes)
{
	char host[INET6_ADDRSTRLEN] = "?";

	if (address->any.sa_family == AF_INET6) {
		inet_ntop(AF_INET6, &address->v6.sin6_addr, host, sizeof(host));
		snprintf(text, bytes, "[%s]:%u", host, ntohs(address->v6.sin6_port));
	} else {
		inet_ntop(AF_INET, &address->v4.sin_addr, host, sizeof(host));
		snprintf(text, bytes, "%s:%u", host, ntohs(address->v4.sin_port));
	}
	return text;
}

socklen_t wn_address_length(const union wn_address *address)
{
	return address->any.sa_family == AF_INET6 ? sizeof(address->v6) : sizeof(address->v4);
}

int wn_address_is_wildcard(const union wn_address *address)
{
	if (address->any.sa_family == AF_INET6)
		return IN6_IS_ADDR_UNSPECIFIED(&address->v6.sin6_addr);
	return address->v4.sin_addr.s_addr == htonl(INADDR_ANY);
}
