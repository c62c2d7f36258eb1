/* SPDX-License-Identifier: Apache-2.0 */
#include "tool/json.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <string.h>

void wn_json_init(struct wn_json *json, FILE *file, int pretty)
{
	memset(json, 0, sizeof(*json));
	json->file = file;
	json->pretty = pretty ? 1 : 0;
}

static void new_line(const struct wn_json *json)
{
	if (!json->pretty)
		return;
	fputc('\n', json->file);
	for (uint32_t i = 0; i < json->depth; i++)
		fputs("  ", json->file);
}

/*
 * Length of the UTF-8 sequence that starts here, 0 where there is none (RFC 3629: no overlong form,
 * no surrogate, nothing above U+10FFFF). A zero byte is no continuation, so it never reads past the
 * end of the text.
 */
static size_t utf8_length(const unsigned char *text)
{
	const size_t length = text[0] < 0x80   ? 1
			      : text[0] < 0xc2 ? 0
			      : text[0] < 0xe0 ? 2
			      : text[0] < 0xf0 ? 3
			      : text[0] < 0xf5 ? 4
					       : 0;

	for (size_t i = 1; i < length; i++)
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	if ((text[0] == 0xe0 && text[1] < 0xa0) || (text[0] == 0xed && text[1] > 0x9f) ||
	    (text[0] == 0xf0 && text[1] < 0x90) || (text[0] == 0xf4 && text[1] > 0x8f))
		return 0;
	return length;
}

static void write_character(FILE *file, unsigned char byte)
{
	static const char letters[] = "\b\f\n\r\t", escapes[] = "bfnrt";
	const char *found = byte ? strchr(letters, byte) : NULL;

	if (found)
		fprintf(file, "\\%c", escapes[found - letters]);
	else if (byte < 0x20 || byte == 0x7f)
		fprintf(file, "\\u%04x", byte);
	else if (byte == '"' || byte == '\\')
		fprintf(file, "\\%c", byte);
	else
		fputc(byte, file);
}

static void write_text(FILE *file, const char *text)
{
	const unsigned char *at = (const unsigned char *)text;

	fputc('"', file);
	while (*at) {
		const size_t length = utf8_length(at);

		if (length == 1)
			write_character(file, *at);
		else if (length)
			fwrite(at, 1, length, file);
		else
			fputs("\xef\xbf\xbd", file);
		at += length ? length : 1;
	}
	fputc('"', file);
}

/* The comma, the indentation and the key before any value. */
static void begin_value(struct wn_json *json, const char *key)
{
	if (json->depth) {
		const uint32_t top = json->depth - 1u;

		assert((key == NULL) == (json->is_array[top] == 1));
		if (json->has_values[top])
			fputs(json->pretty ? "," : ", ", json->file);
		json->has_values[top] = 1;
		new_line(json);
	} else {
		assert(!key);
	}
	if (key) {
		write_text(json->file, key);
		fputs(": ", json->file);
	}
}

static void push(struct wn_json *json, const char *key, int is_array)
{
	begin_value(json, key);
	assert(json->depth < WN_JSON_DEPTH_MAX);
	json->is_array[json->depth] = (uint8_t)is_array;
	json->has_values[json->depth] = 0;
	json->depth++;
	fputc(is_array ? '[' : '{', json->file);
}

void wn_json_object(struct wn_json *json, const char *key)
{
	push(json, key, 0);
}

void wn_json_array(struct wn_json *json, const char *key)
{
	push(json, key, 1);
}

void wn_json_end(struct wn_json *json)
{
	assert(json->depth > 0);
	json->depth--;
	if (json->has_values[json->depth])
		new_line(json);
	fputc(json->is_array[json->depth] ? ']' : '}', json->file);
}

void wn_json_text(struct wn_json *json, const char *key, const char *text)
{
	if (!text) {
		wn_json_null(json, key);
		return;
	}
	begin_value(json, key);
	write_text(json->file, text);
}

void wn_json_number(struct wn_json *json, const char *key, uint64_t number)
{
	begin_value(json, key);
	fprintf(json->file, "%llu", (unsigned long long)number);
}

void wn_json_signed(struct wn_json *json, const char *key, int64_t number)
{
	begin_value(json, key);
	fprintf(json->file, "%lld", (long long)number);
}

void wn_json_real(struct wn_json *json, const char *key, double number)
{
	if (!isfinite(number)) {
		wn_json_null(json, key);
		return;
	}
	begin_value(json, key);
	fprintf(json->file, "%.9g", number);
}

void wn_json_bool(struct wn_json *json, const char *key, int truth)
{
	begin_value(json, key);
	fputs(truth ? "true" : "false", json->file);
}

void wn_json_null(struct wn_json *json, const char *key)
{
	begin_value(json, key);
	fputs("null", json->file);
}

int wn_json_finish(struct wn_json *json)
{
	int code = 0;

	assert(json->depth == 0);
	fputc('\n', json->file);
	if (fflush(json->file))
		code = errno ? errno : EIO;
	else if (ferror(json->file))
		code = EIO;
	/* The error is reported once: the next value may go through. */
	clearerr(json->file);
	return -code;
}
