/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernels need besides warpnic/types.h, in Metal's words.
 *
 * Shared while a kernel runs: lease mode and its handshake only. Metal promises no coherence before the end of a
 * command buffer, so this is outside of its contract; what is used is what was seen to work by those who tried it
 * (docs/metal.md has the sources): MSL 3.2's `coherent(system)` on the pointer, by which a load or store goes
 * to where the host sees it, and a fence at system scope between the payload and the word that announces it.
 *
 * That is the one place where this project says `volatile`. Everywhere else an ordered access is an atomic of its
 * language. Here there is none to use: MSL's atomics are of device scope at most, and on a pointer that is only
 * coherent the compiler may keep a value that it has loaded once, so that a poll would be a loop over a register. What
 * makes it read again is `volatile`; what makes it read from the right place is coherent(system); and what orders is
 * the fence alone. None of the three does another's work.
 *
 * Payload as well as words: a payload of plain stores was stale behind a word that had already arrived, in 47 of 50
 * cases of one report and for half of 16 MB in another.
 */
#ifndef WN_DEVICE_METAL_WORDS_H
#define WN_DEVICE_METAL_WORDS_H

#if defined(WN_METAL_LEASE)
/* Before <metal_stdlib>: the scope that includes the host has no public name. */
#pragma METAL internals : enable
#endif

#include "warpnic/types.h"

/* All lanes of a group come here, and see of each other what was stored before. */
WN_FN void wn_metal_barrier(void)
{
	metal::threadgroup_barrier(metal::mem_flags::mem_device | metal::mem_flags::mem_threadgroup);
}

#if defined(WN_METAL_LEASE)

#define WN_SHARED volatile coherent(system) device

/* Nothing behind it is done before it, and nothing in front of it after it, as the host sees it. */
WN_FN void wn_metal_fence(void)
{
	metal::atomic_thread_fence(metal::mem_flags::mem_device, metal::memory_order_seq_cst,
				   static_cast<metal::thread_scope>(3));
}

/* Words at a byte offset, a multiple of 4, from the start of what is shared. */
WN_FN uint32_t wn_shared_load(WN_SHARED uint32_t *shared, uint64_t offset)
{
	return shared[offset / 4];
}

WN_FN void wn_shared_store(WN_SHARED uint32_t *shared, uint64_t offset, uint32_t value)
{
	shared[offset / 4] = value;
}

/* Whole words: up to three bytes behind `bytes` come along. */
WN_FN void wn_shared_read(WN_GLOBAL uint8_t *to, WN_SHARED uint32_t *shared, uint64_t offset, uint32_t bytes)
{
	WN_GLOBAL uint32_t *words = (WN_GLOBAL uint32_t *)to;

	for (uint32_t i = 0; i < (bytes + 3) / 4; i++)
		words[i] = shared[offset / 4 + i];
}

WN_FN void wn_shared_write(WN_SHARED uint32_t *shared, uint64_t offset, WN_GLOBAL const uint8_t *from, uint32_t bytes)
{
	WN_GLOBAL const uint32_t *words = (WN_GLOBAL const uint32_t *)from;

	for (uint32_t i = 0; i < (bytes + 3) / 4; i++)
		shared[offset / 4 + i] = words[i];
}

#endif

#endif
