/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is in a program's records, for whoever prints or stores them: fields in order, each behind
 * the last, little-endian, no padding. A program names them before it includes program.h:
 *
 *     #define WN_RECORD(X) X(u32, index) X(f32, temperature)
 */
#ifndef WARPNIC_RECORD_H
#define WARPNIC_RECORD_H

enum wn_record_type {
	WN_RECORD_u32 = 1,
	WN_RECORD_u64,
	WN_RECORD_f32      /* IEEE 754 binary32 */
};

struct wn_record_field {
	const char *name;
	enum wn_record_type type;
};

#endif
