/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bare probes of a GPU: what the bus and a kernel give with no runtime around them. For bench/gpu.
 *
 *     floor-gpu flag [ROUNDS [near]]              a word to the GPU and one back, in pinned host memory; `near`: the
 *                                                 first in GPU memory, through a mapping
 *     floor-gpu launch [ROUNDS]                   the same by a kernel launch each
 *     floor-gpu ring QUEUES GROUPS BYTES SECONDS [reply|near]
 *                                                 one producer thread a queue writes slot descriptors and
 *                                                 packets and takes verdict words; groups of one warp read all
 *                                                 bytes, 16 a lane; `reply`: they write them back as well;
 *                                                 `near`: slots, packets and `published` are in GPU memory
 *     floor-gpu resident LANES SECONDS            packets in GPU memory: 16 bytes read, a record written
 *
 * Each prints one JSON line.
 */
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sys/mman.h>
#include <thread>
#include <unistd.h>
#include <time.h>
#include <vector>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

extern "C" {
#include "device/cuda/vulkan.h"
}

#define CHECK(call)                                                                                \
	do {                                                                                       \
		cudaError_t result = (call);                                                       \
		if (result) {                                                                      \
			fprintf(stderr, "floor-gpu: %s: %s\n", #call, cudaGetErrorString(result)); \
			exit(1);                                                                   \
		}                                                                                  \
	} while (0)

static int64_t now_ns()
{
	timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ll + now.tv_nsec;
}

static __device__ uint32_t load_acquire(const uint32_t *word)
{
	uint32_t value;

	asm volatile("ld.acquire.sys.global.u32 %0, [%1];" : "=r"(value) : "l"(word) : "memory");
	return value;
}

static __device__ void store_release(uint32_t *word, uint32_t value)
{
	asm volatile("st.release.sys.global.u32 [%0], %1;" : : "l"(word), "r"(value) : "memory");
}

static __device__ void store_relaxed(uint32_t *word, uint32_t value)
{
	asm volatile("st.relaxed.sys.global.u32 [%0], %1;" : : "l"(word), "r"(value) : "memory");
}

template <typename Type> static Type *pinned(size_t count)
{
	const size_t bytes = (count * sizeof(Type) + (2 << 20) - 1) / (2 << 20) * (2 << 20);
	void *memory;

	if (getenv("FLOOR_MEMFD")) {
		const int fd = memfd_create("floor", 0);

		memory = mmap(NULL, bytes + (2 << 20), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		memory = (void *)(((uintptr_t)memory + (2 << 20) - 1) & ~(uintptr_t)((2 << 20) - 1));
		if (ftruncate(fd, bytes) || mmap(memory, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED | MAP_POPULATE, fd, 0) == MAP_FAILED)
			exit(1);
		madvise(memory, bytes, 25);
	} else {
		memory = aligned_alloc(2 << 20, bytes);
		madvise(memory, bytes, MADV_HUGEPAGE);
	}

	memset(memory, 0, count * sizeof(Type));
	CHECK(cudaHostRegister(memory, count * sizeof(Type), cudaHostRegisterMapped | cudaHostRegisterPortable));
	return (Type *)memory;
}

/* GPU memory that the host writes through a mapping; whole lines, never read. */
struct near_memory {
	uint8_t *host, *device;
};

static near_memory take_near(size_t bytes)
{
	wn_gpu_memory memory;
	wn_error error = {};
	cudaDeviceProp properties;
	cudaExternalMemory_t imported;
	cudaExternalMemoryHandleDesc description = {};
	cudaExternalMemoryBufferDesc buffer = {};
	near_memory taken;

	CHECK(cudaGetDeviceProperties(&properties, 0));
	if (wn_gpu_memory_open(&memory, (const uint8_t *)properties.uuid.bytes, bytes, &error)) {
		fprintf(stderr, "floor-gpu: %s\n", error.text);
		exit(1);
	}
	description.type = cudaExternalMemoryHandleTypeOpaqueFd;
	description.handle.fd = dup(memory.fd);
	description.size = memory.bytes;
	CHECK(cudaImportExternalMemory(&imported, &description));
	buffer.size = memory.bytes;
	CHECK(cudaExternalMemoryGetMappedBuffer((void **)&taken.device, imported, &buffer));
	CHECK(cudaMemset(taken.device, 0, memory.bytes));
	CHECK(cudaDeviceSynchronize());
	taken.host = memory.memory;
	return taken;
}

static void stream(void *to, const void *from, size_t bytes)
{
#if defined(__SSE2__)
	for (size_t at = 0; at < bytes; at += 16)
		_mm_stream_si128((__m128i *)((uint8_t *)to + at), _mm_loadu_si128((const __m128i *)((const uint8_t *)from + at)));
#else
	memcpy(to, from, bytes);
#endif
}

static void fence()
{
#if defined(__SSE2__)
	_mm_sfence();
#else
	std::atomic_thread_fence(std::memory_order_seq_cst);
#endif
}

static void print_times(const char *what, std::vector<int64_t> &times)
{
	std::sort(times.begin(), times.end());
	printf("{\"probe\": \"%s\", \"p50_us\": %.3f, \"p99_us\": %.3f, \"min_us\": %.3f}\n", what,
	       times[times.size() / 2] / 1e3, times[times.size() * 99 / 100] / 1e3, times[0] / 1e3);
}

static __global__ void answer_flag(uint32_t *words, uint32_t *from, uint32_t rounds)
{
	for (uint32_t round = 1; round <= rounds; round++) {
		while (load_acquire(from) != round)
			continue;
		store_relaxed(&words[64], round);
	}
}

static void flag(uint32_t rounds, bool is_near)
{
	uint32_t *words = pinned<uint32_t>(128);
	const near_memory far = {(uint8_t *)words, (uint8_t *)words};
	const near_memory there = is_near ? take_near(4096) : far;
	std::vector<int64_t> times;

	answer_flag<<<1, 1>>>(words, (uint32_t *)there.device, rounds);
	for (uint32_t round = 1; round <= rounds; round++) {
		const int64_t begin = now_ns();

		__atomic_store_n((uint32_t *)there.host, round, __ATOMIC_RELEASE);
		if (is_near)
			fence();
		while (__atomic_load_n(&words[64], __ATOMIC_ACQUIRE) != round)
			if (round == 1)
				cudaStreamQuery(0);
		if (round > rounds / 10)
			times.push_back(now_ns() - begin);
	}
	CHECK(cudaDeviceSynchronize());
	print_times(is_near ? "flag near" : "flag", times);
}

static __global__ void answer_launch(uint32_t *words, uint32_t round)
{
	store_relaxed(&words[64], round);
}

static void launch(uint32_t rounds)
{
	uint32_t *words = pinned<uint32_t>(128);
	std::vector<int64_t> times;
	cudaStream_t stream;

	CHECK(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
	for (uint32_t round = 1; round <= rounds; round++) {
		const int64_t begin = now_ns();

		answer_launch<<<1, 32, 0, stream>>>(words, round);
		while (__atomic_load_n(&words[64], __ATOMIC_ACQUIRE) != round)
			continue;
		if (round > rounds / 10)
			times.push_back(now_ns() - begin);
	}
	CHECK(cudaDeviceSynchronize());
	print_times("launch", times);
}

/* -- the ring -- */

enum { SLOTS = 4096, STRIDE = 2048 + 128, BLOCK = 32, BURST = 128 };

struct slot {
	uint32_t position, flags, length, wire_length, index, segments;
	uint64_t arrival_ns;
};

struct ring {
	uint32_t *published;    /* the producer's */
	uint32_t *closed;
	slot *slots;
	uint8_t *frames;
	uint32_t *verdicts;
	uint32_t *mirror;       /* GPU memory */
	uint32_t bytes, reply;
	uint32_t is_near;       /* published, closed, slots, frames are GPU memory: */
	uint32_t *published_there, *closed_there;
	slot *slots_there;
	uint8_t *frames_there;  /* ... as the host has them mapped */
};

static __global__ void __launch_bounds__(32) serve(const ring *rings, uint32_t groups, uint32_t queues, uint64_t *sink)
{
	const ring own = rings[blockIdx.x % queues];
	const uint32_t group = blockIdx.x / queues, lane = threadIdx.x;
	uint32_t position = group * BLOCK, seen = 0, total = 0;
	uint4 sum = {0, 0, 0, 0};

	for (;;) {
		const uint32_t first = position - position % BLOCK;
		uint32_t stop = 0;

		if ((int32_t)(seen - position) <= 0 && own.is_near) {
			const uint32_t mine = load_acquire(lane & 1 ? own.closed : own.published);

			__syncwarp();
			seen = __shfl_sync(~0u, mine, 0);
			stop = __shfl_sync(~0u, mine, 1);
			if (stop && (int32_t)(seen - position) <= 0)
				break;
		} else if ((int32_t)(seen - position) <= 0) {
			if ((int32_t)(seen - first) < 0) {
				asm volatile("ld.acquire.gpu.global.u32 %0, [%1];" : "=r"(seen) : "l"(own.mirror) : "memory");
				if (seen == 0xffffffffu)
					break;
			}
			if ((int32_t)(seen - first) >= 0 && (int32_t)(seen - position) <= 0) {
				uint32_t mine = load_acquire(lane & 1 ? own.closed : own.published);

				__syncwarp();
				seen = __shfl_sync(~0u, mine, 0);
				stop = __shfl_sync(~0u, mine, 1);
				if (lane == 0 && (stop || (int32_t)(seen - first - BLOCK) >= 0))
					asm volatile("st.release.gpu.global.u32 [%0], %1;" : : "l"(own.mirror), "r"(stop ? ~0u : seen) : "memory");
				if (stop)
					break;
			}
		}
		__syncwarp();
		if ((int32_t)(seen - position) <= 0)
			continue;
		uint32_t count = seen - position < BLOCK - position % BLOCK ? seen - position : BLOCK - position % BLOCK;
		const uint32_t at = (position + lane) % SLOTS;
		slot described = {0};

		if (lane < count)
			described = own.slots[at];
		const uint32_t chunks = (own.bytes + 15) / 16, width = chunks <= 4 ? 4 : 32;

		for (uint32_t k = lane / width; k < count; k += 32 / width) {
			uint4 *from = (uint4 *)(own.frames + (uint64_t)((position + k) % SLOTS) * STRIDE + 128);

			for (uint32_t c = lane % width; c < chunks; c += width) {
				uint4 got = from[c];

				sum.x ^= got.x; sum.y ^= got.y; sum.z ^= got.z; sum.w ^= got.w;
				if (own.reply) {
					got.x = ~got.x;
					from[c] = got;
				}
			}
		}
		__syncwarp();
		if (lane < count) {
			const uint32_t word = (position + lane) / SLOTS + 1;

			if (own.reply)
				store_release(&own.verdicts[at], word);
			else
				store_relaxed(&own.verdicts[at], word + (described.position != position + lane + 1));
		}
		total += count;
		position += count;
		if (position % BLOCK == 0)
			position += (groups - 1) * BLOCK;
	}
	sink[blockIdx.x * 32 + lane] = sum.x + sum.y + sum.z + sum.w + total;
}

static uint64_t produce(const ring &own, int64_t until_ns)
{
	static const uint8_t pattern[2048] = {1, 2, 3};
	uint32_t published = 0, released = 0;

	for (uint32_t turn = 0;; turn++) {
		uint32_t room = SLOTS - (published - released);

		if (turn % 64 == 0 && now_ns() > until_ns)
			break;
		room = room < BURST ? room : BURST;
		for (uint32_t i = 0; i < room; i++) {
			const uint32_t position = published + i, at = position % SLOTS;
			slot *next = &own.slots[(at + 16) % SLOTS];

			if (own.is_near) {
				const slot described = {position + 1, 0, own.bytes, own.bytes, position, 1u << 16, 0};

				stream(own.frames_there + (uint64_t)at * STRIDE + 128, pattern, (own.bytes + 63) / 64 * 64);
				stream(&own.slots_there[at], &described, sizeof(described));
				continue;
			}
			__builtin_prefetch(next, 1);
			__builtin_prefetch(own.frames + (uint64_t)((at + 16) % SLOTS) * STRIDE + 128, 1);
			memcpy(own.frames + (uint64_t)at * STRIDE + 128, pattern, own.bytes);
			own.slots[at] = {position + 1, 0, own.bytes, own.bytes, position, 1u << 16, 0};
		}
		published += room;
		if (room && own.is_near)
			fence();
		if (room)
			__atomic_store_n(own.is_near ? own.published_there : own.published, published, __ATOMIC_RELEASE);
		if (room && own.is_near)
			fence();
		for (uint32_t taken = 0; taken < 2 * BURST && released != published; taken++, released++)
			if (__atomic_load_n(&own.verdicts[released % SLOTS], __ATOMIC_ACQUIRE) != released / SLOTS + 1)
				break;
	}
	while (released != published)
		if (__atomic_load_n(&own.verdicts[released % SLOTS], __ATOMIC_ACQUIRE) == released / SLOTS + 1)
			released++;
	__atomic_store_n(own.is_near ? own.closed_there : own.closed, 1, __ATOMIC_RELEASE);
	if (own.is_near)
		fence();
	return published;
}

static void run_ring(uint32_t queues, uint32_t groups, uint32_t bytes, double seconds, uint32_t reply, bool is_near)
{
	ring *rings, *rings_device;
	std::vector<std::thread> threads;
	std::vector<uint64_t> counts(queues);
	uint64_t *sink, total = 0;

	const size_t slots_at = 4096, frames_at = slots_at + SLOTS * sizeof(slot), each = (frames_at + (size_t)SLOTS * STRIDE + 4095) / 4096 * 4096;
	const near_memory there = is_near ? take_near(queues * each) : near_memory();

	rings = new ring[queues];
	for (uint32_t i = 0; i < queues; i++) {
		uint32_t *words = pinned<uint32_t>(1024);

		rings[i] = {words, words + 64, pinned<slot>(SLOTS), pinned<uint8_t>((size_t)SLOTS * STRIDE),
			    pinned<uint32_t>(SLOTS), NULL, bytes, reply};
		if (is_near) {
			uint8_t *host = there.host + i * each, *device = there.device + i * each;

			rings[i].is_near = 1;
			rings[i].published_there = (uint32_t *)host;
			rings[i].closed_there = (uint32_t *)(host + 256);
			rings[i].slots_there = (slot *)(host + slots_at);
			rings[i].frames_there = host + frames_at;
			rings[i].published = (uint32_t *)device;
			rings[i].closed = (uint32_t *)(device + 256);
			rings[i].slots = (slot *)(device + slots_at);
			rings[i].frames = device + frames_at;
		}
		CHECK(cudaMalloc(&rings[i].mirror, 128));
		CHECK(cudaMemset(rings[i].mirror, 0, 128));
	}
	CHECK(cudaMalloc(&rings_device, queues * sizeof(ring)));
	CHECK(cudaMemcpy(rings_device, rings, queues * sizeof(ring), cudaMemcpyHostToDevice));
	CHECK(cudaMalloc(&sink, queues * groups * 32 * 8));
	serve<<<queues * groups, 32>>>(rings_device, groups, queues, sink);
	cudaStreamQuery(0);
	const int64_t begin = now_ns(), until = begin + (int64_t)(seconds * 1e9);

	for (uint32_t i = 0; i < queues; i++)
		threads.emplace_back([&, i] { counts[i] = produce(rings[i], until); });
	for (auto &thread : threads)
		thread.join();
	const double took = (now_ns() - begin) / 1e9;

	CHECK(cudaDeviceSynchronize());
	for (uint64_t count : counts)
		total += count;
	printf("{\"probe\": \"ring\", \"queues\": %u, \"groups\": %u, \"bytes\": %u, \"reply\": %u, \"near\": %d, \"mpps\": %.2f, "
	       "\"gbytes\": %.2f}\n", queues, groups, bytes, reply, is_near, total / took / 1e6, total * (double)bytes / took / 1e9);
}

/* -- packets that are in GPU memory already -- */

enum { RESIDENT_PACKETS = 1 << 22 };

static __global__ void transform(const uint4 *packets, uint2 *records, uint32_t lanes, uint32_t rounds)
{
	const uint32_t lane = blockIdx.x * blockDim.x + threadIdx.x;

	for (uint32_t i = 0; i < rounds; i++) {
		const uint32_t at = (i * lanes + lane) % RESIDENT_PACKETS;
		const uint4 got = packets[(size_t)at * 4];

		records[(size_t)at * 3] = make_uint2(at, 0);
		records[(size_t)at * 3 + 1] = make_uint2(__byte_perm(got.x, 0, 0x0123), __byte_perm(got.y, 0, 0x0123));
		records[(size_t)at * 3 + 2] = make_uint2(__byte_perm(got.z, 0, 0x0123), __byte_perm(got.w, 0, 0x0123));
	}
}

static void run_resident(uint32_t lanes, double seconds)
{
	const uint32_t threads = lanes < 256 ? lanes : 256;
	uint4 *packets;
	uint2 *records;
	uint32_t rounds = 1000;
	float ms = 0;
	cudaEvent_t begin, end;

	CHECK(cudaMalloc(&packets, (size_t)RESIDENT_PACKETS * 64));
	CHECK(cudaMalloc(&records, (size_t)RESIDENT_PACKETS * 24));
	CHECK(cudaMemset(packets, 7, (size_t)RESIDENT_PACKETS * 64));
	CHECK(cudaEventCreate(&begin));
	CHECK(cudaEventCreate(&end));
	for (int pass = 0; pass < 2; pass++) {
		CHECK(cudaEventRecord(begin));
		transform<<<lanes / threads, threads>>>(packets, records, lanes, rounds);
		CHECK(cudaEventRecord(end));
		CHECK(cudaEventSynchronize(end));
		CHECK(cudaEventElapsedTime(&ms, begin, end));
		if (!pass)
			rounds = (uint32_t)std::max(1000.0, rounds * seconds * 1e3 / ms);
	}
	printf("{\"probe\": \"resident\", \"lanes\": %u, \"mpps\": %.2f}\n", lanes, (double)lanes * rounds / ms / 1e3);
}

/* -- how fast the GPU reads its own memory -- */

static __global__ void read_all(const uint4 *from, size_t count, uint32_t *to)
{
	const size_t stride = (size_t)gridDim.x * blockDim.x;
	uint32_t sum = 0;

	for (size_t at = (size_t)blockIdx.x * blockDim.x + threadIdx.x; at < count; at += stride) {
		const uint4 got = from[at];

		sum += got.x ^ got.y ^ got.z ^ got.w;
	}
	if (sum == 1)
		*to = sum;
}

static void run_read(void)
{
	const size_t bytes = (size_t)2 << 30;
	uint4 *from;
	uint32_t *to;
	float ms = 0;
	cudaEvent_t begin, end;

	CHECK(cudaMalloc(&from, bytes));
	CHECK(cudaMalloc(&to, sizeof(*to)));
	CHECK(cudaMemset(from, 7, bytes));
	CHECK(cudaEventCreate(&begin));
	CHECK(cudaEventCreate(&end));
	for (int pass = 0; pass < 3; pass++) {
		CHECK(cudaEventRecord(begin));
		for (int i = 0; i < 20; i++)
			read_all<<<132 * 16, 256>>>(from, bytes / sizeof(*from), to);
		CHECK(cudaEventRecord(end));
		CHECK(cudaEventSynchronize(end));
		CHECK(cudaEventElapsedTime(&ms, begin, end));
	}
	printf("{\"probe\": \"read\", \"gbytes\": %.1f}\n", 20 * (double)bytes / ms / 1e6);
}

int main(int count, char **words)
{
	const char *what = count > 1 ? words[1] : "";
	auto number = [&](int i, double preset) { return count > i ? atof(words[i]) : preset; };

	if (!strcmp(what, "flag"))
		flag((uint32_t)number(2, 50000), count > 3);
	else if (!strcmp(what, "launch"))
		launch((uint32_t)number(2, 20000));
	else if (!strcmp(what, "ring") && count >= 6)
		run_ring((uint32_t)number(2, 1), (uint32_t)number(3, 8), (uint32_t)number(4, 64), number(5, 1), count > 6 && !strcmp(words[6], "reply"),
			 count > 6 && !strcmp(words[6], "near"));
	else if (!strcmp(what, "resident"))
		run_resident((uint32_t)number(2, 4096), number(3, 0.2));
	else if (!strcmp(what, "read"))
		run_read();
	else {
		fprintf(stderr, "usage: floor-gpu flag|launch|ring|resident|read ...; see bench/floor/gpu.cu\n");
		return 2;
	}
	return 0;
}
