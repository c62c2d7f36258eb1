/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Carries out verdicts: sends, forwards or delivers, and counts one fate for each packet. All of it
 * is the transmit pump's, on its thread.
 */
#ifndef WN_SETTLE_H
#define WN_SETTLE_H

#include "queue.h"

/*
 * Carries out transmit.words[0..count), the verdicts from position `first` on, and has handed over what is
 * to be sent when it returns: the slots may be released. Returns the packets that were in them, but for
 * those that a link still holds a part of (transmit.late_count).
 */
uint64_t wn_settle_burst(struct wn_queue *queue, uint32_t first, uint32_t count);

/*
 * Looks after packets that a link still holds a part of (EINPROGRESS of link.h). Returns how many have come
 * to their end; in a queue that is drained otherwise they are given a second.
 */
uint64_t wn_settle_late(struct wn_queue *queue, int is_drained);

/* Counts packets that end here for a cause. */
void wn_settle_drop(struct wn_queue *queue, enum wn_cause cause, uint32_t packets);

/* The datagrams or frames in a slot (its masked index), as the receive pump has kept it. */
uint32_t wn_settle_packets_in(const struct wn_queue *queue, uint32_t index);

#endif
