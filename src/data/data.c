/* SPDX-License-Identifier: Apache-2.0 */
#include "data/data.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "link/options.h"
#include "os/os.h"

#define CELLS_MAX (UINT32_C(1) << 28)

static int parse_value(enum wn_parameter_type type, const char *text, uint64_t *value)
{
	struct in_addr address;

	switch (type) {
	case WN_PARAMETER_number:
		if (!strcmp(text, "off")) {
			*value = 0;
			return 0;
		}
		return wn_parse_number(text, 0, value);
	case WN_PARAMETER_size:
		return wn_parse_number(text, 1, value);
	case WN_PARAMETER_flag:
		*value = !strcmp(text, "on");
		return *value || !strcmp(text, "off") ? 0 : -EINVAL;
	case WN_PARAMETER_ipv4:
		if (inet_pton(AF_INET, text, &address) != 1)
			return -EINVAL;
		*value = ntohl(address.s_addr);
		return 0;
	}
	return -EINVAL;
}

static const char *type_name(enum wn_parameter_type type)
{
	static const char *const names[] = {"", "a number", "a size", "on or off",
					    "an IPv4 address"};

	return names[type];
}

/* Finds the end of NAME in NAME=TEXT; NULL where there is no '='. */
static const char *split(const char *wish, size_t *length)
{
	const char *equals = strchr(wish, '=');

	*length = equals ? (size_t)(equals - wish) : strlen(wish);
	return equals ? equals + 1 : NULL;
}

/* Names are identifiers of C, but a user may write rate-limit for rate_limit. */
static int is_named(const char *name, const char *wish, size_t length)
{
	if (strlen(name) != length)
		return 0;
	for (size_t i = 0; i < length; i++)
		if (name[i] != (wish[i] == '-' ? '_' : wish[i]))
			return 0;
	return 1;
}

/* The names of the program's parameters; as options, "--rate-limit", or as they are, "rate_limit". */
static void list_parameters(const struct wn_program *program, int as_options, char *text,
			    size_t bytes)
{
	size_t used = 0;

	snprintf(text, bytes, "none");
	for (uint32_t i = 0; program->parameters[i].name && used < bytes; i++) {
		char *from = text + used;

		used += (size_t)snprintf(from, bytes - used, "%s%s%s", used ? ", " : "",
					 as_options ? "--" : "", program->parameters[i].name);
		for (; as_options && (from = strchr(from, '_')) != NULL; from++)
			*from = '-';
	}
}

static int unknown_parameter(const struct wn_program *program, const char *wish, int is_option,
			     struct wn_error *error)
{
	char known[512];

	list_parameters(program, is_option, known, sizeof(known));
	if (!is_option)
		return wn_fail(error, EINVAL, WN_USAGE, "parameter '%s': program '%s' has: %s",
			       wish, program->name, known);
	return wn_fail(error, EINVAL, WN_USAGE,
		       "unknown option '%.*s'; options of program '%s': %s",
		       (int)strcspn(wish, "="), wish, program->name, known);
}

static int set_parameter(struct wn_data *data, const struct wn_program *program, const char *wish,
			 struct wn_error *error)
{
	const int is_option = !strncmp(wish, "--", 2);
	const char *name = wish + (is_option ? 2 : 0), *text;
	size_t length;

	text = split(name, &length);
	for (uint32_t i = 0; program->parameters[i].name; i++) {
		const struct wn_parameter_field *field = &program->parameters[i];

		if (!is_named(field->name, name, length))
			continue;
		if (text && !parse_value(field->type, text, &data->parameters[i]))
			return 0;
		return wn_fail(error, EINVAL, WN_USAGE, "%s '%s': must be %s=%s (%s)",
			       is_option ? "option" : "parameter", wish, field->name,
			       type_name(field->type), field->help);
	}
	return unknown_parameter(program, wish, is_option, error);
}

