/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A mock of the Objective-C runtime and of Metal: a library that the metal device opens in their place
 * (WARPNIC_METAL), so that its host code and its kernels' text run on real packets without Apple's hardware.
 *
 *   mock_objc.c     objects, selectors, messages, counts of owners, pools
 *   mock_metal.c    devices, libraries, buffers, encoders
 *   mock_gpu.c      command buffers: one thread a queue, lanes as fibers where they wait for each other
 *
 * Stricter than the real ones: a message to nil, an unknown selector, an object used after its last release, one
 * released once too often, an autorelease without a pool, a pool popped out of turn, an encoder used after its
 * end, a commit before it: each says so and aborts.
 *
 * WN_METAL_MOCK, words with commas, read whenever devices are asked for:
 *   devices=N    that many; preset 1          msl=3.1      newest language; preset 3.2
 *   refuse       nothing compiles             slow=US      each command buffer takes so much longer
 *   fail=all | fail=once | fail=over:LANES    command buffers fail, having done half their work
 *   lost=N       after N, every one fails: the device is gone
 *   hang=N       number N never completes, nor does any behind it
 *   deaf         a running kernel sees nothing of what the CPU writes, until it is launched again
 *   wrong        the self-test's answer has a word of another round
 */
#ifndef WN_TESTS_METAL_MOCK_H
#define WN_TESTS_METAL_MOCK_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define MOCK_DIE(...)                                                                                                  \
	do {                                                                                                           \
		fprintf(stderr, "mock: " __VA_ARGS__);                                                                 \
		fputc('\n', stderr);                                                                                   \
		abort();                                                                                               \
	} while (0)

typedef const char *mock_sel;           /* interned: equal names are equal pointers */

struct mock_method {
	const char *name;
	void (*body)(void);
};

struct mock_class {
	const char *name;
	size_t bytes;                   /* of an object */
	const struct mock_method *methods; /* ends with a NULL name */
	void (*finish)(void *self);     /* before it dies; NULL: nothing to do */
};

/* What every object begins with. A dead one's memory is kept, so that whoever still uses it is found. */
struct mock_object {
	const struct mock_class *class;
	long owners;
};

/* An object of one owner, the caller. */
void *mock_new(const struct mock_class *class);
void *mock_retain(void *self);
void mock_release(void *self);
void *mock_autorelease(void *self);

/* Dies where it is not a live object of that class. */
void mock_must_be(const void *self, const struct mock_class *class);

void *mock_string(const char *text);    /* autoreleased */
const char *mock_text(const void *string);
void *mock_error(long code, const char *text); /* autoreleased */

/* Objects that live, classes and strings of pools that are not popped among them. For tests, by dlsym(). */
long wn_mock_live(void);

/* -- what WN_METAL_MOCK says -- */

enum mock_fail { MOCK_FAIL_NONE, MOCK_FAIL_ALL, MOCK_FAIL_ONCE, MOCK_FAIL_OVER };

struct mock_script {
	int devices, refuse, deaf, wrong;
	unsigned long language;
	enum mock_fail fail;
	long over, lost, hang, slow_us;  /* lost, hang: 0: never */
	int failed;                      /* so far, where it is once */
};

extern struct mock_script mock_script;

/* -- Metal -- */

enum { MOCK_BUFFERS = 31, MOCK_BYTES_MAX = 4096, MOCK_LANES_MAX = 1024 };

struct mock_at {
	uint32_t position_in_grid, per_grid, position_in_group, per_group, group, groups;
};

struct mock_pipeline {
	struct mock_object object;
	char name[64];
	void *library;                  /* keeps the code */
	void (*run)(void *const *buffers, void *const *groups, const struct mock_at *at);
	void (**barrier)(void), (**fence)(void);
};

struct mock_buffer {
	struct mock_object object;
	uint8_t *bytes, *mapping;
	size_t length, mapped;
};

struct mock_size {
	unsigned long width, height, depth;
};

struct mock_dispatch {
	struct mock_pipeline *pipeline;
	struct mock_buffer *buffers[MOCK_BUFFERS];
	uint8_t bytes[MOCK_BUFFERS][MOCK_BYTES_MAX];
	uint32_t byte_count[MOCK_BUFFERS];
	uint32_t group_memory;
	uint32_t groups, lanes;         /* 0: not dispatched */
};

struct mock_command_buffer {
	struct mock_object object;
	struct mock_queue *queue;
	int is_encoding, is_encoded, status;
	void *error;
	struct mock_block *block;
	struct mock_dispatch work;
	struct mock_command_buffer *next;
};

/* mock_gpu.c: a queue's thread. Committed command buffers belong to it as well until they have completed. */
struct mock_queue;
struct mock_queue *mock_queue_start(void);
void mock_queue_commit(struct mock_queue *queue, struct mock_command_buffer *buffer);
void mock_queue_end(struct mock_queue *queue);

#endif
