/* SPDX-License-Identifier: Apache-2.0 */
/* A filter before a socket of Linux. */
#include <errno.h>
#include <linux/filter.h>
#include <sys/socket.h>

#include "link/filter.h"

#ifndef WN_HAVE_LIBPCAP
#define WN_HAVE_LIBPCAP 0
#endif

#if WN_HAVE_LIBPCAP
#include <pcap/pcap.h>

_Static_assert(sizeof(struct sock_filter) == sizeof(struct bpf_insn), "one instruction format");
#endif

static int attach(int fd, struct sock_filter *code, uint32_t count)
{
	const struct sock_fprog program = { .len = (unsigned short)count, .filter = code };

	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)))
		return -errno;
	return 0;
}

int wn_filter_attach(const struct wn_filter *filter, int fd)
{
	const int ignored = 0;

	if (filter->code)
		return attach(fd, filter->code, filter->count);
	/* ENOENT: there is none to take away. */
	if (setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &ignored, sizeof(ignored)) &&
	    errno != ENOENT)
		return -errno;
	return 0;
}

int wn_filter_attach_none(int fd)
{
	struct sock_filter reject = BPF_STMT(BPF_RET | BPF_K, 0);

	return attach(fd, &reject, 1);
}
