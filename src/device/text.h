/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program and the kernels around it as one text, for devices whose compiler takes a text (OpenCL C, the Metal
 * Shading Language). It needs no folder then, and #line marks keep the author's own lines in what the compiler says.
 */
#ifndef WN_DEVICE_TEXT_H
#define WN_DEVICE_TEXT_H

#include <stddef.h>

#include "warpnic/status.h"

/*
 * `entry` (below the source folder) with all it includes; where it includes WN_PROGRAM_SOURCE, the program (a name or
 * the path of a .c file; NULL: it includes none). The caller frees *text. Any thread. 0 or -errno with the reason.
 */
int wn_device_text_make(const char *program, const char *entry, char **text, struct wn_error *error);

/* The first line of a compiler's words that tells of an error, or "". */
void wn_device_text_first_error(const char *words, char *line, size_t bytes);

#endif
