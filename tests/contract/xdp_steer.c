/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the xdp link's program takes and what it lets pass, as the kernel's BPF machine runs it
 * (BPF_PROG_TEST_RUN): filter words against libpcap's own interpreter over random frames, addresses
 * and ports against a table. Needs the right to load programs.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "link/xdp_steer.h"
#include "tests/check.h"
#include "tests/contract/veth.h"

enum { FRAME_MAX = 256, FRAMES_RANDOM = 400 };

static int load(const struct wn_xdp_steer *steer)
{
	struct wn_bpf_code code = { .count = 0 };
	char log[WN_BPF_LOG_BYTES];
	int fd;

	wn_xdp_steer_write(steer, -1, &code);
	fd = wn_bpf_load(&code, "wn_test", log);
	wn_bpf_finish(&code);
	if (!CHECK(fd >= 0))
		printf("# %s: %s\n", strerror(-fd), log);
	return fd;
}

/* Whether the program takes the frame; -1 where it could not be run. */
static int takes(int fd, const uint8_t *frame, uint32_t length)
{
	union bpf_attr attributes;

	memset(&attributes, 0, sizeof(attributes));
	attributes.test.prog_fd = (uint32_t)fd;
	attributes.test.data_in = (uint64_t)(uintptr_t)frame;
	attributes.test.data_size_in = length;
	if (!CHECK_INT(syscall(SYS_bpf, BPF_PROG_TEST_RUN, &attributes, sizeof(attributes)), 0))
		return -1;
	CHECK(attributes.test.retval == XDP_DROP || attributes.test.retval == XDP_PASS);
	return attributes.test.retval == XDP_DROP;
}

#if WN_HAVE_LIBPCAP

static const char *const expressions[] = {
	"udp port 53", "udp dst port 53", "tcp[tcpflags] & (tcp-syn|tcp-fin) != 0", "ip6", "arp or icmp",
	"ip host 10.0.0.1 and not tcp", "net 10.0.0.0/8", "ip6 host fd00::1", "vlan 5", "vlan and ip",
	"len > 100", "less 80", "greater 100 and udp", "ether[20] * 3 > ether[21] + 7",
	"ip[2:2] / 4 > 20", "ip[8] % (ip[9] - 1) = 2", "ether[14:4] >> 3 & 0xff = 17", "ether[200] = 7",
	"ip[ip[0] & 15] = 3", "ether[ether[14]:2] > 0x100", "udp[8:4] = 0x01020304",
	"len + ether[20] > 180", "-ether[16] & 3 = 1", "ether broadcast",
	"ether[40000] = 1", "portrange 40-60",
};

static const uint16_t types[] = { 0x0800, 0x0800, 0x0800, 0x86dd, 0x0806, 0x8100, 0x88b5 };

/* Random bytes, with a header that the words above look for more often than chance would. */
static uint32_t make_random(uint8_t *frame)
{
	const uint16_t type = types[(size_t)random() % (sizeof(types) / sizeof(types[0]))];
	static const uint8_t protocols[] = { 17, 6, 1, 58, 17 };
	uint8_t *ip = frame + 14;

	for (int i = 0; i < FRAME_MAX; i++)
		frame[i] = (uint8_t)(random() >> 8);
	if (random() & 1)
		memset(frame, 0xff, 6);
	frame[12] = (uint8_t)(type >> 8);
	frame[13] = (uint8_t)type;
	if (type == 0x8100) {
		ip[0] = 0;
		ip[1] = 5;
		ip[2] = 8;
		ip[3] = 0;
		ip += 4;
	}
	if (random() & 3) {
		ip[0] = type == 0x86dd ? 0x60 : (uint8_t)(0x45 + random() % 3);
		ip[6] = type == 0x86dd ? 17 : 0;
		ip[7] = 0;
		ip[9] = protocols[(size_t)random() % sizeof(protocols)];
		memcpy(ip + 12, "\x0a\0\0\x01", 4);
		ip[20] = ip[22] = 0;
		ip[21] = ip[23] = 53;
		if (type == 0x86dd)
			memcpy(ip + 8, "\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01", 16);
		memcpy(ip + 28, "\1\2\3\4", 4);
	}
	return 14 + (uint32_t)random() % (FRAME_MAX - 14);
}

static void compare(const struct wn_filter *filter, int fd, const char *expression, int counts[2])
{
	uint8_t frame[FRAME_MAX];

	for (int i = 0; i < FRAMES_RANDOM; i++) {
		const uint32_t length = make_random(frame);
		const int expected = wn_filter_matches(filter, frame, length, length);

		counts[expected]++;
		if (!CHECK_INT(takes(fd, frame, length), expected)) {
			printf("# '%s', frame %d of %u bytes\n", expression, i, length);
			return;
		}
	}
}

