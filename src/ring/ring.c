/* SPDX-License-Identifier: Apache-2.0 */
#include "ring/ring.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/os.h"

/* Memory lies on pages of 4 KiB or more; parts of it on pages of any system, which has up to 16 KiB (Apple silicon). */
enum { WN_PAGE_BYTES = 4096, WN_PART_BYTES = 16384, WN_HUGE_BYTES = 2 << 20 };

static int is_power_of_two(uint32_t value)
{
	return value && !(value & (value - 1));
}

static uint32_t log2_of(uint32_t power)
{
	return (uint32_t)__builtin_ctz(power);
}

int wn_ring_check(const struct wn_ring_geometry *geometry, struct wn_error *error)
{
	const uint32_t count = geometry->slot_count;
	const uint32_t bytes = geometry->slot_bytes;

	if (!is_power_of_two(count) || count < WN_SLOT_COUNT_MIN || count > WN_SLOT_COUNT_MAX)
		return wn_fail(error, EINVAL, WN_USAGE,
			       "slots=%u: must be a power of two from %d to %d, for example 4096", count,
			       WN_SLOT_COUNT_MIN, WN_SLOT_COUNT_MAX);
	if (!is_power_of_two(bytes) || bytes < WN_SLOT_BYTES_MIN || bytes > WN_SLOT_BYTES_MAX)
		return wn_fail(error, EINVAL, WN_USAGE,
			       "slot-bytes=%u: must be a power of two from %d to %d, for example 2048",
			       bytes, WN_SLOT_BYTES_MIN, WN_SLOT_BYTES_MAX);
	if (geometry->segments_max != 1 && geometry->segments_max != WN_TRAIN_SEGMENTS_MAX)
		return wn_fail(error, EINVAL, WN_USAGE, "segments=%u: must be 1 or %d",
			       geometry->segments_max, WN_TRAIN_SEGMENTS_MAX);
	return 0;
}

static uint64_t round_up(uint64_t value)
{
	return (value + WN_PART_BYTES - 1) & ~(uint64_t)(WN_PART_BYTES - 1);
}

/* The header that belongs to a geometry: each array starts on a page of its own. */
static struct wn_ring_header header_for(const struct wn_ring_geometry *geometry)
{
	const uint64_t slots = geometry->slot_count;
	const uint64_t answers = slots * geometry->segments_max;
	struct wn_ring_header header = {
		.magic = WN_RING_MAGIC,
		.version = WN_RING_VERSION,
		.slot_count = geometry->slot_count,
		.slot_bytes = geometry->slot_bytes,
		.segments_max = geometry->segments_max,
		.result_bytes = WN_RESULT_BYTES,
	};

	header.words_offset = round_up(sizeof(header));
	header.slots_offset = round_up(header.words_offset + sizeof(struct wn_ring_words));
	header.peers_offset = round_up(header.slots_offset + slots * sizeof(struct wn_slot));
	header.verdicts_offset = round_up(header.peers_offset + slots * sizeof(struct wn_peer));
	header.results_offset = round_up(header.verdicts_offset + slots * sizeof(uint32_t));
	header.frames_offset = round_up(header.results_offset + answers * WN_RESULT_BYTES);
	if (geometry->segments_max > 1) {
		header.segments_offset = header.frames_offset;
		header.frames_offset =
			round_up(header.segments_offset + answers * sizeof(uint32_t));
	}
	header.total_bytes = round_up(header.frames_offset +
				      slots * (geometry->slot_bytes + WN_HEADROOM_BYTES));
	return header;
}

size_t wn_ring_bytes(const struct wn_ring_geometry *geometry)
{
	return header_for(geometry).total_bytes;
}

int wn_ring_format(void *memory, size_t bytes, const struct wn_ring_geometry *geometry)
{
	struct wn_ring_header header;
	struct wn_ring_header *shared = memory;

	if ((uintptr_t)memory % WN_PAGE_BYTES || wn_ring_check(geometry, NULL))
		return -EINVAL;
	header = header_for(geometry);
	if (bytes < header.total_bytes)
		return -EINVAL;
	header.magic = 0;
	*shared = header;
	/* Whoever sees the magic number sees the rest of the header. */
	wn_store_release(&shared->magic, WN_RING_MAGIC);
	return 0;
}

