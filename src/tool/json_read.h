/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads one JSON object of a line (RFC 8259): what the control socket speaks. Members are texts, lists of
 * texts, or anything else, which is kept as it is written.
 */
#ifndef WN_TOOL_JSON_READ_H
#define WN_TOOL_JSON_READ_H

#include <stdint.h>

enum { WN_JSON_MEMBERS_MAX = 16, WN_JSON_LIST_MAX = 64 };

enum wn_json_type {
	WN_JSON_TEXT,       /* .text, unescaped */
	WN_JSON_LIST,       /* .list[.count] */
	WN_JSON_OTHER       /* .text: a number, a word, an object or another array, as written */
};

struct wn_json_member {
	const char *key;
	enum wn_json_type type;
	const char *text;
	const char *list[WN_JSON_LIST_MAX];
	uint32_t count;
};

struct wn_json_object {
	struct wn_json_member members[WN_JSON_MEMBERS_MAX];
	uint32_t count;
	const char *wrong;  /* where it cannot be read: what was expected */
	uint32_t column;    /* and in which column, from 1 */
};

/*
 * Takes the line apart, in place: the texts point into it and live as long. 0, or -EINVAL where it is not
 * one object, or has more members or longer lists than fit. A text with a zero byte in it is refused.
 */
int wn_json_read(struct wn_json_object *object, char *line);

/* The member of that name, the last where there are several; NULL where there is none. */
const struct wn_json_member *wn_json_find(const struct wn_json_object *object, const char *key);

/* Its text, or NULL where it is not there or no text. */
const char *wn_json_text_of(const struct wn_json_object *object, const char *key);

#endif
