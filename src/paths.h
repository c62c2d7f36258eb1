/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the ready-made programs and the headers for compiling a user's program lie: in the build
 * tree this library runs from, else where it was installed. $WARPNIC_HOME (a folder with programs/
 * and include/ in it) comes before both.
 */
#ifndef WN_PATHS_H
#define WN_PATHS_H

enum { WN_PATH_BYTES = 512 };

struct wn_paths {
	char programs[WN_PATH_BYTES];    /* folder of NAME.so */
	char include[WN_PATH_BYTES];     /* holds warpnic/program.h */
	char source[WN_PATH_BYTES];      /* holds lane/, ring/, device/cpu/entry.c */
	char cuda_worker[WN_PATH_BYTES]; /* the program that a cuda device starts */
	char opencl_worker[WN_PATH_BYTES]; /* the same of an opencl device */
};

/* Any thread. Fields are "" where nothing was found. */
void wn_paths_find(struct wn_paths *paths);

#endif
