/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A streaming JSON writer: no document in memory, commas and escapes done here.
 *
 *     wn_json_init(&json, stdout, 1);
 *     wn_json_object(&json, NULL);
 *     wn_json_number(&json, "received", 12);
 *     wn_json_object(&json, "dropped");
 *     wn_json_number(&json, "ring_full", 0);
 *     wn_json_end(&json);
 *     wn_json_end(&json);
 *     rc = wn_json_finish(&json);
 *
 * The key is NULL inside an array and for the outermost value. Nesting is asserted: a key where
 * none belongs, an end too many, or more than WN_JSON_DEPTH_MAX levels are programmer errors. One
 * writer belongs to one thread.
 */
#ifndef WN_TOOL_JSON_H
#define WN_TOOL_JSON_H

#include <stdint.h>
#include <stdio.h>

enum { WN_JSON_DEPTH_MAX = 16 };

struct wn_json {
	FILE *file;                            /* the caller's; stays open */
	uint8_t pretty;                        /* 1: indented, one value a line; 0: all on one line */
	uint8_t depth;
	uint8_t is_array[WN_JSON_DEPTH_MAX];
	uint8_t has_values[WN_JSON_DEPTH_MAX];
};

void wn_json_init(struct wn_json *json, FILE *file, int pretty);

/* Opens an object or an array; wn_json_end() closes the innermost one. */
void wn_json_object(struct wn_json *json, const char *key);
void wn_json_array(struct wn_json *json, const char *key);
void wn_json_end(struct wn_json *json);

/* Values. Bytes of a text that are not UTF-8 become U+FFFD; NULL is null; so is a real that is not
 * finite. */
void wn_json_text(struct wn_json *json, const char *key, const char *text);
void wn_json_number(struct wn_json *json, const char *key, uint64_t number);
void wn_json_signed(struct wn_json *json, const char *key, int64_t number);
void wn_json_real(struct wn_json *json, const char *key, double number);
void wn_json_bool(struct wn_json *json, const char *key, int truth);
void wn_json_null(struct wn_json *json, const char *key);

/* Ends the outermost value with a newline and flushes; 0 or -errno of the file. */
int wn_json_finish(struct wn_json *json);

#endif
