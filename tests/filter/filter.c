/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The filter program against libpcap's own interpreter, which is tcpdump's: some 200 expressions,
 * each over frames of every kind, cut short, mutated, and made of noise. The sets must be the same.
 */
#include "tests/runtime/network.h"

#include <pcap/pcap.h>

enum { FRAMES = 700, FRAME_BYTES = 200, KEEP_BYTES = 262144, MADE_EXPRESSIONS = 110 };

static struct {
	uint8_t bytes[FRAME_BYTES];
	uint32_t length, wire_length;
} frames[FRAMES];

static uint64_t random_state = 88172645463325252u;

static uint32_t random_below(uint32_t limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 33) % limit;
}

static void put16(uint8_t *bytes, uint32_t value)
{
	bytes[0] = (uint8_t)(value >> 8);
	bytes[1] = (uint8_t)value;
}

/* -- frames -- */

static uint32_t put_transport(uint8_t *at, uint32_t protocol)
{
	static const uint16_t ports[] = {53, 80, 443, 22, 5353, 1024, 65535, 123};

	for (uint32_t i = 0; i < 40; i++)
		at[i] = (uint8_t)random_below(256);
	put16(at, ports[random_below(8)]);
	put16(at + 2, ports[random_below(8)]);
	if (protocol == 6)
		at[12] = (uint8_t)(0x50 | random_below(2) << 5);
	if (protocol == 1 || protocol == 58)
		at[0] = (uint8_t)(protocol == 1 ? random_below(20) : 127 + random_below(10));
	return 20 + random_below(20);
}

static uint32_t put_ipv4(uint8_t *ip)
{
	static const uint8_t protocols[] = {17, 6, 1, 17, 6, 2, 132, 51, 89, 4};
	const uint32_t header = 20 + 4 * (random_below(4) ? 0 : random_below(11));
	const uint32_t protocol = protocols[random_below(10)];
	uint32_t transport;

	memset(ip, 1, header);
	ip[0] = (uint8_t)(0x40 | header / 4);
	ip[1] = (uint8_t)random_below(256);
	put16(ip + 4, random_below(65536));
	put16(ip + 6, random_below(4) ? 0x4000 : random_below(65536));
	ip[8] = (uint8_t)random_below(256);
	ip[9] = (uint8_t)protocol;
	put16(ip + 12, random_below(3) ? 0x0a00 : 0xe000 + random_below(256));
	put16(ip + 14, random_below(3));
	put16(ip + 16, random_below(3) ? 0xc0a8 : 0xffff);
	put16(ip + 18, random_below(4));
	transport = put_transport(ip + header, protocol);
	put16(ip + 2, header + transport);
	return header + transport;
}

static uint32_t put_ipv6(uint8_t *ip)
{
	static const uint8_t nexts[] = {17, 6, 58, 0, 44, 43, 60, 132, 59, 17};
	const uint32_t next = nexts[random_below(10)];
	uint32_t transport;

	memset(ip, 0, 40);
	ip[0] = 0x60;
	ip[6] = (uint8_t)next;
	ip[7] = (uint8_t)random_below(256);
	put16(ip + 8, random_below(2) ? 0xfe80 : 0x2001);
	ip[23] = (uint8_t)random_below(3);
	put16(ip + 24, random_below(2) ? 0xff02 : 0x2001);
	ip[39] = (uint8_t)random_below(3);
	transport = put_transport(ip + 40, next);
	if (next == 44)
		ip[40] = 17; /* a fragment of UDP */
	put16(ip + 4, transport);
	return 40 + transport;
}

