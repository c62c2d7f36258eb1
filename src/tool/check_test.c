/* SPDX-License-Identifier: Apache-2.0 */
#include "tool/check_test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "tool/check_results.h"
#include "tool/craft.h"
#include "tool/frame.h"
#include "tool/replay.h"

enum { LINES_MAX = 4096 };

struct line {
	uint32_t number;
	char *word;            /* the first one */
	char *rest;            /* what is behind it */
};

/* One file. */
struct test {
	const char *path;
	struct line lines[LINES_MAX];
	uint32_t count;
	struct wn_runtime_params params;
	const char *loads[WN_WISHES_MAX];
	char *made[3 * WN_WISHES_MAX + 1];      /* names of files, allocated */
	uint32_t made_count;
	const char *link;                       /* options of the link, or NULL */
	struct wn_frame_targets targets;
	int is_frame, has_packet;
	uint32_t longest;
	struct wn_replay *replay;
	struct wn_crafted in, out;
	struct wn_replay_result result;
	int has_result;

	/* Of the test under way. */
	const char *name;
	uint32_t name_line;
	FILE *file;                             /* its differences */
	char *text;
	size_t bytes;
};

static int fail_at(const struct test *test, const struct line *line, const char *what,
		   struct wn_error *error)
{
	return wn_fail(error, EINVAL, WN_FAILED, "%s:%u: %s", test->path, line->number, what);
}

/* -- reading -- */

/* Cuts a comment off, but not a sign within a text. */
static void cut_comment(char *line)
{
	int is_text = 0;

	for (; *line; line++) {
		if (*line == '\\' && is_text && line[1])
			line++;
		else if (*line == '"')
			is_text = !is_text;
		else if (*line == '#' && !is_text) {
			*line = '\0';
			return;
		}
	}
}

static void trim(char *line)
{
	size_t length = strlen(line);

	while (length && strchr(" \t\r\n", line[length - 1]))
		line[--length] = '\0';
}

/* Joins lines that a backslash holds together; `text` is one whole line then. */
static int add_line(struct test *test, char *text, uint32_t number, struct wn_error *error)
{
	struct line *line = &test->lines[test->count];
	char *start;

	text += strspn(text, " \t");
	if (strncmp(text, "test", 4))
		cut_comment(text);
	trim(text);
	if (!*text)
		return 0;
	if (test->count == LINES_MAX)
		return wn_fail(error, EINVAL, WN_FAILED, "%s: more than %d lines", test->path, LINES_MAX);
	start = strdup(text);
	if (!start)
		return wn_fail(error, ENOMEM, WN_FAILED, "out of memory");
	line->number = number;
	line->word = start;
	line->rest = start + strcspn(start, " \t");
	if (*line->rest)
		*line->rest++ = '\0';
	line->rest += strspn(line->rest, " \t");
	test->count++;
	return 0;
}

static int read_lines(struct test *test, FILE *file, struct wn_error *error)
{
	char *joined = NULL, *text = NULL;
	size_t room = 0, used = 0;
	uint32_t number = 0, first = 1;
	ssize_t length;
	int rc = 0;

	while (!rc && (length = getline(&text, &room, file)) >= 0) {
		char *moved;
		int goes_on;

		number++;
		trim(text);
		length = (ssize_t)strlen(text);
		goes_on = length && text[length - 1] == '\\';
		if (goes_on)
			text[--length] = ' ';
		if (!used)
			first = number;
		moved = realloc(joined, used + (size_t)length + 2);
		if (!moved) {
			rc = wn_fail(error, ENOMEM, WN_FAILED, "out of memory");
			break;
		}
		joined = moved;
		memcpy(joined + used, text, (size_t)length + 1);
		used += (size_t)length + (goes_on ? 1 : 0);
		joined[used] = '\0';
		if (goes_on)
			continue;
		rc = add_line(test, joined, first, error);
		used = 0;
	}
	free(joined);
	free(text);
	return rc;
}

/* -- settings -- */

