/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The runtime: links, a device and a program, joined by rings.
 *
 *     struct wn_runtime *runtime = wn_runtime_create(&params, &error);
 *     wn_runtime_start(runtime, &error);
 *     while (!wn_runtime_wait(runtime, 100))
 *             ...
 *     wn_runtime_stop(runtime);
 *     wn_runtime_snapshot(runtime, &counters);
 *     wn_runtime_destroy(runtime);
 *
 * Calls of one runtime come from one thread, its owner, but for wn_runtime_snapshot(),
 * wn_runtime_request_stop(), wn_runtime_reload_count() and wn_runtime_program_*(), which any thread may
 * make while the runtime exists. Texts that they return are good until it is destroyed.
 */
#ifndef WARPNIC_RUNTIME_H
#define WARPNIC_RUNTIME_H

#include <stddef.h>
#include <stdint.h>

#include "warpnic/counters.h"
#include "warpnic/device.h"
#include "warpnic/link.h"
#include "warpnic/record.h"
#include "warpnic/status.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { WN_LINKS_MAX = 16, WN_WISHES_MAX = 32, WN_HISTOGRAM_BUCKETS_LOG2 = 65 };

/* Something the program delivered to the host. The bytes are valid during the call. */
struct wn_delivery {
	uint32_t link;          /* which --link it came in on, from 0 */
	uint32_t queue;
	uint32_t index;         /* its number among the packets of that queue, modulo 2^32 */
	uint8_t is_record;      /* 1: the record that the program wrote; 0: the packet itself */
	uint8_t is_frame;       /* packets: an Ethernet frame, else a datagram's payload */
	const uint8_t *bytes;
	uint32_t length;
	uint32_t wire_length;   /* packets: bytes on the wire */
	uint64_t arrival_ns;    /* CLOCK_MONOTONIC */
};

/* Who talks to the kernel for each packet. */
enum wn_drive_choice {
	WN_DRIVE_AUTO,          /* the device, where it and the link can; else the host */
	WN_DRIVE_HOST,          /* pumps: receive and transmit threads */
	WN_DRIVE_DEVICE         /* the device; refused where that cannot be */
};

/*
 * Where the frames of a device-driven link are. At the end of a run: fill + rx + device + tx +
 * completion + kernel = frames, and twice is 0.
 */
struct wn_census {
	uint32_t frames;
	uint32_t fill;          /* free, on the ring that the kernel takes them from */
	uint32_t rx;            /* arrived, not taken */
	uint32_t device;        /* with the device */
	uint32_t tx;            /* to be sent, not taken by the kernel */
	uint32_t completion;    /* sent, not taken back */
	uint32_t kernel;        /* on no ring: the kernel has them */
	uint32_t twice;         /* on two: a fault of ours, or of the kernel's */
	uint64_t bad_entries;   /* of rings, that the kernel cannot have meant; not followed */
};

/*
 * What became of what programs delivered into the file that a device writes itself. At any time
 * records = written + failed + pending, and the same for their bytes.
 */
struct wn_file_counts {
	uint64_t records;       /* packets and records that were delivered */
	uint64_t bytes;         /* of those, as they are in the file */
	uint64_t written, written_bytes;
	uint64_t failed, failed_bytes;   /* not written, and never will be */
	uint64_t pending, pending_bytes; /* in memory or on their way; at the end: nobody knows, the kernel did not say */
	uint64_t writes;
	uint64_t short_writes;  /* of those, which were gone on with */
	uint64_t repeated;      /* EAGAIN, EINTR, ECANCELED: tried again */
	uint64_t no_space;      /* writes that failed: ENOSPC, EDQUOT */
	uint64_t too_large;     /* EFBIG */
	uint64_t io_errors;     /* EIO */
	uint64_t other_errors;
	int last_error;         /* an errno; 0: none */
};

