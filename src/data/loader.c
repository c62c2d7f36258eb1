/* SPDX-License-Identifier: Apache-2.0 */
#include "data/loader.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "os/os.h"

const struct wn_loader *const wn_loaders[] = {
	&wn_loader_zones,
	&wn_loader_expression,
	&wn_loader_routes,
	&wn_loader_site,
	NULL,
};

enum { HUGE_PAGE_BYTES = 2 << 20 };

/* Whole huge pages, so that the first and the last bytes are in some, too; small blobs are as they are. */
static int is_huge(size_t size)
{
	return size >= HUGE_PAGE_BYTES / 2;
}

static size_t mapped_bytes(size_t size)
{
	if (is_huge(size))
		return (size + HUGE_PAGE_BYTES - 1) / HUGE_PAGE_BYTES * HUGE_PAGE_BYTES;
	return size ? size : 1;
}

int wn_blob_create(struct wn_blob *blob, size_t size, struct wn_error *error)
{
	const size_t mapped = mapped_bytes(size), more = is_huge(size) ? HUGE_PAGE_BYTES : 0;
	uint8_t *bytes = mmap(NULL, mapped + more, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t before;

	memset(blob, 0, sizeof(*blob));
	if (bytes == MAP_FAILED)
		return wn_fail(error, ENOMEM, WN_FAILED, "out of memory: %zu bytes of tables", size);
	before = more ? -(uintptr_t)bytes % HUGE_PAGE_BYTES : 0;
	if (before)
		munmap(bytes, before);
	if (more - before)
		munmap(bytes + before + mapped, more - before);
	/* Look-ups go to anywhere: the fewer pages, the better. A machine without huge pages does without. */
	if (more)
		wn_os_memory_wish_large(bytes + before, mapped);
	blob->bytes = bytes + before;
	blob->size = size;
	return 0;
}

void wn_blob_finish(struct wn_blob *blob)
{
	if (blob->bytes)
		munmap(blob->bytes, mapped_bytes(blob->size));
	memset(blob, 0, sizeof(*blob));
}

const struct wn_loader *wn_loader_find(const char *name)
{
	for (int i = 0; name && wn_loaders[i]; i++)
		if (!strcmp(wn_loaders[i]->name, name))
			return wn_loaders[i];
	return NULL;
}

static void list_options(const struct wn_loader *loader, char *text, size_t bytes)
{
	size_t used = 0;

	snprintf(text, bytes, "none");
	for (int i = 0; loader && loader->options[i].name && used < bytes; i++)
		used += (size_t)snprintf(text + used, bytes - used, "%s--%s %s", i ? ", " : "",
					 loader->options[i].name, loader->options[i].value);
}

/* Splits "NAME=VALUE". The name is found in the loader's options. */
static int take_load(struct wn_load *load, const char *text, const char *program,
		     const struct wn_loader *loader, struct wn_error *error)
{
	const size_t length = strcspn(text, "=");
	char known[512];

	for (int i = 0; loader && loader->options[i].name; i++) {
		const char *name = loader->options[i].name;

		if (strlen(name) != length || strncmp(name, text, length))
			continue;
		load->option = name;
		load->value = text[length] ? text + length + 1 : "";
		if (load->value[0])
			return 0;
		return wn_fail(error, EINVAL, WN_USAGE, "--%s needs a value (%s): %s", name,
			       loader->options[i].value, loader->options[i].help);
	}
	list_options(loader, known, sizeof(known));
	return wn_fail(error, EINVAL, WN_USAGE, "--%.*s: program '%s' has no such option; it has: %s",
		       (int)length, text, program, known);
}

int wn_loader_run(struct wn_blob *blob, const char *program, const char *loader_name,
		  const char *const *loads, uint32_t count, struct wn_error *error)
{
	const struct wn_loader *loader = wn_loader_find(loader_name);
	struct wn_load *taken;
	int rc = 0;

	memset(blob, 0, sizeof(*blob));
	if (loader_name && !loader)
		return wn_fail(error, EINVAL, WN_FAILED, "program '%s': there is no loader '%s'", program,
			       loader_name);
	taken = calloc((size_t)count + 1, sizeof(*taken));
	if (!taken)
		return wn_fail(error, ENOMEM, WN_FAILED, "out of memory");
	for (uint32_t i = 0; !rc && i < count; i++)
		rc = take_load(&taken[i], loads[i], program, loader, error);
	if (!rc && loader && loader->missing)
		rc = wn_fail(error, ENOTSUP, WN_UNAVAILABLE, "program '%s': %s", program, loader->missing);
	if (!rc && loader)
		rc = loader->build(blob, taken, count, error);
	free(taken);
	return rc;
}
