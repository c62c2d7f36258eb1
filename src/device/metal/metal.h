/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The metal device: the same programs on Apple's GPUs. Never run on one; docs/metal.md says what was done instead.
 *
 *   metal.c          the contract of device.h
 *   objc.c           Metal from C
 *   build.c          a program's text as a pipeline; what the program is given
 *   command.c        one launch: encode, commit, hear of its end
 *   selftest.c       what is tried before any program is trusted to a device
 *   run.c            the device's one thread; standing still for a reload; what becomes of packets once it is given up
 *   batch.c, lease.c the modes
 *   entry.metal, lease.metal, selftest.metal, handshake.metal    the kernels, around lane/items.h
 *
 * In this process, not in one of its own. A worker process is for drivers that take whoever calls them down: on Metal a
 * fault, a timeout or a GPU that is pulled ends a command buffer with an error, and other command buffers go on. And
 * a process that is killed leaves its kernel on the GPU there (docs/metal.md), so that it would not help.
 *
 * One thread a device encodes, commits and takes answers. Metal's own threads only set a word (struct wn_metal_command).
 *
 * Memory: pieces, not the ring. A launch works on a twin of some slots in a buffer of storage mode shared
 * (device/opencl/twin.h), filled before it is committed and read after it has completed. That is one copy each
 * way, and four things come with it that newBufferWithBytesNoCopy on the ring itself cannot give:
 *   - a launch that failed may have changed its packets half; the ring still has them as they came, so
 *     that they can be launched again
 *   - verdict words would reach the transmit pump before the reply they tell of: shared memory is coherent
 *     where a command buffer ends, in whatever order within it
 *   - CPU and GPU must not both be at a resource between commit and completion, and pumps are at the ring all the time
 *   - a command buffer that never completes holds a piece, and not the ring: stop and close go on without it
 *
 *   mode       how kernels come by slots
 *   batch      launched on a piece of up to `batch` slots; `ahead` pieces of a queue are under way
 *   lease      a whole twin, which kernels poll through coherent accesses; bounded in looks (2^16) and in ms (5),
 *              two are queued. Outside of what Metal promises, so only where it is asked for, and only after a handshake
 *   resident   refused: macOS ends a command buffer that holds the GPU, and meanwhile nobody else has it
 *
 * Failed command buffers. Its packets are launched again in halves, one launch at a time, down to one packet; one that
 * fails alone is given the verdict `device stopped`, with the error's text in the log. What a failed launch has counted
 * is thrown away; what it did to cells is not, so cells may then have been raised twice. After `failures`
 * packets in a row the device is given up, as it is where a command buffer does not complete within `stuck` ms. In
 * lease mode a failed lease is followed by one of half as many looks, from the first packet without an answer on; what
 * the failed one has counted is lost, and packets that it had answered out of turn are counted by the next.
 */
#ifndef WN_DEVICE_METAL_METAL_H
#define WN_DEVICE_METAL_METAL_H

#include <pthread.h>

#include "device/cpu/program.h"
#include "device/device.h"
#include "device/metal/launch.h"
#include "device/metal/objc.h"
#include "device/opencl/twin.h"

enum {
	WN_METAL_AHEAD_MAX = 4,
	WN_METAL_BATCH_MAX = 4096,
	WN_METAL_LANES_MAX = 1024,
	WN_METAL_LEASES = 2,            /* queued at once */
	WN_METAL_TURNS = 1 << 16,       /* looks of a lease at most */
	WN_METAL_LEASE_MS_MAX = 5
};

/*
 * One launch. Its owner keeps it until is_over, for Metal's thread comes back to it; one that never ends is never freed.
 *
 *   word   written by                      read by
 *   done   Metal's thread, once, release   the device's thread, acquire: all of the GPU's work is behind it
 */
struct wn_metal_command {
	struct wn_mtl_block block;      /* first: who calls it gives its address */
	uint32_t done;
	wn_id buffer;                   /* the command buffer, retained while it is under way; NULL: none is */
	int64_t since_ns;               /* when it was committed */
};

