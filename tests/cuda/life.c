/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Life and death of a cuda device: a program that does not come back, one that makes the GPU fault, a worker
 * process that is killed, a stop under load, another version of the program. The sum adds up in each, and
 * nothing is answered twice.
 */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "tests/check.h"
#include "warpnic/runtime.h"

enum { TAGS = 1 << 22, PACKET_NS = 2000 };

/* A source without end, and a count of what came back of each packet. */
struct traffic {
	uint64_t made, answered, twice;
	uint8_t *seen;
	int64_t start_ns;
	uint32_t stop;
	uint32_t poison_at;     /* this packet's first byte is 1 */
	char lines[64][256];
	uint32_t line_count;
};

static int next(void *context, uint32_t queue, uint8_t *bytes, uint32_t capacity,
		struct wn_memory_packet *packet)
{
	struct traffic *traffic = context;

	(void)queue;
	(void)capacity;
	if (__atomic_load_n(&traffic->stop, __ATOMIC_RELAXED) || traffic->made == TAGS)
		return -1;
	if (!traffic->start_ns)
		traffic->start_ns = wn_clock_ns();
	if ((int64_t)traffic->made * PACKET_NS > wn_clock_ns() - traffic->start_ns)
		return 0;
	memset(bytes, 0, 64);
	bytes[0] = traffic->poison_at && traffic->made == traffic->poison_at;
	packet->tag = traffic->made++;
	packet->length = 64;
	return 1;
}

static int take(void *context, uint32_t queue, const uint8_t *bytes,
		const struct wn_memory_packet *packet, int is_reply)
{
	struct traffic *traffic = context;

	(void)queue;
	(void)bytes;
	if (is_reply && packet->tag < TAGS) {
		traffic->twice += traffic->seen[packet->tag];
		traffic->seen[packet->tag] = 1;
		traffic->answered++;
	}
	return 0;
}

static void log_line(void *context, const char *line)
{
	struct traffic *traffic = context;
	const uint32_t at = __atomic_fetch_add(&traffic->line_count, 1, __ATOMIC_RELAXED);

	printf("# %s\n", line);
	if (at < 64)
		snprintf(traffic->lines[at], sizeof(traffic->lines[at]), "%s", line);
}

static int has_line(const struct traffic *traffic, const char *text)
{
	for (uint32_t i = 0; i < traffic->line_count && i < 64; i++)
		if (strstr(traffic->lines[i], text))
			return 1;
	return 0;
}

static const char *device_now = "cuda";

static struct wn_runtime *begin(struct traffic *traffic, const char *program, enum wn_mode mode)
{
	static struct wn_memory_hooks hooks;
	struct wn_runtime_params params = {
		.program = program,
		.device = device_now,
		.mode = mode,
		.links = {"memory:"},
		.link_count = 1,
		.hooks = &hooks,
		.log = log_line,
		.context = traffic,
	};
	struct wn_error error = {0};
	struct wn_runtime *runtime;

	hooks = (struct wn_memory_hooks){.context = traffic, .next = next, .take = take};
	memset(traffic, 0, sizeof(*traffic));
	traffic->seen = calloc(TAGS, 1);
	runtime = wn_runtime_create(&params, &error);
	if (!CHECK(runtime && !wn_runtime_start(runtime, &error)))
		printf("# %s\n", error.text);
	return runtime;
}

static void end(struct wn_runtime *runtime, struct traffic *traffic, struct wn_counters *counters)
{
	__atomic_store_n(&traffic->stop, 1, __ATOMIC_RELAXED);
	wn_runtime_stop(runtime);
	wn_runtime_snapshot(runtime, counters);
	wn_runtime_destroy(runtime);
	CHECK_INT(wn_counters_difference(counters), 0);
	CHECK_INT(counters->in_flight, 0);
	CHECK_INT(traffic->twice, 0);
	CHECK_INT(counters->answered, traffic->answered);
	free(traffic->seen);
}

