/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packets in flight: which numbers were sent when, and what became of each.
 *
 * Numbers count from 0 and are given in the order of sending, so send times grow with them and the
 * oldest open number is always the first to time out. A number's entry is kept until its place is
 * needed again, so that a second or a late reply is known as such. One thread.
 */
#ifndef WN_TOOL_SEND_WINDOW_H
#define WN_TOOL_SEND_WINDOW_H

#include <stdint.h>

struct wn_window_entry {
	uint64_t sent_ns;
	uint32_t number;     /* low 32 bits of the packet's number */
	uint32_t state;
};

struct wn_window {
	struct wn_window_entry *entries;
	uint32_t mask;
	uint32_t in_flight;  /* sent, neither answered nor given up */
	uint64_t next;       /* number of the next packet */
	uint64_t oldest;     /* nothing below this number is in flight */
};

/* What a reply means. */
enum wn_window_reply {
	WN_REPLY_FIRST,      /* answers a packet in flight */
	WN_REPLY_DUPLICATE,  /* answered before */
	WN_REPLY_LATE,       /* given up before */
	WN_REPLY_UNKNOWN     /* no such number was sent, or too long ago to know */
};

/* Room for `limit` packets in flight. 0 or -ENOMEM. */
int wn_window_init(struct wn_window *window, uint32_t limit);
void wn_window_finish(struct wn_window *window);

/* How many packets may be sent now with at most `limit` in flight. */
uint32_t wn_window_room(const struct wn_window *window, uint32_t limit);

/* Takes note of `count` packets, the next numbers, sent at this time. There must be room. */
void wn_window_add(struct wn_window *window, uint32_t count, uint64_t sent_ns);

/* Settles a number (low 32 bits) as answered. *sent_ns is set for WN_REPLY_FIRST. */
enum wn_window_reply wn_window_settle(struct wn_window *window, uint32_t number,
				      uint64_t *sent_ns);

/* Gives up what was sent before this time; returns how many packets. */
uint32_t wn_window_expire(struct wn_window *window, uint64_t before_ns);

/* Number and send time of the oldest packet in flight; there must be one. */
uint32_t wn_window_oldest(struct wn_window *window, uint64_t *sent_ns);

#endif
