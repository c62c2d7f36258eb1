/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A group of 32 lanes does with every packet what a group of one does: src/lane/group.h against
 * src/lane/loop.h, both compiled into this test with one program, on two rings with the same packets. The
 * lanes are those of warp_words.h, so that this holds where there is no GPU.
 *
 *     warp datagrams|frames|stack|trains
 */
#define WN_NATIVE_ENTRY 1
#include WN_PROGRAM_SOURCE

#include "tests/lane/warp_words.h"

#include "lane/group.h"
#include "lane/loop.h"
#include "ring/copy.h"
#include "ring/ring.h"
#include "tests/check.h"
#include "tests/lane/frames.h"

enum { GROUPS_MAX = 5, LAPS = 3, TRAIN_LAPS = 20 };

static uint64_t random_state = 88172645463325252u;
static struct wn_ring rings[2];         /* one lane's, and the warp's */
static struct wn_identity identity;
static uint64_t row[2][wn_lane_words + WN_STAGE_WORDS + 1];
static const char *shape;

static uint32_t next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 24);
}

static uint32_t fill_random(uint8_t *bytes, uint32_t most)
{
	const uint32_t length =
		next_random() % 3 ? next_random() % 100 : next_random() % (most + 1);

	for (uint32_t i = 0; i < length; i++)
		bytes[i] = (uint8_t)next_random();
	if (length && next_random() % 2)
		bytes[0] %= 20;
	return length;
}

static uint32_t fill_frame(uint8_t *bytes)
{
	static uint8_t payload[2048];
	struct recipe recipe = {
		.tags = (int)(next_random() % 3),
		.v6 = (int)(next_random() % 2),
		.payload = payload,
		.options = next_random() % 4 ? 0 : 8,
		.extensions = next_random() % 4 ? 0 : 1,
		.padding = next_random() % 3 ? 0 : 5,
	};
	uint32_t length;

	recipe.length = fill_random(payload, 1400);
	length = frame_make(bytes, &recipe);
	if (next_random() % 4 == 0)
		bytes[next_random() % length] ^= (uint8_t)(1u << next_random() % 8);
	return length;
}

static void fill_train(struct wn_slot *slot, uint8_t *bytes)
{
	slot->segment_bytes = (uint16_t)(1 + next_random() % (next_random() % 2 ? 40 : 1400));
	slot->segment_count = (uint16_t)(2 + next_random() % (WN_TRAIN_SEGMENTS_MAX - 1));
	if ((uint32_t)slot->segment_bytes * slot->segment_count > 60000)
		slot->segment_count = (uint16_t)(60000 / slot->segment_bytes);
	slot->length = (uint32_t)slot->segment_bytes * slot->segment_count -
		       next_random() % slot->segment_bytes;
	for (uint32_t i = 0; i < slot->length; i++)
		bytes[i] = (uint8_t)next_random();
	for (uint32_t at = 0, same = next_random() % 3; at < slot->length;
	     at += slot->segment_bytes)
		bytes[at] = same ? (uint8_t)(slot->position % 20) : (uint8_t)(bytes[at] % 20);
	slot->flags |= WN_SLOT_TRAIN;
}

/* The same packet into the same slot of both rings. */
static void fill_slot(uint32_t position)
{
	struct wn_ring_view *view = &rings[0].view;
	const uint32_t index = position & view->slot_mask;
	uint8_t *bytes = wn_ring_frame(view, index);
	struct wn_slot slot = {.position = position + 1,
			       .index = position,
			       .arrival_ns = 1 + position,
			       .segment_count = 1};

	if (!strcmp(shape, "trains") && next_random() % 4)
		fill_train(&slot, bytes);
	else if (!strcmp(shape, "stack") || (!strcmp(shape, "frames") && next_random() % 2))
		slot.length = fill_frame(bytes);
	else
		slot.length = fill_random(bytes, 2048);
	if (!strcmp(shape, "frames") || !strcmp(shape, "stack"))
		slot.flags |= WN_SLOT_FRAME;
	slot.wire_length = slot.length;
	if (next_random() % 60 == 0) {
		slot.flags |= WN_SLOT_TRUNCATED;
		slot.wire_length++;
	}
	view->slots[index] = slot;
	view->peers[index] = (struct wn_peer){
		.address = {10, 1, 2, (uint8_t)position}, .port = (uint16_t)position, .family = 4};
	rings[1].view.slots[index] = slot;
	rings[1].view.peers[index] = view->peers[index];
	memcpy(wn_ring_frame(&rings[1].view, index), bytes, slot.length);
}

