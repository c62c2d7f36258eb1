/* SPDX-License-Identifier: Apache-2.0 */
/* Time, always in nanoseconds. */
#ifndef WN_CLOCK_H
#define WN_CLOCK_H

#include <stdint.h>
#include <time.h>

#define WN_SECOND_NS INT64_C(1000000000)
#define WN_MILLISECOND_NS INT64_C(1000000)

static inline int64_t wn_clock_of(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * WN_SECOND_NS + now.tv_nsec;
}

/* CLOCK_MONOTONIC: never goes back, not even when the wall clock is set. */
static inline int64_t wn_clock_ns(void)
{
	return wn_clock_of(CLOCK_MONOTONIC);
}

#endif
