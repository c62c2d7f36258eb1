/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A warp on a CPU: the words of device/cuda/words.h for 32 lanes that are coroutines of one thread. What lanes
 * do together (barrier, shuffle, ballot) is a meeting: each lane leaves its value and lets the next one run;
 * when it runs again, all have been there. So src/lane/group.h runs where there is no GPU, always in the
 * same order, and a lane that misses a meeting is noticed.
 */
#ifndef WN_TESTS_WARP_WORDS_H
#define WN_TESTS_WARP_WORDS_H

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include "ring/order.h"

enum { WN_GROUP_LANES = 32, WARP_STACK_BYTES = 256 * 1024 };

#define WN_UNROLL

static struct {
	ucontext_t contexts[WN_GROUP_LANES], back; /* where a lane begins, and whoever runs them */
	jmp_buf places[WN_GROUP_LANES]; /* where a lane goes on */
	uint32_t begun[WN_GROUP_LANES];
	char *stacks;
	void (*body)(void *argument);
	void *argument;
	uint32_t lane;
	uint32_t done[WN_GROUP_LANES];
	uint64_t meetings[WN_GROUP_LANES];      /* how many each lane has been at */
	uint64_t values[2][WN_GROUP_LANES];
	ucontext_t paused;              /* lane 0, where it would sleep */
	uint32_t pauses, is_paused;     /* whether it goes back to the caller there; whether it has */
} warp;

static uint64_t warp_cycles;

/* To a lane, from outside or from one that never comes back. */
static void warp_enter(uint32_t to)
{
	warp.lane = to;
	if (warp.begun[to])
		_longjmp(warp.places[to], 1);
	warp.begun[to] = 1;
	setcontext(&warp.contexts[to]);
}

/*
 * Goes on with the next lane that is not done; back to the caller when all are. swapcontext(3) alone would do, with a
 * system call each time for the signal mask, which took three quarters of these tests' time.
 */
static void warp_yield(void)
{
	const uint32_t from = warp.lane;

	for (uint32_t i = 1; i <= WN_GROUP_LANES; i++) {
		const uint32_t to = (from + i) % WN_GROUP_LANES;

		if (warp.done[to])
			continue;
		if (to != from && !_setjmp(warp.places[from]))
			warp_enter(to);
		return;
	}
	setcontext(&warp.back);
}

static void warp_lane(void)
{
	warp.body(warp.argument);
	warp.done[warp.lane] = 1;
	warp_yield();
}

/* Runs `body` as 32 lanes. */
static void warp_run(void (*body)(void *argument), void *argument)
{
	if (!warp.stacks)
		warp.stacks = malloc((size_t)WN_GROUP_LANES * WARP_STACK_BYTES);
	memset(warp.done, 0, sizeof(warp.done));
	memset(warp.begun, 0, sizeof(warp.begun));
	memset(warp.meetings, 0, sizeof(warp.meetings));
	warp.body = body;
	warp.argument = argument;
	for (uint32_t i = 0; i < WN_GROUP_LANES; i++) {
		getcontext(&warp.contexts[i]);
		warp.contexts[i].uc_stack.ss_sp = warp.stacks + (size_t)i * WARP_STACK_BYTES;
		warp.contexts[i].uc_stack.ss_size = WARP_STACK_BYTES;
		warp.contexts[i].uc_link = NULL;
		makecontext(&warp.contexts[i], warp_lane, 0);
	}
	warp.lane = warp.is_paused = 0;
	warp.begun[0] = 1;
	swapcontext(&warp.back, &warp.contexts[0]);
}

/* Lane 0 would sleep: whoever called goes on, until it calls warp_resume(). */
static void warp_pause(void)
{
	if (!warp.pauses || warp.lane)
		return;
	warp.is_paused = 1;
	swapcontext(&warp.paused, &warp.back);
}

static inline void warp_resume(void)
{
	warp.is_paused = 0;
	swapcontext(&warp.back, &warp.paused);
}

