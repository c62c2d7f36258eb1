/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device's side of its file (lane/file_lane.h) against a kernel that is played here: writes that are short, that
 * are to be tried again, that fail, whose results no kernel means, or that end twice. At any time what the kernel
 * has is whole pieces up to where the state says, and the sum adds up to the unit.
 */
#include <errno.h>
#include <stdlib.h>

#include "lane/file_lane.h"
#include "lane/port_uring.h"
#include "tests/check.h"
#include "tests/pcapng.h"

enum { BLOCK = 8192, MEMORY = WN_FILE_BLOCKS * BLOCK, DISK = 4 << 20, ADDRESS = 0x10000000 };

static uint8_t memory[MEMORY] __attribute__((aligned(64))), disk[DISK], frames[64];
static struct wn_file_words words;
static struct wn_drive_view view;
static struct wn_file_state state;
static struct wn_uring_sqe sq[4];
static uint64_t random_state;
static uint32_t accepted, refused, next_number;
static uint64_t disk_bytes;

static uint32_t next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 24);
}

static void make(uint32_t align, uint32_t first)
{
	const struct wn_file_state begin = {.fill = first, .done = first};

	memset(memory, 0, sizeof(memory));
	memset(disk, 0, sizeof(disk));
	memset(&words, 0, sizeof(words));
	memcpy(words.states[0], &begin, sizeof(begin));
	view = (struct wn_drive_view){
		.frames = frames,
		.uring = {.sq = {.entries = (uint8_t *)sq, .mask = 3}},
		.file = {.memory = memory, .words = &words, .address = ADDRESS, .block_bytes = BLOCK, .flush_bytes = 4096,
			 .align = align, .opcode = WN_URING_OP_WRITE, .flush_ns = 1000, .own_family = 4,
			 .own = {0x7f000001}, .own_port = 9000}};
	wn_file_load(&view, &state);
	random_state = 88172645463325252u + first;
	accepted = refused = next_number = 0;
	disk_bytes = 0;
}

/* -- the device -- */

/* A packet with its number and as many bytes of that. */
static int append(uint32_t length, uint32_t flags, uint64_t now_ns)
{
	static const uint8_t peer[16] = {192, 0, 2, 7};
	const struct wn_drive_item item = {.flags = flags, .peer = peer, .peer_port = 4660, .length = length};
	const uint32_t position = wn_file_place(&view, &state, wn_file_piece_bytes(flags, length), now_ns);
	uint8_t *to;

	if (position == WN_FILE_NOWHERE) {
		refused++;
		return 0;
	}
	to = (uint8_t *)wn_file_at(&view, position) + wn_file_payload_at(flags);
	for (uint32_t i = 0; i < length; i++)
		to[i] = (uint8_t)(next_number >> 8 * (i % 4));
	next_number++;
	wn_file_put_piece(&view, position, &item, 5, length, 0, 0);
	accepted++;
	return 1;
}

/* The write that is due; NULL where none is. */
static const struct wn_uring_sqe *submit(uint64_t now_ns, uint32_t is_closing)
{
	if (!wn_file_is_due(&view, &state, now_ns, is_closing))
		return NULL;
	wn_file_submit(&view, &state);
	wn_uring_write_file(&view, 0, &state);
	wn_file_show(&view, &state);
	return &sq[0];
}

/* -- the kernel -- */

/* It writes so many bytes of what it was told to. */
static void write_disk(const struct wn_uring_sqe *entry, uint32_t bytes)
{
	CHECK_INT(entry->fd, 1);
	CHECK_INT(entry->flags, WN_URING_SQE_FIXED_FILE);
	CHECK_INT(entry->addr2 % view.file.align, 0);
	CHECK_INT(entry->len % view.file.align, 0);
	CHECK_INT((entry->addr - ADDRESS) % view.file.align, 0);
	CHECK(bytes <= entry->len);
	CHECK(entry->addr - ADDRESS + entry->len <= MEMORY);
	CHECK(entry->addr2 <= disk_bytes);
	memcpy(disk + entry->addr2, memory + (entry->addr - ADDRESS), bytes);
	if (entry->addr2 + bytes > disk_bytes)
		disk_bytes = entry->addr2 + bytes;
}

static uint32_t complete(const struct wn_uring_sqe *entry, int32_t result)
{
	if (result > 0)
		write_disk(entry, (uint32_t)result);
	return wn_file_complete(&view, &state, (uint32_t)entry->user_data, result);
}

/* -- what must hold -- */

static uint64_t pending(void)
{
	uint64_t count = state.flight_records;

	for (uint32_t i = 0; i < WN_FILE_BLOCKS; i++)
		count += state.block_records[i];
	return count;
}

static uint64_t pending_bytes(void)
{
	uint64_t count = state.flight_bytes;

	for (uint32_t i = 0; i < WN_FILE_BLOCKS; i++)
		count += state.block_bytes[i];
	return count;
}

