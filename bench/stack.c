/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One UDP echo frame through the lane's stack, parse to reply, against a function written by hand that
 * does exactly that one reply: both verify the IPv4 and the UDP checksum, turn addresses and ports
 * round, and write the checksums of the answer. Prints one JSON line: medians of several rounds of
 * nanoseconds a frame, taken in turn.
 *
 *     bench/stack [ROUNDS]
 */
#include "warpnic/program.h"

WN_PROGRAM(echo, WN_DATAGRAM, WN_LOOK_NOTHING)
{
	(void)packet;
	return WN_REPLY;
}

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "lane/stack.h"
#include "tests/lane/frames.h"

enum { SLOTS = 64, STRIDE = 2176, FRAMES = 400000, ROUNDS_MAX = 99, ROOM = 2048 };

static uint8_t slots[SLOTS][STRIDE] __attribute__((aligned(64)));
static struct wn_identity identity;
static uint32_t frame_bytes;

static uint32_t by_stack(uint8_t *slot)
{
	struct wn_packet packet;

	packet.bytes = slot;
	packet.record = NULL;
	packet.peer = NULL;
	packet.peer_staged = NULL;
	packet.counts = NULL;
	packet.data = NULL;
	packet.stream = NULL;
	packet.length = packet.wire_length = frame_bytes;
	packet.room = ROOM;
	packet.flags = WN_SLOT_FRAME;
	packet.index = packet.record_length = packet.fault = 0;
	return wn_stack_run(&packet, &identity);
}

/* -- by hand: Ethernet, IPv4 without options, UDP, and nothing else -- */

static uint16_t load16(const uint8_t *bytes)
{
	uint16_t word;

	memcpy(&word, bytes, sizeof(word));
	return word;
}

static uint32_t add(uint64_t sum, const uint8_t *bytes, uint32_t length)
{
	uint32_t word;

	for (; length >= 4; bytes += 4, length -= 4) {
		memcpy(&word, bytes, sizeof(word));
		sum += word;
	}
	for (; length >= 2; bytes += 2, length -= 2)
		sum += load16(bytes);
	if (length)
		sum += bytes[0];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint32_t)sum;
}

static void swap(uint8_t *a, uint8_t *b, uint32_t count)
{
	uint8_t kept[6];

	memcpy(kept, a, count);
	memcpy(a, b, count);
	memcpy(b, kept, count);
}

static uint32_t by_hand(uint8_t *frame)
{
	uint8_t *ip = frame + 14, *udp = ip + 20;
	const uint32_t total = frame_get16(ip + 2), length = frame_get16(udp + 4);
	uint64_t pseudo;
	uint16_t sum;

	if (frame_bytes < 42 || frame_get16(frame + 12) != 0x0800 || ip[0] != 0x45 ||
	    total + 14 > frame_bytes || ip[9] != 17 || (frame_get16(ip + 6) & 0x3fff) ||
	    memcmp(frame, our_mac, 6) || memcmp(ip + 16, our_v4, 4) || length + 20 > total ||
	    add(0, ip, 20) != 0xffff)
		return 0;
	pseudo = add(0, ip + 12, 8) + (uint32_t)(17 << 8) + load16(udp + 4);
	if (add(pseudo, udp, length) != 0xffff)
		return 0;
	swap(frame, frame + 6, 6);
	swap(ip + 12, ip + 16, 4);
	swap(udp, udp + 2, 2);
	ip[8] = 64;
	memset(ip + 10, 0, 2);
	sum = (uint16_t)~add(0, ip, 20);
	memcpy(ip + 10, &sum, 2);
	memset(udp + 6, 0, 2);
	sum = (uint16_t)~add(pseudo, udp, length);
	sum = sum ? sum : 0xffff;
	memcpy(udp + 6, &sum, 2);
	return frame_bytes;
}

/* Every frame is asked anew: an answer would not be to us. Copying it is part of both. */
static double measure(const uint8_t *question, uint32_t (*answer)(uint8_t *))
{
	uint32_t digest = 0;
	int64_t start = wn_clock_ns(), end;

	for (uint32_t i = 0; i < FRAMES; i++) {
		uint8_t *slot = slots[i % SLOTS];

		memcpy(slot, question, frame_bytes);
		digest += answer(slot);
	}
	end = wn_clock_ns();
	if (!digest)
		exit(1);
	return (double)(end - start) / FRAMES;
}

static uint32_t nothing(uint8_t *slot)
{
	return slot[0] + 1u;
}

static int by_size(const void *a, const void *b)
{
	const double left = *(const double *)a, right = *(const double *)b;

	return left < right ? -1 : left > right;
}

static double median(double *values, int count)
{
	qsort(values, (size_t)count, sizeof(*values), by_size);
	return values[count / 2];
}

int main(int argc, char **argv)
{
	static double stack[ROUNDS_MAX], hand[ROUNDS_MAX], copy[ROUNDS_MAX];
	const int rounds = argc > 1 && atoi(argv[1]) > 0 && atoi(argv[1]) <= ROUNDS_MAX ? atoi(argv[1]) : 11;
	uint8_t question[256], payload[64];
	double floor_ns, hand_ns, stack_ns;

	memset(payload, 'x', sizeof(payload));
	memcpy(identity.mac, our_mac, 6);
	identity.ipv4_count = 1;
	memcpy(identity.ipv4[0], our_v4, 4);
	frame_bytes = frame_make(question, &(struct recipe){.payload = payload, .length = sizeof(payload)});
	memcpy(slots[0], question, frame_bytes);
	memcpy(slots[1], question, frame_bytes);
	if (wn_verdict_code(by_stack(slots[0])) != WN_REPLY || !by_hand(slots[1]) ||
	    memcmp(slots[0], slots[1], 18) || memcmp(slots[0] + 34, slots[1] + 34, frame_bytes - 34)) {
		fprintf(stderr, "bench/stack: the two answers differ\n");
		return 1;
	}
	for (int i = 0; i < rounds; i++) {
		copy[i] = measure(question, nothing);
		hand[i] = measure(question, by_hand);
		stack[i] = measure(question, by_stack);
	}
	floor_ns = median(copy, rounds);
	hand_ns = median(hand, rounds) - floor_ns;
	stack_ns = median(stack, rounds) - floor_ns;
	printf("{\"bench\": \"stack\", \"payload_bytes\": 64, \"rounds\": %d, \"copy_ns\": %.1f, "
	       "\"by_hand_ns\": %.1f, \"stack_ns\": %.1f, \"ratio\": %.2f}\n",
	       rounds, floor_ns, hand_ns, stack_ns, stack_ns / hand_ns);
	return 0;
}
