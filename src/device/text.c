/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One text out of the kernels, the program and all headers. Where a device keeps binaries, the text is what one
 * is kept under.
 *
 * An #include in quotes is looked for beside the file it is in, then in the include folders; in angle brackets,
 * only in these. What is not found stays as it is: it may stand where the compiler never looks.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/text.h"
#include "paths.h"

enum { DEPTH_MAX = 32, TEXT_BYTES_MAX = 16 << 20 };

struct text {
	FILE *out;
	long bytes;
	char program[PATH_MAX];         /* what WN_PROGRAM_SOURCE stands for */
	struct wn_paths paths;
	struct wn_error *error;
};

static int append(struct text *text, const char *path, int depth);

/* Where the file of an #include is. 0 or -1. */
static int find(const struct text *text, const char *name, size_t length, int is_quoted, const char *from,
		char *path)
{
	const char *slash = strrchr(from, '/');
	const char *const folders[] = {text->paths.include, text->paths.source};
	FILE *file;

	for (int i = is_quoted ? -1 : 0; i < 2; i++) {
		if (i < 0)
			snprintf(path, PATH_MAX, "%.*s%.*s", slash ? (int)(slash - from + 1) : 0, from, (int)length, name);
		else
			snprintf(path, PATH_MAX, "%s/%.*s", folders[i], (int)length, name);
		file = fopen(path, "re");
		if (!file)
			continue;
		fclose(file);
		return 0;
	}
	return -1;
}

/* The name in an #include line and how long it is. NULL: it is another line. */
static const char *parse_include(const char *line, size_t *length, int *is_quoted)
{
	const char *at = line + strspn(line, " \t"), *end;

	if (*at++ != '#')
		return NULL;
	at += strspn(at, " \t");
	if (strncmp(at, "include", 7))
		return NULL;
	at += 7;
	at += strspn(at, " \t");
	*is_quoted = *at == '"';
	if (!strncmp(at, "WN_PROGRAM_SOURCE", 17)) {
		*length = 0;
		return at;
	}
	if (*at != '"' && *at != '<')
		return NULL;
	end = strchr(at + 1, *is_quoted ? '"' : '>');
	*length = end ? (size_t)(end - at - 1) : 0;
	return end && *length ? at + 1 : NULL;
}

/* One line: put down, or replaced by the file it names. 0 or -errno. */
static int append_line(struct text *text, const char *line, const char *path, int number, int depth)
{
	char included[PATH_MAX];
	size_t length;
	int is_quoted, rc;
	const char *name = parse_include(line, &length, &is_quoted);

	if (name && !length)
		snprintf(included, sizeof(included), "%s", text->program);
	else if (!name || find(text, name, length, is_quoted, path, included)) {
		text->bytes += (long)strlen(line);
		return fputs(line, text->out) < 0 || text->bytes > TEXT_BYTES_MAX ? -E2BIG : 0;
	}
	rc = append(text, included, depth + 1);
	fprintf(text->out, "#line %d \"%s\"\n", number + 1, path);
	return rc;
}

static int append(struct text *text, const char *path, int depth)
{
	FILE *file = depth > DEPTH_MAX ? NULL : fopen(path, "re");
	char *line = NULL;
	size_t room = 0;
	int rc = 0;

	if (!file)
		return wn_fail(text->error, depth > DEPTH_MAX ? ELOOP : errno, WN_NO_INPUT, "program %s: %s", path,
			       depth > DEPTH_MAX ? "it includes itself" : strerror(errno));
	fprintf(text->out, "#line 1 \"%s\"\n", path);
	for (int number = 1; !rc && getline(&line, &room, file) > 0; number++)
		rc = append_line(text, line, path, number, depth);
	fputc('\n', text->out);
	free(line);
	fclose(file);
	if (rc == -E2BIG)
		wn_fail(text->error, E2BIG, WN_FAILED, "program %s: more than %d MiB with all it includes",
			text->program, TEXT_BYTES_MAX >> 20);
	return rc;
}

/* The source of a ready-made program, or the path of a user's own. */
static int find_program(struct text *text, const char *program)
{
	const size_t length = strlen(program);

	if (strchr(program, '/') || (length > 2 && !strcmp(program + length - 2, ".c")))
		return realpath(program, text->program) ? 0 : wn_fail(text->error, errno, WN_NO_INPUT, "program %s: %s",
								      program, strerror(errno));
	/* Installed beside the shared objects; in a build tree, in the source tree. */
	snprintf(text->program, sizeof(text->program), "%s/%.200s/%.200s.c", text->paths.programs, program, program);
	for (int i = 0; i < 2; i++) {
		FILE *file = fopen(text->program, "re");

		if (file) {
			fclose(file);
			return 0;
		}
		snprintf(text->program, sizeof(text->program), "%s/../programs/%.200s/%.200s.c", text->paths.source, program,
			 program);
	}
	return wn_fail(text->error, ENOENT, WN_UNAVAILABLE, "program '%s': its source is not there, %s", program,
		       text->program);
}

int wn_device_text_make(const char *program, const char *entry, char **result, struct wn_error *error)
{
	struct text text = {.error = error};
	char path[PATH_MAX], *bytes = NULL;
	size_t size = 0;
	int rc;

	wn_paths_find(&text.paths);
	rc = program ? find_program(&text, program) : 0;
	if (rc)
		return rc;
	text.out = open_memstream(&bytes, &size);
	if (!text.out)
		return wn_fail(error, ENOMEM, WN_FAILED, "out of memory");
	snprintf(path, sizeof(path), "%s/%s", text.paths.source, entry);
	rc = append(&text, path, 0);
	if (fclose(text.out) && !rc)
		rc = wn_fail(error, ENOMEM, WN_FAILED, "out of memory");
	if (rc)
		free(bytes);
	else
		*result = bytes;
	return rc;
}

void wn_device_text_first_error(const char *words, char *line, size_t bytes)
{
	const char *end;

	line[0] = '\0';
	for (; words && *words && !line[0]; words = *end ? end + 1 : end) {
		const char *found = strstr(words, "error");

		end = words + strcspn(words, "\n");
		if (found && found < end)
			snprintf(line, bytes, "%.*s", (int)(end - words), words);
	}
}
