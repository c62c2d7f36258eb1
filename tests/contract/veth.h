/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A network namespace of this test's own, with a veth pair wn-a and wn-b in it. It goes away with
 * the process. Nothing speaks there by itself: no addresses, no IPv6.
 */
#ifndef WN_TESTS_VETH_H
#define WN_TESTS_VETH_H

/* Moves the calling thread into a new namespace. NULL, or why that is not possible here. */
const char *veth_open(void);

/* The same, where AF_XDP sockets and the bpf call are needed as well. */
const char *veth_xdp_obstacle(void);

/* A raw socket on an interface that receives what arrives there, waiting up to twenty seconds. */
int veth_socket(const char *name);

/* Runs a shell command quietly. 0 where it succeeded. */
int veth_run(const char *command);

/* Waits up to half a minute until both ends carry frames. 0 or -1. */
int veth_wait(void);
int veth_wait_for(const char *one, const char *other);

#endif
