/* SPDX-License-Identifier: Apache-2.0 */
#include "device/several.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A version of the program, on every part that serves. */
struct wn_versions {
	struct wn_version of[WN_PARTS_OPENED_MAX];
	uint32_t has[WN_PARTS_OPENED_MAX];
	char text[WN_PART_SPEC_BYTES * 4];
};

/* While queues are handed over, the device that is opened for them begins with the program that runs. */
static int refuse_meanwhile(const struct wn_several *several, struct wn_error *error)
{
	if (!several->is_moving)
		return 0;
	return wn_fail(error, EAGAIN, WN_FAILED, "reload: a device was given up, and its queues are being handed over: try again");
}

void wn_several_drop(struct wn_device *device, struct wn_version *version)
{
	struct wn_several *several = device->state;
	struct wn_versions *versions = version->state;

	for (uint32_t i = 0; versions && i < several->count; i++)
		if (versions->has[i] && several->parts[i].device.ops)
			several->parts[i].device.ops->drop(&several->parts[i].device, &versions->of[i]);
	free(versions);
	memset(version, 0, sizeof(*version));
}

int wn_several_prepare(struct wn_device *device, const char *text, struct wn_version *version, struct wn_error *error)
{
	struct wn_several *several = device->state;
	struct wn_versions *versions = calloc(1, sizeof(*versions));
	int rc = versions ? 0 : wn_fail(error, ENOMEM, WN_FAILED, "out of memory");

	pthread_mutex_lock(&several->lock);
	version->state = versions;
	if (versions)
		snprintf(versions->text, sizeof(versions->text), "%s", text);
	if (!rc)
		rc = refuse_meanwhile(several, error);
	for (uint32_t i = 0; !rc && i < several->count; i++) {
		struct wn_part *part = &several->parts[i];

		if (part->is_lost)
			continue;
		rc = part->device.ops->prepare(&part->device, text, &versions->of[i], error);
		versions->has[i] = !rc;
		if (!rc)
			version->program = versions->of[i].program;
	}
	pthread_mutex_unlock(&several->lock);
	if (rc)
		wn_several_drop(device, version);
	return rc;
}

/* One after the other; where one cannot, those before it get their old program back. */
static int replace_all(struct wn_several *several, struct wn_versions *versions, const struct wn_program_data *data,
		       uint64_t *old_sums, int64_t deadline_ns, struct wn_error *error)
{
	uint64_t ignored[WN_LANE_WORDS_MAX];
	int rc = 0;

	for (uint32_t i = 0; i < several->count; i++) {
		struct wn_part *part = &several->parts[i];

		if (part->is_lost)
			continue;
		if (versions->has[i])
			rc = part->device.ops->replace(&part->device, &versions->of[i], data, old_sums, deadline_ns, error);
		else
			rc = wn_fail(error, EAGAIN, WN_FAILED, "reload: a device was given up meanwhile: try again");
		for (uint32_t k = i; rc && k-- > 0;)
			if (!several->parts[k].is_lost)
				several->parts[k].device.ops->replace(&several->parts[k].device, &versions->of[k], several->data,
								      ignored, deadline_ns, NULL);
		if (rc)
			return rc;
	}
	return 0;
}

int wn_several_replace(struct wn_device *device, struct wn_version *version, const struct wn_program_data *data,
			   uint64_t *old_sums, int64_t deadline_ns, struct wn_error *error)
{
	struct wn_several *several = device->state;
	struct wn_versions *versions = version->state;
	uint64_t sums[WN_LANE_WORDS_MAX] = {0};
	char text[sizeof(versions->text)];
	int rc;

	pthread_mutex_lock(&several->lock);
	rc = refuse_meanwhile(several, error);
	if (!rc)
		rc = replace_all(several, versions, data, sums, deadline_ns, error);
	if (!rc) {
		/* Those that are lost have nothing to do with the new program: their counts are the old one's. */
		for (uint32_t i = 0; i < several->count; i++) {
			struct wn_part *part = &several->parts[i];

			if (!part->is_lost || !part->device.ops)
				continue;
			part->device.ops->sum_counters(&part->device, sums);
			wn_device_close(&part->device);
		}
		for (uint32_t i = 0; i < device->program.lane_words; i++)
			old_sums[i] += sums[i];
		version->program = device->program;
		for (uint32_t i = several->count; i-- > 0;)
			if (!several->parts[i].is_lost)
				device->program = several->parts[i].device.program;
		memcpy(text, versions->text, sizeof(text));
		memcpy(versions->text, several->text, sizeof(text));
		memcpy(several->text, text, sizeof(text));
		several->data = data;
		wn_several_show_names(several);
	}
	pthread_mutex_unlock(&several->lock);
	return rc;
}
