/* SPDX-License-Identifier: Apache-2.0 */
/* The far side of links that have an interface, packet and xdp: the other end of a veth pair. */
#include "tests/contract/feeder.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/contract/veth.h"

static int far = -1;

static int prepare(char *spec, size_t bytes, const char *text)
{
	far = veth_socket("wn-b");
	if (far < 0)
		return -errno;
	snprintf(spec, bytes, "%s", text);
	return 0;
}

static int feed(const struct wn_link *link, const struct sample *samples, uint32_t count)
{
	(void)link;
	for (uint32_t i = 0; i < count; i++)
		if (send(far, samples[i].bytes, samples[i].length, 0) < 0)
			return -errno;
	return 0;
}

static int collect(uint8_t *bytes, uint32_t capacity)
{
	return (int)recv(far, bytes, capacity, 0);
}

static void finish(void)
{
	if (far >= 0)
		close(far);
	far = -1;
}

/* A feeder, its name as in feeder.h, and the spec of its link. */
#define FEEDER(name, text, ...)                                                                            \
	static int prepare_##name(char *spec, size_t bytes, const struct sample *samples, uint32_t count)  \
	{                                                                                                  \
		(void)samples;                                                                             \
		(void)count;                                                                               \
		return prepare(spec, bytes, text);                                                         \
	}                                                                                                  \
	const struct feeder feeder_##name = {.packets = WN_FRAME, .prepare = prepare_##name, .feed = feed, \
					     .collect = collect, .finish = finish, __VA_ARGS__}

FEEDER(packet2, "packet:wn-a,ring=1m,version=2",
       .kind = "packet2", .flags = WN_SLOT_FRAME | WN_SLOT_TIME_KERNEL, .obstacle = veth_open,
       .unknown_option = "packet:wn-a,surely_unknown=1", .wrong_value = "packet:wn-a,fanout=fair", .wrong_option = "fanout");
FEEDER(packet3, "packet:wn-a,ring=1m,version=3",
       .kind = "packet3", .flags = WN_SLOT_FRAME | WN_SLOT_TIME_KERNEL, .obstacle = veth_open,
       .unknown_option = "packet:wn-a,surely_unknown=1", .wrong_value = "packet:wn-a,version=4", .wrong_option = "version");
FEEDER(xdp, "xdp:wn-a,steer=all,ring=256",
       .kind = "xdp", .flags = WN_SLOT_FRAME, .obstacle = veth_xdp_obstacle,
       .unknown_option = "xdp:wn-a,surely_unknown=1", .wrong_value = "xdp:wn-a,mode=fast", .wrong_option = "mode");
FEEDER(xdp_skb, "xdp:wn-a,steer=all,ring=256,mode=skb",
       .kind = "xdp-skb", .flags = WN_SLOT_FRAME, .obstacle = veth_xdp_obstacle,
       .unknown_option = "xdp:wn-a,surely_unknown=1", .wrong_value = "xdp:wn-a,steer=all,ring=100", .wrong_option = "ring");
