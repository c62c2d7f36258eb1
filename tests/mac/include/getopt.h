/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAC_GETOPT_H
#define MAC_GETOPT_H
#include <unistd.h>

struct option {
	const char *name;
	int has_arg;
	int *flag;
	int val;
};

#define no_argument 0
#define required_argument 1
#define optional_argument 2

int getopt_long(int count, char *const *arguments, const char *letters, const struct option *options, int *index);

#endif
