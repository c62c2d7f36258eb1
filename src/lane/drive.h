/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Device-driven: what the device is given to be itself the client of a kernel's rings, so that no thread
 * of the host is in the way of a packet.
 *
 *     kernel == fill, rx, tx, completion ==> device            lane/port_xdp.h    (AF_XDP)
 *     kernel == CQ, SQ, provided buffers ==> device            lane/port_uring.h  (io_uring)
 *
 * A pool of frames is shared by kernel, device and host. A frame is in one place at any moment:
 *
 *     WN_FRAME_FREE      the kernel may receive into it: in the fill ring, with the kernel, or in
 *                        the ring of what arrived, not taken yet
 *     WN_FRAME_DEVICE    the device works on it
 *     WN_FRAME_SENDING   it was given to the kernel to send from and has not come back
 *
 * The state is one byte a frame, written by the device alone (by the host once the device is gone): what
 * the kernel hands back is checked against it before it is followed. A reply is sent from the
 * frame that its packet came in. All rings have room for all frames, so none ever overflows and
 *
 *     free + device + sending = all frames
 *
 * What a device cannot carry out itself it hands over to the host in a packet ring (ring/layout.h), whose receive
 * pump, so to speak, is the device: what is delivered, records, and what is forwarded to
 * another link. Only that is copied. The transmit pump takes it from there as ever.
 *
 * Letters: (P)(C)(F)(R) are those of link/xdp_socket.h for cursors that kernel and device share;
 *
 *   word                 written by      read by        write          read
 *   closed               host            device         release (C1)   acquire (E1)
 *   released             host            device         release (R1)   acquire (F1)
 *   handover.published   device          host           release (P1)   acquire (D1)
 *   values, sequence     device          host           release (S1)   acquire (G1), see counters.h
 *   left                 device          host           release (X1)   acquire (Y1)
 *
 *   (C1)->(E1)  the device leaves only after a last look at what arrived before.
 *   (R1)->(F1)  a slot that is handed over again is no longer read by the transmit pump.
 *   (P1)->(D1)  slot, bytes, record and verdict word are written before the slot is seen.
 *   (X1)->(Y1)  all its counts are shown, and it touches no ring any more.
 */
#ifndef WN_LANE_DRIVE_H
#define WN_LANE_DRIVE_H

#include "lane/file.h"
#include "ring/layout.h"
#include "warpnic/verdict.h"

enum wn_frame_state { WN_FRAME_FREE, WN_FRAME_DEVICE, WN_FRAME_SENDING };

/* A ring of the kernel's. Cursors are free-running; entries as the kernel defines them. */
struct wn_kernel_ring {
	WN_GLOBAL uint32_t *producer;
	WN_GLOBAL uint32_t *consumer;
	WN_GLOBAL uint32_t *flags;      /* for the host: whether the kernel wants to be woken */
	WN_GLOBAL uint8_t *entries;
	uint32_t mask;
	uint32_t reserved;
};

/* What the device counts, each the sum since it began; shown between two steps of `sequence`. */
enum wn_drive_value {
	WN_DRIVE_TAKEN,                 /* packets taken from the kernel */
	WN_DRIVE_TAKEN_BYTES,
	WN_DRIVE_FINISHED,              /* packets that have their fate: the sum of all that follow but bytes and bad */
	WN_DRIVE_ANSWERED,              /* given to the kernel to send back */
	WN_DRIVE_ANSWERED_BYTES,
	WN_DRIVE_FORWARDED,             /* the same, out of the link they came from */
	WN_DRIVE_HANDED,                /* handed over to the host */
	WN_DRIVE_FULL,                  /* dropped: no slot free to hand it over */
	WN_DRIVE_FILED,                 /* delivered into the device's own file (lane/file.h) */
	WN_DRIVE_FILE_FULL,             /* dropped: no room for what is to be written there */
	WN_DRIVE_SEND_FAILED,           /* the kernel gave an error for what was sent */
	WN_DRIVE_BAD_ARRIVALS,          /* entries of what arrived that the kernel cannot mean: not followed */
	WN_DRIVE_BAD_RETURNS,           /* the same of what was sent */
	WN_DRIVE_RECEIVE_ERRORS,        /* uring: receives that the kernel ended with an error */
	WN_DRIVE_CQ_CURSOR,             /* uring: where the cursors stood when all this was true, modulo 2^32 */
	WN_DRIVE_SQ_CURSOR,
	WN_DRIVE_DROPPED,               /* by code of the verdict word: 0 .. WN_DRIVE_CODES - 1 */
	WN_DRIVE_CODES = WN_CODE_STOPPED + 1,
	WN_DRIVE_VALUES = WN_DRIVE_DROPPED + WN_DRIVE_CODES
};