static void pause_ms(int ms)
{
	nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

static struct traffic traffic;
static const char *const own = WN_TEST_PROGRAMS;

static void test_stuck(void)
{
	struct wn_counters counters;
	char path[256];
	struct wn_runtime *runtime;
	uint64_t before;

	snprintf(path, sizeof(path), "%s/stuck_once.c", own);
	runtime = begin(&traffic, path, WN_MODE_RESIDENT);
	pause_ms(300);
	__atomic_store_n(&traffic.poison_at, (uint32_t)traffic.made + 1000, __ATOMIC_RELAXED);
	for (int i = 0; i < 60 && !has_line(&traffic, "started anew"); i++)
		pause_ms(100);
	CHECK(has_line(&traffic, "the program is stuck"));
	CHECK(has_line(&traffic, "stuck_once"));
	before = traffic.answered;
	pause_ms(200);
	CHECK(traffic.answered > before);
	end(runtime, &traffic, &counters);
	CHECK(counters.dropped[WN_CAUSE_DEVICE_STOPPED] > 0);
}

static void test_fault(void)
{
	struct wn_counters counters;
	char path[256];
	struct wn_runtime *runtime;
	uint64_t before;

	snprintf(path, sizeof(path), "%s/wild.c", own);
	runtime = begin(&traffic, path, WN_MODE_RESIDENT);
	pause_ms(300);
	__atomic_store_n(&traffic.poison_at, (uint32_t)traffic.made + 1000, __ATOMIC_RELAXED);
	for (int i = 0; i < 60 && !has_line(&traffic, "started anew"); i++)
		pause_ms(100);
	CHECK(has_line(&traffic, "CUDA_ERROR_ILLEGAL_ADDRESS"));
	CHECK(has_line(&traffic, "'wild'"));
	before = traffic.answered;
	pause_ms(200);
	CHECK(traffic.answered > before);
	end(runtime, &traffic, &counters);
	CHECK(counters.dropped[WN_CAUSE_DEVICE_STOPPED] > 0);
}

static void test_given_up(void)
{
	struct wn_counters counters;
	char path[256];
	struct wn_runtime *runtime;
	int rc = 0;

	snprintf(path, sizeof(path), "%s/stuck.c", own);
	device_now = "cuda,restarts=1,stuck=200";
	runtime = begin(&traffic, path, WN_MODE_RESIDENT);
	device_now = "cuda";
	for (int i = 0; i < 100 && !rc; i++)
		rc = wn_runtime_wait(runtime, 100);
	CHECK_INT(rc, -EIO);
	CHECK(has_line(&traffic, "given up after 1 restarts"));
	end(runtime, &traffic, &counters);
	CHECK_INT(counters.answered, 0);
	CHECK_INT(counters.dropped[WN_CAUSE_DEVICE_STOPPED], counters.received);
}

/* Children of this process that are cuda workers. */
static pid_t find_worker(void)
{
	char path[300], text[300];
	struct dirent *entry;
	DIR *folder = opendir("/proc");
	pid_t found = 0;

	while (folder && !found && (entry = readdir(folder))) {
		FILE *file;
		int pid = atoi(entry->d_name), parent = 0;

		snprintf(path, sizeof(path), "/proc/%d/stat", pid);
		file = pid ? fopen(path, "r") : NULL;
		if (!file)
			continue;
		if (fgets(text, sizeof(text), file) && strstr(text, "(warpnic-cuda-w") &&
		    sscanf(strrchr(text, ')'), ") %*c %d", &parent) == 1 && parent == getpid())
			found = pid;
		fclose(file);
	}
	if (folder)
		closedir(folder);
	return found;
}

static void check_killed(enum wn_mode mode)
{
	struct wn_runtime *runtime = begin(&traffic, "echo", mode);
	struct wn_counters counters;
	uint64_t before;
	pid_t worker;

	pause_ms(200);
	worker = find_worker();
	CHECK(worker > 0);
	if (worker > 0)
		kill(worker, SIGKILL);
	for (int i = 0; i < 60 && !has_line(&traffic, "started anew"); i++)
		pause_ms(100);
	before = traffic.answered;
	pause_ms(200);
	CHECK(traffic.answered > before);
	end(runtime, &traffic, &counters);
}

static void test_killed(void)
{
	check_killed(WN_MODE_RESIDENT);
	check_killed(WN_MODE_LEASE);
	check_killed(WN_MODE_BATCH);
}

/* Whoever started the worker is killed: it must not outlive it. */
static void test_orphan(void)
{
	int pipes[2], status;
	pid_t child, worker = 0;

	CHECK_INT(pipe(pipes), 0);
	child = fork();
	if (child == 0) {
		/* A process that has called the driver cannot hand it to a fork: begin anew. */
		dup2(pipes[1], 5);
		execl("/proc/self/exe", "cuda-life", "orphan", NULL);
		_exit(1);
	}
	CHECK_INT(read(pipes[0], &worker, sizeof(worker)), sizeof(worker));
	CHECK(worker > 0);
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	for (int i = 0; i < 50 && worker > 0 && !kill(worker, 0); i++)
		pause_ms(100);
	CHECK(worker > 0 && kill(worker, 0) && errno == ESRCH);
	close(pipes[0]);
	close(pipes[1]);
}

static void check_stop(enum wn_mode mode)
{
	struct wn_runtime *runtime = begin(&traffic, "echo", mode);
	struct wn_counters counters;
	int64_t start_ns;

	pause_ms(300);
	start_ns = wn_clock_ns();
	wn_runtime_request_stop(runtime);
	end(runtime, &traffic, &counters);
	CHECK(wn_clock_ns() - start_ns < 2 * WN_SECOND_NS);
	CHECK_INT(counters.answered, counters.received);
	CHECK(counters.received > 1000);
}

static void test_stop(void)
{
	check_stop(WN_MODE_RESIDENT);
	check_stop(WN_MODE_LEASE);
	check_stop(WN_MODE_BATCH);
}

static void check_reload(enum wn_mode mode)
{
	struct wn_runtime *runtime = begin(&traffic, "echo", mode);
	struct wn_counters counters;
	struct wn_error error = {0};

	pause_ms(200);
	for (int i = 0; i < 3; i++)
		if (CHECK_INT(wn_runtime_reload(runtime, NULL, &error), 0) == 0)
			printf("# %s\n", error.text);
	pause_ms(100);
	end(runtime, &traffic, &counters);
	CHECK_INT(counters.answered, counters.received);
	CHECK_INT(counters.dropped[WN_CAUSE_DEVICE_STOPPED], 0);
}

static void test_reload(void)
{
	check_reload(WN_MODE_RESIDENT);
	check_reload(WN_MODE_LEASE);
	check_reload(WN_MODE_BATCH);
}

/* Nothing comes for a while, so that the groups doze; then they must still answer. */
static void test_idle(void)
{
	struct wn_runtime_params params = {
		.program = "echo",
		.device = device_now,
		.links = {"memory:count=2000,rate=400"},
		.link_count = 1,
		.log = log_line,
		.context = &traffic,
	};
	struct wn_error error = {0};
	struct wn_runtime *runtime = wn_runtime_create(&params, &error);
	struct wn_counters counters;

	CHECK(runtime && !wn_runtime_start(runtime, &error));
	while (!wn_runtime_wait(runtime, 100))
		continue;
	CHECK_INT(wn_runtime_stop(runtime), 0);
	wn_runtime_snapshot(runtime, &counters);
	wn_runtime_destroy(runtime);
	CHECK_INT(counters.answered, 2000);
}

static void test_refusals(void)
{
	static const struct {
		const char *device, *says;
	} cases[] = {
		{"cuda:99", "from 0"},
		{"cuda:x", "a number of a GPU"},
		{"cuda,groups=65", "groups"},
		{"cuda,code=best", "code"},
		{"cuda,rings=near", "rings"},
	};
	struct wn_error error;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct wn_runtime_params params = {.program = "echo",
							 .device = cases[i].device,
							 .links = {"memory:"},
							 .link_count = 1};

		memset(&error, 0, sizeof(error));
		CHECK(wn_runtime_create(&params, &error) == NULL);
		if (!CHECK(strstr(error.text, cases[i].says) != NULL))
			printf("# %s\n", error.text);
	}
}

