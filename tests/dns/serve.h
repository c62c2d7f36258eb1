/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program dns without a ring around it: a packet in, a packet out. The packet lies at the end of
 * memory of its own, so that a sanitizer sees every byte that is read or written behind its room; bytes
 * behind its length are a canary.
 */
#ifndef WN_TESTS_SERVE_H
#define WN_TESTS_SERVE_H

#include "programs/dns/dns.c"

#include <stdlib.h>
#include <string.h>

#include "data/loader.h"
#include "lane/packet.h"

enum { SERVE_ROOM = 2048, SERVE_CANARY = 0xc5, SERVE_CELLS = 1024 };

struct serve {
	struct wn_blob blob;
	struct wn_program_data data;
	struct wn_table tables[1];
	uint64_t parameters[wn_parameter_count];
	uint64_t counts[wn_lane_words + 1];
	uint32_t cells[SERVE_CELLS];
	uint32_t room;
	uint32_t is_six;              /* the peer, below, is of IPv6 */
	uint8_t peer[16];
	uint64_t now_ns;
	uint32_t code;                /* of the last packet: WN_REPLY, WN_DROP, WN_CODE_FAULT, ... */
	uint8_t answer[SERVE_ROOM];
	uint32_t length;
};

static inline void serve_init(struct serve *serve)
{
	memset(serve, 0, sizeof(*serve));
	serve->parameters[parameter_payload] = 1232;
	serve->parameters[parameter_rates] = SERVE_CELLS;
	serve->tables[0].kind = WN_TABLE_cells;
	serve->tables[0].count = SERVE_CELLS;
	serve->data.parameters = serve->parameters;
	serve->data.tables = serve->tables;
	serve->data.cells = serve->cells;
	serve->data.cell_count = SERVE_CELLS;
	serve->room = SERVE_ROOM;
	serve->peer[0] = 192;
	serve->peer[2] = 2;
}

/* Builds the blob of some files. 0 or -errno. */
static inline int serve_load(struct serve *serve, const char *const *loads, uint32_t count, struct wn_error *error)
{
	const int rc = wn_loader_run(&serve->blob, "dns", "zones", loads, count, error);

	serve->data.file = serve->blob.bytes;
	serve->data.file_bytes = serve->blob.size;
	return rc;
}

static inline void serve_packet(struct serve *serve, const uint8_t *bytes, uint32_t length)
{
	uint8_t *slot = malloc(serve->room);
	struct wn_packet packet;
	uint32_t word;

	if (!slot)
		abort();
	memset(slot, SERVE_CANARY, serve->room);
	memcpy(slot, bytes, length);
	memset(&packet, 0, sizeof(packet));
	packet.bytes = slot;
	packet.counts = serve->counts;
	packet.data = &serve->data;
	packet.length = packet.wire_length = length;
	packet.room = serve->room;
	packet.look = WN_LOOK_ALL;
	packet.flags = serve->is_six ? WN_SLOT_IPV6 : 0;
	packet.peer = serve->peer;
	packet.arrival_ns = serve->now_ns;
	word = wn_packet_judge(&packet, wn_program_run(&packet));
	serve->code = wn_verdict_code(word);
	serve->length = serve->code == WN_REPLY ? wn_verdict_length(word) : 0;
	memcpy(serve->answer, slot, serve->length);
	free(slot);
}

static inline void serve_finish(struct serve *serve)
{
	wn_blob_finish(&serve->blob);
}

#endif
