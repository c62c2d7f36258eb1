/* SPDX-License-Identifier: Apache-2.0 */
#include "os/os.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"

enum { DATAGRAM_BYTES_MAX = 65536, PARTS_MAX = 4 };

static int set(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) ? -errno : 0;
}

/* Not inherited, and silent where the peer is gone. */
static int tame(int fd)
{
	fcntl(fd, F_SETFD, FD_CLOEXEC);
#ifdef SO_NOSIGPIPE
	set(fd, SOL_SOCKET, SO_NOSIGPIPE, 1);
#endif
	return fd;
}

int wn_os_socket(int family, int type)
{
	const int fd = socket(family, type, 0);

	return fd < 0 ? -errno : tame(fd);
}

int wn_os_accept(int fd)
{
	const int client = accept(fd, NULL, NULL);

	if (client < 0)
		return -errno;
	fcntl(client, F_SETFL, fcntl(client, F_GETFL) | O_NONBLOCK);
	return tame(client);
}

int wn_os_socket_pair(int pair[2])
{
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		return -errno;
	tame(pair[0]);
	tame(pair[1]);
	return 0;
}

ssize_t wn_os_receive_descriptors(int fd, struct msghdr *message)
{
	const ssize_t length = recvmsg(fd, message, 0);

	for (struct cmsghdr *header = length > 0 ? CMSG_FIRSTHDR(message) : NULL; header;
	     header = CMSG_NXTHDR(message, header)) {
		const size_t bytes = header->cmsg_len - CMSG_LEN(0);
		int fds[DATAGRAM_BYTES_MAX / 64];

		if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS || bytes > sizeof(fds))
			continue;
		memcpy(fds, CMSG_DATA(header), bytes);
		for (size_t i = 0; i < bytes / sizeof(int); i++)
			fcntl(fds[i], F_SETFD, FD_CLOEXEC);
	}
	return length;
}

/* Bytes that nobody has read yet hide the end from poll: then it is looked for now and then. */
int wn_os_peer_has_left(int fd, int ms)
{
	const int64_t until_ns = wn_clock_ns() + ms * WN_MILLISECOND_NS;
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
	char byte;

	for (;;) {
		const int64_t left_ns = until_ns - wn_clock_ns();

		if (wn_os_poll(&poll_fd, 1, left_ns > 0 ? left_ns : 0) <= 0)
			return 0;
		if (recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0 || (poll_fd.revents & (POLLHUP | POLLERR | POLLNVAL)))
			return 1;
		if (left_ns <= 0)
			return 0;
		wn_os_sleep_until(wn_clock_ns() + (left_ns < WN_MILLISECOND_NS ? left_ns : WN_MILLISECOND_NS));
	}
}

int wn_os_peer_user(int fd, uid_t *user)
{
#ifdef __APPLE__
	gid_t group;

	return getpeereid(fd, user, &group) ? -errno : 0;
#else
	struct ucred peer;
	socklen_t length = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length))
		return -errno;
	*user = peer.uid;
	return 0;
#endif
}

/* macOS changes no mode of a socket that has no name: what the process masks holds for the moment of its making. */
int wn_os_bind_private(int fd, const struct sockaddr *address, socklen_t length)
{
	const mode_t mask = umask(0177);
	const int rc = bind(fd, address, length) ? -errno : 0;

	umask(mask);
	return rc;
}

