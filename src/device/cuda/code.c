/* SPDX-License-Identifier: Apache-2.0 */
#include "device/cuda/code.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "paths.h"

/* The whole of a file, for the caller to free. NULL where it cannot be read. */
static void *read_file(const char *path, size_t *bytes)
{
	FILE *file = fopen(path, "rbe");
	void *content = NULL;
	long size;

	if (!file)
		return NULL;
	if (!fseek(file, 0, SEEK_END) && (size = ftell(file)) > 0 && !fseek(file, 0, SEEK_SET)) {
		content = malloc((size_t)size);
		*bytes = (size_t)size;
		if (content && fread(content, 1, (size_t)size, file) != (size_t)size) {
			free(content);
			content = NULL;
		}
	}
	fclose(file);
	return content;
}

static void *read_ready_made(struct wn_team_code *code, const char *name, int major, int minor,
			     int only_ptx, size_t *bytes)
{
	char path[WN_PATH_BYTES + 300];
	struct wn_paths paths;
	void *image = NULL;

	wn_paths_find(&paths);
	if (!only_ptx) {
		snprintf(path, sizeof(path), "%s/%.200s.sm_%d%d.cubin", paths.programs, name, major,
			 minor);
		image = read_file(path, bytes);
		snprintf(code->from, sizeof(code->from), "cubin for sm_%d%d", major, minor);
	}
	if (!image) {
		snprintf(path, sizeof(path), "%s/%.200s.ptx", paths.programs, name);
		image = read_file(path, bytes);
		snprintf(code->from, sizeof(code->from), "PTX");
	}
	return image;
}

static int is_path(const char *text)
{
	const size_t length = strlen(text);

	return strchr(text, '/') || (length > 2 && !strcmp(text + length - 2, ".c"));
}

int wn_cuda_code_make(struct wn_team_code *code, const char *text, int major, int minor,
		      int only_ptx, struct wn_error *error)
{
	char full[PATH_MAX];
	void *image = NULL;
	int rc = 0;

	code->fd = -1;
	if (is_path(text)) {
		if (!realpath(text, full))
			return wn_fail(error, errno, WN_NO_INPUT, "program %s: %s", text,
				       strerror(errno));
		rc = wn_cuda_nvrtc_compile(full, major, minor, &image, &code->bytes, code->from,
					   sizeof(code->from), error);
	} else {
		image = read_ready_made(code, text, major, minor, only_ptx, &code->bytes);
		if (!image)
			rc = wn_fail(error, ENOENT, WN_UNAVAILABLE,
				     "program '%s': this build has no code for GPUs (it needs "
				     "clang or nvcc; see "
				     "the summary of meson setup)",
				     text);
	}
	if (rc)
		return rc;
	code->fd = wn_team_memory_object("warpnic-code", image, code->bytes);
	free(image);
	if (code->fd < 0)
		return wn_fail(error, -code->fd, WN_FAILED, "program %s: %s", text,
			       strerror(-code->fd));
	return 0;
}
