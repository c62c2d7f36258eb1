/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the floors share besides their loops: options, a socket, a stop, CPU time. No code of
 * warpnic's is used here: a floor is what one would write by hand.
 */
#ifndef FLOOR_H
#define FLOOR_H

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

static inline double floor_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static inline _Noreturn void floor_die(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(1);
}

/* CPU time of this thread so far, in ns. */
struct floor_cpu {
	double user_ns, system_ns;
};

static inline struct floor_cpu floor_cpu(void)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	return (struct floor_cpu){
		(double)usage.ru_utime.tv_sec * 1e9 + (double)usage.ru_utime.tv_usec * 1e3,
		(double)usage.ru_stime.tv_sec * 1e9 + (double)usage.ru_stime.tv_usec * 1e3,
	};
}

/*
 * A bound UDP socket on 127.0.0.1 whose blocking calls end after a tenth of a second, so that the
 * clock is looked at. A large receive buffer, as anyone tuning this would ask for.
 */
static inline int floor_socket(uint16_t port, int is_gro)
{
	const struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	const struct timeval tenth = {.tv_usec = 100000};
	const int on = 1, bytes = 4 << 20;
	const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		floor_die("socket");
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tenth, sizeof(tenth)))
		floor_die("SO_RCVTIMEO");
	if (is_gro && setsockopt(fd, IPPROTO_UDP, UDP_GRO, &on, sizeof(on)))
		floor_die("UDP_GRO");
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)))
		floor_die("bind");
	return fd;
}

/* Bytes a datagram of the train in a message; `whole` where it is none. */
static inline uint32_t floor_segment(struct msghdr *message, uint32_t whole)
{
	struct cmsghdr *control = CMSG_FIRSTHDR(message);
	int bytes;

	if (!control || control->cmsg_level != IPPROTO_UDP || control->cmsg_type != UDP_GRO)
		return whole;
	memcpy(&bytes, CMSG_DATA(control), sizeof(bytes));
	return (uint32_t)bytes;
}

/* The result, one JSON line. The clock starts at the first packet, so waiting for load is free. */
static inline void floor_print(const char *name, uint64_t packets, uint64_t bytes, uint64_t calls,
			       double seconds, struct floor_cpu cpu)
{
	const double each = packets ? (double)packets : 1.0;

	printf("{\"floor\": \"%s\", \"packets\": %llu, \"bytes\": %llu, \"calls\": %llu, "
	       "\"seconds\": %.6f, \"packets_per_second\": %.1f, \"user_ns_per_packet\": %.2f, "
	       "\"system_ns_per_packet\": %.2f, \"cpu_ns_per_packet\": %.2f}\n",
	       name, (unsigned long long)packets, (unsigned long long)bytes,
	       (unsigned long long)calls, seconds, seconds > 0 ? (double)packets / seconds : 0.0,
	       cpu.user_ns / each, cpu.system_ns / each, (cpu.user_ns + cpu.system_ns) / each);
}

#endif
