/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of a directory, as the http program serves them: regular files, below it, to any depth. Names that begin with a dot
 * are left out but for .well-known (RFC 8615); so are links that lead out of the directory, or to another one, and what is no
 * file.
 */
#ifndef WN_HTTP_TREE_H
#define WN_HTTP_TREE_H

#include <stdint.h>
#include <time.h>

#include "warpnic/status.h"

struct http_file {
	char *path;       /* as it is asked for: "/a/b.html" */
	char *name;       /* where it is: "DIR/a/b.html" */
	uint64_t bytes;
	time_t modified;
};

struct http_tree {
	struct http_file *files;
	uint32_t count, capacity;
	char **directories; /* "/a", those with an index.html: "/a/" is that file, "/a" leads there */
	uint32_t directory_count, directory_capacity;
	uint32_t skipped;   /* names that were left out */
};

/* Fills a zeroed tree. 0 or -errno with the reason; finish undoes it, also after a failure. */
int http_tree_read(struct http_tree *tree, const char *root, struct wn_error *error);
void http_tree_finish(struct http_tree *tree);

#endif
