/* SPDX-License-Identifier: Apache-2.0 */
#include "paths.h"

#include <dlfcn.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os/os.h"

#ifndef WN_INSTALL_HOME
#define WN_INSTALL_HOME "/usr/local/lib/warpnic"
#endif

/* An installed home: programs/ and include/ beside each other. */
static int use_home(struct wn_paths *paths, const char *home)
{
	snprintf(paths->programs, WN_PATH_BYTES, "%s/programs", home);
	snprintf(paths->include, WN_PATH_BYTES, "%s/include", home);
	snprintf(paths->source, WN_PATH_BYTES, "%s/include", home);
	snprintf(paths->cuda_worker, WN_PATH_BYTES, "%s/warpnic-cuda-worker", home);
	snprintf(paths->opencl_worker, WN_PATH_BYTES, "%s/warpnic-opencl-worker", home);
	return access(paths->programs, R_OK) == 0;
}

/* A build tree: programs/sources.txt names the source tree. */
static int use_build_tree(struct wn_paths *paths, const char *folder)
{
	char name[WN_PATH_BYTES], root[WN_PATH_BYTES - 16];
	FILE *file;
	int found = 0;

	snprintf(name, sizeof(name), "%.*s/programs/sources.txt", WN_PATH_BYTES - 32, folder);
	file = fopen(name, "re");
	if (!file)
		return 0;
	if (fgets(root, sizeof(root), file)) {
		root[strcspn(root, "\n")] = '\0';
		snprintf(paths->programs, WN_PATH_BYTES, "%.*s/programs", WN_PATH_BYTES - 32, folder);
		snprintf(paths->include, WN_PATH_BYTES, "%s/include", root);
		snprintf(paths->source, WN_PATH_BYTES, "%s/src", root);
		snprintf(paths->cuda_worker, WN_PATH_BYTES, "%.*s/warpnic-cuda-worker", WN_PATH_BYTES - 32,
			 folder);
		snprintf(paths->opencl_worker, WN_PATH_BYTES, "%.*s/warpnic-opencl-worker", WN_PATH_BYTES - 32,
			 folder);
		found = 1;
	}
	fclose(file);
	return found;
}

void wn_paths_find(struct wn_paths *paths)
{
	static const char *const up[] = {"", "/..", "/../.."};
	char self[PATH_MAX], folder[WN_PATH_BYTES + 8];
	const char *home = getenv("WARPNIC_HOME");
	Dl_info info;

	memset(paths, 0, sizeof(*paths));
	if (home && use_home(paths, home))
		return;
	if (dladdr((void *)(size_t)wn_paths_find, &info) && info.dli_fname) {
		/* For the main program dli_fname is argv[0], which need not be a path. */
		if (strchr(info.dli_fname, '/') ? !realpath(info.dli_fname, self) : wn_os_executable(self, sizeof(self)) != 0)
			snprintf(self, sizeof(self), "/nonexistent/x"); /* never the working folder */
		for (int i = 0; i < 3; i++) {
			char copy[PATH_MAX];

			memcpy(copy, self, sizeof(copy));
			snprintf(folder, sizeof(folder), "%.*s%s", WN_PATH_BYTES - 1, dirname(copy),
				 up[i]);
			if (use_build_tree(paths, folder))
				return;
		}
	}
	if (!use_home(paths, WN_INSTALL_HOME))
		memset(paths, 0, sizeof(*paths));
}
