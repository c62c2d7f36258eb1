/* SPDX-License-Identifier: Apache-2.0 */
/* A file that is in memory only, by a path: for what reads files. */
#ifndef WN_TESTS_MEMORY_FILE_H
#define WN_TESTS_MEMORY_FILE_H

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* "OPTION=PATH" of a file with these bytes; the next call replaces them. */
static inline const char *memory_file_load(const char *option, const void *bytes, size_t count)
{
	static char load[128];
	static int fd = -1;

	if (fd < 0)
		fd = memfd_create("file", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, 0) || pwrite(fd, bytes, count, 0) != (ssize_t)count)
		abort();
	snprintf(load, sizeof(load), "%s=/proc/self/fd/%d", option, fd);
	return load;
}

#endif
