/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs for the kernel's BPF machine (RFC 9669), written instruction by instruction, and the
 * bpf(2) calls that load and attach them.
 *
 * Jumps go forward only, to a label that is set later. Errors while writing (no memory, a jump too
 * far) are kept in the code and come out of wn_bpf_load(): nobody has to check each instruction.
 *
 * One thread.
 */
#ifndef WN_LINK_BPF_H
#define WN_LINK_BPF_H

#include <linux/bpf.h>
#include <stddef.h>
#include <stdint.h>

enum { WN_BPF_LOG_BYTES = 512 };

struct wn_bpf_code {
	struct bpf_insn *instructions;  /* owned */
	uint32_t count, room;
	struct wn_bpf_jump {
		uint32_t at;            /* instruction */
		uint32_t label;
	} *jumps;                       /* owned; to labels that are not set yet */
	uint32_t jump_count, jump_room;
	uint32_t *labels;               /* owned; where they are, UINT32_MAX: not set yet */
	uint32_t label_count, label_room;
	int error;                      /* 0, or the first -errno */
};

/* A zeroed code is empty; finish frees it. */
void wn_bpf_finish(struct wn_bpf_code *code);

/* One instruction; see linux/bpf.h for the opcode's parts. */
void wn_bpf_emit(struct wn_bpf_code *code, int opcode, int to, int from, int offset,
		 int32_t immediate);

/* A label, and where it is: before the next instruction. */
uint32_t wn_bpf_label(struct wn_bpf_code *code);
void wn_bpf_set(struct wn_bpf_code *code, uint32_t label);

/* A jump to `label`: opcode is BPF_JMP or BPF_JMP32 | BPF_JA, BPF_JEQ ... | BPF_K or BPF_X. */
void wn_bpf_jump(struct wn_bpf_code *code, int opcode, int to, int from, int32_t immediate,
		 uint32_t label);

/* Loads the address of a map. */
void wn_bpf_load_map(struct wn_bpf_code *code, int to, int map_fd);

/*
 * Loads an XDP program. Returns its descriptor, or -errno; `log` then holds the last lines of the
 * verifier, or "".
 */
int wn_bpf_load(struct wn_bpf_code *code, const char *name, char log[WN_BPF_LOG_BYTES]);

/* A map of sockets, one a queue (BPF_MAP_TYPE_XSKMAP). Its descriptor or -errno. */
int wn_bpf_socket_map(uint32_t queues);
int wn_bpf_socket_map_set(int map_fd, uint32_t queue, int socket_fd);
int wn_bpf_socket_map_clear(int map_fd, uint32_t queue);

/*
 * Attaches a program to an interface for as long as the descriptor returned is open, which the
 * kernel closes on every way out of a process. `flags`: XDP_FLAGS_DRV_MODE, XDP_FLAGS_SKB_MODE.
 * The descriptor or -errno; EBUSY and EEXIST: there is one already.
 */
int wn_bpf_attach_xdp(int program_fd, int interface_index, uint32_t flags);

/*
 * Says which XDP program an interface has: "program 12 'xdp_pass'". Returns 1, or 0 where it has
 * none or that cannot be found out.
 */
int wn_bpf_occupant(int interface_index, char *text, size_t bytes);

#endif
