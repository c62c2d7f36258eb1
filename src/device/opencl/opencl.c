/* SPDX-License-Identifier: Apache-2.0 */
#include "device/opencl/opencl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/text.h"

enum { DEVICES_MAX = 64 };

struct opencl {
	struct wn_remote remote;
	uint32_t ordinal;
	char name[128];
	char choice[256];                /* why a handshake is not tried again */
};

static const struct wn_option opencl_options[] = {
	{"lanes", WN_OPTION_NUMBER, 0, WN_OPENCL_LANES_MAX, NULL, "0",
	 "work-items a group; 0: 1 on processors, else 32", 0},
	{"groups", WN_OPTION_NUMBER, 0, WN_OPENCL_GROUPS_MAX, NULL, "0",
	 "groups a queue, in batch mode of a launch; 0: one, in batch mode as suits the device", 0},
	{"lease", WN_OPTION_NUMBER, 1, 1000, NULL, "5", "ms of one launch in lease mode", 0},
	{"ahead", WN_OPTION_NUMBER, 1, WN_OPENCL_AHEAD_MAX, NULL, "3",
	 "launches of a queue under way in batch mode; 1: each is waited for", 0},
	{"batch", WN_OPTION_NUMBER, 0, WN_OPENCL_BATCH_MAX, NULL, "0",
	 "packets of a launch in batch mode, at most; 0: 256, fewer where slots are large", 0},
	{"transfer", WN_OPTION_CHOICE, 0, 0, "auto|map|copy", "auto",
	 "how a batch comes to the device; auto: mapped where its memory is the host's", 0},
	{"restarts", WN_OPTION_NUMBER, 0, 1000, NULL, "3", "times that a stopped device is started anew", 0},
	{"stuck", WN_OPTION_NUMBER, 50, 60000, NULL, "10000", "ms without an answer until a program counts as stuck", 0},
	{0},
};

static int parse_ordinal(const char *text, uint32_t *ordinal, struct wn_error *error)
{
	uint64_t number = 0;

	if (text[0] && (wn_parse_number(text, 0, &number) || number > 255))
		return wn_fail(error, EINVAL, WN_USAGE,
			       "device 'opencl:%s': a number of a device, from 0, as `warpnic devices` shows it", text);
	*ordinal = (uint32_t)number;
	return 0;
}

static int find_device(struct opencl *opencl, struct wn_error *error)
{
	static __thread struct wn_device_summary list[DEVICES_MAX];
	const int count = wn_opencl_list(list, DEVICES_MAX);
	const struct wn_device_summary *found = &list[opencl->ordinal];

	if (count == 1 && !strcmp(list[0].spec, "opencl"))
		return wn_fail(error, ENODEV, WN_UNAVAILABLE, "opencl device: %s", list[0].note);
	if (opencl->ordinal >= (uint32_t)count || opencl->ordinal >= DEVICES_MAX)
		return wn_fail(error, ENODEV, WN_UNAVAILABLE, "device 'opencl:%u': there %s %d device%s here, from 0",
			       opencl->ordinal, count == 1 ? "is" : "are", count, count == 1 ? "" : "s");
	if (!found->usable)
		return wn_fail(error, ENOTSUP, WN_UNAVAILABLE, "device 'opencl:%u': %s: %s", opencl->ordinal, found->name,
			       found->note);
	snprintf(opencl->name, sizeof(opencl->name), "%s", found->name);
	return 0;
}

/* The program as a text, which the worker compiles. */
static int load_version(const char *text, int anew, struct wn_remote_version **version, struct wn_error *error)
{
	char *source = NULL;
	int rc = wn_remote_version_make(version, text, anew, error);

	if (rc)
		return rc;
	rc = wn_device_text_make(text, "device/opencl/entry.cl", &source, error);
	if (!rc) {
		(*version)->code.bytes = strlen(source);
		(*version)->code.fd = wn_team_memory_object("warpnic-text", source, (*version)->code.bytes);
		if ((*version)->code.fd < 0)
			rc = wn_fail(error, -(*version)->code.fd, WN_FAILED, "program %s: %s", text,
				     strerror(-(*version)->code.fd));
	}
	free(source);
	if (rc) {
		wn_remote_version_free(*version);
		*version = NULL;
	}
	return rc;
}

/* -- start -- */

static void say(const struct wn_device *device, const char *text)
{
	if (device->log)
		device->log(device->log_context, text);
}

/*
 * What was tried did not come back, and its process was ended: the next one goes without. In a mode that was
 * asked for there is nothing to fall to.
 */
static int spawn_without_handshake(struct wn_device *device, struct wn_team *team, struct wn_error *error)
{
	struct opencl *opencl = device->state;

	snprintf(opencl->choice, sizeof(opencl->choice), "its handshake did not come back within 5 s");
	if (device->mode != WN_MODE_AUTO)
		return wn_fail(error, ETIMEDOUT, WN_UNAVAILABLE, "opencl device: %s: %s; say --mode batch, or auto",
			       opencl->name, opencl->choice);
	say(device, "opencl device: the handshake did not come back within 5 s: batch mode");
	team->control->mode = WN_MODE_BATCH;
	snprintf(team->control->choice, sizeof(team->control->choice), "%s", opencl->choice);
	return wn_team_spawn(team, error);
}

