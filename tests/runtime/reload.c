/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hundreds of changes of program, parameters and tables under load: every packet is answered once, by
 * one version as a whole, and by none that was out of place when it came. And what cannot take the old
 * one's place leaves it there.
 */
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "link/address.h"
#include "tests/runtime/network.h"

/* Answers as the program tests/programs/version.c writes them. */
enum { BYTES = 20, SWAPS_MAX = 200, PACKETS_MAX = 1 << 22, QUEUES = 2, OUTSTANDING = 16 };

static char home[] = "/tmp/warpnic-reload-XXXXXX";

/* What the far side knows. Generation g has version g % 2 + 1, parameter g, and mark g. */
struct far {
	uint32_t stop;                            /* 1: hand in no more */
	uint32_t made[QUEUES];                    /* written by the receive pump of each */
	uint32_t reloads_begun;                   /* the last generation that may answer */
	uint32_t first[SWAPS_MAX + 1][QUEUES];    /* packets of a queue from here on: this generation or later */
	uint32_t reloads_done;                    /* release: first[] up to here is written */
	uint8_t answered[QUEUES][PACKETS_MAX];
	uint32_t answers[QUEUES], wrong[QUEUES];
	uint32_t changes[QUEUES], last[QUEUES];
	uint32_t seen[QUEUES];                    /* the largest that a cell held */
};

static uint32_t read_u32(const uint8_t *bytes)
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static void write_u32(uint8_t *bytes, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		bytes[i] = (uint8_t)(value >> (24 - 8 * i));
}

/* One answer to packet `number` of a queue. */
static void note_answer(struct far *far, uint32_t queue, uint32_t number, const uint8_t *bytes)
{
	const uint32_t version = read_u32(bytes), generation = read_u32(bytes + 4), mark = read_u32(bytes + 8);
	const uint32_t begun = wn_load_acquire(&far->reloads_begun);
	const uint32_t done = wn_load_acquire(&far->reloads_done);
	const int is_right = version == generation % 2 + 1 && mark == generation && generation <= begun &&
			     read_u32(bytes + 12) == number;

	far->answers[queue]++;
	if (read_u32(bytes + 16) > far->seen[queue])
		far->seen[queue] = read_u32(bytes + 16);
	if (generation != far->last[queue])
		far->changes[queue]++;
	far->last[queue] = generation;
	if (number >= PACKETS_MAX || far->answered[queue][number]++ || !is_right)
		far->wrong[queue]++;
	/* None of a version that was gone before the packet came. */
	else if (done > generation && number >= far->first[generation + 1][queue])
		far->wrong[queue]++;
}

static int far_next(void *context, uint32_t queue, uint8_t *bytes, uint32_t capacity,
		    struct wn_memory_packet *packet)
{
	struct far *far = context;
	const uint32_t number = far->made[queue];

	(void)capacity;
	if (wn_load_relaxed(&far->stop))
		return -1;
	/* As many for each generation, so that there is a load to the end. */
	if (number >= (wn_load_relaxed(&far->reloads_done) + 1) * (PACKETS_MAX / (SWAPS_MAX + 1)))
		return 0;
	memset(bytes, 0, BYTES);
	write_u32(bytes + 12, number);
	packet->length = BYTES;
	packet->tag = number;
	wn_store_release(&far->made[queue], number + 1);
	return 1;
}

static int far_take(void *context, uint32_t queue, const uint8_t *bytes,
		    const struct wn_memory_packet *packet, int is_reply)
{
	struct far *far = context;

	CHECK(is_reply && packet->length == BYTES);
	note_answer(far, queue, (uint32_t)packet->tag, bytes);
	return 0;
}

/* -- versions: files that are renamed into place, as an installation does it -- */

static void write_file(const char *name, const char *text)
{
	char path[256], next[264];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", home, name);
	snprintf(next, sizeof(next), "%s.next", path);
	file = fopen(next, "w");
	CHECK(file && fputs(text, file) >= 0 && !fclose(file) && !rename(next, path));
}

