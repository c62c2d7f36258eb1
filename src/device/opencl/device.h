/* SPDX-License-Identifier: Apache-2.0 */
/* What the OpenCL devices of this machine are and can. Worker processes only. */
#ifndef WN_DEVICE_OPENCL_DEVICE_H
#define WN_DEVICE_OPENCL_DEVICE_H

#include "device/opencl/api.h"

struct wn_cl_device {
	cl_device_id id;
	char platform[64], name[96], version[64], driver[64];
	char standard[8];               /* what -cl-std takes: CL3.0, CL2.0, CL1.2 */
	uint32_t units;                 /* compute units */
	uint64_t group_items_max, memory_max;
	uint32_t is_cpu;
	uint32_t is_unified;            /* its memory is the host's */
	uint32_t is_plain;              /* no acquire and release at the scope of the device: batch mode only */
	char no_polling[128];           /* why neither resident nor lease is thought of; "": a handshake decides */
	char missing[128];              /* what programs need and it lacks; "": nothing */
};

/* Describes device `number` of all platforms, in the loader's order. Returns how many devices there are, or -errno. */
int wn_cl_device_find(const struct wn_cl *cl, uint32_t number, struct wn_cl_device *device, struct wn_error *error);

#endif
