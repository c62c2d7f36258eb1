/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the filter program runs: classic BPF (McCanne and Jacobson, "The BSD Packet Filter", 1993),
 * translated by the host (expression.c) so that the usual row of load, mask, compare and jump is one
 * instruction. The host has checked it: jumps go forward only, so that a run takes no more steps than
 * there are instructions; memory words are below 16; no division by a constant 0.
 *
 * The file, in little-endian words of 32 bits:
 *
 *   0                rules: 1 .. WN_FILTER_RULES_MAX
 *   1 + 2 r          the first instruction of rule r, counted from the start of the instructions
 *   2 + 2 r          how many it has
 *   byte 192         the instructions, 4 words each
 *
 * An instruction:
 *
 *   0   bits 0-7 operation; 8-19 where to go if true, or without a question; 20-31 if false: numbers
 *       within the rule
 *   1   k: offset, constant or memory word
 *   2   mask of what was loaded; for arithmetic 1 where the operand is X, not k
 *   3   the constant of a comparison
 *
 * A and X are BPF's two registers. A load that reaches outside the packet ends the run without a
 * match, and so does a division by X = 0.
 */
#ifndef WN_FILTER_INSTRUCTION_H
#define WN_FILTER_INSTRUCTION_H

enum {
	WN_FILTER_RULES_MAX = 16,
	WN_FILTER_START_BYTES = 192,
	WN_FILTER_INSTRUCTION_BYTES = 16,
	WN_FILTER_INSTRUCTIONS_MAX = 4095,
	WN_FILTER_MEMORY_WORDS = 16
};

/*
 * Operations. A test is load, mask, compare, jump; its lowest bits say what it loads and how it
 * compares. A plain load is a test that goes to the next instruction either way.
 */
enum {
	WN_FILTER_TEST = 0x80,
	WN_FILTER_TEST_SIZE = 0x03,     /* 0: a byte, 1: two, 2: four, 3: none, A as it is */
	WN_FILTER_TEST_INDEXED = 0x04,  /* at X + k */
	WN_FILTER_TEST_COMPARE = 0x18,  /* one of: */
	WN_FILTER_EQUAL = 0x00,
	WN_FILTER_ABOVE = 0x08,
	WN_FILTER_AT_LEAST = 0x10,
	WN_FILTER_ANY_BIT = 0x18,
	WN_FILTER_TEST_X = 0x20,        /* compare with X instead of the constant */

	WN_FILTER_REJECT = 0,
	WN_FILTER_ACCEPT,
	WN_FILTER_ACCEPT_A,             /* a match where A is not 0 */
	WN_FILTER_JUMP,
	WN_FILTER_A_CONSTANT,
	WN_FILTER_A_LENGTH,             /* the packet's length on the wire */
	WN_FILTER_A_MEMORY,
	WN_FILTER_A_X,
	WN_FILTER_X_CONSTANT,
	WN_FILTER_X_LENGTH,
	WN_FILTER_X_MEMORY,
	WN_FILTER_X_A,
	WN_FILTER_X_HEADER,             /* 4 * (the byte at k, its lower half): an IPv4 header's length */
	WN_FILTER_STORE_A,
	WN_FILTER_STORE_X,
	WN_FILTER_ADD,
	WN_FILTER_SUBTRACT,
	WN_FILTER_MULTIPLY,
	WN_FILTER_DIVIDE,
	WN_FILTER_MODULO,
	WN_FILTER_AND,
	WN_FILTER_OR,
	WN_FILTER_XOR,
	WN_FILTER_LEFT,
	WN_FILTER_RIGHT,
	WN_FILTER_NEGATE
};

#endif
