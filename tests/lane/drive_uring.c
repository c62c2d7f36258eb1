/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A device that drives an io_uring, against a kernel that is played here: a multishot receive that takes provided
 * buffers and ends without them, sends that succeed, fail or are short, and now and then what no kernel means.
 * As in drive.c a group of one lane and one of 32 are given the same and must do the same, and every frame is in one
 * place at any moment.
 */
#define WN_NATIVE_ENTRY 1
#include WN_PROGRAM_SOURCE

#include <errno.h>
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
#include "tests/pcapng.h"

enum { FRAMES = 128, SHIFT = 11, ENTRIES = 4 * FRAMES, ROUNDS = 150, HEADER = 48, BLOCK = 65536, DISK = 16 << 20 };

#define ADDRESS 0x7000000000000000u
#define FILE_ADDRESS 0x7100000000000000u

struct side {
	uint8_t *frames;
	uint8_t states[FRAMES], checked[FRAMES];
	struct wn_drive_words words;
	struct wn_uring_words uring_words;
	uint32_t cq_producer, cq_consumer, sq_producer, sq_consumer, flags;
	struct wn_uring_cqe cq[ENTRIES];
	struct wn_uring_sqe sq[ENTRIES];
	struct wn_uring_buffer buffers[FRAMES];
	struct wn_ring handover;
	struct wn_drive_view view;
	uint32_t armed, sq_taken, sends; /* the kernel's own */
	uint16_t buffers_taken;
	uint64_t sent_sum;               /* over what was sent, in its order */
	struct wn_file_words file_words;
	uint8_t *file_memory, *disk;     /* NULL: no file */
	uint32_t writes;
};

static uint64_t random_state = 88172645463325252u;
static struct side sides[2];
static const uint64_t ones[16] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
static const struct wn_program_data no_data = {.parameters = ones};
static uint32_t times_ended;

static uint32_t next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 24);
}

/* A file: what the device delivers is written there. */
static void make_file(struct side *side)
{
	side->file_memory = aligned_alloc(64, WN_FILE_BLOCKS * BLOCK);
	side->disk = calloc(1, DISK);
	memset(side->file_memory, 0, WN_FILE_BLOCKS * BLOCK);
	side->view.file = (struct wn_file_view){
		.memory = side->file_memory, .words = &side->file_words, .address = FILE_ADDRESS, .block_bytes = BLOCK,
		.flush_bytes = 4096, .align = 4, .opcode = WN_URING_OP_WRITE, .own_port = 9000};
}

static void make_side(struct side *side, uint32_t first_cursor, int by_message)
{
	const struct wn_ring_geometry geometry = {.slot_count = 64, .slot_bytes = 2048, .segments_max = 1};
	struct wn_uring_port port;

	memset(side, 0, sizeof(*side));
	CHECK_INT(wn_ring_create(&side->handover, &geometry, NULL), 0);
	side->frames = aligned_alloc(64, FRAMES << SHIFT);
	memset(side->frames, 0, FRAMES << SHIFT);
	side->view = (struct wn_drive_view){
		.kind = WN_DRIVE_URING, .frame_count = FRAMES, .frame_shift = SHIFT, .link_count = 2,
		.send_bytes_max = 65507, .frames = side->frames, .states = side->states, .checked = side->checked,
		.words = &side->words, .handover = side->handover.view,
		.uring = {.cq = {&side->cq_producer, &side->cq_consumer, &side->flags, (uint8_t *)side->cq, ENTRIES - 1, 0},
			  .sq = {&side->sq_producer, &side->sq_consumer, &side->flags, (uint8_t *)side->sq, ENTRIES - 1, 0},
			  .buffers = side->buffers, .words = &side->uring_words, .frames_address = ADDRESS,
			  .peer_address = 99, .peer_bytes = 16, .buffer_mask = FRAMES - 1, .arm_count = FRAMES / 8,
			  .head_bytes = by_message ? WN_URING_HEAD_BYTES : 0,
			  .control_bytes = by_message ? WN_URING_CONTROL_BYTES : 0}};
	/* Cursors wrap while the test runs. */
	side->cq_producer = side->cq_consumer = side->sq_producer = side->sq_consumer = side->sq_taken = first_cursor;
	side->words.values[WN_DRIVE_CQ_CURSOR] = side->words.values[WN_DRIVE_SQ_CURSOR] = first_cursor;
	side->buffers[0].tail = side->buffers_taken = (uint16_t)first_cursor;
	wn_uring_init(&port, &side->view);
	for (uint32_t i = 0; i < FRAMES; i++)
		wn_uring_give(&port, &side->view, i, i);
	side->buffers[0].tail = (uint16_t)(first_cursor + FRAMES);
	side->uring_words.free_count = FRAMES;
	side->armed = 1;
}

