/* SPDX-License-Identifier: Apache-2.0 */
#include "device/metal/metal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/text.h"

/* The language that a kernel is compiled as: what polls has the words of 3.2, which later ones may spell anew. */
static wn_id options_for(int is_lease)
{
	wn_id options = wn_mtl_new_compile_options();

	if (options && is_lease)
		wn_mtl_set_language(options, WN_MTL_LANGUAGE(3, 2));
	return options;
}

/* The compiler's words go to stderr; the first that is an error is the reason. */
static int tell(const struct wn_metal *metal, const char *program, wn_id failure, struct wn_error *error)
{
	const char *words = wn_mtl_error_text(failure);
	char first[512];

	fprintf(stderr, "%s\n", words);
	wn_device_text_first_error(words, first, sizeof(first));
	return wn_fail(error, EINVAL, WN_UNAVAILABLE, "metal device: program '%s' does not compile for %s: %s",
		       program ? program : "self-test", metal->name, first[0] ? first : words);
}

static int make_pipeline(struct wn_metal *metal, wn_id library, const char *program, const char *kernel, wn_id *pipeline,
			 struct wn_error *error)
{
	wn_id function = wn_mtl_new_function(library, kernel), failure = NULL;

	if (!function)
		return wn_fail(error, ENOENT, WN_FAILED, "metal device: no kernel '%s' in what was compiled", kernel);
	*pipeline = wn_mtl_new_pipeline(metal->gpu, function, &failure);
	wn_mtl_release(function);
	return *pipeline ? 0 : tell(metal, program, failure, error);
}

int wn_metal_build(struct wn_metal *metal, const char *program, const char *entry, const char *kernel, wn_id *pipeline,
		   struct wn_error *error)
{
	const int is_lease = metal->device->mode == WN_MODE_LEASE && strcmp(kernel, "wn_selftest");
	wn_id options, library, failure = NULL;
	char *text = NULL;
	int rc = wn_device_text_make(program, entry, &text, error);

	if (rc)
		return rc;
	options = options_for(is_lease);
	library = wn_mtl_new_library(metal->gpu, text, options, &failure);
	rc = library ? make_pipeline(metal, library, program, kernel, pipeline, error)
		     : tell(metal, program, failure, error);
	/* A pipeline keeps what it needs of its library. */
	wn_mtl_release(library);
	wn_mtl_release(options);
	free(text);
	return rc;
}

wn_id wn_metal_buffer(struct wn_metal *metal, uint64_t bytes, const char *what, struct wn_error *error)
{
	const uint64_t most = wn_mtl_buffer_bytes_max(metal->gpu), wanted = bytes ? bytes : 64;
	wn_id buffer = wanted > most ? NULL : wn_mtl_new_buffer(metal->gpu, wanted);

	if (buffer)
		memset(wn_mtl_contents(buffer), 0, wanted);
	else
		wn_fail(error, ENOMEM, WN_FAILED, "metal device: %s: %llu MiB in one piece: %s gives %llu at most", what,
			(unsigned long long)wanted >> 20, metal->name, (unsigned long long)most >> 20);
	return buffer;
}

/* -- a program -- */

int wn_metal_version_make(struct wn_metal *metal, const char *text, uint32_t flags, struct wn_metal_version **version,
			  struct wn_error *error)
{
	const int is_lease = metal->device->mode == WN_MODE_LEASE;
	struct wn_metal_version *made = calloc(1, sizeof(*made));
	int rc = made ? wn_cpu_code_load(&made->code, text, flags, error) : wn_fail(error, ENOMEM, WN_FAILED, "out of memory");

	if (!rc) {
		made->program = wn_cpu_code_describe(&made->code);
		if (made->program.counter_count > WN_COUNTERS_MAX || made->program.lane_words > WN_LANE_WORDS_MAX)
			rc = wn_fail(error, EINVAL, WN_FAILED,
				     "program '%s': too many counters or histograms: at most %d and %d", text, WN_COUNTERS_MAX, 16);
	}
	if (!rc)
		rc = wn_metal_build(metal, text, is_lease ? "device/metal/lease.metal" : "device/metal/entry.metal",
				    is_lease ? "wn_lease" : "wn_run", &made->pipeline, error);
	if (rc) {
		wn_metal_version_free(made);
		return rc;
	}
	made->row_words = (WN_CL_ROW_HEAD + 2 * made->program.lane_words + 31) / 32 * 32;
	*version = made;
	return 0;
}

void wn_metal_version_free(struct wn_metal_version *version)
{
	if (!version)
		return;
	for (uint32_t i = 0; i < sizeof(version->rows) / sizeof(version->rows[0]); i++)
		wn_mtl_release(version->rows[i]);
	wn_mtl_release(version->cells);
	wn_mtl_release(version->data);
	wn_mtl_release(version->launch);
	wn_mtl_release(version->pipeline);
	wn_cpu_code_unload(&version->code);
	free(version);
}

/* -- what it is given -- */

static uint64_t take(uint64_t *end, uint64_t bytes)
{
	const uint64_t at = *end;

	*end = (at + bytes + 63) / 64 * 64;
	return at;
}

