/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every device does with every packet what the cpu device does with it, byte for byte: replies,
 * forwards, deliveries and records in their order, the program's counters, and what was dropped by cause.
 *
 *     match cuda          all programs in all modes
 *
 * Packets are made from a seed: random bytes, frames that a stack takes, and the same with a few bytes
 * changed, of all lengths up to a slot's.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/check.h"
#include "tests/lane/frames.h"
#include "warpnic/runtime.h"

enum { BYTES_MAX = 65536, EVENTS_BYTES = 96 << 20 };

/* What the packets of a run are. */
enum shape { DATAGRAMS, FRAMES, STACKED, TRAINS };

struct program {
	const char *name;      /* or the path of a source below the tests' programs */
	enum shape shape;
	uint32_t packets;
	const char *tables[4];
	const char *data;
	const char *load;      /* for its loader; %s: the folder of the files */
	const char *parameter;
	int is_dns;            /* its payloads are questions */
	int is_thorough;       /* it is also run with the variants that only change how lanes are dealt out */
};

/* Events one behind the other: what was sent in one stream, what was delivered in another. */
struct stream {
	uint8_t *events;
	size_t bytes;
	uint32_t count;
};

struct outcome {
	struct stream sent, delivered;
	struct wn_counters counters;
	uint64_t program[WN_WISHES_MAX * 8];
	uint32_t program_count;
};

struct source {
	const struct program *program;
	struct outcome *outcome;
	uint32_t made;
	uint64_t random;
};

static const char *device_kind;
static char folder[64];

static uint32_t next_random(struct source *source)
{
	source->random ^= source->random << 13;
	source->random ^= source->random >> 7;
	source->random ^= source->random << 17;
	return (uint32_t)(source->random >> 24);
}

/* -- packets -- */

static uint32_t random_length(struct source *source, uint32_t most)
{
	const uint32_t kind = next_random(source) % 8;

	if (kind < 3)
		return next_random(source) % 33;
	if (kind < 6)
		return next_random(source) % 160;
	return next_random(source) % (most + 1);
}

static void fill(struct source *source, uint8_t *bytes, uint32_t length)
{
	for (uint32_t i = 0; i < length; i++)
		bytes[i] = (uint8_t)next_random(source);
}

/* A question to tests/programs/dialect.c or values.c, or whatever else reads its first byte. */
static uint32_t make_question(struct source *source, uint8_t *bytes)
{
	static const char kinds[] = "pah46wdcle";
	const uint32_t length = 32 + next_random(source) % 32;

	fill(source, bytes, length);
	bytes[0] = (uint8_t)kinds[next_random(source) % (sizeof(kinds) - 1)];
	if (next_random(source) % 4) {
		/* values.c: how it is read, and from where */
		bytes[1] = (uint8_t)"1248cn"[next_random(source) % 6];
		bytes[2] = 0;
		bytes[3] %= 28;
		bytes[4] %= 20;
	}
	if (next_random(source) % 4)
		memset(bytes + 8, 0, 7);
	if (next_random(source) % 2)
		bytes[15] %= 8;
	if (bytes[0] == '6' && next_random(source) % 2)
		memcpy(bytes + 16, "\x20\x01\x0d\xb8", 4);
	if (bytes[0] == '4' && next_random(source) % 2)
		memcpy(bytes + 12, "\x0a\x01", 2);
	return length;
}

/* A DNS query (RFC 1035, section 4.1) for a name of the zone that make_files() writes, or for another. */
static uint32_t make_query(struct source *source, uint8_t *bytes)
{
	static const char *const names[] = {"\3www", "\4mail", "\5alias", "\1x\4wild", "\3sub", "\0nothing", "\2ns"};
	static const uint8_t types[] = {1, 28, 15, 16, 2, 6, 255, 5};
	static const uint8_t head[] = {0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0};
	static const uint8_t zone[] = "\7example\3org";
	const char *name = names[next_random(source) % 7];
	uint32_t length = sizeof(head);

	memcpy(bytes, head, sizeof(head));
	bytes[0] = (uint8_t)next_random(source);
	memcpy(bytes + length, name, strlen(name));
	length += (uint32_t)strlen(name);
	memcpy(bytes + length, zone, sizeof(zone));
	length += sizeof(zone);
	bytes[length++] = 0;
	bytes[length++] = types[next_random(source) % 8];
	bytes[length++] = 0;
	bytes[length++] = 1;
	if (next_random(source) % 4 == 0)
		bytes[next_random(source) % length] ^= (uint8_t)(1u << next_random(source) % 8);
	return length;
}

