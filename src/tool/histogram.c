/* SPDX-License-Identifier: Apache-2.0 */
#include "tool/histogram.h"

#include <math.h>

void wn_histogram_merge(struct wn_histogram *into, const struct wn_histogram *from)
{
	if (!from->count)
		return;
	for (uint32_t i = 0; i < WN_HISTOGRAM_BUCKETS; i++)
		into->counts[i] += from->counts[i];
	if (!into->count || from->minimum < into->minimum)
		into->minimum = from->minimum;
	if (from->maximum > into->maximum)
		into->maximum = from->maximum;
	into->count += from->count;
	into->sum += from->sum;
	into->sum_squares += from->sum_squares;
}

uint64_t wn_histogram_percentile(const struct wn_histogram *histogram, double percent)
{
	const double exact = ceil((double)histogram->count * percent / 100.0);
	/* At least one value must lie at or below the answer, so p0 is the minimum's bucket. */
	const uint64_t wanted = exact < 1.0 ? 1 : (uint64_t)exact;
	uint64_t seen = 0;

	for (uint32_t i = 0; i < WN_HISTOGRAM_BUCKETS; i++) {
		seen += histogram->counts[i];
		if (seen >= wanted) {
			const uint64_t last = wn_histogram_bucket_last(i);

			return last < histogram->maximum ? last : histogram->maximum;
		}
	}
	return histogram->maximum;
}

double wn_histogram_mean(const struct wn_histogram *histogram)
{
	return histogram->count ? (double)histogram->sum / (double)histogram->count : 0.0;
}

double wn_histogram_deviation(const struct wn_histogram *histogram)
{
	const double mean = wn_histogram_mean(histogram);
	double variance;

	if (!histogram->count)
		return 0.0;
	variance = histogram->sum_squares / (double)histogram->count - mean * mean;
	return variance > 0.0 ? sqrt(variance) : 0.0;
}
