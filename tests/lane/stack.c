/* SPDX-License-Identifier: Apache-2.0 */
/* The lane's stack: what it answers, byte by byte, and what it makes of frames that lie. */
#include "warpnic/program.h"

/* Echo, but for payloads whose first byte asks for something else. */
WN_PROGRAM(probe, WN_DATAGRAM, WN_LOOK_ALL)
{
	const uint32_t what = wn_length(packet) ? wn_u8(packet, 0) : 0;

	if (what == 'd')
		return WN_DROP;
	if (what == 'g')
		wn_set_length(packet, wn_length(packet) + 33);
	if (what == 's')
		wn_set_length(packet, 1);
	if (what == 'v')
		return WN_DELIVER;
	if (what == 'f')
		wn_u8(packet, wn_length(packet));
	if (what == 'p') {
		wn_put_u16(packet, 1, wn_peer_port(packet));
		wn_put_u16(packet, 3, wn_local_port(packet));
		wn_put_u8(packet, 5, wn_peer_family(packet));
		wn_put_u8(packet, 6, wn_peer_address(packet, wn_peer_family(packet) == 4 ? 3 : 15));
	}
	return WN_REPLY;
}

#include <stdlib.h>

#include "lane/stack.h"
#include "tests/lane/frames.h"

enum { ROOM = 2048, CANARY = 0xc5 };

static struct wn_identity identity;

/* Runs the stack on a frame in a slot of its own, the rest of which is canary. Returns the word. */
static uint32_t run(uint8_t *slot, uint32_t length, uint32_t flags)
{
	static uint8_t record[64];
	uint64_t counts[1] = {0};
	struct wn_packet packet = {
		.bytes = slot,
		.record = record,
		.counts = counts,
		.length = length,
		.room = ROOM,
		.wire_length = length,
		.flags = WN_SLOT_FRAME | flags,
	};

	return wn_stack_run(&packet, &identity);
}

/* Makes, runs, and expects a code. Returns the length of the answer. */
static uint32_t expect(uint8_t *slot, const struct recipe *recipe, uint32_t code)
{
	uint32_t word;

	memset(slot, CANARY, ROOM);
	word = run(slot, frame_make(slot, recipe), 0);
	CHECK_INT(wn_verdict_code(word), code);
	return wn_verdict_length(word);
}

static void check_echo(const struct recipe *recipe)
{
	static uint8_t slot[ROOM];
	uint32_t total = expect(slot, recipe, WN_REPLY), length, at;

	at = frame_check_answer(slot, total, recipe, &length);
	CHECK_INT(length, 8 + recipe->length);
	CHECK_INT(frame_get16(slot + at), 53);
	CHECK_INT(frame_get16(slot + at + 2), 4321);
	CHECK_INT(frame_get16(slot + at + 4), length);
	CHECK(frame_get16(slot + at + 6) != 0);
	CHECK(memcmp(slot + at + 8, recipe->payload, recipe->length) == 0);
}

static void test_udp_echo(void)
{
	uint8_t payload[1400];

	for (uint32_t i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)(i * 3 + 1);
	for (uint32_t length = 0; length < 1400; length += length < 70 ? 1 : 133)
		for (int v6 = 0; v6 < 2; v6++)
			for (int tags = 0; tags < 3; tags++)
				check_echo(&(struct recipe){.v6 = v6, .tags = tags, .payload = payload,
							    .length = length, .padding = length < 18 ? 18 : 0});
}

static void test_options_and_extensions(void)
{
	static const uint8_t payload[] = "behind options";

	for (int options = 4; options <= 40; options += 4)
		check_echo(&(struct recipe){.options = options, .payload = payload, .length = 14});
	for (int extensions = 1; extensions <= 8; extensions++)
		check_echo(&(struct recipe){.v6 = 1, .extensions = extensions, .payload = payload, .length = 14});
}

static void test_no_checksum(void)
{
	static uint8_t slot[ROOM];

	check_echo(&(struct recipe){.no_checksum = 1, .payload = (const uint8_t *)"x", .length = 1});
	expect(slot, &(struct recipe){.no_checksum = 1, .v6 = 1, .payload = (const uint8_t *)"x", .length = 1},
	       WN_CODE_CHECKSUM);
}

