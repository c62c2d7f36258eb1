/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Builds what a program is given besides packets (warpnic/data.h): parameters from texts, tables from
 * text files, and a file as it is. All of it lies in host memory that devices may map.
 */
#ifndef WN_DATA_DATA_H
#define WN_DATA_DATA_H

#include <stddef.h>

#include "data/table.h"
#include "device/device.h"
#include "warpnic/data.h"

struct wn_data {
	struct wn_program_data shown;  /* what the device sees */
	uint64_t *parameters;
	struct wn_table *tables;
	struct wn_store store;
	void *file;                    /* mapped */
	size_t file_bytes;
};

/* What the user asked for: texts NAME=VALUE and NAME=FILE, and a path or NULL. */
struct wn_data_wishes {
	const char *const *parameters;
	uint32_t parameter_count;
	const char *const *tables;
	uint32_t table_count;
	const char *file;
};

/*
 * Fills `data` for a program. 0 or -errno: WN_USAGE for a name or value that is not one, WN_NO_INPUT
 * for a file that is missing, WN_FAILED, with file and line, for a line that cannot be read.
 */
int wn_data_init(struct wn_data *data, const struct wn_program *program,
		 const struct wn_data_wishes *wishes, struct wn_error *error);

/* A zeroed one is fine. No device may use it any more. */
void wn_data_finish(struct wn_data *data);

/* Bytes of memory it takes. */
size_t wn_data_bytes(const struct wn_data *data);

#endif
