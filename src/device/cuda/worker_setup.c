/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Context, module, memory, self-test. All memory is taken before the first kernel starts, because an
 * allocation may wait for running kernels, and a resident one does not end.
 */
#include "device/cuda/worker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "clock.h"
#include "os/os.h"
#include "ring/copy.h"
#include "warpnic/device.h"

enum { CLOCK_ROUNDS = 30, WARP = 32 };
#define SELFTEST_NS (2 * WN_SECOND_NS)
/* Clocks drift apart by some microseconds a second. */
#define CLOCK_EVERY_NS (WN_SECOND_NS / 2)

static int open_context(struct wn_cuda_worker *worker)
{
	const struct wn_cuda_driver *driver;
	struct wn_error error;
	CUcontext context;

	worker->driver = driver = wn_cuda_driver_open(&error);
	if (!driver)
		return wn_team_fail(&worker->team, "%s", error.text);
	if (wn_cuda_worker_check(
		    worker, driver->cuDeviceGet(&worker->device, (int)worker->team.control->ordinal),
		    "cuDeviceGet") ||
	    wn_cuda_worker_check(worker, driver->cuDevicePrimaryCtxRetain(&context, worker->device),
				 "cuDevicePrimaryCtxRetain") ||
	    wn_cuda_worker_check(worker, driver->cuCtxSetCurrent(context), "cuCtxSetCurrent"))
		return -1;
	return 0;
}

static int load_module(struct wn_cuda_worker *worker)
{
	const size_t bytes = worker->team.control->image_bytes;
	char log[768] = "";
	int options[] = {CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES};
	void *values[] = {log, (void *)(size_t)sizeof(log)};
	char *image = malloc(bytes + 1);
	void *code;
	CUresult result;

	code = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, worker->team.fds[WN_TEAM_FD_CODE], 0);
	if (!image || code == MAP_FAILED)
		return wn_team_fail(&worker->team, "code: %s", strerror(errno));
	memcpy(image, code, bytes);
	image[bytes] = '\0'; /* PTX is a text */
	munmap(code, bytes);
	result = worker->driver->cuModuleLoadDataEx(&worker->module, image, 2, options, values);
	free(image);
	if (result)
		return wn_team_fail(&worker->team, "program '%s' does not load: %s: %s", worker->team.control->program,
			wn_cuda_error_name(worker->driver, result),
			log[0] ? log : wn_cuda_error_text(worker->driver, result));
	return 0;
}

static int find_function(struct wn_cuda_worker *worker, CUfunction *function, const char *name)
{
	return wn_cuda_worker_check(
		worker, worker->driver->cuModuleGetFunction(function, worker->module, name), name);
}

/* All queues that are driven are of one kind: connections, or packets. */
static const char *entry_name(const struct wn_team_control *control)
{
	if (!control->is_driven)
		return "wn_serve";
	return control->drives[0].view.kind == WN_DRIVE_STREAM ? "wn_drive_streams" : "wn_drive";
}

static int find_functions(struct wn_cuda_worker *worker)
{
	const struct wn_cuda_driver *driver = worker->driver;
	int registers = 0, local = 0;

	worker->local_bytes = worker->team.control->is_driven
				      ? wn_group_drive_bytes(WARP, worker->team.control->stage_bytes)
				      : wn_group_local_bytes(WARP, worker->team.control->stage_bytes);
	if (find_function(worker, &worker->serve, entry_name(worker->team.control)) ||
	    find_function(worker, &worker->selftest, "wn_selftest") ||
	    wn_cuda_worker_check(
		    worker,
		    driver->cuFuncSetAttribute(worker->serve,
					       CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES,
					       (int)worker->local_bytes),
		    "local memory of wn_serve"))
		return -1;
	driver->cuFuncGetAttribute(&registers, CU_FUNC_ATTRIBUTE_NUM_REGS, worker->serve);
	driver->cuFuncGetAttribute(&local, CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES, worker->serve);
	worker->team.control->registers = (uint32_t)registers;
	worker->team.control->local_bytes = (uint32_t)local;
	return 0;
}

