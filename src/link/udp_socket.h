/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sockets of links that receive datagrams, one a queue, spread by SO_REUSEPORT. The link has the
 * options queues, reuseport, rcvbuf and sndbuf.
 */
#ifndef WN_LINK_UDP_SOCKET_H
#define WN_LINK_UDP_SOCKET_H

#include "link/address.h"
#include "link/link.h"

/* setsockopt(2) of an int. 0 or -errno. */
int wn_udp_socket_set(int fd, int level, int name, int value);

/*
 * Our queues share the port by SO_REUSEPORT, and so could somebody else's. Unless that is wanted,
 * a socket without it must be able to have the port first. 0 or -errno with the reason.
 */
int wn_udp_socket_check(const struct wn_link *link, const union wn_address *bound, struct wn_error *error);

/* A socket with its buffers, not bound yet. Returns it, or -errno with the reason. */
int wn_udp_socket_open(const struct wn_link *link, const union wn_address *bound, struct wn_error *error);

/* Binds it, and fills in the port where none was given. 0 or -errno with the reason and what would help. */
int wn_udp_socket_bind(const struct wn_link *link, int fd, union wn_address *bound, struct wn_error *error);

/* Asks for the address each packet was sent to (IP_PKTINFO, IPV6_RECVPKTINFO). 0 or -errno. */
int wn_udp_socket_ask_local(int fd, const union wn_address *bound);

#endif
