/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAC_ARPA_INET_H
#define MAC_ARPA_INET_H
#include <netinet/in.h>

const char *inet_ntop(int family, const void *address, char *text, socklen_t size);
int inet_pton(int family, const char *text, void *address);

#endif
