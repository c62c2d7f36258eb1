/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A device that drives the rings of AF_XDP sockets, against a kernel that is played here: it takes frames from fill,
 * puts packets into them, sends what is on tx, and now and then hands back what it cannot mean. A
 * group of one lane (lane/drive_loop.h) and one of 32 (lane/group_drive.h, lanes as in warp_words.h)
 * are given the same packets and must send the same, hand over the same, count the same; and every
 * frame is in one place at any moment.
 *
 *     drive frames|stack
 */
#define WN_NATIVE_ENTRY 1
#include WN_PROGRAM_SOURCE

#include <stdlib.h>

#include "tests/lane/warp_words.h"

static uint64_t wn_lane_now_ns(void)
{
	return 1;
}

#include "lane/drive_loop.h"
#include "lane/group.h"
#include "lane/group_drive.h"
#include "ring/ring.h"
#include "tests/check.h"
#include "tests/lane/frames.h"

enum { FRAMES = 128, FRAME_SHIFT = 11, MTU = 1500, ROUNDS = 120, HEADROOM = 256, SENT_MAX = 4096 };

/* Four words and the entries of one ring, as a kernel would lay them out. */
struct fake_ring {
	uint32_t producer, consumer, flags, taken; /* taken: the kernel's own cursor, shown late */
	uint64_t entries[4 * FRAMES * 2];
};

/* What one of the two sides works on, and what it has sent so far. */
struct side {
	uint8_t *frames;
	uint8_t states[FRAMES], checked[FRAMES];
	struct wn_drive_words words;
	struct fake_ring fill, rx, tx, completion;
	struct wn_ring handover;
	struct wn_drive_view view;
	uint8_t sent[SENT_MAX][2];      /* of each: a sum over its bytes, and its length modulo 256 */
	uint32_t sent_count, handed;
	uint32_t with_kernel[FRAMES], kernel_count; /* frames it took from fill and has not used */
};

static uint64_t random_state = 88172645463325252u;
static struct side sides[2];
static struct wn_identity identity;
static const char *shape;
static const uint64_t ones[16] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
static const struct wn_program_data no_data = {.parameters = ones};

static uint32_t next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 24);
}

/* -- the two sides -- */

static struct wn_kernel_ring ring_of(struct fake_ring *ring, uint32_t entries)
{
	return (struct wn_kernel_ring){.producer = &ring->producer,
				       .consumer = &ring->consumer,
				       .flags = &ring->flags,
				       .entries = (uint8_t *)ring->entries,
				       .mask = entries - 1};
}

static void make_side(struct side *side, uint32_t first_cursor)
{
	const struct wn_ring_geometry geometry = {.slot_count = 64, .slot_bytes = 2048, .segments_max = 1};

	memset(side, 0, sizeof(*side));
	CHECK_INT(wn_ring_create(&side->handover, &geometry, NULL), 0);
	side->handover.view.identity = &identity;
	side->frames = calloc(FRAMES, 1 << FRAME_SHIFT);
	side->view = (struct wn_drive_view){
		.kind = WN_DRIVE_XDP, .frame_count = FRAMES, .frame_shift = FRAME_SHIFT, .own_link = 0,
		.link_count = 2, .send_bytes_max = MTU + 14, .frames = side->frames, .states = side->states,
		.checked = side->checked, .words = &side->words, .handover = side->handover.view,
		.xdp = {ring_of(&side->fill, 4 * FRAMES), ring_of(&side->rx, FRAMES),
			ring_of(&side->tx, 2 * FRAMES), ring_of(&side->completion, FRAMES)}};
	/* Cursors wrap while the test runs. */
	side->fill.producer = side->fill.consumer = side->fill.taken = first_cursor;
	side->rx.producer = side->rx.consumer = first_cursor;
	side->tx.producer = side->tx.consumer = side->tx.taken = first_cursor;
	side->completion.producer = side->completion.consumer = first_cursor;
	for (uint32_t i = 0; i < FRAMES; i++)
		side->fill.entries[side->fill.producer++ % (4 * FRAMES)] = (uint64_t)i << FRAME_SHIFT;
}

static void free_side(struct side *side)
{
	wn_ring_destroy(&side->handover);
	free(side->frames);
}

/* -- the kernel -- */

static struct wn_xdp_entry *entry_at(struct fake_ring *ring, uint32_t at, uint32_t entries)
{
	return (struct wn_xdp_entry *)ring->entries + at % entries;
}

