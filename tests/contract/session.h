/* SPDX-License-Identifier: Apache-2.0 */
/* A link for frames that is open, with a ring and no runtime, and frames for it from the other end of the veth pair. */
#ifndef WN_TESTS_SESSION_H
#define WN_TESTS_SESSION_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "link/link.h"
#include "tests/check.h"
#include "tests/contract/veth.h"

enum { SLOTS = 64, FRAME = 60 };

/* One test's. */
struct session {
	struct wn_link link;
	struct wn_ring ring;
	struct wn_error error;
	uint32_t first;         /* position that the next burst begins at */
};

/* Opens the link, and makes a ring of SLOTS slots. 0, or -1, which is said. */
static inline int start(struct session *s, const char *spec, const char *filter, uint32_t slot_bytes)
{
	const struct wn_ring_geometry geometry = { SLOTS, slot_bytes, 1 };

	memset(s, 0, sizeof(*s));
	if (!CHECK_INT(wn_link_open(&s->link, spec, filter, 0, NULL, &s->error), 0)) {
		printf("# %s\n", s->error.text);
		return -1;
	}
	CHECK_INT(wn_ring_create(&s->ring, &geometry, &s->error), 0);
	return 0;
}

static inline void stop(struct session *s)
{
	wn_link_close(&s->link);
	wn_ring_destroy(&s->ring);
}

/* One call of the link's: what it returns. */
static inline int receive(struct session *s, uint32_t queue, int64_t wait_ns)
{
	struct wn_receive_batch batch = {
		.view = &s->ring.view, .first = s->first, .capacity = SLOTS, .wait_ns = wait_ns,
	};

	return s->link.ops->receive(&s->link, queue, &batch);
}

static inline const struct wn_slot *slot_at(const struct session *s, uint32_t position)
{
	return &s->ring.view.slots[position & s->ring.view.slot_mask];
}

static inline const uint8_t *frame_at(const struct session *s, uint32_t position)
{
	return wn_ring_frame(&s->ring.view, position & s->ring.view.slot_mask);
}

/* Counts what comes until nothing does in five calls: the clock goes on where this process is held up. */
static inline int count_received(struct session *s, uint32_t queue)
{
	int count = 0;

	for (int quiet = 0; quiet < 5;) {
		const int n = receive(s, queue, 20 * WN_MILLISECOND_NS);

		quiet = n > 0 ? 0 : quiet + 1;
		if (n > 0)
			count += n;
	}
	return count;
}

/* FRAME bytes to everybody, 2:2:2:2:2:2 their source, of an EtherType. */
static inline void make_frame(uint8_t *frame, uint16_t type)
{
	for (int i = 0; i < FRAME; i++)
		frame[i] = (uint8_t)i;
	memset(frame, 0xff, 6);
	memset(frame + 6, 2, 6);
	frame[12] = (uint8_t)(type >> 8);
	frame[13] = (uint8_t)type;
}

/* Such frames out of an interface. */
static inline void send_frames(const char *name, uint16_t type, int count)
{
	const int fd = veth_socket(name);
	uint8_t frame[FRAME];

	make_frame(frame, type);
	for (int i = 0; i < count; i++)
		CHECK_INT(send(fd, frame, sizeof(frame), 0), FRAME);
	close(fd);
}

#endif
