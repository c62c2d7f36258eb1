/* SPDX-License-Identifier: Apache-2.0 */
/* The xdp link's far side: the other end of a veth pair. */
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

static int prepare_native(char *spec, size_t bytes, const struct sample *samples, uint32_t count)
{
	(void)samples;
	(void)count;
	return prepare(spec, bytes, "xdp:wn-a,steer=all,ring=256");
}

static int prepare_skb(char *spec, size_t bytes, const struct sample *samples, uint32_t count)
{
	(void)samples;
	(void)count;
	return prepare(spec, bytes, "xdp:wn-a,steer=all,ring=256,mode=skb");
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

const struct feeder feeder_xdp = {
	.kind = "xdp",
	.packets = WN_FRAME,
	.flags = WN_SLOT_FRAME,
	.unknown_option = "xdp:wn-a,surely_unknown=1",
	.wrong_value = "xdp:wn-a,mode=fast",
	.wrong_option = "mode",
	.obstacle = veth_xdp_obstacle,
	.prepare = prepare_native,
	.feed = feed,
	.collect = collect,
	.finish = finish,
};

const struct feeder feeder_xdp_skb = {
	.kind = "xdp-skb",
	.packets = WN_FRAME,
	.flags = WN_SLOT_FRAME,
	.unknown_option = "xdp:wn-a,surely_unknown=1",
	.wrong_value = "xdp:wn-a,steer=all,ring=100",
	.wrong_option = "ring",
	.obstacle = veth_xdp_obstacle,
	.prepare = prepare_skb,
	.feed = feed,
	.collect = collect,
	.finish = finish,
};
