/* SPDX-License-Identifier: Apache-2.0 */
#include "device/team/worker.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "os/os.h"

int wn_team_fail(struct wn_team_worker *worker, const char *format, ...)
{
	va_list arguments;

	if (worker->control->text[0])
		return -1; /* the first reason is the cause of the others */
	va_start(arguments, format);
	vsnprintf(worker->control->text, sizeof(worker->control->text), format, arguments);
	va_end(arguments);
	return -1;
}

void wn_team_say(struct wn_team_worker *worker, enum wn_team_state state)
{
	const char byte = (char)state;

	wn_store_release(&worker->control->state, state);
	(void)!send(worker->socket, &byte, 1, WN_OS_NO_SIGNAL | MSG_DONTWAIT);
}

int wn_team_is_wanted(const struct wn_team_worker *worker, int ms)
{
	return !wn_os_peer_has_left(worker->socket, ms);
}

/* Takes the descriptors. The number that came, or -1. */
static int take_descriptors(struct wn_team_worker *worker)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(worker->fds))];
	} control;
	char byte;
	struct iovec part = {.iov_base = &byte, .iov_len = 1};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control,
				 .msg_controllen = sizeof(control)};
	const struct cmsghdr *header;
	size_t bytes;

	if (wn_os_receive_descriptors(worker->socket, &message) != 1)
		return -1;
	header = CMSG_FIRSTHDR(&message);
	if (!header || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS ||
	    (message.msg_flags & MSG_CTRUNC))
		return -1;
	bytes = header->cmsg_len - CMSG_LEN(0);
	memcpy(worker->fds, CMSG_DATA(header), bytes);
	return (int)(bytes / sizeof(int));
}

static int map_control(struct wn_team_worker *worker)
{
	struct stat status;
	void *memory;

	if (fstat(worker->fds[WN_TEAM_FD_CONTROL], &status) ||
	    (size_t)status.st_size < sizeof(struct wn_team_control))
		return -1;
	memory = mmap(NULL, (size_t)status.st_size, PROT_READ | PROT_WRITE,
		      MAP_SHARED | WN_OS_MAP_PRESENT, worker->fds[WN_TEAM_FD_CONTROL], 0);
	if (memory == MAP_FAILED)
		return -1;
	worker->control = memory;
	return worker->control->abi == WN_TEAM_ABI &&
			       worker->control->total_bytes <= (uint64_t)status.st_size
		       ? 0
		       : -1;
}

int wn_team_open_rings(struct wn_team_worker *worker)
{
	struct wn_error error;

	for (uint32_t i = 0; i < worker->control->queue_count; i++)
		if (wn_ring_open(&worker->rings[i], worker->fds[WN_TEAM_FD_RINGS + i], &error))
			return wn_team_fail(worker, "queue %u: %s", i, error.text);
	return 0;
}

int wn_team_wait_go(struct wn_team_worker *worker)
{
	char byte;

	wn_team_say(worker, WN_TEAM_PREPARED);
	return recv(worker->socket, &byte, 1, 0) == 1 ? 0
						      : wn_team_fail(worker, "abandoned");
}

int wn_team_begin(struct wn_team_worker *worker, int argument_count, const char *name)
{
	struct stat status;

	worker->socket = WN_TEAM_SOCKET;
	if (argument_count != 1 || fstat(worker->socket, &status) || !S_ISSOCK(status.st_mode)) {
		fprintf(stderr, "%s: started by warpnic itself, not by hand\n", name);
		return -1;
	}
	/* Ctrl-C reaches the whole process group; whoever started us drains first and tells us then. */
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	wn_os_end_with_parent();
	worker->fd_count = take_descriptors(worker);
	if (worker->fd_count < WN_TEAM_FD_RINGS || map_control(worker) ||
	    worker->fd_count < WN_TEAM_FD_RINGS + (int)worker->control->queue_count + (worker->control->near_bytes != 0)) {
		fprintf(stderr, "%s: not the descriptors that this version takes\n", name);
		return -1;
	}
	return 0;
}
