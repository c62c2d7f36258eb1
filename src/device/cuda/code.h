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

#include "device/team/team.h"

/*
 * Finds or compiles the code of `text` (a name or the path of a .c file, as for the cpu device) for compute
 * capability major.minor. `only_ptx`: not the cubin, as on a GPU that this build does not know. A
 * compiler's own words go to stderr. 0 or -errno with the reason.
 */
int wn_cuda_code_make(struct wn_team_code *code, const char *text, int major, int minor,
		      int only_ptx, struct wn_error *error);

/* nvrtc.c: the same for a source file. The caller frees *image. */
int wn_cuda_nvrtc_compile(const char *source, int major, int minor, void **image, size_t *bytes,
			  char *from, size_t from_bytes, struct wn_error *error);

#endif
