/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is left of an xdp link's frames when the device that drove it has died at any moment of a batch: the link puts
 * them in order (wn_xdp_settle), then counts them (wn_xdp_census). Rings and frames are plain memory here; a lane
 * goes through a batch step by step, as lane/port_xdp.h has them, and stops.
 */
#include <stdlib.h>
#include <string.h>

#include "lane/drive_lane.h"
#include "link/link.h"
#include "link/xdp.h"
#include "tests/check.h"

enum { HALF = 16, FRAMES = 2 * HALF, FRAME_BYTES = 2048, BATCH = 5, SENT = 3 };

/* Where the device dies. */
enum step {
	STEP_BEFORE,            /* it has taken nothing */
	STEP_TAKEN,             /* it has the batch in hand */
	STEP_PUT,               /* entries of tx and fill are written; no cursor was stored */
	STEP_RELEASED,          /* rx and completion were given back; tx and fill not shown */
	STEP_SHOWN,             /* all is done */
	STEP_COUNT
};

struct cursors {
	uint32_t producer, consumer, flags;
};

static struct {
	struct wn_link link;
	struct wn_xdp_state state;
	struct wn_xdp_queue queue;
	struct cursors fill, rx, tx, completion;
	uint64_t fill_entries[4 * HALF * 2], completion_entries[FRAMES];
	struct xdp_desc rx_entries[FRAMES], tx_entries[4 * HALF];
	struct wn_drive drive;
} fake;

static struct wn_xdp_ring ring_of(struct cursors *cursors, void *entries, uint32_t count)
{
	return (struct wn_xdp_ring){.producer = &cursors->producer, .consumer = &cursors->consumer,
				    .flags = &cursors->flags, .entries = entries, .mask = count - 1};
}

static void set_up(void)
{
	struct wn_xdp_socket *s = &fake.queue.socket;
	struct wn_error error;

	memset(&fake, 0, sizeof(fake));
	s->fd = s->memory_fd = -1;
	s->frame_bytes = FRAME_BYTES;
	s->frame_count = HALF;
	s->frames_bytes = (size_t)FRAMES * FRAME_BYTES;
	s->memory_bytes = s->frames_bytes + 4096 + WN_XDP_WORDS_BYTES;
	s->frames = aligned_alloc(4096, s->memory_bytes);
	memset(s->frames, 0, s->memory_bytes);
	s->fill = ring_of(&fake.fill, fake.fill_entries, 8 * HALF);
	s->rx = ring_of(&fake.rx, fake.rx_entries, FRAMES);
	s->tx = ring_of(&fake.tx, fake.tx_entries, 4 * HALF);
	s->completion = ring_of(&fake.completion, fake.completion_entries, FRAMES);
	for (uint32_t i = 0; i < HALF; i++)
		fake.fill_entries[s->fill.ours++] = (uint64_t)i * FRAME_BYTES;
	fake.state.queues = &fake.queue;
	fake.state.queue_count = 1;
	fake.link.state = &fake.state;
	CHECK_INT(wn_xdp_drive(&fake.link, 0, &fake.drive, &error), 0);
	CHECK_INT(fake.fill.producer, FRAMES);
}

/* The kernel receives into the next free frame; or sends what is next on tx. */
static void arrive(void)
{
	const uint64_t address = fake.fill_entries[fake.fill.consumer++ % (8 * HALF)];

	fake.rx_entries[fake.rx.producer++ % FRAMES] = (struct xdp_desc){.addr = address + 256, .len = 60};
}

static void complete(void)
{
	fake.completion_entries[fake.completion.producer++ % FRAMES] =
		fake.tx_entries[fake.tx.consumer++ % (4 * HALF)].addr;
}

/* One batch as the loop does it, replies for all but the first packet; up to `last`. */
static void run_batch(struct wn_xdp_port *port, enum step last)
{
	const struct wn_drive_view *view = &fake.drive.view;
	struct wn_drive_batch batch = {.taken = wn_xdp_arrived(port, view), .back = wn_xdp_sent(port, view)};
	struct wn_drive_item items[FRAMES], item;

	if (last < STEP_TAKEN)
		return;
	for (uint32_t i = 0; i < batch.taken; i++)
		CHECK_INT(wn_xdp_take(port, view, i, &items[i]), WN_TAKE_PACKET);
	if (last < STEP_PUT)
		return;
	for (uint32_t i = 0; i < batch.taken; i++) {
		if (i)
			wn_xdp_send(port, view, batch.sent++, &items[i], 60);
		else
			wn_xdp_give(port, view, batch.given++, items[i].frame);
	}
	for (uint32_t i = 0; i < batch.back; i++)
		if (wn_xdp_take_back(port, view, i, &item) == WN_TAKE_BACK)
			wn_xdp_give(port, view, batch.given++, item.frame);
	if (last < STEP_RELEASED)
		return;
	wn_xdp_release(view, port, &batch);
	if (last < STEP_SHOWN)
		return;
	wn_xdp_show(view, port, &batch);
	wn_xdp_retire(port, &batch);
}

