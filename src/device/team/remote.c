/* SPDX-License-Identifier: Apache-2.0 */
#include "device/team/remote.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"

int wn_remote_version_make(struct wn_remote_version **version, const char *text, int anew, struct wn_error *error)
{
	struct wn_remote_version *made = calloc(1, sizeof(*made));
	int rc;

	if (!made)
		return wn_fail(error, ENOMEM, WN_FAILED, "out of memory");
	made->code.fd = -1;
	rc = wn_cpu_code_load(&made->native, text, anew ? WN_CPU_ANEW : 0, error);
	if (rc) {
		wn_remote_version_free(made);
		return rc;
	}
	made->program = wn_cpu_code_describe(&made->native);
	*version = made;
	return 0;
}

void wn_remote_version_free(struct wn_remote_version *version)
{
	if (!version)
		return;
	wn_team_destroy(&version->team);
	wn_team_code_free(&version->code);
	wn_cpu_code_unload(&version->native);
	free(version);
}

int wn_remote_start(struct wn_remote *remote, const struct wn_program_data *data, struct wn_error *error)
{
	struct wn_team *team = &remote->current->team;
	int rc = remote->make_team(remote->device, remote->current, data, error);

	for (uint32_t i = 0; !rc && i < remote->queue_count; i++)
		wn_team_set_start(team, i, remote->device->starts ? remote->device->starts[i]
								  : wn_load_acquire(&remote->views[i].words->published));
	if (!rc)
		rc = wn_team_go(team, error);
	if (rc)
		return rc;
	remote->name_device(remote->device);
	return wn_remote_supervise(remote, error);
}

int wn_remote_stop(struct wn_device *device, int64_t deadline_ns, int abandon)
{
	struct wn_remote *remote = device->state;
	struct wn_team *team = &remote->current->team;

	if (!team->control)
		return 0;
	wn_remote_supervise_end(remote);
	if (abandon)
		wn_team_leave(team);
	while (!wn_team_has_ended(team, 5) && wn_clock_ns() < deadline_ns)
		continue;
	/* Its end is the end of all writing: nothing has to stay. */
	return team->pid > 0 ? wn_team_kill(team) : 0;
}

void wn_remote_sum_counters(const struct wn_device *device, uint64_t *sums)
{
	struct wn_remote *remote = device->state;

	pthread_mutex_lock(&remote->lock);
	for (uint32_t i = 0; i < device->program.lane_words; i++)
		sums[i] += remote->lost_rows[i];
	wn_team_add_rows(&remote->current->team, sums, NULL);
	pthread_mutex_unlock(&remote->lock);
}

void wn_remote_close(struct wn_remote *remote)
{
	wn_remote_supervise_end(remote);
	wn_remote_version_free(remote->current);
	pthread_mutex_destroy(&remote->lock);
}

/* -- another version of the program -- */

/* The old groups leave between two batches. 0, or -ETIMEDOUT and the old team is gone, not left. */
static int leave_team(struct wn_team *team, int64_t deadline_ns)
{
	wn_team_leave(team);
	while (!wn_team_has_ended(team, 1))
		if (wn_clock_ns() > deadline_ns)
			return -ETIMEDOUT;
	return wn_team_ended_well(team) ? 0 : -EIO;
}

/*
 * The new team has prepared everything before the old one leaves, so the rings stand still for the time of
 * one launch. Where the old one does not leave, the supervisor takes it for stuck, as it would have anyway.
 */
static int exchange(struct wn_remote *remote, struct wn_remote_version *new, uint64_t *old_sums, int64_t deadline_ns,
		    struct wn_error *error)
{
	struct wn_remote_version *old = remote->current;
	int rc = leave_team(&old->team, deadline_ns);

	if (rc)
		return wn_fail(error, -rc, WN_FAILED,
			       "reload: the program that runs did not come back from a packet "
			       "in time");
	wn_team_continue(&new->team, &old->team);
	rc = wn_team_go(&new->team, error);
	if (rc) {
		/* The old one serves on, where it was. */
		wn_remote_keep_rows(remote);
		wn_team_continue(&old->team, &old->team);
		if (!wn_team_spawn(&old->team, NULL))
			wn_team_go(&old->team, NULL);
		return rc;
	}
	for (uint32_t i = 0; i < old->program.lane_words; i++)
		old_sums[i] += remote->lost_rows[i];
	memset(remote->lost_rows, 0, sizeof(remote->lost_rows));
	wn_team_add_rows(&old->team, old_sums, NULL);
	remote->current = new;
	return 0;
}

int wn_remote_replace(struct wn_device *device, struct wn_version *version,
			const struct wn_program_data *data, uint64_t *old_sums, int64_t deadline_ns,
			struct wn_error *error)
{
	struct wn_remote *remote = device->state;
	struct wn_remote_version *new = version->state, *old = remote->current;
	int rc = remote->make_team(device, new, data, error);

	if (!rc) {
		pthread_mutex_lock(&remote->lock);
		/* Preparing took its time; what the caller gave for leaving begins now. */
		if (deadline_ns < wn_clock_ns() + WN_SECOND_NS)
			deadline_ns = wn_clock_ns() + WN_SECOND_NS;
		rc = exchange(remote, new, old_sums, deadline_ns, error);
		pthread_mutex_unlock(&remote->lock);
	}
	if (rc)
		return rc;
	device->program = new->program;
	version->state = old;
	version->program = old->program;
	remote->name_device(device);
	return 0;
}

void wn_remote_drop(struct wn_device *device, struct wn_version *version)
{
	(void)device;
	wn_remote_version_free(version->state);
	memset(version, 0, sizeof(*version));
}

int wn_remote_fact(const struct wn_device *device, uint32_t number, struct wn_device_fact *fact)
{
	const struct wn_remote *remote = device->state;
	const struct wn_team_control *control = remote->current ? remote->current->team.control : NULL;

	if (!control)
		return 0;
	switch (number) {
	case 0:
		snprintf(fact->name, sizeof(fact->name), "self-test");
		snprintf(fact->value, sizeof(fact->value), "%u messages, %u stale words", control->rounds, control->stale);
		return 1;
	case 1:
		snprintf(fact->name, sizeof(fact->name), "worker");
		snprintf(fact->value, sizeof(fact->value), "%u group%s a queue, %u restart%s", control->group_count,
			 control->group_count == 1 ? "" : "s", remote->restarts, remote->restarts == 1 ? "" : "s");
		return 1;
	default:
		return 0;
	}
}
