/* SPDX-License-Identifier: Apache-2.0 */
/* Tests that are capture files: NAME.in.pcap, with NAME.out.pcap or NAME.out.json. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tool/check_results.h"
#include "tool/trace.h"

struct pair {
	const char *path;                  /* of what goes in */
	struct wn_test_results *results;
	struct wn_capture expected;        /* of .out.pcap */
	uint32_t next;                     /* of them */
	FILE *lines;                       /* of .out.json; NULL: it is packets */
	char *line;
	size_t room;
};

/* A name with another ending. */
static void beside(char *path, size_t bytes, const char *in, const char *ending)
{
	snprintf(path, bytes, "%.*s%s", (int)(strlen(in) - strlen(".in.pcap")), in, ending);
}

static int add(struct pair *pair, uint32_t number, const char *name, FILE *file, char **text)
{
	char *difference;

	if (fclose(file))
		return -ENOMEM;
	difference = *text;
	if (difference && !difference[0]) {
		free(difference);
		difference = NULL;
	}
	return wn_test_add(pair->results, pair->path, number, name, difference);
}

static void compare_packet(struct pair *pair, const struct wn_traced *traced, FILE *file)
{
	const struct wn_replay_result *result = traced->result;
	const struct wn_captured *expected = pair->next < pair->expected.count
						     ? &pair->expected.list[pair->next]
						     : NULL;

	if (result->fate == WN_REPLAY_DROPPED || result->fate == WN_REPLAY_RECORD)
		return;
	pair->next++;
	if (!expected)
		fprintf(file, "    one packet more came out than was expected\n");
	else if (expected->length != result->length ||
		 memcmp(expected->bytes, result->bytes, result->length))
		wn_test_write_difference(file, expected->bytes, expected->length, result->bytes,
					 result->length);
}

/* The first place where two lines differ, with some of what is around it. */
static void write_line_difference(FILE *file, const char *expected, const char *got)
{
	size_t at = 0, from;

	while (expected[at] && expected[at] == got[at])
		at++;
	from = at > 30 ? at - 30 : 0;
	fprintf(file, "    they differ in column %zu\n    expected ...%.70s\n    got      ...%.70s\n", at + 1,
		expected + from, got + from);
}

static int compare_line(struct pair *pair, const struct wn_traced *traced, FILE *file)
{
	char *got = NULL;
	size_t bytes;
	FILE *memory = open_memstream(&got, &bytes);

	if (!memory)
		return -ENOMEM;
	wn_trace_write(traced, memory);
	if (fclose(memory)) {
		free(got);
		return -ENOMEM;
	}
	got[strcspn(got, "\n")] = '\0';
	if (getline(&pair->line, &pair->room, pair->lines) < 0) {
		fprintf(file, "    there is no line for it\n");
	} else {
		pair->line[strcspn(pair->line, "\r\n")] = '\0';
		if (strcmp(pair->line, got))
			write_line_difference(file, pair->line, got);
	}
	free(got);
	return 0;
}

static int compare(void *context, const struct wn_traced *traced)
{
	struct pair *pair = context;
	char name[32], *text = NULL;
	size_t bytes;
	FILE *file = open_memstream(&text, &bytes);
	int rc = 0;

	if (!file)
		return -ENOMEM;
	if (pair->lines)
		rc = compare_line(pair, traced, file);
	else
		compare_packet(pair, traced, file);
	snprintf(name, sizeof(name), "packet %u", traced->number);
	return add(pair, traced->number, name, file, &text) ? -ENOMEM : rc;
}

/* What was expected and never came. */
static int compare_rest(struct pair *pair)
{
	char *text = NULL;
	size_t bytes;
	FILE *file = open_memstream(&text, &bytes);

	if (!file)
		return -ENOMEM;
	if (pair->lines && getline(&pair->line, &pair->room, pair->lines) >= 0)
		fprintf(file, "    there are lines for packets that are not there\n");
	else if (pair->next < pair->expected.count)
		fprintf(file, "    %u packets that were expected did not come\n",
			pair->expected.count - pair->next);
	return add(pair, 0, "nothing is missing", file, &text);
}

static int open_expected(struct pair *pair, struct wn_error *error)
{
	char path[1024];

	beside(path, sizeof(path), pair->path, ".out.json");
	pair->lines = fopen(path, "re");
	if (pair->lines)
		return 0;
	beside(path, sizeof(path), pair->path, ".out.pcap");
	if (access(path, R_OK))
		return wn_fail(error, ENOENT, WN_NO_INPUT, "%s: beside it there must be .out.pcap or .out.json",
			       pair->path);
	return wn_capture_read(&pair->expected, path, 0, error);
}

int wn_test_run_capture(struct wn_test_results *results, const char *program, const char *device,
			const char *path, struct wn_error *error)
{
	const struct wn_runtime_params params = {.program = program, .device = device};
	struct pair pair = {.path = path, .results = results};
	struct wn_capture in = {0};
	int rc = open_expected(&pair, error);

	if (!rc)
		rc = wn_capture_read(&in, path, 0, error);
	/* Which bytes are touched is only seen on the cpu device. */
	if (!rc)
		rc = wn_trace_run(&params, &in, 1, NULL, pair.lines != NULL, compare, &pair, error);
	if (!rc)
		rc = compare_rest(&pair);
	if (pair.lines)
		fclose(pair.lines);
	free(pair.line);
	wn_capture_free(&pair.expected);
	wn_capture_free(&in);
	return rc;
}
