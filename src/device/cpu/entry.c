/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiled once with each program: -DWN_PROGRAM_SOURCE="\"path/of/program.c\"".
 */
#define WN_NATIVE_ENTRY 1
#include <time.h>

#ifdef WN_TRACE
#include "device/trace.h"
#endif
#if defined(__SANITIZE_ADDRESS__)
#define WN_GUARDED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WN_GUARDED 1
#endif
#endif
#ifdef WN_GUARDED
#include <sanitizer/asan_interface.h>
/* What a packet gains is its own. */
#define WN_GUARD_GROW(at, count) ASAN_UNPOISON_MEMORY_REGION(at, count)
#endif
#include WN_PROGRAM_SOURCE

#include "device/cpu/entry.h"

/* A counter's word has one writer, this lane; the host reads it while we run. */
static inline void wn_counter_store(uint64_t *word, uint64_t value)
{
	wn_store_relaxed64(word, value);
}

/* When a batch was taken, where nobody else says: CLOCK_MONOTONIC. */
static inline uint64_t wn_lane_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

#ifdef WN_TRACE
/* The loop runs the program through here. */
static uint32_t wn_traced_run(struct wn_packet *packet)
{
	wn_trace.runs++;
	wn_trace.length = packet->length;
	return wn_program_run(packet);
}
#define wn_program_run wn_traced_run
#define TRACE (&wn_trace)
#else
#define TRACE 0
#endif

#ifdef WN_GUARDED
#include "device/cpu/guard.h"
#undef wn_program_run
#define wn_program_run wn_guarded_run
#endif

#include "device/cpu/timing.h"
#include "lane/drive_loop.h"
#include "lane/loop.h"
#include "lane/stream_loop.h"

#define COUNTER_NAME(name) #name,
static const char *const counter_names[] = {
#ifdef WN_COUNTERS
	WN_COUNTERS(COUNTER_NAME)
#endif
	0};

#define RECORD_FIELD(type, name) {#name, WN_RECORD_##type},
static const struct wn_record_field record_fields[] = {
#ifdef WN_RECORD
	WN_RECORD(RECORD_FIELD)
#endif
	{0, WN_RECORD_u32}};

static const char *const histogram_names[] = {
#ifdef WN_HISTOGRAMS
	WN_HISTOGRAMS(COUNTER_NAME)
#endif
	0};

#define PARAMETER_FIELD(type, name, preset, help) {#name, WN_PARAMETER_##type, preset, help},
static const struct wn_parameter_field parameters[] = {
#ifdef WN_PARAMETERS
	WN_PARAMETERS(PARAMETER_FIELD)
#endif
	{0, WN_PARAMETER_number, 0, 0}};

#define TABLE_FIELD(kind, name, help)                                                                      \
	{#name, (enum wn_table_kind)((WN_TABLE_##kind) % 256), (WN_TABLE_##kind) / 256, help},
static const struct wn_table_field tables[] = {
#ifdef WN_TABLES
	WN_TABLES(TABLE_FIELD)
#endif
	{0, WN_TABLE_array, 0, 0}};

#ifndef WN_SUMMARY
#define WN_SUMMARY ""
#endif

#ifndef WN_LOADER
#define WN_LOADER 0
#endif

static uint32_t serve(struct wn_port *port, const struct wn_program_data *data, uint64_t *row,
		      uint32_t budget)
{
#ifdef WN_GUARDED
	wn_guard_port = port;
#endif
	return wn_loop_serve(port, data, row, budget);
}

static uint32_t drive(struct wn_drive_lane *lane, const struct wn_program_data *data, uint64_t *row,
		      uint32_t budget)
{
#ifdef WN_GUARDED
	wn_guard_port = 0;
	wn_guard_pool = &lane->view;
#endif
	if ((uint32_t)wn_program_kind & (uint32_t)WN_STREAM && wn_drive_is_stream(&lane->view))
		return wn_stream_serve(lane, data, row, budget);
	return wn_drive_serve(lane, data, row, budget);
}

__attribute__((visibility("default"))) extern const struct wn_cpu_program wn_cpu_program;

const struct wn_cpu_program wn_cpu_program = {
	.abi = WN_CPU_PROGRAM_ABI,
	.kind = wn_program_kind,
	.look_bytes = wn_program_look_bytes,
	.counter_count = wn_counter_count,
	.lane_words = wn_lane_words,
	.name = wn_program_name,
	.summary = WN_SUMMARY,
	.counter_names = counter_names,
	.record_fields = record_fields,
	.histogram_names = histogram_names,
	.parameters = parameters,
	.tables = tables,
	.loader = WN_LOADER,
	.serve = serve,
	.drive = drive,
	.trace = TRACE,
};
