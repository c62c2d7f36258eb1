/* SPDX-License-Identifier: Apache-2.0 */
#include "tool/check_lint.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tool/check_tokens.h"
#include "warpnic/data.h"

enum { FUNCTIONS_MAX = 256, POINTERS_MAX = 64, NESTING_MAX = 8 };

struct function {
	uint32_t name;              /* token of its name */
	uint32_t begin, end;        /* tokens of its body */
	uint8_t calls[FUNCTIONS_MAX];
	uint8_t is_seen;            /* in the walk under way */
};

struct file {
	struct wn_lints *lints;
	const char *path;
	struct wn_tokens tokens;
	struct function *functions;
	uint32_t function_count;
	uint32_t pointers[POINTERS_MAX]; /* tokens: names of pointers to struct wn_packet */
	uint32_t pointer_count;
	int depth;                  /* of includes */
};

static int scan_file(struct wn_lints *lints, const char *path, int depth, struct wn_error *error);

__attribute__((format(printf, 3, 4)))
static void report(struct file *file, uint32_t i, const char *format, ...)
{
	struct wn_lint *lint = &file->lints->list[file->lints->count];
	va_list arguments;

	if (file->lints->count++ >= WN_LINTS_MAX)
		return;
	snprintf(lint->path, sizeof(lint->path), "%s", file->path);
	lint->line = i < file->tokens.count ? file->tokens.list[i].line : 1;
	lint->column = i < file->tokens.count ? file->tokens.list[i].column : 1;
	va_start(arguments, format);
	vsnprintf(lint->text, sizeof(lint->text), format, arguments);
	va_end(arguments);
}

static int is_name(const struct file *file, uint32_t i)
{
	return i < file->tokens.count && file->tokens.list[i].kind == WN_TOKEN_NAME;
}

static int same_text(const struct file *file, uint32_t a, uint32_t b)
{
	const struct wn_token *one = &file->tokens.list[a], *other = &file->tokens.list[b];

	return one->length == other->length && !strncmp(one->text, other->text, one->length);
}

static int is(const struct file *file, uint32_t i, const char *text)
{
	return wn_token_is(&file->tokens, i, text);
}

/* -- single words -- */

static const struct {
	const char *word, *why;
} forbidden[] = {
	{"goto", "no goto in a program: some devices have none"},
	{"static", "no static variables; a function is declared with WN_FN"},
	{"extern", "nothing outside of the program can be used: no extern"},
	{"_Thread_local", "a program holds nothing between two packets: no _Thread_local"},
	{"thread_local", "a program holds nothing between two packets: no thread_local"},
	{"__thread", "a program holds nothing between two packets: no __thread"},
	{"for", "no loop but WN_LOOP(i, n, bound), which carries its bound"},
	{"while", "no loop but WN_LOOP(i, n, bound), which carries its bound"},
	{"do", "no loop but WN_LOOP(i, n, bound), which carries its bound"},
	{"asm", "no assembler: the program runs on other machines, too"},
	{"__asm__", "no assembler: the program runs on other machines, too"},
	{"_Atomic", "no atomics of your own, 64-bit ones are not on every device: use cells or wn_count()"},
	{"double", "no double: some devices have none"},
};

static const char *const library[] = {
	"memcpy", "memmove", "memset", "memcmp", "memchr", "strlen", "strcpy", "strncpy", "strcmp",
	"strncmp", "strchr", "strstr", "printf", "fprintf", "snprintf", "malloc", "calloc", "free",
	"alloca", "abort", "exit", "assert", "qsort", "htons", "htonl", "ntohs", "ntohl",
};

static const char *const atomic_prefixes[] = {"__atomic_", "__sync_", "atomic", "atom_"};

