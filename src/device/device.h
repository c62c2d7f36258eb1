/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The contract of a device: who runs the program.
 *
 * A device kind is one constant table of functions, listed by hand in device.c. Which thread calls
 * what:
 *   open, start, stop, close   the thread that owns the runtime
 *   prepare, replace, drop     the same, and trace
 *   launch                     the pump of that queue (the one that receives); never during a replace
 *   sum_counters               any thread, between open and close; never during a replace
 */
#ifndef WN_DEVICE_DEVICE_H
#define WN_DEVICE_DEVICE_H

#include "drive.h"
#include "link/options.h"
#include "ring/copy.h"
#include "warpnic/data.h"
#include "warpnic/describe.h"
#include "warpnic/device.h"
#include "warpnic/record.h"
#include "warpnic/verdict.h"

struct wn_device;
struct wn_trace;

/* Counters of a program, and words of a lane: counters and histograms. */
enum { WN_COUNTERS_MAX = 256, WN_LANE_WORDS_MAX = 2048 };

/* What the device knows of a program it loaded. Strings live until close, or until it is dropped. */
struct wn_program {
	const char *name;
	const char *summary;
	enum wn_packet_kind kind;
	uint32_t look_bytes;
	uint32_t counter_count;
	const char *const *counter_names;
	const struct wn_record_field *record_fields;
	const char *const *histogram_names;
	const struct wn_parameter_field *parameters;
	const struct wn_table_field *tables;
	const char *loader;               /* data/loader.h; NULL: it reads the file of --data, or none */
	uint32_t lane_words;
};

/* A program beside the one that runs: made by prepare, exchanged by replace, unloaded by drop. */
struct wn_version {
	struct wn_program program;
	void *state;                      /* the device's own */
};

struct wn_device_ops {
	const char *kind;                 /* as the user types it */
	const char *summary;
	const struct wn_option *options;
	size_t state_bytes;               /* of device->state, zeroed before open */
	uint32_t can_drive;               /* 1: it can drive a kernel's rings (lane/drive.h) */

	/* Fills up to `capacity` entries for `warpnic devices`; returns how many it has. */
	int (*list)(struct wn_device_summary *list, uint32_t capacity);

	/*
	 * Takes hold of the device and loads or compiles device->program_text (a ready-made
	 * program's name or the path of a .c file). Fills device->program and device->name.
	 */
	int (*open)(struct wn_device *device, struct wn_error *error);

	/*
	 * Begins to serve the rings; views stay valid until close. Chooses device->mode where it is
	 * WN_MODE_AUTO. In resident and lease mode packets published from now on are answered. The
	 * data stay the caller's and constant until close, or until a replace gives others.
	 */
	int (*start)(struct wn_device *device, const struct wn_ring_view *views, uint32_t count,
		     const struct wn_program_data *data, struct wn_error *error);

	/*
	 * Batch mode: answers positions [first, first + count) of a queue. May return before. NULL where the
	 * device looks at `published` itself.
	 */
	void (*launch)(struct wn_device *device, uint32_t queue, uint32_t first, uint32_t count);

	/*
	 * A queue that the device drives, on a device without lanes of its own (batch mode): serves what the
	 * kernel has handed over, and leaves (lane/drive.h) once the queue is closed. Returns the packets.
	 * NULL where it has lanes of its own in any mode. The queue's drive thread; never during a replace.
	 */
	uint32_t (*serve)(struct wn_device *device, uint32_t queue);

	/*
	 * All rings are closed, or `abandon` is set: waits until the device has let go of them, at
	 * most until deadline_ns (CLOCK_MONOTONIC). 0, or -ETIMEDOUT: it may still write to the
	 * rings, so their memory must stay.
	 */
	int (*stop)(struct wn_device *device, int64_t deadline_ns, int abandon);

	/*
	 * Replacing the program, or what it is given, while packets flow, in two steps, so that all
	 * that can fail or take long is over before anybody waits. Optional: NULL, all three, where a
	 * device cannot.
	 *
	 * prepare: loads or compiles `text` beside the program that runs, which goes on undisturbed,
	 * and fills *version. After start only.
	 */
	int (*prepare)(struct wn_device *device, const char *text, struct wn_version *version,
		       struct wn_error *error);

