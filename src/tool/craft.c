/* SPDX-License-Identifier: Apache-2.0 */
#include "tool/craft.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORD_BYTES = 128, VLANS_MAX = 2, HEADERS_BYTES = 14 + 4 * VLANS_MAX + 40 + 8 };

/* What is said of the headers, in the order of the frame. */
struct headers {
	uint8_t mac[2][6];               /* from, to */
	uint32_t vlans[VLANS_MAX], vlan_count;
	int family;                      /* 0: no udp; 4 or 6 */
	uint8_t address[2][16];
	uint32_t port[2];
	uint32_t ttl;
	uint32_t type;                   /* where there is no udp */
};

struct parser {
	const char *at;
	struct wn_crafted *crafted;
	struct headers headers;
	struct wn_error *error;
};

static int wrong(struct parser *parser, const char *what, const char *word)
{
	return wn_fail(parser->error, EINVAL, WN_FAILED, "%s: '%s'", what, word);
}

/* The next word without passing over it; "" at the end. */
static void look(struct parser *parser, char word[WORD_BYTES])
{
	parser->at += strspn(parser->at, " \t");
	snprintf(word, WORD_BYTES, "%.*s", (int)strcspn(parser->at, " \t"), parser->at);
}

static void take(struct parser *parser, char word[WORD_BYTES])
{
	look(parser, word);
	parser->at += strcspn(parser->at, " \t");
}

/* Passes over the word if it is the next one. */
static int take_if(struct parser *parser, const char *wanted)
{
	char word[WORD_BYTES];

	look(parser, word);
	if (strcmp(word, wanted))
		return 0;
	take(parser, word);
	return 1;
}

static int take_number(struct parser *parser, int base, uint32_t most, uint32_t *number)
{
	char word[WORD_BYTES], *end;

	take(parser, word);
	errno = 0;
	*number = (uint32_t)strtoul(word, &end, base);
	if (!isxdigit((unsigned char)word[0]) || *end || errno || *number > most)
		return wrong(parser, "not a number that fits", word);
	return 0;
}

/* -- bytes -- */

static int put(struct parser *parser, uint32_t byte)
{
	struct wn_crafted *crafted = parser->crafted;

	if (crafted->length == WN_CRAFT_BYTES_MAX - HEADERS_BYTES)
		return wn_fail(parser->error, EINVAL, WN_FAILED, "more than %d bytes",
			       WN_CRAFT_BYTES_MAX - HEADERS_BYTES);
	crafted->bytes[crafted->length++] = (uint8_t)byte;
	return 0;
}

static int put_number(struct parser *parser, uint32_t value, uint32_t bytes)
{
	for (uint32_t i = bytes; i-- > 0;)
		if (put(parser, value >> 8 * i))
			return -EINVAL;
	return 0;
}

static int hex_digit(char c)
{
	return isdigit((unsigned char)c) ? c - '0' : isxdigit((unsigned char)c) ? (c | 32) - 'a' + 10 : -1;
}

static int put_hex(struct parser *parser, const char *word)
{
	const size_t length = strlen(word);

	if (length % 2 || strspn(word, "0123456789abcdefABCDEF") != length)
		return wrong(parser, "neither bytes in hexadecimal nor anything else that is known", word);
	for (size_t i = 0; i < length; i += 2)
		if (put(parser, (uint32_t)(hex_digit(word[i]) << 4 | hex_digit(word[i + 1]))))
			return -EINVAL;
	return 0;
}

/* Behind the backslash; *byte is what it stands for. */
static int take_escape(struct parser *parser, uint32_t *byte)
{
	static const char escapes[] = "nrt0\\\"", meant[] = "\n\r\t\0\\\"";
	const char *found = *parser->at ? strchr(escapes, *parser->at) : NULL;

	if (found) {
		*byte = (uint8_t)meant[found - escapes];
		parser->at++;
		return 0;
	}
	if (*parser->at == 'x' && hex_digit(parser->at[1]) >= 0 && hex_digit(parser->at[2]) >= 0) {
		*byte = (uint32_t)(hex_digit(parser->at[1]) << 4 | hex_digit(parser->at[2]));
		parser->at += 3;
		return 0;
	}
	return wrong(parser, "not an escape", parser->at);
}