static void publish(uint32_t count)
{
	for (int i = 0; i < 2; i++) {
		const struct wn_slot *last =
			&rings[i].view.slots[(count - 1) & rings[i].view.slot_mask];

		wn_store_release(&rings[i].view.words->published, count);
		wn_store_release64(&rings[i].view.words->latest,
				   wn_latest(count, last->length, last->flags));
	}
}

/* -- the two ways -- */

static struct {
	struct wn_group_queue queue;
	struct wn_group_mirror mirror;
	struct wn_group_launch launch;
	struct wn_group_order order;
	uint32_t positions[GROUPS_MAX], alive[GROUPS_MAX], number;
	uint64_t leave, clock_offset_ns, totals[GROUPS_MAX][wn_lane_words + WN_STAGE_WORDS];
	uint64_t rows[GROUPS_MAX][wn_lane_words + WN_STAGE_WORDS];
	uint8_t *local;
} gpu;

static const uint64_t ones[16] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
static const struct wn_program_data no_data = {.parameters = ones};

static void lane_body(void *argument)
{
	uint64_t counts[wn_lane_words + 1];
	struct wn_group group;

	(void)argument;
	wn_group_init(&group, &gpu.launch, gpu.local, counts, &no_data, 0, gpu.number);
	wn_group_serve(&group, &gpu.order, gpu.number, gpu.launch.group_count);
}

static void set_up(uint32_t groups, uint32_t stage_bytes)
{
	memset(&gpu, 0, sizeof(gpu));
	gpu.queue = (struct wn_group_queue){.view = rings[1].view,
					    .replies = rings[1].view.frames,
					    .mirror = &gpu.mirror,
					    .report = rings[1].view.words,
					    .leave_from = 1,
					    .leave = (uint32_t *)&gpu.leave,
					    .positions = gpu.positions,
					    .group_count = groups};
	gpu.launch = (struct wn_group_launch){.queues = &gpu.queue,
					      .totals = gpu.totals[0],
					      .rows = gpu.rows[0],
					      .alive = gpu.alive,
					      .queue_count = 1,
					      .group_count = groups,
					      .row_words = wn_lane_words + WN_STAGE_WORDS,
					      .stage_bytes = stage_bytes,
					      .clock_offset_ns = &gpu.clock_offset_ns,
					      .flush_cycles = 5000,
					      .settle_cycles = 300};
	for (uint32_t g = 0; g < groups; g++)
		gpu.positions[g] = wn_group_first_position(0, g);
	/* Not a byte more than was asked for. */
	gpu.local = aligned_alloc(16, (wn_group_local_bytes(WN_GROUP_LANES, stage_bytes) + 15) /
					      16 * 16);
}

/* Serves what is published: batch, or, on a closed ring, resident. */
static void serve_group(int is_range, uint32_t first, uint32_t count)
{
	gpu.order = (struct wn_group_order){
		.is_range = (uint32_t)is_range,
		.first = first,
		.count = count,
		.last = is_range && count == 1 ? (uint32_t)rings[1].view.words->latest : 0};
	for (gpu.number = 0; gpu.number < gpu.launch.group_count; gpu.number++)
		warp_run(lane_body, NULL);
}

static void serve_lane(uint32_t first, uint32_t count)
{
	struct wn_port port;

	wn_port_init(&port, &rings[0].view, 0, 1);
	port.position = first;
	CHECK_INT(wn_loop_serve(&port, &no_data, row[0], count), count);
}

/* -- the comparison -- */

static void compare_bytes(const void *a, const void *b, uint32_t length, uint32_t position,
			  const char *what)
{
	if (!CHECK(!memcmp(a, b, length)))
		printf("# %s of position %u\n", what, position);
}

static void compare_piece(uint32_t index, uint32_t segment, uint32_t offset, uint32_t word,
			  uint32_t position)
{
	const struct wn_ring_view *a = &rings[0].view, *b = &rings[1].view;
	const uint64_t record = ((uint64_t)index * a->segments_max + segment) * a->result_bytes;
	const uint32_t code = wn_verdict_code(word), length = wn_verdict_length(word);

	if (code == WN_CODE_RECORD)
		compare_bytes(a->results + record, b->results + record, length, position, "record");
	else if (code == WN_REPLY || code == WN_DELIVER || code == WN_FORWARD ||
		 code >= WN_FORWARD_LINK)
		compare_bytes(wn_ring_frame(a, index) + offset, wn_ring_frame(b, index) + offset,
			      length, position, "bytes");
}

