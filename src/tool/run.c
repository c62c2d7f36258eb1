/* SPDX-License-Identifier: Apache-2.0 */
/* warpnic run: links, a device and a program, until the end or a signal. */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "ring/order.h"
#include "tool/run.h"
#include "tool/tool.h"

/* What the callbacks of the runtime need. */
struct sinks {
	struct wn_run_records *records;
	const struct wn_record_field *fields;
};

/* A signal to stop that comes this soon after the first is the same one. */
#define SECOND_SIGNAL_NS (100 * WN_MILLISECOND_NS)

/* Set by signal handlers, taken by the main loop. */
static uint32_t stop_signals, usage_signals, reload_signals;
static int64_t stop_ns;          /* when the first came */
static char control_path[128];   /* removed even by an end without patience; "": none */

static void on_stop(int signal)
{
	(void)signal;
	if (wn_load_relaxed(&stop_signals)) {
		/* timeout(1) sends two at once, to its child and to the group of both. */
		if (wn_clock_ns() - stop_ns < SECOND_SIGNAL_NS)
			return;
		if (control_path[0])
			unlink(control_path);
		_exit(WN_FAILED); /* the second one: no more patience */
	}
	stop_ns = wn_clock_ns();
	wn_store_relaxed(&stop_signals, 1);
}

static void on_reload(int signal)
{
	(void)signal;
	wn_store_relaxed(&reload_signals, 1);
}

static void on_usage(int signal)
{
	(void)signal;
	wn_store_relaxed(&usage_signals, 1);
}

