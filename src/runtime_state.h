/* SPDX-License-Identifier: Apache-2.0 */
/* What a runtime owns: shared by runtime.c (its life) and snapshot.c (what can be asked of it). */
#ifndef WN_RUNTIME_STATE_H
#define WN_RUNTIME_STATE_H

#include "data/data.h"
#include "pump.h"

struct wn_runtime {
	struct wn_runtime_params params;
	struct wn_link links[WN_LINKS_MAX];
	struct wn_queue *queues[WN_LINKS_MAX];   /* those of link k */
	struct wn_device device;
	struct wn_data data;                     /* what the program is given */
	struct wn_ring_view *views;              /* of all queues with a ring, by number */
	struct wn_pump *pumps;                   /* the same order */
	uint32_t ring_count;
	size_t memory_bytes;
	struct wn_pump_control control;
	struct wn_packet_budget budget;          /* of params.packet_limit */
	uint32_t is_started, is_stopped;
	uint32_t start_failed;                   /* some threads may run, some queues have none */
	int stop_result;
	uint32_t device_is_lost;                 /* it may still write: nothing is unmapped */
};

#endif
