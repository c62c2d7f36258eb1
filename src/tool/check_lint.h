/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the dialect forbids and a compiler lets pass: loops without a bound, recursion, static variables,
 * functions of the C library, members of the packet. Reads the author's file and his own headers as they
 * are written, so what macros hide stays hidden.
 */
#ifndef WN_TOOL_CHECK_LINT_H
#define WN_TOOL_CHECK_LINT_H

#include <stdint.h>

#include "warpnic/status.h"

enum { WN_LINTS_MAX = 64 };

struct wn_lint {
	char path[256];
	uint32_t line, column;
	char text[160];
};

struct wn_lints {
	struct wn_lint list[WN_LINTS_MAX];
	uint32_t count;              /* may be more than the list holds */
};

/* Adds what is found in a file. 0, or -errno where it cannot be read. */
int wn_lint_file(struct wn_lints *lints, const char *path, struct wn_error *error);

#endif
