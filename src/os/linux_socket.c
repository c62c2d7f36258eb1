/* SPDX-License-Identifier: Apache-2.0 */
#include "os/os.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stddef.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "clock.h"
#include "os/linux_drops.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

_Static_assert(sizeof(struct wn_os_message) == sizeof(struct mmsghdr) &&
		       offsetof(struct wn_os_message, msg_len) == offsetof(struct mmsghdr, msg_len),
	       "a message is the kernel's own");

static int set(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) ? -errno : 0;
}

int wn_os_socket(int family, int type)
{
	const int fd = socket(family, type | SOCK_CLOEXEC, 0);

	return fd < 0 ? -errno : fd;
}

int wn_os_accept(int fd)
{
	const int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	return client < 0 ? -errno : client;
}

int wn_os_socket_pair(int pair[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) ? -errno : 0;
}

ssize_t wn_os_receive_descriptors(int fd, struct msghdr *message)
{
	return recvmsg(fd, message, MSG_CMSG_CLOEXEC);
}

int wn_os_peer_has_left(int fd, int ms)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLRDHUP};

	return poll(&poll_fd, 1, ms) > 0;
}

int wn_os_peer_user(int fd, uid_t *user)
{
	struct ucred peer;
	socklen_t length = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length))
		return -errno;
	*user = peer.uid;
	return 0;
}

/* The mode is given before there is a name. */
int wn_os_bind_private(int fd, const struct sockaddr *address, socklen_t length)
{
	return fchmod(fd, 0600) || bind(fd, address, length) ? -errno : 0;
}

void wn_os_datagrams(int fd)
{
	(void)fd;
}

/* Blocking receives end after this long; the kernel takes the wait per socket, not per call. */
static void set_wait(int fd, int64_t wait_ns, int64_t *waits)
{
	/* Rounded up: no time at all would mean for ever. */
	const int64_t us = (wait_ns + 999) / 1000;
	const struct timeval wait = {us / 1000000, us % 1000000};

	if (*waits == wait_ns)
		return;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	*waits = wait_ns;
}

int wn_os_receive(int fd, struct wn_os_message *messages, uint32_t count, int64_t wait_ns, int64_t *waits)
{
	/* MSG_TRUNC: the length returned is the datagram's own, also where the slot is shorter. */
	const int flags = MSG_TRUNC | (wait_ns ? MSG_WAITFORONE : MSG_DONTWAIT);
	int received;

	if (wait_ns)
		set_wait(fd, wait_ns, waits);
	received = recvmmsg(fd, (struct mmsghdr *)messages, count, flags, NULL);
	if (received < 0)
		return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? 0 : -errno;
	return received;
}

int wn_os_send(int fd, struct wn_os_message *messages, uint32_t count, int waits)
{
	const int sent = sendmmsg(fd, (struct mmsghdr *)messages, count, waits ? 0 : MSG_DONTWAIT);

	return sent < 0 ? -errno : sent;
}

ssize_t wn_os_discard(int fd, struct msghdr *message)
{
	const ssize_t length = recvmsg(fd, message, MSG_TRUNC | MSG_DONTWAIT);

	return length < 0 ? -errno : length;
}

int wn_os_receive_trains(int fd)
{
	return set(fd, IPPROTO_UDP, UDP_GRO, 1);
}

int wn_os_send_trains(int fd, uint32_t segment_bytes)
{
	return set(fd, IPPROTO_UDP, UDP_SEGMENT, (int)segment_bytes);
}

int wn_os_is_train(const struct cmsghdr *message, uint32_t *segment_bytes)
{
	int segment;

	if (message->cmsg_level != IPPROTO_UDP || message->cmsg_type != UDP_GRO)
		return 0;
	memcpy(&segment, CMSG_DATA(message), sizeof(segment));
	*segment_bytes = (uint32_t)segment;
	return 1;
}

int wn_os_add_train(struct msghdr *header, uint32_t segment_bytes)
{
	struct cmsghdr *message = (struct cmsghdr *)(void *)((char *)header->msg_control + header->msg_controllen);
	const uint16_t segment = (uint16_t)segment_bytes;

	message->cmsg_level = IPPROTO_UDP;
	message->cmsg_type = UDP_SEGMENT;
	message->cmsg_len = CMSG_LEN(sizeof(segment));
	memcpy(CMSG_DATA(message), &segment, sizeof(segment));
	header->msg_controllen += WN_OS_TRAIN_SPACE;
	return 0;
}

int wn_os_ask_time(int fd)
{
	return set(fd, SOL_SOCKET, SO_TIMESTAMPNS, 1);
}

int wn_os_is_time(const struct cmsghdr *message, int64_t *realtime_ns)
{
	struct timespec stamp;

	if (message->cmsg_level != SOL_SOCKET || message->cmsg_type != SCM_TIMESTAMPNS)
		return 0;
	memcpy(&stamp, CMSG_DATA(message), sizeof(stamp));
	*realtime_ns = stamp.tv_sec * WN_SECOND_NS + stamp.tv_nsec;
	return 1;
}

/* The kernel doubles what it is told, for its own book-keeping. */
void wn_os_socket_buffers(int fd, uint64_t receive_bytes, uint64_t send_bytes)
{
	if (set(fd, SOL_SOCKET, SO_RCVBUFFORCE, (int)(receive_bytes / 2)))
		set(fd, SOL_SOCKET, SO_RCVBUF, (int)(receive_bytes / 2));
	if (set(fd, SOL_SOCKET, SO_SNDBUFFORCE, (int)(send_bytes / 2)))
		set(fd, SOL_SOCKET, SO_SNDBUF, (int)(send_bytes / 2));
}

uint64_t wn_os_socket_dropped(int fd)
{
	return wn_linux_socket_dropped(fd);
}
