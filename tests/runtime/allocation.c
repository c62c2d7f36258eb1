/* SPDX-License-Identifier: Apache-2.0 */
/* Steady state allocates nothing: malloc and its family are counted while packets flow. */
#include "tests/runtime/network.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || UNDER_TSAN
#define HAS_OWN_MALLOC 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_OWN_MALLOC 1
#endif
#endif

#if !defined(HAS_OWN_MALLOC) && defined(__GLIBC__)

extern void *__libc_malloc(size_t bytes);
extern void *__libc_calloc(size_t count, size_t bytes);
extern void *__libc_realloc(void *memory, size_t bytes);
extern void *__libc_memalign(size_t alignment, size_t bytes);

static uint32_t allocations;

static void count_one(void)
{
	__atomic_fetch_add(&allocations, 1, __ATOMIC_RELAXED);
}

void *malloc(size_t bytes)
{
	count_one();
	return __libc_malloc(bytes);
}

void *calloc(size_t count, size_t bytes)
{
	count_one();
	return __libc_calloc(count, bytes);
}

void *realloc(void *memory, size_t bytes)
{
	count_one();
	return __libc_realloc(memory, bytes);
}

void *aligned_alloc(size_t alignment, size_t bytes)
{
	count_one();
	return __libc_memalign(alignment, bytes);
}

static uint32_t allocations_now(void)
{
	return __atomic_load_n(&allocations, __ATOMIC_RELAXED);
}

/* Allocations of `runtime` while it works for a while; it must have worked. */
static void check_quiet(struct wn_runtime *runtime, int fd)
{
	struct wn_counters before, after;
	uint32_t counted;
	char bytes[64] = {15};

	for (int warm = 0; warm < 2; warm++) {
		wn_runtime_snapshot(runtime, &before);
		counted = allocations_now();
		wn_runtime_snapshot(runtime, &after);
		for (int turn = 0; turn < 200 || (turn < 60000 && after.received <= before.received + 1000); turn++) {
			for (int i = 0; fd >= 0 && i < 20; i++)
				CHECK_INT(send(fd, bytes, sizeof(bytes), 0), sizeof(bytes));
			while (fd >= 0 && recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
				continue;
			usleep(500);
			wn_runtime_snapshot(runtime, &after);
		}
	}
	CHECK(after.received > before.received + 1000);
	CHECK_INT(allocations_now() - counted, 0);
}

static struct wn_runtime *start(struct wn_runtime_params *params)
{
	struct wn_error error = {0};
	struct wn_runtime *runtime = wn_runtime_create(params, &error);

	CHECK_TEXT(error.text, "");
	CHECK_INT(runtime ? wn_runtime_start(runtime, &error) : -1, 0);
	return runtime;
}

/* Seen from outside, so that no compiler leaves the allocation out. */
extern void *kept_memory;
void *kept_memory;

static void test_counter_counts(void)
{
	const uint32_t before = allocations_now();

	kept_memory = malloc(10);
	CHECK(kept_memory != NULL);
	CHECK_INT(allocations_now() - before, 1);
	free(kept_memory);
}

static void test_memory_link(void)
{
	struct wn_runtime_params params = {.program = "count", .links = {"memory:count=0"},
					   .link_count = 1, .mode = WN_MODE_RESIDENT};
	struct wn_runtime *runtime = start(&params);

	check_quiet(runtime, -1);
	wn_runtime_destroy(runtime);
}

static void test_udp_echo(void)
{
	struct wn_runtime_params params = {.program = "echo", .link_count = 1};
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct wn_runtime *runtime;
	int fd;

	params.links[0] = WN_OS_LINUX ? "udp:127.0.0.1:0,gro=on" : "udp:127.0.0.1:0";
	runtime = start(&params);
	to.sin_port = htons((uint16_t)atoi(strrchr(wn_runtime_link_where(runtime, 0), ':') + 1));
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	CHECK_INT(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	check_quiet(runtime, fd);
	close(fd);
	wn_runtime_destroy(runtime);
}

int main(void)
{
	RUN(test_counter_counts);
	RUN(test_memory_link);
	RUN(test_udp_echo);
	return check_finish();
}

#else

int main(void)
{
	return check_skip_all("malloc belongs to a sanitizer here, or this is not glibc");
}

#endif
