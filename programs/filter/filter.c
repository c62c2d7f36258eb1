/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Delivers the frames that match an expression in tcpdump's language (pcap-filter(7)):
 *
 *     warpnic run filter --expression 'udp port 53' -r in.pcap -w out.pcap
 *
 * Several expressions are counted one by one; a frame that matches any of them is delivered once.
 * The host compiles them (expression.c); what runs here is in instruction.h.
 */
#define WN_SUMMARY "delivers the frames that match expressions in tcpdump's language"
#define WN_LOADER "expression"
#define WN_COUNTERS(X)                                                                             \
	X(matched) X(unmatched)                                                                    \
	X(rule_1) X(rule_2) X(rule_3) X(rule_4) X(rule_5) X(rule_6) X(rule_7) X(rule_8)            \
	X(rule_9) X(rule_10) X(rule_11) X(rule_12) X(rule_13) X(rule_14) X(rule_15) X(rule_16)
#include <warpnic/program.h>

#include "instruction.h"

/* BPF's machine in the middle of a run; its memory words are apart, so that this stays in registers. */
struct machine {
	uint32_t a, x;
	uint32_t next;   /* number of the next instruction within the rule */
	uint32_t ended;  /* 0 while it runs, then 1 */
	uint32_t match;
};

struct instruction {
	uint32_t operation, if_true, if_false;
	uint32_t k, mask, value;
};

WN_FN void reject(WN_PRIVATE struct machine *machine)
{
	machine->ended = 1;
	machine->match = 0;
}

/* Whether `size` bytes at k + index are in the packet; nothing wraps. */
WN_FN uint32_t is_there(WN_PRIVATE const struct wn_packet *packet, uint32_t k, uint32_t index,
			uint32_t size)
{
	return (uint64_t)k + index + size <= wn_length(packet);
}

WN_FN uint32_t compare(uint32_t operation, uint32_t a, uint32_t with)
{
	const uint32_t how = operation & WN_FILTER_TEST_COMPARE;

	if (how == WN_FILTER_EQUAL)
		return a == with;
	if (how == WN_FILTER_ANY_BIT)
		return (a & with) != 0;
	return how == WN_FILTER_ABOVE ? a > with : a >= with;
}

WN_FN void test(WN_PRIVATE struct wn_packet *packet, WN_PRIVATE struct machine *machine,
		WN_PRIVATE const struct instruction *instruction)
{
	const uint32_t operation = instruction->operation;
	const uint32_t size = operation & WN_FILTER_TEST_SIZE;
	const uint32_t index = operation & WN_FILTER_TEST_INDEXED ? machine->x : 0;
	const uint32_t with = operation & WN_FILTER_TEST_X ? machine->x : instruction->value;
	const uint32_t at = instruction->k + index;

	if (size < 3 && !is_there(packet, instruction->k, index, 1u << size)) {
		reject(machine);
		return;
	}
	if (size == 1)
		machine->a = wn_u16(packet, at);
	else if (size == 0)
		machine->a = wn_u8(packet, at);
	else if (size == 2)
		machine->a = wn_u32(packet, at);
	machine->a &= instruction->mask;
	machine->next = compare(operation, machine->a, with) ? instruction->if_true
							     : instruction->if_false;
}

/* Arithmetic on A. A shift by 32 or more gives 0, as in libpcap. */
WN_FN uint32_t calculate(uint32_t operation, uint32_t a, uint32_t with)
{
	switch (operation) {
	case WN_FILTER_ADD:
		return a + with;
	case WN_FILTER_SUBTRACT:
		return a - with;
	case WN_FILTER_MULTIPLY:
		return a * with;
	case WN_FILTER_DIVIDE:
		return with ? a / with : 0;
	case WN_FILTER_MODULO:
		return with ? a % with : 0;
	case WN_FILTER_AND:
		return a & with;
	case WN_FILTER_OR:
		return a | with;
	case WN_FILTER_XOR:
		return a ^ with;
	case WN_FILTER_LEFT:
		return with < 32 ? a << with : 0;
	case WN_FILTER_RIGHT:
		return with < 32 ? a >> with : 0;
	default:
		return 0 - a;
	}
}

WN_FN void load_header_length(WN_PRIVATE struct wn_packet *packet, WN_PRIVATE struct machine *machine,
			      uint32_t k)
{
	if (is_there(packet, k, 0, 1))
		machine->x = (wn_u8(packet, k) & 15u) * 4;
	else
		reject(machine);
}

