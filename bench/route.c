/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Look-ups of the route program against a bare loop over DPDK's rte_lpm: the same 100,000 random
 * prefixes, lengths about as in the Internet's table, the same random addresses, in turn on one core.
 * Both must find the same next hop. Prints one JSON line: medians of several rounds, look-ups a second.
 *
 *     bench/route [ROUNDS]
 */
#include "programs/route/route.c"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "data/loader.h"

#if WN_HAVE_DPDK
#include <rte_eal.h>
#include <rte_lpm.h>
#endif

enum { PREFIXES = 100000, ADDRESSES = 1 << 20, ROUNDS_MAX = 99, HOPS = 200 };

static struct { uint32_t prefix, length, hop; } prefixes[PREFIXES];
static uint32_t addresses[ADDRESSES];
static uint64_t random_state = 88172645463325252u;

static uint32_t random_word(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 24);
}

/* Six of ten are /24, three from /16 to /23, one shorter or longer. */
static uint32_t random_length(void)
{
	const uint32_t kind = random_word() % 10;

	return kind < 6 ? 24 : kind < 9 ? 16 + random_word() % 8 : random_word() % 2 ? 8 + random_word() % 8
										   : 25 + random_word() % 8;
}

/* Of two that are the same the first counts in both tables: a file may name a prefix twice. */
static int by_prefix_and_length(const void *a, const void *b)
{
	return memcmp(a, b, 8);
}

static uint32_t make_prefixes(void)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < PREFIXES; i++) {
		prefixes[i].length = random_length();
		prefixes[i].prefix = ((1 + random_word() % 223) << 24 | (random_word() & 0xffffff)) &
				     ~(uint32_t)((1ull << (32 - prefixes[i].length)) - 1);
	}
	qsort(prefixes, PREFIXES, sizeof(prefixes[0]), by_prefix_and_length);
	for (uint32_t i = 0; i < PREFIXES; i++) {
		if (kept && !by_prefix_and_length(&prefixes[i], &prefixes[kept - 1]))
			continue;
		prefixes[kept] = prefixes[i];
		prefixes[kept++].hop = random_word() % HOPS;
	}
	/* Addresses of some prefix each: what has no route is not what a router is for. */
	for (uint32_t i = 0; i < ADDRESSES; i++) {
		const uint32_t k = random_word() % kept;

		addresses[i] = prefixes[k].prefix |
			       (random_word() & (uint32_t)((1ull << (32 - prefixes[k].length)) - 1));
	}
	return kept;
}

static int load_ours(struct wn_blob *blob, uint32_t count)
{
	char path[] = "/tmp/wn-bench-route-XXXXXX", load[64];
	const char *loads[] = {load};
	struct wn_error error = {0};
	const int fd = mkstemp(path);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
	int rc;

	if (!file)
		return -1;
	fprintf(file, "interface 0 mac 02:00:00:00:00:01\n");
	for (uint32_t i = 0; i < count; i++)
		fprintf(file, "route %u.%u.%u.%u/%u link 0 mac 02:00:00:00:00:%02x\n", prefixes[i].prefix >> 24,
			prefixes[i].prefix >> 16 & 255, prefixes[i].prefix >> 8 & 255, prefixes[i].prefix & 255,
			prefixes[i].length, prefixes[i].hop);
	fclose(file);
	snprintf(load, sizeof(load), "routes=%s", path);
	rc = wn_loader_run(blob, "route", "routes", loads, 1, &error);
	if (rc)
		fprintf(stderr, "route: %s\n", error.text);
	unlink(path);
	return rc;
}

/* All addresses once; the sum keeps the loop alive. ns. */
static int64_t time_ours(struct wn_packet *packet, uint64_t *sum)
{
	const int64_t start = wn_clock_ns();

	for (uint32_t i = 0; i < ADDRESSES; i++)
		*sum += find_ipv4(packet, addresses[i]);
	return wn_clock_ns() - start;
}

