/* SPDX-License-Identifier: Apache-2.0 */
#include "drive.h"

#include <errno.h>
#include <string.h>

#include "clock.h"
#include "pump.h"

enum { HOPE = 8 };

#define IDLE_WAIT_NS (20 * WN_MILLISECOND_NS)
#define SPIN_NS 100000             /* after a wake-up: how long to look for the next one at once */
#define PAUSE_NS 300000            /* packets come, and none is answered: between two looks */
/*
 * How often the device's counts are copied. Beside a device with lanes of its own also how long to wait at most:
 * a packet that wakes this thread may be taken by the device before the kernel looks whether to wake it,
 * which then goes on sleeping, and an answer would wait with it.
 */
#define COUNT_NS WN_MILLISECOND_NS
#define SEND_NS (100 * WN_MILLISECOND_NS) /* at the end: how long the kernel may take to send */

/* When the thread last did what; its own. */
struct rhythm {
	int64_t counted_ns;
	int is_counting;        /* the last counts that were copied were new */
	int64_t woken_ns;       /* the kernel was woken */
	uint32_t hope;          /* looks in vain until it is not expected any more that something is sent */
	int64_t logged_ns;
	int is_down;            /* the interface was, when the kernel was last woken */
	int64_t ended_ns;       /* the link was first found to be at its end; 0: it is not */
};

/* -- counters -- */

/* All values of one moment, of what the device counts. */
static void read_values(struct wn_drive_words *words, uint64_t *values)
{
	for (;;) {
		const uint64_t before = wn_load_acquire64(&words->sequence);

		for (uint32_t i = 0; i < WN_DRIVE_VALUES; i++)
			values[i] = wn_load_acquire64(&words->values[i]); /* (G1) */
		if (!(before & 1) && wn_load_relaxed64(&words->sequence) == before)
			return;
		wn_cpu_relax();
	}
}

/* What the device counts comes on top of what the transmit side of this queue has counted by itself. */
static void add_values(struct wn_queue *queue, const uint64_t *now)
{
	uint64_t *values = queue->transmit.values, *seen = queue->driven_values;

	values[WN_TX_FINISHED] += now[WN_DRIVE_FINISHED] - seen[WN_DRIVE_FINISHED];
	values[WN_TX_FINISHED] -= now[WN_DRIVE_HANDED] - seen[WN_DRIVE_HANDED];
	values[WN_TX_ANSWERED] += now[WN_DRIVE_ANSWERED] - seen[WN_DRIVE_ANSWERED];
	values[WN_TX_ANSWERED_BYTES] += now[WN_DRIVE_ANSWERED_BYTES] - seen[WN_DRIVE_ANSWERED_BYTES];
	values[WN_TX_FORWARDED] += now[WN_DRIVE_FORWARDED] - seen[WN_DRIVE_FORWARDED];
	values[WN_TX_DELIVERED] += now[WN_DRIVE_FILED] - seen[WN_DRIVE_FILED];
	values[WN_TX_DROPPED + WN_CAUSE_RING_FULL] += now[WN_DRIVE_FULL] - seen[WN_DRIVE_FULL];
	values[WN_TX_DROPPED + WN_CAUSE_FILE_FULL] += now[WN_DRIVE_FILE_FULL] - seen[WN_DRIVE_FILE_FULL];
	values[WN_TX_DROPPED + WN_CAUSE_SEND_FAILED] +=
		now[WN_DRIVE_SEND_FAILED] - seen[WN_DRIVE_SEND_FAILED];
	for (uint32_t code = 0; code < WN_DRIVE_CODES; code++)
		values[WN_TX_DROPPED + wn_cause_of_code(code)] +=
			now[WN_DRIVE_DROPPED + code] - seen[WN_DRIVE_DROPPED + code];
	memcpy(seen, now, WN_DRIVE_VALUES * sizeof(*seen));
}

/* The transmit block first: a snapshot then never finds more finished than received. */
static void show_counts(struct wn_queue *queue)
{
	uint64_t *rx = queue->receive.values;

	rx[WN_RX_RECEIVED] = queue->driven_values[WN_DRIVE_TAKEN];
	rx[WN_RX_ADMITTED] = rx[WN_RX_RECEIVED];
	rx[WN_RX_BYTES] = queue->driven_values[WN_DRIVE_TAKEN_BYTES];
	rx[WN_RX_ERRORS] = queue->driven_values[WN_DRIVE_RECEIVE_ERRORS];
	wn_counter_block_write(&queue->receive_block, rx, WN_RX_COUNT);
	wn_counter_block_write(&queue->transmit_block, queue->transmit.values, WN_TX_COUNT);
}