/* Why a connection ended. wn_end_name() gives the name used in every output. */
enum wn_connection_end {
	WN_CONNECTION_PEER,      /* the peer had closed */
	WN_CONNECTION_PROGRAM,   /* the program said so */
	WN_CONNECTION_FAULT,     /* the program made a fault, or returned what is no verdict for a connection */
	WN_CONNECTION_RESET,     /* a receive or a send failed */
	WN_CONNECTION_IDLE,      /* nothing was consumed and nothing sent for too long */
	WN_CONNECTION_REFUSED,   /* more connections than there may be */
	WN_CONNECTION_OVERRUN,   /* sent without reading, when frames were short */
	WN_CONNECTION_STOPPED,   /* the run was over, or the device died */
	WN_CONNECTION_ENDS
};

/* What became of a link's connections. At the end of a run, to the unit: accepted = open + the sum of ended[]. */
struct wn_connections {
	uint64_t accepted;
	uint64_t open;
	uint64_t ended[WN_CONNECTION_ENDS];
	uint64_t accept_errors;  /* the kernel could not accept; tried again. Not part of the sum */
	uint64_t unread_bytes;   /* that came, and no program consumed */
};

/* What to do with a live link's packets while the ring is full. */
enum wn_when_full {
	WN_FULL_WAIT,           /* leave them in the kernel, which drops and counts on its own */
	WN_FULL_DROP            /* read and drop them: dropped ring_full */
};

/* Everything a runtime is made of. Zeroed members take their presets. */
struct wn_runtime_params {
	const char *program;          /* name of a ready-made program, or the path of a .c file */
	const char *device;           /* "cpu[,workers=N]"; NULL: cpu */
	enum wn_mode mode;
	const char *links[WN_LINKS_MAX]; /* KIND:ADDRESS[,option=value...] */
	uint32_t link_count;
	uint32_t slot_count;          /* slots a queue, a power of two; 0: 4096, or what the link prefers */
	uint32_t slot_bytes;          /* bytes a slot, a power of two; 0: 2048, or what the link needs */
	uint32_t pump_threads;        /* threads a queue: 1 or 2 (receive and transmit apart); 0: chosen */
	enum wn_drive_choice drive;
	enum wn_when_full when_full;
	uint32_t times_off;           /* 1: no packet is followed on its way, wn_runtime_way() tells nothing */
	uint64_t packet_limit;        /* ends after this many packets (a train counts whole); 0: never */
	uint32_t stop_ms;             /* how long stop waits for the device; 0: 2000 */
	const char *parameters[WN_WISHES_MAX]; /* of the program, NAME=VALUE, or --NAME=VALUE where that is
						* what a user typed; the rest have their presets */
	uint32_t parameter_count;
	const char *tables[WN_WISHES_MAX];     /* of the program, NAME=FILE; the rest are empty */
	uint32_t table_count;
	const char *data;             /* a file that the program reads; NULL: none */
	const char *const *loads;     /* for the program's loader, OPTION=VALUE: "zone=example.org.zone" */
	uint32_t load_count;
	const char *filter;           /* tcpdump filter for frame links; NULL: none */
	const struct wn_memory_hooks *hooks; /* far side of memory links */
	const char *deliver_file;     /* "uring:file:PATH[,option=value...]": what is delivered is written there by
					* the device that drives the links; NULL: it is not */
	uint32_t deliver_link;        /* k: packets that are delivered go out of the k-th link, from 1 */

	/*
	 * Called for each delivery by the transmit pump of its queue: different queues call at the
	 * same time. NULL: deliveries are counted only. A return other than 0 is an errno with which
	 * the packet counts as send failed.
	 */
	int (*deliver)(void *context, const struct wn_delivery *delivery);

	/* One line of talk, no newline. Any thread. NULL: silence. */
	void (*log)(void *context, const char *line);
	void *context;
};

struct wn_runtime;

/*
 * Opens links, compiles or loads the program, makes the rings. NULL on failure, with the reason;
 * nothing is left open then. The strings of params must live as long as the runtime.
 */
WN_API struct wn_runtime *wn_runtime_create(const struct wn_runtime_params *params, struct wn_error *error);

/* Starts device and pumps. 0 or -errno; then destroy is the only call left. */
WN_API int wn_runtime_start(struct wn_runtime *runtime, struct wn_error *error);

