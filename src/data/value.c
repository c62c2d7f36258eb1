/* SPDX-License-Identifier: Apache-2.0 */
/* Values with a size, from the words of a line. */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "data/table.h"

/* Bytes of one word, as far as they have room in word[]. */
struct piece {
	uint8_t bytes[WN_VALUE_BYTES_MAX];
	uint32_t count;
};

/* Takes "u16" and the like off a number's end. Bits, 64 where there is none of them, 0 for others. */
static uint32_t take_bits(char *text)
{
	char *end = strchr(text, 'u');

	if (!end)
		return 64;
	*end++ = '\0';
	return !strcmp(end, "8") ? 8 : !strcmp(end, "16") ? 16 : !strcmp(end, "32") ? 32 : !strcmp(end, "64") ? 64 : 0;
}

static int parse_number(char *text, struct piece *piece)
{
	const uint32_t bits = take_bits(text);
	uint64_t number;

	if (!bits || wn_number_parse(text, &number) || (bits < 64 && number >> bits))
		return -EINVAL;
	piece->count = bits / 8;
	for (uint32_t i = 0; i < piece->count; i++)
		piece->bytes[i] = (uint8_t)(number >> (bits - 8 - 8 * i));
	return 0;
}

static int digit_of(char letter)
{
	const char lower = (char)tolower((unsigned char)letter);

	return isdigit((unsigned char)letter) ? letter - '0' : lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* Two digits a byte, with `between` (or nothing, where that is 0) between two bytes. */
static int parse_hex(const char *text, char between, struct piece *piece)
{
	piece->count = 0;
	for (;;) {
		const int high = digit_of(text[0]), low = high < 0 ? -1 : digit_of(text[1]);

		if (low < 0 || piece->count == sizeof(piece->bytes))
			return -EINVAL;
		piece->bytes[piece->count++] = (uint8_t)(high << 4 | low);
		text += 2;
		if (!*text)
			return 0;
		if (between && *text++ != between)
			return -EINVAL;
	}
}

static int parse_address(const char *text, struct piece *piece)
{
	piece->count = 4;
	return inet_pton(AF_INET, text, piece->bytes) == 1 ? 0 : -EINVAL;
}

static int parse_word(char *word, struct piece *piece)
{
	if (strchr(word, ':'))
		return parse_hex(word, ':', piece);
	if (word[0] == 'x')
		return parse_hex(word + 1, '\0', piece);
	if (strchr(word, '.'))
		return parse_address(word, piece);
	return parse_number(word, piece);
}

int wn_value_parse(char *text, uint8_t *bytes, uint32_t count, char *why, size_t why_bytes)
{
	struct piece piece;
	uint32_t used = 0;
	char *rest, shown[40];

	for (char *word = strtok_r(text, " \t", &rest); word; word = strtok_r(NULL, " \t", &rest)) {
		snprintf(shown, sizeof(shown), "%s", word);
		if (parse_word(word, &piece)) {
			snprintf(why, why_bytes, "'%s' is no part of a value: such are 7u8, 0x7u16, 7u32, 7, "
						 "192.0.2.1, 02:00:5e and x02005e", shown);
			return -EINVAL;
		}
		if (piece.count <= count - (used < count ? used : count))
			memcpy(bytes + used, piece.bytes, piece.count);
		used += piece.count;
	}
	if (used == count)
		return 0;
	snprintf(why, why_bytes, "the value has %u bytes; this table's have %u", used, count);
	return -EINVAL;
}
