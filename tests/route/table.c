/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The route program with a text file, frame by frame: where packets go against a slow search, the
 * checksum after each hop, and when an ICMP error must not be sent.
 */
#include "tests/runtime/network.h"

#include <arpa/inet.h>
#include <unistd.h>

enum { ROUTES = 3000, PROBES = 4000 };

static char path[] = "/tmp/wn-routes-XXXXXX";
static struct { uint32_t prefix, length, mac; } routes[ROUTES];
static uint64_t random_state = 88172645463325252u;

static uint32_t random_word(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 24);
}

static void put32(uint8_t *at, uint32_t value)
{
	value = htonl(value);
	memcpy(at, &value, 4);
}

static uint32_t get16(const uint8_t *at)
{
	return (uint32_t)at[0] << 8 | at[1];
}

/* 0 where the header's checksum is right. */
static uint32_t sum_of(const uint8_t *at, uint32_t length)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < length; i += 2)
		sum += get16(at + i);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum & 0xffff;
}

static void write_routes(void)
{
	FILE *file = fopen(path, "w");

	fprintf(file, "# made by a test\ninterface 0 mac 02:00:00:00:00:01 ip 10.0.0.1/24\n");
	for (uint32_t i = 0; i < ROUTES; i++) {
		int twice = 0;

		do {
			routes[i].length = 16 + random_word() % 17;
			routes[i].prefix = (11u << 24 | (random_word() % 3) << 16 | (random_word() & 0xffff)) &
					   ~(uint32_t)((1ull << (32 - routes[i].length)) - 1);
			twice = 0;
			for (uint32_t k = 0; k < i; k++)
				twice |= routes[k].prefix == routes[i].prefix &&
					 routes[k].length == routes[i].length;
		} while (twice);
		routes[i].mac = i;
		fprintf(file, "route %u.%u.%u.%u/%u link 0 mac 02:01:00:00:%02x:%02x\n", routes[i].prefix >> 24,
			routes[i].prefix >> 16 & 255, routes[i].prefix >> 8 & 255, routes[i].prefix & 255,
			routes[i].length, i >> 8, i & 255);
	}
	fclose(file);
}

/* The route of an address, the slow way; -1 for none. */
static int route_of(uint32_t address)
{
	int best = -1;

	for (int i = 0; i < ROUTES; i++)
		if (!((address ^ routes[i].prefix) >> (32 - routes[i].length)) &&
		    (best < 0 || routes[i].length > routes[best].length))
			best = i;
	return best;
}

/* What a frame is made of; zeroed: UDP from 10.0.0.2 with TTL 9. */
struct recipe {
	uint32_t to, from;
	uint32_t ttl, protocol, fragment, type, length;
	uint32_t group_mac, bad_sum;
};

static struct recipe recipes[PROBES];

static uint32_t make(uint32_t i, uint8_t *bytes, struct wn_memory_packet *packet)
{
	const struct recipe *recipe = &recipes[i];
	const uint32_t length = recipe->length ? recipe->length : 40;
	uint8_t *ip = bytes + 14;
	uint32_t sum;

	(void)packet;
	memset(bytes, 0, 14 + length);
	bytes[0] = 2;
	bytes[5] = 1;
	bytes[6] = recipe->group_mac ? 3 : 2;
	bytes[11] = 9;
	bytes[12] = 8;
	ip[0] = 0x45;
	ip[2] = (uint8_t)(length >> 8);
	ip[3] = (uint8_t)length;
	ip[6] = (uint8_t)(recipe->fragment >> 8);
	ip[7] = (uint8_t)recipe->fragment;
	ip[8] = (uint8_t)(recipe->ttl ? recipe->ttl : 9);
	ip[9] = (uint8_t)(recipe->protocol ? recipe->protocol : 17);
	put32(ip + 12, recipe->from ? recipe->from : 0x0a000002);
	put32(ip + 16, recipe->to);
	ip[20] = (uint8_t)recipe->type;
	sum = sum_of(ip, 20) ^ recipe->bad_sum;
	ip[10] = (uint8_t)(sum >> 8);
	ip[11] = (uint8_t)sum;
	return 14 + length;
}

static struct network network;
static struct wn_counters counters;

static void run(uint32_t count, const char *rate)
{
	char load[64];
	const char *loads[] = {load};
	struct wn_runtime_params params = {
		.program = "route", .links = {"memory:kind=frame"}, .link_count = 1, .loads = loads,
		.load_count = 1, .parameters = {rate}, .parameter_count = rate != NULL,
	};

	snprintf(load, sizeof(load), "routes=%s", path);
	network_init(&network, count, make);
	CHECK_INT(network_run(&network, &params, &counters), 0);
}

static void test_lookups(void)
{
	uint32_t taken = 0;

	memset(recipes, 0, sizeof(recipes));
	for (uint32_t i = 0; i < PROBES; i++) {
		recipes[i].to = 11u << 24 | (random_word() % 4) << 16 | (random_word() & 0xffff);
		recipes[i].ttl = 2 + random_word() % 254;
	}
	run(PROBES, "icmp_rate=0");
	for (uint32_t i = 0; i < PROBES; i++) {
		const int route = route_of(recipes[i].to);
		const uint8_t *frame;

		if (route < 0)
			continue;
		if (!CHECK(taken < network.taken_count))
			break;
		frame = network.taken[taken++].bytes;
		CHECK_INT(get16(frame + 30) << 16 | get16(frame + 32), recipes[i].to);
		CHECK_INT(get16(frame + 4), routes[route].mac);
		CHECK_INT(frame[11], 1);
		CHECK_INT(frame[22], recipes[i].ttl - 1);
		CHECK_INT(sum_of(frame + 14, 20), 0);
	}
	CHECK_INT(network.taken_count, taken);
	CHECK(taken > PROBES / 4 && taken < PROBES);
	network_finish(&network);
}

