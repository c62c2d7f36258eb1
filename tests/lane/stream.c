/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections as a device drives them (lane/stream.h), against a kernel that is played here: what it may do in any order, and
 * what it can never mean. The program echoes in pieces of its own choice, so what goes out must be what came in, byte by byte.
 *
 *   stream_device.h   the device: a group of one lane, or, with WN_TEST_WARP, of 32
 *   stream_kernel.h   the kernel, and peers
 */
#define WN_COUNTERS(X) X(runs)
#include "warpnic/program.h"

/* How the program behaves, by the first of the bytes that it sees. */
enum { ODD = 0xf0, TO_MORE = ODD, TO_CLOSE, TO_DROP, TO_FAULT, TO_NOTHING, TO_NONSENSE, TO_FILE, TO_SILENT };

/* Echoes some of what there is; the first byte says how much, and the odd ones what else. */
WN_PROGRAM(pieces, WN_STREAM, WN_LOOK_ALL)
{
	const uint32_t first = wn_u8(packet, 0), length = wn_length(packet);
	uint32_t count = first < ODD ? 1 + 13 * first : 1;

	wn_count(packet, counter_runs, 1);
	if (count > length)
		count = length;
	if (count > wn_reply_room(packet))
		count = wn_reply_room(packet);
	if (first == TO_MORE)
		return WN_MORE;
	if (first == TO_DROP)
		return WN_DROP;
	if (first == TO_FAULT)
		return wn_u8(packet, length) ? WN_REPLY : WN_MORE;
	if (first == TO_NOTHING)
		return WN_REPLY;
	if (first == TO_NONSENSE)
		return WN_DELIVER;
	if (first == TO_SILENT) {
		wn_consume(packet, 1);
		return WN_MORE;
	}
	wn_reply_copy(packet, 0, count);
	if (first == TO_FILE)
		wn_reply_file(packet, 1, 5);
	wn_consume(packet, count);
	wn_keep(packet, wn_kept(packet) + count);
	return first == TO_CLOSE ? WN_CLOSE : WN_REPLY;
}

#include "tests/lane/stream_kernel.h"

static uint64_t total(enum wn_stream_total which)
{
	return ring.stream_words.totals[which];
}

static uint64_t ended(enum wn_end end)
{
	return total(WN_STREAM_ENDED + end);
}

static uint64_t value(enum wn_drive_value which)
{
	return ring.drive_words.values[which];
}

/* Every connection has one end, every message one fate, every frame one place. */
static void check_sums(void)
{
	uint64_t ends = total(WN_STREAM_OPEN), fates = value(WN_DRIVE_ANSWERED) + value(WN_DRIVE_SEND_FAILED);
	uint32_t free_frames = 0;

	for (int i = 0; i < WN_ENDS; i++)
		ends += ended(i);
	for (uint32_t i = 0; i < WN_DRIVE_CODES; i++)
		fates += value(WN_DRIVE_DROPPED + i);
	CHECK_INT(ends, total(WN_STREAM_ACCEPTED));
	CHECK_INT(fates, value(WN_DRIVE_TAKEN));
	CHECK_INT(ended(WN_END_NONE), 0);
	for (uint32_t i = 0; i < FRAMES; i++)
		free_frames += ring.states[i] == WN_FRAME_FREE;
	CHECK_INT(free_frames, ring.words.free_count);
}

/* At the end: all closed, all frames with the kernel. */
static void check_end(void)
{
	check_sums();
	CHECK_INT(total(WN_STREAM_OPEN), 0);
	CHECK_INT(kernel.closed, kernel.accepted);
	CHECK_INT(total(WN_STREAM_ACCEPTED), kernel.accepted);
	CHECK_INT((uint16_t)(ring.buffers[0].tail - kernel.buffer_head), FRAMES);
	CHECK_INT(ring.stream_words.starved, 0);
}

static void settle(int turns)
{
	for (int i = 0; i < turns; i++) {
		clock_ns += 300000000;
		serve();
	}
}

/* Starts, and one connection is there. */
static struct peer *begin(void)
{
	make();
	settle(1);
	CHECK(kernel.has_accept);
	accept_one();
	serve();
	CHECK(kernel.peers[0].has_receive && kernel.peers[0].is_multishot);
	return &kernel.peers[0];
}

