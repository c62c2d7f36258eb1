/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the two halves of the xdp link share: xdp_open.c opens it, xdp.c moves frames.
 *
 * One program on the interface steers frames into one AF_XDP socket a queue (xdp_steer.h); the
 * rest goes on to the kernel. Where the host drives, each frame is copied once, into its slot, and a reply
 * once, into a frame to send from. Where the device does, nothing is: xdp_drive.c.
 */
#ifndef WN_LINK_XDP_H
#define WN_LINK_XDP_H

#include "link/filter.h"
#include "link/interface.h"
#include "link/link.h"
#include "link/xdp_socket.h"
#include "link/xdp_steer.h"

enum {
	WN_XDP_QUEUES_MAX = 64,
	WN_XDP_BURST = 64,
	WN_XDP_TAG_BYTES = 4,       /* of VLAN */
	WN_XDP_WORDS_BYTES = 4096,  /* at the end of a socket's memory: struct wn_drive_words */
};

struct wn_xdp_queue {
	struct wn_xdp_socket socket;
	int is_down;                /* the interface was, when we last asked; receive pump */
	int send_is_down;           /* the same, of whoever sends */
	int64_t looked_ns;          /* when we last asked whether the interface is there */
	int64_t quiet_ns;           /* when its entry in the map was taken out; 0: it is there */
};

struct wn_xdp_state {
	struct wn_xdp_queue *queues;
	uint32_t queue_count;       /* of those opened, for close */
	uint32_t first_queue;       /* the interface's number of queues[0] */
	struct wn_interface interface;
	struct wn_filter filter;
	struct wn_xdp_steer steer;
	int map_fd;                 /* -1 each: none */
	int program_fd;
	int attachment_fd;
	int is_native;              /* attached in the driver, not behind it */
};

/* The open and close of the link's table; see link.h. */
int wn_xdp_open(struct wn_link *link, struct wn_error *error);
void wn_xdp_close(struct wn_link *link);

/* xdp_drive.c: device-driven; see link.h. */
int wn_xdp_drive(struct wn_link *link, uint32_t queue, struct wn_drive *drive, struct wn_error *error);
int wn_xdp_wake(struct wn_link *link, uint32_t queue);
int wn_xdp_wait(struct wn_link *link, uint32_t queue, int64_t wait_ns);
int wn_xdp_quiesce(struct wn_link *link, uint32_t queue);
uint32_t wn_xdp_sending(struct wn_link *link, uint32_t queue);
void wn_xdp_settle(struct wn_link *link, uint32_t queue, struct wn_drive_cursors *cursors);
void wn_xdp_census(struct wn_link *link, uint32_t queue, struct wn_census *census);

#endif
