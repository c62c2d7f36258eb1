/* SPDX-License-Identifier: Apache-2.0 */
/* A run as JSON, and a run out of JSON: what --json writes is what --against and --from read. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tool/bench.h"
#include "tool/json.h"

enum { FORMAT = 1, FILE_BYTES_MAX = 16 << 20, NESTING_MAX = 8 };

/* -- write -- */

static void write_cell(struct wn_json *json, const struct wn_bench_table *table, const struct wn_bench_row *row,
		       uint32_t c)
{
	const struct wn_bench_cell *cell = &row->cells[c];

	wn_json_object(json, NULL);
	wn_json_text(json, "column", table->columns[c].name);
	wn_json_text(json, "unit", cell->unit[0] ? cell->unit : table->columns[c].unit);
	if (cell->figure.count) {
		wn_json_real(json, "median", cell->figure.median);
		wn_json_real(json, "low", cell->figure.low);
		wn_json_real(json, "high", cell->figure.high);
		wn_json_number(json, "runs", cell->figure.count);
	}
	if (cell->text[0])
		wn_json_text(json, "text", cell->text);
	wn_json_end(json);
}

static void write_table(struct wn_json *json, const struct wn_bench_table *table)
{
	wn_json_object(json, NULL);
	wn_json_text(json, "name", table->name);
	wn_json_text(json, "title", table->title);
	wn_json_text(json, "rows_are", table->first);
	wn_json_array(json, "columns");
	for (uint32_t c = 0; c < table->column_count; c++) {
		wn_json_object(json, NULL);
		wn_json_text(json, "name", table->columns[c].name);
		wn_json_text(json, "unit", table->columns[c].unit);
		wn_json_end(json);
	}
	wn_json_end(json);
	wn_json_array(json, "rows");
	for (uint32_t r = 0; r < table->row_count; r++) {
		wn_json_object(json, NULL);
		wn_json_text(json, "name", table->rows[r].name);
		wn_json_array(json, "cells");
		for (uint32_t c = 0; c < table->column_count; c++)
			write_cell(json, table, &table->rows[r], c);
		wn_json_end(json);
		wn_json_end(json);
	}
	wn_json_end(json);
	wn_json_array(json, "notes");
	for (uint32_t i = 0; i < table->note_count; i++)
		wn_json_text(json, NULL, table->notes[i]);
	wn_json_end(json);
	wn_json_end(json);
}

int wn_bench_write_json(const struct wn_bench_result *result, FILE *file)
{
	struct wn_json json;

	wn_json_init(&json, file, 1);
	wn_json_object(&json, NULL);
	wn_json_number(&json, "warpnic_bench", FORMAT);
	wn_json_array(&json, "facts");
	for (uint32_t i = 0; i < result->fact_count; i++) {
		wn_json_object(&json, NULL);
		wn_json_text(&json, "name", result->facts[i].name);
		wn_json_text(&json, "value", result->facts[i].value);
		wn_json_end(&json);
	}
	wn_json_end(&json);
	wn_json_array(&json, "tables");
	for (uint32_t t = 0; t < result->table_count; t++)
		write_table(&json, &result->tables[t]);
	wn_json_end(&json);
	wn_json_end(&json);
	return wn_json_finish(&json);
}

/* -- read: only what the above writes -- */

struct reader {
	const char *at, *start;
	struct wn_bench_result *result;
	const char *wrong;            /* what was expected; NULL: all well */
};

static int fail(struct reader *reader, const char *expected)
{
	if (!reader->wrong)
		reader->wrong = expected;
	return 0;
}

static int take(struct reader *reader, char sign)
{
	reader->at += strspn(reader->at, " \t\r\n");
	if (*reader->at != sign)
		return 0;
	reader->at++;
	return 1;
}

/* A text into `text`, cut where it does not fit. Escapes of control characters become a space. */
static int take_text(struct reader *reader, char *text, size_t bytes)
{
	size_t used = 0;

	if (!take(reader, '"'))
		return fail(reader, "a text");
	for (; *reader->at && *reader->at != '"'; reader->at++) {
		char letter = *reader->at;

		if (letter == '\\') {
			letter = *++reader->at;
			if (!letter)
				break;
			if (letter == 'u')
				reader->at += strnlen(reader->at + 1, 4);
			letter = letter == '"' || letter == '\\' || letter == '/' ? letter : ' ';
		}
		if (used + 1 < bytes)
			text[used++] = letter;
	}
	text[used] = '\0';
	return *reader->at == '"' ? (reader->at++, 1) : fail(reader, "the end of a text");
}

