/* SPDX-License-Identifier: Apache-2.0 */
/* The live table of `warpnic run`: redrawn in place on a terminal, a line each time elsewhere. */
#include "tool/run.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>

enum { BAR_CELLS = 20 };

struct rates {
	double seconds, received, bits, answered, answered_bits, forwarded, delivered, dropped, cores;
};

static double per_second(uint64_t now, uint64_t before, double seconds)
{
	return seconds > 0 ? (double)(now - before) / seconds : 0;
}

static struct rates rates_between(const struct wn_run_sample *before, const struct wn_run_sample *now)
{
	const struct wn_counters *a = &before->counters, *b = &now->counters;
	const double seconds = (double)(now->at_ns - before->at_ns) * 1e-9;

	return (struct rates){
		.seconds = seconds,
		.received = per_second(b->received, a->received, seconds),
		.bits = 8 * per_second(b->bytes, a->bytes, seconds),
		.answered = per_second(b->answered, a->answered, seconds),
		.answered_bits = 8 * per_second(b->answered_bytes, a->answered_bytes, seconds),
		.forwarded = per_second(b->forwarded, a->forwarded, seconds),
		.delivered = per_second(b->delivered, a->delivered, seconds),
		.dropped = per_second(wn_counters_dropped(b), wn_counters_dropped(a), seconds),
		.cores = 1e-9 * per_second(now->user_ns + now->system_ns,
					   before->user_ns + before->system_ns, seconds),
	};
}

/* Columns of the terminal; 80 where it does not tell. A longer line would wrap, and the next draw miss it. */
static size_t columns_of(FILE *file)
{
	struct winsize size;

	return ioctl(fileno(file), TIOCGWINSZ, &size) || size.ws_col < 20 ? 80 : size.ws_col;
}

