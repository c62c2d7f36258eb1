/* SPDX-License-Identifier: Apache-2.0 */
/* The other side of a UDP link: `warpnic send`, in a process whose CPU time is not ours. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/os.h"
#include "tool/bench.h"

enum { WORDS_MAX = 24 };

struct wn_bench_client {
	pid_t process;
	int output;
};

/* Starts it with its output in a pipe. 0 or an errno. */
static int spawn(struct wn_bench_client *client, const char *const *arguments)
{
	posix_spawn_file_actions_t actions;
	char *words[WORDS_MAX] = {(char[]){"warpnic"}, (char[]){"send"}};
	char self[PATH_MAX];
	int ends[2], count = 2, rc;

	while (*arguments && count < WORDS_MAX - 1)
		words[count++] = (char *)(uintptr_t)*arguments++;
	rc = wn_os_executable(self, sizeof(self));
	if (!rc)
		rc = wn_os_pipe(ends);
	if (rc)
		return -rc;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
	posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	rc = posix_spawn(&client->process, self, &actions, NULL, words, wn_os_environment());
	posix_spawn_file_actions_destroy(&actions);
	close(ends[1]);
	client->output = ends[0];
	if (rc)
		close(ends[0]);
	return rc;
}

struct wn_bench_client *wn_bench_client_start(const char *const *arguments)
{
	struct wn_bench_client *client = calloc(1, sizeof(*client));
	const int rc = client ? spawn(client, arguments) : ENOMEM;

	if (!rc)
		return client;
	free(client);
	errno = rc;
	return NULL;
}

int wn_bench_client_wait(struct wn_bench_client *client, char *text, size_t bytes)
{
	size_t used = 0;
	ssize_t count;
	int status = 0;

	if (wn_bench_is_stopped())
		kill(client->process, SIGTERM);
	while (used + 1 < bytes) {
		count = read(client->output, text + used, bytes - 1 - used);
		if (count > 0)
			used += (size_t)count;
		else if (count == 0 || errno != EINTR)
			break;
		else if (wn_bench_is_stopped())
			kill(client->process, SIGTERM);
	}
	text[used] = '\0';
	close(client->output);
	while (waitpid(client->process, &status, 0) < 0 && errno == EINTR)
		continue;
	free(client);
	/* 1 is a loss, which the document tells. */
	return WIFEXITED(status) && WEXITSTATUS(status) <= 1 && used ? 0 : -EIO;
}

double wn_bench_number_in(const char *text, const char *object, const char *key)
{
	char quoted[64];
	const char *at = text;

	for (int i = object ? 0 : 1; i < 2; i++) {
		snprintf(quoted, sizeof(quoted), "\"%s\":", i ? key : object);
		at = strstr(at, quoted);
		if (!at)
			return 0;
		at += strlen(quoted);
	}
	return strtod(at, NULL);
}

double wn_bench_resident(const char *program, const char *how, uint32_t lanes, uint32_t bytes, double seconds, const char *key)
{
	char self[400], command[640], text[1024];
	size_t used = 0;
	FILE *pipe;

	if (wn_os_executable(self, sizeof(self)) || !strrchr(self, '/') || strpbrk(self, "'\\"))
		return 0;
	*strrchr(self, '/') = '\0';
	snprintf(command, sizeof(command), "'%s/bench/resident-%s' %s %u %u %.3f 2>/dev/null", self, program, how, lanes, bytes,
		 seconds);
	pipe = popen(command, "re");
	if (pipe) {
		used = fread(text, 1, sizeof(text) - 1, pipe);
		pclose(pipe);
	}
	text[used] = '\0';
	return wn_bench_number_in(text, NULL, key);
}
