/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state of a udp link: udp.c opens it, udp_receive.c and udp_send.c move packets.
 *
 * The system (os/os.h) writes payloads straight into the slots and addresses straight into `peers`, which
 * is private: a reply goes where that says, and no device can write there.
 */
#ifndef WN_LINK_UDP_H
#define WN_LINK_UDP_H

#include <sys/socket.h>

#include "link/address.h"
#include "link/link.h"
#include "os/os.h"

enum {
	WN_UDP_BURST = 64,
	WN_UDP_CONTROL_BYTES = 128      /* timestamp, packet info and segment size together */
};

/* Who sent the packet in a slot, and which of our addresses it was sent to. */
struct wn_udp_peer {
	union wn_address address;
	union {
		struct in_addr v4;
		struct in6_addr v6;
	} local;                        /* where has_local */
	uint8_t has_local;
};

struct wn_udp_queue {
	int fd;
	int64_t waits;                  /* of os/os.h: what the socket was told */
	struct wn_udp_peer *peers;      /* one a slot */
	/* The receive pump's. */
	uint32_t burst;                 /* messages to prepare for the next call */
	int64_t offset_ns;              /* CLOCK_MONOTONIC less CLOCK_REALTIME, as last looked at */
	int64_t offset_until_ns;        /* CLOCK_REALTIME at which to look again */
	struct wn_os_message receive[WN_UDP_BURST];
	struct iovec receive_vectors[WN_UDP_BURST];
	char receive_control[WN_UDP_BURST][WN_UDP_CONTROL_BYTES] __attribute__((aligned(16)));
	/* Under the queue's send lock. */
	struct wn_os_message send[WN_UDP_BURST] __attribute__((aligned(128)));
	struct iovec send_vectors[WN_UDP_BURST];
	char send_control[WN_UDP_BURST][WN_UDP_CONTROL_BYTES] __attribute__((aligned(16)));
};

struct wn_udp {
	union wn_address bound;
	union wn_address peer;          /* where forwarded datagrams go */
	uint8_t has_peer;
	uint8_t has_gro;
	uint8_t has_timestamps;
	uint8_t has_local;              /* bound to every address: replies must name theirs */
	struct wn_udp_queue *queues;
};

int wn_udp_receive(struct wn_link *link, uint32_t queue, struct wn_receive_batch *batch);
int wn_udp_discard(struct wn_link *link, uint32_t queue, uint64_t *bytes);
int wn_udp_send(struct wn_link *link, uint32_t queue, struct wn_send_item *items, uint32_t count);

#endif
