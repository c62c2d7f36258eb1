/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ring: one slot array for a packet's whole way, in memory that host and device share.
 *
 *     link --receive pump--> [ slots ] --transmit pump--> link
 *                  published |    ^ verdict word
 *                            v    |
 *                        device groups
 *
 * A cursor counts slots since the ring was formatted and is never masked; position k lives in slot
 * k & (slot_count - 1). All cursors are 32 bits wide and wrap; only differences have a meaning, and
 * the format limits slot_count so that a difference is never ambiguous.
 *
 * Who owns a slot at any moment:
 *
 *     released                 first verdict missing          published           released+slots
 *        |--- transmit pump ---|--------- device -------------|--- receive pump ---|
 *
 * The ordering contract. Every word has one writer; the letters stand at each access in the code
 * and in tests/model/ring.pml.
 *
 *   word                 written by      read by          write          read
 *   frames, slots, peers receive pump    device, transmit plain          plain
 *   published, latest    receive pump    device           release (P)    acquire (D)
 *   reply bytes, results device          transmit pump    plain          plain
 *   verdict words        device          transmit pump    release (V)    acquire (T)
 *   admitted (host)      receive pump    transmit pump    release (A)    acquire (L)
 *   released (host)      transmit pump   receive pump     release (R)    acquire (F)
 *   closed               receive pump    device           release (C)    acquire (E)
 *   corrupt              device          host             release (X)    acquire (Y)
 *
 *   (P)->(D)  a slot the device can see is completely written. Without it: the program runs on
 *             half a packet, or on the one that lay there a lap ago.
 *             `latest` is `published` once more, with length and flags of the slot before it: a device far
 *             away learns with one look all that it needs of a packet that comes alone.
 *   (V)->(T)  a slot whose verdict the transmit pump sees has its reply completely written, and
 *             the device has finished reading the packet. Without it: half a reply is sent.
 *   (A)->(L)  `admitted` is the count of published slots as the host knows it, stored before (P). The
 *             transmit pump looks at no word beyond it. Without it: an answer that a faulty device
 *             wrote ahead of time is taken for one.
 *   (R)->(F)  a slot the receive pump fills again is no longer read by the transmit pump, nor, by
 *             (V)->(T) before it, by the device. Without it: the reply to one client is
 *             overwritten with the packet of another while it is being sent.
 *   (C)->(E)  whoever sees the ring closed sees the final count too. A bare flag would leave
 *             the last published packets behind.
 *   (X)->(Y)  the position that did not match can be read once the flag is seen.
 *
 * The words marked (host) steer only the pumps, so they are not in the memory that a device can
 * write: no wild store of a device can make the receive pump fill a slot that is still in use.
 *
 * A verdict word carries the lap of its position, so there is nothing to reset, no cursor for the
 * device to advance, and no order between groups. It is one aligned 32-bit store:
 *
 *   bits 31..22  lap: (position / slot_count + 1) mod 1024
 *   bits 21..16  code: a verdict or a cause of dropping (enum wn_code)
 *   bits 15..0   length in bytes of the reply, of the packet forwarded, or of the record
 *
 * A slot's word holds its last lap or, as long as the device has not answered, an earlier one that
 * is at most one lap old; ten bits tell them apart with room to spare. A fresh ring holds zeros and
 * the first lap is 1.
 */
#ifndef WN_RING_LAYOUT_H
#define WN_RING_LAYOUT_H

#include "warpnic/types.h"

enum {
	WN_RING_MAGIC = 0x676e7277,       /* "wrng", written last */
	WN_RING_VERSION = 1,
	WN_LINE_BYTES = 128,              /* no two writers share this many bytes */
	WN_BLOCK_SLOTS = 32,              /* blocks of slots go to the groups in turn */
	WN_HEADROOM_BYTES = 128,          /* in front of each frame; also spreads frames over cache sets */
	WN_TRAIN_SEGMENTS_MAX = 128,      /* UDP_MAX_SEGMENTS of Linux 6.10 and later; 64 before */
	WN_SLOT_COUNT_MIN = 2,
	WN_SLOT_COUNT_MAX = 1 << 20,
	WN_SLOT_BYTES_MIN = 64,
	WN_SLOT_BYTES_MAX = 65536,
	WN_RESULT_BYTES = 64,             /* a result record holds at most this many bytes */
	WN_ROOM_BYTES = 4096              /* a larger slot gives a reply this much room, or the packet's length */
};

/* Flags of a slot. */
enum {
	WN_SLOT_FRAME = 1 << 0,           /* an Ethernet frame; else a datagram's payload */
	WN_SLOT_TRUNCATED = 1 << 1,       /* length < wire_length: the rest is lost */
	WN_SLOT_TRAIN = 1 << 2,           /* several datagrams of segment_bytes each, the last may be shorter */
	WN_SLOT_IPV6 = 1 << 3,            /* datagrams: the peer's address family */
	WN_SLOT_TIME_KERNEL = 1 << 4,     /* arrival_ns was taken by the kernel, else by the pump */
	WN_SLOT_CHECKSUM_VALID = 1 << 5,  /* kernel or NIC verified the transport checksum */
	WN_SLOT_CHECKSUM_PARTIAL = 1 << 6, /* sent on this machine: the transport checksum is not filled in */
	WN_SLOT_TIMED = 1 << 7            /* followed on its way (follow.h); no program sees a difference */
};

