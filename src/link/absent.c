/* SPDX-License-Identifier: Apache-2.0 */
/* Kinds of links that are Linux's own, where this is another system: named, listed, refused. */
#include "link/link.h"

#define ONLY_LINUX "only on Linux; here there are udp, pcap and memory links"

const struct wn_link_ops wn_link_packet = {
	.kind = "packet",
	.summary = "Ethernet frames of an interface (AF_PACKET)",
	.address = "INTERFACE",
	.missing = ONLY_LINUX,
};

const struct wn_link_ops wn_link_xdp = {
	.kind = "xdp",
	.summary = "Ethernet frames of an interface, steered past the kernel (AF_XDP)",
	.address = "INTERFACE",
	.missing = ONLY_LINUX,
};

const struct wn_link_ops wn_link_uring = {
	.kind = "uring",
	.summary = "datagrams of a UDP socket through an io_uring that the device drives",
	.address = "udp:HOST:PORT",
	.missing = ONLY_LINUX,
};

const struct wn_link_ops wn_link_tcp = {
	.kind = "uring:tcp",
	.summary = "connections of a TCP socket through an io_uring that the device drives",
	.address = "HOST:PORT",
	.missing = ONLY_LINUX,
};
