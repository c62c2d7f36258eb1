/* SPDX-License-Identifier: Apache-2.0 */
#include "ring/copy.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* 16 bytes; both addresses are multiples of 16. */
static inline void copy_16(void *to, const void *from)
{
#if defined(__SSE2__)
	_mm_stream_si128((__m128i *)to, _mm_load_si128((const __m128i *)from));
#else
	memcpy(to, from, 16);
#endif
}

static inline void copy_lines(uint8_t *to, const uint8_t *from, uint64_t bytes)
{
	for (uint64_t at = 0; at < bytes; at += 16)
		copy_16(to + at, from + at);
}

static void copy_slots(const struct wn_ring_copy *copy, const struct wn_ring_view *view, uint32_t first, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		const uint32_t index = (first + i) & view->slot_mask;
		const uint64_t frame = wn_frame_offset(index, view->frame_stride);
		const struct wn_slot *slot = &view->slots[index];

		copy_lines(copy->frames + frame, view->frames + frame,
			   (slot->length + WN_COPY_LINE_BYTES - 1) / WN_COPY_LINE_BYTES * WN_COPY_LINE_BYTES);
		copy_lines((uint8_t *)&copy->slots[index], (const uint8_t *)slot, sizeof(*slot));
	}
}

#if defined(__x86_64__)

/* The same with a store for each line: half of the time of a packet of 64 bytes is the pump's instructions. */
__attribute__((target("avx512f"))) static void copy_slots_512(const struct wn_ring_copy *copy,
							      const struct wn_ring_view *view, uint32_t first, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		const uint32_t index = (first + i) & view->slot_mask;
		const uint64_t frame = wn_frame_offset(index, view->frame_stride);
		const struct wn_slot *slot = &view->slots[index];
		const uint8_t *from = view->frames + frame;
		uint8_t *to = copy->frames + frame;

		for (uint32_t at = 0; at < slot->length; at += WN_COPY_LINE_BYTES)
			_mm512_stream_si512((void *)(to + at), _mm512_load_si512(from + at));
		_mm256_stream_si256((__m256i *)&copy->slots[index], _mm256_load_si256((const __m256i *)slot));
	}
}

#endif

void wn_ring_copy_slots(const struct wn_ring_copy *copy, const struct wn_ring_view *view, uint32_t first, uint32_t count)
{
#if defined(__x86_64__)
	if (__builtin_cpu_supports("avx512f")) {
		copy_slots_512(copy, view, first, count);
		return;
	}
#endif
	copy_slots(copy, view, first, count);
}

void wn_copy_lines(uint8_t *to, const uint8_t *from, uint64_t bytes)
{
	copy_lines(to, from, (bytes + WN_COPY_LINE_BYTES - 1) / WN_COPY_LINE_BYTES * WN_COPY_LINE_BYTES);
}
