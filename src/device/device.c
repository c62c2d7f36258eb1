/* SPDX-License-Identifier: Apache-2.0 */
#include "device/device.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/os.h"

const struct wn_device_ops *const wn_device_kinds[] = {&wn_device_cpu, &wn_device_cuda, &wn_device_opencl,
							    &wn_device_metal, NULL};

uint32_t wn_device_cores(void)
{
	return wn_os_cores();
}

static int unknown_kind(const char *spec, struct wn_error *error)
{
	char kinds[128] = "";
	size_t used = 0;

	for (int i = 0; wn_device_kinds[i] && used < sizeof(kinds); i++)
		used += (size_t)snprintf(kinds + used, sizeof(kinds) - used, "%s%s", i ? ", " : "",
					 wn_device_kinds[i]->kind);
	return wn_fail(error, EINVAL, WN_USAGE, "device '%s': unknown; this build has: %s", spec, kinds);
}

int wn_device_open(struct wn_device *device, const char *spec, enum wn_mode mode,
		   const char *program, struct wn_error *error)
{
	const size_t length = strcspn(spec, ":,");
	const struct wn_device_ops *ops = NULL;
	char kind[64];
	int rc;

	memset(device, 0, sizeof(*device));
	for (int i = 0; wn_device_kinds[i]; i++)
		if (strlen(wn_device_kinds[i]->kind) == length &&
		    !strncmp(wn_device_kinds[i]->kind, spec, length))
			ops = wn_device_kinds[i];
	if (!ops)
		return unknown_kind(spec, error);
	device->spec = spec;
	if (wn_device_names_several(spec))
		ops = &wn_device_several;
	snprintf(kind, sizeof(kind), "%s device", ops->kind);
	device->mode = mode;
	device->cores = wn_device_cores();
	device->program_text = program;
	rc = wn_options_init(&device->options, ops->options, kind,
			     ops == &wn_device_several ? "" : spec + length + (spec[length] == ':'), error);
	if (rc)
		goto finish_options;
	device->state = calloc(1, ops->state_bytes);
	if (!device->state) {
		rc = wn_fail(error, ENOMEM, WN_FAILED, "device '%s': out of memory", spec);
		goto finish_options;
	}
	rc = ops->open(device, error);
	if (rc)
		goto free_state;
	device->ops = ops;
	return 0;

free_state:
	free(device->state);
finish_options:
	wn_options_finish(&device->options);
	memset(device, 0, sizeof(*device));
	return rc;
}

void wn_device_close(struct wn_device *device)
{
	if (!device->ops)
		return;
	device->ops->close(device);
	free(device->state);
	wn_options_finish(&device->options);
	memset(device, 0, sizeof(*device));
}

int wn_device_list(struct wn_device_summary *list, uint32_t capacity)
{
	uint32_t count = 0;

	for (int i = 0; wn_device_kinds[i]; i++) {
		const uint32_t left = count < capacity ? capacity - count : 0;

		count += (uint32_t)wn_device_kinds[i]->list(list + (left ? count : 0), left);
	}
	return (int)count;
}

const char *wn_mode_name(enum wn_mode mode)
{
	static const char *const names[] = {"auto", "resident", "lease", "batch"};

	return (unsigned int)mode < 4 ? names[mode] : "unknown";
}
