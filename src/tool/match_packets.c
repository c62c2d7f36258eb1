/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "tool/match.h"
#include "tool/match_frame.h"

static uint32_t next_random(struct wn_match_source *source)
{
	source->random ^= source->random << 13;
	source->random ^= source->random >> 7;
	source->random ^= source->random << 17;
	return (uint32_t)(source->random >> 24);
}

static uint32_t random_length(struct wn_match_source *source, uint32_t most)
{
	const uint32_t kind = next_random(source) % 8;

	if (kind < 3)
		return next_random(source) % 33;
	if (kind < 6)
		return next_random(source) % 160;
	return next_random(source) % (most + 1);
}

static void fill(struct wn_match_source *source, uint8_t *bytes, uint32_t length)
{
	for (uint32_t i = 0; i < length; i++)
		bytes[i] = (uint8_t)next_random(source);
}

/* A question to tests/programs/dialect.c or values.c, or whatever else reads its first byte. */
static uint32_t make_question(struct wn_match_source *source, uint8_t *bytes)
{
	static const char kinds[] = "pah46wdcle";
	const uint32_t length = 32 + next_random(source) % 32;

	fill(source, bytes, length);
	bytes[0] = (uint8_t)kinds[next_random(source) % (sizeof(kinds) - 1)];
	if (next_random(source) % 4) {
		/* values.c: how it is read, and from where */
		bytes[1] = (uint8_t)"1248cn"[next_random(source) % 6];
		bytes[2] = 0;
		bytes[3] %= 28;
		bytes[4] %= 20;
	}
	if (next_random(source) % 4)
		memset(bytes + 8, 0, 7);
	if (next_random(source) % 2)
		bytes[15] %= 8;
	if (bytes[0] == '6' && next_random(source) % 2)
		memcpy(bytes + 16, "\x20\x01\x0d\xb8", 4);
	if (bytes[0] == '4' && next_random(source) % 2)
		memcpy(bytes + 12, "\x0a\x01", 2);
	return length;
}

/* A DNS query (RFC 1035, section 4.1) for a name of the zone of match_programs.c, or for another. */
static uint32_t make_query(struct wn_match_source *source, uint8_t *bytes)
{
	static const char *const names[] = {"\3www", "\4mail", "\5alias", "\1x\4wild", "\3sub", "\0nothing", "\2ns"};
	static const uint8_t types[] = {1, 28, 15, 16, 2, 6, 255, 5};
	static const uint8_t head[] = {0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0};
	static const uint8_t zone[] = "\7example\3org";
	const char *name = names[next_random(source) % 7];
	uint32_t length = sizeof(head);

	memcpy(bytes, head, sizeof(head));
	bytes[0] = (uint8_t)next_random(source);
	memcpy(bytes + length, name, strlen(name));
	length += (uint32_t)strlen(name);
	memcpy(bytes + length, zone, sizeof(zone));
	length += sizeof(zone);
	bytes[length++] = 0;
	bytes[length++] = types[next_random(source) % 8];
	bytes[length++] = 0;
	bytes[length++] = 1;
	if (next_random(source) % 4 == 0)
		bytes[next_random(source) % length] ^= (uint8_t)(1u << next_random(source) % 8);
	return length;
}

static uint32_t make_payload(struct wn_match_source *source, uint8_t *bytes, uint32_t most)
{
	uint32_t length;

	if (source->program->is_dns)
		return make_query(source, bytes);
	if (source->program->tables[0] || source->program->data)
		return make_question(source, bytes);
	length = random_length(source, most);
	fill(source, bytes, length);
	if (length && next_random(source) % 2)
		bytes[0] %= 20;
	return length;
}

static uint32_t make_frame(struct wn_match_source *source, uint8_t *bytes)
{
	static uint8_t payload[WN_MATCH_BYTES];
	struct recipe recipe = {
		.tags = (int)(next_random(source) % 3),
		.v6 = (int)(next_random(source) % 2),
		.options = next_random(source) % 4 ? 0 : 8,
		.extensions = next_random(source) % 4 ? 0 : 2,
		.payload = payload,
		.padding = next_random(source) % 3 ? 0 : 7,
		.no_checksum = next_random(source) % 5 == 0,
	};
	uint32_t length;

	recipe.length = make_payload(source, payload, 1400);
	if (next_random(source) % 8 == 0) {
		recipe.protocol = recipe.v6 ? 58 : 1;
		payload[0] = recipe.v6 ? 128 : 8;
		payload[1] = 0;
		recipe.length = recipe.length < 8 ? 8 : recipe.length;
	}
	length = frame_make(bytes, &recipe);
	/* One in three is damaged: mostly in its headers. */
	if (next_random(source) % 3 == 0)
		for (uint32_t i = 0; i < 1 + next_random(source) % 3; i++)
			bytes[next_random(source) % (next_random(source) % 4 ? 60 : length)] ^=
				(uint8_t)(1u << next_random(source) % 8);
	if (next_random(source) % 16 == 0)
		length = next_random(source) % (length + 1);
	return length;
}

int wn_match_next(void *context, uint32_t queue, uint8_t *bytes, uint32_t capacity, struct wn_memory_packet *packet)
{
	struct wn_match_source *source = context;
	static uint8_t made[WN_MATCH_BYTES];
	uint32_t length;

	(void)queue;
	if (source->made == source->program->packets)
		return -1;
	packet->tag = source->made++;
	packet->arrival_ns = 1000 + packet->tag;
	switch (source->program->shape) {
	case WN_MATCH_STACKED:
		length = make_frame(source, made);
		break;
	case WN_MATCH_FRAMES:
		length = next_random(source) % 2 ? make_frame(source, made)
						 : make_payload(source, made, 2048);
		break;
	case WN_MATCH_TRAINS:
		length = 0;
		packet->segment_bytes =
			1 + next_random(source) % (next_random(source) % 2 ? 64 : 1472);
		for (uint32_t left = 1 + next_random(source) % 128; left; left--)
			length += packet->segment_bytes;
		length = length > 60000 ? packet->segment_bytes * (60000 / packet->segment_bytes)
					: length;
		length -= next_random(source) % packet->segment_bytes;
		fill(source, made, length);
		for (uint32_t at = 0; at < length; at += packet->segment_bytes)
			made[at] = packet->tag % 4 ? (uint8_t)(packet->tag % 20)
						   : (uint8_t)(made[at] % 20);
		if (next_random(source) % 4 == 0)
			packet->segment_bytes = 0;
		break;
	default:
		length = make_payload(source, made, 2048);
	}
	packet->wire_length = length + (next_random(source) % 50 == 0);
	packet->length = length > capacity ? capacity : length;
	memcpy(bytes, made, packet->length);
	return 1;
}
