/* SPDX-License-Identifier: Apache-2.0 */
#include "tool/send_window.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { STATE_NEVER, STATE_IN_FLIGHT, STATE_ANSWERED, STATE_LOST };

/* Entries at least: so much history tells duplicates from strangers. 1 MiB. */
enum { ENTRIES_MIN = 65536, ENTRIES_PER_PACKET = 4 };

int wn_window_init(struct wn_window *window, uint32_t limit)
{
	uint32_t count = ENTRIES_MIN;

	memset(window, 0, sizeof(*window));
	while (count < (uint64_t)limit * ENTRIES_PER_PACKET)
		count *= 2;
	window->mask = count - 1;
	window->entries = calloc(count, sizeof(*window->entries));
	return window->entries ? 0 : -ENOMEM;
}

void wn_window_finish(struct wn_window *window)
{
	free(window->entries);
	memset(window, 0, sizeof(*window));
}

uint32_t wn_window_room(const struct wn_window *window, uint32_t limit)
{
	const uint32_t free_entries = window->mask + 1 - (uint32_t)(window->next - window->oldest);
	const uint32_t room = window->in_flight < limit ? limit - window->in_flight : 0;

	return room < free_entries ? room : free_entries;
}

void wn_window_add(struct wn_window *window, uint32_t count, uint64_t sent_ns)
{
	for (uint32_t i = 0; i < count; i++) {
		struct wn_window_entry *entry = &window->entries[window->next & window->mask];

		assert(entry->state != STATE_IN_FLIGHT);
		entry->number = (uint32_t)window->next++;
		entry->sent_ns = sent_ns;
		entry->state = STATE_IN_FLIGHT;
	}
	window->in_flight += count;
}

/* Moves `oldest` over what is settled. */
static void advance(struct wn_window *window)
{
	while (window->oldest < window->next &&
	       window->entries[window->oldest & window->mask].state != STATE_IN_FLIGHT)
		window->oldest++;
}

enum wn_window_reply wn_window_settle(struct wn_window *window, uint32_t number, uint64_t *sent_ns)
{
	struct wn_window_entry *entry = &window->entries[number & window->mask];

	if (entry->number != number || entry->state == STATE_NEVER)
		return WN_REPLY_UNKNOWN;
	if (entry->state == STATE_ANSWERED)
		return WN_REPLY_DUPLICATE;
	if (entry->state == STATE_LOST)
		return WN_REPLY_LATE;
	entry->state = STATE_ANSWERED;
	*sent_ns = entry->sent_ns;
	window->in_flight--;
	advance(window);
	return WN_REPLY_FIRST;
}

uint32_t wn_window_expire(struct wn_window *window, uint64_t before_ns)
{
	const uint32_t before = window->in_flight;

	while (window->in_flight) {
		struct wn_window_entry *entry;

		advance(window);
		entry = &window->entries[window->oldest & window->mask];
		if (entry->sent_ns >= before_ns)
			break;
		entry->state = STATE_LOST;
		window->in_flight--;
	}
	advance(window);
	return before - window->in_flight;
}

uint32_t wn_window_oldest(struct wn_window *window, uint64_t *sent_ns)
{
	assert(window->in_flight);
	advance(window);
	*sent_ns = window->entries[window->oldest & window->mask].sent_ns;
	return (uint32_t)window->oldest;
}
