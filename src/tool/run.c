/* SPDX-License-Identifier: Apache-2.0 */
/* warpnic run: links, a device and a program, until the end or a signal. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "ring/order.h"
#include "tool/run.h"
#include "tool/tool.h"

enum {
	ARGUMENT_LINK = 1,
	ARGUMENT_INTERFACE,
	ARGUMENT_READ,
	ARGUMENT_WRITE,
	ARGUMENT_COUNT,
	ARGUMENT_DURATION,
	ARGUMENT_DEVICE,
	ARGUMENT_PARAM,
	ARGUMENT_TABLE,
	ARGUMENT_DATA,
	ARGUMENT_LOAD,       /* an option of a loader, src/data/loader.h: its name is that of the row */
	ARGUMENT_OTHER,      /* a parameter of the program, by its own name */
	ARGUMENT_MODE,
	ARGUMENT_DRIVE,
	ARGUMENT_SLOTS,
	ARGUMENT_SLOT_BYTES,
	ARGUMENT_PUMPS,
	ARGUMENT_TIMES,
	ARGUMENT_FULL,
	ARGUMENT_STOP,
	ARGUMENT_RECORDS,
	ARGUMENT_DELIVER,
	ARGUMENT_CONTROL,
	ARGUMENT_INTERVAL,
	ARGUMENT_JSON,
	ARGUMENT_QUIET
};

enum { SECONDS_MAX = 1000000000 };