static void write_mark(uint32_t generation)
{
	char text[32];

	snprintf(text, sizeof(text), "1 %u\n", generation);
	write_file("marks", text);
}

/* Makes programs/version.so the ready-made version. */
static void choose(uint32_t version)
{
	char target[512], path[256], next[256];

	snprintf(target, sizeof(target), "%s/version%u.so", WN_TEST_BUILD, version);
	snprintf(path, sizeof(path), "%s/programs/version.so", home);
	snprintf(next, sizeof(next), "%s/programs/next.so", home);
	unlink(next);
	CHECK(!symlink(target, next) && !rename(next, path));
}

static char marks[300], generations[SWAPS_MAX + 1][32];

static struct wn_runtime_params params_of(uint32_t generation)
{
	struct wn_runtime_params params = {.program = "version", .link_count = 1, .stop_ms = 20000};

	snprintf(marks, sizeof(marks), "marks=%s/marks", home);
	snprintf(generations[generation], sizeof(generations[0]), "generation=%u", generation);
	params.parameters[0] = generations[generation];
	params.parameter_count = 1;
	params.tables[0] = marks;
	params.table_count = 1;
	return params;
}

/* Brings generation g in, and notes from which packet on no older one may answer. */
static void swap_to(struct wn_runtime *runtime, struct far *far, uint32_t g)
{
	const struct wn_runtime_params wishes = params_of(g);
	struct wn_error error = {0};

	choose(g % 2 + 1);
	write_mark(g);
	wn_store_release(&far->reloads_begun, g);
	CHECK_INT(wn_runtime_reload(runtime, &wishes, &error), 0);
	CHECK_TEXT(error.text, "");
	for (uint32_t queue = 0; queue < QUEUES; queue++)
		far->first[g][queue] = wn_load_acquire(&far->made[queue]);
	wn_store_release(&far->reloads_done, g);
}

static uint64_t counter_of(const struct wn_runtime *runtime, const char *name)
{
	uint64_t values[64] = {0};
	const uint32_t count = wn_runtime_program_counters(runtime, values, 64);

	for (uint32_t i = 0; i < count; i++)
		if (!strcmp(wn_runtime_program_counter_name(runtime, i), name))
			return values[i];
	return UINT64_MAX;
}

static uint64_t histogram_sum(const struct wn_runtime *runtime, const char *name)
{
	uint64_t buckets[WN_HISTOGRAM_BUCKETS_LOG2], sum = 0;
	const char *found;

	for (uint32_t h = 0; (found = wn_runtime_program_histogram(runtime, h, buckets)); h++) {
		for (uint32_t b = 0; b < WN_HISTOGRAM_BUCKETS_LOG2 && !strcmp(found, name); b++)
			sum += buckets[b];
	}
	return sum;
}

/* The counts of both versions go on under one name. */
static void check_counts(struct wn_runtime *runtime, const struct wn_counters *counters, uint64_t answers)
{
	CHECK_INT(wn_counters_difference(counters), 0);
	CHECK_INT(counters->in_flight, 0);
	CHECK_INT(counters->received, answers);
	CHECK_INT(counters->answered, answers);
	CHECK_INT(counter_of(runtime, "packets"), answers);
	CHECK_INT(histogram_sum(runtime, "lengths"), answers);
}

struct load {
	enum wn_mode mode;
	const char *device;
	uint32_t pumps, swaps;
};

/* A sum of one moment: names and numbers belong together as long as no reload came between. */
static uint64_t steady_sum(const struct wn_runtime *runtime)
{
	uint32_t before, after;
	uint64_t sum;

	do {
		before = wn_runtime_reload_count(runtime);
		sum = histogram_sum(runtime, "lengths");
		after = wn_runtime_reload_count(runtime);
	} while (before != after);
	return sum;
}

