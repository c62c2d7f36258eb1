/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The CUDA driver, opened at run time: libcuda.so.1 and nothing of a toolkit. Types and numbers are
 * those of the CUDA Driver API manual; only what this device uses is here.
 */
#ifndef WN_DEVICE_CUDA_DRIVER_H
#define WN_DEVICE_CUDA_DRIVER_H

#include <stddef.h>
#include <stdint.h>

#include "warpnic/status.h"

typedef int CUresult;
typedef int CUdevice;
typedef unsigned long long CUdeviceptr;
typedef struct CUctx_st *CUcontext;
typedef struct CUmod_st *CUmodule;
typedef struct CUfunc_st *CUfunction;
typedef struct CUstream_st *CUstream;
typedef struct CUextMemory_st *CUexternalMemory;

/* CUDA_EXTERNAL_MEMORY_HANDLE_DESC, with a descriptor for a handle. */
struct wn_cuda_external_memory {
	int type;
	union {
		int fd;
		void *others[2];
	} handle;
	unsigned long long bytes;
	unsigned int flags;
	unsigned int reserved[16];
};

/* CUDA_EXTERNAL_MEMORY_BUFFER_DESC */
struct wn_cuda_external_buffer {
	unsigned long long offset, bytes;
	unsigned int flags;
	unsigned int reserved[16];
};

enum {
	CUDA_SUCCESS = 0,
	CUDA_ERROR_NOT_READY = 600,

	CU_DEVICE_ATTRIBUTE_CLOCK_RATE = 13,                  /* kHz */
	CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT = 16,
	CU_DEVICE_ATTRIBUTE_KERNEL_EXEC_TIMEOUT = 17,
	CU_DEVICE_ATTRIBUTE_CAN_MAP_HOST_MEMORY = 19,
	CU_DEVICE_ATTRIBUTE_PCI_BUS_ID = 33,
	CU_DEVICE_ATTRIBUTE_PCI_DEVICE_ID = 34,
	CU_DEVICE_ATTRIBUTE_PCI_DOMAIN_ID = 50,
	CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR = 75,
	CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR = 76,
	CU_DEVICE_ATTRIBUTE_HOST_NATIVE_ATOMIC_SUPPORTED = 86,
	CU_DEVICE_ATTRIBUTE_COOPERATIVE_LAUNCH = 95,
	CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN = 97,

	CU_FUNC_ATTRIBUTE_NUM_REGS = 4,
	CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES = 3,
	CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES = 8,

	CU_MEMHOSTREGISTER_PORTABLE = 1,
	CU_MEMHOSTREGISTER_DEVICEMAP = 2,

	CU_STREAM_NON_BLOCKING = 1,

	CU_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD = 1,

	CU_JIT_ERROR_LOG_BUFFER = 5,
	CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES = 6
};

struct wn_cuda_driver {
	void *handle;
	CUresult (*cuInit)(unsigned int flags);
	CUresult (*cuDriverGetVersion)(int *version);
	CUresult (*cuDeviceGetCount)(int *count);
	CUresult (*cuDeviceGet)(CUdevice *device, int ordinal);
	CUresult (*cuDeviceGetName)(char *name, int bytes, CUdevice device);
	CUresult (*cuDeviceGetAttribute)(int *value, int attribute, CUdevice device);
	CUresult (*cuDevicePrimaryCtxRetain)(CUcontext *context, CUdevice device);
	CUresult (*cuCtxSetCurrent)(CUcontext context);
	CUresult (*cuModuleLoadDataEx)(CUmodule *module, const void *image, unsigned int count,
				       int *options, void **values);
	CUresult (*cuModuleGetFunction)(CUfunction *function, CUmodule module, const char *name);
	CUresult (*cuFuncSetAttribute)(CUfunction function, int attribute, int value);
	CUresult (*cuFuncGetAttribute)(int *value, int attribute, CUfunction function);
	CUresult (*cuOccupancyMaxActiveBlocksPerMultiprocessor)(int *blocks, CUfunction function,
								int threads, size_t local_bytes);
	CUresult (*cuDeviceGetUuid)(void *uuid, CUdevice device); /* 16 bytes */
	CUresult (*cuImportExternalMemory)(CUexternalMemory *memory, const struct wn_cuda_external_memory *description);
	CUresult (*cuExternalMemoryGetMappedBuffer)(CUdeviceptr *buffer, CUexternalMemory memory,
						    const struct wn_cuda_external_buffer *description);
	CUresult (*cuMemAlloc)(CUdeviceptr *memory, size_t bytes);
	CUresult (*cuMemsetD8)(CUdeviceptr memory, unsigned char value, size_t bytes);
	CUresult (*cuMemcpyHtoD)(CUdeviceptr to, const void *from, size_t bytes);
	CUresult (*cuMemcpyHtoDAsync)(CUdeviceptr to, const void *from, size_t bytes,
				      CUstream stream);
	CUresult (*cuMemcpyDtoH)(void *to, CUdeviceptr from, size_t bytes);
	CUresult (*cuMemHostRegister)(void *memory, size_t bytes, unsigned int flags);
	CUresult (*cuMemHostGetDevicePointer)(CUdeviceptr *device, void *host, unsigned int flags);
	CUresult (*cuStreamCreate)(CUstream *stream, unsigned int flags);
	CUresult (*cuStreamQuery)(CUstream stream);
	CUresult (*cuStreamSynchronize)(CUstream stream);
	CUresult (*cuLaunchKernel)(CUfunction function, unsigned int grid_x, unsigned int grid_y,
				   unsigned int grid_z, unsigned int block_x, unsigned int block_y,
				   unsigned int block_z, unsigned int local_bytes, CUstream stream,
				   void **parameters, void **extra);
	CUresult (*cuLaunchCooperativeKernel)(CUfunction function, unsigned int grid_x,
					      unsigned int grid_y, unsigned int grid_z,
					      unsigned int block_x, unsigned int block_y,
					      unsigned int block_z, unsigned int local_bytes,
					      CUstream stream, void **parameters);
	CUresult (*cuGetErrorName)(CUresult result, const char **name);
	CUresult (*cuGetErrorString)(CUresult result, const char **text);
};

/*
 * Opens libcuda.so.1 (or $WARPNIC_CUDA_DRIVER) and calls cuInit, once a process. NULL with the reason,
 * WN_UNAVAILABLE, where there is no driver or it does not start. Any thread; never closed.
 */
const struct wn_cuda_driver *wn_cuda_driver_open(struct wn_error *error);

/* "CUDA_ERROR_ILLEGAL_ADDRESS: an illegal memory access was encountered". A constant of the driver's. */
const char *wn_cuda_error_name(const struct wn_cuda_driver *driver, CUresult result);
const char *wn_cuda_error_text(const struct wn_cuda_driver *driver, CUresult result);

/* One attribute of a device, or 0. */
int wn_cuda_attribute(const struct wn_cuda_driver *driver, CUdevice device, int attribute);

#endif
