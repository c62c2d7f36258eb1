/* SPDX-License-Identifier: Apache-2.0 */
/* warpnic trace: one packet after the other, with all that can be seen of it. */
#include "tool/trace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tool/craft.h"
#include "tool/tool.h"

enum {
	ARGUMENT_PACKET = 1,
	ARGUMENT_COUNT,
	ARGUMENT_LINK,
	ARGUMENT_PARAM,
	ARGUMENT_TABLE,
	ARGUMENT_DATA,
	ARGUMENT_LOAD,
	ARGUMENT_JSON
};

static const struct wn_argument trace_arguments[] = {
	{ARGUMENT_PACKET, 'x', "packet", "PACKET", WN_ARGUMENT_TEXT, 0, 0, NULL,
	 "a packet as tests write it, instead of a file: '\"hello\" 00' or 'udp 10.0.0.1:9 > 10.0.0.2:53 "
	 "\"hi\"'; may be given several times"},
	{ARGUMENT_COUNT, 'c', "count", "N", WN_ARGUMENT_NUMBER, 1, 0, NULL, "end after N packets"},
	{ARGUMENT_LINK, 0, "link-options", "OPTIONS", WN_ARGUMENT_TEXT, 0, 0, NULL,
	 "frames: who receives them, ip=ADDRESS,mac=ADDRESS (preset: whoever is written to)"},
	{ARGUMENT_PARAM, 'p', "param", "NAME=VALUE", WN_ARGUMENT_TEXT, 0, 0, NULL,
	 "set a parameter of the program; may be given several times"},
	{ARGUMENT_TABLE, 't', "table", "NAME=FILE", WN_ARGUMENT_TEXT, 0, 0, "@file",
	 "fill a table of the program; may be given several times"},
	{ARGUMENT_DATA, 0, "data", "FILE", WN_ARGUMENT_TEXT, 0, 0, "@file", "a file that the program reads"},
	{ARGUMENT_LOAD, 0, "load", "OPTION=VALUE", WN_ARGUMENT_TEXT, 0, 0, NULL,
	 "for the program's loader, such as zone=FILE; may be given several times"},
	{.code = ARGUMENT_JSON, .letter = 'j', .name = "json", .help = "print a JSON object a packet and line"},
	{0},
};

struct config {
	struct wn_runtime_params params;
	const char *loads[WN_WISHES_MAX];
	const char *packets[WN_WISHES_MAX];
	uint32_t packet_count;
	const char *file, *link_options;
	uint64_t most;
	int is_json;
};

static int add(const char **list, uint32_t *count, const struct wn_arguments *parsed)
{
	if (*count == WN_WISHES_MAX)
		return wn_tool_usage(&wn_command_trace, "--%s: given more than %d times",
				     parsed->argument->name, WN_WISHES_MAX);
	list[(*count)++] = parsed->text;
	return 0;
}

static int take_argument(struct config *config, int code, const struct wn_arguments *parsed)
{
	struct wn_runtime_params *params = &config->params;

	switch (code) {
	case ARGUMENT_PACKET:
		return add(config->packets, &config->packet_count, parsed);
	case ARGUMENT_COUNT:
		config->most = parsed->number;
		return 0;
	case ARGUMENT_LINK:
		config->link_options = parsed->text;
		return 0;
	case ARGUMENT_PARAM:
		return add(params->parameters, &params->parameter_count, parsed);
	case ARGUMENT_TABLE:
		return add(params->tables, &params->table_count, parsed);
	case ARGUMENT_DATA:
		params->data = parsed->text;
		return 0;
	case ARGUMENT_LOAD:
		return add(config->loads, &params->load_count, parsed);
	default:
		config->is_json = 1;
		return 0;
	}
}

static int parse(struct config *config, int argc, char **argv)
{
	struct wn_arguments parsed;
	int code, rc;

	wn_arguments_init(&parsed, &wn_command_trace, argc, argv);
	while ((code = wn_arguments_next(&parsed)) > 0) {
		rc = take_argument(config, code, &parsed);
		if (rc)
			return rc;
	}
	if (code < 0)
		return parsed.status ? parsed.status : -1;
	if (parsed.operand == argc)
		return wn_tool_usage(&wn_command_trace, "no program named; `warpnic programs` lists them");
	config->params.program = argv[parsed.operand];
	config->params.loads = config->loads;
	config->file = parsed.operand + 1 < argc ? argv[parsed.operand + 1] : NULL;
	if (argc - parsed.operand > 2 || !config->file == !config->packet_count)
		return wn_tool_usage(&wn_command_trace, "name one capture file, or packets with -x");
	return 0;
}

/* Packets that were written on the command line. */
static int craft_packets(const struct config *config, struct wn_capture *capture, int *is_frame,
			 struct wn_error *error)
{
	struct wn_crafted *crafted = malloc(sizeof(*crafted));
	int rc = crafted ? 0 : wn_fail(error, ENOMEM, WN_FAILED, "out of memory");

	for (uint32_t i = 0; !rc && i < config->packet_count; i++) {
		rc = wn_craft(crafted, config->packets[i], error);
		if (rc)
			error->status = WN_USAGE;
		else if (i && crafted->is_frame != *is_frame)
			rc = wn_fail(error, EINVAL, WN_USAGE, "-x: frames and datagrams at a time");
		else if (wn_capture_add(capture, crafted->bytes, crafted->length, crafted->length,
					crafted->is_frame))
			rc = wn_fail(error, ENOMEM, WN_FAILED, "out of memory");
		if (!rc)
			*is_frame = crafted->is_frame;
	}
	free(crafted);
	return rc;
}

static int show(void *context, const struct wn_traced *traced)
{
	const struct config *config = context;

	if (config->is_json)
		wn_trace_write(traced, stdout);
	else
		wn_trace_print(traced, stdout);
	return ferror(stdout) ? -EIO : 0;
}

static int run_trace(int argc, char **argv)
{
	static struct config config;
	struct wn_capture capture = {0};
	struct wn_error error = {0};
	int status = parse(&config, argc, argv), is_frame = 1, rc;

	if (status)
		return status < 0 ? WN_OK : status;
	rc = config.file ? wn_capture_read(&capture, config.file, config.most, &error)
			 : craft_packets(&config, &capture, &is_frame, &error);
	if (!rc)
		rc = wn_trace_run(&config.params, &capture, is_frame, config.link_options, 1, show, &config,
				  &error);
	wn_capture_free(&capture);
	if (rc && error.text[0])
		return wn_tool_fail(&wn_command_trace, &error);
	return wn_tool_finish_output(&wn_command_trace, rc ? WN_FAILED : WN_OK);
}

const struct wn_command wn_command_trace = {
	.name = "trace",
	.summary = "show what a program does with each packet of a capture file",
	.operands = "PROGRAM [FILE.pcap] [option...]",
	.arguments = trace_arguments,
	.notes = "For each packet: its layers, the bytes that the program read and wrote (from the start\n"
		 "of what it sees: a datagram's payload, or the frame), the verdict, the record, and what\n"
		 "came out, with what has changed.",
	.examples = "warpnic trace echo in.pcap -c 10\n"
		    "warpnic trace ./mine.c -x '\"hello\"' -x '00 ff'\n"
		    "warpnic trace ./mine.c mine.in.pcap --json >mine.out.json",
	.run = run_trace,
};
