/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the host hands to the groups of a device with many lanes: made before a launch, constant while
 * it runs. Included by both sides.
 */
#ifndef WN_LANE_GROUP_LAUNCH_H
#define WN_LANE_GROUP_LAUNCH_H

#include "lane/drive.h"
#include "lane/stream.h"
#include "ring/layout.h"
#include "warpnic/data.h"

enum {
	WN_CHUNK_BYTES = 16,      /* what one lane moves at once between ring and local memory */
	WN_TIMED_EVERY = 16       /* of packets that come alone, every so many a whole time is taken */
};

/* In device memory, one a queue. */
struct wn_group_mirror {
	uint32_t published;
	uint32_t closed;        /* 0 while open, then 1 */
	uint32_t final;         /* valid once closed */
	uint32_t leave;         /* 1: leave now, whatever is left */
	uint32_t reserved[28];
};

/* One queue as its groups see it: launch constants, in device memory. */
struct wn_group_queue {
	struct wn_ring_view view;              /* device addresses; what the device writes is in host memory,
						* what it reads there or in a copy (ring/copy.h) */
	WN_GLOBAL uint8_t *replies;            /* frames that changed go here: the host's */
	WN_GLOBAL struct wn_group_mirror *mirror; /* 0: view.words is in device memory, all look there */
	WN_GLOBAL struct wn_ring_words *report; /* where a corrupt ring is told: the host's */
	WN_GLOBAL uint32_t *leave;             /* the host's word: leave once it is leave_from or more */
	WN_GLOBAL uint32_t *positions;         /* of each group, between two launches */
	uint32_t group_count;
	uint32_t leave_from;
	uint64_t reserved;
};

/*
 * Where a packet's time goes, as a log2 histogram a stage and the sum of its values: the four of the
 * group's own stages in cycles of its multiprocessor, the whole in ns of the device's clock.
 */
enum wn_stage {
	WN_STAGE_WHOLE,         /* from arrival, by the host's clock, until the verdict was stored: ns */
	WN_STAGE_STAGE,         /* seen until it is in local memory: cycles */
	WN_STAGE_PROGRAM,       /* until all lanes have a verdict: cycles */
	WN_STAGE_PUBLISH,       /* until bytes and words are stored: cycles */
	WN_STAGE_COUNT
};

enum {
	WN_STAGE_BUCKETS = 40,
	WN_STAGE_STRIDE = WN_STAGE_BUCKETS + 2,  /* then the sum of the values and how many there are */
	WN_STAGE_WORDS = WN_STAGE_COUNT * WN_STAGE_STRIDE,
	WN_LOCAL_RECORD_STRIDE = WN_RESULT_BYTES + WN_CHUNK_BYTES
};

/* Launch constants, handed over as arguments of the kernel. */
struct wn_group_launch {
	WN_GLOBAL const struct wn_group_queue *queues;
	WN_GLOBAL uint64_t *totals;    /* a row a group, device memory: what it has counted so far */
	WN_GLOBAL uint64_t *rows;      /* the same in host memory, where the host reads it */
	WN_GLOBAL uint32_t *alive;     /* a word a group, host memory: launches it has begun to serve */
	uint32_t queue_count;
	uint32_t group_count;          /* a queue */
	uint32_t row_words;            /* from one row to the next: wn_lane_words + WN_STAGE_WORDS at least */
	uint32_t stage_bytes;          /* of a packet in local memory, a multiple of WN_CHUNK_BYTES */
	WN_GLOBAL const uint64_t *clock_offset_ns; /* the host's CLOCK_MONOTONIC minus the device's clock, kept true */
	uint64_t flush_cycles;         /* between two times that counters are shown, when busy */
	uint64_t settle_cycles;        /* the same when idle */
	uint64_t idle_cycles;          /* without a packet until the group begins to doze */
	WN_GLOBAL const struct wn_drive_view *drives; /* one a queue that the device drives; 0: none */
	uint32_t doze_ns;              /* how long it dozes between two looks; 0: never */
	uint32_t times_off;            /* 1: no stage is measured */
};

/* What one launch is for. */
struct wn_group_order {
	uint32_t is_range;             /* batch: [first, first + count) of `queue`, by all groups of the grid */
	uint32_t queue;
	uint32_t first;
	uint32_t count;
	uint32_t last;                 /* as in `latest`, where count is 1; 0: not known */
	uint32_t reserved;
	uint64_t lease_cycles;         /* lease: until so many have passed; 0: resident */
};

/*
 * Local memory of a group: its queue, the words of a train, the stages; then for each of `lanes` lanes a
 * record and a stride of staged bytes (a chunk more, for packets that begin in the middle of one).
 */
WN_FN uint32_t wn_group_local_bytes(uint32_t lanes, uint32_t stage_bytes)
{
	return (uint32_t)sizeof(struct wn_group_queue) + 4 * (uint32_t)WN_TRAIN_SEGMENTS_MAX +
	       8 * (uint32_t)WN_STAGE_WORDS +
	       lanes * (stage_bytes + (uint32_t)WN_CHUNK_BYTES + (uint32_t)WN_LOCAL_RECORD_STRIDE);
}

/* Where the device drives: the view of its queue, its counts, those of connections and the state of its file come behind that. */
WN_FN uint32_t wn_group_drive_bytes(uint32_t lanes, uint32_t stage_bytes)
{
	return wn_group_local_bytes(lanes, stage_bytes) + (uint32_t)sizeof(struct wn_drive_view) +
	       8 * ((uint32_t)WN_DRIVE_VALUES + (uint32_t)WN_STREAM_TOTALS) + (uint32_t)sizeof(struct wn_file_state);
}

WN_FN uint32_t wn_group_block_first(uint32_t position)
{
	return position - position % WN_BLOCK_SLOTS;
}

/*
 * Begins, or goes on, at the block of `base` (a count of published slots): group 0 there, the others at
 * the blocks behind. Positions wrap at 2^32, so they are handed on, never computed from a cursor.
 */
WN_FN uint32_t wn_group_first_position(uint32_t base, uint32_t group)
{
	return group ? wn_group_block_first(base) + group * (uint32_t)WN_BLOCK_SLOTS : base;
}

WN_STATIC_ASSERT(sizeof(struct wn_group_mirror) == WN_LINE_BYTES, mirror_is_one_line);
WN_STATIC_ASSERT(sizeof(struct wn_group_queue) % WN_CHUNK_BYTES == 0, queue_is_whole_chunks);
WN_STATIC_ASSERT(sizeof(struct wn_drive_view) % 8 == 0, drive_view_is_whole_words);
WN_STATIC_ASSERT(8 * WN_STAGE_WORDS % WN_CHUNK_BYTES == 0, stages_are_whole_chunks);

#endif
