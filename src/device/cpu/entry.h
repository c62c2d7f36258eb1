/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a program's shared object hands to the cpu device: one constant, wn_cpu_program.
 */
#ifndef WN_DEVICE_CPU_ENTRY_H
#define WN_DEVICE_CPU_ENTRY_H

#include "lane/drive_lane.h"
#include "lane/port_ring.h"
#include "warpnic/data.h"
#include "warpnic/describe.h"
#include "warpnic/record.h"

enum { WN_CPU_PROGRAM_ABI = 8 };

struct wn_trace;

struct wn_cpu_program {
	uint32_t abi;
	uint32_t kind;                    /* enum wn_packet_kind */
	uint32_t look_bytes;
	uint32_t counter_count;
	uint32_t lane_words;              /* 64-bit words of a lane's row: counters, then histograms */
	const char *name;
	const char *summary;
	const char *const *counter_names;
	const struct wn_record_field *record_fields; /* ends with a NULL name, as the next three do */
	const char *const *histogram_names;
	const struct wn_parameter_field *parameters;
	const struct wn_table_field *tables;
	const char *loader;               /* of what it reads (data/loader.h), or NULL */

	/*
	 * Serves what is there for the port's group, `budget` slots or somewhat more at most, and
	 * returns how many. `row` holds the group's counters: written by the caller's thread only.
	 */
	uint32_t (*serve)(struct wn_port *port, const struct wn_program_data *data, uint64_t *row,
			  uint32_t budget);

	/* The same for a queue that the device drives. */
	uint32_t (*drive)(struct wn_drive_lane *lane, const struct wn_program_data *data, uint64_t *row,
			  uint32_t budget);

	struct wn_trace *trace;           /* device/trace.h; NULL unless compiled with WN_TRACE */
};

#endif
