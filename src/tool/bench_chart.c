/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Charts of some tables, as SVG by gnuplot. Their ground is transparent and their letters are of a grey that
 * is read on white and on black alike, so one file serves a page in either.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tool/bench.h"

#define GREY "#767676"

struct chart {
	const char *name;          /* of the table, and of the file */
	const char *title, *across, *up;
	int is_bars;               /* a bar a row, of the first column named; else lines over the rows' numbers */
	const char *columns[6];    /* beginnings of names; NULL at the end */
};

static const struct chart charts[] = {
	{"work", "By hand on the CPU, and ours", "operations a packet (0 stands at 1)", "packets a second, millions", 0,
	 {"by hand, one", "by hand, ", "ours, one", "ours, "}},
	{"lanes", "Throughput by lanes", "lanes", "packets a second, millions", 0,
	 {"0 operations", "1000 operations", "10000 operations"}},
	{"latency", "Where the time of one packet goes (udp echo)", "", "mean, us", 1, {"mean"}},
	{"cpu", "What the CPU does for a packet", "", "system time, ns a packet", 1, {"system"}},
};

enum { CHART_COUNT = sizeof(charts) / sizeof(charts[0]) };

const char *const wn_bench_chart_names[] = {"work", "lanes", "latency", "cpu", NULL};

static const struct wn_bench_table *table_of(const struct wn_bench_result *result, const char *name)
{
	for (uint32_t i = 0; i < result->table_count; i++)
		if (!strcmp(result->tables[i].name, name) && result->tables[i].row_count)
			return &result->tables[i];
	return NULL;
}

/* Which columns the chart has, none twice. Returns how many. */
static uint32_t choose(const struct chart *chart, const struct wn_bench_table *table, uint32_t *chosen)
{
	uint32_t count = 0;

	for (uint32_t i = 0; chart->columns[i]; i++) {
		for (uint32_t c = 0; c < table->column_count; c++) {
			int is_new = !strncmp(table->columns[c].name, chart->columns[i], strlen(chart->columns[i]));

			for (uint32_t k = 0; k < count; k++)
				is_new &= chosen[k] != c;
			if (is_new)
				chosen[count++] = c;
		}
	}
	return count;
}

/* A text between quotes of gnuplot's, with nothing in it that gnuplot would take for its own. */
static void put_text(const char *text, int length_max, FILE *file)
{
	fputc('"', file);
	for (int i = 0; text[i] && i < length_max; i++)
		fputc(strchr("\"\\`{}^_@&~$", text[i]) ? ' ' : text[i], file);
	if ((int)strlen(text) > length_max)
		fputs("...", file);
	fputc('"', file);
}

/* The rows as gnuplot's data: number, name, then the figures that were chosen. Returns how many. */
static uint32_t put_data(const struct wn_bench_table *table, const uint32_t *chosen, uint32_t count, int is_bars, FILE *file)
{
	uint32_t rows = 0;

	fprintf(file, "$data << EOD\n");
	for (uint32_t r = 0; r < table->row_count; r++) {
		const double number = strtod(table->rows[r].name, NULL);
		int is_known = 1;

		for (uint32_t i = 0; i < count; i++)
			is_known &= table->rows[r].cells[chosen[i]].figure.count > 0;
		if (is_bars && (!is_known || !strncmp(table->rows[r].name, "sum", 3)))
			continue;
		rows++;
		fprintf(file, "%g ", number > 0 ? number : 1);
		put_text(table->rows[r].name, 34, file);
		for (uint32_t i = 0; i < count; i++) {
			const struct wn_bench_figure *figure = &table->rows[r].cells[chosen[i]].figure;

			if (figure->count && figure->median > 0)
				fprintf(file, " %g", figure->median);
			else
				fprintf(file, " NaN");
		}
		fputc('\n', file);
	}
	fprintf(file, "EOD\n");
	return rows;
}