/* All lanes leave a value; returns all of them. */
static const uint64_t *warp_meet(uint64_t value)
{
	const uint32_t lane = warp.lane;
	const uint64_t meeting = warp.meetings[lane]++;

	warp.values[meeting % 2][lane] = value;
	warp_yield();
	for (uint32_t i = 0; i < WN_GROUP_LANES; i++) {
		if (warp.meetings[i] != meeting + 1 && warp.meetings[i] != meeting + 2) {
			printf("Bail out! lanes %u and %u do not meet\n", lane, i);
			abort();
		}
	}
	return warp.values[meeting % 2];
}

static inline uint32_t wn_group_lane(void)
{
	return warp.lane;
}

static inline void wn_group_barrier(void)
{
	warp_meet(0);
}

static inline uint32_t wn_group_shuffle(uint32_t value, uint32_t from)
{
	return (uint32_t)warp_meet(value)[from % WN_GROUP_LANES];
}

static inline uint32_t wn_group_ballot(uint32_t condition)
{
	const uint64_t *values = warp_meet(condition != 0);
	uint32_t bits = 0;

	for (uint32_t i = 0; i < WN_GROUP_LANES; i++)
		bits |= (uint32_t)values[i] << i;
	return bits;
}

static inline uint32_t wn_group_max(uint32_t value)
{
	const uint64_t *values = warp_meet(value);
	uint64_t most = 0;

	for (uint32_t i = 0; i < WN_GROUP_LANES; i++)
		most = values[i] > most ? values[i] : most;
	return (uint32_t)most;
}

static inline uint64_t wn_group_sum(uint64_t value)
{
	const uint64_t *values = warp_meet(value);
	uint64_t sum = 0;

	for (uint32_t i = 0; i < WN_GROUP_LANES; i++)
		sum += values[i];
	return sum;
}

static inline uint32_t wn_leading_zeros(uint64_t value)
{
	return value ? (uint32_t)__builtin_clzll(value) : 64;
}

static inline uint32_t wn_lowest_bit(uint32_t value)
{
	return (uint32_t)__builtin_ctz(value);
}

static inline void wn_group_sleep(uint32_t ns)
{
	(void)ns;
	warp_pause();
}

/* A clock that moves at each look, so that what depends on time happens. */
static inline uint64_t wn_group_cycles(void)
{
	return warp_cycles += 100;
}

static inline uint64_t wn_group_ns(void)
{
	return wn_group_cycles();
}

static inline uint32_t wn_load_acquire_device(const uint32_t *word)
{
	return wn_load_acquire(word);
}

static inline void wn_store_release_device(uint32_t *word, uint32_t value)
{
	wn_store_release(word, value);
}

static inline uint64_t wn_load_device64(const uint64_t *word)
{
	return wn_load_relaxed64(word);
}

static inline void wn_counter_store(uint64_t *word, uint64_t value)
{
	wn_store_relaxed64(word, value);
}

struct wn_chunk {
	uint32_t words[4];
} __attribute__((aligned(16)));

/* A GPU faults where an address is not aligned; here it must be noticed. */
static inline void warp_check(const uint8_t *address)
{
	if ((uintptr_t)address % 16) {
		printf("Bail out! a chunk at an odd address\n");
		abort();
	}
}

static inline struct wn_chunk wn_chunk_load_global(const uint8_t *from)
{
	struct wn_chunk chunk;

	warp_check(from);
	memcpy(&chunk, from, sizeof(chunk));
	return chunk;
}

static inline struct wn_chunk wn_chunk_load(const uint8_t *from)
{
	return wn_chunk_load_global(from);
}

static inline void wn_chunk_store_global(uint8_t *to, struct wn_chunk chunk)
{
	warp_check(to);
	memcpy(to, &chunk, sizeof(chunk));
}

static inline void wn_chunk_store(uint8_t *to, struct wn_chunk chunk)
{
	wn_chunk_store_global(to, chunk);
}

#endif
