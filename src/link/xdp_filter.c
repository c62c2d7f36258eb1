/* SPDX-License-Identifier: Apache-2.0 */
#include "link/xdp_filter.h"

#include <errno.h>
#include <linux/filter.h>

enum {
	A = BPF_REG_0,
	X = BPF_REG_9,
	OFFSET_MAX = 0x7fff,   /* of a load: the field of an instruction is 16 bits with a sign */
	WORD_BYTES = 4,
};

/* What one translation needs everywhere. */
struct work {
	struct wn_bpf_code *code;
	uint32_t first_label;      /* of instruction 0; the others follow */
	uint32_t count;            /* instructions */
	uint32_t take, pass;
};

static int width_bytes(int opcode)
{
	return BPF_SIZE(opcode) == BPF_W ? 4 : BPF_SIZE(opcode) == BPF_H ? 2 : 1;
}

static int memory_at(uint32_t word)
{
	return -(int)(word + 1) * WORD_BYTES;
}

static void to_host_order(struct work *work, int opcode, int to)
{
	if (BPF_SIZE(opcode) != BPF_B)
		wn_bpf_emit(work->code, BPF_ALU | BPF_END | BPF_TO_BE, to, 0, 0,
			    width_bytes(opcode) * 8);
}

/* P[k] */
static void load_absolute(struct work *work, int opcode, int to, uint32_t k)
{
	struct wn_bpf_code *code = work->code;

	if (k > OFFSET_MAX) {
		/* Always taken, but the verifier must not see that what follows is never reached. */
		wn_bpf_jump(code, BPF_JMP | BPF_JGE | BPF_X, WN_XDP_END, WN_XDP_DATA, 0, work->pass);
		wn_bpf_emit(code, BPF_ALU | BPF_MOV | BPF_K, to, 0, 0, 0);
		return;
	}
	wn_bpf_emit(code, BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_1, WN_XDP_DATA, 0, 0);
	wn_bpf_emit(code, BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_1, 0, 0,
		    (int32_t)k + width_bytes(opcode));
	wn_bpf_jump(code, BPF_JMP | BPF_JGT | BPF_X, BPF_REG_1, WN_XDP_END, 0, work->pass);
	wn_bpf_emit(code, BPF_LDX | BPF_MEM | BPF_SIZE(opcode), to, WN_XDP_DATA, (int)k, 0);
	to_host_order(work, opcode, to);
}

/* P[X + k] */
static void load_indexed(struct work *work, int opcode, uint32_t k)
{
	struct wn_bpf_code *code = work->code;

	wn_bpf_emit(code, BPF_ALU | BPF_MOV | BPF_X, BPF_REG_1, X, 0, 0);
	wn_bpf_emit(code, BPF_ALU | BPF_ADD | BPF_K, BPF_REG_1, 0, 0, (int32_t)k);
	wn_bpf_jump(code, BPF_JMP32 | BPF_JGT | BPF_K, BPF_REG_1, 0, OFFSET_MAX, work->pass);
	wn_bpf_emit(code, BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_2, WN_XDP_DATA, 0, 0);
	wn_bpf_emit(code, BPF_ALU64 | BPF_ADD | BPF_X, BPF_REG_2, BPF_REG_1, 0, 0);
	wn_bpf_emit(code, BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_1, BPF_REG_2, 0, 0);
	wn_bpf_emit(code, BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_1, 0, 0, width_bytes(opcode));
	wn_bpf_jump(code, BPF_JMP | BPF_JGT | BPF_X, BPF_REG_1, WN_XDP_END, 0, work->pass);
	wn_bpf_emit(code, BPF_LDX | BPF_MEM | BPF_SIZE(opcode), A, BPF_REG_2, 0, 0);
	to_host_order(work, opcode, A);
}

/* The helper changes r0 to r5, of which only the accumulator matters. */
static void load_length(struct work *work, int to)
{
	struct wn_bpf_code *code = work->code;

	if (to != A)
		wn_bpf_emit(code, BPF_STX | BPF_MEM | BPF_DW, BPF_REG_10, A, memory_at(BPF_MEMWORDS + 1), 0);
	wn_bpf_emit(code, BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_1, WN_XDP_CONTEXT, 0, 0);
	wn_bpf_emit(code, BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_xdp_get_buff_len);
	if (to == A)
		return;
	wn_bpf_emit(code, BPF_ALU | BPF_MOV | BPF_X, to, A, 0, 0);
	wn_bpf_emit(code, BPF_LDX | BPF_MEM | BPF_DW, A, BPF_REG_10, memory_at(BPF_MEMWORDS + 1), 0);
}

