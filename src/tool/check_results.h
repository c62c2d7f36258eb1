/* SPDX-License-Identifier: Apache-2.0 */
/* What check_test.c and check_capture.c share: results, and how two packets differ. */
#ifndef WN_TOOL_CHECK_RESULTS_H
#define WN_TOOL_CHECK_RESULTS_H

#include <stdio.h>

#include "tool/check_test.h"

/* Adds a result. `difference` is taken over (malloc), NULL where all is well. 0 or -ENOMEM. */
int wn_test_add(struct wn_test_results *results, const char *path, uint32_t line, const char *name,
		char *difference);

/* Rows of 16 bytes that are not the same, with what was expected above what came. */
void wn_test_write_difference(FILE *file, const uint8_t *expected, uint32_t expected_length,
			      const uint8_t *got, uint32_t got_length);

/* A pair of capture files; see wn_test_run(). */
int wn_test_run_capture(struct wn_test_results *results, const char *program, const char *device,
			const char *path, struct wn_error *error);

#endif
