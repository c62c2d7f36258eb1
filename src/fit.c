/* SPDX-License-Identifier: Apache-2.0 */
#include "fit.h"

#include <errno.h>
#include <string.h>

int wn_fit_params(const struct wn_runtime_params *params, struct wn_error *error)
{
	if (!params->program || !params->program[0])
		return wn_fail(error, EINVAL, WN_USAGE,
			       "no program named; `warpnic programs` lists them");
	if (params->link_count == 0)
		return wn_fail(error, EINVAL, WN_USAGE,
			       "no link named; for example udp:127.0.0.1:9000");
	if (params->link_count > WN_LINKS_MAX)
		return wn_fail(error, EINVAL, WN_USAGE, "%u links: at most %d", params->link_count,
			       WN_LINKS_MAX);
	if (params->pump_threads > 2)
		return wn_fail(error, EINVAL, WN_USAGE, "pumps=%u: must be 1 or 2 threads a queue",
			       params->pump_threads);
	return 0;
}

static const char *kind_name(enum wn_packet_kind kind)
{
	return kind == WN_FRAME ? "frames" : kind == WN_STREAM ? "connections" : "datagrams";
}

/* What one link brings must be something that the link for deliveries can take. */
static int check_deliveries(const struct wn_runtime *runtime, struct wn_error *error)
{
	const uint32_t number = runtime->params.deliver_link;
	const struct wn_link *to = &runtime->links[number ? number - 1 : 0];

	if (!number)
		return 0;
	if (number > runtime->params.link_count)
		return wn_fail(error, EINVAL, WN_USAGE, "deliver_link=%u: there are %u links",
			       number, runtime->params.link_count);
	for (uint32_t i = 0; i < runtime->params.link_count; i++) {
		const struct wn_link *from = &runtime->links[i];

		if (from->limits.can_receive && from->limits.kind != to->limits.kind)
			return wn_fail(
				error, EINVAL, WN_USAGE,
				"'%s' takes %s, the link '%s' brings %s: it cannot keep what is "
				"delivered there",
				to->spec, kind_name(to->limits.kind), from->spec, kind_name(from->limits.kind));
	}
	return 0;
}

static int wrong_kind(const struct wn_program *program, const struct wn_link *link, struct wn_error *error)
{
	if (link->limits.kind == WN_STREAM)
		return wn_fail(error, EINVAL, WN_USAGE,
			       "program '%s' takes packets, the link '%s' brings connections: stream programs take those "
			       "(echo, http; WN_STREAM in docs/dialect.md), and packet programs take uring:udp:HOST:PORT",
			       program->name, link->spec);
	if (program->kind == WN_STREAM)
		return wn_fail(error, EINVAL, WN_USAGE,
			       "program '%s' takes connections, the link '%s' brings %s: it needs uring:tcp:HOST:PORT, for "
			       "example uring:tcp:127.0.0.1:8080", program->name, link->spec, kind_name(link->limits.kind));
	return wn_fail(error, EINVAL, WN_USAGE, "program '%s' takes %s, the link '%s' brings %s", program->name,
		       link->limits.kind == WN_FRAME ? "datagrams" : "frames", link->spec, kind_name(link->limits.kind));
}

static int no_address(const struct wn_program *program, const struct wn_link *link,
		      struct wn_error *error)
{
	return wn_fail(
		error, EINVAL, WN_USAGE,
		"program '%s' takes datagrams, the link '%s' brings frames: say which addresses to "
		"answer for, for example %s%cip=10.0.0.2/24",
		program->name, link->spec, link->spec,
		link->spec[strlen(link->spec) - 1] == ':' ? '\0' : ',');
}