/* Groups must all run at once: a resident one never ends by itself, and those behind it would not start. */
static int check_groups(struct wn_cuda_worker *worker)
{
	const uint32_t wanted = worker->team.control->queue_count * worker->team.control->group_count;
	const int processors = wn_cuda_attribute(worker->driver, worker->device,
						 CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT);
	int each = 0;

	if (wn_cuda_worker_check(worker,
				 worker->driver->cuOccupancyMaxActiveBlocksPerMultiprocessor(
					 &each, worker->serve, WARP, worker->local_bytes),
				 "occupancy"))
		return -1;
	if (wanted > (uint32_t)(each * processors))
		return wn_team_fail(&worker->team,
			"%u queues with groups=%u do not fit: the GPU holds %d groups of this "
			"program at once (%d multiprocessors, %d each); say groups=%u or less",
			worker->team.control->queue_count, worker->team.control->group_count,
			each * processors, processors, each,
			(uint32_t)(each * processors) / worker->team.control->queue_count);
	return 0;
}

int wn_cuda_worker_share(struct wn_cuda_worker *worker, void *memory, size_t bytes, CUdeviceptr *device)
{
	const struct wn_cuda_driver *driver = worker->driver;

	if (wn_cuda_worker_check(worker,
				 driver->cuMemHostRegister(memory, bytes,
							   CU_MEMHOSTREGISTER_PORTABLE |
								   CU_MEMHOSTREGISTER_DEVICEMAP),
				 "cuMemHostRegister (is RLIMIT_MEMLOCK too low?)"))
		return -1;
	return wn_cuda_worker_check(worker, driver->cuMemHostGetDevicePointer(device, memory, 0),
				    "cuMemHostGetDevicePointer");
}

int wn_cuda_worker_take(struct wn_cuda_worker *worker, CUdeviceptr *memory, const void *from, size_t bytes)
{
	const struct wn_cuda_driver *driver = worker->driver;

	*memory = 0;
	if (!bytes)
		return 0;
	if (wn_cuda_worker_check(worker, driver->cuMemAlloc(memory, bytes), "cuMemAlloc") ||
	    wn_cuda_worker_check(worker, driver->cuMemsetD8(*memory, 0, bytes), "cuMemsetD8"))
		return -1;
	return from ? wn_cuda_worker_check(worker, driver->cuMemcpyHtoD(*memory, from, bytes),
					   "cuMemcpyHtoD")
		    : 0;
}

static void *address(CUdeviceptr base, uint64_t offset)
{
	return (void *)(uintptr_t)(base + offset);
}

/* What the program is given: copied into the GPU's memory, once. */
static int share_data(struct wn_cuda_worker *worker)
{
	const struct wn_team_data *layout = &worker->team.control->data;
	struct wn_program_data *data = &worker->data;
	CUdeviceptr copy = 0;
	void *from = NULL;

	if (layout->total_bytes) {
		from = mmap(NULL, layout->total_bytes, PROT_READ, MAP_SHARED,
			    worker->team.fds[WN_TEAM_FD_DATA], 0);
		if (from == MAP_FAILED)
			return wn_team_fail(&worker->team, "data: %s", strerror(errno));
	}
	if (wn_cuda_worker_take(worker, &copy, from, layout->cells) ||
	    wn_cuda_worker_take(worker, &worker->cells, NULL, layout->cell_bytes))
		return -1;
	if (from)
		munmap(from, layout->total_bytes);
	data->parameters = address(copy, layout->parameters);
	data->tables = address(copy, layout->tables);
	data->store = address(copy, layout->store);
	data->store_bytes = layout->store_bytes;
	data->file = address(copy, layout->file);
	data->file_bytes = layout->file_bytes;
	data->file_address = layout->file_address;
	data->file_version = layout->file_version;
	data->cells = address(worker->cells, 0);
	data->cell_count = layout->cell_bytes / 4;
	return 0;
}

/* The view of a ring with the GPU's addresses in it. */
static struct wn_ring_view view_on_device(const struct wn_ring *ring, CUdeviceptr base)
{
	const struct wn_ring_header *header = &ring->header;
	struct wn_ring_view view = ring->view;