/* Program counters asked for by another thread, all the time: they only ever grow. */
static void *ask(void *argument)
{
	struct watcher *watcher = argument;
	uint64_t before = 0;

	while (!wn_load_relaxed(&watcher->stop)) {
		const uint64_t now = steady_sum(watcher->runtime);

		CHECK(now >= before);
		before = now;
		CHECK_TEXT(wn_runtime_program_name(watcher->runtime), "version");
		nanosleep(&(struct timespec){0, 100000}, NULL);
	}
	return NULL;
}

static void swap_on_memory(const struct load *load)
{
	struct far *far = calloc(1, sizeof(*far));
	const struct wn_memory_hooks hooks = {far, far_next, far_take};
	struct wn_runtime_params params = params_of(0);
	struct watcher watcher = {0};
	struct wn_counters counters;
	struct wn_error error = {0};

	choose(1);
	write_mark(0);
	params.links[0] = "memory:queues=2";
	params.hooks = &hooks;
	params.mode = load->mode;
	params.device = load->device;
	params.pump_threads = load->pumps;
	params.slot_count = 128;
	watcher.runtime = wn_runtime_create(&params, &error);
	CHECK_TEXT(error.text, "");
	if (!watcher.runtime)
		return;
	CHECK_INT(wn_runtime_start(watcher.runtime, &error), 0);
	CHECK_INT(pthread_create(&watcher.thread, NULL, ask, &watcher), 0);
	for (uint32_t g = 1; g <= load->swaps; g++)
		swap_to(watcher.runtime, far, g);
	CHECK_INT(wn_runtime_reload_count(watcher.runtime), load->swaps);
	wn_store_relaxed(&far->stop, 1);
	while (!wn_runtime_wait(watcher.runtime, 100))
		continue;
	wn_store_relaxed(&watcher.stop, 1);
	pthread_join(watcher.thread, NULL);
	CHECK_INT(wn_runtime_stop(watcher.runtime), 0);
	wn_runtime_snapshot(watcher.runtime, &counters);
	check_counts(watcher.runtime, &counters, (uint64_t)far->answers[0] + far->answers[1]);
	/* The cell counted on through all versions; the last to be run saw all. */
	CHECK_INT(far->seen[0] > far->seen[1] ? far->seen[0] : far->seen[1],
		  far->answers[0] + far->answers[1]);
	for (uint32_t queue = 0; queue < QUEUES; queue++) {
		CHECK_INT(far->wrong[queue], 0);
		CHECK_INT(far->answers[queue], far->made[queue]);
		CHECK(far->changes[queue] >= load->swaps / 4);
		if (load->mode == WN_MODE_BATCH)
			CHECK(far->changes[queue] <= load->swaps);
	}
	printf("# %u swaps, %u packets, %u and %u changes seen\n", load->swaps,
	       far->answers[0] + far->answers[1], far->changes[0], far->changes[1]);
	wn_runtime_destroy(watcher.runtime);
	free(far);
}

static void test_memory_batch(void)
{
	swap_on_memory(&(struct load){WN_MODE_BATCH, "cpu", 1, SWAPS_MAX});
}

static void test_memory_batch_two_pumps(void)
{
	swap_on_memory(&(struct load){WN_MODE_BATCH, "cpu", 2, SWAPS_MAX});
}

static void test_memory_resident(void)
{
	swap_on_memory(&(struct load){WN_MODE_RESIDENT, "cpu,workers=3", 1, SWAPS_MAX});
}

static void test_memory_lease(void)
{
	swap_on_memory(&(struct load){WN_MODE_LEASE, "cpu,workers=2", 2, SWAPS_MAX});
}

/* -- udp: real sockets, some packets outstanding at any time, none lost -- */

struct client {
	struct far *far;
	pthread_t thread;
	union wn_address address;
};

