/* SPDX-License-Identifier: Apache-2.0 */
#include "device/opencl/api.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	size_t offset;
	int is_optional;
} entries[] = {
#define ENTRY(member) {#member, offsetof(struct wn_cl, member), 0}
#define LATER(member) {#member, offsetof(struct wn_cl, member), 1}
	ENTRY(clGetPlatformIDs), ENTRY(clGetPlatformInfo), ENTRY(clGetDeviceIDs), ENTRY(clGetDeviceInfo),
	ENTRY(clCreateContext), ENTRY(clCreateCommandQueue), ENTRY(clCreateProgramWithSource),
	ENTRY(clCreateProgramWithBinary), ENTRY(clBuildProgram), ENTRY(clGetProgramInfo),
	ENTRY(clGetProgramBuildInfo), ENTRY(clReleaseProgram), ENTRY(clCreateKernel), ENTRY(clSetKernelArg),
	ENTRY(clCreateBuffer), ENTRY(clReleaseMemObject), ENTRY(clEnqueueNDRangeKernel), ENTRY(clEnqueueReadBuffer),
	ENTRY(clEnqueueWriteBuffer), ENTRY(clEnqueueMapBuffer), ENTRY(clEnqueueUnmapMemObject), ENTRY(clFlush),
	ENTRY(clFinish), ENTRY(clWaitForEvents), ENTRY(clGetEventInfo), ENTRY(clReleaseEvent), LATER(clSVMAlloc),
	LATER(clSVMFree), LATER(clSetKernelArgSVMPointer),
};

static struct wn_cl cl;

const struct wn_cl *wn_cl_open(struct wn_error *error)
{
	const char *chosen = getenv("WARPNIC_OPENCL");
	const char *name = chosen && *chosen ? chosen : "libOpenCL.so.1";

	if (cl.handle)
		return &cl;
	cl.handle = dlopen(name, RTLD_NOW | RTLD_LOCAL);
	if (!cl.handle) {
		wn_fail(error, ENOENT, WN_UNAVAILABLE,
			"no OpenCL: %s; install an ICD loader (Debian: ocl-icd-libopencl1) and a driver, or use "
			"--device cpu", dlerror());
		return NULL;
	}
	for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
		void *found = dlsym(cl.handle, entries[i].name);

		memcpy((char *)&cl + entries[i].offset, &found, sizeof(found));
		if (found || entries[i].is_optional)
			continue;
		wn_fail(error, ENOSYS, WN_UNAVAILABLE, "%s has no %s: OpenCL 1.2 or later is needed", name,
			entries[i].name);
		dlclose(cl.handle);
		memset(&cl, 0, sizeof(cl));
		return NULL;
	}
	return &cl;
}

const char *wn_cl_error_name(cl_int error)
{
	static const struct {
		cl_int code;
		const char *name;
	} names[] = {
#define NAME(code) {code, #code}
		NAME(CL_SUCCESS), NAME(CL_DEVICE_NOT_FOUND), NAME(CL_DEVICE_NOT_AVAILABLE),
		NAME(CL_COMPILER_NOT_AVAILABLE), NAME(CL_MEM_OBJECT_ALLOCATION_FAILURE), NAME(CL_OUT_OF_RESOURCES),
		NAME(CL_OUT_OF_HOST_MEMORY), NAME(CL_MAP_FAILURE), NAME(CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST),
		NAME(CL_BUILD_PROGRAM_FAILURE), NAME(CL_INVALID_VALUE), NAME(CL_INVALID_DEVICE),
		NAME(CL_INVALID_BINARY), NAME(CL_INVALID_BUILD_OPTIONS), NAME(CL_INVALID_KERNEL_ARGS),
		NAME(CL_INVALID_WORK_GROUP_SIZE), NAME(CL_INVALID_OPERATION), NAME(CL_INVALID_BUFFER_SIZE),
		NAME(CL_PLATFORM_NOT_FOUND_KHR),
	};
	static char unknown[32];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].code == error)
			return names[i].name;
	snprintf(unknown, sizeof(unknown), "error %d", error);
	return unknown;
}
