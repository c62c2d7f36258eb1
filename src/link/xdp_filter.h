/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the classic BPF that tcpdump's filter words compile to (linux/filter.h) to the BPF that runs
 * as an XDP program.
 *
 * The accumulator is r0, the index register r9, the 16 words of memory lie on the stack. A load
 * outside the frame ends the program, which then does not match, as in the original.
 */
#ifndef WN_LINK_XDP_FILTER_H
#define WN_LINK_XDP_FILTER_H

#include "link/bpf.h"
#include "link/filter.h"

/* Registers, as the steering program holds them from its first instructions on. */
enum {
	WN_XDP_CONTEXT = BPF_REG_6,  /* struct xdp_md */
	WN_XDP_DATA = BPF_REG_7,     /* first byte of the frame */
	WN_XDP_END = BPF_REG_8,      /* behind its last */
};

/* Writes a program that goes to `take` where the frame matches, else to `pass`. */
void wn_xdp_filter_write(const struct wn_filter *filter, struct wn_bpf_code *code, uint32_t take,
			 uint32_t pass);

#endif
