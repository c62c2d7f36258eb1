/* SPDX-License-Identifier: Apache-2.0 */
#include "times.h"

void wn_times_merge(struct wn_times *into, const struct wn_times *from)
{
	for (uint32_t i = 0; i < WN_TIMES_WORDS; i++)
		into->words[i] += wn_load_relaxed64(&from->words[i]);
}

static double quantile(const struct wn_times *times, double share)
{
	double all = 0, seen = 0;

	/* Not the count: it may be ahead of the buckets. */
	for (uint32_t i = 0; i < WN_TIMES_BUCKETS; i++)
		all += (double)times->words[i];
	for (uint32_t i = 0; i < WN_TIMES_BUCKETS; i++) {
		seen += (double)times->words[i];
		if (seen > 0 && seen >= share * all)
			return wn_times_middle(i);
	}
	return 0;
}

void wn_times_tell(const struct wn_times *times, struct wn_stage_times *told)
{
	const uint64_t count = times->words[WN_TIMES_COUNT];

	told->count = count;
	told->mean_ns = count ? (double)times->words[WN_TIMES_SUM] / (double)count : 0;
	told->p50_ns = quantile(times, 0.5);
	told->p99_ns = quantile(times, 0.99);
}
