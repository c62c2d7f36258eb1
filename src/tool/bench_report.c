/* SPDX-License-Identifier: Apache-2.0 */
/* A run as one page that needs no other file: reads well on a narrow screen and a wide one, light and dark. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tool/bench.h"

static const char style[] =
	":root{color-scheme:light dark;--ink:#1c1f23;--paper:#fff;--soft:#5b6470;--line:#d9dee4;--row:#f5f7f9}"
	"@media(prefers-color-scheme:dark){:root{--ink:#e4e7eb;--paper:#14171a;--soft:#9aa4b0;--line:#333a42;--row:#1b2025}}"
	"*{box-sizing:border-box}"
	"body{margin:0 auto;padding:1.2rem;max-width:76rem;background:var(--paper);color:var(--ink);"
	"font:16px/1.5 system-ui,sans-serif;overflow-wrap:break-word}"
	"h1{font-size:1.6rem;line-height:1.2}h2{font-size:1.15rem;margin:2.2rem 0 .5rem}"
	"dl{display:grid;grid-template-columns:max-content 1fr;gap:.15rem 1rem;margin:0}dt{color:var(--soft)}dd{margin:0;min-width:0}"
	".wide{overflow-x:auto}table{border-collapse:collapse;font-size:.9rem;font-variant-numeric:tabular-nums}"
	"th,td{padding:.35rem .7rem;border-bottom:1px solid var(--line);text-align:left;vertical-align:top}"
	"th{color:var(--soft);font-weight:600}td small{color:var(--soft);white-space:nowrap}"
	"tbody tr:nth-child(odd){background:var(--row)}p.note{color:var(--soft);font-size:.9rem;max-width:60rem}"
	"img{display:block;width:100%;max-width:45rem;height:auto;margin:1rem 0}"
	"@media(max-width:600px){body{padding:.8rem;font-size:15px}dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:.5rem}"
	"th,td{padding:.3rem .45rem}td:first-child,th:first-child{min-width:9rem}.claims td:last-child{min-width:15rem}}"
	"code{font:.92em ui-monospace,monospace}";

/* Text of HTML; what stands between two backticks is code. */
static void put(const char *text, FILE *file)
{
	int is_code = 0;

	for (; *text; text++) {
		switch (*text) {
		case '`':
			fputs(is_code ? "</code>" : "<code>", file);
			is_code = !is_code;
			break;
		case '<':
			fputs("&lt;", file);
			break;
		case '>':
			fputs("&gt;", file);
			break;
		case '&':
			fputs("&amp;", file);
			break;
		case '"':
			fputs("&quot;", file);
			break;
		default:
			fputc(*text, file);
		}
	}
	if (is_code)
		fputs("</code>", file);
}

static void put_cell(const struct wn_bench_cell *cell, FILE *file)
{
	const struct wn_bench_figure *figure = &cell->figure;
	struct wn_bench_figure alone = *figure;
	char text[128];

	fputs("<td>", file);
	alone.count = 1;
	if (figure->count) {
		fputs(wn_bench_show(&alone, text, sizeof(text)), file);
		fputs(cell->unit[0] ? " " : "", file);
		put(cell->unit, file);
		wn_bench_show(figure, text, sizeof(text));
		if (figure->count > 1 && strchr(text, '('))
			fprintf(file, " <small>%s</small>", strchr(text, '('));
	}
	if (cell->text[0]) {
		fputs(figure->count ? " " : "", file);
		put(cell->text, file);
	} else if (!figure->count) {
		fputc('-', file);
	}
	fputs("</td>", file);
}

static void put_table(const struct wn_bench_table *table, FILE *file)
{
	if (table->row_count) {
		fprintf(file, "<div class=\"wide\"><table class=\"%s\"><thead><tr><th>", table->name);
		put(table->first, file);
		for (uint32_t c = 0; c < table->column_count; c++) {
			fputs("</th><th>", file);
			put(table->columns[c].name, file);
			fputs(table->columns[c].unit[0] ? ", " : "", file);
			put(table->columns[c].unit, file);
		}
		fputs("</th></tr></thead><tbody>\n", file);
		for (uint32_t r = 0; r < table->row_count; r++) {
			fputs("<tr><td>", file);
			put(table->rows[r].name, file);
			fputs("</td>", file);
			for (uint32_t c = 0; c < table->column_count; c++)
				put_cell(&table->rows[r].cells[c], file);
			fputs("</tr>\n", file);
		}
		fputs("</tbody></table></div>\n", file);
	}
	for (uint32_t i = 0; i < table->note_count; i++) {
		fputs("<p class=\"note\">", file);
		put(table->notes[i], file);
		fputs("</p>\n", file);
	}
}

/* Base64 (RFC 4648, section 4). */
static void put_base64(FILE *from, FILE *file)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	uint8_t in[3];
	size_t count;

	while ((count = fread(in, 1, 3, from)) > 0) {
		const uint32_t bits = (uint32_t)in[0] << 16 | (count > 1 ? (uint32_t)in[1] << 8 : 0) | (count > 2 ? in[2] : 0);

		fputc(letters[bits >> 18], file);
		fputc(letters[bits >> 12 & 63], file);
		fputc(count > 1 ? letters[bits >> 6 & 63] : '=', file);
		fputc(count > 2 ? letters[bits & 63] : '=', file);
	}
}

static void put_chart(const char *folder, const struct wn_bench_table *table, FILE *file)
{
	char path[512];
	FILE *chart;

	for (uint32_t i = 0; wn_bench_chart_names[i]; i++) {
		if (strcmp(wn_bench_chart_names[i], table->name))
			continue;
		snprintf(path, sizeof(path), "%s/%s.svg", folder, table->name);
		chart = fopen(path, "re");
		if (!chart)
			return;
		fprintf(file, "<img alt=\"Chart of the table below: %s\" src=\"data:image/svg+xml;base64,", table->title);
		put_base64(chart, file);
		fputs("\">\n", file);
		fclose(chart);
	}
}

/* What it is about comes first: the claims, then the tables in the order in which they were measured. */
static void put_tables(const struct wn_bench_result *result, const char *charts, FILE *file)
{
	for (int turn = 0; turn < 2; turn++) {
		for (uint32_t t = 0; t < result->table_count; t++) {
			const struct wn_bench_table *table = &result->tables[t];

			if ((strcmp(table->name, "claims") == 0) == turn)
				continue;
			fputs("<h2>", file);
			put(table->title, file);
			fputs("</h2>\n", file);
			if (charts)
				put_chart(charts, table, file);
			put_table(table, file);
		}
	}
}

int wn_bench_report(const struct wn_bench_result *result, const char *charts, FILE *file)
{
	fprintf(file, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
		      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
		      "<title>warpnic bench</title>\n<style>%s</style></head><body>\n<h1>warpnic bench</h1>\n<dl>\n", style);
	for (uint32_t i = 0; i < result->fact_count; i++) {
		fputs("<dt>", file);
		put(result->facts[i].name, file);
		fputs("</dt><dd>", file);
		put(result->facts[i].value, file);
		fputs("</dd>\n", file);
	}
	fputs("</dl>\n<p class=\"note\">Every figure was measured in this run: median, in small the lowest and the highest.", file);
	fputs(charts ? "</p>\n" : " Charts are left out: gnuplot was not there.</p>\n", file);
	put_tables(result, charts, file);
	fputs("</body></html>\n", file);
	return ferror(file) ? -EIO : 0;
}
