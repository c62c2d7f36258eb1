/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What differs between systems: everything that is not in POSIX.1-2008 and that sources outside the links of Linux
 * need all the same. Two sets of files say how, and meson.build takes one of them:
 *
 *   linux.c, linux_memory.c, linux_socket.c   WN_OS_LINUX 1: Linux, by its own calls
 *   posix.c, posix_memory.c, posix_socket.c   WN_OS_LINUX 0: macOS, and Linux with -Dportable=true
 *
 * In the second set what POSIX does not have either is Apple's call under __APPLE__, and Linux's elsewhere. Any
 * thread may call any of these; descriptors that they return are closed on exec. Errors are -errno.
 */
#ifndef WN_OS_OS_H
#define WN_OS_OS_H

#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>

#ifndef WN_OS_LINUX
#error "meson.build says which: -DWN_OS_LINUX=0 or 1"
#endif

/* -- memory that processes share -- */

/*
 * A memory object of its own, zeroed, of `bytes`; at an end it goes with its last descriptor. On Linux it is sealed:
 * nobody can change its size. Elsewhere it is an object of shm_open(3) whose name is gone when this returns.
 */
int wn_os_memory_create(const char *name, size_t bytes);

/* Whether nobody can cut it short under whoever has it mapped; 1 where the system cannot tell. */
int wn_os_memory_is_fixed(int fd);

/*
 * Maps it shared, to be read and written, in large pages where there are some, present before it is touched where
 * the system can. NULL with errno. munmap(2) with the same `bytes` undoes it.
 */
void *wn_os_memory_map(int fd, size_t bytes);

/* For mmap(2): pages present at once, where that can be asked for. */
#if WN_OS_LINUX
#define WN_OS_MAP_PRESENT MAP_POPULATE
#else
#define WN_OS_MAP_PRESENT 0
#endif

/* Private memory of this process should lie in large pages; nothing where there is no such wish. */
void wn_os_memory_wish_large(void *memory, size_t bytes);

/* -- threads and processes -- */

/* Processors this process may run on. */
uint32_t wn_os_cores(void);

/* What tools show of a thread, at most 15 characters; nothing where only a thread itself can say it. */
void wn_os_thread_name(pthread_t thread, const char *name);

/* A condition whose waits end by CLOCK_MONOTONIC. until_ns 0 or before: returns at once. 0 or -ETIMEDOUT. */
int wn_os_condition_init(pthread_cond_t *condition);
int wn_os_condition_wait(pthread_cond_t *condition, pthread_mutex_t *mutex, int64_t until_ns);

/* Sleeps until then (CLOCK_MONOTONIC); a signal may end it before. */
void wn_os_sleep_until(int64_t until_ns);

/* This thread's sleeps end on time, where the system can be asked for that. */
void wn_os_sharp_sleeps(void);

/* poll(2) with a wait in ns; negative: no end. */
int wn_os_poll(struct pollfd *fds, uint32_t count, int64_t wait_ns);

/*
 * This process ends, as by SIGKILL, soon after the one that started it has. Where the system does not do that, a
 * thread looks ten times a second.
 */
void wn_os_end_with_parent(void);

/* This process's environment, for posix_spawn(3); what a shared object of macOS may not name itself. */
char **wn_os_environment(void);

/* The file that this process runs: 0 or -errno. */
int wn_os_executable(char *path, size_t bytes);

/* -- descriptors -- */

int wn_os_pipe(int ends[2]);

/* A stdio stream that reads by a function: as read(2), with errno. NULL with errno. fclose() calls `close`. */
FILE *wn_os_stream(void *context, ssize_t (*read)(void *context, char *bytes, size_t count), int (*close)(void *context));

/* One thread uses the stream: its calls need not lock it, where that can be said. */
void wn_os_stream_unlocked(FILE *stream);

/* When a file was changed last. */
#ifdef __APPLE__
#define WN_OS_CHANGED(status) ((status)->st_mtimespec)
#else
#define WN_OS_CHANGED(status) ((status)->st_mtim)
#endif

