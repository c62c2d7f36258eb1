/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line of one subcommand, from one table.
 *
 * The table yields what getopt_long needs, the --help text, and the words of the shell completion,
 * so the three cannot differ. --help (-h) is added to every table.
 *
 *     enum { ARGUMENT_COUNT = 1, ARGUMENT_VERBOSE };
 *     static const struct wn_argument arguments[] = {
 *             {ARGUMENT_COUNT, 'c', "count", "N", WN_ARGUMENT_NUMBER, 1, UINT64_MAX, NULL,
 *              "stop after N packets"},
 *             {ARGUMENT_VERBOSE, 'v', "verbose", .help = "say more"},
 *             {0},
 *     };
 *
 *     wn_arguments_init(&parsed, &wn_command_count, argc, argv);
 *     while ((code = wn_arguments_next(&parsed)) > 0)
 *             switch (code) { case ARGUMENT_COUNT: config->count = parsed.number; break; ... }
 *     if (code < 0)
 *             return parsed.status;
 *     for (i = parsed.operand; i < argc; i++) ... argv[i] ...
 *
 * One thread (getopt keeps static state); one parse at a time.
 */
#ifndef WN_TOOL_ARGUMENTS_H
#define WN_TOOL_ARGUMENTS_H

#include <stdint.h>
#include <stdio.h>

enum wn_argument_type {
	WN_ARGUMENT_FLAG,     /* takes no value; what a table leaves out is 0, so this */
	WN_ARGUMENT_NUMBER,   /* whole, suffix k, m or g (1000s); result in .number */
	WN_ARGUMENT_SIZE,     /* bytes, suffixes are 1024s; .number */
	WN_ARGUMENT_REAL,     /* a decimal number, 0 or more, such as seconds; .real */
	WN_ARGUMENT_CHOICE,   /* one of `choices`; .number is its place from 0, .text the word */
	WN_ARGUMENT_TEXT      /* anything; .text */
};

/* One option. A table ends with code 0. */
struct wn_argument {
	int code;                    /* returned by wn_arguments_next(); 1 or more */
	char letter;                 /* short option, or 0 */
	const char *name;            /* long option, without the dashes */
	const char *value;           /* name of its value, upper case: "N"; NULL: takes none */
	enum wn_argument_type type;
	uint64_t minimum, maximum;   /* numbers, sizes and reals; maximum 0: no limit */
	const char *choices;         /* choices, separated by '|'; a text: words the completion
				      * offers, or "@file", "@link", "@program", "@device" */
	const char *help;            /* lower case, with unit and preset; wrapped by the printer */
};

/* A subcommand. All texts are plain, without a newline at the end. */
struct wn_command {
	const char *name;
	const char *summary;         /* one line, for the list of subcommands */
	const char *operands;        /* "HOST:PORT [option...]" */
	const struct wn_argument *arguments;
	const struct wn_argument *others;  /* NULL, or what stands for each --NAME VALUE that is not among
					    * them: a row without a name, of a type that takes a value */
	/* Further help, below the options; NULL: none. `argv` is the whole line. */
	void (*more_help)(int argc, char **argv, FILE *file);
	const char *notes;           /* shown below the options, lines of at most 80 columns, or NULL */
	const char *examples;        /* lines, each a command; shown indented */
	int (*run)(int argc, char **argv);  /* argv[0] is the subcommand; the exit status */
};

enum { WN_ARGUMENTS_MAX = 48, WN_OTHERS_MAX = 16, WN_OTHER_NAME_BYTES = 48 };

struct wn_arguments {
	const struct wn_command *command;
	int argc;
	char **argv;
	const struct wn_argument *argument; /* the one just returned */
	const char *name;                   /* its name; of one of the others, as it was written */
	char others[WN_OTHERS_MAX][WN_OTHER_NAME_BYTES];
	uint32_t other_count;
	uint64_t number;                    /* its value, by its type */
	double real;
	const char *text;                   /* the value as given (points into argv), else "" */
	int operand;                        /* after the end: index of the first operand in argv */
	int status;                         /* after -1: exit status, 0 (help) or 2 (usage) */
};

/* Starts a parse. May reorder argv (operands move to the end), as getopt_long does. */
void wn_arguments_init(struct wn_arguments *arguments, const struct wn_command *command, int argc,
		       char **argv);

/*
 * The next option: its code with the value checked and filled in; 0 at the end; -1 where the
 * subcommand is to return .status: --help was printed on stdout, or an error on stderr.
 */
int wn_arguments_next(struct wn_arguments *arguments);

/* The --help text of a command, whose line is argv, or NULL. */
void wn_command_help(const struct wn_command *command, int argc, char **argv, FILE *file);

/* One option, and a heading, as that text has them. */
void wn_help_option(char letter, const char *name, const char *value, const char *help, FILE *file);
void wn_help_heading(const char *text, FILE *file);

/*
 * For the completion: a line an option, tab separated: --name, -letter or "-", the value's name or
 * "-", the words it can be or "-" ('|' between them; see choices).
 */
void wn_command_words(const struct wn_command *command, FILE *file);

#endif