/* Everything that a launch needs to be said. */
struct wn_metal_launch {
	wn_id pipeline;
	wn_id buffers[WN_METAL_STATE + 1]; /* by their number; NULL: the kernel has none there */
	const void *bytes;              /* for number WN_METAL_RANGE */
	uint32_t byte_count;
	uint32_t group_memory;          /* bytes; 0: none */
	uint32_t groups, lanes;
};

/* A piece of a queue: a twin of `batch_slots` slots. */
struct wn_metal_piece {
	struct wn_metal_command command;
	wn_id memory;
	uint8_t *bytes;
	uint32_t first, count;          /* positions of the launch under way */
};

struct wn_metal_queue {
	struct wn_ring_view twin;       /* lease: all slots */
	uint32_t taken;                 /* positions before it went over */
	uint32_t answered;              /* lease: positions before it came back */
	struct wn_metal_piece *pieces[WN_METAL_AHEAD_MAX];
	uint32_t oldest, under_way;     /* of the pieces, in turn */
};

/* A program, compiled, with what it is given and what it has counted. */
struct wn_metal_version {
	struct wn_cpu_code code;        /* its native build: names and sizes */
	struct wn_program program;
	wn_id pipeline;
	wn_id launch, data, cells;      /* once it has data */
	const uint32_t *cells_of;       /* the caller's, that `cells` were made for */
	uint32_t row_words, row_count;  /* of one launch */
	wn_id rows[WN_CL_QUEUES_MAX * WN_METAL_AHEAD_MAX]; /* one a piece, or a lease */
	uint64_t sums[WN_LANE_WORDS_MAX]; /* written by the device's thread; read by any */
};

struct wn_metal_lease_state {
	wn_id memory, shared, scratch, state;
	uint8_t *bytes;                 /* of memory */
	struct wn_metal_command *commands[WN_METAL_LEASES]; /* oldest first */
	uint32_t rows[WN_METAL_LEASES]; /* which rows each has */
	uint32_t count;
	uint32_t last;                  /* number of the newest */
	uint32_t turns;                 /* looks; fewer after one that failed */
	uint32_t is_broken;             /* one has failed, and those behind it are not over yet */
};

/*
 *   word      written by      read by
 *   hold      the owner       the thread     release (H), acquire: a number; stand still, then say it
 *   held      the thread      the owner      release (I), acquire: that number; it touches nothing until hold is 0 (J)
 *   abandon   the owner       the thread     leave, whatever is under way
 *   done      the thread      the owner      release, acquire: it has left
 */
struct wn_metal {
	struct wn_device *device;
	wn_id gpu, commands;            /* MTLDevice, MTLCommandQueue */
	uint32_t ordinal;
	char name[128];
	wn_ulong language;              /* newest that the system compiles */
	uint32_t ahead, batch_slots, batch_now, lanes, queue_count;
	uint32_t failures_max, failures; /* packets in a row that failed alone */
	uint32_t failures_since;        /* good launches since a failure made them smaller */
	uint64_t retried, stopped;      /* launches that failed, packets that were given up; the thread's, read by any */
	const struct wn_ring_view *views;
	struct wn_metal_queue queues[WN_CL_QUEUES_MAX];
	struct wn_metal_lease_state lease;
	struct wn_metal_version *current;
	char reason[512];               /* of the last failure */
	int64_t said_retry_ns, said_stop_ns; /* when such lines were last said */
	uint32_t rounds, stale;         /* of the self-test: messages, words that were of another one */

	pthread_t thread;
	uint32_t is_started, hold, holds, held, abandon, done;
};

