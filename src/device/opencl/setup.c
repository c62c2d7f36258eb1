/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Device, program, the choice of the mode, memory. All memory is taken before the first kernel starts: an
 * allocation may wait for a kernel that does not end.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "device/opencl/worker.h"

enum {
	LANES_PRESET = 32,              /* where lanes run at once */
	BATCH_SLOTS_PRESET = 256
};

/* A piece of a ring with large slots would be larger than this. */
#define PIECE_BYTES_MAX (UINT64_C(8) << 20)

int wn_cl_check(struct wn_cl_worker *worker, cl_int result, const char *what)
{
	if (result == CL_SUCCESS)
		return 0;
	return wn_team_fail(&worker->team, "%s: %s", what, wn_cl_error_name(result));
}

static void notify(const char *text, const void *detail, size_t bytes, void *context)
{
	(void)detail;
	(void)bytes;
	(void)context;
	fprintf(stderr, "warpnic-opencl-worker: the driver says: %s\n", text);
}

static int open_device(struct wn_cl_worker *worker)
{
	const struct wn_team_control *control = worker->team.control;
	struct wn_cl_device *device = &worker->device;
	struct wn_error error = {0};
	cl_int result;
	int count;

	worker->cl = wn_cl_open(&error);
	count = worker->cl ? wn_cl_device_find(worker->cl, control->ordinal, device, &error) : -1;
	if (count < 0)
		return wn_team_fail(&worker->team, "%s", error.text);
	if (control->ordinal >= (uint32_t)count)
		return wn_team_fail(&worker->team, "opencl:%u: there %s %d device%s here, from 0", control->ordinal,
				    count == 1 ? "is" : "are", count, count == 1 ? "" : "s");
	if (device->missing[0])
		return wn_team_fail(&worker->team, "%s lacks %s", device->name, device->missing);
	worker->context = worker->cl->clCreateContext(NULL, 1, &device->id, notify, NULL, &result);
	if (wn_cl_check(worker, result, "clCreateContext"))
		return -1;
	worker->commands = worker->cl->clCreateCommandQueue(worker->context, device->id, 0, &result);
	return wn_cl_check(worker, result, "clCreateCommandQueue");
}

/* -- the mode -- */

