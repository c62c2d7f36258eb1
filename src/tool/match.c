/* SPDX-License-Identifier: Apache-2.0 */
#include "tool/match.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STOP_MS = 20000, ROOM_MIN = 1 << 20 };

#define SEED 88172645463325252u

/* -- what comes back -- */

static int make_room(struct wn_match_stream *stream, size_t bytes)
{
	size_t room = stream->room ? stream->room : ROOM_MIN;
	uint8_t *events;

	while (room < stream->bytes + bytes)
		room *= 2;
	if (room == stream->room)
		return 0;
	events = realloc(stream->events, room);
	if (!events) {
		stream->is_short = 1;
		return -ENOMEM;
	}
	stream->events = events;
	stream->room = room;
	return 0;
}

static void note(struct wn_match_stream *stream, uint32_t kind, uint32_t number, const void *bytes,
		 uint32_t length)
{
	const uint32_t head[3] = {kind, number, length};

	if (make_room(stream, sizeof(head) + length))
		return;
	memcpy(stream->events + stream->bytes, head, sizeof(head));
	if (length)
		memcpy(stream->events + stream->bytes + sizeof(head), bytes, length);
	stream->bytes += sizeof(head) + length;
	stream->count++;
}

/* Where its events are of one run. */
struct run {
	struct wn_match_source source;
	const struct wn_match_hooks *hooks;
};

static int next_packet(void *context, uint32_t queue, uint8_t *bytes, uint32_t capacity, struct wn_memory_packet *packet)
{
	struct run *run = context;

	return wn_match_next(&run->source, queue, bytes, capacity, packet);
}

static int take_packet(void *context, uint32_t queue, const uint8_t *bytes,
		       const struct wn_memory_packet *packet, int is_reply)
{
	struct run *run = context;

	(void)queue;
	note(&run->source.outcome->sent, is_reply ? 1 : 2,
	     is_reply ? (uint32_t)packet->tag : packet->segment_bytes, bytes, packet->length);
	return 0;
}

static int take_delivery(void *context, const struct wn_delivery *delivery)
{
	struct run *run = context;

	note(&run->source.outcome->delivered, delivery->is_record ? 3 : 4, delivery->index,
	     delivery->bytes, delivery->length);
	return 0;
}

static void tell(void *context, const char *line)
{
	const struct run *run = context;

	if (run->hooks && run->hooks->log)
		run->hooks->log(run->hooks->context, line);
}

/* -- a run -- */

static const char *link_of(enum wn_match_shape shape)
{
	switch (shape) {
	case WN_MATCH_FRAMES:
		return "memory:kind=frame";
	case WN_MATCH_STACKED:
		return "memory:kind=frame,ip=10.0.0.2/24,ip=fd00::2/64,mac=02:00:00:00:00:09";
	case WN_MATCH_TRAINS:
		return "memory:trains=on";
	default:
		return "memory:";
	}
}

/* Puts the folder in place of the "%s" that a text may have. */
static void place(char *text, size_t bytes, const char *pattern, const char *folder)
{
	const char *at = strstr(pattern, "%s");

	if (at)
		snprintf(text, bytes, "%.*s%s%s", (int)(at - pattern), pattern, folder, at + 2);
	else
		snprintf(text, bytes, "%s", pattern);
}

static int finish(struct wn_runtime *runtime, struct run *run, struct wn_error *error)
{
	struct wn_match_outcome *outcome = run->source.outcome;
	int rc;

	while (!wn_runtime_wait(runtime, 1000))
		continue;
	rc = wn_runtime_stop(runtime);
	wn_runtime_snapshot(runtime, &outcome->counters);
	outcome->program_count = wn_runtime_program_counters(runtime, outcome->program, sizeof(outcome->program) / 8);
	if (run->hooks && run->hooks->look)
		run->hooks->look(run->hooks->context, runtime);
	if (rc)
		return wn_fail(error, -rc, WN_FAILED, "it did not come to its end within %d s", STOP_MS / 1000);
	if (outcome->sent.is_short || outcome->delivered.is_short)
		return wn_fail(error, ENOMEM, WN_FAILED, "out of memory");
	return 0;
}

static void forget(struct wn_match_outcome *outcome)
{
	outcome->sent.bytes = outcome->sent.count = 0;
	outcome->delivered.bytes = outcome->delivered.count = 0;
	outcome->sent.is_short = outcome->delivered.is_short = 0;
	memset(&outcome->counters, 0, sizeof(outcome->counters));
	outcome->program_count = 0;
}