static void check_word(struct file *file, uint32_t i)
{
	const struct wn_token *token = &file->tokens.list[i];

	for (size_t k = 0; k < sizeof(forbidden) / sizeof(forbidden[0]); k++)
		if (is(file, i, forbidden[k].word))
			report(file, i, "%s", forbidden[k].why);
	for (size_t k = 0; k < sizeof(library) / sizeof(library[0]); k++)
		if (is(file, i, library[k]) && is(file, i + 1, "("))
			report(file, i, "no %s(): there is no C library on a device", library[k]);
	for (size_t k = 0; k < sizeof(atomic_prefixes) / sizeof(atomic_prefixes[0]); k++) {
		const size_t length = strlen(atomic_prefixes[k]);

		if (token->length <= length || strncmp(token->text, atomic_prefixes[k], length) ||
		    !is(file, i + 1, "("))
			continue;
		report(file, i, "no atomics of your own, 64-bit ones are not on every device: use "
				"wn_cell_add() and its kin");
		break;
	}
}

/* -- shapes -- */

/* (*name)(...) or (*name[...])(...) */
static void check_function_pointer(struct file *file, uint32_t i)
{
	uint32_t behind;

	if (!is(file, i, "(") || !is(file, i + 1, "*"))
		return;
	behind = wn_tokens_behind(&file->tokens, i);
	if (is(file, behind, "(") && behind - i <= 8)
		report(file, i, "no function pointers: some devices cannot call through one");
}

static void check_initialiser(struct file *file, uint32_t i)
{
	if (i == 0 || (!is(file, i - 1, "{") && !is(file, i - 1, ",")))
		return;
	if ((is(file, i, ".") && is_name(file, i + 1) && is(file, i + 2, "=")) ||
	    (is(file, i, "[") && is(file, wn_tokens_behind(&file->tokens, i), "=")))
		report(file, i, "no designated initialisers: C++14 has none");
}

/* WN_LOOP(i, n, bound): the bound is what says that the loop ends. */
static void check_loop(struct file *file, uint32_t i)
{
	uint32_t end, at, commas = 0;

	if (!is(file, i, "WN_LOOP") || !is(file, i + 1, "("))
		return;
	end = wn_tokens_behind(&file->tokens, i + 1);
	for (at = i + 2; at + 1 < end; at++) {
		if (is(file, at, "(") && commas < 2) {
			at = wn_tokens_behind(&file->tokens, at) - 1;
		} else if (is(file, at, ",")) {
			commas++;
		} else if (commas == 2 && is_name(file, at) && is(file, at + 1, "(")) {
			report(file, at, "the bound of WN_LOOP must be a constant, not a call");
			return;
		}
	}
	if (commas < 2)
		report(file, i, "WN_LOOP takes a name, a count and a constant bound");
}

static int is_one_of(const struct file *file, uint32_t i, const char *const *words)
{
	while (*words && !is(file, i, *words))
		words++;
	return *words != NULL;
}

/* X(kind, ...) and X(kind(bytes), ...) behind #define WN_TABLES. */
static void check_table(struct file *file, uint32_t i)
{
	static const char *const kinds[] = {"array", "hash", "lpm", "cells", NULL};
	const struct wn_token *bytes = &file->tokens.list[i + 2];
	long size;

	if (!is_one_of(file, i, kinds)) {
		report(file, i, "'%.*s' is no kind of table: array, hash, lpm or cells",
		       (int)file->tokens.list[i].length, file->tokens.list[i].text);
		return;
	}
	if (!is(file, i + 1, "("))
		return;
	if (is(file, i, "cells")) {
		report(file, i, "cells are words of 32 bits and have no other size");
		return;
	}
	size = strtol(bytes->text, NULL, 0);
	if (bytes->text[0] >= '0' && bytes->text[0] <= '9' && (size < 1 || size > WN_VALUE_BYTES_MAX))
		report(file, i + 2, "a value of a table has from 1 to %d bytes", WN_VALUE_BYTES_MAX);
}

static void check_tables(struct file *file, uint32_t i)
{
	if (!is(file, i, "WN_TABLES") || !is(file, i + 1, "(") || i == 0 || !is(file, i - 1, "define"))
		return;
	for (uint32_t at = i + 4; at + 3 < file->tokens.count && file->tokens.list[at].in_directive &&
				  !is(file, at, "#"); at++)
		if (same_text(file, at, i + 2) && is(file, at + 1, "(") && is_name(file, at + 2))
			check_table(file, at + 2);
}

