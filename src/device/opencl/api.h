/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libOpenCL.so.1, opened at run time. Types and numbers are those of the OpenCL 3.0 API specification
 * (Khronos); each number's table is named beside it. Only what this device uses is here, so that nothing of
 * OpenCL is needed to build it.
 */
#ifndef WN_DEVICE_OPENCL_API_H
#define WN_DEVICE_OPENCL_API_H

#include <stddef.h>
#include <stdint.h>

#include "warpnic/status.h"

typedef int32_t cl_int;
typedef uint32_t cl_uint, cl_bool;
typedef uint64_t cl_ulong, cl_bitfield;
typedef struct _cl_platform_id *cl_platform_id;
typedef struct _cl_device_id *cl_device_id;
typedef struct _cl_context *cl_context;
typedef struct _cl_command_queue *cl_command_queue;
typedef struct _cl_mem *cl_mem;
typedef struct _cl_program *cl_program;
typedef struct _cl_kernel *cl_kernel;
typedef struct _cl_event *cl_event;

/* Names as in CL/cl.h, cl_ext.h; "Appendix F, Error Codes" for the first ones. */
enum {
	CL_SUCCESS = 0,
	CL_DEVICE_NOT_FOUND = -1,
	CL_DEVICE_NOT_AVAILABLE = -2,
	CL_COMPILER_NOT_AVAILABLE = -3,
	CL_MEM_OBJECT_ALLOCATION_FAILURE = -4,
	CL_OUT_OF_RESOURCES = -5,
	CL_OUT_OF_HOST_MEMORY = -6,
	CL_MAP_FAILURE = -12,
	CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST = -14,
	CL_BUILD_PROGRAM_FAILURE = -11,
	CL_INVALID_VALUE = -30,
	CL_INVALID_DEVICE = -33,
	CL_INVALID_BINARY = -42,
	CL_INVALID_BUILD_OPTIONS = -43,
	CL_INVALID_KERNEL_ARGS = -52,
	CL_INVALID_WORK_GROUP_SIZE = -54,
	CL_INVALID_OPERATION = -59,
	CL_INVALID_BUFFER_SIZE = -61,
	CL_PLATFORM_NOT_FOUND_KHR = -1001,      /* cl_khr_icd */

	CL_FALSE = 0,
	CL_TRUE = 1,
	CL_COMPLETE = 0,                        /* Event Object Queries */

	CL_PLATFORM_VERSION = 0x0901,           /* Platform Queries */
	CL_PLATFORM_NAME = 0x0902,

	CL_DEVICE_TYPE = 0x1000,                /* Device Queries, and so on down to CL_DEVICE_TYPE_ALL */
	CL_DEVICE_MAX_COMPUTE_UNITS = 0x1002,
	CL_DEVICE_MAX_WORK_GROUP_SIZE = 0x1004,
	CL_DEVICE_MAX_MEM_ALLOC_SIZE = 0x1010,
	CL_DEVICE_ENDIAN_LITTLE = 0x1026,
	CL_DEVICE_AVAILABLE = 0x1027,
	CL_DEVICE_COMPILER_AVAILABLE = 0x1028,
	CL_DEVICE_NAME = 0x102b,
	CL_DRIVER_VERSION = 0x102d,
	CL_DEVICE_PROFILE = 0x102e,
	CL_DEVICE_VERSION = 0x102f,
	CL_DEVICE_EXTENSIONS = 0x1030,
	CL_DEVICE_HOST_UNIFIED_MEMORY = 0x1035,
	CL_DEVICE_OPENCL_C_VERSION = 0x103d,
	CL_DEVICE_SVM_CAPABILITIES = 0x1053,
	CL_DEVICE_ATOMIC_MEMORY_CAPABILITIES = 0x1063,
	CL_DEVICE_OPENCL_C_ALL_VERSIONS = 0x1066,
	CL_DEVICE_TYPE_CPU = 1 << 1,
	CL_DEVICE_TYPE_CUSTOM = 1 << 4,
	CL_DEVICE_SVM_FINE_GRAIN_BUFFER = 1 << 1,
	CL_DEVICE_SVM_ATOMICS = 1 << 3,
	CL_DEVICE_ATOMIC_ORDER_ACQ_REL = 1 << 1,
	CL_DEVICE_ATOMIC_SCOPE_DEVICE = 1 << 5,
	CL_DEVICE_ATOMIC_SCOPE_ALL_DEVICES = 1 << 6,

	CL_MEM_READ_WRITE = 1 << 0,             /* Memory Flags */
	CL_MEM_READ_ONLY = 1 << 2,
	CL_MEM_ALLOC_HOST_PTR = 1 << 4,
	CL_MEM_COPY_HOST_PTR = 1 << 5,
	CL_MEM_SVM_FINE_GRAIN_BUFFER = 1 << 10,
	CL_MEM_SVM_ATOMICS = 1 << 11,
	CL_MAP_READ = 1 << 0,                   /* Memory Map Flags */
	CL_MAP_WRITE = 1 << 1,