/*
 * Waits up to timeout_ms for all links to come to their end (files do, sockets do not) or for a
 * stop that was asked for. 1 when it has, 0 when not; -EIO when a queue had to be given up (the
 * others still run), -ENODEV when all have ended and a link broke or a file was damaged.
 */
WN_API int wn_runtime_wait(struct wn_runtime *runtime, uint32_t timeout_ms);

/* Asks for a stop; returns at once. Any thread, also from a signal handler. */
WN_API void wn_runtime_request_stop(struct wn_runtime *runtime);

/*
 * Stops receiving, lets the device finish what is in the rings, sends it, and joins the pumps.
 * Whatever is not answered after stop_ms is counted as device_stopped. 0, or -ETIMEDOUT then. Where
 * the program runs in the pump (batch mode on the cpu device) and does not come back, its packets stay
 * in flight, and so does the runtime's memory, which it may still write.
 */
WN_API int wn_runtime_stop(struct wn_runtime *runtime);

/*
 * Replaces the program, and what it is given, while packets flow. Everything is read anew: the source
 * is compiled, or the ready-made program loaded, and tables and data are read from their files, while
 * the old version serves. Then the new one takes its place between two batches: every packet is served
 * by one of the two, none is lost, none is answered twice.
 *
 * Of `wishes` only these members count: program (NULL: the same text as before), parameters, tables,
 * data and loads. NULL for wishes as a whole: all as before. Their strings must live as long as the runtime, or
 * until another reload succeeded.
 *
 * What must stay as it was, because links, records and reports were made for it: the program's name,
 * the kind of packets it takes, and the fields of its records. Counters and histograms go on with the
 * counts they had under the same name; new ones begin at zero, and those that are no more are forgotten.
 * Cells keep what the program wrote where the tables of cells have the names and sizes they had.
 *
 * 0, or -errno with the reason, and the old version goes on as if nothing had been asked:
 *   what wn_runtime_create() says of a program, a parameter, a table or a file that it cannot take
 *   -EINVAL     something that must stay is not the same; or the runtime is not started, or stopped
 *   -ETIMEDOUT  the old version did not come back from a packet within stop_ms
 *   -ENOTSUP    the device cannot
 * Owner's thread. Takes as long as the compiler and the files do; packets wait only for the exchange,
 * which is over when every lane has finished its batch.
 */
WN_API int wn_runtime_reload(struct wn_runtime *runtime, const struct wn_runtime_params *wishes,
			     struct wn_error *error);

/* How many reloads have succeeded. Any thread. */
WN_API uint32_t wn_runtime_reload_count(const struct wn_runtime *runtime);

/* A snapshot of all counters, or of one link's. Any thread. The sum holds in every one. */
WN_API void wn_runtime_snapshot(const struct wn_runtime *runtime, struct wn_counters *counters);
WN_API void wn_runtime_link_snapshot(const struct wn_runtime *runtime, uint32_t link,
			      struct wn_counters *counters);

/*
 * The program's own counters, summed over lanes: up to `capacity` values; returns how many it has. After a
 * reload they may be others: names and values belong together where wn_runtime_reload_count() was the
 * same before and after.
 */
WN_API uint32_t wn_runtime_program_counters(const struct wn_runtime *runtime, uint64_t *values,
				     uint32_t capacity);
WN_API const char *wn_runtime_program_counter_name(const struct wn_runtime *runtime, uint32_t counter);

/*
 * Bucket counts of one of the program's log2 histograms, summed over lanes: bucket 0 counts zeros, bucket
 * b values of b bits. Its name, or NULL where there is no such histogram. Any thread.
 */
WN_API const char *wn_runtime_program_histogram(const struct wn_runtime *runtime, uint32_t histogram,
						uint64_t buckets[WN_HISTOGRAM_BUCKETS_LOG2]);

/*
 * Stage `number`, from 0, of a packet's way through the device. Returns 0 where there is no such stage, or
 * the device does not tell. Any thread.
 */
