/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcpdump's filter words, compiled to the kernel's classic BPF.
 *
 * The `packet` link attaches the program to its sockets, the `pcap` link runs it over the records
 * of a file. Both carry Ethernet frames, so the program is compiled for those. libpcap does the
 * compiling; a build without it refuses every filter by name.
 *
 * A compiled filter is constant: any thread may match with it.
 */
#ifndef WN_LINK_FILTER_H
#define WN_LINK_FILTER_H

#include <stdint.h>

#include "warpnic/status.h"

/* The kernel's instruction; libpcap's struct bpf_insn is the same format under another name. */
struct sock_filter;

struct wn_filter {
	struct sock_filter *code;  /* owned; NULL: lets everything pass */
	uint32_t count;            /* instructions */
};

/*
 * Compiles `expression`; NULL or only blanks passes everything. 0, or -EINVAL (WN_USAGE) with the
 * expression and libpcap's own words, or -ENOTSUP (WN_UNAVAILABLE) where the build has no libpcap.
 *
 * `interface` is NULL for frames in a file. For a live interface its name makes `vlan` words look
 * at the tag where the kernel keeps it, beside the frame; that needs the right to open a packet
 * socket, and falls back to tags inside the frame. wn_filter_finish() undoes it.
 */
int wn_filter_compile(struct wn_filter *filter, const char *expression, const char *interface,
		      struct wn_error *error);

/* A zeroed filter is fine. */
void wn_filter_finish(struct wn_filter *filter);

/*
 * Puts the filter before a socket, in place of the one it has; one that passes everything takes
 * that away. 0 or -errno.
 */
int wn_filter_attach(const struct wn_filter *filter, int fd);

/* Makes a socket let nothing pass. 0 or -errno. */
int wn_filter_attach_none(int fd);

/* Whether a frame of which `length` bytes are at hand, and which had wire_length, passes. */
int wn_filter_matches(const struct wn_filter *filter, const uint8_t *bytes, uint32_t length,
		      uint32_t wire_length);

#endif
