/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which frames of an interface an xdp link takes from the kernel. The answer is a program for the
 * kernel's BPF machine that looks at each frame as it arrives: it hands the frame to the socket of
 * the queue it came in by, or lets it pass to the kernel as if there were no link.
 *
 *   all             every frame
 *   filter          what matches tcpdump's filter words, and nothing else
 *   ip=             ARP requests and neighbour solicitations that ask for one of the link's
 *                   addresses, and all IPv4 and IPv6 packets to one of them
 *   ports=          UDP datagrams to one of the ports, whatever the address
 *   ip= and ports=  ARP requests, neighbour solicitations and ICMP echo requests for one of the
 *                   addresses, and UDP datagrams to one of them at one of the ports
 *
 * ARP replies and neighbour advertisements stay with the kernel, which may use the same address.
 * By ports, fragments behind the first and IPv6 packets with extension headers stay there too: the
 * program does not search them. By addresses and ports it looks behind up to two VLAN tags.
 *
 * A frame of a queue without a socket of the link goes to the kernel.
 */
#ifndef WN_LINK_XDP_STEER_H
#define WN_LINK_XDP_STEER_H

#include "link/bpf.h"
#include "link/filter.h"
#include "link/link.h"

enum { WN_XDP_PORTS_MAX = 16 };

struct wn_xdp_steer {
	int all;
	const struct wn_filter *filter;      /* NULL: none */
	const struct wn_identity *identity;  /* its addresses */
	uint16_t ports[WN_XDP_PORTS_MAX];
	uint32_t port_count;
};

/*
 * Writes the program. map_fd: the sockets, by queue; -1 (tests) drops what would be taken.
 * Errors come out of wn_bpf_load().
 */
void wn_xdp_steer_write(const struct wn_xdp_steer *steer, int map_fd, struct wn_bpf_code *code);

/* What is steered, for people: "udp port 53 of 10.0.0.2 ...". */
void wn_xdp_steer_describe(const struct wn_xdp_steer *steer, const char *filter, char *text,
			   size_t bytes);

#endif