WN_API int wn_runtime_stage(const struct wn_runtime *runtime, uint32_t number, struct wn_stage_times *times);

/*
 * Stage `number`, from 0, of a packet's whole way, by the pumps' clocks: "whole" (arrival until it is sent,
 * or counted where it is not), "pickup" (until the receive pump has it), "device" (until the transmit pump
 * sees the verdict) and "send". The last three add up to the first. One packet in some thousand is followed.
 * Returns 0 where there is no such stage. Any thread.
 */
WN_API int wn_runtime_way(const struct wn_runtime *runtime, uint32_t number, struct wn_stage_times *times);

/* The fields of the program's records; ends with a NULL name. Never NULL. */
WN_API const struct wn_record_field *wn_runtime_record_fields(const struct wn_runtime *runtime);

/* What was made, for start-up lines and reports. */
WN_API const char *wn_runtime_program_name(const struct wn_runtime *runtime);
WN_API const char *wn_runtime_device_name(const struct wn_runtime *runtime);

/* Milliwatts that the device draws just now, after stop: drew just before; 0 where it does not tell. The owner's. */
WN_API uint32_t wn_runtime_device_power_mw(const struct wn_runtime *runtime);

/*
 * Fact `number`, from 0, that the device tells of itself (its driver, its self-test), for reports. Returns 0 where
 * there is no such fact. Between a start that succeeded and destroy; the owner's.
 */
WN_API int wn_runtime_device_fact(const struct wn_runtime *runtime, uint32_t number, struct wn_device_fact *fact);
WN_API enum wn_mode wn_runtime_mode(const struct wn_runtime *runtime);
WN_API const char *wn_runtime_link_where(const struct wn_runtime *runtime, uint32_t link);
/* Whether the device drives the link's queues itself. */
WN_API int wn_runtime_is_driven(const struct wn_runtime *runtime, uint32_t link);

/* Counts the frames of a device-driven link, all queues. 0, or -ENOTSUP; after wn_runtime_stop() only. */
WN_API int wn_runtime_census(const struct wn_runtime *runtime, uint32_t link, struct wn_census *census);

/* What became of what was delivered into the file of a link, all queues. 0, or -ENOTSUP: it has none. Any thread. */
WN_API int wn_runtime_file(const struct wn_runtime *runtime, uint32_t link, struct wn_file_counts *counts);

/* What became of the connections of a link, all queues. 0, or -ENOTSUP: it has none. Any thread. */
WN_API int wn_runtime_connections(const struct wn_runtime *runtime, uint32_t link, struct wn_connections *connections);

/* "closed_by_peer", "idle", ... A constant. */
WN_API const char *wn_end_name(enum wn_connection_end end);

WN_API uint32_t wn_runtime_queue_count(const struct wn_runtime *runtime, uint32_t link);
WN_API uint32_t wn_runtime_slot_count(const struct wn_runtime *runtime, uint32_t link);
WN_API uint32_t wn_runtime_slot_bytes(const struct wn_runtime *runtime, uint32_t link);
WN_API size_t wn_runtime_memory_bytes(const struct wn_runtime *runtime); /* all of it */
WN_API size_t wn_runtime_data_bytes(const struct wn_runtime *runtime);   /* of that, tables and files */
WN_API const char *wn_runtime_data_note(const struct wn_runtime *runtime); /* what was loaded, or ""; until a reload */

/* Slots published and not yet released, over all queues of a link: how full its rings are. */
WN_API uint32_t wn_runtime_ring_depth(const struct wn_runtime *runtime, uint32_t link);

/* Undoes create. Stops first where that was not done. NULL does nothing. */
WN_API void wn_runtime_destroy(struct wn_runtime *runtime);

struct wn_program_summary {
	char name[64];
	char summary[128];
	char kind[16];          /* "datagram", "frame", "any", "stream", "datagram+stream", ... */
	char path[512];
};

/* The ready-made programs: up to `capacity` entries; returns how many there are. */
WN_API int wn_program_list(struct wn_program_summary *list, uint32_t capacity);

#ifdef __cplusplus
}
#endif

#endif