/* All of it once more with what is received in the GPU's own memory. */
static void test_near(void)
{
	const struct wn_runtime_params params = {
		.program = "echo", .device = "cuda,rings=gpu", .links = {"memory:count=1"}, .link_count = 1};
	struct wn_runtime_params batch = params;
	struct wn_runtime *runtime = wn_runtime_create(&params, NULL);
	struct wn_error error = {0};
	const int rc = runtime ? wn_runtime_start(runtime, &error) : -1;

	if (!rc)
		wn_runtime_stop(runtime);
	wn_runtime_destroy(runtime);
	if (rc) {
		printf("# %s\n", error.text);
		SKIP("no GPU memory here that the host can write");
	}
	batch.mode = WN_MODE_BATCH;
	runtime = wn_runtime_create(&batch, NULL);
	CHECK(runtime && wn_runtime_start(runtime, &error) && strstr(error.text, "rings=gpu"));
	wn_runtime_destroy(runtime);
	device_now = "cuda,rings=gpu";
	check_stop(WN_MODE_RESIDENT);
	check_stop(WN_MODE_LEASE);
	check_reload(WN_MODE_RESIDENT);
	check_reload(WN_MODE_LEASE);
	check_killed(WN_MODE_RESIDENT);
	test_stuck();
	test_fault();
	test_idle();
	device_now = "cuda,rings=auto";
	check_stop(WN_MODE_RESIDENT);
	check_stop(WN_MODE_BATCH);
	device_now = "cuda";
}