static void test_filter_words(void)
{
	int counts[2] = { 0, 0 };

	srandom(20);
	for (size_t i = 0; i < sizeof(expressions) / sizeof(expressions[0]); i++) {
		const struct wn_identity nobody = { .ipv4_count = 0 };
		struct wn_filter filter;
		struct wn_error error;
		struct wn_xdp_steer steer = { .filter = &filter, .identity = &nobody };
		int fd;

		if (!CHECK_INT(wn_filter_compile(&filter, expressions[i], NULL, &error), 0)) {
			printf("# %s\n", error.text);
			continue;
		}
		fd = load(&steer);
		if (fd >= 0) {
			compare(&filter, fd, expressions[i], counts);
			close(fd);
		} else {
			printf("# '%s'\n", expressions[i]);
		}
		wn_filter_finish(&filter);
	}
	/* Enough of both kinds to mean something. */
	CHECK(counts[0] > 1000 && counts[1] > 1000);
	printf("# %d frames taken, %d passed, as libpcap has it\n", counts[1], counts[0]);
}

#endif

/* -- addresses and ports -- */

enum kind { ARP, REPLY, SOLICIT, ADVERTISE, UDP4, UDP6, TCP4, ECHO4, ECHO6, OTHER4, FRAGMENT4, RAW };

/* Ours: 10.0.0.2, fd00::2; others end in 9. Ports: 53 is asked for, 54 is not. */
static uint32_t make(uint8_t *frame, enum kind kind, int tags, uint8_t last, uint16_t port,
		     int options)
{
	uint8_t *at = frame + 12;
	const int is_v6 = kind == SOLICIT || kind == ADVERTISE || kind == UDP6 || kind == ECHO6;
	const uint16_t type = kind == RAW ? 0x88b5 : kind == ARP || kind == REPLY ? 0x0806 :
			      is_v6 ? 0x86dd : 0x0800;
	const int header = is_v6 ? 40 : 20 + options * 4;

	memset(frame, 0, FRAME_MAX);
	for (int i = 0; i < tags; i++, at += 4)
		memcpy(at, i == tags - 1 ? "\x81\0\0\5" : "\x88\xa8\0\6", 4);
	*at++ = (uint8_t)(type >> 8);
	*at++ = (uint8_t)type;
	if (kind == ARP || kind == REPLY) {
		at[7] = kind == ARP ? 1 : 2;
		memcpy(at + 24, (uint8_t[]){ 10, 0, 0, last }, 4);
		return (uint32_t)(at - frame) + 28;
	}
	if (is_v6) {
		at[0] = 0x60;
		at[6] = kind == UDP6 ? 17 : 58;
		memcpy(at + 24, (uint8_t[]){ 0xfd, [15] = last }, 16);
	} else {
		at[0] = (uint8_t)(0x45 + options);
		at[7] = kind == FRAGMENT4 ? 9 : 0;
		at[9] = kind == TCP4 ? 6 : kind == ECHO4 ? 1 : kind == OTHER4 ? 89 : 17;
		memcpy(at + 16, (uint8_t[]){ 10, 0, 0, last }, 4);
	}
	if (kind == SOLICIT)
		memcpy(at + 24, (uint8_t[]){ 0xff, 2, [11] = 1, 0xff, 0, 0, last }, 16);
	at += header;
	at[0] = kind == ECHO4 ? 8 : kind == ECHO6 ? 128 : kind == SOLICIT ? 135 : kind == ADVERTISE ? 136 : 0;
	if (kind == UDP4 || kind == UDP6 || kind == TCP4 || kind == FRAGMENT4)
		at[3] = (uint8_t)port;
	if (kind == SOLICIT || kind == ADVERTISE)
		memcpy(at + 8, (uint8_t[]){ 0xfd, [15] = last }, 16);
	return (uint32_t)(at - frame) + 24;
}

