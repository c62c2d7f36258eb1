/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state of a uring link: sockets whose packets the device takes from, and answers through, an io_uring
 * each (lane/port_uring.h). uring.c opens it, uring_ring.c makes the system calls, uring_drive.c hands it over,
 * uring_settle.c takes it back, uring_file.c opens and ends the file that the device may write.
 *
 * The host has no way of its own to receive or send here: only a device can drive it.
 */
#ifndef WN_LINK_URING_H
#define WN_LINK_URING_H

#include "link/address.h"
#include "link/link.h"
#include "link/uring_file.h"
#include "link/uring_ring.h"

struct wn_uring_queue {
	int fd;                         /* the socket */
	struct wn_uring_ring ring;
	struct wn_uring_file file;      /* that the device writes; fd -1: none */
	uint32_t is_closing;            /* nothing more is to arrive (drive thread) */
};

struct wn_uring {
	union wn_address bound;
	union wn_address peer;          /* where forwarded datagrams go */
	uint8_t has_peer;
	uint8_t has_local;              /* bound to every address: replies must name theirs */
	struct wn_uring_queue *queues;
};

/* uring_drive.c, for uring_settle.c. No device runs. */

/* All of a view that is the link's. */
void wn_uring_view(const struct wn_uring *uring, const struct wn_uring_queue *own, struct wn_drive_view *view);

/* Gives frames in `state` to the kernel, to receive into, but those that `but` (NULL: none) marks. Returns how many. */
uint32_t wn_uring_give_all(const struct wn_drive_view *view, uint8_t state, const uint8_t *but);

/* Puts a receive of a new generation on the sq. */
void wn_uring_arm(const struct wn_drive_view *view);

/* Device-driven; see link.h. */
int wn_uring_drive(struct wn_link *link, uint32_t queue, struct wn_drive *drive, struct wn_error *error);
int wn_uring_wake(struct wn_link *link, uint32_t queue);
int wn_uring_wait(struct wn_link *link, uint32_t queue, int64_t wait_ns);
int wn_uring_quiesce(struct wn_link *link, uint32_t queue);
uint32_t wn_uring_sending(struct wn_link *link, uint32_t queue);
void wn_uring_settle(struct wn_link *link, uint32_t queue, struct wn_drive_cursors *cursors);
int wn_uring_deliver_to(struct wn_link *link, const char *text, struct wn_error *error);
void wn_uring_finish(struct wn_link *link, uint32_t queue);
void wn_uring_file_counts(struct wn_link *link, uint32_t queue, struct wn_file_counts *counts);
void wn_uring_census(struct wn_link *link, uint32_t queue, struct wn_census *census);

#endif