/* -- the kernel -- */

static void complete(struct side *side, uint64_t user_data, int32_t res, uint32_t flags)
{
	CHECK(side->cq_producer - side->cq_consumer < ENTRIES);
	side->cq[side->cq_producer++ % ENTRIES] = (struct wn_uring_cqe){user_data, res, flags};
}

/* A packet, as far as there is a buffer; the receive ends without one, and behind an empty datagram. Returns whether it went on. */
static int deliver(struct side *side, const uint8_t *bytes, uint32_t length, uint32_t lie)
{
	const uint32_t control_bytes = side->view.uring.control_bytes;
	struct wn_uring_received *received;
	uint32_t frame;

	if (side->buffers_taken == side->buffers[0].tail) {
		complete(side, wn_uring_receive_id(0), -ENOBUFS, 0);
		return side->armed = 0;
	}
	frame = side->buffers[side->buffers_taken++ % FRAMES].bid;
	CHECK_INT(side->states[frame], WN_FRAME_FREE);
	received = wn_uring_received_in(&side->view, frame);
	*received = (struct wn_uring_received){.name_bytes = 16, .payload_bytes = length, .family = WN_URING_AF_INET,
					       .port = {1, 2}, .v4 = {127, 0, 0, 1}};
	if (lie)
		received->name_bytes = 3;
	memset(received + 1, 0, control_bytes);
	memcpy((uint8_t *)(received + 1) + control_bytes, bytes, length);
	side->armed = length != 0;
	complete(side, wn_uring_receive_id(0), (int32_t)(HEADER + control_bytes + length),
		 frame << WN_URING_CQE_BUFFER_SHIFT | WN_URING_CQE_BUFFER | (length ? WN_URING_CQE_MORE : 0));
	return (int)side->armed;
}

static void deliver_nonsense(struct side *side, uint32_t kind)
{
	uint32_t sending = 0;

	while (sending < FRAMES && side->states[sending] != WN_FRAME_SENDING)
		sending++;
	if (kind == 0)
		complete(side, wn_uring_receive_id(0), 100, 0xffffu << 16 | WN_URING_CQE_BUFFER | WN_URING_CQE_MORE);
	else if (kind == 1)
		complete(side, wn_uring_receive_id(0), 100, FRAMES << 16 | WN_URING_CQE_BUFFER | WN_URING_CQE_MORE);
	else if (kind == 2 && sending < FRAMES)
		complete(side, wn_uring_receive_id(0), 100, sending << 16 | WN_URING_CQE_BUFFER | WN_URING_CQE_MORE);
	else
		complete(side, (uint64_t)WN_URING_REPLY << 56 | (FRAMES + 5), 1, 0);
}

/* How the kernel fares with what it sends. */
static int32_t send_result(const struct side *side, int32_t length)
{
	return side->sends % 13 == 5 ? -EACCES : side->sends % 17 == 3 && length ? length - 1 : length;
}

/* A write to the file: now and then short, or to be tried again. */
static void submit_write(struct side *side, const struct wn_uring_sqe *entry)
{
	const uint32_t turn = side->writes++;
	const int32_t result = turn % 7 == 2 ? -EAGAIN : (int32_t)(turn % 5 == 1 ? entry->len / 2 : entry->len);

	CHECK_INT(entry->fd, 1);
	CHECK(entry->addr2 + entry->len <= DISK);
	CHECK(entry->addr - FILE_ADDRESS + entry->len <= WN_FILE_BLOCKS * BLOCK);
	if (result > 0)
		memcpy(side->disk + entry->addr2, side->file_memory + (entry->addr - FILE_ADDRESS), (uint32_t)result);
	complete(side, entry->user_data, result, 0);
}

