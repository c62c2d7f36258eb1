/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The name in a question: checked, hashed, compared. It always begins behind the header, so a
 * compression pointer in it could only point at the header, at itself or forward: none is right.
 */
#ifndef WN_DNS_NAME_H
#define WN_DNS_NAME_H

#include "zone.h"

struct dns_name {
	uint64_t hash;
	uint32_t bytes;    /* 1 to 255, with the root's */
	uint32_t labels;   /* without the root's */
};

/* The last `count` (1 to 7) of the bytes before `end`, folded, standing lowest. `end` is 8 or more. */
WN_FN uint64_t dns_name_tail(WN_PRIVATE struct wn_packet *packet, uint32_t end, uint32_t count)
{
	return dns_fold(wn_u64(packet, end - 8)) & (((uint64_t)1 << 8 * count) - 1);
}

WN_FN uint64_t dns_name_hash_label(WN_PRIVATE struct wn_packet *packet, uint32_t at, uint32_t bytes)
{
	uint64_t hash = dns_hash_label(bytes);

	WN_LOOP(i, bytes / 8, DNS_LABEL_BYTES_MAX / 8)
	{
		hash = dns_hash_step(hash, dns_fold(wn_u64(packet, at + 8 * i)));
	}
	if (bytes % 8)
		hash = dns_hash_step(hash, dns_name_tail(packet, at + bytes, bytes % 8));
	return hash;
}

/* Reads the question's name. 1, or 0 where it is not one. */
WN_FN uint32_t dns_name_read(WN_PRIVATE struct wn_packet *packet, WN_PRIVATE struct dns_name *name)
{
	const uint32_t end = wn_length(packet);
	uint32_t at = DNS_HEADER_BYTES;
	uint64_t power = 1;

	name->hash = 0;
	WN_LOOP(i, DNS_LABELS_MAX + 1, DNS_LABELS_MAX + 1)
	{
		const uint32_t bytes = at < end ? wn_u8(packet, at) : DNS_LABEL_BYTES_MAX + 1;

		if (bytes > DNS_LABEL_BYTES_MAX || bytes >= end - at)
			return 0;
		at += 1;
		if (!bytes) {
			name->bytes = at - DNS_HEADER_BYTES;
			name->labels = i;
			return name->bytes <= DNS_NAME_BYTES_MAX;
		}
		name->hash += power * dns_name_hash_label(packet, at, bytes);
		power *= DNS_HASH_FACTOR;
		at += bytes;
	}
	return 0;
}

/* Whether the name that begins at `at` of the packet is the one at `index` of the blob. */
WN_FN uint32_t dns_name_equals(WN_PRIVATE struct wn_packet *packet, uint32_t at, uint32_t bytes,
			       uint32_t index)
{
	uint64_t differs = 0;

	WN_LOOP(i, bytes / 8, (DNS_NAME_BYTES_MAX + 7) / 8)
	{
		differs |= dns_fold(wn_u64(packet, at + 8 * i)) ^ wn_data_word(packet, index + i);
	}
	if (bytes % 8)
		differs |= dns_name_tail(packet, at + bytes, bytes % 8) ^
			   wn_data_word(packet, index + bytes / 8);
	return !differs;
}

#endif
