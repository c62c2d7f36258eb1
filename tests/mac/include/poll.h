/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAC_POLL_H
#define MAC_POLL_H

struct pollfd {
	int fd;
	short events, revents;
};
typedef unsigned int nfds_t;

#define POLLIN 0x1
#define POLLPRI 0x2
#define POLLOUT 0x4
#define POLLERR 0x8
#define POLLHUP 0x10
#define POLLNVAL 0x20

int poll(struct pollfd *fds, nfds_t count, int ms);

#endif
