/* SPDX-License-Identifier: Apache-2.0 */
#include "device/cuda/power.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "device/cuda/driver.h"

/* cuda.h: the place of a device on its bus. */
enum { PCI_BUS_ID = 33, PCI_DEVICE_ID = 34, PCI_DOMAIN_ID = 50 };

/* nvml.h: an opaque handle; 0 is success. */
typedef void *nvml_device;

static struct {
	int (*init)(void);
	int (*by_bus)(const char *bus, nvml_device *device);
	int (*power)(nvml_device device, unsigned int *mw);
} nvml;
static int is_open;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static int find(void *library, const char *name, void *entry)
{
	void *found = dlsym(library, name);

	memcpy(entry, &found, sizeof(found));
	return found != NULL;
}

static void open_once(void)
{
	void *library = dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL);

	is_open = library && find(library, "nvmlInit_v2", &nvml.init) &&
		  find(library, "nvmlDeviceGetHandleByPciBusId_v2", &nvml.by_bus) &&
		  find(library, "nvmlDeviceGetPowerUsage", &nvml.power) && !nvml.init();
}

uint32_t wn_cuda_power_mw(uint32_t ordinal)
{
	const struct wn_cuda_driver *driver = wn_cuda_driver_open(NULL);
	nvml_device device;
	unsigned int mw = 0;
	CUdevice gpu;
	char bus[32];

	pthread_once(&once, open_once);
	if (!is_open || !driver || driver->cuDeviceGet(&gpu, (int)ordinal))
		return 0;
	snprintf(bus, sizeof(bus), "%08x:%02x:%02x.0",
		 (unsigned int)wn_cuda_attribute(driver, gpu, PCI_DOMAIN_ID),
		 (unsigned int)wn_cuda_attribute(driver, gpu, PCI_BUS_ID),
		 (unsigned int)wn_cuda_attribute(driver, gpu, PCI_DEVICE_ID));
	return nvml.by_bus(bus, &device) || nvml.power(device, &mw) ? 0 : mw;
}
