/* SPDX-License-Identifier: Apache-2.0 */
/* The live table of `warpnic run`: redrawn in place on a terminal, a line each time elsewhere. */
#include "tool/run.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

enum { BAR_CELLS = 20 };

struct rates {
	double seconds, received, bits, answered, forwarded, delivered, dropped, cores;
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
		.forwarded = per_second(b->forwarded, a->forwarded, seconds),
		.delivered = per_second(b->delivered, a->delivered, seconds),
		.dropped = per_second(wn_counters_dropped(b), wn_counters_dropped(a), seconds),
		.cores = 1e-9 * per_second(now->user_ns + now->system_ns,
					   before->user_ns + before->system_ns, seconds),
	};
}

/* One line of the table, cleared to its end, and counted so that the next draw can go back. */
__attribute__((format(printf, 2, 3)))
static void draw(struct wn_run_table *table, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vfprintf(table->file, format, arguments);
	va_end(arguments);
	fputs("\x1b[K\n", table->file);
	table->lines++;
}

static void draw_count(struct wn_run_table *table, const char *name, double rate, uint64_t total)
{
	char scaled[32], grouped[32];

	draw(table, "  %-22s %10s/s %26s", name, wn_run_scaled(rate, scaled, sizeof(scaled)),
	     wn_run_grouped(total, grouped, sizeof(grouped)));
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
	cells = (uint32_t)((uint64_t)depth * BAR_CELLS / slots);
	if (cells > BAR_CELLS)
		cells = BAR_CELLS;
	memset(bar, '#', cells);
	memset(bar + cells, '.', BAR_CELLS - cells);
	bar[BAR_CELLS] = '\0';
	draw(table, "  ring %-17.40s %s %7u of %u slots", wn_runtime_link_where(runtime, link), bar, depth,
	     slots);
}

static void draw_table(struct wn_run_table *table, const struct wn_runtime *runtime,
		       const struct wn_run_sample *first, const struct wn_run_sample *now,
		       const struct rates *rates)
{
	const struct wn_counters *counters = &now->counters;
	const char *bold = table->has_colour ? "\x1b[1m" : "", *plain = table->has_colour ? "\x1b[0m" : "";
	char bits[32];

	if (table->lines)
		fprintf(table->file, "\x1b[%dA", table->lines);
	table->lines = 0;
	draw(table, "%s%s%s on %s, %s mode   %.0f s   %sbit/s   cpu %.0f %% of a core", bold,
	     wn_runtime_program_name(runtime), plain, wn_runtime_device_name(runtime),
	     wn_mode_name(wn_runtime_mode(runtime)), (double)(now->at_ns - first->at_ns) * 1e-9,
	     wn_run_scaled(rates->bits, bits, sizeof(bits)), rates->cores * 100);
	draw_count(table, "received", rates->received, counters->received);
	draw_count(table, "answered", rates->answered, counters->answered);
	draw_count(table, "forwarded", rates->forwarded, counters->forwarded);
	draw_count(table, "delivered", rates->delivered, counters->delivered);
	draw_count(table, "dropped", rates->dropped, wn_counters_dropped(counters));
	for (int cause = 0; cause < WN_CAUSE_COUNT; cause++) {
		char grouped[32];

		if (counters->dropped[cause])
			draw(table, "    %-20s %12s %26s", wn_cause_name((enum wn_cause)cause), "",
			     wn_run_grouped(counters->dropped[cause], grouped, sizeof(grouped)));
	}
	draw(table, "  %-22s %12s %26" PRIu64, "in flight", "", counters->in_flight);
	if (counters->kernel_dropped)
		draw(table, "  %-22s %12s %26" PRIu64, "dropped by the kernel", "",
		     counters->kernel_dropped);
	for (uint32_t link = 0; wn_runtime_link_where(runtime, link); link++)
		draw_depth(table, runtime, link);
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
		draw_table(table, runtime, first, now, &rates);
	else
		print_line(table, first, now, &rates);
	fflush(table->file);
}
