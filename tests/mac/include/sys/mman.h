/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAC_SYS_MMAN_H
#define MAC_SYS_MMAN_H
#include <types.h>

#define PROT_NONE 0
#define PROT_READ 1
#define PROT_WRITE 2
#define PROT_EXEC 4
#define MAP_SHARED 0x1
#define MAP_PRIVATE 0x2
#define MAP_FIXED 0x10
#define MAP_NORESERVE 0x40
#define MAP_ANON 0x1000
#define MAP_ANONYMOUS MAP_ANON
#define MAP_FAILED ((void *)-1)

void *mmap(void *address, size_t bytes, int protection, int flags, int fd, off_t offset);
int munmap(void *address, size_t bytes);
int mprotect(void *address, size_t bytes, int protection);
int msync(void *address, size_t bytes, int flags);
int madvise(void *address, size_t bytes, int advice);
int shm_open(const char *name, int flags, ...);
int shm_unlink(const char *name);

#endif
