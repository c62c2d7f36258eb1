/* SPDX-License-Identifier: Apache-2.0 */
#include "link/interface.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static void list_interfaces(char *text, size_t bytes)
{
	struct if_nameindex *names = if_nameindex();
	size_t used = 0;

	text[0] = '\0';
	for (int i = 0; names && names[i].if_index && used < bytes; i++)
		used += (size_t)snprintf(text + used, bytes - used, "%s%s", i ? ", " : "",
					 names[i].if_name);
	if (names)
		if_freenameindex(names);
}

static int not_found(const char *kind, const char *name, struct wn_error *error)
{
	char names[512];

	list_interfaces(names, sizeof(names));
	if (!name[0])
		return wn_fail(error, EINVAL, WN_USAGE, "%s: no interface named; there are: %s", kind,
			       names);
	return wn_fail(error, ENODEV, WN_UNAVAILABLE, "%s '%s': no such interface; there are: %s",
		       kind, name, names);
}

static int ask(int fd, const char *name, struct wn_interface *interface, unsigned int *hardware)
{
	struct ifreq request = { .ifr_ifindex = 0 }, mtu;

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	mtu = request;
	if (ioctl(fd, SIOCGIFHWADDR, &request) || ioctl(fd, SIOCGIFMTU, &mtu))
		return -errno;
	*hardware = request.ifr_hwaddr.sa_family;
	memcpy(interface->mac, request.ifr_hwaddr.sa_data, sizeof(interface->mac));
	interface->mtu = (uint32_t)mtu.ifr_mtu;
	return 0;
}

int wn_interface_find(struct wn_interface *interface, const char *kind, const char *name,
		      struct wn_error *error)
{
	unsigned int hardware = 0;
	int fd, rc;

	memset(interface, 0, sizeof(*interface));
	interface->index = (int)if_nametoindex(name);
	if (!interface->index)
		return not_found(kind, name, error);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	rc = fd < 0 ? -errno : ask(fd, name, interface, &hardware);
	if (fd >= 0)
		close(fd);
	if (rc)
		return wn_fail(error, -rc, WN_UNAVAILABLE, "%s '%s': %s", kind, name, strerror(-rc));
	if (hardware != ARPHRD_ETHER && hardware != ARPHRD_LOOPBACK)
		return wn_fail(error, EPROTONOSUPPORT, WN_UNAVAILABLE,
			       "%s '%s': the interface carries no Ethernet frames (hardware type "
			       "%u); Ethernet, veth, bridge, tap and loopback do", kind, name, hardware);
	return 0;
}

uint32_t wn_interface_queues(const char *name)
{
	struct ethtool_channels channels = { .cmd = ETHTOOL_GCHANNELS };
	struct ifreq request = { .ifr_ifindex = 0 };
	const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	uint32_t count = 0;

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	request.ifr_data = (void *)&channels;
	if (fd >= 0 && !ioctl(fd, SIOCETHTOOL, &request))
		count = channels.rx_count + channels.combined_count;
	if (fd >= 0)
		close(fd);
	return count ? count : 1;
}
