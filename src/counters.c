/* SPDX-License-Identifier: Apache-2.0 */
#include "counters.h"

#include "backoff.h"
#include "ring/order.h"
#include "warpnic/verdict.h"

void wn_counter_block_write(struct wn_counter_block *block, const uint64_t *values, uint32_t count)
{
	const uint64_t sequence = block->sequence;

	wn_store_relaxed64(&block->sequence, sequence + 1);
	for (uint32_t i = 0; i < count; i++)
		wn_store_release64(&block->values[i], values[i]);
	wn_store_release64(&block->sequence, sequence + 2);
}

void wn_counter_block_read(const struct wn_counter_block *block, uint64_t *values, uint32_t count)
{
	for (;;) {
		const uint64_t before = wn_load_acquire64(&block->sequence);

		for (uint32_t i = 0; i < count; i++)
			values[i] = wn_load_acquire64(&block->values[i]);
		if (!(before & 1) && wn_load_relaxed64(&block->sequence) == before)
			return;
		wn_cpu_relax();
	}
}

void wn_counters_add(struct wn_counters *counters, const struct wn_counter_block *receive,
		     const struct wn_counter_block *transmit)
{
	uint64_t tx[WN_TX_COUNT], rx[WN_RX_COUNT];

	wn_counter_block_read(transmit, tx, WN_TX_COUNT);
	wn_counter_block_read(receive, rx, WN_RX_COUNT);
	counters->received += rx[WN_RX_RECEIVED];
	counters->bytes += rx[WN_RX_BYTES];
	counters->receive_errors += rx[WN_RX_ERRORS];
	counters->answered += tx[WN_TX_ANSWERED];
	counters->answered_bytes += tx[WN_TX_ANSWERED_BYTES];
	counters->forwarded += tx[WN_TX_FORWARDED];
	counters->delivered += tx[WN_TX_DELIVERED];
	for (int cause = 0; cause < WN_CAUSE_COUNT; cause++)
		counters->dropped[cause] += tx[WN_TX_DROPPED + cause];
	counters->dropped[WN_CAUSE_RING_FULL] += rx[WN_RX_RING_FULL];
	counters->in_flight += rx[WN_RX_ADMITTED] - tx[WN_TX_FINISHED];
}

enum wn_cause wn_cause_of_code(uint32_t code)
{
	switch (code) {
	case WN_DROP:
		return WN_CAUSE_PROGRAM;
	case WN_CODE_FAULT:
		return WN_CAUSE_PROGRAM_FAULT;
	case WN_CODE_TRUNCATED:
		return WN_CAUSE_TRUNCATED;
	case WN_CODE_SHORT:
		return WN_CAUSE_SHORT_FRAME;
	case WN_CODE_CHECKSUM:
		return WN_CAUSE_BAD_CHECKSUM;
	case WN_CODE_FRAGMENT:
		return WN_CAUSE_FRAGMENT;
	case WN_CODE_NOT_OURS:
		return WN_CAUSE_NOT_OURS;
	case WN_CODE_UNSUPPORTED:
		return WN_CAUSE_UNSUPPORTED;
	case WN_CODE_BAD_SOURCE:
		return WN_CAUSE_BAD_SOURCE;
	case WN_CODE_STOPPED:
		return WN_CAUSE_DEVICE_STOPPED;
	default:
		return WN_CAUSE_BAD_VERDICT;
	}
}

const char *wn_cause_name(enum wn_cause cause)
{
	static const char *const names[WN_CAUSE_COUNT] = {
		[WN_CAUSE_RING_FULL] = "ring_full",
		[WN_CAUSE_TRUNCATED] = "truncated",
		[WN_CAUSE_SHORT_FRAME] = "short_frame",
		[WN_CAUSE_BAD_CHECKSUM] = "bad_checksum",
		[WN_CAUSE_FRAGMENT] = "fragment",
		[WN_CAUSE_NOT_OURS] = "not_ours",
		[WN_CAUSE_UNSUPPORTED] = "unsupported",
		[WN_CAUSE_BAD_SOURCE] = "bad_source",
		[WN_CAUSE_PROGRAM] = "program",
		[WN_CAUSE_PROGRAM_FAULT] = "program_fault",
		[WN_CAUSE_BAD_VERDICT] = "bad_verdict",
		[WN_CAUSE_SEND_FAILED] = "send_failed",
		[WN_CAUSE_DEVICE_STOPPED] = "device_stopped",
		[WN_CAUSE_FILE_FULL] = "file_full",
	};

	return (unsigned int)cause < WN_CAUSE_COUNT ? names[cause] : "unknown";
}

uint64_t wn_counters_dropped(const struct wn_counters *counters)
{
	uint64_t sum = 0;

	for (int cause = 0; cause < WN_CAUSE_COUNT; cause++)
		sum += counters->dropped[cause];
	return sum;
}

int64_t wn_counters_difference(const struct wn_counters *counters)
{
	return (int64_t)(counters->received - counters->answered - counters->forwarded -
			 counters->delivered - wn_counters_dropped(counters) - counters->in_flight);
}
