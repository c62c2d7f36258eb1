/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program as code for the GPU: a ready-made one from the programs folder, where the build has put
 * NAME.sm_MN.cubin for some architectures and NAME.ptx for all others, which the driver compiles; a
 * user's own compiled now by NVRTC, opened at run time.
 */
#ifndef WN_DEVICE_CUDA_CODE_H
#define WN_DEVICE_CUDA_CODE_H

#include <stddef.h>
#include <stdint.h>

#include "warpnic/status.h"

struct wn_cuda_code {
	int fd;                  /* a sealed memory object that holds it; -1: none */
	size_t bytes;
	char from[64];           /* "cubin for sm_90", "PTX", "NVRTC 13.0" */
};

/*
 * Finds or compiles the code of `text` (a name or the path of a .c file, as for the cpu device) for compute
 * capability major.minor. `only_ptx`: not the cubin, as on a GPU that this build does not know. A
 * compiler's own words go to stderr. 0 or -errno with the reason.
 */
int wn_cuda_code_make(struct wn_cuda_code *code, const char *text, int major, int minor,
		      int only_ptx, struct wn_error *error);
void wn_cuda_code_free(struct wn_cuda_code *code);

/* Copies bytes into a memory object of that name. The descriptor, or -errno. */
int wn_cuda_memory_object(const char *name, const void *bytes, size_t count);

/* nvrtc.c: the same for a source file. The caller frees *image. */
int wn_cuda_nvrtc_compile(const char *source, int major, int minor, void **image, size_t *bytes,
			  char *from, size_t from_bytes, struct wn_error *error);

#endif
