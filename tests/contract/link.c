/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The contract of src/link/link.h, as one suite that every kind of link passes the same way.
 *
 *     link KIND      memory, udp4, udp6, packet2, packet3 (kernel ring version), xdp, xdp-skb
 *                    or pcap
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "tests/check.h"
#include "tests/contract/feeder.h"

static const struct feeder *const feeders[] = {
	&feeder_memory, &feeder_udp4, &feeder_udp6, &feeder_packet2, &feeder_packet3,
	&feeder_xdp, &feeder_xdp_skb, &feeder_pcap,
};

enum {
	SAMPLES = 100,
	GUARD = 0xee,            /* what frames hold before a packet is written there */
	SLACK_NS = 200000000,    /* how late a call may return on a busy machine: one of TRIES, which may all be held up */
	TRIES = 20,
};

static const struct feeder *feeder;
static struct sample samples[SAMPLES];

/* A link that is open and attached to a ring which nobody else uses. */
struct session {
	struct wn_link link;
	struct wn_ring ring;
	struct wn_error error;
	char spec[256];
	uint32_t first;          /* position of the next slot */
};

/* Sample i, the same each time: a frame that Ethernet interfaces take, or the same as payload. */
static void make_sample(struct sample *sample, uint32_t i, uint32_t length)
{
	sample->length = length;
	for (uint32_t at = 0; at < length; at++)
		sample->bytes[at] = (uint8_t)(i * 31 + at);
	memset(sample->bytes, 0xff, 6);
	memset(sample->bytes + 6, 2, 6);
	sample->bytes[12] = 0x88;
	sample->bytes[13] = 0xb5;
}

static void make_samples(void)
{
	for (uint32_t i = 0; i < SAMPLES; i++)
		make_sample(&samples[i], i, 60 + i * 13 % 700);
}

static int start(struct session *s, const struct sample *fed, uint32_t count, uint32_t slots,
		 uint32_t slot_bytes)
{
	const struct wn_ring_geometry geometry = { slots, slot_bytes, 1 };
	int rc;

	memset(s, 0, sizeof(*s));
	if (!CHECK_INT(feeder->prepare(s->spec, sizeof(s->spec), fed, count), 0))
		return -1;
	rc = wn_link_open(&s->link, s->spec, NULL, slot_bytes, feeder->hooks, &s->error);
	if (!CHECK_INT(rc, 0)) {
		printf("# %s\n", s->error.text);
		return -1;
	}
	if (!CHECK_INT(wn_ring_create(&s->ring, &geometry, &s->error), 0))
		return -1;
	for (uint32_t i = 0; i < slots; i++)
		memset(wn_ring_frame(&s->ring.view, i), GUARD, slot_bytes);
	if (s->link.ops->attach)
		CHECK_INT(s->link.ops->attach(&s->link, 0, &s->ring.view, &s->error), 0);
	if (feeder->feed && !CHECK_INT(feeder->feed(&s->link, fed, count), 0))
		return -1;
	return 0;
}

static void stop(struct session *s)
{
	wn_link_close(&s->link);
	wn_link_close(&s->link);
	wn_ring_destroy(&s->ring);
	feeder->finish();
}

static int receive(struct session *s, uint32_t capacity, int64_t wait_ns)
{
	struct wn_receive_batch batch = {
		.view = &s->ring.view, .first = s->first, .capacity = capacity, .wait_ns = wait_ns,
	};

	return s->link.ops->receive(&s->link, 0, &batch);
}

static const struct wn_slot *slot_at(const struct session *s, uint32_t position)
{
	return &s->ring.view.slots[position & s->ring.view.slot_mask];
}

static const uint8_t *frame_at(const struct session *s, uint32_t position)
{
	return wn_ring_frame(&s->ring.view, position & s->ring.view.slot_mask);
}

/* The slot at `position` must hold the sample, cut at the slot's end. */
static void check_slot(const struct session *s, uint32_t position, const struct sample *sample)
{
	const struct wn_slot *slot = slot_at(s, position);
	const uint32_t room = s->ring.view.slot_bytes;
	const uint32_t length = sample->length < room ? sample->length : room;
	uint32_t flags = feeder->flags;

	if (length < sample->length)
		flags |= WN_SLOT_TRUNCATED;
	CHECK_INT(slot->length, length);
	CHECK_INT(slot->wire_length, sample->length);
	CHECK_INT(slot->flags & flags, flags);
	CHECK_INT(slot->flags & (WN_SLOT_TRUNCATED | WN_SLOT_TRAIN | WN_SLOT_FRAME | WN_SLOT_IPV6),
		  flags & (WN_SLOT_TRUNCATED | WN_SLOT_FRAME | WN_SLOT_IPV6));
	CHECK_INT(slot->segment_bytes, 0);
	CHECK_INT(slot->segment_count, 1);
	CHECK(!memcmp(frame_at(s, position), sample->bytes, length));
}