/*
 * Two devices, here on one GPU, which then works for them by turns. One is given up while packets come: the
 * other has its queue as well, and every packet is accounted for.
 */
static void test_several(void)
{
	struct wn_runtime_params params = {
		.program = "count",
		.device = "cuda:0,cuda:0,restarts=0,groups=4",
		.links = {"memory:count=600000,queues=2,rate=200k"},
		.link_count = 1,
		.log = log_line,
		.context = &traffic,
	};
	struct wn_error error = {0};
	struct wn_runtime *runtime;
	struct wn_counters counters;
	uint64_t counts[4] = {0};

	memset(&traffic, 0, sizeof(traffic));
	runtime = wn_runtime_create(&params, &error);
	if (!CHECK(runtime && !wn_runtime_start(runtime, &error)))
		printf("# %s\n", error.text);
	pause_ms(200);
	CHECK_INT(wn_runtime_reload(runtime, NULL, &error), 0);
	pause_ms(200);
	kill(find_worker(), SIGKILL);
	for (int i = 0; i < 60 && !has_line(&traffic, "go on on"); i++)
		pause_ms(100);
	CHECK(has_line(&traffic, "cuda:0,restarts=0,groups=4: its 1 queues go on on cuda:0"));
	for (int i = 0; i < 200 && !wn_runtime_wait(runtime, 100); i++)
		continue;
	CHECK_INT(wn_runtime_stop(runtime), 0);
	wn_runtime_snapshot(runtime, &counters);
	wn_runtime_program_counters(runtime, counts, 4);
	wn_runtime_destroy(runtime);
	CHECK_INT(counters.received, 2 * 600000);
	CHECK_INT(wn_counters_difference(&counters), 0);
	CHECK_INT(counters.in_flight, 0);
	CHECK(counters.dropped[WN_CAUSE_DEVICE_STOPPED] < 100000);
	/* Also with the counts of the one that is gone, as far as it had shown them. */
	CHECK(counts[0] > 1000000 && counts[0] <= counters.received);
	printf("# %llu lost, %llu counted\n", (unsigned long long)counters.dropped[WN_CAUSE_DEVICE_STOPPED],
	       (unsigned long long)counts[0]);
}

/* -- a GPU on which no kernel can stay: a driver in between that refuses cooperative launches -- */