/* A sum of zero is sent as 0xffff: zero would say that there is none. */
static void test_checksum_of_zero(void)
{
	static uint8_t slot[ROOM];
	uint8_t payload[2] = {0, 0};
	struct recipe recipe = {.payload = payload, .length = 2};
	uint32_t total, length, at, sum;

	/* With these two bytes the sum of everything else is completed to 0xffff. */
	total = frame_make(slot, &recipe);
	at = total - 10;
	frame_put16(slot + at + 6, 0);
	sum = frame_transport_sum(0, slot + 26, 17, slot + at, 10);
	frame_put16(payload, 0xffff - sum);
	total = expect(slot, &recipe, WN_REPLY);
	at = frame_check_answer(slot, total, &recipe, &length);
	CHECK_INT(frame_get16(slot + at + 6), 0xffff);
}

static void test_lengths_change(void)
{
	static uint8_t slot[ROOM];
	struct recipe recipe = {.payload = (const uint8_t *)"grow!", .length = 5};
	uint32_t total, length, at;

	for (recipe.v6 = 0; recipe.v6 < 2; recipe.v6++) {
		recipe.payload = (const uint8_t *)"grow!";
		total = expect(slot, &recipe, WN_REPLY);
		at = frame_check_answer(slot, total, &recipe, &length);
		CHECK_INT(length, 8 + 38);
		for (uint32_t i = 5; i < 38; i++)
			CHECK_INT(slot[at + 8 + i], 0);
		recipe.payload = (const uint8_t *)"short";
		total = expect(slot, &recipe, WN_REPLY);
		frame_check_answer(slot, total, &recipe, &length);
		CHECK_INT(length, 9);
	}
}

static void test_verdicts(void)
{
	static uint8_t slot[ROOM], before[ROOM];
	struct recipe recipe = {.payload = (const uint8_t *)"drop", .length = 4, .options = 8};
	uint32_t total;

	expect(slot, &recipe, WN_DROP);
	recipe.payload = (const uint8_t *)"fault";
	expect(slot, &recipe, WN_CODE_FAULT);
	/* What is delivered is the frame as it came. */
	recipe.payload = (const uint8_t *)"view";
	total = frame_make(before, &recipe);
	CHECK_INT(expect(slot, &recipe, WN_DELIVER), total);
	CHECK(memcmp(slot, before, total) == 0);
}

static void test_peer(void)
{
	static uint8_t slot[ROOM];
	struct recipe recipe = {.payload = (const uint8_t *)"p......", .length = 7};
	uint32_t total, length, at;

	for (recipe.v6 = 0; recipe.v6 < 2; recipe.v6++) {
		total = expect(slot, &recipe, WN_REPLY);
		at = frame_check_answer(slot, total, &recipe, &length) + 8;
		CHECK_INT(frame_get16(slot + at + 1), 4321);
		CHECK_INT(frame_get16(slot + at + 3), 53);
		CHECK_INT(slot[at + 5], recipe.v6 ? 6 : 4);
		CHECK_INT(slot[at + 6], 1);
	}
}

static void test_arp(void)
{
	static uint8_t slot[ROOM];
	uint32_t word;

	for (int tags = 0; tags < 3; tags++) {
		const struct recipe recipe = {.tags = tags};
		uint8_t *arp = slot + frame_network(&recipe);

		memset(slot, CANARY, ROOM);
		frame_make(slot, &(struct recipe){.tags = tags, .payload = slot});
		memset(slot, 0xff, 6);
		frame_put16(arp - 2, 0x0806);
		frame_put16(arp, 1);
		frame_put16(arp + 2, 0x0800);
		arp[4] = 6;
		arp[5] = 4;
		frame_put16(arp + 6, 1);
		memcpy(arp + 8, their_mac, 6);
		memcpy(arp + 14, their_v4, 4);
		memset(arp + 18, 0, 6);
		memcpy(arp + 24, our_v4, 4);
		word = run(slot, frame_network(&recipe) + 46, 0);
		CHECK_INT(wn_verdict_code(word), WN_REPLY);
		CHECK_INT(wn_verdict_length(word), frame_network(&recipe) + 28);
		CHECK(memcmp(slot, their_mac, 6) == 0 && memcmp(slot + 6, our_mac, 6) == 0);
		CHECK_INT(frame_get16(arp + 6), 2);
		CHECK(memcmp(arp + 8, our_mac, 6) == 0 && memcmp(arp + 14, our_v4, 4) == 0);
		CHECK(memcmp(arp + 18, their_mac, 6) == 0 && memcmp(arp + 24, their_v4, 4) == 0);
		/* A reply is not answered, nor is a request for somebody else. */
		CHECK_INT(wn_verdict_code(run(slot, frame_network(&recipe) + 28, 0)), WN_CODE_NOT_OURS);
	}
}

