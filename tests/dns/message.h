/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DNS messages for tests: queries from text, answers into text. Nothing here is shared with the program
 * under test.
 */
#ifndef WN_TESTS_MESSAGE_H
#define WN_TESTS_MESSAGE_H

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	unsigned type;
} message_types[] = {
	{"A", 1}, {"NS", 2}, {"CNAME", 5}, {"SOA", 6}, {"PTR", 12}, {"MX", 15}, {"TXT", 16}, {"AAAA", 28},
	{"SRV", 33}, {"DNAME", 39}, {"OPT", 41}, {"DS", 43}, {"RRSIG", 46}, {"NSEC", 47}, {"DNSKEY", 48}, {"NSEC3", 50},
	{"NSEC3PARAM", 51}, {"IXFR", 251},
	{"AXFR", 252}, {"ANY", 255}, {"CAA", 257}, {"TYPE65280", 65280},
};

static inline const char *message_type_name(unsigned type)
{
	static char text[16];

	for (size_t i = 0; i < sizeof(message_types) / sizeof(message_types[0]); i++)
		if (message_types[i].type == type)
			return message_types[i].name;
	snprintf(text, sizeof(text), "TYPE%u", type);
	return text;
}

static inline unsigned message_type(const char *name)
{
	for (size_t i = 0; i < sizeof(message_types) / sizeof(message_types[0]); i++)
		if (!strcmp(message_types[i].name, name))
			return message_types[i].type;
	return 0;
}

static inline unsigned message_put16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
	return 2;
}

static inline unsigned message_get16(const uint8_t *at)
{
	return (unsigned)at[0] << 8 | at[1];
}

/* "www.example.org." or "." in wire format; returns its length. */
static inline unsigned message_put_name(uint8_t *at, const char *text)
{
	unsigned used = 0;

	while (*text && *text != '.') {
		const size_t label = strcspn(text, ".");

		at[used] = (uint8_t)label;
		memcpy(at + used + 1, text, label);
		used += 1 + (unsigned)label;
		text += label + (text[label] == '.');
	}
	at[used] = 0;
	return used + 1;
}

/* A query for IN; returns its length. */
static inline unsigned message_query(uint8_t *at, const char *name, unsigned type)
{
	unsigned used = 12;

	memset(at, 0, 12);
	message_put16(at, 0x1234);
	message_put16(at + 2, 0x0100);
	message_put16(at + 4, 1);
	used += message_put_name(at + used, name);
	used += message_put16(at + used, type);
	return used + message_put16(at + used, 1);
}

/* Appends OPT without options. */
static inline unsigned message_add_edns(uint8_t *at, unsigned used, unsigned payload, unsigned version, int is_do)
{
	message_put16(at + 10, message_get16(at + 10) + 1);
	at[used] = 0;
	message_put16(at + used + 1, 41);
	message_put16(at + used + 3, payload);
	at[used + 5] = 0;
	at[used + 6] = (uint8_t)version;
	message_put16(at + used + 7, is_do ? 0x8000 : 0);
	message_put16(at + used + 9, 0);
	return used + 11;
}

/* -- into text -- */

struct reading {
	const uint8_t *bytes;
	unsigned length, at;
	char *text;
	size_t used, room;
	int is_bad;
};

__attribute__((format(printf, 2, 3)))
static inline void reading_say(struct reading *reading, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	if (reading->used < reading->room)
		reading->used += (size_t)vsnprintf(reading->text + reading->used,
						   reading->room - reading->used, format, arguments);
	va_end(arguments);
}

static inline unsigned reading_number(struct reading *reading, unsigned bytes)
{
	unsigned number = 0;

	if (reading->at > reading->length || reading->length - reading->at < bytes) {
		reading->is_bad = 1;
		return 0;
	}
	while (bytes--)
		number = number << 8 | reading->bytes[reading->at++];
	return number;
}

