/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packets that are in the GPU's memory already, with no host and no bus: how the rate grows with the lanes, and which
 * memory bandwidth packets reach.
 *
 *     resident-PROGRAM loop|lanes LANES BYTES SECONDS
 *
 * loop: the device loop as it is (lane/group.h: staging, program, records, verdict words with their release), on a
 * ring that lies in GPU memory. lanes: each lane takes a packet by itself, runs the program where it lies, and
 * stores its record and its word: what the program and its view cost, without a ring's protocol.
 *
 * LANES 1: one packet at a time; else a multiple of 32. Compiled once with each program, as entry.cu is. The
 * packets cover more than the GPU's cache.
 */
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include WN_PROGRAM_SOURCE

#include "device/cuda/words.h"
#include "lane/group.h"

enum { MEMORY_BYTES = 512 << 20, SLOTS_MAX = 1 << 20 };

#define CHECK(call)                                                                                          \
	do {                                                                                                 \
		const cudaError_t error_ = (call);                                                           \
		if (error_ != cudaSuccess) {                                                                 \
			fprintf(stderr, "%s: %s\n", #call, cudaGetErrorString(error_));                      \
			exit(1);                                                                             \
		}                                                                                            \
	} while (0)

/* Blocks of `each` packets, in turn to the groups; `rounds` times all slots. */
static __global__ void __launch_bounds__(32) serve(const __grid_constant__ struct wn_group_launch launch,
						   const __grid_constant__ struct wn_program_data data,
						   uint32_t blocks, uint32_t each, uint32_t rounds)
{
	extern __shared__ __align__(16) uint8_t local[];
	uint64_t counts[wn_lane_words + 1];
	struct wn_group group;

	wn_group_init(&group, &launch, local, counts, &data, 0, wn_grid_index());
	for (uint32_t round = 0; round < rounds; round++)
		for (uint32_t block = wn_grid_index(); block < blocks; block += wn_grid_count())
			wn_group_block(&group, block * WN_BLOCK_SLOTS, each, 0);
	wn_group_flush(&group);
}

/* Each lane by itself: slot and packet are loaded, the program runs on the packet in place. */
static __global__ void serve_lanes(const __grid_constant__ struct wn_group_launch launch,
				   const __grid_constant__ struct wn_program_data data, uint32_t slot_count,
				   uint32_t lanes, uint32_t rounds)
{
	const struct wn_ring_view *view = &launch.queues->view;
	const uint32_t lane = blockIdx.x * blockDim.x + threadIdx.x;
	uint64_t counts[wn_lane_words + 1] = {0};
	struct wn_slot next_slot;

	wn_group_load_slot(&next_slot, &view->slots[lane]);
	for (uint32_t round = 0, index = lane; round < rounds; round++, index = (index + lanes) & (slot_count - 1)) {
		/* The next packet is asked for ahead. */
		const uint32_t next = (index + lanes) & (slot_count - 1);
		struct wn_chunk record[WN_RESULT_BYTES / WN_CHUNK_BYTES];
		struct wn_packet packet;
		struct wn_slot slot = next_slot;
		uint32_t word;

		asm volatile("prefetch.global.L1 [%0];" : : "l"(view->frames + wn_frame_offset(next, view->frame_stride)));
		wn_group_load_slot(&next_slot, &view->slots[next]);
		wn_packet_of_slot(&packet, view->peers, index, &slot, view->slot_bytes, (uint32_t)wn_program_look_bytes,
				  view->frames + wn_frame_offset(index, view->frame_stride), (uint8_t *)record, counts, &data);
		word = wn_packet_judge(&packet, wn_program_run(&packet));
		for (uint32_t i = 0; i < WN_RESULT_BYTES / WN_CHUNK_BYTES; i++)
			if (i * WN_CHUNK_BYTES < packet.record_length)
				wn_chunk_store_global(view->results + (uint64_t)index * WN_RESULT_BYTES + i * WN_CHUNK_BYTES,
						      record[i]);
		view->verdicts[index] = word | wn_verdict_word(wn_lap(index, view->slot_shift), 0, 0);
	}
	for (uint32_t i = wn_lane_words; i-- > 0;)
		if (counts[i])
			atomicAdd((unsigned long long *)&launch.totals[i], (unsigned long long)counts[i]);
}

template <typename T> static T *take(size_t count)
{
	void *memory;

	CHECK(cudaMalloc(&memory, count * sizeof(T)));
	CHECK(cudaMemset(memory, 7, count * sizeof(T)));
	return (T *)memory;
}

template <typename T> static T *give(const T *from, size_t count)
{
	T *memory = take<T>(count);

	CHECK(cudaMemcpy(memory, from, count * sizeof(T), cudaMemcpyHostToDevice));
	return memory;
}

static struct wn_group_queue make_queue(uint32_t slot_count, uint32_t bytes)
{
	std::vector<wn_slot> slots(slot_count);
	struct wn_group_queue queue = {};

	for (uint32_t i = 0; i < slot_count; i++) {
		slots[i].position = i + 1;
		slots[i].length = slots[i].wire_length = bytes;
		slots[i].index = i;
		slots[i].segment_count = 1;
	}
	queue.view.words = take<wn_ring_words>(1);
	queue.view.slots = give(slots.data(), slot_count);
	queue.view.peers = take<wn_peer>(slot_count);
	queue.view.frame_stride = (bytes + 63) / 64 * 64;
	queue.view.frames = take<uint8_t>((size_t)slot_count * queue.view.frame_stride + WN_HEADROOM_BYTES);
	queue.view.verdicts = take<uint32_t>(slot_count);
	queue.view.results = take<uint8_t>((size_t)slot_count * WN_RESULT_BYTES);
	queue.view.slot_mask = slot_count - 1;
	queue.view.slot_shift = (uint32_t)__builtin_ctz(slot_count);
	queue.view.slot_bytes = queue.view.frame_stride;
	queue.view.segments_max = 1;
	queue.view.result_bytes = WN_RESULT_BYTES;
	queue.replies = queue.view.frames;
	queue.group_count = 1;
	return queue;
}

int main(int count, char **words)
{
	const bool is_loop = count > 1 && !strcmp(words[1], "loop");
	const uint32_t lanes = count > 2 ? (uint32_t)atoi(words[2]) : 0;
	const uint32_t bytes = count > 3 ? (uint32_t)atoi(words[3]) : 0;
	const double seconds = count > 4 ? atof(words[4]) : 0.2;
	const uint32_t groups = lanes < 32 ? 1 : lanes / 32, each = lanes < 32 ? 1 : WN_BLOCK_SLOTS;
	uint32_t slot_count = SLOTS_MAX, rounds = is_loop ? 1 : 1000, blocks;
	const uint64_t parameters[16] = {0};
	float ms = 0;

	if ((!is_loop && (count < 2 || strcmp(words[1], "lanes"))) || (lanes != 1 && (!lanes || lanes % 32)) || bytes < 16 || bytes > 2048) {
		fprintf(stderr, "usage: resident-PROGRAM loop|lanes LANES BYTES [SECONDS]: 1 lane or a multiple of 32; 16 to 2048 bytes\n");
		return 2;
	}
	while ((uint64_t)slot_count * bytes > MEMORY_BYTES)
		slot_count /= 2;
	if (lanes > slot_count) {
		fprintf(stderr, "resident: %u lanes: at most %u, a packet each\n", lanes, slot_count);
		return 2;
	}
	/* One packet at a time takes long: fewer of them, and still more than the cache holds lines of. */
	blocks = lanes == 1 ? 4096 : slot_count / WN_BLOCK_SLOTS;

	const uint32_t look = wn_program_look_bytes < bytes ? (uint32_t)wn_program_look_bytes : bytes;
	const uint32_t stage_bytes = (look + WN_CHUNK_BYTES - 1) / WN_CHUNK_BYTES * WN_CHUNK_BYTES;
	const uint32_t row_words = wn_lane_words + WN_STAGE_WORDS;
	const uint32_t local_bytes = wn_group_local_bytes(32, stage_bytes);
	const struct wn_group_queue queue = make_queue(slot_count, bytes);
	struct wn_group_launch launch = {};
	struct wn_program_data data = {};
	cudaEvent_t begin, end;

	launch.queues = give(&queue, 1);
	launch.totals = take<uint64_t>((size_t)groups * row_words);
	launch.rows = take<uint64_t>((size_t)groups * row_words);
	launch.clock_offset_ns = take<uint64_t>(1);
	launch.queue_count = 1;
	launch.group_count = groups;
	launch.row_words = row_words;
	launch.stage_bytes = stage_bytes;
	data.parameters = give(parameters, 16);
	CHECK(cudaFuncSetAttribute(serve, cudaFuncAttributeMaxDynamicSharedMemorySize, (int)local_bytes));
	CHECK(cudaEventCreate(&begin));
	CHECK(cudaEventCreate(&end));
	for (int pass = 0; pass < 3; pass++) {
		CHECK(cudaEventRecord(begin));
		if (is_loop)
			serve<<<groups, 32, local_bytes>>>(launch, data, blocks, each, rounds);
		else
			serve_lanes<<<groups, lanes < 32 ? lanes : 32>>>(launch, data, slot_count, lanes, rounds);
		CHECK(cudaEventRecord(end));
		CHECK(cudaEventSynchronize(end));
		CHECK(cudaEventElapsedTime(&ms, begin, end));
		if (pass < 2 && ms < seconds * 1e3)
			rounds = (uint32_t)(rounds * seconds * 1e3 / ms) + 1;
	}
	const double packets = is_loop ? (double)blocks * each * rounds : (double)lanes * rounds, took = ms * 1e-3;
	printf("{\"lanes\": %u, \"bytes\": %u, \"mpps\": %.3f, \"gbytes\": %.2f}\n", lanes, bytes, packets / took / 1e6,
	       packets * bytes / took / 1e9);
	return 0;
}
