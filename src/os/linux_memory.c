/* SPDX-License-Identifier: Apache-2.0 */
#include "os/os.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { HUGE_BYTES = 2 << 20 };

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25 /* Linux 6.1 */
#endif

int wn_os_memory_create(const char *name, size_t bytes)
{
	const int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
	const int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, (off_t)bytes) || fcntl(fd, F_ADD_SEALS, seals)) {
		const int code = errno;

		close(fd);
		return -code;
	}
	return fd;
}

int wn_os_memory_is_fixed(int fd)
{
	const int seals = fcntl(fd, F_GET_SEALS);

	return seals >= 0 && (seals & F_SEAL_SHRINK);
}

/*
 * Maps at an address where huge pages can lie, and asks for them: slots are visited in turn, so with
 * small pages nearly every packet would miss the TLB. Where the kernel has none to give, small ones
 * do. Populated, because a page fault on the way of a packet costs it a microsecond.
 */
void *wn_os_memory_map(int fd, size_t bytes)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE), room = bytes + HUGE_BYTES;
	uint8_t *reserved = mmap(NULL, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	uint8_t *aligned;
	void *memory;

	if (reserved == MAP_FAILED)
		return NULL;
	aligned = reserved + (HUGE_BYTES - (uintptr_t)reserved % HUGE_BYTES) % HUGE_BYTES;
	memory = mmap(aligned, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE | MAP_FIXED, fd, 0);
	if (memory == MAP_FAILED) {
		const int code = errno;

		munmap(reserved, room);
		errno = code;
		return NULL;
	}
	if (aligned > reserved)
		munmap(reserved, (size_t)(aligned - reserved));
	bytes = (bytes + page - 1) / page * page;
	munmap(aligned + bytes, room - bytes - (size_t)(aligned - reserved));
	madvise(memory, bytes, MADV_COLLAPSE);
	return memory;
}

void wn_os_memory_wish_large(void *memory, size_t bytes)
{
	madvise(memory, bytes, MADV_HUGEPAGE);
}