/* An ICMP or ICMPv6 message with a right checksum. */
static void make_icmp(uint8_t *icmp, uint32_t length, int v6, uint32_t type)
{
	uint8_t addresses[32];
	uint32_t sum;

	icmp[0] = (uint8_t)type;
	icmp[1] = 0;
	frame_put16(icmp + 2, 0);
	memcpy(addresses, their_v6, 16);
	memcpy(addresses + 16, our_v6, 16);
	sum = v6 ? frame_transport_sum(1, addresses, 58, icmp, length) : frame_sum(0, icmp, length);
	frame_put16(icmp + 2, ~sum & 0xffff);
}

static void test_ping(void)
{
	static uint8_t slot[ROOM];
	uint8_t icmp[200];
	uint32_t total, length, at;

	for (int v6 = 0; v6 < 2; v6++) {
		for (uint32_t size = 8; size < 200; size += 7) {
			struct recipe recipe = {.v6 = v6, .protocol = v6 ? 58 : 1, .payload = icmp, .length = size,
						.extensions = (int)size % 3, .options = (int)size % 3 * 4};

			for (uint32_t i = 0; i < size; i++)
				icmp[i] = (uint8_t)i;
			make_icmp(icmp, size, v6, v6 ? 128 : 8);
			total = expect(slot, &recipe, WN_REPLY);
			at = frame_check_answer(slot, total, &recipe, &length);
			CHECK_INT(length, size);
			CHECK_INT(slot[at], v6 ? 129 : 0);
			CHECK(memcmp(slot + at + 4, icmp + 4, size - 4) == 0);
		}
		/* A reply is not answered: two of us would never stop. */
		make_icmp(icmp, 60, v6, v6 ? 129 : 0);
		expect(slot, &(struct recipe){.v6 = v6, .protocol = v6 ? 58 : 1, .payload = icmp, .length = 60},
		       WN_CODE_UNSUPPORTED);
	}
}

/* A solicitation for us, to the group, from `source`. Returns the word. */
static uint32_t solicit(uint8_t *slot, const uint8_t *source, uint32_t length, uint32_t hops)
{
	uint8_t *ip = slot + 14, *icmp = ip + 40;
	uint32_t sum;

	memset(slot, CANARY, ROOM);
	frame_make(slot, &(struct recipe){.v6 = 1, .protocol = 58, .payload = slot, .length = length});
	memcpy(slot, "\x33\x33\xff\x00\x00\x02", 6);
	ip[7] = (uint8_t)hops;
	memcpy(ip + 8, source, 16);
	memcpy(ip + 24, "\xff\x02\0\0\0\0\0\0\0\0\0\x01\xff\0\0\x02", 16);
	memset(icmp, 0, length);
	icmp[0] = 135;
	if (length >= 24)
		memcpy(icmp + 8, our_v6, 16);
	sum = frame_transport_sum(1, ip + 8, 58, icmp, length);
	frame_put16(icmp + 2, ~sum & 0xffff);
	return run(slot, 54 + length, 0);
}

static void test_neighbour(void)
{
	static const uint8_t nobody[16], all_nodes[16] = {0xff, 2, [15] = 1};
	static uint8_t slot[ROOM];
	const uint8_t *ip = slot + 14, *icmp = ip + 40;

	for (int has_source = 0; has_source < 2; has_source++) {
		const uint32_t word = solicit(slot, has_source ? their_v6 : nobody, has_source ? 32 : 24, 255);

		CHECK_INT(wn_verdict_code(word), WN_REPLY);
		CHECK_INT(wn_verdict_length(word), 14 + 40 + 32);
		CHECK(memcmp(slot, has_source ? their_mac : (const uint8_t *)"\x33\x33\0\0\0\x01", 6) == 0);
		CHECK(memcmp(slot + 6, our_mac, 6) == 0);
		CHECK_INT(ip[7], 255);
		CHECK(memcmp(ip + 8, our_v6, 16) == 0);
		CHECK(memcmp(ip + 24, has_source ? their_v6 : all_nodes, 16) == 0);
		CHECK_INT(icmp[0], 136);
		CHECK_INT(icmp[4], has_source ? 0x60 : 0x20);
		CHECK(memcmp(icmp + 8, our_v6, 16) == 0);
		CHECK_INT(icmp[24] << 8 | icmp[25], 0x0201);
		CHECK(memcmp(icmp + 26, our_mac, 6) == 0);
		CHECK_INT(frame_transport_sum(1, ip + 8, 58, icmp, 32), 0xffff);
	}
	/* From beyond the link, or cut short: RFC 4861 section 7.1.1. */
	CHECK_INT(wn_verdict_code(solicit(slot, their_v6, 32, 254)), WN_CODE_UNSUPPORTED);
	CHECK_INT(wn_verdict_code(solicit(slot, their_v6, 16, 255)), WN_CODE_SHORT);
}

