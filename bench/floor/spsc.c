/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The floor of the ring: a bare single-producer single-consumer ring of packets between two threads
 * on two cores. C11 atomics; each side caches the other's cursor and publishes once a batch.
 *
 *     spsc [--seconds S] [--stride BYTES] [--length BYTES] [--slots N] [--batch N]
 *          [--read all|length] [--cores A,B]
 *
 * A slot is `stride` bytes (preset 2048): 16 bytes of length and arrival time, then the packet;
 * where the stride is 64 they lie in an array of their own. The producer writes every byte of the
 * packet; the consumer reads every word of it, or with --read length only its length. Prints one
 * JSON line.
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

enum { LINE = 128, DESCRIPTION_BYTES = 16 };

struct description {
	uint32_t length, flags;
	uint64_t arrival_ns;
};

struct ring {
	_Alignas(LINE) _Atomic uint32_t published; /* written by the producer */
	_Alignas(LINE) _Atomic uint32_t released;  /* written by the consumer */
	_Alignas(LINE) _Atomic uint32_t stop;      /* written by main */
	_Alignas(LINE) uint32_t mask;
	uint32_t batch, length;
	size_t frame_stride, description_stride;
	uint8_t *frames, *descriptions;
	int reads_all;
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

static inline struct description *description_at(const struct ring *ring, uint32_t slot)
{
	return (struct description *)(ring->descriptions + slot * ring->description_stride);
}

static inline uint64_t *frame_at(const struct ring *ring, uint32_t slot)
{
	return (uint64_t *)(ring->frames + slot * ring->frame_stride);
}

static void *produce(void *context)
{
	struct ring *ring = context;
	const uint32_t words = ring->length / 8;
	uint32_t published = 0, released = 0;

	pin(ring->cores[0]);
	while (!atomic_load_explicit(&ring->stop, memory_order_relaxed)) {
		uint32_t room = ring->mask + 1 - (published - released);

		if (room < ring->batch) {
			released = atomic_load_explicit(&ring->released, memory_order_acquire);
			room = ring->mask + 1 - (published - released);
			if (room < ring->batch) {
				relax();
				continue;
			}
		}
		for (uint32_t i = 0; i < ring->batch; i++) {
			const uint32_t slot = (published + i) & ring->mask;
			uint64_t *frame = frame_at(ring, slot);

			*description_at(ring, slot) =
				(struct description){ring->length, 0, published + i};
			for (uint32_t w = 0; w < words; w++)
				frame[w] = (uint64_t)published + i + w;
		}
		published += ring->batch;
		atomic_store_explicit(&ring->published, published, memory_order_release);
	}
	return NULL;
}

static inline uint64_t read_packet(const struct ring *ring, uint32_t slot)
{
	const struct description *description = description_at(ring, slot);
	const uint64_t *frame = frame_at(ring, slot);
	uint64_t digest = description->length;

	if (!ring->reads_all)
		return digest;
	for (uint32_t w = 0; w < description->length / 8; w++)
		digest ^= frame[w];
	return digest;
}

static void *consume(void *context)
{
	struct ring *ring = context;
	struct result *result = calloc(1, sizeof(*result));
	uint32_t published = 0, released = 0;
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
		if (ready > ring->batch)
			ready = ring->batch;
		for (uint32_t i = 0; i < ready; i++)
			result->digest += read_packet(ring, (released + i) & ring->mask);
		released += ready;
		result->packets += ready;
		atomic_store_explicit(&ring->released, released, memory_order_release);
	}
	result->seconds = now_seconds() - start;
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

static void *map(size_t bytes)
{
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (memory == MAP_FAILED) {
		perror("spsc: mmap");
		exit(1);
	}
	return memory;
}

static void lay_out(struct ring *ring, size_t stride)
{
	const size_t slots = ring->mask + (size_t)1;

	ring->frame_stride = ring->description_stride = stride;
	ring->descriptions = map(slots * stride);
	ring->frames = ring->descriptions + DESCRIPTION_BYTES;
	if (stride >= DESCRIPTION_BYTES + (size_t)ring->length)
		return;
	/* Packets fill their slots: descriptions side by side, as a ring of arrays has them. */
	ring->frames = ring->descriptions;
	ring->description_stride = DESCRIPTION_BYTES;
	ring->descriptions = map(slots * DESCRIPTION_BYTES);
}

static int usage(void)
{
	fputs("usage: spsc [--seconds S] [--stride BYTES] [--length BYTES] [--slots N] [--batch N]\n"
	      "            [--read all|length] [--cores A,B]\n",
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
		{"cores", 1, NULL, 'c'},   {NULL, 0, NULL, 0},
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
			ring->length = (uint32_t)strtoul(optarg, NULL, 0);
			break;
		case 'n':
			settings->slots = (uint32_t)strtoul(optarg, NULL, 0);
			break;
		case 'b':
			ring->batch = (uint32_t)strtoul(optarg, NULL, 0);
			break;
		case 'r':
			ring->reads_all = strcmp(optarg, "length") != 0;
			break;
		case 'c':
			if (sscanf(optarg, "%d,%d", &ring->cores[0], &ring->cores[1]) != 2)
				return -1;
			break;
		default:
			return -1;
		}
	}
	if (!settings->slots || (settings->slots & (settings->slots - 1)) || ring->length % 8 ||
	    ring->length > settings->stride || !ring->batch || ring->batch > settings->slots ||
	    settings->stride % 8)
		return -1;
	ring->mask = settings->slots - 1;
	return 0;
}

int main(int argc, char **argv)
{
	static struct ring ring = {.batch = 32, .length = 64, .reads_all = 1};
	struct settings settings = {1.0, 2048, 4096};
	struct timespec nap;
	struct result *result;
	void *returned = NULL;
	pthread_t producer, consumer;

	choose_cores(ring.cores);
	if (parse(&ring, &settings, argc, argv))
		return usage();
	lay_out(&ring, settings.stride);
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
	       settings.stride, ring.length, settings.slots, ring.batch,
	       ring.reads_all ? "all" : "length", (unsigned long long)result->packets,
	       result->seconds, (double)result->packets / result->seconds,
	       (unsigned long long)result->digest);
	free(result);
	return 0;
}
