/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A libOpenCL that plays what no driver at hand does. With ALONE it is all there is; else it is linked with the real
 * one, whose entries are found behind these. $WN_STUB says what is played:
 *
 *   nothing   no driver                        empty     a driver without a device
 *   lame      a device without a compiler      hang      a launch that uses SVM does not come back
 *   deaf      kernels see a copy of SVM        lost      the device is lost after some launches
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "device/opencl/api.h"

enum { LAUNCHES_UNTIL_LOST = 40 };

static int plays(const char *what)
{
	const char *chosen = getenv("WN_STUB");

	return chosen && !strcmp(chosen, what);
}

#define REAL(name) ((__typeof__(((struct wn_cl *)0)->name))dlsym(RTLD_NEXT, #name))

cl_int clGetPlatformIDs(cl_uint capacity, cl_platform_id *list, cl_uint *count);
cl_int clGetDeviceIDs(cl_platform_id platform, cl_bitfield type, cl_uint capacity, cl_device_id *list, cl_uint *count);

#ifdef ALONE

cl_int clGetPlatformIDs(cl_uint capacity, cl_platform_id *list, cl_uint *count)
{
	if (plays("nothing"))
		return CL_PLATFORM_NOT_FOUND_KHR;
	if (capacity)
		list[0] = (cl_platform_id)list;
	*count = 1;
	return CL_SUCCESS;
}

cl_int clGetDeviceIDs(cl_platform_id platform, cl_bitfield type, cl_uint capacity, cl_device_id *list, cl_uint *count)
{
	(void)platform;
	(void)type;
	(void)capacity;
	(void)list;
	*count = 0;
	return CL_DEVICE_NOT_FOUND;
}

/* Only so that they are there. */
#define NEVER(name) void name(void); void name(void) { abort(); }
NEVER(clGetPlatformInfo) NEVER(clGetDeviceInfo) NEVER(clCreateContext) NEVER(clCreateCommandQueue)
NEVER(clCreateProgramWithSource) NEVER(clCreateProgramWithBinary) NEVER(clBuildProgram) NEVER(clGetProgramInfo)
NEVER(clGetProgramBuildInfo) NEVER(clReleaseProgram) NEVER(clCreateKernel) NEVER(clSetKernelArg)
NEVER(clCreateBuffer) NEVER(clReleaseMemObject) NEVER(clEnqueueNDRangeKernel) NEVER(clEnqueueReadBuffer)
NEVER(clEnqueueWriteBuffer) NEVER(clEnqueueMapBuffer) NEVER(clEnqueueUnmapMemObject) NEVER(clFlush)
NEVER(clFinish) NEVER(clWaitForEvents) NEVER(clGetEventInfo) NEVER(clReleaseEvent)

#else

static int uses_svm;

cl_int clGetDeviceInfo(cl_device_id device, cl_uint what, size_t bytes, void *value, size_t *got);
cl_int clGetDeviceInfo(cl_device_id device, cl_uint what, size_t bytes, void *value, size_t *got)
{
	const cl_int rc = REAL(clGetDeviceInfo)(device, what, bytes, value, got);

	if (what == CL_DEVICE_COMPILER_AVAILABLE && plays("lame"))
		memset(value, 0, bytes);
	return rc;
}

cl_int clSetKernelArgSVMPointer(cl_kernel kernel, cl_uint index, const void *value);
cl_int clSetKernelArgSVMPointer(cl_kernel kernel, cl_uint index, const void *value)
{
	static char copy[1 << 16] __attribute__((aligned(4096)));

	uses_svm = 1;
	return REAL(clSetKernelArgSVMPointer)(kernel, index, plays("deaf") ? copy : value);
}

cl_int clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions, const size_t *offset,
			      const size_t *global, const size_t *local, cl_uint waits, const cl_event *wait,
			      cl_event *event);
cl_int clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions, const size_t *offset,
			      const size_t *global, const size_t *local, cl_uint waits, const cl_event *wait,
			      cl_event *event)
{
	static int launches;

	if (plays("hang") && uses_svm)
		for (;;)
			pause();
	if (plays("lost") && ++launches > LAUNCHES_UNTIL_LOST)
		return CL_DEVICE_NOT_AVAILABLE;
	return REAL(clEnqueueNDRangeKernel)(queue, kernel, dimensions, offset, global, local, waits, wait, event);
}

#endif