static void put_lines(const struct wn_bench_table *table, const uint32_t *chosen, uint32_t count, FILE *file)
{
	static const char *const colours[] = {"#c8643c", "#e0a030", "#2f7fb8", "#3f9a78", "#8a62ad", "#767676"};

	fprintf(file, "set logscale xy 10\nset format x \"10^{%%L}\"\nset format y \"10^{%%L}\"\nset key outside bottom center horizontal\n"
		      "plot ");
	for (uint32_t i = 0; i < count; i++) {
		fprintf(file, "%s$data using 1:%u with linespoints lw 2 pt 7 ps 0.6 lc rgb \"%s\" title ", i ? ", " : "", i + 3,
			colours[i % 6]);
		put_text(table->columns[chosen[i]].name, 60, file);
	}
	fputc('\n', file);
}

/* Bars that lie, so that their names can be read. */
static void put_bars(uint32_t rows, FILE *file)
{
	fprintf(file, "set yrange [%.1f:-0.6]\n", (double)rows - 0.4);
	fprintf(file, "unset key\nset xrange [0:*]\nset style fill solid 0.85 noborder\nset lmargin 36\n"
		      "unset ytics\nset ytics nomirror scale 0 textcolor rgb \"" GREY "\"\n"
		      "plot $data using (0):0:(0):3:($0-0.35):($0+0.35):ytic(2) with boxxyerror lc rgb \"#2f7fb8\"\n");
}

static void put_script(const struct chart *chart, const struct wn_bench_table *table, const char *path, FILE *file)
{
	uint32_t chosen[WN_BENCH_COLUMNS_MAX];
	const uint32_t count = choose(chart, table, chosen);
	uint32_t rows;

	fprintf(file, "set encoding utf8\nset terminal svg size 720,400 dynamic enhanced font \"sans-serif,13\"\n"
		      "set output \"%s\"\n", path);
	fprintf(file, "set border 3 lc rgb \"" GREY "\"\nset tics textcolor rgb \"" GREY "\" nomirror\nset key textcolor rgb \"" GREY "\"\n"
		      "set grid lc rgb \"" GREY "\" lw 0.3 dt 3\nset title textcolor rgb \"" GREY "\"\n"
		      "set xlabel textcolor rgb \"" GREY "\"\nset ylabel textcolor rgb \"" GREY "\"\n");
	fprintf(file, "set title \"%s\"\n", chart->title);
	fprintf(file, "set xlabel \"%s\"\nset ylabel \"%s\"\n", chart->is_bars ? chart->up : chart->across,
		chart->is_bars ? "" : chart->up);
	rows = put_data(table, chosen, count, chart->is_bars, file);
	if (chart->is_bars)
		put_bars(rows, file);
	else
		put_lines(table, chosen, count, file);
}

static int has_gnuplot(void)
{
	return system("command -v gnuplot >/dev/null 2>&1") == 0;
}

static int draw(const struct chart *chart, const struct wn_bench_table *table, const char *folder)
{
	char path[512];
	FILE *pipe;

	snprintf(path, sizeof(path), "%s/%s.svg", folder, chart->name);
	pipe = popen("gnuplot", "we");
	if (!pipe)
		return 0;
	put_script(chart, table, path, pipe);
	return pclose(pipe) == 0;
}

int wn_bench_charts(const struct wn_bench_result *result, const char *folder, struct wn_error *error)
{
	int drawn = 0;

	if (!has_gnuplot())
		return wn_fail(error, ENOENT, WN_UNAVAILABLE, "charts are left out: gnuplot is not here (Debian: gnuplot-nox)");
	if (strpbrk(folder, "\"\\"))
		return wn_fail(error, EINVAL, WN_USAGE, "--charts '%s': a name with \" or \\ cannot be said to gnuplot", folder);
	if (mkdir(folder, 0777) && errno != EEXIST)
		return wn_fail(error, errno, WN_FAILED, "'%s': %s", folder, strerror(errno));
	for (int i = 0; i < CHART_COUNT; i++) {
		const struct wn_bench_table *table = table_of(result, charts[i].name);

		if (!table)
			continue;
		if (!draw(&charts[i], table, folder))
			return wn_fail(error, EIO, WN_FAILED, "gnuplot did not draw '%s/%s.svg'", folder, charts[i].name);
		drawn++;
	}
	return drawn;
}