/* NAME=FILE or FILE, with the file's name made relative to the test's folder. NULL: out of memory. */
static const char *relative(struct test *test, char *text)
{
	char *name = strchr(text, '='), *made;
	const char *slash = strrchr(test->path, '/');

	name = name ? name + 1 : text;
	if (name[0] == '/' || !slash)
		return text;
	if (asprintf(&made, "%.*s%.*s%s", (int)(name - text), text, (int)(slash + 1 - test->path), test->path,
		     name) < 0)
		return NULL;
	test->made[test->made_count++] = made;
	return made;
}

static int add_wish(struct test *test, const struct line *line, const char **list, uint32_t *count,
		    const char *text, struct wn_error *error)
{
	if (!text)
		return wn_fail(error, ENOMEM, WN_FAILED, "out of memory");
	if (*count == WN_WISHES_MAX)
		return fail_at(test, line, "too many of these", error);
	list[(*count)++] = text;
	return 0;
}

static int set_link(struct test *test, const struct line *line, struct wn_error *error)
{
	if (test->link)
		return fail_at(test, line, "link: given twice", error);
	test->link = line->rest;
	return 0;
}

/* 1 where the line is a setting, 0 where it is not, or -errno. */
static int take_setting(struct test *test, const struct line *line, struct wn_error *error)
{
	struct wn_runtime_params *params = &test->params;
	int rc;

	if (!strcmp(line->word, "param"))
		rc = add_wish(test, line, params->parameters, &params->parameter_count, line->rest, error);
	else if (!strcmp(line->word, "table"))
		rc = params->table_count == WN_WISHES_MAX
			     ? fail_at(test, line, "too many of these", error)
			     : add_wish(test, line, params->tables, &params->table_count,
					relative(test, line->rest), error);
	else if (!strcmp(line->word, "load"))
		rc = params->load_count == WN_WISHES_MAX
			     ? fail_at(test, line, "too many of these", error)
			     : add_wish(test, line, test->loads, &params->load_count,
					relative(test, line->rest), error);
	else if (!strcmp(line->word, "data"))
		rc = params->data ? fail_at(test, line, "data: given twice", error)
		     : (params->data = relative(test, line->rest))
			     ? 0
			     : wn_fail(error, ENOMEM, WN_FAILED, "out of memory");
	else if (!strcmp(line->word, "link"))
		rc = set_link(test, line, error);
	else
		return 0;
	if (!rc && test->has_packet)
		rc = fail_at(test, line, "settings come before the first packet", error);
	return rc ? rc : 1;
}

static int craft(struct test *test, struct wn_crafted *crafted, const struct line *line,
		 const char *text, struct wn_error *error)
{
	struct wn_error why = {0};

	return wn_craft(crafted, text, &why) ? fail_at(test, line, why.text, error) : 0;
}

/* Looks at every packet before any runs: what kind they are, and to whom they go. */
static int take_packet(struct test *test, const struct line *line, struct wn_error *error)
{
	if (craft(test, &test->in, line, line->rest, error))
		return -EINVAL;
	if (test->has_packet && test->in.is_frame != test->is_frame)
		return fail_at(test, line, "frames and datagrams in one file: make two of it", error);
	test->has_packet = 1;
	test->is_frame = test->in.is_frame;
	if (test->in.length > test->longest)
		test->longest = test->in.length;
	if (test->is_frame)
		wn_frame_note_target(&test->targets, test->in.bytes, test->in.length);
	return 0;
}

static int prepare(struct test *test, struct wn_error *error)
{
	for (uint32_t i = 0; i < test->count; i++) {
		const struct line *line = &test->lines[i];
		int rc = take_setting(test, line, error);

		if (!rc && !strcmp(line->word, "in"))
			rc = take_packet(test, line, error);
		if (rc < 0)
			return rc;
	}
	test->params.loads = test->loads;
	return test->has_packet ? 0
				: wn_fail(error, EINVAL, WN_FAILED, "%s: no packet goes in", test->path);
}

/* -- what was expected -- */

static const char *const fate_words[] = {"drop", "reply", "forward", "deliver", "record"};