/* Copies the device's counts. Returns whether there was anything new. */
static int count(struct wn_queue *queue)
{
	uint64_t now[WN_DRIVE_VALUES];

	read_values(queue->drive->view.words, now);
	if (!memcmp(now, queue->driven_values, sizeof(now)) && queue->transmit.values[WN_TX_FINISHED] == queue->driven_shown)
		return 0;
	add_values(queue, now);
	show_counts(queue);
	queue->driven_shown = queue->transmit.values[WN_TX_FINISHED];
	return 1;
}

/* -- the handover ring -- */

/* Carries out what the device handed over. Returns the slots, or -EIO where its cursor cannot be true. */
static int take_handed(struct wn_queue *queue)
{
	struct wn_drive_words *words = queue->drive->view.words;
	const uint32_t published = wn_load_acquire(&queue->ring.view.words->published); /* (D1) */
	const uint32_t released = queue->transmit.consumer.released;
	uint32_t done = 0;

	if (published == released)
		return 0;
	if (published - released > queue->ring.header.slot_count)
		return -EIO;
	wn_store_release(&queue->admitted, published); /* (A) */
	while (queue->transmit.consumer.released != published) {
		const uint32_t some = wn_transmit_burst(queue);

		if (!some)
			return -EIO; /* words come before the cursor: one is missing */
		done += some;
		wn_store_release(&words->released, queue->transmit.consumer.released); /* (R1) */
	}
	return (int)done;
}

/* -- settling -- */

/* Given to the kernel and never taken by it: those were counted as answered, or forwarded. */
static void take_unsent(struct wn_queue *queue, uint32_t unsent)
{
	uint64_t *values = queue->transmit.values;
	const uint64_t answered = values[WN_TX_ANSWERED] < unsent ? values[WN_TX_ANSWERED] : unsent;

	values[WN_TX_ANSWERED] -= answered;
	values[WN_TX_FORWARDED] -= unsent - answered;
	values[WN_TX_DROPPED + WN_CAUSE_SEND_FAILED] += unsent;
}

/* What the device had not shown: counted by the cursors of the rings, which tell all but who is whose. */
static uint32_t settle(struct wn_queue *queue, int is_final)
{
	uint64_t now[WN_DRIVE_VALUES];
	struct wn_drive_words *words = queue->drive->view.words;
	const uint32_t published = wn_load_acquire(&queue->ring.view.words->published);
	struct wn_drive_cursors cursors = {.taken = 0};
	uint32_t taken, sent, handed, filed;

	take_handed(queue);
	read_values(words, now);
	queue->link->ops->settle(queue->link, queue->index, &cursors);
	taken = cursors.taken - (uint32_t)(now[WN_DRIVE_TAKEN] + now[WN_DRIVE_BAD_ARRIVALS]);
	sent = cursors.sent - (uint32_t)(now[WN_DRIVE_ANSWERED] + now[WN_DRIVE_FORWARDED]);
	handed = published - (uint32_t)now[WN_DRIVE_HANDED];
	filed = cursors.filed - (uint32_t)now[WN_DRIVE_FILED];
	now[WN_DRIVE_TAKEN] += taken;
	now[WN_DRIVE_FINISHED] += taken;
	now[WN_DRIVE_ANSWERED] += sent;
	now[WN_DRIVE_HANDED] += handed;
	now[WN_DRIVE_FILED] += filed;
	now[WN_DRIVE_DROPPED + WN_CODE_STOPPED] += taken - sent - handed - filed;
	now[WN_DRIVE_CQ_CURSOR] = cursors.cq;
	now[WN_DRIVE_SQ_CURSOR] = cursors.sq;
	for (uint32_t i = 0; i < WN_DRIVE_VALUES; i++)
		wn_store_relaxed64(&words->values[i], now[i]);
	add_values(queue, now);
	if (is_final)
		take_unsent(queue, cursors.unsent);
	show_counts(queue);
	return taken - sent - handed - filed;
}

