/* SPDX-License-Identifier: Apache-2.0 */
/* warpnic reload, stats, stop: ask one that runs, on its control socket. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tool/control.h"
#include "tool/json.h"
#include "tool/json_read.h"
#include "tool/tool.h"

enum { ARGUMENT_PARAM = 1, ARGUMENT_JSON, PARAMETERS_MAX = 32 };

struct request {
	const struct wn_command *command;
	const char *parameters[PARAMETERS_MAX];
	uint32_t parameter_count;
	const char *meant;              /* path or process number; NULL: the only one */
	int is_json;                    /* the reply is shown as it came */
};

/* 0, or what the subcommand is to return; *is_over then. */
static int parse(struct request *request, int argc, char **argv, int *is_over)
{
	struct wn_arguments parsed;
	int code;

	*is_over = 1;
	wn_arguments_init(&parsed, request->command, argc, argv);
	while ((code = wn_arguments_next(&parsed)) > 0) {
		if (code == ARGUMENT_JSON)
			request->is_json = 1;
		else if (request->parameter_count == PARAMETERS_MAX)
			return wn_tool_usage(request->command, "more than %d parameters", PARAMETERS_MAX);
		else
			request->parameters[request->parameter_count++] = parsed.text;
	}
	if (code < 0)
		return parsed.status;
	if (argc - parsed.operand > 1)
		return wn_tool_usage(request->command, "'%s': one path or process number at a time",
				     argv[parsed.operand + 1]);
	request->meant = parsed.operand < argc ? argv[parsed.operand] : NULL;
	*is_over = 0;
	return 0;
}

static void write_request(const struct request *request, FILE *file)
{
	struct wn_json json;

	wn_json_init(&json, file, 0);
	wn_json_object(&json, NULL);
	wn_json_text(&json, "command", request->command->name);
	if (request->parameter_count) {
		wn_json_array(&json, "parameters");
		for (uint32_t i = 0; i < request->parameter_count; i++)
			wn_json_text(&json, NULL, request->parameters[i]);
		wn_json_end(&json);
	}
	wn_json_end(&json);
	wn_json_finish(&json);
}

/* Sends the request and reads one line. NULL with the reason; else the caller frees it. */
static char *ask(const struct request *request, const char *path, struct wn_error *error)
{
	const int fd = wn_control_connect(path);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r+");
	char *line = NULL;
	size_t room = 0;

	if (!file) {
		const int code = fd < 0 ? -fd : errno;

		wn_fail(error, code, WN_UNAVAILABLE, "%s: %s", path,
			code == ECONNREFUSED ? "nobody listens there any more" : strerror(code));
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	write_request(request, file);
	if (getline(&line, &room, file) <= 0) {
		wn_fail(error, EIO, WN_FAILED, "%s: was hung up without a reply", path);
		free(line);
		line = NULL;
	}
	fclose(file);
	return line;
}

static void show(const struct request *request, const struct wn_json_object *reply)
{
	const struct wn_json_member *stats = wn_json_find(reply, "stats");
	const struct wn_json_member *milliseconds = wn_json_find(reply, "milliseconds");

	if (stats)
		puts(stats->text);
	else if (milliseconds && milliseconds->type == WN_JSON_OTHER)
		printf("reloaded in %.0f ms\n", strtod(milliseconds->text, NULL));
	else
		printf("%s: done\n", request->command->name);
}

static int judge(const struct request *request, const char *path, char *line)
{
	struct wn_error error = {WN_FAILED, ""};
	const struct wn_json_member *ok;
	struct wn_json_object reply;

	if (request->is_json)
		fputs(line, stdout);
	if (wn_json_read(&reply, line)) {
		wn_fail(&error, EPROTO, WN_FAILED, "%s: a reply that is no JSON object", path);
		return wn_tool_fail(request->command, &error);
	}
	ok = wn_json_find(&reply, "ok");
	if (ok && !strcmp(ok->text, "true")) {
		if (!request->is_json)
			show(request, &reply);
		return wn_tool_finish_output(request->command, WN_OK);
	}
	/* Whatever its status over there: here it is the wish that failed, not the command line. */
	wn_fail(&error, EPROTO, WN_FAILED, "%s",
		wn_json_text_of(&reply, "error") ? wn_json_text_of(&reply, "error") : "refused");
	return wn_tool_fail(request->command, &error);
}

static int run(const struct wn_command *command, int argc, char **argv)
{
	struct request request = {.command = command};
	char path[WN_CONTROL_PATH_BYTES], *line;
	struct wn_error error = {0};
	int is_over, status = parse(&request, argc, argv, &is_over);

	if (is_over)
		return status;
	if (wn_control_find(path, request.meant, &error))
		return wn_tool_fail(command, &error);
	line = ask(&request, path, &error);
	if (!line)
		return wn_tool_fail(command, &error);
	status = judge(&request, path, line);
	free(line);
	return status;
}

static int run_reload(int argc, char **argv)
{
	return run(&wn_command_reload, argc, argv);
}

static int run_stats(int argc, char **argv)
{
	return run(&wn_command_stats, argc, argv);
}

static int run_stop(int argc, char **argv)
{
	return run(&wn_command_stop, argc, argv);
}

static const struct wn_argument reload_arguments[] = {
	{ARGUMENT_PARAM, 'p', "param", "NAME=VALUE", WN_ARGUMENT_TEXT, 0, 0, NULL,
	 "set a parameter of the program; the others stay; may be given several times"},
	{.code = ARGUMENT_JSON, .letter = 'j', .name = "json", .help = "print the reply as it came"},
	{0},
};

static const struct wn_argument other_arguments[] = {
	{.code = ARGUMENT_JSON, .letter = 'j', .name = "json", .help = "print the reply as it came"},
	{0},
};

#define NOTES                                                                                      \
	"PATH is that of --control; PID the number of a process that runs with the preset one.\n"  \
	"Neither is needed where only one runs."

const struct wn_command wn_command_reload = {
	.name = "reload",
	.summary = "put a new version of the program, or its tables, in place of the one that runs",
	.operands = "[PATH|PID] [option...]",
	.arguments = reload_arguments,
	.notes = NOTES "\nThe source is compiled anew, tables and files are read anew. Nothing is lost, and\n"
		       "nothing answered twice. What cannot be loaded leaves the old version running:\n"
		       "exit status 1, with the reason.",
	.examples = "warpnic reload\nwarpnic reload 4711 --param limit=100",
	.run = run_reload,
};

const struct wn_command wn_command_stats = {
	.name = "stats",
	.summary = "print the counters of one that runs, as JSON",
	.operands = "[PATH|PID] [option...]",
	.arguments = other_arguments,
	.notes = NOTES,
	.examples = "warpnic stats\nwarpnic stats /run/mine.sock",
	.run = run_stats,
};

const struct wn_command wn_command_stop = {
	.name = "stop",
	.summary = "end one that runs, as SIGTERM does",
	.operands = "[PATH|PID] [option...]",
	.arguments = other_arguments,
	.notes = NOTES,
	.examples = "warpnic stop",
	.run = run_stop,
};