	CL_PROGRAM_BINARY_SIZES = 0x1165,       /* Program Object Queries */
	CL_PROGRAM_BINARIES = 0x1166,
	CL_PROGRAM_BUILD_LOG = 0x1183,
	CL_EVENT_COMMAND_EXECUTION_STATUS = 0x11d3
};

#define CL_DEVICE_TYPE_ALL UINT64_C(0xffffffff)

/* Extended Versioning: a version in a word, major << 22, and the name it is of. */
typedef struct {
	uint32_t version;
	char name[64];
} cl_name_version;

typedef void (*wn_cl_notify)(const char *text, const void *detail, size_t bytes, void *context);

struct wn_cl {
	void *handle;
	cl_int (*clGetPlatformIDs)(cl_uint capacity, cl_platform_id *list, cl_uint *count);
	cl_int (*clGetPlatformInfo)(cl_platform_id platform, cl_uint what, size_t bytes, void *value, size_t *got);
	cl_int (*clGetDeviceIDs)(cl_platform_id platform, cl_bitfield type, cl_uint capacity, cl_device_id *list,
				 cl_uint *count);
	cl_int (*clGetDeviceInfo)(cl_device_id device, cl_uint what, size_t bytes, void *value, size_t *got);
	cl_context (*clCreateContext)(const intptr_t *properties, cl_uint count, const cl_device_id *devices,
				      wn_cl_notify notify, void *context, cl_int *error);
	cl_command_queue (*clCreateCommandQueue)(cl_context context, cl_device_id device, cl_bitfield properties,
						 cl_int *error);
	cl_program (*clCreateProgramWithSource)(cl_context context, cl_uint count, const char **texts,
						const size_t *bytes, cl_int *error);
	cl_program (*clCreateProgramWithBinary)(cl_context context, cl_uint count, const cl_device_id *devices,
						const size_t *bytes, const unsigned char **binaries, cl_int *states,
						cl_int *error);
	cl_int (*clBuildProgram)(cl_program program, cl_uint count, const cl_device_id *devices, const char *options,
				 void (*notify)(cl_program program, void *context), void *context);
	cl_int (*clGetProgramInfo)(cl_program program, cl_uint what, size_t bytes, void *value, size_t *got);
	cl_int (*clGetProgramBuildInfo)(cl_program program, cl_device_id device, cl_uint what, size_t bytes,
					void *value, size_t *got);
	cl_int (*clReleaseProgram)(cl_program program);
	cl_kernel (*clCreateKernel)(cl_program program, const char *name, cl_int *error);
	cl_int (*clSetKernelArg)(cl_kernel kernel, cl_uint index, size_t bytes, const void *value);
	cl_mem (*clCreateBuffer)(cl_context context, cl_bitfield flags, size_t bytes, void *host, cl_int *error);
	cl_int (*clReleaseMemObject)(cl_mem memory);
	cl_int (*clEnqueueNDRangeKernel)(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions,
					 const size_t *offset, const size_t *global, const size_t *local,
					 cl_uint waits, const cl_event *wait, cl_event *event);
	cl_int (*clEnqueueReadBuffer)(cl_command_queue queue, cl_mem memory, cl_bool blocking, size_t offset,
				      size_t bytes, void *to, cl_uint waits, const cl_event *wait, cl_event *event);
	cl_int (*clEnqueueWriteBuffer)(cl_command_queue queue, cl_mem memory, cl_bool blocking, size_t offset,
				       size_t bytes, const void *from, cl_uint waits, const cl_event *wait,
				       cl_event *event);
	void *(*clEnqueueMapBuffer)(cl_command_queue queue, cl_mem memory, cl_bool blocking, cl_bitfield flags,
				    size_t offset, size_t bytes, cl_uint waits, const cl_event *wait,
				    cl_event *event, cl_int *error);
	cl_int (*clEnqueueUnmapMemObject)(cl_command_queue queue, cl_mem memory, void *mapped, cl_uint waits,
					  const cl_event *wait, cl_event *event);
	cl_int (*clFlush)(cl_command_queue queue);
	cl_int (*clFinish)(cl_command_queue queue);
	cl_int (*clWaitForEvents)(cl_uint count, const cl_event *events);
	cl_int (*clGetEventInfo)(cl_event event, cl_uint what, size_t bytes, void *value, size_t *got);
	cl_int (*clReleaseEvent)(cl_event event);

	/* OpenCL 2.0 and later; NULL where the library has them not. */
	void *(*clSVMAlloc)(cl_context context, cl_bitfield flags, size_t bytes, cl_uint alignment);
	void (*clSVMFree)(cl_context context, void *memory);
	cl_int (*clSetKernelArgSVMPointer)(cl_kernel kernel, cl_uint index, const void *value);
};

/*
 * Opens libOpenCL.so.1 (or $WARPNIC_OPENCL), once a process. NULL with the reason, WN_UNAVAILABLE. Worker
 * processes only: see opencl.h.
 */
const struct wn_cl *wn_cl_open(struct wn_error *error);

/* "CL_OUT_OF_RESOURCES", or "error -1234" in a buffer of the function's own. One thread. */
const char *wn_cl_error_name(cl_int error);

#endif
