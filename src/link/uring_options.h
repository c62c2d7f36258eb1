/* SPDX-License-Identifier: Apache-2.0 */
/* What both links that have an io_uring (uring.c, tcp.c) let the user say of it. */
#ifndef WN_LINK_URING_OPTIONS_H
#define WN_LINK_URING_OPTIONS_H

#include "link/link.h"
#include "link/uring_ring.h"

#define WN_URING_OPTIONS                                                                           \
	{"poller", WN_OPTION_CHOICE, 0, 0, "shared|own|off", "shared",                             \
	 "who sends and receives: one kernel thread for all rings (SQPOLL), one a ring, or the "   \
	 "thread beside the device", 0},                                                           \
	{"idle", WN_OPTION_NUMBER, 1, 10000, NULL, "20",                                           \
	 "ms that the kernel's thread looks for work before it sleeps", 0},                        \
	{                                                                                          \
		"rings", WN_OPTION_CHOICE, 0, 0, "auto|mapped", "auto",                            \
			"rings in memory of ours (Linux 6.6), or the kernel's, mapped", 0          \
	}

/* Fills in what these options say; `shared_fd` as in struct wn_uring_ring_setup. */
void wn_uring_options_setup(const struct wn_link *link, int shared_fd, struct wn_uring_ring_setup *setup);

/* Who polls, and whose memory the rings are in, as in "one kernel thread, own rings". */
void wn_uring_options_describe(const struct wn_link *link, const struct wn_uring_ring *ring, char *text, size_t bytes);

/* An option of the link that has to be a power of two. 0 or -EINVAL with one that would do. */
int wn_uring_options_power(const struct wn_link *link, const char *name, struct wn_error *error);

#endif