static uint32_t make_payload(struct source *source, uint8_t *bytes, uint32_t most)
{
	uint32_t length;

	if (source->program->is_dns)
		return make_query(source, bytes);
	if (source->program->tables[0] || source->program->data)
		return make_question(source, bytes);
	length = random_length(source, most);
	fill(source, bytes, length);
	if (length && next_random(source) % 2)
		bytes[0] %= 20;
	return length;
}

static uint32_t make_frame(struct source *source, uint8_t *bytes)
{
	static uint8_t payload[BYTES_MAX];
	struct recipe recipe = {
		.tags = (int)(next_random(source) % 3),
		.v6 = (int)(next_random(source) % 2),
		.options = next_random(source) % 4 ? 0 : 8,
		.extensions = next_random(source) % 4 ? 0 : 2,
		.payload = payload,
		.padding = next_random(source) % 3 ? 0 : 7,
		.no_checksum = next_random(source) % 5 == 0,
	};
	uint32_t length;

	recipe.length = make_payload(source, payload, 1400);
	if (next_random(source) % 8 == 0) {
		recipe.protocol = recipe.v6 ? 58 : 1;
		payload[0] = recipe.v6 ? 128 : 8;
		payload[1] = 0;
		recipe.length = recipe.length < 8 ? 8 : recipe.length;
	}
	length = frame_make(bytes, &recipe);
	/* One in three is damaged: mostly in its headers. */
	if (next_random(source) % 3 == 0)
		for (uint32_t i = 0; i < 1 + next_random(source) % 3; i++)
			bytes[next_random(source) % (next_random(source) % 4 ? 60 : length)] ^=
				(uint8_t)(1u << next_random(source) % 8);
	if (next_random(source) % 16 == 0)
		length = next_random(source) % (length + 1);
	return length;
}

static int next_packet(void *context, uint32_t queue, uint8_t *bytes, uint32_t capacity,
		       struct wn_memory_packet *packet)
{
	struct source *source = context;
	static uint8_t made[BYTES_MAX];
	uint32_t length;

	(void)queue;
	if (source->made == source->program->packets)
		return -1;
	packet->tag = source->made++;
	packet->arrival_ns = 1000 + packet->tag;
	switch (source->program->shape) {
	case STACKED:
		length = make_frame(source, made);
		break;
	case FRAMES:
		length = next_random(source) % 2 ? make_frame(source, made)
						 : make_payload(source, made, 2048);
		break;
	case TRAINS:
		length = 0;
		packet->segment_bytes =
			1 + next_random(source) % (next_random(source) % 2 ? 64 : 1472);
		for (uint32_t left = 1 + next_random(source) % 128; left; left--)
			length += packet->segment_bytes;
		length = length > 60000 ? packet->segment_bytes * (60000 / packet->segment_bytes)
					: length;
		length -= next_random(source) % packet->segment_bytes;
		fill(source, made, length);
		for (uint32_t at = 0; at < length; at += packet->segment_bytes)
			made[at] = packet->tag % 4 ? (uint8_t)(packet->tag % 20)
						   : (uint8_t)(made[at] % 20);
		if (next_random(source) % 4 == 0)
			packet->segment_bytes = 0;
		break;
	default:
		length = make_payload(source, made, 2048);
	}
	packet->wire_length = length + (next_random(source) % 50 == 0);
	packet->length = length > capacity ? capacity : length;
	memcpy(bytes, made, packet->length);
	return 1;
}

/* -- what comes back -- */

static void note(struct stream *stream, uint32_t kind, uint32_t number, const void *bytes,
		 uint32_t length)
{
	const uint32_t head[3] = {kind, number, length};

	if (!CHECK(stream->bytes + sizeof(head) + length <= EVENTS_BYTES))
		return;
	memcpy(stream->events + stream->bytes, head, sizeof(head));
	if (length)
		memcpy(stream->events + stream->bytes + sizeof(head), bytes, length);
	stream->bytes += sizeof(head) + length;
	stream->count++;
}

