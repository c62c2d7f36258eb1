/* SPDX-License-Identifier: Apache-2.0 */
/* The host half of the filter program: expressions to classic BPF, and that to instruction.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/loader.h"
#include "instruction.h"

#ifndef WN_HAVE_LIBPCAP
#define WN_HAVE_LIBPCAP 0
#endif

#if WN_HAVE_LIBPCAP

#include <pcap/pcap.h>

/* Bytes to keep of a frame, which the program does not look at: a match is a match. */
enum { KEEP_BYTES = 262144 };

struct compiled {
	uint32_t (*words)[4];
	uint32_t count;
};

/* Why BPF code cannot be run here, or NULL. */
static const char *refusal_of(const struct bpf_program *program)
{
	if (!bpf_validate(program->bf_insns, (int)program->bf_len))
		return "libpcap made code that is not valid";
	for (uint32_t i = 0; i < program->bf_len; i++) {
		const struct bpf_insn *at = &program->bf_insns[i];

		if (at->code == (BPF_JMP | BPF_JA) && at->k >= program->bf_len - i - 1)
			return "its code has a loop, as protochain makes; what runs on a device must end";
		if ((at->code == (BPF_ALU | BPF_LSH | BPF_K) || at->code == (BPF_ALU | BPF_RSH | BPF_K)) &&
		    at->k > 31)
			return "it shifts by more than 31 bits";
	}
	return NULL;
}

static void mark_targets(const struct bpf_program *program, uint8_t *is_target)
{
	for (uint32_t i = 0; i < program->bf_len; i++) {
		const struct bpf_insn *at = &program->bf_insns[i];

		if (BPF_CLASS(at->code) != BPF_JMP)
			continue;
		if (BPF_OP(at->code) == BPF_JA) {
			is_target[i + 1 + at->k] = 1;
		} else {
			is_target[i + 1 + at->jt] = 1;
			is_target[i + 1 + at->jf] = 1;
		}
	}
}

static int is_packet_load(const struct bpf_insn *at)
{
	return BPF_CLASS(at->code) == BPF_LD &&
	       (BPF_MODE(at->code) == BPF_ABS || BPF_MODE(at->code) == BPF_IND);
}

static int is_mask(const struct bpf_insn *at)
{
	return at->code == (BPF_ALU | BPF_AND | BPF_K);
}

static int is_question(const struct bpf_insn *at)
{
	return BPF_CLASS(at->code) == BPF_JMP && BPF_OP(at->code) != BPF_JA;
}

/* The parts of BPF code that become one instruction; NULL where there is no such part. */
struct group {
	const struct bpf_insn *load, *mask, *question;
	uint32_t length;
};

/*
 * The group that begins at `i`: load, mask and question as far as they follow each other and nobody
 * jumps between them. Its length is 0 where it is something else.
 */
static struct group group_at(const struct bpf_program *program, const uint8_t *is_target, uint32_t i)
{
	const struct bpf_insn *insns = program->bf_insns;
	struct group group = {0};
	uint32_t at = i;

	if (is_packet_load(&insns[at]))
		group.load = &insns[at++];
	if (at < program->bf_len && is_mask(&insns[at]) && (at == i || !is_target[at]))
		group.mask = &insns[at++];
	if (at < program->bf_len && is_question(&insns[at]) && (at == i || !is_target[at]))
		group.question = &insns[at++];
	group.length = at - i;
	return group;
}

static uint32_t test_of(const struct group *group)
{
	static const uint8_t compares[] = {WN_FILTER_EQUAL, WN_FILTER_ABOVE, WN_FILTER_AT_LEAST,
					   WN_FILTER_ANY_BIT};
	uint32_t operation = WN_FILTER_TEST | WN_FILTER_TEST_SIZE;

	if (group->load) {
		const uint32_t size = BPF_SIZE(group->load->code);

		operation = WN_FILTER_TEST | (size == BPF_B ? 0u : size == BPF_H ? 1u : 2u);
		if (BPF_MODE(group->load->code) == BPF_IND)
			operation |= WN_FILTER_TEST_INDEXED;
	}
	if (group->question) {
		const uint32_t code = BPF_OP(group->question->code);

		operation |= compares[code == BPF_JEQ ? 0 : code == BPF_JGT ? 1 : code == BPF_JGE ? 2 : 3];
		if (BPF_SRC(group->question->code) == BPF_X)
			operation |= WN_FILTER_TEST_X;
	}
	return operation;
}

