/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernels need besides warpnic/types.h, in OpenCL C's words. */
#ifndef WN_DEVICE_OPENCL_WORDS_H
#define WN_DEVICE_OPENCL_WORDS_H

#include "warpnic/types.h"

/* A variable that the lanes of a group share; only in a kernel's outermost block (OpenCL C 3.0, 6.7.1). */
#define WN_LOCAL __local

/* A lane keeps its counters to itself until it shows them: wn_items_flush(). */
WN_FN void wn_counter_store(WN_GLOBAL uint64_t *word, uint64_t value)
{
	*word = value;
}

#endif
