/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The far side of a link kind, for the one contract test that all kinds pass: where its packets
 * come from and where what it sends turns up.
 *
 * A feeder serves one link at a time. It reports failures by its results; only the suite checks.
 */
#ifndef WN_TESTS_FEEDER_H
#define WN_TESTS_FEEDER_H

#include "link/link.h"

enum { SAMPLE_BYTES_MAX = 2048 };

struct sample {
	uint32_t length;
	uint8_t bytes[SAMPLE_BYTES_MAX];
};

struct feeder {
	const char *kind;
	enum wn_packet_kind packets;
	uint32_t flags;               /* that each of its packets carries, apart from truncated */
	const char *unknown_option;   /* a spec with an option surely_unknown=1 */
	const char *wrong_value;      /* a spec with a value that must be refused */
	const char *wrong_option;     /* the option whose value that is */

	/* Why this kind cannot be tested here, or NULL. Optional. */
	const char *(*obstacle)(void);

	/*
	 * Before open: makes ready, and writes the spec. `samples` are what the link is to receive.
	 * 0 or -errno.
	 */
	int (*prepare)(char *spec, size_t bytes, const struct sample *samples, uint32_t count);

	/* Hooks for open. Optional. */
	const struct wn_memory_hooks *hooks;

	/* After open: sends the samples to the link. Optional where prepare did. 0 or -errno. */
	int (*feed)(const struct wn_link *link, const struct sample *samples, uint32_t count);

	/* The next packet that the link sent: its length, or -1 where none comes in twenty seconds. */
	int (*collect)(uint8_t *bytes, uint32_t capacity);

	/* Undoes prepare. */
	void (*finish)(void);
};

extern const struct feeder feeder_memory;
extern const struct feeder feeder_udp4;
extern const struct feeder feeder_udp6;
extern const struct feeder feeder_packet2;
extern const struct feeder feeder_packet3;
extern const struct feeder feeder_xdp;
extern const struct feeder feeder_xdp_skb;
extern const struct feeder feeder_pcap;

#endif