static const struct wn_argument run_arguments[] = {
	{ARGUMENT_LINK, 'L', "link", "LINK", WN_ARGUMENT_TEXT, 0, 0, "@link",
	 "KIND:ADDRESS[,option=value...]; may be given several times; `warpnic links` lists them"},
	{ARGUMENT_INTERFACE, 'i', "interface", "IFACE", WN_ARGUMENT_TEXT, 0, 0, NULL,
	 "frames of an interface: --link packet:IFACE"},
	{ARGUMENT_READ, 'r', "read", "FILE", WN_ARGUMENT_TEXT, 0, 0, "@file",
	 "frames of a capture file: --link pcap:FILE"},
	{ARGUMENT_WRITE, 'w', "write", "FILE", WN_ARGUMENT_TEXT, 0, 0, "@file",
	 "write what is delivered, and with -r what is answered, to a capture file; - is stdout"},
	{ARGUMENT_COUNT, 'c', "count", "N", WN_ARGUMENT_NUMBER, 1, 0, NULL,
	 "end after N packets"},
	{ARGUMENT_DURATION, 'l', "duration", "SECONDS", WN_ARGUMENT_REAL, 0, SECONDS_MAX, NULL,
	 "end after this long (0: never)"},
	{ARGUMENT_DEVICE, 'd', "device", "DEVICE", WN_ARGUMENT_TEXT, 0, 0, "@device",
	 "who runs the program: cpu[,workers=N] (preset cpu); `warpnic devices` lists them"},
	{ARGUMENT_PARAM, 'p', "param", "NAME=VALUE", WN_ARGUMENT_TEXT, 0, 0, NULL,
	 "set a parameter of the program, the same as --NAME VALUE; may be given several times"},
	{ARGUMENT_TABLE, 't', "table", "NAME=FILE", WN_ARGUMENT_TEXT, 0, 0, "@file",
	 "fill a table of the program from a text file; may be given several times"},
	{ARGUMENT_DATA, 0, "data", "FILE", WN_ARGUMENT_TEXT, 0, 0, "@file",
	 "a file that the program reads"},
	{ARGUMENT_LOAD, 0, "zone", "FILE", WN_ARGUMENT_TEXT, 0, 0, "@file",
	 "dns: a zone file; may be given several times"},
	{ARGUMENT_LOAD, 0, "root", "DIR", WN_ARGUMENT_TEXT, 0, 0, "@dir",
	 "http: the directory whose files are served"},
	{ARGUMENT_LOAD, 0, "routes", "FILE|kernel:IFACE,...", WN_ARGUMENT_TEXT, 0, 0, NULL,
	 "route: routes and neighbours of a text file, or the kernel's, interfaces in the order of the links"},
	{ARGUMENT_LOAD, 0, "expression", "TEXT", WN_ARGUMENT_TEXT, 0, 0, NULL,
	 "filter: what to deliver, in tcpdump's language; may be given several times"},
	{ARGUMENT_MODE, 0, "mode", "MODE", WN_ARGUMENT_CHOICE, 0, 0, "auto|resident|lease|batch",
	 "how the device comes by its packets (preset auto)"},
	{ARGUMENT_DRIVE, 0, "drive", "WHO", WN_ARGUMENT_CHOICE, 0, 0, "auto|host|device",
	 "who talks to the kernel for each packet: pumps of the host, or the device itself (preset auto: the "
	 "device, on xdp and uring links)"},
	{ARGUMENT_SLOTS, 0, "slots", "N", WN_ARGUMENT_NUMBER, 0, 0, NULL,
	 "slots a queue, a power of two (preset 4096; 256 for trains)"},
	{ARGUMENT_SLOT_BYTES, 0, "slot-bytes", "BYTES", WN_ARGUMENT_SIZE, 0, 0, NULL,
	 "bytes a slot, a power of two (preset 2048, or what the link needs)"},
	{ARGUMENT_PUMPS, 0, "pumps", "N", WN_ARGUMENT_NUMBER, 1, 2, NULL,
	 "threads a queue: 1, or 2 to receive and transmit apart (preset: chosen)"},
	{ARGUMENT_TIMES, 0, "times", "WHETHER", WN_ARGUMENT_CHOICE, 0, 0, "on|off",
	 "follow one packet in some thousand on its way, and tell where its time goes (preset on)"},
	{ARGUMENT_FULL, 0, "full", "WHAT", WN_ARGUMENT_CHOICE, 0, 0, "wait|drop",
	 "while the ring is full, let packets wait in the kernel, or read and drop them (preset wait)"},
	{ARGUMENT_STOP, 0, "stop-timeout", "SECONDS", WN_ARGUMENT_REAL, 0, 86400, NULL,
	 "how long the end may take before what is unanswered is given up (preset 2)"},
	{ARGUMENT_RECORDS, 0, "records", "FILE", WN_ARGUMENT_TEXT, 0, 0, "@file",
	 "write the records that the program delivers, a JSON object a line; - is stdout"},
	{ARGUMENT_DELIVER, 0, "deliver", "uring:file:PATH", WN_ARGUMENT_TEXT, 0, 0, "@deliver",
	 "the device itself writes what is delivered to a pcapng file, through the io_uring of its uring:udp link: "
	 "[,direct=auto|on|off][,buffer=BYTES][,flush=MS][,append=on]"},
	{ARGUMENT_CONTROL, 0, "control", "PATH", WN_ARGUMENT_TEXT, 0, 0, "@file",
	 "socket for `warpnic reload`, stats and stop (preset: warpnic-PID.sock in $XDG_RUNTIME_DIR or "
	 "/run; off: none)"},
	{ARGUMENT_INTERVAL, 'S', "interval", "SECONDS", WN_ARGUMENT_REAL, 0, 86400, NULL,
	 "time between two looks at the counters (preset 1)"},
	{ARGUMENT_JSON, 'j', "json", .help = "end with one JSON document on stdout"},
	{ARGUMENT_QUIET, 'q', "quiet", .help = "no table and no start-up lines"},
	{0},
};

static const struct wn_argument other_arguments = {
	ARGUMENT_OTHER, 0, NULL, "VALUE", WN_ARGUMENT_TEXT, 0, 0, NULL,
	"no option of run, so a parameter of the program; `warpnic run PROGRAM --help` lists both"};

struct config {
	struct wn_runtime_params params;
	char made[WN_LINKS_MAX][1000];   /* links spelled out from -i, -r and -w */
	uint32_t made_count;
	char **loads;                    /* "OPTION=VALUE", allocated */
	uint32_t load_count;
	char named[WN_WISHES_MAX][256];  /* parameters given as options of their own: "--NAME=VALUE" */
	uint32_t named_count;
	char filter[4096];
	const char *read, *write, *records, *control;
	double duration, interval;
	int json, quiet;
	int writes_stdout;              /* packets or records go there: talk must not */
};

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

