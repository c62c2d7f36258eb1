/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory link: packets from this process, and back to it. The boring member of the family,
 * which needs no kernel: the reference of the contract test, the source of the ring's bench, and
 * the way to embed warpnic where there is no network.
 *
 * Without hooks it makes `count` packets of `bytes` bytes (0, 1, 2, ... in each) and takes whatever
 * is sent to it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "link/identity.h"
#include "link/link.h"

enum { BURST_MAX = 256, QUEUES_MAX = 64, AHEAD = 16, BYTES_USUAL = 64 };

struct memory_queue {
	uint64_t made;                  /* packets so far */
	int64_t started_ns;             /* of the pace; 0: not yet */
	uint64_t *tags;                 /* one a slot, for replies */
	uint32_t slot_mask;
} __attribute__((aligned(WN_LINE_BYTES)));

struct memory {
	struct memory_queue *queues;
	uint64_t count;                 /* packets a queue; 0: no end */
	uint64_t rate;                  /* packets a second and queue; 0: as they are taken */
	uint32_t bytes;
	uint8_t pattern[65536];
};

static const struct wn_option memory_options[] = {
	{"count", WN_OPTION_NUMBER, 0, UINT64_MAX, NULL, "1m", "packets a queue; 0: no end", 0},
	{"bytes", WN_OPTION_SIZE, 0, 65535, NULL, "64", "bytes a packet", 0},
	{"rate", WN_OPTION_NUMBER, 0, UINT64_MAX, NULL, "0", "packets a second and queue; 0: flat out", 0},
	{"queues", WN_OPTION_NUMBER, 1, QUEUES_MAX, NULL, "1", "queues", 0},
	{"kind", WN_OPTION_CHOICE, 0, 0, "datagram|frame", "datagram", "what the packets are", 0},
	{"trains", WN_OPTION_CHOICE, 0, 0, "off|on", "off", "hooks may hand in trains of datagrams", 0},
	WN_IDENTITY_OPTIONS,
	{0},
};

static int memory_open(struct wn_link *link, struct wn_error *error)
{
	struct memory *memory = link->state;
	const int trains = wn_options_number(&link->options, "trains") != 0;

	memory->count = wn_options_number(&link->options, "count");
	memory->rate = wn_options_number(&link->options, "rate");
	memory->bytes = (uint32_t)wn_options_number(&link->options, "bytes");
	for (uint32_t i = 0; i < sizeof(memory->pattern); i++)
		memory->pattern[i] = (uint8_t)i;
	link->limits = (struct wn_link_limits){
		.kind = wn_options_number(&link->options, "kind") ? WN_FRAME : WN_DATAGRAM,
		.queue_count = (uint32_t)wn_options_number(&link->options, "queues"),
		.slot_bytes_min = 64,
		.slot_count = trains ? 256 : 0,
		.segments_max = trains ? WN_TRAIN_SEGMENTS_MAX : 1,
		.burst_max = BURST_MAX,
		.can_receive = 1,
		.can_send = 1,
	};
	if (wn_identity_parse(link, NULL, error))
		return -EINVAL;
	if (trains)
		link->limits.slot_bytes_min = WN_SLOT_BYTES_MAX;
	memory->queues = aligned_alloc(WN_LINE_BYTES,
				       link->limits.queue_count * sizeof(*memory->queues));
	if (!memory->queues)
		return wn_fail(error, ENOMEM, WN_FAILED, "memory link: out of memory");
	memset(memory->queues, 0, link->limits.queue_count * sizeof(*memory->queues));
	snprintf(link->where, sizeof(link->where), "memory (%s)", link->hooks ? "hooks" : "made up");
	return 0;
}

static int memory_attach(struct wn_link *link, uint32_t queue, const struct wn_ring_view *view,
			 struct wn_error *error)
{
	struct memory *memory = link->state;
	struct memory_queue *own = &memory->queues[queue];

	if (!link->hooks)
		return 0;
	own->slot_mask = view->slot_mask;
	own->tags = calloc(view->slot_mask + 1, sizeof(*own->tags));
	link->memory_bytes += (view->slot_mask + 1) * sizeof(*own->tags);
	return own->tags ? 0 : wn_fail(error, ENOMEM, WN_FAILED, "memory link: out of memory");
}