static int take_packet(void *context, uint32_t queue, const uint8_t *bytes,
		       const struct wn_memory_packet *packet, int is_reply)
{
	struct source *source = context;

	(void)queue;
	note(&source->outcome->sent, is_reply ? 1 : 2,
	     is_reply ? (uint32_t)packet->tag : packet->segment_bytes, bytes, packet->length);
	return 0;
}

static int take_delivery(void *context, const struct wn_delivery *delivery)
{
	struct source *source = context;

	note(&source->outcome->delivered, delivery->is_record ? 3 : 4, delivery->index,
	     delivery->bytes, delivery->length);
	return 0;
}

static void show(void *context, const char *line)
{
	(void)context;
	printf("# %s\n", line);
}

/* -- a run -- */

static const char *link_of(enum shape shape)
{
	switch (shape) {
	case FRAMES:
		return "memory:kind=frame";
	case STACKED:
		return "memory:kind=frame,ip=10.0.0.2/24,ip=fd00::2/64,mac=02:00:00:00:00:09";
	case TRAINS:
		return "memory:trains=on";
	default:
		return "memory:";
	}
}

/* 0, or the status with which it could not begin. */
static int run_program(const struct program *program, const char *device, enum wn_mode mode,
		       struct outcome *outcome)
{
	struct source source = {
		.program = program, .outcome = outcome, .random = 88172645463325252u};
	const struct wn_memory_hooks hooks = {
		.context = &source, .next = next_packet, .take = take_packet};
	struct wn_runtime_params params = {
		.program = program->name,
		.device = device,
		.mode = mode,
		.links = {link_of(program->shape)},
		.link_count = 1,
		.hooks = &hooks,
		.deliver = take_delivery,
		.log = show,
		.context = &source,
		.data = program->data,
		.stop_ms = 20000,
	};
	char tables[4][128], path[256], load[256];
	const char *const loads[] = {load}, *const parameters[] = {program->parameter};
	struct wn_error error = {0};
	struct wn_runtime *runtime;

	if (strstr(program->name, ".c")) {
		snprintf(path, sizeof(path), "%s/%s", WN_TEST_PROGRAMS, program->name);
		params.program = path;
	}
	for (uint32_t i = 0; i < 4 && program->tables[i]; i++) {
		snprintf(tables[i], sizeof(tables[i]), program->tables[i], folder);
		params.tables[params.table_count++] = tables[i];
	}
	if (program->load) {
		snprintf(load, sizeof(load), program->load, folder);
		params.loads = loads;
		params.load_count = 1;
	}
	if (program->parameter)
		params.parameters[params.parameter_count++] = parameters[0];
	outcome->sent.bytes = outcome->sent.count = outcome->delivered.bytes =
		outcome->delivered.count = 0;
	memset(&outcome->counters, 0, sizeof(outcome->counters));
	runtime = wn_runtime_create(&params, &error);
	if (!runtime) {
		printf("# %s\n", error.text);
		return error.status;
	}
	if (CHECK_INT(wn_runtime_start(runtime, &error), 0)) {
		while (!wn_runtime_wait(runtime, 1000))
			continue;
		CHECK_INT(wn_runtime_stop(runtime), 0);
		wn_runtime_snapshot(runtime, &outcome->counters);
		outcome->program_count = wn_runtime_program_counters(runtime, outcome->program,
								     sizeof(outcome->program) / 8);
	} else {
		printf("# %s\n", error.text);
	}
	wn_runtime_destroy(runtime);
	return 0;
}

/* -- the comparison -- */

/* The first event that differs, in words. */
static void explain(const struct stream *a, const struct stream *b)
{
	size_t at = 0;

	while (at < a->bytes && at < b->bytes) {
		uint32_t one[3], other[3];

		memcpy(one, a->events + at, sizeof(one));
		memcpy(other, b->events + at, sizeof(other));
		if (memcmp(one, other, sizeof(one))) {
			printf("# cpu: kind %u of packet %u, %u bytes; here: kind %u of packet %u, "
			       "%u bytes\n",
			       one[0], one[1], one[2], other[0], other[1], other[2]);
			return;
		}
		at += sizeof(one);
		for (uint32_t i = 0; i < one[2]; i++) {
			if (a->events[at + i] != b->events[at + i]) {
				printf("# kind %u of packet %u: byte %u of %u is %02x, on the cpu "
				       "%02x\n",
				       one[0], one[1], i, one[2], b->events[at + i],
				       a->events[at + i]);
				return;
			}
		}
		at += one[2];
	}
	printf("# %u events on the cpu, %u here\n", a->count, b->count);
}

