/* SPDX-License-Identifier: Apache-2.0 */
/* What a run was measured on, and what the machine tells of power and of its kernel's threads. */
#include <ctype.h>
#include <dirent.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "bench_commit.h"
#include "tool/bench.h"

#define KERNEL_THREAD 0x00200000u  /* PF_KTHREAD, in the flags of /proc/PID/stat (proc_pid_stat(5)) */

void wn_bench_fact(struct wn_bench_result *result, const char *name, const char *format, ...)
{
	va_list arguments;

	if (result->fact_count == WN_BENCH_FACTS_MAX)
		return;
	snprintf(result->facts[result->fact_count].name, sizeof(result->facts[0].name), "%s", name);
	va_start(arguments, format);
	vsnprintf(result->facts[result->fact_count++].value, sizeof(result->facts[0].value), format, arguments);
	va_end(arguments);
}

/* The first line of a file that begins with `key`, what is behind it; "" where there is none. */
static void line_of(const char *path, const char *key, char *value, size_t bytes)
{
	FILE *file = fopen(path, "re");
	char line[512];

	value[0] = '\0';
	while (file && fgets(line, sizeof(line), file)) {
		const char *at = line + strlen(key);

		if (strncmp(line, key, strlen(key)))
			continue;
		at += strspn(at, " \t:=\"");
		snprintf(value, bytes, "%s", at);
		value[strcspn(value, "\n\"")] = '\0';
		break;
	}
	if (file)
		fclose(file);
}

static void describe_device(struct wn_bench *bench)
{
	struct wn_device_summary list[16];
	const int count = wn_device_list(list, 16);

	for (int i = 0; i < count && i < 16; i++) {
		const size_t length = strlen(list[i].spec);

		if (list[i].usable && (!strncmp(bench->device, list[i].spec, length) ||
				       (bench->has_gpu && !strncmp(list[i].spec, bench->device, strcspn(bench->device, ":,")))))
			wn_bench_fact(bench->result, "device", "%s: %s", bench->device, list[i].name);
	}
}

void wn_bench_describe_machine(struct wn_bench *bench)
{
	struct wn_bench_result *result = bench->result;
	const time_t now = time(NULL);
	char text[200], when[64];
	struct utsname system;
	struct tm utc;
	double load = 0;

	uname(&system);
	gmtime_r(&now, &utc);
	strftime(when, sizeof(when), "%Y-%m-%d %H:%M UTC", &utc);
	line_of("/proc/cpuinfo", "model name", text, sizeof(text));
	wn_bench_fact(result, "machine", "%s, %u of %ld processors", text[0] ? text : system.machine, bench->cores,
		      sysconf(_SC_NPROCESSORS_ONLN));
	describe_device(bench);
	line_of("/etc/os-release", "PRETTY_NAME", text, sizeof(text));
	wn_bench_fact(result, "system", "%s, %s %s", text[0] ? text : "unknown", system.sysname, system.release);
	wn_bench_fact(result, "versions", "warpnic %s, commit %s, compiler %s", WN_VERSION, WN_COMMIT, __VERSION__);
	wn_bench_fact(result, "command", "warpnic bench --device %s%s", bench->device, bench->is_quick ? " --quick" : "");
	wn_bench_fact(result, "runs", "%u of %.2f s a figure; shown as median (lowest .. highest)", bench->repeat,
		      bench->window_seconds);
	wn_bench_fact(result, "began", "%s", when);
	if (getloadavg(&load, 1) == 1)
		wn_bench_fact(result, "load before", "%.2f%s", load,
			      load > 0.5 ? ": something else is running here, so look at the spreads" : "");
	if (bench->cores == 1)
		wn_bench_fact(result, "left out", "what needs two processors: this process may use one");
}

