/* SPDX-License-Identifier: Apache-2.0 */
/* What the receive pump writes a second time, for a device that reads its own memory. */
#include "check.h"

#include <stdlib.h>

#include "ring/consumer.h"
#include "ring/producer.h"

enum { SLOTS = 16, LAPS = 5 };

static struct wn_ring_copy copy_of(const struct wn_ring_view *view, uint8_t *memory)
{
	return (struct wn_ring_copy){(struct wn_ring_copy_words *)memory,
				     (struct wn_slot *)(memory + wn_ring_copy_slots_offset()),
				     memory + wn_ring_copy_frames_offset(view)};
}

/* Lengths that end in the middle of a line, at its end, and none at all. */
static uint32_t length_of(uint32_t position)
{
	static const uint32_t lengths[] = {0, 1, 63, 64, 65, 100, 127, 128, 200, 256};

	return lengths[position % (sizeof(lengths) / sizeof(lengths[0]))];
}

static void fill(const struct wn_ring_view *view, uint32_t position)
{
	const uint32_t index = position & view->slot_mask;
	uint8_t *frame = wn_ring_frame(view, index);

	for (uint32_t i = 0; i < view->slot_bytes; i++)
		frame[i] = (uint8_t)(position * 7 + i);
	view->slots[index] = (struct wn_slot){.position = position + 1, .length = length_of(position),
					      .flags = position % 3, .index = position, .segment_count = 1};
}

static void compare(const struct wn_ring_view *view, const struct wn_ring_copy *copy, uint32_t position)
{
	const uint32_t index = position & view->slot_mask;
	const uint64_t frame = wn_frame_offset(index, view->frame_stride);

	CHECK(!memcmp(&copy->slots[index], &view->slots[index], sizeof(struct wn_slot)));
	CHECK(!memcmp(copy->frames + frame, view->frames + frame, length_of(position)));
}

/* Batches of all sizes over some laps, across the end of the array; nothing else of the memory changes. */
static void test_publish(void)
{
	const struct wn_ring_geometry geometry = {SLOTS, 256, 1};
	uint32_t published = 0, batch = 1;
	struct wn_producer producer;
	struct wn_ring_copy copy;
	struct wn_ring ring;
	uint8_t *memory;
	uint64_t bytes;

	CHECK_INT(wn_ring_create(&ring, &geometry, NULL), 0);
	bytes = wn_ring_copy_bytes(&ring.view);
	memory = aligned_alloc(4096, bytes + 4096);
	memset(memory, 0, bytes);
	memset(memory + bytes, 0xa5, 4096);
	copy = copy_of(&ring.view, memory);
	wn_producer_init(&producer, &ring);
	CHECK(!producer.copy);
	producer.copy = &copy;
	while (published < LAPS * SLOTS) {
		for (uint32_t i = 0; i < batch; i++)
			fill(&ring.view, published + i);
		wn_producer_publish(&producer, batch);
		for (uint32_t i = 0; i < batch; i++)
			compare(&ring.view, &copy, published + i);
		published += batch;
		CHECK_INT(copy.words->ring.latest, ring.view.words->latest);
		CHECK_INT(copy.words->ring.latest >> 32, published);
		batch = batch % SLOTS + 1;
	}
	CHECK_INT(copy.words->ring.closed, 0);
	wn_producer_close(&producer);
	CHECK_INT(copy.words->ring.closed, 1);
	CHECK_INT(copy.words->ring.final, published);
	CHECK_INT(ring.view.words->final, published);
	CHECK_INT(copy.words->leave, 0);
	for (uint32_t i = 0; i < 4096; i++)
		CHECK_INT(memory[bytes + i], 0xa5);
	for (uint32_t i = sizeof(struct wn_ring_copy_words); i < wn_ring_copy_slots_offset(); i++)
		CHECK_INT(memory[i], 0);
	free(memory);
	wn_ring_destroy(&ring);
}

/* The last frame of a ring, filled to its end, is within the copy. */
static void test_bounds(void)
{
	static const struct wn_ring_geometry geometries[] = {{2, 64, 1}, {64, 2048, 1}, {4, 65536, WN_TRAIN_SEGMENTS_MAX}};

	for (unsigned int i = 0; i < sizeof(geometries) / sizeof(geometries[0]); i++) {
		struct wn_ring ring;
		uint64_t end;

		CHECK_INT(wn_ring_create(&ring, &geometries[i], NULL), 0);
		end = wn_frame_offset(ring.view.slot_mask, ring.view.frame_stride) + ring.view.slot_bytes;
		CHECK(wn_ring_copy_frames_offset(&ring.view) + end <= wn_ring_copy_bytes(&ring.view));
		CHECK(wn_ring_copy_slots_offset() + (ring.view.slot_mask + 1) * sizeof(struct wn_slot) <=
		      wn_ring_copy_frames_offset(&ring.view));
		CHECK(sizeof(struct wn_ring_copy_words) <= wn_ring_copy_slots_offset());
		wn_ring_destroy(&ring);
	}
}

int main(void)
{
	RUN(test_publish);
	RUN(test_bounds);
	return check_finish();
}