static void check_sums(void)
{
	const uint64_t *counts = state.counts;

	CHECK_INT(counts[WN_FILE_RECORDS], accepted);
	CHECK_INT(counts[WN_FILE_WRITTEN] + counts[WN_FILE_FAILED] + pending(), accepted);
	CHECK_INT(counts[WN_FILE_WRITTEN_BYTES] + counts[WN_FILE_FAILED_BYTES] + pending_bytes(), counts[WN_FILE_BYTES]);
	CHECK(state.fill - state.done <= MEMORY);
	CHECK(state.flight <= state.fill - state.done);
}

/* Up to the offset there are whole pieces, and all that count as written. */
static void check_disk(void)
{
	struct pcapng file;

	CHECK(state.offset <= disk_bytes);
	CHECK(pcapng_read(&file, disk, state.offset));
	CHECK_INT(file.packets, state.counts[WN_FILE_WRITTEN]);
	CHECK_INT(file.packet_bytes, state.counts[WN_FILE_WRITTEN_BYTES]);
}

/* Numbers come in their order; with nothing failed, all of them. */
static void check_payloads(int is_whole)
{
	struct pcapng file = {.bytes = disk, .length = state.offset};
	uint32_t expected = 0, type;

	while ((type = pcapng_next(&file))) {
		uint32_t number = 0;

		if (type == 6 && file.payload_bytes < 4)
			expected += (uint32_t)is_whole;
		if (type != 6 || file.payload_bytes < 4)
			continue;
		memcpy(&number, file.payload, 4);
		CHECK(is_whole ? number == expected : number >= expected);
		expected = number + 1;
	}
}

static void test_piece(void)
{
	const struct wn_uring_sqe *entry;
	struct pcapng file;

	make(4, 0);
	CHECK(!submit(0, 1));
	append(10, 0, 7);
	CHECK(!submit(1006, 0)); /* few, and not for long */
	entry = submit(1007, 0);
	CHECK(entry != NULL);
	if (!entry)
		return;
	CHECK_INT(entry->len, 32 + 52);
	CHECK_INT(entry->addr2, 0);
	CHECK_INT(entry->opcode, WN_URING_OP_WRITE);
	check_sums();
	CHECK(!submit(9999, 1)); /* one at a time */
	CHECK_INT(complete(entry, 84), 1);
	check_sums();
	check_disk();
	CHECK(pcapng_read(&file, disk, 84));
	CHECK_INT(file.payload_bytes, 10);
	/* EtherType, IPv4 with its checksum, both addresses, both ports. */
	CHECK(!memcmp(disk + 28 + 12, "\x08\x00\x45\x00\x00\x26", 6));
	CHECK(!memcmp(disk + 28 + 26, "\xc0\x00\x02\x07\x7f\x00\x00\x01\x12\x34\x23\x28\x00\x12\x00\x00", 16));
	CHECK_INT(state.fill, state.done);
	CHECK(!submit(99999, 1));
}

/* The same write ends twice, or another one does: neither is followed. */
static void test_nonsense(void)
{
	const struct wn_uring_sqe *entry;
	struct wn_file_state before;

	make(4, 0);
	append(100, 0, 0);
	before = state;
	CHECK_INT(wn_file_complete(&view, &state, 0, 100), 0); /* none was submitted */
	CHECK(!memcmp(&before, &state, sizeof(state)));
	entry = submit(0, 1);
	before = state;
	CHECK_INT(wn_file_complete(&view, &state, state.number + 1, (int32_t)state.flight), 0);
	CHECK_INT(wn_file_complete(&view, &state, 0xffffffff, -EIO), 0);
	CHECK(!memcmp(&before, &state, sizeof(state)));
	CHECK_INT(complete(entry, (int32_t)entry->len), 1);
	before = state;
	CHECK_INT(wn_file_complete(&view, &state, state.number, (int32_t)entry->len), 0);
	CHECK(!memcmp(&before, &state, sizeof(state)));
	check_sums();
	/* A short one that ends again before it went on, and the old number after it did. */
	append(100, 0, 0);
	entry = submit(0, 1);
	CHECK_INT(complete(entry, 8), 1);
	CHECK_INT(wn_file_complete(&view, &state, state.number, 8), 0);
	before = state;
	entry = submit(0, 1);
	CHECK_INT(wn_file_complete(&view, &state, before.number, 8), 0);
	/* More than was to be written: not believed, and the records are not in the file as far as anybody knows. */
	CHECK_INT(wn_file_complete(&view, &state, state.number, (int32_t)entry->len + 1), 0);
	CHECK_INT(state.counts[WN_FILE_FAILED], 1);
	CHECK_INT(state.counts[WN_FILE_OTHER], 1);
	check_sums();
	/* And it goes on. */
	append(100, 0, 0);
	entry = submit(0, 1);
	CHECK_INT(complete(entry, (int32_t)entry->len), 1);
	CHECK_INT(state.counts[WN_FILE_WRITTEN], 2);
	check_disk();
}

