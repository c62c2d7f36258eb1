/* SPDX-License-Identifier: Apache-2.0 */
/* A user's program, compiled by NVRTC (NVRTC manual, "Basic Usage"), which is opened at run time. */
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/cuda/code.h"
#include "paths.h"

typedef struct _nvrtcProgram *nvrtcProgram;
typedef int nvrtcResult;

static struct {
	void *handle;
	nvrtcResult (*nvrtcVersion)(int *major, int *minor);
	nvrtcResult (*nvrtcCreateProgram)(nvrtcProgram *program, const char *source,
					  const char *name, int header_count,
					  const char *const *headers,
					  const char *const *include_names);
	nvrtcResult (*nvrtcDestroyProgram)(nvrtcProgram *program);
	nvrtcResult (*nvrtcCompileProgram)(nvrtcProgram program, int option_count,
					   const char *const *options);
	nvrtcResult (*nvrtcGetProgramLogSize)(nvrtcProgram program, size_t *bytes);
	nvrtcResult (*nvrtcGetProgramLog)(nvrtcProgram program, char *log);
	nvrtcResult (*nvrtcGetCUBINSize)(nvrtcProgram program, size_t *bytes);
	nvrtcResult (*nvrtcGetCUBIN)(nvrtcProgram program, char *image);
	const char *(*nvrtcGetErrorString)(nvrtcResult result);
} nvrtc;

/* The names it goes by, newest first: the library's version is part of its name. */
static const char *const names[] = {"libnvrtc.so.13",
				    "libnvrtc.so.12",
				    "libnvrtc.so.11.2",
				    "libnvrtc.so",
				    "/usr/local/cuda/lib64/libnvrtc.so",
				    NULL};

static int find_entries(void)
{
#define FIND(member)                                                                               \
	do {                                                                                       \
		void *found = dlsym(nvrtc.handle, #member);                                        \
		if (!found)                                                                        \
			return -ENOSYS;                                                            \
		memcpy(&nvrtc.member, &found, sizeof(found));                                      \
	} while (0)
	FIND(nvrtcVersion);
	FIND(nvrtcCreateProgram);
	FIND(nvrtcDestroyProgram);
	FIND(nvrtcCompileProgram);
	FIND(nvrtcGetProgramLogSize);
	FIND(nvrtcGetProgramLog);
	FIND(nvrtcGetCUBINSize);
	FIND(nvrtcGetCUBIN);
	FIND(nvrtcGetErrorString);
	return 0;
}

static int open_nvrtc(struct wn_error *error)
{
	const char *chosen = getenv("WARPNIC_NVRTC");

	if (nvrtc.handle)
		return 0;
	if (chosen && *chosen)
		nvrtc.handle = dlopen(chosen, RTLD_NOW | RTLD_LOCAL);
	for (int i = 0; !nvrtc.handle && !(chosen && *chosen) && names[i]; i++)
		nvrtc.handle = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
	if (nvrtc.handle && !find_entries())
		return 0;
	if (nvrtc.handle)
		dlclose(nvrtc.handle);
	nvrtc.handle = NULL;
	return wn_fail(
		error, ENOENT, WN_UNAVAILABLE,
		"no NVRTC here (libnvrtc.so of a CUDA toolkit, 11.2 or later), which compiles "
		"programs of "
		"your own for a GPU: install it, name it in $WARPNIC_NVRTC, or use --device cpu; "
		"ready-made programs need none");
}

static void show_log(nvrtcProgram program)
{
	size_t bytes = 0;
	char *log;

	if (nvrtc.nvrtcGetProgramLogSize(program, &bytes) || bytes < 2)
		return;
	log = malloc(bytes + 1);
	if (log && !nvrtc.nvrtcGetProgramLog(program, log)) {
		log[bytes] = '\0';
		fputs(log, stderr);
	}
	free(log);
}

static int take_image(nvrtcProgram program, void **image, size_t *bytes)
{
	if (nvrtc.nvrtcGetCUBINSize(program, bytes) || !*bytes)
		return -EINVAL;
	*image = malloc(*bytes);
	if (!*image)
		return -ENOMEM;
	return nvrtc.nvrtcGetCUBIN(program, *image) ? -EINVAL : 0;
}

static int compile(nvrtcProgram program, const char *source, int major, int minor)
{
	char architecture[64], define[PATH_MAX + 64], include[WN_PATH_BYTES + 4],
		headers[WN_PATH_BYTES + 4];
	struct wn_paths paths;

	wn_paths_find(&paths);
	snprintf(architecture, sizeof(architecture), "--gpu-architecture=sm_%d%d", major, minor);
	snprintf(define, sizeof(define), "-DWN_PROGRAM_SOURCE=\"%s\"", source);
	snprintf(include, sizeof(include), "-I%s", paths.include);
	snprintf(headers, sizeof(headers), "-I%s", paths.source);
	const char *const options[] = {architecture,
				       define,
				       include,
				       headers,
				       "--std=c++14",
				       "-default-device",
				       "--diag-suppress=186,20012"};

	return nvrtc.nvrtcCompileProgram(program, sizeof(options) / sizeof(options[0]), options);
}

int wn_cuda_nvrtc_compile(const char *source, int major, int minor, void **image, size_t *bytes,
			  char *from, size_t from_bytes, struct wn_error *error)
{
	int rc = open_nvrtc(error), version[2] = {0, 0};
	nvrtcProgram program = NULL;
	nvrtcResult result;

	*image = NULL;
	if (rc)
		return rc;
	nvrtc.nvrtcVersion(&version[0], &version[1]);
	snprintf(from, from_bytes, "NVRTC %d.%d for sm_%d%d", version[0], version[1], major, minor);
	result = nvrtc.nvrtcCreateProgram(&program, "#include \"device/cuda/entry.cu\"\n",
					  "entry.cu", 0, NULL, NULL);
	if (result)
		return wn_fail(error, EINVAL, WN_FAILED, "NVRTC: %s",
			       nvrtc.nvrtcGetErrorString(result));
	result = compile(program, source, major, minor);
	if (result) {
		show_log(program);
		rc = wn_fail(error, EINVAL, WN_FAILED,
			     "program %s: does not compile for the GPU (%s); the compiler's words "
			     "are above",
			     source, nvrtc.nvrtcGetErrorString(result));
	} else if (take_image(program, image, bytes)) {
		free(*image);
		*image = NULL;
		rc = wn_fail(error, EINVAL, WN_FAILED, "program %s: NVRTC gave no code for sm_%d%d",
			     source, major, minor);
	}
	nvrtc.nvrtcDestroyProgram(&program);
	return rc;
}