/* The operation of an instruction that is no part of a test, or -1: bpf_validate() knows it, we do not. */
static int operation_of(const struct bpf_insn *at)
{
	static const struct {
		uint16_t code;
		uint8_t operation;
	} known[] = {
		{BPF_RET | BPF_A, WN_FILTER_ACCEPT_A},
		{BPF_JMP | BPF_JA, WN_FILTER_JUMP},
		{BPF_LD | BPF_IMM, WN_FILTER_A_CONSTANT},
		{BPF_LD | BPF_W | BPF_LEN, WN_FILTER_A_LENGTH},
		{BPF_LD | BPF_MEM, WN_FILTER_A_MEMORY},
		{BPF_MISC | BPF_TXA, WN_FILTER_A_X},
		{BPF_LDX | BPF_IMM, WN_FILTER_X_CONSTANT},
		{BPF_LDX | BPF_W | BPF_LEN, WN_FILTER_X_LENGTH},
		{BPF_LDX | BPF_MEM, WN_FILTER_X_MEMORY},
		{BPF_MISC | BPF_TAX, WN_FILTER_X_A},
		{BPF_LDX | BPF_MSH | BPF_B, WN_FILTER_X_HEADER},
		{BPF_ST, WN_FILTER_STORE_A},
		{BPF_STX, WN_FILTER_STORE_X},
		{BPF_ALU | BPF_NEG, WN_FILTER_NEGATE},
	};
	static const struct {
		uint16_t code;
		uint8_t operation;
	} arithmetic[] = {
		{BPF_ADD, WN_FILTER_ADD}, {BPF_SUB, WN_FILTER_SUBTRACT}, {BPF_MUL, WN_FILTER_MULTIPLY},
		{BPF_DIV, WN_FILTER_DIVIDE}, {BPF_MOD, WN_FILTER_MODULO}, {BPF_AND, WN_FILTER_AND},
		{BPF_OR, WN_FILTER_OR}, {BPF_XOR, WN_FILTER_XOR}, {BPF_LSH, WN_FILTER_LEFT},
		{BPF_RSH, WN_FILTER_RIGHT},
	};

	if (at->code == (BPF_RET | BPF_K))
		return at->k ? WN_FILTER_ACCEPT : WN_FILTER_REJECT;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].code == at->code)
			return known[i].operation;
	if (BPF_CLASS(at->code) != BPF_ALU)
		return -1;
	for (size_t i = 0; i < sizeof(arithmetic) / sizeof(arithmetic[0]); i++)
		if (arithmetic[i].code == BPF_OP(at->code))
			return arithmetic[i].operation;
	return -1;
}

static uint32_t head_of(uint32_t operation, uint32_t if_true, uint32_t if_false)
{
	return operation | if_true << 8 | if_false << 20;
}

/* Writes the instruction of the group at `i`. `number` is its own, `numbers` those of all groups. */
static int emit(uint32_t words[4], const struct bpf_program *program, const struct group *group,
		uint32_t i, uint32_t number, const uint32_t *numbers)
{
	const struct bpf_insn *at = &program->bf_insns[i];
	const struct bpf_insn *question = group->question;
	const uint32_t behind = i + group->length;
	int operation;

	if (group->length && (group->load || question)) {
		words[0] = question ? head_of(test_of(group), numbers[behind + question->jt],
					      numbers[behind + question->jf])
				    : head_of(test_of(group), number + 1, number + 1);
		words[1] = group->load ? group->load->k : 0;
		words[2] = group->mask ? group->mask->k : UINT32_MAX;
		words[3] = question ? question->k : 0;
		return 0;
	}
	operation = operation_of(at);
	if (operation < 0)
		return -EINVAL;
	words[0] = head_of((uint32_t)operation,
			   operation == WN_FILTER_JUMP ? numbers[i + 1 + at->k] : number + 1, 0);
	words[1] = at->k;
	words[2] = BPF_CLASS(at->code) == BPF_ALU && BPF_SRC(at->code) == BPF_X;
	return 0;
}

/* Bytes of BPF code that the group at `i` takes. */
static uint32_t length_of(const struct group *group)
{
	return group->load || group->question ? group->length : 1;
}