/* A frame to receive into, or FRAMES: there is none. */
static uint32_t take_free(struct side *side)
{
	if (side->fill.taken == side->fill.producer)
		return FRAMES;
	return (uint32_t)(side->fill.entries[side->fill.taken++ % (4 * FRAMES)] >> FRAME_SHIFT);
}

static void arrive(struct side *side, uint64_t address, uint32_t length)
{
	*entry_at(&side->rx, side->rx.producer++, FRAMES) = (struct wn_xdp_entry){address, length, 0};
}

/* The same packet to both, in whatever frame each has free. Returns 0 where one has none. */
static int deliver(const uint8_t *bytes, uint32_t length)
{
	for (int i = 0; i < 2; i++)
		if (sides[i].fill.taken == sides[i].fill.producer)
			return 0;
	for (int i = 0; i < 2; i++) {
		const uint32_t frame = take_free(&sides[i]);
		const uint64_t address = ((uint64_t)frame << FRAME_SHIFT) + HEADROOM;

		CHECK_INT(sides[i].states[frame], WN_FRAME_FREE);
		memcpy(sides[i].frames + address, bytes, length);
		arrive(&sides[i], address, length);
	}
	return 1;
}

/* What no kernel means: nothing of it may be followed. */
static void deliver_nonsense(void)
{
	const uint32_t kind = next_random() % 4;

	for (int i = 0; i < 2; i++) {
		struct side *side = &sides[i];
		uint32_t sending = 0;

		while (sending < FRAMES && side->states[sending] != WN_FRAME_SENDING)
			sending++;
		if (kind == 0)
			arrive(side, UINT64_MAX - 7, 60);
		else if (kind == 1)
			arrive(side, (uint64_t)FRAMES << FRAME_SHIFT, 60);
		else if (kind == 2)
			arrive(side, 5 << FRAME_SHIFT, (1 << FRAME_SHIFT) + 1);
		else
			arrive(side, (uint64_t)(sending % FRAMES) << FRAME_SHIFT,
			       sending < FRAMES ? 60 : (1 << FRAME_SHIFT) + 1);
	}
}

static void return_nonsense(struct side *side)
{
	side->completion.entries[side->completion.producer++ % FRAMES] = (uint64_t)(FRAMES + 3) << FRAME_SHIFT;
}

/* Sends what is on tx, up to `most`, and gives the frames back. */
static void send_some(struct side *side, uint32_t most)
{
	for (; most && side->tx.taken != side->tx.producer; most--) {
		const struct wn_xdp_entry entry = *entry_at(&side->tx, side->tx.taken++, 2 * FRAMES);
		uint8_t sum = 0;

		CHECK(entry.address >> FRAME_SHIFT < FRAMES);
		CHECK_INT(side->states[entry.address >> FRAME_SHIFT], WN_FRAME_SENDING);
		for (uint32_t i = 0; i < entry.length; i++)
			sum = (uint8_t)(sum * 31 + side->frames[entry.address + i]);
		if (side->sent_count < SENT_MAX) {
			side->sent[side->sent_count][0] = sum;
			side->sent[side->sent_count][1] = (uint8_t)entry.length;
		}
		side->sent_count++;
		side->completion.entries[side->completion.producer++ % FRAMES] = entry.address;
	}
	if (next_random() % 2)
		side->tx.consumer = side->tx.taken;
	if (next_random() % 2)
		side->fill.consumer = side->fill.taken;
}

/* -- the device, twice -- */

static uint64_t row[2][wn_lane_words + WN_STAGE_WORDS + 1];

static void serve_one(void)
{
	static struct wn_drive_lane lane;

	wn_drive_init(&lane, &sides[0].view);
	wn_drive_serve(&lane, &no_data, row[0], UINT32_MAX);
	wn_drive_leave(&lane);
}

static struct {
	struct wn_group_queue queue;
	struct wn_group_launch launch;
	struct wn_group_order order;
	uint32_t alive, leave;
	uint64_t clock_offset_ns, totals[wn_lane_words + WN_STAGE_WORDS];
	uint8_t *local;
} gpu;