/* -- sockets -- */

int wn_os_socket(int family, int type);

/* The next connection, which does not block. */
int wn_os_accept(int fd);

/*
 * Two ends that carry bytes and descriptors. A message may be cut in pieces or come together with the next: only
 * single bytes are messages.
 */
int wn_os_socket_pair(int pair[2]);

/* For send(2): a peer that is gone is an error, no signal. With sockets of wn_os_socket(), accept() and pair(). */
#ifdef MSG_NOSIGNAL
#define WN_OS_NO_SIGNAL MSG_NOSIGNAL
#else
#define WN_OS_NO_SIGNAL 0
#endif

/* recvmsg(2) of a message with descriptors, which are closed on exec. */
ssize_t wn_os_receive_descriptors(int fd, struct msghdr *message);

/* Waits up to `ms` for the other end to be closed. 1: it is. What has come and was not read stays. */
int wn_os_peer_has_left(int fd, int ms);

/* Who connected. */
int wn_os_peer_user(int fd, uid_t *user);

/* Binds a socket to a name that nobody else may connect to, from the first moment. */
int wn_os_bind_private(int fd, const struct sockaddr *address, socklen_t length);

/* -- datagrams -- */

/* One message of a call: as struct mmsghdr of Linux, member for member. */
struct wn_os_message {
	struct msghdr msg_hdr;
	unsigned int msg_len;
};

/*
 * Makes sure that the calls below wait for no longer than they are told, not even for room: macOS has no call that
 * says so of one send. Before the socket is used with them.
 */
void wn_os_datagrams(int fd);

/*
 * Receives up to `count` datagrams. wait_ns 0: what has come; else waits that long at most for the first. msg_len is
 * the datagram's own length, also where its buffers are shorter (no more than 65535). `waits` is the caller's, of
 * this socket, -1 at first: what the socket was told last. Returns how many, 0 where none came, or -errno.
 */
int wn_os_receive(int fd, struct wn_os_message *messages, uint32_t count, int64_t wait_ns, int64_t *waits);

/* Sends them in their order; `waits` 1: for room. Returns how many went out, or -errno of the first where none did. */
int wn_os_send(int fd, struct wn_os_message *messages, uint32_t count, int waits);

/* The length of the next datagram, which is read and thrown away, or -errno. The message's control data are filled. */
ssize_t wn_os_discard(int fd, struct msghdr *message);

/*
 * Trains: several datagrams of one peer in one call (UDP_SEGMENT of Linux 4.18, UDP_GRO of 5.0). 0, or -errno:
 * -ENOPROTOOPT where the system has no such thing.
 */
int wn_os_receive_trains(int fd);
int wn_os_send_trains(int fd, uint32_t segment_bytes);

/* Whether a control message says that its datagram is a train, and of how many bytes a piece. */
int wn_os_is_train(const struct cmsghdr *message, uint32_t *segment_bytes);

/* Adds that word to the control data of a message that is sent, behind what is there; room is the caller's. */
#if WN_OS_LINUX
enum { WN_OS_TRAIN_SPACE = CMSG_SPACE(sizeof(uint16_t)) };
#else
enum { WN_OS_TRAIN_SPACE = 0 };
#endif
int wn_os_add_train(struct msghdr *header, uint32_t segment_bytes);

/* Asks for the time of each datagram's arrival; whether a control message has it (CLOCK_REALTIME). */
int wn_os_ask_time(int fd);
int wn_os_is_time(const struct cmsghdr *message, int64_t *realtime_ns);

/* Buffers of a socket: as many bytes as asked where we may, else what the system allows. */
void wn_os_socket_buffers(int fd, uint64_t receive_bytes, uint64_t send_bytes);

/* Datagrams that found no room in the socket's buffer, since it was opened; 0 where the system does not tell. */
uint64_t wn_os_socket_dropped(int fd);

#endif
