/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the two halves of the packet link share: packet_open.c opens it, packet.c moves frames.
 *
 * Each queue has two sockets. One receives into a mapped ring, from which each frame is copied
 * once, into its slot. The other sends with sendmmsg; it is bound without a protocol and receives
 * nothing.
 *
 * There is no mapped transmit ring: the kernel marks its frames as free when the skb is orphaned,
 * which loopback and several drivers do on transmission, while the receiver still has the pages.
 * The next frame written there then arrives in place of the last one.
 */
#ifndef WN_LINK_PACKET_H
#define WN_LINK_PACKET_H

#include <pthread.h>

#include "link/filter.h"
#include "link/link.h"
#include "link/packet_ring.h"

enum {
	WN_PACKET_QUEUES_MAX = 64,
	WN_PACKET_BURST = 64,
	WN_PACKET_FRAME_BYTES_MAX = 65535,
	WN_PACKET_TAG_BYTES = 4,           /* of VLAN */
};

enum wn_packet_direction { WN_PACKET_IN, WN_PACKET_BOTH };

struct wn_packet_queue {
	int fd;                            /* receives */
	int send_fd;
	struct wn_packet_ring ring;
	int is_down;                       /* the interface was, when we last heard of it */
	pthread_mutex_t statistics_lock;
	uint64_t dropped;                  /* under that lock: reading resets the kernel's */
};

struct wn_packet_state {
	struct wn_packet_queue *queues;
	uint32_t queue_count;              /* of those opened, for close */
	int interface_index;
	uint32_t mtu;
	enum wn_packet_direction direction;
	uint32_t frame_bytes_max;          /* of a frame that is received whole */
	uint32_t fanout_id;
	struct wn_filter filter;
};

/* The open and close of the link's table; see link.h. */
int wn_packet_open(struct wn_link *link, struct wn_error *error);
void wn_packet_close(struct wn_link *link);

#endif
