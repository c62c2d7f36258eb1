/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of `warpnic run` share: run.c, and run_*.c, each named by what it does.
 */
#ifndef WN_TOOL_RUN_H
#define WN_TOOL_RUN_H

#include <stdio.h>

#include "warpnic/runtime.h"

/* -- run_options.c -- */

/* What the command line asked for. Made once, and there to the end: the runtime's parameters point into it. */
struct wn_run_config {
	struct wn_runtime_params params;
	char made[WN_LINKS_MAX][1000];   /* links spelled out from -i, -r and -w */
	uint32_t made_count;
	char **loads;                    /* "OPTION=VALUE", allocated */
	uint32_t load_count;
	char named[WN_WISHES_MAX][256];  /* parameters given as options of their own: "--NAME=VALUE" */
	uint32_t named_count;
	char filter[4096];
	const char *read, *write, *records, *control;
	double duration, interval;
	int json, quiet;
	int writes_stdout;              /* packets or records go there: talk must not */
};

/* Fills a config from the command line; what it has not named stays. 0, -1: help was printed, or the exit status. */
int wn_run_parse(struct wn_run_config *config, int argc, char **argv);

/* One look at a running runtime. */
struct wn_run_sample {
	struct wn_counters counters;
	int64_t at_ns;                /* CLOCK_MONOTONIC */
	uint64_t user_ns, system_ns;  /* CPU time of the whole process */
};

void wn_run_take_sample(const struct wn_runtime *runtime, struct wn_run_sample *sample);

/* -- run_report.c -- */

/* The line or two at the start: what runs where, and how much memory it takes. */
void wn_run_print_start(const struct wn_runtime *runtime, FILE *file);

/*
 * The summary at the end, and on SIGUSR1: every counter, and whether the sum adds up. is_end: the runtime has
 * stopped, so the frames that a device drove can be counted, too.
 */
void wn_run_print_summary(const struct wn_runtime *runtime, const struct wn_run_sample *first,
			  const struct wn_run_sample *last, int is_end, FILE *file);

/* The same as one JSON document. 0 or -errno of the file. */
int wn_run_print_json(const struct wn_runtime *runtime, const struct wn_run_sample *first,
		      const struct wn_run_sample *last, int is_end, FILE *file);

/* The same document as a value of another, or as the whole (key NULL). */
struct wn_json;
void wn_run_write_document(struct wn_json *json, const char *key, const struct wn_runtime *runtime,
			   const struct wn_run_sample *first, const struct wn_run_sample *last, int is_end);

/* 12,345,678 */
const char *wn_run_grouped(uint64_t number, char *text, size_t bytes);

/* 12.3 k, 4.56 M, ... with three significant digits. */
const char *wn_run_scaled(double number, char *text, size_t bytes);

/* -- run_threads.c -- */

enum { WN_RUN_THREADS_MAX = 64 };

/* CPU time of this process's threads so far, those of pumps and lanes first named by what they are. */
struct wn_run_threads {
	struct wn_run_thread {
		int id;
		char name[16];
		uint64_t ns;
	} list[WN_RUN_THREADS_MAX];
	uint32_t count;
};

/* Looks at those that serve packets, by their names ("wn-..."). */
void wn_run_look_at_threads(struct wn_run_threads *threads);

/* What a thread has used since an earlier look. */
double wn_run_thread_ns(const struct wn_run_thread *thread, const struct wn_run_threads *before);

/* -- run_table.c -- */

struct wn_run_table {
	FILE *file;
	int is_terminal;      /* redraw in place; else a line each time */
	int has_colour;
	int lines;            /* drawn last time */
	struct wn_run_threads threads; /* as they were then */
};

/* Shows what happened between two samples. */
void wn_run_table_show(struct wn_run_table *table, const struct wn_runtime *runtime,
		       const struct wn_run_sample *first, const struct wn_run_sample *before,
		       const struct wn_run_sample *now);

/* -- run_control.c -- */

struct wn_control;
struct wn_run_text;

/* Who asks while it runs: on a socket (tool/control.h), or by SIGHUP. The main thread's. */
struct wn_run_control {
	struct wn_runtime *runtime;             /* set before anything is served or reloaded, as the next two */
	struct wn_runtime_params *params;       /* as it was made; a reload that succeeds may change them */
	const struct wn_run_sample *first;
	int is_quiet;
	int wants_stop;                         /* 1: somebody asked for the end */
	struct wn_control *socket;              /* NULL: none */
	struct wn_run_text *texts;
};

/* Opens the socket: at a path, nowhere ("off"), or (NULL) at the preset one if it can be. 0 or -errno. */
int wn_run_control_open(struct wn_run_control *control, const char *path, struct wn_error *error);
void wn_run_control_close(struct wn_run_control *control);

/* NULL where there is none. */
const char *wn_run_control_path(const struct wn_run_control *control);

/* Waits up to timeout_ms for requests, and serves them. Only where there is a socket. */
void wn_run_control_wait(struct wn_run_control *control, int timeout_ms);

/* Reloads everything, and says on stderr how it went. */
void wn_run_reload(struct wn_run_control *control);

/* -- run_records.c -- */

struct wn_run_records;

/* Opens where records go: a file, or "-" for stdout. NULL with the reason. */
struct wn_run_records *wn_run_records_open(const char *path, struct wn_error *error);

/* One record as a JSON line. Any thread. 0 or an errno. */
int wn_run_records_write(struct wn_run_records *records, const struct wn_record_field *fields,
			 const struct wn_delivery *delivery);

/* NULL does nothing. 0 or an errno: something could not be written. */
int wn_run_records_close(struct wn_run_records *records);

/* -- run_file.c: the file that a device writes itself (--deliver) -- */

/* Where a link has one: its counts for the summary, and as a member of a document. */
void wn_run_print_file(const struct wn_runtime *runtime, uint32_t link, FILE *file);
void wn_run_write_file(struct wn_json *json, const struct wn_runtime *runtime, uint32_t link);

/* Whether all that was delivered there has been written; says on stderr what was not. */
int wn_run_file_is_whole(const struct wn_runtime *runtime);

#endif
