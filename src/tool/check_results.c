/* SPDX-License-Identifier: Apache-2.0 */
#include "tool/check_results.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { ROW_BYTES = 16, ROWS_MAX = 6 };

int wn_test_add(struct wn_test_results *results, const char *path, uint32_t line, const char *name,
		char *difference)
{
	struct wn_test_result *result = calloc(1, sizeof(*result));

	if (!result) {
		free(difference);
		return -ENOMEM;
	}
	result->path = strdup(path);
	result->name = strdup(name);
	result->line = line;
	result->difference = difference;
	if (!results->last)
		results->last = &results->first;
	*results->last = result;
	results->last = &result->next;
	results->count++;
	results->failed += difference != NULL;
	return result->path && result->name ? 0 : -ENOMEM;
}

void wn_test_results_free(struct wn_test_results *results)
{
	while (results->first) {
		struct wn_test_result *result = results->first;

		results->first = result->next;
		free(result->path);
		free(result->name);
		free(result->difference);
		free(result);
	}
	*results = (struct wn_test_results){0};
}

/* One row: bytes, then those of them that can be shown as text. */
static void write_row(FILE *file, const char *title, const uint8_t *bytes, uint32_t length, uint32_t at)
{
	fprintf(file, "    %8s %4u ", title, at);
	for (uint32_t i = at; i < at + ROW_BYTES; i++)
		if (i < length)
			fprintf(file, " %02x", bytes[i]);
		else
			fputs("   ", file);
	fputs("  ", file);
	for (uint32_t i = at; i < at + ROW_BYTES && i < length; i++)
		fputc(isprint(bytes[i]) ? bytes[i] : '.', file);
	fputc('\n', file);
}

static int differs_at(const uint8_t *a, uint32_t a_length, const uint8_t *b, uint32_t b_length, uint32_t i)
{
	if (i >= a_length || i >= b_length)
		return i < a_length || i < b_length;
	return a[i] != b[i];
}

static void write_marks(FILE *file, const uint8_t *a, uint32_t a_length, const uint8_t *b,
			uint32_t b_length, uint32_t at)
{
	uint32_t last = at;

	for (uint32_t i = at; i < at + ROW_BYTES; i++)
		if (differs_at(a, a_length, b, b_length, i))
			last = i;
	fprintf(file, "    %8s %4s ", "", "");
	for (uint32_t i = at; i <= last; i++)
		fputs(differs_at(a, a_length, b, b_length, i) ? " ^^" : "   ", file);
	fputc('\n', file);
}

void wn_test_write_difference(FILE *file, const uint8_t *expected, uint32_t expected_length,
			      const uint8_t *got, uint32_t got_length)
{
	const uint32_t longest = expected_length > got_length ? expected_length : got_length;
	uint32_t rows = 0, hidden = 0;

	if (expected_length != got_length)
		fprintf(file, "    expected %u bytes, got %u\n", expected_length, got_length);
	for (uint32_t at = 0; at < longest; at += ROW_BYTES) {
		int differs = 0;

		for (uint32_t i = at; i < at + ROW_BYTES; i++)
			differs |= differs_at(expected, expected_length, got, got_length, i);
		if (!differs)
			continue;
		if (rows++ >= ROWS_MAX) {
			hidden++;
			continue;
		}
		write_row(file, "expected", expected, expected_length, at);
		write_row(file, "got", got, got_length, at);
		write_marks(file, expected, expected_length, got, got_length, at);
	}
	if (hidden)
		fprintf(file, "    and %u more rows of %d bytes\n", hidden, ROW_BYTES);
}
