/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `warpnic send`: the parts and what they share.
 *
 *   send.c           options; puts the parts together
 *   send_socket.c    HOST:PORT, the sockets
 *   send_traffic.c   one burst out, one burst in, what a reply means
 *   send_loop.c      when to send, receive and sleep; when to stop
 *   send_window.c    packets in flight
 *   send_report.c    progress lines and the summary
 *
 * A payload of WN_SEND_HEADER_BYTES or more carries, in host order, for nobody but us:
 *
 *   offset 0   4   magic
 *          4   4   number, low 32 bits
 *          8   8   CLOCK_MONOTONIC of sending, in ns
 *         16   -   bytes of a fixed pattern, shifted by the number
 *
 * Every packet sent ends as completed, corrupted or lost. One thread.
 */
#ifndef WN_TOOL_SEND_H
#define WN_TOOL_SEND_H

#include <netinet/in.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "os/os.h"
#include "tool/histogram.h"
#include "tool/send_window.h"
#include "warpnic/status.h"

enum {
	WN_SEND_HEADER_BYTES = 16,
	WN_SEND_BURST = 32,            /* messages a system call */
	WN_SEND_SOURCES_MAX = 1024,
	WN_SEND_WINDOW_MAX = 1 << 20,
	WN_SEND_GSO_MAX = 128,         /* the kernel's UDP_MAX_SEGMENTS; 64 before Linux 6.9 */
	WN_SEND_MESSAGE_MAX = 65507,   /* payload bytes of an IPv4 datagram, or of a train */
	WN_SEND_PATTERN_SHIFTS = 64
};

struct wn_send_config {
	const char *target;            /* as the user wrote it */
	uint64_t count;                /* packets to send; 0: no limit */
	uint64_t rate;                 /* packets a second; 0: flat out */
	int64_t duration_ns;           /* 0: no limit */
	int64_t timeout_ns;
	int64_t interval_ns;           /* between progress lines; 0: none */
	double expect_loss_percent;
	uint32_t payload_bytes;
	uint32_t window;
	uint32_t gso;                  /* datagrams a message; 1: no trains */
	uint32_t sources;
	uint8_t is_gro, is_verified, is_json;
	uint8_t awaits_replies;        /* 0: --no-reply */
};

struct wn_send_counters {
	uint64_t sent, completed, lost, corrupted;
	uint64_t duplicates, late, reordered, unexpected;
	uint64_t sent_bytes, reply_bytes;  /* payload; reply_bytes of completed ones */
	uint64_t refused;              /* ICMP port unreachable, as the socket reports it */
	uint64_t send_errors;          /* other errors a socket reported */
	int last_error;                /* errno of the last one of those */
};

struct wn_send_source {
	int socket;
	int64_t waits;                 /* of os/os.h: what the socket was told */
	uint32_t newest;               /* highest number answered, to see reordering */
	uint8_t has_newest;
};

struct wn_send_buffers {
	uint8_t *out, *in;             /* WN_SEND_BURST messages each */
	uint32_t out_bytes, in_bytes;  /* a message */
	uint8_t *pattern;
	struct wn_os_message out_messages[WN_SEND_BURST], in_messages[WN_SEND_BURST];
	struct iovec out_parts[WN_SEND_BURST], in_parts[WN_SEND_BURST];
	/* The UDP_GRO control message: one int. */
	_Alignas(struct cmsghdr) uint8_t in_controls[WN_SEND_BURST][CMSG_SPACE(sizeof(int))];
};

struct wn_send {
	struct wn_send_config config;
	struct wn_send_counters counters;
	struct wn_send_buffers buffers;
	struct wn_window window;       /* used where replies are awaited */
	struct wn_histogram round_trip;
	struct wn_send_source *sources;
	struct pollfd *polls;
	uint32_t next_source;
	uint8_t is_blocked;            /* a socket's send buffer was full */
	uint8_t was_interrupted;
	int64_t start_ns;              /* of the run */
	int64_t end_ns;                /* of the last packet sent or reply received */
	struct rusage usage_start, usage_end;
	struct {
		int64_t ns;
		struct wn_send_counters counters;
	} progress;                    /* at the last progress line */
};

/* send_socket.c. Opens config.sources connected sockets. 0 or -errno; close also after that. */
int wn_send_open(struct wn_send *send, struct wn_error *error);
void wn_send_close(struct wn_send *send);

/* send_traffic.c. Buffers: 0 or -ENOMEM. */
int wn_send_buffers_init(struct wn_send_buffers *buffers, const struct wn_send_config *config);
void wn_send_buffers_finish(struct wn_send_buffers *buffers);

/*
 * Sends up to `wanted` packets from the next source in one call. Returns how many went out, 0 where
 * none can just now, or -errno where nothing of this kind will ever go out.
 */
int64_t wn_send_burst(struct wn_send *send, uint64_t wanted);

/* Sends the next packet from the first source, waiting for room. 1, 0 (counted error) or -errno. */
int wn_send_one(struct wn_send *send);

/* Takes what has arrived at a source; `waits` 1: waits for the first, up to a tenth of a second. Returns messages. */
int wn_send_receive(struct wn_send *send, uint32_t source, int waits);

/* The same for one datagram at the first source, waiting up to a tenth of a second. 1, or 0. */
int wn_send_receive_one(struct wn_send *send);

/* Counts packets that nobody answered in time. */
void wn_send_expire(struct wn_send *send, int64_t now_ns);

/* send_loop.c. The run: 0 or -errno with the reason. Ends at SIGINT and SIGTERM. */
int wn_send_loop(struct wn_send *send, struct wn_error *error);

/* send_report.c */
void wn_send_progress(struct wn_send *send, int64_t now_ns);
void wn_send_report(const struct wn_send *send);

/* Exit status by what was counted; says on stderr why where it is not 0. */
int wn_send_judge(const struct wn_send *send);

#endif
