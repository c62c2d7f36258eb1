/* SPDX-License-Identifier: Apache-2.0 */
#include "os/os.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "clock.h"
#include "ring/order.h"

enum { TRIES = 100 };

/*
 * An object under a name that nobody has, which is taken away at once. macOS allows 31 characters (PSHMNAMLEN), sizes
 * an object once (ftruncate(2)), and can only map it: no read, no write.
 */
int wn_os_memory_create(const char *name, size_t bytes)
{
	static uint32_t count;
	char path[32];
	int fd = -1;

	(void)name;
	for (int i = 0; fd < 0 && i < TRIES; i++) {
		snprintf(path, sizeof(path), "/wn-%lx-%x-%x", (unsigned long)getpid(),
			 __atomic_add_fetch(&count, 1, __ATOMIC_RELAXED), (uint32_t)wn_clock_ns());
		fd = shm_open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
		if (fd < 0 && errno != EEXIST)
			return -errno;
	}
	if (fd < 0)
		return -EEXIST;
	shm_unlink(path);
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) || ftruncate(fd, (off_t)(bytes ? bytes : 1))) {
		const int code = errno;

		close(fd);
		return -code;
	}
	return fd;
}

int wn_os_memory_is_fixed(int fd)
{
	(void)fd;
	return 1;
}

void *wn_os_memory_map(int fd, size_t bytes)
{
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

void wn_os_memory_wish_large(void *memory, size_t bytes)
{
	(void)memory;
	(void)bytes;
}
