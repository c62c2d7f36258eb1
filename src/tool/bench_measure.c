/* SPDX-License-Identifier: Apache-2.0 */
/* One load through one runtime: warmed up, then looked at in some windows of time. */
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "clock.h"
#include "ring/order.h"
#include "tool/bench.h"

/* Before the first window, and slack of a client that must outlive the last one. */
#define WARM_SECONDS 0.06
#define CLIENT_SECONDS 0.15

/* 1 once the user wants it to end. Only the signal handler writes it. */
static uint32_t is_stopped;

static void note_signal(int signal_number)
{
	(void)signal_number;
	wn_store_relaxed(&is_stopped, 1);
}

void wn_bench_catch_signals(void)
{
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_handler = note_signal;
	sigemptyset(&action.sa_mask);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

int wn_bench_is_stopped(void)
{
	return wn_load_relaxed(&is_stopped) != 0;
}

int wn_bench_sleep(double seconds)
{
	const int64_t until = wn_clock_ns() + (int64_t)(seconds * 1e9);

	while (!wn_bench_is_stopped()) {
		const int64_t left = until - wn_clock_ns();
		const struct timespec pause = {left / WN_SECOND_NS, left % WN_SECOND_NS};

		if (left <= 0)
			return 0;
		nanosleep(&pause, NULL);
	}
	return 1;
}

struct look {
	struct wn_counters counters;
	double at_ns, user_ns, system_ns, kernel_ns;
};

static double nanoseconds(const struct timeval *time)
{
	return (double)time->tv_sec * 1e9 + (double)time->tv_usec * 1e3;
}

static void look_at(const struct wn_runtime *runtime, struct look *look)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	look->at_ns = (double)wn_clock_ns();
	look->user_ns = nanoseconds(&usage.ru_utime) + wn_bench_workers_ns();
	look->system_ns = nanoseconds(&usage.ru_stime);
	look->kernel_ns = wn_bench_kernel_threads_ns();
	wn_runtime_snapshot(runtime, &look->counters);
}

/* Packets that went the whole way in between. */
static double finished(const struct look *look)
{
	return (double)(look->counters.received - look->counters.in_flight);
}

static struct wn_bench_window between(const struct look *before, const struct look *now)
{
	const double ns = now->at_ns - before->at_ns;
	const double packets = finished(now) - finished(before), each = packets > 0 ? packets : 1;

	return (struct wn_bench_window){
		.packets = packets / ns * 1e9,
		.bits = 8e9 * (double)(now->counters.bytes - before->counters.bytes) / ns,
		.user_ns = (now->user_ns - before->user_ns) / each,
		.system_ns = (now->system_ns - before->system_ns) / each,
		.kernel_ns = (now->kernel_ns - before->kernel_ns) / each,
		.cores = (now->user_ns - before->user_ns + now->system_ns - before->system_ns + now->kernel_ns -
			  before->kernel_ns) / ns,
		.user_cores = (now->user_ns - before->user_ns) / ns,
	};
}

static struct wn_bench_client *start_client(const struct wn_runtime *runtime, const struct wn_bench_load *load,
					    double seconds, struct wn_bench_outcome *outcome)
{
	const char *where = wn_runtime_link_where(runtime, 0), *words[20];
	char duration[32], target[128];
	uint32_t count = 0;
	struct wn_bench_client *client;

	snprintf(duration, sizeof(duration), "%.3f", seconds);
	where += strncmp(where, "uring:", 6) ? 0 : 6;
	where += strncmp(where, "udp:", 4) ? 0 : 4;
	snprintf(target, sizeof(target), "%.*s", (int)strcspn(where, " ,"), where);
	words[count++] = target;
	words[count++] = "--json";
	words[count++] = "--interval";
	words[count++] = "0";
	words[count++] = "--duration";
	words[count++] = duration;
	for (uint32_t i = 0; load->client[i] && count < 19; i++)
		words[count++] = load->client[i];
	words[count] = NULL;
	client = wn_bench_client_start(words);
	if (!client)
		snprintf(outcome->wrong, sizeof(outcome->wrong), "cannot start `warpnic send`: %s", strerror(errno));
	return client;
}

static int wait_client(struct wn_bench_client *client, struct wn_bench_outcome *outcome)
{
	char text[4096];

	if (wn_bench_client_wait(client, text, sizeof(text))) {
		snprintf(outcome->wrong, sizeof(outcome->wrong), "`warpnic send` failed");
		return -EIO;
	}
	outcome->trip_mean_ns = wn_bench_number_in(text, "round_trip_ns", "mean");
	outcome->trip_p50_ns = wn_bench_number_in(text, "round_trip_ns", "p50");
	outcome->trip_p99_ns = wn_bench_number_in(text, "round_trip_ns", "p99");
	outcome->lost_percent = wn_bench_number_in(text, NULL, "lost_percent");
	return 0;
}

