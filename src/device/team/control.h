/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a device and its worker process share.
 *
 * A fault of a kernel is final for the process it happened in, and only that process's end is sure to
 * stop a kernel. So all CUDA and all OpenCL lives in a worker process of its own: links, rings and counters
 * are the device's, the worker has them mapped and dies alone. They speak through one sealed memory object (this
 * struct, then the rows) and one socket, which carries the descriptors once and one byte for each change of
 * state; its end means that the other side is gone.
 *
 *   word            written by             read by
 *   abandon         device (the process)   worker, groups of the GPU   1: leave, whatever is left
 *   state           worker                 device                      release, acquire
 *   text            worker, before state   device
 *   positions       groups, at their end   worker, device, after that  or the device, before a start
 *   alive, rows     groups                 worker, device
 */
#ifndef WN_DEVICE_TEAM_CONTROL_H
#define WN_DEVICE_TEAM_CONTROL_H

#include <stddef.h>

#include "device/cuda/selftest.h"
#include "drive.h"
#include "lane/group_launch.h"
#include "ring/ring.h"
#include "warpnic/data.h"

enum {
	WN_TEAM_ABI = 3,
	WN_TEAM_QUEUES_MAX = 64,
	WN_TEAM_DRIVEN_MAX = 32,        /* queues that the device drives: a message carries 253 descriptors */
	WN_TEAM_SOCKET = 3              /* the worker's descriptor of it */
};

enum wn_team_state {
	WN_TEAM_STARTING,
	WN_TEAM_TRYING,                 /* opencl: it tries what may not come back: five seconds, no more */
	WN_TEAM_TESTING,                /* rings=gpu: the device's process plays the host of the self-test */
	WN_TEAM_PREPARED,               /* all is ready to launch; it waits for a byte to come */
	WN_TEAM_READY,                  /* all groups serve, or launches will be made */
	WN_TEAM_ENDED,                  /* the rings are closed and empty, or it was told to leave */
	WN_TEAM_FAILED                  /* text says why */
};

/* What the program is given, in the data object: offsets from its start, 64-byte aligned. */
struct wn_team_data {
	uint64_t parameters, tables, store, file, cells;
	uint64_t parameter_bytes, table_bytes, store_bytes, file_bytes;
	uint64_t cell_bytes;            /* what the cells begin with; at its end the worker puts them back */
	uint64_t total_bytes;
	uint64_t file_address;          /* streams: of the file in the device's process, whose memory the kernel sends from */
	uint32_t file_version;
	uint32_t reserved;
};

/* A queue that the device drives. Pointers are those of the device's process; regions tell where they lie. */
struct wn_team_drive {
	struct wn_drive_view view;
	uint32_t region_count;
	uint32_t reserved;
	struct {
		uint64_t memory;        /* its address in the device's process */
		uint64_t offset;        /* for mmap of its descriptor */
		uint64_t bytes;
	} regions[WN_DRIVE_REGIONS_MAX];
};

struct wn_team_control {
	uint32_t abi;
	uint32_t ordinal;               /* of the GPU */
	uint32_t mode;                  /* enum wn_mode; not WN_MODE_AUTO */
	uint32_t queue_count;
	uint32_t group_count;           /* a queue */
	uint32_t stage_bytes;
	uint32_t lane_words;
	uint32_t row_words;
	uint32_t lease_ms;
	uint32_t doze_ns;
	uint32_t is_driven;             /* all queues are, one group each */
	uint32_t times_off;             /* no stage is measured */
	uint32_t lanes;                 /* opencl: work-items a group; 0: as many as suit the device */
	uint32_t parts;                 /* opencl: groups a queue; 0: one, and in batch mode as suits the device */
	uint32_t ahead;                 /* batch: launches of a queue under way */
	uint32_t batch_slots;           /* batch: slots of one launch, at most; 0: all (opencl: as suits the ring) */
	uint32_t transfer;              /* opencl, batch: 0 as suits, 1 mapped, 2 copied */
	uint32_t is_selftest;           /* opencl: nothing but the handshake is wanted */
	uint64_t image_bytes;           /* of the code object */
	uint64_t positions_offset;      /* queue_count * group_count words, from the start of this struct */
	uint64_t alive_offset;          /* the same */
	uint64_t rows_offset;           /* queue_count * group_count rows of row_words words of 64 bits */
	uint64_t total_bytes;
	uint64_t near_bytes;            /* rings=gpu: of the GPU memory that the last descriptor names; 0: host */
	uint64_t near_test_offset;      /* a struct wn_selftest */
	uint64_t near_offsets[WN_TEAM_QUEUES_MAX]; /* of each queue's copy (near.h) */
	uint32_t generation;            /* of this team, where rings are near */
	struct wn_team_data data;
	char program[128];
	struct wn_identity identities[WN_TEAM_QUEUES_MAX];
	struct wn_team_drive drives[WN_TEAM_DRIVEN_MAX];
	uint32_t starts[WN_TEAM_QUEUES_MAX]; /* published when the worker began: what the mirrors start with */

	uint32_t abandon __attribute__((aligned(WN_LINE_BYTES)));
	uint32_t state __attribute__((aligned(WN_LINE_BYTES)));
	uint32_t registers, local_bytes; /* of the program, a lane */
	uint32_t is_unfit;              /* 1, before state: this mode does not do here, another one may */
	char text[1024];
	uint64_t round_trip_ns;         /* of the self-test in host memory, the median */
	uint32_t chosen_mode;           /* opencl: enum wn_mode; written before it is prepared, and why: */
	char choice[256];
	uint32_t rounds, stale;         /* messages of the self-test that came, and words that were wrong */
	uint64_t launches;              /* opencl: kernels that were started */
	uint64_t clock_error_ns;        /* of the GPU's clock against the host's */
	double cycle_ns;                /* of a multiprocessor's cycle, measured while it was tested */
	struct wn_selftest near_test __attribute__((aligned(WN_LINE_BYTES))); /* what the device says in it */
} __attribute__((aligned(WN_LINE_BYTES)));

/* The worker's descriptors, in this order, behind the first byte that comes through the socket. */
enum {
	WN_TEAM_FD_CONTROL,
	WN_TEAM_FD_CODE,
	WN_TEAM_FD_DATA,
	WN_TEAM_FD_RINGS,               /* queue_count of them; then those of all regions of all driven queues, or
					 * that of the GPU memory where the rings are near */
	WN_TEAM_FDS_MAX = 253           /* SCM_MAX_FD */
};

static inline uint32_t *wn_team_positions(struct wn_team_control *control)
{
	return (uint32_t *)((char *)control + control->positions_offset);
}

static inline uint32_t *wn_team_alive(struct wn_team_control *control)
{
	return (uint32_t *)((char *)control + control->alive_offset);
}

static inline uint64_t *wn_team_rows(struct wn_team_control *control)
{
	return (uint64_t *)((char *)control + control->rows_offset);
}

#endif
