/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of figures: how they are made, found and printed. */
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "tool/bench.h"

struct wn_bench_table *wn_bench_table(struct wn_bench *bench, const char *name, const char *title,
				      const char *first)
{
	struct wn_bench_table *table = &bench->result->tables[bench->result->table_count++];

	memset(table, 0, sizeof(*table));
	snprintf(table->name, sizeof(table->name), "%s", name);
	snprintf(table->title, sizeof(table->title), "%s", title);
	snprintf(table->first, sizeof(table->first), "%s", first);
	return table;
}

uint32_t wn_bench_column(struct wn_bench_table *table, const char *name, const char *unit)
{
	struct wn_bench_column *column = &table->columns[table->column_count];

	snprintf(column->name, sizeof(column->name), "%s", name);
	snprintf(column->unit, sizeof(column->unit), "%s", unit);
	return table->column_count++;
}

struct wn_bench_row *wn_bench_row(struct wn_bench_table *table, const char *format, ...)
{
	struct wn_bench_row *row = &table->rows[table->row_count++];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(row->name, sizeof(row->name), format, arguments);
	va_end(arguments);
	return row;
}

void wn_bench_note(struct wn_bench_table *table, const char *format, ...)
{
	va_list arguments;

	if (table->note_count == WN_BENCH_NOTES_MAX)
		return;
	va_start(arguments, format);
	vsnprintf(table->notes[table->note_count++], sizeof(table->notes[0]), format, arguments);
	va_end(arguments);
}

void wn_bench_say(struct wn_bench_row *row, uint32_t column, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(row->cells[column].text, sizeof(row->cells[column].text), format, arguments);
	va_end(arguments);
}

void wn_bench_put(struct wn_bench_row *row, uint32_t column, struct wn_bench_figure figure)
{
	row->cells[column].figure = figure;
}

static int compare(const void *a, const void *b)
{
	const double one = *(const double *)a, other = *(const double *)b;

	return (one > other) - (one < other);
}

struct wn_bench_figure wn_bench_figure(double *values, uint32_t count)
{
	struct wn_bench_figure figure = {.count = count};

	if (!count)
		return figure;
	qsort(values, count, sizeof(*values), compare);
	figure.low = values[0];
	figure.high = values[count - 1];
	figure.median = count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
	return figure;
}

struct wn_bench_figure wn_bench_scale(struct wn_bench_figure figure, double factor)
{
	figure.median *= factor;
	figure.low *= factor;
	figure.high *= factor;
	return figure;
}

const struct wn_bench_figure *wn_bench_find(const struct wn_bench_result *result, const char *table,
					    const char *row, const char *column)
{
	for (uint32_t t = 0; t < result->table_count; t++) {
		const struct wn_bench_table *at = &result->tables[t];

		if (strcmp(at->name, table))
			continue;
		for (uint32_t r = 0; r < at->row_count; r++)
			for (uint32_t c = 0; c < at->column_count; c++)
				if (!strcmp(at->rows[r].name, row) && !strcmp(at->columns[c].name, column))
					return at->rows[r].cells[c].figure.count ? &at->rows[r].cells[c].figure
										 : NULL;
	}
	return NULL;
}

/* Three digits that count, without an exponent. */
static void put_number(double value, char *text, size_t bytes)
{
	const double size = fabs(value);
	const int digits = size >= 99.95 || size == 0 ? 0 : size >= 9.995 ? 1 : size >= 0.9995 ? 2 : size >= 0.0995 ? 3 : 4;

	snprintf(text, bytes, "%.*f", digits, value);
}

const char *wn_bench_show(const struct wn_bench_figure *figure, char *text, size_t bytes)
{
	char median[32], low[32], high[32];

	put_number(figure->median, median, sizeof(median));
	put_number(figure->low, low, sizeof(low));
	put_number(figure->high, high, sizeof(high));
	if (figure->count > 1)
		snprintf(text, bytes, "%s (%s .. %s)", median, low, high);
	else
		snprintf(text, bytes, "%s", median);
	return text;
}

