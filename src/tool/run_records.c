/* SPDX-License-Identifier: Apache-2.0 */
/* Records that programs deliver, a JSON object a line. */
#include "tool/run.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "tool/json.h"

struct wn_run_records {
	FILE *file;
	pthread_mutex_t lock;    /* transmit pumps of several queues write */
	struct wn_json json;
	int error;               /* the first errno of a write that failed */
};

struct wn_run_records *wn_run_records_open(const char *path, struct wn_error *error)
{
	struct wn_run_records *records = calloc(1, sizeof(*records));

	if (!records) {
		wn_fail(error, ENOMEM, WN_FAILED, "out of memory");
		return NULL;
	}
	records->file = strcmp(path, "-") ? fopen(path, "we") : stdout;
	if (!records->file) {
		wn_fail(error, errno, WN_FAILED, "records file %s: %s", path, strerror(errno));
		free(records);
		return NULL;
	}
	pthread_mutex_init(&records->lock, NULL);
	wn_json_init(&records->json, records->file, 0);
	return records;
}

static uint64_t little_endian(const uint8_t *bytes, uint32_t count)
{
	uint64_t value = 0;

	while (count--)
		value = value << 8 | bytes[count];
	return value;
}

static float as_float(uint32_t bits)
{
	float value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

static void write_fields(struct wn_json *json, const struct wn_record_field *fields,
			 const struct wn_delivery *delivery)
{
	uint32_t at = 0;

	for (; fields->name; fields++) {
		const uint32_t size = fields->type == WN_RECORD_u64 ? 8 : 4;
		uint64_t value;

		if (at + size > delivery->length)
			break;
		value = little_endian(delivery->bytes + at, size);
		if (fields->type == WN_RECORD_f32)
			wn_json_real(json, fields->name, (double)as_float((uint32_t)value));
		else
			wn_json_number(json, fields->name, value);
		at += size;
	}
}

/* A record whose fields nobody named is shown as it is. */
static void write_hex(struct wn_json *json, const struct wn_delivery *delivery)
{
	static const char digits[] = "0123456789abcdef";
	char text[2 * 64 + 1];
	uint32_t i;

	for (i = 0; i < delivery->length && i < 64; i++) {
		text[2 * i] = digits[delivery->bytes[i] >> 4];
		text[2 * i + 1] = digits[delivery->bytes[i] & 15];
	}
	text[2 * i] = '\0';
	wn_json_text(json, "record", text);
}

int wn_run_records_write(struct wn_run_records *records, const struct wn_record_field *fields,
			 const struct wn_delivery *delivery)
{
	int error;

	pthread_mutex_lock(&records->lock);
	wn_json_object(&records->json, NULL);
	wn_json_number(&records->json, "link", delivery->link);
	wn_json_number(&records->json, "queue", delivery->queue);
	wn_json_number(&records->json, "arrival_ns", delivery->arrival_ns);
	if (fields->name)
		write_fields(&records->json, fields, delivery);
	else
		write_hex(&records->json, delivery);
	wn_json_end(&records->json);
	error = -wn_json_finish(&records->json);
	if (error && !records->error)
		records->error = error;
	pthread_mutex_unlock(&records->lock);
	return error;
}

int wn_run_records_close(struct wn_run_records *records)
{
	int error;

	if (!records)
		return 0;
	if (records->file != stdout && fclose(records->file) && !records->error)
		records->error = errno;
	error = records->error;
	pthread_mutex_destroy(&records->lock);
	free(records);
	return error;
}