static int look_through_windows(const struct wn_bench *bench, const struct wn_bench_load *load,
				struct wn_runtime *runtime, double seconds, uint32_t windows,
				struct wn_bench_outcome *outcome)
{
	double joules, began;
	struct look before, now;

	if (wn_bench_sleep(WARM_SECONDS))
		return -EINTR;
	look_at(runtime, &before);
	joules = wn_bench_package_joules();
	began = before.at_ns;
	for (uint32_t i = 0; i < windows && i < WN_BENCH_RUNS_MAX; i++) {
		if (wn_bench_sleep(seconds))
			return -EINTR;
		look_at(runtime, &now);
		outcome->windows[outcome->count++] = between(&before, &now);
		before = now;
	}
	if (load->has_watts && joules > 0)
		outcome->watts = (wn_bench_package_joules() - joules) / (before.at_ns - began) * 1e9;
	if (load->has_watts && bench->has_gpu && strncmp(load->device, "cpu", 3))
		outcome->watts += wn_bench_device_watts(bench);
	return 0;
}

static void take_stages(const struct wn_runtime *runtime, struct wn_bench_outcome *outcome)
{
	for (uint32_t i = 0; i < 4; i++)
		wn_runtime_way(runtime, i, &outcome->way[i]);
	while (outcome->stage_count < 8 &&
	       wn_runtime_stage(runtime, outcome->stage_count, &outcome->stages[outcome->stage_count]))
		outcome->stage_count++;
}

static int run(const struct wn_bench *bench, const struct wn_bench_load *load, struct wn_runtime *runtime,
	       struct wn_bench_outcome *outcome)
{
	const uint32_t windows = load->windows ? load->windows : bench->repeat;
	const double seconds = load->window_seconds > 0 ? load->window_seconds : bench->window_seconds;
	struct wn_bench_client *client = NULL;
	int rc, ended = 0;

	if (load->client[0]) {
		client = start_client(runtime, load, WARM_SECONDS + windows * seconds + CLIENT_SECONDS, outcome);
		if (!client)
			return -EIO;
	}
	rc = look_through_windows(bench, load, runtime, seconds, windows, outcome);
	if (client)
		ended = wait_client(client, outcome);
	return rc ? rc : ended;
}

int wn_bench_measure(const struct wn_bench *bench, const struct wn_bench_load *load,
		     struct wn_bench_outcome *outcome)
{
	struct wn_runtime_params params = {
		.program = load->program,
		.device = load->device ? load->device : bench->device,
		.mode = load->mode,
		.links = {load->link},
		.link_count = 1,
		.pump_threads = load->pumps,
		.slot_count = load->slots,
		.times_off = load->times_off,
		.parameter_count = load->parameter_count,
		.loads = load->loads,
		.load_count = load->load_count,
		.hooks = load->hooks,
	};
	struct wn_error error = {0};
	struct wn_runtime *runtime;
	int rc;

	memset(outcome, 0, sizeof(*outcome));
	if (wn_bench_is_stopped())
		return -EINTR;
	for (uint32_t i = 0; i < load->parameter_count; i++)
		params.parameters[i] = load->parameters[i];
	runtime = wn_runtime_create(&params, &error);
	rc = runtime ? wn_runtime_start(runtime, &error) : -EINVAL;
	if (rc) {
		snprintf(outcome->wrong, sizeof(outcome->wrong), "%.500s", error.text);
		wn_runtime_destroy(runtime);
		return rc;
	}
	snprintf(outcome->device, sizeof(outcome->device), "%s", wn_runtime_device_name(runtime));
	snprintf(outcome->mode, sizeof(outcome->mode), "%s", wn_mode_name(wn_runtime_mode(runtime)));
	rc = run(bench, load, runtime, outcome);
	wn_runtime_stop(runtime);
	take_stages(runtime, outcome);
	wn_runtime_snapshot(runtime, &outcome->counters);
	wn_runtime_destroy(runtime);
	return rc;
}

struct wn_bench_figure wn_bench_of(const struct wn_bench_outcome *outcome, size_t member, double factor)
{
	double values[WN_BENCH_RUNS_MAX];

	for (uint32_t i = 0; i < outcome->count; i++)
		values[i] = factor * *(const double *)((const char *)&outcome->windows[i] + member);
	return wn_bench_figure(values, outcome->count);
}
