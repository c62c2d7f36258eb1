/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The author's file goes in by -include, in front of an entry of a few lines: so errors stand in the
 * author's file and line, and nothing is unused.
 */
#include "tool/check_compile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/os.h"
#include "paths.h"

enum { WORDS_MAX = 32, OPTIONS_MAX = 14 };

static const char native_entry[] =
	"#include \"warpnic/program.h\"\n"
	"#ifdef __cplusplus\n"
	"extern \"C\"\n"
	"#endif\n"
	"uint32_t wn_check_entry(struct wn_packet *packet);\n"
	"uint32_t wn_check_entry(struct wn_packet *packet)\n"
	"{\n"
	"\treturn wn_program_run(packet);\n"
	"}\n";

static const char opencl_entry[] =
	"#include \"warpnic/program.h\"\n"
	"__kernel void wn_check_entry(__global uint32_t *verdicts, __local uint8_t *bytes)\n"
	"{\n"
	"\tstruct wn_packet packet = {0};\n"
	"\tpacket.bytes = bytes;\n"
	"\tverdicts[0] = wn_program_run(&packet);\n"
	"}\n";

static const char cuda_entry[] =
	"#include \"warpnic/program.h\"\n"
	"extern \"C\" __global__ void wn_check_entry(const struct wn_packet given, uint32_t *verdicts)\n"
	"{\n"
	"\tstruct wn_packet packet = given;\n"
	"\tverdicts[0] = wn_program_run(&packet);\n"
	"}\n";

struct compiler {
	const char *device, *name, *language;
	const char *commands[2];     /* the first that is there */
	const char *suffix;          /* of the entry's file */
	const char *entry;
	const char *options[OPTIONS_MAX];
	int is_fallback;             /* only where the one before it is not here */
};

static const struct compiler compilers[] = {
	{"cpu", "cc", "C11", {"cc", "gcc"}, "c", native_entry,
	 {"-std=c11", "-O2", "-Wall", "-Wextra", "-Wpedantic", "-fstack-usage", "-c"}, 0},
	{"cpu", "clang", "C11", {"clang"}, "c", native_entry,
	 {"-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-fsyntax-only"}, 0},
	{"metal", "clang++", "C++14 (Metal's shape)", {"clang++"}, "cc", native_entry,
	 {"-x", "c++", "-std=c++14", "-Wall", "-Wextra", "-Wpedantic", "-fsyntax-only"}, 0},
	{"opencl", "clang", "OpenCL C 3.0", {"clang"}, "cl", opencl_entry,
	 /* Packets in local memory: the strictest that a device may choose. */
	 {"-x", "cl", "-cl-std=CL3.0", "-target", "spir64", "-Xclang", "-finclude-default-header", "-Wall",
	  "-Wextra", "-Wpedantic", "-DWN_STAGED=__local", "-fsyntax-only"}, 0},
	{"cuda", "nvcc", "CUDA C++", {"nvcc", "/usr/local/cuda/bin/nvcc"}, "cu", cuda_entry,
	 {"-cubin", "-arch=sm_75", "-std=c++14", "-Xptxas", "-v"}, 0},
	{"cuda", "clang++", "CUDA C++", {"clang++"}, "cu", cuda_entry,
	 {"-x", "cuda", "--cuda-gpu-arch=sm_70", "--cuda-device-only", "-nocudainc", "-nocudalib",
	  "-Wno-unknown-cuda-version", "-D__CUDACC__", "-D__host__=__attribute__((host))",
	  "-D__device__=__attribute__((device))", "-D__global__=__attribute__((global))", "-Wall",
	  "-Wextra", "-fsyntax-only"}, 1},
};

enum { COMPILER_COUNT = sizeof(compilers) / sizeof(compilers[0]) };

/* One run: where its files are. */
struct job {
	const char *path;            /* the author's file, as given */
	const char *folder;          /* a temporary one */
	struct wn_paths paths;
};

static int is_in_list(const char *list, const char *word)
{
	const size_t length = strlen(word);

	for (const char *at = list; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL)
		if (strcspn(at, ",") == length && !strncmp(at, word, length))
			return 1;
	return 0;
}

