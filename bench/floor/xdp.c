/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bare loop over one AF_XDP socket: what one would write by hand where a frame is only dropped, or sent back with
 * its MAC addresses swapped. Socket, steering program and rings are opened by our link (that is no part of what is
 * measured); the loop uses nothing of ours.
 *
 *     floor-xdp drop|l2fwd INTERFACE SECONDS
 *
 * Prints one JSON object: packets, seconds from the first to the last of them, CPU time.
 */
#include <linux/if_xdp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

#include "link/link.h"
#include "link/xdp.h"

enum { BATCH = 64 };

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static void swap(uint8_t *frame)
{
	uint8_t mac[6];

	memcpy(mac, frame, 6);
	memcpy(frame, frame + 6, 6);
	memcpy(frame + 6, mac, 6);
}

/* Gives frames that were sent to the fill ring. */
static void take_back(struct wn_xdp_socket *s)
{
	const uint32_t end = __atomic_load_n(s->completion.producer, __ATOMIC_ACQUIRE);
	uint32_t at = *s->completion.consumer, fill = *s->fill.producer;

	if (at == end)
		return;
	for (; at != end; at++)
		((uint64_t *)s->fill.entries)[fill++ & s->fill.mask] =
			((uint64_t *)s->completion.entries)[at & s->completion.mask] & ~(uint64_t)(s->frame_bytes - 1);
	__atomic_store_n(s->completion.consumer, at, __ATOMIC_RELEASE);
	__atomic_store_n(s->fill.producer, fill, __ATOMIC_RELEASE);
}

/* One batch. Returns the frames. */
static uint32_t turn(struct wn_xdp_socket *s, int sends)
{
	const uint32_t there = __atomic_load_n(s->rx.producer, __ATOMIC_ACQUIRE);
	const uint32_t first = *s->rx.consumer;
	const uint32_t count = there - first < BATCH ? there - first : BATCH;
	uint32_t fill = *s->fill.producer, tx = *s->tx.producer;

	for (uint32_t i = 0; i < count; i++) {
		const struct xdp_desc entry = ((struct xdp_desc *)s->rx.entries)[(first + i) & s->rx.mask];

		if (sends) {
			swap(s->frames + entry.addr);
			((struct xdp_desc *)s->tx.entries)[tx++ & s->tx.mask] = entry;
		} else {
			((uint64_t *)s->fill.entries)[fill++ & s->fill.mask] =
				entry.addr & ~(uint64_t)(s->frame_bytes - 1);
		}
	}
	if (count) {
		__atomic_store_n(s->rx.consumer, first + count, __ATOMIC_RELEASE);
		if (sends)
			__atomic_store_n(s->tx.producer, tx, __ATOMIC_RELEASE);
		else
			__atomic_store_n(s->fill.producer, fill, __ATOMIC_RELEASE);
	}
	if (sends && __atomic_load_n(s->tx.consumer, __ATOMIC_ACQUIRE) != tx &&
	    (__atomic_load_n(s->tx.flags, __ATOMIC_RELAXED) & XDP_RING_NEED_WAKEUP))
		sendto(s->fd, NULL, 0, MSG_DONTWAIT, NULL, 0);
	if (sends)
		take_back(s);
	return count;
}

int main(int count, char **arguments)
{
	struct wn_link link = {0};
	struct wn_xdp_state *state;
	struct wn_drive drive = {0};
	struct wn_error error;
	struct rusage usage;
	double end, first = 0, last = 0;
	unsigned long long packets = 0;
	char spec[64];
	int sends;

	if (count != 4 || (strcmp(arguments[1], "drop") && strcmp(arguments[1], "l2fwd"))) {
		fprintf(stderr, "Usage: floor-xdp drop|l2fwd INTERFACE SECONDS\n");
		return 2;
	}
	sends = !strcmp(arguments[1], "l2fwd");
	snprintf(spec, sizeof(spec), "xdp:%s,steer=all", arguments[2]);
	if (wn_link_open(&link, spec, NULL, 0, NULL, &error) || wn_xdp_drive(&link, 0, &drive, &error)) {
		fprintf(stderr, "floor-xdp: %s\n", error.text);
		return 69;
	}
	state = link.state;
	fprintf(stderr, "is open\n");
	for (end = now() + atof(arguments[3]); now() < end;) {
		struct pollfd poll_fd = {.fd = state->queues[0].socket.fd, .events = POLLIN};
		const uint32_t some = turn(&state->queues[0].socket, sends);

		packets += some;
		if (some) {
			last = now();
			first = first > 0 ? first : last;
		} else {
			poll(&poll_fd, 1, sends ? 1 : 20);
		}
	}
	getrusage(RUSAGE_SELF, &usage);
	printf("{\"packets\": %llu, \"seconds\": %.6f, \"user\": %.6f, \"system\": %.6f}\n", packets, last - first,
	       (double)usage.ru_utime.tv_sec + 1e-6 * (double)usage.ru_utime.tv_usec,
	       (double)usage.ru_stime.tv_sec + 1e-6 * (double)usage.ru_stime.tv_usec);
	wn_link_close(&link);
	return 0;
}