	/*
	 * replace: exchanges *version and the program that runs, between two batches, and gives it
	 * `data` (the caller's, constant, valid until the next replace or close). Every position is
	 * served once: those before the boundary by the old program, those behind it by the new one,
	 * from the very positions where the groups stopped.
	 *
	 * Returns 0 once no lane uses the old program or the old data any more. Then device->program
	 * is the new one, *version holds the old one, and its lanes' final counts were added to
	 * old_sums[old lane_words]; the new one counts from zero. Otherwise everything is as it was,
	 * and the old program serves on: -ETIMEDOUT where a lane did not come to the end of its batch
	 * by deadline_ns (CLOCK_MONOTONIC), or another -errno with the reason.
	 *
	 * Where data->cells is the address it was before, the cells go on: a device that keeps them in
	 * memory of its own keeps that. Elsewhere they begin with what lies there, zeros.
	 *
	 *   resident, lease   the lanes are brought to a stop at a batch boundary, then go on
	 *   batch             no launch is under way (the pumps are held), but one that returned early
	 *                     may still run: wait for it
	 */
	int (*replace)(struct wn_device *device, struct wn_version *version,
		       const struct wn_program_data *data, uint64_t *old_sums, int64_t deadline_ns,
		       struct wn_error *error);

	/* drop: unloads what prepare made or replace took out. A zeroed version is fine. */
	void (*drop)(struct wn_device *device, struct wn_version *version);

	/* Adds the rows of all lanes to sums[lane_words]: counters, then histograms. */
	void (*sum_counters)(const struct wn_device *device, uint64_t *sums);

	/* Optional: what the program that runs touches (device/trace.h), or NULL where that is not kept. */
	struct wn_trace *(*trace)(struct wn_device *device);

	/*
	 * Fills stage `number` from 0: log2 histogram, sum and count, its unit in ns. Returns 0 where there is
	 * no such stage. NULL: the device does not tell. Any thread.
	 */
	int (*stage)(const struct wn_device *device, uint32_t number, struct wn_stage_times *times);

	/* Milliwatts that it draws just now; 0: not known. NULL: it does not tell. Any thread. */
	uint32_t (*power_mw)(const struct wn_device *device);

	/*
	 * Fills fact `number` from 0, as `warpnic selftest` prints it: versions of language and driver, what the
	 * handshake brought ("self-test", "N messages, M stale words"). Returns 0 where there is no such fact. NULL:
	 * it has none. Between start and close, also after stop; the owner's thread.
	 */
	int (*fact)(const struct wn_device *device, uint32_t number, struct wn_device_fact *fact);

	/* Undoes open and start. Not called after a stop that timed out. */
	void (*close)(struct wn_device *device);
};

struct wn_device {
	const struct wn_device_ops *ops;
	struct wn_options options;
	char name[384];
	enum wn_mode mode;
	uint32_t cores;                   /* processors this process may run on */
	const char *spec;                 /* as it was asked for; valid while it is opened */
	const char *program_text;
	struct wn_program program;
	void *state;

	/* Given by the runtime before start. */
	const int *ring_fds;              /* descriptors of the rings' memory, by number */
	const uint32_t *starts;           /* by number, positions to begin at; NULL: behind what is published */
	struct wn_drive *const *drives;   /* by number, where the device drives the queues itself; NULL: nowhere */
	uint32_t times_off;               /* 1: stages need not be measured */
	const uint32_t *hurry;            /* 1: nobody waits for a start any more (relaxed); NULL: only stop says so */
	void (*log)(void *context, const char *line); /* one line of talk, any thread; NULL: silence */
	void *log_context;

	/* Said by the device. */
	const struct wn_ring_copy *copies; /* by number, once started: where it reads what is received; NULL: in the rings */
	uint32_t failed;                  /* 1: it was given up, after all restarts; packets are only counted */
	uint32_t is_lost;                 /* 1: it may still write to the rings after stop */
};

/*
 * Opens "KIND[:ADDRESS][,option=value...]", or several of them, with a program. 0 or -errno with the reason. wn_device_close()
 * undoes it; a zeroed device is fine.
 */
int wn_device_open(struct wn_device *device, const char *spec, enum wn_mode mode,
		   const char *program, struct wn_error *error);
void wn_device_close(struct wn_device *device);

/* Processors this process may run on. */
uint32_t wn_device_cores(void);

/* The list, in the order shown to users; ends with NULL. */
extern const struct wn_device_ops *const wn_device_kinds[];

extern const struct wn_device_ops wn_device_cpu;
extern const struct wn_device_ops wn_device_cuda;
extern const struct wn_device_ops wn_device_opencl;
extern const struct wn_device_ops wn_device_metal;

/* several.h: what wn_device_open() takes where a text names more than one device; in no list. */
extern const struct wn_device_ops wn_device_several;

/* Whether it does: "cuda:0,cuda:1,groups=8". */
int wn_device_names_several(const char *spec);

#endif