/* The members of struct wn_packet are not checked against its length. */
static void check_member(struct file *file, uint32_t i)
{
	if (!is_name(file, i) || !is(file, i + 1, "->"))
		return;
	for (uint32_t k = 0; k < file->pointer_count; k++) {
		if (!same_text(file, i, file->pointers[k]))
			continue;
		report(file, i, "the packet's members are not for programs, and unchecked: use wn_u8() and "
				"the like");
		return;
	}
	if (is(file, i, "packet"))
		report(file, i, "the packet's members are not for programs, and unchecked: use wn_u8() and "
				"the like");
}

static void find_pointer(struct file *file, uint32_t i)
{
	if (!is(file, i, "wn_packet") || !is(file, i + 1, "*") || !is_name(file, i + 2) ||
	    file->pointer_count == POINTERS_MAX)
		return;
	file->pointers[file->pointer_count++] = i + 2;
}

/* -- includes -- */

/* A header of the author's is part of the program. Others than ours and the author's are not. */
static int check_include(struct file *file, uint32_t i, struct wn_error *error)
{
	const struct wn_token *name = &file->tokens.list[i + 2];
	const char *slash = strrchr(file->path, '/');
	char path[512];

	if (!is(file, i, "#") || !is(file, i + 1, "include") || i + 2 >= file->tokens.count)
		return 0;
	if (is(file, i + 2, "<") && !is(file, i + 3, "warpnic")) {
		report(file, i, "no header but warpnic/program.h and your own: not every device has a C "
				"library");
		return 0;
	}
	if (name->kind != WN_TOKEN_STRING || name->length < 3 || file->depth == NESTING_MAX)
		return 0;
	snprintf(path, sizeof(path), "%.*s%.*s", slash ? (int)(slash + 1 - file->path) : 0, file->path,
		 (int)name->length - 2, name->text + 1);
	return access(path, R_OK) ? 0 : scan_file(file->lints, path, file->depth + 1, error);
}

/* -- functions -- */

/* Definitions stand outside of all brackets: a name, its parameters, a body. */
static void find_functions(struct file *file)
{
	uint32_t i = 0;

	while (i < file->tokens.count) {
		uint32_t behind;

		if (file->tokens.list[i].in_directive || (!is(file, i, "{") && !is(file, i + 1, "("))) {
			i++;
			continue;
		}
		if (is(file, i, "{") || !is_name(file, i)) {
			i = is(file, i, "{") ? wn_tokens_behind(&file->tokens, i) : i + 1;
			continue;
		}
		behind = wn_tokens_behind(&file->tokens, i + 1);
		if (is(file, behind, "{") && file->function_count < FUNCTIONS_MAX) {
			struct function *function = &file->functions[file->function_count++];

			function->name = i;
			function->begin = behind;
			function->end = wn_tokens_behind(&file->tokens, behind);
			behind = function->end;
		}
		i = behind > i ? behind : i + 1;
	}
}

/* Which functions a body calls. Named without a call, a function would be a value. */
static void find_calls(struct file *file, struct function *function)
{
	for (uint32_t i = function->begin; i < function->end; i++) {
		if (!is_name(file, i) || is(file, i - 1, ".") || is(file, i - 1, "->"))
			continue;
		for (uint32_t k = 0; k < file->function_count; k++) {
			if (!same_text(file, i, file->functions[k].name))
				continue;
			if (is(file, i + 1, "("))
				function->calls[k] = 1;
			else
				report(file, i, "no function pointers: '%.*s' is used as a value",
				       (int)file->tokens.list[i].length, file->tokens.list[i].text);
		}
	}
}

/* Whether a walk along the calls from `from` comes to `to`. */
static int reaches(struct file *file, uint32_t from, uint32_t to)
{
	for (uint32_t k = 0; k < file->function_count; k++) {
		if (!file->functions[from].calls[k] || file->functions[k].is_seen)
			continue;
		if (k == to)
			return 1;
		file->functions[k].is_seen = 1;
		if (reaches(file, k, to))
			return 1;
	}
	return 0;
}