static void check_time(const struct session *s, uint32_t position, int64_t since_ns)
{
	const int64_t arrival_ns = (int64_t)slot_at(s, position)->arrival_ns;

	/* The kernel's clock is converted: its rate is adjusted, ours is not. */
	CHECK(arrival_ns >= since_ns - WN_MILLISECOND_NS);
	CHECK(arrival_ns <= wn_clock_ns() + WN_MILLISECOND_NS);
}

/*
 * Receives `count` samples, capacity(i) at most in call i, and checks each. Returns how many came
 * within half a minute.
 */
static uint32_t receive_samples(struct session *s, const struct sample *fed, uint32_t count,
				uint32_t (*capacity)(uint32_t call))
{
	const int64_t end_ns = wn_clock_ns() + 30 * WN_SECOND_NS;
	uint32_t got = 0;

	for (uint32_t call = 0; got < count && wn_clock_ns() < end_ns; call++) {
		const uint32_t room = capacity(call);
		const int n = receive(s, room, 20 * WN_MILLISECOND_NS);

		if (n < 0) {
			CHECK_INT(n, -ENODATA);
			break;
		}
		if (!CHECK(n <= (int)room && got + (uint32_t)n <= count))
			break;
		for (uint32_t i = 0; i < (uint32_t)n; i++)
			check_slot(s, s->first + i, &fed[got + i]);
		s->first += (uint32_t)n;
		got += (uint32_t)n;
	}
	CHECK_INT(got, count);
	return got;
}

static uint32_t one(uint32_t call)
{
	(void)call;
	return 1;
}

static uint32_t varying(uint32_t call)
{
	return 1 + call % 16;
}

static uint32_t eight(uint32_t call)
{
	(void)call;
	return 8;
}

/* -- the tests -- */

static void test_options(void)
{
	struct wn_link link;
	struct wn_error error = { .status = WN_OK };

	CHECK(wn_link_open(&link, feeder->unknown_option, NULL, 0, NULL, &error) < 0);
	CHECK_INT(error.status, WN_USAGE);
	CHECK(strstr(error.text, "surely_unknown") != NULL);
	wn_link_close(&link);

	error.text[0] = '\0';
	CHECK(wn_link_open(&link, feeder->wrong_value, NULL, 0, NULL, &error) < 0);
	CHECK_INT(error.status, WN_USAGE);
	CHECK(strstr(error.text, feeder->wrong_option) != NULL);
	wn_link_close(&link);
}

static void test_limits(void)
{
	struct session s;
	const struct wn_link_limits *limits = &s.link.limits;

	if (!start(&s, samples, 0, 16, 2048)) {
		CHECK_INT(limits->kind, feeder->packets);
		CHECK_INT(limits->queue_count, 1);
		CHECK_INT(limits->segments_max, 1);
		CHECK(limits->burst_max >= 1);
		CHECK(limits->can_receive && limits->can_send);
		CHECK(limits->slot_bytes_min >= 64 && limits->slot_bytes_min <= WN_SLOT_BYTES_MAX);
		CHECK(!(limits->slot_bytes_min & (limits->slot_bytes_min - 1)));
		CHECK(!(limits->slot_count & (limits->slot_count - 1)));
		CHECK(s.link.where[0] != '\0');
		CHECK_TEXT(s.link.spec, s.spec);
		/* What is lost in the kernel has to be asked for where the link cannot wait. */
		CHECK(!limits->is_live || (s.link.ops->kernel_dropped && s.link.ops->discard));
	}
	stop(&s);
}

/* How long a call takes that brings nothing: the shortest of some, where this process is held up. */
static int64_t receive_nothing(struct session *s, int64_t wait_ns)
{
	int64_t took_ns = INT64_MAX;

	for (int i = 0; i < TRIES && took_ns >= wait_ns + SLACK_NS; i++) {
		const int64_t before_ns = wn_clock_ns();
		const int n = receive(s, 8, wait_ns);

		CHECK(n == 0 || (n == -ENODATA && !s->link.limits.is_live));
		took_ns = wn_clock_ns() - before_ns;
	}
	return took_ns;
}

static void test_nothing_there(void)
{
	struct session s;

	if (!start(&s, samples, 0, 16, 2048))
		CHECK(receive_nothing(&s, 0) < SLACK_NS);
	stop(&s);
}