static int init_parameters(struct wn_data *data, const struct wn_program *program,
			   const struct wn_data_wishes *wishes, struct wn_error *error)
{
	uint32_t count = 0;

	while (program->parameters[count].name)
		count++;
	data->parameters = calloc(count + 1, sizeof(*data->parameters));
	if (!data->parameters)
		return wn_fail(error, ENOMEM, WN_FAILED, "out of memory");
	for (uint32_t i = 0; i < count; i++)
		if (parse_value(program->parameters[i].type, program->parameters[i].preset,
				&data->parameters[i]))
			return wn_fail(error, EINVAL, WN_FAILED,
				       "program '%s': the preset of parameter %s, '%s', is not %s",
				       program->name, program->parameters[i].name,
				       program->parameters[i].preset,
				       type_name(program->parameters[i].type));
	for (uint32_t i = 0; i < wishes->parameter_count; i++) {
		const int rc = set_parameter(data, program, wishes->parameters[i], error);

		if (rc)
			return rc;
	}
	return 0;
}

static int fill_table(struct wn_data *data, uint32_t number, const struct wn_table_field *field,
		      const char *path, struct wn_error *error)
{
	struct wn_entries entries = {0};
	int rc = wn_entries_read(&entries, field->kind, field->value_bytes, path, error);

	if (!rc)
		rc = wn_table_build(&data->tables[number], &data->store, field->kind, &entries,
				    path, error);
	wn_entries_finish(&entries);
	return rc;
}

static int set_table(struct wn_data *data, const struct wn_program *program, const char *wish,
		     struct wn_error *error)
{
	char known[512] = "";
	size_t length, used = 0;
	const char *path = split(wish, &length);

	for (uint32_t i = 0; program->tables[i].name; i++) {
		if (program->tables[i].kind == WN_TABLE_cells)
			continue;
		if (path && is_named(program->tables[i].name, wish, length))
			return fill_table(data, i, &program->tables[i], path, error);
		if (used < sizeof(known))
			used += (size_t)snprintf(known + used, sizeof(known) - used, "%s%s=FILE",
						 used ? ", " : "", program->tables[i].name);
	}
	return wn_fail(error, EINVAL, WN_USAGE, "table '%s': program '%s' takes: %s", wish,
		       program->name, used ? known : "none");
}

/* A table of cells has as many as the parameter of its name says. */
static int size_cells(struct wn_data *data, const struct wn_program *program, uint32_t number,
		      struct wn_error *error)
{
	const char *name = program->tables[number].name;
	struct wn_table *table = &data->tables[number];

	for (uint32_t i = 0; program->parameters[i].name; i++) {
		if (strcmp(program->parameters[i].name, name))
			continue;
		if (data->parameters[i] > CELLS_MAX)
			return wn_fail(error, EINVAL, WN_USAGE, "parameter '%s': at most %u cells",
				       name, CELLS_MAX);
		table->offset = data->cell_count;
		table->count = data->parameters[i];
		data->cell_count += data->parameters[i];
		return 0;
	}
	return wn_fail(
		error, EINVAL, WN_FAILED,
		"program '%s': no parameter '%s' says how many cells the table of that name has",
		program->name, name);
}

static int init_cells(struct wn_data *data, const struct wn_program *program,
		      struct wn_error *error)
{
	for (uint32_t i = 0; program->tables[i].name; i++) {
		const int rc = program->tables[i].kind == WN_TABLE_cells
				       ? size_cells(data, program, i, error)
				       : 0;

		if (rc)
			return rc;
	}
	data->cells = calloc(data->cell_count + 1, sizeof(*data->cells));
	return data->cells ? 0
			   : wn_fail(error, ENOMEM, WN_FAILED,
				     "out of memory: %zu cells of 4 bytes", data->cell_count);
}

static uint32_t count_parameters(const struct wn_program *program)
{
	uint32_t count = 0;

	while (program->parameters[count].name)
		count++;
	return count;
}

static uint32_t count_tables(const struct wn_program *program)
{
	uint32_t count = 0;

	while (program->tables[count].name)
		count++;
	return count;
}

static int init_tables(struct wn_data *data, const struct wn_program *program,
		       const struct wn_data_wishes *wishes, struct wn_error *error)
{
	const uint32_t count = count_tables(program);

	data->tables = calloc(count + 1, sizeof(*data->tables));
	if (!data->tables)
		return wn_fail(error, ENOMEM, WN_FAILED, "out of memory");
	for (uint32_t i = 0; i < count; i++)
		data->tables[i].kind = (uint8_t)program->tables[i].kind;
	for (uint32_t i = 0; i < wishes->table_count; i++) {
		const int rc = set_table(data, program, wishes->tables[i], error);

		if (rc)
			return rc;
	}
	return 0;
}