/* One byte of a good frame changed: what then? `fix` makes the IPv4 header's sum right again. */
static void expect_changed(uint32_t v6, uint32_t offset, uint8_t value, int fix, uint32_t code)
{
	static uint8_t slot[ROOM];
	const struct recipe recipe = {.v6 = (int)v6, .payload = (const uint8_t *)"lies", .length = 4};
	uint32_t length, word;

	memset(slot, CANARY, ROOM);
	length = frame_make(slot, &recipe);
	slot[offset] = value;
	if (fix) {
		frame_put16(slot + 24, 0);
		frame_put16(slot + 24, ~frame_sum(0, slot + 14, 20) & 0xffff);
	}
	word = run(slot, length, 0);
	if (wn_verdict_code(word) != code)
		printf("# v6 %u, byte %u = %u: code %u\n", v6, offset, value, wn_verdict_code(word));
	CHECK_INT(wn_verdict_code(word), code);
}

static void test_fields_that_lie(void)
{
	expect_changed(0, 0, 0x04, 0, WN_CODE_NOT_OURS);     /* another station */
	expect_changed(0, 6, 0x03, 0, WN_CODE_BAD_SOURCE);   /* a group as sender */
	expect_changed(0, 12, 0x88, 0, WN_CODE_UNSUPPORTED); /* EtherType */
	expect_changed(0, 14, 0x44, 1, WN_CODE_SHORT);       /* header of 16 bytes */
	expect_changed(0, 14, 0x4f, 0, WN_CODE_SHORT);       /* of 60, in a frame that has fewer */
	expect_changed(0, 14, 0x55, 1, WN_CODE_UNSUPPORTED); /* version 5 */
	expect_changed(0, 17, 19, 1, WN_CODE_SHORT);         /* total length below the header's */
	expect_changed(0, 17, 33, 1, WN_CODE_SHORT);         /* beyond the frame */
	expect_changed(0, 17, 24, 1, WN_CODE_SHORT);         /* too short for UDP */
	expect_changed(0, 20, 0x20, 1, WN_CODE_FRAGMENT);    /* more fragments */
	expect_changed(0, 21, 0x01, 1, WN_CODE_FRAGMENT);    /* an offset */
	expect_changed(0, 22, 12, 0, WN_CODE_CHECKSUM);      /* TTL, without a new sum */
	expect_changed(0, 23, 6, 1, WN_CODE_UNSUPPORTED);    /* TCP */
	expect_changed(0, 26, 127, 1, WN_CODE_BAD_SOURCE);
	expect_changed(0, 26, 224, 1, WN_CODE_BAD_SOURCE);
	expect_changed(0, 26, 0, 1, WN_CODE_BAD_SOURCE);
	expect_changed(0, 29, 2, 1, WN_CODE_BAD_SOURCE);     /* from ourselves */
	expect_changed(0, 33, 3, 1, WN_CODE_NOT_OURS);
	expect_changed(0, 39, 7, 0, WN_CODE_SHORT);          /* UDP length */
	expect_changed(0, 39, 13, 0, WN_CODE_SHORT);
	expect_changed(0, 42, 'L', 0, WN_CODE_CHECKSUM);
	expect_changed(1, 14, 0x50, 0, WN_CODE_UNSUPPORTED);
	expect_changed(1, 19, 13, 0, WN_CODE_SHORT);         /* payload beyond the frame */
	expect_changed(1, 20, 44, 0, WN_CODE_FRAGMENT);
	expect_changed(1, 20, 6, 0, WN_CODE_UNSUPPORTED);
	expect_changed(1, 20, 0, 0, WN_CODE_SHORT);          /* hop-by-hop that runs past the end */
	expect_changed(1, 22, 0xff, 0, WN_CODE_BAD_SOURCE);  /* from a group */
	expect_changed(1, 53, 3, 0, WN_CODE_NOT_OURS);
	expect_changed(1, 62, 'L', 0, WN_CODE_CHECKSUM);
}