	view.words = address(base, header->words_offset);
	view.slots = address(base, header->slots_offset);
	view.peers = address(base, header->peers_offset);
	view.frames = address(base, header->frames_offset);
	view.verdicts = address(base, header->verdicts_offset);
	view.segments = header->segments_offset ? address(base, header->segments_offset) : NULL;
	view.results = address(base, header->results_offset);
	return view;
}

/* rings=gpu: what the host writes is read in the GPU's memory, and no group looks for the others. */
static void bring_near(const struct wn_cuda_worker *worker, uint32_t i, struct wn_group_queue *queue)
{
	const CUdeviceptr base = worker->near + worker->team.control->near_offsets[i];

	queue->view.words = address(base, 0);
	queue->view.slots = address(base, wn_ring_copy_slots_offset());
	queue->view.frames = address(base, wn_ring_copy_frames_offset(&worker->team.rings[i].view));
	queue->mirror = NULL;
	queue->leave = address(base, offsetof(struct wn_ring_copy_words, leave));
	queue->leave_from = worker->team.control->generation;
}

static int share_ring(struct wn_cuda_worker *worker, uint32_t i, struct wn_group_queue *queue)
{
	struct wn_team_control *control = worker->team.control;
	CUdeviceptr base, identity;

	if (wn_cuda_worker_share(worker, worker->team.rings[i].memory, worker->team.rings[i].bytes, &base) ||
	    wn_cuda_worker_take(worker, &identity, &control->identities[i], sizeof(control->identities[i])) ||
	    wn_cuda_worker_take(worker, &worker->mirrors[i], NULL, sizeof(struct wn_group_mirror)))
		return -1;
	queue->view = view_on_device(&worker->team.rings[i], base);
	queue->report = queue->view.words;
	queue->view.identity = address(identity, 0);
	queue->replies = queue->view.frames;
	queue->mirror = address(worker->mirrors[i], 0);
	queue->leave = address(worker->control_device, offsetof(struct wn_team_control, abandon));
	queue->leave_from = 1;
	queue->positions =
		address(worker->control_device,
			control->positions_offset + (uint64_t)i * control->group_count * 4);
	queue->group_count = control->group_count;
	if (worker->near)
		bring_near(worker, i, queue);
	return 0;
}

static int make_launch(struct wn_cuda_worker *worker)
{
	struct wn_team_control *control = worker->team.control;
	static struct wn_group_queue queues[WN_TEAM_QUEUES_MAX];
	const uint64_t khz = (uint64_t)wn_cuda_attribute(worker->driver, worker->device,
							 CU_DEVICE_ATTRIBUTE_CLOCK_RATE);
	const uint64_t row_bytes =
		(uint64_t)control->queue_count * control->group_count * control->row_words * 8;
	CUdeviceptr queues_device, totals;

	worker->launch = (struct wn_group_launch){
		.queue_count = control->queue_count,
		.group_count = control->group_count,
		.row_words = control->row_words,
		.stage_bytes = control->stage_bytes,
		.clock_offset_ns = address(worker->clock, 0),
		.flush_cycles = khz * 5,        /* 5 ms */
		.settle_cycles = khz / 5,       /* 200 us */
		.idle_cycles = khz * 20,        /* 20 ms */
		.doze_ns = control->doze_ns,
		.times_off = control->times_off,
	};

	for (uint32_t i = 0; i < control->queue_count; i++)
		if (share_ring(worker, i, &queues[i]))
			return -1;
	if (control->is_driven && wn_cuda_worker_share_drives(worker, queues))
		return -1;
	if (wn_cuda_worker_take(worker, &queues_device, queues, control->queue_count * sizeof(queues[0])) ||
	    share_data(worker) || wn_cuda_worker_take(worker, &totals, NULL, row_bytes))
		return -1;
	worker->launch.queues = address(queues_device, 0);
	worker->launch.totals = address(totals, 0);
	worker->launch.rows = address(worker->control_device, control->rows_offset);
	worker->launch.alive = address(worker->control_device, control->alive_offset);
	return 0;
}

