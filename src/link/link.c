/* SPDX-License-Identifier: Apache-2.0 */
#include "link/link.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct wn_link_ops *const wn_link_kinds[] = {
	&wn_link_udp, &wn_link_uring, &wn_link_tcp, &wn_link_packet, &wn_link_xdp, &wn_link_pcap, &wn_link_memory, NULL,
};

/* A kind may have a colon in it: the longest that there is. */
static const struct wn_link_ops *find_kind(const char *spec)
{
	const struct wn_link_ops *found = NULL;

	for (int i = 0; wn_link_kinds[i]; i++) {
		const size_t length = strlen(wn_link_kinds[i]->kind);

		if (!strncmp(wn_link_kinds[i]->kind, spec, length) && spec[length] == ':' &&
		    (!found || length > strlen(found->kind)))
			found = wn_link_kinds[i];
	}
	return found;
}

static int unknown_kind(const char *spec, struct wn_error *error)
{
	char kinds[256] = "";
	size_t used = 0;

	for (int i = 0; wn_link_kinds[i] && used < sizeof(kinds); i++)
		used += (size_t)snprintf(kinds + used, sizeof(kinds) - used, "%s%s:%s", i ? ", " : "",
					 wn_link_kinds[i]->kind, wn_link_kinds[i]->address);
	return wn_fail(error, EINVAL, WN_USAGE,
		       "link '%s': unknown kind; a link is KIND:ADDRESS[,option=value...], one of: %s",
		       spec, kinds);
}

static void check_limits(const struct wn_link *link)
{
	const struct wn_link_limits *limits = &link->limits;

	assert(limits->kind == WN_DATAGRAM || limits->kind == WN_FRAME || limits->kind == WN_STREAM);
	assert(limits->queue_count > 0 && limits->burst_max > 0 && limits->segments_max > 0);
	assert(!limits->can_send || link->ops->send);
	(void)limits;
}

int wn_link_open(struct wn_link *link, const char *spec, const char *filter, uint32_t slot_bytes,
		 const struct wn_memory_hooks *hooks, struct wn_error *error)
{
	const struct wn_link_ops *ops = find_kind(spec);
	char kind[64], text[1024];
	const char *colon;
	int rc;

	memset(link, 0, sizeof(*link));
	if (!ops)
		return unknown_kind(spec, error);
	colon = spec + strlen(ops->kind);
	if (strlen(spec) >= sizeof(text) - 1)
		return wn_fail(error, ENAMETOOLONG, WN_USAGE, "link '%.40s...': longer than %zu characters",
			       spec, sizeof(text) - 2);
	if (ops->missing)
		return wn_fail(error, ENOTSUP, WN_UNAVAILABLE, "link '%s': %s", spec, ops->missing);
	snprintf(link->spec, sizeof(link->spec), "%.255s", spec);
	link->hooks = hooks;
	link->filter = filter;
	link->slot_bytes = slot_bytes;
	snprintf(kind, sizeof(kind), "%s link", ops->kind);
	/* A kind without an address has its options right behind the colon. */
	snprintf(text, sizeof(text), "%s%s", ops->address[0] || !colon[1] ? "" : ",", colon + 1);
	rc = wn_options_init(&link->options, ops->options, kind, text, error);
	if (rc)
		goto finish_options;
	link->state = calloc(1, ops->state_bytes);
	if (!link->state) {
		rc = wn_fail(error, ENOMEM, WN_FAILED, "link '%s': out of memory", spec);
		goto finish_options;
	}
	link->ops = ops;
	rc = ops->open(link, error);
	if (rc)
		goto free_state;
	check_limits(link);
	return 0;

free_state:
	free(link->state);
	link->state = NULL;
finish_options:
	wn_options_finish(&link->options);
	link->ops = NULL;
	return rc;
}

void wn_link_close(struct wn_link *link)
{
	if (!link->ops)
		return;
	link->ops->close(link);
	free(link->state);
	wn_options_finish(&link->options);
	memset(link, 0, sizeof(*link));
}