/* One entry of the sq. */
static void submit(struct side *side, const struct wn_uring_sqe *entry)
{
	const uint32_t frame = (uint32_t)entry->user_data;
	uint64_t address = entry->addr, length = entry->len;

	if (entry->opcode == WN_URING_OP_WRITE) {
		submit_write(side, entry);
		return;
	}
	if (entry->opcode == WN_URING_OP_RECVMSG) {
		CHECK(!side->armed);
		times_ended++;
		side->armed = 1;
		return;
	}
	CHECK(frame < FRAMES);
	CHECK_INT(side->states[frame], WN_FRAME_SENDING);
	if (entry->opcode == WN_URING_OP_SENDMSG) {
		const struct wn_uring_message *message = (const void *)(side->frames + (address - ADDRESS));

		address = message->vector_base;
		length = message->vector_bytes;
	}
	CHECK_INT((address - ADDRESS) >> SHIFT, frame);
	for (uint32_t i = 0; i < length; i++)
		side->sent_sum = side->sent_sum * 31 + side->frames[address - ADDRESS + i];
	side->sent_sum = side->sent_sum * 31 + length;
	side->sends++;
	complete(side, entry->user_data, send_result(side, (int32_t)length), 0);
}

static void submit_all(struct side *side)
{
	while (side->sq_taken != side->sq_producer)
		submit(side, &side->sq[side->sq_taken++ % ENTRIES]);
	side->sq_consumer = side->sq_taken;
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
	wn_group_drive_init(&drive, &group, gpu.local + wn_group_local_bytes(WN_GROUP_LANES, gpu.launch.stage_bytes), 0);
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
	gpu.local = aligned_alloc(16, (bytes + 15) / 16 * 16);
	warp_run(lane_body, NULL);
	free(gpu.local);
}

/* -- the comparison -- */

static void compare(void)
{
	/* Batches of one size or another make more writes, or fewer larger ones: of entries, not of packets. */
	for (uint32_t i = 0; i < WN_DRIVE_VALUES; i++)
		if (!(sides[0].disk && (i == WN_DRIVE_CQ_CURSOR || i == WN_DRIVE_SQ_CURSOR)) &&
		    !CHECK_INT(sides[1].words.values[i], sides[0].words.values[i]))
			printf("# value %u\n", i);
	CHECK_INT(sides[1].sends, sides[0].sends);
	CHECK_INT(sides[1].sent_sum, sides[0].sent_sum);
	CHECK_INT(sides[1].armed, sides[0].armed);
	CHECK_INT(sides[1].uring_words.free_count, sides[0].uring_words.free_count);
	CHECK_INT(sides[1].uring_words.receive, sides[0].uring_words.receive);
	CHECK_INT(sides[1].handover.view.words->published, sides[0].handover.view.words->published);
	for (uint32_t i = 0; i + 1 <= (uint32_t)wn_lane_words; i++)
		CHECK_INT(row[1][i], row[0][i]);
	if (next_random() % 4)
		sides[0].words.released = sides[1].words.released = sides[0].handover.view.words->published;
}

/* Every frame in one place: among the buffers, as nothing is on the other rings once the device stands still. */
static void check_census(const struct side *side)
{
	uint8_t seen[FRAMES] = {0};

	CHECK_INT(side->cq_producer, side->cq_consumer);
	CHECK_INT((uint16_t)(side->buffers[0].tail - side->buffers_taken), FRAMES);
	for (uint16_t at = side->buffers_taken; at != side->buffers[0].tail; at++)
		seen[side->buffers[at % FRAMES].bid]++;
	for (uint32_t i = 0; i < FRAMES; i++) {
		CHECK_INT(seen[i], 1);
		CHECK_INT(side->states[i], WN_FRAME_FREE);
		CHECK_INT(side->checked[i], WN_FRAME_FREE);
	}
	CHECK_INT(side->uring_words.free_count, FRAMES);
}

/* Both have written the same, but for the times, and all of it. */
static void compare_files(void)
{
	struct pcapng files[2];
	struct wn_file_state state;

	for (int i = 0; i < 2; i++) {
		wn_file_load(&sides[i].view, &state);
		CHECK_INT(state.fill, state.done);
		CHECK(pcapng_read(&files[i], sides[i].disk, state.offset));
		CHECK_INT(files[i].packets + files[i].records, state.counts[WN_FILE_RECORDS]);
		CHECK_INT(state.counts[WN_FILE_WRITTEN], state.counts[WN_FILE_RECORDS]);
		CHECK_INT(state.counts[WN_FILE_RECORDS], sides[i].words.values[WN_DRIVE_FILED]);
		files[i] = (struct pcapng){.bytes = sides[i].disk, .length = state.offset};
	}
	while (pcapng_next(&files[0]) && pcapng_next(&files[1])) {
		CHECK_INT(files[1].payload_bytes, files[0].payload_bytes);
		CHECK_INT(files[1].records, files[0].records);
		CHECK(!memcmp(files[1].payload, files[0].payload, files[0].payload_bytes));
		CHECK(!memcmp(files[1].payload - 42, files[0].payload - 42, 42));
	}
	CHECK_INT(files[1].packets, files[0].packets);
}

