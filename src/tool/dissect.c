/* SPDX-License-Identifier: Apache-2.0 */
#include "tool/dissect.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <string.h>

#include "tool/json.h"

struct frame {
	struct wn_layers *layers;
	const uint8_t *bytes;
	uint32_t at, end;               /* what is left to look at */
	const uint8_t *addresses;       /* of the IP header: both, one behind the other */
	uint32_t address_bytes;
};

static uint32_t get16(const uint8_t *bytes)
{
	return (uint32_t)bytes[0] << 8 | bytes[1];
}

static uint32_t get32(const uint8_t *bytes)
{
	return get16(bytes) << 16 | get16(bytes + 2);
}

/* -- layers and fields -- */

static struct wn_layer *begin(struct frame *frame, const char *name)
{
	static struct wn_layer full;    /* more than there is room for: nobody sees it */
	struct wn_layer *layer = frame->layers->count < WN_LAYERS_MAX
					 ? &frame->layers->list[frame->layers->count++]
					 : &full;

	memset(layer, 0, sizeof(*layer));
	layer->name = name;
	layer->offset = frame->at;
	return layer;
}

static struct wn_layer_field *next_field(struct wn_layer *layer, const char *key)
{
	struct wn_layer_field *field =
		&layer->fields[layer->count < WN_LAYER_FIELDS_MAX ? layer->count++ : WN_LAYER_FIELDS_MAX - 1];

	field->key = key;
	return field;
}

__attribute__((format(printf, 3, 4)))
static void say(struct wn_layer *layer, const char *key, const char *format, ...)
{
	struct wn_layer_field *field = next_field(layer, key);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(field->text, sizeof(field->text), format, arguments);
	va_end(arguments);
}

static void number(struct wn_layer *layer, const char *key, uint32_t value)
{
	struct wn_layer_field *field = next_field(layer, key);

	snprintf(field->text, sizeof(field->text), "%u", value);
	field->is_number = 1;
}

