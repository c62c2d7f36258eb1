/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptions of programs that outlive the programs: a program can be replaced while somebody holds
 * the name of one of its counters, so what the runtime hands out are copies.
 */
#ifndef WN_DESCRIBE_H
#define WN_DESCRIBE_H

#include "device/device.h"

struct wn_description {
	struct wn_program program;      /* all of it points into this allocation */
	struct wn_description *older;   /* the one before; kept, because its strings may be in use */
};

/* A deep copy; free() undoes it. NULL when out of memory. */
struct wn_description *wn_description_create(const struct wn_program *program);

/* Whether two programs describe themselves with the same words and numbers. */
int wn_program_is_same(const struct wn_program *a, const struct wn_program *b);

/* Whether their records have the same names and types in the same places. */
int wn_program_has_same_records(const struct wn_program *a, const struct wn_program *b);

/*
 * Adds the lane words of one program (counters, then histograms) to those of another, by name. What
 * `to` does not have is left out.
 */
void wn_program_carry(const struct wn_program *from, const uint64_t *sums, const struct wn_program *to,
		      uint64_t *carried);

#endif
