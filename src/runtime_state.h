/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a runtime owns: shared by runtime.c (its life), fit.c (whether its parts fit together), reload.c (a change
 * of program while it lives) and snapshot.c (what can be asked of it).
 */
#ifndef WN_RUNTIME_STATE_H
#define WN_RUNTIME_STATE_H

#include "data/data.h"
#include "describe.h"
#include "pump.h"

struct wn_runtime {
	struct wn_runtime_params params;
	struct wn_link links[WN_LINKS_MAX];
	struct wn_queue *queues[WN_LINKS_MAX];   /* those of link k */
	struct wn_device device;
	struct wn_data *data;                    /* what the program is given; the owner's */
	struct wn_data *old_data;                /* what connections may still send from; the owner's */
	int *ring_fds;                           /* their descriptors, by number */
	struct wn_ring_view *views;              /* of all queues with a ring, by number */
	struct wn_drive **drives;                /* by number; NULL: pumps serve the queues */
	int is_driven;
	struct wn_pump *pumps;                   /* the same order */
	uint32_t ring_count;
	size_t memory_bytes;
	struct wn_pump_control control;
	struct wn_packet_budget budget;          /* of params.packet_limit */
	uint32_t is_started, is_stopped;
	uint32_t last_power_mw;                  /* what the device drew just before it was stopped */
	uint32_t start_failed;                   /* some threads may run, some queues have none */
	int stop_result;
	uint32_t device_is_lost;                 /* it may still write: nothing is unmapped */

	/*
	 * Guards what a reload changes under those who ask: the members below, and the device's counts
	 * and program. Held while the program is replaced.
	 */
	pthread_mutex_t version_lock;
	struct wn_description *description;      /* of the program that runs; older ones hang on it */
	uint64_t carried[WN_LANE_WORDS_MAX];     /* what programs before it counted, by its lane words */
	uint32_t reload_count;
};

/* Builds what a program is given, as `params` say. NULL with the reason; wn_runtime_free_data() frees it. */
struct wn_data *wn_runtime_make_data(const struct wn_runtime_params *params,
				     const struct wn_program *program, struct wn_error *error);
void wn_runtime_free_data(struct wn_data *data);

#endif
