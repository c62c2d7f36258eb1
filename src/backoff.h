/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a thread waits for another one: a few turns of spinning, some of yielding, then short sleeps
 * that grow to half a millisecond. With fewer cores than threads the other side cannot run while
 * we spin, so where there is one core we never do.
 */
#ifndef WN_BACKOFF_H
#define WN_BACKOFF_H

#define WN_BACKOFF_SPINS 200
#define WN_BACKOFF_YIELDS 100
#define WN_BACKOFF_SLEEP_NS_MAX 500000

#include <errno.h>
#include <sched.h>
#include <stdint.h>
#include <time.h>

#include "clock.h"
#include "ring/order.h"

struct wn_backoff {
	uint32_t turns;      /* since there was last something to do */
	uint32_t spins;      /* how many of them may spin */
};

static inline void wn_cpu_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ __volatile__("yield");
#endif
}

static inline void wn_backoff_init(struct wn_backoff *backoff, uint32_t cores)
{
	backoff->turns = 0;
	backoff->spins = cores > 1 ? WN_BACKOFF_SPINS : 0;
}

/* There was work: the next wait starts with spinning again. */
static inline void wn_backoff_reset(struct wn_backoff *backoff)
{
	backoff->turns = 0;
}

/* Whether the next turn would sleep: then a caller that can wait in the kernel should. */
static inline int wn_backoff_is_long(const struct wn_backoff *backoff)
{
	return backoff->turns >= backoff->spins + WN_BACKOFF_YIELDS;
}

static inline void wn_backoff_wait(struct wn_backoff *backoff)
{
	const uint32_t turn = backoff->turns++;

	if (turn < backoff->spins) {
		wn_cpu_relax();
	} else if (turn < backoff->spins + WN_BACKOFF_YIELDS) {
		sched_yield();
	} else {
		const uint32_t sleeps = turn - backoff->spins - WN_BACKOFF_YIELDS;
		struct timespec pause = {0, sleeps < 10 ? 50000 : WN_BACKOFF_SLEEP_NS_MAX};

		if (backoff->turns == UINT32_MAX)
			backoff->turns--;
		nanosleep(&pause, NULL);
	}
}

/* Waits until another thread has stored `value`, at most until the deadline (CLOCK_MONOTONIC). 0 or -ETIMEDOUT. */
static inline int wn_backoff_until_equal(const uint32_t *word, uint32_t value, int64_t deadline_ns)
{
	struct wn_backoff backoff;

	wn_backoff_init(&backoff, 1);
	while (wn_load_acquire(word) != value) {
		if (wn_clock_ns() >= deadline_ns)
			return -ETIMEDOUT;
		wn_backoff_wait(&backoff);
	}
	return 0;
}

/*
 * Waits until another thread has set `done` as the last thing it does, at most until the deadline
 * (CLOCK_MONOTONIC). 0, and joining it will not block, or -ETIMEDOUT.
 */
static inline int wn_backoff_until_done(const uint32_t *done, int64_t deadline_ns)
{
	struct wn_backoff backoff;

	wn_backoff_init(&backoff, 1);
	while (!wn_load_acquire(done)) {
		if (wn_clock_ns() >= deadline_ns)
			return -ETIMEDOUT;
		wn_backoff_wait(&backoff);
	}
	return 0;
}

#endif
