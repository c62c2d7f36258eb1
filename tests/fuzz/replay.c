/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a fuzz target on every file of a folder, where there is no libFuzzer: `replay FOLDER`. Each file
 * is also run cut short at every length, and with each byte changed once.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/check.h"

enum { FILE_BYTES_MAX = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *folder;

static void run_around(uint8_t *bytes, size_t size)
{
	for (size_t cut = 0; cut <= size; cut++)
		LLVMFuzzerTestOneInput(bytes, cut);
	for (size_t at = 0; at < size; at++) {
		const uint8_t kept = bytes[at];

		for (int change = 1; change < 256; change += 53) {
			bytes[at] = (uint8_t)(kept + change);
			LLVMFuzzerTestOneInput(bytes, size);
		}
		bytes[at] = kept;
	}
}

static void test_corpus(void)
{
	static uint8_t bytes[FILE_BYTES_MAX];
	DIR *list = opendir(folder);
	struct dirent *entry;
	int files = 0;

	if (!CHECK(list != NULL))
		return;
	while ((entry = readdir(list))) {
		char path[1024];
		FILE *file;

		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		if (entry->d_name[0] == '.' || !(file = fopen(path, "rb")))
			continue;
		run_around(bytes, fread(bytes, 1, sizeof(bytes), file));
		fclose(file);
		files++;
	}
	closedir(list);
	printf("# %d files\n", files);
	CHECK(files > 3);
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: replay FOLDER\n");
		return 2;
	}
	folder = argv[1];
	RUN(test_corpus);
	return check_finish();
}