static void deliver_to_both(int has_nonsense)
{
	static uint8_t bytes[2048];
	const uint32_t length = next_random() % 3 ? next_random() % 100 : next_random() % 1400;
	const uint32_t lie = has_nonsense && next_random() % 9 == 0;

	for (uint32_t i = 0; i < length; i++)
		bytes[i] = (uint8_t)next_random();
	bytes[0] %= 20;
	for (int i = 0; i < 2; i++)
		deliver(&sides[i], bytes, length, lie);
}

static void check_sum(void)
{
	const uint64_t *values = sides[0].words.values;
	uint64_t sum = 0;

	for (uint32_t i = 0; i < WN_DRIVE_CODES; i++)
		sum += values[WN_DRIVE_DROPPED + i];
	for (uint32_t i = WN_DRIVE_ANSWERED; i <= WN_DRIVE_SEND_FAILED; i++) /* with what was filed */
		sum += i == WN_DRIVE_ANSWERED_BYTES ? 0 : values[i];
	CHECK_INT(sum, values[WN_DRIVE_FINISHED]);
	CHECK_INT(values[WN_DRIVE_TAKEN], values[WN_DRIVE_FINISHED]);
	CHECK(values[WN_DRIVE_TAKEN] > ROUNDS);
}

static void check_rounds(uint32_t first_cursor, int by_message, int has_nonsense, int has_file)
{
	memset(row, 0, sizeof(row));
	memset(gpu.totals, 0, sizeof(gpu.totals));
	times_ended = 0;
	for (int i = 0; i < 2; i++)
		make_side(&sides[i], first_cursor, by_message);
	for (int i = 0; i < 2 && has_file; i++)
		make_file(&sides[i]);
	for (uint32_t round = 0; round < ROUNDS; round++) {
		const uint32_t kind = next_random() % 4;

		for (uint32_t n = next_random() % (next_random() % 4 ? 6 : 2 * FRAMES); n && sides[0].armed; n--)
			deliver_to_both(has_nonsense);
		serve_one();
		serve_many();
		/* Before what is being sent comes back. */
		for (int i = 0; has_nonsense && round % 5 == 0 && i < 2; i++)
			deliver_nonsense(&sides[i], kind);
		for (int i = 0; i < 2; i++)
			submit_all(&sides[i]);
		compare();
	}
	/* What is to be written is, also where no packet comes. */
	for (int turn = 0; has_file && turn < 12; turn++) {
		serve_one();
		serve_many();
		for (int i = 0; i < 2; i++)
			submit_all(&sides[i]);
	}
	serve_one();
	serve_many();
	if (has_file)
		compare_files();
	CHECK(times_ended > 10);
	for (int i = 0; i < 2; i++)
		check_census(&sides[i]);
	check_sum();
	CHECK_INT(sides[0].words.values[WN_DRIVE_BAD_ARRIVALS] > 0, has_nonsense);
	CHECK_INT(sides[0].words.values[WN_DRIVE_SEND_FAILED] > 0, sides[0].sends > 0);
	for (int i = 0; i < 2; i++) {
		wn_ring_destroy(&sides[i].handover);
		free(sides[i].frames);
		free(sides[i].file_memory);
		free(sides[i].disk);
	}
}

static void test_traffic(void)
{
	check_rounds(0, 0, 0, 0);
}

static void test_by_message(void)
{
	check_rounds(7, 1, 0, 0);
}

static void test_wrap(void)
{
	check_rounds(UINT32_MAX - 1000, 0, 0, 0);
}

static void test_nonsense(void)
{
	check_rounds(0, 0, 1, 0);
	check_rounds(UINT32_MAX - 500, 1, 1, 0);
}

static void test_file(void)
{
	check_rounds(0, 0, 0, 1);
	check_rounds(UINT32_MAX - 500, 1, 0, 1);
}

int main(void)
{
	RUN(test_traffic);
	RUN(test_by_message);
	RUN(test_wrap);
	RUN(test_nonsense);
	RUN(test_file);
	free(warp.stacks);
	return check_finish();
}