static void catch_signals(void)
{
	struct sigaction stop = {.sa_handler = on_stop}, usage = {.sa_handler = on_usage};
	struct sigaction ignore = {.sa_handler = SIG_IGN}, reload = {.sa_handler = on_reload}, before;

	sigaction(SIGINT, &stop, NULL);
	sigaction(SIGTERM, &stop, NULL);
	sigaction(SIGUSR1, &usage, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
	sigaction(SIGXFSZ, &ignore, NULL); /* a file at its limit (RLIMIT_FSIZE) is an error like another */
	sigaction(SIGHUP, &reload, &before);
	if (before.sa_handler == SIG_IGN)
		sigaction(SIGHUP, &before, NULL); /* nohup(1) */
}

/* The terminal that showed our table has gone: that SIGHUP is the old one, which means the end. */
static int is_hung_up(int had_terminal)
{
	struct pollfd terminal = {.fd = STDERR_FILENO};

	return had_terminal && poll(&terminal, 1, 0) == 1 && (terminal.revents & (POLLHUP | POLLERR));
}

static void log_line(void *context, const char *line)
{
	(void)context;
	fprintf(stderr, "warpnic: %s\n", line);
}

static int take_delivery(void *context, const struct wn_delivery *delivery)
{
	const struct sinks *sinks = context;

	if (!sinks->records || !delivery->is_record)
		return 0;
	return wn_run_records_write(sinks->records, sinks->fields, delivery);
}

/* Waits for what comes first: the end, a request, or `next`; not for long, as signals set words. */
static int wait_until(struct wn_runtime *runtime, struct wn_run_control *control, int64_t next)
{
	const int64_t most = (control->socket ? 10 : 50) * WN_MILLISECOND_NS;
	int64_t left = next - wn_clock_ns();

	left = left < 0 ? 0 : left < most ? left : most;
	/* Rounded up: the last part of a millisecond is not spun away beside those who work. */
	left = (left + WN_MILLISECOND_NS - 1) / WN_MILLISECOND_NS;
	if (!control->socket)
		return wn_runtime_wait(runtime, (uint32_t)left);
	wn_run_control_wait(control, (int)left);
	return wn_runtime_wait(runtime, 0);
}

/* Runs until the links end, time is up, somebody asks for the end, or a signal comes. */
static int watch(struct wn_runtime *runtime, const struct wn_run_config *config, struct wn_run_control *control,
		 const struct wn_run_sample *first)
{
	struct wn_run_table table = {
		.file = stderr,
		.is_terminal = isatty(STDERR_FILENO),
		.has_colour = wn_tool_has_colour(stderr),
	};
	const int64_t interval = (int64_t)(config->interval * 1e9);
	const int64_t end = config->duration > 0 ? first->at_ns + (int64_t)(config->duration * 1e9)
						 : INT64_MAX;
	struct wn_run_sample before = *first, now;
	int rc = 0;

	while (rc == 0 && !wn_load_relaxed(&stop_signals) && !control->wants_stop) {
		const int64_t next = interval && interval < end - before.at_ns ? before.at_ns + interval : end;

		rc = wait_until(runtime, control, next);
		if (wn_load_relaxed(&reload_signals)) {
			wn_store_relaxed(&reload_signals, 0);
			if (is_hung_up(table.is_terminal))
				break;
			wn_run_reload(control);
			table.lines = 0;
		}
		if (wn_load_relaxed(&usage_signals)) {
			wn_store_relaxed(&usage_signals, 0);
			wn_run_take_sample(runtime, &now);
			wn_run_print_summary(runtime, first, &now, 0, stderr);
			table.lines = 0;
		}
		if (wn_clock_ns() < next)
			continue;
		if (!config->quiet && interval) {
			wn_run_take_sample(runtime, &now);
			wn_run_table_show(&table, runtime, first, &before, &now);
			before = now;
		} else {
			before.at_ns = wn_clock_ns();
		}
		if (wn_clock_ns() >= end)
			break;
	}
	return rc < 0 ? rc : 0;
}

static int report(const struct wn_runtime *runtime, const struct wn_run_config *config,
		  const struct wn_run_sample *first, const struct wn_run_sample *last)
{
	if (config->json)
		return wn_run_print_json(runtime, first, last, 1, stdout);
	wn_run_print_summary(runtime, first, last, 1, config->writes_stdout ? stderr : stdout);
	return 0;
}

/*
 * The end came and somebody did not: a program that does not return, or whoever reads our output.
 * Nothing may be waited for any more, not even stdout.
 */
static void give_up(const struct wn_runtime *runtime, const struct wn_run_sample *first,
		    const struct wn_run_sample *last)
{
	wn_run_print_summary(runtime, first, last, 0, stderr);
	fprintf(stderr, "warpnic run: not everything ended in time (--stop-timeout): see %s\n",
		last->counters.in_flight ? "in_flight" : "dropped_device_stopped");
	fflush(stderr);
	_exit(WN_FAILED);
}

static void print_start(const struct wn_runtime *runtime, const struct wn_run_control *control)
{
	if (wn_run_control_path(control))
		fprintf(stderr, "warpnic: control socket %s\n", wn_run_control_path(control));
	wn_run_print_start(runtime, stderr);
}

/* The whole life of a runtime. The exit status. */
static int live(struct wn_runtime *runtime, struct wn_run_config *config, struct sinks *sinks,
		struct wn_run_control *control)
{
	struct wn_run_sample first, ended, last;
	struct wn_error error = {0};
	int status = WN_OK, stopped;

	sinks->fields = wn_runtime_record_fields(runtime);
	wn_run_take_sample(runtime, &first);
	control->runtime = runtime;
	control->params = &config->params;
	control->first = &first;
	control->is_quiet = config->quiet;
	if (!config->quiet)
		print_start(runtime, control);
	if (wn_runtime_start(runtime, &error))
		return wn_tool_fail(&wn_command_run, &error);
	/* A device may take a while to start; rates are those of what runs. */
	first.at_ns = wn_clock_ns();
	if (watch(runtime, config, control, &first))
		status = WN_FAILED;
	wn_run_take_sample(runtime, &ended);
	stopped = wn_runtime_stop(runtime);
	wn_run_take_sample(runtime, &last);
	/* Rates are those of the time in which packets came; a device may take a while to end. */
	last.at_ns = ended.at_ns;
	last.user_ns = ended.user_ns;
	last.system_ns = ended.system_ns;
	if (wn_counters_difference(&last.counters) || !wn_run_file_is_whole(runtime))
		status = WN_FAILED;
	if (!stopped) {
		report(runtime, config, &first, &last);
		return status;
	}
	wn_run_control_close(control);
	give_up(runtime, &first, &last);
	return WN_FAILED;
}

/* From the parsed command line to the end. The exit status. */
static int run_with(struct wn_run_config *config, struct wn_run_control *control)
{
	struct wn_error error = {0};
	struct sinks sinks = {0};
	struct wn_runtime *runtime;
	int status, rc;

	config->params.deliver = take_delivery;
	config->params.log = log_line;
	config->params.context = &sinks;
	runtime = wn_runtime_create(&config->params, &error);
	if (!runtime)
		return wn_tool_fail(&wn_command_run, &error);
	if (config->records) {
		sinks.records = wn_run_records_open(config->records, &error);
		if (!sinks.records) {
			wn_runtime_destroy(runtime);
			return wn_tool_fail(&wn_command_run, &error);
		}
	}
	status = live(runtime, config, &sinks, control);
	wn_runtime_destroy(runtime);
	rc = wn_run_records_close(sinks.records);
	if (rc) {
		fprintf(stderr, "warpnic run: records: %s\n", strerror(rc));
		status = WN_FAILED;
	}
	return wn_tool_finish_output(&wn_command_run, status);
}

int wn_tool_run(int argc, char **argv)
{
	static struct wn_run_config config = {.interval = 1};
	struct wn_run_control control = {0};
	struct wn_error error = {0};
	int status = wn_run_parse(&config, argc, argv);

	if (status)
		return status < 0 ? WN_OK : status;
	catch_signals();
	if (wn_run_control_open(&control, config.control, &error))
		return wn_tool_fail(&wn_command_run, &error);
	if (wn_run_control_path(&control))
		snprintf(control_path, sizeof(control_path), "%s", wn_run_control_path(&control));
	status = run_with(&config, &control);
	wn_run_control_close(&control);
	return status;
}
