/* SPDX-License-Identifier: Apache-2.0 */
/* What a program says it can be given, for whoever fills it in. */
#ifndef WARPNIC_DESCRIBE_H
#define WARPNIC_DESCRIBE_H

#include "warpnic/data.h"

struct wn_parameter_field {
	const char *name;
	enum wn_parameter_type type;
	const char *preset;
	const char *help;
};

struct wn_table_field {
	const char *name;
	enum wn_table_kind kind;
	uint32_t value_bytes;       /* as declared; 0: a number of 8 bytes */
	const char *help;
};

#endif
