/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAC_GLOB_H
#define MAC_GLOB_H
#include <types.h>

typedef struct {
	size_t gl_pathc;
	int gl_matchc;
	size_t gl_offs;
	int gl_flags;
	char **gl_pathv;
	int (*gl_errfunc)(const char *, int);
	void (*gl_closedir)(void *);
	void *(*gl_readdir)(void *);
	void *(*gl_opendir)(const char *);
	int (*gl_lstat)(const char *, void *);
	int (*gl_stat)(const char *, void *);
} glob_t;

#define GLOB_NOSORT 0x20
#define GLOB_NOMATCH (-3)

int glob(const char *pattern, int flags, int (*failed)(const char *, int), glob_t *found);
void globfree(glob_t *found);

#endif
