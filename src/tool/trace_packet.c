/* SPDX-License-Identifier: Apache-2.0 */
/* How one traced packet is shown. */
#include <string.h>

#include "tool/dissect.h"
#include "tool/json.h"
#include "tool/trace.h"

enum { CHANGES_MAX = 8, CHANGED_BYTES_MAX = 16 };

static const char *const verdicts[] = {"drop", "reply", "forward", "deliver", "record"};

/* -- ranges of bytes -- */

struct range {
	uint32_t first, last;
};

/* The next bytes with the mark from *at on. 1, or 0 where there are none. */
static int next_marked(const struct wn_trace *trace, uint8_t mark, uint32_t *at, struct range *range)
{
	while (*at < WN_TRACED_BYTES_MAX && !(trace->marks[*at] & mark))
		++*at;
	if (*at == WN_TRACED_BYTES_MAX)
		return 0;
	range->first = *at;
	while (*at < WN_TRACED_BYTES_MAX && (trace->marks[*at] & mark))
		++*at;
	range->last = *at - 1;
	return 1;
}

/* The next bytes that came out other than they went in. */
static int next_changed(const struct wn_captured *in, const struct wn_replay_result *out, uint32_t *at,
			struct range *range)
{
	const uint32_t both = in->length < out->length ? in->length : out->length;

	while (*at < both && in->bytes[*at] == out->bytes[*at])
		++*at;
	if (*at >= both)
		return 0;
	range->first = *at;
	while (*at < both && in->bytes[*at] != out->bytes[*at])
		++*at;
	range->last = *at - 1;
	return 1;
}

/* Whether a packet, and not a record, came out. */
static int has_packet(const struct wn_replay_result *result)
{
	return result->fate == WN_REPLAY_ANSWERED || result->fate == WN_REPLAY_FORWARDED ||
	       result->fate == WN_REPLAY_DELIVERED;
}

static uint64_t field_value(const struct wn_replay_result *result, uint32_t at, uint32_t size)
{
	uint64_t value = 0;

	for (uint32_t i = size; i-- > 0;)
		value = value << 8 | result->bytes[at + i];
	return value;
}

static float as_float(uint64_t value)
{
	const uint32_t bits = (uint32_t)value;
	float real;

	memcpy(&real, &bits, sizeof(real));
	return real;
}

static uint32_t size_of(const struct wn_record_field *field)
{
	return field->type == WN_RECORD_u64 ? 8 : 4;
}

/* -- text -- */

static void print_hex(const uint8_t *bytes, const struct range *range, FILE *file)
{
	for (uint32_t i = range->first; i <= range->last && i < range->first + CHANGED_BYTES_MAX; i++)
		fprintf(file, " %02x", bytes[i]);
	if (range->last >= range->first + CHANGED_BYTES_MAX)
		fputs(" ...", file);
}

static void print_marked(const struct wn_trace *trace, uint8_t mark, FILE *file)
{
	struct range range;
	uint32_t at = 0;
	int count = 0;

	for (; next_marked(trace, mark, &at, &range); count++) {
		fprintf(file, "%s%u", count ? ", " : " ", range.first);
		if (range.last > range.first)
			fprintf(file, "-%u", range.last);
	}
	if (!count)
		fputs(" nothing", file);
}

static void print_access(const struct wn_trace *trace, FILE *file)
{
	if (!trace->runs) {
		fputs("    the program did not run\n", file);
		return;
	}
	fprintf(file, "    sees %u bytes; reads", trace->length);
	print_marked(trace, WN_MARK_READ, file);
	fputs("; writes", file);
	print_marked(trace, WN_MARK_WRITTEN, file);
	fputc('\n', file);
	if (trace->is_outside)
		fprintf(file, "    fault: %u byte%s at %u, where there are %u\n", trace->outside_count,
			trace->outside_count == 1 ? "" : "s", trace->outside_offset, trace->outside_end);
}

static void print_record(const struct wn_traced *traced, FILE *file)
{
	const struct wn_replay_result *result = traced->result;
	uint32_t at = 0;

	for (const struct wn_record_field *f = traced->fields; f->name && at + size_of(f) <= result->length;
	     at += size_of(f), f++) {
		const uint64_t value = field_value(result, at, size_of(f));

		if (f->type == WN_RECORD_f32)
			fprintf(file, "      %s %.9g\n", f->name, (double)as_float(value));
		else
			fprintf(file, "      %s %llu\n", f->name, (unsigned long long)value);
	}
	if (at < result->length) {
		const struct range rest = {at, result->length - 1};

		fputs("     ", file);
		print_hex(result->bytes, &rest, file);
		fputc('\n', file);
	}
}

static void print_changes(const struct wn_traced *traced, FILE *file)
{
	const struct wn_captured *in = traced->packet;
	const struct wn_replay_result *out = traced->result;
	struct range range;
	uint32_t at = 0;
	int count = 0;

	for (; count < CHANGES_MAX && next_changed(in, out, &at, &range); count++) {
		fprintf(file, range.last > range.first ? "      %u-%u:" : "      %u:", range.first, range.last);
		print_hex(in->bytes, &range, file);
		fputs(" ->", file);
		print_hex(out->bytes, &range, file);
		fputc('\n', file);
	}
	if (next_changed(in, out, &at, &range))
		fputs("      and more\n", file);
	if (out->length != in->length)
		fprintf(file, "      %u bytes instead of %u\n", out->length, in->length);
	else if (!count)
		fputs("      as it came\n", file);
}

