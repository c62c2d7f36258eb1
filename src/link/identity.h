/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who a frame link is: the options ip= and mac=, which tell the lane's stack what to answer for.
 */
#ifndef WN_LINK_IDENTITY_H
#define WN_LINK_IDENTITY_H

#include "link/link.h"

/* For the option tables of frame links. */
#define WN_IDENTITY_OPTIONS                                                                        \
	{"ip", WN_OPTION_TEXT, 0, 0, NULL, NULL,                                                   \
	 "ADDRESS[/PREFIX] that datagram programs answer for, with ARP, neighbours and echo; may "  \
	 "repeat", 1},                                                                             \
	{                                                                                          \
		"mac", WN_OPTION_TEXT, 0, 0, NULL, NULL,                                           \
			"link-layer address of ours (preset: the interface's, else 02:00:00:00:00:01)", 0 \
	}

/*
 * Fills link->identity from the link's parsed options. `mac` is the interface's own address, NULL
 * where there is none. 0, or -EINVAL with what is wrong.
 */
int wn_identity_parse(struct wn_link *link, const uint8_t *mac, struct wn_error *error);

#endif
