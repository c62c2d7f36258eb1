/* SPDX-License-Identifier: Apache-2.0 */
/* The udp link's far side: a plain connected socket on loopback. */
#include "tests/contract/feeder.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static int family;
static int client = -1;

static socklen_t loopback(struct sockaddr_storage *address, int port)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)address;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)address;

	memset(address, 0, sizeof(*address));
	address->ss_family = (sa_family_t)family;
	if (family == AF_INET) {
		v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		v4->sin_port = htons((uint16_t)port);
		return sizeof(*v4);
	}
	v6->sin6_addr = in6addr_loopback;
	v6->sin6_port = htons((uint16_t)port);
	return sizeof(*v6);
}

static int prepare(char *spec, size_t bytes)
{
	const struct timeval wait = { 20, 0 };
	struct sockaddr_storage address;
	const socklen_t length = loopback(&address, 0);

	client = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (client < 0)
		return -errno;
	setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	if (bind(client, (struct sockaddr *)&address, length))
		return -errno;
	snprintf(spec, bytes, "udp:%s", family == AF_INET ? "127.0.0.1:0" : "[::1]:0");
	return 0;
}

static int prepare4(char *spec, size_t bytes, const struct sample *samples, uint32_t count)
{
	(void)samples;
	(void)count;
	family = AF_INET;
	return prepare(spec, bytes);
}

static int prepare6(char *spec, size_t bytes, const struct sample *samples, uint32_t count)
{
	(void)samples;
	(void)count;
	family = AF_INET6;
	return prepare(spec, bytes);
}

static const char *obstacle6(void)
{
	struct sockaddr_storage address;
	socklen_t length;
	const char *reason = NULL;
	int fd;

	family = AF_INET6;
	length = loopback(&address, 0);
	fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, length))
		reason = "no IPv6 loopback here";
	if (fd >= 0)
		close(fd);
	return reason;
}

static int feed(const struct wn_link *link, const struct sample *samples, uint32_t count)
{
	const char *colon = strrchr(link->where, ':');
	struct sockaddr_storage address;
	const socklen_t length = loopback(&address, colon ? atoi(colon + 1) : 0);

	for (uint32_t i = 0; i < count; i++)
		if (sendto(client, samples[i].bytes, samples[i].length, 0,
			   (struct sockaddr *)&address, length) < 0)
			return -errno;
	return 0;
}

static int collect(uint8_t *bytes, uint32_t capacity)
{
	return (int)recv(client, bytes, capacity, 0);
}

static void finish(void)
{
	if (client >= 0)
		close(client);
	client = -1;
}

const struct feeder feeder_udp4 = {
	.kind = "udp4",
	.packets = WN_DATAGRAM,
	.unknown_option = "udp:127.0.0.1:0,surely_unknown=1",
	.wrong_value = "udp:127.0.0.1:0,gro=perhaps",
	.wrong_option = "gro",
	.prepare = prepare4,
	.feed = feed,
	.collect = collect,
	.finish = finish,
};

const struct feeder feeder_udp6 = {
	.kind = "udp6",
	.packets = WN_DATAGRAM,
	.flags = WN_SLOT_IPV6,
	.unknown_option = "udp:[::1]:0,surely_unknown=1",
	.wrong_value = "udp:[::1]:0,queues=none",
	.wrong_option = "queues",
	.obstacle = obstacle6,
	.prepare = prepare6,
	.feed = feed,
	.collect = collect,
	.finish = finish,
};
