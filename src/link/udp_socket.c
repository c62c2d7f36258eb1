/* SPDX-License-Identifier: Apache-2.0 */
#include "link/udp_socket.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "os/os.h"

int wn_udp_socket_set(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) ? -errno : 0;
}

static int cannot_bind(const struct wn_link *link, int code, struct wn_error *error)
{
	const char *hint = "";

	if (code == EADDRINUSE)
		hint = "; another process has it (ss -ulpn tells which): choose another port, or let both "
		       "say reuseport=on";
	else if (code == EADDRNOTAVAIL)
		hint = "; that address is not on this machine (ip address lists them)";
	else if (code == EACCES)
		hint = "; ports below 1024 need CAP_NET_BIND_SERVICE: run as root, or setcap "
		       "cap_net_bind_service+ep";
	return wn_fail(error, code, WN_UNAVAILABLE, "link '%s': %s%s", link->spec, strerror(code), hint);
}

int wn_udp_socket_check(const struct wn_link *link, const union wn_address *bound, struct wn_error *error)
{
	int fd, rc = 0;

	if (link->limits.queue_count == 1 || wn_options_number(&link->options, "reuseport"))
		return 0;
	fd = wn_os_socket(bound->any.sa_family, SOCK_DGRAM);
	if (fd >= 0 && bind(fd, &bound->any, wn_address_length(bound)))
		rc = cannot_bind(link, errno, error);
	if (fd >= 0)
		close(fd);
	return rc;
}

int wn_udp_socket_open(const struct wn_link *link, const union wn_address *bound, struct wn_error *error)
{
	const int share = link->limits.queue_count > 1 || wn_options_number(&link->options, "reuseport");
	const int fd = wn_os_socket(bound->any.sa_family, SOCK_DGRAM);

	if (fd < 0)
		return wn_fail(error, -fd, WN_UNAVAILABLE, "link '%s': socket: %s", link->spec, strerror(-fd));
	wn_os_socket_buffers(fd, wn_options_number(&link->options, "rcvbuf"), wn_options_number(&link->options, "sndbuf"));
	if (share)
		wn_udp_socket_set(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	return fd;
}

int wn_udp_socket_bind(const struct wn_link *link, int fd, union wn_address *bound, struct wn_error *error)
{
	socklen_t length = sizeof(*bound);

	if (bind(fd, &bound->any, wn_address_length(bound)))
		return cannot_bind(link, errno, error);
	/* Port 0 was a wish for any: the further queues must share the one we got. */
	getsockname(fd, &bound->any, &length);
	return 0;
}

int wn_udp_socket_ask_local(int fd, const union wn_address *bound)
{
	return bound->any.sa_family == AF_INET6 ? wn_udp_socket_set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1)
						: wn_udp_socket_set(fd, IPPROTO_IP, IP_PKTINFO, 1);
}