static void load(struct work *work, const struct sock_filter *from, int to)
{
	struct wn_bpf_code *code = work->code;

	switch (BPF_MODE(from->code)) {
	case BPF_IMM:
		wn_bpf_emit(code, BPF_ALU | BPF_MOV | BPF_K, to, 0, 0, (int32_t)from->k);
		return;
	case BPF_ABS:
		load_absolute(work, from->code, to, from->k);
		return;
	case BPF_IND:
		load_indexed(work, from->code, from->k);
		return;
	case BPF_MEM:
		wn_bpf_emit(code, BPF_LDX | BPF_MEM | BPF_W, to, BPF_REG_10, memory_at(from->k), 0);
		return;
	case BPF_LEN:
		load_length(work, to);
		return;
	case BPF_MSH:
		/* The length of an IPv4 header: 4 * (P[k] & 15). */
		load_absolute(work, BPF_B, to, from->k);
		wn_bpf_emit(code, BPF_ALU | BPF_AND | BPF_K, to, 0, 0, 15);
		wn_bpf_emit(code, BPF_ALU | BPF_LSH | BPF_K, to, 0, 0, 2);
		return;
	default:
		code->error = -EINVAL;
	}
}

static void calculate(struct work *work, const struct sock_filter *from)
{
	const int by_x = BPF_SRC(from->code) == BPF_X, operation = BPF_OP(from->code);

	/* Division by zero does not match. */
	if (by_x && (operation == BPF_DIV || operation == BPF_MOD))
		wn_bpf_jump(work->code, BPF_JMP32 | BPF_JEQ | BPF_K, X, 0, 0, work->pass);
	if (operation == BPF_NEG)
		wn_bpf_emit(work->code, BPF_ALU | BPF_NEG, A, 0, 0, 0);
	else
		wn_bpf_emit(work->code, BPF_ALU | operation | BPF_SRC(from->code), A, by_x ? X : 0, 0,
			    by_x ? 0 : (int32_t)from->k);
}

static void jump(struct work *work, const struct sock_filter *from, uint32_t i)
{
	const int by_x = BPF_SRC(from->code) == BPF_X;
	const uint32_t next = work->first_label + i + 1;

	if (BPF_OP(from->code) == BPF_JA) {
		/* Back: `protochain` goes round, which no filter in the kernel may. */
		if (from->k >= work->count - i) {
			work->code->error = -ELOOP;
			return;
		}
		wn_bpf_jump(work->code, BPF_JMP | BPF_JA, 0, 0, 0, next + from->k);
		return;
	}
	wn_bpf_jump(work->code, BPF_JMP32 | BPF_OP(from->code) | BPF_SRC(from->code), A, by_x ? X : 0,
		    by_x ? 0 : (int32_t)from->k, next + from->jt);
	if (from->jf)
		wn_bpf_jump(work->code, BPF_JMP | BPF_JA, 0, 0, 0, next + from->jf);
}

static void finish(struct work *work, const struct sock_filter *from)
{
	/* BPF_A stands where other classes have their source; see BPF_RVAL. */
	if (BPF_RVAL(from->code) == BPF_A)
		wn_bpf_jump(work->code, BPF_JMP32 | BPF_JEQ | BPF_K, A, 0, 0, work->pass);
	wn_bpf_jump(work->code, BPF_JMP | BPF_JA, 0, 0, 0,
		    BPF_RVAL(from->code) == BPF_K && !from->k ? work->pass : work->take);
}

static void translate(struct work *work, const struct sock_filter *from, uint32_t i)
{
	struct wn_bpf_code *code = work->code;

	wn_bpf_set(code, work->first_label + i);
	switch (BPF_CLASS(from->code)) {
	case BPF_LD:
		load(work, from, A);
		return;
	case BPF_LDX:
		load(work, from, X);
		return;
	case BPF_ST:
	case BPF_STX:
		wn_bpf_emit(code, BPF_STX | BPF_MEM | BPF_W, BPF_REG_10,
			    BPF_CLASS(from->code) == BPF_ST ? A : X, memory_at(from->k), 0);
		return;
	case BPF_ALU:
		calculate(work, from);
		return;
	case BPF_JMP:
		jump(work, from, i);
		return;
	case BPF_RET:
		finish(work, from);
		return;
	case BPF_MISC:
		if (BPF_MISCOP(from->code) == BPF_TAX)
			wn_bpf_emit(code, BPF_ALU | BPF_MOV | BPF_X, X, A, 0, 0);
		else
			wn_bpf_emit(code, BPF_ALU | BPF_MOV | BPF_X, A, X, 0, 0);
	}
}

void wn_xdp_filter_write(const struct wn_filter *filter, struct wn_bpf_code *code, uint32_t take,
			 uint32_t pass)
{
	struct work work = { .code = code, .count = filter->count, .take = take,
			     .pass = pass };

	for (uint32_t i = 0; i <= filter->count; i++) {
		const uint32_t label = wn_bpf_label(code);

		if (!i)
			work.first_label = label;
	}
	/* Registers and memory begin as 0. */
	wn_bpf_emit(code, BPF_ALU | BPF_MOV | BPF_K, A, 0, 0, 0);
	wn_bpf_emit(code, BPF_ALU | BPF_MOV | BPF_K, X, 0, 0, 0);
	for (uint32_t word = 0; word < BPF_MEMWORDS; word++)
		wn_bpf_emit(code, BPF_ST | BPF_MEM | BPF_W, BPF_REG_10, 0, memory_at(word), 0);
	for (uint32_t i = 0; i < filter->count; i++)
		translate(&work, &filter->code[i], i);
	wn_bpf_set(code, work.first_label + filter->count);
}