static void pause_until(int64_t wait_ns)
{
	const struct timespec pause = {0, wait_ns < WN_MILLISECOND_NS ? wait_ns : WN_MILLISECOND_NS};

	nanosleep(&pause, NULL);
}

static uint32_t capacity_of(const struct wn_receive_batch *batch)
{
	return batch->view->slot_bytes < 65535 ? batch->view->slot_bytes : 65535;
}

static int receive_hooks(struct wn_link *link, uint32_t queue, struct wn_receive_batch *batch)
{
	struct memory *memory = link->state;
	const struct wn_memory_hooks *hooks = link->hooks;
	const uint32_t frame = link->limits.kind == WN_FRAME ? WN_SLOT_FRAME : 0;
	const uint32_t capacity = capacity_of(batch);
	uint32_t filled = 0;

	while (filled < batch->capacity && filled < BURST_MAX) {
		struct wn_memory_packet packet = {0};
		const int rc = hooks->next ? hooks->next(hooks->context, queue,
							 wn_batch_frame(batch, filled), capacity, &packet)
					   : -1;

		if (rc < 0)
			return filled ? (int)filled : -ENODATA;
		if (rc == 0)
			break;
		if (packet.length > capacity)
			packet.length = capacity;
		wn_batch_describe(batch, filled, packet.length,
				  packet.wire_length ? packet.wire_length : packet.length, frame,
				  packet.arrival_ns ? packet.arrival_ns : (uint64_t)wn_clock_ns());
		if (link->limits.segments_max > 1)
			wn_batch_make_train(batch, filled, packet.segment_bytes);
		memset(wn_batch_peer(batch, filled), 0, sizeof(struct wn_peer));
		wn_batch_peer(batch, filled)->family = 4;
		memory->queues[queue].tags[wn_batch_index(batch, filled)] = packet.tag;
		filled++;
	}
	if (!filled && batch->wait_ns)
		pause_until(batch->wait_ns);
	return (int)filled;
}

/* How many packets the pace allows by now. */
static uint64_t due(const struct memory *memory, struct memory_queue *own, int64_t now)
{
	if (!memory->rate)
		return UINT64_MAX;
	if (!own->started_ns)
		own->started_ns = now;
	return (uint64_t)((double)(now - own->started_ns) * 1e-9 * (double)memory->rate) + 1;
}

/* What all packets of a burst have in common. */
struct burst {
	const uint8_t *pattern;
	uint32_t count;
	uint32_t length;
	uint32_t wire_length;
	uint32_t flags;
	uint64_t now;
};

/*
 * Fills the slots of a burst. Works on copies of the batch and the view, which live in registers:
 * after each byte stored through a pointer the originals would have to be loaded again.
 */
static inline __attribute__((always_inline)) void fill_burst(struct wn_receive_batch *batch,
							     const struct burst *burst)
{
	const struct wn_ring_view view = *batch->view;
	struct wn_receive_batch mine = *batch;

	mine.view = &view;
	for (uint32_t i = 0; i < burst->count; i++) {
		/* The device has these lines; asked for ahead, they come while others are filled. */
		__builtin_prefetch(&view.slots[wn_batch_index(&mine, i + AHEAD)], 1);
		__builtin_prefetch(wn_batch_frame(&mine, i + AHEAD), 1);
		memcpy(wn_batch_frame(&mine, i), burst->pattern, burst->length);
		wn_batch_describe(&mine, i, burst->length, burst->wire_length, burst->flags, burst->now);
	}
	batch->index = mine.index;
	batch->bytes = mine.bytes;
}

/* The preset's size has code of its own: a call of memcpy costs as much as copying 64 bytes. */
static void make(struct wn_receive_batch *batch, const struct burst *burst)
{
	struct wn_receive_batch plain = *batch;
	struct burst usual = *burst;

	if (batch->trains || burst->length != BYTES_USUAL || burst->wire_length != BYTES_USUAL) {
		fill_burst(batch, burst);
		return;
	}
	plain.trains = NULL;
	usual.length = usual.wire_length = BYTES_USUAL;
	fill_burst(&plain, &usual);
	batch->index = plain.index;
	batch->bytes = plain.bytes;
}

