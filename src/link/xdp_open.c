/* SPDX-License-Identifier: Apache-2.0 */
#include "link/identity.h"
#include "link/xdp.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	HEADROOM_BYTES = 256,       /* XDP_PACKET_HEADROOM: before each frame received */
	FRAME_BYTES = 2048,         /* room for a frame; a UMEM takes 2048 or 4096 */
	FRAME_BYTES_LARGE = 4096,
	PORT_MAX = 65535,
};

/* -- what was asked for -- */

static int bad_ports(const char *text, struct wn_error *error)
{
	return wn_fail(error, EINVAL, WN_USAGE,
		       "xdp link: ports=%s: must be 1 to %d UDP ports from 1 to 65535 with + between "
		       "them: ports=53 or ports=53+5353", text, WN_XDP_PORTS_MAX);
}

static int parse_ports(struct wn_xdp_steer *steer, const char *text, struct wn_error *error)
{
	const char *at = text;

	for (;;) {
		char *end;
		const unsigned long port = strtoul(at, &end, 10);

		if (*at < '0' || *at > '9' || port < 1 || port > PORT_MAX ||
		    steer->port_count == WN_XDP_PORTS_MAX)
			return bad_ports(text, error);
		steer->ports[steer->port_count++] = (uint16_t)port;
		if (!*end)
			return 0;
		if (*end != '+')
			return bad_ports(text, error);
		at = end + 1;
	}
}

/* An interface without its kernel may be the one that somebody is logged in by. */
static int nothing_asked(const char *name, struct wn_error *error)
{
	return wn_fail(error, EINVAL, WN_USAGE,
		       "xdp link '%s': nothing says which frames to take from the kernel; give filter "
		       "words ('udp port 53'), ip=ADDRESS, ports=PORT, or steer=all for every frame "
		       "(ssh on that interface then ends)", name);
}

static int parse_steer(struct wn_link *link, struct wn_error *error)
{
	struct wn_xdp_state *state = link->state;
	struct wn_xdp_steer *steer = &state->steer;
	const char *ports = wn_options_text(&link->options, "ports");
	int rc;

	rc = wn_filter_compile(&state->filter, link->filter, NULL, error);
	if (rc)
		return rc;
	steer->identity = &link->identity;
	steer->all = (int)wn_options_number(&link->options, "steer");
	steer->filter = state->filter.code ? &state->filter : NULL;
	if (ports[0] && parse_ports(steer, ports, error))
		return -EINVAL;
	if (steer->port_count && (steer->all || steer->filter))
		return wn_fail(error, EINVAL, WN_USAGE,
			       "xdp link '%s': ports=%s with %s: one of them says what to take, give "
			       "one", link->options.address, ports,
			       steer->all ? "steer=all" : "filter words");
	if (steer->all && steer->filter)
		return wn_fail(error, EINVAL, WN_USAGE,
			       "xdp link '%s': steer=all with filter words: one of them says what to "
			       "take, give one", link->options.address);
	if (!steer->all && !steer->filter && !steer->port_count && !link->identity.ipv4_count &&
	    !link->identity.ipv6_count)
		return nothing_asked(link->options.address, error);
	return 0;
}

static int choose_queues(struct wn_link *link, struct wn_error *error)
{
	struct wn_xdp_state *state = link->state;
	const struct wn_options *options = &link->options;
	const uint32_t there = wn_interface_queues(options->address);
	const int all = (int)wn_options_number(options, "queues");

	link->limits.queue_count = all ? there : 1;
	state->first_queue = all ? 0 : (uint32_t)wn_options_number(options, "queue");
	if (all && wn_options_given(options, "queue"))
		return wn_fail(error, EINVAL, WN_USAGE,
			       "xdp link '%s': queue=%u with queues=all: give one of them",
			       options->address, (uint32_t)wn_options_number(options, "queue"));
	if (all && there > WN_XDP_QUEUES_MAX)
		return wn_fail(error, EINVAL, WN_USAGE,
			       "xdp link '%s': queues=all: it has %u, a link takes %d at most; reduce "
			       "them (ethtool -L) or give queue=N", options->address, there,
			       WN_XDP_QUEUES_MAX);
	if (state->first_queue >= there)
		return wn_fail(error, EINVAL, WN_USAGE,
			       "xdp link '%s': queue=%u: it has %u receive queue%s, numbered from 0",
			       options->address, state->first_queue, there, there > 1 ? "s" : "");
	return 0;
}

static uint32_t longest_frame(const struct wn_xdp_state *state)
{
	return state->interface.mtu + ETH_HLEN + 2 * WN_XDP_TAG_BYTES;
}

