/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The floor of the ring: a bare single-producer single-consumer ring of packets between two threads
 * on two cores. C11 atomics; each side caches the other's cursor and publishes once a batch.
 *
 *     spsc [--seconds S] [--stride BYTES] [--length BYTES] [--slots N] [--batch N]
 *          [--read all|length] [--apart] [--cores A,B]
 *
 * A slot is `stride` bytes (preset 2048): 16 bytes of length and arrival time, then the packet; with
 * --apart, or where the stride is 64, they lie in an array of their own. The producer writes every byte
 * of the packet; the consumer reads every word of it, or with --read length only its length. Prints
 * one JSON line.
 */
#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

enum { LINE = 128, DESCRIPTION_BYTES = 16, HUGE_BYTES = 2 << 20, AHEAD = 16 };

struct description {
	uint32_t length, flags;
	uint64_t arrival_ns;
};

/* Constant while the threads run; each copies it, so that it stays in registers. */
struct shape {
	uint32_t mask, batch, length;
	size_t frame_stride, description_stride;
	uint8_t *frames, *descriptions;
	int reads_all, is_apart;
};

struct ring {
	_Alignas(LINE) _Atomic uint32_t published; /* written by the producer */
	_Alignas(LINE) _Atomic uint32_t released;  /* written by the consumer */
	_Alignas(LINE) _Atomic uint32_t stop;      /* written by main */
	_Alignas(LINE) struct shape shape;
	int cores[2];
};

struct result {
	uint64_t packets, digest;
	double seconds;
};

static double now_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void pin(int core)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(core, &set);
	if (pthread_setaffinity_np(pthread_self(), sizeof(set), &set))
		fprintf(stderr, "spsc: core %d cannot be had; running unpinned\n", core);
}

static inline void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__("isb");
#endif
}

static inline struct description *description_at(const struct shape *shape, uint32_t slot)
{
	return (struct description *)(shape->descriptions + slot * shape->description_stride);
}

static inline uint64_t *frame_at(const struct shape *shape, uint32_t slot)
{
	return (uint64_t *)(shape->frames + slot * shape->frame_stride);
}

static void *produce(void *context)
{
	struct ring *ring = context;
	const struct shape shape = ring->shape;
	const uint32_t words = shape.length / 8;
	uint32_t published = 0, released = 0;

	pin(ring->cores[0]);
	while (!atomic_load_explicit(&ring->stop, memory_order_relaxed)) {
		uint32_t room = shape.mask + 1 - (published - released);

		if (room < shape.batch) {
			released = atomic_load_explicit(&ring->released, memory_order_acquire);
			room = shape.mask + 1 - (published - released);
			if (room < shape.batch) {
				relax();
				continue;
			}
		}
		for (uint32_t i = 0; i < shape.batch; i++) {
			const uint32_t slot = (published + i) & shape.mask;
			const uint32_t later = (slot + AHEAD) & shape.mask;
			uint64_t *frame = frame_at(&shape, slot);

			/* The consumer has these lines: asked for ahead, they come meanwhile. */
			__builtin_prefetch(description_at(&shape, later), 1);
			__builtin_prefetch(frame_at(&shape, later), 1);
			*description_at(&shape, slot) =
				(struct description){shape.length, 0, published + i};
			for (uint32_t w = 0; w < words; w++)
				frame[w] = (uint64_t)published + i + w;
		}
		published += shape.batch;
		atomic_store_explicit(&ring->published, published, memory_order_release);
	}
	return NULL;
}

static inline uint64_t read_packet(const struct shape *shape, uint32_t slot)
{
	const struct description *description = description_at(shape, slot);
	const uint64_t *frame = frame_at(shape, slot);
	uint64_t digest = description->length;

	if (!shape->reads_all)
		return digest;
	for (uint32_t w = 0; w < description->length / 8; w++)
		digest ^= frame[w];
	return digest;
}

static void *consume(void *context)
{
	struct ring *ring = context;
	const struct shape shape = ring->shape;
	struct result *result = calloc(1, sizeof(*result));
	uint32_t published = 0, released = 0;
	uint64_t digest = 0;
	double start;

	if (!result)
		return NULL;
	pin(ring->cores[1]);
	start = now_seconds();
	while (!atomic_load_explicit(&ring->stop, memory_order_relaxed)) {
		uint32_t ready;

		if (published == released)
			published = atomic_load_explicit(&ring->published, memory_order_acquire);
		ready = published - released;
		if (!ready) {
			relax();
			continue;
		}
		if (ready > shape.batch)
			ready = shape.batch;
		for (uint32_t i = 0; i < ready; i++)
			digest += read_packet(&shape, (released + i) & shape.mask);
		released += ready;
		result->packets += ready;
		atomic_store_explicit(&ring->released, released, memory_order_release);
	}
	result->seconds = now_seconds() - start;
	result->digest = digest;
	return result;
}

/* The first two cores this process may use; the same one twice where there is but one. */
static void choose_cores(int cores[2])
{
	cpu_set_t set;
	int found = 0;

	cores[0] = cores[1] = 0;
	if (sched_getaffinity(0, sizeof(set), &set))
		return;
	for (int i = 0; i < CPU_SETSIZE && found < 2; i++)
		if (CPU_ISSET(i, &set))
			cores[found++] = i;
	if (found < 2) {
		cores[1] = cores[0];
		fprintf(stderr, "spsc: one core only; the figure says little\n");
	}
}

