/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host half of the route program: what is gathered from a file or from the kernel before it is
 * laid out for the device (layout.h).
 */
#ifndef WN_ROUTE_ROUTES_H
#define WN_ROUTE_ROUTES_H

#include <stddef.h>
#include <stdint.h>

#include "layout.h"
#include "warpnic/status.h"

/* Interface k is that of link k. */
struct wn_route_interface {
	char name[32];
	uint32_t index;         /* the kernel's number; 0: from a file */
	uint8_t mac[6];
	uint32_t has_mac;
	uint32_t mtu;           /* bytes of an IP packet */
	uint8_t ipv4[4], ipv6[16];
	uint32_t has_ipv4, has_ipv6; /* what ICMP errors come from: the first address that was given */
};

/* Where several entries name one prefix, the lowest of these counts, then the lowest metric. */
enum wn_route_rank {
	WN_ROUTE_RANK_LOCAL,
	WN_ROUTE_RANK_ROUTE,
	WN_ROUTE_RANK_NEIGHBOUR
};

struct wn_route_entry {
	uint32_t family;        /* 4 or 6 */
	uint8_t prefix[16];     /* network order; zero behind its length */
	uint32_t length;        /* bits */
	uint32_t kind;          /* enum of layout.h */
	uint32_t rank, metric;
	uint32_t link;
	uint32_t has_gateway;   /* the MAC is that of this neighbour on the link */
	uint8_t gateway[16];
	uint32_t gateway_family;
	uint8_t mac[6];         /* else it is here */
	uint32_t line;          /* of the file, for messages; else 0 */
};

struct wn_routes {
	struct wn_route_interface interfaces[WN_ROUTE_INTERFACES_MAX];
	uint32_t interface_count;
	struct wn_route_entry *list;
	size_t count, room;
	uint32_t unresolved;    /* gateways without a neighbour, counted by the layout */
};

/* Adds a copy. 0 or -ENOMEM. */
int wn_routes_add(struct wn_routes *routes, const struct wn_route_entry *entry);

/*
 * The address of an interface: itself, which is local, and the subnet it is in, where hosts that have
 * no neighbour entry are unreachable. 0 or -ENOMEM.
 */
int wn_routes_add_address(struct wn_routes *routes, uint32_t link, uint32_t family,
			  const uint8_t *address, uint32_t length);

/* Bytes of an address of that family. */
static inline uint32_t wn_route_address_bytes(uint32_t family)
{
	return family == 4 ? 4 : 16;
}

/* Clears the bits behind `length`. */
void wn_route_cut(uint8_t *prefix, uint32_t family, uint32_t length);

/* routes_text.c: reads a file (route(5) of the manual). 0 or -errno, WN_FAILED with file and line. */
int wn_routes_read(struct wn_routes *routes, const char *path, struct wn_error *error);

/*
 * routes_kernel.c: asks the kernel for links, addresses, routes and neighbours. `names` is a list of
 * interfaces in the order of the links, "eth0,eth1".
 */
int wn_routes_ask(struct wn_routes *routes, const char *names, struct wn_error *error);

#endif
