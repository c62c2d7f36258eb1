/* SPDX-License-Identifier: Apache-2.0 */
#include "os/os.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#ifdef __APPLE__
#include <crt_externs.h>
#include <mach-o/dyld.h>
#endif

#include "clock.h"

#define PARENT_LOOK_NS (WN_SECOND_NS / 10)
#define POLL_STEP_NS (WN_MILLISECOND_NS / 10)

static struct timespec timespec_of(int64_t ns)
{
	return (struct timespec){ns / WN_SECOND_NS, ns % WN_SECOND_NS};
}

uint32_t wn_os_cores(void)
{
	const long count = sysconf(_SC_NPROCESSORS_ONLN);

	return count > 0 ? (uint32_t)count : 1;
}

void wn_os_thread_name(pthread_t thread, const char *name)
{
	(void)thread;
	(void)name;
}

int wn_os_condition_init(pthread_cond_t *condition)
{
	return -pthread_cond_init(condition, NULL);
}

/* By the wall clock, which may be set meanwhile: who waits looks at the other clock again. */
int wn_os_condition_wait(pthread_cond_t *condition, pthread_mutex_t *mutex, int64_t until_ns)
{
	const int64_t left_ns = until_ns - wn_clock_ns();
	const struct timespec until = timespec_of(wn_clock_of(CLOCK_REALTIME) + (left_ns > 0 ? left_ns : 0));

	return -pthread_cond_timedwait(condition, mutex, &until);
}

void wn_os_sleep_until(int64_t until_ns)
{
	const int64_t left_ns = until_ns - wn_clock_ns();
	const struct timespec left = timespec_of(left_ns);

	if (left_ns > 0)
		nanosleep(&left, NULL);
}

void wn_os_sharp_sleeps(void)
{
}

/* Whole milliseconds by poll, and the rest in short sleeps with a look after each. */
int wn_os_poll(struct pollfd *fds, uint32_t count, int64_t wait_ns)
{
	const int64_t until_ns = wait_ns > 0 ? wn_clock_ns() + wait_ns : 0;

	if (wait_ns < 0)
		return poll(fds, count, -1);
	for (;;) {
		const int64_t left_ns = until_ns ? until_ns - wn_clock_ns() : 0;
		const int64_t ms = left_ns / WN_MILLISECOND_NS;
		const int rc = poll(fds, count, left_ns <= 0 ? 0 : ms > INT_MAX ? INT_MAX : (int)ms);

		if (rc || left_ns <= 0)
			return rc;
		if (!ms)
			wn_os_sleep_until(wn_clock_ns() + (left_ns < POLL_STEP_NS ? left_ns : POLL_STEP_NS));
	}
}

static void *watch_parent(void *context)
{
	const pid_t parent = (pid_t)(intptr_t)context;

	while (getppid() == parent)
		wn_os_sleep_until(wn_clock_ns() + PARENT_LOOK_NS);
	kill(getpid(), SIGKILL);
	return NULL;
}

void wn_os_end_with_parent(void)
{
	pthread_t thread;

	if (!pthread_create(&thread, NULL, watch_parent, (void *)(intptr_t)getppid()))
		pthread_detach(thread);
}

char **wn_os_environment(void)
{
#ifdef __APPLE__
	return *_NSGetEnviron();
#else
	return environ;
#endif
}

int wn_os_executable(char *path, size_t bytes)
{
	char name[PATH_MAX] = "/proc/self/exe", full[PATH_MAX];
#ifdef __APPLE__
	uint32_t room = sizeof(name);

	if (_NSGetExecutablePath(name, &room))
		return -ENAMETOOLONG;
#endif
	if (!realpath(name, full))
		return -errno;
	return snprintf(path, bytes, "%s", full) < (int)bytes ? 0 : -ENAMETOOLONG;
}

int wn_os_pipe(int ends[2])
{
	if (pipe(ends))
		return -errno;
	fcntl(ends[0], F_SETFD, FD_CLOEXEC);
	fcntl(ends[1], F_SETFD, FD_CLOEXEC);
	return 0;
}

#ifdef __APPLE__
/* funopen(3) counts in int, and hands over one context for all. */
struct stream {
	void *context;
	ssize_t (*read)(void *context, char *bytes, size_t count);
	int (*close)(void *context);
};

static int read_stream(void *cookie, char *bytes, int count)
{
	struct stream *stream = cookie;

	return (int)stream->read(stream->context, bytes, (size_t)count);
}

static int close_stream(void *cookie)
{
	struct stream *stream = cookie;
	const int rc = stream->close(stream->context);

	free(stream);
	return rc;
}

FILE *wn_os_stream(void *context, ssize_t (*read)(void *context, char *bytes, size_t count), int (*close)(void *context))
{
	struct stream *stream = malloc(sizeof(*stream));
	FILE *file;

	if (!stream)
		return NULL;
	*stream = (struct stream){context, read, close};
	file = funopen(stream, read_stream, NULL, NULL, close_stream);
	if (!file)
		free(stream);
	return file;
}
#else
FILE *wn_os_stream(void *context, ssize_t (*read)(void *context, char *bytes, size_t count), int (*close)(void *context))
{
	const cookie_io_functions_t functions = {.read = read, .close = close};

	return fopencookie(context, "r", functions);
}
#endif

void wn_os_stream_unlocked(FILE *stream)
{
	(void)stream;
}
