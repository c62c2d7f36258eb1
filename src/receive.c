/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The receive pump: reserve free slots, let the link fill them, count them, publish.
 */
#include "queue.h"

#include <errno.h>
#include <string.h>

#include "clock.h"

/* Bursts thrown away before the ring is looked at again. */
enum { DISCARDS_MAX = 16 };

void wn_receive_init(struct wn_queue *queue)
{
	memset(&queue->receive, 0, sizeof(queue->receive));
	wn_producer_init(&queue->receive.producer, &queue->ring);
	queue->follow.is_off = queue->params->times_off;
}

static void show_counts(struct wn_queue *queue)
{
	wn_counter_block_write(&queue->receive_block, queue->receive.values, WN_RX_COUNT);
}

/* Counts what the link has described: the numbers that it gave out, and the bytes. */
static void count_packets(struct wn_receive_side *side, const struct wn_receive_batch *batch)
{
	const uint32_t packets = batch->index - side->index;

	side->index = batch->index;
	side->values[WN_RX_RECEIVED] += packets;
	side->values[WN_RX_ADMITTED] += packets;
	side->values[WN_RX_BYTES] += batch->bytes;
}

/* The ring is full and the link cannot wait: what is there now is read and dropped. */
static void discard(struct wn_queue *queue)
{
	struct wn_receive_side *side = &queue->receive;
	uint64_t bytes = 0;
	int count = 0;

	if (queue->params->when_full != WN_FULL_DROP || !queue->link->ops->discard)
		return;
	for (int turn = 0; turn < DISCARDS_MAX; turn++) {
		const int more = queue->link->ops->discard(queue->link, queue->index, &bytes);

		if (more <= 0)
			break;
		count += more;
	}
	if (!count)
		return;
	side->index += (uint32_t)count;
	side->values[WN_RX_RECEIVED] += (uint64_t)count;
	side->values[WN_RX_RING_FULL] += (uint64_t)count;
	side->values[WN_RX_BYTES] += bytes;
	show_counts(queue);
}

/*
 * A receive call failed. An error that stays must neither fill the log nor burn the core, so the
 * link is left alone for a while; one that cannot heal ends the queue.
 */
static void note_error(struct wn_queue *queue, int error)
{
	struct wn_receive_side *side = &queue->receive;

	side->values[WN_RX_ERRORS]++;
	show_counts(queue);
	wn_queue_log(queue, &side->logged_ns, "%s: receive: %s", queue->link->where,
		     strerror(error));
	if (error == EBADF || error == ENODEV || error == ENOTSOCK) {
		wn_store_release(&queue->lost, 1);
		wn_receive_close(queue);
	} else if (queue->link->limits.is_live) {
		side->quiet_until_ns = wn_clock_ns() + 10 * WN_MILLISECOND_NS;
	} else {
		/* A file does not heal; what it still has comes next. */
		wn_store_release(&queue->lost, 1);
	}
}

/* Whether to leave the link alone; then waits as long as the caller would have in the link. */
static int is_quiet(struct wn_receive_side *side, int64_t wait_ns)
{
	int64_t left;

	if (!side->quiet_until_ns)
		return 0;
	left = side->quiet_until_ns - wn_clock_ns();
	if (left > 0) {
		const struct timespec pause = {0, left < wait_ns ? left : wait_ns};

		if (wait_ns)
			nanosleep(&pause, NULL);
		return 1;
	}
	side->quiet_until_ns = 0;
	return 0;
}

/*
 * Takes up to `wanted` packets of the budget, for a burst. 0 where it is used up, or where other
 * queues hold the rest and may give it back; *is_over tells which.
 */
static uint32_t take_budget(struct wn_packet_budget *budget, uint32_t wanted, int *is_over)
{
	uint32_t taken;

	*is_over = 0;
	if (!budget)
		return wanted;
	pthread_mutex_lock(&budget->lock);
	taken = budget->left < wanted ? (uint32_t)budget->left : wanted;
	budget->left -= taken;
	budget->promised += taken;
	*is_over = !taken && !budget->promised;
	pthread_mutex_unlock(&budget->lock);
	return taken;
}

/* After the burst: `received` of the `taken` were used. */
static void settle_budget(struct wn_packet_budget *budget, uint32_t taken, uint64_t received)
{
	if (!budget)
		return;
	pthread_mutex_lock(&budget->lock);
	budget->promised -= taken;
	if (received < taken)
		budget->left += taken - received;
	else if (received - taken < budget->left)
		budget->left -= received - taken; /* a train brought more than its one slot */
	else
		budget->left = 0;
	pthread_mutex_unlock(&budget->lock);
}

uint32_t wn_receive_burst(struct wn_queue *queue, int64_t wait_ns)
{
	struct wn_receive_side *side = &queue->receive;
	struct wn_receive_batch batch = {
		.view = &queue->ring.view,
		.first = side->producer.published,
		.wait_ns = wait_ns,
		.index = side->index,
		.trains = queue->trains,
	};
	const uint64_t before = side->values[WN_RX_RECEIVED];
	int count, is_over, is_scarce;
	uint32_t wanted;

	if (side->is_closed || is_quiet(side, wait_ns))
		return 0;
	batch.capacity = wn_producer_reserve(&side->producer, queue->link->limits.burst_max);
	if (!batch.capacity) {
		discard(queue);
		return 0;
	}
	wanted = batch.capacity;
	batch.capacity = take_budget(queue->budget, wanted, &is_over);
	is_scarce = batch.capacity < wanted;
	if (is_scarce && batch.wait_ns > WN_MILLISECOND_NS)
		batch.wait_ns = WN_MILLISECOND_NS;
	if (is_over)
		wn_receive_close(queue);
	if (!batch.capacity) {
		if (!is_over && wait_ns)
			nanosleep(&(struct timespec){0, 50000}, NULL);
		return 0;
	}
	count = queue->link->ops->receive(queue->link, queue->index, &batch);
	if (count > 0)
		count_packets(side, &batch);
	settle_budget(queue->budget, batch.capacity, side->values[WN_RX_RECEIVED] - before);
	/* The last packets of a budget may be waiting at another queue: let it have its turn. */
	if (is_scarce && count == 0 && wait_ns)
		nanosleep(&(struct timespec){0, 200000}, NULL);
	if (count > 0) {
		/* Before they are published: a packet that is out must already have been received. */
		show_counts(queue);
		wn_follow_begin(&queue->follow, &queue->ring.view, side->producer.published, (uint32_t)count);
		wn_store_release(&queue->admitted, side->producer.published + (uint32_t)count); /* (A) */
		wn_producer_publish(&side->producer, (uint32_t)count);
		return (uint32_t)count;
	}
	if (count == -ENODATA)
		wn_receive_close(queue);
	else if (count < 0 && count != -EAGAIN && count != -EINTR)
		note_error(queue, -count);
	return 0;
}

void wn_receive_close(struct wn_queue *queue)
{
	if (queue->receive.is_closed)
		return;
	queue->receive.is_closed = 1;
	wn_producer_close(&queue->receive.producer);
	wn_store_release(&queue->receive_done, 1);
}