static void write_result(struct test *test)
{
	const struct wn_replay_result *result = &test->result;

	fprintf(test->file, "    got %s", fate_words[result->fate]);
	if (result->fate == WN_REPLAY_DROPPED)
		fprintf(test->file, " (%s)\n", wn_cause_name(result->cause));
	else
		fprintf(test->file, " of %u bytes\n", result->length);
}

static void begin_difference(struct test *test, const struct line *line)
{
	fprintf(test->file, "  %s:%u: out %s\n", test->path, line->number, line->rest);
}

static void expect_drop(struct test *test, const struct line *line, enum wn_cause cause)
{
	if (test->result.fate == WN_REPLAY_DROPPED && test->result.cause == cause)
		return;
	begin_difference(test, line);
	write_result(test);
}

static int expect_cause(struct test *test, const struct line *line, const char *name,
			struct wn_error *error)
{
	for (int cause = 0; cause < WN_CAUSE_COUNT; cause++) {
		if (strcmp(wn_cause_name((enum wn_cause)cause), name))
			continue;
		expect_drop(test, line, (enum wn_cause)cause);
		return 0;
	}
	return fail_at(test, line, "no such cause; `warpnic run --json` names them, under dropped", error);
}

static int expect_bytes(struct test *test, const struct line *line, enum wn_replay_fate fate,
			const char *text, struct wn_error *error)
{
	const struct wn_replay_result *result = &test->result;
	struct wn_frame_parts parts = {0};
	uint32_t length = result->length;

	if (craft(test, &test->out, line, text, error))
		return -EINVAL;
	if (result->fate != fate) {
		begin_difference(test, line);
		write_result(test);
		return 0;
	}
	if (test->is_frame && !test->out.is_frame && fate != WN_REPLAY_RECORD) {
		wn_frame_look(&parts, result->bytes, result->length);
		length = parts.payload ? parts.end - parts.payload : length;
	}
	if (length == test->out.length && !memcmp(result->bytes + parts.payload, test->out.bytes, length))
		return 0;
	begin_difference(test, line);
	wn_test_write_difference(test->file, test->out.bytes, test->out.length,
				 result->bytes + parts.payload, length);
	return 0;
}

/* The value of a field as JSON would show it; 0 where the record does not reach so far. */
static int field_text(const struct test *test, const char *name, char text[64])
{
	const struct wn_record_field *fields = wn_runtime_record_fields(wn_replay_runtime(test->replay));
	uint32_t at = 0;

	for (; fields->name; fields++) {
		const uint32_t size = fields->type == WN_RECORD_u64 ? 8 : 4;
		uint64_t value = 0;
		uint32_t bits;
		float real;

		at += size;
		if (strcmp(fields->name, name))
			continue;
		if (at > test->result.length)
			return 0;
		for (uint32_t i = 1; i <= size; i++)
			value = value << 8 | test->result.bytes[at - i];
		bits = (uint32_t)value;
		memcpy(&real, &bits, sizeof(real));
		if (fields->type == WN_RECORD_f32)
			snprintf(text, 64, "%.9g", (double)real);
		else
			snprintf(text, 64, "%llu", (unsigned long long)value);
		return 1;
	}
	return 0;
}

/* The same text, or the same number to the bits of a float. */
static int same_value(const char *expected, const char *got)
{
	char *expected_end, *got_end;
	const float a = strtof(expected, &expected_end), b = strtof(got, &got_end);

	if (!strcmp(expected, got))
		return 1;
	return strpbrk(got, ".e") && !*expected_end && !*got_end && a <= b && a >= b;
}

static int expect_fields(struct test *test, const struct line *line, char *text, struct wn_error *error)
{
	int is_begun = 0;

	if (test->result.fate != WN_REPLAY_RECORD) {
		begin_difference(test, line);
		write_result(test);
		return 0;
	}
	for (char *rest, *word = strtok_r(text, " \t", &rest); word; word = strtok_r(NULL, " \t", &rest)) {
		char *equals = strchr(word, '='), got[64];

		if (!equals)
			return fail_at(test, line, "record: not NAME=VALUE", error);
		*equals = '\0';
		if (!field_text(test, word, got))
			snprintf(got, sizeof(got), "no such field, or a shorter record");
		if (same_value(equals + 1, got))
			continue;
		if (!is_begun++)
			begin_difference(test, line);
		fprintf(test->file, "    %s: expected %s, got %s\n", word, equals + 1, got);
	}
	return 0;
}