static void compare_streams(const struct stream *a, const struct stream *b)
{
	if (!CHECK(a->bytes == b->bytes && !memcmp(a->events, b->events, a->bytes)))
		explain(a, b);
}

static void compare(const struct outcome *a, const struct outcome *b)
{
	compare_streams(&a->sent, &b->sent);
	compare_streams(&a->delivered, &b->delivered);
	CHECK_INT(b->counters.received, a->counters.received);
	CHECK_INT(b->counters.answered, a->counters.answered);
	CHECK_INT(b->counters.forwarded, a->counters.forwarded);
	CHECK_INT(b->counters.delivered, a->counters.delivered);
	for (int i = 0; i < WN_CAUSE_COUNT; i++)
		if (!CHECK_INT(b->counters.dropped[i], a->counters.dropped[i]))
			printf("# that was cause %d\n", i);
	CHECK_INT(b->program_count, a->program_count);
	for (uint32_t i = 0; i < a->program_count; i++)
		CHECK_INT(b->program[i], a->program[i]);
}

static struct outcome on_cpu, on_device;

#define DIALECT_TABLES {"slots=%s/slots", "names=%s/names", "routes=%s/routes"}
#define VALUES_TABLES {"slots=%s/sized-slots", "names=%s/sized-names", "routes=%s/sized-routes", "plain=%s/names"}

static const struct program programs[] = {
	{.name = "drop", .shape = DATAGRAMS, .packets = 5000},
	{.name = "count", .shape = DATAGRAMS, .packets = 20000},
	{.name = "count", .shape = FRAMES, .packets = 20000},
	{.name = "echo", .shape = DATAGRAMS, .packets = 20000},
	{.name = "echo", .shape = STACKED, .packets = 20000},
	{.is_thorough = 1, .name = "echo", .shape = TRAINS, .packets = 1500},
	{.name = "count", .shape = TRAINS, .packets = 1500},
	{.name = "transform", .shape = DATAGRAMS, .packets = 20000},
	{.is_thorough = 1, .name = "transform", .shape = STACKED, .packets = 20000},
	{.name = "transform", .shape = TRAINS, .packets = 1000},
	{.name = "sum", .shape = FRAMES, .packets = 10000},
	{.name = "work", .shape = DATAGRAMS, .packets = 2000},
	{.name = "forward", .shape = FRAMES, .packets = 10000},
	{.name = "capture", .shape = FRAMES, .packets = 10000},
	{.name = "l2fwd", .shape = FRAMES, .packets = 20000},
	{.name = "mixed.c", .shape = DATAGRAMS, .packets = 30000},
	{.name = "mixed.c", .shape = FRAMES, .packets = 20000},
	{.is_thorough = 1, .name = "mixed.c", .shape = TRAINS, .packets = 1500},
	{.name = "peer.c", .shape = DATAGRAMS, .packets = 10000},
	{.name = "peer.c", .shape = STACKED, .packets = 20000},
	{.name = "dialect.c",
	 .shape = DATAGRAMS,
	 .packets = 30000,
	 .tables = DIALECT_TABLES,
	 .data = "data"},
	{.name = "dialect.c",
	 .shape = STACKED,
	 .packets = 20000,
	 .tables = DIALECT_TABLES,
	 .data = "data"},
	{.name = "values.c", .shape = DATAGRAMS, .packets = 30000, .tables = VALUES_TABLES},
	{.name = "values.c", .shape = STACKED, .packets = 20000, .tables = VALUES_TABLES},
	{.name = "filter", .shape = FRAMES, .packets = 20000, .load = "expression=udp port 53 or ip6 or greater 700"},
	{.name = "route", .shape = FRAMES, .packets = 20000, .load = "routes=%s/interfaces", .parameter = "icmp_rate=0"},
	{.name = "dns", .shape = DATAGRAMS, .packets = 20000, .load = "zone=%s/zone",
	 .parameter = "rate_limit=0", .is_dns = 1},
	{.name = "dns", .shape = STACKED, .packets = 10000, .load = "zone=%s/zone",
	 .parameter = "rate_limit=0", .is_dns = 1},
};

