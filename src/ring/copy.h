/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the receive pump writes, once more in memory that is near the device.
 *
 *     receive pump ---> slots, frames, words          host memory: the ring of layout.h, unchanged
 *                  \--> slots, frames, latest ...     the device's memory, through a mapping
 *
 * A device that reads its own memory meets the packet without a bus in the way. Replies, records and
 * verdict words go to host memory as ever, so does the report of a corrupt ring; the host reads nothing of the
 * copy, because a read through the mapping costs a microsecond a word. One thread writes a copy: the
 * queue's receive pump.
 *
 * The mapping is write combining memory: stores to it gather in the core and leave in any order. So, with
 * the letters of layout.h, (P) has two steps here:
 *
 *   slots and frames     non-temporal stores, whole lines
 *   sfence               they have left the core before what follows (Intel SDM vol. 1, 10.4.6.2; vol. 2, SFENCE)
 *   latest               one aligned store of 8 bytes
 *   sfence               ... which leaves now, not when the buffer happens to be needed
 *
 * Posted writes of one core reach the device in the order in which they left (PCI Express Base
 * Specification, section 2.4.1, table of ordering rules: a posted request does not pass a posted request), and a
 * device's acquire of `latest` is not satisfied from its first-level caches (PTX ISA, ld.acquire.sys), so that
 * (P)->(D) holds. That `latest` arrives in one piece is not promised by PCI Express but by how an aligned
 * store of 8 bytes leaves an x86 core; the device's self-test of such memory checks all of it before it is used
 * (device/cuda/selftest.h). (C)->(E) is the same with `final` and `closed`.
 */
#ifndef WN_RING_COPY_H
#define WN_RING_COPY_H

#include <string.h>

#include "ring/layout.h"
#include "ring/order.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

/* The words of a copy. Only `latest`, `closed`, `final` of the ring's are written. */
struct wn_ring_copy_words {
	struct wn_ring_words ring;
	uint32_t leave;         /* lanes started with a number up to this one leave (group_launch.h) */
	uint32_t reserved;
	uint8_t pad_leave[WN_LINE_BYTES - 8];
};

/* A copy as the host has it mapped: for writing only. */
struct wn_ring_copy {
	struct wn_ring_copy_words *words;
	struct wn_slot *slots;
	uint8_t *frames;
};

enum { WN_COPY_LINE_BYTES = 64 };

/* Bytes that a copy of this ring takes: words, slots, frames, each on a page of its own. */
static inline uint64_t wn_ring_copy_slots_offset(void)
{
	return 4096;
}

static inline uint64_t wn_ring_copy_frames_offset(const struct wn_ring_view *view)
{
	const uint64_t bytes = ((uint64_t)view->slot_mask + 1) * sizeof(struct wn_slot);

	return wn_ring_copy_slots_offset() + (bytes + 4095) / 4096 * 4096;
}

static inline uint64_t wn_ring_copy_bytes(const struct wn_ring_view *view)
{
	const uint64_t bytes = ((uint64_t)view->slot_mask + 1) * view->frame_stride + WN_HEADROOM_BYTES;

	return wn_ring_copy_frames_offset(view) + (bytes + 4095) / 4096 * 4096;
}

/* Everything that was stored to a copy before has left the core. */
static inline void wn_copy_fence(void)
{
#if defined(__SSE2__)
	_mm_sfence();
#elif defined(__aarch64__)
	__asm__ __volatile__("dmb oshst" : : : "memory");
#else
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
}

/* Whole lines, from and to multiples of a line: what lies behind `bytes` in the last one goes along. */
void wn_copy_lines(uint8_t *to, const uint8_t *from, uint64_t bytes);

/* Copies `count` filled slots and their packets from position `first` on. */
void wn_ring_copy_slots(const struct wn_ring_copy *copy, const struct wn_ring_view *view, uint32_t first, uint32_t count);

/* Publishes them. `latest` is wn_latest(). */
static inline void wn_ring_copy_publish(const struct wn_ring_copy *copy, uint64_t latest)
{
	wn_copy_fence();
	wn_store_relaxed64(&copy->words->ring.latest, latest); /* (P) */
	wn_copy_fence();
}

static inline void wn_ring_copy_close(const struct wn_ring_copy *copy, uint32_t final)
{
	wn_store_relaxed(&copy->words->ring.final, final);
	wn_copy_fence();
	wn_store_relaxed(&copy->words->ring.closed, 1); /* (C) */
	wn_copy_fence();
}

WN_STATIC_ASSERT(sizeof(struct wn_ring_copy_words) == 4 * WN_LINE_BYTES, copy_words_are_four_lines);
WN_STATIC_ASSERT(WN_HEADROOM_BYTES % WN_COPY_LINE_BYTES == 0, frames_are_whole_lines);

#endif
