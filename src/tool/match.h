/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every device does with every packet what the cpu device does with it, byte for byte: replies, forwards,
 * deliveries and records in their order, the program's counters, and what was dropped by cause. `warpnic selftest`
 * and tests/match say so by these calls.
 *
 *   match_packets.c    packets from a seed: random bytes, frames that a stack takes, and the same with a few bits
 *                      changed, of all lengths up to a slot's
 *   match.c            a run, and two runs side by side
 *   match_programs.c   the ready-made programs, and the files that they read
 *
 * One thread, one run at a time.
 */
#ifndef WN_TOOL_MATCH_H
#define WN_TOOL_MATCH_H

#include "warpnic/runtime.h"

enum { WN_MATCH_BYTES = 65536, WN_MATCH_TABLES = 4 };

/* What the packets of a run are. */
enum wn_match_shape { WN_MATCH_DATAGRAMS, WN_MATCH_FRAMES, WN_MATCH_STACKED, WN_MATCH_TRAINS };

struct wn_match_program {
	const char *name;                    /* or the path of a source */
	enum wn_match_shape shape;
	uint32_t packets;
	const char *tables[WN_MATCH_TABLES]; /* NAME=FILE; "%s" in it is the folder of wn_match_files_create() */
	const char *data;                    /* a file in that folder */
	const char *load;                    /* for its loader; "%s" as above */
	const char *parameter;
	int is_dns;                          /* its payloads are questions */
	int is_thorough;                     /* it is also worth a run where only lanes are dealt out otherwise */
};

/* Events one behind the other: what was sent in one stream, what was delivered in another. */
struct wn_match_stream {
	uint8_t *events;
	size_t bytes, room;
	uint32_t count;
	int is_short;                        /* out of memory: it does not hold all */
};

/* Zeroed at first; may be used again. */
struct wn_match_outcome {
	struct wn_match_stream sent, delivered;
	struct wn_counters counters;
	uint64_t program[WN_WISHES_MAX * 8];
	uint32_t program_count;
};

/* Where packets come from: of one program, from one seed, the same ones each time. */
struct wn_match_source {
	const struct wn_match_program *program;
	struct wn_match_outcome *outcome;
	uint32_t made;
	uint64_t random;
};

/* The hook `next` of a memory link, with a source as its context. */
int wn_match_next(void *context, uint32_t queue, uint8_t *bytes, uint32_t capacity, struct wn_memory_packet *packet);

/* What a run tells while it goes on, and of the device once it has ended; all may be NULL. */
struct wn_match_hooks {
	void (*log)(void *context, const char *line);
	void (*look)(void *context, const struct wn_runtime *runtime);
	void *context;
};

/* Runs it to its end. 0, or -errno with the reason where it could not begin, or did not come to its end. */
int wn_match_run(const struct wn_match_program *program, const char *folder, const char *device, enum wn_mode mode,
		 struct wn_match_outcome *outcome, const struct wn_match_hooks *hooks, struct wn_error *error);

/* 0 where both are the same; else 1, and `text` says what differs first: `a` is the cpu device's. */
int wn_match_compare(const struct wn_match_outcome *a, const struct wn_match_outcome *b, char *text, size_t bytes);

void wn_match_finish(struct wn_match_outcome *outcome);

/* The ready-made programs; ends with a NULL name. */
extern const struct wn_match_program wn_match_programs[];

/* Makes a temporary folder with what they read, and removes both. 0 or -errno. */
int wn_match_files_create(char *folder, size_t bytes);
void wn_match_files_remove(const char *folder);

#endif
