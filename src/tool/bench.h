/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of `warpnic bench` share.
 *
 *   bench.c            the command: which tables, in which order, where the result goes
 *   bench_NAME.c       one table each: cpu, ring, latency, lanes, bytes, resident, work, dns, sampling, claims
 *   bench_measure.c    one load through one runtime, in some windows of time
 *   bench_client.c     the other side: `warpnic send` as a process of its own
 *   bench_table.c      tables of figures, and as text and CSV
 *   bench_json.c       as JSON, and back
 *   bench_machine.c    what it was measured on
 *   bench_chart.c, bench_report.c   pictures, and a page
 *
 * Everything is measured when it is asked for: no figure stands in the source but those that the original
 * design claims, in bench_claims.c. One thread.
 */
#ifndef WN_TOOL_BENCH_H
#define WN_TOOL_BENCH_H

#include <stdio.h>

#include "warpnic/runtime.h"

enum {
	WN_BENCH_COLUMNS_MAX = 8,
	WN_BENCH_ROWS_MAX = 32,
	WN_BENCH_TABLES_MAX = 12,
	WN_BENCH_NOTES_MAX = 8,
	WN_BENCH_FACTS_MAX = 24,
	WN_BENCH_RUNS_MAX = 16
};

/* What came of some runs of the same. count 0: nothing. */
struct wn_bench_figure {
	double median, low, high;
	uint32_t count;
};

struct wn_bench_cell {
	struct wn_bench_figure figure;
	char unit[16];           /* "" : the column's */
	char text[160];          /* said instead of a figure, or behind it */
};

struct wn_bench_column {
	char name[48];
	char unit[16];
};

struct wn_bench_row {
	char name[112];
	struct wn_bench_cell cells[WN_BENCH_COLUMNS_MAX];
};

struct wn_bench_table {
	char name[24];           /* what --only takes */
	char title[160];
	char first[48];          /* what its rows are */
	struct wn_bench_column columns[WN_BENCH_COLUMNS_MAX];
	uint32_t column_count;
	struct wn_bench_row rows[WN_BENCH_ROWS_MAX];
	uint32_t row_count;
	char notes[WN_BENCH_NOTES_MAX][400];
	uint32_t note_count;
};

/* A run: where, and what came out. */
struct wn_bench_result {
	struct {
		char name[24], value[256];
	} facts[WN_BENCH_FACTS_MAX];
	uint32_t fact_count;
	struct wn_bench_table tables[WN_BENCH_TABLES_MAX];
	uint32_t table_count;
};

struct wn_bench {
	int is_quick;
	const char *device;      /* as --device has it */
	int has_gpu;             /* it is not the cpu device */
	double window_seconds;   /* one run of one figure */
	uint32_t repeat;         /* runs of one figure */
	uint32_t cores;          /* processors this process may run on */
	uint32_t queues;         /* what "all cores" means for pumps */
	struct wn_bench_result *result;
};

/* -- bench_table.c -- */

struct wn_bench_table *wn_bench_table(struct wn_bench *bench, const char *name, const char *title,
				      const char *first);
/* Returns the column's number. */
uint32_t wn_bench_column(struct wn_bench_table *table, const char *name, const char *unit);
__attribute__((format(printf, 2, 3)))
struct wn_bench_row *wn_bench_row(struct wn_bench_table *table, const char *format, ...);
__attribute__((format(printf, 2, 3)))
void wn_bench_note(struct wn_bench_table *table, const char *format, ...);
__attribute__((format(printf, 3, 4)))
void wn_bench_say(struct wn_bench_row *row, uint32_t column, const char *format, ...);
void wn_bench_put(struct wn_bench_row *row, uint32_t column, struct wn_bench_figure figure);

/* Median and ends of some values, which it sorts. */
struct wn_bench_figure wn_bench_figure(double *values, uint32_t count);
struct wn_bench_figure wn_bench_scale(struct wn_bench_figure figure, double factor);

/* NULL where there is none, or nothing in it. */
const struct wn_bench_figure *wn_bench_find(const struct wn_bench_result *result, const char *table,
					    const char *row, const char *column);

/* "1.23 (1.20 .. 1.31)": the unit is not among it. */
const char *wn_bench_show(const struct wn_bench_figure *figure, char *text, size_t bytes);

void wn_bench_print_facts(const struct wn_bench_result *result, FILE *file);
void wn_bench_print_table(const struct wn_bench_table *table, FILE *file);
void wn_bench_write_csv(const struct wn_bench_result *result, FILE *file);

/* -- bench_json.c -- */

int wn_bench_write_json(const struct wn_bench_result *result, FILE *file);
/* Reads what the other wrote. 0 or -errno with the reason, which names the file. */
int wn_bench_read_json(struct wn_bench_result *result, const char *path, struct wn_error *error);

/* -- bench_against.c -- */

/* The figures that both have, as ratios of the medians, new by old. */
void wn_bench_compare(const struct wn_bench_result *result, const struct wn_bench_result *old, FILE *file);

