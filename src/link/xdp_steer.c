/* SPDX-License-Identifier: Apache-2.0 */
#include "link/xdp_steer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "link/xdp_filter.h"

enum {
	TAGS_MAX = 2,               /* of VLAN */
	TAG_BYTES = 4,
	TYPE_OFFSET = 12,           /* of an Ethernet header without tags */
	SERVICE_TAG = 0x88a8,

	ARP_OPERATION = 6,          /* RFC 826 */
	ARP_REQUEST = 1,
	ARP_TARGET = 24,
	ARP_BYTES = 28,

	IPV4_FRAGMENT = 6,          /* RFC 791 */
	IPV4_FRAGMENT_OFFSET = 0x1fff,
	IPV4_PROTOCOL = 9,
	IPV4_TO = 16,
	IPV4_BYTES = 20,
	PROTOCOL_ICMP = 1,
	PROTOCOL_UDP = 17,
	PROTOCOL_ICMPV6 = 58,
	ICMP_ECHO = 8,              /* RFC 792 */
	UDP_TO = 2,                 /* RFC 768 */
	PORTS_BYTES = 4,            /* of a UDP header, or type, code and checksum of ICMP */

	IPV6_NEXT = 6,              /* RFC 8200 */
	IPV6_TO = 24,
	IPV6_BYTES = 40,
	ICMPV6_ECHO = 128,          /* RFC 4443 */
	SOLICITATION = 135,         /* RFC 4861, section 4.3 */
	SOLICITATION_TARGET = 8,
	SOLICITATION_BYTES = 24,

	WORD = BPF_REG_0,           /* what was loaded last */
	HEADER = BPF_REG_5,         /* behind an IPv4 header */
};

struct work {
	const struct wn_xdp_steer *steer;
	struct wn_bpf_code *code;
	uint32_t take, pass;
};

/* The frame must reach as far as `bytes`, else it passes. */
static void need(struct work *work, int bytes)
{
	struct wn_bpf_code *code = work->code;

	wn_bpf_emit(code, BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_1, WN_XDP_DATA, 0, 0);
	wn_bpf_emit(code, BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_1, 0, 0, bytes);
	wn_bpf_jump(code, BPF_JMP | BPF_JGT | BPF_X, BPF_REG_1, WN_XDP_END, 0, work->pass);
}

/* Loads in network order: what it is compared with is turned round instead. */
static void load(struct work *work, int size, int base, int offset)
{
	wn_bpf_emit(work->code, BPF_LDX | BPF_MEM | size, WORD, base, offset, 0);
}

static void jump_if(struct work *work, int comparison, uint32_t value, uint32_t label)
{
	wn_bpf_jump(work->code, BPF_JMP32 | comparison | BPF_K, WORD, 0, (int32_t)value, label);
}

static void go(struct work *work, uint32_t label)
{
	wn_bpf_jump(work->code, BPF_JMP | BPF_JA, 0, 0, 0, label);
}

/* To `label` where one of our IPv4 addresses stands at `offset`. */
static void match_ipv4(struct work *work, int offset, uint32_t label)
{
	const struct wn_identity *identity = work->steer->identity;

	load(work, BPF_W, WN_XDP_DATA, offset);
	for (uint32_t i = 0; i < identity->ipv4_count; i++) {
		uint32_t address;

		memcpy(&address, identity->ipv4[i], sizeof(address));
		jump_if(work, BPF_JEQ, address, label);
	}
}

static void match_ipv6(struct work *work, int offset, uint32_t label)
{
	const struct wn_identity *identity = work->steer->identity;

	for (uint32_t i = 0; i < identity->ipv6_count; i++) {
		const uint32_t other = wn_bpf_label(work->code);
		uint32_t address[4];

		memcpy(address, identity->ipv6[i], sizeof(address));
		for (int word = 0; word < 4; word++) {
			load(work, BPF_W, WN_XDP_DATA, offset + word * 4);
			jump_if(work, BPF_JNE, address[word], other);
		}
		go(work, label);
		wn_bpf_set(work->code, other);
	}
}

/* To `take` where the UDP header at `base` + offset goes to one of the ports. */
static void match_ports(struct work *work, int base, int offset)
{
	load(work, BPF_H, base, offset + UDP_TO);
	for (uint32_t i = 0; i < work->steer->port_count; i++)
		jump_if(work, BPF_JEQ, htons(work->steer->ports[i]), work->take);
	go(work, work->pass);
}

static void steer_arp(struct work *work, int at)
{
	need(work, at + ARP_BYTES);
	load(work, BPF_H, WN_XDP_DATA, at + ARP_OPERATION);
	jump_if(work, BPF_JNE, htons(ARP_REQUEST), work->pass);
	match_ipv4(work, at + ARP_TARGET, work->take);
	go(work, work->pass);
}

