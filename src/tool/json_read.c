/* SPDX-License-Identifier: Apache-2.0 */
#include "tool/json_read.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

enum { NESTING_MAX = 16 };

struct reader {
	struct wn_json_object *object;
	char *start, *at;
};

static int wrong(struct reader *reader, const char *expected)
{
	if (!reader->object->wrong) {
		reader->object->wrong = expected;
		reader->object->column = (uint32_t)(reader->at - reader->start) + 1;
	}
	return -EINVAL;
}

static void skip_space(struct reader *reader)
{
	reader->at += strspn(reader->at, " \t\r\n");
}

/* Takes the sign if it is the next one. */
static int take(struct reader *reader, char sign)
{
	skip_space(reader);
	if (*reader->at != sign)
		return 0;
	reader->at++;
	return 1;
}

static int hex4(const char *text, uint32_t *value)
{
	*value = 0;
	for (int i = 0; i < 4; i++) {
		const char c = text[i];
		const int digit = c >= '0' && c <= '9'	 ? c - '0'
				  : c >= 'a' && c <= 'f' ? c - 'a' + 10
				  : c >= 'A' && c <= 'F' ? c - 'A' + 10
							 : -1;

		if (digit < 0)
			return -EINVAL;
		*value = *value << 4 | (uint32_t)digit;
	}
	return 0;
}

static char *put_utf8(char *out, uint32_t code)
{
	if (code < 0x80) {
		*out++ = (char)code;
	} else if (code < 0x800) {
		*out++ = (char)(0xc0 | code >> 6);
		*out++ = (char)(0x80 | (code & 0x3f));
	} else if (code < 0x10000) {
		*out++ = (char)(0xe0 | code >> 12);
		*out++ = (char)(0x80 | (code >> 6 & 0x3f));
		*out++ = (char)(0x80 | (code & 0x3f));
	} else {
		*out++ = (char)(0xf0 | code >> 18);
		*out++ = (char)(0x80 | (code >> 12 & 0x3f));
		*out++ = (char)(0x80 | (code >> 6 & 0x3f));
		*out++ = (char)(0x80 | (code & 0x3f));
	}
	return out;
}

/* Behind "\u": four digits, or two times four for what is beyond the first plane. */
static char *take_unicode(struct reader *reader, char *out)
{
	uint32_t code, low;

	if (hex4(reader->at, &code) || code == 0)
		return NULL;
	reader->at += 4;
	if (code >= 0xdc00 && code < 0xe000)
		return NULL;
	if (code >= 0xd800 && code < 0xdc00) {
		if (reader->at[0] != '\\' || reader->at[1] != 'u' || hex4(reader->at + 2, &low) ||
		    low < 0xdc00 || low >= 0xe000)
			return NULL;
		reader->at += 6;
		code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
	}
	return put_utf8(out, code);
}

