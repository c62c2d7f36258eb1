/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One packet after the other through a program that is watched: what was parsed, which bytes the program
 * touched, the verdict, and what came out. For `warpnic trace`, and for tests that keep its JSON.
 */
#ifndef WN_TOOL_TRACE_H
#define WN_TOOL_TRACE_H

#include <stdio.h>

#include "device/trace.h"
#include "tool/capture.h"
#include "tool/replay.h"

/* All that is known of one packet; valid during the call. */
struct wn_traced {
	uint32_t number;                        /* from 1 */
	const struct wn_captured *packet;
	int is_frame;
	const struct wn_trace *trace;           /* NULL: the device keeps none */
	const struct wn_replay_result *result;
	const struct wn_record_field *fields;
};

/*
 * Runs the program of `params` over all packets and calls `show` for each, until it returns other than 0.
 * Frames are for whoever they are sent to, unless link options say otherwise. is_watched: on the cpu device,
 * with a tracing build; else on params->device. 0, what `show` returned, or -errno with the reason.
 */
int wn_trace_run(const struct wn_runtime_params *params, const struct wn_capture *capture, int is_frame,
		 const char *link_options, int is_watched,
		 int (*show)(void *context, const struct wn_traced *traced), void *context,
		 struct wn_error *error);

/* Lines for people. */
void wn_trace_print(const struct wn_traced *traced, FILE *file);

/* One JSON object on one line. The same packets give the same text. */
void wn_trace_write(const struct wn_traced *traced, FILE *file);

#endif