/* HEADER becomes what follows the IPv4 header, whose length varies. */
static void find_ipv4_payload(struct work *work, int at)
{
	struct wn_bpf_code *code = work->code;

	load(work, BPF_B, WN_XDP_DATA, at);
	wn_bpf_emit(code, BPF_ALU | BPF_AND | BPF_K, WORD, 0, 0, 15);
	wn_bpf_emit(code, BPF_ALU | BPF_LSH | BPF_K, WORD, 0, 0, 2);
	wn_bpf_emit(code, BPF_ALU64 | BPF_MOV | BPF_X, HEADER, WN_XDP_DATA, 0, 0);
	wn_bpf_emit(code, BPF_ALU64 | BPF_ADD | BPF_X, HEADER, WORD, 0, 0);
	wn_bpf_emit(code, BPF_ALU64 | BPF_ADD | BPF_K, HEADER, 0, 0, at);
	wn_bpf_emit(code, BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_1, HEADER, 0, 0);
	wn_bpf_emit(code, BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_1, 0, 0, PORTS_BYTES);
	wn_bpf_jump(code, BPF_JMP | BPF_JGT | BPF_X, BPF_REG_1, WN_XDP_END, 0, work->pass);
}

static void steer_ipv4(struct work *work, int at)
{
	const uint32_t ours = wn_bpf_label(work->code), udp = wn_bpf_label(work->code);
	const uint32_t addresses = work->steer->identity->ipv4_count;

	need(work, at + IPV4_BYTES);
	if (addresses) {
		match_ipv4(work, at + IPV4_TO, ours);
		go(work, work->pass);
	} else if (work->steer->identity->ipv6_count) {
		go(work, work->pass);
		return;
	}
	wn_bpf_set(work->code, ours);
	if (!work->steer->port_count) {
		go(work, work->take);
		return;
	}
	load(work, BPF_H, WN_XDP_DATA, at + IPV4_FRAGMENT);
	wn_bpf_jump(work->code, BPF_JMP32 | BPF_JSET | BPF_K, WORD, 0, htons(IPV4_FRAGMENT_OFFSET),
		    work->pass);
	find_ipv4_payload(work, at);
	load(work, BPF_B, WN_XDP_DATA, at + IPV4_PROTOCOL);
	jump_if(work, BPF_JEQ, PROTOCOL_UDP, udp);
	if (addresses) {
		jump_if(work, BPF_JNE, PROTOCOL_ICMP, work->pass);
		load(work, BPF_B, HEADER, 0);
		jump_if(work, BPF_JEQ, ICMP_ECHO, work->take);
	}
	go(work, work->pass);
	wn_bpf_set(work->code, udp);
	match_ports(work, HEADER, 0);
}

/* A solicitation to a multicast address: for us only if it asks for one of ours. */
static void steer_solicitation(struct work *work, int at)
{
	load(work, BPF_B, WN_XDP_DATA, at + IPV6_NEXT);
	jump_if(work, BPF_JNE, PROTOCOL_ICMPV6, work->pass);
	need(work, at + IPV6_BYTES + SOLICITATION_BYTES);
	load(work, BPF_B, WN_XDP_DATA, at + IPV6_BYTES);
	jump_if(work, BPF_JNE, SOLICITATION, work->pass);
	match_ipv6(work, at + IPV6_BYTES + SOLICITATION_TARGET, work->take);
	go(work, work->pass);
}

static void steer_ipv6(struct work *work, int at)
{
	const uint32_t ours = wn_bpf_label(work->code), udp = wn_bpf_label(work->code);
	const uint32_t addresses = work->steer->identity->ipv6_count;

	need(work, at + IPV6_BYTES);
	if (addresses) {
		match_ipv6(work, at + IPV6_TO, ours);
		steer_solicitation(work, at);
	} else if (work->steer->identity->ipv4_count) {
		go(work, work->pass);
		return;
	}
	wn_bpf_set(work->code, ours);
	if (!work->steer->port_count) {
		go(work, work->take);
		return;
	}
	need(work, at + IPV6_BYTES + PORTS_BYTES);
	load(work, BPF_B, WN_XDP_DATA, at + IPV6_NEXT);
	jump_if(work, BPF_JEQ, PROTOCOL_UDP, udp);
	if (addresses) {
		jump_if(work, BPF_JNE, PROTOCOL_ICMPV6, work->pass);
		load(work, BPF_B, WN_XDP_DATA, at + IPV6_BYTES);
		jump_if(work, BPF_JEQ, ICMPV6_ECHO, work->take);
		jump_if(work, BPF_JEQ, SOLICITATION, work->take);
	}
	go(work, work->pass);
	wn_bpf_set(work->code, udp);
	match_ports(work, WN_XDP_DATA, at + IPV6_BYTES);
}

