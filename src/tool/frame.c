/* SPDX-License-Identifier: Apache-2.0 */
#include "tool/frame.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

enum { EXTENSIONS_MAX = 8 };

static uint32_t get16(const uint8_t *bytes)
{
	return (uint32_t)bytes[0] << 8 | bytes[1];
}

/* Hop-by-hop options, routing, destination options (RFC 8200, section 4): length in units of 8 bytes. */
static uint32_t skip_extensions(const uint8_t *bytes, uint32_t at, uint32_t end, uint32_t *protocol)
{
	for (int i = 0; i < EXTENSIONS_MAX && at + 8 <= end; i++) {
		if (*protocol == 44)
			return 0; /* a fragment */
		if (*protocol != 0 && *protocol != 43 && *protocol != 60)
			break;
		*protocol = bytes[at];
		at += 8 + 8u * bytes[at + 1];
	}
	return at <= end ? at : 0;
}

static void look_ipv4(struct wn_frame_parts *parts, const uint8_t *at, uint32_t left)
{
	const uint32_t header = 4u * (at[0] & 15), total = get16(at + 2);

	if (left < 20 || header < 20 || total < header || total > left)
		return;
	parts->family = 4;
	parts->end = parts->network + total;
	parts->protocol = at[9];
	if (!(get16(at + 6) & 0x3fff))
		parts->transport = parts->network + header;
}

static void look_ipv6(struct wn_frame_parts *parts, const uint8_t *bytes, uint32_t left)
{
	const uint8_t *at = bytes + parts->network;

	if (left < 40 || get16(at + 4) + 40 > left)
		return;
	parts->family = 6;
	parts->end = parts->network + 40 + get16(at + 4);
	parts->protocol = at[6];
	parts->transport = skip_extensions(bytes, parts->network + 40, parts->end, &parts->protocol);
}

void wn_frame_look(struct wn_frame_parts *parts, const uint8_t *bytes, uint32_t length)
{
	uint32_t at = 12;

	memset(parts, 0, sizeof(*parts));
	if (length < 14)
		return;
	while (parts->vlan_count < WN_FRAME_VLANS_MAX && at + 6 <= length &&
	       (get16(bytes + at) == 0x8100 || get16(bytes + at) == 0x88a8)) {
		parts->vlan_count++;
		at += 4;
	}
	parts->type = get16(bytes + at);
	parts->network = at + 2;
	if (parts->type == 0x0800 && length >= parts->network + 20)
		look_ipv4(parts, bytes + parts->network, length - parts->network);
	else if (parts->type == 0x86dd && length >= parts->network + 40)
		look_ipv6(parts, bytes, length - parts->network);
	if (parts->transport && parts->protocol == 17 && parts->transport + 8 <= parts->end)
		parts->payload = parts->transport + 8;
}

static void note_address(uint8_t *list, uint32_t *count, const uint8_t *address, uint32_t bytes)
{
	static const uint8_t nobody[16];

	if (!memcmp(address, nobody, bytes))
		return;
	for (uint32_t i = 0; i < *count; i++)
		if (!memcmp(list + i * bytes, address, bytes))
			return;
	if (*count < WN_FRAME_ADDRESSES_MAX)
		memcpy(list + (*count)++ * bytes, address, bytes);
}

void wn_frame_note_target(struct wn_frame_targets *targets, const uint8_t *bytes, uint32_t length)
{
	struct wn_frame_parts parts;

	wn_frame_look(&parts, bytes, length);
	if (!parts.type)
		return;
	if (!targets->has_mac && !(bytes[0] & 1)) {
		targets->has_mac = 1;
		memcpy(targets->mac, bytes, 6);
	}
	/* Groups are nobody's own address. */
	if (parts.family == 4 && bytes[parts.network + 16] < 224)
		note_address(targets->ipv4[0], &targets->count4, bytes + parts.network + 16, 4);
	if (parts.family == 6 && bytes[parts.network + 24] != 0xff)
		note_address(targets->ipv6[0], &targets->count6, bytes + parts.network + 24, 16);
	if (parts.type == 0x0806 && length >= parts.network + 28)
		note_address(targets->ipv4[0], &targets->count4, bytes + parts.network + 24, 4);
}

static void add(char *text, const char *name, const char *value)
{
	const size_t used = strlen(text);

	snprintf(text + used, WN_FRAME_OPTIONS_BYTES - used, "%s%s=%s", used ? "," : "", name, value);
}

void wn_frame_link_options(const struct wn_frame_targets *targets, char text[WN_FRAME_OPTIONS_BYTES])
{
	char value[64];

	text[0] = '\0';
	if (targets->has_mac) {
		snprintf(value, sizeof(value), "%02x:%02x:%02x:%02x:%02x:%02x", targets->mac[0],
			 targets->mac[1], targets->mac[2], targets->mac[3], targets->mac[4],
			 targets->mac[5]);
		add(text, "mac", value);
	}
	for (uint32_t i = 0; i < targets->count4; i++) {
		inet_ntop(AF_INET, targets->ipv4[i], value, sizeof(value));
		add(text, "ip", value);
	}
	for (uint32_t i = 0; i < targets->count6; i++) {
		inet_ntop(AF_INET6, targets->ipv6[i], value, sizeof(value));
		add(text, "ip", value);
	}
}