static void lane_body(void *argument)
{
	uint64_t counts[wn_lane_words + 1];
	struct wn_group_drive drive;
	struct wn_group group;

	(void)argument;
	wn_group_init(&group, &gpu.launch, gpu.local, counts, &no_data, 0, 0);
	wn_group_drive_init(&drive, &group,
			    gpu.local + wn_group_local_bytes(WN_GROUP_LANES, gpu.launch.stage_bytes), 0);
	wn_group_drive_serve(&drive, &gpu.order);
}

/* The group leaves, as between two leases, once it has nothing to do: here, after so many cycles. */
static void serve_many(void)
{
	const uint32_t stage_bytes = 2048;
	const size_t bytes = wn_group_drive_bytes(WN_GROUP_LANES, stage_bytes);

	gpu.queue = (struct wn_group_queue){.view = sides[1].handover.view, .replies = sides[1].frames,
					    .leave = &gpu.leave, .group_count = 1};
	gpu.queue.view.frames = sides[1].frames;
	gpu.launch = (struct wn_group_launch){.queues = &gpu.queue, .totals = gpu.totals, .rows = row[1],
					      .alive = &gpu.alive, .queue_count = 1, .group_count = 1,
					      .row_words = wn_lane_words + WN_STAGE_WORDS,
					      .stage_bytes = stage_bytes, .drives = &sides[1].view,
					      .clock_offset_ns = &gpu.clock_offset_ns, .flush_cycles = 5000,
					      .settle_cycles = 300};
	gpu.order = (struct wn_group_order){.lease_cycles = 120000};
	/* Not a byte more than was asked for. */
	gpu.local = aligned_alloc(16, (bytes + 15) / 16 * 16);
	warp_run(lane_body, NULL);
	free(gpu.local);
}

/* -- the comparison -- */

static void compare_handed(void)
{
	const struct wn_ring_view *a = &sides[0].handover.view, *b = &sides[1].handover.view;

	CHECK_INT(b->words->published, a->words->published);
	for (; sides[0].handed != a->words->published; sides[0].handed++) {
		const uint32_t index = sides[0].handed & a->slot_mask, word = a->verdicts[index];
		const uint32_t length = wn_verdict_length(word);

		CHECK_INT(b->verdicts[index], word);
		CHECK_INT(wn_verdict_lap(word), wn_lap(sides[0].handed, a->slot_shift));
		CHECK_INT(b->slots[index].length, a->slots[index].length);
		CHECK_INT(b->slots[index].index, a->slots[index].index);
		CHECK_INT(b->slots[index].position, a->slots[index].position);
		if (wn_verdict_code(word) == WN_CODE_RECORD)
			CHECK(!memcmp(a->results + (uint64_t)index * a->result_bytes,
				      b->results + (uint64_t)index * b->result_bytes, length));
		else
			CHECK(!memcmp(wn_ring_frame(a, index), wn_ring_frame(b, index), length));
	}
	/* The host is slow at times: then what is handed over finds no slot. */
	if (next_random() % 4)
		sides[0].words.released = sides[1].words.released = sides[0].handed;
}

static void compare(void)
{
	for (uint32_t i = 0; i < WN_DRIVE_VALUES; i++)
		if (!CHECK_INT(sides[1].words.values[i], sides[0].words.values[i]))
			printf("# value %u\n", i);
	CHECK_INT(sides[1].sent_count, sides[0].sent_count);
	CHECK(!memcmp(sides[0].sent, sides[1].sent,
		      2 * (sides[0].sent_count < SENT_MAX ? sides[0].sent_count : SENT_MAX)));
	sides[0].sent_count = sides[1].sent_count = 0;
	for (uint32_t i = 0; i + 1 <= (uint32_t)wn_lane_words; i++)
		CHECK_INT(row[1][i], row[0][i]);
	compare_handed();
}

/* Every frame in one place: what waits on the rings, and nothing else, once the device stands still. */
static void check_census(const struct side *side)
{
	uint8_t seen[FRAMES] = {0};
	uint32_t sum = 0;

	for (uint32_t at = side->fill.taken; at != side->fill.producer; at++, sum++)
		seen[side->fill.entries[at % (4 * FRAMES)] >> FRAME_SHIFT]++;
	for (uint32_t at = side->tx.taken; at != side->tx.producer; at++, sum++)
		seen[((const struct wn_xdp_entry *)side->tx.entries)[at % (2 * FRAMES)].address >> FRAME_SHIFT]++;
	for (uint32_t at = side->completion.consumer; at != side->completion.producer; at++, sum++)
		seen[side->completion.entries[at % FRAMES] >> FRAME_SHIFT]++;
	CHECK_INT(sum, FRAMES);
	for (uint32_t i = 0; i < FRAMES; i++)
		CHECK_INT(seen[i], 1);
	for (uint32_t i = 0; i < FRAMES; i++)
		CHECK(side->states[i] != WN_FRAME_DEVICE);
}