static void compare_slot(uint32_t position)
{
	const struct wn_ring_view *a = &rings[0].view, *b = &rings[1].view;
	const uint32_t index = position & a->slot_mask, word = a->verdicts[index];
	const struct wn_slot *slot = &a->slots[index];

	if (!CHECK_INT(b->verdicts[index], word))
		printf("# position %u, %u bytes, flags %u\n", position, slot->length, slot->flags);
	if (wn_verdict_code(word) != WN_CODE_TRAIN) {
		compare_piece(index, 0, 0, word, position);
		return;
	}
	for (uint32_t i = 0; i < slot->segment_count; i++) {
		const uint64_t at = (uint64_t)index * a->segments_max + i;

		CHECK_INT(b->segments[at], a->segments[at]);
		compare_piece(index, i, i * slot->segment_bytes, a->segments[at], position);
	}
}

static void compare_counts(void)
{
	for (uint32_t i = 0; i + 1 <= (uint32_t)wn_lane_words; i++) {
		uint64_t sum = 0;

		for (uint32_t g = 0; g < GROUPS_MAX; g++)
			sum += gpu.rows[g][i];
		CHECK_INT(sum, row[0][i]);
	}
}

static void make_rings(void)
{
	const int has_trains = !strcmp(shape, "trains");
	const struct wn_ring_geometry geometry = {
		.slot_count = has_trains ? 64 : 512, .slot_bytes = has_trains ? 65536 : 2048,
		.segments_max = has_trains ? WN_TRAIN_SEGMENTS_MAX : 1};

	memset(row, 0, sizeof(row));
	for (int i = 0; i < 2; i++) {
		CHECK_INT(wn_ring_create(&rings[i], &geometry, NULL), 0);
		rings[i].view.identity = &identity;
	}
}

static uint32_t stage_bytes_of(void)
{
	const uint32_t look =
		!strcmp(shape, "stack") ? (uint32_t)WN_LOOK_ALL : (uint32_t)wn_program_look_bytes;
	const uint32_t room = rings[1].view.slot_bytes < WN_ROOM_BYTES ? rings[1].view.slot_bytes
								       : (uint32_t)WN_ROOM_BYTES;

	return ((look < room ? look : room) + 15) / 16 * 16;
}

static void finish(void)
{
	compare_counts();
	free(gpu.local);
	wn_ring_destroy(&rings[0]);
	wn_ring_destroy(&rings[1]);
}

/* Slots outside of [first, first + count) are somebody else's: no word of theirs may change. */
static void check_others(const uint32_t *before, uint32_t first, uint32_t count)
{
	const struct wn_ring_view *view = &rings[1].view;

	for (uint32_t i = count; i <= view->slot_mask; i++)
		CHECK_INT(view->verdicts[(first + i) & view->slot_mask],
			  before[(first + i) & view->slot_mask]);
}

/* Ranges of all sizes, and single packets, over some laps. */
static void test_batch(void)
{
	static uint32_t before[512];
	uint32_t first = 0, slots;

	make_rings();
	slots = rings[0].view.slot_mask + 1;
	set_up(3, stage_bytes_of());
	while (first < (!strcmp(shape, "trains") ? TRAIN_LAPS : LAPS) * slots) {
		const uint32_t wanted = 1 + next_random() % (next_random() % 2 ? 4 : slots);

		for (uint32_t i = 0; i < wanted; i++)
			fill_slot(first + i);
		publish(first + wanted);
		serve_lane(first, wanted);
		memcpy(before, rings[1].view.verdicts, slots * sizeof(*before));
		serve_group(1, first, wanted);
		for (uint32_t i = 0; i < wanted; i++)
			compare_slot(first + i);
		check_others(before, first, wanted);
		first += wanted;
	}
	finish();
}

/* A ring that is closed already: the groups find their blocks by the frontier and the mirror. */
static void check_resident(uint32_t groups)
{
	uint32_t count;

	make_rings();
	count = rings[0].view.slot_mask + 1 - 7;
	set_up(groups, stage_bytes_of());
	for (uint32_t i = 0; i < count; i++)
		fill_slot(i);
	publish(count);
	rings[1].view.words->final = count;
	wn_store_release(&rings[1].view.words->closed, 1);
	serve_lane(0, count);
	serve_group(0, 0, 0);
	for (uint32_t i = 0; i < count; i++)
		compare_slot(i);
	for (uint32_t g = 0; g < groups; g++)
		CHECK((int32_t)(gpu.positions[g] - count) >= 0);
	finish();
}

