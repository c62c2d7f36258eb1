/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the subcommands of `warpnic` share. Each has a file of its own and one struct wn_command;
 * main.c lists them. Data goes to stdout, talk to stderr; exit statuses are enum wn_status.
 */
#ifndef WN_TOOL_TOOL_H
#define WN_TOOL_TOOL_H

#include "tool/arguments.h"
#include "warpnic/status.h"

extern const struct wn_command wn_command_run;       /* run_options.c; its .run is wn_tool_run */
extern const struct wn_command wn_command_send;      /* send.c */
extern const struct wn_command wn_command_reload;    /* control_client.c */
extern const struct wn_command wn_command_stats;
extern const struct wn_command wn_command_stop;
extern const struct wn_command wn_command_new;       /* new.c */
extern const struct wn_command wn_command_check;     /* check.c */
extern const struct wn_command wn_command_trace;     /* trace.c */
extern const struct wn_command wn_command_bench;     /* bench.c */
extern const struct wn_command wn_command_devices;   /* list.c */
extern const struct wn_command wn_command_programs;
extern const struct wn_command wn_command_links;
extern const struct wn_command wn_command_doctor;    /* doctor.c */
extern const struct wn_command wn_command_selftest;  /* selftest.c */

int wn_tool_run(int argc, char **argv);

/*
 * Options that are a program's own, its parameters: for `warpnic run PROGRAM --help`, where argv names a
 * ready-made program or a .c file; and for the completion, of a ready-made one, as wn_command_words()
 * does. program_options.c
 */
void wn_program_help(int argc, char **argv, FILE *file);
void wn_program_words(const char *program, FILE *file);

/* Prints "warpnic NAME: text" on stderr and, for usage errors, where the help is. The status. */
int wn_tool_fail(const struct wn_command *command, const struct wn_error *error);

/* The same for a usage error in printf's words. Returns WN_USAGE. */
__attribute__((format(printf, 2, 3)))
int wn_tool_usage(const struct wn_command *command, const char *format, ...);

/* Whether escape sequences may be written: a terminal, NO_COLOR unset or empty, TERM not dumb. */
int wn_tool_has_colour(FILE *file);

/*
 * Flushes stdout. Returns `status`, or WN_FAILED with a message where the data could not be
 * written (a full disk, a closed pipe).
 */
int wn_tool_finish_output(const struct wn_command *command, int status);

#endif
