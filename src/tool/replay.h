/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program fed one packet at a time, on the memory link, by the runtime that runs it anywhere else: what
 * became of each is known before the next one is handed in.
 */
#ifndef WN_TOOL_REPLAY_H
#define WN_TOOL_REPLAY_H

#include "warpnic/runtime.h"

enum wn_replay_fate {
	WN_REPLAY_DROPPED,     /* .cause says why */
	WN_REPLAY_ANSWERED,
	WN_REPLAY_FORWARDED,
	WN_REPLAY_DELIVERED,   /* the packet itself */
	WN_REPLAY_RECORD       /* .bytes is the record */
};

struct wn_replay_packet {
	const uint8_t *bytes;
	uint32_t length;
	uint32_t wire_length;  /* 0: the same */
};

struct wn_replay_result {
	enum wn_replay_fate fate;
	enum wn_cause cause;
	uint32_t length;
	const uint8_t *bytes;  /* until the next packet */
};

struct wn_replay;

/*
 * Makes a runtime of `params`: program, device, mode, slot_bytes, parameters, tables, data and loads count; the link
 * is a memory link for frames or datagrams, with more options ("ip=10.0.0.2") or "". NULL with the reason.
 * The strings must live as long.
 */
struct wn_replay *wn_replay_create(const struct wn_runtime_params *params, int is_frame,
				   const char *link_options, struct wn_error *error);

/* Hands in a packet and waits for its fate: 0, or -ETIMEDOUT where the program does not come back. */
int wn_replay_packet(struct wn_replay *replay, const struct wn_replay_packet *packet,
		     struct wn_replay_result *result, struct wn_error *error);

/* For names and counters of the program. */
struct wn_runtime *wn_replay_runtime(const struct wn_replay *replay);

void wn_replay_destroy(struct wn_replay *replay);

#endif
