/* SPDX-License-Identifier: Apache-2.0 */
#include "device/metal/metal.h"

#include <stdio.h>
#include <stdlib.h>

#include "backoff.h"
#include "clock.h"

/* On a thread of Metal's, while it may be doing anything: a word, and nothing else. */
static void on_completed(struct wn_mtl_block *block, wn_id buffer)
{
	struct wn_metal_command *command = (struct wn_metal_command *)block;

	(void)buffer;
	wn_store_release(&command->done, 1);
}

void *wn_metal_command_make(size_t bytes)
{
	struct wn_metal_command *command = calloc(1, bytes);

	if (command)
		wn_mtl_block_init(&command->block, on_completed);
	return command;
}

static void encode(wn_id encoder, const struct wn_metal_launch *launch)
{
	wn_mtl_set_pipeline(encoder, launch->pipeline);
	for (uint32_t i = 0; i < sizeof(launch->buffers) / sizeof(launch->buffers[0]); i++)
		if (launch->buffers[i])
			wn_mtl_set_buffer(encoder, launch->buffers[i], i);
	/* Copied into the command buffer as it is said. */
	wn_mtl_set_bytes(encoder, launch->bytes, launch->byte_count, WN_METAL_RANGE);
	if (launch->group_memory)
		wn_mtl_set_group_memory(encoder, launch->group_memory, 0);
	wn_mtl_dispatch(encoder, launch->groups, launch->lanes);
	wn_mtl_end_encoding(encoder);
}

int wn_metal_commit(struct wn_metal *metal, struct wn_metal_command *command, const struct wn_metal_launch *launch)
{
	wn_id buffer = wn_mtl_command_buffer(metal->commands);
	wn_id encoder = buffer ? wn_mtl_encoder(buffer) : NULL;

	if (!encoder) {
		snprintf(metal->reason, sizeof(metal->reason), "Metal gave no command buffer");
		return -1;
	}
	encode(encoder, launch);
	/* Ours until its end is taken note of: whether it failed is asked then. */
	command->buffer = wn_mtl_retain(buffer);
	command->since_ns = wn_clock_ns();
	wn_store_relaxed(&command->done, 0);
	wn_mtl_on_completed(buffer, &command->block);
	wn_mtl_commit(buffer);
	return 0;
}

int wn_metal_look(struct wn_metal *metal, struct wn_metal_command *command)
{
	int is_good;

	if (!wn_load_acquire(&command->done))
		return 0;
	is_good = wn_mtl_status(command->buffer) == WN_MTL_COMPLETED;
	if (!is_good) {
		wn_id error = wn_mtl_command_error(command->buffer);

		snprintf(metal->reason, sizeof(metal->reason), "%s (code %ld)",
			 error ? wn_mtl_error_text(error) : "a command buffer failed without a word",
			 wn_mtl_error_code(error));
	}
	wn_mtl_release(command->buffer);
	command->buffer = NULL;
	return is_good ? 1 : -1;
}

int wn_metal_wait(struct wn_metal *metal, struct wn_metal_command *command, int64_t patience_ns)
{
	const int64_t until_ns = wn_clock_ns() + patience_ns;
	struct wn_backoff backoff;
	int rc;

	wn_backoff_init(&backoff, metal->device->cores);
	while (!(rc = wn_metal_look(metal, command)) && wn_clock_ns() < until_ns)
		wn_backoff_wait(&backoff);
	return rc;
}

void wn_metal_command_free(struct wn_metal_command *command)
{
	/* Under way for ever: its memory is Metal's, which may still call. */
	if (command && !command->buffer)
		free(command);
}
