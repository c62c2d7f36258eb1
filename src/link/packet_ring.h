/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mapped receive ring of a packet socket (packet(7), PACKET_RX_RING).
 *
 *   version 2   frames of one size, each with its own status word: a frame can be read the moment
 *               the kernel has written it
 *   version 3   blocks of frames of any length, handed over a block at a time: when it is full,
 *               or WN_PACKET_BLOCK_MS after its first frame
 *
 * The kernel writes frame or block, then its status word; we read, then hand it back by the same
 * word. Both directions pair through that word: load_acquire of TP_STATUS_USER sees the whole
 * frame, store_release of TP_STATUS_KERNEL comes after our last read.
 *
 * One thread a ring. A frame is valid from peek until the retire that follows it.
 */
#ifndef WN_LINK_PACKET_RING_H
#define WN_LINK_PACKET_RING_H

#include <stddef.h>
#include <stdint.h>

enum {
	/* The shortest time after which the kernel hands over a block that is not full. */
	WN_PACKET_BLOCK_MS = 1,
};

struct wn_packet_ring {
	int version;
	uint8_t *memory;
	size_t bytes;
	uint32_t block_bytes;
	uint32_t block_count;
	uint32_t frame_bytes;       /* version 2 */
	uint32_t frames_per_block;  /* version 2 */
	uint32_t block;             /* where we read */
	uint32_t frame;             /* version 2: in that block */
	uint32_t left;              /* version 3: frames of that block that are not retired yet */
	uint8_t *at;                /* version 3: the first of them */
};

/* A frame as the kernel describes it. */
struct wn_packet_frame {
	const uint8_t *bytes;       /* without the VLAN tag that the kernel took out */
	uint32_t length;            /* bytes at hand */
	uint32_t wire_length;       /* bytes it had */
	uint32_t status;            /* TP_STATUS_* */
	uint32_t seconds;           /* CLOCK_REALTIME */
	uint32_t nanoseconds;
	uint16_t vlan_tci;          /* where status has TP_STATUS_VLAN_VALID, host order */
	uint16_t vlan_tpid;
	uint8_t is_outgoing;        /* sent by this host */
};

/*
 * Makes and maps a ring of about `bytes` bytes on a socket that receives nothing yet. Frames of up
 * to frame_bytes_max bytes fit whole, longer ones are cut. 0 or -errno.
 */
int wn_packet_ring_open(struct wn_packet_ring *ring, int fd, int version, size_t bytes,
			uint32_t frame_bytes_max);

/* Unmaps; a zeroed ring is fine. The socket stays the caller's. */
void wn_packet_ring_close(struct wn_packet_ring *ring);

/* Describes the next frame. Returns 1, or 0 when the kernel has handed over none. Does not wait. */
int wn_packet_ring_peek(struct wn_packet_ring *ring, struct wn_packet_frame *frame);

/* Gives the frame that peek described back to the kernel (version 3: its block with the last). */
void wn_packet_ring_retire(struct wn_packet_ring *ring);

#endif
