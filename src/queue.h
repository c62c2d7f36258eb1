/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A queue: one ring and what serves it.
 *
 *   receive.c   its receive pump: link -> ring
 *   transmit.c  its transmit pump: ring -> verdicts
 *   settle.c    what becomes of each: back to the link, another link, or the host
 *   pump.c      the thread, or the two threads, that run them
 *
 * Every member has one owner. What the other pump may look at is marked; those words are ordered by
 * ring/order.h.
 */
#ifndef WN_QUEUE_H
#define WN_QUEUE_H

#include <pthread.h>

#include "backoff.h"
#include "counters.h"
#include "follow.h"
#include "link/link.h"
#include "ring/consumer.h"
#include "ring/producer.h"
#include "warpnic/runtime.h"

struct wn_queue;

enum { WN_BURST_MAX = 256 };

/* What an item in the transmit pump's hands will be counted as, once it is sent. */
enum wn_fate {
	WN_FATE_ANSWERED,
	WN_FATE_FORWARDED,
	WN_FATE_DELIVERED,
	WN_FATES
};

/* Where packets can leave but by a reply: all links of the runtime. */
struct wn_outlets {
	struct wn_queue *const *queues;  /* the first queue of link k */
	uint32_t count;                  /* links */
	struct wn_queue *deliveries;     /* takes packets that are delivered; NULL: the callback does */
};

/* A number of packets that all queues of a runtime share: `-c N`. */
struct wn_packet_budget {
	pthread_mutex_t lock;
	uint64_t left;           /* neither received nor promised to a queue's burst */
	uint64_t promised;
};

struct wn_receive_side {
	struct wn_producer producer;
	uint64_t values[WN_RX_COUNT];
	uint32_t index;                  /* packets received so far: the next slot's index */
	uint32_t is_closed;
	int64_t quiet_until_ns;          /* after an error: when to try again */
	int64_t logged_ns;               /* when an error was last talked about */
};

struct wn_transmit_side {
	struct wn_consumer consumer;
	uint64_t values[WN_TX_COUNT];
	uint32_t words[WN_BURST_MAX];
	struct wn_send_item items[WN_BURST_MAX];
	uint32_t weights[WN_BURST_MAX];  /* packets behind each item */
	uint8_t fates[WN_BURST_MAX];     /* enum wn_fate */
	uint32_t item_count;
	struct wn_queue *outlet;         /* where the items go; NULL while there are none */
	int64_t logged_ns;
	uint32_t late_count;             /* packets that links hold a part of: in flight until that is gone */
	int64_t late_until_ns;           /* when to give them up, the queue being drained otherwise; 0: it is not */
};

/* What became of packets that a link held a part of: put by whoever flushed it, taken by their queue. */
struct wn_late {
	pthread_mutex_t lock;
	uint32_t sent[WN_FATES];
	uint32_t failed;
};

struct wn_queue {
	struct wn_link *link;
	uint32_t link_index;
	uint32_t index;                  /* among the queues of its link */
	uint32_t number;                 /* among all queues with a ring: the device's name for it */
	uint32_t has_ring;               /* 0: its link only sends */
	const struct wn_runtime_params *params;
	struct wn_outlets outlets;
	struct wn_ring ring;
	struct wn_train *trains;         /* written by the receive pump before it publishes; NULL: no trains */
	struct wn_drive *drive;          /* the device drives it (drive.h); NULL: pumps do */
	uint64_t driven_values[WN_DRIVE_VALUES]; /* of its counts, those that are in the blocks (drive thread) */
	uint64_t held;                   /* packets that a device which does not come back has in hand (the owner) */
	uint64_t driven_shown;           /* packets finished, when they were last shown (drive thread) */
	pthread_mutex_t send_lock;       /* held while link->ops->send or flush runs for this queue */
	struct wn_queue *late_owner;     /* whose packet the link holds a part of; NULL: it holds none (send_lock) */
	enum wn_fate late_fate;          /* what that one will be counted as (send_lock) */
	struct wn_late late;             /* of packets of this queue */

	struct wn_follow follow __attribute__((aligned(WN_LINE_BYTES)));
	struct wn_receive_side receive __attribute__((aligned(WN_LINE_BYTES)));
	struct wn_counter_block receive_block;
	uint32_t admitted __attribute__((aligned(WN_LINE_BYTES))); /* slots published, for the transmit pump */
	struct wn_packet_budget *budget; /* packets that may still be received; NULL: no limit */
	uint32_t receive_done;           /* 1 once nothing more will be published */
	uint32_t stranded;               /* 1: its link broke, and the device that drives it did not leave for that (drive thread) */
	uint32_t lost;                   /* 1: its link broke, or its file is damaged (receive pump) */

	struct wn_transmit_side transmit __attribute__((aligned(WN_LINE_BYTES)));
	struct wn_counter_block transmit_block;
	uint32_t failed;                 /* 1 once the queue was given up: ring corrupt */
};


/* A line of talk, at most one a second for each `last_ns`. Any pump. */
void wn_queue_log(const struct wn_queue *queue, int64_t *last_ns, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* -- receive.c: the receive pump's thread -- */

void wn_receive_init(struct wn_queue *queue);

/*
 * Takes one burst from the link into the ring. Waits up to wait_ns for the first packet. Returns
 * the slots published, 0 for none; closes the ring by itself when the link has come to its end.
 */
uint32_t wn_receive_burst(struct wn_queue *queue, int64_t wait_ns);

/* Publishes nothing more from here on. */
void wn_receive_close(struct wn_queue *queue);

/* -- transmit.c: the transmit pump's thread -- */

void wn_transmit_init(struct wn_queue *queue);

/* Takes one burst of verdicts out of the ring and carries them out. Returns the slots released. */
uint32_t wn_transmit_burst(struct wn_queue *queue);

/* Whether all that was or will be published has been released. */
int wn_transmit_is_drained(const struct wn_queue *queue);

/*
 * Gives up what is still in the ring, unanswered or unsent: counts it as device_stopped. Only after
 * the queue's pumps have left.
 */
void wn_transmit_abandon(struct wn_queue *queue);

#endif
