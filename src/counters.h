/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters that can be read whole while they change.
 *
 * Each pump owns one block and is its only writer. It counts in private and, at the end of a burst,
 * writes all its values between two steps of the block's sequence number, odd while it writes. A
 * reader that saw the same even number before and after has values of one moment. So a snapshot of
 * a transmit block never shows a packet that is finished but has no fate.
 *
 *   value words: writer release, reader acquire; sequence: writer relaxed (odd) then release (even),
 *   reader acquire, then relaxed.
 *   The release on the values keeps them after the odd number, the reader's acquire keeps the second
 *   look at the number after the values. Words instead of fences, so that ThreadSanitizer sees them.
 */
#ifndef WN_COUNTERS_H
#define WN_COUNTERS_H

#include "ring/layout.h"
#include "warpnic/counters.h"

/* Written by a receive pump. */
enum wn_receive_value {
	WN_RX_RECEIVED,
	WN_RX_BYTES,
	WN_RX_ADMITTED,     /* packets published: received less those dropped here */
	WN_RX_RING_FULL,
	WN_RX_ERRORS,
	WN_RX_COUNT
};

/* Written by a transmit pump. */
enum wn_transmit_value {
	WN_TX_FINISHED,     /* packets whose slot was released: the sum of all that follow, but bytes */
	WN_TX_ANSWERED,
	WN_TX_ANSWERED_BYTES,
	WN_TX_FORWARDED,
	WN_TX_DELIVERED,
	WN_TX_DROPPED,      /* WN_CAUSE_COUNT of them, in the order of enum wn_cause */
	WN_TX_COUNT = WN_TX_DROPPED + WN_CAUSE_COUNT
};

enum { WN_BLOCK_VALUES = 31 };

struct wn_counter_block {
	uint64_t sequence;
	uint64_t values[WN_BLOCK_VALUES];
} __attribute__((aligned(WN_LINE_BYTES)));

WN_STATIC_ASSERT((int)WN_RX_COUNT <= (int)WN_BLOCK_VALUES, receive_values_fit);
WN_STATIC_ASSERT((int)WN_TX_COUNT <= (int)WN_BLOCK_VALUES, transmit_values_fit);

/* The owner's call: makes its private values the block's. */
void wn_counter_block_write(struct wn_counter_block *block, const uint64_t *values, uint32_t count);

/* Any thread: copies values of one moment. Spins while the owner is writing, some 20 ns. */
void wn_counter_block_read(const struct wn_counter_block *block, uint64_t *values, uint32_t count);

/* The cause behind a code that the device loop writes; a code without one is no verdict at all. */
enum wn_cause wn_cause_of_code(uint32_t code);

/* Adds one queue's two blocks to a snapshot: transmit first, so that in_flight is never negative. */
void wn_counters_add(struct wn_counters *counters, const struct wn_counter_block *receive,
		     const struct wn_counter_block *transmit);

#endif