static int expect_record(struct test *test, const struct line *line, const char *text,
			 struct wn_error *error)
{
	char *copy;
	int rc;

	if (!strchr(text, '='))
		return expect_bytes(test, line, WN_REPLAY_RECORD, text, error);
	copy = strdup(text);
	rc = copy ? expect_fields(test, line, copy, error) : -ENOMEM;
	free(copy);
	return rc;
}

static int take_out(struct test *test, const struct line *line, struct wn_error *error)
{
	const char *rest = line->rest + strcspn(line->rest, " \t");
	char word[32];

	if (!test->has_result)
		return fail_at(test, line, "out: no packet went in before", error);
	test->has_result = 0;
	snprintf(word, sizeof(word), "%.*s", (int)(rest - line->rest), line->rest);
	rest += strspn(rest, " \t");
	if (!strcmp(word, "drop"))
		return expect_drop(test, line, WN_CAUSE_PROGRAM), 0;
	if (!strcmp(word, "fault"))
		return expect_drop(test, line, WN_CAUSE_PROGRAM_FAULT), 0;
	if (!strcmp(word, "dropped"))
		return expect_cause(test, line, rest, error);
	if (!strcmp(word, "record"))
		return expect_record(test, line, rest, error);
	for (int fate = WN_REPLAY_ANSWERED; fate <= WN_REPLAY_DELIVERED; fate++)
		if (!strcmp(word, fate_words[fate]))
			return expect_bytes(test, line, (enum wn_replay_fate)fate, rest, error);
	return fail_at(test, line, "out: must be drop, fault, dropped, reply, forward, deliver or record",
		       error);
}

static int take_in(struct test *test, const struct line *line, struct wn_error *error)
{
	struct wn_replay_packet packet = {.bytes = test->in.bytes};

	if (test->has_result)
		return fail_at(test, line, "in: what becomes of the packet before is not said", error);
	if (craft(test, &test->in, line, line->rest, error))
		return -EINVAL;
	test->has_result = 1;
	packet.length = test->in.length;
	return wn_replay_packet(test->replay, &packet, &test->result, error);
}

/* How long a count may take to come. */
#define COUNT_NS WN_SECOND_NS

/* count NAME N */
static int take_count(struct test *test, const struct line *line, struct wn_error *error)
{
	const struct wn_runtime *runtime = wn_replay_runtime(test->replay);
	const uint32_t count = wn_runtime_program_counters(runtime, NULL, 0);
	unsigned long long expected, value;
	const int64_t until = wn_clock_ns() + COUNT_NS;
	uint64_t *values;
	char name[128];

	if (sscanf(line->rest, "%127s %llu", name, &expected) != 2)
		return fail_at(test, line, "count: must be a counter's name and a number", error);
	for (uint32_t i = 0; i < count; i++) {
		if (strcmp(wn_runtime_program_counter_name(runtime, i), name))
			continue;
		values = calloc(count, sizeof(*values));
		if (!values)
			return wn_fail(error, ENOMEM, WN_FAILED, "out of memory");
		/* Lanes of a device show their counts now and then, a packet's after its verdict. */
		for (;;) {
			wn_runtime_program_counters(runtime, values, count);
			value = values[i];
			if (value >= expected || wn_clock_ns() > until)
				break;
			nanosleep(&(struct timespec){0, WN_MILLISECOND_NS}, NULL);
		}
		free(values);
		if (value != expected)
			fprintf(test->file, "  %s:%u: count %s: expected %llu, got %llu\n", test->path,
				line->number, name, expected, value);
		return 0;
	}
	return fail_at(test, line, "count: the program has no counter of that name", error);
}

/* -- running -- */