/* The ring by which packets arrive. */
static const struct wn_kernel_ring *arrivals(const struct wn_drive_view *view)
{
	return view->kind == WN_DRIVE_XDP ? &view->xdp.rx : &view->uring.cq;
}

uint32_t wn_drive_arrived(const struct wn_drive *drive)
{
	const struct wn_kernel_ring *rx = arrivals(&drive->view);

	return wn_load_acquire(rx->producer) - wn_load_acquire(rx->consumer);
}

uint32_t wn_drive_taken(const struct wn_drive *drive)
{
	return wn_load_acquire(arrivals(&drive->view)->consumer);
}

uint32_t wn_drive_ask_settle(struct wn_drive *drive)
{
	const uint32_t wanted = drive->settle_wanted + 1;

	wn_store_release(&drive->settle_wanted, wanted);
	if (wn_backoff_until_equal(&drive->settle_done, wanted, wn_clock_ns() + WN_SECOND_NS))
		return 0; /* the thread has left: the owner settles, at the end */
	return drive->settle_lost;
}

static void settle_if_asked(struct wn_queue *queue)
{
	struct wn_drive *drive = queue->drive;
	const uint32_t wanted = wn_load_acquire(&drive->settle_wanted);

	if (wanted == drive->settle_done)
		return;
	drive->settle_lost = settle(queue, 0);
	wn_store_release(&drive->settle_done, wanted);
}

/* -- turns -- */

static int has_own_lanes(const struct wn_pump *pump)
{
	return !pump->device->ops->serve || pump->device->mode != WN_MODE_BATCH;
}

/* What wake() may say: nothing will come, or go, any more. */
static int is_end(int rc)
{
	return rc == -ENODEV || rc == -EOWNERDEAD;
}

/* Wakes the kernel where it wants that. Returns 1 where it did, 0, or -errno: the link is at its end. */
static int wake(struct wn_queue *queue, struct rhythm *rhythm)
{
	const int rc = queue->link->ops->wake(queue->link, queue->index);

	if (rc >= 0) {
		rhythm->is_down = 0;
		return rc;
	}
	if (is_end(rc)) {
		rhythm->ended_ns = rhythm->ended_ns ? rhythm->ended_ns : wn_clock_ns();
		return rc;
	}
	if (!rhythm->is_down)
		wn_queue_log(queue, &rhythm->logged_ns, "%s: %s", queue->link->where, strerror(-rc));
	rhythm->is_down = 1;
	return 0;
}

/* Nothing to do: waits for something. 0, or -ENODEV: nothing will come. A device with lanes of its own sees to packets itself meanwhile. */
static int rest(struct wn_pump *pump, struct rhythm *rhythm)
{
	struct wn_queue *queue = pump->queue;
	const struct timespec pause = {0, PAUSE_NS};
	const int64_t now_ns = wn_clock_ns();
	int ready;

	if (has_own_lanes(pump) && now_ns - rhythm->woken_ns < SPIN_NS) {
		wn_cpu_relax();
		return 0;
	}
	/* Not long, as long as there are counts that nobody has seen. */
	ready = queue->link->ops->wait(queue->link, queue->index,
				       has_own_lanes(pump) || rhythm->is_counting ? COUNT_NS : IDLE_WAIT_NS);
	if (!has_own_lanes(pump) || ready <= 0)
		return ready < 0 ? ready : 0;
	/* Something came. Is it of those that are answered? */
	if (rhythm->hope) {
		rhythm->hope--;
		rhythm->woken_ns = wn_clock_ns();
	} else {
		nanosleep(&pause, NULL);
	}
	return 0;
}

static uint32_t serve(struct wn_pump *pump)
{
	uint32_t served;

	if (has_own_lanes(pump))
		return 0;
	wn_pump_enter(pump);
	served = pump->device->ops->serve(pump->device, pump->queue->number);
	wn_pump_leave(pump);
	return served;
}