/* A name; pointers must point back, and into the message. */
static inline void reading_name(struct reading *reading)
{
	unsigned at = reading->at, end = 0, label;

	if (at < reading->length && !reading->bytes[at])
		reading_say(reading, ".");
	for (;;) {
		if (at >= reading->length) {
			reading->is_bad = 1;
			return;
		}
		label = reading->bytes[at];
		if (label >= 0xc0) {
			const unsigned to = message_get16(reading->bytes + at) & 0x3fff;

			end = end ? end : at + 2;
			if (to >= at || to < 12) {
				reading->is_bad = 1;
				return;
			}
			at = to;
			continue;
		}
		at++;
		if (!label)
			break;
		if (label > 63 || at + label > reading->length) {
			reading->is_bad = 1;
			return;
		}
		reading_say(reading, "%.*s.", (int)label, (const char *)reading->bytes + at);
		at += label;
	}
	reading->at = end ? end : at;
}

static inline void reading_data(struct reading *reading, unsigned type, unsigned bytes)
{
	const unsigned end = reading->at + bytes;
	char text[64];

	if (end > reading->length) {
		reading->is_bad = 1;
		return;
	}
	if (type == 1 && bytes == 4) {
		reading_say(reading, "%s", inet_ntop(AF_INET, reading->bytes + reading->at, text, sizeof(text)));
		reading->at = end;
	} else if (type == 28 && bytes == 16) {
		reading_say(reading, "%s", inet_ntop(AF_INET6, reading->bytes + reading->at, text, sizeof(text)));
		reading->at = end;
	} else if (type == 2 || type == 5 || type == 12 || type == 39) {
		reading_name(reading);
	} else if (type == 15 || type == 33) {
		for (unsigned i = 0; i < (type == 15 ? 1u : 3u); i++)
			reading_say(reading, "%u ", reading_number(reading, 2));
		reading_name(reading);
	} else if (type == 6) {
		reading_name(reading);
		reading_say(reading, " ");
		reading_name(reading);
		for (unsigned i = 0; i < 5; i++)
			reading_say(reading, " %u", reading_number(reading, 4));
	} else {
		for (unsigned i = 0; i < bytes; i++)
			reading_say(reading, "%02x", reading->bytes[reading->at + i]);
		reading->at = end;
	}
	reading->is_bad |= reading->at != end;
	reading->at = end;
}

static inline void reading_record(struct reading *reading)
{
	unsigned type, klass, ttl, bytes;

	reading_name(reading);
	type = reading_number(reading, 2);
	klass = reading_number(reading, 2);
	ttl = reading_number(reading, 4);
	bytes = reading_number(reading, 2);
	if (type == 41) {
		reading_say(reading, " OPT %u %08x ", klass, ttl);
	} else {
		reading->is_bad |= klass != 1;
		reading_say(reading, " %u %s ", ttl, message_type_name(type));
	}
	reading_data(reading, type, bytes);
}

/*
 * An answer as text: "NOERROR aa / www.example.org. A / www.example.org. 60 A 192.0.2.1 / / " with the
 * sections answer, authority and additional behind the question, records apart by "; ". Begins with
 * "BAD" where it is no message, or has bytes behind its end.
 */
static inline const char *message_text(const uint8_t *bytes, unsigned length, char *text, size_t room)
{
	static const char *const codes[] = {"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "YXDOMAIN"};
	struct reading reading = {.bytes = bytes, .length = length, .at = 12, .text = text, .room = room};
	const unsigned flags = length >= 12 ? message_get16(bytes + 2) : 0;

	text[0] = '\0';
	if (length < 12 || !(flags & 0x8000) || (flags & 15) > 6)
		return strcpy(text, "BAD header");
	reading_say(&reading, "%s%s%s /", codes[flags & 15], flags & 0x400 ? " aa" : "",
		    flags & 0x200 ? " tc" : "");
	for (unsigned i = 0; i < message_get16(bytes + 4) && !reading.is_bad; i++) {
		reading_say(&reading, " ");
		reading_name(&reading);
		reading_say(&reading, " %s", message_type_name(reading_number(&reading, 2)));
		reading_number(&reading, 2);
	}
	for (unsigned section = 6; section < 12; section += 2) {
		reading_say(&reading, " /");
		for (unsigned i = 0; i < message_get16(bytes + section) && !reading.is_bad; i++) {
			reading_say(&reading, i ? "; " : " ");
			reading_record(&reading);
		}
	}
	if (reading.is_bad || reading.at != length)
		return strcpy(text, "BAD message");
	return text;
}

#endif
