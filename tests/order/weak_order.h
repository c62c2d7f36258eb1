/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stands in for src/ring/order.h (gcc -include) so that one letter can be taken away:
 *
 *   -DWEAK_LOAD='"published"'    the loads of that word lose their acquire
 *   -DWEAK_STORE='"published"'   its stores lose their release
 *
 * The word is found in the text of the argument. `final` and `corrupt_position` are plain here:
 * the flag beside them must order them, and only plain accesses let ThreadSanitizer see whether it
 * does.
 */
#ifndef WN_RING_ORDER_H
#define WN_RING_ORDER_H

#include "warpnic/types.h"

#ifndef WEAK_LOAD
#define WEAK_LOAD "none"
#endif
#ifndef WEAK_STORE
#define WEAK_STORE "none"
#endif

#define wn_load_acquire(word)                                                                      \
	(__builtin_strstr(#word, WEAK_LOAD) ? __atomic_load_n(word, __ATOMIC_RELAXED)              \
					    : __atomic_load_n(word, __ATOMIC_ACQUIRE))
#define wn_store_release(word, value)                                                              \
	(__builtin_strstr(#word, WEAK_STORE) ? __atomic_store_n(word, value, __ATOMIC_RELAXED)     \
					     : __atomic_store_n(word, value, __ATOMIC_RELEASE))
#define IS_ORDERED_BY_ITS_FLAG(text)                                                               \
	(__builtin_strstr(text, "final") || __builtin_strstr(text, "corrupt_position"))
#define wn_load_relaxed(word)                                                                      \
	(IS_ORDERED_BY_ITS_FLAG(#word) ? *(word) : __atomic_load_n(word, __ATOMIC_RELAXED))
#define wn_store_relaxed(word, value)                                                              \
	(IS_ORDERED_BY_ITS_FLAG(#word) ? (void)(*(word) = (value))                                 \
				       : __atomic_store_n(word, value, __ATOMIC_RELAXED))

/* The builtins are generic; the names tell 64-bit words apart for the languages that need it. */
#define wn_load_acquire64(word) wn_load_acquire(word)
#define wn_store_release64(word, value) wn_store_release(word, value)
#define wn_load_relaxed64(word) wn_load_relaxed(word)
#define wn_store_relaxed64(word, value) wn_store_relaxed(word, value)

#endif
