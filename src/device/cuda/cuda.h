/* SPDX-License-Identifier: Apache-2.0 */
/* What a cuda device keeps; shared by cuda.c and supervise.c. */
#ifndef WN_DEVICE_CUDA_CUDA_H
#define WN_DEVICE_CUDA_CUDA_H

#include <pthread.h>

#include "device/cpu/program.h"
#include "device/cuda/team.h"

/* A program with what runs it. */
struct version {
	struct wn_cpu_code native;       /* for its names and sizes */
	struct wn_cuda_code code;
	struct wn_program program;
	struct wn_cuda_team team;
};

struct cuda {
	struct wn_device *device;
	uint32_t ordinal;
	char name[80];
	int major, minor;                /* compute capability */
	uint32_t processors;
	uint32_t local_bytes_max;        /* local memory of a block */
	int only_ptx;
	const struct wn_ring_view *views;
	uint32_t queue_count;
	uint32_t group_count;            /* a queue; chosen at the first start, then kept */

	/* The supervisor holds the lock while it looks; whoever changes the team holds it, too. */
	pthread_mutex_t lock;
	struct version *current;
	uint64_t lost_rows[WN_LANE_WORDS_MAX]; /* counts of teams that died */
	uint32_t restarts;               /* so far */

	pthread_t supervisor;
	int is_supervised;               /* there is a thread to join */
	uint32_t ending;                 /* 1: it must leave (the owner's) */
};

void wn_cuda_version_free(struct version *version);

/* supervise.c: starts the thread. 0 or -errno. */
int wn_cuda_supervise(struct cuda *cuda, struct wn_error *error);

/* What its counters showed last is kept apart; the next life of the team counts from zero. */
void wn_cuda_keep_rows(struct cuda *cuda);

/* Ends it; it starts nothing any more. May be called twice. */
void wn_cuda_supervise_end(struct cuda *cuda);

#endif