/* A whole batch, of which the kernel has sent some; then one that ends at `last`. */
static void die_at(enum step last, struct wn_drive_cursors *cursors, struct wn_census *census)
{
	struct wn_xdp_port port;

	set_up();
	wn_xdp_init(&port, &fake.drive.view);
	for (int i = 0; i < BATCH; i++)
		arrive();
	run_batch(&port, STEP_SHOWN);
	for (int i = 0; i < SENT; i++)
		complete();
	for (int i = 0; i < BATCH; i++)
		arrive();
	run_batch(&port, last);
	wn_xdp_settle(&fake.link, 0, cursors);
	memset(census, 0, sizeof(*census));
	wn_xdp_census(&fake.link, 0, census);
}

static uint32_t places(const struct wn_census *census)
{
	return census->fill + census->rx + census->device + census->tx + census->completion + census->kernel;
}

static void test_every_step(void)
{
	for (enum step last = STEP_BEFORE; last < STEP_COUNT; last++) {
		/* Frames that a batch had on neither ring, because it died between the two stores: see port_xdp.h. */
		const uint32_t nowhere = last == STEP_RELEASED ? BATCH + SENT : 0;
		struct wn_drive_cursors cursors;
		struct wn_census census;

		die_at(last, &cursors, &census);
		CHECK_INT(census.frames, FRAMES);
		CHECK_INT(places(&census), FRAMES);
		CHECK_INT(census.twice, 0);
		CHECK_INT(census.device, 0);
		CHECK_INT(census.kernel, nowhere);
		/* What it had in hand is dropped: the next device begins behind it. */
		CHECK_INT(cursors.taken, last == STEP_BEFORE ? BATCH : 2 * BATCH);
		CHECK_INT(cursors.sent, last == STEP_SHOWN ? 2 * (BATCH - 1) : BATCH - 1);
		CHECK_INT(cursors.unsent, cursors.sent - SENT);
		free(fake.queue.socket.frames);
	}
}

/* After that another device serves what is there, and all frames come round again. */
static void test_goes_on(void)
{
	for (enum step last = STEP_BEFORE; last < STEP_COUNT; last++) {
		struct wn_drive_cursors cursors;
		struct wn_census census;
		struct wn_xdp_port port;

		die_at(last, &cursors, &census);
		wn_xdp_init(&port, &fake.drive.view);
		for (int round = 0; round < 20; round++) {
			while (fake.tx.consumer != fake.tx.producer)
				complete();
			arrive();
			run_batch(&port, STEP_SHOWN);
		}
		memset(&census, 0, sizeof(census));
		wn_xdp_census(&fake.link, 0, &census);
		CHECK_INT(places(&census), FRAMES);
		CHECK_INT(census.twice, 0);
		CHECK_INT(census.rx, 0);
		free(fake.queue.socket.frames);
	}
}

/* Entries that no kernel means, between those of a batch, are given back with it and not followed. */
static void test_nonsense(void)
{
	struct wn_drive_cursors cursors;
	struct wn_xdp_port port;
	struct wn_census census = {0};
	struct wn_drive_item item;

	set_up();
	wn_xdp_init(&port, &fake.drive.view);
	fake.rx_entries[fake.rx.producer++] = (struct xdp_desc){.addr = UINT64_MAX - 5, .len = 60};
	arrive();
	CHECK_INT(wn_xdp_take(&port, &fake.drive.view, 0, &item), WN_TAKE_BAD);
	CHECK_INT(wn_xdp_take(&port, &fake.drive.view, 1, &item), WN_TAKE_PACKET);
	wn_xdp_settle(&fake.link, 0, &cursors);
	wn_xdp_census(&fake.link, 0, &census);
	CHECK_INT(cursors.taken, 2);
	CHECK_INT(census.fill, FRAMES);
	CHECK_INT(census.twice, 0);
	free(fake.queue.socket.frames);
}

int main(void)
{
	RUN(test_every_step);
	RUN(test_goes_on);
	RUN(test_nonsense);
	return check_finish();
}