static int add_link(struct config *config, const char *spec)
{
	if (config->params.link_count == WN_LINKS_MAX)
		return wn_tool_usage(&wn_command_run, "more than %d links", WN_LINKS_MAX);
	config->params.links[config->params.link_count++] = spec;
	return 0;
}

/* Appends a name to a link's text, where a comma and a backslash are written with a backslash. */
static void append_name(char *text, size_t bytes, const char *name)
{
	size_t used = strlen(text);

	for (; *name && used + 2 < bytes; name++) {
		if (*name == ',' || *name == '\\')
			text[used++] = '\\';
		text[used++] = *name;
	}
	text[used] = '\0';
}

/* A link from -i, -r or -w: `kind` and a name, and where `option` is not NULL that and another. */
static int make_link(struct config *config, const char *kind, const char *name, const char *option,
		     const char *other)
{
	char *text = config->made[config->made_count];
	const size_t bytes = sizeof(config->made[0]);

	if (config->made_count == WN_LINKS_MAX)
		return wn_tool_usage(&wn_command_run, "more than %d links", WN_LINKS_MAX);
	/* Twice: every character may need a backslash. */
	if (2 * (strlen(name) + strlen(other)) + 32 > bytes)
		return wn_tool_usage(&wn_command_run, "-i, -r and -w: the names are longer than %zu characters",
				     bytes / 2 - 16);
	snprintf(text, bytes, "%s", kind);
	append_name(text, bytes, name);
	if (option) {
		snprintf(text + strlen(text), bytes - strlen(text), "%s", option);
		append_name(text, bytes, other);
	}
	config->made_count++;
	return add_link(config, text);
}

static int add_wish(const char **list, uint32_t *count, const struct wn_arguments *parsed)
{
	if (*count == WN_WISHES_MAX)
		return wn_tool_usage(&wn_command_run, "--%s: given more than %d times",
				     parsed->argument->name, WN_WISHES_MAX);
	list[(*count)++] = parsed->text;
	return 0;
}

/* Zone files may be many: this list has no end. Lives as long as the process, as argv does. */
static int add_load(struct config *config, const struct wn_arguments *parsed)
{
	char **moved = realloc(config->loads, (config->load_count + 1) * sizeof(*moved));

	if (moved)
		config->loads = moved;
	if (!moved || asprintf(&moved[config->load_count], "%s=%s", parsed->argument->name, parsed->text) < 0) {
		const struct wn_error error = {WN_FAILED, "out of memory"};

		return wn_tool_fail(&wn_command_run, &error);
	}
	config->load_count++;
	config->params.loads = (const char *const *)config->loads;
	config->params.load_count = config->load_count;
	return 0;
}

/* "--" in front tells the runtime what the user typed. */
static int add_named_parameter(struct config *config, const struct wn_arguments *parsed)
{
	struct wn_runtime_params *params = &config->params;
	char *text = config->named[config->named_count];
	int length;

	if (params->parameter_count == WN_WISHES_MAX)
		return wn_tool_usage(&wn_command_run, "--%s: given more than %d times",
				     parsed->name, WN_WISHES_MAX);
	length = snprintf(text, sizeof(config->named[0]), "--%s=%s", parsed->name, parsed->text);
	if (length >= (int)sizeof(config->named[0]))
		return wn_tool_usage(&wn_command_run, "--%s '%s': longer than any parameter", parsed->name,
				     parsed->text);
	config->named_count++;
	params->parameters[params->parameter_count++] = text;
	return 0;
}

