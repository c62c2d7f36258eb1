/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether what was asked for fits together: program, links, who drives them, and where deliveries go. All by the
 * thread that creates the runtime, before a ring is made; each returns 0, or -errno with what is wrong and what
 * would be right.
 */
#ifndef WN_FIT_H
#define WN_FIT_H

#include "runtime_state.h"

/* What can be seen from the parameters alone, before anything is opened. */
int wn_fit_params(const struct wn_runtime_params *params, struct wn_error *error);

/* The program must be able to take what its links bring, and the link for deliveries what they deliver. */
int wn_fit_links(const struct wn_runtime *runtime, struct wn_error *error);

/*
 * Chooses who drives (`is_driven`). What is forwarded from one driven link to another cannot be sent there: where
 * two receive, pumps are chosen.
 */
int wn_fit_drive(struct wn_runtime *runtime, struct wn_error *error);

/* Where what is delivered goes to a file that the device writes: opens it on the link that can. After wn_fit_drive(). */
int wn_fit_deliver_file(struct wn_runtime *runtime, struct wn_error *error);

#endif
