/* SPDX-License-Identifier: Apache-2.0 */
#include "tool/control.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "os/os.h"

enum { CLIENTS_MAX = 8, BACKLOG = 8 };

struct client {
	int fd;                  /* -1: none */
	size_t used;
	char *line;              /* WN_CONTROL_LINE_BYTES */
};

struct wn_control {
	int fd;
	char path[WN_CONTROL_PATH_BYTES];
	struct client clients[CLIENTS_MAX];
};

static struct sockaddr_un address_of(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	return address;
}

int wn_control_connect(const char *path)
{
	const struct sockaddr_un address = address_of(path);
	const int fd = wn_os_socket(AF_UNIX, SOCK_STREAM);

	if (fd < 0)
		return fd;
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address))) {
		const int error = errno;

		close(fd);
		return -error;
	}
	return fd;
}

/* A socket that somebody left behind is removed; everything else stays. */
static int make_way(const char *path, struct wn_error *error)
{
	struct stat status;
	int fd;

	if (lstat(path, &status))
		return 0;
	if (!S_ISSOCK(status.st_mode))
		return wn_fail(error, EEXIST, WN_UNAVAILABLE, "control socket %s: there is a file of that name",
			       path);
	fd = wn_control_connect(path);
	if (fd == -ECONNREFUSED)
		return unlink(path) ? wn_fail(error, errno, WN_UNAVAILABLE,
					      "control socket %s: is left over and cannot be removed: %s", path,
					      strerror(errno))
				    : 0;
	if (fd >= 0)
		close(fd);
	return wn_fail(error, EADDRINUSE, WN_UNAVAILABLE, "control socket %s: another process has it", path);
}

static int bind_private(int fd, const char *path)
{
	const struct sockaddr_un address = address_of(path);

	const int rc = wn_os_bind_private(fd, (const struct sockaddr *)&address, sizeof(address));

	if (rc)
		return rc;
	if (chmod(path, 0600) || listen(fd, BACKLOG)) {
		const int error = errno;

		unlink(path);
		return -error;
	}
	return 0;
}

static int make_socket(struct wn_control *control, const char *path, struct wn_error *error)
{
	int rc;

	if (strlen(path) >= sizeof(control->path))
		return wn_fail(error, ENAMETOOLONG, WN_USAGE, "control socket %s: at most %zu characters",
			       path, sizeof(control->path) - 1);
	rc = make_way(path, error);
	if (rc)
		return rc;
	control->fd = wn_os_socket(AF_UNIX, SOCK_STREAM);
	rc = control->fd < 0 ? control->fd : bind_private(control->fd, path);
	if (!rc)
		rc = fcntl(control->fd, F_SETFL, O_NONBLOCK) ? -errno : 0;
	if (rc)
		return wn_fail(error, -rc, WN_UNAVAILABLE, "control socket %s: %s", path, strerror(-rc));
	snprintf(control->path, sizeof(control->path), "%s", path);
	return 0;
}

struct wn_control *wn_control_open(const char *path, struct wn_error *error)
{
	struct wn_control *control = calloc(1, sizeof(*control));

	if (!control) {
		wn_fail(error, ENOMEM, WN_FAILED, "out of memory");
		return NULL;
	}
	control->fd = -1;
	for (int i = 0; i < CLIENTS_MAX; i++)
		control->clients[i].fd = -1;
	if (make_socket(control, path, error)) {
		wn_control_close(control);
		return NULL;
	}
	return control;
}

static void hang_up(struct client *client)
{
	if (client->fd >= 0)
		close(client->fd);
	free(client->line);
	*client = (struct client){.fd = -1};
}

void wn_control_close(struct wn_control *control)
{
	if (!control)
		return;
	for (int i = 0; i < CLIENTS_MAX; i++)
		hang_up(&control->clients[i]);
	if (control->fd >= 0)
		close(control->fd);
	if (control->path[0])
		unlink(control->path);
	free(control);
}

const char *wn_control_path(const struct wn_control *control)
{
	return control->path;
}

/* The mode keeps others out; this keeps them out where a descriptor was passed on. */
static int may_ask(int fd)
{
	uid_t user;

	return !wn_os_peer_user(fd, &user) && (user == geteuid() || user == 0);
}

static void take_client(struct wn_control *control)
{
	const int fd = wn_os_accept(control->fd);

	if (fd < 0)
		return;
	for (int i = 0; i < CLIENTS_MAX && may_ask(fd); i++) {
		struct client *client = &control->clients[i];

		if (client->fd >= 0)
			continue;
		client->line = malloc(WN_CONTROL_LINE_BYTES);
		if (!client->line)
			break;
		client->fd = fd;
		return;
	}
	close(fd);
}

/* 0, or -1 where the reply could not be sent whole: the client does not read. */
static int answer(struct client *client, char *line,
		  void (*handle)(void *context, char *line, FILE *reply), void *context)
{
	char *text = NULL;
	size_t bytes = 0, sent = 0;
	FILE *reply = open_memstream(&text, &bytes);

	if (!reply)
		return -1;
	handle(context, line, reply);
	if (fclose(reply))
		bytes = 0;
	while (sent < bytes) {
		const ssize_t count = send(client->fd, text + sent, bytes - sent, WN_OS_NO_SIGNAL);

		if (count < 0 && errno != EINTR)
			break;
		sent += count > 0 ? (size_t)count : 0;
	}
	free(text);
	return bytes && sent == bytes ? 0 : -1;
}

static int answer_lines(struct client *client,
			void (*handle)(void *context, char *line, FILE *reply), void *context)
{
	char *start = client->line, *end;
	size_t left = client->used;
	int rc = 0;

	while (!rc && (end = memchr(start, '\n', left))) {
		*end = '\0';
		rc = answer(client, start, handle, context);
		left -= (size_t)(end + 1 - start);
		start = end + 1;
	}
	memmove(client->line, start, left);
	client->used = left;
	return rc;
}

static void serve_client(struct client *client,
			 void (*handle)(void *context, char *line, FILE *reply), void *context)
{
	const size_t room = WN_CONTROL_LINE_BYTES - client->used;
	const ssize_t count = recv(client->fd, client->line + client->used, room, 0);

	if (count < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (count > 0)
		client->used += (size_t)count;
	if (count <= 0 || answer_lines(client, handle, context) ||
	    client->used == WN_CONTROL_LINE_BYTES)
		hang_up(client);
}

void wn_control_serve(struct wn_control *control, int timeout_ms,
		      void (*handle)(void *context, char *line, FILE *reply), void *context)
{
	struct pollfd fds[CLIENTS_MAX + 1];

	for (int i = 0; i < CLIENTS_MAX; i++)
		fds[i] = (struct pollfd){.fd = control->clients[i].fd, .events = POLLIN};
	fds[CLIENTS_MAX] = (struct pollfd){.fd = control->fd, .events = POLLIN};
	if (poll(fds, CLIENTS_MAX + 1, timeout_ms) <= 0)
		return;
	for (int i = 0; i < CLIENTS_MAX; i++)
		if (fds[i].revents)
			serve_client(&control->clients[i], handle, context);
	if (fds[CLIENTS_MAX].revents)
		take_client(control);
}
