/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ring on threads: one receive pump, three device groups, one transmit pump, with the real
 * producer.h, port_ring.h and consumer.h between them. Every byte but the shared words is plain,
 * so ThreadSanitizer sees each order that is missing; tests/order/mutants takes them away one by
 * one.
 *
 *   ring_threads           all of these
 *   ring_threads order     packets through the ring, cursors wrapping on the way
 *   ring_threads ahead     a device that answers what it has not seen
 *   ring_threads corrupt   a slot that does not hold its position
 */
#include "check.h"

#include <sched.h>

#include "lane/port_ring.h"
#include "ring/consumer.h"
#include "ring/producer.h"
#include "warpnic/verdict.h"

enum { SLOTS = 64, GROUPS = 3, TOTAL = 12000 };

/* Starts so that cursors pass 2^32, at the beginning of a block and of a lap. */
#define START (0u - TOTAL / 2 / SLOTS * SLOTS)

/* What the host knows and no device can write: the packet's sender, in the place of an address. */
struct host {
	struct wn_ring ring;
	struct wn_producer producer;
	struct wn_consumer consumer;
	struct wn_port ports[GROUPS];
	uint32_t senders[SLOTS];
	uint32_t admitted;
	uint32_t spoil;           /* the packet whose slot gets a wrong position, from 1; or 0 */
	uint32_t sent;
	uint32_t corrupt_position;
};

static struct host host;

static void fill(uint32_t position, uint32_t number)
{
	const struct wn_ring_view *view = &host.ring.view;
	const uint32_t index = position & view->slot_mask;
	uint32_t *frame = (uint32_t *)(void *)wn_ring_frame(view, index);

	for (uint32_t i = 0; i < 4; i++)
		frame[i] = position + i;
	view->slots[index].length = 16;
	view->slots[index].index = number;
	view->slots[index].position = number + 1 == host.spoil ? 0 : position + 1;
	view->peers[index].port = (uint16_t)position;
	host.senders[index] = ~position;
}

static void *receive_pump(void *unused)
{
	uint32_t made = 0;

	while (made < TOTAL) {
		const uint32_t wanted = 1 + made % 40;
		uint32_t count = wn_producer_reserve(&host.producer, wanted);

		if (wn_load_relaxed(&host.ring.view.words->corrupt))
			break;
		count = count < TOTAL - made ? count : TOTAL - made;
		if (!count) {
			sched_yield();
			continue;
		}
		for (uint32_t i = 0; i < count; i++)
			fill(host.producer.published + i, made + i);
		made += count;
		wn_store_release(&host.admitted, host.producer.published + count); /* (A) */
		wn_producer_publish(&host.producer, count);
	}
	wn_producer_close(&host.producer);
	return unused;
}

/* 0, or 1 when the slot does not hold its position. */
static int serve(struct wn_port *port, uint32_t position)
{
	const struct wn_ring_view *view = &port->view;
	const uint32_t index = position & view->slot_mask;
	uint32_t *frame = (uint32_t *)(void *)wn_ring_frame(view, index);

	if (view->slots[index].position != position + 1) {
		wn_port_report_corrupt(port, position);
		return 1;
	}
	CHECK_INT(frame[3], position + 3);
	CHECK_INT(view->peers[index].port, (uint16_t)position);
	for (uint32_t i = 0; i < 4; i++)
		frame[i] = ~frame[i];
	view->results[index * view->result_bytes] = (uint8_t)position;
	wn_port_answer(port, position,
		       wn_verdict_word(wn_lap(position, view->slot_shift), WN_REPLY,
				       view->slots[index].length));
	return 0;
}

static void *device_group(void *argument)
{
	struct wn_port *port = argument;

	while (!wn_load_relaxed(&port->view.words->corrupt)) {
		const uint32_t count = wn_port_peek(port);

		if (!count && wn_port_finished(port))
			break;
		if (!count) {
			sched_yield();
			continue;
		}
		for (uint32_t i = 0; i < count; i++)
			if (serve(port, port->position + i))
				return NULL;
		wn_port_retire(port, count);
	}
	return NULL;
}

/* Answers every slot as soon as its last lap is over, whether or not it was published. */
static void *hasty_group(void *argument)
{
	struct wn_port *port = argument;
	const struct wn_ring_view *view = &port->view;

	for (uint32_t made = 0; made < TOTAL; made++) {
		while (made - (wn_load_relaxed(&host.ring.released) - START) >= SLOTS)
			sched_yield();
		wn_port_answer(port, START + made,
			       wn_verdict_word(wn_lap(START + made, view->slot_shift), WN_REPLY, 16));
	}
	return NULL;
}