static void test_echo(void)
{
	struct peer *peer = begin();

	bytes_come(peer, 100, 256);
	serve();
	CHECK(peer->has_send);
	CHECK_INT(ring.states[0], WN_FRAME_FREE);
	while (peer->has_send) {
		bytes_go(peer, 1 << 20);
		serve();
	}
	CHECK_INT(peer->went, 100);
	peer->has_receive = 0;
	complete(peer->receive_id, 0, 0);
	serve();
	CHECK(!peer->is_open);
	CHECK_INT(ended(WN_END_PEER), 1);
	check_end();
}

/* What each verdict leads to. */
static void check_odd(uint32_t byte, enum wn_end end, enum wn_drive_value counted, int is_sent)
{
	struct peer *peer = begin();

	peer->is_plain = 1;
	bytes_come(peer, 3, byte);
	serve();
	CHECK_INT(peer->has_send, is_sent);
	CHECK_INT(value(counted), 1);
	if (is_sent) {
		bytes_go(peer, 1000);
		serve();
		CHECK(peer->is_shut);
		CHECK(peer->is_open);
		bytes_come(peer, 50, 1); /* is read, and thrown away */
		serve();
		peer->has_receive = 0;
		complete(peer->receive_id, 0, 0);
		serve();
	}
	CHECK(!peer->is_open);
	CHECK_INT(ended(end), 1);
	check_end();
}

static void test_verdicts(void)
{
	check_odd(TO_CLOSE, WN_END_PROGRAM, WN_DRIVE_ANSWERED, 1);
	check_odd(TO_DROP, WN_END_PROGRAM, WN_DRIVE_DROPPED + WN_DROP, 0);
	check_odd(TO_FAULT, WN_END_FAULT, WN_DRIVE_DROPPED + WN_CODE_FAULT, 0);
	check_odd(TO_NOTHING, WN_END_FAULT, WN_DRIVE_DROPPED + WN_CODE_BAD_VERDICT, 0);
	check_odd(TO_NONSENSE, WN_END_FAULT, WN_DRIVE_DROPPED + WN_CODE_BAD_VERDICT, 0);
}

/* A program that never has enough: its connection ends when its window is full, and not before. */
static void test_never_enough(void)
{
	struct peer *peer = begin();

	for (int i = 0; i < 3; i++) {
		bytes_come(peer, 1 << SHIFT, TO_MORE);
		serve();
		CHECK(peer->is_open);
	}
	bytes_come(peer, 1 << SHIFT, TO_MORE);
	serve();
	CHECK(!peer->is_open);
	CHECK_INT(value(WN_DRIVE_DROPPED + WN_CODE_TRUNCATED), 1);
	check_end();
	CHECK_INT(total(WN_STREAM_UNREAD_BYTES), 4 << SHIFT);
}

/* Consumed in silence: it runs on what is left, and no message is counted. */
static void test_silent(void)
{
	struct peer *peer = begin();

	bytes_come(peer, 5, TO_SILENT);
	serve();
	CHECK_INT(ring.conns[0].fill, 0);
	CHECK_INT(value(WN_DRIVE_TAKEN), 0);
}

static void test_file(void)
{
	struct peer *peer = begin();

	peer->is_plain = 1;
	bytes_come(peer, 1, TO_FILE);
	serve();
	CHECK_INT(peer->send_count, 2);
	CHECK_INT(peer->sends[1].address, at(file_text + 1));
	CHECK_INT(peer->sends[1].bytes, 5);
	CHECK_INT(ring.conns[0].file_version, 3);
	bytes_go(peer, 3); /* short */
	serve();
	CHECK_INT(ring.conns[0].file_version, 3);
	CHECK_INT(peer->sends[0].address, at(file_text + 3));
	CHECK_INT(peer->sends[0].bytes, 3);
	bytes_go(peer, 3);
	serve();
	CHECK_INT(ring.conns[0].file_version, 0);
	CHECK_INT(value(WN_DRIVE_ANSWERED), 1);
	CHECK_INT(value(WN_DRIVE_ANSWERED_BYTES), 6);
}

