/* SPDX-License-Identifier: Apache-2.0 */
#include "zone_blob.h"

#include <stdlib.h>
#include <string.h>

uint32_t dns_add_words(struct dns_builder *builder, size_t count)
{
	const size_t first = builder->count;

	if (first + count > UINT32_MAX)
		return 0;
	if (first + count > builder->room) {
		const size_t room = first + count > 2 * builder->room ? first + count : 2 * builder->room;
		uint64_t *moved = realloc(builder->words, room * sizeof(*moved));

		if (!moved)
			return 0;
		builder->words = moved;
		builder->room = room;
	}
	memset(builder->words + first, 0, count * sizeof(*builder->words));
	builder->count += count;
	return (uint32_t)first;
}

void dns_set_word(struct dns_builder *builder, size_t index, uint64_t word)
{
	builder->words[index] = dns_little(word);
}

uint32_t dns_add_answer(struct dns_builder *builder, uint32_t more_flags)
{
	const struct dns_message *message = &builder->message;
	const int is_too_long = message->flags & DNS_ANSWER_TOO_LONG;
	struct dns_answer answer = {
		.answer_count = message->counts[DNS_IN_ANSWER],
		.authority_count = message->counts[DNS_IN_AUTHORITY],
		.glue_count = message->counts[DNS_IN_GLUE],
		.extra_count = message->counts[DNS_IN_EXTRA],
		.fixup_count = message->fixup_count,
		.base_bytes = message->base_bytes,
		.flags = message->flags | more_flags,
		.body_bytes = message->body_bytes,
		.extra_bytes = message->used - message->body_bytes,
	};
	uint32_t index, fixups;

	if (is_too_long)
		answer.fixup_count = answer.body_bytes = answer.extra_bytes = 0;
	index = dns_add_words(builder, dns_answer_words(&answer));
	if (!index)
		return 0;
	dns_set_word(builder, index, dns_answer_first(&answer));
	dns_set_word(builder, index + 1, dns_answer_second(&answer));
	memcpy(builder->words + index + DNS_ANSWER_WORDS, message->bytes,
	       answer.body_bytes + answer.extra_bytes);
	fixups = index + DNS_ANSWER_WORDS + dns_answer_bytes_words(&answer);
	for (uint32_t i = 0; i < answer.fixup_count; i++)
		builder->words[fixups + i / 4] |= dns_little((uint64_t)message->fixups[i] << i % 4 * 16);
	return index;
}