/* One line of talk, by whoever has it. complain: the device's thread, at most one a second for each `last_ns`. */
void wn_metal_complain(struct wn_metal *metal, int64_t *last_ns, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void wn_metal_say(struct wn_metal *metal, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* -- build.c: on the owner's thread, with a pool pushed; 0 or -errno with the reason -- */

/* A kernel of `entry` as a pipeline, the caller's. The compiler's words go to stderr. */
int wn_metal_build(struct wn_metal *metal, const char *program, const char *entry, const char *kernel, wn_id *pipeline,
		   struct wn_error *error);

/* A program, compiled; and what it is given. Cells go on from `before`'s where they are the same; NULL: they do not. */
int wn_metal_version_make(struct wn_metal *metal, const char *text, uint32_t flags, struct wn_metal_version **version,
			  struct wn_error *error);
int wn_metal_version_give(struct wn_metal *metal, struct wn_metal_version *version, const struct wn_metal_version *before,
			  const struct wn_program_data *data, struct wn_error *error);
void wn_metal_version_free(struct wn_metal_version *version);

/* A buffer of zeros that both sides reach, the caller's. NULL with the reason. */
wn_id wn_metal_buffer(struct wn_metal *metal, uint64_t bytes, const char *what, struct wn_error *error);

/* Adds the rows of a launch that ended well to the version's sums; clears them in any case. */
void wn_metal_take_rows(struct wn_metal_version *version, uint32_t number, int is_good);

/* -- command.c: any thread that has a pool pushed -- */

/* `bytes` of zeros, which begin with a command that is free. NULL: out of memory. */
void *wn_metal_command_make(size_t bytes);

/* 0, or -1: Metal gave no command buffer, with metal->reason. */
int wn_metal_commit(struct wn_metal *metal, struct wn_metal_command *command, const struct wn_metal_launch *launch);

/* 1: it ended well, 0: not yet, -1: it failed, with metal->reason. After 1 and -1 the command is free for the next. */
int wn_metal_look(struct wn_metal *metal, struct wn_metal_command *command);

/* Looks until it has ended, at most so long. As look. */
int wn_metal_wait(struct wn_metal *metal, struct wn_metal_command *command, int64_t patience_ns);

/* Frees it, unless it is still under way. */
void wn_metal_command_free(struct wn_metal_command *command);

/* -- selftest.c: fills rounds and stale. 0, or -errno with the reason -- */

int wn_metal_selftest(struct wn_metal *metal, struct wn_error *error);
int wn_metal_handshake(struct wn_metal *metal, struct wn_error *error);

/* Words that a running kernel will look at, or has written, are ordered against everything else on the CPU. */
static inline void wn_metal_cpu_fence(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
#if defined(__aarch64__)
	/* An order among CPUs is not enough for a reader that is none: this waits until the stores are done. */
	__asm__ __volatile__("dsb sy" : : : "memory");
#endif
}

/* -- run.c -- */

int wn_metal_run(struct wn_metal *metal, struct wn_error *error);

/* No more: packets that still come are counted as they do, until the owner stops it all. The device's thread. */
void wn_metal_give_up(struct wn_metal *metal, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* How many slots wait to be taken from queue i, having looked (D); and whether all of it went over (E). */
uint32_t wn_metal_waiting(const struct wn_metal *metal, uint32_t i);
int wn_metal_all_taken(const struct wn_metal *metal, uint32_t i);

/*
 * batch.c, lease.c: memory, 0 or -errno with the reason; one turn over all queues, which takes nothing new where
 * `is_draining`. Returns what was moved; *is_even where nothing is under way any more, *is_over where all queues are
 * closed and answered too. end: lets go of memory; what is still under way keeps its own.
 */
int wn_metal_batch_make(struct wn_metal *metal, struct wn_error *error);
uint32_t wn_metal_batch_turn(struct wn_metal *metal, int is_draining, int *is_even, int *is_over);
void wn_metal_batch_end(struct wn_metal *metal);
int wn_metal_lease_make(struct wn_metal *metal, struct wn_error *error);
uint32_t wn_metal_lease_turn(struct wn_metal *metal, int is_draining, int *is_even, int *is_over);
void wn_metal_lease_end(struct wn_metal *metal);

#endif