static void say_mac(struct wn_layer *layer, const char *key, const uint8_t *mac)
{
	say(layer, key, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
}

static void say_address(struct wn_layer *layer, const char *key, int family, const uint8_t *address)
{
	char text[64];

	say(layer, key, "%s", inet_ntop(family == 4 ? AF_INET : AF_INET6, address, text, sizeof(text)));
}

/* Whether `count` bytes are left; if not, says what is there instead of the layer. */
static int has(struct frame *frame, uint32_t count, const char *what)
{
	struct wn_layer *layer;

	if (frame->end - frame->at >= count)
		return 1;
	layer = begin(frame, "cut");
	say(layer, "expected", "%s", what);
	number(layer, "needs", count);
	number(layer, "has", frame->end - frame->at);
	return 0;
}

/* RFC 1071. */
static uint32_t sum(uint32_t start, const uint8_t *bytes, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		start += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
	while (start >> 16)
		start = (start & 0xffff) + (start >> 16);
	return start;
}

static const char *verdict_of(uint32_t folded)
{
	return folded == 0xffff ? "right" : "wrong";
}

static uint32_t transport_sum(const struct frame *frame, uint32_t protocol, uint32_t length)
{
	uint32_t folded = sum(protocol + (length & 0xffff), frame->addresses, 2 * frame->address_bytes);

	return sum(folded, frame->bytes + frame->at, length);
}

/* -- transports -- */

static void look_payload(struct frame *frame)
{
	if (frame->end > frame->at)
		number(begin(frame, "payload"), "length", frame->end - frame->at);
}

static void look_udp(struct frame *frame)
{
	const uint8_t *udp = frame->bytes + frame->at;
	struct wn_layer *layer;
	uint32_t length;

	if (!has(frame, 8, "udp"))
		return;
	layer = begin(frame, "udp");
	length = get16(udp + 4);
	number(layer, "from", get16(udp));
	number(layer, "to", get16(udp + 2));
	number(layer, "length", length);
	if (length < 8 || length > frame->end - frame->at)
		say(layer, "error", "the length lies");
	else if (!get16(udp + 6))
		say(layer, "checksum", "none");
	else
		say(layer, "checksum", "%s", verdict_of(transport_sum(frame, 17, length)));
	if (length >= 8 && length <= frame->end - frame->at)
		frame->end = frame->at + length;
	frame->at += 8;
	look_payload(frame);
}

static void look_tcp(struct frame *frame)
{
	static const char letters[] = "FSRPAUEC";
	const uint8_t *tcp = frame->bytes + frame->at;
	struct wn_layer *layer;
	char flags[9] = "";
	uint32_t header;

	if (!has(frame, 20, "tcp"))
		return;
	layer = begin(frame, "tcp");
	header = tcp[12] >> 4 << 2;
	for (uint32_t i = 0, used = 0; i < 8; i++)
		if (tcp[13] >> i & 1)
			flags[used++] = letters[i];
	number(layer, "from", get16(tcp));
	number(layer, "to", get16(tcp + 2));
	number(layer, "sequence", get32(tcp + 4));
	number(layer, "acknowledges", get32(tcp + 8));
	say(layer, "flags", "%s", flags);
	number(layer, "window", get16(tcp + 14));
	say(layer, "checksum", "%s", verdict_of(transport_sum(frame, 6, frame->end - frame->at)));
	if (header < 20 || header > frame->end - frame->at) {
		say(layer, "error", "the header length lies");
		return;
	}
	frame->at += header;
	look_payload(frame);
}

static const char *icmp_name(uint32_t type, int family)
{
	if (family == 4)
		return type == 8    ? "echo request"
		       : type == 0  ? "echo reply"
		       : type == 3  ? "unreachable"
		       : type == 11 ? "time exceeded"
				    : "other";
	return type == 128   ? "echo request"
	       : type == 129 ? "echo reply"
	       : type == 135 ? "neighbour solicitation"
	       : type == 136 ? "neighbour advertisement"
	       : type == 1   ? "unreachable"
	       : type == 3   ? "time exceeded"
			     : "other";
}

static void look_icmp(struct frame *frame, int family)
{
	const uint8_t *icmp = frame->bytes + frame->at;
	const uint32_t length = frame->end - frame->at;
	struct wn_layer *layer;

	if (!has(frame, 8, family == 4 ? "icmp" : "icmpv6"))
		return;
	layer = begin(frame, family == 4 ? "icmp" : "icmpv6");
	number(layer, "type", icmp[0]);
	number(layer, "code", icmp[1]);
	say(layer, "meaning", "%s", icmp_name(icmp[0], family));
	say(layer, "checksum", "%s",
	    verdict_of(family == 4 ? sum(0, icmp, length) : transport_sum(frame, 58, length)));
	frame->at += 8;
	look_payload(frame);
}

static void look_transport(struct frame *frame, uint32_t protocol, int family)
{
	if (protocol == 17)
		look_udp(frame);
	else if (protocol == 6)
		look_tcp(frame);
	else if (protocol == (family == 4 ? 1 : 58))
		look_icmp(frame, family);
	else
		look_payload(frame);
}

/* -- networks -- */

static void look_ipv4(struct frame *frame)
{
	const uint8_t *ip = frame->bytes + frame->at;
	uint32_t header, total, fragment;
	struct wn_layer *layer;

	if (!has(frame, 20, "ipv4"))
		return;
	layer = begin(frame, "ipv4");
	header = 4u * (ip[0] & 15);
	total = get16(ip + 2);
	fragment = get16(ip + 6) & 0x3fff;
	say_address(layer, "from", 4, ip + 12);
	say_address(layer, "to", 4, ip + 16);
	number(layer, "protocol", ip[9]);
	number(layer, "ttl", ip[8]);
	number(layer, "length", total);
	if (header > 20)
		number(layer, "options", header - 20);
	if (fragment)
		say(layer, "fragment", "at %u%s", 8 * (fragment & 0x1fff), fragment & 0x2000 ? ", more follow" : "");
	if (ip[0] >> 4 != 4 || header < 20 || total < header || total > frame->end - frame->at) {
		say(layer, "error", "%s", ip[0] >> 4 != 4 ? "the version is another" : "a length lies");
		return;
	}
	say(layer, "checksum", "%s", verdict_of(sum(0, ip, header)));
	frame->addresses = ip + 12;
	frame->address_bytes = 4;
	frame->end = frame->at + total;
	frame->at += header;
	if (!fragment)
		look_transport(frame, ip[9], 4);
}

/* Passes over the extension headers; 0 where nothing more can be said. */
static int skip_extensions(struct frame *frame, uint32_t *protocol)
{
	while (*protocol == 0 || *protocol == 43 || *protocol == 60 || *protocol == 44) {
		const uint8_t *extension = frame->bytes + frame->at;
		struct wn_layer *layer;
		uint32_t bytes;

		if (frame->layers->count == WN_LAYERS_MAX || !has(frame, 8, "extension"))
			return 0;
		layer = begin(frame, "extension");
		bytes = *protocol == 44 ? 8 : 8 + 8u * extension[1];
		number(layer, "protocol", *protocol);
		number(layer, "length", bytes);
		if (*protocol == 44 && (get16(extension + 2) & 0xfff9)) {
			say(layer, "fragment", "at %u", get16(extension + 2) & 0xfff8);
			return 0;
		}
		if (bytes > frame->end - frame->at) {
			say(layer, "error", "the length lies");
			return 0;
		}
		*protocol = extension[0];
		frame->at += bytes;
	}
	return 1;
}

static void look_ipv6(struct frame *frame)
{
	const uint8_t *ip = frame->bytes + frame->at;
	struct wn_layer *layer;
	uint32_t protocol, payload;

	if (!has(frame, 40, "ipv6"))
		return;
	layer = begin(frame, "ipv6");
	protocol = ip[6];
	payload = get16(ip + 4);
	say_address(layer, "from", 6, ip + 8);
	say_address(layer, "to", 6, ip + 24);
	number(layer, "protocol", protocol);
	number(layer, "hop_limit", ip[7]);
	number(layer, "length", payload);
	if (ip[0] >> 4 != 6 || payload > frame->end - frame->at - 40) {
		say(layer, "error", "%s", ip[0] >> 4 != 6 ? "the version is another" : "the length lies");
		return;
	}
	frame->addresses = ip + 8;
	frame->address_bytes = 16;
	frame->end = frame->at + 40 + payload;
	frame->at += 40;
	if (skip_extensions(frame, &protocol))
		look_transport(frame, protocol, 6);
}

static void look_arp(struct frame *frame)
{
	const uint8_t *arp = frame->bytes + frame->at;
	struct wn_layer *layer;

	if (!has(frame, 28, "arp"))
		return;
	layer = begin(frame, "arp");
	say(layer, "operation", "%s", get16(arp + 6) == 1 ? "request" : get16(arp + 6) == 2 ? "reply" : "other");
	say_mac(layer, "sender_mac", arp + 8);
	say_address(layer, "sender", 4, arp + 14);
	say_mac(layer, "target_mac", arp + 18);
	say_address(layer, "target", 4, arp + 24);
}

void wn_dissect(struct wn_layers *layers, const uint8_t *bytes, uint32_t length)
{
	struct frame frame = {.layers = layers, .bytes = bytes, .end = length};
	struct wn_layer *layer;
	uint32_t type;

	layers->count = 0;
	if (!has(&frame, 14, "ethernet"))
		return;
	layer = begin(&frame, "ethernet");
	type = get16(bytes + 12);
	say_mac(layer, "from", bytes + 6);
	say_mac(layer, "to", bytes);
	say(layer, "type", "0x%04x", type);
	frame.at = 14;
	while (type == 0x8100 || type == 0x88a8) {
		if (layers->count == WN_LAYERS_MAX || !has(&frame, 4, "vlan"))
			return;
		layer = begin(&frame, "vlan");
		number(layer, "id", get16(bytes + frame.at) & 0xfff);
		number(layer, "priority", bytes[frame.at] >> 5);
		type = get16(bytes + frame.at + 2);
		say(layer, "type", "0x%04x", type);
		frame.at += 4;
	}
	if (type == 0x0800)
		look_ipv4(&frame);
	else if (type == 0x86dd)
		look_ipv6(&frame);
	else if (type == 0x0806)
		look_arp(&frame);
	else
		look_payload(&frame);
}

void wn_layers_print(const struct wn_layers *layers, int indent, FILE *file)
{
	for (uint32_t i = 0; i < layers->count; i++) {
		const struct wn_layer *layer = &layers->list[i];

		fprintf(file, "%*s%-9s", indent, "", layer->name);
		for (uint32_t k = 0; k < layer->count; k++)
			fprintf(file, "%s%s %s", k ? ", " : " ", layer->fields[k].key, layer->fields[k].text);
		fputc('\n', file);
	}
}

void wn_layers_write(const struct wn_layers *layers, const char *key, struct wn_json *json)
{
	wn_json_array(json, key);
	for (uint32_t i = 0; i < layers->count; i++) {
		const struct wn_layer *layer = &layers->list[i];

		wn_json_object(json, NULL);
		wn_json_text(json, "layer", layer->name);
		wn_json_number(json, "offset", layer->offset);
		for (uint32_t k = 0; k < layer->count; k++) {
			const struct wn_layer_field *field = &layer->fields[k];
			unsigned long value;

			if (field->is_number && sscanf(field->text, "%lu", &value) == 1)
				wn_json_number(json, field->key, value);
			else
				wn_json_text(json, field->key, field->text);
		}
		wn_json_end(json);
	}
	wn_json_end(json);
}