/* -- bench_machine.c -- */

__attribute__((format(printf, 3, 4)))
void wn_bench_fact(struct wn_bench_result *result, const char *name, const char *format, ...);
void wn_bench_describe_machine(struct wn_bench *bench);

/* How many figures there are, and how many of them vary by more than a third of their median. */
void wn_bench_judge_spread(struct wn_bench_result *result);

/* Power that the device, or where it is the cpu device the processors' package, draws now; 0: not told. */
double wn_bench_device_watts(const struct wn_bench *bench);
double wn_bench_package_joules(void);

/* CPU time in ns that kernel threads, and this process's GPU workers, have used so far; 0: not told. */
double wn_bench_kernel_threads_ns(void);
double wn_bench_workers_ns(void);

/* -- bench_measure.c -- */

struct wn_bench_load {
	const char *program;
	const char *device;
	const char *link;
	enum wn_mode mode;
	uint32_t pumps;
	uint32_t slots;
	uint32_t times_off;
	const char *parameters[4];   /* NAME=VALUE */
	uint32_t parameter_count;
	const char *const *loads;
	uint32_t load_count;
	const struct wn_memory_hooks *hooks;
	const char *client[12];      /* arguments of `warpnic send`, NULL at the end; none: no client. The
				      * target, and how long, are added */
	uint32_t windows;            /* 0: bench->repeat */
	double window_seconds;       /* 0: bench->window_seconds */
	int has_watts;               /* measure them, too */
};

struct wn_bench_window {
	double packets, bits;                     /* a second */
	double user_ns, system_ns, kernel_ns;     /* a packet */
	double cores;                             /* CPU seconds a second, of all three */
	double user_cores;                        /* of user time */
};

struct wn_bench_outcome {
	struct wn_bench_window windows[WN_BENCH_RUNS_MAX];
	uint32_t count;
	struct wn_stage_times way[4], stages[8];
	uint32_t stage_count;
	double trip_p50_ns, trip_p99_ns, trip_mean_ns, lost_percent; /* the client's */
	double watts;                             /* 0: not told */
	char device[256];
	char mode[16];
	struct wn_counters counters;
	char wrong[512];                          /* why there is nothing */
};

/* 0; -EINTR: stopped by the user; else -errno, and outcome->wrong says why. */
int wn_bench_measure(const struct wn_bench *bench, const struct wn_bench_load *load,
		     struct wn_bench_outcome *outcome);

/* One member of all windows as a figure: offsetof(struct wn_bench_window, ...). */
struct wn_bench_figure wn_bench_of(const struct wn_bench_outcome *outcome, size_t member, double factor);

/* Sleeps. 1 where the user wants it to end. */
int wn_bench_sleep(double seconds);
int wn_bench_is_stopped(void);
void wn_bench_catch_signals(void);

/* -- bench_client.c -- */

struct wn_bench_client;

/* Starts `warpnic send` with these arguments, up to a NULL. NULL where it cannot. */
struct wn_bench_client *wn_bench_client_start(const char *const *arguments);
/* Waits for it, and takes its JSON document into `text`. 0 or -errno. */
int wn_bench_client_wait(struct wn_bench_client *client, char *text, size_t bytes);
/*
 * The device loop on packets that lie in the GPU's memory already (bench/resident.cu), where a build with nvcc
 * left it beside this program: millions of packets a second, or GB/s for `key` "gbytes". 0: not there.
 */
double wn_bench_resident(const char *program, const char *how, uint32_t lanes, uint32_t bytes, double seconds, const char *key);

/* A number of such a document, behind two keys, of which the first may be NULL; 0 where it is not there. */
double wn_bench_number_in(const char *text, const char *object, const char *key);

/* -- tables: 0, or -errno: -EINTR where the user stopped it -- */

typedef int wn_bench_maker(struct wn_bench *bench);
wn_bench_maker wn_bench_cpu, wn_bench_ring, wn_bench_latency, wn_bench_lanes, wn_bench_bytes, wn_bench_work,
	wn_bench_in_gpu, wn_bench_dns, wn_bench_sampling, wn_bench_claims;

/* -- bench_twin.c: the work program, written by hand for one core -- */

/* Packets a second for a number of operations, over about so many seconds, on this thread. */
double wn_bench_twin(uint32_t operations, double seconds);
const char *wn_bench_twin_name(void); /* which instructions it uses */

/* -- bench_chart.c, bench_report.c -- */

/* Writes NAME.svg for each table that makes one into a folder, by gnuplot. Returns how many; -errno where gnuplot is not there. */
int wn_bench_charts(const struct wn_bench_result *result, const char *folder, struct wn_error *error);
/* The folder may be NULL: without charts. */
int wn_bench_report(const struct wn_bench_result *result, const char *charts, FILE *file);
extern const char *const wn_bench_chart_names[]; /* ends with NULL */

#endif