int wn_ring_attach(struct wn_ring *ring, void *memory, size_t bytes, struct wn_error *error)
{
	struct wn_ring_header header, expected;
	struct wn_ring_geometry geometry;
	uint8_t *base = memory;

	memset(ring, 0, sizeof(*ring));
	ring->fd = -1;
	if ((uintptr_t)memory % WN_PAGE_BYTES || bytes < sizeof(header))
		return wn_fail(error, EINVAL, WN_FAILED, "ring: memory is misaligned or too small");
	if (wn_load_acquire(&((struct wn_ring_header *)memory)->magic) != WN_RING_MAGIC)
		return wn_fail(error, EINVAL, WN_FAILED, "ring: no magic number, not formatted yet?");
	header = *(struct wn_ring_header *)memory;
	header.magic = WN_RING_MAGIC;
	if (header.version != WN_RING_VERSION)
		return wn_fail(error, EINVAL, WN_FAILED, "ring: version %u, this build speaks %d",
			       header.version, WN_RING_VERSION);
	geometry = (struct wn_ring_geometry){
		.slot_count = header.slot_count,
		.slot_bytes = header.slot_bytes,
		.segments_max = header.segments_max,
	};
	if (wn_ring_check(&geometry, error))
		return -EINVAL;
	/* The layout follows from the geometry, so every offset can be compared, not just bounded. */
	expected = header_for(&geometry);
	if (memcmp(&header, &expected, sizeof(header)) != 0)
		return wn_fail(error, EINVAL, WN_FAILED, "ring: offsets do not match its geometry");
	if (bytes < header.total_bytes)
		return wn_fail(error, EINVAL, WN_FAILED, "ring: %zu bytes mapped, %llu needed", bytes,
			       (unsigned long long)header.total_bytes);

	ring->header = header;
	ring->memory = memory;
	ring->bytes = bytes;
	ring->view = (struct wn_ring_view){
		.words = (struct wn_ring_words *)(base + header.words_offset),
		.slots = (struct wn_slot *)(base + header.slots_offset),
		.peers = (struct wn_peer *)(base + header.peers_offset),
		.frames = base + header.frames_offset,
		.verdicts = (uint32_t *)(base + header.verdicts_offset),
		.segments = header.segments_offset ? (uint32_t *)(base + header.segments_offset) : NULL,
		.results = base + header.results_offset,
		.slot_mask = header.slot_count - 1,
		.slot_shift = log2_of(header.slot_count),
		.slot_bytes = header.slot_bytes,
		.frame_stride = header.slot_bytes + WN_HEADROOM_BYTES,
		.segments_max = header.segments_max,
		.result_bytes = header.result_bytes,
	};
	return 0;
}

static int map(struct wn_ring *ring, int fd, size_t bytes, const struct wn_ring_geometry *format,
	       struct wn_error *error)
{
	void *memory = wn_os_memory_map(fd, bytes);
	int rc;

	if (!memory)
		return wn_fail(error, errno, WN_FAILED, "ring: cannot map %zu bytes: %s", bytes,
			       strerror(errno));
	if (format && wn_ring_format(memory, bytes, format)) {
		munmap(memory, bytes);
		return wn_fail(error, EINVAL, WN_FAILED, "ring: cannot format %zu bytes", bytes);
	}
	rc = wn_ring_attach(ring, memory, bytes, error);
	if (rc) {
		munmap(memory, bytes);
		return rc;
	}
	return 0;
}

int wn_ring_create(struct wn_ring *ring, const struct wn_ring_geometry *geometry,
		   struct wn_error *error)
{
	size_t bytes;
	int fd, rc;

	memset(ring, 0, sizeof(*ring));
	ring->fd = -1;
	rc = wn_ring_check(geometry, error);
	if (rc)
		return rc;
	bytes = wn_ring_bytes(geometry);
	if (bytes >= WN_HUGE_BYTES)
		bytes = (bytes + WN_HUGE_BYTES - 1) / WN_HUGE_BYTES * WN_HUGE_BYTES;
	fd = wn_os_memory_create("warpnic-ring", bytes);
	if (fd < 0)
		return wn_fail(error, -fd, WN_FAILED, "ring: cannot make a memory object of %zu bytes: %s", bytes,
			       strerror(-fd));
	rc = map(ring, fd, bytes, geometry, error);
	if (rc) {
		close(fd);
		return rc;
	}
	ring->fd = fd;
	return 0;
}

int wn_ring_open(struct wn_ring *ring, int fd, struct wn_error *error)
{
	struct stat status;

	memset(ring, 0, sizeof(*ring));
	ring->fd = -1;
	if (!wn_os_memory_is_fixed(fd))
		return wn_fail(error, EPERM, WN_FAILED,
			       "ring: the descriptor is not memory sealed against shrinking");
	if (fstat(fd, &status))
		return wn_fail(error, errno, WN_FAILED, "ring: fstat: %s", strerror(errno));
	return map(ring, fd, (size_t)status.st_size, NULL, error);
}

void wn_ring_destroy(struct wn_ring *ring)
{
	if (ring->memory)
		munmap(ring->memory, ring->bytes);
	if (ring->memory && ring->fd >= 0)
		close(ring->fd);
	memset(ring, 0, sizeof(*ring));
	ring->fd = -1;
}
