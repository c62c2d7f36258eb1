/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The contract of a link: where packets enter and leave.
 *
 * A link kind is one constant table of functions, listed by hand in link.c. A link has one or more
 * queues; each queue has one ring, one receive pump and one transmit pump.
 *
 * Which thread calls what:
 *   open, attach, close     the thread that makes the runtime, before and after all pumps
 *   receive                 the receive pump of that queue, and nobody else
 *   send                    any transmit pump, one at a time for a queue (the caller holds the
 *                           queue's lock)
 *   kernel_dropped          any thread, any time between open and close
 *
 * A link never keeps a pointer into the ring across calls, except as its kernel does (recvmmsg
 * writes straight into the frames that receive was given, and is done when it returns).
 */
#ifndef WN_LINK_LINK_H
#define WN_LINK_LINK_H

#include "drive.h"
#include "link/options.h"
#include "ring/ring.h"
#include "warpnic/link.h"
#include "warpnic/verdict.h"

struct wn_link;

/* What the receive pump knows of a slot's train, out of any device's reach. */
struct wn_train {
	uint32_t length;
	uint16_t segment_bytes;
	uint16_t segment_count;
};

/*
 * Free slots offered to a link: positions first .. first + capacity - 1. The link fills them from
 * the first on, without gaps, by means of the functions below.
 */
struct wn_receive_batch {
	const struct wn_ring_view *view;
	uint32_t first;
	uint32_t capacity;
	int64_t wait_ns;        /* how long to wait for the first packet: 0 not at all; an upper bound */
	uint32_t index;         /* of the next packet to be described; wn_slot.index */
	uint64_t bytes;         /* described so far, as on the wire; 0 at first */
	struct wn_train *trains; /* one a slot; NULL: the receive pump keeps none */
};

/* Where packet i of a batch goes: view->slot_bytes bytes (at most 65535 may be used). */
static inline uint32_t wn_batch_index(const struct wn_receive_batch *batch, uint32_t i)
{
	return (batch->first + i) & batch->view->slot_mask;
}

static inline uint8_t *wn_batch_frame(const struct wn_receive_batch *batch, uint32_t i)
{
	return wn_ring_frame(batch->view, wn_batch_index(batch, i));
}

static inline struct wn_peer *wn_batch_peer(const struct wn_receive_batch *batch, uint32_t i)
{
	return &batch->view->peers[wn_batch_index(batch, i)];
}

/*
 * What a link says of packet i: the whole of its slot, written once. Each packet that receive
 * returns is described once, in order, because they are numbered and their bytes are summed here.
 * `length` is what lies in the frame, `wire_length` what the packet had; the truncated flag is set
 * where they differ.
 */
static inline void wn_batch_describe(struct wn_receive_batch *batch, uint32_t i, uint32_t length,
				     uint32_t wire_length, uint32_t flags, uint64_t arrival_ns)
{
	const uint32_t index = wn_batch_index(batch, i);
	struct wn_slot *slot = &batch->view->slots[index];

	if (length < wire_length)
		flags |= WN_SLOT_TRUNCATED;
	else
		wire_length = length;
	slot->position = batch->first + i + 1;
	slot->flags = flags;
	slot->length = length;
	slot->wire_length = wire_length;
	slot->index = batch->index++;
	slot->segment_bytes = 0;
	slot->segment_count = 1;
	slot->arrival_ns = arrival_ns;
	batch->bytes += wire_length;
	if (batch->trains)
		batch->trains[index] = (struct wn_train){length, 0, 1};
}

/*
 * Makes packet i, the one described last, a train: datagrams of segment_bytes each, the last one may
 * be shorter. A train with more segments than a slot has verdicts cannot be split: it is truncated.
 */
static inline void wn_batch_make_train(struct wn_receive_batch *batch, uint32_t i,
				       uint32_t segment_bytes)
{
	const uint32_t index = wn_batch_index(batch, i);
	struct wn_slot *slot = &batch->view->slots[index];
	const uint32_t length = slot->length;
	const uint32_t count = segment_bytes ? (length + segment_bytes - 1) / segment_bytes : 1;

	if (count < 2)
		return;
	if (count > batch->view->segments_max) {
		slot->flags |= WN_SLOT_TRUNCATED;
		return;
	}
	slot->flags |= WN_SLOT_TRAIN;
	slot->segment_bytes = (uint16_t)segment_bytes;
	slot->segment_count = (uint16_t)count;
	batch->index += count - 1;
	if (batch->trains)
		batch->trains[index] =
			(struct wn_train){length, (uint16_t)segment_bytes, (uint16_t)count};
}

#define WN_NOT_A_REPLY UINT32_MAX

/* One thing to send. */
struct wn_send_item {
	const uint8_t *bytes;   /* the transmit pump's until send returns */
	uint32_t length;
	uint32_t reply_index;   /* slot index, in this queue's ring, of the packet answered: the link
				 * looks up its private copy of the peer there; WN_NOT_A_REPLY for what
				 * comes from another link */
	uint32_t segment_bytes; /* trains: send as datagrams of this many bytes; else 0 */
	uint32_t wire_length;   /* captured packets: bytes on the wire where it was cut; else 0 */
	uint64_t arrival_ns;    /* captured packets: CLOCK_MONOTONIC of their arrival; else 0 */
	int32_t error;          /* out: 0, or the errno with which this item was given up, or, of
				 * the first that cannot be sent just now, why; EINPROGRESS: taken,
				 * but a part is still to go, and only flush tells what became of it */
	uint32_t sent;          /* out, trains with an error: datagrams that went out all the same */
};

/* What a link is and can do; plain data, filled by open. */
struct wn_link_limits {
	enum wn_packet_kind kind;  /* WN_DATAGRAM, WN_FRAME or WN_STREAM */
	uint32_t queue_count;
	uint32_t slot_count;       /* slots a queue where the user names none; 0: the usual preset */
	uint32_t slot_bytes_min;   /* packets can be this large */
	uint32_t segments_max;     /* 1, or WN_TRAIN_SEGMENTS_MAX where it receives trains */
	uint32_t burst_max;        /* slots it fills, or items it sends, in one call at most */
	uint8_t can_receive;
	uint8_t can_send;
	uint8_t keeps_deliveries;  /* what programs deliver on this link goes out by its own send */
	uint8_t takes_filter;      /* link->filter is applied before packets are handed in */
	uint8_t is_live;           /* cannot be asked to wait: what the ring does not take is lost */
};

struct wn_link_ops {
	const char *kind;          /* as the user types it */
	const char *summary;       /* one line */
	const char *address;       /* what the address is, for messages and help: "HOST:PORT" */
	const char *missing;       /* NULL; or why this build cannot open it, and what would help */
	const struct wn_option *options;
	size_t state_bytes;        /* of link->state, zeroed before open */

	/*
	 * Opens the link: link->options is parsed, link->state zeroed, link->filter may hold a
	 * tcpdump filter. Fills link->limits and link->where. 0 or -errno with the reason; what it
	 * had opened is closed again.
	 */
	int (*open)(struct wn_link *link, struct wn_error *error);

	/* Called once a queue before its pumps start: allocate what is kept for each slot. NULL: nothing is. */
	int (*attach)(struct wn_link *link, uint32_t queue, const struct wn_ring_view *view,
		      struct wn_error *error);

	/*
	 * Fills slots and describes them. Returns how many, 0 when nothing came in the time given,
	 * -ENODATA when nothing will ever come again (end of a file), or another -errno, which is
	 * counted and logged; then nothing was filled. EBADF and ENODEV end the queue.
	 */
	int (*receive)(struct wn_link *link, uint32_t queue, struct wn_receive_batch *batch);

	/*
	 * Reads and throws away a burst: the ring is full and the user prefers that the newest packets
	 * are lost and counted here. Returns how many packets (datagrams of a train count one each) and
	 * adds their bytes, or -errno. Optional: NULL where the link can wait. Receive pump.
	 */
	int (*discard)(struct wn_link *link, uint32_t queue, uint64_t *bytes);

	/*
	 * Sends items in order, at most limits.burst_max. Returns how many it is done with, each
	 * with its error set; 0 when the first cannot be sent just now (EAGAIN, ENOBUFS in its
	 * error). Never waits for more than a millisecond. Optional: NULL where can_send is 0. An item with
	 * EINPROGRESS is the last of its call, and nothing more is taken before flush has ended it.
	 */
	int (*send)(struct wn_link *link, uint32_t queue, struct wn_send_item *items, uint32_t count);

	/*
	 * Pushes out what send may have kept back. 0: nothing is kept back any more; -EAGAIN: something
	 * still is; another -errno: it is lost. Optional. Same caller as send.
	 */
	int (*flush)(struct wn_link *link, uint32_t queue);

	/* Packets the kernel dropped before receive could see them, since open. Optional: NULL is 0. */
	uint64_t (*kernel_dropped)(struct wn_link *link, uint32_t queue);

	/*
	 * Device-driven (drive.h): all NULL where the link cannot. Each by the queue's drive thread but
	 * for drive, settle and census, which are the owner's: before it starts, while the device
	 * stands still, after its end.
	 *
	 * drive: after attach. Hands the kernel's rings and all frames of this queue over to a device; fills
	 * drive->view, all but handover, own_link and link_count, and its regions. receive and send are not
	 * called any more. 0 or -errno.
	 */
	int (*drive)(struct wn_link *link, uint32_t queue, struct wn_drive *drive, struct wn_error *error);

	/* Makes the system call that the kernel asks for, if it does. 1 when it was made, 0, or -errno. Two end the queue:
	 * -ENODEV, and -EOWNERDEAD, which says that the kernel's thread for it is no more. */
	int (*wake)(struct wn_link *link, uint32_t queue);

	/* Waits until something has arrived, or wait_ns. 1 when something is there, 0, or -ENODEV: nothing ever will be. */
	int (*wait)(struct wn_link *link, uint32_t queue, int64_t wait_ns);

	/* Lets nothing more arrive. 1 once all that had arrived was taken; called until then. */
	int (*quiesce)(struct wn_link *link, uint32_t queue);

	/* What was given to the kernel to send and was not taken by it yet. */
	uint32_t (*sending)(struct wn_link *link, uint32_t queue);

	/* Tells where the cursors stand, and puts frames that the device held back. No device runs. */
	void (*settle)(struct wn_link *link, uint32_t queue, struct wn_drive_cursors *cursors);

	/*
	 * What programs deliver on this link is written to a file by the device that drives it: opens it,
	 * "PATH[,option=value...]". Before attach, by the owner. Optional: NULL where the link cannot. 0 or -errno.
	 */
	int (*deliver_to)(struct wn_link *link, const char *text, struct wn_error *error);

	/* The device does not come back: what it had still to write is written, or given up. The owner's. Optional. */
	void (*finish)(struct wn_link *link, uint32_t queue);

	/* Adds what became of records in this queue's file. Any thread. Where there is deliver_to. */
	void (*file_counts)(struct wn_link *link, uint32_t queue, struct wn_file_counts *counts);

	/* Adds where the frames of this queue are. No device runs. */
	void (*census)(struct wn_link *link, uint32_t queue, struct wn_census *census);

	/*
	 * Streams: connections that still send from the file of that version of the program's data. The owner's, after that
	 * version was exchanged for another. NULL: none ever.
	 */
	uint32_t (*file_users)(struct wn_link *link, uint32_t queue, uint32_t version);

	/* Streams: what was counted of connections. Any thread. NULL: it has none. */
	void (*connections)(struct wn_link *link, uint32_t queue, struct wn_connections *connections);

	/* Undoes open and attach. */
	void (*close)(struct wn_link *link);
};

struct wn_link {
	const struct wn_link_ops *ops;
	struct wn_options options;
	struct wn_link_limits limits;
	const struct wn_memory_hooks *hooks;  /* for the memory link; NULL otherwise */
	struct wn_identity identity;          /* frame links: what the lane's stack answers for */
	const char *filter;                   /* tcpdump filter, or NULL */
	uint32_t slot_bytes;                  /* asked by the user, 0: none; open may look at it */
	size_t memory_bytes;                  /* what it allocated for packets; open and attach add */
	char spec[256];                       /* as the user wrote it */
	char where[256];                      /* what was opened, for the start-up line */
	void *state;
};

/*
 * Opens "KIND:ADDRESS[,option=value...]". 0 or -errno; `error` names what was asked, what is wrong,
 * what would be right. wn_link_close() undoes it; a zeroed link is fine.
 */
int wn_link_open(struct wn_link *link, const char *spec, const char *filter, uint32_t slot_bytes,
		 const struct wn_memory_hooks *hooks, struct wn_error *error);
void wn_link_close(struct wn_link *link);

/* The list, in the order shown to users; ends with NULL. */
extern const struct wn_link_ops *const wn_link_kinds[];

extern const struct wn_link_ops wn_link_memory;
extern const struct wn_link_ops wn_link_udp;
extern const struct wn_link_ops wn_link_uring;
extern const struct wn_link_ops wn_link_tcp;
extern const struct wn_link_ops wn_link_packet;
extern const struct wn_link_ops wn_link_xdp;
extern const struct wn_link_ops wn_link_pcap;

#endif
