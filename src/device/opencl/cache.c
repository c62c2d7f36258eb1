/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Binaries of programs, in $XDG_CACHE_HOME/warpnic/opencl (or ~/.cache): one file each, named by the hash of its
 * key and text. The key is device, driver and options in words; a kept binary is taken only where the file
 * is the user's own and nobody else can write to it, its key is this key letter for letter, its text has this hash and
 * length, and its bytes have the sum that is noted. Whatever does not hold is not there, and is made anew.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "device/opencl/worker.h"

enum { KEY_BYTES = 512, BINARY_BYTES_MAX = 256 << 20 };

struct head {
	char magic[8];                  /* "wnclbin1" */
	char key[KEY_BYTES];
	uint64_t text_hash, text_bytes;
	uint64_t bytes, hash;           /* of the binary behind it */
};

/* FNV-1a, 64 bits (Fowler, Noll, Vo). It tells damage and mistakes, not an enemy: that is what the owner is for. */
static uint64_t hash_of(const void *bytes, size_t count, uint64_t hash)
{
	const unsigned char *at = bytes;

	while (count--)
		hash = (hash ^ *at++) * UINT64_C(0x100000001b3);
	return hash;
}

#define HASH_START UINT64_C(0xcbf29ce484222325)

static int find_folder(char *folder, size_t bytes)
{
	const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");

	if (cache && *cache == '/')
		snprintf(folder, bytes, "%s/warpnic/opencl", cache);
	else if (home && *home == '/')
		snprintf(folder, bytes, "%s/.cache/warpnic/opencl", home);
	else
		return -1;
	return 0;
}

static int find_path(char *path, const char *key, const char *text)
{
	char folder[PATH_MAX - 64];

	if (find_folder(folder, sizeof(folder)))
		return -1;
	snprintf(path, PATH_MAX, "%s/%016llx%016llx.bin", folder,
		 (unsigned long long)hash_of(key, strlen(key), HASH_START),
		 (unsigned long long)hash_of(text, strlen(text), HASH_START));
	return 0;
}

static struct head head_of(const char *key, const char *text, const void *binary, size_t bytes)
{
	struct head head = {
		.magic = {'w', 'n', 'c', 'l', 'b', 'i', 'n', '1'},
		.text_hash = hash_of(text, strlen(text), HASH_START),
		.text_bytes = strlen(text),
		.bytes = bytes,
		.hash = hash_of(binary, bytes, HASH_START),
	};

	snprintf(head.key, sizeof(head.key), "%s", key);
	return head;
}

void *wn_cl_cache_load(const char *key, const char *text, size_t *bytes)
{
	struct head head, wanted;
	char path[PATH_MAX];
	struct stat status;
	void *binary = NULL;
	FILE *file;
	int fd;

	if (find_path(path, key, text) || (fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)) < 0)
		return NULL;
	file = fdopen(fd, "r");
	if (!file || fstat(fd, &status) || !S_ISREG(status.st_mode) || status.st_uid != geteuid() ||
	    (status.st_mode & 022) || fread(&head, sizeof(head), 1, file) != 1 || head.bytes > BINARY_BYTES_MAX ||
	    (uint64_t)status.st_size != sizeof(head) + head.bytes)
		goto close;
	binary = malloc(head.bytes + 1);
	if (binary && fread(binary, 1, head.bytes, file) == head.bytes) {
		wanted = head_of(key, text, binary, head.bytes);
		*bytes = head.bytes;
		if (!memcmp(&wanted, &head, sizeof(head)))
			goto close;
	}
	free(binary);
	binary = NULL;
close:
	if (file)
		fclose(file);
	else
		close(fd);
	return binary;
}

/* Makes all folders of a path. */
static void make_folders(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(path, 0700);
		*slash = '/';
	}
}

/* Under another name first, so that nobody ever finds half a file. Where it fails there is none. */
void wn_cl_cache_store(const char *key, const char *text, const void *binary, size_t bytes)
{
	const struct head head = head_of(key, text, binary, bytes);
	char path[PATH_MAX], made[PATH_MAX + 16];
	FILE *file;
	int fd, is_whole;

	if (find_path(path, key, text))
		return;
	make_folders(path);
	snprintf(made, sizeof(made), "%s.%d", path, (int)getpid());
	fd = open(made, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	file = fd < 0 ? NULL : fdopen(fd, "w");
	if (!file)
		return;
	is_whole = fwrite(&head, sizeof(head), 1, file) == 1 && fwrite(binary, 1, bytes, file) == bytes;
	if (fclose(file) || !is_whole || rename(made, path))
		unlink(made);
}

void wn_cl_cache_drop(const char *key, const char *text)
{
	char path[PATH_MAX];

	if (!find_path(path, key, text))
		unlink(path);
}
