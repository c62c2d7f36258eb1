/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One AF_XDP socket with its frames (UMEM) and its four rings, as the kernel defines them in
 * linux/if_xdp.h and Documentation/networking/af_xdp.rst.
 *
 *            we produce                  the kernel produces
 *   fill     free frames to receive into
 *   rx                                   frames received: address and length
 *   tx       frames to send
 *   completion                           frames sent, free again
 *
 * A ring has two cursors, free-running 32-bit counts, each with one writer:
 *
 *   (P) the producer stores its cursor with release, after the entries; pairs with
 *   (C) the consumer's load_acquire of it, before it reads them. Without either the consumer reads
 *       entries, or frames, that are not written yet.
 *   (F) the consumer stores its cursor with release, after its last read of the entries; pairs with
 *   (R) the producer's load_acquire of it, before it writes there again. Without either an entry is
 *       overwritten while it is read.
 *
 * Half the frames are for receiving: each is in the fill ring, in the rx ring or with the kernel in
 * between. The other half is for sending: free, in the tx ring, in the completion ring or with the
 * kernel. An address that the kernel hands back is checked before it is followed: one outside the
 * frames, or of a frame that it does not have, is counted and left alone.
 *
 * fill and tx have room for twice as many entries as there are frames, so neither is ever full. A device
 * that drives the socket itself has all frames for both directions: lane/port_xdp.h.
 *
 * Threads: receive calls by one, send calls by one at a time, which may be another.
 */
#ifndef WN_LINK_XDP_SOCKET_H
#define WN_LINK_XDP_SOCKET_H

#include <linux/if_xdp.h>
#include <stddef.h>
#include <stdint.h>

#include "warpnic/status.h"

enum wn_xdp_mode { WN_XDP_AUTO, WN_XDP_ZEROCOPY, WN_XDP_COPY, WN_XDP_SKB };

struct wn_xdp_ring {
	uint8_t *memory;            /* mapped */
	size_t bytes;
	uint32_t *producer;         /* shared cursors */
	uint32_t *consumer;
	uint32_t *flags;            /* XDP_RING_NEED_WAKEUP */
	void *entries;              /* uint64_t (fill, completion) or struct xdp_desc (rx, tx) */
	uint32_t mask;
	uint64_t page_offset;       /* for mmap of the socket */
	uint32_t ours;              /* our own cursor, not shown yet where we produce */
	uint32_t theirs;            /* the other's, as we saw it last */
};

struct wn_xdp_socket {
	int fd;
	int memory_fd;              /* memfd: the frames; behind them, where a device drives, its states and words */
	uint8_t *frames;            /* mapped; UMEM */
	size_t frames_bytes;        /* of the UMEM */
	size_t memory_bytes;        /* of the memfd */
	uint32_t frame_bytes;
	uint32_t frame_count;       /* for each direction: there are twice as many */
	struct wn_xdp_ring fill, rx, tx, completion;
	uint64_t *free;             /* addresses of frames to send from, a stack; owned */
	uint32_t free_count;
	uint8_t *with_kernel;       /* one a frame: it may hand this one back; owned */
	uint64_t bad_addresses;     /* written by the receive thread: addresses not followed */
	uint64_t bad_completions;   /* the same, by the thread that sends */
	int is_zerocopy;
};

struct wn_xdp_socket_setup {
	const char *interface;
	int interface_index;
	uint32_t queue;
	uint32_t entries;           /* frames for each direction, a power of two */
	uint32_t frame_bytes;       /* 2048 or 4096 */
	enum wn_xdp_mode mode;
};

/*
 * Opens, maps and binds; the fill ring is full. 0 or -errno with what failed and what would help.
 * wn_xdp_socket_close() undoes it, also after a failure; a socket of zeros with fd -1 is fine.
 */
int wn_xdp_socket_open(struct wn_xdp_socket *socket, const struct wn_xdp_socket_setup *setup,
		       struct wn_error *error);
void wn_xdp_socket_close(struct wn_xdp_socket *socket);

/*
 * The next frame received, valid until the retire that follows. NULL: none. One whose address
 * cannot be ours is skipped.
 */
const uint8_t *wn_xdp_receive_peek(struct wn_xdp_socket *socket, uint32_t *length);

/* Gives it back to be received into; shown to the kernel by wn_xdp_receive_show. */
void wn_xdp_receive_retire(struct wn_xdp_socket *socket);
void wn_xdp_receive_show(struct wn_xdp_socket *socket);

/* A frame to send from, or NULL where the kernel has them all. */
uint8_t *wn_xdp_send_reserve(struct wn_xdp_socket *socket);

/* Puts the frame reserved last on the tx ring; shown to the kernel by wn_xdp_send_show. */
void wn_xdp_send_put(struct wn_xdp_socket *socket, uint32_t length);
void wn_xdp_send_show(struct wn_xdp_socket *socket);

/*
 * Makes the kernel look at the tx ring, if it needs that. 0, or -errno; EAGAIN, EBUSY and ENOBUFS:
 * ask again.
 */
int wn_xdp_send_wake(struct wn_xdp_socket *socket);

/* Entries of the tx ring that the kernel has not taken yet, the last ones shown. */
uint32_t wn_xdp_send_waiting(const struct wn_xdp_socket *socket);

/* Frames that arrived for the socket and that it did not get, since open. */
uint64_t wn_xdp_socket_dropped(const struct wn_xdp_socket *socket);

#endif