static const char shim[] = "int cuLaunchCooperativeKernel(void) { return 801; }\n";

/* Makes the driver and runs be_unfit() with it. */
static void test_unfit(void)
{
	char path[] = "/tmp/wn-shim-XXXXXX", command[512];
	FILE *file;
	int status;

	CHECK(mkdtemp(path) != NULL);
	snprintf(command, sizeof(command), "%s/shim.c", path);
	file = fopen(command, "w");
	if (!CHECK(file && fputs(shim, file) >= 0 && !fclose(file)))
		return;
	/* What it does not have itself is found in the library that it needs. */
	snprintf(command, sizeof(command),
		 "cc -shared -fPIC -o %s/shim.so %s/shim.c -Wl,--no-as-needed "
		 "\"$(ldconfig -p | sed -n 's/.*=> //;/libcuda.so.1$/p' | head -1)\" 2>/dev/null",
		 path, path);
	if (system(command)) {
		snprintf(command, sizeof(command), "rm -r %s", path);
		CHECK_INT(system(command), 0);
		SKIP("no compiler, or no libcuda.so.1 that it finds");
	}
	snprintf(command, sizeof(command), "WARPNIC_CUDA_DRIVER=%s/shim.so /proc/%d/exe unfit", path, getpid());
	status = system(command);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	snprintf(command, sizeof(command), "rm -r %s", path);
	CHECK_INT(system(command), 0);
}

/* Neither resident nor lease can be had, so batch it is; a mode that was asked for is refused. */
static int be_unfit(void)
{
	struct wn_runtime_params params = {.program = "echo", .device = "cuda", .links = {"memory:count=1000"},
					   .link_count = 1, .log = log_line, .context = &traffic};
	struct wn_error error = {0};
	struct wn_runtime *runtime = wn_runtime_create(&params, &error);
	struct wn_counters counters;

	CHECK(runtime && !wn_runtime_start(runtime, &error));
	CHECK_INT(wn_runtime_mode(runtime), WN_MODE_BATCH);
	while (!wn_runtime_wait(runtime, 100))
		continue;
	CHECK_INT(wn_runtime_stop(runtime), 0);
	wn_runtime_snapshot(runtime, &counters);
	wn_runtime_destroy(runtime);
	CHECK_INT(counters.answered, 1000);
	CHECK(has_line(&traffic, "mode resident does not do here"));
	CHECK(has_line(&traffic, "mode lease does not do here"));
	params.mode = WN_MODE_RESIDENT;
	runtime = wn_runtime_create(&params, &error);
	CHECK(runtime && wn_runtime_start(runtime, &error) && strstr(error.text, "launch of the resident kernel"));
	wn_runtime_destroy(runtime);
	return check_failures() != 0;
}

/* What test_orphan kills. */
static int be_killed(void)
{
	const struct wn_runtime *runtime = begin(&traffic, "echo", WN_MODE_RESIDENT);
	const pid_t worker = find_worker();

	if (!runtime || write(5, &worker, sizeof(worker)) < 0)
		return 1;
	pause_ms(20000);
	return 1;
}

int main(int argument_count, char **arguments)
{
	struct wn_device_summary list[16];
	const int count = wn_device_list(list, 16);
	int is_usable = 0;

	if (argument_count > 1 && !strcmp(arguments[1], "orphan"))
		return be_killed();
	if (argument_count > 1 && !strcmp(arguments[1], "unfit"))
		return be_unfit();
	for (int i = 0; i < count && i < 16; i++)
		is_usable |= !strncmp(list[i].spec, "cuda", 4) && list[i].usable;
	if (!is_usable)
		return check_skip_all("no CUDA GPU on this machine");
	RUN(test_refusals);
	RUN(test_stop);
	RUN(test_idle);
	RUN(test_reload);
	RUN(test_killed);
	RUN(test_orphan);
	RUN(test_stuck);
	RUN(test_fault);
	RUN(test_near);
	RUN(test_unfit);
	RUN(test_several);
	RUN(test_given_up);
	return check_finish();
}
