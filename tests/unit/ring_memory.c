/* SPDX-License-Identifier: Apache-2.0 */
/* The ring as an object in memory: all that check, format, attach, create and open refuse. */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ring/ring.h"

static struct wn_ring_geometry geometry_of(uint32_t slot_count)
{
	return (struct wn_ring_geometry){slot_count, 64, 1};
}

static void test_check_refuses_geometry(void)
{
	static const uint32_t bad_counts[] = {0, 1, 3, 4095, UINT32_MAX, 1u << 31, WN_SLOT_COUNT_MAX * 2u};
	static const uint32_t bad_sizes[] = {0, 1, 32, 2000, UINT32_MAX, 1u << 31, WN_SLOT_BYTES_MAX * 2u};
	struct wn_ring_geometry geometry = geometry_of(4096);
	struct wn_error error = {0};
	char option[32];

	CHECK_INT(wn_ring_check(&geometry, &error), 0);
	for (size_t i = 0; i < sizeof(bad_counts) / sizeof(*bad_counts); i++) {
		geometry = geometry_of(bad_counts[i]);
		CHECK_INT(wn_ring_check(&geometry, &error), -EINVAL);
		CHECK_INT(error.status, WN_USAGE);
		snprintf(option, sizeof(option), "slots=%u:", bad_counts[i]);
		CHECK(!strncmp(error.text, option, strlen(option)));
		CHECK(strstr(error.text, "power of two") != NULL);
	}
	for (size_t i = 0; i < sizeof(bad_sizes) / sizeof(*bad_sizes); i++) {
		geometry = (struct wn_ring_geometry){4096, bad_sizes[i], 1};
		CHECK_INT(wn_ring_check(&geometry, &error), -EINVAL);
		snprintf(option, sizeof(option), "slot-bytes=%u:", bad_sizes[i]);
		CHECK(!strncmp(error.text, option, strlen(option)));
	}
	geometry = (struct wn_ring_geometry){4096, 2048, 2};
	CHECK_INT(wn_ring_check(&geometry, NULL), -EINVAL);
	geometry.segments_max = WN_TRAIN_SEGMENTS_MAX;
	CHECK_INT(wn_ring_check(&geometry, NULL), 0);
	geometry = (struct wn_ring_geometry){WN_SLOT_COUNT_MAX, WN_SLOT_BYTES_MAX, WN_TRAIN_SEGMENTS_MAX};
	CHECK_INT(wn_ring_check(&geometry, NULL), 0);
	CHECK(wn_ring_bytes(&geometry) > (uint64_t)WN_SLOT_COUNT_MAX * WN_SLOT_BYTES_MAX);
}

static void test_create_refuses_geometry(void)
{
	const struct wn_ring_geometry geometry = geometry_of(3);
	struct wn_ring ring;

	CHECK_INT(wn_ring_create(&ring, &geometry, NULL), -EINVAL);
	CHECK(!ring.memory);
	CHECK_INT(ring.fd, -1);
	wn_ring_destroy(&ring);
}

static void test_format_refuses_memory(void)
{
	const struct wn_ring_geometry geometry = geometry_of(4);
	const struct wn_ring_geometry bad = geometry_of(3);
	const size_t bytes = wn_ring_bytes(&geometry);
	uint8_t *memory = aligned_alloc(4096, bytes + 4096);
	struct wn_ring ring;

	if (!CHECK(memory != NULL))
		return;
	memset(memory, 0, bytes + 4096);
	CHECK_INT(wn_ring_format(memory, bytes - 1, &geometry), -EINVAL);
	CHECK_INT(wn_ring_format(memory + 64, bytes, &geometry), -EINVAL);
	CHECK_INT(wn_ring_format(memory, bytes, &bad), -EINVAL);
	CHECK_INT(((struct wn_ring_header *)memory)->magic, 0);
	CHECK_INT(wn_ring_attach(&ring, memory, bytes, NULL), -EINVAL);
	CHECK_INT(wn_ring_format(memory, bytes, &geometry), 0);
	CHECK_INT(wn_ring_attach(&ring, memory, bytes, NULL), 0);
	CHECK_INT(wn_ring_attach(&ring, memory, bytes - 1, NULL), -EINVAL);
	CHECK_INT(wn_ring_attach(&ring, memory, 16, NULL), -EINVAL);
	CHECK_INT(wn_ring_attach(&ring, memory + 64, bytes, NULL), -EINVAL);
	CHECK(!ring.memory);
	free(memory);
}