/* What the receive pump says of a packet. */
struct wn_slot {
	uint32_t position;      /* cursor + 1; a lane that finds another number reports the ring corrupt */
	uint32_t flags;
	uint32_t length;        /* bytes in the frame, of all segments together */
	uint32_t wire_length;   /* bytes the packet had on the wire; larger where truncated */
	uint32_t index;         /* packets that this queue received before this one, modulo 2^32 */
	uint16_t segment_bytes; /* trains; 0 otherwise */
	uint16_t segment_count; /* 1 where it is not a train */
	uint64_t arrival_ns;    /* CLOCK_MONOTONIC */
};

/*
 * The peer of a datagram, for the program to read. The reply goes to the receive pump's private
 * copy, which no device can write.
 */
struct wn_peer {
	uint8_t address[16];    /* network order; IPv4 in the first four bytes */
	uint16_t port;          /* host order */
	uint16_t family;        /* 4 or 6 */
	uint32_t scope;         /* IPv6 scope id, else 0 */
	uint64_t reserved;
};

/* The shared words, each alone on its line. */
struct wn_ring_words {
	uint32_t published;
	uint32_t reserved;
	uint64_t latest;        /* wn_latest() of the slot before `published` */
	uint8_t pad_published[WN_LINE_BYTES - 16];
	uint32_t closed;        /* 0 while open, then 1 */
	uint32_t final;         /* valid once closed: the last value of published */
	uint8_t pad_closed[WN_LINE_BYTES - 8];
	uint32_t corrupt;       /* 0, or 1 when a slot did not carry its position */
	uint32_t corrupt_position;
	uint8_t pad_corrupt[WN_LINE_BYTES - 8];
};

/*
 * The first bytes of a ring in memory. Written once by format; checked once by attach, which keeps
 * a private copy and never looks here again. All offsets are from the start of the ring.
 */
struct wn_ring_header {
	uint32_t magic;
	uint32_t version;
	uint32_t slot_count;    /* a power of two */
	uint32_t slot_bytes;    /* a power of two: bytes of a packet that a slot holds */
	uint32_t segments_max;  /* verdicts and results a slot: 1, or WN_TRAIN_SEGMENTS_MAX */
	uint32_t result_bytes;
	uint64_t words_offset;
	uint64_t slots_offset;
	uint64_t peers_offset;
	uint64_t verdicts_offset;
	uint64_t segments_offset; /* verdict words of single segments; 0 where segments_max is 1 */
	uint64_t results_offset;
	uint64_t frames_offset;
	uint64_t total_bytes;
};

/*
 * Who a frame link is: the addresses that the lane's stack answers for. Made by the host before the
 * device starts, constant then. No address: the stack answers nothing.
 */
enum { WN_ADDRESSES_MAX = 8 };

struct wn_identity {
	uint8_t mac[6];
	uint16_t reserved;
	uint32_t ipv4_count;
	uint32_t ipv6_count;
	uint8_t ipv4[WN_ADDRESSES_MAX][4];   /* network order */
	uint8_t ipv6[WN_ADDRESSES_MAX][16];
};

/*
 * A ring as a device sees it: launch constants, made by the host from a checked header. Not in
 * shared memory.
 */
struct wn_ring_view {
	WN_GLOBAL struct wn_ring_words *words;
	WN_GLOBAL struct wn_slot *slots;
	WN_GLOBAL struct wn_peer *peers;
	WN_GLOBAL uint8_t *frames;
	WN_GLOBAL uint32_t *verdicts;
	WN_GLOBAL uint32_t *segments;
	WN_GLOBAL uint8_t *results;
	WN_GLOBAL const struct wn_identity *identity;
	uint32_t slot_mask;
	uint32_t slot_shift;    /* log2 of the slot count */
	uint32_t slot_bytes;
	uint32_t frame_stride;  /* bytes from one frame to the next */
	uint32_t segments_max;
	uint32_t result_bytes;
};

WN_STATIC_ASSERT(sizeof(struct wn_slot) == 32, slot_is_32_bytes);
WN_STATIC_ASSERT(sizeof(struct wn_peer) == 32, peer_is_32_bytes);
WN_STATIC_ASSERT(sizeof(struct wn_ring_words) == 3 * WN_LINE_BYTES, words_are_three_lines);
WN_STATIC_ASSERT(sizeof(struct wn_ring_header) == 88, header_is_88_bytes);
WN_STATIC_ASSERT(sizeof(struct wn_identity) == 176, identity_is_176_bytes);

/* published in the upper half; length << 8 and flags of the last slot in the lower one. */
WN_FN uint64_t wn_latest(uint32_t published, uint32_t length, uint32_t flags)
{
	return (uint64_t)published << 32 | length << 8 | flags;
}

/* The lap of a position, as a verdict word carries it. */
WN_FN uint32_t wn_lap(uint32_t position, uint32_t slot_shift)
{
	return ((position >> slot_shift) + 1) & 0x3ff;
}

WN_FN uint32_t wn_verdict_word(uint32_t lap, uint32_t code, uint32_t length)
{
	return lap << 22 | code << 16 | length;
}

WN_FN uint32_t wn_verdict_lap(uint32_t word)
{
	return word >> 22;
}

WN_FN uint32_t wn_verdict_code(uint32_t word)
{
	return word >> 16 & 0x3f;
}

WN_FN uint32_t wn_verdict_length(uint32_t word)
{
	return word & 0xffff;
}

WN_FN uint64_t wn_frame_offset(uint32_t index, uint32_t frame_stride)
{
	return (uint64_t)index * frame_stride + WN_HEADROOM_BYTES;
}

#endif