static int map_file(struct wn_data *data, const char *path, struct wn_error *error)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat status;
	int rc = 0;

	if (fd < 0 || fstat(fd, &status)) {
		rc = wn_fail(error, errno, WN_NO_INPUT, "data %s: %s", path, strerror(errno));
	} else if (!S_ISREG(status.st_mode)) {
		rc = wn_fail(error, EINVAL, WN_NO_INPUT, "data %s: not a file", path);
	} else if (status.st_size > 0) {
		data->file_bytes = (size_t)status.st_size;
		data->file =
			mmap(NULL, data->file_bytes, PROT_READ, MAP_PRIVATE | WN_OS_MAP_PRESENT, fd, 0);
		if (data->file == MAP_FAILED) {
			data->file = NULL;
			rc = wn_fail(error, errno, WN_NO_INPUT, "data %s: %s", path,
				     strerror(errno));
		}
	}
	if (fd >= 0)
		close(fd);
	return rc;
}

/* The file, or what the loader makes. */
static int init_file(struct wn_data *data, const struct wn_program *program,
		     const struct wn_data_wishes *wishes, struct wn_error *error)
{
	if (wishes->file && program->loader)
		return wn_fail(error, EINVAL, WN_USAGE,
			       "data '%s': what program '%s' reads is made by its loader; leave "
			       "the file out",
			       wishes->file, program->name);
	if (wishes->file)
		return map_file(data, wishes->file, error);
	return 0;
}

int wn_data_init(struct wn_data *data, const struct wn_program *program,
		 const struct wn_data_wishes *wishes, struct wn_error *error)
{
	int rc;

	memset(data, 0, sizeof(*data));
	rc = init_parameters(data, program, wishes, error);
	if (!rc)
		rc = init_tables(data, program, wishes, error);
	if (!rc)
		rc = init_cells(data, program, error);
	if (!rc)
		rc = init_file(data, program, wishes, error);
	if (!rc)
		rc = wn_loader_run(&data->blob, program->name, program->loader, wishes->loads,
				   wishes->load_count, error);
	if (rc) {
		wn_data_finish(data);
		return rc;
	}
	data->shown = (struct wn_program_data){
		.parameters = data->parameters,
		.tables = data->tables,
		.store = data->store.bytes,
		.file = data->blob.bytes ? data->blob.bytes : data->file,
		.file_bytes = data->blob.bytes ? data->blob.size : data->file_bytes,
		.file_address = (uint64_t)(uintptr_t)(data->blob.bytes ? (void *)data->blob.bytes : data->file),
		.file_version = 1,
		.cells = data->cells,
		.cell_count = data->cell_count,
		.store_bytes = data->store.used,
		.parameter_count = count_parameters(program),
		.table_count = count_tables(program),
	};
	return 0;
}

/* The next table of cells from *number on; NULL where there is none. */
static const char *next_cells(const struct wn_program *program, uint32_t *number)
{
	for (; program->tables[*number].name; (*number)++)
		if (program->tables[*number].kind == WN_TABLE_cells)
			return program->tables[(*number)++].name;
	return NULL;
}

void wn_data_share_cells(struct wn_data *data, const struct wn_program *program,
			 const struct wn_data *old, const struct wn_program *old_program)
{
	uint32_t a = 0, b = 0;

	for (;;) {
		const char *name = next_cells(program, &a), *old_name = next_cells(old_program, &b);

		if (!name && !old_name)
			break;
		if (!name || !old_name || strcmp(name, old_name) ||
		    data->tables[a - 1].count != old->tables[b - 1].count)
			return;
	}
	data->shown.cells = old->shown.cells;
}

void wn_data_keep_cells(struct wn_data *data, struct wn_data *old)
{
	uint32_t *unused = data->cells;

	if (data->shown.cells != old->cells)
		return;
	data->cells = old->cells;
	old->cells = unused;
}

void wn_data_finish(struct wn_data *data)
{
	if (data->file)
		munmap(data->file, data->file_bytes);
	wn_blob_finish(&data->blob);
	free(data->cells);
	free(data->store.bytes);
	free(data->tables);
	free(data->parameters);
	memset(data, 0, sizeof(*data));
}

size_t wn_data_bytes(const struct wn_data *data)
{
	return data->store.used + data->file_bytes + data->blob.size +
	       data->cell_count * sizeof(*data->cells);
}
