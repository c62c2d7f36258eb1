/* SPDX-License-Identifier: Apache-2.0 */
/* A program, compiled by every compiler of a device that is on this machine. */
#ifndef WN_TOOL_CHECK_COMPILE_H
#define WN_TOOL_CHECK_COMPILE_H

#include <stdint.h>

#include "warpnic/status.h"

enum { WN_COMPILES_MAX = 8 };

enum wn_compile_result {
	WN_COMPILE_OK,
	WN_COMPILE_FAILED,          /* an error or a warning */
	WN_COMPILE_SKIPPED          /* the compiler is not here */
};

struct wn_compile {
	const char *device;         /* "cpu", "metal", "opencl", "cuda" */
	const char *compiler;       /* "gcc" */
	const char *language;       /* "C11" */
	enum wn_compile_result result;
	char note[96];              /* stack and registers, or why it was skipped */
	char *output;               /* the compiler's words, or NULL */
};

struct wn_compiles {
	struct wn_compile list[WN_COMPILES_MAX];
	uint32_t count;
};

/* Whether the comma-separated `devices` name only those that a program can be compiled for. */
int wn_compile_knows(const char *devices);

/*
 * Compiles `path` for `devices` (NULL: all). 0 or -errno where not even that could be tried. Free it in
 * both cases.
 */
int wn_compiles_run(struct wn_compiles *compiles, const char *path, const char *devices,
		    struct wn_error *error);
void wn_compiles_free(struct wn_compiles *compiles);

#endif