/* A peer that sends and does not read: its receive is cancelled, and comes frame by frame after that. */
static void test_back_pressure(void)
{
	struct peer *peer = begin();
	uint32_t came = 0;

	for (int i = 0; i < 20 && peer->has_receive; i++) {
		came += (uint32_t)bytes_come(peer, 1 << SHIFT, 256);
		serve();
	}
	CHECK(!peer->has_receive);
	CHECK(came >= 4 && came < 8);
	for (int i = 0; i < 400 && (peer->has_send || peer->has_receive); i++) {
		if (peer->has_send)
			bytes_go(peer, 300);
		else if (i < 200)
			bytes_come(peer, 200, 256);
		serve();
		CHECK(!peer->has_receive || !peer->is_multishot);
		if (i > 200 && !peer->has_send)
			break;
	}
	CHECK_INT(peer->went, peer->came);
	CHECK_INT(ring.words.free_count, FRAMES);
}

/* What the kernel held back on its way is held here: until it is read, or others lack the frames. */
static void test_held(void)
{
	struct peer *peer = begin(), *other = &kernel.peers[1];

	device_leave();
	device.view.uring.arm_count = FRAMES / 2;
	accept_one();
	serve();
	for (uint32_t i = 0; i < FRAMES; i++)
		bytes_come(peer, 1 << SHIFT, 256);
	bytes_come(other, 10, 256);
	CHECK(!other->has_receive); /* ENOBUFS */
	serve();
	CHECK(ring.conns[0].held_count > 0);
	CHECK_INT(ring.stream_words.starved, 1);
	CHECK(peer->is_open);
	settle(5);
	CHECK_INT(ended(WN_END_OVERRUN), 1);
	settle(2);
	CHECK(other->has_receive);
	CHECK_INT(ring.words.free_count, FRAMES);
	check_sums();
}

static void test_timeouts(void)
{
	struct peer *peer = begin();

	settle(IDLE_MS / 300 - 2);
	CHECK(peer->is_open);
	settle(5);
	CHECK(!peer->is_open);
	CHECK_INT(ended(WN_END_IDLE), 1);
	check_end();
	/* One that was told that it is over, and does not close. */
	peer = begin();
	peer->is_plain = 1;
	bytes_come(peer, 1, TO_CLOSE);
	serve();
	bytes_go(peer, 100);
	settle(3);
	CHECK(peer->is_open);
	settle(8);
	CHECK(!peer->is_open);
	CHECK_INT(ended(WN_END_PROGRAM), 1);
	check_end();
}

static void test_refused(void)
{
	make();
	settle(1);
	for (int i = 0; i < PLACES + 1; i++)
		accept_one();
	CHECK(!kernel.has_accept); /* ENFILE */
	serve();
	CHECK_INT(total(WN_STREAM_OPEN), LIMIT);
	CHECK_INT(ended(WN_END_REFUSED), PLACES + 1 - LIMIT);
	serve();
	CHECK(kernel.has_accept);
	ring.stream_words.closing = 1;
	settle(2);
	check_end();
}

/* No memory: not tried again at once. */
static void test_accept_errors(void)
{
	make();
	settle(1);
	kernel.has_accept = 0;
	complete(kernel.accept_id, -ENOMEM, 0);
	serve();
	CHECK(!kernel.has_accept);
	settle(1);
	CHECK(kernel.has_accept);
	CHECK_INT(total(WN_STREAM_ACCEPT_ERRORS), 1);
}

static void test_send_fails(void)
{
	struct peer *peer = begin();

	bytes_come(peer, 100, 256);
	serve();
	peer->has_send = 0;
	complete(peer->send_id, -ECONNRESET, 0);
	serve();
	CHECK(!peer->is_open);
	CHECK_INT(value(WN_DRIVE_ANSWERED), 0);
	CHECK(value(WN_DRIVE_SEND_FAILED) > 0);
	CHECK_INT(ended(WN_END_RESET), 1);
	check_end();
}

