/* SPDX-License-Identifier: Apache-2.0 */
/* What CPU time each thread of this process has used (proc_pid_schedstat: ns; proc(5): its name). */
#include <ctype.h>
#include <dirent.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tool/run.h"

/* The first line of a file of a thread; "" where it has gone. */
static void read_line(const char *thread, const char *what, char *line, size_t bytes)
{
	char path[320];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%s/%s", thread, what);
	line[0] = '\0';
	file = fopen(path, "re");
	if (!file)
		return;
	if (!fgets(line, (int)bytes, file))
		line[0] = '\0';
	fclose(file);
	line[strcspn(line, "\n")] = '\0';
}

static int compare(const void *a, const void *b)
{
	const struct wn_run_thread *one = a, *other = b;

	return one->id - other->id;
}

void wn_run_look_at_threads(struct wn_run_threads *threads)
{
	DIR *folder = opendir("/proc/self/task");
	const struct dirent *entry;

	threads->count = 0;
	while (folder && threads->count < WN_RUN_THREADS_MAX && (entry = readdir(folder))) {
		struct wn_run_thread *thread = &threads->list[threads->count];
		char line[80];

		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		read_line(entry->d_name, "comm", thread->name, sizeof(thread->name));
		if (strncmp(thread->name, "wn-", 3))
			continue;
		memmove(thread->name, thread->name + 3, strlen(thread->name + 3) + 1);
		read_line(entry->d_name, "schedstat", line, sizeof(line));
		thread->id = atoi(entry->d_name);
		thread->ns = strtoull(line, NULL, 10);
		threads->count++;
	}
	if (folder)
		closedir(folder);
	qsort(threads->list, threads->count, sizeof(threads->list[0]), compare);
}

double wn_run_thread_ns(const struct wn_run_thread *thread, const struct wn_run_threads *before)
{
	for (uint32_t i = 0; i < before->count; i++)
		if (before->list[i].id == thread->id)
			return (double)(thread->ns - before->list[i].ns);
	return (double)thread->ns;
}
