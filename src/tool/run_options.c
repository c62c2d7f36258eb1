/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of `warpnic run`: what it takes, and what it makes of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
	 "time between two lines of the table (preset 1; 0: none)"},
	{ARGUMENT_JSON, 'j', "json", .help = "end with one JSON document on stdout"},
	{ARGUMENT_QUIET, 'q', "quiet", .help = "no table and no start-up lines"},
	{0},
};

static const struct wn_argument other_arguments = {
	ARGUMENT_OTHER, 0, NULL, "VALUE", WN_ARGUMENT_TEXT, 0, 0, NULL,
	"no option of run, so a parameter of the program; `warpnic run PROGRAM --help` lists both"};

static int add_link(struct wn_run_config *config, const char *spec)
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
static int make_link(struct wn_run_config *config, const char *kind, const char *name, const char *option,
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
static int add_load(struct wn_run_config *config, const struct wn_arguments *parsed)
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
static int add_named_parameter(struct wn_run_config *config, const struct wn_arguments *parsed)
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

static int take_argument(struct wn_run_config *config, int code, const struct wn_arguments *parsed)
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
		config->interval = parsed->real > 0.01 || parsed->real == 0 ? parsed->real : 0.01;
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
static int add_files(struct wn_run_config *config)
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

static int take_operands(struct wn_run_config *config, const struct wn_arguments *parsed)
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
static int check_stdout(struct wn_run_config *config)
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

int wn_run_parse(struct wn_run_config *config, int argc, char **argv)
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
