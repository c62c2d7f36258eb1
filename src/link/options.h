/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text after --link KIND: and --device KIND: ADDRESS[,option=value...].
 *
 * Each kind names its options in one table; parsing, checking and the help text all come from it.
 * In an address and in a value "\," is a comma and "\\" a backslash; any other backslash is itself.
 */
#ifndef WN_LINK_OPTIONS_H
#define WN_LINK_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

#include "warpnic/status.h"

enum wn_option_type {
	WN_OPTION_NUMBER,   /* a whole number with an optional suffix k, m or g (1000s) */
	WN_OPTION_SIZE,     /* the same in bytes, suffixes are 1024s */
	WN_OPTION_CHOICE,   /* one of `choices`, separated by '|'; the value is its place, from 0 */
	WN_OPTION_TEXT      /* anything */
};

struct wn_option {
	const char *name;
	enum wn_option_type type;
	uint64_t minimum, maximum;  /* numbers and sizes */
	const char *choices;        /* choices */
	const char *preset;         /* value where it is not given; NULL: none (0, "") */
	const char *help;           /* one line, lower case, with the unit */
	uint8_t may_repeat;         /* texts: several values are kept */
};

enum { WN_OPTIONS_MAX = 32, WN_OPTION_VALUES_MAX = 16 };

/* The parsed text. Owns one copy of it; values point into that. */
struct wn_options {
	const struct wn_option *table;     /* ends with a NULL name */
	char *text;
	const char *address;               /* what stands before the first comma; may be "" */
	struct {
		uint64_t number;
		const char *text;          /* as given, or the preset, or "" */
		uint8_t given;
	} values[WN_OPTIONS_MAX];
	/* Values of the options that may repeat, in the order given. */
	struct {
		const struct wn_option *option;
		const char *text;
	} repeated[WN_OPTION_VALUES_MAX];
	uint32_t repeated_count;
};

/*
 * Parses "ADDRESS[,option=value...]"; `kind` ("udp link") begins every error. 0, or -EINVAL with the option, its value
 * and what would be right. Finish also after a failure.
 */
int wn_options_init(struct wn_options *options, const struct wn_option *table, const char *kind,
		    const char *text, struct wn_error *error);
void wn_options_finish(struct wn_options *options);

/* Values by name; the name must stand in the table (asserted). */
uint64_t wn_options_number(const struct wn_options *options, const char *name);
const char *wn_options_text(const struct wn_options *options, const char *name);
int wn_options_given(const struct wn_options *options, const char *name);

/* A whole number with an optional suffix: 10k = 10,000; with `binary` 10k = 10,240. -EINVAL if not. */
int wn_parse_number(const char *text, int binary, uint64_t *number);

#endif