/* The cells in the data object, mapped. NULL where there are none or it fails. */
static uint8_t *map_cells(const struct wn_cuda_worker *worker)
{
	const struct wn_team_data *layout = &worker->team.control->data;
	uint8_t *memory;

	if (!layout->cell_bytes)
		return NULL;
	memory = mmap(NULL, layout->total_bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
		      worker->team.fds[WN_TEAM_FD_DATA], 0);
	return memory == MAP_FAILED ? NULL : memory + layout->cells;
}

int wn_cuda_worker_take_over(struct wn_cuda_worker *worker)
{
	const struct wn_cuda_driver *driver = worker->driver;
	const struct wn_team_control *control = worker->team.control;
	const uint8_t *cells = map_cells(worker);

	for (uint32_t i = 0; i < control->queue_count; i++) {
		const struct wn_group_mirror mirror = {.published = control->starts[i]};

		if (wn_cuda_worker_check(
			    worker,
			    driver->cuMemcpyHtoD(worker->mirrors[i], &mirror, sizeof(mirror)),
			    "cuMemcpyHtoD"))
			return -1;
	}
	if (wn_cuda_worker_copy_states(worker))
		return -1;
	if (!cells)
		return 0;
	return wn_cuda_worker_check(
		worker, driver->cuMemcpyHtoD(worker->cells, cells, control->data.cell_bytes),
		"cuMemcpyHtoD");
}

int wn_cuda_worker_hand_over(struct wn_cuda_worker *worker)
{
	uint8_t *cells = map_cells(worker);

	if (!cells)
		return 0;
	return wn_cuda_worker_check(worker,
				    worker->driver->cuMemcpyDtoH(cells, worker->cells,
								 worker->team.control->data.cell_bytes),
				    "cuMemcpyDtoH");
}

/* -- the self-test, which also tells what the GPU's clock shows -- */

static void fill_line(struct wn_selftest *test, uint32_t round)
{
	for (uint32_t i = 0; i < WN_SELFTEST_WORDS; i++)
		test->down[round % WN_SELFTEST_LINES][i] = wn_selftest_word(round, i);
	wn_store_release64(&test->to_device, wn_selftest_round(round));
}

static uint32_t check_line(const struct wn_selftest *test, uint32_t round)
{
	uint32_t stale = 0;

	for (uint32_t i = 0; i < WN_SELFTEST_WORDS; i++)
		stale += test->up[round % WN_SELFTEST_LINES][i] != ~wn_selftest_word(round, i);
	return stale;
}

/* 1 once the GPU has answered; asks the driver meanwhile, or the kernel need not start at all. */
static int wait_answer(struct wn_cuda_worker *worker, struct wn_selftest *test, uint32_t round,
		       int64_t until)
{
	for (uint32_t turn = 0;; turn++) {
		if (wn_load_acquire(&test->to_host) == round)
			return 1;
		if (turn % 4096 == 0) {
			const CUresult result = worker->driver->cuStreamQuery(worker->side_stream);

			if ((result && result != CUDA_ERROR_NOT_READY) || wn_clock_ns() > until)
				return 0;
		}
	}
}

/*
 * The clocks are read one after the other, host, GPU, host: the offset is off by half of the shortest such
 * time at most. The GPU's clock also ticks in steps, which are in that error too.
 */
static void note_clock(const struct wn_selftest *test, int64_t before, int64_t after,
		       int64_t *offset, int64_t *error)
{
	const int64_t device = (int64_t)test->clock_ns;

	if (*error && after - before >= 2 * *error)
		return;
	*error = (after - before + 1) / 2;
	*offset = before + (after - before) / 2 - device;
}

static int compare(const void *a, const void *b)
{
	const int64_t one = *(const int64_t *)a, other = *(const int64_t *)b;

	return (one > other) - (one < other);
}

static int64_t median(int64_t *values, uint32_t count)
{
	qsort(values, count, sizeof(*values), compare);
	return values[count / 2];
}