int wn_fit_links(const struct wn_runtime *runtime, struct wn_error *error)
{
	const struct wn_program *program = &runtime->device.program;

	for (uint32_t i = 0; i < runtime->params.link_count; i++) {
		const struct wn_link *link = &runtime->links[i];

		if (!link->limits.can_receive)
			continue;
		if (link->limits.kind == WN_FRAME && (program->kind & WN_ANY) == WN_DATAGRAM) {
			if (!link->identity.ipv4_count && !link->identity.ipv6_count)
				return no_address(program, link, error);
		} else if (!(program->kind & link->limits.kind))
			return wrong_kind(program, link, error);
		if (runtime->params.filter && !link->limits.takes_filter)
			return wn_fail(
				error, EINVAL, WN_USAGE,
				"filter '%s': the link '%s' takes none; packet and pcap links do",
				runtime->params.filter, link->spec);
	}
	return check_deliveries(runtime, error);
}

/* -- who drives -- */

/* Why the device cannot drive; NULL: it can. */
static const char *against_driving(const struct wn_runtime *runtime)
{
	if (!runtime->device.ops->can_drive)
		return "this device cannot";
	if (runtime->params.packet_limit)
		return "a number of packets is counted by pumps only";
	for (uint32_t i = 0; i < runtime->params.link_count; i++)
		if (runtime->links[i].limits.can_receive && !runtime->links[i].ops->drive)
			return "not every link is one whose rings a device can drive (xdp and uring are)";
	return NULL;
}

static uint32_t receiving_links(const struct wn_runtime *runtime)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < runtime->params.link_count; i++)
		count += runtime->links[i].limits.can_receive;
	return count;
}

int wn_fit_drive(struct wn_runtime *runtime, struct wn_error *error)
{
	const char *reason = against_driving(runtime);

	if (runtime->params.drive == WN_DRIVE_DEVICE && reason)
		return wn_fail(error, EINVAL, WN_USAGE, "drive=device: %s", reason);
	runtime->is_driven = !reason && (runtime->params.drive == WN_DRIVE_DEVICE ||
					 (runtime->params.drive == WN_DRIVE_AUTO && receiving_links(runtime) == 1));
	for (uint32_t i = 0; !runtime->is_driven && i < runtime->params.link_count; i++)
		if (runtime->links[i].limits.can_receive && !runtime->links[i].ops->receive)
			return wn_fail(error, EINVAL, WN_USAGE,
				       "link '%s': only a device can drive it, and here none does: %s",
				       runtime->links[i].spec,
				       reason ? reason : "drive=host, or several links");
	return 0;
}

int wn_fit_deliver_file(struct wn_runtime *runtime, struct wn_error *error)
{
	static const char kind[] = "uring:file:";
	const struct wn_runtime_params *params = &runtime->params;
	const char *file = params->deliver_file;
	int rc = 0;

	if (!file)
		return 0;
	if (strncmp(file, kind, strlen(kind)) || !file[strlen(kind)] || file[strlen(kind)] == ',')
		return wn_fail(error, EINVAL, WN_USAGE,
			       "deliver '%s': must be uring:file:PATH[,option=value...], such as "
			       "uring:file:out.pcapng,direct=off", file);
	if (params->deliver_link)
		return wn_fail(error, EINVAL, WN_USAGE, "deliver '%s': deliveries go to the link '%s' already", file,
			       runtime->links[params->deliver_link - 1].spec);
	if (receiving_links(runtime) != 1)
		return wn_fail(error, EINVAL, WN_USAGE, "deliver '%s': there must be one link that receives, here are %u",
			       file, receiving_links(runtime));
	for (uint32_t i = 0; !rc && i < params->link_count; i++) {
		struct wn_link *link = &runtime->links[i];

		if (!link->limits.can_receive)
			continue;
		if (!link->ops->deliver_to)
			return wn_fail(error, EINVAL, WN_USAGE,
				       "deliver '%s': the link '%s' has no io_uring that a device could write through; "
				       "uring:udp links have one; with others the host writes: -w FILE, --records FILE",
				       file, link->spec);
		if (!runtime->is_driven)
			return wn_fail(error, EINVAL, WN_USAGE,
				       "deliver '%s': only a device that drives the link writes files", file);
		rc = link->ops->deliver_to(link, file + strlen(kind), error);
	}
	return rc;
}