void wn_bench_judge_spread(struct wn_bench_result *result)
{
	uint32_t figures = 0, wide = 0;

	for (uint32_t t = 0; t < result->table_count; t++) {
		const struct wn_bench_table *table = &result->tables[t];

		for (uint32_t r = 0; r < table->row_count; r++) {
			for (uint32_t c = 0; c < table->column_count; c++) {
				const struct wn_bench_figure *figure = &table->rows[r].cells[c].figure;

				if (figure->count < 2)
					continue;
				figures++;
				wide += figure->high - figure->low > fabs(figure->median) / 3;
			}
		}
	}
	wn_bench_fact(result, "spread", "%u of %u figures vary by more than a third%s", wide, figures,
		      wide * 4 > figures ? ": the spread is wide, something else may be running here" : "");
}

double wn_bench_package_joules(void)
{
	char text[64];

	line_of("/sys/class/powercap/intel-rapl:0/energy_uj", "", text, sizeof(text));
	return strtod(text, NULL) * 1e-6;
}

/* By the driver's own tool: it is there where the driver is, and needs no library. */
double wn_bench_device_watts(const struct wn_bench *bench)
{
	const char *colon = strchr(bench->device, ':');
	char command[160], text[64] = "";
	FILE *pipe;

	if (strncmp(bench->device, "cuda", 4))
		return 0;
	snprintf(command, sizeof(command),
		 "nvidia-smi --id=%d --query-gpu=power.draw --format=csv,noheader,nounits 2>/dev/null",
		 colon ? atoi(colon + 1) : 0);
	pipe = popen(command, "re");
	if (!pipe)
		return 0;
	if (!fgets(text, sizeof(text), pipe))
		text[0] = '\0';
	pclose(pipe);
	return strtod(text, NULL);
}

struct process {
	char name[32];
	int parent;
	unsigned int flags;
};

/* What /proc/PID/stat tells. 0 where it is gone. */
static int describe_process(const char *number, struct process *process)
{
	char path[300], line[512] = "";
	const char *name, *end;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%s/stat", number);
	file = fopen(path, "re");
	if (!file)
		return 0;
	if (!fgets(line, sizeof(line), file))
		line[0] = '\0';
	fclose(file);
	name = strchr(line, '(');
	end = strrchr(line, ')'); /* its name may hold anything */
	if (!name || !end || sscanf(end + 1, " %*c %d %*d %*d %*d %*d %u", &process->parent, &process->flags) != 2)
		return 0;
	snprintf(process->name, sizeof(process->name), "%.*s", (int)(end - name - 1), name + 1);
	return 1;
}

static int is_kernel_thread(const struct process *process)
{
	return (process->flags & KERNEL_THREAD) != 0;
}

/* A name has 15 bytes at most (TASK_COMM_LEN). */
static int is_own_worker(const struct process *process)
{
	return process->parent == getpid() && !strcmp(process->name, "warpnic-cuda-wo");
}

static double time_of(const char *folder, const char *number)
{
	char path[600], text[64];

	snprintf(path, sizeof(path), "%s/%s/schedstat", folder, number);
	line_of(path, "", text, sizeof(text));
	return strtod(text, NULL);
}

/* Of all entries of a folder of processes, or of threads (`is_wanted` NULL), that are wanted. */
static double sum_of(const char *folder, int (*is_wanted)(const struct process *process), int by_thread)
{
	DIR *entries = opendir(folder);
	const struct dirent *entry;
	double sum = 0;

	while (entries && (entry = readdir(entries))) {
		struct process process;
		char threads[300];

		if (!isdigit((unsigned char)entry->d_name[0]) ||
		    (is_wanted && (!describe_process(entry->d_name, &process) || !is_wanted(&process))))
			continue;
		snprintf(threads, sizeof(threads), "/proc/%s/task", entry->d_name);
		sum += by_thread ? sum_of(threads, NULL, 0) : time_of(folder, entry->d_name);
	}
	if (entries)
		closedir(entries);
	return sum;
}

double wn_bench_kernel_threads_ns(void)
{
	return sum_of("/proc", is_kernel_thread, 0);
}

double wn_bench_workers_ns(void)
{
	return sum_of("/proc", is_own_worker, 1);
}
