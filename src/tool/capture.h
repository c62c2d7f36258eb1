/* SPDX-License-Identifier: Apache-2.0 */
/* A capture file in memory: for the tools, which look at each packet more than once. */
#ifndef WN_TOOL_CAPTURE_H
#define WN_TOOL_CAPTURE_H

#include <stdint.h>

#include "tool/frame.h"
#include "warpnic/status.h"

struct wn_captured {
	uint8_t *bytes;
	uint32_t length, wire_length;
};

struct wn_capture {
	struct wn_captured *list;
	uint32_t count, room;
	uint32_t longest;
	struct wn_frame_targets targets;   /* to whom they go */
};

/* Adds a copy of a frame or, with is_frame 0, of a datagram's payload. 0 or -ENOMEM. */
int wn_capture_add(struct wn_capture *capture, const uint8_t *bytes, uint32_t length,
		   uint32_t wire_length, int is_frame);

/*
 * Adds the Ethernet frames of a file, at most `most` of them (0: all). 0 or -errno: WN_NO_INPUT where it
 * cannot be read, WN_FAILED where it holds something else or is damaged, WN_UNAVAILABLE where this build
 * has no libpcap. Free it in any case.
 */
int wn_capture_read(struct wn_capture *capture, const char *path, uint64_t most, struct wn_error *error);

void wn_capture_free(struct wn_capture *capture);

#endif
