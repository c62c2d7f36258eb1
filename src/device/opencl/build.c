/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "device/opencl/worker.h"
#include "device/text.h"

/* The log of a build, for the caller to free; NULL: there is none. */
static char *log_of(const struct wn_cl_worker *worker, cl_program program)
{
	const struct wn_cl *cl = worker->cl;
	size_t bytes = 0;
	char *log;

	if (cl->clGetProgramBuildInfo(program, worker->device.id, CL_PROGRAM_BUILD_LOG, 0, NULL, &bytes) || bytes < 2)
		return NULL;
	log = calloc(1, bytes + 1);
	if (log && cl->clGetProgramBuildInfo(program, worker->device.id, CL_PROGRAM_BUILD_LOG, bytes, log, NULL)) {
		free(log);
		log = NULL;
	}
	return log;
}

/* The compiler's words go to stderr; the first that is an error is the reason. */
static void tell_log(struct wn_cl_worker *worker, cl_program program, cl_int result)
{
	char *log = log_of(worker, program), *line, *rest = NULL;
	char first[512] = "";

	if (log)
		fprintf(stderr, "%s\n", log);
	for (line = log ? strtok_r(log, "\n", &rest) : NULL; line && !first[0]; line = strtok_r(NULL, "\n", &rest))
		if (strstr(line, "error"))
			snprintf(first, sizeof(first), "%s", line);
	wn_team_fail(&worker->team, "program '%s' does not compile for %s (%s): %s", worker->team.control->program,
		     worker->device.name, wn_cl_error_name(result),
		     first[0] ? first : "the compiler's words are above");
	free(log);
}

static void *binary_of(const struct wn_cl_worker *worker, size_t *bytes)
{
	const struct wn_cl *cl = worker->cl;
	unsigned char *binary;

	if (cl->clGetProgramInfo(worker->program, CL_PROGRAM_BINARY_SIZES, sizeof(*bytes), bytes, NULL) || !*bytes)
		return NULL;
	binary = malloc(*bytes);
	if (binary && cl->clGetProgramInfo(worker->program, CL_PROGRAM_BINARIES, sizeof(binary), &binary, NULL)) {
		free(binary);
		binary = NULL;
	}
	return binary;
}

/* 0, or -1 where there is none that this device takes: then it is forgotten. */
static int load_kept(struct wn_cl_worker *worker, const char *options, const char *key, const char *text)
{
	const struct wn_cl *cl = worker->cl;
	size_t bytes = 0;
	unsigned char *binary = wn_cl_cache_load(key, text, &bytes);
	const unsigned char *list = binary;
	cl_int state = 0, result = 0;

	if (!binary)
		return -1;
	worker->program = cl->clCreateProgramWithBinary(worker->context, 1, &worker->device.id, &bytes, &list, &state,
							&result);
	if (!result && !state)
		result = cl->clBuildProgram(worker->program, 1, &worker->device.id, options, NULL, NULL);
	free(binary);
	if (!result && !state)
		return 0;
	if (worker->program)
		cl->clReleaseProgram(worker->program);
	worker->program = NULL;
	wn_cl_cache_drop(key, text);
	return -1;
}

static int build_text(struct wn_cl_worker *worker, const char *options, const char *text)
{
	const struct wn_cl *cl = worker->cl;
	size_t bytes = strlen(text);
	cl_int result;

	worker->program = cl->clCreateProgramWithSource(worker->context, 1, &text, &bytes, &result);
	if (!result)
		result = cl->clBuildProgram(worker->program, 1, &worker->device.id, options, NULL, NULL);
	if (result)
		tell_log(worker, worker->program, result);
	return result ? -1 : 0;
}

/* How the text is compiled, and under what its binary is kept. */
static void choose_words(const struct wn_cl_worker *worker, const char *more, char options[128], char key[512])
{
	const struct wn_cl_device *device = &worker->device;

	snprintf(options, 128, "-w -cl-std=%s%s%s", device->standard, device->is_plain ? " -DWN_OPENCL_PLAIN" : "", more);
	/* The size of a group is in it: drivers compile for one, and the binary has that code, too. */
	snprintf(key, 512, "%s|%s|%s|%s|%s|%u", device->platform, device->name, device->version, device->driver, options,
		 worker->lanes);
}

static int build(struct wn_cl_worker *worker, const char *text, const char *more, cl_kernel *kernel, const char *name)
{
	char options[128], key[512];
	cl_int result;

	choose_words(worker, more, options, key);
	worker->is_kept = !load_kept(worker, options, key, text);
	if (!worker->is_kept && build_text(worker, options, text))
		return -1;
	*kernel = worker->cl->clCreateKernel(worker->program, name, &result);
	return wn_cl_check(worker, result, name);
}

/* After its first launch: what a driver has compiled only then is kept as well. */
static void keep(const struct wn_cl_worker *worker, const char *text, const char *more)
{
	char options[128], key[512];
	size_t bytes;
	void *binary;

	if (worker->is_kept)
		return;
	choose_words(worker, more, options, key);
	binary = binary_of(worker, &bytes);
	if (binary)
		wn_cl_cache_store(key, text, binary, bytes);
	free(binary);
}

int wn_cl_build_handshake(struct wn_cl_worker *worker)
{
	struct wn_error error = {0};
	char *text = NULL;
	int rc;

	if (wn_device_text_make(NULL, "device/opencl/handshake.cl", &text, &error))
		return wn_team_fail(&worker->team, "%s", error.text);
	rc = build(worker, text, "", &worker->handshake, "wn_handshake");
	if (!rc)
		keep(worker, text, "");
	free(text);
	return rc;
}

static const char *words_of(const struct wn_cl_worker *worker)
{
	return worker->mode == WN_MODE_BATCH ? "" : " -DWN_OPENCL_SERVE";
}

static char *program_text(struct wn_cl_worker *worker)
{
	const size_t bytes = worker->team.control->image_bytes;
	char *text = calloc(1, bytes + 1);
	void *image = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, worker->team.fds[WN_TEAM_FD_CODE], 0);

	if (!text || image == MAP_FAILED) {
		wn_team_fail(&worker->team, "the program's text: %s", strerror(errno));
		free(text);
		return NULL;
	}
	memcpy(text, image, bytes);
	munmap(image, bytes);
	return text;
}

int wn_cl_build(struct wn_cl_worker *worker)
{
	char *text = program_text(worker);
	int rc = text ? 0 : -1;

	if (!rc && worker->mode == WN_MODE_BATCH)
		rc = build(worker, text, words_of(worker), &worker->run, "wn_run");
	else if (!rc)
		rc = build(worker, text, words_of(worker), &worker->serve, "wn_serve");
	free(text);
	return rc;
}

void wn_cl_keep(struct wn_cl_worker *worker)
{
	char *text = program_text(worker);

	if (text)
		keep(worker, text, words_of(worker));
	free(text);
}
