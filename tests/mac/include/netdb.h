/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAC_NETDB_H
#define MAC_NETDB_H
#include <types.h>

struct sockaddr;
struct addrinfo {
	int ai_flags, ai_family, ai_socktype, ai_protocol;
	socklen_t ai_addrlen;
	char *ai_canonname;
	struct sockaddr *ai_addr;
	struct addrinfo *ai_next;
};

#define AI_PASSIVE 0x1
#define AI_NUMERICHOST 0x4
#define AI_NUMERICSERV 0x1000
#define EAI_SYSTEM 11
#define EAI_NONAME 8

int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **list);
void freeaddrinfo(struct addrinfo *list);
const char *gai_strerror(int code);

#endif