static int make_team(struct wn_device *device, struct wn_remote_version *version,
		     const struct wn_program_data *data, struct wn_error *error)
{
	struct opencl *opencl = device->state;
	const struct wn_options *options = &device->options;
	struct wn_team_params params = {
		.kind = "opencl",
		.program = version->program.name,
		.ordinal = opencl->ordinal,
		.mode = device->mode,
		.queue_count = opencl->remote.queue_count,
		.group_count = 1,
		.lane_words = version->program.lane_words,
		.lease_ms = (uint32_t)wn_options_number(options, "lease"),
		.lanes = (uint32_t)wn_options_number(options, "lanes"),
		.parts = (uint32_t)wn_options_number(options, "groups"),
		.ahead = (uint32_t)wn_options_number(options, "ahead"),
		.batch_slots = (uint32_t)wn_options_number(options, "batch"),
		.transfer = (uint32_t)wn_options_number(options, "transfer"),
		.views = opencl->remote.views,
		.ring_fds = device->ring_fds,
		.code = &version->code,
		.data = data,
		.hurry = device->hurry ? device->hurry : &opencl->remote.ending,
	};
	struct wn_paths paths;
	int rc;

	wn_paths_find(&paths);
	snprintf(params.worker, sizeof(params.worker), "%s", paths.opencl_worker);
	rc = wn_team_create(&version->team, &params, error);
	if (rc)
		return rc;
	snprintf(version->team.control->choice, sizeof(version->team.control->choice), "%s", opencl->choice);
	rc = wn_team_spawn(&version->team, error);
	if (rc == -ETIMEDOUT && wn_load_acquire(&version->team.control->state) == WN_TEAM_TRYING)
		rc = spawn_without_handshake(device, &version->team, error);
	return rc;
}

static void name_device(struct wn_device *device)
{
	struct opencl *opencl = device->state;
	struct wn_team_control *control = opencl->remote.current->team.control;

	device->mode = (enum wn_mode)control->chosen_mode;
	/* What was found once holds for restarts and reloads: they ask for this mode. */
	control->mode = control->chosen_mode;
	if (control->chosen_mode == WN_MODE_BATCH)
		memcpy(opencl->choice, control->choice, sizeof(opencl->choice));
	snprintf(device->name, sizeof(device->name), "opencl:%u, %.90s, %u group%s of %u lane%s, %s: %.80s",
		 opencl->ordinal, opencl->name, control->parts, control->parts == 1 ? "" : "s", control->lanes,
		 control->lanes == 1 ? "" : "s", wn_mode_name(device->mode), control->choice);
}

static int opencl_open(struct wn_device *device, struct wn_error *error)
{
	struct opencl *opencl = device->state;
	int rc = parse_ordinal(device->options.address, &opencl->ordinal, error);

	if (!rc)
		rc = find_device(opencl, error);
	if (!rc)
		rc = load_version(device->program_text, 0, &opencl->remote.current, error);
	if (rc)
		return rc;
	pthread_mutex_init(&opencl->remote.lock, NULL);
	opencl->remote.device = device;
	opencl->remote.make_team = make_team;
	opencl->remote.name_device = name_device;
	device->program = opencl->remote.current->program;
	snprintf(device->name, sizeof(device->name), "opencl:%u, %s", opencl->ordinal, opencl->name);
	return 0;
}

static int opencl_start(struct wn_device *device, const struct wn_ring_view *views, uint32_t count,
			const struct wn_program_data *data, struct wn_error *error)
{
	struct opencl *opencl = device->state;
	int rc;

	if (count > WN_TEAM_QUEUES_MAX)
		return wn_fail(error, EINVAL, WN_USAGE, "opencl device: %u queues: at most %d", count, WN_TEAM_QUEUES_MAX);
	opencl->remote.views = views;
	opencl->remote.queue_count = count;
	rc = wn_remote_start(&opencl->remote, data, error);
	if (!rc)
		say(device, device->name); /* which mode it is, and why */
	return rc;
}

static int opencl_prepare(struct wn_device *device, const char *text, struct wn_version *version,
			  struct wn_error *error)
{
	struct wn_remote_version *made = NULL;
	const int rc = load_version(text, 1, &made, error);

	(void)device;
	if (rc)
		return rc;
	version->program = made->program;
	version->state = made;
	return 0;
}

static void opencl_close(struct wn_device *device)
{
	struct opencl *opencl = device->state;

	wn_remote_close(&opencl->remote);
}

const struct wn_device_ops wn_device_opencl = {
	.kind = "opencl",
	.summary = "whatever has an OpenCL driver, by its number: opencl:0",
	.options = opencl_options,
	.state_bytes = sizeof(struct opencl),
	.list = wn_opencl_list,
	.open = opencl_open,
	.start = opencl_start,
	.stop = wn_remote_stop,
	.prepare = opencl_prepare,
	.replace = wn_remote_replace,
	.drop = wn_remote_drop,
	.sum_counters = wn_remote_sum_counters,
	.fact = wn_remote_fact,
	.close = opencl_close,
};
