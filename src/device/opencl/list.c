/* SPDX-License-Identifier: Apache-2.0 */
/* The list of devices, made by a process that has ten seconds and may die: see opencl.h. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "device/opencl/opencl.h"
#include "os/os.h"

#define LIST_NS (10 * WN_SECOND_NS)
enum { LIST_BYTES_MAX = 32768 };

static int start(int *reader, pid_t *child)
{
	struct wn_paths paths;
	posix_spawn_file_actions_t actions;
	int pipe_fds[2], rc;

	wn_paths_find(&paths);
	rc = wn_os_pipe(pipe_fds);
	if (rc)
		return rc;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, pipe_fds[1], 1);
	rc = posix_spawn(child, paths.opencl_worker, &actions, NULL,
			 (char *[]){paths.opencl_worker, (char[]){"list"}, NULL}, wn_os_environment());
	posix_spawn_file_actions_destroy(&actions);
	close(pipe_fds[1]);
	*reader = pipe_fds[0];
	if (rc)
		close(pipe_fds[0]);
	return -rc;
}

/* All that it says until it closes its end. 0 or -ETIMEDOUT. */
static int read_all(int reader, char *text, size_t bytes)
{
	const int64_t until = wn_clock_ns() + LIST_NS;
	size_t used = 0;

	for (;;) {
		struct pollfd poll_fd = {.fd = reader, .events = POLLIN};
		const int64_t left = until - wn_clock_ns();
		ssize_t got;

		if (left <= 0 || poll(&poll_fd, 1, (int)(left / WN_MILLISECOND_NS) + 1) == 0)
			return -ETIMEDOUT;
		got = read(reader, text + used, bytes - 1 - used);
		if (got <= 0)
			break;
		used += (size_t)got;
	}
	text[used] = '\0';
	return 0;
}

/* The next field of a line. */
static char *field(char **rest)
{
	char *text = strsep(rest, "\t");

	return text && strcmp(text, "-") != 0 ? text : (char *)(uintptr_t)"";
}

static void parse_line(char *line, int number, struct wn_device_summary *summary)
{
	memset(summary, 0, sizeof(*summary));
	summary->usable = !strcmp(field(&line), "1");
	snprintf(summary->modes, sizeof(summary->modes), "%s", field(&line));
	snprintf(summary->name, sizeof(summary->name), "%s", field(&line));
	snprintf(summary->note, sizeof(summary->note), "%s", field(&line));
	if (summary->name[0])
		snprintf(summary->spec, sizeof(summary->spec), "opencl:%d", number);
	else
		snprintf(summary->spec, sizeof(summary->spec), "opencl");
}

static int nothing(struct wn_device_summary *list, uint32_t capacity, const char *why)
{
	if (!capacity)
		return 1;
	memset(list, 0, sizeof(*list));
	snprintf(list->spec, sizeof(list->spec), "opencl");
	snprintf(list->note, sizeof(list->note), "%s", why);
	return 1;
}

int wn_opencl_list(struct wn_device_summary *list, uint32_t capacity)
{
	char text[LIST_BYTES_MAX] = "", why[256];
	int reader = -1, status = 0, count = 0, rc;
	char *rest = text, *line;
	pid_t child = 0;

	rc = start(&reader, &child);
	if (rc) {
		snprintf(why, sizeof(why), "its worker process does not start: %s", strerror(-rc));
		return nothing(list, capacity, why);
	}
	rc = read_all(reader, text, sizeof(text));
	if (rc)
		kill(child, SIGKILL);
	close(reader);
	waitpid(child, &status, 0);
	if (rc)
		return nothing(list, capacity, "its drivers did not say within 10 s what they have");
	while ((line = strsep(&rest, "\n")) && *line) {
		if ((uint32_t)count < capacity)
			parse_line(line, count, &list[count]);
		count++;
	}
	if (count)
		return count;
	snprintf(why, sizeof(why), WIFSIGNALED(status) ? "a driver crashed while it was asked what it has (signal %d)"
						       : "a driver ended the process that asked it what it has (%d)",
		 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	return nothing(list, capacity, why);
}
