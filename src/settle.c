/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a device wrote is copied, then checked, then used: words are copied by the peek, codes and
 * lengths are checked here, and of a slot only what the receive pump keeps in private decides how
 * many packets it holds and where a reply goes.
 */
#include "settle.h"

#include <errno.h>
#include <string.h>

#include "clock.h"

/* How long a burst that cannot be sent just now may hold up the queue. */
#define SEND_PATIENCE_NS WN_MILLISECOND_NS

/* How long a drained queue waits for what a link holds back of its packets. */
#define LATE_PATIENCE_NS WN_SECOND_NS

void wn_settle_drop(struct wn_queue *queue, enum wn_cause cause, uint32_t packets)
{
	queue->transmit.values[WN_TX_DROPPED + cause] += packets;
}

/* Where each enum wn_fate is counted. */
static const uint8_t fate_values[] = {WN_TX_ANSWERED, WN_TX_FORWARDED, WN_TX_DELIVERED};

/* -- packets that a link holds a part of -- */

/* What the outlet's link held a part of is gone, or is not to be waited for. Under its send lock. */
static void end_late(struct wn_queue *outlet, int rc)
{
	struct wn_late *late = &outlet->late_owner->late;

	pthread_mutex_lock(&late->lock);
	if (rc)
		late->failed++;
	else
		late->sent[outlet->late_fate]++;
	pthread_mutex_unlock(&late->lock);
	outlet->late_owner = NULL;
}

/* Pushes on. Whether the link holds a part back now. Under the outlet's send lock. */
static int is_held_back(struct wn_queue *outlet)
{
	const struct wn_link_ops *ops = outlet->link->ops;
	const int rc = ops->flush ? ops->flush(outlet->link, outlet->index) : 0;

	if (!outlet->late_owner)
		return 0;
	if (rc != -EAGAIN)
		end_late(outlet, rc);
	return rc == -EAGAIN;
}

static void push_outlet(struct wn_queue *queue, struct wn_queue *outlet, int must_end)
{
	pthread_mutex_lock(&outlet->send_lock);
	if (outlet->late_owner && is_held_back(outlet) && must_end && outlet->late_owner == queue)
		end_late(outlet, -EAGAIN);
	pthread_mutex_unlock(&outlet->send_lock);
}

/* Whether the time is over that a drained queue gives them. */
static int is_over(struct wn_transmit_side *side, int is_drained)
{
	if (!is_drained)
		return 0;
	if (!side->late_until_ns)
		side->late_until_ns = wn_clock_ns() + LATE_PATIENCE_NS;
	return wn_clock_ns() >= side->late_until_ns;
}

uint64_t wn_settle_late(struct wn_queue *queue, int is_drained)
{
	struct wn_transmit_side *side = &queue->transmit;
	const int must_end = is_over(side, is_drained);
	uint32_t ended;

	for (uint32_t i = 0; i < queue->outlets.count; i++)
		for (uint32_t k = 0; k < queue->outlets.queues[i]->link->limits.queue_count; k++)
			push_outlet(queue, queue->outlets.queues[i] + k, must_end);
	pthread_mutex_lock(&queue->late.lock);
	ended = queue->late.failed;
	wn_settle_drop(queue, WN_CAUSE_SEND_FAILED, queue->late.failed);
	for (uint32_t i = 0; i < WN_FATES; i++) {
		ended += queue->late.sent[i];
		side->values[fate_values[i]] += queue->late.sent[i];
		queue->late.sent[i] = 0;
	}
	queue->late.failed = 0;
	pthread_mutex_unlock(&queue->late.lock);
	side->late_count -= ended;
	return ended;
}

/* -- sending -- */

static void count_item(struct wn_queue *queue, uint32_t i)
{
	struct wn_transmit_side *side = &queue->transmit;
	const struct wn_send_item *item = &side->items[i];

	if (item->error == EINPROGRESS) {
		side->late_count++; /* a link of frames: no train */
	} else if (item->error) {
		/* Of a train some may have gone before the error came. */
		const uint32_t sent = item->sent < side->weights[i] ? item->sent : side->weights[i];

		wn_settle_drop(queue, WN_CAUSE_SEND_FAILED, side->weights[i] - sent);
		side->values[fate_values[side->fates[i]]] += sent;
		wn_queue_log(queue, &side->logged_ns, "%s: send: %s", side->outlet->link->where,
			     strerror(item->error));
	} else {
		side->values[fate_values[side->fates[i]]] += side->weights[i];
		if (side->fates[i] == WN_FATE_ANSWERED)
			side->values[WN_TX_ANSWERED_BYTES] += item->length;
	}
}

/*
 * Sends items[0..count) on the outlet's link. All together may wait for SEND_PATIENCE_NS where it
 * cannot take them yet; after that each is tried once.
 */