static void test_wait_is_bounded(void)
{
	static const int64_t waits_ns[] = { 1, 1000, WN_MILLISECOND_NS, 50 * WN_MILLISECOND_NS };
	struct session s;

	if (!start(&s, samples, 0, 16, 2048)) {
		for (size_t i = 0; i < sizeof(waits_ns) / sizeof(waits_ns[0]); i++)
			CHECK(receive_nothing(&s, waits_ns[i]) < waits_ns[i] + SLACK_NS);
	}
	stop(&s);
}

static void *feed_later(void *argument)
{
	const struct timespec pause = { 0, 50 * WN_MILLISECOND_NS };
	struct session *s = argument;

	nanosleep(&pause, NULL);
	CHECK_INT(feeder->feed(&s->link, samples, 1), 0);
	return NULL;
}

/* A packet that comes during the wait ends it. */
static void test_packet_ends_wait(void)
{
	const int64_t start_ns = wn_clock_ns();
	struct session s;
	pthread_t thread;
	int n = 0;

	if (!feeder->feed)
		SKIP("all its packets are there from the start");
	if (!start(&s, samples, 0, 16, 2048)) {
		CHECK_INT(pthread_create(&thread, NULL, feed_later, &s), 0);
		while (!n && wn_clock_ns() < start_ns + 100 * WN_SECOND_NS)
			n = receive(&s, 8, 60 * WN_SECOND_NS);
		CHECK(wn_clock_ns() - start_ns < 20 * WN_SECOND_NS);
		CHECK_INT(n, 1);
		check_slot(&s, 0, &samples[0]);
		pthread_join(thread, NULL);
	}
	stop(&s);
}

static void test_order(void)
{
	const int64_t start_ns = wn_clock_ns();
	struct session s;

	if (!start(&s, samples, SAMPLES, 16, 2048)) {
		receive_samples(&s, samples, SAMPLES, varying);
		check_time(&s, s.first - 1, start_ns);
		CHECK(slot_at(&s, s.first - 2)->arrival_ns <= slot_at(&s, s.first - 1)->arrival_ns);
	}
	stop(&s);
}

static void test_capacity_one(void)
{
	struct session s;

	if (!start(&s, samples, 20, 2, 2048))
		receive_samples(&s, samples, 20, one);
	stop(&s);
}

/* Positions are 32 bits wide and go on at 0. */
static void test_positions_wrap(void)
{
	struct session s;

	if (!start(&s, samples, 40, 16, 2048)) {
		s.first = UINT32_MAX - 10;
		receive_samples(&s, samples, 40, eight);
	}
	stop(&s);
}

/* Not more than asked for is written, into no slot but those. */
static void test_stays_in_its_slots(void)
{
	struct session s;

	if (!start(&s, samples, 10, 16, 2048)) {
		receive_samples(&s, samples, 3, one);
		for (uint32_t at = 0; at < 2048; at++)
			if (!CHECK_INT(frame_at(&s, 3)[at], GUARD))
				break;
		CHECK_INT(slot_at(&s, 3)->length, 0);
	}
	stop(&s);
}

/* A packet longer than its slot is cut there, and says so; its neighbours are whole. */
static void test_truncation(void)
{
	static struct sample cut[3];
	struct session s;

	make_sample(&cut[0], 0, 100);
	make_sample(&cut[1], 1, 1000);
	make_sample(&cut[2], 2, 256);
	if (!start(&s, cut, 3, 16, 256)) {
		receive_samples(&s, cut, 3, eight);
		CHECK_INT(frame_at(&s, 3)[0], GUARD);
	}
	stop(&s);
}

static void *ask_dropped(void *argument)
{
	struct session *s = argument;
	uint64_t last = 0;

	for (int i = 0; i < 1000; i++) {
		const uint64_t dropped = s->link.ops->kernel_dropped(&s->link, 0);

		if (!CHECK(dropped >= last))
			break;
		last = dropped;
	}
	CHECK_INT(last, 0);
	return NULL;
}

/* Two threads ask for the kernel's drops while a third receives. */
static void test_kernel_dropped(void)
{
	struct session s;
	pthread_t threads[2];

	if (!start(&s, samples, SAMPLES, 16, 2048)) {
		if (s.link.ops->kernel_dropped) {
			for (int i = 0; i < 2; i++)
				pthread_create(&threads[i], NULL, ask_dropped, &s);
			receive_samples(&s, samples, SAMPLES, varying);
			for (int i = 0; i < 2; i++)
				pthread_join(threads[i], NULL);
		}
	}
	stop(&s);
}

