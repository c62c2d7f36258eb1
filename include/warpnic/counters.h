/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What became of every packet.
 *
 * At any instant, to the unit:
 *
 *     received = answered + forwarded + delivered + the sum of dropped[] + in_flight
 *
 * in_flight is not computed from the others: it is what the receive pumps put into the rings less
 * what the transmit pumps took out, so that the sum is a check.
 */
#ifndef WARPNIC_COUNTERS_H
#define WARPNIC_COUNTERS_H

#include <stdint.h>

#include "warpnic/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Why a packet was dropped. wn_cause_name() gives the name used in every output. */
enum wn_cause {
	WN_CAUSE_RING_FULL,      /* no free slot, and the link was told to drop rather than wait */
	WN_CAUSE_TRUNCATED,      /* longer than a slot, or cut in its capture file */
	WN_CAUSE_SHORT_FRAME,    /* shorter than the headers it must have */
	WN_CAUSE_BAD_CHECKSUM,
	WN_CAUSE_FRAGMENT,       /* a fragment: nothing is put together here */
	WN_CAUSE_NOT_OURS,       /* a frame to somebody else's address */
	WN_CAUSE_UNSUPPORTED,    /* a protocol that the stack does not speak */
	WN_CAUSE_BAD_SOURCE,     /* from an address or port that nothing may be sent to */
	WN_CAUSE_PROGRAM,        /* the program's verdict was DROP */
	WN_CAUSE_PROGRAM_FAULT,  /* the program reached outside its packet */
	WN_CAUSE_BAD_VERDICT,    /* the program returned no verdict, or a link that is not there */
	WN_CAUSE_SEND_FAILED,    /* the link refused the reply or the forwarded packet */
	WN_CAUSE_DEVICE_STOPPED, /* still unanswered when the device was given up */
	WN_CAUSE_FILE_FULL,      /* delivered, and the memory for what is to be written was full */
	WN_CAUSE_COUNT
};

struct wn_counters {
	uint64_t received;          /* packets; the datagrams of a train count one each */
	uint64_t bytes;             /* of those, as on the wire: payload of datagrams, whole frames */
	uint64_t answered;          /* replies handed to the kernel */
	uint64_t answered_bytes;
	uint64_t forwarded;
	uint64_t delivered;         /* records and captured packets */
	uint64_t dropped[WN_CAUSE_COUNT];
	uint64_t in_flight;
	uint64_t kernel_dropped;    /* lost before the link could see them; not part of the sum */
	uint64_t receive_errors;    /* receive calls that failed; no packet is behind these */
};

/* "ring_full", "truncated", ... A constant. */
WN_API const char *wn_cause_name(enum wn_cause cause);

WN_API uint64_t wn_counters_dropped(const struct wn_counters *counters);

/* received - answered - forwarded - delivered - dropped - in_flight: 0, or there is a fault here. */
WN_API int64_t wn_counters_difference(const struct wn_counters *counters);

#ifdef __cplusplus
}
#endif

#endif