static uint32_t frame_bytes(const struct wn_xdp_state *state)
{
	return longest_frame(state) <= FRAME_BYTES - HEADROOM_BYTES ? FRAME_BYTES : FRAME_BYTES_LARGE;
}

static void fill_limits(struct wn_link *link)
{
	const uint32_t queue_count = link->limits.queue_count;

	link->limits = (struct wn_link_limits){
		.kind = WN_FRAME,
		.queue_count = queue_count,
		.slot_bytes_min = frame_bytes(link->state),
		.segments_max = 1,
		.burst_max = WN_XDP_BURST,
		.can_receive = 1,
		.takes_filter = 1,
		.can_send = 1,
		.is_live = 1,
	};
}

/* -- the program -- */

static int load_program(struct wn_link *link, struct wn_error *error)
{
	struct wn_xdp_state *state = link->state;
	struct wn_bpf_code code = { .count = 0 };
	char log[WN_BPF_LOG_BYTES];
	int rc;

	rc = wn_bpf_socket_map(state->first_queue + link->limits.queue_count);
	if (rc == -EPERM || rc == -EACCES)
		return wn_fail(error, -rc, WN_UNAVAILABLE,
			       "xdp link '%s': no permission: its program needs CAP_BPF and "
			       "CAP_NET_ADMIN (before Linux 5.11 also RLIMIT_MEMLOCK); run as root",
			       link->options.address);
	if (rc < 0)
		return wn_fail(error, -rc, WN_UNAVAILABLE, "xdp link '%s': map of sockets: %s",
			       link->options.address, strerror(-rc));
	state->map_fd = rc;
	wn_xdp_steer_write(&state->steer, state->map_fd, &code);
	rc = wn_bpf_load(&code, "warpnic", log);
	wn_bpf_finish(&code);
	if (rc == -E2BIG)
		return wn_fail(error, E2BIG, WN_USAGE,
			       "xdp link '%s': filter '%s': too long for a program of the kernel",
			       link->options.address, link->filter);
	if (rc == -ELOOP)
		return wn_fail(error, ELOOP, WN_USAGE,
			       "xdp link '%s': filter '%s': protochain goes round in a loop, which a "
			       "filter in the kernel may not", link->options.address, link->filter);
	if (rc < 0)
		return wn_fail(error, -rc, WN_UNAVAILABLE,
			       "xdp link '%s': the kernel does not take its program: %s%s%s",
			       link->options.address, strerror(-rc), log[0] ? ": " : "", log);
	state->program_fd = rc;
	return 0;
}

static int attach_failed(struct wn_link *link, int rc, struct wn_error *error)
{
	struct wn_xdp_state *state = link->state;
	const char *name = link->options.address;
	char occupant[128];

	if ((rc == -EBUSY || rc == -EEXIST) &&
	    wn_bpf_occupant(state->interface.index, occupant, sizeof(occupant)))
		return wn_fail(error, EBUSY, WN_UNAVAILABLE,
			       "xdp link '%s': the interface has an XDP program already: %s; end what "
			       "attached it, or: ip link set dev %s xdp off", name, occupant, name);
	if (rc == -EPERM || rc == -EACCES)
		return wn_fail(error, -rc, WN_UNAVAILABLE,
			       "xdp link '%s': no permission to attach a program: needs "
			       "CAP_NET_ADMIN; run as root", name);
	if (rc == -EINVAL)
		return wn_fail(error, EINVAL, WN_UNAVAILABLE,
			       "xdp link '%s': no program can be attached (needs Linux 5.9): %s", name,
			       strerror(-rc));
	return wn_fail(error, -rc, WN_UNAVAILABLE, "xdp link '%s': attaching its program: %s", name,
		       strerror(-rc));
}

/* In the driver where it can, behind it where not: for any driver, and slower. */
static int attach_program(struct wn_link *link, struct wn_error *error)
{
	struct wn_xdp_state *state = link->state;
	const enum wn_xdp_mode mode = wn_options_number(&link->options, "mode");
	int rc = -EOPNOTSUPP;

	if (mode != WN_XDP_SKB)
		rc = wn_bpf_attach_xdp(state->program_fd, state->interface.index, XDP_FLAGS_DRV_MODE);
	state->is_native = rc >= 0;
	if (rc < 0 && rc != -EBUSY && rc != -EEXIST && rc != -EPERM && mode != WN_XDP_ZEROCOPY)
		rc = wn_bpf_attach_xdp(state->program_fd, state->interface.index, XDP_FLAGS_SKB_MODE);
	if (rc < 0)
		return attach_failed(link, rc, error);
	state->attachment_fd = rc;
	return 0;
}

