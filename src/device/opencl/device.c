/* SPDX-License-Identifier: Apache-2.0 */
#include "device/opencl/device.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { PLATFORMS_MAX = 32, DEVICES_MAX = 64, VERSIONS_MAX = 16 };

static uint64_t number_of(const struct wn_cl *cl, cl_device_id id, cl_uint what)
{
	uint64_t value = 0;

	/* Little-endian host: a narrower value fills the lower bytes. */
	return cl->clGetDeviceInfo(id, what, sizeof(value), &value, NULL) ? 0 : value;
}

static void text_of(const struct wn_cl *cl, cl_device_id id, cl_uint what, char *text, size_t bytes)
{
	char whole[4096] = "";

	/* Extensions may be longer than what is kept. */
	if (cl->clGetDeviceInfo(id, what, sizeof(whole) - 1, whole, NULL))
		whole[0] = '\0';
	snprintf(text, bytes, "%s", whole);
	for (char *c = text; *c; c++)
		if (*c == '\t' || *c == '\n')
			*c = ' ';
}

static int has_c30(const struct wn_cl *cl, cl_device_id id)
{
	cl_name_version versions[VERSIONS_MAX];
	size_t got = 0;

	if (cl->clGetDeviceInfo(id, CL_DEVICE_OPENCL_C_ALL_VERSIONS, sizeof(versions), versions, &got))
		return 0;
	for (size_t i = 0; i < got / sizeof(versions[0]) && i < VERSIONS_MAX; i++)
		if (versions[i].version >> 22 >= 3)
			return 1;
	return 0;
}

static void choose_standard(const struct wn_cl *cl, struct wn_cl_device *device)
{
	char version[64];
	int major = 0, minor = 0;
	uint64_t atomics;

	text_of(cl, device->id, CL_DEVICE_OPENCL_C_VERSION, version, sizeof(version));
	if (sscanf(version, "OpenCL C %d.%d", &major, &minor) != 2)
		major = 0;
	if (has_c30(cl, device->id) || major >= 3) {
		snprintf(device->standard, sizeof(device->standard), "CL3.0");
		atomics = number_of(cl, device->id, CL_DEVICE_ATOMIC_MEMORY_CAPABILITIES);
		device->is_plain = !(atomics & CL_DEVICE_ATOMIC_ORDER_ACQ_REL) || !(atomics & CL_DEVICE_ATOMIC_SCOPE_DEVICE);
		if (!device->is_plain && !(atomics & CL_DEVICE_ATOMIC_SCOPE_ALL_DEVICES))
			snprintf(device->no_polling, sizeof(device->no_polling), "it has no atomics that the host sees");
	} else if (major == 2) {
		snprintf(device->standard, sizeof(device->standard), "CL2.0");
	} else {
		snprintf(device->standard, sizeof(device->standard), "CL1.2");
		device->is_plain = 1;
		if (major < 1 || (major == 1 && minor < 2))
			snprintf(device->missing, sizeof(device->missing), "OpenCL C 1.2 or later (it says '%.60s')", version);
	}
	if (device->is_plain)
		snprintf(device->no_polling, sizeof(device->no_polling), "it has no acquire and release");
}

/* Names the first thing that is not there. */
static void look_for_missing(const struct wn_cl *cl, struct wn_cl_device *device, const char *profile,
			     const char *extensions)
{
	const char *missing = NULL;

	if (!number_of(cl, device->id, CL_DEVICE_AVAILABLE))
		missing = "to be available (CL_DEVICE_AVAILABLE)";
	else if (number_of(cl, device->id, CL_DEVICE_TYPE) & CL_DEVICE_TYPE_CUSTOM)
		missing = "to be programmable (it is a custom device)";
	else if (!number_of(cl, device->id, CL_DEVICE_COMPILER_AVAILABLE))
		missing = "a compiler (CL_DEVICE_COMPILER_AVAILABLE)";
	else if (!number_of(cl, device->id, CL_DEVICE_ENDIAN_LITTLE))
		missing = "to be little-endian (CL_DEVICE_ENDIAN_LITTLE)";
	else if (!strcmp(profile, "EMBEDDED_PROFILE") && !strstr(extensions, "cles_khr_int64"))
		missing = "64-bit integers (cles_khr_int64)";
	if (missing)
		snprintf(device->missing, sizeof(device->missing), "%s", missing);
}