static void send_items(struct wn_queue *queue, struct wn_queue *outlet)
{
	struct wn_send_item *items = queue->transmit.items;
	const uint32_t count = queue->transmit.item_count;
	const struct wn_link_ops *ops = outlet->link->ops;
	const uint32_t burst = outlet->link->limits.burst_max;
	int64_t refused_ns = 0;  /* when this burst was first refused */
	struct wn_backoff backoff;
	uint32_t done = 0;

	wn_backoff_init(&backoff, 2);
	while (done < count) {
		const uint32_t left = count - done;
		int sent = 0;

		if (!outlet->late_owner || !is_held_back(outlet))
			sent = ops->send(outlet->link, outlet->index, items + done, left < burst ? left : burst);
		if (sent > 0) {
			done += (uint32_t)sent;
			if (items[done - 1].error == EINPROGRESS) {
				outlet->late_owner = queue;
				outlet->late_fate = (enum wn_fate)queue->transmit.fates[done - 1];
			}
			continue;
		}
		if (!refused_ns)
			refused_ns = wn_clock_ns();
		if (wn_clock_ns() - refused_ns < SEND_PATIENCE_NS) {
			wn_backoff_wait(&backoff);
		} else {
			if (!items[done].error)
				items[done].error = EAGAIN;
			done++;
		}
	}
}

/* 0, or the errno with which nothing of this queue can leave by that outlet. */
static int refusal_of(const struct wn_queue *queue, const struct wn_queue *outlet)
{
	if (!outlet->link->limits.can_send)
		return EOPNOTSUPP;
	return outlet->link->limits.kind == queue->link->limits.kind ? 0 : EPROTOTYPE;
}

/* Sends what has been gathered, and counts what became of each. */
static void flush_items(struct wn_queue *queue)
{
	struct wn_transmit_side *side = &queue->transmit;
	struct wn_queue *outlet = side->outlet;
	int refusal;

	if (!side->item_count)
		return;
	refusal = refusal_of(queue, outlet);
	if (!refusal) {
		pthread_mutex_lock(&outlet->send_lock);
		send_items(queue, outlet);
		is_held_back(outlet);
		pthread_mutex_unlock(&outlet->send_lock);
	}
	for (uint32_t i = 0; i < side->item_count; i++) {
		if (refusal)
			side->items[i].error = refusal;
		count_item(queue, i);
	}
	side->item_count = 0;
}

/* Adds an item for `outlet`; `packets` of this queue are behind it. */
static void gather(struct wn_queue *queue, struct wn_queue *outlet, enum wn_fate fate,
		   const struct wn_send_item *item, uint32_t packets)
{
	struct wn_transmit_side *side = &queue->transmit;

	if (side->item_count == WN_BURST_MAX || (side->item_count && side->outlet != outlet))
		flush_items(queue);
	side->outlet = outlet;
	side->items[side->item_count] = *item;
	side->weights[side->item_count] = packets;
	side->fates[side->item_count++] = (uint8_t)fate;
}

/* The queue that a FORWARD code names, or NULL. */
static struct wn_queue *outlet_of(const struct wn_queue *queue, uint32_t code)
{
	uint32_t link = code - WN_FORWARD_LINK;
	struct wn_queue *first;

	if (code == WN_FORWARD) {
		link = (queue->link_index + 1) % queue->outlets.count;
		/* The file of -w is no link in that sense. */
		if (queue->outlets.deliveries && queue->outlets.queues[link] == queue->outlets.deliveries)
			link = (link + 1) % queue->outlets.count;
	}
	if (link >= queue->outlets.count)
		return NULL;
	first = queue->outlets.queues[link];
	return first + queue->index % first->link->limits.queue_count;
}

static void call_deliver(struct wn_queue *queue, const struct wn_delivery *delivery)
{
	const struct wn_runtime_params *params = queue->params;
	int error = params->deliver ? params->deliver(params->context, delivery) : 0;

	if (error)
		wn_settle_drop(queue, WN_CAUSE_SEND_FAILED, 1);
	else
		queue->transmit.values[WN_TX_DELIVERED]++;
}

/* One datagram or frame of a slot, as the transmit pump sees it. */
struct piece {
	uint32_t index;      /* of the slot, masked */
	uint32_t segment;    /* number within the slot */
	uint32_t offset;     /* of its bytes within the frame */
};

/* Hands one piece to the host: its record or itself. */
static void deliver(struct wn_queue *queue, const struct piece *piece, uint32_t code,
		    uint32_t length)
{
	const struct wn_ring_view *view = &queue->ring.view;
	const struct wn_slot *slot = &view->slots[piece->index];
	const uint64_t record = (uint64_t)piece->index * view->segments_max + piece->segment;
	struct wn_delivery delivery = {
		.link = queue->link_index,
		.queue = queue->index,
		.index = slot->index + piece->segment,
		.is_record = code == WN_CODE_RECORD,
		.is_frame = queue->link->limits.kind == WN_FRAME,
		.length = length,
		.arrival_ns = slot->arrival_ns,
	};

	if (delivery.is_record) {
		delivery.bytes = view->results + record * view->result_bytes;
	} else {
		delivery.bytes = wn_ring_frame(view, piece->index) + piece->offset;
		delivery.wire_length = slot->segment_count > 1 ? length : slot->wire_length;
	}
	call_deliver(queue, &delivery);
}

