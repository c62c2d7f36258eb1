/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streams: TCP connections that the kernel keeps and whose bytes a device reads and answers, by one io_uring
 * (lane/port_uring.h has its rings and words; this is what a connection adds).
 *
 *     kernel                                        device (one group a ring)
 *     accept, multishot     -> cq: a number      -> a connection of that number begins
 *     receive, multishot    -> cq: frame, length -> the program runs on the bytes so far
 *     sends                 <- sq: SEND, SENDMSG <- its reply, from the connection's own room and from the file
 *     their completions     -> cq                -> the program runs on what has come meanwhile
 *     close                 <- sq: CLOSE         <- the last of a connection
 *
 * The kernel puts each connection into a table of files that belongs to the ring (IORING_FILE_INDEX_ALLOC, a "direct
 * descriptor"), and the number it says is the place there. It is the connection's number here, too: it takes part in
 * nothing of the process, and is free once the device has asked for the CLOSE.
 *
 * **What a connection owns**, all of it written by the device alone, read by the host once the device stands still:
 *
 *   conns[n]        its state: below
 *   windows + n * window_bytes   bytes that came and were not consumed, from `start`, `fill` of them
 *   outs + n * out_bytes         bytes of replies; constant from the SEND on until its completion
 *   messages[n]     header and vectors of a SENDMSG: the same
 *   held frames     a chain of frames with bytes that did not fit into the window, by lengths[] and next[]
 *
 * The program runs on a frame itself where the window is empty; what it does not consume goes to the window. So
 * a request that comes in one piece is copied nowhere.
 *
 * **Order.** Of one connection there is one receive and one send at most with the kernel. A multishot receive completes in
 * order. A send completes before the next one is put on the sq, and asks for all of its bytes (MSG_WAITALL); what is
 * left of a short one goes first. While a send is under way the program does not run, for the reply's room is in use. So
 * bytes go in and out in order, whatever the sizes.
 *
 * **Back-pressure.** While a reply is under way what comes is kept in the window. Once another whole frame would not fit
 * there, the receive is cancelled; what the kernel had received by then is held in its frames (all of them, at worst: a multishot
 * receive goes on for as long as the peer is faster). From then on the connection receives frame by frame, each receive
 * being put on the sq when there is room for all it can bring: the peer finds its window closed. Held frames are frames
 * that others lack: a receive that finds none (ENOBUFS) is put there again once an eighth of them are free. While
 * connections wait for that, one that holds frames and reads nothing for a second is ended (WN_END_OVERRUN).
 *
 * **Ends.** A connection is closed when it has nothing with the kernel any more. What is, is cancelled first, or, where a reply must
 * still arrive, shut down for writing and read until the peer has closed as well (else the reset that follows unread
 * bytes could overtake the reply). Each has one cause, enum wn_end, and
 *
 *     accepted = open + the sum of all causes
 *
 * **Late completions.** `user_data` is kind << 56 | generation << 32 | number. A connection's generation is another one each time
 * that the number begins anew; what does not fit generation and what the connection has with the kernel is a bad entry: counted,
 * and not followed, nor is the frame that it names. A CLOSE completes only where it failed.
 *
 * **Room.** cq overflow is kept by the kernel in order, and the host fetches it (link/uring_ring.h). On the sq there may be
 * WN_STREAM_ENTRIES of one completion at most, and a batch is only as large as there is room for.
 *
 * **The file** that replies are sent from is that of a version of the program's data. Whoever has exchanged it looks which
 * connections still have pieces of the old one, conns[n].file_version: once none has, none will again.
 *
 *   word                     written by    read by    write           read
 *   words->closing           host          device     release         acquire     1: close what is idle; 2: all, now
 *   words->wall_offset_ns    host          device     relaxed         relaxed     CLOCK_REALTIME - CLOCK_MONOTONIC
 *   words->totals            device        host       release         acquire     each by itself; exact once it stands still
 *   conns[n].file_version    device        host       release (V)     acquire     0 behind the completion of the last send from it
 */
#ifndef WN_LANE_STREAM_H
#define WN_LANE_STREAM_H

#include "lane/drive.h"
#include "lane/port_uring.h"

enum {
	WN_STREAM_CONNECTIONS_MAX = 16384, /* of a ring */
	WN_STREAM_FRAMES_MAX = 8192,
	WN_STREAM_PIECES = 16,             /* of the replies of one connection that wait to be sent */
	WN_STREAM_SEND_MAX = 256 * 1024,   /* bytes of one send: after that a slow reader has shown that it reads */
	WN_STREAM_ENTRIES = 4,             /* of the sq that one completion may take */
	WN_STREAM_LINGER_MS = 2000,        /* a peer may take to close, once it was told that nothing more comes */
	WN_STREAM_LINGER_BYTES = 16 << 20, /* ... and may send meanwhile */
	WN_STREAM_HOLD_MS = 1000,          /* frames may be held without anything being read, when others wait for frames */
	WN_STREAM_SWEEP_MS = 250           /* between two looks at who is idle */
};

/* What a completion is of; behind enum wn_uring_kind. */
enum wn_stream_kind {
	WN_STREAM_ACCEPT = 16,
	WN_STREAM_RECEIVE,
	WN_STREAM_SEND,
	WN_STREAM_SHUT,
	WN_STREAM_CANCEL,
	WN_STREAM_CLOSE
};

/* Why a connection ended. */
enum wn_end {
	WN_END_NONE,
	WN_END_PEER,       /* the peer had closed */
	WN_END_PROGRAM,    /* the program said so */
	WN_END_FAULT,      /* the program made a fault, or returned what is no verdict for a stream */
	WN_END_RESET,      /* a receive or a send failed */
	WN_END_IDLE,       /* nothing was consumed and nothing sent for too long */
	WN_END_REFUSED,    /* more connections than there may be */
	WN_END_OVERRUN,    /* sends without reading, when frames are short */
	WN_END_STOPPED,    /* the run was over, or the device died */
	WN_ENDS
};

/* What was counted of connections: the sum since the ring was opened. */
enum wn_stream_total {
	WN_STREAM_ACCEPTED,
	WN_STREAM_OPEN,
	WN_STREAM_ACCEPT_ERRORS,   /* the kernel could not accept: counted, tried again */
	WN_STREAM_UNREAD_BYTES,    /* that came and no program consumed */
	WN_STREAM_BAD_ENTRIES,
	WN_STREAM_ENDED,           /* + enum wn_end */
	WN_STREAM_TOTALS = WN_STREAM_ENDED + WN_ENDS
};

/* What a connection has with the kernel, and what is known of it. */
enum wn_conn_flag {
	WN_CONN_OPEN = 1 << 0,
	WN_CONN_RECEIVING = 1 << 1,
	WN_CONN_RECEIVE_CANCELLED = 1 << 2,
	WN_CONN_SENDING = 1 << 3,
	WN_CONN_SEND_CANCELLED = 1 << 4,
	WN_CONN_SHUTTING = 1 << 5,
	WN_CONN_ENDED = 1 << 6,        /* the peer has sent all */
	WN_CONN_LAST = 1 << 7,         /* closes behind the reply */
	WN_CONN_LINGERS = 1 << 8,      /* it was shut down for writing */
	WN_CONN_DEAD = 1 << 9,         /* closes as soon as nothing is with the kernel */
	WN_CONN_PRESSED = 1 << 10,     /* receives frame by frame */
	WN_CONN_STARVED = 1 << 11,     /* a receive found no frame */
	WN_CONN_ASKS = 1 << 12,        /* the program has not seen all that there is */
	WN_CONN_MULTISHOT = 1 << 13    /* the receive is one */
};

struct wn_stream_piece {
	uint64_t address;              /* for the kernel */
	uint64_t bytes;
};

/* One connection. */
struct wn_conn {
	uint32_t flags;                /* enum wn_conn_flag */
	uint32_t generation;           /* 24 bits */
	uint32_t start, fill;          /* of the window */
	uint32_t held_first, held_last, held_count;
	uint32_t out_used;             /* of its room for replies */
	uint32_t piece_first, piece_count;
	uint32_t sent_bytes;           /* of the send under way */
	uint32_t answers;              /* messages whose replies are among the pieces */
	uint32_t active_ms;            /* when it last did something, modulo 2^32 */
	uint32_t end;                  /* enum wn_end, once it is known */
	uint32_t file_version;         /* that pieces lie in; 0: in none */
	uint32_t linger_bytes;
	uint64_t kept;                 /* the program's */
	uint64_t reserved[7];
	struct wn_stream_piece pieces[WN_STREAM_PIECES];
};

/* struct msghdr, 64 bits, and its iovecs */
struct wn_stream_message {
	uint64_t name;
	uint32_t name_bytes;
	uint32_t pad;
	uint64_t vectors;
	uint64_t vector_count;
	uint64_t control;
	uint64_t control_bytes;
	uint32_t flags;
	uint32_t pad2;
	uint64_t pad3;
	struct wn_stream_piece vector[WN_STREAM_PIECES];
};

struct wn_stream_words {
	uint32_t closing;              /* host */
	uint32_t pad;
	uint64_t wall_offset_ns;       /* host */
	uint8_t pad_host[WN_LINE_BYTES - 16];
	uint32_t highest;              /* device: connection numbers below this have been in use */
	uint32_t starved;              /* device: connections with WN_CONN_STARVED */
	uint64_t totals[WN_STREAM_TOTALS]; /* device */
};

/* linux/io_uring.h, linux/socket.h: link/stream_ring.c compares them with the headers. */
enum {
	WN_URING_OP_ACCEPT = 13,
	WN_URING_OP_ASYNC_CANCEL = 14,
	WN_URING_OP_CLOSE = 19,
	WN_URING_OP_RECV = 27,
	WN_URING_OP_SHUTDOWN = 34,
	WN_URING_SQE_SKIP_SUCCESS = 1 << 6,
	WN_URING_ACCEPT_MULTISHOT = 1 << 0,
	WN_URING_MSG_WAITALL = 0x100,
	WN_URING_MSG_NOSIGNAL = 0x4000,
	WN_URING_SHUT_WR = 1,
	WN_URING_SOCK_CLOEXEC = 02000000,
	WN_URING_ENOENT = 2,
	WN_URING_EAGAIN = 11,
	WN_URING_EINTR = 4,
	WN_URING_ENFILE = 23,
	WN_URING_ECONNABORTED = 103
};
#define WN_URING_INDEX_ALLOC 0xffffffffu

/* The largest receive buffer that a window may take whole: both are powers of two, the frame no larger. */
WN_FN uint64_t wn_stream_id(uint32_t kind, uint32_t generation, uint32_t number)
{
	return (uint64_t)kind << 56 | (uint64_t)(generation & 0xffffffu) << 32 | number;
}

WN_STATIC_ASSERT(sizeof(struct wn_conn) == 128 + 16 * WN_STREAM_PIECES, conn_is_whole_lines);
WN_STATIC_ASSERT(sizeof(struct wn_stream_message) == 64 + 16 * WN_STREAM_PIECES, stream_message_is_whole_lines);

#endif