static int put_text(struct parser *parser)
{
	const char *start = parser->at++;

	while (*parser->at != '"') {
		uint32_t byte = (uint8_t)*parser->at;

		if (!byte)
			return wrong(parser, "a text without its end", start);
		parser->at++;
		if (byte == '\\' && take_escape(parser, &byte))
			return -EINVAL;
		if (put(parser, byte))
			return -EINVAL;
	}
	parser->at++;
	return 0;
}

static int put_repeated(struct parser *parser, const char *word)
{
	char *star;
	const unsigned long count = strtoul(word, &star, 10);

	if (strlen(star) != 3)
		return wrong(parser, "not COUNT*BYTE, such as 20*00", word);
	for (unsigned long i = 0; i < count; i++)
		if (put_hex(parser, star + 1))
			return -EINVAL;
	return 0;
}

static int put_typed(struct parser *parser, const char *word)
{
	const char *colon = strchr(word, ':');
	char *end;

	if (!strncmp(word, "f32:", 4)) {
		const float value = strtof(colon + 1, &end);
		uint32_t bits;

		memcpy(&bits, &value, sizeof(bits));
		if (end == colon + 1 || *end)
			return wrong(parser, "not a number", word);
		return put_number(parser, bits, 4);
	}
	const uint32_t bytes = !strncmp(word, "u8:", 3)	  ? 1
			       : !strncmp(word, "u16:", 4) ? 2
			       : !strncmp(word, "u32:", 4) ? 4
							  : 0;
	const unsigned long long value = strtoull(colon + 1, &end, 0);

	if (!bytes || !isdigit((unsigned char)colon[1]) || *end || value >> 8 * bytes)
		return wrong(parser, "not u8:, u16:, u32: or f32: and a number that fits", word);
	return put_number(parser, (uint32_t)value, bytes);
}

static int take_bytes(struct parser *parser)
{
	char word[WORD_BYTES];
	int rc = 0;

	for (;;) {
		look(parser, word);
		if (rc || !word[0])
			return rc;
		if (word[0] == '"') {
			rc = put_text(parser);
			continue;
		}
		parser->at += strcspn(parser->at, " \t");
		rc = strchr(word, '*')	 ? put_repeated(parser, word)
		     : strchr(word, ':') ? put_typed(parser, word)
					 : put_hex(parser, word);
	}
}

/* -- headers -- */

static int take_mac(struct parser *parser, uint8_t *mac)
{
	unsigned int v[6];
	char word[WORD_BYTES];
	int end = 0;

	take(parser, word);
	if (sscanf(word, "%2x:%2x:%2x:%2x:%2x:%2x%n", &v[0], &v[1], &v[2], &v[3], &v[4], &v[5], &end) != 6 ||
	    word[end])
		return wrong(parser, "not an Ethernet address", word);
	for (int i = 0; i < 6; i++)
		mac[i] = (uint8_t)v[i];
	return 0;
}

/* 192.0.2.1:53 or [2001:db8::1]:53 */
static int take_end(struct parser *parser, int which)
{
	struct headers *headers = &parser->headers;
	char word[WORD_BYTES], *colon, *end;
	unsigned long port;
	int family;

	take(parser, word);
	colon = strrchr(word, ':');
	port = colon ? strtoul(colon + 1, &end, 10) : 0;
	if (!colon || end == colon + 1 || *end || port > 65535)
		return wrong(parser, "not ADDRESS:PORT", word);
	*colon = '\0';
	family = word[0] == '[' ? 6 : 4;
	if (family == 6 && colon[-1] == ']')
		colon[-1] = '\0';
	if (inet_pton(family == 6 ? AF_INET6 : AF_INET, word + (family == 6), headers->address[which]) != 1 ||
	    (which && family != headers->family))
		return wrong(parser, "not an address, or of another family", word);
	headers->family = family;
	headers->port[which] = (uint32_t)port;
	return 0;
}

static int take_arrow(struct parser *parser)
{
	char word[WORD_BYTES];

	if (take_if(parser, ">"))
		return 0;
	look(parser, word);
	return wrong(parser, "expected >, not", word);
}

