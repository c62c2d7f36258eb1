/* SPDX-License-Identifier: Apache-2.0 */
/* A file that is in memory only, by a path: for what reads files. */
#ifndef WN_TESTS_MEMORY_FILE_H
#define WN_TESTS_MEMORY_FILE_H

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* A file, to be zeroed first. */
struct memory_file {
	int fd;                  /* 0: not made yet */
	char load[128];
};

/* "OPTION=PATH" of a file with these bytes; the next call for it replaces them. */
static inline const char *memory_file_load(struct memory_file *file, const char *option, const void *bytes,
					   size_t count)
{
	if (!file->fd)
		file->fd = memfd_create("file", MFD_CLOEXEC);
	if (file->fd < 0 || ftruncate(file->fd, 0) || pwrite(file->fd, bytes, count, 0) != (ssize_t)count)
		abort();
	snprintf(file->load, sizeof(file->load), "%s=/proc/self/fd/%d", option, file->fd);
	return file->load;
}

#endif