/* Sends one piece somewhere: back, to another link, or to where deliveries are kept. */
static void send_piece(struct wn_queue *queue, const struct piece *piece, struct wn_queue *outlet,
		       enum wn_fate fate, uint32_t length)
{
	const struct wn_slot *slot = &queue->ring.view.slots[piece->index];
	const struct wn_send_item item = {
		.bytes = wn_ring_frame(&queue->ring.view, piece->index) + piece->offset,
		.length = length,
		.reply_index = fate == WN_FATE_ANSWERED ? piece->index : WN_NOT_A_REPLY,
		.wire_length = fate == WN_FATE_DELIVERED && slot->segment_count < 2 ? slot->wire_length : 0,
		.arrival_ns = fate == WN_FATE_DELIVERED ? slot->arrival_ns : 0,
	};

	if (outlet)
		gather(queue, outlet, fate, &item, 1);
	else
		wn_settle_drop(queue, WN_CAUSE_BAD_VERDICT, 1);
}

/* Carries out the verdict on one piece. `room` is how long it may be. */
static void settle(struct wn_queue *queue, const struct piece *piece, uint32_t word, uint32_t room)
{
	const uint32_t code = wn_verdict_code(word);
	const uint32_t length = wn_verdict_length(word);

	if (code == WN_CODE_RECORD ? length > queue->ring.view.result_bytes : length > room)
		wn_settle_drop(queue, WN_CAUSE_BAD_VERDICT, 1);
	else if (code == WN_REPLY)
		send_piece(queue, piece, queue, WN_FATE_ANSWERED, length);
	else if (code == WN_DELIVER && queue->outlets.deliveries)
		send_piece(queue, piece, queue->outlets.deliveries, WN_FATE_DELIVERED, length);
	else if (code == WN_DELIVER || code == WN_CODE_RECORD)
		deliver(queue, piece, code, length);
	else if (code == WN_FORWARD || code >= WN_FORWARD_LINK)
		send_piece(queue, piece, outlet_of(queue, code), WN_FATE_FORWARDED, length);
	else
		wn_settle_drop(queue, wn_cause_of_code(code), 1);
}

/* The segments of a train one by one: each has a word, or all share the slot's. */
static void settle_segments(struct wn_queue *queue, uint32_t index, const struct wn_train *train,
			    uint32_t word)
{
	const struct wn_ring_view *view = &queue->ring.view;
	const uint32_t *words = view->segments + (uint64_t)index * view->segments_max;
	const int is_shared = wn_verdict_code(word) != WN_CODE_TRAIN;

	for (uint32_t i = 0; i < train->segment_count; i++) {
		const struct piece piece = {index, i, i * train->segment_bytes};
		const uint32_t left = train->length - piece.offset;
		const uint32_t received = left < train->segment_bytes ? left : train->segment_bytes;

		settle(queue, &piece,
		       is_shared ? wn_verdict_word(0, wn_verdict_code(word), received)
				 : wn_load_relaxed(&words[i]),
		       received);
	}
}

/* A train goes out as a train where all of it has one verdict and its lengths. */
static void settle_train(struct wn_queue *queue, uint32_t index, uint32_t word)
{
	const struct wn_train train = queue->trains[index];
	const uint32_t code = wn_verdict_code(word);
	const struct wn_send_item item = {
		.bytes = wn_ring_frame(&queue->ring.view, index),
		.length = train.length,
		.segment_bytes = train.segment_bytes,
		.reply_index = index,
	};

	if (code == WN_REPLY && wn_verdict_length(word) == train.length)
		gather(queue, queue, WN_FATE_ANSWERED, &item, train.segment_count);
	else if (code == WN_DROP)
		wn_settle_drop(queue, WN_CAUSE_PROGRAM, train.segment_count);
	else
		settle_segments(queue, index, &train, word);
}

uint32_t wn_settle_packets_in(const struct wn_queue *queue, uint32_t index)
{
	return queue->trains ? queue->trains[index].segment_count : 1;
}

uint64_t wn_settle_burst(struct wn_queue *queue, uint32_t first, uint32_t count)
{
	struct wn_transmit_side *side = &queue->transmit;
	const uint32_t late = side->late_count;
	const struct wn_ring_view *view = &queue->ring.view;
	uint64_t finished = 0;
	uint32_t dropped = 0;

	for (uint32_t i = 0; i < count; i++) {
		const uint32_t index = (first + i) & view->slot_mask;
		const struct piece piece = {index, 0, 0};
		const uint32_t packets = wn_settle_packets_in(queue, index);

		finished += packets;
		if (!queue->trains && wn_verdict_code(side->words[i]) == WN_DROP)
			dropped++;
		else if (packets > 1)
			settle_train(queue, index, side->words[i]);
		else
			settle(queue, &piece, side->words[i], view->slot_bytes);
	}
	wn_settle_drop(queue, WN_CAUSE_PROGRAM, dropped);
	flush_items(queue);
	return finished - (side->late_count - late);
}