static void test_source_port_zero(void)
{
	static uint8_t slot[ROOM];
	uint32_t length = frame_make(slot, &(struct recipe){.payload = (const uint8_t *)"x", .length = 1,
							    .no_checksum = 1});

	frame_put16(slot + 34, 0);
	CHECK_INT(wn_verdict_code(run(slot, length, 0)), WN_CODE_BAD_SOURCE);
}

static void test_too_many_extensions(void)
{
	static uint8_t slot[ROOM];

	expect(slot, &(struct recipe){.v6 = 1, .extensions = 100, .payload = (const uint8_t *)"x", .length = 1},
	       WN_CODE_UNSUPPORTED);
}

/* Checksums that the kernel has left to us, and those it vouches for. */
static void test_checksum_states(void)
{
	static uint8_t slot[ROOM];
	const struct recipe recipe = {.payload = (const uint8_t *)"half", .length = 4};
	uint32_t total, length;

	for (int flag = 0; flag < 2; flag++) {
		total = frame_make(slot, &recipe);
		frame_put16(slot + 40, 0x1234);
		total = wn_verdict_length(run(slot, total, flag ? WN_SLOT_CHECKSUM_PARTIAL
								: WN_SLOT_CHECKSUM_VALID));
		frame_check_answer(slot, total, &recipe, &length);
	}
	total = frame_make(slot, &recipe);
	CHECK_INT(wn_verdict_code(run(slot, total, WN_SLOT_TRUNCATED)), WN_CODE_TRUNCATED);
}

/* Every prefix of good frames, in memory of exactly that size plus room: only the whole is answered. */
static void test_prefixes(void)
{
	static uint8_t whole[ROOM], slot[ROOM];

	for (int v6 = 0; v6 < 2; v6++) {
		const struct recipe recipe = {.v6 = v6, .tags = 2, .extensions = 3, .options = 12,
					      .payload = (const uint8_t *)"prefix", .length = 6};
		const uint32_t length = frame_make(whole, &recipe);

		for (uint32_t cut = 0; cut < length; cut++) {
			memset(slot, CANARY, ROOM);
			memcpy(slot, whole, cut);
			CHECK(wn_verdict_code(run(slot, cut, 0)) != WN_REPLY);
		}
	}
}

static uint32_t random_state = 1;

static uint32_t next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 17;
	random_state ^= random_state << 5;
	return random_state;
}

/* Good frames with some bytes changed: no answer is longer than its slot, none carries the canary. */
static void test_mutations(void)
{
	static uint8_t slot[ROOM];
	uint8_t icmp[64] = {0};
	uint32_t answered = 0;

	for (uint32_t turn = 0; turn < 300000; turn++) {
		struct recipe recipe = {
			.v6 = turn & 1, .tags = (int)(turn >> 1) % 3, .extensions = (int)(turn >> 3) % 4,
			.options = (int)(turn >> 3) % 4 * 4, .payload = icmp, .length = turn % 50,
			.no_checksum = 1,
		};
		uint32_t length, word;

		memset(slot, CANARY, ROOM);
		length = frame_make(slot, &recipe);
		for (uint32_t changes = next_random() % 3; changes; changes--)
			slot[next_random() % length] = (uint8_t)(next_random() % 0xc0);
		word = run(slot, length, turn % 5 ? WN_SLOT_CHECKSUM_VALID : 0);
		if (wn_verdict_code(word) != WN_REPLY)
			continue;
		answered++;
		CHECK(wn_verdict_length(word) <= ROOM);
		for (uint32_t i = frame_network(&recipe) + 40; i < wn_verdict_length(word); i++)
			if (slot[i] == CANARY && slot[i - 1] == CANARY && slot[i - 2] == CANARY) {
				CHECK(!"a canary leaves the machine");
				break;
			}
	}
	CHECK(answered > 10000);
}

int main(void)
{
	memcpy(identity.mac, our_mac, 6);
	identity.ipv4_count = identity.ipv6_count = 1;
	memcpy(identity.ipv4[0], our_v4, 4);
	memcpy(identity.ipv6[0], our_v6, 16);
	RUN(test_udp_echo);
	RUN(test_options_and_extensions);
	RUN(test_no_checksum);
	RUN(test_checksum_of_zero);
	RUN(test_lengths_change);
	RUN(test_verdicts);
	RUN(test_peer);
	RUN(test_arp);
	RUN(test_ping);
	RUN(test_neighbour);
	RUN(test_fields_that_lie);
	RUN(test_source_port_zero);
	RUN(test_too_many_extensions);
	RUN(test_checksum_states);
	RUN(test_prefixes);
	RUN(test_mutations);
	return check_finish();
}
