/* SPDX-License-Identifier: Apache-2.0 */
#include "tool/send.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "clock.h"
#include "tool/tool.h"

enum {
	ARGUMENT_COUNT = 1,
	ARGUMENT_DURATION,
	ARGUMENT_RATE,
	ARGUMENT_SIZE,
	ARGUMENT_WINDOW,
	ARGUMENT_SOURCES,
	ARGUMENT_GSO,
	ARGUMENT_GRO,
	ARGUMENT_NO_REPLY,
	ARGUMENT_VERIFY,
	ARGUMENT_NO_VERIFY,
	ARGUMENT_TIMEOUT,
	ARGUMENT_EXPECT_LOSS,
	ARGUMENT_INTERVAL,
	ARGUMENT_JSON
};

static const struct wn_argument send_arguments[] = {
	{ARGUMENT_COUNT, 'c', "count", "N", WN_ARGUMENT_NUMBER, 1, 0, NULL,
	 "stop after N packets"},
	{ARGUMENT_DURATION, 'l', "duration", "SECONDS", WN_ARGUMENT_REAL, 0, 1000000000, NULL,
	 "stop after SECONDS; 0: no limit (preset: 10, or with --count no limit)"},
	{ARGUMENT_RATE, 'Q', "rate", "PPS", WN_ARGUMENT_NUMBER, 0, 1000000000, NULL,
	 "packets a second; 0: flat out, or with replies as fast as the window lets (preset 0)"},
	{ARGUMENT_SIZE, 0, "size", "BYTES", WN_ARGUMENT_SIZE, 0, WN_SEND_MESSAGE_MAX, NULL,
	 "payload bytes a packet (preset 64); below 16 replies are matched by order alone"},
	{ARGUMENT_WINDOW, 0, "window", "N", WN_ARGUMENT_NUMBER, 1, WN_SEND_WINDOW_MAX, NULL,
	 "at most N packets in flight (preset 64; 1 measures latency)"},
	{ARGUMENT_SOURCES, 0, "sources", "N", WN_ARGUMENT_NUMBER, 1, WN_SEND_SOURCES_MAX, NULL,
	 "send from N sockets, so from N ports, in turn (preset 1)"},
	{ARGUMENT_GSO, 0, "gso", "N", WN_ARGUMENT_NUMBER, 1, WN_SEND_GSO_MAX, NULL,
	 "hand the kernel trains of N packets (UDP_SEGMENT; preset 1: single packets)"},
	{ARGUMENT_GRO, .name = "gro", .help = "take replies as trains, too (UDP_GRO)"},
	{ARGUMENT_NO_REPLY, .name = "no-reply", .help = "do not wait for replies, only send"},
	{ARGUMENT_VERIFY, .name = "verify",
	 .help = "a reply must be byte for byte what was sent (the preset)"},
	{ARGUMENT_NO_VERIFY, .name = "no-verify",
	 .help = "a reply need only carry its packet's number"},
	{ARGUMENT_TIMEOUT, 0, "timeout", "SECONDS", WN_ARGUMENT_REAL, 0, 3600, NULL,
	 "a packet without a reply for SECONDS is lost (preset 1)"},
	{ARGUMENT_EXPECT_LOSS, 0, "expect-loss", "PERCENT", WN_ARGUMENT_REAL, 0, 100, NULL,
	 "exit with 1 where more than PERCENT of the packets were lost (preset 0)"},
	{ARGUMENT_INTERVAL, 'S', "interval", "SECONDS", WN_ARGUMENT_REAL, 0, 1000000000, NULL,
	 "a progress line on stderr every SECONDS; 0: none (preset: 1 on a terminal, else 0)"},
	{ARGUMENT_JSON, 'j', "json", .help = "print the summary as one JSON document"},
	{.code = 0},
};

static void set_presets(struct wn_send_config *config)
{
	config->payload_bytes = 64;
	config->window = 64;
	config->gso = 1;
	config->sources = 1;
	config->is_verified = 1;
	config->awaits_replies = 1;
	config->duration_ns = -1;
	config->timeout_ns = WN_SECOND_NS;
	config->interval_ns = isatty(STDERR_FILENO) ? WN_SECOND_NS : 0;
}

static int64_t to_ns(double seconds)
{
	return (int64_t)llround(seconds * 1e9);
}

static void set_argument(struct wn_send_config *config, int code, const struct wn_arguments *given)
{
	switch (code) {
	case ARGUMENT_COUNT:
		config->count = given->number;
		break;
	case ARGUMENT_DURATION:
		config->duration_ns = to_ns(given->real);
		break;
	case ARGUMENT_RATE:
		config->rate = given->number;
		break;
	case ARGUMENT_SIZE:
		config->payload_bytes = (uint32_t)given->number;
		break;
	case ARGUMENT_WINDOW:
		config->window = (uint32_t)given->number;
		break;
	case ARGUMENT_SOURCES:
		config->sources = (uint32_t)given->number;
		break;
	case ARGUMENT_GSO:
		config->gso = (uint32_t)given->number;
		break;
	case ARGUMENT_GRO:
		config->is_gro = 1;
		break;
	case ARGUMENT_NO_REPLY:
		config->awaits_replies = 0;
		break;
	case ARGUMENT_VERIFY:
	case ARGUMENT_NO_VERIFY:
		config->is_verified = code == ARGUMENT_VERIFY;
		break;
	case ARGUMENT_TIMEOUT:
		config->timeout_ns = to_ns(given->real);
		break;
	case ARGUMENT_EXPECT_LOSS:
		config->expect_loss_percent = given->real;
		break;
	case ARGUMENT_INTERVAL:
		config->interval_ns = to_ns(given->real);
		break;
	case ARGUMENT_JSON:
		config->is_json = 1;
		break;
	}
}