int wn_compile_knows(const char *devices)
{
	for (const char *at = devices; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
		char word[32];
		int is_known = 0;

		snprintf(word, sizeof(word), "%.*s", (int)strcspn(at, ","), at);
		for (int i = 0; i < COMPILER_COUNT; i++)
			is_known |= !strcmp(word, compilers[i].device);
		if (!is_known)
			return 0;
	}
	return 1;
}

static char *read_all(const char *path)
{
	FILE *file = fopen(path, "re");
	char *text = NULL;
	size_t room = 0;

	if (!file)
		return NULL;
	if (getdelim(&text, &room, '\0', file) < 0) {
		free(text);
		text = NULL;
	}
	fclose(file);
	return text;
}

static int write_all(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	if (!file)
		return -errno;
	fputs(text, file);
	return fclose(file) ? -errno : 0;
}

/* Runs it with both outputs in a file. Its exit status, or -errno where it could not be run. */
static int run_words(char *const *words, const char *output)
{
	posix_spawn_file_actions_t actions;
	int rc, status;
	pid_t child;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	posix_spawn_file_actions_adddup2(&actions, 1, 2);
	rc = posix_spawnp(&child, words[0], &actions, NULL, words, wn_os_environment());
	posix_spawn_file_actions_destroy(&actions);
	if (rc)
		return -rc;
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static int run_compiler(const struct compiler *compiler, const struct job *job, const char *output)
{
	char entry[PATH_MAX + 64], object[PATH_MAX + 64], path[PATH_MAX + 2];
	char include[WN_PATH_BYTES + 2];
	const char *words[WORDS_MAX] = {0};
	int count = 1, rc;

	snprintf(entry, sizeof(entry), "%s/entry.%s", job->folder, compiler->suffix);
	snprintf(object, sizeof(object), "%s/entry.o", job->folder);
	snprintf(include, sizeof(include), "-I%s", job->paths.include);
	snprintf(path, sizeof(path), "%s%s", job->path[0] == '-' ? "./" : "", job->path);
	rc = write_all(entry, compiler->entry);
	if (rc)
		return rc;
	for (int i = 0; i < OPTIONS_MAX && compiler->options[i]; i++)
		words[count++] = compiler->options[i];
	const char *const rest[] = {include, "-include", path, entry, "-o", object};
	for (int i = 0; i < (int)(sizeof(rest) / sizeof(rest[0])); i++)
		words[count++] = rest[i];
	/* A compiler that only checks the syntax would say that -o is of no use. */
	if (!strcmp(words[count - 7], "-fsyntax-only"))
		words[count - 2] = NULL;
	rc = -ENOENT;
	for (int i = 0; i < 2 && compiler->commands[i] && rc == -ENOENT; i++) {
		words[0] = compiler->commands[i];
		rc = run_words((char *const *)(uintptr_t)words, output);
	}
	return rc;
}

/* Lines that say nothing about the author's file. */
static int is_noise(const char *line)
{
	return !strncmp(line, "In file included from <", 23) || !strncmp(line, "ptxas info", 10) ||
	       strstr(line, "bytes stack frame") || strstr(line, "warning generated.") ||
	       strstr(line, "warnings generated.") || strstr(line, "error generated.") ||
	       strstr(line, "errors generated.") || strstr(line, "detected in the compilation of") || !strncmp(line, "                 from <", 23);
}

static char *without_noise(const char *text)
{
	char *kept = malloc(strlen(text) + 2);
	size_t used = 0;

	while (kept && *text) {
		const size_t length = strcspn(text, "\n");
		char line[256];

		snprintf(line, sizeof(line), "%.*s", (int)(length < 255 ? length : 255), text);
		if (!is_noise(line)) {
			memcpy(kept + used, text, length);
			used += length;
			kept[used++] = '\n';
		}
		text += length + (text[length] == '\n');
	}
	if (kept && used == 0) {
		free(kept);
		return NULL;
	}
	if (kept)
		kept[used] = '\0';
	return kept;
}

/* gcc -fstack-usage writes FILE:LINE:COLUMN:FUNCTION, a tab, bytes, a tab, and how sure that is. */
static void note_stack(struct wn_compile *compile, const struct job *job)
{
	char path[PATH_MAX + 64], *text;
	const char *entry, *tab;

	snprintf(path, sizeof(path), "%s/entry.su", job->folder);
	text = read_all(path);
	entry = text ? strstr(text, "wn_check_entry\t") : NULL;
	tab = entry ? strchr(entry, '\t') : NULL;
	if (tab)
		snprintf(compile->note, sizeof(compile->note), "stack %ld bytes%s", atol(tab + 1),
			 strstr(tab, "dynamic") ? ", or more" : "");
	free(text);
	unlink(path);
}

/* ptxas -v: "Used N registers" and "N bytes stack frame". */
static void note_registers(struct wn_compile *compile, const char *text)
{
	const char *used = strstr(text, "Used "), *frame = strstr(text, " bytes stack frame");
	unsigned long stack = 0;

	if (!used || !strstr(used, " registers"))
		return;
	if (frame) {
		while (frame > text && frame[-1] >= '0' && frame[-1] <= '9')
			frame--;
		stack = strtoul(frame, NULL, 10);
	}
	snprintf(compile->note, sizeof(compile->note), "%lu registers, stack %lu bytes",
		 strtoul(used + 5, NULL, 10), stack);
}

static void compile_one(struct wn_compile *compile, const struct compiler *compiler,
			const struct job *job)
{
	char output[PATH_MAX + 64], *text;
	int rc;

	compile->device = compiler->device;
	compile->compiler = compiler->name;
	compile->language = compiler->language;
	snprintf(output, sizeof(output), "%s/output", job->folder);
	rc = run_compiler(compiler, job, output);
	text = rc < 0 ? NULL : read_all(output);
	if (rc < 0) {
		compile->result = WN_COMPILE_SKIPPED;
		snprintf(compile->note, sizeof(compile->note), "compiler not here");
	} else {
		compile->output = text ? without_noise(text) : NULL;
		compile->result = rc || compile->output ? WN_COMPILE_FAILED : WN_COMPILE_OK;
		note_stack(compile, job);
		if (text)
			note_registers(compile, text);
	}
	free(text);
}

static void remove_folder(const char *folder)
{
	static const char *const names[] = {"entry.c", "entry.cc", "entry.cl", "entry.cu",
					    "entry.o", "entry.su", "output"};
	char path[PATH_MAX + 64];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		unlink(path);
	}
	rmdir(folder);
}