static void check_error(int32_t result, enum wn_file_count named)
{
	const uint64_t before = state.counts[named], failed = state.counts[WN_FILE_FAILED], offset = state.offset;
	const struct wn_uring_sqe *entry;

	append(50, 0, 0);
	append(50, 0, 0);
	entry = submit(0, 1);
	CHECK_INT(complete(entry, result), 1);
	CHECK_INT(state.counts[named], before + 1);
	CHECK_INT(state.counts[WN_FILE_FAILED], failed + 2);
	CHECK_INT((uint32_t)state.last_error, 0u - (uint32_t)result);
	CHECK_INT(state.offset, offset);
	check_sums();
	append(50, 0, 0);
	entry = submit(0, 1);
	CHECK_INT(entry->addr2, offset); /* where that one should have gone */
	CHECK_INT(complete(entry, (int32_t)entry->len), 1);
	check_disk();
}

static void test_errors(void)
{
	make(4, 0);
	check_error(-ENOSPC, WN_FILE_NO_SPACE);
	check_error(-EDQUOT, WN_FILE_NO_SPACE);
	check_error(-EFBIG, WN_FILE_TOO_LARGE);
	check_error(-EIO, WN_FILE_IO);
	check_error(-EBADF, WN_FILE_OTHER);
	check_error(INT32_MIN, WN_FILE_OTHER);
}

/* The disk is full in the middle of a write: what is there as a whole is written, the rest is not. */
static void test_half_written(void)
{
	const struct wn_uring_sqe *entry;

	make(4, 0);
	for (uint32_t i = 0; i < 10; i++)
		append(50, 0, 0); /* 124 bytes each */
	entry = submit(0, 1);
	CHECK_INT(entry->len, 1240);
	CHECK_INT(complete(entry, 500), 1);
	entry = submit(0, 0);
	CHECK_INT(entry->len, 740);
	CHECK_INT(entry->addr2, 500);
	CHECK_INT(complete(entry, -ENOSPC), 1);
	CHECK_INT(state.counts[WN_FILE_WRITTEN], 4);
	CHECK_INT(state.counts[WN_FILE_FAILED], 6);
	CHECK_INT(state.offset, 4 * 124);
	check_sums();
	check_disk();
	/* With O_DIRECT the next one begins at a unit, so none of it counts. */
	make(4096, 0);
	for (uint32_t i = 0; i < 50; i++)
		append(50, 0, 0);
	entry = submit(0, 1);
	CHECK_INT(entry->len, 8192);
	CHECK_INT(complete(entry, 5000), 1);
	entry = submit(0, 0);
	CHECK_INT(entry->addr2, 4096);
	CHECK_INT(complete(entry, -ENOSPC), 1);
	CHECK_INT(state.counts[WN_FILE_WRITTEN], 0);
	CHECK_INT(state.offset, 0);
	check_sums();
}

/* Tried again, not for ever. */
static void test_again(void)
{
	static const int32_t results[] = {-EAGAIN, -EINTR, -ECANCELED, 0};
	const struct wn_uring_sqe *entry;
	uint32_t turns = 0;

	make(4, 0);
	for (uint32_t i = 0; i < 4; i++) {
		append(50, 0, 0);
		entry = submit(0, 1);
		CHECK_INT(complete(entry, results[i]), 1);
		entry = submit(0, 0);
		CHECK(entry != NULL);
		if (entry)
			CHECK_INT(complete(entry, (int32_t)entry->len), 1);
	}
	CHECK_INT(state.counts[WN_FILE_WRITTEN], 4);
	CHECK_INT(state.counts[WN_FILE_AGAIN], 4);
	append(50, 0, 0);
	while (turns < 1000 && (entry = submit(0, 1))) {
		complete(entry, -EAGAIN);
		turns++;
	}
	CHECK_INT(turns, WN_FILE_VAIN_MAX + 1);
	CHECK_INT(state.counts[WN_FILE_FAILED], 1);
	CHECK_INT(state.last_error, EAGAIN);
	check_sums();
	check_disk();
}

/* A disk that does nothing: records are refused by number, and all that were taken are written in the end. */
static void test_slow_disk(void)
{
	const struct wn_uring_sqe *entry;

	make(4, 0);
	append(500, 0, 0);
	entry = submit(0, 1);
	for (uint32_t i = 0; i < 1000; i++)
		append(500, 0, 0);
	CHECK(refused > 500);
	CHECK(accepted > MEMORY / 700);
	check_sums();
	for (uint32_t turns = 0; entry && turns < 100; turns++) {
		CHECK_INT(complete(entry, (int32_t)entry->len), 1);
		entry = submit(0, 1);
	}
	CHECK_INT(state.counts[WN_FILE_WRITTEN], accepted);
	CHECK_INT(state.fill, state.done);
	check_disk();
	check_payloads(1);
	CHECK(!append(BLOCK, 0, 0)); /* larger than any block */
	CHECK(append(7000, 0, 0));
}

