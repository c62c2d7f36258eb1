/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Questions to a program of tests/programs that answers from what it was given: one packet of 32 bytes
 * each, byte 0 says what, bytes 8 to 15 the key. The including file names the program before:
 *
 *     #define ASKED "dialect"
 */
#ifndef WN_TESTS_DATA_QUESTIONS_H
#define WN_TESTS_DATA_QUESTIONS_H

#include "tests/runtime/network.h"

#include <unistd.h>

static char folder[] = "/tmp/wn-data-XXXXXX";

static const char *path_of(const char *name)
{
	static char path[4][128];
	static int turn;
	char *text = path[turn++ % 4];

	snprintf(text, sizeof(path[0]), "%s/%s", folder, name);
	return text;
}

static const char *wish(const char *table, const char *name)
{
	static char text[4][160];
	static int turn;
	char *made = text[turn++ % 4];

	snprintf(made, sizeof(text[0]), "%s=%s", table, path_of(name));
	return made;
}

static void write_file(const char *name, const char *text)
{
	FILE *file = fopen(path_of(name), "w");

	CHECK(file != NULL);
	fputs(text, file);
	fclose(file);
}

/* The questions of one run. */
static struct question {
	uint8_t bytes[32];
} *questions;
static uint32_t question_count, question_room;

static struct question *ask(char what, uint64_t key)
{
	struct question *question;

	if (question_count == question_room) {
		question_room = question_room ? 2 * question_room : 64;
		questions = realloc(questions, question_room * sizeof(*questions));
	}
	question = &questions[question_count++];
	memset(question, 0, sizeof(*question));
	question->bytes[0] = (uint8_t)what;
	for (int i = 0; i < 8; i++)
		question->bytes[8 + i] = (uint8_t)(key >> (56 - 8 * i));
	return question;
}

static uint32_t make(uint32_t i, uint8_t *bytes, struct wn_memory_packet *packet)
{
	(void)packet;
	memcpy(bytes, questions[i].bytes, 32);
	return 32;
}

static struct wn_runtime_params params_of(void)
{
	return (struct wn_runtime_params){
		.program = TEST_PROGRAM(ASKED), .links = {"memory:"}, .link_count = 1};
}

static struct network network;
static struct wn_counters counters;

static void run(struct wn_runtime_params *params)
{
	network_init(&network, question_count, make);
	CHECK_INT(network_run(&network, params, &counters), 0);
}

static uint32_t found(uint32_t i)
{
	return network.taken[i].bytes[3];
}

static uint64_t value_of(uint32_t i)
{
	uint64_t value = 0;

	for (int k = 0; k < 8; k++)
		value = value << 8 | network.taken[i].bytes[8 + k];
	return value;
}

static void forget(void)
{
	network_finish(&network);
	question_count = 0;
}

#endif