/* -- the sockets -- */

static int open_queue(struct wn_link *link, uint32_t i, struct wn_error *error)
{
	struct wn_xdp_state *state = link->state;
	struct wn_xdp_socket *socket = &state->queues[i].socket;
	struct wn_xdp_socket_setup setup = {
		.interface = link->options.address,
		.interface_index = state->interface.index,
		.queue = state->first_queue + i,
		.entries = (uint32_t)wn_options_number(&link->options, "ring"),
		.frame_bytes = frame_bytes(state),
		.mode = wn_options_number(&link->options, "mode"),
	};
	int rc;

	/* Behind the driver there are copies only. */
	if (!state->is_native)
		setup.mode = WN_XDP_SKB;
	rc = wn_xdp_socket_open(socket, &setup, error);
	state->queue_count = i + 1;
	if (rc)
		return rc;
	link->memory_bytes += socket->frames_bytes;
	return 0;
}

static int open_queues(struct wn_link *link, struct wn_error *error)
{
	struct wn_xdp_state *state = link->state;
	const uint32_t count = link->limits.queue_count;
	int rc = 0;

	state->queues = calloc(count, sizeof(*state->queues));
	if (!state->queues)
		return wn_fail(error, ENOMEM, WN_FAILED, "xdp link: out of memory");
	for (uint32_t i = 0; i < count && !rc; i++)
		rc = open_queue(link, i, error);
	/* Frames come from here on, to all queues at once as far as that goes. */
	for (uint32_t i = 0; i < count && !rc; i++) {
		rc = wn_bpf_socket_map_set(state->map_fd, state->first_queue + i,
					   state->queues[i].socket.fd);
		if (rc)
			wn_fail(error, -rc, WN_UNAVAILABLE, "xdp link '%s': queue %u: map entry: %s",
				link->options.address, state->first_queue + i, strerror(-rc));
	}
	return rc;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void wn_xdp_close(struct wn_link *link)
{
	struct wn_xdp_state *state = link->state;

	close_fd(&state->attachment_fd);
	for (uint32_t i = 0; i < state->queue_count; i++)
		wn_xdp_socket_close(&state->queues[i].socket);
	close_fd(&state->program_fd);
	close_fd(&state->map_fd);
	free(state->queues);
	wn_filter_finish(&state->filter);
	state->queues = NULL;
	state->queue_count = 0;
}

static void describe(struct wn_link *link)
{
	const struct wn_xdp_state *state = link->state;
	const struct wn_xdp_socket *first = &state->queues[0].socket;
	char what[128], queues[32];

	wn_xdp_steer_describe(&state->steer, link->filter, what, sizeof(what));
	snprintf(queues, sizeof(queues), state->queue_count > 1 ? "queues %u-%u" : "queue %u",
		 state->first_queue, state->first_queue + state->queue_count - 1);
	snprintf(link->where, sizeof(link->where), "xdp %s, %s, %s, 2 x %u frames of %u; takes %s",
		 link->options.address,
		 first->is_zerocopy ? "zerocopy" : state->is_native ? "native, copies" : "skb, copies",
		 queues, first->frame_count, first->frame_bytes, what);
}

static int check_request(struct wn_link *link, struct wn_error *error)
{
	struct wn_xdp_state *state = link->state;
	const uint64_t entries = wn_options_number(&link->options, "ring");
	int rc;

	if (entries & (entries - 1))
		return wn_fail(error, EINVAL, WN_USAGE,
			       "xdp link: ring=%llu: must be a power of two, such as 2048",
			       (unsigned long long)entries);
	rc = wn_interface_find(&state->interface, "xdp link", link->options.address, error);
	if (!rc)
		rc = wn_identity_parse(link, state->interface.mac, error);
	if (!rc)
		rc = choose_queues(link, error);
	return rc ? rc : parse_steer(link, error);
}

int wn_xdp_open(struct wn_link *link, struct wn_error *error)
{
	struct wn_xdp_state *state = link->state;
	int rc;

	state->map_fd = state->program_fd = state->attachment_fd = -1;
	rc = check_request(link, error);
	if (!rc) {
		fill_limits(link);
		rc = load_program(link, error);
	}
	if (!rc)
		rc = attach_program(link, error);
	if (!rc)
		rc = open_queues(link, error);
	if (rc) {
		wn_xdp_close(link);
		return rc;
	}
	describe(link);
	return 0;
}
