/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's rings and frames of queues that the device drives: mapped once more, by their descriptors,
 * and registered with the GPU, which from then on reads and writes them by itself.
 *
 * A view comes with the addresses of the process that made it. Each lies in one of the regions that come
 * with it; the region's address on the GPU, or here, takes the place of the one there.
 */
#include "device/cuda/worker.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "os/os.h"

/* One region as it is seen from here and from the GPU. */
struct place {
	uint8_t *memory;
	CUdeviceptr device;
};

static int map_region(struct wn_cuda_worker *worker, const struct wn_team_drive *drive, uint32_t r, int fd,
		      struct place *place)
{
	void *memory = mmap(NULL, drive->regions[r].bytes, PROT_READ | PROT_WRITE, MAP_SHARED | WN_OS_MAP_PRESENT, fd,
			    (off_t)drive->regions[r].offset);

	if (memory == MAP_FAILED)
		return wn_team_fail(&worker->team, "part %u of the kernel's rings: %s", r, strerror(errno));
	place->memory = memory;
	return wn_cuda_worker_share(worker, memory, drive->regions[r].bytes, &place->device);
}

/* Where an address of the other process lies: its region and offset. 0 or -1. */
static int find(const struct wn_team_drive *drive, const void *there, uint32_t *region, uint64_t *offset)
{
	const uint64_t address = (uint64_t)(uintptr_t)there;

	for (uint32_t r = 0; r < drive->region_count; r++) {
		*region = r;
		*offset = address - drive->regions[r].memory;
		if (*offset < drive->regions[r].bytes)
			return 0;
	}
	return -1;
}

/* What the GPU has to take for an address of the other process; NULL: it lies nowhere. */
static void *on_device(const struct wn_team_drive *drive, const struct place *places, const void *there)
{
	uint32_t region;
	uint64_t offset;

	if (find(drive, there, &region, &offset))
		return NULL;
	return (void *)(uintptr_t)(places[region].device + offset);
}

static void *here(const struct wn_team_drive *drive, const struct place *places, const void *there)
{
	uint32_t region;
	uint64_t offset;

	return find(drive, there, &region, &offset) ? NULL : places[region].memory + offset;
}

static void move_ring(const struct wn_team_drive *drive, const struct place *places, struct wn_kernel_ring *ring)
{
	ring->producer = on_device(drive, places, ring->producer);
	ring->consumer = on_device(drive, places, ring->consumer);
	ring->flags = on_device(drive, places, ring->flags);
	ring->entries = on_device(drive, places, ring->entries);
}

static void move_streams(const struct wn_team_drive *drive, const struct place *places, struct wn_stream_rings *stream)
{
	stream->conns = on_device(drive, places, stream->conns);
	stream->messages = on_device(drive, places, stream->messages);
	stream->words = on_device(drive, places, stream->words);
	stream->windows = on_device(drive, places, stream->windows);
	stream->outs = on_device(drive, places, stream->outs);
	stream->lengths = on_device(drive, places, stream->lengths);
	stream->next = on_device(drive, places, stream->next);
}

static int share_drive(struct wn_cuda_worker *worker, uint32_t i, const int *fds, struct wn_group_queue *queue,
		       struct wn_drive_view *view)
{
	const struct wn_team_drive *drive = &worker->team.control->drives[i];
	struct place places[WN_DRIVE_REGIONS_MAX];

	for (uint32_t r = 0; r < drive->region_count; r++)
		if (map_region(worker, drive, r, fds[r], &places[r]))
			return -1;
	*view = drive->view;
	worker->states[i] = here(drive, places, view->states);
	worker->words[i] = here(drive, places, view->words);
	view->frames = on_device(drive, places, view->frames);
	view->states = on_device(drive, places, view->states);
	view->words = on_device(drive, places, view->words);
	if (!worker->states[i] || !worker->words[i] || !view->frames)
		return wn_team_fail(&worker->team, "queue %u: its frames are in none of its regions", i);
	move_ring(drive, places, &view->xdp.fill);
	move_ring(drive, places, &view->xdp.rx);
	move_ring(drive, places, &view->xdp.tx);
	move_ring(drive, places, &view->xdp.completion);
	move_ring(drive, places, &view->uring.cq);
	move_ring(drive, places, &view->uring.sq);
	view->uring.buffers = on_device(drive, places, view->uring.buffers);
	view->uring.words = on_device(drive, places, view->uring.words);
	view->file.memory = on_device(drive, places, view->file.memory);
	view->file.words = on_device(drive, places, view->file.words);
	move_streams(drive, places, &view->stream);
	if (wn_cuda_worker_take(worker, &worker->checked[i], NULL, view->frame_count))
		return -1;
	view->checked = (uint8_t *)(uintptr_t)worker->checked[i];
	view->handover = queue->view;
	queue->view.frames = queue->replies = view->frames;
	return 0;
}

int wn_cuda_worker_share_drives(struct wn_cuda_worker *worker, struct wn_group_queue *queues)
{
	static struct wn_drive_view views[WN_TEAM_DRIVEN_MAX];
	const struct wn_team_control *control = worker->team.control;
	const int *fds = worker->team.fds + WN_TEAM_FD_RINGS + control->queue_count;
	CUdeviceptr memory;

	for (uint32_t i = 0; i < control->queue_count; i++) {
		if (fds + control->drives[i].region_count > worker->team.fds + worker->team.fd_count)
			return wn_team_fail(&worker->team, "queue %u: descriptors are missing", i);
		if (share_drive(worker, i, fds, &queues[i], &views[i]))
			return -1;
		fds += control->drives[i].region_count;
	}
	if (wn_cuda_worker_take(worker, &memory, views, control->queue_count * sizeof(views[0])))
		return -1;
	worker->launch.drives = (const struct wn_drive_view *)(uintptr_t)memory;
	return 0;
}

int wn_cuda_worker_copy_states(struct wn_cuda_worker *worker)
{
	const struct wn_team_control *control = worker->team.control;

	for (uint32_t i = 0; control->is_driven && i < control->queue_count; i++)
		if (wn_cuda_worker_check(worker,
					 worker->driver->cuMemcpyHtoD(worker->checked[i], worker->states[i],
								      control->drives[i].view.frame_count),
					 "cuMemcpyHtoD"))
			return -1;
	return 0;
}