static int take_argument(struct config *config, int code, const struct wn_arguments *parsed)
{
	struct wn_runtime_params *params = &config->params;

	switch (code) {
	case ARGUMENT_LINK:
		return add_link(config, parsed->text);
	case ARGUMENT_INTERFACE:
		return make_link(config, "packet:", parsed->text, NULL, "");
	case ARGUMENT_READ:
		if (config->read)
			return wn_tool_usage(&wn_command_run, "-r: given twice; use --link pcap:FILE");
		config->read = parsed->text;
		return 0;
	case ARGUMENT_WRITE:
		config->write = parsed->text;
		return 0;
	case ARGUMENT_COUNT:
		params->packet_limit = parsed->number;
		return 0;
	case ARGUMENT_DURATION:
		config->duration = parsed->real;
		return 0;
	case ARGUMENT_DEVICE:
		params->device = parsed->text;
		return 0;
	case ARGUMENT_PARAM:
		return add_wish(params->parameters, &params->parameter_count, parsed);
	case ARGUMENT_TABLE:
		return add_wish(params->tables, &params->table_count, parsed);
	case ARGUMENT_DATA:
		params->data = parsed->text;
		return 0;
	case ARGUMENT_LOAD:
		return add_load(config, parsed);
	case ARGUMENT_OTHER:
		return add_named_parameter(config, parsed);
	case ARGUMENT_MODE:
		params->mode = (enum wn_mode)parsed->number;
		return 0;
	case ARGUMENT_DRIVE:
		params->drive = (enum wn_drive_choice)parsed->number;
		return 0;
	case ARGUMENT_SLOTS:
	case ARGUMENT_SLOT_BYTES:
		if (parsed->number == 0 || parsed->number > UINT32_MAX)
			return wn_tool_usage(&wn_command_run, "--%s %s: must be a power of two, for example %s",
					     parsed->argument->name, parsed->text,
					     code == ARGUMENT_SLOTS ? "4096" : "2048");
		*(code == ARGUMENT_SLOTS ? &params->slot_count : &params->slot_bytes) =
			(uint32_t)parsed->number;
		return 0;
	case ARGUMENT_PUMPS:
		params->pump_threads = (uint32_t)parsed->number;
		return 0;
	case ARGUMENT_TIMES:
		params->times_off = (uint32_t)parsed->number;
		return 0;
	case ARGUMENT_FULL:
		params->when_full = (enum wn_when_full)parsed->number;
		return 0;
	case ARGUMENT_STOP:
		params->stop_ms = (uint32_t)(parsed->real * 1000) + 1;
		return 0;
	case ARGUMENT_RECORDS:
		config->records = parsed->text;
		return 0;
	case ARGUMENT_DELIVER:
		if (params->deliver_file)
			return wn_tool_usage(&wn_command_run, "--deliver: given twice");
		params->deliver_file = parsed->text;
		return 0;
	case ARGUMENT_CONTROL:
		config->control = parsed->text;
		return 0;
	case ARGUMENT_INTERVAL:
		config->interval = parsed->real > 0.01 ? parsed->real : 0.01;
		return 0;
	case ARGUMENT_JSON:
		config->json = 1;
		return 0;
	default:
		config->quiet = 1;
		return 0;
	}
}

/* -r and -w: with both, answers and deliveries go to one file; with -w alone, deliveries do. */
static int add_files(struct config *config)
{
	if (config->read) {
		const int rc = make_link(config, "pcap:", config->read,
					 config->write ? ",times=file,write=" : NULL,
					 config->write ? config->write : "");

		config->params.deliver_link = config->write ? config->params.link_count : 0;
		return rc;
	}
	if (config->write) {
		const int rc = make_link(config, "pcap:", "", ",write=", config->write);

		config->params.deliver_link = config->params.link_count;
		return rc;
	}
	return 0;
}

static int take_operands(struct config *config, const struct wn_arguments *parsed)
{
	size_t used = 0;
	int i = parsed->operand;

	if (i == parsed->argc && config->named_count) {
		char *text = config->named[config->named_count - 1], *value = strchr(text, '=');

		*value++ = '\0';
		return wn_tool_usage(&wn_command_run, "no program named, and '%s' is no option of run ('%s' was "
						      "taken for its value)", text, value);
	}
	if (i == parsed->argc)
		return wn_tool_usage(&wn_command_run, "no program named; `warpnic programs` lists them");
	config->params.program = parsed->argv[i++];
	for (; i < parsed->argc && used < sizeof(config->filter); i++)
		used += (size_t)snprintf(config->filter + used, sizeof(config->filter) - used, "%s%s",
					 used ? " " : "", parsed->argv[i]);
	if (used >= sizeof(config->filter))
		return wn_tool_usage(&wn_command_run, "the filter is longer than %zu characters",
				     sizeof(config->filter));
	if (used)
		config->params.filter = config->filter;
	return 0;
}

