/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/contract/veth.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#ifndef PACKET_IGNORE_OUTGOING
#define PACKET_IGNORE_OUTGOING 23
#endif

int veth_run(const char *command)
{
	char line[512];

	snprintf(line, sizeof(line), "PATH=$PATH:/usr/sbin:/sbin; { %s; } >/dev/null 2>&1",
		 command);
	return system(line);
}

static int is_running(int fd, const char *name)
{
	struct ifreq request = { .ifr_flags = 0 };

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	return !ioctl(fd, SIOCGIFFLAGS, &request) && (request.ifr_flags & IFF_RUNNING);
}

int veth_wait_for(const char *one, const char *other)
{
	const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int rc = -1;

	for (int i = 0; i < 3000 && rc; i++) {
		if (is_running(fd, one) && is_running(fd, other))
			rc = 0;
		else
			usleep(10000);
	}
	close(fd);
	return rc;
}

int veth_wait(void)
{
	return veth_wait_for("wn-a", "wn-b");
}

const char *veth_open(void)
{
	if (geteuid())
		return "needs root";
	if (veth_run("command -v ip"))
		return "needs the ip command (iproute2)";
	if (unshare(CLONE_NEWNET))
		return "no network namespaces here";
	/* Neighbour discovery would add frames of its own. */
	if (veth_run("echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6; "
		     "ip link set lo up; ip link add wn-a type veth peer name wn-b && "
		     "ip link set wn-a up && ip link set wn-b up"))
		return "no veth interfaces here";
	return veth_wait() ? "the veth pair does not come up" : NULL;
}

const char *veth_xdp_obstacle(void)
{
	const int fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
	union bpf_attr attributes;

	if (fd < 0)
		return errno == EAFNOSUPPORT ? "no AF_XDP sockets in this kernel" :
					       "no AF_XDP sockets allowed here";
	close(fd);
	memset(&attributes, 0, sizeof(attributes));
	attributes.map_type = BPF_MAP_TYPE_XSKMAP;
	attributes.key_size = attributes.value_size = sizeof(uint32_t);
	attributes.max_entries = 1;
	if (close((int)syscall(SYS_bpf, BPF_MAP_CREATE, &attributes, sizeof(attributes))))
		return "no bpf call allowed here";
	return veth_open();
}

int veth_socket(const char *name)
{
	const struct timeval wait = { 20, 0 };
	const struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = (int)if_nametoindex(name),
	};
	const int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0), on = 1;

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address))) {
		close(fd);
		return -1;
	}
	return fd;
}