/* Memory that is full to the last place there is, with pieces of all sizes: nothing is overwritten before it is written. */
static void check_full(uint32_t align)
{
	make(align, 0xfffc0000);
	for (uint32_t round = 0; round < 200; round++) {
		const struct wn_uring_sqe *entry;

		for (uint32_t i = 0; i < 200; i++)
			append(next_random() % 3000, 0, 0);
		for (uint32_t i = 0; i < 200; i++)
			append(next_random() % 60, 0, 0);
		check_sums();
		entry = submit(0, 1);
		check_sums();
		if (disk_bytes > DISK - 2 * BLOCK)
			break;
		if (CHECK(entry != NULL))
			CHECK_INT(complete(entry, (int32_t)entry->len), 1);
		check_disk();
	}
	CHECK(refused > 1000);
	check_payloads(1);
}

static void test_full(void)
{
	check_full(4);
	check_full(4096);
}

/* What is left of a unit of O_DIRECT is too small for a gap: it takes the next one, too. */
static void test_small_gap(void)
{
	for (uint32_t left = 4; left <= 12; left += 4) {
		const struct wn_uring_sqe *entry;

		make(4096, 0);
		append(4096 - left - WN_FILE_PIECE_BYTES - WN_FILE_IPV4_BYTES, 0, 0);
		CHECK_INT(state.fill, 4096 - left);
		entry = submit(0, 1);
		if (!CHECK(entry != NULL))
			return;
		CHECK_INT(entry->len, left < WN_FILE_GAP_BYTES_MIN ? 8192 : 4096);
		CHECK_INT(complete(entry, (int32_t)entry->len), 1);
		check_sums();
		check_disk();
	}
}

static int32_t play(const struct wn_uring_sqe *entry, int fails)
{
	switch (next_random() % 12) {
	case 0:
		return (int32_t)(next_random() % entry->len);
	case 1:
		return -EAGAIN;
	case 2:
		return -EINTR;
	case 3:
		return fails ? -ENOSPC : (int32_t)entry->len;
	case 4:
		return fails ? -EIO : (int32_t)entry->len;
	default:
		return (int32_t)entry->len;
	}
}

/* Whatever comes, whenever the kernel answers; positions wrap at 2^32. */
static void check_mix(uint32_t align, uint32_t first, int fails)
{
	struct wn_file_state read;

	make(align, first);
	for (uint32_t turn = 0; turn < 4000 && disk_bytes < DISK - 2 * BLOCK; turn++) {
		const struct wn_uring_sqe *entry;

		for (uint32_t n = next_random() % 12; n; n--)
			append(next_random() % 5 ? next_random() % 100 : next_random() % 2000,
			       next_random() % 4 ? 0 : WN_SLOT_IPV6, turn);
		if (state.flight && !state.again && next_random() % 3)
			complete(&sq[0], play(&sq[0], fails));
		entry = submit(turn, next_random() % 16 == 0);
		if (entry)
			CHECK_INT(wn_uring_sqe_at(&view, 0)->user_data >> 56, WN_URING_WRITE);
		wn_file_show(&view, &state);
		check_sums();
		if (turn % 64 == 0)
			check_disk();
		/* Whoever goes on finds the same. */
		wn_file_load(&view, &read);
		CHECK(!memcmp(&read, &state, sizeof(read)));
	}
	for (uint32_t turns = 0; state.fill != state.done && turns < 1000; turns++) {
		if (state.flight && !state.again)
			complete(&sq[0], (int32_t)sq[0].len);
		submit(0, 1);
	}
	CHECK_INT(state.fill, state.done);
	CHECK_INT(state.counts[WN_FILE_FAILED] > 0, fails);
	CHECK(state.counts[WN_FILE_SHORT] > 10);
	check_sums();
	check_disk();
	check_payloads(!fails);
}

static void test_mix(void)
{
	check_mix(4, 0, 0);
	check_mix(4, 0xffff0000, 0);
	check_mix(4096, 0, 0);
	check_mix(4, 0x40000000, 1);
	check_mix(4096, 0xffff0000, 1);
}

int main(void)
{
	RUN(test_piece);
	RUN(test_nonsense);
	RUN(test_errors);
	RUN(test_half_written);
	RUN(test_again);
	RUN(test_slow_disk);
	RUN(test_full);
	RUN(test_small_gap);
	RUN(test_mix);
	return check_finish();
}