/* One turn. Returns whether anything was done, or -errno: the queue is at its end. */
static int turn(struct wn_pump *pump, struct rhythm *rhythm)
{
	struct wn_queue *queue = pump->queue;
	const uint32_t served = serve(pump);
	const int handed = take_handed(queue);
	const int woken = handed < 0 ? 0 : wake(queue, rhythm);
	const int64_t now_ns = wn_clock_ns();

	settle_if_asked(queue);
	if (handed < 0)
		return handed;
	if (woken > 0) {
		rhythm->woken_ns = now_ns;
		rhythm->hope = HOPE;
	}
	if (now_ns - rhythm->counted_ns > COUNT_NS) {
		rhythm->is_counting = count(queue);
		rhythm->counted_ns = now_ns;
	}
	if (woken < 0)
		return woken;
	return served || handed || woken;
}

/* -- the end -- */

static int must_leave(const struct wn_pump *pump)
{
	return wn_load_relaxed(&pump->control->give_up) || wn_load_acquire(&pump->device->failed);
}

/* The link is at its end, and the device still waits for something of it: for a write that nobody carries out any more. */
static int is_stranded(const struct wn_queue *queue, const struct rhythm *rhythm)
{
	return rhythm->ended_ns && wn_clock_ns() - rhythm->ended_ns > queue->params->stop_ms * WN_MILLISECOND_NS;
}

/* Nothing arrives any more: what has arrived is still served, and sent. */
static void drain(struct wn_pump *pump, struct rhythm *rhythm)
{
	struct wn_queue *queue = pump->queue;
	struct wn_drive_words *words = queue->drive->view.words;
	struct wn_backoff backoff;
	int64_t until_ns = 0;

	wn_backoff_init(&backoff, pump->device->cores);
	while (!must_leave(pump)) {
		const int moved = turn(pump, rhythm);

		if (moved > 0)
			wn_backoff_reset(&backoff);
		if (!wn_load_relaxed(&words->closed) &&
		    (rhythm->ended_ns || queue->link->ops->quiesce(queue->link, queue->index)))
			wn_store_release(&words->closed, 1); /* (C1) */
		if (wn_load_acquire(&words->left)) { /* (Y1) */
			if (!until_ns)
				until_ns = wn_clock_ns() + SEND_NS;
			if (moved <= 0 && (!queue->link->ops->sending(queue->link, queue->index) ||
					   moved < 0 || wn_clock_ns() > until_ns))
				break;
		} else if (is_stranded(queue, rhythm)) {
			wn_store_release(&queue->stranded, 1);
			break;
		}
		if (moved <= 0)
			wn_backoff_wait(&backoff);
	}
}

static void lose(struct wn_queue *queue, struct rhythm *rhythm, int error)
{
	if (error == -EIO) {
		wn_queue_log(queue, &rhythm->logged_ns, "%s: queue %u stopped: handover ring corrupt",
			     queue->link->where, queue->index);
		wn_store_release(&queue->failed, 1);
	} else {
		wn_queue_log(queue, &rhythm->logged_ns, "%s: queue %u: %s", queue->link->where, queue->index,
			     error == -EOWNERDEAD ? "the kernel's thread for its ring is no more (EOWNERDEAD)" : strerror(-error));
		wn_store_release(&queue->lost, 1);
	}
}

void *wn_drive_run(void *argument)
{
	struct wn_pump *pump = argument;
	struct wn_queue *queue = pump->queue;
	struct rhythm rhythm = {.hope = HOPE};
	int moved = 0;

	while (!must_leave(pump) && !wn_load_relaxed(&pump->control->stop)) {
		moved = turn(pump, &rhythm);
		if (!moved)
			moved = rest(pump, &rhythm);
		if (moved < 0)
			break;
	}
	if (moved < 0)
		lose(queue, &rhythm, moved);
	if (moved != -EIO)
		drain(pump, &rhythm);
	count(queue);
	queue->receive.is_closed = 1;
	wn_store_release(&queue->receive_done, 1);
	wn_store_release(&pump->done[0], 1);
	return NULL;
}

void wn_drive_settle(struct wn_queue *queue, int is_final)
{
	settle(queue, is_final);
	if (is_final && queue->link->ops->finish)
		queue->link->ops->finish(queue->link, queue->index);
}

void wn_drive_count_held(struct wn_queue *queue)
{
	const struct wn_drive_view *view = &queue->drive->view;
	uint64_t held = 0;

	for (uint32_t i = 0; i < view->frame_count; i++)
		held += wn_load_relaxed8(&view->states[i]) == WN_FRAME_DEVICE;
	wn_store_relaxed64(&queue->held, held);
}
