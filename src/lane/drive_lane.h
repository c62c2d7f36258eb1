/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a group of one lane keeps of a queue that it drives, between two calls.
 */
#ifndef WN_LANE_DRIVE_LANE_H
#define WN_LANE_DRIVE_LANE_H

#include "lane/drive.h"
#include "lane/drive_port.h"
#include "lane/file_lane.h"
#include "lane/port_stream.h"

struct wn_drive_lane {
	struct wn_drive_view view;
	struct wn_drive_port port;
	uint32_t published;            /* of the handover ring */
	struct wn_file_state file;     /* where the device writes one; as it was last shown, or newer */
	uint64_t values[WN_DRIVE_VALUES];
	struct wn_stream_port stream;  /* where it drives connections, as the next */
	uint64_t totals[WN_STREAM_TOTALS];
};

/* Goes on where the queue stands. */
static inline void wn_drive_init(struct wn_drive_lane *lane, const struct wn_drive_view *view)
{
	lane->view = *view;
	lane->published = view->handover.words->published;
	for (uint32_t i = 0; i < WN_DRIVE_VALUES; i++)
		lane->values[i] = view->words->values[i];
	for (uint32_t i = 0; i < WN_STREAM_TOTALS; i++)
		lane->totals[i] = wn_drive_is_stream(view) ? view->stream.words->totals[i] : 0;
	wn_drive_port_init(&lane->port, view);
	lane->file.fill = lane->file.done = 0;
	if (view->file.block_bytes)
		wn_file_load(view, &lane->file);
	if (wn_drive_is_stream(view))
		wn_stream_port_init(&lane->stream, view);
}

/* Whether there is anything to take. */
static inline int wn_drive_is_due(const struct wn_drive_lane *lane)
{
	return wn_drive_port_arrived(&lane->port, &lane->view) || wn_drive_port_sent(&lane->port, &lane->view);
}

/* Shows what was counted: all values of one moment, see counters.h. */
static inline void wn_drive_show_values(struct wn_drive_lane *lane)
{
	struct wn_drive_words *words = lane->view.words;
	const uint64_t sequence = words->sequence;

	wn_drive_port_keep(&lane->port, &lane->view);
	if (wn_drive_is_stream(&lane->view))
		wn_stream_port_keep(&lane->stream, &lane->view);
	for (uint32_t i = 0; i < WN_STREAM_TOTALS && wn_drive_is_stream(&lane->view); i++)
		wn_store_release64(&lane->view.stream.words->totals[i], lane->totals[i]); /* (S1) */
	lane->values[WN_DRIVE_CQ_CURSOR] = lane->port.uring.cq;
	lane->values[WN_DRIVE_SQ_CURSOR] = lane->port.uring.sq;
	wn_store_relaxed64(&words->sequence, sequence + 1);
	for (uint32_t i = 0; i < WN_DRIVE_VALUES; i++)
		wn_store_release64(&words->values[i], lane->values[i]); /* (S1) */
	wn_store_release64(&words->sequence, sequence + 2); /* (S1) */
}

/*
 * Leaves, once the host has closed the queue and nothing is left of what arrived before, or is to be written.
 * Returns 1 then.
 */
static inline int wn_drive_leave(struct wn_drive_lane *lane)
{
	struct wn_drive_words *words = lane->view.words;

	if (!wn_load_acquire(&words->closed)) /* (E1) */
		return 0;
	if (!wn_load_relaxed(&words->left) && (wn_drive_is_due(lane) || lane->file.fill != lane->file.done))
		return 0;
	wn_store_release(&words->left, 1); /* (X1) */
	return 1;
}

#endif