/* A connection that ends in the middle of a send: what had gone of its answer is no answer. */
static void test_end_in_send(void)
{
	struct peer *peer = begin();

	bytes_come(peer, 400, 256);
	serve();
	CHECK(peer->has_send);
	CHECK(value(WN_DRIVE_ANSWERED) > 0);
	peer->has_receive = 0;
	complete(peer->receive_id, -ECONNRESET, 0);
	bytes_go(peer, 10); /* before the cancel */
	device_serve();
	serve();
	CHECK(!peer->is_open);
	CHECK_INT(value(WN_DRIVE_ANSWERED), 0);
	CHECK_INT(value(WN_DRIVE_ANSWERED_BYTES), 10);
	CHECK(value(WN_DRIVE_SEND_FAILED) > 0);
	check_end();
}

/* Entries that cannot be: none is followed, and nothing changes but their count. */
static void test_nonsense(void)
{
	struct peer *peer = begin();
	const uint64_t good = peer->receive_id;
	const struct wn_conn before = ring.conns[0];

	complete(good ^ 1ull << 32, 5, 0);                         /* another generation */
	complete(good + 1, 5, 0);                                  /* a connection that is none */
	complete(good + 5000, 5, 0);                               /* beyond the table */
	complete((good & ~(255ull << 56)) | 99ull << 56, 5, 0);    /* another kind */
	complete(wn_stream_id(WN_STREAM_SEND, before.generation, 0), 5, 0); /* nothing is being sent */
	complete(wn_stream_id(WN_STREAM_SHUT, before.generation, 0), 0, 0);
	complete(good, 5, WN_URING_CQE_MORE | WN_URING_CQE_BUFFER | 4000u << WN_URING_CQE_BUFFER_SHIFT);
	complete(good, 5, WN_URING_CQE_MORE);                      /* bytes, and no frame */
	complete(kernel.accept_id, 0, WN_URING_CQE_MORE);          /* it is open */
	complete(kernel.accept_id ^ 1ull << 32, 5, 0);             /* an accept that is not armed */
	complete(kernel.accept_id, PLACES, WN_URING_CQE_MORE);
	complete(good, 100000, WN_URING_CQE_MORE | WN_URING_CQE_BUFFER | 7u << WN_URING_CQE_BUFFER_SHIFT);
	serve();
	CHECK_INT(total(WN_STREAM_BAD_ENTRIES), 12);
	CHECK_INT(value(WN_DRIVE_BAD_ARRIVALS), 12);
	CHECK(!memcmp(&before, &ring.conns[0], sizeof(before)));
	CHECK_INT(ring.words.free_count, FRAMES);
	/* The ends of cancels, and of closes, that came too late, are nothing. */
	complete(wn_stream_id(WN_STREAM_CANCEL, before.generation, 3), -ENOENT, 0);
	serve();
	CHECK_INT(total(WN_STREAM_BAD_ENTRIES), 12);
}

/* A number begins anew: what is late of the one before is not taken for its own. */
static void test_generations(void)
{
	struct peer *peer = begin();
	const uint64_t old = peer->receive_id;

	peer->has_receive = 0;
	complete(old, -ECONNRESET, 0);
	serve();
	CHECK(!peer->is_open);
	accept_one();
	serve();
	CHECK(peer->receive_id != old);
	complete(old, 0, 0);
	serve();
	CHECK(peer->is_open);
	CHECK_INT(total(WN_STREAM_BAD_ENTRIES), 1);
}

/* The sq has no room: completions wait. */
static void test_full_sq(void)
{
	make();
	settle(1);
	ring.sq_consumer = ring.sq_producer - (ENTRIES - 3);
	accept_one();
	device_serve();
	CHECK_INT(ring.cq_producer - ring.cq_consumer, 1);
	ring.sq_consumer = ring.sq_producer;
	serve();
	CHECK_INT(ring.cq_producer - ring.cq_consumer, 0);
	/* Looks at all connections wait, too, and nobody spins on it. */
	ring.sq_consumer = ring.sq_producer - (ENTRIES - 3);
	ring.stream_words.closing = 1;
	device_serve();
	CHECK_INT(ring.stream_words.totals[WN_STREAM_OPEN], 1);
	ring.sq_consumer = ring.sq_producer;
	settle(2);
	CHECK_INT(ring.stream_words.totals[WN_STREAM_OPEN], 0);
}