static void make_frame(uint8_t *bytes, uint32_t *length)
{
	static const uint16_t types[] = {0x0800, 0x86dd, 0x0800, 0x86dd, 0x0806, 0x8035, 0x8847,
					 0x8863, 0x8864, 0x88cc, 0x6003, 0x0030, 0x05dc, 0x05dd};
	const uint32_t tags = random_below(3) ? 0 : 1 + random_below(2);
	uint32_t at = 12, type = types[random_below(14)];

	for (uint32_t i = 0; i < FRAME_BYTES; i++)
		bytes[i] = (uint8_t)random_below(256);
	put16(bytes, random_below(2) ? 0x0200 : 0xffff);
	memset(bytes + 2, random_below(2) ? 0xff : 0, 4);
	for (uint32_t i = 0; i < tags; i++, at += 4) {
		put16(bytes + at, random_below(2) ? 0x8100 : 0x88a8);
		put16(bytes + at + 2, random_below(4) ? random_below(200) : 100);
	}
	put16(bytes + at, type);
	at += 2;
	if (type == 0x8847) {
		bytes[at + 2] |= 1; /* bottom of the stack */
		at += 4;
		type = random_below(2) ? 0x0800 : 0x86dd;
	} else if (type == 0x8864) {
		put16(bytes + at + 6, random_below(2) ? 0x0021 : 0x0057);
		at += 8;
		type = bytes[at - 1] == 0x21 ? 0x0800 : 0x86dd;
	}
	if (type == 0x0800)
		at += put_ipv4(bytes + at);
	else if (type == 0x86dd)
		at += put_ipv6(bytes + at);
	else
		at += random_below(60);
	*length = at < FRAME_BYTES ? at : FRAME_BYTES;
}

static void make_frames(void)
{
	for (uint32_t i = 0; i < FRAMES; i++) {
		make_frame(frames[i].bytes, &frames[i].length);
		frames[i].wire_length = frames[i].length;
		if (i % 4 == 1) /* something in it is not what it was */
			for (uint32_t k = 0; k < 3; k++)
				frames[i].bytes[random_below(frames[i].length)] =
					(uint8_t)random_below(256);
		if (i % 4 == 2) /* the capture ends in the middle of it */
			frames[i].length = random_below(frames[i].length);
		if (i % 8 == 3) { /* a runt */
			frames[i].length = random_below(64);
			frames[i].wire_length = frames[i].length;
		}
	}
}

/* -- expressions -- */

static const char *const hand_made[] = {
	"ip", "ip6", "arp", "rarp", "tcp", "udp", "icmp", "icmp6", "igmp", "sctp", "ah", "esp", "pim",
	"not ip", "not ip6 and not ip", "ip or ip6 or arp", "broadcast", "multicast", "ip multicast",
	"ip6 multicast", "ether broadcast", "ether multicast",
	"udp port 53", "tcp port 80", "port 443", "src port 53", "dst port 53", "udp src port 5353",
	"port 53 or port 80 or port 443 or port 22", "not port 22", "udp and not port 53",
	"portrange 50-100", "src portrange 1024-65535", "tcp portrange 80-443", "port 65535",
	"host 10.0.0.1", "src host 10.0.0.1", "dst host 192.168.0.2", "net 10.0.0.0/8",
	"src net 10.0.0.0/16", "dst net 192.168.0.0 mask 255.255.255.0", "net 224.0.0.0/4",
	"ip host 10.0.0.2 and udp", "not net 10.0.0.0/8", "host 2001::1", "src host fe80::1",
	"dst net ff02::/16", "net 2001::/64", "ip6 and not net fe80::/10",
	"ether host 02:00:00:00:00:00", "ether src 02:00:ff:ff:ff:ff", "ether dst ff:ff:ff:ff:ff:ff",
	"ether proto 0x0800", "ether proto 0x88cc", "ether proto \\arp", "ip proto 17", "ip proto \\tcp",
	"ip6 proto 58", "proto 132", "ip proto 51 or ip proto 89",
	"vlan", "vlan 100", "vlan and ip", "vlan 100 and udp port 53", "vlan and vlan", "vlan and vlan and ip6",
	"not vlan", "vlan and tcp", "mpls", "mpls and ip", "pppoed", "pppoes", "pppoes and ip",
	"pppoes and ip6 and udp", "llc", "stp", "ipx", "netbeui", "iso", "clnp", "decnet host 1.2",
	"less 60", "greater 100", "len > 80", "len = 42 or len = 60", "len <= 14", "len % 2 = 0",
	"ip[0] & 0xf != 5", "ip[0] = 0x45", "ip[6:2] & 0x1fff != 0", "ip[8] < 64", "ip[2:2] > 60",
	"ip[12:4] = 0x0a000001", "ip[9] = 17 and udp[0:2] = 53", "udp[4:2] > 20", "tcp[13] & 2 != 0",
	"tcp[tcpflags] & (tcp-syn|tcp-fin) != 0", "tcp[12] & 0xf0 = 0x50", "tcp[((tcp[12] & 0xf0) >> 2):4] = 0x47455420",
	"icmp[icmptype] = icmp-echo", "icmp[0] < 12", "icmp6[0] = 128", "icmp6[icmp6type] = icmp6-neighborsolicit",
	"ip6[6] = 17", "ip6[40] > 100", "ip6[4:2] + 40 > 70", "ether[0] & 1 = 1", "ether[12:2] > 0x600",
	"ether[14] = 0x45", "ether[100] = 0", "ether[1000] = 0", "ether[len - 1] > 127", "ether[len - 4] > 0x80",
	"ether[ether[14]] > 100", "ip[ip[0]] > 9", "ip[((ip[0] & 0xf) * 4):2] = 53", "udp[ip[8]:2] > 1000",
	"len * 3 - 7 > 250", "ether[20] / 3 = 11", "ether[20] % 7 = 3", "ether[20] / ether[21] > 1",
	"ether[20] % ether[21] = 0", "ether[20] ^ 0xff < 100", "ether[20] << 3 > 1024", "ether[20:4] >> 9 = 7",
	"ether[20] | 1 = ether[20]", "(ether[20] & ether[21]) = 0", "-ether[20] > 0xffffff80",
	"ether[20] + ether[21] * ether[22] > 9999", "ether[20:2] > ether[22:2]", "ether[20:4] >= ether[24:4]",
	"ip[0 - (ether[22] & 7)] < 200", "ip[2 - (ether[22] & 7)] >= 0", "ether[20] << ether[21] > 77", "ether[20:4] >> ether[21] & 1 = 1", "ip[ether[20] : 1] = 4",
	"(tcp or udp) and (port 53 or port 80) and not (src net 10.0.0.0/24 or dst host 192.168.0.1)",
	"ip and (udp[8:4] & 0x7fffffff) > 99 or ip6 and ip6[8:4] = 0xfe800000",
	"1 = 1", "1 > 2 or arp", "ether[0:4] != 0 and ether[4:2] != 0",
};