/* A second compiler for the same language stands in where the first is not here. */
static void compile_all(struct wn_compiles *compiles, const struct job *job, const char *devices)
{
	for (int i = 0; i < COMPILER_COUNT; i++) {
		struct wn_compile *compile = &compiles->list[compiles->count];

		if (devices && !is_in_list(devices, compilers[i].device))
			continue;
		if (compilers[i].is_fallback && compile[-1].result != WN_COMPILE_SKIPPED)
			continue;
		compile_one(compile, &compilers[i], job);
		compiles->count++;
	}
}

int wn_compiles_run(struct wn_compiles *compiles, const char *path, const char *devices,
		    struct wn_error *error)
{
	const char *temporary = getenv("TMPDIR");
	char folder[PATH_MAX];
	struct job job = {.path = path, .folder = folder};

	memset(compiles, 0, sizeof(*compiles));
	wn_paths_find(&job.paths);
	if (!job.paths.include[0])
		return wn_fail(error, ENOENT, WN_UNAVAILABLE,
			       "warpnic/program.h not found: name its home in $WARPNIC_HOME");
	snprintf(folder, sizeof(folder), "%s/warpnic-check-XXXXXX",
		 temporary && *temporary ? temporary : "/tmp");
	if (!mkdtemp(folder))
		return wn_fail(error, errno, WN_FAILED, "cannot make a folder %s: %s", folder,
			       strerror(errno));
	compile_all(compiles, &job, devices);
	remove_folder(folder);
	return 0;
}

void wn_compiles_free(struct wn_compiles *compiles)
{
	for (uint32_t i = 0; i < compiles->count; i++)
		free(compiles->list[i].output);
	memset(compiles, 0, sizeof(*compiles));
}
