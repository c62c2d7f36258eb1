/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Another version of the program, while packets flow:
 *
 *   prepared beside the old one  ->  checked  ->  its data built  ->  exchanged between two batches  ->
 *   the old one's counts carried on  ->  the old one unloaded
 *
 * Only the exchange is seen by packets; whatever fails before it leaves the old version as it is.
 */
#include "warpnic/runtime.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "runtime_state.h"

/* What is new, until it is in place; then what was old. */
struct change {
	struct wn_version version;
	struct wn_data *data;
	struct wn_description *description; /* NULL: the same as before */
};

/* Takes over those members of the wishes that a reload is about. */
static void take_wishes(struct wn_runtime_params *params, const struct wn_runtime_params *wishes)
{
	if (wishes->program)
		params->program = wishes->program;
	memcpy(params->parameters, wishes->parameters, sizeof(params->parameters));
	params->parameter_count = wishes->parameter_count;
	memcpy(params->tables, wishes->tables, sizeof(params->tables));
	params->table_count = wishes->table_count;
	params->data = wishes->data;
	params->loads = wishes->loads;
	params->load_count = wishes->load_count;
}

static int check_running(const struct wn_runtime *runtime, struct wn_error *error)
{
	if (!runtime->is_started || runtime->start_failed || runtime->is_stopped)
		return wn_fail(error, EINVAL, WN_FAILED, "reload: the program does not run");
	if (!runtime->device.ops->prepare)
		return wn_fail(error, ENOTSUP, WN_UNAVAILABLE,
			       "reload: the %s device cannot replace a program while it runs",
			       runtime->device.ops->kind);
	return 0;
}

static const char *kind_name(enum wn_packet_kind kind)
{
	if (kind & WN_STREAM)
		return kind & WN_ANY ? "packets and connections" : "connections";
	return kind == WN_DATAGRAM ? "datagrams" : kind == WN_FRAME ? "frames" : "packets of any kind";
}

/* Links, records and reports were made for the program that runs. */
static int check_same(const struct wn_program *old, const struct wn_program *new,
		      struct wn_error *error)
{
	if (strcmp(old->name, new->name))
		return wn_fail(error, EINVAL, WN_FAILED,
			       "reload: the program is called '%s' now and was '%s': another program needs a "
			       "run of its own", new->name, old->name);
	if (old->kind != new->kind)
		return wn_fail(error, EINVAL, WN_FAILED,
			       "reload: program '%s' takes %s now and took %s: the links were opened for those",
			       new->name, kind_name(new->kind), kind_name(old->kind));
	if (!wn_program_has_same_records(old, new))
		return wn_fail(error, EINVAL, WN_FAILED,
			       "reload: the records of program '%s' have other fields now; whoever reads them "
			       "was promised the old ones", new->name);
	return 0;
}

/* Whether a connection still sends from the file of that version. */
static int is_sent_from(const struct wn_runtime *runtime, uint32_t version)
{
	for (uint32_t i = 0; i < runtime->ring_count; i++) {
		const struct wn_queue *queue = runtime->pumps[i].queue;

		if (queue->link->ops->file_users &&
		    queue->link->ops->file_users(queue->link, queue->index, version))
			return 1;
	}
	return 0;
}

/* Lets go of what nobody sends from any more. */
static void free_old_data(struct wn_runtime *runtime)
{
	struct wn_data **at = &runtime->old_data;

	while (*at) {
		struct wn_data *data = *at;

		if (is_sent_from(runtime, data->shown.file_version)) {
			at = &data->older;
			continue;
		}
		*at = data->older;
		wn_runtime_free_data(data);
	}
}

/* What was exchanged: gone at once, or once its last reply has been sent. */
static void retire_data(struct wn_runtime *runtime, struct wn_data *data)
{
	data->older = runtime->old_data;
	runtime->old_data = data;
	free_old_data(runtime);
}

/* All that can fail, or take long. What it leaves in *change is undone by undo(). */
static int prepare(struct wn_runtime *runtime, const struct wn_runtime_params *params,
		   struct change *change, struct wn_error *error)
{
	const struct wn_program *old = &runtime->description->program;
	int rc = runtime->device.ops->prepare(&runtime->device, params->program, &change->version, error);