static const char *const atoms[] = {
	"ip", "ip6", "arp", "tcp", "udp", "icmp", "icmp6", "port 53", "src port 80", "dst port 443", "host 10.0.0.1",
	"net 10.0.0.0/8", "dst net 192.168.0.0/16", "portrange 20-90", "len > 70", "less 100", "broadcast",
	"multicast", "ip[8] > 100", "ether[14] & 0x40 != 0", "udp[4:2] < 40", "tcp[13] & 0x12 != 0",
	"ip[6:2] & 0x3fff = 0", "ip6[7] > 64", "ether[len - 2] > 99", "ip[ip[0] & 15] > 60", "net 2001::/16",
	"proto 58", "ether[16:4] % 13 > 6", "ether[17] * ether[18] > 9000",
};

/* Atoms joined at random. */
static void make_expression(char *text, size_t bytes)
{
	const uint32_t count = 2 + random_below(5);
	const uint32_t atom_count = sizeof(atoms) / sizeof(atoms[0]);
	uint32_t open = 0;
	size_t used = 0;

	for (uint32_t i = 0; i < count; i++) {
		used += (size_t)snprintf(text + used, bytes - used, "%s%s%s%s",
					 i ? random_below(2) ? " and " : " or " : "",
					 random_below(4) ? "" : "not ",
					 i + 1 < count && !random_below(3) && ++open ? "(" : "",
					 atoms[random_below(atom_count)]);
		if (open && i && !random_below(2)) {
			used += (size_t)snprintf(text + used, bytes - used, ")");
			open--;
		}
	}
	while (open--)
		used += (size_t)snprintf(text + used, bytes - used, ")");
}

/* -- both sides -- */

static uint32_t make(uint32_t i, uint8_t *bytes, struct wn_memory_packet *packet)
{
	memcpy(bytes, frames[i].bytes, frames[i].length);
	packet->wire_length = frames[i].wire_length;
	return frames[i].length;
}

static struct network network;
static struct wn_counters counters;

/* Runs the program over all frames; network.delivered is what matched. */
static void run(const char *const *loads, uint32_t count)
{
	struct wn_runtime_params params = {
		.program = "filter", .links = {"memory:kind=frame"}, .link_count = 1, .loads = loads,
		.load_count = count, .slot_count = 64,
	};

	network_init(&network, FRAMES, make);
	CHECK_INT(network_run(&network, &params, &counters), 0);
}

