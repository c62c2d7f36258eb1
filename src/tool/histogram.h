/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A log-linear histogram of nanoseconds, any 64-bit value, in constant memory.
 *
 * The layout is that of HdrHistogram with 64 sub-buckets an octave: values below 128 have a bucket
 * each; above, each power of two is cut into 64 equal buckets, so a bucket is at most 1/64 (1.6 %)
 * of its value wide. The bucket function is plain integer C, so that a device can count into the
 * same layout.
 *
 * One writer; no locks. Merge histograms of several threads when they are done.
 */
#ifndef WN_TOOL_HISTOGRAM_H
#define WN_TOOL_HISTOGRAM_H

#include "warpnic/types.h"

enum {
	WN_HISTOGRAM_SUB_BITS = 6,
	WN_HISTOGRAM_BUCKETS = (64 - WN_HISTOGRAM_SUB_BITS - 1) * 64 + 128
};

/* Zeroed is empty. */
struct wn_histogram {
	uint64_t counts[WN_HISTOGRAM_BUCKETS];
	uint64_t count;
	uint64_t sum;           /* of the values: exact up to 584 years */
	uint64_t minimum;       /* exact; of no meaning while count is 0 */
	uint64_t maximum;       /* exact; 0 while count is 0 */
	double sum_squares;     /* for the standard deviation */
};

/* Place of the highest one bit, 0-63; 0 for 0. */
WN_FN uint32_t wn_histogram_top_bit(uint64_t value)
{
	uint32_t bit = 0;

	for (uint32_t step = 32; step; step >>= 1) {
		if (value >> step) {
			value >>= step;
			bit += step;
		}
	}
	return bit;
}

/* The bucket of a value, 0 to WN_HISTOGRAM_BUCKETS - 1; grows with the value. */
WN_FN uint32_t wn_histogram_bucket(uint64_t value)
{
	uint32_t top = wn_histogram_top_bit(value);
	uint32_t shift = top > WN_HISTOGRAM_SUB_BITS ? top - WN_HISTOGRAM_SUB_BITS : 0;

	return (shift << WN_HISTOGRAM_SUB_BITS) + (uint32_t)(value >> shift);
}

/* The largest value that falls into a bucket. */
WN_FN uint64_t wn_histogram_bucket_last(uint32_t bucket)
{
	uint32_t shift = bucket < 128 ? 0 : (bucket >> WN_HISTOGRAM_SUB_BITS) - 1;
	uint64_t first = (uint64_t)(bucket - (shift << WN_HISTOGRAM_SUB_BITS)) << shift;

	return first + (((uint64_t)1 << shift) - 1);
}

WN_FN void wn_histogram_record(struct wn_histogram *histogram, uint64_t value)
{
	if (!histogram->count || value < histogram->minimum)
		histogram->minimum = value;
	if (value > histogram->maximum)
		histogram->maximum = value;
	histogram->counts[wn_histogram_bucket(value)]++;
	histogram->count++;
	histogram->sum += value;
	histogram->sum_squares += (double)value * (double)value;
}

/* Adds what `from` holds; `from` stays as it is. */
void wn_histogram_merge(struct wn_histogram *into, const struct wn_histogram *from);

/*
 * The value that `percent` (0 to 100) of the values do not exceed: the last value of its bucket, at
 * most the maximum. 0 while empty.
 */
uint64_t wn_histogram_percentile(const struct wn_histogram *histogram, double percent);

/* 0 while empty. */
double wn_histogram_mean(const struct wn_histogram *histogram);
double wn_histogram_deviation(const struct wn_histogram *histogram);

#endif
