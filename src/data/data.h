/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Builds what a program is given besides packets (warpnic/data.h): parameters from texts, tables from
 * text files, cells, and a file: one as it is, or what a loader makes. All of it lies in host memory
 * that devices may map or copy.
 */
#ifndef WN_DATA_DATA_H
#define WN_DATA_DATA_H

#include <stddef.h>

#include "data/loader.h"
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
	struct wn_blob blob;           /* of the program's loader; instead of the file */
	uint32_t *cells;               /* zeroed; a device may use its own memory instead */
	size_t cell_count;
	struct wn_data *older;         /* the runtime's: exchanged, and perhaps still sent from */
};

/* What the user asked for: texts NAME=VALUE, NAME=FILE and OPTION=VALUE, and a path or NULL. */
struct wn_data_wishes {
	const char *const *parameters;
	uint32_t parameter_count;
	const char *const *tables;
	uint32_t table_count;
	const char *file;
	const char *const *loads;
	uint32_t load_count;
};

/*
 * Fills `data` for a program. 0 or -errno: WN_USAGE for a name or value that is not one, WN_NO_INPUT
 * for a file that is missing, WN_FAILED, with file and line, for a line that cannot be read.
 */
int wn_data_init(struct wn_data *data, const struct wn_program *program,
		 const struct wn_data_wishes *wishes, struct wn_error *error);

/*
 * Lets `data` use the cells of `old`, with what programs wrote into them, where the tables of cells of
 * both programs have the same names and sizes. Not yet its own: finish frees those it was made with.
 */
void wn_data_share_cells(struct wn_data *data, const struct wn_program *program,
			 const struct wn_data *old, const struct wn_program *old_program);

/* `old` is used no more: cells that are shared become those of `data`. */
void wn_data_keep_cells(struct wn_data *data, struct wn_data *old);

/* A zeroed one is fine. No device may use it any more. */
void wn_data_finish(struct wn_data *data);

/* Bytes of memory it takes: tables, cells, and the file or blob. */
size_t wn_data_bytes(const struct wn_data *data);

#endif
