/* SPDX-License-Identifier: Apache-2.0 */
/* Zones in files of a folder of their own, the program on them, questions and answers as text. */
#ifndef WN_TESTS_ASK_H
#define WN_TESTS_ASK_H

#include "tests/dns/serve.h"

#include <dirent.h>
#include <unistd.h>

#include "tests/check.h"
#include "tests/dns/message.h"

static char folder[] = "/tmp/wn-dns-XXXXXX";
static struct serve serve;
static char text[8192];

static inline const char *write_zone(const char *name, const char *lines)
{
	static char paths[4][300];
	static int turn;
	char *load = paths[turn++ % 4];
	FILE *file;

	snprintf(load, sizeof(paths[0]), "zone=%s/%s", folder, name);
	file = fopen(load + 5, "w");
	if (!CHECK(file != NULL))
		return load;
	fputs(lines, file);
	fclose(file);
	return load;
}

static inline void load(const char *name, const char *lines)
{
	const char *path = write_zone(name, lines);
	struct wn_error error = {0};

	serve_init(&serve);
	CHECK_INT(serve_load(&serve, &path, 1, &error), 0);
	CHECK_TEXT(error.text, "");
}

/* The text of the answer to a packet, or how it was dropped. */
static inline const char *answer_to(const uint8_t *bytes, uint32_t length)
{
	serve_packet(&serve, bytes, length);
	if (serve.code != WN_REPLY)
		return serve.code == WN_DROP ? "dropped" : "FAULT";
	CHECK_INT(serve.answer[0] << 8 | serve.answer[1], length > 1 ? bytes[0] << 8 | bytes[1] : 0);
	return message_text(serve.answer, serve.length, text, sizeof(text));
}

static inline const char *ask(const char *name, const char *type)
{
	uint8_t query[600];

	return answer_to(query, message_query(query, name, message_type(type)));
}

static inline const char *ask_edns(const char *name, const char *type, unsigned payload, int is_do)
{
	uint8_t query[600];
	unsigned used = message_query(query, name, message_type(type));

	return answer_to(query, message_add_edns(query, used, payload, 0, is_do));
}

/* That a zone is refused, and with which words. */
static inline void refused(const char *lines, const char *words)
{
	const char *path = write_zone("refused", lines);
	struct wn_error error = {0};

	serve_init(&serve);
	CHECK(serve_load(&serve, &path, 1, &error) < 0);
	CHECK_INT(error.status, WN_FAILED);
	if (!CHECK(strstr(error.text, words) != NULL))
		printf("# '%s' is not in: %s\n", words, error.text);
	serve_finish(&serve);
}

/* Makes the folder. NULL, or why nothing can be tested. */
static inline const char *begin(void)
{
	if (wn_loader_find("zones")->missing)
		return "built without ldns";
	return mkdtemp(folder) ? NULL : "no folder for files";
}

/* Takes it away with all files in it; what main returns. */
static inline int finish(void)
{
	DIR *files = opendir(folder);
	char path[600];

	for (struct dirent *entry = files ? readdir(files) : NULL; entry; entry = readdir(files)) {
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		unlink(path);
	}
	if (files)
		closedir(files);
	rmdir(folder);
	return check_finish();
}

#endif
