/* SPDX-License-Identifier: Apache-2.0 */
/* warpnic new: a program that works, with its test, to begin from. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tool/tool.h"

enum { NAME_MAX_BYTES = 64, PATH_BYTES = 512 };

/* @ is the name. */
static const char program_text[] =
	"/* @: a packet program. `warpnic check @.c` compiles it for every device and runs @.test. */\n"
	"\n"
	"/* One line for `warpnic programs`. */\n"
	"#define WN_SUMMARY \"makes letters upper case\"\n"
	"\n"
	"/* Counters of your own; the host adds them up. Raised with wn_count(packet, counter_NAME, 1). */\n"
	"#define WN_COUNTERS(X) X(letters)\n"
	"\n"
	"/* Numbers that the user may set: --param most=100. Read with wn_parameter(packet, parameter_NAME). */\n"
	"#define WN_PARAMETERS(X) X(number, most, \"1500\", \"look at so many bytes of a packet\")\n"
	"\n"
	"#include <warpnic/program.h>\n"
	"\n"
	"/* Functions of your own are WN_FN, and everything is in their arguments. */\n"
	"WN_FN uint32_t upper(uint32_t c)\n"
	"{\n"
	"\treturn c >= 'a' && c <= 'z' ? c - 32 : c;\n"
	"}\n"
	"\n"
	"/*\n"
	" * The program: its name; what it takes, WN_DATAGRAM (a payload and a peer), WN_FRAME or WN_ANY; and how\n"
	" * many bytes of a packet it looks at. Runs once for each packet, and remembers nothing. WN_STREAM, for\n"
	" * connections, is another way of writing one: docs/dialect.md.\n"
	" */\n"
	"WN_PROGRAM(@, WN_DATAGRAM, WN_LOOK_ALL)\n"
	"{\n"
	"\tconst uint32_t most = (uint32_t)wn_parameter(packet, parameter_most);\n"
	"\n"
	"\t/* An empty packet is not worth an answer. */\n"
	"\tif (wn_length(packet) == 0)\n"
	"\t\treturn WN_DROP;\n"
	"\n"
	"\t/* The only loop: i from 0 while below the second, at most as often as the third says. */\n"
	"\tWN_LOOP(i, wn_length(packet) < most ? wn_length(packet) : most, 65535)\n"
	"\t{\n"
	"\t\tconst uint32_t c = wn_u8(packet, i);\n"
	"\n"
	"\t\tif (c != upper(c)) {\n"
	"\t\t\twn_put_u8(packet, i, upper(c));\n"
	"\t\t\twn_count(packet, counter_letters, 1);\n"
	"\t\t}\n"
	"\t}\n"
	"\n"
	"\t/* What becomes of it: WN_DROP, WN_REPLY, WN_DELIVER to the host, WN_FORWARD to the next link. */\n"
	"\treturn WN_REPLY;\n"
	"}\n";

static const char test_text[] =
	"# Tests of @: `warpnic check @.c` runs them. A packet goes in, and something becomes of it.\n"
	"\n"
	"test letters become upper case\n"
	"in \"hello, 2 worlds\\n\"\n"
	"out reply \"HELLO, 2 WORLDS\\n\"\n"
	"count letters 11\n"
	"\n"
	"test other bytes stay as they are\n"
	"in 00 ff 3*7b u16:25186\n"
	"out reply 00 ff 7b7b7b \"BB\"\n"
	"\n"
	"test an empty packet is dropped\n"
	"in\n"
	"out drop\n";

static int fail(const char *path)
{
	struct wn_error error;

	wn_fail(&error, errno, WN_FAILED, "%s: %s", path, strerror(errno));
	return wn_tool_fail(&wn_command_new, &error);
}

/* Writes a file that was not there. */
static int write_file(const char *path, const char *text, const char *name)
{
	FILE *file = fopen(path, "wxe");

	if (!file)
		return fail(path);
	for (; *text; text++) {
		if (*text == '@')
			fputs(name, file);
		else
			fputc(*text, file);
	}
	return fclose(file) ? fail(path) : WN_OK;
}

static int is_identifier(const char *name)
{
	for (const char *at = name; *at; at++)
		if (!isalnum((unsigned char)*at) && *at != '_')
			return 0;
	return name[0] && !isdigit((unsigned char)name[0]) && strlen(name) < NAME_MAX_BYTES;
}

/* Words that are taken in one of the languages a program is compiled as, or by our headers. */
static int is_taken(const char *name)
{
	static const char *const words[] = {
		"global", "local", "constant", "private", "kernel", "device", "thread", "new", "delete",
		"class", "this", "half", "uint", "int", "char", "if", "else", "for", "while", "do", "return",
		"switch", "case", "default", "break", "continue", "struct", "union", "enum", "const", "static",
		"extern", "void", "float", "double", "long", "short", "signed", "unsigned", "goto", "sizeof",
		"typedef", "inline", "auto", "register", "volatile", "template", "namespace", "operator",
		"public", "protected", "virtual", "try", "catch", "throw", "bool", "true", "false", "packet",
		"upper",
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!strcmp(words[i], name))
			return 1;
	return !strncmp(name, "wn_", 3) || !strncmp(name, "WN_", 3);
}

static int make(const char *folder, const char *name)
{
	char path[PATH_BYTES];
	int status;

	if (mkdir(folder, 0777))
		return fail(folder);
	snprintf(path, sizeof(path), "%s/%s.c", folder, name);
	status = write_file(path, program_text, name);
	if (status)
		return status;
	snprintf(path, sizeof(path), "%s/%s.test", folder, name);
	status = write_file(path, test_text, name);
	if (status)
		return status;
	printf("%s/%s.c is a program, %s/%s.test its test. Next:\n"
	       "  warpnic check %s/%s.c\n"
	       "  warpnic run %s/%s.c --link udp:127.0.0.1:9000\n",
	       folder, name, folder, name, folder, name, folder, name);
	return wn_tool_finish_output(&wn_command_new, WN_OK);
}

static int run_new(int argc, char **argv)
{
	struct wn_arguments parsed;
	const char *folder, *slash, *name;

	wn_arguments_init(&parsed, &wn_command_new, argc, argv);
	if (wn_arguments_next(&parsed) < 0)
		return parsed.status;
	if (argc - parsed.operand != 1)
		return wn_tool_usage(&wn_command_new, "name the program");
	folder = argv[parsed.operand];
	slash = strrchr(folder, '/');
	name = slash ? slash + 1 : folder;
	if (!is_identifier(name) || is_taken(name))
		return wn_tool_usage(&wn_command_new,
				     "'%s': must be a name of letters, digits and _ that is no word of C, CUDA C++, "
				     "OpenCL C or C++", name);
	if (strlen(folder) + strlen(name) + 16 > PATH_BYTES)
		return wn_tool_usage(&wn_command_new, "'%s': too long a path", folder);
	return make(folder, name);
}

const struct wn_command wn_command_new = {
	.name = "new",
	.summary = "write a program that works, with its test, to begin from",
	.operands = "NAME",
	.notes = "NAME becomes a folder, with NAME.c and NAME.test in it; it may stand behind the path\n"
		 "of another folder. Nothing that is there is written over.",
	.examples = "warpnic new shout",
	.run = run_new,
};
