/* SPDX-License-Identifier: Apache-2.0 */
/* What links on an interface want to know of it before they open anything. */
#ifndef WN_LINK_INTERFACE_H
#define WN_LINK_INTERFACE_H

#include <stdint.h>

#include "warpnic/status.h"

struct wn_interface {
	int index;
	uint32_t mtu;
	uint8_t mac[6];
};

/*
 * Looks `name` up and checks that it carries Ethernet frames. 0, or -errno with what is wrong; the
 * error begins with `kind` ("packet link").
 */
int wn_interface_find(struct wn_interface *interface, const char *kind, const char *name,
		      struct wn_error *error);

/* How many receive queues it has (ethtool -l); 1 where it does not say. */
uint32_t wn_interface_queues(const char *name);

#endif
