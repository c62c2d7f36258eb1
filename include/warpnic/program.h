/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All that a packet program includes.
 *
 * A program is one function that looks at one packet and returns what becomes of it:
 *
 *     #include <warpnic/program.h>
 *
 *     WN_PROGRAM(echo, WN_DATAGRAM, WN_LOOK_NOTHING)
 *     {
 *             (void)packet;
 *             return WN_REPLY;
 *     }
 *
 * The same source is compiled for every device, so it keeps to the C that all of them take: no
 * headers of the C library, no function pointers, no static variables, no recursion, no 64-bit
 * atomics, no designated initialisers, no goto. A program holds nothing between two packets but
 * its counters and its tables of cells.
 *
 * Every access is checked against the packet's length. One outside reads zero or writes nothing,
 * and the packet is dropped and counted as dropped_program_fault, whatever the program returns: no
 * program can see a byte of another packet.
 */
#ifndef WARPNIC_PROGRAM_H
#define WARPNIC_PROGRAM_H

#include "warpnic/cell.h"
#include "warpnic/data.h"
#include "warpnic/network.h"
#include "warpnic/types.h"
#include "warpnic/verdict.h"

/*
 * How many bytes of a packet, from its start, a program looks at: devices that stage packets bring only
 * these. An access behind them is outside the packet, on every device.
 */
enum {
	WN_LOOK_NOTHING = 0,
	WN_LOOK_ALL = 65536,
	WN_RECORD_BYTES_MAX = 64
};

/*
 * Head of a program: name as an identifier, kind of packets it takes (enum wn_packet_kind), and
 * the bytes it looks at. The body that follows sees `packet`. Of a stream it always sees all.
 */
#define WN_PROGRAM(name, kind, look_bytes)                                                         \
	enum { wn_program_kind = (kind), wn_program_look_bytes = (look_bytes) };                   \
	WN_PROGRAM_NAME_(name)                                                                     \
	WN_FN uint32_t wn_program_run(WN_PRIVATE struct wn_packet *packet)

/*
 * Counters are named before this header is included, one X a counter:
 *
 *     #define WN_COUNTERS(X) X(queries) X(answers)
 *
 * and raised with wn_count(packet, counter_queries, 1). They are 64 bits wide, belong to the lane,
 * and are summed by the host.
 */
#define WN_COUNTER_ENUM_(name) counter_##name,
#ifdef WN_COUNTERS
enum { WN_COUNTERS(WN_COUNTER_ENUM_) wn_counter_count };
#else
enum { wn_counter_count = 0 };
#endif

/*
 * Log2 histograms are named the same way, with WN_HISTOGRAMS(X) X(lengths), and fed with
 * wn_observe(packet, histogram_lengths, value). They belong to the lane and are summed by the host, too.
 */
#define WN_HISTOGRAM_ENUM_(name) histogram_##name,
#ifdef WN_HISTOGRAMS
enum { WN_HISTOGRAMS(WN_HISTOGRAM_ENUM_) wn_histogram_count };
#else
enum { wn_histogram_count = 0 };
#endif
enum {
	WN_LOG2_BUCKETS = 65,  /* bucket 0 holds 0, bucket b values of b bits */
	wn_lane_words = wn_counter_count + WN_LOG2_BUCKETS * wn_histogram_count
};

/*
 * Parameters are numbers that the user may set with --NAME VALUE or --param NAME=VALUE: a type of
 * enum wn_parameter_type, a name, a preset as text, and a line of help.
 *
 *     #define WN_PARAMETERS(X) X(number, limit, "100", "queries a second")
 *
 * and read with wn_parameter(packet, parameter_limit).
 */
#define WN_PARAMETER_ENUM_(type, name, preset, help) parameter_##name,
#ifdef WN_PARAMETERS
enum { WN_PARAMETERS(WN_PARAMETER_ENUM_) wn_parameter_count };
#else
enum { wn_parameter_count = 0 };
#endif

/*
 * Tables are filled by the host from text files, --table NAME=FILE, and read-only here: a kind of
 * enum wn_table_kind, a name, and a line of help.
 *
 *     #define WN_TABLES(X) X(lpm, routes, "prefix and next hop") X(hash, names, "key and value")
 *
 * The values are numbers of 8 bytes. Where they are to be longer, or to have parts, the kind says their
 * size in bytes, from 1 to WN_VALUE_BYTES_MAX, and a look-up gives a handle that wn_value_u32() and its
 * kin read parts of the value by:
 *
 *     #define WN_TABLES(X) X(hash(32), flows, "key and what is known of the flow")
 *
 * A table without a file is empty. A table of the kind `cells` has no file: it is an array of 32-bit
 * words, zero at the start, that all lanes read and write, and it has as many of them as the parameter
 * of the same name says.
 */