static const struct {
	enum kind kind;
	uint8_t last;
	uint8_t port;
	uint8_t by_address, by_both, by_port;  /* taken */
} rules[] = {
	{ ARP, 2, 0, 1, 1, 0 },       { ARP, 9, 0, 0, 0, 0 },       { REPLY, 2, 0, 0, 0, 0 },
	{ SOLICIT, 2, 0, 1, 1, 0 },   { SOLICIT, 9, 0, 0, 0, 0 },   { ADVERTISE, 2, 0, 1, 0, 0 },
	{ UDP4, 2, 53, 1, 1, 1 },     { UDP4, 2, 54, 1, 0, 0 },     { UDP4, 9, 53, 0, 0, 1 },
	{ UDP6, 2, 53, 1, 1, 1 },     { UDP6, 2, 54, 1, 0, 0 },     { UDP6, 9, 53, 0, 0, 1 },
	{ TCP4, 2, 53, 1, 0, 0 },     { TCP4, 9, 53, 0, 0, 0 },     { ECHO4, 2, 0, 1, 1, 0 },
	{ ECHO4, 9, 0, 0, 0, 0 },     { ECHO6, 2, 0, 1, 1, 0 },     { ECHO6, 9, 0, 0, 0, 0 },
	{ OTHER4, 2, 0, 1, 0, 0 },    { FRAGMENT4, 2, 53, 1, 0, 0 }, { RAW, 2, 53, 0, 0, 0 },
};

static const struct wn_identity nobody = { .ipv4_count = 0 };
static const struct wn_identity us = {
	.ipv4_count = 2, .ipv6_count = 2,
	.ipv4 = { { 10, 0, 0, 1 }, { 10, 0, 0, 2 } },
	.ipv6 = { { 0xfd, [15] = 1 }, { 0xfd, [15] = 2 } },
};

/* Every rule, with up to three tags (one more than is looked behind), with IPv4 options, and cut. */
static void check_rules(int fd, int which)
{
	uint8_t frame[FRAME_MAX];

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		const int expected = which == 0 ? rules[i].by_address : which == 1 ? rules[i].by_both :
				     rules[i].by_port;

		for (int tags = 0; tags <= 3; tags++) {
			for (int options = 0; options <= 3; options += 3) {
				const uint32_t length = make(frame, rules[i].kind, tags, rules[i].last,
							     rules[i].port, options);

				if (!CHECK_INT(takes(fd, frame, length), tags <= 2 && expected))
					printf("# rule %zu, %d tags, %d options\n", i, tags, options);
				/* Behind its header nothing is left to find. */
				CHECK_INT(takes(fd, frame, 14 + (uint32_t)tags * 4 + 8), 0);
			}
		}
	}
}

static void test_addresses(void)
{
	const struct wn_xdp_steer steer = { .identity = &us };
	const int fd = load(&steer);

	if (fd < 0)
		return;
	check_rules(fd, 0);
	close(fd);
}

static void test_addresses_and_ports(void)
{
	const struct wn_xdp_steer steer = { .identity = &us, .ports = { 52, 53 }, .port_count = 2 };
	const int fd = load(&steer);

	if (fd < 0)
		return;
	check_rules(fd, 1);
	close(fd);
}

static void test_ports(void)
{
	const struct wn_xdp_steer steer = { .identity = &nobody, .ports = { 53 }, .port_count = 1 };
	const int fd = load(&steer);

	if (fd < 0)
		return;
	check_rules(fd, 2);
	close(fd);
}

/* One family's addresses: the other family is the kernel's. */
static void test_one_family(void)
{
	uint8_t frame[FRAME_MAX];

	for (int v6 = 0; v6 <= 1; v6++) {
		struct wn_identity one = us;
		const struct wn_xdp_steer steer = { .identity = &one };
		int fd;

		if (v6)
			one.ipv4_count = 0;
		else
			one.ipv6_count = 0;
		fd = load(&steer);
		if (fd < 0)
			continue;
		CHECK_INT(takes(fd, frame, make(frame, UDP4, 0, 2, 53, 0)), !v6);
		CHECK_INT(takes(fd, frame, make(frame, UDP6, 0, 2, 53, 0)), v6);
		CHECK_INT(takes(fd, frame, make(frame, ARP, 0, 2, 0, 0)), !v6);
		CHECK_INT(takes(fd, frame, make(frame, SOLICIT, 0, 2, 0, 0)), v6);
		close(fd);
	}
}

static void test_everything(void)
{
	const struct wn_xdp_steer steer = { .identity = &us, .all = 1 };
	uint8_t frame[FRAME_MAX];
	const int fd = load(&steer);

	if (fd < 0)
		return;
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		CHECK_INT(takes(fd, frame, make(frame, rules[i].kind, 0, rules[i].last, 0, 0)), 1);
	close(fd);
}

int main(void)
{
	const char *reason = geteuid() ? "needs root" : veth_xdp_obstacle();

	if (reason)
		return check_skip_all(reason);
#if WN_HAVE_LIBPCAP
	RUN(test_filter_words);
#endif
	RUN(test_addresses);
	RUN(test_addresses_and_ports);
	RUN(test_ports);
	RUN(test_one_family);
	RUN(test_everything);
	return check_finish();
}
