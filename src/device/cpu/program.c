/* SPDX-License-Identifier: Apache-2.0 */
#include "device/cpu/program.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/os.h"
#include "paths.h"
#include "warpnic/runtime.h"
#include "warpnic/verdict.h"

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

/* A folder of our own for a shared object, $TMPDIR/warpnic-XXXXXX. */
static int make_folder(char *folder, size_t bytes, const char *program, struct wn_error *error)
{
	const char *temporary = getenv("TMPDIR");

	snprintf(folder, bytes, "%s/warpnic-XXXXXX", temporary && *temporary ? temporary : "/tmp");
	if (mkdtemp(folder))
		return 0;
	return wn_fail(error, errno, WN_FAILED, "program %s: cannot make a folder %s: %s", program, folder,
		       strerror(errno));
}

static int copy_file(const char *from, const char *to)
{
	const int in = open(from, O_RDONLY | O_CLOEXEC);
	const int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
	char block[65536];
	ssize_t count = -1;
	int rc = 0;

	if (in >= 0 && out >= 0)
		while ((count = read(in, block, sizeof(block))) > 0)
			if (write(out, block, (size_t)count) != count) {
				count = -1;
				break;
			}
	if (count < 0)
		rc = errno ? -errno : -ENOSPC;
	if (in >= 0)
		close(in);
	if (out >= 0 && close(out) && !rc)
		rc = -errno;
	return rc;
}

/*
 * dlopen(3) knows objects by their names: asked for one that is loaded it returns that one, whatever
 * the file holds by now. So the file is opened under a name that nobody had before.
 */
static int open_copy(struct wn_cpu_code *code, const char *path, struct wn_error *error)
{
	char folder[PATH_MAX], object[PATH_MAX + 16];
	int rc = make_folder(folder, sizeof(folder), path, error);

	if (rc)
		return rc;
	snprintf(object, sizeof(object), "%s/program.so", folder);
	rc = copy_file(path, object);
	if (rc)
		wn_fail(error, -rc, WN_FAILED, "program %s: cannot copy it to %s: %s", path, object,
			strerror(-rc));
	else
		rc = open_object(code, object, error);
	unlink(object);
	rmdir(folder);
	return rc;
}

static int load_ready_made(struct wn_cpu_code *code, const char *name, uint32_t flags,
			   struct wn_error *error)
{
	char path[WN_PATH_BYTES + 300];
	struct wn_paths paths;

	wn_paths_find(&paths);
	snprintf(path, sizeof(path), "%s/%s%.255s.so", paths.programs, flags & WN_CPU_TRACED ? "trace/trace-" : "",
		 name);
	if (!name[0] || access(path, R_OK))
		return unknown_program(name, paths.programs, error);
	return flags & WN_CPU_ANEW ? open_copy(code, path, error) : open_object(code, path, error);
}

/* Splits $CC, which may carry a wrapper or options ("ccache gcc"), into words. */
static int compiler_words(char *text, char **words)
{
	int count = 0;

	for (char *word = strtok(text, " "); word && count < 4; word = strtok(NULL, " "))
		words[count++] = word;
	return count;
}

/* Runs the compiler with its words in a file; returns its exit status, or -errno where it could not. */
static int run_compiler(const char *source, const char *object, const char *words_path, uint32_t flags,
			const struct wn_paths *paths)
{
	char define[PATH_MAX + 64], include[WN_PATH_BYTES + 2], headers[WN_PATH_BYTES + 2], entry[PATH_MAX];
	char compiler[256], *words[COMPILER_WORDS_MAX + 8];
	const char *chosen = getenv("CC");
	posix_spawn_file_actions_t actions;
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
				     flags & WN_CPU_TRACED ? "-DWN_TRACE" : NULL, NULL};
	for (int i = 0; i < (int)(sizeof(fixed) / sizeof(fixed[0])); i++)
		words[count++] = (char *)(uintptr_t)fixed[i];

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 2, words_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	rc = posix_spawnp(&child, words[0], &actions, NULL, words, wn_os_environment());
	posix_spawn_file_actions_destroy(&actions);
	if (rc)
		return -rc;
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