/* Flips each bit of the header in turn: none may pass. */
static void test_attach_refuses_spoilt_header(void)
{
	const struct wn_ring_geometry plain = geometry_of(4);
	const struct wn_ring_geometry trains = {4, 1024, WN_TRAIN_SEGMENTS_MAX};
	const struct wn_ring_geometry *geometries[] = {&plain, &trains};

	for (int g = 0; g < 2; g++) {
		const size_t bytes = wn_ring_bytes(geometries[g]);
		uint8_t *memory = aligned_alloc(4096, bytes);
		struct wn_error error = {0};
		struct wn_ring ring;

		if (!CHECK(memory != NULL))
			return;
		memset(memory, 0, bytes);
		CHECK_INT(wn_ring_format(memory, bytes, geometries[g]), 0);
		for (size_t bit = 0; bit < 8 * sizeof(struct wn_ring_header); bit++) {
			memory[bit / 8] ^= (uint8_t)(1 << bit % 8);
			error.text[0] = '\0';
			if (!CHECK_INT(wn_ring_attach(&ring, memory, bytes, &error), -EINVAL) ||
			    !CHECK(error.text[0] != '\0'))
				printf("# header byte %zu\n", bit / 8);
			CHECK(!ring.memory);
			memory[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		CHECK_INT(wn_ring_attach(&ring, memory, bytes, &error), 0);
		free(memory);
	}
}

static void test_attach_names_the_version(void)
{
	const struct wn_ring_geometry geometry = geometry_of(4);
	const size_t bytes = wn_ring_bytes(&geometry);
	uint8_t *memory = aligned_alloc(4096, bytes);
	struct wn_error error = {0};
	struct wn_ring ring;

	if (!CHECK(memory != NULL))
		return;
	memset(memory, 0, bytes);
	CHECK_INT(wn_ring_format(memory, bytes, &geometry), 0);
	((struct wn_ring_header *)(void *)memory)->version = 7;
	CHECK_INT(wn_ring_attach(&ring, memory, bytes, &error), -EINVAL);
	CHECK(strstr(error.text, "version 7") != NULL);
	free(memory);
}

static void test_open_refuses_unsealed(void)
{
	const struct wn_ring_geometry geometry = geometry_of(4);
	const size_t bytes = wn_ring_bytes(&geometry);
	struct wn_error error = {0};
	struct wn_ring ring;
	void *memory;
	int fd = memfd_create("test-ring", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int pipes[2];

	if (!WN_OS_LINUX) {
		close(fd);
		SKIP("memory has no seals here");
	}
	CHECK(fd >= 0 && !ftruncate(fd, (off_t)bytes));
	memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK_INT(wn_ring_format(memory, bytes, &geometry), 0);
	CHECK_INT(wn_ring_open(&ring, fd, &error), -EPERM);
	CHECK(strstr(error.text, "sealed") != NULL);
	CHECK_INT(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW), 0);
	CHECK_INT(wn_ring_open(&ring, fd, &error), -EPERM);
	CHECK_INT(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	CHECK_INT(wn_ring_open(&ring, fd, &error), 0);
	wn_ring_destroy(&ring);
	munmap(memory, bytes);
	close(fd);

	CHECK_INT(pipe(pipes), 0);
	CHECK_INT(wn_ring_open(&ring, pipes[0], &error), -EPERM);
	close(pipes[0]);
	close(pipes[1]);
	CHECK_INT(wn_ring_open(&ring, -1, &error), -EPERM);
}

static void test_created_memory_is_sealed(void)
{
	const struct wn_ring_geometry geometry = geometry_of(4);
	struct wn_ring ring;
	off_t bytes;

	if (!CHECK_INT(wn_ring_create(&ring, &geometry, NULL), 0))
		return;
	CHECK(fcntl(ring.fd, F_GETFD) & FD_CLOEXEC);
	if (!WN_OS_LINUX) {
		wn_ring_destroy(&ring);
		SKIP("memory has no seals here");
	}
	bytes = (off_t)ring.bytes;
	CHECK_INT(ftruncate(ring.fd, bytes - 4096), -1);
	CHECK_INT(errno, EPERM);
	CHECK_INT(ftruncate(ring.fd, bytes + 4096), -1);
	CHECK_INT(errno, EPERM);
	CHECK_INT(fcntl(ring.fd, F_GET_SEALS), F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
	wn_ring_destroy(&ring);
}

int main(void)
{
	RUN(test_check_refuses_geometry);
	RUN(test_create_refuses_geometry);
	RUN(test_format_refuses_memory);
	RUN(test_attach_refuses_spoilt_header);
	RUN(test_attach_names_the_version);
	RUN(test_open_refuses_unsealed);
	RUN(test_created_memory_is_sealed);
	return check_finish();
}