static const char *show_cell(const struct wn_bench_cell *cell, char *text, size_t bytes)
{
	char figure[128];

	if (!cell->figure.count)
		snprintf(text, bytes, "%s", cell->text[0] ? cell->text : "-");
	else
		snprintf(text, bytes, "%s%s%s%s%s", wn_bench_show(&cell->figure, figure, sizeof(figure)),
			 cell->unit[0] ? " " : "", cell->unit, cell->text[0] ? " " : "", cell->text);
	return text;
}

void wn_bench_print_facts(const struct wn_bench_result *result, FILE *file)
{
	for (uint32_t i = 0; i < result->fact_count; i++)
		fprintf(file, "- %s: %s\n", result->facts[i].name, result->facts[i].value);
}

static int width_of(const struct wn_bench_table *table, uint32_t column)
{
	size_t width = strlen(table->columns[column].name) +
		       (table->columns[column].unit[0] ? 2 + strlen(table->columns[column].unit) : 0);
	char text[400];

	for (uint32_t r = 0; r < table->row_count; r++) {
		const size_t length = strlen(show_cell(&table->rows[r].cells[column], text, sizeof(text)));

		width = length > width ? length : width;
	}
	return (int)width;
}

/* A table of Markdown, which is a table for the eye, too. */
static void print_rows(const struct wn_bench_table *table, FILE *file)
{
	int widths[WN_BENCH_COLUMNS_MAX], first = (int)strlen(table->first);
	char text[400];

	for (uint32_t r = 0; r < table->row_count; r++)
		if ((int)strlen(table->rows[r].name) > first)
			first = (int)strlen(table->rows[r].name);
	fprintf(file, "\n| %-*s |", first, table->first);
	for (uint32_t c = 0; c < table->column_count; c++) {
		const struct wn_bench_column *column = &table->columns[c];

		widths[c] = width_of(table, c);
		snprintf(text, sizeof(text), "%s%s%s", column->name, column->unit[0] ? ", " : "", column->unit);
		fprintf(file, " %-*s |", widths[c], text);
	}
	fprintf(file, "\n| --- |");
	for (uint32_t c = 0; c < table->column_count; c++)
		fprintf(file, " --- |");
	for (uint32_t r = 0; r < table->row_count; r++) {
		fprintf(file, "\n| %-*s |", first, table->rows[r].name);
		for (uint32_t c = 0; c < table->column_count; c++)
			fprintf(file, " %-*s |", widths[c], show_cell(&table->rows[r].cells[c], text, sizeof(text)));
	}
	fprintf(file, "\n");
}

void wn_bench_print_table(const struct wn_bench_table *table, FILE *file)
{
	fprintf(file, "\n### %s\n", table->title);
	if (table->row_count)
		print_rows(table, file);
	for (uint32_t i = 0; i < table->note_count; i++)
		fprintf(file, "\n%s\n", table->notes[i]);
	fflush(file);
}

/* A text as CSV has it (RFC 4180). */
static void put_quoted(const char *text, FILE *file)
{
	fputc('"', file);
	for (; *text; text++) {
		if (*text == '"')
			fputc('"', file);
		fputc(*text, file);
	}
	fputc('"', file);
}

void wn_bench_write_csv(const struct wn_bench_result *result, FILE *file)
{
	fputs("table,row,column,unit,median,low,high,runs,text\r\n", file);
	for (uint32_t t = 0; t < result->table_count; t++) {
		const struct wn_bench_table *table = &result->tables[t];

		for (uint32_t r = 0; r < table->row_count; r++) {
			for (uint32_t c = 0; c < table->column_count; c++) {
				const struct wn_bench_cell *cell = &table->rows[r].cells[c];

				fprintf(file, "%s,", table->name);
				put_quoted(table->rows[r].name, file);
				fputc(',', file);
				put_quoted(table->columns[c].name, file);
				fprintf(file, ",%s,", cell->unit[0] ? cell->unit : table->columns[c].unit);
				if (cell->figure.count)
					fprintf(file, "%.6g,%.6g,%.6g,%u,", cell->figure.median, cell->figure.low,
						cell->figure.high, cell->figure.count);
				else
					fputs(",,,,", file);
				put_quoted(cell->text, file);
				fputs("\r\n", file);
			}
		}
	}
}