static void test_discard(void)
{
	const int64_t start_ns = wn_clock_ns();
	uint64_t bytes = 0, expected = 0;
	struct session s;
	int count = 0;

	for (int i = 0; i < 30; i++)
		expected += samples[i].length;
	if (!start(&s, samples, 30, 16, 2048) && s.link.ops->discard) {
		while (count < 30 && wn_clock_ns() < start_ns + 30 * WN_SECOND_NS) {
			const int n = s.link.ops->discard(&s.link, 0, &bytes);

			if (!CHECK(n >= 0))
				break;
			count += n;
		}
		CHECK_INT(count, 30);
		CHECK_INT(bytes, expected);
		CHECK_INT(frame_at(&s, 0)[0], GUARD);
	}
	stop(&s);
}

/* Sends until all items are done with. Returns how many failed, or -1 where it got stuck. */
static int send_all(struct session *s, struct wn_send_item *items, uint32_t count)
{
	const int64_t start_ns = wn_clock_ns();
	uint32_t done = 0;
	int failed = 0;

	while (done < count && wn_clock_ns() < start_ns + 30 * WN_SECOND_NS) {
		const uint32_t left = count - done, most = s->link.limits.burst_max;
		const uint32_t burst = left < most ? left : most;
		const int n = s->link.ops->send(&s->link, 0, items + done, burst);

		if (!CHECK(n >= 0 && n <= (int)burst))
			return -1;
		done += (uint32_t)n;
	}
	if (s->link.ops->flush)
		CHECK_INT(s->link.ops->flush(&s->link, 0), 0);
	for (uint32_t i = 0; i < done; i++)
		failed += items[i].error != 0;
	return done == count ? failed : -1;
}

/* What is received goes back; the far side gets it in order, byte for byte. */
static void test_replies(void)
{
	static struct wn_send_item items[SAMPLES];
	static uint8_t bytes[SAMPLE_BYTES_MAX];
	struct session s;

	if (!start(&s, samples, SAMPLES, 128, 2048) &&
	    receive_samples(&s, samples, SAMPLES, eight) == SAMPLES) {
		for (uint32_t i = 0; i < SAMPLES; i++)
			items[i] = (struct wn_send_item){ .bytes = frame_at(&s, i), .error = -1,
							  .length = slot_at(&s, i)->length,
							  .reply_index = i };
		CHECK_INT(send_all(&s, items, SAMPLES), 0);
		for (uint32_t i = 0; i < SAMPLES; i++) {
			const int length = feeder->collect(bytes, sizeof(bytes));

			if (!CHECK_INT(length, samples[i].length) ||
			    !CHECK(!memcmp(bytes, samples[i].bytes, (size_t)length)))
				break;
		}
	}
	stop(&s);
}

/* An open that fails leaves nothing behind that close would stumble over. */
static void test_close(void)
{
	struct wn_link link;
	struct wn_error error;

	memset(&link, 0, sizeof(link));
	wn_link_close(&link);
	wn_link_close(&link);
	CHECK(wn_link_open(&link, feeder->wrong_value, NULL, 0, NULL, &error) < 0);
	wn_link_close(&link);
	wn_link_close(&link);
}

/* -- all of them, for one kind -- */

static void run(void (*test)(void), const char *name)
{
	char title[128];

	snprintf(title, sizeof(title), "%s: %s", feeder->kind, name);
	check_run(test, title);
}

int main(int argc, char **argv)
{
	for (size_t i = 0; argc == 2 && i < sizeof(feeders) / sizeof(feeders[0]); i++)
		if (!strcmp(feeders[i]->kind, argv[1]))
			feeder = feeders[i];
	if (!feeder) {
		fprintf(stderr, "usage: link memory|udp4|udp6|packet2|packet3|xdp|xdp-skb|pcap\n");
		return 2;
	}
	if (feeder->obstacle) {
		const char *reason = feeder->obstacle();

		if (reason)
			return check_skip_all(reason);
	}
	make_samples();
	run(test_options, "a wrong option or value is refused by name");
	run(test_limits, "limits hold together");
	run(test_nothing_there, "nothing there, no wait: returns at once");
	run(test_wait_is_bounded, "nothing there: the wait is bounded");
	run(test_packet_ends_wait, "a packet ends the wait");
	run(test_order, "packets come in order, whole and described");
	run(test_capacity_one, "one slot at a time");
	run(test_positions_wrap, "positions wrap");
	run(test_stays_in_its_slots, "no slot is touched that was not offered");
	run(test_truncation, "a packet longer than its slot");
	run(test_kernel_dropped, "the kernel's drops can be asked for by any thread");
	run(test_discard, "discarded packets are counted");
	run(test_replies, "replies reach the far side");
	run(test_close, "close after failure, and twice");
	return check_finish();
}
