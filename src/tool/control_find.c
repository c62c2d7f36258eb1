/* SPDX-License-Identifier: Apache-2.0 */
/* Which control socket is meant. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tool/control.h"

#define PREFIX "warpnic-"
#define SUFFIX ".sock"

/* The places where sockets lie that nobody gave another, best first; NULL ends the list. */
static void find_folders(const char *folders[3])
{
	const char *mine = getenv("XDG_RUNTIME_DIR");
	int count = 0;

	if (mine && mine[0] == '/' && strcmp(mine, "/run"))
		folders[count++] = mine;
	folders[count++] = "/run";
	folders[count] = NULL;
}

static int compose(char *path, const char *folder, const char *name)
{
	return snprintf(path, WN_CONTROL_PATH_BYTES, "%s/%s", folder, name) < WN_CONTROL_PATH_BYTES ? 0 : -1;
}

static int compose_pid(char *path, const char *folder, long pid)
{
	char name[64];

	snprintf(name, sizeof(name), PREFIX "%ld" SUFFIX, pid);
	return compose(path, folder, name);
}

int wn_control_default(char path[WN_CONTROL_PATH_BYTES], pid_t pid)
{
	const char *folders[3];

	find_folders(folders);
	for (int i = 0; folders[i]; i++)
		if (!access(folders[i], W_OK | X_OK) && !compose_pid(path, folders[i], pid))
			return 0;
	return -1;
}

static int is_ours(const char *name)
{
	const size_t length = strlen(name), prefix = strlen(PREFIX), suffix = strlen(SUFFIX);

	return length > prefix + suffix && !strncmp(name, PREFIX, prefix) &&
	       !strcmp(name + length - suffix, SUFFIX);
}

/* Somebody listens there. */
static int is_alive(const char *path)
{
	const int fd = wn_control_connect(path);

	if (fd < 0)
		return 0;
	close(fd);
	return 1;
}

struct found {
	char path[WN_CONTROL_PATH_BYTES];   /* the last one */
	char all[700];
	uint32_t count;
};

static void look_in(struct found *found, const char *folder)
{
	char path[WN_CONTROL_PATH_BYTES];
	DIR *entries = opendir(folder);
	struct dirent *entry;

	while (entries && (entry = readdir(entries))) {
		const size_t used = strlen(found->all);

		if (!is_ours(entry->d_name) || compose(path, folder, entry->d_name) || !is_alive(path))
			continue;
		snprintf(found->path, sizeof(found->path), "%s", path);
		snprintf(found->all + used, sizeof(found->all) - used, "%s%s", used ? ", " : "", path);
		found->count++;
	}
	if (entries)
		closedir(entries);
}

/* Only where a run of ours would have it: other users' are named by path or number. */
static int find_only(char *path, struct wn_error *error)
{
	struct found found = {0};
	const char *folders[3];
	int i = 0;

	find_folders(folders);
	while (folders[i + 1] && access(folders[i], W_OK | X_OK))
		i++;
	look_in(&found, folders[i]);
	if (found.count == 1) {
		snprintf(path, WN_CONTROL_PATH_BYTES, "%s", found.path);
		return 0;
	}
	if (found.count)
		return wn_fail(error, EINVAL, WN_USAGE, "%u are running: say which by its path or process "
			       "number: %s", found.count, found.all);
	return wn_fail(error, ENOENT, WN_UNAVAILABLE,
		       "none is running that I may ask: no " PREFIX "PID" SUFFIX " in %s", folders[i]);
}

static int find_pid(char *path, const char *text, struct wn_error *error)
{
	const char *folders[3];

	find_folders(folders);
	for (int i = 0; folders[i]; i++)
		if (!compose_pid(path, folders[i], atol(text)) && is_alive(path))
			return 0;
	return wn_fail(error, ENOENT, WN_UNAVAILABLE,
		       "process %s: no control socket of its that I may ask, neither in %s%s%s", text,
		       folders[0], folders[1] ? " nor in " : "", folders[1] ? folders[1] : "");
}

static int is_number(const char *text)
{
	const size_t length = strlen(text);

	for (size_t i = 0; i < length; i++)
		if (!isdigit((unsigned char)text[i]))
			return 0;
	return length > 0 && length < 12;
}

int wn_control_find(char path[WN_CONTROL_PATH_BYTES], const char *meant, struct wn_error *error)
{
	if (!meant)
		return find_only(path, error);
	if (is_number(meant))
		return find_pid(path, meant, error);
	if (snprintf(path, WN_CONTROL_PATH_BYTES, "%s", meant) >= WN_CONTROL_PATH_BYTES)
		return wn_fail(error, ENAMETOOLONG, WN_USAGE, "%s: at most %d characters", meant,
			       WN_CONTROL_PATH_BYTES - 1);
	return 0;
}
