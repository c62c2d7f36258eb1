/* SPDX-License-Identifier: Apache-2.0 */
/* warpnic SUBCOMMAND ...: finds the subcommand and lets it run. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if WN_HAVE_LIBPCAP
#include <pcap/pcap.h>
#endif

#include "tool/tool.h"

#ifndef WN_VERSION
#error "the build defines WN_VERSION"
#endif

static int run_help(int argc, char **argv);

static const struct wn_command command_help = {
	.name = "help",
	.summary = "what the subcommands are, or what one of them takes",
	.operands = "[SUBCOMMAND]",
	.examples = "warpnic help\nwarpnic help send",
	.run = run_help,
};

static const struct wn_command *const commands[] = {
	&wn_command_run,   &wn_command_reload,  &wn_command_stats,    &wn_command_stop,
	&wn_command_new,   &wn_command_check,   &wn_command_trace,
	&wn_command_send,  &wn_command_bench,   &wn_command_devices,  &wn_command_programs, &wn_command_links,
	&wn_command_doctor, &wn_command_selftest,
	&command_help,
};

enum { COMMAND_COUNT = sizeof(commands) / sizeof(commands[0]) };

static const char examples[] =
	"  warpnic run echo --link udp:127.0.0.1:9000    answer every datagram with itself\n"
	"  warpnic send 127.0.0.1:9000 --duration 5      drive it, and measure\n"
	"  warpnic run count --link pcap:in.pcap         count the packets of a capture\n"
	"  warpnic links                                 what --link takes\n";

int wn_tool_has_colour(FILE *file)
{
	const char *no_colour = getenv("NO_COLOR");
	const char *terminal = getenv("TERM");

	return isatty(fileno(file)) && !(no_colour && no_colour[0]) && terminal &&
	       strcmp(terminal, "dumb");
}

static void print_name(const struct wn_command *command)
{
	const int colour = wn_tool_has_colour(stderr);

	fprintf(stderr, "%swarpnic%s%s:%s ", colour ? "\033[31m" : "", command ? " " : "",
		command ? command->name : "", colour ? "\033[0m" : "");
}

static void print_hint(const struct wn_command *command)
{
	fprintf(stderr, "Try 'warpnic %s%s--help'.\n", command ? command->name : "",
		command ? " " : "");
}

int wn_tool_fail(const struct wn_command *command, const struct wn_error *error)
{
	print_name(command);
	fprintf(stderr, "%s\n", error->text);
	if (error->status == WN_USAGE)
		print_hint(command);
	return error->status == WN_OK ? WN_FAILED : (int)error->status;
}

int wn_tool_usage(const struct wn_command *command, const char *format, ...)
{
	va_list arguments;

	print_name(command);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	print_hint(command);
	return WN_USAGE;
}

int wn_tool_finish_output(const struct wn_command *command, int status)
{
	const int failed = fflush(stdout), error = errno;

	if (!failed && !ferror(stdout))
		return status;
	print_name(command);
	/* An earlier write may be the one that failed; its errno is gone by now. */
	fprintf(stderr, "writing to standard output: %s\n",
		failed ? strerror(error) : "not all of it could be written");
	return WN_FAILED;
}

static const struct wn_command *find_command(const char *name)
{
	for (uint32_t i = 0; i < COMMAND_COUNT; i++)
		if (!strcmp(commands[i]->name, name))
			return commands[i];
	return NULL;
}

static int unknown_command(const char *name)
{
	print_name(NULL);
	fprintf(stderr, "'%s': no such subcommand; there are", name);
	for (uint32_t i = 0; i < COMMAND_COUNT; i++)
		fprintf(stderr, "%s %s", i ? "," : "", commands[i]->name);
	fputc('\n', stderr);
	print_hint(NULL);
	return WN_USAGE;
}

static void print_overview(FILE *file)
{
	fprintf(file, "Usage: warpnic SUBCOMMAND ...\n"
		      "Packet programs that run on the GPU, or the CPU, behind any NIC.\n\n"
		      "Subcommands:\n");
	for (uint32_t i = 0; i < COMMAND_COUNT; i++)
		fprintf(file, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
	fprintf(file,
		"\nOptions:\n"
		"  -h, --help     print this and end; after a subcommand: what that one takes\n"
		"  -V, --version  print versions and end\n"
		"\nExamples:\n%s"
		"\nExit status: 0 well, 1 failed, 2 usage, 66 input missing, 69 device, interface\n"
		"or permission not available.\n",
		examples);
}

/* For the completion script: `help --words`, `help --words SUBCOMMAND` and `help --words run PROGRAM`. */
static int print_words(const char *name, const char *program)
{
	const struct wn_command *command = name ? find_command(name) : NULL;

	if (command)
		wn_command_words(command, stdout);
	if (command == &wn_command_run && program)
		wn_program_words(program, stdout);
	for (uint32_t i = 0; !name && i < COMMAND_COUNT; i++)
		puts(commands[i]->name);
	return wn_tool_finish_output(&command_help, name && !command ? WN_USAGE : WN_OK);
}

static int run_help(int argc, char **argv)
{
	struct wn_arguments arguments;
	const struct wn_command *command;

	if (argc > 1 && !strcmp(argv[1], "--words"))
		return print_words(argv[2], argc > 3 ? argv[3] : NULL);
	wn_arguments_init(&arguments, &command_help, argc, argv);
	if (wn_arguments_next(&arguments) < 0)
		return arguments.status;
	if (arguments.operand == argc) {
		print_overview(stdout);
	} else {
		command = find_command(argv[arguments.operand]);
		if (!command)
			return unknown_command(argv[arguments.operand]);
		wn_command_help(command, 0, NULL, stdout);
	}
	return wn_tool_finish_output(&command_help, WN_OK);
}

static int print_version(void)
{
	printf("warpnic %s", WN_VERSION);
#if WN_HAVE_LIBPCAP
	printf(" (%s)", pcap_lib_version());
#endif
	putchar('\n');
	return wn_tool_finish_output(NULL, WN_OK);
}

int main(int argc, char **argv)
{
	const struct wn_command *command;

	if (argc < 2) {
		print_overview(stderr);
		return WN_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		print_overview(stdout);
		return wn_tool_finish_output(NULL, WN_OK);
	}
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V"))
		return print_version();
	command = find_command(argv[1]);
	return command ? command->run(argc - 1, argv + 1) : unknown_command(argv[1]);
}