static uint32_t fill_bytes(uint8_t *bytes)
{
	static uint8_t payload[2048];
	struct recipe recipe = {.tags = (int)(next_random() % 3), .v6 = (int)(next_random() % 2),
				.payload = payload};
	uint32_t length = next_random() % 3 ? next_random() % 100 : next_random() % 1400;

	for (uint32_t i = 0; i < length; i++)
		payload[i] = (uint8_t)next_random();
	if (length)
		payload[0] %= 20;
	recipe.length = length;
	if (!strcmp(shape, "stack"))
		return frame_make(bytes, &recipe);
	memcpy(bytes, payload, length);
	return length;
}

static void check_rounds(uint32_t first_cursor, int has_nonsense)
{
	static uint8_t bytes[4096];
	uint64_t dropped = 0, sum = 0;

	memset(row, 0, sizeof(row));
	memset(gpu.totals, 0, sizeof(gpu.totals));
	make_side(&sides[0], first_cursor);
	make_side(&sides[1], first_cursor);
	for (uint32_t round = 0; round < ROUNDS; round++) {
		if (has_nonsense && round % 7 == 0)
			deliver_nonsense();
		for (uint32_t n = next_random() % (next_random() % 4 ? 4 : FRAMES); n; n--)
			if (!deliver(bytes, fill_bytes(bytes)))
				break;
		if (has_nonsense && round % 11 == 0) {
			return_nonsense(&sides[0]);
			return_nonsense(&sides[1]);
		}
		serve_one();
		serve_many();
		/* All goes out before they are compared, but each time in other pieces. */
		for (int i = 0; i < 2; i++)
			for (uint32_t piece = 1 + next_random() % 30; sides[i].tx.taken != sides[i].tx.producer;)
				send_some(&sides[i], piece);
		compare();
	}
	serve_one();
	serve_many();
	for (int i = 0; i < 2; i++)
		check_census(&sides[i]);
	for (uint32_t i = 0; i < WN_DRIVE_CODES; i++)
		dropped += sides[0].words.values[WN_DRIVE_DROPPED + i];
	for (uint32_t i = WN_DRIVE_ANSWERED; i <= WN_DRIVE_SEND_FAILED; i++)
		sum += i == WN_DRIVE_ANSWERED_BYTES ? 0 : sides[0].words.values[i];
	CHECK_INT(sum + dropped, sides[0].words.values[WN_DRIVE_FINISHED]);
	CHECK_INT(sides[0].words.values[WN_DRIVE_TAKEN], sides[0].words.values[WN_DRIVE_FINISHED]);
	CHECK(sides[0].words.values[WN_DRIVE_TAKEN] > ROUNDS);
	CHECK_INT(sides[0].words.values[WN_DRIVE_BAD_ARRIVALS] > 0, has_nonsense);
	CHECK_INT(sides[0].words.values[WN_DRIVE_BAD_RETURNS] > 0, has_nonsense);
	/* Closed, and nothing left: both leave. */
	sides[0].words.closed = sides[1].words.closed = 1;
	CHECK_INT(sides[0].words.left, 0);
	serve_one();
	serve_many();
	CHECK_INT(sides[0].words.left, 1);
	CHECK_INT(sides[1].words.left, 1);
	free_side(&sides[0]);
	free_side(&sides[1]);
}

static void test_traffic(void)
{
	check_rounds(0, 0);
}

static void test_wrap(void)
{
	check_rounds(UINT32_MAX - 1000, 0);
}

static void test_nonsense(void)
{
	check_rounds(0, 1);
}

int main(int count, char **arguments)
{
	shape = count > 1 ? arguments[1] : "frames";
	memcpy(identity.mac, our_mac, 6);
	if (!strcmp(shape, "stack")) {
		identity.ipv4_count = identity.ipv6_count = 1;
		memcpy(identity.ipv4[0], our_v4, 4);
		memcpy(identity.ipv6[0], our_v6, 16);
	}
	RUN(test_traffic);
	RUN(test_wrap);
	RUN(test_nonsense);
	free(warp.stacks);
	return check_finish();
}
