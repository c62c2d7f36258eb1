/* SPDX-License-Identifier: Apache-2.0 */
/* Reading of the histograms of lane/times.h. Any thread, also while they are written. */
#ifndef WN_TIMES_H
#define WN_TIMES_H

#include "lane/times.h"
#include "warpnic/device.h"

/* Adds what `from` holds. */
void wn_times_merge(struct wn_times *into, const struct wn_times *from);

/* Mean, quantiles and count of `times`, into those members of `told`. */
void wn_times_tell(const struct wn_times *times, struct wn_stage_times *told);

#endif