static void describe(const struct wn_cl *cl, cl_platform_id platform, struct wn_cl_device *device)
{
	const cl_device_id id = device->id;
	char profile[32], extensions[4096];
	uint64_t svm;

	if (cl->clGetPlatformInfo(platform, CL_PLATFORM_NAME, sizeof(device->platform), device->platform, NULL))
		snprintf(device->platform, sizeof(device->platform), "unknown platform");
	text_of(cl, id, CL_DEVICE_NAME, device->name, sizeof(device->name));
	text_of(cl, id, CL_DEVICE_VERSION, device->version, sizeof(device->version));
	text_of(cl, id, CL_DRIVER_VERSION, device->driver, sizeof(device->driver));
	text_of(cl, id, CL_DEVICE_PROFILE, profile, sizeof(profile));
	text_of(cl, id, CL_DEVICE_EXTENSIONS, extensions, sizeof(extensions));
	device->units = (uint32_t)number_of(cl, id, CL_DEVICE_MAX_COMPUTE_UNITS);
	device->group_items_max = number_of(cl, id, CL_DEVICE_MAX_WORK_GROUP_SIZE);
	device->memory_max = number_of(cl, id, CL_DEVICE_MAX_MEM_ALLOC_SIZE);
	device->is_cpu = (number_of(cl, id, CL_DEVICE_TYPE) & CL_DEVICE_TYPE_CPU) != 0;
	device->is_unified = number_of(cl, id, CL_DEVICE_HOST_UNIFIED_MEMORY) != 0;
	choose_standard(cl, device);
	look_for_missing(cl, device, profile, extensions);
	svm = number_of(cl, id, CL_DEVICE_SVM_CAPABILITIES);
	if (!device->no_polling[0] && !(svm & CL_DEVICE_SVM_FINE_GRAIN_BUFFER))
		snprintf(device->no_polling, sizeof(device->no_polling), "it has no fine-grained SVM");
	else if (!device->no_polling[0] && !(svm & CL_DEVICE_SVM_ATOMICS))
		snprintf(device->no_polling, sizeof(device->no_polling), "its SVM has no atomics");
	else if (!device->no_polling[0] && (!cl->clSVMAlloc || !cl->clSetKernelArgSVMPointer))
		snprintf(device->no_polling, sizeof(device->no_polling), "the loader has no clSVMAlloc");
}

int wn_cl_device_find(const struct wn_cl *cl, uint32_t number, struct wn_cl_device *device, struct wn_error *error)
{
	cl_platform_id platforms[PLATFORMS_MAX];
	cl_device_id ids[DEVICES_MAX];
	cl_uint platform_count = 0, count = 0;
	uint32_t found = 0;
	const cl_int rc = cl->clGetPlatformIDs(PLATFORMS_MAX, platforms, &platform_count);

	if (rc == CL_PLATFORM_NOT_FOUND_KHR || (!rc && !platform_count))
		return wn_fail(error, ENODEV, WN_UNAVAILABLE,
			       "OpenCL has no driver here: none is named in /etc/OpenCL/vendors; install one (Debian: "
			       "pocl-opencl-icd for processors), or use --device cpu");
	if (rc)
		return wn_fail(error, EIO, WN_UNAVAILABLE, "clGetPlatformIDs: %s", wn_cl_error_name(rc));
	for (cl_uint p = 0; p < platform_count && p < PLATFORMS_MAX; p++) {
		/* CL_DEVICE_NOT_FOUND is what a driver without a device says. */
		if (cl->clGetDeviceIDs(platforms[p], CL_DEVICE_TYPE_ALL, DEVICES_MAX, ids, &count))
			continue;
		if (number >= found && number - found < count && number - found < DEVICES_MAX) {
			memset(device, 0, sizeof(*device));
			device->id = ids[number - found];
			describe(cl, platforms[p], device);
		}
		found += count;
	}
	if (!found)
		return wn_fail(error, ENODEV, WN_UNAVAILABLE,
			       "OpenCL has %u driver%s here, but no device: see clinfo -l", platform_count,
			       platform_count > 1 ? "s" : "");
	return (int)found;
}