static int run_selftest(struct wn_cuda_worker *worker, uint32_t rounds, int64_t *offset)
{
	struct wn_selftest *test = worker->test;
	CUdeviceptr device = worker->test_device;
	uint32_t stale = 0, round;
	uint64_t first_ns = 0, first_cycles = 0;
	uint64_t patience = (uint64_t)wn_cuda_attribute(worker->driver, worker->device,
							CU_DEVICE_ATTRIBUTE_CLOCK_RATE) *
			    (SELFTEST_NS / WN_MILLISECOND_NS);
	void *parameters[] = {&device, &device, &rounds, &patience};
	int64_t times[WN_SELFTEST_ROUNDS];
	const int64_t until = wn_clock_ns() + SELFTEST_NS;
	int64_t error = 0;

	test->to_device = 0;
	test->to_host = 0;
	if (wn_cuda_worker_check(worker,
				 worker->driver->cuLaunchKernel(worker->selftest, 1, 1, 1, WARP, 1,
								1, 0, worker->side_stream,
								parameters, NULL),
				 "self-test"))
		return -1;
	for (round = 1; round <= rounds; round++) {
		const int64_t before = wn_clock_ns();

		fill_line(test, round);
		if (!wait_answer(worker, test, round, until))
			break;
		times[round - 1] = wn_clock_ns() - before;
		note_clock(test, before, before + times[round - 1], offset, &error);
		if (round == 1) {
			first_ns = test->clock_ns;
			first_cycles = test->cycles;
		}
		stale += check_line(test, round);
	}
	if (wn_cuda_worker_check(worker, worker->driver->cuStreamSynchronize(worker->side_stream),
				 "self-test"))
		return -1;
	worker->team.control->clock_error_ns = (uint64_t)error;
	if (rounds == WN_SELFTEST_ROUNDS && round > rounds)
		worker->team.control->round_trip_ns = (uint64_t)median(times, rounds);
	if (rounds == WN_SELFTEST_ROUNDS && test->cycles > first_cycles)
		worker->team.control->cycle_ns =
			(double)(test->clock_ns - first_ns) / (double)(test->cycles - first_cycles);
	stale += wn_load_acquire(&test->stale);
	if (rounds == WN_SELFTEST_ROUNDS)
		worker->team.control->rounds = round - 1;
	worker->team.control->stale += stale;
	if (round > rounds && !stale)
		return 0;
	return wn_team_fail(&worker->team,
		"the self-test failed: %u of %u messages, %u stale words (host atomics %d, compute "
		"%d.%d, "
		"kernel time limit %d): this GPU and this machine do not see each other's memory "
		"as CUDA says",
		round - 1, rounds, stale,
		wn_cuda_attribute(worker->driver, worker->device,
				  CU_DEVICE_ATTRIBUTE_HOST_NATIVE_ATOMIC_SUPPORTED),
		wn_cuda_attribute(worker->driver, worker->device,
				  CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR),
		wn_cuda_attribute(worker->driver, worker->device,
				  CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR),
		wn_cuda_attribute(worker->driver, worker->device,
				  CU_DEVICE_ATTRIBUTE_KERNEL_EXEC_TIMEOUT));
}

/* Lets the groups know what the clocks' difference is now. */
static int show_offset(struct wn_cuda_worker *worker, int64_t offset)
{
	return wn_cuda_worker_check(worker,
				    worker->driver->cuMemcpyHtoDAsync(worker->clock, &offset,
								      sizeof(offset),
								      worker->side_stream),
				    "cuMemcpyHtoDAsync") ||
	       wn_cuda_worker_check(
		       worker, worker->driver->cuStreamSynchronize(worker->side_stream), "clock");
}

static int test_device(struct wn_cuda_worker *worker)
{
	const size_t bytes = (sizeof(struct wn_selftest) + 4095) / 4096 * 4096;
	int64_t offset = 0;

	worker->test = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS | WN_OS_MAP_PRESENT, -1, 0);
	if (worker->test == MAP_FAILED)
		return wn_team_fail(&worker->team, "self-test: %s", strerror(errno));
	if (wn_cuda_worker_share(worker, worker->test, bytes, &worker->test_device) ||
	    wn_cuda_worker_take(worker, &worker->clock, NULL, sizeof(offset)))
		return -1;
	return run_selftest(worker, WN_SELFTEST_ROUNDS, &offset) || show_offset(worker, offset) ? -1
											     : 0;
}

/*
 * The same for rings in the GPU's memory: the host is the process that has it mapped. Half a second longer
 * than it takes at most, for it to begin.
 */