static void take(uint32_t position, uint32_t word, int is_served)
{
	const struct wn_ring_view *view = &host.ring.view;
	const uint32_t index = position & view->slot_mask;
	const uint32_t *frame = (uint32_t *)(void *)wn_ring_frame(view, index);

	CHECK_INT(wn_verdict_code(word), WN_REPLY);
	CHECK_INT(wn_verdict_length(word), 16);
	CHECK_INT(host.senders[index], ~position);
	for (uint32_t i = 0; i < 4; i++)
		CHECK_INT(frame[i], is_served ? ~(position + i) : position + i);
	if (is_served)
		CHECK_INT(view->results[index * view->result_bytes], (uint8_t)position);
}

/* Takes a burst, every other time as a run of one code. Returns how many. */
static uint32_t take_burst(uint32_t limit, uint32_t turn, int is_served)
{
	const uint32_t run = turn & 1 ? wn_consumer_run_of(&host.consumer, limit, WN_REPLY, 24) : 0;
	uint32_t verdicts[48];
	const uint32_t count = wn_consumer_peek(&host.consumer, limit, run, verdicts + run, 48 - run);

	for (uint32_t i = 0; i < run; i++)
		verdicts[i] = wn_verdict_word(0, WN_REPLY, 16);
	for (uint32_t i = 0; i < run + count; i++)
		take(host.consumer.released + i, verdicts[i], is_served);
	return run + count;
}

static void transmit_pump(int is_served)
{
	struct wn_ring_words *words = host.ring.view.words;
	uint32_t turn = 0;

	while (host.sent < TOTAL) {
		const uint32_t limit = wn_load_acquire(&host.admitted); /* (L) */
		const uint32_t count = take_burst(limit, turn++, is_served);

		host.sent += count;
		if (count)
			wn_consumer_retire(&host.consumer, count);
		else if (wn_load_acquire(&words->corrupt)) /* (Y) */
			break;
		else
			sched_yield();
	}
	if (wn_load_acquire(&words->corrupt)) /* (Y) */
		host.corrupt_position = wn_load_relaxed(&words->corrupt_position);
}

static void preset(void)
{
	const struct wn_ring_view *view = &host.ring.view;

	host.producer.published = host.producer.released_seen = START;
	host.consumer.released = host.admitted = START;
	view->words->published = host.ring.released = START;
	for (uint32_t position = START - SLOTS; position != START; position++)
		view->verdicts[position & view->slot_mask] =
			wn_verdict_word(wn_lap(position, view->slot_shift), WN_DROP, 0);
}

/* Runs all threads to the end; the transmit pump is the caller. */
static void pass(void *(*group)(void *), uint32_t group_count, uint32_t spoil)
{
	const struct wn_ring_geometry geometry = {SLOTS, 64, 1};
	pthread_t receiver, groups[GROUPS];

	memset(&host, 0, sizeof(host));
	if (!CHECK_INT(wn_ring_create(&host.ring, &geometry, NULL), 0))
		return;
	wn_producer_init(&host.producer, &host.ring);
	wn_consumer_init(&host.consumer, &host.ring);
	host.spoil = spoil;
	preset();
	for (uint32_t g = 0; g < group_count; g++) {
		wn_port_init(&host.ports[g], &host.ring.view, g, group_count);
		host.ports[g].position += START;
		pthread_create(&groups[g], NULL, group, &host.ports[g]);
	}
	pthread_create(&receiver, NULL, receive_pump, NULL);
	transmit_pump(group == device_group);
	pthread_join(receiver, NULL);
	for (uint32_t g = 0; g < group_count; g++)
		pthread_join(groups[g], NULL);
	wn_ring_destroy(&host.ring);
}

static void test_each_packet_once_in_order(void)
{
	for (uint32_t groups = 1; groups <= GROUPS; groups++) {
		pass(device_group, groups, 0);
		CHECK_INT(host.sent, TOTAL);
	}
}

static void test_device_that_answers_ahead(void)
{
	pass(hasty_group, 1, 0);
	CHECK_INT(host.sent, TOTAL);
}

static void test_corrupt_slot_stops_the_queue(void)
{
	pass(device_group, 2, TOTAL / 2);
	CHECK_INT(host.corrupt_position, START + TOTAL / 2 - 1);
	CHECK(host.sent < TOTAL / 2);
}

int main(int argc, char **argv)
{
	const char *only = argc > 1 ? argv[1] : "";

	if (!*only || !strcmp(only, "order"))
		RUN(test_each_packet_once_in_order);
	if (!*only || !strcmp(only, "ahead"))
		RUN(test_device_that_answers_ahead);
	if (!*only || !strcmp(only, "corrupt"))
		RUN(test_corrupt_slot_stops_the_queue);
	return check_finish();
}
