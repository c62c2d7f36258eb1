/* SPDX-License-Identifier: Apache-2.0 */
#include "device/cpu/program.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "paths.h"
#include "warpnic/runtime.h"
#include "warpnic/verdict.h"

extern char **environ;

enum { COMPILER_WORDS_MAX = 16 };

static int open_object(struct wn_cpu_code *code, const char *path, struct wn_error *error)
{
	const struct wn_cpu_program *program;

	code->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!code->handle)
		return wn_fail(error, EINVAL, WN_FAILED, "program: %s", dlerror());
	program = dlsym(code->handle, "wn_cpu_program");
	if (!program || program->abi != WN_CPU_PROGRAM_ABI) {
		dlclose(code->handle);
		code->handle = NULL;
		return wn_fail(error, EINVAL, WN_FAILED,
			       "program %s: not made by this version of warpnic", path);
	}
	code->program = program;
	return 0;
}

/* Names in the programs folder, without ".so"; the caller frees the list and its entries. */
static int scan_programs(const char *folder, struct dirent ***entries)
{
	const int count = scandir(folder, entries, NULL, alphasort);

	return count < 0 ? 0 : count;
}

static int is_program(const char *file)
{
	const size_t length = strlen(file);

	return length > 3 && !strcmp(file + length - 3, ".so");
}