static int test_near(struct wn_cuda_worker *worker)
{
	struct wn_selftest *test = &worker->team.control->near_test;
	CUdeviceptr there = worker->near + worker->team.control->near_test_offset;
	CUdeviceptr here = worker->control_device + offsetof(struct wn_team_control, near_test);
	uint32_t rounds = WN_SELFTEST_ROUNDS;
	uint64_t patience = (uint64_t)wn_cuda_attribute(worker->driver, worker->device, CU_DEVICE_ATTRIBUTE_CLOCK_RATE) *
			    (SELFTEST_NS / WN_MILLISECOND_NS + 500);
	void *parameters[] = {&here, &there, &rounds, &patience};

	wn_store_relaxed(&test->to_host, 0);
	if (wn_cuda_worker_check(worker,
				 worker->driver->cuLaunchKernel(worker->selftest, 1, 1, 1, WARP, 1, 1, 0,
								worker->side_stream, parameters, NULL),
				 "self-test"))
		return -1;
	wn_team_say(&worker->team, WN_TEAM_TESTING);
	if (wn_cuda_worker_check(worker, worker->driver->cuStreamSynchronize(worker->side_stream), "self-test"))
		return -1;
	if (wn_load_acquire(&test->to_host) == rounds && !wn_load_acquire(&test->stale))
		return 0;
	return wn_team_fail(&worker->team,
				   "the self-test of GPU memory that the host writes failed: %u of %u messages, %u stale "
				   "words: use rings=host",
				   wn_load_acquire(&test->to_host), rounds, wn_load_acquire(&test->stale));
}

static int import_near(struct wn_cuda_worker *worker)
{
	const struct wn_team_control *control = worker->team.control;
	const struct wn_cuda_external_memory memory = {
		.type = CU_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD,
		.handle = {.fd = worker->team.fds[WN_TEAM_FD_RINGS + control->queue_count]},
		.bytes = control->near_bytes,
	};
	const struct wn_cuda_external_buffer buffer = {.bytes = control->near_bytes};
	CUexternalMemory imported;

	if (!control->near_bytes)
		return 0;
	if (wn_cuda_worker_check(worker, worker->driver->cuImportExternalMemory(&imported, &memory),
				 "cuImportExternalMemory") ||
	    wn_cuda_worker_check(worker, worker->driver->cuExternalMemoryGetMappedBuffer(&worker->near, imported, &buffer),
				 "cuExternalMemoryGetMappedBuffer"))
		return -1;
	return test_near(worker);
}

int wn_cuda_worker_set_clock(struct wn_cuda_worker *worker)
{
	const int64_t now = wn_clock_ns();
	int64_t offset;

	if (now < worker->clock_due_ns)
		return 0;
	worker->clock_due_ns = now + CLOCK_EVERY_NS;
	return run_selftest(worker, CLOCK_ROUNDS, &offset) || show_offset(worker, offset) ? -1 : 0;
}

int wn_cuda_worker_setup(struct wn_cuda_worker *worker)
{
	const struct wn_cuda_driver *driver;

	if (open_context(worker) || load_module(worker) || find_functions(worker))
		return -1;
	driver = worker->driver;
	if (worker->team.control->mode != WN_MODE_BATCH && check_groups(worker))
		return -1;
	if (wn_cuda_worker_check(worker,
				 driver->cuStreamCreate(&worker->stream, CU_STREAM_NON_BLOCKING),
				 "stream") ||
	    wn_cuda_worker_check(
		    worker, driver->cuStreamCreate(&worker->side_stream, CU_STREAM_NON_BLOCKING),
		    "stream"))
		return -1;
	for (uint32_t i = 0;
	     worker->team.control->mode == WN_MODE_BATCH && i < worker->team.control->queue_count; i++)
		if (wn_cuda_worker_check(worker,
					 driver->cuStreamCreate(&worker->queue_streams[i],
								CU_STREAM_NON_BLOCKING),
					 "stream"))
			return -1;
	if (wn_cuda_worker_share(worker, worker->team.control, worker->team.control->total_bytes, &worker->control_device) ||
	    test_device(worker) || import_near(worker) || make_launch(worker))
		return -1;
	return 0;
}
