/* SPDX-License-Identifier: Apache-2.0 */
/* A device that does not answer is noticed: whichever packet it hangs on, and whatever others answer. */
#include "check.h"

#include <stdlib.h>

#include "device/watch.h"
#include "ring/ring.h"

enum { SLOTS = 64, PATIENCE = 600, STEP = 20 };

struct bench {
	struct wn_ring ring;
	struct wn_watch watch;
	int64_t now;
};

static void bench_open(struct bench *bench, uint32_t start)
{
	const struct wn_ring_geometry geometry = {SLOTS, 64, 1};
	struct wn_error error = {0};

	memset(bench, 0, sizeof(*bench));
	CHECK_INT(wn_ring_create(&bench->ring, &geometry, &error), 0);
	bench->now = 1;
	for (uint32_t i = 0; i < SLOTS; i++) {
		const uint32_t before = start - SLOTS + i;

		bench->ring.view.verdicts[before % SLOTS] = wn_verdict_word(wn_lap(before, 6), 1, 0);
	}
	bench->ring.view.words->published = start;
}

static void answer(struct bench *bench, uint32_t position)
{
	bench->ring.view.verdicts[position % SLOTS] = wn_verdict_word(wn_lap(position, 6), 1, 0);
}

/* Publishes `count` and answers each but `stuck`. */
static void pass(struct bench *bench, uint32_t count, uint32_t stuck)
{
	for (; count; count--) {
		const uint32_t position = bench->ring.view.words->published++;

		if (position != stuck)
			answer(bench, position);
	}
}

static int look(struct bench *bench)
{
	bench->now += STEP;
	return wn_watch_ring(&bench->watch, &bench->ring.view, bench->now, PATIENCE);
}

/* Looks until it is noticed, `each` more packets between two looks until the ring is full. The time it took. */
static int64_t noticed_after(struct bench *bench, uint32_t stuck, uint32_t each)
{
	const int64_t begin = bench->now;

	for (int turn = 0; turn < 1000; turn++) {
		const uint32_t room = stuck + SLOTS - bench->ring.view.words->published;

		if (look(bench))
			return bench->now - begin;
		pass(bench, each < room ? each : room, stuck);
	}
	return -1;
}

/* One packet hangs, and all that are published behind it are answered. */
static void test_stuck(void)
{
	static const uint32_t starts[] = {0, 5, SLOTS, 1000, 0u - 40, 0u - 1};
	static const uint32_t rates[] = {0, 1, 2, 7, SLOTS};

	for (unsigned int s = 0; s < sizeof(starts) / sizeof(starts[0]); s++)
		for (unsigned int r = 0; r < sizeof(rates) / sizeof(rates[0]); r++)
			for (uint32_t before = 0; before < 2 * SLOTS; before += 13) {
				const uint32_t stuck = starts[s] + before;
				struct bench bench;
				int64_t took;

				bench_open(&bench, starts[s]);
				look(&bench);
				pass(&bench, before + 1, stuck);
				took = noticed_after(&bench, stuck, rates[r]);
				CHECK(took > PATIENCE);
				CHECK(took <= PATIENCE + 4 * STEP);
				wn_ring_destroy(&bench.ring);
			}
}

/* Whatever the rate, a device that answers is left alone; also one that answers just before the end. */
static void test_alive(void)
{
	static const uint32_t rates[] = {0, 1, 3, SLOTS / 2, SLOTS, 5 * SLOTS + 1};

	for (unsigned int r = 0; r < sizeof(rates) / sizeof(rates[0]); r++) {
		const uint32_t start = 0u - 300;
		int calls = 0;
		struct bench bench;

		bench_open(&bench, start);
		for (int turn = 0; turn < 3000; turn++) {
			pass(&bench, rates[r], ~bench.ring.view.words->published);
			calls += look(&bench);
		}
		CHECK_INT(calls, 0);
		wn_ring_destroy(&bench.ring);
	}
}

static void test_late(void)
{
	struct bench bench;

	bench_open(&bench, 7);
	for (uint32_t round = 0; round < 50; round++) {
		const uint32_t slow = bench.ring.view.words->published;

		pass(&bench, 3, slow);
		for (int i = 0; i <= PATIENCE / STEP; i++)
			CHECK(!look(&bench));
		answer(&bench, slow);
		CHECK(!look(&bench));
	}
	wn_ring_destroy(&bench.ring);
}

int main(void)
{
	RUN(test_stuck);
	RUN(test_alive);
	RUN(test_late);
	return check_finish();
}
