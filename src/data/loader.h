/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loaders: the host half of a program. A loader turns what the user names (zone files, an expression,
 * routes) into one blob, which the program reads as its file (wn_data_u32 and the like).
 *
 * A loader is one constant, listed by hand in loader.c, and found by the name that the program gives in
 * WN_LOADER. Its options are written --NAME VALUE on the command line, "NAME=VALUE" in
 * wn_runtime_params.loads.
 *
 * Devices copy a blob or map it, so it is position independent: offsets from its start, little-endian,
 * naturally aligned; the start is aligned to WN_BLOB_ALIGNMENT. It is constant once it is built. A
 * loader keeps no state: it may be called again for a new blob while the old one is in use.
 */
#ifndef WN_DATA_LOADER_H
#define WN_DATA_LOADER_H

#include <stddef.h>
#include <stdint.h>

#include "warpnic/status.h"

enum { WN_BLOB_ALIGNMENT = 64 };

struct wn_blob {
	uint8_t *bytes;
	size_t size;
	char note[256];           /* one line for the start of a run: what was loaded; "" for none */
};

/* One thing that the user named. */
struct wn_load {
	const char *option;       /* one of the loader's, without the dashes */
	const char *value;
};

struct wn_load_option {
	const char *name;         /* "zone" */
	const char *value;        /* "FILE" */
	const char *help;
};

struct wn_loader {
	const char *name;         /* as in WN_LOADER */
	const struct wn_load_option *options; /* ends with a NULL name */
	const char *missing;      /* NULL, or what this build lacks and how to get it: build is not called */

	/*
	 * Fills `blob` with wn_blob_create(). 0 or -errno: WN_USAGE where too little or too much was
	 * named, WN_NO_INPUT for a file that cannot be read, WN_FAILED with file and line for one that
	 * is wrong. The blob is the caller's to finish, also after a failure. `count` may be 0. Any
	 * thread.
	 */
	int (*build)(struct wn_blob *blob, const struct wn_load *loads, uint32_t count,
		     struct wn_error *error);
};

/* A blob of `size` zeroed bytes. 0, or -ENOMEM with a message that says how much was asked for. */
int wn_blob_create(struct wn_blob *blob, size_t size, struct wn_error *error);

/* A zeroed one is fine. */
void wn_blob_finish(struct wn_blob *blob);

/* The list; ends with NULL. */
extern const struct wn_loader *const wn_loaders[];

extern const struct wn_loader wn_loader_zones;  /* programs/dns/zones.c */
extern const struct wn_loader wn_loader_expression; /* programs/filter/expression.c */
extern const struct wn_loader wn_loader_routes;     /* programs/route/routes.c */
extern const struct wn_loader wn_loader_site;       /* programs/http/site.c */

/* NULL where there is none of that name, or no name. */
const struct wn_loader *wn_loader_find(const char *name);

/*
 * Builds the blob of a program: `loads` are texts "NAME=VALUE". A name that the program's loader does
 * not have is refused with WN_USAGE and the names that it has. A program without a loader leaves the
 * blob empty.
 */
int wn_loader_run(struct wn_blob *blob, const char *program, const char *loader_name,
		  const char *const *loads, uint32_t count, struct wn_error *error);

#endif