/* One packet with TTL 1; whether an error came, and that it is right. */
static int errs(struct recipe recipe)
{
	const uint32_t length = recipe.length ? recipe.length : 40;
	int came;

	memset(recipes, 0, sizeof(recipes[0]));
	recipe.ttl = 1;
	recipe.to = recipe.to ? recipe.to : 0x0b000001;
	recipes[0] = recipe;
	run(1, NULL);
	came = (int)network.taken_count;
	if (came) {
		const uint8_t *frame = network.taken[0].bytes;

		CHECK_INT(network.taken[0].is_reply, 1);
		CHECK_INT(network.taken[0].length, 14 + 28 + (length < 548 ? length : 548));
		CHECK_INT(sum_of(frame + 14, 20), 0);
		CHECK_INT(get16(frame + 34), 0x0b00);
		CHECK_INT(get16(frame + 28), 0x0001); /* from 10.0.0.1 */
		CHECK_INT(frame[42 + 8], 1);          /* the hop limit as it came */
	}
	network_finish(&network);
	return came;
}

static void test_errors_that_may_be_sent(void)
{
	CHECK_INT(errs((struct recipe){0}), 1);
	CHECK_INT(errs((struct recipe){.length = 1000}), 1);
	CHECK_INT(errs((struct recipe){.fragment = 0x2000}), 1); /* the first one */
	CHECK_INT(errs((struct recipe){.protocol = 1, .type = 8}), 1);
	CHECK_INT(errs((struct recipe){.protocol = 6, .type = 3}), 1);
}

static void test_errors_that_must_not(void)
{
	static const uint8_t types[] = {3, 4, 5, 11, 12};

	for (int i = 0; i < 5; i++)
		CHECK_INT(errs((struct recipe){.protocol = 1, .type = types[i]}), 0);
	CHECK_INT(errs((struct recipe){.fragment = 1}), 0);
	CHECK_INT(errs((struct recipe){.group_mac = 1}), 0);
	CHECK_INT(errs((struct recipe){.from = 0x0a0000ff}), 0); /* a broadcast address of ours */
	CHECK_INT(errs((struct recipe){.from = 0x7f000001}), 0);
	CHECK_INT(errs((struct recipe){.from = 0xe0000001}), 0);
	CHECK_INT(errs((struct recipe){.to = 0x0a0000ff}), 0);
	CHECK_INT(errs((struct recipe){.to = 0xffffffff}), 0);
	CHECK_INT(errs((struct recipe){.bad_sum = 1}), 0);
}

/* No more than icmp_rate a second: the run is far shorter than one, but may see its turn. */
static void test_rate(void)
{
	memset(recipes, 0, sizeof(recipes));
	for (uint32_t i = 0; i < PROBES; i++) {
		recipes[i].to = 0x0b000001;
		recipes[i].ttl = 1;
	}
	run(PROBES, "icmp_rate=7");
	CHECK(network.taken_count >= 7 && network.taken_count <= 21 && network.taken_count % 7 == 0);
	network_finish(&network);
}

static void refuse(const char *text, const char *words)
{
	char load[64], at[96];
	const char *loads[] = {load};
	struct wn_runtime_params params = {
		.program = "route", .links = {"memory:kind=frame"}, .link_count = 1, .loads = loads,
		.load_count = 1,
	};
	struct wn_error error = {0};
	FILE *file = fopen(path, "w");

	fputs(text, file);
	fclose(file);
	snprintf(load, sizeof(load), "routes=%s", path);
	snprintf(at, sizeof(at), "%s:2: ", path);
	CHECK(wn_runtime_create(&params, &error) == NULL);
	if (!CHECK(strstr(error.text, at) != NULL) || !CHECK(strstr(error.text, words) != NULL))
		printf("# %s\n", error.text);
}

static void test_refusals(void)
{
	refuse("\nroute 10.0.0.0/8 link 0 mac 02:00:00:00:00:01\n", "no interface line");
	refuse("\ninterface 1 mac 02:00:00:00:00:01\n", "in turn");
	refuse("\ninterface 0 mac 03:00:00:00:00:01\n", "no MAC");
	refuse("\nroute 10.0.0.1/8 blackhole\n", "behind the prefix");
	refuse("\nroute 10.0.0.0/33 blackhole\n", "no address or prefix");
	refuse("\nroute 10.0.0.0/8 nowhere\n", "'nowhere'");
	refuse("interface 0 mac 02:00:00:00:00:01\nneighbour 10.0.0.2 link 0 via 10.0.0.3\n", "mac MAC");
	refuse("\nhello\n", "'hello'");
}

int main(void)
{
	const int fd = mkstemp(path);

	if (fd < 0)
		return check_skip_all("no folder for files");
	close(fd);
	write_routes();
	RUN(test_lookups);
	RUN(test_errors_that_may_be_sent);
	RUN(test_errors_that_must_not);
	RUN(test_rate);
	RUN(test_refusals);
	unlink(path);
	return check_finish();
}