/* Requests of several connections, one behind the other, in one look; in the middle one of them is reset. */
static void test_pipelined(void)
{
	begin();
	for (int i = 1; i < LIMIT; i++)
		accept_one();
	serve();
	for (int round = 0; round < 3; round++)
		for (uint32_t i = 0; i < LIMIT; i++)
			if (i != 3 || round < 2)
				bytes_come(&kernel.peers[i], 20 + 30 * i, 256);
	kernel.peers[3].has_receive = 0;
	complete(kernel.peers[3].receive_id, -ECONNRESET, 0);
	serve();
	CHECK(!kernel.peers[3].is_open);
	CHECK_INT(ended(WN_END_RESET), 1);
	for (int left = 1; left;) {
		left = 0;
		for (uint32_t i = 0; i < LIMIT; i++) {
			if (i == 3 || !kernel.peers[i].has_send)
				continue;
			bytes_go(&kernel.peers[i], 1 + any(500));
			left = 1;
		}
		serve();
	}
	for (uint32_t i = 0; i < LIMIT; i++) {
		CHECK_INT(kernel.peers[i].came, (i == 3 ? 2 : 3) * (20 + 30 * i));
		CHECK_INT(kernel.peers[i].went, i == 3 ? 0 : kernel.peers[i].came);
	}
	CHECK(value(WN_DRIVE_SEND_FAILED) > 0);
	CHECK_INT(ring.words.free_count, FRAMES);
	check_sums();
	ring.stream_words.closing = 1;
	settle(2);
	check_end();
}

/* Anything in any order. */
static void act(void)
{
	struct peer *peer = &kernel.peers[any(PLACES)];
	const uint32_t what = any(100);

	if (what < 10 && kernel.has_accept) {
		accept_one();
	} else if (what < 55 && peer->is_open && peer->has_receive) {
		bytes_come(peer, 1 + any(1 << SHIFT), 256);
	} else if (what < 90 && peer->is_open && peer->has_send) {
		bytes_go(peer, 1 + any(any(2) ? 2000 : 30));
	} else if (what < 93 && peer->is_open && peer->has_receive) {
		peer->has_receive = 0;
		complete(peer->receive_id, any(2) ? 0 : -ECONNRESET, 0);
	} else if (what == 94 && peer->has_send) {
		peer->has_send = 0;
		complete(peer->send_id, -EPIPE, 0);
	} else if (what == 95) {
		complete((uint64_t)any(1 << 24) << 40 | any(1 << 24), (int32_t)any(600), any(1 << 20));
	} else if (what == 96) {
		clock_ns += (uint64_t)any(700) * 1000000;
	}
}

static void test_anything(void)
{
	for (uint32_t seed = 1; seed <= DEVICE_SEEDS; seed++) {
		make();
		kernel.seed = seed;
		kernel.is_busy = seed % 2;
		settle(1);
		for (int i = 0; i < 20000; i++) {
			act();
			if (!any(4))
				device_serve();
			if (!any(300))
				device_leave();
			if (!any(3))
				take_entries();
			if (ring.cq_producer - ring.cq_consumer > CQ_ENTRIES / 2)
				serve();
		}
		serve();
		check_sums();
		CHECK_INT(device_counter(counter_runs), value(WN_DRIVE_TAKEN));
		ring.stream_words.closing = 1;
		settle(2);
		ring.stream_words.closing = 2;
		settle(6);
		check_end();
	}
}

int main(void)
{
	RUN(test_echo);
	RUN(test_verdicts);
	RUN(test_never_enough);
	RUN(test_silent);
	RUN(test_file);
	RUN(test_back_pressure);
	RUN(test_held);
	RUN(test_timeouts);
	RUN(test_refused);
	RUN(test_accept_errors);
	RUN(test_send_fails);
	RUN(test_end_in_send);
	RUN(test_nonsense);
	RUN(test_generations);
	RUN(test_full_sq);
	RUN(test_pipelined);
	RUN(test_anything);
	return check_finish();
}
