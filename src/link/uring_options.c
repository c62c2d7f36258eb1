/* SPDX-License-Identifier: Apache-2.0 */
#include "link/uring_options.h"

#include <errno.h>
#include <stdio.h>

void wn_uring_options_setup(const struct wn_link *link, int shared_fd, struct wn_uring_ring_setup *setup)
{
	setup->spec = link->spec;
	setup->poller = (enum wn_uring_poller)wn_options_number(&link->options, "poller");
	setup->idle_ms = (uint32_t)wn_options_number(&link->options, "idle");
	setup->shared_fd = shared_fd;
	setup->maps_rings = (int)wn_options_number(&link->options, "rings");
	setup->frame_count = (uint32_t)wn_options_number(&link->options, "frames");
}

void wn_uring_options_describe(const struct wn_link *link, const struct wn_uring_ring *ring, char *text, size_t bytes)
{
	static const char *const pollers[] = {"one kernel thread", "a kernel thread each", "no kernel thread"};

	snprintf(text, bytes, "%s, %s rings", pollers[wn_options_number(&link->options, "poller")],
		 ring->kernel_rings ? "mapped" : "own");
}

int wn_uring_options_power(const struct wn_link *link, const char *name, struct wn_error *error)
{
	const uint64_t value = wn_options_number(&link->options, name);

	if (!(value & (value - 1)))
		return 0;
	return wn_fail(error, EINVAL, WN_USAGE, "link '%s': %s=%llu: must be a power of two, such as %u", link->spec, name,
		       (unsigned long long)value, 1u << (31 - __builtin_clz((uint32_t)value)));
}