/*
 * The same with a copy of what the receive pump writes (ring/copy.h), as a mapping of the device's memory would
 * hold it: the lanes look there, at slots and words of it alone.
 */
static void check_near(uint32_t groups)
{
	struct wn_ring_copy copy;
	uint8_t *memory;
	uint32_t count;

	make_rings();
	count = rings[0].view.slot_mask + 1 - 7;
	set_up(groups, stage_bytes_of());
	for (uint32_t i = 0; i < count; i++)
		fill_slot(i);
	publish(count);
	memory = aligned_alloc(4096, wn_ring_copy_bytes(&rings[1].view));
	memset(memory, 0, wn_ring_copy_bytes(&rings[1].view));
	copy.words = (struct wn_ring_copy_words *)memory;
	copy.slots = (struct wn_slot *)(memory + wn_ring_copy_slots_offset());
	copy.frames = memory + wn_ring_copy_frames_offset(&rings[1].view);
	wn_ring_copy_slots(&copy, &rings[1].view, 0, 5);
	wn_ring_copy_slots(&copy, &rings[1].view, 5, count - 5);
	wn_ring_copy_publish(&copy, rings[1].view.words->latest);
	wn_ring_copy_close(&copy, count);
	memset(rings[1].view.slots, 0x5a, ((size_t)rings[1].view.slot_mask + 1) * sizeof(struct wn_slot));
	rings[1].view.words->published = 3;
	rings[1].view.words->latest = 0;
	gpu.queue.view.words = &copy.words->ring;
	gpu.queue.view.slots = copy.slots;
	gpu.queue.view.frames = copy.frames;
	gpu.queue.mirror = NULL;
	gpu.queue.leave = &copy.words->leave;
	gpu.queue.leave_from = 3;
	copy.words->leave = 2; /* meant for those before us */
	serve_lane(0, count);
	serve_group(0, 0, 0);
	for (uint32_t i = 0; i < count; i++)
		compare_slot(i);
	compare_counts();
	/* Its own number: it leaves without a look at what is there. */
	copy.words->leave = 3;
	copy.words->ring.closed = 0;
	gpu.positions[0] = 0;
	rings[1].view.verdicts[0] = 0;
	gpu.launch.group_count = 1;
	serve_group(0, 0, 0);
	CHECK_INT(gpu.positions[0], 0);
	CHECK_INT(rings[1].view.verdicts[0], 0);
	free(memory);
	free(gpu.local);
	wn_ring_destroy(&rings[0]);
	wn_ring_destroy(&rings[1]);
}

static void test_near(void)
{
	check_near(1);
	check_near(GROUPS_MAX);
}

static void test_resident(void)
{
	check_resident(1);
	check_resident(2);
	check_resident(GROUPS_MAX);
}

/* A slot without its position: nothing of its block is answered, and the host is told which it was. */
static void test_corrupt(void)
{
	make_rings();
	set_up(1, stage_bytes_of());
	for (uint32_t i = 0; i < 40; i++)
		fill_slot(i);
	publish(40);
	rings[1].view.slots[35].position = 7;
	serve_group(1, 0, 40);
	CHECK_INT(rings[1].view.words->corrupt, 1);
	CHECK_INT(rings[1].view.words->corrupt_position, 35);
	CHECK(wn_verdict_lap(rings[1].view.verdicts[0]) == 1);
	for (uint32_t i = 32; i < 40; i++)
		CHECK_INT(rings[1].view.verdicts[i], 0);
	free(gpu.local);
	wn_ring_destroy(&rings[0]);
	wn_ring_destroy(&rings[1]);
}

int main(int count, char **arguments)
{
	shape = count > 1 ? arguments[1] : "datagrams";
	memcpy(identity.mac, our_mac, 6);
	if (!strcmp(shape, "stack")) {
		identity.ipv4_count = identity.ipv6_count = 1;
		memcpy(identity.ipv4[0], our_v4, 4);
		memcpy(identity.ipv6[0], our_v6, 16);
	}
	RUN(test_batch);
	RUN(test_resident);
	RUN(test_near);
	RUN(test_corrupt);
	free(warp.stacks);
	return check_finish();
}
