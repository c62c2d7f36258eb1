/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAC_SYS_SOCKET_H
#define MAC_SYS_SOCKET_H
#include <types.h>
#include <sys/uio.h>

struct sockaddr {
	uint8_t sa_len;
	sa_family_t sa_family;
	char sa_data[14];
};
struct sockaddr_storage {
	uint8_t ss_len;
	sa_family_t ss_family;
	char pad[126];
} __attribute__((aligned(8)));
struct msghdr {
	void *msg_name;
	socklen_t msg_namelen;
	struct iovec *msg_iov;
	int msg_iovlen;
	void *msg_control;
	socklen_t msg_controllen;
	int msg_flags;
};
struct cmsghdr {
	socklen_t cmsg_len;
	int cmsg_level;
	int cmsg_type;
};

#define MAC_ALIGN32(bytes) (((size_t)(bytes) + 3) & ~(size_t)3)
#define CMSG_DATA(message) ((unsigned char *)(message) + MAC_ALIGN32(sizeof(struct cmsghdr)))
#define CMSG_SPACE(bytes) (MAC_ALIGN32(sizeof(struct cmsghdr)) + MAC_ALIGN32(bytes))
#define CMSG_LEN(bytes) (MAC_ALIGN32(sizeof(struct cmsghdr)) + (bytes))
#define CMSG_FIRSTHDR(header) ((header)->msg_controllen >= sizeof(struct cmsghdr) ? (struct cmsghdr *)(header)->msg_control : (struct cmsghdr *)0)
#define CMSG_NXTHDR(header, message) ((unsigned char *)(message) + MAC_ALIGN32((message)->cmsg_len) + MAC_ALIGN32(sizeof(struct cmsghdr)) > (unsigned char *)(header)->msg_control + (header)->msg_controllen ? (struct cmsghdr *)0 : (struct cmsghdr *)(void *)((unsigned char *)(message) + MAC_ALIGN32((message)->cmsg_len)))

#define AF_UNSPEC 0
#define AF_UNIX 1
#define AF_INET 2
#define AF_INET6 30
#define SOCK_STREAM 1
#define SOCK_DGRAM 2
#define SOCK_RAW 3
#define SOL_SOCKET 0xffff
#define SO_REUSEADDR 0x4
#define SO_REUSEPORT 0x200
#define SO_TIMESTAMP 0x400
#define SO_SNDBUF 0x1001
#define SO_RCVBUF 0x1002
#define SO_SNDTIMEO 0x1005
#define SO_RCVTIMEO 0x1006
#define SO_ERROR 0x1007
#define SO_NOSIGPIPE 0x1022
#define SCM_RIGHTS 0x1
#define SCM_TIMESTAMP 0x2
#define MSG_PEEK 0x2
#define MSG_TRUNC 0x10
#define MSG_CTRUNC 0x20
#define MSG_DONTWAIT 0x80
#define SHUT_RD 0
#define SHUT_WR 1
#define SHUT_RDWR 2

int socket(int family, int type, int protocol);
int socketpair(int family, int type, int protocol, int pair[2]);
int bind(int fd, const struct sockaddr *address, socklen_t length);
int connect(int fd, const struct sockaddr *address, socklen_t length);
int listen(int fd, int backlog);
int accept(int fd, struct sockaddr *address, socklen_t *length);
int shutdown(int fd, int how);
int getsockname(int fd, struct sockaddr *address, socklen_t *length);
int getpeername(int fd, struct sockaddr *address, socklen_t *length);
int getsockopt(int fd, int level, int name, void *value, socklen_t *length);
int setsockopt(int fd, int level, int name, const void *value, socklen_t length);
ssize_t send(int fd, const void *bytes, size_t count, int flags);
ssize_t sendto(int fd, const void *bytes, size_t count, int flags, const struct sockaddr *to, socklen_t length);
ssize_t sendmsg(int fd, const struct msghdr *message, int flags);
ssize_t recv(int fd, void *bytes, size_t count, int flags);
ssize_t recvfrom(int fd, void *bytes, size_t count, int flags, struct sockaddr *from, socklen_t *length);
ssize_t recvmsg(int fd, struct msghdr *message, int flags);

#endif