	if (!rc)
		rc = check_same(old, &change->version.program, error);
	if (rc)
		return rc;
	change->data = wn_runtime_make_data(params, &change->version.program, error);
	if (!change->data)
		return -EINVAL;
	change->data->shown.file_version = runtime->data->shown.file_version + 1;
	wn_data_share_cells(change->data, &change->version.program, runtime->data, old);
	if (wn_program_is_same(old, &change->version.program))
		return 0;
	change->description = wn_description_create(&change->version.program);
	return change->description ? 0 : wn_fail(error, ENOMEM, WN_FAILED, "out of memory");
}

/* In batch mode it is the pumps that run the program. 0, or -ETIMEDOUT and none is held. */
static int hold_pumps(struct wn_runtime *runtime, int64_t deadline_ns, struct wn_error *error)
{
	wn_store_relaxed(&runtime->control.hold, 1);
	for (uint32_t i = 0; i < runtime->ring_count; i++) {
		if (!wn_pump_hold(&runtime->pumps[i], deadline_ns))
			continue;
		while (i-- > 0)
			wn_pump_release(&runtime->pumps[i]);
		wn_store_relaxed(&runtime->control.hold, 0);
		return wn_fail(error, ETIMEDOUT, WN_FAILED,
			       "reload: the program that runs did not come back from a packet in time");
	}
	return 0;
}

static void release_pumps(struct wn_runtime *runtime)
{
	for (uint32_t i = 0; i < runtime->ring_count; i++)
		wn_pump_release(&runtime->pumps[i]);
	wn_store_relaxed(&runtime->control.hold, 0);
}

static int replace(struct wn_runtime *runtime, struct change *change, uint64_t *sums,
		   struct wn_error *error)
{
	const int64_t deadline = wn_clock_ns() + runtime->params.stop_ms * WN_MILLISECOND_NS;
	/* Where the device launches by itself, no pump is in the program. */
	const int is_batch = runtime->device.mode == WN_MODE_BATCH && runtime->device.ops->launch;
	int rc = is_batch ? hold_pumps(runtime, deadline, error) : 0;

	if (rc)
		return rc;
	rc = runtime->device.ops->replace(&runtime->device, &change->version, &change->data->shown, sums,
					  deadline, error);
	if (is_batch)
		release_pumps(runtime);
	return rc;
}

/* The lock is held. `sums` are the final counts of the old version, less what was carried to it. */
static void carry_on(struct wn_runtime *runtime, struct change *change, uint64_t *sums)
{
	const struct wn_program *old = &runtime->description->program;
	struct wn_data *data = runtime->data;

	for (uint32_t i = 0; i < old->lane_words; i++)
		sums[i] += runtime->carried[i];
	memset(runtime->carried, 0, sizeof(runtime->carried));
	if (change->description) {
		change->description->older = runtime->description;
		runtime->description = change->description;
		change->description = NULL;
	}
	wn_program_carry(old, sums, &runtime->description->program, runtime->carried);
	wn_data_keep_cells(change->data, data);
	runtime->data = change->data;
	change->data = data;
	runtime->reload_count++;
}

static void undo(struct wn_runtime *runtime, struct change *change)
{
	free(change->description);
	wn_runtime_free_data(change->data);
	if (change->version.state)
		runtime->device.ops->drop(&runtime->device, &change->version);
}

int wn_runtime_reload(struct wn_runtime *runtime, const struct wn_runtime_params *wishes,
		      struct wn_error *error)
{
	struct wn_runtime_params params = runtime->params;
	uint64_t sums[WN_LANE_WORDS_MAX] = {0};
	struct change change = {0};
	int rc = check_running(runtime, error);

	if (rc)
		return rc;
	if (wishes)
		take_wishes(&params, wishes);
	rc = prepare(runtime, &params, &change, error);
	if (!rc) {
		pthread_mutex_lock(&runtime->version_lock);
		rc = replace(runtime, &change, sums, error);
		if (!rc)
			carry_on(runtime, &change, sums);
		pthread_mutex_unlock(&runtime->version_lock);
	}
	if (!rc) {
		take_wishes(&runtime->params, &params);
		retire_data(runtime, change.data);
		change.data = NULL;
	}
	undo(runtime, &change);
	return rc;
}