/* What is escaped is never shorter than what it stands for, so it is written over itself. */
static int take_text(struct reader *reader, const char **text)
{
	static const char escapes[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
	char *out;

	if (!take(reader, '"'))
		return wrong(reader, "a text in quotes");
	*text = out = reader->at;
	while (*reader->at != '"') {
		const char *found;

		if ((unsigned char)*reader->at < 0x20)
			return wrong(reader, "the end of the text");
		if (*reader->at != '\\') {
			*out++ = *reader->at++;
			continue;
		}
		reader->at++;
		found = *reader->at ? strchr(escapes, *reader->at) : NULL;
		if (found) {
			*out++ = meant[found - escapes];
			reader->at++;
		} else if (*reader->at == 'u') {
			reader->at++;
			out = take_unicode(reader, out);
			if (!out)
				return wrong(reader, "four digits of a character");
		} else {
			return wrong(reader, "a known escape");
		}
	}
	reader->at++;
	*out = '\0';
	return 0;
}

static int take_list(struct reader *reader, struct wn_json_member *member)
{
	member->type = WN_JSON_LIST;
	if (take(reader, ']'))
		return 0;
	do {
		if (member->count == WN_JSON_LIST_MAX)
			return wrong(reader, "a shorter list");
		if (take_text(reader, &member->list[member->count++]))
			return -EINVAL;
	} while (take(reader, ','));
	return take(reader, ']') ? 0 : wrong(reader, "a comma or the end of the list");
}

/* Passes over a value that is kept as it is: to the comma or bracket that ends it. */
static int skip_value(struct reader *reader)
{
	char closing[NESTING_MAX];
	uint32_t depth = 0;
	int is_text = 0;

	for (; *reader->at; reader->at++) {
		const char c = *reader->at;

		if (is_text) {
			if (c == '\\' && reader->at[1])
				reader->at++;
			else if (c == '"')
				is_text = 0;
		} else if (c == '"') {
			is_text = 1;
		} else if (c == '{' || c == '[') {
			if (depth == NESTING_MAX)
				return wrong(reader, "less nesting");
			closing[depth++] = c == '{' ? '}' : ']';
		} else if ((c == ',' || c == '}' || c == ']') && !depth) {
			return 0;
		} else if ((c == '}' || c == ']') && closing[--depth] != c) {
			return wrong(reader, "the other bracket");
		}
	}
	return wrong(reader, "the end of the object");
}

/* Whether an array begins here that holds texts, or nothing. */
static int is_list(const struct reader *reader)
{
	const char *at = reader->at + 1;

	at += strspn(at, " \t\r\n");
	return *reader->at == '[' && (*at == '"' || *at == ']');
}

/* *end is where a value that was kept as written ends: the sign there is still to be read. */
static int take_value(struct reader *reader, struct wn_json_member *member, char **end)
{
	*end = NULL;
	skip_space(reader);
	if (*reader->at == '"') {
		member->type = WN_JSON_TEXT;
		return take_text(reader, &member->text);
	}
	if (is_list(reader)) {
		reader->at++;
		return take_list(reader, member);
	}
	member->type = WN_JSON_OTHER;
	member->text = reader->at;
	if (skip_value(reader))
		return -EINVAL;
	if (reader->at == member->text)
		return wrong(reader, "a value");
	*end = reader->at;
	return 0;
}

static int take_member(struct reader *reader, char *sign)
{
	struct wn_json_object *object = reader->object;
	struct wn_json_member *member = &object->members[object->count];
	char *end;

	if (object->count == WN_JSON_MEMBERS_MAX)
		return wrong(reader, "fewer members");
	if (take_text(reader, &member->key))
		return -EINVAL;
	if (!take(reader, ':'))
		return wrong(reader, "a colon");
	if (take_value(reader, member, &end))
		return -EINVAL;
	object->count++;
	skip_space(reader);
	*sign = *reader->at;
	if (*sign != ',' && *sign != '}')
		return wrong(reader, "a comma or the end of the object");
	reader->at++;
	while (end && end > member->text && strchr(" \t\r\n", end[-1]))
		end--;
	if (end)
		*end = '\0';
	return 0;
}

int wn_json_read(struct wn_json_object *object, char *line)
{
	struct reader reader = {object, line, line};
	char sign = ',';

	memset(object, 0, sizeof(*object));
	if (!take(&reader, '{'))
		return wrong(&reader, "an object in braces");
	if (take(&reader, '}'))
		sign = '}';
	while (sign == ',')
		if (take_member(&reader, &sign))
			return -EINVAL;
	skip_space(&reader);
	return *reader.at ? wrong(&reader, "nothing behind the object") : 0;
}

const struct wn_json_member *wn_json_find(const struct wn_json_object *object, const char *key)
{
	for (uint32_t i = object->count; i-- > 0;)
		if (!strcmp(object->members[i].key, key))
			return &object->members[i];
	return NULL;
}

const char *wn_json_text_of(const struct wn_json_object *object, const char *key)
{
	const struct wn_json_member *member = wn_json_find(object, key);

	return member && member->type == WN_JSON_TEXT ? member->text : NULL;
}
