/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Links, as a program that embeds warpnic sees them: a text to open, and the hooks of the memory
 * link, which lets the program itself be the network.
 *
 *     memory:[count=N,bytes=N,...]       packets made up here, or by hooks
 *     udp:HOST:PORT[,queues=N,gro=...]   a UDP socket
 *     uring:udp:HOST:PORT[,queues=N]     a UDP socket, driven by the device through io_uring
 *     uring:tcp:HOST:PORT[,queues=N]     connections of a TCP socket, driven by the device through io_uring
 *     packet:IFACE[,queues=N]            frames of an interface (AF_PACKET)
 *     xdp:IFACE,ip=...|ports=...         frames of an interface that are steered past the kernel (AF_XDP)
 *     pcap:IN[,write=OUT]                a capture file
 *
 * `warpnic links` lists them with all their options.
 */
#ifndef WARPNIC_LINK_H
#define WARPNIC_LINK_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A packet that hooks hand in or get back. */
struct wn_memory_packet {
	uint32_t length;       /* bytes in the buffer */
	uint32_t wire_length;  /* bytes it had on the wire; 0: the same */
	uint32_t segment_bytes;/* a train of datagrams of this size; 0: one packet */
	uint64_t arrival_ns;   /* CLOCK_MONOTONIC; 0: now */
	uint64_t tag;          /* handed in: yours; handed back with the reply to that packet */
};

/*
 * The far side of a memory link. Both functions are optional and may be NULL.
 */
struct wn_memory_hooks {
	void *context;

	/*
	 * Writes one packet of at most `capacity` bytes. Returns 1, 0 when there is none just now,
	 * or -1 at the end. Called by the receive pump of `queue`.
	 */
	int (*next)(void *context, uint32_t queue, uint8_t *bytes, uint32_t capacity,
		    struct wn_memory_packet *packet);

	/*
	 * Takes a reply (is_reply 1, tag of the packet it answers) or a packet forwarded from another
	 * link (is_reply 0). The bytes are valid during the call. Returns 0, or an errno with which the
	 * packet counts as send failed; EAGAIN asks for a later try. Called by one transmit pump at a
	 * time for a queue.
	 */
	int (*take)(void *context, uint32_t queue, const uint8_t *bytes,
		    const struct wn_memory_packet *packet, int is_reply);
};

#ifdef __cplusplus
}
#endif

#endif
