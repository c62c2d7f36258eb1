/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What programs of ours may use of macOS 13's C library, for arm64: declarations written by hand from its public manual
 * pages and headers (opensource.apple.com: Libc, xnu, libpthread, Libinfo), nothing that is not there, and of what is
 * there only what is used. One line a function: tests/mac/cross makes the library's stub of them.
 */
#ifndef MAC_TYPES_H
#define MAC_TYPES_H

#include <stdint.h>
#include <stddef.h>

typedef long ssize_t;
typedef int64_t off_t;
typedef int32_t pid_t;
typedef uint32_t uid_t;
typedef uint32_t gid_t;
typedef uint16_t mode_t;
typedef uint16_t nlink_t;
typedef int32_t dev_t;
typedef uint64_t ino_t;
typedef int64_t blkcnt_t;
typedef int32_t blksize_t;
typedef long time_t;
typedef int32_t suseconds_t;
typedef uint32_t socklen_t;
typedef uint8_t sa_family_t;
typedef uint16_t in_port_t;
typedef uint32_t in_addr_t;
typedef uint32_t sigset_t;
typedef unsigned char u_char;
typedef unsigned short u_short;
typedef unsigned int u_int;
typedef unsigned long u_long;

struct timespec {
	time_t tv_sec;
	long tv_nsec;
};

struct timeval {
	time_t tv_sec;
	suseconds_t tv_usec;
};

#endif