static const struct variant {
	const char *device;
	enum wn_mode mode;
	const char *name;
	int only_thorough;
} cuda_variants[] = {
	{"", WN_MODE_RESIDENT, "resident", 0},
	{",groups=1", WN_MODE_RESIDENT, "resident, one group", 0},
	{",lease=2", WN_MODE_LEASE, "lease", 0},
	{"", WN_MODE_BATCH, "batch", 0},
	{",ahead=2,batch=7", WN_MODE_BATCH, "batch, 7 packets a launch, 2 ahead", 1},
	{",code=ptx", WN_MODE_RESIDENT, "resident, PTX", 0},
	{",rings=gpu", WN_MODE_RESIDENT, "resident, rings in GPU memory", 0},
	{",rings=gpu,lease=2", WN_MODE_LEASE, "lease, rings in GPU memory", 0},
	{NULL, WN_MODE_AUTO, NULL, 0},
};

/*
 * One group of one lane, as suits processors; several lanes, whose barriers are real ones; parts of a queue that
 * share a group. On a device that cannot poll only batch mode is left, in the driver's own time.
 */
static const struct variant opencl_variants[] = {
	{"", WN_MODE_RESIDENT, "resident", 0},
	{",lanes=8,groups=3", WN_MODE_RESIDENT, "resident, 8 lanes, three parts", 1},
	{",lease=2", WN_MODE_LEASE, "lease", 0},
	{"", WN_MODE_BATCH, "batch", 0},
	{",transfer=copy,lanes=4,batch=32,ahead=8", WN_MODE_BATCH, "batch, copied, 4 lanes, 32 packets a launch", 1},
	{NULL, WN_MODE_AUTO, NULL, 0},
};

/* On the mock of tests/metal. Fewer threads than packets, and more; pieces that a burst does not fit into. */
static const struct variant metal_variants[] = {
	{"", WN_MODE_BATCH, "batch", 0},
	{",lanes=4,batch=32,ahead=4", WN_MODE_BATCH, "batch, 4 threads, 32 packets a command buffer", 1},
	{",lanes=8", WN_MODE_LEASE, "lease, 8 threads", 1},
	{",lanes=1,lease=1", WN_MODE_LEASE, "lease, one thread, 1 ms", 1},
	{NULL, WN_MODE_AUTO, NULL, 0},
};

static const struct program *program_now;
static const struct variant *variant_now;

/* Whether such a device starts at all. */
static int starts(const char *device)
{
	const struct wn_runtime_params params = {
		.program = "echo", .device = device, .links = {"memory:count=1"}, .link_count = 1};
	struct wn_runtime *runtime = wn_runtime_create(&params, NULL);
	const int does = runtime && !wn_runtime_start(runtime, NULL);

	if (does)
		wn_runtime_stop(runtime);
	wn_runtime_destroy(runtime);
	return does;
}

static void test_match(void)
{
	struct program program = *program_now;
	char device[64], data[128];
	int rc;

	snprintf(data, sizeof(data), "%s/data", folder);
	if (program.data)
		program.data = data;
	if (strstr(variant_now->device, "ptx") && strstr(program.name, ".c"))
		SKIP("a program of one's own has no PTX");
	snprintf(device, sizeof(device), "%s%s", device_kind, variant_now->device);
	if (strstr(variant_now->device, "rings") && !starts(device))
		SKIP("no GPU memory here that the host can write");
	rc = run_program(&program, "cpu", WN_MODE_BATCH, &on_cpu);
	if (rc == WN_UNAVAILABLE)
		SKIP("this build has not what the program needs");
	CHECK_INT(rc, 0);
	CHECK(on_cpu.counters.received > 0);
	if (CHECK_INT(run_program(&program, device, variant_now->mode, &on_device), 0))
		compare(&on_cpu, &on_device);
}

static void write_text(const char *name, const char *text, size_t bytes)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "w");
	if (!file || fwrite(text, 1, bytes, file) != bytes || fclose(file))
		printf("Bail out! cannot write %s\n", path);
}

