/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The traditional way: the work program as somebody would write it for one core, and tune it. A burst is
 * copied in from where the memory link has its packets, 64 packets are worked on at once so that the
 * multiplications of one hide behind those of others, in the widest vectors that the processor has, and
 * each packet is as a reply should be. No ring, no verdicts, no counters, no checks.
 */
#include <string.h>

#include "clock.h"
#include "tool/bench.h"

enum { PACKET_BYTES = 64, BURST = 64, BUFFERS = 1024, WIDE = 16 };

typedef uint32_t vector __attribute__((vector_size(4 * WIDE)));

/* One burst: 64 packets in four vectors, all in registers. */
static inline __attribute__((always_inline)) void work_on_burst(uint8_t *packets, uint32_t operations)
{
	const vector factor = {1664525u, 1664525u, 1664525u, 1664525u, 1664525u, 1664525u, 1664525u, 1664525u,
			       1664525u, 1664525u, 1664525u, 1664525u, 1664525u, 1664525u, 1664525u, 1664525u};
	const vector step = factor * 0 + 1013904223u;
	vector words[BURST / WIDE];

	for (int i = 0; i < BURST; i++) {
		uint32_t word;

		memcpy(&word, packets + i * PACKET_BYTES, 4);
		words[i / WIDE][i % WIDE] = __builtin_bswap32(word);
	}
	for (uint32_t i = 0; i < operations; i++) {
		words[0] = words[0] * factor + step;
		words[1] = words[1] * factor + step;
		words[2] = words[2] * factor + step;
		words[3] = words[3] * factor + step;
	}
	for (int i = 0; i < BURST; i++) {
		const uint32_t word = __builtin_bswap32(words[i / WIDE][i % WIDE]);

		memcpy(packets + i * PACKET_BYTES, &word, 4);
	}
}

static void work_plain(uint8_t *packets, uint32_t operations)
{
	work_on_burst(packets, operations);
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) static void work_avx2(uint8_t *packets, uint32_t operations)
{
	work_on_burst(packets, operations);
}

__attribute__((target("avx512f"))) static void work_avx512(uint8_t *packets, uint32_t operations)
{
	work_on_burst(packets, operations);
}
#endif

/* Where there is nothing to do, nothing is taken apart either. */
static void work_none(uint8_t *packets, uint32_t operations)
{
	(void)packets;
	(void)operations;
	__asm__ __volatile__("" ::"r"(packets) : "memory");
}

struct way {
	const char *name;
	void (*work)(uint8_t *packets, uint32_t operations);
};

static struct way best_way(void)
{
#if defined(__x86_64__)
	if (__builtin_cpu_supports("avx512f"))
		return (struct way){"AVX-512", work_avx512};
	if (__builtin_cpu_supports("avx2"))
		return (struct way){"AVX2", work_avx2};
#endif
	return (struct way){"plain vectors", work_plain};
}

const char *wn_bench_twin_name(void)
{
	return best_way().name;
}

double wn_bench_twin(uint32_t operations, double seconds)
{
	static _Thread_local uint8_t buffers[BUFFERS * PACKET_BYTES] __attribute__((aligned(64)));
	const struct way way = operations ? best_way() : (struct way){"", work_none};
	const int64_t began = wn_clock_ns(), until = began + (int64_t)(seconds * 1e9);
	uint8_t pattern[PACKET_BYTES];
	uint64_t packets = 0;
	int64_t now = began;
	uint32_t at = 0;

	for (int i = 0; i < PACKET_BYTES; i++)
		pattern[i] = (uint8_t)i;
	while (now < until && !wn_bench_is_stopped()) {
		/* The clock is looked at once in some microseconds. */
		for (uint32_t burst = 0; burst < 1 + 1000 / (operations + 10); burst++) {
			uint8_t *here = buffers + (size_t)at * PACKET_BYTES;

			for (int i = 0; i < BURST; i++)
				memcpy(here + i * PACKET_BYTES, pattern, PACKET_BYTES);
			way.work(here, operations);
			__asm__ __volatile__("" ::"r"(here) : "memory");
			at = (at + BURST) % BUFFERS;
			packets += BURST;
		}
		now = wn_clock_ns();
	}
	return (double)packets / (double)(now - began) * 1e9;
}