/* What there may be nothing of has no address either. */
static void copy(uint8_t *to, const void *from, uint64_t bytes)
{
	if (bytes)
		memcpy(to, from, bytes);
}

static int make_data(struct wn_metal *metal, struct wn_metal_version *version, struct wn_cl_launch *launch,
		     const struct wn_program_data *data, struct wn_error *error)
{
	const uint64_t parameter_bytes = (uint64_t)data->parameter_count * 8;
	const uint64_t table_bytes = (uint64_t)data->table_count * sizeof(struct wn_table);
	uint64_t end = 0;
	uint8_t *bytes;

	launch->parameters = take(&end, parameter_bytes);
	launch->tables = take(&end, table_bytes);
	launch->store = take(&end, data->store_bytes);
	launch->file = take(&end, data->file_bytes);
	launch->store_bytes = data->store_bytes;
	launch->file_bytes = data->file_bytes;
	launch->cell_count = data->cell_count;
	launch->parameter_count = data->parameter_count;
	launch->table_count = data->table_count;
	version->data = wn_metal_buffer(metal, end, "tables and files", error);
	if (!version->data)
		return -ENOMEM;
	bytes = wn_mtl_contents(version->data);
	copy(bytes + launch->parameters, data->parameters, parameter_bytes);
	copy(bytes + launch->tables, data->tables, table_bytes);
	copy(bytes + launch->store, data->store, data->store_bytes);
	copy(bytes + launch->file, data->file, data->file_bytes);
	return 0;
}

static int make_cells(struct wn_metal *metal, struct wn_metal_version *version, const struct wn_metal_version *before,
		      const struct wn_program_data *data, struct wn_error *error)
{
	version->cells_of = data->cells;
	if (before && before->cells_of == data->cells) {
		version->cells = wn_mtl_retain(before->cells);
		return 0;
	}
	version->cells = wn_metal_buffer(metal, data->cell_count * 4, "tables of cells", error);
	if (!version->cells)
		return -ENOMEM;
	copy(wn_mtl_contents(version->cells), data->cells, data->cell_count * 4);
	return 0;
}

/* The rings that lanes work on: pieces in batch mode, one slot a lane in lease mode. */
static void lay_out(const struct wn_metal *metal, struct wn_cl_launch *launch)
{
	const uint32_t slots = metal->device->mode == WN_MODE_LEASE ? 1 : metal->batch_slots;

	launch->queue_count = metal->queue_count;
	launch->part_count = 1;
	for (uint32_t i = 0; i < metal->queue_count; i++)
		wn_twin_lay_out(&launch->rings[i], &metal->views[i], slots);
}

static int make_rows(struct wn_metal *metal, struct wn_metal_version *version, struct wn_error *error)
{
	const int is_lease = metal->device->mode == WN_MODE_LEASE;
	const uint32_t launches = is_lease ? (uint32_t)WN_METAL_LEASES : metal->queue_count * metal->ahead;

	version->row_count = is_lease ? metal->queue_count * metal->lanes
				      : (metal->batch_slots + metal->lanes - 1) / metal->lanes * metal->lanes;
	for (uint32_t i = 0; i < launches; i++) {
		version->rows[i] = wn_metal_buffer(metal, (uint64_t)version->row_count * version->row_words * 4, "counters",
						   error);
		if (!version->rows[i])
			return -ENOMEM;
	}
	return 0;
}

int wn_metal_version_give(struct wn_metal *metal, struct wn_metal_version *version, const struct wn_metal_version *before,
			  const struct wn_program_data *data, struct wn_error *error)
{
	struct wn_cl_launch *launch = calloc(1, sizeof(*launch));
	int rc = launch ? make_data(metal, version, launch, data, error) : wn_fail(error, ENOMEM, WN_FAILED, "out of memory");

	if (!rc)
		rc = make_cells(metal, version, before, data, error);
	if (!rc)
		rc = make_rows(metal, version, error);
	if (!rc) {
		lay_out(metal, launch);
		launch->row_words = version->row_words;
		version->launch = wn_metal_buffer(metal, sizeof(*launch), "launch constants", error);
		rc = version->launch ? 0 : -ENOMEM;
	}
	if (!rc)
		memcpy(wn_mtl_contents(version->launch), launch, sizeof(*launch));
	free(launch);
	return rc;
}

void wn_metal_take_rows(struct wn_metal_version *version, uint32_t number, int is_good)
{
	uint32_t *row = wn_mtl_contents(version->rows[number]);

	for (uint32_t r = 0; r < version->row_count; r++, row += version->row_words) {
		if (!row[0])
			continue; /* it counted nothing */
		for (uint32_t i = 0; is_good && i < version->program.lane_words; i++) {
			const uint32_t *word = row + WN_CL_ROW_HEAD + 2 * i;
			const uint64_t count = (uint64_t)word[1] << 32 | word[0];

			if (count)
				wn_store_relaxed64(&version->sums[i], version->sums[i] + count);
		}
		memset(row, 0, version->row_words * 4);
	}
}