static double take_number(struct reader *reader)
{
	char *end;
	double number;

	reader->at += strspn(reader->at, " \t\r\n");
	number = strtod(reader->at, &end);
	if (end == reader->at)
		fail(reader, "a number");
	reader->at = end;
	return number;
}

typedef void taker(struct reader *reader, const char *key, void *to);

/* An object: calls `member` with the reader at each value. */
static void take_object(struct reader *reader, taker *member, void *to)
{
	char key[32];

	if (!take(reader, '{')) {
		fail(reader, "an object");
		return;
	}
	if (take(reader, '}'))
		return;
	do {
		if (!take_text(reader, key, sizeof(key)) || !take(reader, ':')) {
			fail(reader, "a member");
			return;
		}
		member(reader, key, to);
	} while (!reader->wrong && take(reader, ','));
	if (!take(reader, '}'))
		fail(reader, "the end of an object");
}

/* A list: calls `element` with the reader at each. */
static void take_list(struct reader *reader, taker *element, void *to)
{
	if (!take(reader, '[')) {
		fail(reader, "a list");
		return;
	}
	if (take(reader, ']'))
		return;
	do
		element(reader, NULL, to);
	while (!reader->wrong && take(reader, ','));
	if (!take(reader, ']'))
		fail(reader, "the end of a list");
}

static void take_cell_member(struct reader *reader, const char *key, void *to)
{
	struct wn_bench_cell *cell = to;
	char unused[64];

	if (!strcmp(key, "median"))
		cell->figure.median = take_number(reader);
	else if (!strcmp(key, "low"))
		cell->figure.low = take_number(reader);
	else if (!strcmp(key, "high"))
		cell->figure.high = take_number(reader);
	else if (!strcmp(key, "runs"))
		cell->figure.count = (uint32_t)take_number(reader);
	else if (!strcmp(key, "text"))
		take_text(reader, cell->text, sizeof(cell->text));
	else if (!strcmp(key, "unit"))
		take_text(reader, cell->unit, sizeof(cell->unit));
	else
		take_text(reader, unused, sizeof(unused));
}

/* A row with what is known of how many cells it has. */
struct row_place {
	struct wn_bench_row *row;
	uint32_t cells;
};

static void take_cell(struct reader *reader, const char *key, void *to)
{
	struct row_place *place = to;

	(void)key;
	if (place->cells == WN_BENCH_COLUMNS_MAX)
		fail(reader, "fewer cells");
	else
		take_object(reader, take_cell_member, &place->row->cells[place->cells++]);
}

static void take_row_member(struct reader *reader, const char *key, void *to)
{
	struct row_place *place = to;

	if (!strcmp(key, "name"))
		take_text(reader, place->row->name, sizeof(place->row->name));
	else if (!strcmp(key, "cells"))
		take_list(reader, take_cell, place);
	else
		fail(reader, "name or cells");
}

static void take_row(struct reader *reader, const char *key, void *to)
{
	struct wn_bench_table *table = to;
	struct row_place place = {&table->rows[table->row_count], 0};

	(void)key;
	if (table->row_count == WN_BENCH_ROWS_MAX) {
		fail(reader, "fewer rows");
		return;
	}
	table->row_count++;
	take_object(reader, take_row_member, &place);
	for (uint32_t c = 0; c < table->column_count; c++) /* the column's own unit is not said again */
		if (!strcmp(place.row->cells[c].unit, table->columns[c].unit))
			place.row->cells[c].unit[0] = '\0';
}

static void take_column_member(struct reader *reader, const char *key, void *to)
{
	struct wn_bench_column *column = to;

	if (!strcmp(key, "name"))
		take_text(reader, column->name, sizeof(column->name));
	else
		take_text(reader, column->unit, sizeof(column->unit));
}

static void take_column(struct reader *reader, const char *key, void *to)
{
	struct wn_bench_table *table = to;

	(void)key;
	if (table->column_count == WN_BENCH_COLUMNS_MAX)
		fail(reader, "fewer columns");
	else
		take_object(reader, take_column_member, &table->columns[table->column_count++]);
}