static int receive_made(struct wn_link *link, uint32_t queue, struct wn_receive_batch *batch)
{
	struct memory *memory = link->state;
	struct memory_queue *own = &memory->queues[queue];
	const uint32_t frame = link->limits.kind == WN_FRAME ? WN_SLOT_FRAME : 0;
	const uint32_t capacity = capacity_of(batch);
	const uint32_t length = memory->bytes < capacity ? memory->bytes : capacity;
	const int64_t now = wn_clock_ns();
	const uint64_t allowed = due(memory, own, now);
	uint64_t count = batch->capacity < BURST_MAX ? batch->capacity : BURST_MAX;

	if (memory->count && own->made >= memory->count)
		return -ENODATA;
	if (memory->count && memory->count - own->made < count)
		count = memory->count - own->made;
	if (allowed <= own->made) {
		if (batch->wait_ns)
			pause_until(batch->wait_ns);
		return 0;
	}
	if (allowed - own->made < count)
		count = allowed - own->made;
	make(batch, &(struct burst){memory->pattern, (uint32_t)count, length, memory->bytes, frame,
				    (uint64_t)now});
	own->made += count;
	return (int)count;
}

static int memory_receive(struct wn_link *link, uint32_t queue, struct wn_receive_batch *batch)
{
	return link->hooks ? receive_hooks(link, queue, batch) : receive_made(link, queue, batch);
}

static int memory_discard(struct wn_link *link, uint32_t queue, uint64_t *bytes)
{
	struct memory *memory = link->state;
	struct memory_queue *own = &memory->queues[queue];
	struct wn_memory_packet packet = {0};
	uint8_t scratch[2048];

	if (!link->hooks) {
		const uint64_t allowed = due(memory, own, wn_clock_ns());

		if (allowed <= own->made || (memory->count && own->made >= memory->count))
			return 0;
		own->made++;
		*bytes += memory->bytes;
		return 1;
	}
	if (!link->hooks->next ||
	    link->hooks->next(link->hooks->context, queue, scratch, sizeof(scratch), &packet) <= 0)
		return 0;
	*bytes += packet.wire_length ? packet.wire_length : packet.length;
	return packet.segment_bytes && packet.length
		       ? (int)((packet.length + packet.segment_bytes - 1) / packet.segment_bytes)
		       : 1;
}

static int memory_send(struct wn_link *link, uint32_t queue, struct wn_send_item *items,
		       uint32_t count)
{
	struct memory *memory = link->state;
	const struct wn_memory_hooks *hooks = link->hooks;

	for (uint32_t i = 0; i < count; i++) {
		const int is_reply = items[i].reply_index != WN_NOT_A_REPLY;
		struct wn_memory_packet packet = {
			.length = items[i].length,
			.wire_length = items[i].length,
			.segment_bytes = items[i].segment_bytes,
		};

		items[i].error = 0;
		if (!hooks || !hooks->take)
			continue;
		if (is_reply)
			packet.tag = memory->queues[queue].tags[items[i].reply_index];
		items[i].error = hooks->take(hooks->context, queue, items[i].bytes, &packet, is_reply);
		if (items[i].error == EAGAIN)
			return (int)i;
	}
	return (int)count;
}

static void memory_close(struct wn_link *link)
{
	struct memory *memory = link->state;

	for (uint32_t i = 0; memory->queues && i < link->limits.queue_count; i++)
		free(memory->queues[i].tags);
	free(memory->queues);
}

const struct wn_link_ops wn_link_memory = {
	.kind = "memory",
	.summary = "packets made up in this process, or by the program that embeds warpnic",
	.address = "",
	.options = memory_options,
	.state_bytes = sizeof(struct memory),
	.open = memory_open,
	.attach = memory_attach,
	.receive = memory_receive,
	.discard = memory_discard,
	.send = memory_send,
	.close = memory_close,
};