/* By addresses and ports: once for each number of tags, so that every offset is a constant. */
static void steer_addresses(struct work *work)
{
	for (int tags = 0; tags <= TAGS_MAX; tags++) {
		const int type = TYPE_OFFSET + tags * TAG_BYTES, at = type + 2;
		const uint32_t ipv4 = wn_bpf_label(work->code), ipv6 = wn_bpf_label(work->code);
		const uint32_t arp = wn_bpf_label(work->code), tag = wn_bpf_label(work->code);

		need(work, at);
		load(work, BPF_H, WN_XDP_DATA, type);
		jump_if(work, BPF_JEQ, htons(ETH_P_IP), ipv4);
		jump_if(work, BPF_JEQ, htons(ETH_P_IPV6), ipv6);
		jump_if(work, BPF_JEQ, htons(ETH_P_ARP), arp);
		if (tags < TAGS_MAX) {
			jump_if(work, BPF_JEQ, htons(ETH_P_8021Q), tag);
			jump_if(work, BPF_JEQ, htons(SERVICE_TAG), tag);
		}
		go(work, work->pass);
		wn_bpf_set(work->code, ipv4);
		steer_ipv4(work, at);
		wn_bpf_set(work->code, ipv6);
		steer_ipv6(work, at);
		wn_bpf_set(work->code, arp);
		steer_arp(work, at);
		wn_bpf_set(work->code, tag);
	}
}

/* Into the socket of the queue it came by; where there is none, on to the kernel. */
static void redirect(struct work *work, int map_fd)
{
	struct wn_bpf_code *code = work->code;

	if (map_fd < 0) {
		wn_bpf_emit(code, BPF_ALU | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, XDP_DROP);
		wn_bpf_emit(code, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
		return;
	}
	wn_bpf_load_map(code, BPF_REG_1, map_fd);
	wn_bpf_emit(code, BPF_LDX | BPF_MEM | BPF_W, BPF_REG_2, WN_XDP_CONTEXT,
		    offsetof(struct xdp_md, rx_queue_index), 0);
	wn_bpf_emit(code, BPF_ALU | BPF_MOV | BPF_K, BPF_REG_3, 0, 0, XDP_PASS);
	wn_bpf_emit(code, BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_redirect_map);
	wn_bpf_emit(code, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

void wn_xdp_steer_write(const struct wn_xdp_steer *steer, int map_fd, struct wn_bpf_code *code)
{
	struct work work = { .steer = steer, .code = code };

	work.take = wn_bpf_label(code);
	work.pass = wn_bpf_label(code);
	wn_bpf_emit(code, BPF_ALU64 | BPF_MOV | BPF_X, WN_XDP_CONTEXT, BPF_REG_1, 0, 0);
	wn_bpf_emit(code, BPF_LDX | BPF_MEM | BPF_W, WN_XDP_DATA, BPF_REG_1,
		    offsetof(struct xdp_md, data), 0);
	wn_bpf_emit(code, BPF_LDX | BPF_MEM | BPF_W, WN_XDP_END, BPF_REG_1,
		    offsetof(struct xdp_md, data_end), 0);
	/* The verifier refuses code that nothing reaches, and each way ends in one of two places. */
	need(&work, ETH_HLEN);
	if (!steer->all && steer->filter)
		wn_xdp_filter_write(steer->filter, code, work.take, work.pass);
	else if (!steer->all)
		steer_addresses(&work);
	wn_bpf_set(code, work.take);
	redirect(&work, map_fd);
	wn_bpf_set(code, work.pass);
	wn_bpf_emit(code, BPF_ALU | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, XDP_PASS);
	wn_bpf_emit(code, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

void wn_xdp_steer_describe(const struct wn_xdp_steer *steer, const char *filter, char *text,
			   size_t bytes)
{
	const uint32_t addresses = steer->identity->ipv4_count + steer->identity->ipv6_count;
	size_t used;

	if (steer->all) {
		snprintf(text, bytes, "every frame");
		return;
	}
	if (steer->filter) {
		snprintf(text, bytes, "'%.100s'", filter);
		return;
	}
	used = (size_t)snprintf(text, bytes, "%s", steer->port_count ? "udp port" : "all");
	for (uint32_t i = 0; i < steer->port_count && used < bytes; i++)
		used += (size_t)snprintf(text + used, bytes - used, "%s%u", i ? "+" : " ",
					 steer->ports[i]);
	if (addresses && used < bytes)
		snprintf(text + used, bytes - used, "%s to %u address%s, arp and neighbours",
			 steer->port_count ? " and echo" : "", addresses, addresses > 1 ? "es" : "");
}