static void choose(struct wn_cl_worker *worker, enum wn_mode mode, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void choose(struct wn_cl_worker *worker, enum wn_mode mode, const char *format, ...)
{
	struct wn_team_control *control = worker->team.control;
	va_list arguments;

	worker->mode = control->chosen_mode = mode;
	va_start(arguments, format);
	vsnprintf(control->choice, sizeof(control->choice), format, arguments);
	va_end(arguments);
}

/* What speaks against polling: a word, or "" after a handshake that holds. 0 or -1. */
static int try_polling(struct wn_cl_worker *worker, char *against, size_t bytes)
{
	const struct wn_team_control *control = worker->team.control;
	int rc;

	snprintf(against, bytes, "%s", worker->device.no_polling);
	if (against[0])
		return 0;
	wn_team_say(&worker->team, WN_TEAM_TRYING);
	rc = wn_cl_handshake_svm(worker);
	if (rc < 0)
		return -1;
	if (!rc && control->stale)
		snprintf(against, bytes, "%u of %u messages through SVM were stale", control->stale, control->rounds);
	else if (!rc)
		snprintf(against, bytes, "a running kernel does not see what the host writes: %u messages came in 3 s",
			 control->rounds);
	wn_store_release(&worker->team.control->state, WN_TEAM_STARTING);
	return 0;
}

static int choose_mode(struct wn_cl_worker *worker)
{
	const uint32_t asked = worker->team.control->mode;
	char against[160] = "";

	if (asked != WN_MODE_BATCH && try_polling(worker, against, sizeof(against)))
		return -1;
	if (asked == WN_MODE_BATCH) {
		/* Where a handshake did not come back, whoever ended it has noted that. */
		worker->mode = worker->team.control->chosen_mode = WN_MODE_BATCH;
		if (!worker->team.control->choice[0])
			choose(worker, WN_MODE_BATCH, "as asked");
	} else if (against[0] && asked != WN_MODE_AUTO) {
		return wn_team_fail(&worker->team, "%s cannot serve in %s mode: %s; say --mode batch, or auto",
				    worker->device.name, wn_mode_name((enum wn_mode)asked), against);
	} else if (against[0]) {
		choose(worker, WN_MODE_BATCH, "%s", against);
	} else {
		choose(worker, asked != WN_MODE_AUTO ? (enum wn_mode)asked : worker->device.is_cpu ? WN_MODE_RESIDENT : WN_MODE_LEASE,
		       "%u messages both ways while kernels ran, none stale", worker->team.control->rounds);
	}
	return worker->mode == WN_MODE_BATCH ? wn_cl_handshake_buffers(worker) : 0;
}

/* -- sizes -- */

static uint32_t power_of_two_below(uint64_t value)
{
	uint32_t power = 1;

	while ((uint64_t)power * 2 <= value)
		power *= 2;
	return power;
}

static uint32_t at_most(uint64_t value, uint64_t most)
{
	return (uint32_t)(value < most ? value : most);
}

/* Slots of a piece: a power of two that every ring has and that does not take too much memory. */
static uint32_t batch_slots_of(const struct wn_cl_worker *worker)
{
	uint64_t slots = worker->team.control->batch_slots ? worker->team.control->batch_slots : BATCH_SLOTS_PRESET;

	for (uint32_t i = 0; i < worker->team.control->queue_count; i++) {
		const struct wn_ring_view *ring = &worker->team.rings[i].view;
		const uint64_t each = ring->frame_stride + (uint64_t)ring->segments_max * (4 + ring->result_bytes) + 68;

		slots = at_most(slots, ring->slot_mask + 1);
		slots = at_most(slots, PIECE_BYTES_MAX / each + 1);
	}
	return power_of_two_below(slots);
}

static void choose_lanes(struct wn_cl_worker *worker)
{
	const struct wn_cl_device *device = &worker->device;

	worker->lanes = worker->team.control->lanes ? worker->team.control->lanes : device->is_cpu ? 1 : (uint32_t)LANES_PRESET;
	worker->lanes = at_most(worker->lanes, device->group_items_max ? device->group_items_max : 1);
}

static void choose_sizes(struct wn_cl_worker *worker)
{
	const struct wn_team_control *control = worker->team.control;
	const struct wn_cl_device *device = &worker->device;
	const uint32_t parts = worker->mode == WN_MODE_BATCH ? 1 : control->parts ? control->parts : 1;

	worker->launch.part_count = at_most(parts, WN_CL_PARTS_MAX);
	worker->batch_slots = batch_slots_of(worker);
	worker->is_mapped = control->transfer ? control->transfer == 1 : (int)device->is_unified;
	if (worker->mode != WN_MODE_BATCH) {
		/* Never more than run at once; on a CPU the host's side needs a core, too. */
		worker->groups = at_most(control->queue_count * worker->launch.part_count,
					 device->units > 1 ? device->units - 1 : 1);
	} else if (control->parts) {
		worker->groups = control->parts;
	} else {
		worker->groups = device->is_cpu ? device->units
						: (worker->batch_slots + worker->lanes - 1) / worker->lanes;
	}
	worker->groups = at_most(worker->groups ? worker->groups : 1, WN_OPENCL_GROUPS_MAX);
	worker->row_count = worker->groups * worker->lanes;
	worker->launch.row_words = (WN_CL_ROW_HEAD + 2 * control->lane_words + 31) / 32 * 32;
	worker->row_bytes = (uint64_t)worker->row_count * worker->launch.row_words * 4;
	worker->launch.queue_count = control->queue_count;
}

/* -- memory -- */

static int too_large(struct wn_cl_worker *worker, const char *what, uint64_t bytes)
{
	return wn_team_fail(&worker->team, "%s: %llu MiB in one piece, and %s gives %llu at most "
			    "(CL_DEVICE_MAX_MEM_ALLOC_SIZE)", what, (unsigned long long)bytes >> 20, worker->device.name,
			    (unsigned long long)worker->device.memory_max >> 20);
}

/* A buffer with a copy of what is there, or zeros; never of no bytes. */
static int make_buffer(struct wn_cl_worker *worker, cl_mem *memory, cl_bitfield flags, const void *from, uint64_t bytes,
		       const char *what)
{
	void *zeros = NULL;
	cl_int result;

	if (bytes > worker->device.memory_max)
		return too_large(worker, what, bytes);
	if (!bytes || !from) {
		bytes = bytes ? bytes : 64;
		from = zeros = calloc(1, bytes);
		if (!zeros)
			return wn_team_fail(&worker->team, "out of memory");
	}
	*memory = worker->cl->clCreateBuffer(worker->context, flags | CL_MEM_COPY_HOST_PTR, bytes, (void *)(uintptr_t)from,
					     &result);
	free(zeros);
	return wn_cl_check(worker, result, what);
}

static void *make_shared(struct wn_cl_worker *worker, uint64_t bytes, const char *what)
{
	void *memory = NULL;

	if (bytes > worker->device.memory_max) {
		too_large(worker, what, bytes);
		return NULL;
	}
	memory = worker->cl->clSVMAlloc(worker->context,
					CL_MEM_READ_WRITE | CL_MEM_SVM_FINE_GRAIN_BUFFER | CL_MEM_SVM_ATOMICS, bytes,
					WN_LINE_BYTES);
	if (!memory)
		wn_team_fail(&worker->team, "%s: %llu bytes of fine-grained SVM were refused", what,
			     (unsigned long long)bytes);
	else
		memset(memory, 0, bytes);
	return memory;
}

/* Resident and lease: all twins in one allocation, because a kernel takes one pointer for each. */
static int make_twins(struct wn_cl_worker *worker)
{
	const uint32_t queues = worker->launch.queue_count;
	uint64_t end = 0;

	for (uint32_t i = 0; i < queues; i++) {
		const struct wn_ring_view *ring = &worker->team.rings[i].view;
		const uint64_t bytes = wn_twin_lay_out(&worker->launch.rings[i], ring, ring->slot_mask + 1);

		wn_twin_move(&worker->launch.rings[i], end);
		end += bytes;
	}
	worker->memory = make_shared(worker, end, "the twins of the rings");
	worker->state = make_shared(worker, sizeof(*worker->state), "the kernels' state");
	worker->rows = make_shared(worker, worker->row_bytes, "counters");
	if (!worker->memory || !worker->state || !worker->rows)
		return -1;
	for (uint32_t i = 0; i < queues; i++)
		worker->queues[i].twin = wn_twin_view(&worker->launch.rings[i], worker->memory);
	return 0;
}

static int make_piece(struct wn_cl_worker *worker, struct wn_cl_piece *piece, uint64_t bytes)
{
	const struct wn_cl *cl = worker->cl;
	cl_int result;

	if (bytes > worker->device.memory_max)
		return too_large(worker, "a batch", bytes);
	piece->memory = cl->clCreateBuffer(worker->context, CL_MEM_READ_WRITE | (worker->is_mapped ? CL_MEM_ALLOC_HOST_PTR : 0),
					   bytes, NULL, &result);
	if (wn_cl_check(worker, result, "memory of a batch"))
		return -1;
	if (worker->is_mapped) {
		piece->bytes = cl->clEnqueueMapBuffer(worker->commands, piece->memory, CL_TRUE, CL_MAP_READ | CL_MAP_WRITE, 0,
						      bytes, 0, NULL, NULL, &result);
		return wn_cl_check(worker, result, "clEnqueueMapBuffer");
	}
	piece->bytes = aligned_alloc(WN_LINE_BYTES, bytes);
	return piece->bytes ? 0 : wn_team_fail(&worker->team, "out of memory");
}

static int make_pieces(struct wn_cl_worker *worker)
{
	const uint32_t ahead = worker->team.control->ahead;

	for (uint32_t i = 0; i < worker->launch.queue_count; i++) {
		const uint64_t bytes = wn_twin_lay_out(&worker->launch.rings[i], &worker->team.rings[i].view,
						       worker->batch_slots);

		for (uint32_t k = 0; k < ahead; k++)
			if (make_piece(worker, &worker->queues[i].pieces[k], bytes))
				return -1;
	}
	worker->rows = calloc(1, worker->row_bytes);
	return worker->rows ? make_buffer(worker, &worker->row_memory, CL_MEM_READ_WRITE, NULL, worker->row_bytes, "counters")
			    : wn_team_fail(&worker->team, "out of memory");
}

/* What the program is given: copied, once. */
static int share_data(struct wn_cl_worker *worker)
{
	const struct wn_team_control *control = worker->team.control;
	const struct wn_team_data *layout = &control->data;
	struct wn_cl_launch *launch = &worker->launch;
	void *from = NULL;
	int rc;

	launch->parameters = layout->parameters;
	launch->tables = layout->tables;
	launch->store = layout->store;
	launch->file = layout->file;
	launch->store_bytes = layout->store_bytes;
	launch->file_bytes = layout->file_bytes;
	launch->cell_count = layout->cell_bytes / 4;
	launch->parameter_count = (uint32_t)(layout->parameter_bytes / sizeof(uint64_t));
	launch->table_count = (uint32_t)(layout->table_bytes / sizeof(struct wn_table));
	if (layout->total_bytes) {
		from = mmap(NULL, layout->total_bytes, PROT_READ, MAP_SHARED, worker->team.fds[WN_TEAM_FD_DATA], 0);
		if (from == MAP_FAILED)
			return wn_team_fail(&worker->team, "tables: %s", strerror(errno));
	}
	rc = make_buffer(worker, &worker->data, CL_MEM_READ_ONLY, from, layout->cells, "tables and files") ||
	     make_buffer(worker, &worker->cells, CL_MEM_READ_WRITE, NULL, layout->cell_bytes, "tables of cells");
	if (from)
		munmap(from, layout->total_bytes);
	return rc ? -1 : 0;
}

/* A first launch that serves nothing: drivers compile once more then, for a size of groups, and take their time. */
static int warm_up(struct wn_cl_worker *worker)
{
	int rc;

	if (worker->mode == WN_MODE_BATCH)
		return wn_cl_launch_batch(worker, &worker->cells, 0, 0, 0) ||
				       wn_cl_check(worker, worker->cl->clFinish(worker->commands), "the first launch")
			       ? -1
			       : 0;
	worker->state->leave = 1;
	rc = wn_cl_launch_serve(worker, 0, 1, NULL) ||
	     wn_cl_check(worker, worker->cl->clFinish(worker->commands), "the first launch");
	memset(worker->state, 0, sizeof(*worker->state));
	return rc ? -1 : 0;
}

int wn_cl_setup(struct wn_cl_worker *worker)
{
	struct wn_team_control *control = worker->team.control;

	if (open_device(worker))
		return -1;
	choose_lanes(worker);
	if (wn_cl_build_handshake(worker) || choose_mode(worker) || wn_cl_build(worker))
		return -1;
	choose_sizes(worker);
	for (uint32_t i = 0; i < control->queue_count; i++)
		worker->team.rings[i].view.identity = &control->identities[i];
	if ((worker->mode == WN_MODE_BATCH ? make_pieces(worker) : make_twins(worker)) || share_data(worker) ||
	    make_buffer(worker, &worker->launch_memory, CL_MEM_READ_ONLY, &worker->launch, sizeof(worker->launch),
			"launch constants") || warm_up(worker))
		return -1;
	wn_cl_keep(worker);
	control->lanes = worker->lanes;
	control->parts = worker->groups;
	control->batch_slots = worker->batch_slots;
	return 0;
}

/* -- the beginning and the end -- */

/* The cells in the data object, mapped. NULL where there are none or it fails. */
static uint8_t *map_cells(const struct wn_cl_worker *worker, void **whole)
{
	const struct wn_team_data *layout = &worker->team.control->data;

	*whole = MAP_FAILED;
	if (layout->cell_bytes)
		*whole = mmap(NULL, layout->total_bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
			      worker->team.fds[WN_TEAM_FD_DATA], 0);
	return *whole == MAP_FAILED ? NULL : (uint8_t *)*whole + layout->cells;
}

/* Where part p of a queue begins that begins at `base`: as in lane/group_launch.h. */
static uint32_t first_position(uint32_t base, uint32_t part)
{
	return part ? base - base % WN_BLOCK_SLOTS + part * (uint32_t)WN_BLOCK_SLOTS : base;
}

static void begin_queue(struct wn_cl_worker *worker, uint32_t i, uint32_t start)
{
	struct wn_cl_queue *queue = &worker->queues[i];
	const struct wn_ring_view *ring = &worker->team.rings[i].view;
	const uint32_t parts = worker->launch.part_count;

	queue->taken = queue->answered = start;
	if (worker->mode == WN_MODE_BATCH)
		return;
	/* Words of earlier laps: a zero could be taken for an answer. */
	for (uint32_t k = 0; k <= ring->slot_mask; k++)
		queue->twin.verdicts[k] = wn_load_relaxed(&ring->verdicts[k]);
	queue->twin.words->published = start;
	for (uint32_t p = 0; p < parts; p++)
		worker->state->positions[i * parts + p] = first_position(start, p);
}

int wn_cl_take_over(struct wn_cl_worker *worker)
{
	const struct wn_cl *cl = worker->cl;
	const struct wn_team_control *control = worker->team.control;
	void *whole;
	const uint8_t *cells = map_cells(worker, &whole);
	int rc = 0;

	for (uint32_t i = 0; i < control->queue_count; i++)
		begin_queue(worker, i, control->starts[i]);
	if (!cells)
		return 0;
	rc = wn_cl_check(worker, cl->clEnqueueWriteBuffer(worker->commands, worker->cells, CL_TRUE, 0,
							  control->data.cell_bytes, cells, 0, NULL, NULL), "cells");
	munmap(whole, control->data.total_bytes);
	return rc;
}

int wn_cl_hand_over(struct wn_cl_worker *worker)
{
	const struct wn_cl *cl = worker->cl;
	struct wn_team_control *control = worker->team.control;
	void *whole;
	uint8_t *cells = map_cells(worker, &whole);

	for (uint32_t i = 0; i < control->queue_count; i++)
		control->starts[i] = wn_team_positions(control)[i] = worker->queues[i].answered;
	wn_cl_show_rows(worker);
	if (!cells)
		return 0;
	return wn_cl_check(worker, cl->clEnqueueReadBuffer(worker->commands, worker->cells, CL_TRUE, 0,
							   control->data.cell_bytes, cells, 0, NULL, NULL), "cells");
}