/* Words of one queue that host and device share beside the kernel's rings. */
struct wn_drive_words {
	uint32_t closed;                /* host: 1: take what is there and leave */
	uint32_t released;              /* host: slots of the handover ring that are free again */
	uint8_t pad_host[WN_LINE_BYTES - 8];
	uint32_t left;                  /* device */
	uint8_t pad_left[WN_LINE_BYTES - 4];
	uint64_t sequence;              /* device; odd while it writes */
	uint64_t values[47];            /* enum wn_drive_value */
};

enum wn_drive_kind { WN_DRIVE_XDP = 1, WN_DRIVE_URING = 2, WN_DRIVE_STREAM = 3 };

/* The four rings of an AF_XDP socket (linux/if_xdp.h). */
struct wn_xdp_rings {
	struct wn_kernel_ring fill;     /* ours to fill: addresses of free frames */
	struct wn_kernel_ring rx;       /* the kernel's: struct wn_xdp_entry of frames that arrived */
	struct wn_kernel_ring tx;       /* ours: the same, of frames to send */
	struct wn_kernel_ring completion; /* the kernel's: addresses of frames that were sent */
};

struct wn_uring_buffer;
struct wn_uring_words;

/* The rings of an io_uring, and what the device must know to fill them (lane/port_uring.h). */
struct wn_uring_rings {
	struct wn_kernel_ring cq;       /* the kernel's: struct wn_uring_cqe */
	struct wn_kernel_ring sq;       /* ours: struct wn_uring_sqe */
	WN_GLOBAL struct wn_uring_buffer *buffers; /* ours: free frames; its tail lies in the first of them */
	WN_GLOBAL struct wn_uring_words *words;
	uint64_t frames_address;        /* where the frames are for the kernel: in the process that made the ring */
	uint64_t receive_address;       /* the same: struct wn_uring_message of the receive */
	uint64_t peer_address;          /* the same: where forwarded datagrams go */
	uint32_t peer_bytes;            /* 0: nowhere */
	uint32_t buffer_mask;
	uint32_t head_bytes;            /* in front of a frame's buffer: 0, or to send by SENDMSG */
	uint32_t control_bytes;         /* of each packet's control messages */
	uint32_t arm_count;             /* free frames for which a receive that ended is armed again */
	uint32_t reserved;
};

struct wn_conn;
struct wn_stream_message;
struct wn_stream_words;

/* Streams: what an io_uring of connections has besides its rings, which are `uring` (lane/stream.h). */
struct wn_stream_rings {
	WN_GLOBAL struct wn_conn *conns;
	WN_GLOBAL struct wn_stream_message *messages;
	WN_GLOBAL struct wn_stream_words *words;
	WN_GLOBAL uint8_t *windows;
	WN_GLOBAL uint8_t *outs;
	WN_GLOBAL uint32_t *lengths;    /* of what a held frame holds */
	WN_GLOBAL uint32_t *next;       /* the frame behind it */
	uint64_t messages_address;      /* for the kernel, as the next */
	uint64_t outs_address;
	uint32_t connection_count;      /* places in the table of files */
	uint32_t connection_limit;      /* that may be open at once, less than those */
	uint32_t window_shift, out_shift; /* log2 of the bytes of either */
	uint32_t idle_ms;               /* 0: never */
	int32_t listener;               /* a descriptor of the process that made the ring */
};

