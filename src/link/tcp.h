/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state of a uring:tcp link: sockets that listen, and an io_uring each, whose connections a device reads and answers
 * (lane/stream.h). tcp.c opens it, uring_ring.c makes the system calls, tcp_drive.c hands it over and takes it back.
 */
#ifndef WN_LINK_TCP_H
#define WN_LINK_TCP_H

#include "lane/stream.h"
#include "link/address.h"
#include "link/link.h"
#include "link/uring_ring.h"

struct wn_tcp_queue {
	int fd;                         /* the socket that listens */
	struct wn_uring_ring ring;
	int memory_fd;                  /* of all that is no ring: in one mapping */
	uint8_t *memory;
	size_t memory_bytes;
	struct wn_stream_rings stream;  /* where things lie in it */
	uint32_t is_closing;            /* nothing more is to come (drive thread) */
	int64_t closing_ns;             /* since when */
	int64_t clock_ns;               /* when the device was last told of the time (drive thread) */
};

struct wn_tcp {
	union wn_address bound;
	uint32_t connections;           /* a queue, at most */
	struct wn_tcp_queue *queues;
};

/* Device-driven; see link.h. */
int wn_tcp_drive(struct wn_link *link, uint32_t queue, struct wn_drive *drive, struct wn_error *error);
int wn_tcp_wake(struct wn_link *link, uint32_t queue);
int wn_tcp_wait(struct wn_link *link, uint32_t queue, int64_t wait_ns);
int wn_tcp_quiesce(struct wn_link *link, uint32_t queue);
uint32_t wn_tcp_sending(struct wn_link *link, uint32_t queue);
void wn_tcp_settle(struct wn_link *link, uint32_t queue, struct wn_drive_cursors *cursors);
void wn_tcp_census(struct wn_link *link, uint32_t queue, struct wn_census *census);
uint32_t wn_tcp_file_users(struct wn_link *link, uint32_t queue, uint32_t version);
void wn_tcp_connections(struct wn_link *link, uint32_t queue, struct wn_connections *connections);

#endif
