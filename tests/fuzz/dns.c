/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: a hostile packet for dns, which serves a zone with a wildcard, aliases, a delegation and
 * signatures.
 *
 * Byte 0 chooses the room and who asks, the rest is the packet, at the end of memory of its own. What
 * is asserted: it is answered or dropped without a fault, an answer is a whole message whose pointers
 * point back, it fits, and no canary from behind the packet is in it.
 */
#include "tests/dns/serve.h"

#include "tests/dns/memory_file.h"
#include "tests/dns/message.h"

enum { CANARIES = 8 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char zone[] =
	"$ORIGIN e.test.\n$TTL 60\n"
	"@ SOA ns host 1 2 3 4 5\n@ NS ns\n@ MX 1 m\n@ RRSIG SOA 8 2 60 20300101000000 20200101000000 1 e.test. AAAA\n"
	"ns A 192.0.2.1\nns AAAA 2001:db8::1\nm A 192.0.2.2\nm RRSIG A 8 3 60 20300101000000 20200101000000 1 e.test. BBBB\n"
	"a CNAME b\nb CNAME m\nl CNAME no\n*.w MX 2 m\n*.w A 192.0.2.3\n*.v CNAME a\nx.y.z TXT t\n"
	"s NS ns.s\ns NS ns\ns DS 1 8 2 05\nns.s A 192.0.2.4\n_s._u SRV 1 2 3 m\n"
	"d DNAME w\nc CNAME q.d\n@ NSEC a NS\na NSEC m CNAME\nm NSEC *.w A\n*.w NSEC @ A\n";

/* The same names with NSEC3: hashes are no matter here, but that a name is between two. */
static const char hashed_zone[] =
	"$ORIGIN h.test.\n$TTL 60\n@ SOA ns host 1 2 3 4 5\n@ NS ns\n@ NSEC3PARAM 1 0 2 0102\n*.w A 192.0.2.3\n"
	"@ RRSIG SOA 8 2 60 20300101000000 20200101000000 1 h.test. AAAA\nx.y.z TXT t\ns NS ns.s\n"
	"00000000000000000000000000000000 NSEC3 1 1 2 0102 vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv A\n"
	"g0000000000000000000000000000000 NSEC3 1 0 2 0102 vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv A\n"
	"vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv NSEC3 1 0 2 0102 00000000000000000000000000000000 A\n";

static void start(struct serve *serve)
{
	struct wn_error error = {0};
	struct memory_file files[2] = {{0}, {0}};
	const char *const loads[2] = {memory_file_load(&files[0], "zone", zone, sizeof(zone) - 1),
				      memory_file_load(&files[1], "zone", hashed_zone, sizeof(hashed_zone) - 1)};

	serve_init(serve);
	if (!wn_loader_find("zones")->missing && serve_load(serve, loads, 2, &error)) {
		fprintf(stderr, "%s\n", error.text);
		abort();
	}
	serve->parameters[parameter_rate_limit] = 50;
}

static int has_canaries(const uint8_t *bytes, uint32_t length)
{
	uint32_t run = 0;

	for (uint32_t i = 0; i < length; i++) {
		run = bytes[i] == SERVE_CANARY ? run + 1 : 0;
		if (run == CANARIES)
			return 1;
	}
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct serve serve;
	char text[16384];

	if (!serve.room)
		start(&serve);
	if (size < 1 || size - 1 > 1500 || has_canaries(data, (uint32_t)size))
		return 0;
	serve.room = data[0] & 1 ? SERVE_ROOM : (uint32_t)(size - 1) + (data[0] >> 1);
	serve.is_six = data[0] >> 1 & 1;
	serve.peer[0] = data[0] & 4 ? 127 : 10;
	serve.now_ns += (uint64_t)data[0] << 20;
	serve_packet(&serve, data + 1, (uint32_t)size - 1);
	if (serve.code != WN_REPLY && serve.code != WN_DROP)
		abort();
	if (serve.length > serve.room || has_canaries(serve.answer, serve.length))
		abort();
	if (serve.code == WN_REPLY && !strncmp(message_text(serve.answer, serve.length, text, sizeof(text)), "BAD", 3))
		abort();
	return 0;
}