/* Passes the compiler's words on to stderr, and keeps the first that is an error. */
static void tell_words(const char *path, char *first, size_t bytes)
{
	FILE *file = fopen(path, "re");
	char line[1024];

	first[0] = '\0';
	while (file && fgets(line, sizeof(line), file)) {
		fputs(line, stderr);
		line[strcspn(line, "\n")] = '\0';
		if (!first[0] && strstr(line, "error"))
			snprintf(first, bytes, "%.*s", (int)bytes - 1, line);
	}
	if (file)
		fclose(file);
}

static int compile_in(struct wn_cpu_code *code, const char *source, const char *folder, uint32_t flags,
		      struct wn_error *error)
{
	char object[PATH_MAX + 16], words[PATH_MAX + 16], first[600];
	struct wn_paths paths;
	int rc;

	wn_paths_find(&paths);
	snprintf(object, sizeof(object), "%s/program.so", folder);
	snprintf(words, sizeof(words), "%s/words", folder);
	rc = run_compiler(source, object, words, flags, &paths);
	tell_words(words, first, sizeof(first));
	if (rc < 0)
		rc = wn_fail(error, -rc, WN_UNAVAILABLE,
			     "program %s: no C compiler (%s): install gcc, or name one in $CC", source,
			     strerror(-rc));
	else if (rc == 127)
		rc = wn_fail(error, ENOENT, WN_UNAVAILABLE,
			     "program %s: no C compiler: install gcc, or name one in $CC", source);
	else if (rc)
		rc = wn_fail(error, EINVAL, WN_FAILED, "program %s: does not compile: %s", source,
			     first[0] ? first : "the compiler's words are above");
	else
		rc = open_object(code, object, error);
	unlink(object);
	unlink(words);
	return rc;
}

static int compile(struct wn_cpu_code *code, const char *source, uint32_t flags,
		   struct wn_error *error)
{
	char folder[PATH_MAX];
	int rc = make_folder(folder, sizeof(folder), source, error);

	if (rc)
		return rc;
	rc = compile_in(code, source, folder, flags, error);
	rmdir(folder);
	return rc;
}

static int load_source(struct wn_cpu_code *code, const char *path, uint32_t flags,
		       struct wn_error *error)
{
	char full[PATH_MAX];
	struct stat status;

	if (!realpath(path, full) || stat(full, &status))
		return wn_fail(error, errno, WN_NO_INPUT, "program %s: %s", path, strerror(errno));
	if (!S_ISREG(status.st_mode))
		return wn_fail(error, EINVAL, WN_NO_INPUT, "program %s: not a file", path);
	if (access(full, R_OK))
		return wn_fail(error, errno, WN_NO_INPUT, "program %s: %s", path, strerror(errno));
	return compile(code, full, flags, error);
}

int wn_cpu_code_load(struct wn_cpu_code *code, const char *text, uint32_t flags,
		     struct wn_error *error)
{
	const size_t length = strlen(text);

	memset(code, 0, sizeof(*code));
	if (strchr(text, '/') || (length > 2 && !strcmp(text + length - 2, ".c")))
		return load_source(code, text, flags, error);
	return load_ready_made(code, text, flags, error);
}

struct wn_program wn_cpu_code_describe(const struct wn_cpu_code *code)
{
	const struct wn_cpu_program *program = code->program;

	return (struct wn_program){
		.name = program->name,
		.summary = program->summary,
		.kind = (enum wn_packet_kind)program->kind,
		.look_bytes = program->look_bytes,
		.counter_count = program->counter_count,
		.counter_names = program->counter_names,
		.record_fields = program->record_fields,
		.histogram_names = program->histogram_names,
		.parameters = program->parameters,
		.tables = program->tables,
		.loader = program->loader,
		.lane_words = program->lane_words,
	};
}

void wn_cpu_code_unload(struct wn_cpu_code *code)
{
	if (code->handle)
		dlclose(code->handle);
	memset(code, 0, sizeof(*code));
}

static const char *kind_name(uint32_t kind)
{
	switch (kind) {
	case WN_DATAGRAM:
		return "datagram";
	case WN_FRAME:
		return "frame";
	case WN_STREAM:
		return "stream";
	case WN_DATAGRAM | WN_STREAM:
		return "datagram+stream";
	case WN_FRAME | WN_STREAM:
		return "frame+stream";
	default:
		return kind & WN_STREAM ? "any+stream" : "any";
	}
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