/* One queue as the device drives it: launch constants. */
struct wn_drive_view {
	uint32_t kind;                  /* enum wn_drive_kind */
	uint32_t frame_count;
	uint32_t frame_shift;           /* log2 of the bytes of a frame */
	uint32_t own_link;              /* FORWARD to this link goes out of it by the device itself */
	uint32_t link_count;
	uint32_t send_bytes_max;        /* longer ones are not sent: send_failed */
	WN_GLOBAL uint8_t *frames;
	WN_GLOBAL uint8_t *states;      /* enum wn_frame_state, one a frame */
	WN_GLOBAL uint8_t *checked;     /* the same once more where `states` is far away; else `states` itself */
	WN_GLOBAL struct wn_drive_words *words;
	struct wn_ring_view handover;   /* and the link's identity */
	struct wn_xdp_rings xdp;
	struct wn_uring_rings uring;
	struct wn_file_view file;       /* uring: where what is delivered goes; else block_bytes is 0 */
	struct wn_stream_rings stream;
};

/* What a port says of one entry that it took from the kernel. */
enum wn_take {
	WN_TAKE_NOTHING,                /* there is no frame behind it */
	WN_TAKE_PACKET,                 /* one arrived: the frame is the device's */
	WN_TAKE_BACK,                   /* one came back from sending: the device's again */
	WN_TAKE_BAD,                    /* the kernel cannot have meant it: counted, not followed */
	WN_TAKE_BAD_FRAME,              /* the same, but its frame is known: the device's, to be given back */
	WN_TAKE_WRITTEN                 /* a write to the file has ended */
};

struct wn_drive_item {
	uint32_t frame;                 /* number in the pool */
	uint32_t length;                /* WN_TAKE_WRITTEN: the number of the write */
	uint32_t wire_length;           /* WN_TAKE_WRITTEN: its result */
	uint32_t flags;                 /* WN_SLOT_... */
	uint64_t offset;                /* of its bytes, from `frames` */
	WN_GLOBAL const uint8_t *peer;  /* datagrams: its address, in network order */
	uint32_t peer_port;
	uint32_t failed;                /* WN_TAKE_BACK, WN_TAKE_NOTHING: 1: the kernel gave an error */
	uint32_t forwards;              /* to be sent, WN_TAKE_BACK: 1: it was forwarded, else answered */
	uint32_t name_bytes;            /* uring: of the peer's socket address */
	uint32_t ended;                 /* uring: enum wn_uring_receive, where the receive ended; else 0 */
};

WN_FN void wn_drive_set_state(WN_STAGED const struct wn_drive_view *view, uint32_t frame, uint32_t state)
{
	view->states[frame] = (uint8_t)state;
	view->checked[frame] = (uint8_t)state;
}

/* What one batch did to the rings. */
struct wn_drive_batch {
	uint32_t taken;                 /* entries of what arrived: rx, cq */
	uint32_t back;                  /* xdp: entries of completion */
	uint32_t sent;                  /* frames on tx, sq */
	uint32_t given;                 /* frames on fill, buffers */
	uint32_t received;              /* uring: of `taken`, those that brought a frame to receive into */
	uint32_t ended;                 /* uring: the last item's `ended` that was not 0 */
	uint32_t writes;                /* uring: 1: a write to the file, behind those that are sent */
};

WN_STATIC_ASSERT(sizeof(struct wn_drive_words) == 5 * WN_LINE_BYTES, drive_words_are_five_lines);
WN_STATIC_ASSERT((int)WN_DRIVE_VALUES <= 47, drive_values_fit);

#endif
