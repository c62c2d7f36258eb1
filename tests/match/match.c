/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every device does with every packet what the cpu device does with it, byte for byte (src/tool/match.h).
 *
 *     match cuda          all programs in all modes
 *
 * The ready-made programs, and those of tests/programs that ask the dialect for everything it has.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/check.h"
#include "tool/match.h"

static const char *device_kind;
static char folder[128];

static void show(void *context, const char *line)
{
	(void)context;
	printf("# %s\n", line);
}

/* 0, or the status with which it could not begin. */
static int run_program(const struct wn_match_program *program, const char *device, enum wn_mode mode,
		       struct wn_match_outcome *outcome)
{
	const struct wn_match_hooks hooks = {.log = show};
	struct wn_match_program there = *program;
	struct wn_error error = {0};
	char path[256];

	if (strstr(program->name, ".c")) {
		snprintf(path, sizeof(path), "%s/%s", WN_TEST_PROGRAMS, program->name);
		there.name = path;
	}
	if (!wn_match_run(&there, folder, device, mode, outcome, &hooks, &error))
		return 0;
	printf("# %s\n", error.text);
	return error.status;
}

static void compare(const struct wn_match_outcome *a, const struct wn_match_outcome *b)
{
	char text[256] = "";

	if (!CHECK_INT(wn_match_compare(a, b, text, sizeof(text)), 0))
		printf("# %s\n", text);
}

static struct wn_match_outcome on_cpu, on_device;

#define DIALECT_TABLES {"slots=%s/slots", "names=%s/names", "routes=%s/routes"}
#define VALUES_TABLES {"slots=%s/sized-slots", "names=%s/sized-names", "routes=%s/sized-routes", "plain=%s/names"}

static const struct wn_match_program own[] = {
	{.name = "mixed.c", .shape = WN_MATCH_DATAGRAMS, .packets = 30000},
	{.name = "mixed.c", .shape = WN_MATCH_FRAMES, .packets = 20000},
	{.is_thorough = 1, .name = "mixed.c", .shape = WN_MATCH_TRAINS, .packets = 1500},
	{.name = "peer.c", .shape = WN_MATCH_DATAGRAMS, .packets = 10000},
	{.name = "peer.c", .shape = WN_MATCH_STACKED, .packets = 20000},
	{.name = "dialect.c",
	 .shape = WN_MATCH_DATAGRAMS,
	 .packets = 30000,
	 .tables = DIALECT_TABLES,
	 .data = "data"},
	{.name = "dialect.c",
	 .shape = WN_MATCH_STACKED,
	 .packets = 20000,
	 .tables = DIALECT_TABLES,
	 .data = "data"},
	{.name = "values.c", .shape = WN_MATCH_DATAGRAMS, .packets = 30000, .tables = VALUES_TABLES},
	{.name = "values.c", .shape = WN_MATCH_STACKED, .packets = 20000, .tables = VALUES_TABLES},
	{.name = NULL},
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

static const struct wn_match_program *program_now;
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
	const struct wn_match_program program = *program_now;
	char device[64];
	int rc;

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
	char path[256];
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
	static const char sized_slots[] = "0 x010203040506\n2 x212223242526\n5 7u16 192.0.2.5\n";
	static const char sized_names[] =
		"0 1 2 3\n1 0xffu8 x0102030405060708090a0b0c0d0e0f 7\n3 7 8 9\n";
	static const char sized_routes[] =
		"10.0.0.0/8 1u8 2u32 3\n10.1.0.0/16 1u8 3u32 4\n2001:db8::/32 4u8 5u32 6\n";

	if (wn_match_files_create(folder, sizeof(folder)))
		printf("Bail out! no temporary folder\n");
	write_text("sized-slots", sized_slots, sizeof(sized_slots) - 1);
	write_text("sized-names", sized_names, sizeof(sized_names) - 1);
	write_text("sized-routes", sized_routes, sizeof(sized_routes) - 1);
	write_text("slots", slots, sizeof(slots) - 1);
	write_text("names", names, sizeof(names) - 1);
	write_text("routes", routes, sizeof(routes) - 1);
	write_text("data", slots, sizeof(slots) - 1);
}

static void remove_files(void)
{
	static const char *const files[] = {"slots",	   "names",	  "routes",	 "data",
					    "sized-slots", "sized-names", "sized-routes"};
	char path[256];

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, files[i]);
		remove(path);
	}
	wn_match_files_remove(folder);
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

static void match_all(const struct wn_match_program *programs, const struct variant *variant)
{
	static const char *const shapes[] = {"datagrams", "frames", "the stack", "trains"};
	static char name[128];

	for (const struct wn_match_program *program = programs; program->name; program++) {
		if (variant->only_thorough && !program->is_thorough)
			continue;
		program_now = program;
		variant_now = variant;
		snprintf(name, sizeof(name), "%s, %s, %s", variant->name, program->name, shapes[program->shape]);
		check_run(test_match, name);
	}
}

int main(int count, char **arguments)
{
	const struct variant *variants;

	device_kind = count > 1 ? arguments[1] : "cuda";
	variants = !strncmp(device_kind, "opencl", 6)  ? opencl_variants
		   : !strncmp(device_kind, "metal", 5) ? metal_variants
						       : cuda_variants;
	if (!is_usable(device_kind))
		return check_skip_all("no such device on this machine");
	make_files();
	for (const struct variant *v = variants; v->name; v++) {
		if (count > 2 && !strstr(v->name, arguments[2]))
			continue;
		match_all(wn_match_programs, v);
		match_all(own, v);
	}
	remove_files();
	wn_match_finish(&on_cpu);
	wn_match_finish(&on_device);
	return check_finish();
}