#define WN_TABLE_ENUM_(kind, name, help) table_##name,
#define WN_TABLE_CHECK_(kind, name, help)                                                                  \
	WN_STATIC_ASSERT((WN_TABLE_##kind) < 256 * (WN_VALUE_BYTES_MAX + 1),                               \
			 a_value_of_table_##name##_is_longer_than_4096_bytes);
#ifdef WN_TABLES
enum { WN_TABLES(WN_TABLE_ENUM_) wn_table_count };
WN_TABLES(WN_TABLE_CHECK_)
#else
enum { wn_table_count = 0 };
#endif

/*
 * A program may have a host half that makes the file it reads, out of what the user names: its loader
 * (src/data/loader.h lists them), named before this header is included:
 *
 *     #define WN_LOADER "zones"
 */

/*
 * A loop that carries its bound: runs the body for i = 0, 1, ... while i < n, at most `bound`
 * times. There is no other loop in a program.
 *
 *     WN_LOOP(i, wn_length(packet), 1500) { ... }
 */
#define WN_LOOP(i, n, bound) for (uint32_t i = 0; i < (uint32_t)(n) && i < (uint32_t)(bound); i++)

/*
 * What a tracing build is told of (device/trace.h): bytes read, bytes written, and bytes that were asked
 * for behind the `end` of what there is. Any other build compiles none of it.
 */
#ifndef WN_TRACE_READ
#define WN_TRACE_READ(offset, count)
#define WN_TRACE_WRITE(offset, count)
#define WN_TRACE_OUTSIDE(offset, count, end)
#endif

/* Under AddressSanitizer (device/cpu/guard.h): bytes that a packet gains. */
#ifndef WN_GUARD_GROW
#define WN_GUARD_GROW(at, count)
#endif

/*
 * What a run of a stream program has besides the bytes so far, and what it says. Its members are the loop's
 * business, too.
 */
struct wn_stream {
	WN_GLOBAL uint8_t *out;      /* where the reply goes */
	uint32_t out_room;           /* bytes that it may have */
	uint32_t out_bytes;          /* bytes that it has */
	uint64_t file_from, file_bytes; /* the piece of the file that follows them */
	uint64_t kept;               /* the connection's word */
	uint64_t wall_seconds;
	uint32_t consumed;
	uint32_t is_end;             /* no more bytes will come */
	uint32_t is_full;            /* no more bytes fit in before some are consumed */
	uint32_t connection;
};

/*
 * The packet in hand. Made by the device loop for one run of the program; its members are the
 * loop's business, programs use the functions below.
 */
struct wn_packet {
	WN_STAGED uint8_t *bytes;
	WN_STAGED uint8_t *record;
	WN_GLOBAL const uint8_t *peer;        /* datagram links: the peer's address */
	WN_STAGED const uint8_t *peer_staged; /* frame links: the same, in the frame */
	WN_PRIVATE uint64_t *counts;
	WN_PRIVATE const struct wn_program_data *data;
	WN_PRIVATE struct wn_stream *stream;  /* 0: a packet */
	uint32_t length;
	uint32_t room;
	uint32_t look;    /* bytes that are there for the program to see, or may be: WN_PROGRAM's */
	uint32_t changed; /* the program wrote to it */
	uint32_t wire_length;
	uint32_t flags;
	uint32_t index;
	uint32_t record_length;
	uint32_t fault;
	uint32_t peer_port;
	uint32_t local_port;
	uint64_t arrival_ns;
};

/* -- what is known of the packet -- */

/* Bytes the packet has now: those received, or what wn_set_length() made it. */
WN_FN uint32_t wn_length(WN_PRIVATE const struct wn_packet *packet)
{
	return packet->length;
}

/* The longest that wn_set_length() can make it. */
WN_FN uint32_t wn_room(WN_PRIVATE const struct wn_packet *packet)
{
	return packet->room;
}

/* Bytes it had on the wire; more than were received only where wn_is_truncated(). */
WN_FN uint32_t wn_wire_length(WN_PRIVATE const struct wn_packet *packet)
{
	return packet->wire_length;
}

/* Packets this queue received before this one, modulo 2^32. */
WN_FN uint32_t wn_index(WN_PRIVATE const struct wn_packet *packet)
{
	return packet->index;
}

/* When it arrived, in ns of the host's CLOCK_MONOTONIC. */
WN_FN uint64_t wn_arrival_ns(WN_PRIVATE const struct wn_packet *packet)
{
	return packet->arrival_ns;
}

/* True for an Ethernet frame, false for a datagram's payload. */
WN_FN uint32_t wn_is_frame(WN_PRIVATE const struct wn_packet *packet)
{
	return packet->flags & 1u;
}

/* True where bytes are missing. Such a packet is never answered, whatever the program returns. */
WN_FN uint32_t wn_is_truncated(WN_PRIVATE const struct wn_packet *packet)
{
	return packet->flags >> 1 & 1u;
}

/* Datagrams: 4 or 6, the peer's family. 0 for a frame, and for a stream, whose peer is not known. */
WN_FN uint32_t wn_peer_family(WN_PRIVATE const struct wn_packet *packet)
{
	return wn_is_frame(packet) || packet->stream ? 0 : packet->flags >> 3 & 1u ? 6 : 4;
}

/* Datagrams: the peer's port, host order. */
WN_FN uint32_t wn_peer_port(WN_PRIVATE const struct wn_packet *packet)
{
	return packet->peer_port;
}

/* Datagrams: byte i of the peer's address, network order: 0-15, or 0-3 for IPv4; else 0. */
WN_FN uint32_t wn_peer_address(WN_PRIVATE const struct wn_packet *packet, uint32_t i)
{
	if (i >= (wn_peer_family(packet) == 4 ? 4u : 16u))
		return 0;
	if (packet->peer_staged)
		return packet->peer_staged[i];
	return packet->peer ? packet->peer[i] : 0;
}

/* Datagrams on frame links: the port it was sent to, host order. 0 on links that have one port only. */
WN_FN uint32_t wn_local_port(WN_PRIVATE const struct wn_packet *packet)
{
	return packet->local_port;
}

/* -- reading: offsets in bytes from the start of the packet, values in network order -- */

/* Whether bytes [offset, offset + count) are in the packet and looked at; if not, marks the fault. */
WN_FN uint32_t wn_in_packet(WN_PRIVATE struct wn_packet *packet, uint32_t offset, uint32_t count)
{
	const uint32_t end = packet->length < packet->look ? packet->length : packet->look;

	if (WN_UNLIKELY(offset > end || end - offset < count)) {
		WN_TRACE_OUTSIDE(offset, count, end);
		packet->fault = 1;
		return 0;
	}
	return 1;
}

/* The same for bytes that are read, and for bytes that are written. */
WN_FN uint32_t wn_may_read(WN_PRIVATE struct wn_packet *packet, uint32_t offset, uint32_t count)
{
	if (!wn_in_packet(packet, offset, count))
		return 0;
	WN_TRACE_READ(offset, count);
	return 1;
}

WN_FN uint32_t wn_may_write(WN_PRIVATE struct wn_packet *packet, uint32_t offset, uint32_t count)
{
	if (!wn_in_packet(packet, offset, count))
		return 0;
	WN_TRACE_WRITE(offset, count);
	return 1;
}

WN_FN uint32_t wn_u8(WN_PRIVATE struct wn_packet *packet, uint32_t offset)
{
	return wn_may_read(packet, offset, 1) ? packet->bytes[offset] : 0;
}

WN_FN uint32_t wn_u16(WN_PRIVATE struct wn_packet *packet, uint32_t offset)
{
	if (!wn_may_read(packet, offset, 2))
		return 0;
	return (uint32_t)packet->bytes[offset] << 8 | packet->bytes[offset + 1];
}

WN_FN uint32_t wn_u32(WN_PRIVATE struct wn_packet *packet, uint32_t offset)
{
	if (!wn_may_read(packet, offset, 4))
		return 0;
	return wn_load32(packet->bytes + offset);
}

WN_FN uint64_t wn_u64(WN_PRIVATE struct wn_packet *packet, uint32_t offset)
{
	if (!wn_may_read(packet, offset, 8))
		return 0;
	return (uint64_t)packet->bytes[offset] << 56 | (uint64_t)packet->bytes[offset + 1] << 48 |
	       (uint64_t)packet->bytes[offset + 2] << 40 | (uint64_t)packet->bytes[offset + 3] << 32 |
	       (uint64_t)packet->bytes[offset + 4] << 24 | (uint64_t)packet->bytes[offset + 5] << 16 |
	       (uint64_t)packet->bytes[offset + 6] << 8 | packet->bytes[offset + 7];
}

/* -- writing: in place, network order; outside the packet is a fault -- */

WN_FN void wn_put_u8(WN_PRIVATE struct wn_packet *packet, uint32_t offset, uint32_t value)
{
	if (!wn_may_write(packet, offset, 1))
		return;
	packet->bytes[offset] = (uint8_t)value;
	packet->changed = 1;
}

WN_FN void wn_put_u16(WN_PRIVATE struct wn_packet *packet, uint32_t offset, uint32_t value)
{
	if (!wn_may_write(packet, offset, 2))
		return;
	packet->bytes[offset] = (uint8_t)(value >> 8);
	packet->bytes[offset + 1] = (uint8_t)value;
	packet->changed = 1;
}

WN_FN void wn_put_u32(WN_PRIVATE struct wn_packet *packet, uint32_t offset, uint32_t value)
{
	if (!wn_may_write(packet, offset, 4))
		return;
	wn_store32(packet->bytes + offset, value);
	packet->changed = 1;
}

/*
 * Makes the packet `length` bytes long, up to its room (in a train the segment; else the slot, of
 * which a large one gives 4096 bytes or the packet's own length). Bytes that it gains are zero and
 * looked at. Longer than the room, or gained behind what the program looks at, is a fault.
 */
WN_FN void wn_set_length(WN_PRIVATE struct wn_packet *packet, uint32_t length)
{
	if (WN_UNLIKELY(length > packet->room || (length > packet->length && length > packet->look))) {
		packet->fault = 1;
		return;
	}
	WN_GUARD_GROW(packet->bytes + packet->length, length > packet->length ? length - packet->length : 0);
	for (uint32_t i = packet->length; i < length; i++) {
		WN_TRACE_WRITE(i, 1);
		packet->bytes[i] = 0;
	}
	packet->changed |= length > packet->length;
	packet->length = length;
}

/* -- the record: up to WN_RECORD_BYTES_MAX bytes for the host, little-endian -- */

/*
 * Puts a value into this packet's record; offset in bytes, a multiple of 4. What is never put is
 * zero. The record is as long as its last value reaches; WN_DELIVER hands it to the host.
 */
WN_FN void wn_record_u32(WN_PRIVATE struct wn_packet *packet, uint32_t offset, uint32_t value)
{
	if (WN_UNLIKELY(offset > WN_RECORD_BYTES_MAX - 4 || (offset & 3))) {
		packet->fault = 1;
		return;
	}
	for (uint32_t i = packet->record_length; i < offset; i++)
		packet->record[i] = 0;
	packet->record[offset] = (uint8_t)value;
	packet->record[offset + 1] = (uint8_t)(value >> 8);
	packet->record[offset + 2] = (uint8_t)(value >> 16);
	packet->record[offset + 3] = (uint8_t)(value >> 24);
	if (packet->record_length < offset + 4)
		packet->record_length = offset + 4;
}

WN_FN void wn_record_u64(WN_PRIVATE struct wn_packet *packet, uint32_t offset, uint64_t value)
{
	wn_record_u32(packet, offset, (uint32_t)value);
	wn_record_u32(packet, offset + 4, (uint32_t)(value >> 32));
}

/* -- counters -- */

WN_FN void wn_count(WN_PRIVATE struct wn_packet *packet, uint32_t counter, uint64_t amount)
{
	if ((uint64_t)counter + 1 <= (uint64_t)wn_counter_count)
		packet->counts[counter] += amount;
}

/* Adds a value to a log2 histogram. */
WN_FN void wn_observe(WN_PRIVATE struct wn_packet *packet, uint32_t histogram, uint64_t value)
{
	uint32_t bits = 0;

	if ((uint64_t)histogram + 1 > (uint64_t)wn_histogram_count)
		return;
	for (uint32_t step = 32; step; step >>= 1) {
		if (value >> step) {
			value >>= step;
			bits += step;
		}
	}
	bits += value != 0;
	packet->counts[wn_counter_count + WN_LOG2_BUCKETS * histogram + bits]++;
}

/* -- what the host has given: parameters, tables, a file -- */

WN_FN uint64_t wn_parameter(WN_PRIVATE const struct wn_packet *packet, uint32_t parameter)
{
	return (uint64_t)parameter + 1 <= (uint64_t)wn_parameter_count ? packet->data->parameters[parameter]
								       : 0;
}

/* The table, or 0 where it is not of that kind. */
WN_FN WN_GLOBAL const struct wn_table *wn_table_of(WN_PRIVATE const struct wn_packet *packet,
						   uint32_t table, uint32_t kind)
{
	if ((uint64_t)table + 1 > (uint64_t)wn_table_count || packet->data->tables[table].kind != kind)
		return 0;
	return &packet->data->tables[table];
}

/* A word of 8 bytes of the store, at a multiple of 8. */
WN_FN uint64_t wn_store_word(WN_PRIVATE const struct wn_packet *packet, uint64_t offset)
{
	return *(WN_GLOBAL const uint64_t *)(packet->data->store + offset);
}

/* Bytes between the beginnings of two values. */
WN_FN uint32_t wn_value_room(WN_GLOBAL const struct wn_table *table)
{
	return (table->value_bytes + 7u) & ~7u;
}

/* What a look-up gives of the value at `offset` of the store: the number, or the handle. */
WN_FN uint64_t wn_value_at(WN_PRIVATE const struct wn_packet *packet, WN_GLOBAL const struct wn_table *table,
			   uint64_t offset)
{
	return table->has_handles ? offset << 13 | table->value_bytes : wn_store_word(packet, offset);
}

/*
 * Look-ups. Each gives 1 and *value, or 0 where there is none: the value itself, or its handle where the
 * table was declared with a size.
 */

/* Value `index` of an array. 0 where the array is shorter. */
WN_FN uint32_t wn_array_get(WN_PRIVATE const struct wn_packet *packet, uint32_t table, uint64_t index,
			    WN_PRIVATE uint64_t *value)
{
	WN_GLOBAL const struct wn_table *array = wn_table_of(packet, table, WN_TABLE_array);

	if (!array || index >= array->count)
		return 0;
	*value = wn_value_at(packet, array, array->offset + wn_value_room(array) * index);
	return 1;
}

/* The value of a key. 0 where the key is not there. Bounded by the table's probes. */
WN_FN uint32_t wn_hash_find(WN_PRIVATE const struct wn_packet *packet, uint32_t table, uint64_t key,
			    WN_PRIVATE uint64_t *value)
{
	WN_GLOBAL const struct wn_table *hash = wn_table_of(packet, table, WN_TABLE_hash);
	WN_GLOBAL const uint8_t *used;
	uint64_t at, entry;

	if (!hash || !hash->count)
		return 0;
	entry = 8 + wn_value_room(hash);
	used = packet->data->store + hash->offset + entry * hash->capacity;
	at = wn_table_hash(key) & (hash->capacity - 1);
	for (uint32_t probe = 0; probe <= hash->probes; probe++) {
		if (!used[at])
			return 0;
		if (wn_store_word(packet, hash->offset + entry * at) == key) {
			*value = wn_value_at(packet, hash, hash->offset + entry * at + 8);
			return 1;
		}
		at = (at + 1) & (hash->capacity - 1);
	}
	return 0;
}

/* A word of a trie, which begins at `trie` in the store. */
WN_FN uint32_t wn_trie_word(WN_PRIVATE const struct wn_packet *packet, uint64_t trie, uint64_t index)
{
	return ((WN_GLOBAL const uint32_t *)(packet->data->store + trie))[index];
}

/* Turns the word that a walk ended with into the value. */
WN_FN uint32_t wn_lpm_value(WN_PRIVATE const struct wn_packet *packet,
			    WN_GLOBAL const struct wn_table *lpm, uint32_t word,
			    WN_PRIVATE uint64_t *value)
{
	if (word == 0 || word > lpm->count)
		return 0;
	*value = wn_value_at(packet, lpm, lpm->offset + wn_value_room(lpm) * (uint64_t)(word - 1));
	return 1;
}

/* The value of the longest prefix that an IPv4 address (host order) begins with. */
WN_FN uint32_t wn_lpm_ipv4(WN_PRIVATE const struct wn_packet *packet, uint32_t table, uint32_t address,
			   WN_PRIVATE uint64_t *value)
{
	WN_GLOBAL const struct wn_table *lpm = wn_table_of(packet, table, WN_TABLE_lpm);
	uint32_t word;

	if (!lpm || !lpm->offset4)
		return 0;
	word = wn_trie_word(packet, lpm->offset4, address >> 16);
	if (word >> 31)
		word = wn_trie_word(packet, lpm->offset4,
				    65536u + 256u * (uint64_t)(word & 0x7fffffffu) + (address >> 8 & 0xff));
	if (word >> 31)
		word = wn_trie_word(packet, lpm->offset4,
				    65536u + 256u * (uint64_t)(word & 0x7fffffffu) + (address & 0xff));
	return wn_lpm_value(packet, lpm, word, value);
}

/* The same for the 16 bytes of an IPv6 address that begins at `offset` of the packet. */
WN_FN uint32_t wn_lpm_ipv6(WN_PRIVATE struct wn_packet *packet, uint32_t table, uint32_t offset,
			   WN_PRIVATE uint64_t *value)
{
	WN_GLOBAL const struct wn_table *lpm = wn_table_of(packet, table, WN_TABLE_lpm);
	uint32_t word;

	if (!wn_may_read(packet, offset, 16) || !lpm || !lpm->offset6)
		return 0;
	word = wn_trie_word(packet, lpm->offset6, wn_u16(packet, offset));
	for (uint32_t i = 2; i < 16 && word >> 31; i++)
		word = wn_trie_word(packet, lpm->offset6, 65536u + 256u * (uint64_t)(word & 0x7fffffffu) +
								  packet->bytes[offset + i]);
	return wn_lpm_value(packet, lpm, word, value);
}

/* -- parts of a value, by the handle that a look-up gave -- */

/* Bytes of the value. */
WN_FN uint32_t wn_value_bytes(uint64_t handle)
{
	return (uint32_t)handle & 0xffff;
}

/*
 * The bytes [offset, offset + count) of the value, or 0 and a fault where they are not all in it. No
 * handle, made up or not, leads out of the tables.
 */
WN_FN WN_GLOBAL const uint8_t *wn_value_part(WN_PRIVATE struct wn_packet *packet, uint64_t handle,
					     uint32_t offset, uint32_t count)
{
	const uint32_t bytes = wn_value_bytes(handle);

	if (WN_UNLIKELY(offset > bytes || bytes - offset < count ||
			(handle >> 16) + (bytes + 7) / 8 > packet->data->store_bytes / 8)) {
		packet->fault = 1;
		return 0;
	}
	return packet->data->store + (handle >> 16) * 8 + offset;
}

/* In network order; `offset` is a multiple of what is read, else it is a fault, too. */
WN_FN uint32_t wn_value_u8(WN_PRIVATE struct wn_packet *packet, uint64_t handle, uint32_t offset)
{
	WN_GLOBAL const uint8_t *at = wn_value_part(packet, handle, offset, 1);

	return at ? at[0] : 0;
}

WN_FN uint32_t wn_value_u16(WN_PRIVATE struct wn_packet *packet, uint64_t handle, uint32_t offset)
{
	WN_GLOBAL const uint8_t *at = wn_value_part(packet, handle, offset, offset & 1 ? 65536 : 2);

	return at ? (uint32_t)at[0] << 8 | at[1] : 0;
}

WN_FN uint32_t wn_value_u32(WN_PRIVATE struct wn_packet *packet, uint64_t handle, uint32_t offset)
{
	WN_GLOBAL const uint8_t *at = wn_value_part(packet, handle, offset, offset & 3 ? 65536 : 4);

	return at ? wn_network32(*(WN_GLOBAL const uint32_t *)at) : 0;
}

WN_FN uint64_t wn_value_u64(WN_PRIVATE struct wn_packet *packet, uint64_t handle, uint32_t offset)
{
	WN_GLOBAL const uint8_t *at = wn_value_part(packet, handle, offset, offset & 7 ? 65536 : 8);

	if (!at)
		return 0;
	return (uint64_t)wn_network32(((WN_GLOBAL const uint32_t *)at)[0]) << 32 |
	       wn_network32(((WN_GLOBAL const uint32_t *)at)[1]);
}

/* Copies `count` bytes of the value into the packet; outside either of them is a fault. */
WN_FN void wn_value_copy(WN_PRIVATE struct wn_packet *packet, uint32_t to, uint64_t handle, uint32_t from,
			 uint32_t count)
{
	WN_GLOBAL const uint8_t *at = wn_value_part(packet, handle, from, count);

	if (!at || !wn_may_write(packet, to, count))
		return;
	for (uint32_t i = 0; i < count; i++)
		packet->bytes[to + i] = at[i];
	packet->changed = 1;
}

/*
 * A cell of a table of cells, or 0 where the table is of another kind. An index outside is a fault. The
 * four words below act on one cell at once, as seen by all lanes of the device, and order nothing else:
 * two cells written by one lane may be seen by another in either order.
 */
WN_FN WN_GLOBAL uint32_t *wn_cell_of(WN_PRIVATE struct wn_packet *packet, uint32_t table, uint64_t index)
{
	WN_GLOBAL const struct wn_table *cells = wn_table_of(packet, table, WN_TABLE_cells);

	if (WN_UNLIKELY(!cells || index >= cells->count)) {
		packet->fault = 1;
		return 0;
	}
	return packet->data->cells + cells->offset + index;
}

WN_FN uint32_t wn_cell_load(WN_PRIVATE struct wn_packet *packet, uint32_t table, uint64_t index)
{
	WN_GLOBAL uint32_t *cell = wn_cell_of(packet, table, index);

	return cell ? wn_word_load(cell) : 0;
}

WN_FN void wn_cell_store(WN_PRIVATE struct wn_packet *packet, uint32_t table, uint64_t index,
			 uint32_t value)
{
	WN_GLOBAL uint32_t *cell = wn_cell_of(packet, table, index);

	if (cell)
		wn_word_store(cell, value);
}

/* Adds, modulo 2^32, and returns what the cell held before. */
WN_FN uint32_t wn_cell_add(WN_PRIVATE struct wn_packet *packet, uint32_t table, uint64_t index,
			   uint32_t amount)
{
	WN_GLOBAL uint32_t *cell = wn_cell_of(packet, table, index);

	return cell ? wn_word_add(cell, amount) : 0;
}

/* Stores `value` if the cell holds `expected`. Returns what it held: `expected` where it was stored. */
WN_FN uint32_t wn_cell_compare_exchange(WN_PRIVATE struct wn_packet *packet, uint32_t table,
					uint64_t index, uint32_t expected, uint32_t value)
{
	WN_GLOBAL uint32_t *cell = wn_cell_of(packet, table, index);

	return cell ? wn_word_compare_exchange(cell, expected, value) : 0;
}

/* Bytes of the file given with --data, or made by the program's loader; 0 where there is none. */
WN_FN uint64_t wn_data_length(WN_PRIVATE const struct wn_packet *packet)
{
	return packet->data->file_bytes;
}

/* Little-endian values of that file; outside it reads zero and is a fault. */
WN_FN uint32_t wn_data_u8(WN_PRIVATE struct wn_packet *packet, uint64_t offset)
{
	if (WN_UNLIKELY(offset >= packet->data->file_bytes)) {
		packet->fault = 1;
		return 0;
	}
	return packet->data->file[offset];
}

WN_FN uint32_t wn_data_u32(WN_PRIVATE struct wn_packet *packet, uint64_t offset)
{
	WN_GLOBAL const uint8_t *at = packet->data->file + offset;

	if (WN_UNLIKELY(offset > packet->data->file_bytes || packet->data->file_bytes - offset < 4)) {
		packet->fault = 1;
		return 0;
	}
	return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* Four values that follow each other, with one check. */
WN_FN void wn_data_u32x4(WN_PRIVATE struct wn_packet *packet, uint64_t offset, WN_PRIVATE uint32_t *values)
{
	WN_GLOBAL const uint8_t *at = packet->data->file + offset;

	if (WN_UNLIKELY(offset > packet->data->file_bytes || packet->data->file_bytes - offset < 16)) {
		packet->fault = 1;
		values[0] = values[1] = values[2] = values[3] = 0;
		return;
	}
	values[0] = at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
	values[1] = at[4] | (uint32_t)at[5] << 8 | (uint32_t)at[6] << 16 | (uint32_t)at[7] << 24;
	values[2] = at[8] | (uint32_t)at[9] << 8 | (uint32_t)at[10] << 16 | (uint32_t)at[11] << 24;
	values[3] = at[12] | (uint32_t)at[13] << 8 | (uint32_t)at[14] << 16 | (uint32_t)at[15] << 24;
}

/* Copies `count` bytes of the file into the packet; outside either of them is a fault. */
WN_FN void wn_data_copy(WN_PRIVATE struct wn_packet *packet, uint32_t to, uint64_t from, uint32_t count)
{
	if (!wn_may_write(packet, to, count))
		return;
	if (WN_UNLIKELY(from > packet->data->file_bytes || packet->data->file_bytes - from < count)) {
		packet->fault = 1;
		return;
	}
	for (uint32_t i = 0; i < count; i++)
		packet->bytes[to + i] = packet->data->file[from + i];
	packet->changed = 1;
}

/* Turns a word that lies in memory, little-endian, into a number. */
WN_FN uint64_t wn_little64(uint64_t word)
{
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	return __builtin_bswap64(word);
#else
	return word;
#endif
}

/*
 * Word `index` of that file: 8 bytes, little-endian, at a multiple of 8, so that a device reads it at
 * once. Outside the file it reads zero and is a fault.
 */
WN_FN uint64_t wn_data_word(WN_PRIVATE struct wn_packet *packet, uint64_t index)
{
	if (WN_UNLIKELY(index >= packet->data->file_bytes / 8)) {
		packet->fault = 1;
		return 0;
	}
	return wn_little64(((WN_GLOBAL const uint64_t *)packet->data->file)[index]);
}

/* Asks for the line that word `index` of that file is in, ahead of its use, where a device can. */
WN_FN void wn_data_ahead(WN_PRIVATE struct wn_packet *packet, uint64_t index)
{
#if (defined(__GNUC__) || defined(__clang__)) && !defined(__OPENCL_VERSION__) && !defined(__METAL_VERSION__) &&   \
	!defined(__CUDA_ARCH__) && !defined(__CUDACC_RTC__)
	if (index < packet->data->file_bytes / 8)
		__builtin_prefetch(packet->data->file + 8 * index);
#else
	(void)packet;
	(void)index;
#endif
}

/* Copies `count` bytes from word `index` of the file on into the packet; outside either is a fault. */
WN_FN void wn_data_copy_words(WN_PRIVATE struct wn_packet *packet, uint32_t to, uint64_t index,
			      uint32_t count)
{
	WN_GLOBAL const uint64_t *from = (WN_GLOBAL const uint64_t *)packet->data->file + index;
	const uint64_t words = packet->data->file_bytes / 8;
	WN_STAGED uint8_t *at = packet->bytes + to;

	if (!wn_may_write(packet, to, count))
		return;
	if (WN_UNLIKELY(index > words || words - index < (count + 7) / 8)) {
		packet->fault = 1;
		return;
	}
	for (uint32_t i = 0; i < count / 8; i++, at += 8) {
		const uint64_t word = wn_little64(from[i]);

		at[0] = (uint8_t)word;
		at[1] = (uint8_t)(word >> 8);
		at[2] = (uint8_t)(word >> 16);
		at[3] = (uint8_t)(word >> 24);
		at[4] = (uint8_t)(word >> 32);
		at[5] = (uint8_t)(word >> 40);
		at[6] = (uint8_t)(word >> 48);
		at[7] = (uint8_t)(word >> 56);
	}
	if (count % 8) {
		uint64_t word = wn_little64(from[count / 8]);

		for (uint32_t i = 0; i < count % 8; i++, word >>= 8)
			at[i] = (uint8_t)word;
	}
	packet->changed = 1;
}

/* -- comparing and moving within the packet -- */

/* Whether `count` bytes at a and at b are the same. */
WN_FN uint32_t wn_equal(WN_PRIVATE struct wn_packet *packet, uint32_t a, uint32_t b, uint32_t count)
{
	uint32_t differs = 0;

	if (!wn_may_read(packet, a, count) || !wn_may_read(packet, b, count))
		return 0;
	for (uint32_t i = 0; i < count; i++)
		differs |= (uint32_t)(packet->bytes[a + i] ^ packet->bytes[b + i]);
	return !differs;
}

/* Copies `count` bytes from one place to another; they may overlap. */
WN_FN void wn_copy(WN_PRIVATE struct wn_packet *packet, uint32_t to, uint32_t from, uint32_t count)
{
	if (!wn_may_write(packet, to, count) || !wn_may_read(packet, from, count))
		return;
	for (uint32_t i = 0; i < count; i++) {
		const uint32_t k = to <= from ? i : count - 1 - i;

		packet->bytes[to + k] = packet->bytes[from + k];
	}
	packet->changed = 1;
}

WN_FN void wn_put_u64(WN_PRIVATE struct wn_packet *packet, uint32_t offset, uint64_t value)
{
	if (!wn_may_write(packet, offset, 8))
		return;
	wn_put_u32(packet, offset, (uint32_t)(value >> 32));
	wn_put_u32(packet, offset + 4, (uint32_t)value);
}

/*
 * -- streams --
 *
 * A program whose kind has WN_STREAM in it sees the bytes of a connection that have come and were not consumed
 * yet, from the first of them on, as the packet: what reads a packet reads them. It says what it has used,
 * appends to its reply, and returns
 *
 *     WN_REPLY   the reply is sent; then the program runs again on what is left. Something was consumed
 *     WN_MORE    nothing is sent; it runs again once more bytes have come. Where it has consumed some, on the rest
 *     WN_CLOSE   the reply, if there is one, is sent, then the connection is closed
 *     WN_DROP    the connection is closed at once
 *
 * It may not change the bytes that came. Replies leave in order, whatever they are made of.
 */

/* Whether it runs on a connection: else on a packet, and the functions below are a fault. */
WN_FN uint32_t wn_is_stream(WN_PRIVATE const struct wn_packet *packet)
{
	return packet->stream != 0;
}

WN_FN uint32_t wn_may_stream(WN_PRIVATE struct wn_packet *packet)
{
	if (WN_UNLIKELY(!packet->stream))
		packet->fault = 1;
	return packet->stream != 0;
}

/* The peer has said that nothing more will come: what is there is all. */
WN_FN uint32_t wn_is_end(WN_PRIVATE const struct wn_packet *packet)
{
	return packet->stream ? packet->stream->is_end : 0;
}

/* As much has come as is kept of a connection: whoever returns WN_MORE now, having consumed nothing, closes it. */
WN_FN uint32_t wn_is_full(WN_PRIVATE const struct wn_packet *packet)
{
	return packet->stream ? packet->stream->is_full : 0;
}

/* Which connection: a number from 0, that another one has after its end. */
WN_FN uint32_t wn_connection(WN_PRIVATE const struct wn_packet *packet)
{
	return packet->stream ? packet->stream->connection : 0;
}

/* A word that the connection keeps from one run to the next, 0 at first. */
WN_FN uint64_t wn_kept(WN_PRIVATE const struct wn_packet *packet)
{
	return packet->stream ? packet->stream->kept : 0;
}

WN_FN void wn_keep(WN_PRIVATE struct wn_packet *packet, uint64_t value)
{
	if (wn_may_stream(packet))
		packet->stream->kept = value;
}

/* Seconds since 1970, UTC, by the host's CLOCK_REALTIME; right to within a second or so. */
WN_FN uint64_t wn_wall_seconds(WN_PRIVATE const struct wn_packet *packet)
{
	return packet->stream ? packet->stream->wall_seconds : 0;
}

/* `count` bytes more, from the first not consumed in this run, are done with. More than there are is a fault. */
WN_FN void wn_consume(WN_PRIVATE struct wn_packet *packet, uint32_t count)
{
	if (!wn_may_stream(packet))
		return;
	if (WN_UNLIKELY(count > packet->length - packet->stream->consumed)) {
		packet->fault = 1;
		return;
	}
	packet->stream->consumed += count;
}

/* Bytes that the reply of this run can still take; those of a piece of the file do not count. */
WN_FN uint32_t wn_reply_room(WN_PRIVATE const struct wn_packet *packet)
{
	return packet->stream ? packet->stream->out_room - packet->stream->out_bytes : 0;
}

/* Where `count` bytes of the reply go, or 0 and a fault: no room, or behind a piece of the file. */
WN_FN WN_GLOBAL uint8_t *wn_reply_at(WN_PRIVATE struct wn_packet *packet, uint32_t count)
{
	WN_PRIVATE struct wn_stream *stream = packet->stream;
	WN_GLOBAL uint8_t *at;

	if (WN_UNLIKELY(!stream || stream->file_bytes || stream->out_room - stream->out_bytes < count)) {
		packet->fault = 1;
		return 0;
	}
	at = stream->out + stream->out_bytes;
	stream->out_bytes += count;
	return at;
}

/* Appends a byte to the reply. */
WN_FN void wn_reply_u8(WN_PRIVATE struct wn_packet *packet, uint32_t value)
{
	WN_GLOBAL uint8_t *at = wn_reply_at(packet, 1);

	if (at)
		at[0] = (uint8_t)value;
}

/* Up to eight, the first in the highest byte of `text` that counts: wn_reply_text(packet, 0x0d0a, 2). */
WN_FN void wn_reply_text(WN_PRIVATE struct wn_packet *packet, uint64_t text, uint32_t count)
{
	WN_GLOBAL uint8_t *at = wn_reply_at(packet, count);

	for (uint32_t i = 0; at && i < count && i < 8; i++)
		at[i] = (uint8_t)(text >> 8 * (count - 1 - i));
}

/* A number in decimal digits. */
WN_FN void wn_reply_number(WN_PRIVATE struct wn_packet *packet, uint64_t value)
{
	WN_GLOBAL uint8_t *at;
	uint64_t rest = value / 10;
	uint32_t digits = 1;

	for (; rest; rest /= 10)
		digits++;
	at = wn_reply_at(packet, digits);
	for (; at && digits; digits--, value /= 10)
		at[digits - 1] = (uint8_t)('0' + value % 10);
}

/* Bytes from `from` on of those that have come. */
WN_FN void wn_reply_copy(WN_PRIVATE struct wn_packet *packet, uint32_t from, uint32_t count)
{
	WN_GLOBAL uint8_t *at = wn_may_read(packet, from, count) ? wn_reply_at(packet, count) : 0;
	WN_STAGED const uint8_t *bytes = packet->bytes + from;

	for (uint32_t i = 0; at && i < count; i++)
		at[i] = bytes[i];
}

/* Copies bytes of the file; outside it is a fault. */
WN_FN void wn_reply_data(WN_PRIVATE struct wn_packet *packet, uint64_t from, uint32_t count)
{
	WN_GLOBAL const uint8_t *bytes = packet->data->file + from;
	WN_GLOBAL uint8_t *at;

	if (WN_UNLIKELY(from > packet->data->file_bytes || packet->data->file_bytes - from < count)) {
		packet->fault = 1;
		return;
	}
	at = wn_reply_at(packet, count);
	for (uint32_t i = 0; at && i < count; i++)
		at[i] = bytes[i];
}

/* A piece of the file that is sent from where it lies, as the last of this reply. Any length. */
WN_FN void wn_reply_file(WN_PRIVATE struct wn_packet *packet, uint64_t from, uint64_t count)
{
	if (!wn_may_stream(packet))
		return;
	if (WN_UNLIKELY(packet->stream->file_bytes || from > packet->data->file_bytes ||
			packet->data->file_bytes - from < count)) {
		packet->fault = 1;
		return;
	}
	packet->stream->file_from = from;
	packet->stream->file_bytes = count;
}

/* -- verdicts -- */

/* The verdict that sends a packet out of link k: the k-th --link, from 0. */
WN_FN uint32_t wn_forward_to(uint32_t link)
{
	return link < WN_FORWARD_LINKS_MAX ? (uint32_t)WN_FORWARD_LINK + link
					   : (uint32_t)WN_CODE_BAD_VERDICT;
}

/* Names for the host, which only the native compilation needs. */
#if defined(WN_NATIVE_ENTRY)
#define WN_PROGRAM_NAME_(name) static const char wn_program_name[] = #name;
#else
#define WN_PROGRAM_NAME_(name)
#endif

#endif