int wn_match_run(const struct wn_match_program *program, const char *folder, const char *device, enum wn_mode mode,
		 struct wn_match_outcome *outcome, const struct wn_match_hooks *hooks, struct wn_error *error)
{
	struct run run = {.source = {.program = program, .outcome = outcome, .random = SEED}, .hooks = hooks};
	const struct wn_memory_hooks memory = {.context = &run, .next = next_packet, .take = take_packet};
	struct wn_runtime_params params = {
		.program = program->name,
		.device = device,
		.mode = mode,
		.links = {link_of(program->shape)},
		.link_count = 1,
		.hooks = &memory,
		.deliver = take_delivery,
		.log = tell,
		.context = &run,
		.stop_ms = STOP_MS,
	};
	char tables[WN_MATCH_TABLES][192], load[256], data[192];
	const char *const loads[] = {load};
	struct wn_runtime *runtime;
	int rc;

	for (uint32_t i = 0; i < WN_MATCH_TABLES && program->tables[i]; i++) {
		place(tables[i], sizeof(tables[i]), program->tables[i], folder);
		params.tables[params.table_count++] = tables[i];
	}
	if (program->load) {
		place(load, sizeof(load), program->load, folder);
		params.loads = loads;
		params.load_count = 1;
	}
	if (program->data) {
		snprintf(data, sizeof(data), "%s/%s", folder, program->data);
		params.data = data;
	}
	if (program->parameter)
		params.parameters[params.parameter_count++] = program->parameter;
	forget(outcome);
	runtime = wn_runtime_create(&params, error);
	if (!runtime)
		return -EINVAL;
	rc = wn_runtime_start(runtime, error);
	if (!rc)
		rc = finish(runtime, &run, error);
	wn_runtime_destroy(runtime);
	return rc;
}

/* -- the comparison -- */

/* The first event that differs, in words. */
static void explain(const struct wn_match_stream *a, const struct wn_match_stream *b, const char *what, char *text,
		    size_t bytes)
{
	size_t at = 0;

	while (at < a->bytes && at < b->bytes) {
		uint32_t one[3], other[3];

		memcpy(one, a->events + at, sizeof(one));
		memcpy(other, b->events + at, sizeof(other));
		if (memcmp(one, other, sizeof(one))) {
			snprintf(text, bytes, "%s: on the cpu kind %u of packet %u, %u bytes; here kind %u of packet %u, %u bytes",
				 what, one[0], one[1], one[2], other[0], other[1], other[2]);
			return;
		}
		at += sizeof(one);
		for (uint32_t i = 0; i < one[2]; i++) {
			if (a->events[at + i] != b->events[at + i]) {
				snprintf(text, bytes, "%s: kind %u of packet %u: byte %u of %u is %02x, on the cpu %02x", what,
					 one[0], one[1], i, one[2], b->events[at + i], a->events[at + i]);
				return;
			}
		}
		at += one[2];
	}
	snprintf(text, bytes, "%s: %u on the cpu, %u here", what, a->count, b->count);
}

static int streams_differ(const struct wn_match_stream *a, const struct wn_match_stream *b, const char *what, char *text,
			  size_t bytes)
{
	if (a->bytes == b->bytes && (!a->bytes || !memcmp(a->events, b->events, a->bytes)))
		return 0;
	explain(a, b, what, text, bytes);
	return 1;
}

static int counts_differ(const char *what, uint64_t a, uint64_t b, char *text, size_t bytes)
{
	if (a == b)
		return 0;
	snprintf(text, bytes, "%s: %llu on the cpu, %llu here", what, (unsigned long long)a, (unsigned long long)b);
	return 1;
}

static int programs_differ(const struct wn_match_outcome *a, const struct wn_match_outcome *b, char *text, size_t bytes)
{
	char name[48];

	for (uint32_t i = 0; i < a->program_count && i < b->program_count; i++) {
		snprintf(name, sizeof(name), "the program's counter %u", i);
		if (counts_differ(name, a->program[i], b->program[i], text, bytes))
			return 1;
	}
	return counts_differ("the program's counters", a->program_count, b->program_count, text, bytes);
}

int wn_match_compare(const struct wn_match_outcome *a, const struct wn_match_outcome *b, char *text, size_t bytes)
{
	const struct wn_counters *one = &a->counters, *other = &b->counters;

	if (streams_differ(&a->sent, &b->sent, "sent", text, bytes) ||
	    streams_differ(&a->delivered, &b->delivered, "delivered", text, bytes) ||
	    counts_differ("received", one->received, other->received, text, bytes) ||
	    counts_differ("answered", one->answered, other->answered, text, bytes) ||
	    counts_differ("forwarded", one->forwarded, other->forwarded, text, bytes) ||
	    counts_differ("delivered", one->delivered, other->delivered, text, bytes))
		return 1;
	for (int i = 0; i < WN_CAUSE_COUNT; i++)
		if (counts_differ(wn_cause_name((enum wn_cause)i), one->dropped[i], other->dropped[i], text, bytes))
			return 1;
	return programs_differ(a, b, text, bytes);
}

void wn_match_finish(struct wn_match_outcome *outcome)
{
	free(outcome->sent.events);
	free(outcome->delivered.events);
	memset(outcome, 0, sizeof(*outcome));
}
