/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAC_DIRENT_H
#define MAC_DIRENT_H
#include <types.h>

struct dirent {
	uint64_t d_ino;
	uint64_t d_seekoff;
	uint16_t d_reclen;
	uint16_t d_namlen;
	uint8_t d_type;
	char d_name[1024];
};
typedef struct _dirdesc DIR;

DIR *opendir(const char *path);
DIR *fdopendir(int fd);
struct dirent *readdir(DIR *folder);
int closedir(DIR *folder);
int dirfd(DIR *folder);
int scandir(const char *path, struct dirent ***list, int (*select)(const struct dirent *), int (*compare)(const struct dirent **, const struct dirent **));
int alphasort(const struct dirent **a, const struct dirent **b);

#endif