/* One line of the table, cut and cleared to its end, and counted so that the next draw can go back. */
__attribute__((format(printf, 3, 4)))
static void draw(struct wn_run_table *table, const char *look, const char *format, ...)
{
	const size_t columns = columns_of(table->file);
	char line[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	if (columns - 1 < sizeof(line))
		line[columns - 1] = '\0';
	if (table->has_colour && look)
		fprintf(table->file, "\x1b[%sm%s\x1b[0m\x1b[K\n", look, line);
	else
		fprintf(table->file, "%s\x1b[K\n", line);
	table->lines++;
}

#define BOLD "1"
#define FAINT "2"
#define ALARM "33"

static void draw_count(struct wn_run_table *table, const char *name, double rate, uint64_t total, double bits)
{
	char scaled[32], grouped[32], second[40] = "", scaled_bits[32];

	if (bits >= 0)
		snprintf(second, sizeof(second), "%sbit/s", wn_run_scaled(bits, scaled_bits, sizeof(scaled_bits)));
	draw(table, total ? NULL : FAINT, "  %-22s %10s/s %14s %26s", name, wn_run_scaled(rate, scaled, sizeof(scaled)), second,
	     wn_run_grouped(total, grouped, sizeof(grouped)));
}

static void draw_drops(struct wn_run_table *table, const struct wn_run_sample *before, const struct wn_run_sample *now,
		       const struct rates *rates)
{
	for (int cause = 0; cause < WN_CAUSE_COUNT; cause++) {
		const uint64_t total = now->counters.dropped[cause];
		const double rate = per_second(total, before->counters.dropped[cause], rates->seconds);
		char scaled[32], grouped[32];

		if (total)
			draw(table, rate > 0 ? ALARM : NULL, "    %-20s %10s/s %41s", wn_cause_name((enum wn_cause)cause),
			     wn_run_scaled(rate, scaled, sizeof(scaled)), wn_run_grouped(total, grouped, sizeof(grouped)));
	}
	if (now->counters.kernel_dropped)
		draw(table, ALARM, "    %-20s %12s %41" PRIu64, "by the kernel", "", now->counters.kernel_dropped);
}

static void draw_depth(struct wn_run_table *table, const struct wn_runtime *runtime, uint32_t link)
{
	const uint32_t slots =
		wn_runtime_slot_count(runtime, link) * wn_runtime_queue_count(runtime, link);
	const uint32_t depth = wn_runtime_ring_depth(runtime, link);
	char bar[BAR_CELLS + 1];
	uint32_t cells;

	if (!slots)
		return;
	cells = (uint32_t)(((uint64_t)depth * BAR_CELLS + slots - 1) / slots);
	if (cells > BAR_CELLS)
		cells = BAR_CELLS;
	memset(bar, '#', cells);
	memset(bar + cells, '.', BAR_CELLS - cells);
	bar[BAR_CELLS] = '\0';
	draw(table, NULL, "  ring %-23.23s [%s] %7u of %u", wn_runtime_link_where(runtime, link), bar, depth, slots);
}

typedef int stage_teller(const struct wn_runtime *runtime, uint32_t number, struct wn_stage_times *times);

static void put_time(char *text, size_t bytes, double ns)
{
	if (ns > 0)
		snprintf(text, bytes, "%10.2f", ns / 1e3);
	else
		snprintf(text, bytes, "%10s", "-");
}

/* Where a packet's time goes, since the start: a column a stage. */
static void draw_stages(struct wn_run_table *table, const struct wn_runtime *runtime, stage_teller *tell, const char *what)
{
	char lines[3][128] = {{0}};
	struct wn_stage_times times;
	int used = 0;

	for (uint32_t i = 0; tell(runtime, i, &times) && used < 100; i++) {
		if (!times.count)
			return;
		snprintf(lines[0] + used, sizeof(lines[0]) - (size_t)used, "%10s", times.name);
		put_time(lines[1] + used, sizeof(lines[1]) - (size_t)used, times.p50_ns);
		put_time(lines[2] + used, sizeof(lines[2]) - (size_t)used, times.p99_ns);
		used += 10;
	}
	draw(table, NULL, "  %-24s%s", what, lines[0]);
	draw(table, NULL, "  %-24s%s", "                p50", lines[1]);
	draw(table, NULL, "  %-24s%s", "                p99", lines[2]);
}

/* The share of a core that each of our threads has, several a line. */
static void draw_threads(struct wn_run_table *table, const struct rates *rates)
{
	struct wn_run_threads now;
	char line[128] = "";
	int used = 0;

	wn_run_look_at_threads(&now);
	for (uint32_t i = 0; i < now.count; i++) {
		const double ns = wn_run_thread_ns(&now.list[i], &table->threads);

		used += snprintf(line + used, sizeof(line) - (size_t)used, "  %-10s %3.0f %%", now.list[i].name,
				 rates->seconds > 0 ? 1e-7 * ns / rates->seconds : 0);
		if (used > 58 || i + 1 == now.count) {
			draw(table, NULL, "%s%s", i + 1 == now.count && i < 4 ? "  cpu " : "      ", line);
			used = 0;
			line[0] = '\0';
		}
	}
	table->threads = now;
}

static void draw_table(struct wn_run_table *table, const struct wn_runtime *runtime,
		       const struct wn_run_sample *first, const struct wn_run_sample *before,
		       const struct wn_run_sample *now, const struct rates *rates)
{
	const struct wn_counters *counters = &now->counters;
	const int before_lines = table->lines;

	if (table->lines)
		fprintf(table->file, "\x1b[%dA", table->lines);
	table->lines = 0;
	draw(table, BOLD, "%s on %.40s, %s mode   %.0f s   cpu %.0f %% of a core", wn_runtime_program_name(runtime),
	     wn_runtime_device_name(runtime), wn_mode_name(wn_runtime_mode(runtime)),
	     (double)(now->at_ns - first->at_ns) * 1e-9, rates->cores * 100);
	draw_count(table, "received", rates->received, counters->received, rates->bits);
	draw_count(table, "answered", rates->answered, counters->answered, rates->answered_bits);
	draw_count(table, "forwarded", rates->forwarded, counters->forwarded, -1);
	draw_count(table, "delivered", rates->delivered, counters->delivered, -1);
	draw_count(table, "dropped", rates->dropped, wn_counters_dropped(counters), -1);
	draw_drops(table, before, now, rates);
	draw(table, NULL, "  %-22s %12s %14s %26" PRIu64, "in flight", "", "", counters->in_flight);
	for (uint32_t link = 0; wn_runtime_link_where(runtime, link); link++)
		draw_depth(table, runtime, link);
	draw_stages(table, runtime, wn_runtime_way, "the way, us");
	draw_stages(table, runtime, wn_runtime_stage, "on the device, us");
	draw_threads(table, rates);
	/* A table that has become shorter leaves nothing of the longer one behind. */
	if (table->lines < before_lines)
		fputs("\x1b[J", table->file);
}

static void print_line(struct wn_run_table *table, const struct wn_run_sample *first,
		       const struct wn_run_sample *now, const struct rates *rates)
{
	char received[32], bits[32], answered[32], delivered[32], dropped[32];

	fprintf(table->file,
		"%7.1f s  received %s/s %sbit/s  answered %s/s  delivered %s/s  dropped %s/s  "
		"in flight %" PRIu64 "  cpu %.0f %%\n",
		(double)(now->at_ns - first->at_ns) * 1e-9,
		wn_run_scaled(rates->received, received, sizeof(received)),
		wn_run_scaled(rates->bits, bits, sizeof(bits)),
		wn_run_scaled(rates->answered, answered, sizeof(answered)),
		wn_run_scaled(rates->delivered + rates->forwarded, delivered, sizeof(delivered)),
		wn_run_scaled(rates->dropped, dropped, sizeof(dropped)), now->counters.in_flight,
		rates->cores * 100);
}

void wn_run_table_show(struct wn_run_table *table, const struct wn_runtime *runtime,
		       const struct wn_run_sample *first, const struct wn_run_sample *before,
		       const struct wn_run_sample *now)
{
	const struct rates rates = rates_between(before, now);

	if (table->is_terminal)
		draw_table(table, runtime, first, before, now, &rates);
	else
		print_line(table, first, now, &rates);
	fflush(table->file);
}
