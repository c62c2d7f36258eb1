/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can become of a packet: the codes of a verdict word.
 *
 * A program returns one of the first group. The device loop adds the causes. Every packet gets
 * exactly one code.
 */
#ifndef WARPNIC_VERDICT_H
#define WARPNIC_VERDICT_H

#include "warpnic/types.h"

enum wn_code {
	/* Returned by a program. */
	WN_DROP = 0,             /* the program wants nothing more of it: dropped_program */
	WN_REPLY = 1,            /* back to its sender, with the length and bytes it now has */
	WN_DELIVER = 2,          /* to the host: the record the program wrote, else the packet */
	WN_FORWARD = 3,          /* out of the next link; with one link, out of that one */
	WN_MORE = 4,             /* streams: nothing to say before more bytes have come */
	WN_CLOSE = 5,            /* streams: the reply, if there is one, then the end of the connection */

	/* Written by the device loop. */
	WN_CODE_RECORD = 8,      /* WN_DELIVER of a record */
	WN_CODE_TRAIN = 9,       /* the segments of a train have words of their own */
	WN_CODE_FAULT = 10,      /* the program reached outside its packet or its record */
	WN_CODE_BAD_VERDICT = 11, /* the program returned none of the above */
	WN_CODE_TRUNCATED = 12,  /* the packet was cut before the program could see it whole */
	WN_CODE_SHORT = 13,      /* shorter than the headers it must have */
	WN_CODE_CHECKSUM = 14,   /* a checksum does not match */
	WN_CODE_FRAGMENT = 15,   /* a fragment of an IP packet: nothing is put together here */
	WN_CODE_NOT_OURS = 16,   /* to somebody else's address */
	WN_CODE_UNSUPPORTED = 17, /* a protocol that the stack does not speak */
	WN_CODE_BAD_SOURCE = 18, /* from an address or port that nothing may be sent to */
	WN_CODE_STOPPED = 19,    /* the device stopped before it had answered; its host says so */

	/* Forward to link k is WN_FORWARD_LINK + k. */
	WN_FORWARD_LINK = 32,
	WN_FORWARD_LINKS_MAX = 32,
	WN_CODE_COUNT = 64
};

/* What a link carries, and what a program can take. */
enum wn_packet_kind {
	WN_DATAGRAM = 1,         /* a payload and a peer */
	WN_FRAME = 2,            /* an Ethernet frame */
	WN_ANY = 3,              /* either of them */
	WN_STREAM = 4            /* the bytes of a connection; may be added to another kind */
};

#endif