/* 0 or -errno. Two passes: first the numbers that jumps need, then the instructions. */
static int translate(struct compiled *compiled, const struct bpf_program *program)
{
	const uint32_t count = program->bf_len;
	uint8_t *is_target = calloc(count + 1, 1);
	uint32_t *numbers = calloc(count + 1, sizeof(*numbers));
	int rc = is_target && numbers ? 0 : -ENOMEM;

	compiled->words = calloc(count, sizeof(*compiled->words));
	if (!compiled->words)
		rc = -ENOMEM;
	if (!rc)
		mark_targets(program, is_target);
	for (int pass = 0; !rc && pass < 2; pass++) {
		compiled->count = 0;
		for (uint32_t i = 0; !rc && i < count;) {
			const struct group group = group_at(program, is_target, i);

			numbers[i] = compiled->count;
			if (pass == 1)
				rc = emit(compiled->words[compiled->count], program, &group, i,
					  compiled->count, numbers);
			compiled->count++;
			i += length_of(&group);
		}
		if (compiled->count > WN_FILTER_INSTRUCTIONS_MAX)
			rc = -E2BIG;
	}
	free(numbers);
	free(is_target);
	return rc;
}

static int compile(struct compiled *compiled, const char *expression, struct wn_error *error)
{
	pcap_t *handle = pcap_open_dead(DLT_EN10MB, KEEP_BYTES);
	struct bpf_program program;
	const char *refusal;
	int rc;

	if (!handle)
		return wn_fail(error, ENOMEM, WN_FAILED, "out of memory");
	if (pcap_compile(handle, &program, expression, 1, PCAP_NETMASK_UNKNOWN)) {
		rc = wn_fail(error, EINVAL, WN_USAGE, "--expression '%s': %s", expression,
			     pcap_geterr(handle));
		pcap_close(handle);
		return rc;
	}
	refusal = refusal_of(&program);
	rc = refusal ? -EINVAL : translate(compiled, &program);
	pcap_freecode(&program);
	pcap_close(handle);
	if (rc == -ENOMEM)
		return wn_fail(error, ENOMEM, WN_FAILED, "out of memory");
	if (rc == -E2BIG)
		refusal = "it is too long: more than 4095 instructions";
	if (rc)
		return wn_fail(error, EINVAL, WN_USAGE, "--expression '%s': %s", expression,
			       refusal ? refusal : "its code has an instruction unknown here");
	return 0;
}

static void put(struct wn_blob *blob, size_t at, uint32_t word)
{
	for (int i = 0; i < 4; i++)
		blob->bytes[at + (size_t)i] = (uint8_t)(word >> 8 * i);
}

static int join(struct wn_blob *blob, const struct compiled *rules, uint32_t count,
		struct wn_error *error)
{
	size_t total = 0, at = WN_FILTER_START_BYTES;
	uint32_t first = 0;
	int rc;

	for (uint32_t i = 0; i < count; i++)
		total += rules[i].count;
	rc = wn_blob_create(blob, WN_FILTER_START_BYTES + total * WN_FILTER_INSTRUCTION_BYTES, error);
	if (rc)
		return rc;
	put(blob, 0, count);
	for (uint32_t i = 0; i < count; i++) {
		put(blob, 4 + 8 * (size_t)i, first);
		put(blob, 8 + 8 * (size_t)i, rules[i].count);
		first += rules[i].count;
		for (uint32_t k = 0; k < 4 * rules[i].count; k++, at += 4)
			put(blob, at, rules[i].words[k / 4][k % 4]);
	}
	snprintf(blob->note, sizeof(blob->note), "filter: %u expression%s, %zu instructions", count,
		 count > 1 ? "s" : "", total);
	return 0;
}

static int build(struct wn_blob *blob, const struct wn_load *loads, uint32_t count,
		 struct wn_error *error)
{
	struct compiled rules[WN_FILTER_RULES_MAX] = {0};
	int rc = 0;

	if (!count)
		return wn_fail(error, EINVAL, WN_USAGE,
			       "program 'filter': it needs --expression TEXT, for example 'udp port 53'");
	if (count > WN_FILTER_RULES_MAX)
		return wn_fail(error, EINVAL, WN_USAGE,
			       "program 'filter': %u expressions; there may be %d, but 'or' joins them", count,
			       WN_FILTER_RULES_MAX);
	for (uint32_t i = 0; !rc && i < count; i++)
		rc = compile(&rules[i], loads[i].value, error);
	if (!rc)
		rc = join(blob, rules, count, error);
	for (uint32_t i = 0; i < count; i++)
		free(rules[i].words);
	return rc;
}

#define MISSING NULL
#define BUILD build
#else
#define MISSING "this build has no libpcap, which compiles its expressions; install libpcap-dev and build again"
#define BUILD NULL
#endif

static const struct wn_load_option options[] = {
	{"expression", "TEXT", "tcpdump's language, pcap-filter(7); may be given several times"},
	{0},
};

const struct wn_loader wn_loader_expression = {
	.name = "expression",
	.options = options,
	.missing = MISSING,
	.build = BUILD,
};