static int take_headers(struct parser *parser)
{
	struct headers *headers = &parser->headers;
	int rc = 0;

	if (take_if(parser, "eth")) {
		parser->crafted->is_frame = 1;
		if (take_mac(parser, headers->mac[0]) || take_arrow(parser) || take_mac(parser, headers->mac[1]))
			return -EINVAL;
	}
	while (!rc && headers->vlan_count < VLANS_MAX && take_if(parser, "vlan")) {
		parser->crafted->is_frame = 1;
		rc = take_number(parser, 10, 4095, &headers->vlans[headers->vlan_count++]);
	}
	if (!rc && take_if(parser, "udp")) {
		parser->crafted->is_frame = 1;
		rc = take_end(parser, 0) || take_arrow(parser) || take_end(parser, 1) ? -EINVAL : 0;
		if (!rc && take_if(parser, "ttl"))
			rc = take_number(parser, 10, 255, &headers->ttl);
	} else if (!rc && parser->crafted->is_frame) {
		rc = take_if(parser, "type") ? take_number(parser, 16, 0xffff, &headers->type)
					     : wrong(parser, "behind eth and vlan comes udp or type, not", parser->at);
	}
	return rc;
}

static void set16(uint8_t *bytes, uint32_t value)
{
	bytes[0] = (uint8_t)(value >> 8);
	bytes[1] = (uint8_t)value;
}

/* RFC 1071, without the final complement. */
static uint32_t sum(uint32_t start, const uint8_t *bytes, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		start += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
	while (start >> 16)
		start = (start & 0xffff) + (start >> 16);
	return start;
}

static uint32_t write_ip(const struct headers *headers, uint8_t *at, uint32_t payload)
{
	memset(at, 0, headers->family == 4 ? 20 : 40);
	if (headers->family == 4) {
		at[0] = 0x45;
		set16(at + 2, 28 + payload);
		at[8] = (uint8_t)headers->ttl;
		at[9] = 17;
		memcpy(at + 12, headers->address[0], 4);
		memcpy(at + 16, headers->address[1], 4);
		set16(at + 10, ~sum(0, at, 20) & 0xffff);
		return 20;
	}
	at[0] = 0x60;
	set16(at + 4, 8 + payload);
	at[6] = 17;
	at[7] = (uint8_t)headers->ttl;
	memcpy(at + 8, headers->address[0], 16);
	memcpy(at + 24, headers->address[1], 16);
	return 40;
}

/* The payload stands behind the header already. */
static void write_udp(const struct headers *headers, uint8_t *at, uint32_t payload)
{
	const uint32_t bytes = headers->family == 4 ? 4 : 16, total = 8 + payload;
	uint32_t checksum = 17 + total;

	set16(at, headers->port[0]);
	set16(at + 2, headers->port[1]);
	set16(at + 4, total);
	set16(at + 6, 0);
	checksum = sum(checksum, headers->address[0], bytes);
	checksum = sum(checksum, headers->address[1], bytes);
	checksum = ~sum(checksum, at, total) & 0xffff;
	set16(at + 6, checksum ? checksum : 0xffff);
}

static void wrap(const struct headers *headers, struct wn_crafted *crafted)
{
	const uint32_t payload = crafted->length;
	const uint32_t network = 14 + 4 * headers->vlan_count;
	const uint32_t size = network + (headers->family == 4 ? 28 : headers->family == 6 ? 48 : 0);
	uint8_t *bytes = crafted->bytes, *type = bytes + network - 2;

	memmove(bytes + size, bytes, payload);
	crafted->length = size + payload;
	memcpy(bytes, headers->mac[1], 6);
	memcpy(bytes + 6, headers->mac[0], 6);
	for (uint32_t i = 0; i < headers->vlan_count; i++) {
		set16(bytes + 12 + 4 * i, 0x8100);
		set16(bytes + 14 + 4 * i, headers->vlans[i]);
	}
	set16(type, headers->family == 4 ? 0x0800 : headers->family == 6 ? 0x86dd : headers->type);
	if (headers->family)
		write_udp(headers, bytes + network + write_ip(headers, bytes + network, payload), payload);
}

int wn_craft(struct wn_crafted *crafted, const char *text, struct wn_error *error)
{
	struct parser parser = {
		.at = text,
		.crafted = crafted,
		.error = error,
		.headers = {.mac = {{2, 0, 0, 0, 0, 1}, {2, 0, 0, 0, 0, 2}}, .ttl = 64},
	};

	crafted->length = 0;
	crafted->is_frame = 0;
	if (take_headers(&parser) || take_bytes(&parser))
		return -EINVAL;
	if (crafted->is_frame)
		wrap(&parser.headers, crafted);
	return 0;
}
