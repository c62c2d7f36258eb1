/* SPDX-License-Identifier: Apache-2.0 */
/* Frames for tests of the lane's stack, and checks of frames that come back. */
#ifndef WN_TESTS_FRAMES_H
#define WN_TESTS_FRAMES_H

#include "tests/check.h"
#include "tool/match_frame.h"

/*
 * Checks an answer down to the transport header: addresses turned round, tags kept, lengths and
 * checksums right. Returns the transport's offset; *length is what is behind the IP header.
 */
static inline uint32_t frame_check_answer(const uint8_t *bytes, uint32_t total,
					  const struct recipe *recipe, uint32_t *length)
{
	const uint32_t network = frame_network(recipe);
	const uint32_t header = recipe->v6 ? 40 : 20;
	const uint32_t protocol = recipe->protocol ? (uint32_t)recipe->protocol : 17;
	const uint8_t *ip = bytes + network;

	CHECK(memcmp(bytes, their_mac, 6) == 0);
	CHECK(memcmp(bytes + 6, our_mac, 6) == 0);
	for (int i = 0; i < recipe->tags; i++)
		CHECK_INT(frame_get16(bytes + 14 + 4 * i), 100 + i);
	*length = total - network - header;
	if (recipe->v6) {
		CHECK_INT(ip[0], 0x60);
		CHECK_INT(frame_get16(ip + 4), *length);
		CHECK_INT(ip[6], protocol);
		CHECK_INT(ip[7], 64);
		CHECK(memcmp(ip + 8, our_v6, 16) == 0);
		CHECK(memcmp(ip + 24, their_v6, 16) == 0);
	} else {
		CHECK_INT(ip[0], 0x45);
		CHECK_INT(frame_get16(ip + 2), 20 + *length);
		CHECK_INT(ip[8], 64);
		CHECK_INT(ip[9], protocol);
		CHECK(memcmp(ip + 12, our_v4, 4) == 0);
		CHECK(memcmp(ip + 16, their_v4, 4) == 0);
		CHECK_INT(frame_sum(0, ip, 20), 0xffff);
	}
	if (protocol == 1)
		CHECK_INT(frame_sum(0, ip + header, *length), 0xffff);
	else
		CHECK_INT(frame_transport_sum(recipe->v6, recipe->v6 ? ip + 8 : ip + 12, protocol,
					      ip + header, *length),
			  0xffff);
	return network + header;
}

#endif