/* Whether libpcap takes the expression; then `expected` says which frames match. */
static int ask_libpcap(const char *expression, uint8_t *expected)
{
	pcap_t *handle = pcap_open_dead(DLT_EN10MB, KEEP_BYTES);
	struct bpf_program program;
	const int rc = pcap_compile(handle, &program, expression, 1, PCAP_NETMASK_UNKNOWN);

	for (uint32_t i = 0; !rc && i < FRAMES; i++) {
		const struct pcap_pkthdr header = {.caplen = frames[i].length, .len = frames[i].wire_length};

		expected[i] = pcap_offline_filter(&program, &header, frames[i].bytes) != 0;
	}
	if (!rc)
		pcap_freecode(&program);
	pcap_close(handle);
	return !rc;
}

static void compare(const char *expression)
{
	static uint8_t expected[FRAMES], got[FRAMES];
	char load[1200];
	const char *loads[] = {load};
	int differ = 0;

	if (!CHECK(ask_libpcap(expression, expected))) {
		printf("# '%s' is no expression\n", expression);
		return;
	}
	snprintf(load, sizeof(load), "expression=%s", expression);
	run(loads, 1);
	memset(got, 0, sizeof(got));
	for (uint32_t i = 0; i < network.delivered_count; i++)
		got[network.delivered[i].index]++;
	for (uint32_t i = 0; i < FRAMES; i++)
		differ += got[i] != expected[i];
	if (!CHECK_INT(differ, 0))
		printf("# '%s'\n", expression);
	CHECK_INT(counters.dropped[WN_CAUSE_PROGRAM] + counters.dropped[WN_CAUSE_TRUNCATED] +
			  counters.delivered,
		  FRAMES);
	network_finish(&network);
}

static void test_hand_made(void)
{
	for (size_t i = 0; i < sizeof(hand_made) / sizeof(hand_made[0]); i++)
		compare(hand_made[i]);
}

static void test_random(void)
{
	uint8_t ignored[FRAMES];
	char text[1000];

	for (uint32_t i = 0; i < MADE_EXPRESSIONS; i++) {
		do /* a few contradict themselves, which libpcap refuses */
			make_expression(text, sizeof(text));
		while (!ask_libpcap(text, ignored));
		compare(text);
	}
}

/* Several expressions: a frame that matches any of them is delivered, once. */
static void test_rules(void)
{
	static const char *const loads[] = {"expression=udp", "expression=udp port 53", "expression=arp"};
	static uint8_t expected[3][FRAMES];
	uint64_t any = 0;

	for (int rule = 0; rule < 3; rule++)
		CHECK(ask_libpcap(strchr(loads[rule], '=') + 1, expected[rule]));
	for (uint32_t i = 0; i < FRAMES; i++)
		any += expected[0][i] | expected[1][i] | expected[2][i];
	run(loads, 3);
	CHECK_INT(network.delivered_count, any);
	CHECK_INT(counters.delivered, any);
	network_finish(&network);
}

static void refuse(const char *const *loads, uint32_t count, const char *words)
{
	struct wn_runtime_params params = {
		.program = "filter", .links = {"memory:kind=frame"}, .link_count = 1, .loads = loads,
		.load_count = count,
	};
	struct wn_error error = {0};

	CHECK(wn_runtime_create(&params, &error) == NULL);
	CHECK_INT(error.status, WN_USAGE);
	if (!CHECK(strstr(error.text, words) != NULL))
		printf("# %s\n", error.text);
}

static void test_refusals(void)
{
	const char *many[17], *wrong[] = {"expression=udp prt 53"}, *loop[] = {"expression=ip6 protochain 17"};

	for (int i = 0; i < 17; i++)
		many[i] = "expression=ip";
	refuse(NULL, 0, "--expression");
	refuse(many, 17, "16");
	refuse(wrong, 1, "'udp prt 53': ");
	refuse(loop, 1, "protochain");
}

int main(void)
{
	make_frames();
	RUN(test_hand_made);
	RUN(test_random);
	RUN(test_rules);
	RUN(test_refusals);
	return check_finish();
}
