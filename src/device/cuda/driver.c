/* SPDX-License-Identifier: Apache-2.0 */
#include "device/cuda/driver.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Names as the library exports them: those with a suffix have it since their types grew. */
static const struct {
	const char *name;
	size_t offset;
} entries[] = {
#define ENTRY(member) {#member, offsetof(struct wn_cuda_driver, member)}
#define ENTRY_V2(member) {#member "_v2", offsetof(struct wn_cuda_driver, member)}
	ENTRY(cuInit), ENTRY(cuDriverGetVersion), ENTRY(cuDeviceGetCount), ENTRY(cuDeviceGet),
	ENTRY(cuDeviceGetName), ENTRY(cuDeviceGetAttribute), ENTRY(cuDevicePrimaryCtxRetain),
	ENTRY(cuCtxSetCurrent), ENTRY(cuModuleLoadDataEx), ENTRY(cuModuleGetFunction),
	ENTRY(cuFuncSetAttribute), ENTRY(cuFuncGetAttribute),
	ENTRY(cuOccupancyMaxActiveBlocksPerMultiprocessor), ENTRY_V2(cuMemAlloc), ENTRY_V2(cuDeviceGetUuid),
	ENTRY(cuImportExternalMemory), ENTRY(cuExternalMemoryGetMappedBuffer), ENTRY_V2(cuMemsetD8),
	ENTRY_V2(cuMemcpyHtoD), ENTRY_V2(cuMemcpyHtoDAsync), ENTRY_V2(cuMemcpyDtoH), ENTRY_V2(cuMemHostRegister),
	ENTRY_V2(cuMemHostGetDevicePointer), ENTRY(cuStreamCreate), ENTRY(cuStreamQuery),
	ENTRY(cuStreamSynchronize), ENTRY(cuLaunchKernel), ENTRY(cuLaunchCooperativeKernel),
	ENTRY(cuGetErrorName), ENTRY(cuGetErrorString),
};

static struct wn_cuda_driver driver;
static struct wn_error failure;
static int is_open;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static int open_library(void)
{
	const char *chosen = getenv("WARPNIC_CUDA_DRIVER");
	const char *name = chosen && *chosen ? chosen : "libcuda.so.1";

	driver.handle = dlopen(name, RTLD_NOW | RTLD_LOCAL);
	if (!driver.handle)
		return wn_fail(&failure, ENOENT, WN_UNAVAILABLE,
			       "no CUDA driver: %s; install NVIDIA's driver, or use --device cpu",
			       dlerror());
	for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
		void *found = dlsym(driver.handle, entries[i].name);

		if (!found)
			return wn_fail(&failure, ENOSYS, WN_UNAVAILABLE,
				       "the CUDA driver has no %s: it is too old (11.4 or later is "
				       "needed)",
				       entries[i].name);
		memcpy((char *)&driver + entries[i].offset, &found, sizeof(found));
	}
	return 0;
}

static void open_once(void)
{
	CUresult result;

	/* Every kernel is loaded before the first one starts: a later load could wait for a resident one. */
	setenv("CUDA_MODULE_LOADING", "EAGER", 1);
	if (open_library())
		return;
	result = driver.cuInit(0);
	if (result) {
		wn_fail(&failure, ENODEV, WN_UNAVAILABLE, "the CUDA driver does not start: %s: %s",
			wn_cuda_error_name(&driver, result), wn_cuda_error_text(&driver, result));
		return;
	}
	is_open = 1;
}

const struct wn_cuda_driver *wn_cuda_driver_open(struct wn_error *error)
{
	pthread_once(&once, open_once);
	if (is_open)
		return &driver;
	if (error)
		*error = failure;
	return NULL;
}

const char *wn_cuda_error_name(const struct wn_cuda_driver *from, CUresult result)
{
	const char *name = NULL;

	from->cuGetErrorName(result, &name);
	return name ? name : "unknown CUDA error";
}

const char *wn_cuda_error_text(const struct wn_cuda_driver *from, CUresult result)
{
	const char *text = NULL;

	from->cuGetErrorString(result, &text);
	return text ? text : "no description";
}

int wn_cuda_attribute(const struct wn_cuda_driver *from, CUdevice device, int attribute)
{
	int value = 0;

	return from->cuDeviceGetAttribute(&value, attribute, device) ? 0 : value;
}