static void take_note(struct reader *reader, const char *key, void *to)
{
	struct wn_bench_table *table = to;

	(void)key;
	if (table->note_count == WN_BENCH_NOTES_MAX)
		fail(reader, "fewer notes");
	else
		take_text(reader, table->notes[table->note_count++], sizeof(table->notes[0]));
}

static void take_table_member(struct reader *reader, const char *key, void *to)
{
	struct wn_bench_table *table = to;

	if (!strcmp(key, "name"))
		take_text(reader, table->name, sizeof(table->name));
	else if (!strcmp(key, "title"))
		take_text(reader, table->title, sizeof(table->title));
	else if (!strcmp(key, "rows_are"))
		take_text(reader, table->first, sizeof(table->first));
	else if (!strcmp(key, "columns"))
		take_list(reader, take_column, table);
	else if (!strcmp(key, "rows"))
		take_list(reader, take_row, table);
	else if (!strcmp(key, "notes"))
		take_list(reader, take_note, table);
	else
		fail(reader, "a member of a table");
}

static void take_table(struct reader *reader, const char *key, void *to)
{
	struct wn_bench_result *result = to;

	(void)key;
	if (result->table_count == WN_BENCH_TABLES_MAX)
		fail(reader, "fewer tables");
	else
		take_object(reader, take_table_member, &result->tables[result->table_count++]);
}

static void take_fact_member(struct reader *reader, const char *key, void *to)
{
	struct wn_bench_result *result = to;
	const uint32_t i = result->fact_count;

	if (!strcmp(key, "name"))
		take_text(reader, result->facts[i].name, sizeof(result->facts[i].name));
	else
		take_text(reader, result->facts[i].value, sizeof(result->facts[i].value));
}

static void take_fact(struct reader *reader, const char *key, void *to)
{
	struct wn_bench_result *result = to;

	(void)key;
	if (result->fact_count == WN_BENCH_FACTS_MAX) {
		fail(reader, "fewer facts");
		return;
	}
	take_object(reader, take_fact_member, result);
	result->fact_count++;
}

static void take_member(struct reader *reader, const char *key, void *to)
{
	if (!strcmp(key, "warpnic_bench") && (int)take_number(reader) != FORMAT)
		fail(reader, "warpnic_bench: 1");
	else if (!strcmp(key, "facts"))
		take_list(reader, take_fact, to);
	else if (!strcmp(key, "tables"))
		take_list(reader, take_table, to);
	else if (strcmp(key, "warpnic_bench"))
		fail(reader, "warpnic_bench, facts or tables");
}

static int read_file(const char *path, char **text, struct wn_error *error)
{
	FILE *file = fopen(path, "re");
	size_t used = 0;
	int is_broken;

	if (!file)
		return wn_fail(error, errno, WN_NO_INPUT, "'%s': %s", path, strerror(errno));
	*text = malloc(FILE_BYTES_MAX + 1);
	if (*text) {
		used = fread(*text, 1, FILE_BYTES_MAX, file);
		(*text)[used] = '\0';
	}
	is_broken = ferror(file);
	fclose(file);
	if (*text && !is_broken && strlen(*text) == used)
		return 0;
	free(*text);
	return wn_fail(error, EINVAL, WN_NO_INPUT, "'%s': cannot be read as text", path);
}

int wn_bench_read_json(struct wn_bench_result *result, const char *path, struct wn_error *error)
{
	struct reader reader = {.result = result};
	char *text = NULL;
	int rc = read_file(path, &text, error);

	if (rc)
		return rc;
	memset(result, 0, sizeof(*result));
	reader.at = reader.start = text;
	take_object(&reader, take_member, result);
	reader.at += strspn(reader.at, " \t\r\n");
	if (!reader.wrong && *reader.at)
		fail(&reader, "nothing more");
	if (!reader.wrong && !result->table_count)
		fail(&reader, "tables");
	if (reader.wrong)
		rc = wn_fail(error, EINVAL, WN_NO_INPUT,
			     "'%s': not what `warpnic bench --json` writes: at byte %ld: expected %s", path,
			     (long)(reader.at - text), reader.wrong);
	free(text);
	return rc;
}