#if WN_HAVE_DPDK
static struct rte_lpm *load_theirs(uint32_t count)
{
	char *arguments[] = {(char *)"route", (char *)"--no-huge", (char *)"-m", (char *)"256",
			     (char *)"--no-pci", (char *)"--log-level=error", (char *)"--no-telemetry",
			     (char *)"--no-shconf"};
	const struct rte_lpm_config config = {.max_rules = 2 * PREFIXES, .number_tbl8s = 1 << 14};
	struct rte_lpm *lpm;

	if (rte_eal_init(8, arguments) < 0)
		return NULL;
	lpm = rte_lpm_create("bench", SOCKET_ID_ANY, &config);
	for (uint32_t i = 0; lpm && i < count; i++)
		if (rte_lpm_add(lpm, prefixes[i].prefix, (uint8_t)prefixes[i].length, prefixes[i].hop))
			return NULL;
	return lpm;
}

static int64_t time_theirs(struct rte_lpm *lpm, uint64_t *sum)
{
	const int64_t start = wn_clock_ns();

	for (uint32_t i = 0; i < ADDRESSES; i++) {
		uint32_t hop = 0;

		if (!rte_lpm_lookup(lpm, addresses[i], &hop))
			*sum += hop;
	}
	return wn_clock_ns() - start;
}

/* How many addresses have another next hop there than here. */
static uint32_t differences(struct wn_packet *packet, struct rte_lpm *lpm)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < ADDRESSES; i++) {
		struct hop ours;
		uint32_t hop = UINT32_MAX;

		read_hop(packet, find_ipv4(packet, addresses[i]), &ours);
		count += rte_lpm_lookup(lpm, addresses[i], &hop) != 0 || ours.kind != WN_ROUTE_FORWARD ||
			 ours.mac_low != hop;
	}
	return count;
}
#endif

static int by_value(const void *a, const void *b)
{
	const int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

	return left < right ? -1 : left > right;
}

static double rate_of(int64_t *times, int rounds)
{
	qsort(times, (size_t)rounds, sizeof(*times), by_value);
	return ADDRESSES * 1e9 / (double)times[rounds / 2];
}

int main(int argc, char **argv)
{
	const int wanted = argc > 1 ? atoi(argv[1]) : 9;
	const int rounds = wanted < 1 ? 1 : wanted > ROUNDS_MAX ? ROUNDS_MAX : wanted;
	static int64_t ours[ROUNDS_MAX], theirs[ROUNDS_MAX];
	const uint32_t count = make_prefixes();
	struct wn_program_data data = {0};
	struct wn_packet packet = {0};
	struct wn_blob blob;
	uint64_t sum = 0;
	uint32_t differ = 0;

	if (load_ours(&blob, count))
		return 1;
	data.file = blob.bytes;
	data.file_bytes = blob.size;
	packet.data = &data;
#if WN_HAVE_DPDK
	struct rte_lpm *lpm = load_theirs(count);

	if (!lpm) {
		fprintf(stderr, "route: DPDK does not start here\n");
		return 1;
	}
	differ = differences(&packet, lpm);
#endif
	for (int i = 0; i < rounds; i++) {
#if WN_HAVE_DPDK
		theirs[i] = time_theirs(lpm, &sum);
#endif
		ours[i] = time_ours(&packet, &sum);
	}
	printf("{\"bench\": \"route\", \"prefixes\": %u, \"bytes\": %zu, \"differences\": %u, ", count, blob.size,
	       differ);
	printf("\"route_per_second\": %.1f, ", rate_of(ours, rounds));
	if (WN_HAVE_DPDK)
		printf("\"lpm_per_second\": %.1f, ", rate_of(theirs, rounds));
	printf("\"sum\": %llu}\n", (unsigned long long)sum);
	wn_blob_finish(&blob);
	return differ != 0;
}
