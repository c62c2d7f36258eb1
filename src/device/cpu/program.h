/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program as native code: a shared object, ready-made at build time or compiled now from the
 * user's file by the system's C compiler.
 */
#ifndef WN_DEVICE_CPU_PROGRAM_H
#define WN_DEVICE_CPU_PROGRAM_H

#include "device/cpu/entry.h"
#include "device/device.h"
#include "warpnic/status.h"

struct wn_cpu_code {
	void *handle;                        /* of dlopen */
	const struct wn_cpu_program *program;
};

/*
 * Loads a program by its name, or by the path of its source where the text holds a '/' or ends in
 * ".c". The compiler's own words go to stderr. 0 or -errno: WN_USAGE for a name that is not there,
 * WN_NO_INPUT for a file that is not, WN_FAILED where it does not compile, WN_UNAVAILABLE where
 * there is no compiler.
 */
int wn_cpu_code_load(struct wn_cpu_code *code, const char *text, uint32_t flags,
		     struct wn_error *error);

enum {
	/*
	 * Beside one that is loaded already: a ready-made program is read from its file anew, which may be
	 * another file by now (installed by renaming; one overwritten in place would change under whoever
	 * runs it).
	 */
	WN_CPU_ANEW = 1 << 0,
	/* A tracing build: device/trace.h. */
	WN_CPU_TRACED = 1 << 1
};

/* What a device says of it; the strings live as long as the code. */
struct wn_program wn_cpu_code_describe(const struct wn_cpu_code *code);

/* A zeroed code is fine. */
void wn_cpu_code_unload(struct wn_cpu_code *code);

#endif