static int client_socket(const struct client *client)
{
	const struct timeval patience = {30, 0};
	const int fd = socket(client->address.any.sa_family, SOCK_DGRAM, 0);

	CHECK(fd >= 0);
	CHECK_INT(connect(fd, &client->address.any, wn_address_length(&client->address)), 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	return fd;
}

static void *client_main(void *argument)
{
	struct client *client = argument;
	struct far *far = client->far;
	const int fd = client_socket(client);
	uint32_t number = 0;

	while (!wn_load_relaxed(&far->stop) && number < PACKETS_MAX - OUTSTANDING) {
		uint8_t bytes[OUTSTANDING][BYTES] = {{0}};

		for (uint32_t i = 0; i < OUTSTANDING; i++) {
			write_u32(bytes[i] + 12, number);
			wn_store_release(&far->made[0], ++number);
			CHECK_INT(send(fd, bytes[i], BYTES, 0), BYTES);
		}
		for (uint32_t i = 0; i < OUTSTANDING; i++) {
			const ssize_t got = recv(fd, bytes[0], BYTES, 0);

			CHECK_INT(got, BYTES);
			if (got == BYTES)
				note_answer(far, 0, read_u32(bytes[0] + 12), bytes[0]);
		}
	}
	close(fd);
	return NULL;
}

static void swap_on_udp(const struct load *load)
{
	struct wn_runtime_params params = params_of(0);
	struct client client = {.far = calloc(1, sizeof(struct far))};
	struct wn_counters counters;
	struct wn_error error = {0};
	struct wn_runtime *runtime;
	char text[128];

	choose(1);
	write_mark(0);
	params.links[0] = "udp:127.0.0.1:0";
	params.mode = load->mode;
	params.device = load->device;
	params.pump_threads = load->pumps;
	runtime = wn_runtime_create(&params, &error);
	CHECK_TEXT(error.text, "");
	if (!runtime)
		return;
	snprintf(text, sizeof(text), "%s", wn_runtime_link_where(runtime, 0) + 4);
	text[strcspn(text, " ")] = '\0';
	CHECK_INT(wn_address_parse(&client.address, text, &error), 0);
	CHECK_INT(wn_runtime_start(runtime, &error), 0);
	CHECK_INT(pthread_create(&client.thread, NULL, client_main, &client), 0);
	for (uint32_t g = 1; g <= load->swaps; g++)
		swap_to(runtime, client.far, g);
	wn_store_relaxed(&client.far->stop, 1);
	pthread_join(client.thread, NULL);
	CHECK_INT(wn_runtime_stop(runtime), 0);
	wn_runtime_snapshot(runtime, &counters);
	check_counts(runtime, &counters, client.far->answers[0]);
	CHECK_INT(client.far->wrong[0], 0);
	CHECK_INT(client.far->seen[0], client.far->answers[0]);
	CHECK_INT(client.far->answers[0], client.far->made[0]);
	CHECK(client.far->changes[0] >= load->swaps / 4);
	printf("# %u swaps, %u packets, %u changes seen\n", load->swaps, client.far->answers[0],
	       client.far->changes[0]);
	wn_runtime_destroy(runtime);
	free(client.far);
}

static void test_udp_batch(void)
{
	swap_on_udp(&(struct load){WN_MODE_BATCH, "cpu", 1, 100});
}

static void test_udp_resident(void)
{
	swap_on_udp(&(struct load){WN_MODE_RESIDENT, "cpu,workers=2", 2, 100});
}

static void test_udp_lease(void)
{
	swap_on_udp(&(struct load){WN_MODE_LEASE, "cpu", 1, 100});
}

/* -- what is refused -- */

#define SOURCE(name, kind, extra, value)                                                           \
	extra "\n#include <warpnic/program.h>\nWN_PROGRAM(" name ", " kind ", 16)\n{\n"             \
	"\twn_put_u32(packet, 0, " value ");\n\treturn WN_REPLY;\n}\n"

#define TABLE "#define WN_TABLES(X) X(array, t, \"index and value\")"

/* An answer of the one that runs. */
static uint32_t asked(int fd)
{
	uint8_t bytes[BYTES] = {0};

	CHECK_INT(send(fd, bytes, BYTES, 0), BYTES);
	CHECK_INT(recv(fd, bytes, BYTES, 0), BYTES);
	return read_u32(bytes);
}

static void refused(struct wn_runtime *runtime, int fd, const struct wn_runtime_params *wishes,
		    const char *words)
{
	struct wn_error error = {0};

	CHECK(wn_runtime_reload(runtime, wishes, &error) < 0);
	CHECK(strstr(error.text, words) != NULL);
	if (!strstr(error.text, words))
		printf("# '%s' is not in '%s'\n", words, error.text);
	CHECK_INT(asked(fd), 1);
}

static void refuse_sources(struct wn_runtime *runtime, int fd)
{
	write_file("p.c", SOURCE("p", "WN_DATAGRAM", TABLE, "no_such_name"));
	refused(runtime, fd, NULL, "no_such_name");
	write_file("p.c", SOURCE("q", "WN_DATAGRAM", TABLE, "2"));
	refused(runtime, fd, NULL, "called 'q' now and was 'p'");
	write_file("p.c", SOURCE("p", "WN_FRAME", TABLE, "2"));
	refused(runtime, fd, NULL, "takes frames now and took datagrams");
	write_file("p.c", SOURCE("p", "WN_DATAGRAM", TABLE "\n#define WN_RECORD(X) X(u32, f)", "2"));
	refused(runtime, fd, NULL, "records of program 'p' have other fields");
	write_file("p.c", SOURCE("p", "WN_DATAGRAM", "", "2"));
	refused(runtime, fd, NULL, "program 'p' takes: none");
}

static void refuse_wishes(struct wn_runtime *runtime, int fd, const struct wn_runtime_params *params)
{
	struct wn_runtime_params wishes = *params;

	wishes.program = "/nonexistent.c";
	refused(runtime, fd, &wishes, "No such file");
	wishes.program = "no_such_program";
	refused(runtime, fd, &wishes, "ready-made are");
	wishes = *params;
	wishes.parameters[0] = "n=1";
	wishes.parameter_count = 1;
	refused(runtime, fd, &wishes, "program 'p' has: none");
	wishes = *params;
	wishes.data = "/nonexistent";
	refused(runtime, fd, &wishes, "No such file");
}

static void test_refused(void)
{
	struct wn_runtime_params params = {.links = {"udp:127.0.0.1:0"}, .link_count = 1, .table_count = 1};
	struct client client = {0};
	struct wn_error error = {0};
	struct wn_runtime *runtime;
	char path[256], table[256], text[128];
	int fd;

	snprintf(path, sizeof(path), "%s/p.c", home);
	snprintf(table, sizeof(table), "t=%s/t", home);
	params.program = path;
	params.tables[0] = table;
	write_file("t", "0 1\n");
	write_file("p.c", SOURCE("p", "WN_DATAGRAM", TABLE, "1"));
	runtime = wn_runtime_create(&params, &error);
	CHECK_TEXT(error.text, "");
	if (!runtime)
		return;
	CHECK_INT(wn_runtime_reload(runtime, NULL, &error), -EINVAL); /* not started */
	CHECK_INT(wn_runtime_start(runtime, NULL), 0);
	snprintf(text, sizeof(text), "%s", wn_runtime_link_where(runtime, 0) + 4);
	text[strcspn(text, " ")] = '\0';
	CHECK_INT(wn_address_parse(&client.address, text, NULL), 0);
	fd = client_socket(&client);
	refuse_sources(runtime, fd);
	write_file("p.c", SOURCE("p", "WN_DATAGRAM", TABLE, "2"));
	write_file("t", "0 1\nthis is no entry\n");
	refused(runtime, fd, NULL, "/t:2: ");
	write_file("t", "0 1\n");
	refuse_wishes(runtime, fd, &params);
	CHECK_INT(wn_runtime_reload_count(runtime), 0);
	CHECK_INT(wn_runtime_reload(runtime, NULL, NULL), 0); /* and after all that, the new one */
	CHECK_INT(asked(fd), 2);
	CHECK_INT(wn_runtime_stop(runtime), 0);
	CHECK_INT(wn_runtime_reload(runtime, NULL, &error), -EINVAL);
	wn_runtime_destroy(runtime);
	close(fd);
}

static uint32_t make_small(uint32_t i, uint8_t *bytes, struct wn_memory_packet *packet)
{
	(void)packet;
	memset(bytes, (int)i, BYTES);
	return BYTES;
}

/* A program that does not come back: the reload gives up in time, and nothing was changed. */
static void check_stuck(enum wn_mode mode)
{
	struct wn_runtime_params params = {.program = TEST_PROGRAM("stuck"), .links = {"memory:"},
					   .link_count = 1, .mode = mode, .stop_ms = 300};
	struct network *network = calloc(1, sizeof(*network));
	struct wn_memory_hooks *hooks = calloc(1, sizeof(*hooks));
	struct wn_error error = {0};
	struct wn_runtime *runtime;
	struct wn_counters counters;
	int64_t before;

	network_init(network, 100, make_small);
	*hooks = (struct wn_memory_hooks){network, network_next, network_take};
	params.hooks = hooks;
	runtime = wn_runtime_create(&params, NULL);
	CHECK(runtime != NULL);
	CHECK_INT(wn_runtime_start(runtime, NULL), 0);
	do {
		CHECK_INT(wn_runtime_wait(runtime, 100), 0);
		wn_runtime_snapshot(runtime, &counters);
	} while (!counters.received);
	for (int turn = 0; turn < 2; turn++) {
		before = wn_clock_ns();
		CHECK_INT(wn_runtime_reload(runtime, NULL, &error), -ETIMEDOUT);
		CHECK(strstr(error.text, "did not come back") != NULL);
		CHECK(wn_clock_ns() - before < 60 * WN_SECOND_NS);
	}
	CHECK_INT(wn_runtime_reload_count(runtime), 0);
	CHECK_INT(wn_runtime_stop(runtime), -ETIMEDOUT);
	/* Its thread is still at work in our memory: nothing is freed, the process ends with it. */
}

static void test_stuck_batch(void)
{
	check_stuck(WN_MODE_BATCH);
}

static void test_stuck_resident(void)
{
	check_stuck(WN_MODE_RESIDENT);
}

static void make_home(void)
{
	char path[256];

	CHECK(mkdtemp(home) != NULL);
	snprintf(path, sizeof(path), "%s/programs", home);
	CHECK_INT(mkdir(path, 0700), 0);
}

static void remove_home(void)
{
	static const char *const names[] = {"/programs/version.so", "/marks", "/p.c", "/t"};
	char path[256];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", home, names[i]);
		unlink(path);
	}
	snprintf(path, sizeof(path), "%s/programs", home);
	rmdir(path);
	rmdir(home);
}

int main(void)
{
	make_home();
	setenv("WARPNIC_HOME", home, 1);
	RUN(test_memory_batch);
	RUN(test_memory_batch_two_pumps);
	RUN(test_memory_resident);
	RUN(test_memory_lease);
	RUN(test_udp_batch);
	RUN(test_udp_resident);
	RUN(test_udp_lease);
	unsetenv("WARPNIC_HOME");
	RUN(test_refused);
	RUN(test_stuck_batch);
	RUN(test_stuck_resident);
	remove_home();
	/* Threads of the last tests are still at work. */
	fflush(stdout);
	_exit(check_finish());
}
