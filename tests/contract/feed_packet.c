/* SPDX-License-Identifier: Apache-2.0 */
/* The packet link's far side: the other end of a veth pair. */
#include "tests/contract/feeder.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/contract/veth.h"

static int far = -1;

static int prepare(char *spec, size_t bytes, int version)
{
	far = veth_socket("wn-b");
	if (far < 0)
		return -errno;
	snprintf(spec, bytes, "packet:wn-a,ring=1m,version=%d", version);
	return 0;
}

static int prepare2(char *spec, size_t bytes, const struct sample *samples, uint32_t count)
{
	(void)samples;
	(void)count;
	return prepare(spec, bytes, 2);
}

static int prepare3(char *spec, size_t bytes, const struct sample *samples, uint32_t count)
{
	(void)samples;
	(void)count;
	return prepare(spec, bytes, 3);
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

const struct feeder feeder_packet2 = {
	.kind = "packet2",
	.packets = WN_FRAME,
	.flags = WN_SLOT_FRAME | WN_SLOT_TIME_KERNEL,
	.unknown_option = "packet:wn-a,surely_unknown=1",
	.wrong_value = "packet:wn-a,fanout=fair",
	.wrong_option = "fanout",
	.obstacle = veth_open,
	.prepare = prepare2,
	.feed = feed,
	.collect = collect,
	.finish = finish,
};

const struct feeder feeder_packet3 = {
	.kind = "packet3",
	.packets = WN_FRAME,
	.flags = WN_SLOT_FRAME | WN_SLOT_TIME_KERNEL,
	.unknown_option = "packet:wn-a,surely_unknown=1",
	.wrong_value = "packet:wn-a,version=4",
	.wrong_option = "version",
	.obstacle = veth_open,
	.prepare = prepare3,
	.feed = feed,
	.collect = collect,
	.finish = finish,
};
