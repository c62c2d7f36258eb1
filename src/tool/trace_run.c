/* SPDX-License-Identifier: Apache-2.0 */
#include "tool/trace.h"

#include <errno.h>
#include <string.h>

/* Bytes of a slot that holds every packet with headers around it. */
static uint32_t slot_bytes_for(const struct wn_capture *capture)
{
	return capture->longest > 2048 ? 65536 : 2048;
}

static int run_packet(struct wn_replay *replay, struct wn_traced *traced, struct wn_trace *trace,
		      struct wn_error *error)
{
	const struct wn_captured *captured = traced->packet;
	const struct wn_replay_packet packet = {captured->bytes, captured->length, captured->wire_length};
	static struct wn_replay_result result;
	int rc;

	if (trace)
		memset(trace, 0, sizeof(*trace));
	rc = wn_replay_packet(replay, &packet, &result, error);
	traced->result = &result;
	return rc;
}

int wn_trace_run(const struct wn_runtime_params *given, const struct wn_capture *capture, int is_frame,
		 const char *link_options, int is_watched,
		 int (*show)(void *context, const struct wn_traced *traced), void *context,
		 struct wn_error *error)
{
	struct wn_runtime_params params = *given;
	struct wn_traced traced = {.is_frame = is_frame};
	char options[WN_FRAME_OPTIONS_BYTES] = "";
	struct wn_replay *replay;
	struct wn_trace *trace;
	int rc = 0;

	if (is_frame && !link_options)
		wn_frame_link_options(&capture->targets, options);
	params.slot_bytes = slot_bytes_for(capture);
	if (is_watched)
		params.device = "cpu,trace=on";
	replay = wn_replay_create(&params, is_frame, link_options ? link_options : options, error);
	if (!replay)
		return -EINVAL;
	trace = is_watched ? wn_runtime_trace(wn_replay_runtime(replay)) : NULL;
	traced.trace = trace;
	traced.fields = wn_runtime_record_fields(wn_replay_runtime(replay));
	for (uint32_t i = 0; !rc && i < capture->count; i++) {
		traced.number = i + 1;
		traced.packet = &capture->list[i];
		rc = run_packet(replay, &traced, trace, error);
		if (!rc)
			rc = show(context, &traced);
	}
	wn_replay_destroy(replay);
	return rc;
}
