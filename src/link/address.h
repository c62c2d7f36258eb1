/* SPDX-License-Identifier: Apache-2.0 */
/* Socket addresses as people write them: 192.0.2.1:53, [2001:db8::1]:53, localhost:53, :53. */
#ifndef WN_LINK_ADDRESS_H
#define WN_LINK_ADDRESS_H

#include <netinet/in.h>
#include <stddef.h>

#include "warpnic/status.h"

/* Either family; as large as the larger of the two. */
union wn_address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/*
 * Resolves HOST:PORT. An empty host or '*' is every local IPv4 address; [::] is every local address.
 * 0; -EINVAL with what is wrong (WN_USAGE); -EHOSTUNREACH where the host is not found (WN_FAILED).
 */
int wn_address_parse(union wn_address *address, const char *text, struct wn_error *error);

/* Writes the address as it is parsed. Returns text. */
const char *wn_address_format(const union wn_address *address, char *text, size_t bytes);

socklen_t wn_address_length(const union wn_address *address);
int wn_address_is_wildcard(const union wn_address *address);

#endif