static int unknown_program(const char *name, const char *folder, struct wn_error *error)
{
	struct dirent **entries = NULL;
	const int count = scan_programs(folder, &entries);
	char names[512] = "";
	size_t used = 0;

	for (int i = 0; i < count; i++) {
		if (is_program(entries[i]->d_name) && used < sizeof(names))
			used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%.*s",
						 used ? ", " : "",
						 (int)strlen(entries[i]->d_name) - 3,
						 entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	return wn_fail(error, ENOENT, WN_USAGE,
		       "program '%s': unknown; ready-made are: %s; your own is given as a path, "
		       "for example ./%s.c",
		       name, names[0] ? names : "none (programs folder not found)", name);
}

static int load_ready_made(struct wn_cpu_code *code, const char *name, struct wn_error *error)
{
	char path[WN_PATH_BYTES + 300];
	struct wn_paths paths;

	wn_paths_find(&paths);
	snprintf(path, sizeof(path), "%s/%.255s.so", paths.programs, name);
	if (!name[0] || access(path, R_OK))
		return unknown_program(name, paths.programs, error);
	return open_object(code, path, error);
}

/* Splits $CC, which may carry a wrapper or options ("ccache gcc"), into words. */
static int compiler_words(char *text, char **words)
{
	int count = 0;

	for (char *word = strtok(text, " "); word && count < 4; word = strtok(NULL, " "))
		words[count++] = word;
	return count;
}

/* Runs the compiler; returns its exit status, or -errno where it could not be run. */
static int run_compiler(const char *source, const char *object, const struct wn_paths *paths)
{
	char define[PATH_MAX + 64], include[WN_PATH_BYTES + 2], headers[WN_PATH_BYTES + 2], entry[PATH_MAX];
	char compiler[256], *words[COMPILER_WORDS_MAX + 8];
	const char *chosen = getenv("CC");
	int count, status, rc;
	pid_t child;

	snprintf(compiler, sizeof(compiler), "%s", chosen && *chosen ? chosen : "cc");
	snprintf(define, sizeof(define), "-DWN_PROGRAM_SOURCE=\"%s\"", source);
	snprintf(include, sizeof(include), "-I%s", paths->include);
	snprintf(headers, sizeof(headers), "-I%s", paths->source);
	snprintf(entry, sizeof(entry), "%s/device/cpu/entry.c", paths->source);
	count = compiler_words(compiler, words);
	const char *const fixed[] = {"-std=gnu11", "-O2", "-Wall", "-Wextra", "-fvisibility=hidden",
				     "-shared", "-fPIC", define, include, headers, entry, "-o", object,
				     NULL};
	for (int i = 0; i < (int)(sizeof(fixed) / sizeof(fixed[0])); i++)
		words[count++] = (char *)(uintptr_t)fixed[i];

	rc = posix_spawnp(&child, words[0], NULL, NULL, words, environ);
	if (rc)
		return -rc;
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static int compile(struct wn_cpu_code *code, const char *source, struct wn_error *error)
{
	const char *temporary = getenv("TMPDIR");
	char folder[PATH_MAX], object[PATH_MAX + 16];
	struct wn_paths paths;
	int rc;

	wn_paths_find(&paths);
	snprintf(folder, sizeof(folder), "%s/warpnic-XXXXXX",
		 temporary && *temporary ? temporary : "/tmp");
	if (!mkdtemp(folder))
		return wn_fail(error, errno, WN_FAILED, "program %s: cannot make a folder %s: %s",
			       source, folder, strerror(errno));
	snprintf(object, sizeof(object), "%s/program.so", folder);
	rc = run_compiler(source, object, &paths);
	if (rc < 0)
		rc = wn_fail(error, -rc, WN_UNAVAILABLE,
			     "program %s: no C compiler (%s): install gcc, or name one in $CC", source,
			     strerror(-rc));
	else if (rc == 127)
		rc = wn_fail(error, ENOENT, WN_UNAVAILABLE,
			     "program %s: no C compiler: install gcc, or name one in $CC", source);
	else if (rc)
		rc = wn_fail(error, EINVAL, WN_FAILED,
			     "program %s: does not compile; the compiler's words are above", source);
	else
		rc = open_object(code, object, error);
	unlink(object);
	rmdir(folder);
	return rc;
}

static int load_source(struct wn_cpu_code *code, const char *path, struct wn_error *error)
{
	char full[PATH_MAX];
	struct stat status;

	if (!realpath(path, full) || stat(full, &status))
		return wn_fail(error, errno, WN_NO_INPUT, "program %s: %s", path, strerror(errno));
	if (!S_ISREG(status.st_mode))
		return wn_fail(error, EINVAL, WN_NO_INPUT, "program %s: not a file", path);
	if (access(full, R_OK))
		return wn_fail(error, errno, WN_NO_INPUT, "program %s: %s", path, strerror(errno));
	return compile(code, full, error);
}

int wn_cpu_code_load(struct wn_cpu_code *code, const char *text, struct wn_error *error)
{
	const size_t length = strlen(text);

	memset(code, 0, sizeof(*code));
	if (strchr(text, '/') || (length > 2 && !strcmp(text + length - 2, ".c")))
		return load_source(code, text, error);
	return load_ready_made(code, text, error);
}

void wn_cpu_code_unload(struct wn_cpu_code *code)
{
	if (code->handle)
		dlclose(code->handle);
	memset(code, 0, sizeof(*code));
}

static const char *kind_name(uint32_t kind)
{
	return kind == WN_DATAGRAM ? "datagram" : kind == WN_FRAME ? "frame" : "any";
}

static int summarise(struct wn_program_summary *summary, const char *folder, const char *file)
{
	struct wn_cpu_code code = {0};

	snprintf(summary->path, sizeof(summary->path), "%.*s/%.64s", WN_PATH_BYTES - 80, folder, file);
	if (open_object(&code, summary->path, NULL))
		return 0;
	snprintf(summary->name, sizeof(summary->name), "%s", code.program->name);
	snprintf(summary->summary, sizeof(summary->summary), "%s", code.program->summary);
	snprintf(summary->kind, sizeof(summary->kind), "%s", kind_name(code.program->kind));
	wn_cpu_code_unload(&code);
	return 1;
}

int wn_program_list(struct wn_program_summary *list, uint32_t capacity)
{
	struct dirent **entries = NULL;
	struct wn_program_summary scratch;
	struct wn_paths paths;
	uint32_t found = 0;
	int count;

	wn_paths_find(&paths);
	count = scan_programs(paths.programs, &entries);
	for (int i = 0; i < count; i++) {
		if (is_program(entries[i]->d_name))
			found += (uint32_t)summarise(found < capacity ? &list[found] : &scratch,
						     paths.programs, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	return (int)found;
}
