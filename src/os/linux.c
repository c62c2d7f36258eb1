/* SPDX-License-Identifier: Apache-2.0 */
#include "os/os.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio_ext.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"

static struct timespec timespec_of(int64_t ns)
{
	return (struct timespec){ns / WN_SECOND_NS, ns % WN_SECOND_NS};
}

uint32_t wn_os_cores(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set))
		return 1;
	return (uint32_t)CPU_COUNT(&set);
}

void wn_os_thread_name(pthread_t thread, const char *name)
{
	pthread_setname_np(thread, name);
}

int wn_os_condition_init(pthread_cond_t *condition)
{
	pthread_condattr_t attributes;
	int rc = pthread_condattr_init(&attributes);

	if (rc)
		return -rc;
	rc = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	if (!rc)
		rc = pthread_cond_init(condition, &attributes);
	pthread_condattr_destroy(&attributes);
	return -rc;
}

int wn_os_condition_wait(pthread_cond_t *condition, pthread_mutex_t *mutex, int64_t until_ns)
{
	const struct timespec until = timespec_of(until_ns > 0 ? until_ns : 0);

	return -pthread_cond_timedwait(condition, mutex, &until);
}

void wn_os_sleep_until(int64_t until_ns)
{
	const struct timespec until = timespec_of(until_ns);

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

void wn_os_sharp_sleeps(void)
{
	prctl(PR_SET_TIMERSLACK, 1ul, 0ul, 0ul, 0ul);
}

int wn_os_poll(struct pollfd *fds, uint32_t count, int64_t wait_ns)
{
	const struct timespec wait = timespec_of(wait_ns > 0 ? wait_ns : 0);

	return ppoll(fds, count, wait_ns < 0 ? NULL : &wait, NULL);
}

void wn_os_end_with_parent(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
}

char **wn_os_environment(void)
{
	return environ;
}

int wn_os_executable(char *path, size_t bytes)
{
	const ssize_t length = readlink("/proc/self/exe", path, bytes - 1);

	if (length < 0)
		return -errno;
	path[length] = '\0';
	return 0;
}

int wn_os_pipe(int ends[2])
{
	return pipe2(ends, O_CLOEXEC) ? -errno : 0;
}

FILE *wn_os_stream(void *context, ssize_t (*read)(void *context, char *bytes, size_t count), int (*close)(void *context))
{
	const cookie_io_functions_t functions = {.read = read, .close = close};

	return fopencookie(context, "r", functions);
}

void wn_os_stream_unlocked(FILE *stream)
{
	__fsetlocking(stream, FSETLOCKING_BYCALLER);
}
