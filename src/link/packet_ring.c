/* SPDX-License-Identifier: Apache-2.0 */
#include "link/packet_ring.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ring/order.h"

enum {
	BLOCK_BYTES_PRESET = 256 * 1024,
	BLOCKS_MIN = 4,                   /* so that the kernel writes one while we read another */
	LINE_BYTES = 64,
};

static size_t round_up(size_t value, size_t multiple)
{
	return (value + multiple - 1) / multiple * multiple;
}

/* What precedes the bytes of an Ethernet frame in its place in a version 2 ring, rounded up. */
static uint32_t overhead_bytes(void)
{
	return (uint32_t)round_up(TPACKET2_HDRLEN + 16, LINE_BYTES);
}

static void shape_ring(struct wn_packet_ring *ring, size_t bytes, uint32_t frame_bytes_max)
{
	const size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);

	ring->frame_bytes = (uint32_t)round_up(overhead_bytes() + frame_bytes_max, LINE_BYTES);
	ring->block_bytes = BLOCK_BYTES_PRESET;
	if (ring->block_bytes < ring->frame_bytes)
		ring->block_bytes = (uint32_t)round_up(ring->frame_bytes, page_bytes);
	ring->frames_per_block = ring->block_bytes / ring->frame_bytes;
	ring->block_count = (uint32_t)(bytes / ring->block_bytes);
	if (ring->block_count < BLOCKS_MIN)
		ring->block_count = BLOCKS_MIN;
	ring->bytes = (size_t)ring->block_bytes * ring->block_count;
}

static int request_ring(const struct wn_packet_ring *ring, int fd)
{
	struct tpacket_req3 request = {
		.tp_block_size = ring->block_bytes,
		.tp_block_nr = ring->block_count,
		.tp_frame_size = ring->frame_bytes,
		.tp_frame_nr = ring->frames_per_block * ring->block_count,
		.tp_retire_blk_tov = WN_PACKET_BLOCK_MS,
	};
	const int version = ring->version == 3 ? TPACKET_V3 : TPACKET_V2;
	const socklen_t length = ring->version == 3 ? sizeof(request) : sizeof(struct tpacket_req);

	if (setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)) ||
	    setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &request, length))
		return -errno;
	return 0;
}

int wn_packet_ring_open(struct wn_packet_ring *ring, int fd, int version, size_t bytes,
			uint32_t frame_bytes_max)
{
	void *memory;
	int rc;

	memset(ring, 0, sizeof(*ring));
	ring->version = version;
	shape_ring(ring, bytes, frame_bytes_max);
	rc = request_ring(ring, fd);
	if (rc)
		return rc;
	memory = mmap(NULL, ring->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		return -errno;
	ring->memory = memory;
	return 0;
}

void wn_packet_ring_close(struct wn_packet_ring *ring)
{
	if (ring->memory)
		munmap(ring->memory, ring->bytes);
	memset(ring, 0, sizeof(*ring));
}

static int is_outgoing(const uint8_t *header, size_t header_bytes)
{
	const struct sockaddr_ll *from = (const void *)(header + TPACKET_ALIGN(header_bytes));

	return from->sll_pkttype == PACKET_OUTGOING;
}

static struct tpacket2_hdr *frame_at(const struct wn_packet_ring *ring)
{
	return (void *)(ring->memory + (size_t)ring->block * ring->block_bytes +
			(size_t)ring->frame * ring->frame_bytes);
}

static int peek_frame(struct wn_packet_ring *ring, struct wn_packet_frame *frame)
{
	const struct tpacket2_hdr *header = frame_at(ring);
	const uint32_t status = wn_load_acquire(&header->tp_status);

	if (!(status & TP_STATUS_USER))
		return 0;
	frame->bytes = (const uint8_t *)header + header->tp_mac;
	frame->length = header->tp_snaplen;
	frame->wire_length = header->tp_len;
	frame->status = status;
	frame->seconds = header->tp_sec;
	frame->nanoseconds = header->tp_nsec;
	frame->vlan_tci = header->tp_vlan_tci;
	frame->vlan_tpid = header->tp_vlan_tpid;
	frame->is_outgoing = (uint8_t)is_outgoing((const uint8_t *)header, sizeof(*header));
	return 1;
}

static void retire_frame(struct wn_packet_ring *ring)
{
	wn_store_release(&frame_at(ring)->tp_status, TP_STATUS_KERNEL);
	if (++ring->frame < ring->frames_per_block)
		return;
	ring->frame = 0;
	if (++ring->block == ring->block_count)
		ring->block = 0;
}

static struct tpacket_hdr_v1 *block_at(const struct wn_packet_ring *ring)
{
	struct tpacket_block_desc *block =
		(void *)(ring->memory + (size_t)ring->block * ring->block_bytes);

	return &block->hdr.bh1;
}

static void retire_block(struct wn_packet_ring *ring)
{
	wn_store_release(&block_at(ring)->block_status, TP_STATUS_KERNEL);
	if (++ring->block == ring->block_count)
		ring->block = 0;
}

/* Whether there is a frame at ring->at; goes on to the next block where this one is used up. */
static int enter_block(struct wn_packet_ring *ring)
{
	while (!ring->left) {
		struct tpacket_hdr_v1 *block = block_at(ring);

		if (!(wn_load_acquire(&block->block_status) & TP_STATUS_USER))
			return 0;
		ring->left = block->num_pkts;
		ring->at = (uint8_t *)block_at(ring) - offsetof(struct tpacket_block_desc, hdr) +
			   block->offset_to_first_pkt;
		if (!ring->left)
			retire_block(ring);
	}
	return 1;
}

static int peek_block(struct wn_packet_ring *ring, struct wn_packet_frame *frame)
{
	const struct tpacket3_hdr *header;

	if (!enter_block(ring))
		return 0;
	header = (const void *)ring->at;
	frame->bytes = ring->at + header->tp_mac;
	frame->length = header->tp_snaplen;
	frame->wire_length = header->tp_len;
	frame->status = header->tp_status;
	frame->seconds = header->tp_sec;
	frame->nanoseconds = header->tp_nsec;
	frame->vlan_tci = (uint16_t)header->hv1.tp_vlan_tci;
	frame->vlan_tpid = header->hv1.tp_vlan_tpid;
	frame->is_outgoing = (uint8_t)is_outgoing(ring->at, sizeof(*header));
	return 1;
}

static void retire_from_block(struct wn_packet_ring *ring)
{
	const struct tpacket3_hdr *header = (const void *)ring->at;

	ring->at += header->tp_next_offset;
	if (!--ring->left)
		retire_block(ring);
}

int wn_packet_ring_peek(struct wn_packet_ring *ring, struct wn_packet_frame *frame)
{
	return ring->version == 3 ? peek_block(ring, frame) : peek_frame(ring, frame);
}

void wn_packet_ring_retire(struct wn_packet_ring *ring)
{
	if (ring->version == 3)
		retire_from_block(ring);
	else
		retire_frame(ring);
}
