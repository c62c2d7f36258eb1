/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: a hostile frame through the lane's stack and a program that touches all of its payload.
 *
 * Byte 0 is the slot's flags, the rest is the frame, which lies at the end of memory of its own: a read
 * behind the room is a report of the sanitizer. What is asserted: an answer fits its slot, is built
 * from what came in (none of the canary behind the frame leaves), and has a code that is one.
 */
#include "warpnic/program.h"

WN_PROGRAM(touch, WN_DATAGRAM, WN_LOOK_ALL)
{
	uint32_t sum = wn_peer_port(packet) + wn_local_port(packet);

	WN_LOOP(i, wn_length(packet), 1500)
	{
		sum += wn_u8(packet, i);
	}
	if (sum & 1)
		wn_set_length(packet, wn_length(packet) + (sum & 63));
	return WN_REPLY;
}

#include <stdlib.h>
#include <string.h>

#include "lane/stack.h"

enum { ROOM = 2048, CANARY = 0xc5, CANARIES = 8 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct wn_identity identity = {
	.mac = {2, 0, 0, 0, 0, 9},
	.ipv4_count = 1,
	.ipv6_count = 1,
	.ipv4 = {{10, 0, 0, 2}},
	.ipv6 = {{0xfd, [15] = 2}},
};

static int has_canaries(const uint8_t *bytes, uint32_t length)
{
	uint32_t run = 0;

	for (uint32_t i = 0; i < length; i++) {
		run = bytes[i] == CANARY ? run + 1 : 0;
		if (run == CANARIES)
			return 1;
	}
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *slot = malloc(ROOM);
	uint64_t counts[1] = {0};
	struct wn_packet packet;
	uint32_t word, length;

	if (!slot || size < 1 || size - 1 > ROOM || has_canaries(data, (uint32_t)size)) {
		free(slot);
		return 0;
	}
	memset(slot, CANARY, ROOM);
	memcpy(slot, data + 1, size - 1);
	memset(&packet, 0, sizeof(packet));
	packet.bytes = slot;
	packet.counts = counts;
	packet.length = packet.wire_length = (uint32_t)size - 1;
	packet.room = ROOM;
	packet.flags = WN_SLOT_FRAME | (data[0] & (WN_SLOT_CHECKSUM_VALID | WN_SLOT_CHECKSUM_PARTIAL));
	word = wn_stack_run(&packet, &identity);
	length = wn_verdict_length(word);
	if (length > ROOM || wn_verdict_code(word) > WN_CODE_BAD_SOURCE ||
	    (wn_verdict_code(word) == WN_REPLY && has_canaries(slot, length)))
		abort();
	free(slot);
	return 0;
}