/* All that is not a test. */
WN_FN void step(WN_PRIVATE struct wn_packet *packet, WN_PRIVATE struct machine *machine,
		WN_PRIVATE uint32_t *memory, WN_PRIVATE const struct instruction *instruction)
{
	const uint32_t operation = instruction->operation, k = instruction->k;
	const uint32_t word = k % WN_FILTER_MEMORY_WORDS;
	const uint32_t with = instruction->mask ? machine->x : k;

	machine->next = instruction->if_true;
	switch (operation) {
	case WN_FILTER_REJECT:
	case WN_FILTER_ACCEPT:
		machine->ended = 1;
		machine->match = operation == WN_FILTER_ACCEPT;
		break;
	case WN_FILTER_ACCEPT_A:
		machine->ended = 1;
		machine->match = machine->a != 0;
		break;
	case WN_FILTER_JUMP:
		break;
	case WN_FILTER_A_CONSTANT:
		machine->a = k;
		break;
	case WN_FILTER_A_LENGTH:
		machine->a = wn_wire_length(packet);
		break;
	case WN_FILTER_A_MEMORY:
		machine->a = memory[word];
		break;
	case WN_FILTER_A_X:
		machine->a = machine->x;
		break;
	case WN_FILTER_X_CONSTANT:
		machine->x = k;
		break;
	case WN_FILTER_X_LENGTH:
		machine->x = wn_wire_length(packet);
		break;
	case WN_FILTER_X_MEMORY:
		machine->x = memory[word];
		break;
	case WN_FILTER_X_A:
		machine->x = machine->a;
		break;
	case WN_FILTER_X_HEADER:
		load_header_length(packet, machine, k);
		break;
	case WN_FILTER_STORE_A:
		memory[word] = machine->a;
		break;
	case WN_FILTER_STORE_X:
		memory[word] = machine->x;
		break;
	case WN_FILTER_DIVIDE:
	case WN_FILTER_MODULO:
		if (!with)
			reject(machine);
		machine->a = calculate(operation, machine->a, with);
		break;
	default:
		machine->a = calculate(operation, machine->a, with);
		break;
	}
}

WN_FN void fetch(WN_PRIVATE struct wn_packet *packet, WN_PRIVATE struct instruction *instruction,
		 uint32_t number)
{
	uint32_t words[4];

	wn_data_u32x4(packet, WN_FILTER_START_BYTES + (uint64_t)WN_FILTER_INSTRUCTION_BYTES * number, words);
	instruction->operation = words[0] & 0xff;
	instruction->if_true = words[0] >> 8 & 0xfff;
	instruction->if_false = words[0] >> 20;
	instruction->k = words[1];
	instruction->mask = words[2];
	instruction->value = words[3];
}

/* Runs one rule. Every jump goes forward, so `count` steps are enough for any of its ways. */
WN_FN uint32_t matches(WN_PRIVATE struct wn_packet *packet, uint32_t rule)
{
	const uint32_t first = wn_data_u32(packet, 4 + 8 * (uint64_t)rule);
	const uint32_t count = wn_data_u32(packet, 8 + 8 * (uint64_t)rule);
	uint32_t memory[WN_FILTER_MEMORY_WORDS];
	struct instruction instruction;
	struct machine machine;

	machine.a = machine.x = machine.next = machine.ended = machine.match = 0;
	WN_LOOP(i, WN_FILTER_MEMORY_WORDS, WN_FILTER_MEMORY_WORDS)
	{
		memory[i] = 0;
	}
	WN_LOOP(i, machine.ended ? 0 : count, WN_FILTER_INSTRUCTIONS_MAX)
	{
		fetch(packet, &instruction, first + machine.next);
		if (instruction.operation & WN_FILTER_TEST)
			test(packet, &machine, &instruction);
		else
			step(packet, &machine, memory, &instruction);
	}
	return machine.match;
}

WN_PROGRAM(filter, WN_FRAME, WN_LOOK_ALL)
{
	uint32_t matched = 0;

	WN_LOOP(rule, wn_data_u32(packet, 0), WN_FILTER_RULES_MAX)
	{
		if (matches(packet, rule)) {
			wn_count(packet, counter_rule_1 + rule, 1);
			matched = 1;
		}
	}
	wn_count(packet, matched ? counter_matched : counter_unmatched, 1);
	return matched ? WN_DELIVER : WN_DROP;
}
