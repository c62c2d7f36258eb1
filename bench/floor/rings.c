/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rings that others have made, under the load of ours: DPDK's rte_ring and Concurrency Kit's ck_ring, one
 * producer and one consumer on two cores, pointers to slots of 2176 bytes, 64 bytes written, length read.
 *
 *     rings rte|ck SECONDS CORE,CORE
 *
 * Prints one JSON line. A ring that the build did not have ends with 69.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#if HAVE_RTE
#include <rte_ring.h>
#endif
#if HAVE_CK
#include <ck_ring.h>
#endif

enum { SLOTS = 4096, STRIDE = 2176, LENGTH = 64, BATCH = 256 };

struct packet {
	uint32_t length, flags;
	uint64_t arrival_ns;
	uint8_t bytes[];
};

static uint8_t *memory;
static _Atomic int is_over;
static int cores[2];

static struct packet *slot(uint32_t position)
{
	/* Twice as many as the ring holds: one that is being read is not written. */
	return (struct packet *)(memory + (size_t)(position % (2 * SLOTS)) * STRIDE);
}

static void pin(int core)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(core, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static void fill(uint32_t position, const uint8_t *pattern)
{
	struct packet *packet = slot(position);

	__builtin_prefetch(slot(position + 16), 1);
	packet->length = LENGTH;
	packet->arrival_ns = position;
	memcpy(packet->bytes, pattern, LENGTH);
}

/* Puts up to BATCH pointers in; takes up to BATCH out. Return how many. */
struct kind {
	uint32_t (*put)(void **pointers, uint32_t count);
	uint32_t (*take)(void **pointers);
};

#if HAVE_RTE
static struct rte_ring *rte;

static uint32_t rte_put(void **pointers, uint32_t count)
{
	return rte_ring_sp_enqueue_burst(rte, pointers, count, NULL);
}

static uint32_t rte_take(void **pointers)
{
	return rte_ring_sc_dequeue_burst(rte, pointers, BATCH, NULL);
}
#endif

#if HAVE_CK
static ck_ring_t ck;
static ck_ring_buffer_t *ck_buffer;

static uint32_t ck_put(void **pointers, uint32_t count)
{
	uint32_t done = 0;

	while (done < count && ck_ring_enqueue_spsc(&ck, ck_buffer, pointers[done]))
		done++;
	return done;
}

static uint32_t ck_take(void **pointers)
{
	uint32_t done = 0;

	while (done < BATCH && ck_ring_dequeue_spsc(&ck, ck_buffer, &pointers[done]))
		done++;
	return done;
}
#endif

static void *consume(void *argument)
{
	const struct kind *kind = argument;
	static uint64_t totals[2];
	void *pointers[BATCH];

	pin(cores[1]);
	while (!atomic_load_explicit(&is_over, memory_order_relaxed)) {
		const uint32_t count = kind->take(pointers);

		for (uint32_t i = 0; i < count; i++)
			totals[1] += ((struct packet *)pointers[i])->length;
		totals[0] += count;
		if (!count)
			__builtin_ia32_pause();
	}
	return totals;
}

static double now_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int run(const struct kind *kind, const char *name, double seconds)
{
	uint8_t pattern[LENGTH] = {1};
	void *pointers[BATCH];
	uint32_t position = 0;
	uint64_t *totals;
	pthread_t thread;
	double began, took;

	pthread_create(&thread, NULL, consume, (void *)(uintptr_t)kind);
	pin(cores[0]);
	began = now_seconds();
	for (uint32_t turn = 0; turn % 64 || now_seconds() - began < seconds; turn++) {
		uint32_t done = 0;

		for (uint32_t i = 0; i < BATCH; i++) {
			fill(position, pattern);
			pointers[i] = slot(position++);
		}
		while (done < BATCH) {
			const uint32_t more = kind->put(pointers + done, BATCH - done);

			done += more;
			if (!more)
				__builtin_ia32_pause();
		}
	}
	took = now_seconds() - began;
	atomic_store(&is_over, 1);
	pthread_join(thread, (void **)&totals);
	printf("{\"floor\": \"%s\", \"packets\": %llu, \"packets_per_second\": %.0f}\n", name,
	       (unsigned long long)totals[0], (double)totals[0] / took);
	return totals[1] == totals[0] * LENGTH ? 0 : 1;
}

int main(int argc, char **argv)
{
	struct kind kind = {NULL, NULL};

	if (argc < 4 || sscanf(argv[3], "%d,%d", &cores[0], &cores[1]) != 2) {
		fprintf(stderr, "usage: rings rte|ck SECONDS CORE,CORE\n");
		return 2;
	}
	memory = mmap(NULL, 2 * SLOTS * STRIDE + (2 << 20), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return 1;
	madvise(memory, 2 * SLOTS * STRIDE, MADV_HUGEPAGE);
	memset(memory, 0, 2 * SLOTS * STRIDE);
#if HAVE_RTE
	if (!strcmp(argv[1], "rte")) {
		rte = aligned_alloc(128, (size_t)rte_ring_get_memsize(SLOTS));
		if (!rte || rte_ring_init(rte, "bench", SLOTS, RING_F_SP_ENQ | RING_F_SC_DEQ))
			return 1;
		kind = (struct kind){rte_put, rte_take};
	}
#endif
#if HAVE_CK
	if (!strcmp(argv[1], "ck")) {
		ck_buffer = calloc(SLOTS, sizeof(*ck_buffer));
		ck_ring_init(&ck, SLOTS);
		kind = (struct kind){ck_put, ck_take};
	}
#endif
	return kind.put ? run(&kind, argv[1], atof(argv[2])) : 69;
}