static int end_test(struct test *test, struct wn_test_results *results)
{
	char *text;
	int rc;

	if (!test->file)
		return 0;
	rc = fclose(test->file);
	text = test->text;
	test->file = NULL;
	test->text = NULL;
	if (!rc && text && !text[0]) {
		free(text);
		text = NULL;
	}
	return rc ? -ENOMEM : wn_test_add(results, test->path, test->name_line, test->name, text);
}

static int begin_test(struct test *test, const char *name, uint32_t line)
{
	test->name = name;
	test->name_line = line;
	test->file = open_memstream(&test->text, &test->bytes);
	return test->file ? 0 : -ENOMEM;
}

static int take_line(struct test *test, const struct line *line, struct wn_test_results *results,
		     struct wn_error *error)
{
	if (!strcmp(line->word, "test"))
		return end_test(test, results) || begin_test(test, line->rest, line->number) ? -ENOMEM : 0;
	if (!test->file && begin_test(test, "packets", line->number))
		return -ENOMEM;
	if (!strcmp(line->word, "in"))
		return take_in(test, line, error);
	if (!strcmp(line->word, "out"))
		return take_out(test, line, error);
	if (!strcmp(line->word, "count"))
		return take_count(test, line, error);
	return fail_at(test, line, "must begin with test, in, out, count, param, table, data, load or link", error);
}

static int is_setting(const struct line *line)
{
	static const char *const words[] = {"param", "table", "data", "load", "link"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!strcmp(line->word, words[i]))
			return 1;
	return 0;
}

static int run_lines(struct test *test, struct wn_test_results *results, struct wn_error *error)
{
	int rc = 0;

	for (uint32_t i = 0; !rc && i < test->count; i++) {
		if (!is_setting(&test->lines[i]))
			rc = take_line(test, &test->lines[i], results, error);
	}
	if (!rc && test->has_result)
		rc = fail_at(test, &test->lines[test->count - 1],
			     "what becomes of the last packet is not said", error);
	if (rc) {
		if (test->file)
			fclose(test->file);
		free(test->text);
		return rc;
	}
	return end_test(test, results);
}

static int run_test(struct test *test, struct wn_test_results *results, const char *program,
		    const char *device, struct wn_error *error)
{
	char options[WN_FRAME_OPTIONS_BYTES] = "";
	int rc = prepare(test, error);

	if (rc)
		return rc;
	test->params.program = program;
	test->params.device = device;
	test->params.slot_bytes = test->longest > 2048 ? 65536 : 2048;
	if (test->is_frame && !test->link)
		wn_frame_link_options(&test->targets, options);
	test->replay = wn_replay_create(&test->params, test->is_frame, test->link ? test->link : options, error);
	if (!test->replay)
		return -EINVAL;
	rc = run_lines(test, results, error);
	wn_replay_destroy(test->replay);
	return rc;
}

static int run_file(struct wn_test_results *results, const char *program, const char *device,
		    const char *path, struct wn_error *error)
{
	FILE *file = fopen(path, "re");
	struct test *test;
	int rc;

	if (!file)
		return wn_fail(error, errno, WN_NO_INPUT, "%s: %s", path, strerror(errno));
	test = calloc(1, sizeof(*test));
	if (!test) {
		fclose(file);
		return wn_fail(error, ENOMEM, WN_FAILED, "out of memory");
	}
	test->path = path;
	rc = read_lines(test, file, error);
	fclose(file);
	if (!rc)
		rc = run_test(test, results, program, device, error);
	for (uint32_t i = 0; i < test->count; i++)
		free(test->lines[i].word);
	for (uint32_t i = 0; i < test->made_count; i++)
		free(test->made[i]);
	free(test);
	return rc;
}

int wn_test_run(struct wn_test_results *results, const char *program, const char *device,
		const char *path, struct wn_error *error)
{
	const size_t length = strlen(path), suffix = strlen(".in.pcap");

	if (length > suffix && !strcmp(path + length - suffix, ".in.pcap"))
		return wn_test_run_capture(results, program, device, path, error);
	return run_file(results, program, device, path, error);
}
