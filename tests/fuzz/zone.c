/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: a hostile zone file. It is refused with a word, or served; then every name of it that the
 * blob knows is asked for, with every type that the name has, and the answers must be whole messages.
 */
#include "tests/dns/serve.h"

#include "tests/dns/memory_file.h"
#include "tests/dns/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t word_of(const struct serve *serve, uint32_t index)
{
	return ((const uint64_t *)(const void *)serve->blob.bytes)[index];
}

static void check(struct serve *serve, const uint8_t *query, unsigned length)
{
	static char text[32768];

	serve_packet(serve, query, length);
	if (serve->code != WN_REPLY ||
	    !strncmp(message_text(serve->answer, serve->length, text, sizeof(text)), "BAD", 3))
		abort();
}

/* The name of a node: in the blob 8 bytes a word in network order, the rest lowest. */
static void name_of(const struct serve *serve, uint32_t node, uint8_t *name, uint32_t bytes)
{
	for (uint32_t i = 0; i < bytes; i++) {
		const uint64_t word = word_of(serve, node + DNS_NODE_WORDS + i / 8);
		const uint32_t in_word = bytes - i / 8 * 8 < 8 ? bytes - i / 8 * 8 : 8;

		name[i] = (uint8_t)(word >> 8 * (in_word - 1 - i % 8));
	}
}

static void ask_node(struct serve *serve, uint32_t node)
{
	const uint32_t bytes = word_of(serve, node) & 0xff, types = word_of(serve, node) >> 16 & 0xffff;
	uint8_t query[1200];

	for (uint32_t i = 0; i <= types; i++) {
		const uint32_t type = i < types ? word_of(serve, node + DNS_NODE_WORDS + (bytes + 7) / 8 + i) & 0xffff
						: 255;
		unsigned used = message_query(query, ".", type);

		name_of(serve, node, query + 12, bytes);
		message_put16(query + 12 + bytes, type);
		message_put16(query + 12 + bytes + 2, 1);
		used = 12 + bytes + 4;
		check(serve, query, used);
		used = message_add_edns(query, used, 4096, 0, i & 1);
		check(serve, query, used);
		if (bytes > 250)
			continue;
		/* And below it: for wildcards, delegations, denials. */
		query[12] = 1;
		query[13] = 'q';
		name_of(serve, node, query + 14, bytes);
		message_put16(query + 14 + bytes, type);
		message_put16(query + 14 + bytes + 2, 1);
		query[11] = 0;
		used = 14 + bytes + 4;
		check(serve, query, used);
		check(serve, query, message_add_edns(query, used, 4096, 0, 1));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct memory_file file;
	static struct serve serve;
	struct wn_error error = {0};
	const char *load = memory_file_load(&file, "zone", data, size);
	uint64_t slots;

	if (wn_loader_find("zones")->missing)
		return 0;
	serve_init(&serve);
	if (serve_load(&serve, &load, 1, &error)) {
		if (!error.text[0] || error.status == WN_OK)
			abort(); /* refused without a word */
		return 0;
	}
	slots = word_of(&serve, DNS_HEAD_SLOTS);
	for (uint32_t i = 0; i < dns_low(slots); i++)
		if (word_of(&serve, dns_high(slots) + i))
			ask_node(&serve, dns_high(word_of(&serve, dns_high(slots) + i)));
	serve_finish(&serve);
	return 0;
}