void wn_trace_print(const struct wn_traced *traced, FILE *file)
{
	const struct wn_replay_result *result = traced->result;
	struct wn_layers layers;

	fprintf(file, "%u: %u bytes", traced->number, traced->packet->length);
	if (traced->packet->wire_length > traced->packet->length)
		fprintf(file, " of %u", traced->packet->wire_length);
	fputc('\n', file);
	if (traced->is_frame) {
		wn_dissect(&layers, traced->packet->bytes, traced->packet->length);
		wn_layers_print(&layers, 4, file);
	}
	if (traced->trace)
		print_access(traced->trace, file);
	fprintf(file, "  %s", verdicts[result->fate]);
	if (result->fate == WN_REPLAY_DROPPED)
		fprintf(file, " (%s)\n", wn_cause_name(result->cause));
	else
		fprintf(file, " of %u bytes\n", result->length);
	if (result->fate == WN_REPLAY_RECORD)
		print_record(traced, file);
	if (!has_packet(result))
		return;
	if (traced->is_frame) {
		wn_dissect(&layers, result->bytes, result->length);
		wn_layers_print(&layers, 4, file);
	}
	print_changes(traced, file);
}

/* -- JSON -- */

static void write_range(struct wn_json *json, const struct range *range)
{
	wn_json_array(json, NULL);
	wn_json_number(json, NULL, range->first);
	wn_json_number(json, NULL, range->last);
	wn_json_end(json);
}

static void write_marked(struct wn_json *json, const char *key, const struct wn_trace *trace, uint8_t mark)
{
	struct range range;
	uint32_t at = 0;

	wn_json_array(json, key);
	while (next_marked(trace, mark, &at, &range))
		write_range(json, &range);
	wn_json_end(json);
}

static void write_access(struct wn_json *json, const struct wn_trace *trace)
{
	wn_json_bool(json, "ran", trace->runs != 0);
	wn_json_number(json, "sees", trace->length);
	write_marked(json, "reads", trace, WN_MARK_READ);
	write_marked(json, "writes", trace, WN_MARK_WRITTEN);
	if (!trace->is_outside)
		return;
	wn_json_object(json, "fault");
	wn_json_number(json, "offset", trace->outside_offset);
	wn_json_number(json, "count", trace->outside_count);
	wn_json_number(json, "end", trace->outside_end);
	wn_json_end(json);
}

static void write_hex(struct wn_json *json, const struct wn_replay_result *result)
{
	static const char digits[] = "0123456789abcdef";
	static char text[2 * 65536 + 1];

	for (uint32_t i = 0; i < result->length; i++) {
		text[2 * i] = digits[result->bytes[i] >> 4];
		text[2 * i + 1] = digits[result->bytes[i] & 15];
	}
	text[2 * result->length] = '\0';
	wn_json_text(json, "bytes", text);
}

static void write_record(struct wn_json *json, const struct wn_traced *traced)
{
	const struct wn_replay_result *result = traced->result;
	uint32_t at = 0;

	wn_json_object(json, "record");
	for (const struct wn_record_field *f = traced->fields; f->name && at + size_of(f) <= result->length;
	     at += size_of(f), f++) {
		const uint64_t value = field_value(result, at, size_of(f));

		if (f->type == WN_RECORD_f32)
			wn_json_real(json, f->name, (double)as_float(value));
		else
			wn_json_number(json, f->name, value);
	}
	wn_json_end(json);
}

static void write_changes(struct wn_json *json, const struct wn_traced *traced)
{
	struct range range;
	uint32_t at = 0;

	wn_json_array(json, "changed");
	while (next_changed(traced->packet, traced->result, &at, &range))
		write_range(json, &range);
	wn_json_end(json);
}

void wn_trace_write(const struct wn_traced *traced, FILE *file)
{
	const struct wn_replay_result *result = traced->result;
	struct wn_layers layers;
	struct wn_json json;

	wn_json_init(&json, file, 0);
	wn_json_object(&json, NULL);
	wn_json_number(&json, "packet", traced->number);
	wn_json_number(&json, "length", traced->packet->length);
	wn_json_number(&json, "wire_length", traced->packet->wire_length);
	if (traced->is_frame) {
		wn_dissect(&layers, traced->packet->bytes, traced->packet->length);
		wn_layers_write(&layers, "layers", &json);
	}
	if (traced->trace)
		write_access(&json, traced->trace);
	wn_json_text(&json, "verdict", verdicts[result->fate]);
	if (result->fate == WN_REPLAY_DROPPED)
		wn_json_text(&json, "cause", wn_cause_name(result->cause));
	if (result->fate == WN_REPLAY_RECORD)
		write_record(&json, traced);
	if (result->fate != WN_REPLAY_DROPPED) {
		wn_json_object(&json, "out");
		wn_json_number(&json, "length", result->length);
		write_hex(&json, result);
		if (has_packet(result))
			write_changes(&json, traced);
		if (has_packet(result) && traced->is_frame) {
			wn_dissect(&layers, result->bytes, result->length);
			wn_layers_write(&layers, "layers", &json);
		}
		wn_json_end(&json);
	}
	wn_json_end(&json);
	wn_json_finish(&json);
}