static void check_recursion(struct file *file)
{
	for (uint32_t i = 0; i < file->function_count; i++)
		find_calls(file, &file->functions[i]);
	for (uint32_t i = 0; i < file->function_count; i++) {
		const struct wn_token *name = &file->tokens.list[file->functions[i].name];

		for (uint32_t k = 0; k < file->function_count; k++)
			file->functions[k].is_seen = 0;
		if (reaches(file, i, i))
			report(file, file->functions[i].name,
			       "no recursion: '%.*s' comes back to itself, and devices have small stacks",
			       (int)name->length, name->text);
	}
}

/* What only connections have, in a program that takes none: from the head of the program on. */
static void check_stream_words(struct file *file, uint32_t head)
{
	const struct wn_token *token;

	for (uint32_t i = head; i < file->tokens.count && !is(file, i, ")"); i++)
		if (is(file, i, "WN_STREAM"))
			return;
	for (uint32_t i = 0; i < file->tokens.count; i++) {
		token = &file->tokens.list[i];
		if (is_name(file, i) &&
		    (is(file, i, "WN_MORE") || is(file, i, "WN_CLOSE") || is(file, i, "wn_consume") || is(file, i, "wn_keep") ||
		     (token->length > 9 && !strncmp(token->text, "wn_reply_", 9))))
			report(file, i, "%.*s is for connections: WN_PROGRAM's kind must have WN_STREAM in it", (int)token->length,
			       token->text);
	}
}

static void check_head(struct file *file)
{
	for (uint32_t i = 0; i < file->tokens.count; i++)
		if (is(file, i, "WN_PROGRAM") && !file->tokens.list[i].in_directive) {
			check_stream_words(file, i);
			return;
		}
	report(file, file->tokens.count, "no WN_PROGRAM(name, kind, look_bytes): not a packet program");
}

static int check_tokens(struct file *file, struct wn_error *error)
{
	int rc = 0;

	for (uint32_t i = 0; i < file->tokens.count; i++)
		find_pointer(file, i);
	for (uint32_t i = 0; !rc && i < file->tokens.count; i++) {
		rc = check_include(file, i, error);
		if (is_name(file, i))
			check_word(file, i);
		check_function_pointer(file, i);
		check_initialiser(file, i);
		check_loop(file, i);
		check_tables(file, i);
		check_member(file, i);
	}
	find_functions(file);
	check_recursion(file);
	if (!file->depth)
		check_head(file);
	return rc;
}

static char *read_file(const char *path, struct wn_error *error)
{
	FILE *file = fopen(path, "re");
	char *text = NULL;
	size_t room = 0;

	if (!file) {
		wn_fail(error, errno, WN_NO_INPUT, "%s: %s", path, strerror(errno));
		return NULL;
	}
	if (getdelim(&text, &room, '\0', file) < 0 && ferror(file)) {
		wn_fail(error, errno, WN_NO_INPUT, "%s: %s", path, strerror(errno));
		free(text);
		text = NULL;
	} else if (!text) {
		text = calloc(1, 1);
	}
	fclose(file);
	return text;
}

static int scan_file(struct wn_lints *lints, const char *path, int depth, struct wn_error *error)
{
	struct file file = {.lints = lints, .path = path, .depth = depth};
	char *source = read_file(path, error);
	int rc;

	if (!source)
		return -ENOENT;
	file.functions = calloc(FUNCTIONS_MAX, sizeof(*file.functions));
	rc = file.functions ? wn_tokens_make(&file.tokens, source) : -ENOMEM;
	rc = rc ? wn_fail(error, -rc, WN_FAILED, "%s: out of memory", path) : check_tokens(&file, error);
	wn_tokens_free(&file.tokens);
	free(file.functions);
	free(source);
	return rc;
}

int wn_lint_file(struct wn_lints *lints, const char *path, struct wn_error *error)
{
	return scan_file(lints, path, 0, error);
}
