/* SPDX-License-Identifier: Apache-2.0 */
#include "tree.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { DEPTH_MAX = 64, PATH_BYTES_MAX = 4096 };

struct walk {
	struct http_tree *tree;
	char root[PATH_MAX];     /* resolved */
	struct wn_error *error;
};

static int out_of_memory(struct wn_error *error)
{
	return wn_fail(error, ENOMEM, WN_FAILED, "out of memory");
}

/* Room for one more of `bytes` each. */
static int grow(void **list, uint32_t count, uint32_t *capacity, size_t bytes)
{
	void *larger;

	if (count < *capacity)
		return 0;
	larger = realloc(*list, 2 * (size_t)(*capacity + 8) * bytes);
	if (!larger)
		return -ENOMEM;
	*list = larger;
	*capacity = 2 * (*capacity + 8);
	return 0;
}

static int add_file(struct walk *walk, const char *name, const struct stat *status)
{
	struct http_tree *tree = walk->tree;
	struct http_file *file;

	if (grow((void **)&tree->files, tree->count, &tree->capacity, sizeof(*tree->files)))
		return out_of_memory(walk->error);
	file = &tree->files[tree->count];
	file->path = strdup(name + strlen(walk->root));
	file->name = strdup(name);
	file->bytes = (uint64_t)status->st_size;
	file->modified = status->st_mtime;
	tree->count++;
	return file->path && file->name ? 0 : out_of_memory(walk->error);
}

static int add_directory(struct walk *walk, const char *name)
{
	struct http_tree *tree = walk->tree;

	if (grow((void **)&tree->directories, tree->directory_count, &tree->directory_capacity, sizeof(char *)))
		return out_of_memory(walk->error);
	tree->directories[tree->directory_count] = strdup(name + strlen(walk->root));
	return tree->directories[tree->directory_count++] ? 0 : out_of_memory(walk->error);
}

/* Whether a link leads to a regular file inside. */
static int leads_inside(const struct walk *walk, const char *name, struct stat *status)
{
	const size_t length = strlen(walk->root);
	char target[PATH_MAX];

	return realpath(name, target) && !strncmp(target, walk->root, length) && target[length] == '/' &&
	       !stat(target, status) && S_ISREG(status->st_mode);
}

static int read_directory(struct walk *walk, const char *name, int depth);

static int take_name(struct walk *walk, const char *name, const char *last, int depth)
{
	struct stat status;

	if ((last[0] == '.' && strcmp(last, ".well-known")) || strlen(name) >= PATH_BYTES_MAX) {
		walk->tree->skipped++;
		return 0;
	}
	if (lstat(name, &status))
		return errno == ENOENT ? 0 : wn_fail(walk->error, errno, WN_NO_INPUT, "root: %s: %s", name, strerror(errno));
	if (S_ISDIR(status.st_mode))
		return read_directory(walk, name, depth + 1);
	if (!S_ISREG(status.st_mode) && !(S_ISLNK(status.st_mode) && leads_inside(walk, name, &status))) {
		walk->tree->skipped++;
		return 0;
	}
	if (!strcmp(last, "index.html")) {
		char directory[PATH_BYTES_MAX];
		int rc;

		snprintf(directory, sizeof(directory), "%.*s", (int)(last - name - 1), name);
		rc = add_directory(walk, directory);
		if (rc)
			return rc;
	}
	return add_file(walk, name, &status);
}

static int read_directory(struct walk *walk, const char *name, int depth)
{
	char inside[PATH_BYTES_MAX + NAME_MAX + 2];
	struct dirent *entry;
	DIR *directory;
	int rc = 0;

	if (depth > DEPTH_MAX)
		return wn_fail(walk->error, ELOOP, WN_FAILED, "root: %s: deeper than %d directories", name, DEPTH_MAX);
	directory = opendir(name);
	if (!directory)
		return wn_fail(walk->error, errno, WN_NO_INPUT, "root %s: %s", name, strerror(errno));
	while (!rc && (entry = readdir(directory))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		snprintf(inside, sizeof(inside), "%s/%s", name, entry->d_name);
		rc = take_name(walk, inside, inside + strlen(name) + 1, depth);
	}
	closedir(directory);
	return rc;
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct http_file *)a)->path, ((const struct http_file *)b)->path);
}

int http_tree_read(struct http_tree *tree, const char *root, struct wn_error *error)
{
	struct walk walk = {.tree = tree, .error = error};
	int rc;

	if (!realpath(root, walk.root))
		return wn_fail(error, errno, WN_NO_INPUT, "root %s: %s", root, strerror(errno));
	if (!strcmp(walk.root, "/"))
		return wn_fail(error, EINVAL, WN_USAGE, "root /: all files of this machine are not to be served; name a directory");
	rc = read_directory(&walk, walk.root, 0);
	if (!rc && tree->count)
		qsort(tree->files, tree->count, sizeof(*tree->files), by_path);
	return rc;
}

void http_tree_finish(struct http_tree *tree)
{
	for (uint32_t i = 0; i < tree->count; i++) {
		free(tree->files[i].path);
		free(tree->files[i].name);
	}
	for (uint32_t i = 0; i < tree->directory_count; i++)
		free(tree->directories[i]);
	free(tree->files);
	free(tree->directories);
	memset(tree, 0, sizeof(*tree));
}