/* In huge pages where the kernel has some: with small ones nearly every slot would miss the TLB. */
static void *map(size_t bytes)
{
	const size_t room = (bytes + HUGE_BYTES - 1) / HUGE_BYTES * HUGE_BYTES;
	uint8_t *memory = mmap(NULL, room + HUGE_BYTES, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED) {
		perror("spsc: mmap");
		exit(1);
	}
	memory += (HUGE_BYTES - (uintptr_t)memory % HUGE_BYTES) % HUGE_BYTES;
	madvise(memory, room, MADV_HUGEPAGE);
	memset(memory, 0, room);
	return memory;
}

static void lay_out(struct shape *shape, size_t stride)
{
	const size_t slots = shape->mask + (size_t)1;

	shape->frame_stride = shape->description_stride = stride;
	shape->descriptions = map(slots * stride);
	shape->frames = shape->descriptions + DESCRIPTION_BYTES;
	if (!shape->is_apart && stride >= DESCRIPTION_BYTES + (size_t)shape->length)
		return;
	/* Descriptions side by side, as a ring of arrays has them. */
	shape->frames = shape->descriptions;
	shape->description_stride = DESCRIPTION_BYTES;
	shape->descriptions = map(slots * DESCRIPTION_BYTES);
}

static int usage(void)
{
	fputs("usage: spsc [--seconds S] [--stride BYTES] [--length BYTES] [--slots N] [--batch N]\n"
	      "            [--read all|length] [--apart] [--cores A,B]\n",
	      stderr);
	return 2;
}

struct settings {
	double seconds;
	size_t stride;
	uint32_t slots;
};

static int parse(struct ring *ring, struct settings *settings, int argc, char **argv)
{
	static const struct option options[] = {
		{"seconds", 1, NULL, 's'}, {"stride", 1, NULL, 'g'}, {"length", 1, NULL, 'l'},
		{"slots", 1, NULL, 'n'},   {"batch", 1, NULL, 'b'},  {"read", 1, NULL, 'r'},
		{"cores", 1, NULL, 'c'},   {"apart", 0, NULL, 'a'},  {NULL, 0, NULL, 0},
	};
	int code;

	while ((code = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (code) {
		case 's':
			settings->seconds = atof(optarg);
			break;
		case 'g':
			settings->stride = strtoul(optarg, NULL, 0);
			break;
		case 'l':
			ring->shape.length = (uint32_t)strtoul(optarg, NULL, 0);
			break;
		case 'n':
			settings->slots = (uint32_t)strtoul(optarg, NULL, 0);
			break;
		case 'b':
			ring->shape.batch = (uint32_t)strtoul(optarg, NULL, 0);
			break;
		case 'r':
			ring->shape.reads_all = strcmp(optarg, "length") != 0;
			break;
		case 'a':
			ring->shape.is_apart = 1;
			break;
		case 'c':
			if (sscanf(optarg, "%d,%d", &ring->cores[0], &ring->cores[1]) != 2)
				return -1;
			break;
		default:
			return -1;
		}
	}
	if (!settings->slots || (settings->slots & (settings->slots - 1)) || ring->shape.length % 8 ||
	    ring->shape.length > settings->stride || !ring->shape.batch || ring->shape.batch > settings->slots ||
	    settings->stride % 8)
		return -1;
	ring->shape.mask = settings->slots - 1;
	return 0;
}

int main(int argc, char **argv)
{
	static struct ring ring = {.shape = {.batch = 32, .length = 64, .reads_all = 1}};
	struct settings settings = {1.0, 2048, 4096};
	struct timespec nap;
	struct result *result;
	void *returned = NULL;
	pthread_t producer, consumer;

	choose_cores(ring.cores);
	if (parse(&ring, &settings, argc, argv))
		return usage();
	lay_out(&ring.shape, settings.stride);
	if (pthread_create(&consumer, NULL, consume, &ring) ||
	    pthread_create(&producer, NULL, produce, &ring)) {
		fprintf(stderr, "spsc: threads cannot be had\n");
		return 1;
	}
	nap.tv_sec = (time_t)settings.seconds;
	nap.tv_nsec = (long)((settings.seconds - (double)nap.tv_sec) * 1e9);
	nanosleep(&nap, NULL);
	atomic_store_explicit(&ring.stop, 1, memory_order_relaxed);
	pthread_join(producer, NULL);
	pthread_join(consumer, &returned);
	result = returned;
	if (!result)
		return 1;
	printf("{\"floor\": \"spsc\", \"stride\": %zu, \"length\": %u, \"slots\": %u, \"batch\": %u, "
	       "\"read\": \"%s\", \"packets\": %llu, \"seconds\": %.6f, "
	       "\"packets_per_second\": %.1f, \"digest\": %llu}\n",
	       settings.stride, ring.shape.length, settings.slots, ring.shape.batch,
	       ring.shape.reads_all ? "all" : "length", (unsigned long long)result->packets,
	       result->seconds, (double)result->packets / result->seconds,
	       (unsigned long long)result->digest);
	free(result);
	return 0;
}
