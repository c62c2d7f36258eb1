/* SPDX-License-Identifier: Apache-2.0 */
/* For sources of Linux only, with whichever set of os/os.h. */
#ifndef WN_OS_LINUX_DROPS_H
#define WN_OS_LINUX_DROPS_H

#include <linux/sock_diag.h>
#include <stdint.h>
#include <sys/socket.h>

/* wn_os_socket_dropped(), by SO_MEMINFO (Linux 4.12). */
static inline uint64_t wn_linux_socket_dropped(int fd)
{
	uint32_t values[SK_MEMINFO_VARS] = {0};
	socklen_t length = sizeof(values);

	if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, values, &length))
		return 0;
	return values[SK_MEMINFO_DROPS];
}

#endif