/* Packets, records and the document each want stdout for themselves. */
static int check_stdout(struct config *config)
{
	int users = config->json != 0;

	if (config->records && !strcmp(config->records, "-"))
		users++, config->writes_stdout = 1;
	for (uint32_t i = 0; i < config->params.link_count; i++) {
		const char *option = strstr(config->params.links[i], ",write=-");

		if (option && (option[8] == '\0' || option[8] == ','))
			users++, config->writes_stdout = 1;
	}
	if (users < 2)
		return 0;
	return wn_tool_usage(&wn_command_run,
			     "--json, --records - and a capture written to - all want stdout: choose one");
}

static int parse(struct config *config, int argc, char **argv)
{
	struct wn_arguments parsed;
	int code, rc;

	wn_arguments_init(&parsed, &wn_command_run, argc, argv);
	while ((code = wn_arguments_next(&parsed)) > 0) {
		rc = take_argument(config, code, &parsed);
		if (rc)
			return rc;
	}
	if (code < 0)
		return parsed.status ? parsed.status : -1;
	rc = take_operands(config, &parsed);
	if (!rc)
		rc = add_files(config);
	if (!rc && config->params.deliver_file && (config->records || config->write))
		rc = wn_tool_usage(&wn_command_run, "--deliver: what is delivered goes there, so nothing is left for %s",
				   config->records ? "--records" : "-w");
	return rc ? rc : check_stdout(config);
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
	if (!control->socket)
		return wn_runtime_wait(runtime, (uint32_t)(left / WN_MILLISECOND_NS));
	wn_run_control_wait(control, (int)(left / WN_MILLISECOND_NS));
	return wn_runtime_wait(runtime, 0);
}

/* Runs until the links end, time is up, somebody asks for the end, or a signal comes. */
static int watch(struct wn_runtime *runtime, const struct config *config, struct wn_run_control *control,
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
		const int64_t next = before.at_ns + interval < end ? before.at_ns + interval : end;

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
		if (!config->quiet) {
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

static int report(const struct wn_runtime *runtime, const struct config *config,
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
static int live(struct wn_runtime *runtime, struct config *config, struct sinks *sinks,
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
static int run_with(struct config *config, struct wn_run_control *control)
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
	static struct config config = {.interval = 1};
	struct wn_run_control control = {0};
	struct wn_error error = {0};
	int status = parse(&config, argc, argv);

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

const struct wn_command wn_command_run = {
	.name = "run",
	.summary = "run a packet program on links",
	.operands = "PROGRAM [option...] [filter word...]",
	.arguments = run_arguments,
	.others = &other_arguments,
	.more_help = wn_program_help,
	.notes = "PROGRAM is the name of a ready-made program or the path of your own .c file.\n"
		 "What it has as parameters are options, too: --NAME VALUE, the same as --param\n"
		 "NAME=VALUE; `warpnic run PROGRAM --help` lists them.\n"
		 "Filter words are a tcpdump expression, for links that carry frames.\n"
		 "SIGINT and SIGTERM drain and print the summary, a second one aborts; SIGUSR1\n"
		 "prints the counters and goes on; SIGHUP reloads program, tables and files, as\n"
		 "`warpnic reload` does.",
	.examples = "warpnic run echo --link udp:127.0.0.1:9000\n"
		    "warpnic run dns --zone example.zone --rate-limit off --link udp::5353\n"
		    "warpnic run count -i eth0 udp port 53\n"
		    "warpnic run count -r trace.pcap --json\n"
		    "warpnic run transform --link udp::5005 --records -\n"
		    "warpnic run capture --link uring:udp::9000 --deliver uring:file:out.pcapng\n"
		    "warpnic run ./mine.c --link udp:[::1]:9000,queues=2 --device cpu,workers=2",
	.run = wn_tool_run,
};
