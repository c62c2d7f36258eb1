/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ring as an object in memory: how large it is, how it is formatted, attached and unmapped.
 *
 * One process creates the ring in a memory object (os/os.h; on Linux sealed: it can be neither cut short
 * nor grown under a reader), another may attach the same descriptor. Attaching copies the header, checks
 * every field of the copy against the size of the memory, and never reads the header again.
 *
 * The protocol is in layout.h; the two host sides are producer.h and consumer.h; the device's side
 * is src/lane/port_ring.h.
 */
#ifndef WN_RING_RING_H
#define WN_RING_RING_H

#include <stddef.h>

#include "ring/layout.h"
#include "ring/order.h"
#include "warpnic/status.h"

/* What a ring is made for. Sizes are checked by wn_ring_check(). */
struct wn_ring_geometry {
	uint32_t slot_count;   /* power of two, WN_SLOT_COUNT_MIN .. WN_SLOT_COUNT_MAX */
	uint32_t slot_bytes;   /* power of two, WN_SLOT_BYTES_MIN .. WN_SLOT_BYTES_MAX */
	uint32_t segments_max; /* 1, or WN_TRAIN_SEGMENTS_MAX for a ring that carries trains */
};

/* A ring mapped into this process. */
struct wn_ring {
	struct wn_ring_view view;      /* addresses and sizes, from the checked copy of the header */
	struct wn_ring_header header;  /* that copy */
	void *memory;
	size_t bytes;
	int fd;                        /* -1 where the memory is the caller's */

	/* The transmit pump's cursor. Here and not in the shared memory: see layout.h. */
	uint32_t released __attribute__((aligned(WN_LINE_BYTES)));
};

/* 0, or -EINVAL with the option's name and what would be right. Any thread. */
int wn_ring_check(const struct wn_ring_geometry *geometry, struct wn_error *error);

/* Bytes of memory that a ring of this (checked) geometry needs. */
size_t wn_ring_bytes(const struct wn_ring_geometry *geometry);

/*
 * Writes an empty ring into `bytes` of zeroed memory, aligned to a page; the magic number last.
 * 0 or -EINVAL where the memory is too small or misaligned.
 */
int wn_ring_format(void *memory, size_t bytes, const struct wn_ring_geometry *geometry);

/*
 * Looks at memory that holds a formatted ring and fills `ring`. The memory stays the caller's.
 * -EINVAL with the reason where a field of the header does not hold.
 */
int wn_ring_attach(struct wn_ring *ring, void *memory, size_t bytes, struct wn_error *error);

/*
 * Makes a memory object, maps and formats it. wn_ring_destroy() undoes it; the descriptor in
 * ring->fd can be passed to another process. -errno on failure.
 */
int wn_ring_create(struct wn_ring *ring, const struct wn_ring_geometry *geometry,
		   struct wn_error *error);

/*
 * Maps the ring that another process created and passed as a descriptor (which stays the
 * caller's). Refuses memory that others could cut short, where the system tells (Linux: not sealed against
 * shrinking). wn_ring_destroy() unmaps it.
 */
int wn_ring_open(struct wn_ring *ring, int fd, struct wn_error *error);

/* Unmaps what create or open mapped; a zeroed ring is fine. No thread may use the ring any more. */
void wn_ring_destroy(struct wn_ring *ring);

/* The frame of slot index (masked): slot_bytes bytes, with WN_HEADROOM_BYTES in front. */
static inline uint8_t *wn_ring_frame(const struct wn_ring_view *view, uint32_t index)
{
	return view->frames + wn_frame_offset(index, view->frame_stride);
}

#endif