/* What no single option can be blamed for. 0 or the exit status. */
static int check_config(struct wn_send_config *config)
{
	const struct wn_command *command = &wn_command_send;

	if (config->duration_ns < 0)
		config->duration_ns = config->count ? 0 : 10 * WN_SECOND_NS;
	if (config->gso > 1 && !config->payload_bytes)
		return wn_tool_usage(command, "--gso %u: trains need --size 1 or more", config->gso);
	if (config->gso * config->payload_bytes > WN_SEND_MESSAGE_MAX)
		return wn_tool_usage(command,
				     "--gso %u of %u bytes: a train holds %d bytes, so at most --gso %u",
				     config->gso, config->payload_bytes, WN_SEND_MESSAGE_MAX,
				     WN_SEND_MESSAGE_MAX / config->payload_bytes);
	if (config->awaits_replies && config->window < config->gso)
		return wn_tool_usage(command, "--window %u: smaller than a train; at least --gso's %u",
				     config->window, config->gso);
	if (!config->timeout_ns)
		return wn_tool_usage(command, "--timeout 0: must be more than 0 seconds");
	return 0;
}

/* 0; or -1 where the subcommand is to return *status. */
static int parse(struct wn_send_config *config, int argc, char **argv, int *status)
{
	struct wn_arguments arguments;
	int code;

	set_presets(config);
	wn_arguments_init(&arguments, &wn_command_send, argc, argv);
	while ((code = wn_arguments_next(&arguments)) > 0)
		set_argument(config, code, &arguments);
	*status = arguments.status;
	if (code < 0)
		return -1;
	if (arguments.operand == argc)
		*status = wn_tool_usage(&wn_command_send, "no target; it is HOST:PORT");
	else if (arguments.operand + 1 < argc)
		*status = wn_tool_usage(&wn_command_send, "'%s': one target is enough",
					argv[arguments.operand + 1]);
	else
		*status = check_config(config);
	config->target = argv[arguments.operand];
	return *status ? -1 : 0;
}

static int init(struct wn_send *send, struct wn_error *error)
{
	int rc = wn_send_open(send, error);

	if (rc)
		return rc;
	rc = wn_send_buffers_init(&send->buffers, &send->config);
	if (!rc && send->config.awaits_replies)
		rc = wn_window_init(&send->window, send->config.window);
	return rc ? wn_fail(error, -rc, WN_FAILED, "out of memory") : 0;
}

static void finish(struct wn_send *send)
{
	wn_window_finish(&send->window);
	wn_send_buffers_finish(&send->buffers);
	wn_send_close(send);
	free(send);
}

static int run_send(int argc, char **argv)
{
	struct wn_send *send = calloc(1, sizeof(*send));
	struct wn_error error = {WN_FAILED, "out of memory"};
	int status;

	if (!send)
		return wn_tool_fail(&wn_command_send, &error);
	if (parse(&send->config, argc, argv, &status))
		goto finish_send;
	status = WN_FAILED;
	if (init(send, &error)) {
		status = wn_tool_fail(&wn_command_send, &error);
		goto finish_send;
	}
	if (wn_send_loop(send, &error))
		status = wn_tool_fail(&wn_command_send, &error);
	else
		status = wn_send_judge(send);
	if (send->counters.sent || status != WN_USAGE)
		wn_send_report(send);
	status = wn_tool_finish_output(&wn_command_send, status);

finish_send:
	finish(send);
	return status;
}

const struct wn_command wn_command_send = {
	.name = "send",
	.summary = "send UDP packets, match the replies, measure loss and round trips",
	.operands = "HOST:PORT [option...]",
	.arguments = send_arguments,
	.notes = "Numbers take a suffix: k, m, g (1000s; for --size 1024s). One thread sends and\n"
		 "receives; a packet's clock starts when its burst is handed to the kernel.\n"
		 "SIGINT and SIGTERM stop sending, wait for what is in flight, and print the\n"
		 "summary; a second one does not wait.\n"
		 "Exit status: 0; 1 where nothing came back, a reply differed, or more was lost\n"
		 "than --expect-loss allows; 2 usage; 69 not permitted or no way to the target.",
	.examples = "warpnic send 127.0.0.1:9000                          flat out, 64 in flight\n"
		    "warpnic send 127.0.0.1:9000 --window 1 --duration 5  round trip of one packet\n"
		    "warpnic send [::1]:9000 --rate 100k --size 512       at a rate\n"
		    "warpnic send 192.0.2.1:9000 --gso 64 --no-reply      as much as one core can\n"
		    "warpnic send 127.0.0.1:9000 -c 1000 --json           for scripts",
	.run = run_send,
};