void wn_os_datagrams(int fd)
{
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

/*
 * One datagram. What does not fit its buffers goes into a spare one, so that its length is known: without MSG_TRUNC
 * as Linux takes it a call only says that something was cut off.
 */
static ssize_t receive_one(int fd, struct msghdr *message)
{
	static _Thread_local uint8_t spare[DATAGRAM_BYTES_MAX];
	struct iovec parts[PARTS_MAX + 1];
	struct msghdr whole = *message;
	size_t room = 0;
	ssize_t length;

	if ((size_t)message->msg_iovlen > PARTS_MAX) {
		errno = EMSGSIZE;
		return -1;
	}
	for (size_t i = 0; i < (size_t)message->msg_iovlen; i++) {
		parts[i] = message->msg_iov[i];
		room += parts[i].iov_len;
	}
	parts[message->msg_iovlen] = (struct iovec){spare, sizeof(spare)};
	whole.msg_iov = parts;
	whole.msg_iovlen = message->msg_iovlen + 1;
	length = recvmsg(fd, &whole, MSG_DONTWAIT);
	if (length < 0)
		return length;
	message->msg_namelen = whole.msg_namelen;
	message->msg_controllen = whole.msg_controllen;
	message->msg_flags = whole.msg_flags | ((size_t)length > room ? MSG_TRUNC : 0);
	return length;
}

static int is_for_later(int code)
{
	return code == EAGAIN || code == EWOULDBLOCK || code == EINTR;
}

int wn_os_receive(int fd, struct wn_os_message *messages, uint32_t count, int64_t wait_ns, int64_t *waits)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
	uint32_t received = 0;

	(void)waits;
	while (received < count) {
		const ssize_t length = receive_one(fd, &messages[received].msg_hdr);

		if (length >= 0) {
			messages[received++].msg_len = (unsigned int)length;
			continue;
		}
		if (received)
			break;
		if (!is_for_later(errno))
			return -errno;
		if (!wait_ns || wn_os_poll(&poll_fd, 1, wait_ns) <= 0)
			return 0;
		wait_ns = 0;
	}
	return (int)received;
}

int wn_os_send(int fd, struct wn_os_message *messages, uint32_t count, int waits)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLOUT};
	uint32_t sent = 0;

	while (sent < count) {
		const ssize_t length = sendmsg(fd, &messages[sent].msg_hdr, MSG_DONTWAIT | WN_OS_NO_SIGNAL);

		if (length >= 0) {
			messages[sent++].msg_len = (unsigned int)length;
			continue;
		}
		if (sent)
			break;
		if (!waits || !is_for_later(errno) || poll(&poll_fd, 1, -1) < 0)
			return -errno;
	}
	return (int)sent;
}

ssize_t wn_os_discard(int fd, struct msghdr *message)
{
	const ssize_t length = receive_one(fd, message);

	return length < 0 ? -errno : length;
}

int wn_os_receive_trains(int fd)
{
	(void)fd;
	return -ENOPROTOOPT;
}

int wn_os_send_trains(int fd, uint32_t segment_bytes)
{
	(void)fd;
	(void)segment_bytes;
	return -ENOPROTOOPT;
}

int wn_os_is_train(const struct cmsghdr *message, uint32_t *segment_bytes)
{
	(void)message;
	(void)segment_bytes;
	return 0;
}

int wn_os_add_train(struct msghdr *header, uint32_t segment_bytes)
{
	(void)header;
	(void)segment_bytes;
	return -ENOPROTOOPT;
}

int wn_os_ask_time(int fd)
{
	return set(fd, SOL_SOCKET, SO_TIMESTAMP, 1);
}

int wn_os_is_time(const struct cmsghdr *message, int64_t *realtime_ns)
{
	struct timeval stamp;

	if (message->cmsg_level != SOL_SOCKET || message->cmsg_type != SCM_TIMESTAMP)
		return 0;
	memcpy(&stamp, CMSG_DATA(message), sizeof(stamp));
	*realtime_ns = stamp.tv_sec * WN_SECOND_NS + stamp.tv_usec * INT64_C(1000);
	return 1;
}

/* A size that the system does not allow is refused whole: half of it, and so on. */
static void set_buffer(int fd, int name, uint64_t bytes)
{
	while (bytes && set(fd, SOL_SOCKET, name, (int)bytes))
		bytes /= 2;
}

void wn_os_socket_buffers(int fd, uint64_t receive_bytes, uint64_t send_bytes)
{
	set_buffer(fd, SO_RCVBUF, receive_bytes);
	set_buffer(fd, SO_SNDBUF, send_bytes);
}

uint64_t wn_os_socket_dropped(int fd)
{
	(void)fd;
	return 0;
}