static void make_files(void)
{
	static const char slots[] = "0 11\n1 22\n2 33\n5 44\n",
			  names[] = "0 7\n1 8\n3 9\n72623859790382856 1\n";
	static const char routes[] =
		"10.0.0.0/8 1\n10.1.0.0/16 2\n10.1.128.0/17 3\n2001:db8::/32 4\n::/0 5\n";
	static const char interfaces[] = "interface 0 mac 02:00:00:00:00:09 ip 10.0.0.9/24\n"
					 "route 10.0.0.0/8 link 0 mac 02:00:00:00:01:01\n"
					 "route fd00::/16 link 0 mac 02:00:00:00:01:02\n";
	static const char zone[] = "$ORIGIN example.org.\n$TTL 60\n@ SOA ns host 1 2 3 4 5\n@ NS ns\n@ MX 10 mail\n"
				   "ns A 192.0.2.1\nns AAAA 2001:db8::1\nwww A 192.0.2.2\nwww A 192.0.2.3\n"
				   "mail A 192.0.2.9\nalias CNAME www\n*.wild TXT \"x\"\nsub NS ns.sub\n"
				   "ns.sub A 192.0.2.7\n";
	static const char sized_slots[] = "0 x010203040506\n2 x212223242526\n5 7u16 192.0.2.5\n";
	static const char sized_names[] =
		"0 1 2 3\n1 0xffu8 x0102030405060708090a0b0c0d0e0f 7\n3 7 8 9\n";
	static const char sized_routes[] =
		"10.0.0.0/8 1u8 2u32 3\n10.1.0.0/16 1u8 3u32 4\n2001:db8::/32 4u8 5u32 6\n";

	snprintf(folder, sizeof(folder), "/tmp/wn-match-XXXXXX");
	if (!mkdtemp(folder))
		printf("Bail out! no temporary folder\n");
	write_text("sized-slots", sized_slots, sizeof(sized_slots) - 1);
	write_text("sized-names", sized_names, sizeof(sized_names) - 1);
	write_text("sized-routes", sized_routes, sizeof(sized_routes) - 1);
	write_text("interfaces", interfaces, sizeof(interfaces) - 1);
	write_text("zone", zone, sizeof(zone) - 1);
	write_text("slots", slots, sizeof(slots) - 1);
	write_text("names", names, sizeof(names) - 1);
	write_text("routes", routes, sizeof(routes) - 1);
	write_text("data", slots, sizeof(slots) - 1);
}

static void remove_files(void)
{
	static const char *const files[] = {"slots",	   "names",	  "routes",	 "data",
					    "sized-slots", "sized-names", "sized-routes", "interfaces", "zone"};
	char path[128];

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, files[i]);
		remove(path);
	}
	remove(folder);
}

static int is_usable(const char *kind)
{
	struct wn_device_summary list[16];
	const int count = wn_device_list(list, 16);

	for (int i = 0; i < count && i < 16; i++)
		if (!strncmp(list[i].spec, kind, strlen(kind)) && list[i].usable)
			return 1;
	return 0;
}

int main(int count, char **arguments)
{
	static char name[128];
	const struct variant *variants;

	device_kind = count > 1 ? arguments[1] : "cuda";
	variants = !strncmp(device_kind, "opencl", 6)  ? opencl_variants
		   : !strncmp(device_kind, "metal", 5) ? metal_variants
						       : cuda_variants;
	if (!is_usable(device_kind))
		return check_skip_all("no such device on this machine");
	on_cpu.sent.events = malloc(EVENTS_BYTES);
	on_cpu.delivered.events = malloc(EVENTS_BYTES);
	on_device.sent.events = malloc(EVENTS_BYTES);
	on_device.delivered.events = malloc(EVENTS_BYTES);
	make_files();
	for (const struct variant *v = variants; v->name; v++) {
		if (count > 2 && !strstr(v->name, arguments[2]))
			continue;
		for (size_t p = 0; p < sizeof(programs) / sizeof(programs[0]); p++) {
			static const char *const shapes[] = {"datagrams", "frames", "the stack",
							     "trains"};

			if (v->only_thorough && !programs[p].is_thorough)
				continue;
			program_now = &programs[p];
			variant_now = v;
			snprintf(name, sizeof(name), "%s, %s, %s", v->name,
				 programs[p].name, shapes[programs[p].shape]);
			check_run(test_match, name);
		}
	}
	remove_files();
	return check_finish();
}
