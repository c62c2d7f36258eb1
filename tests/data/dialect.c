/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a program is given: parameters, tables, a file. Asked through a program on the cpu device, and
 * compared with a slow search over the same entries.
 */
#define ASKED "dialect"
#include "tests/data/questions.h"

#include <arpa/inet.h>

static void test_parameters(void)
{
	struct wn_runtime_params params = params_of();

	for (uint32_t i = 0; i < 5; i++)
		ask('p', i < 4 ? i : 6);
	run(&params);
	CHECK_INT(value_of(0), 10000);
	CHECK_INT(value_of(1), 2048);
	CHECK_INT(value_of(2), 0);
	CHECK_INT(value_of(3), 0x0a010203);
	CHECK_INT(value_of(4), 0); /* there is none */
	network_finish(&network);
	params.parameters[0] = "limit=77";
	params.parameters[1] = "loud=on";
	params.parameters[2] = "home=192.0.2.9";
	params.parameter_count = 3;
	run(&params);
	CHECK_INT(value_of(0), 77);
	CHECK_INT(value_of(1), 2048);
	CHECK_INT(value_of(2), 1);
	CHECK_INT(value_of(3), 0xc0000209);
	forget();
}

static void refused(struct wn_runtime_params *params, enum wn_status status, const char *words)
{
	struct wn_error error = {0};

	CHECK(wn_runtime_create(params, &error) == NULL);
	CHECK_INT(error.status, status);
	if (!CHECK(strstr(error.text, words) != NULL))
		printf("# '%s' is not in: %s\n", words, error.text);
}

static void refused_parameter(const char *text, const char *words)
{
	struct wn_runtime_params params = params_of();

	params.parameters[0] = text;
	params.parameter_count = 1;
	refused(&params, WN_USAGE, words);
}

static void refused_table(const char *table, const char *lines, enum wn_status status, const char *words)
{
	struct wn_runtime_params params = params_of();

	if (lines)
		write_file("refused", lines);
	params.tables[0] = wish(table, lines ? "refused" : "none");
	params.table_count = 1;
	refused(&params, status, words);
}

static void test_refusals(void)
{
	struct wn_runtime_params params = params_of();

	refused_parameter("limit=many", "limit=a number");
	refused_parameter("limit", "limit=a number");
	refused_parameter("loud=1", "on or off");
	refused_parameter("home=here", "IPv4");
	refused_parameter("size=1", "has: limit, room, loud, home, seats, marks");
	refused_table("slots", NULL, WN_NO_INPUT, "No such file");
	refused_table("colours", "", WN_USAGE, "takes: slots=FILE, names=FILE, routes=FILE");
	refused_table("slots", "1 2\n# fine\n3\n", WN_FAILED, "refused:3: not two words");
	refused_table("slots", "1 2\n1 3\n", WN_FAILED, "refused:2: given twice");
	refused_table("slots", "999999999999 3\n", WN_FAILED, "refused:1: the index is above");
	refused_table("names", "x 2\n", WN_FAILED, "refused:1: the key is not a number");
	refused_table("names", "5 y\n", WN_FAILED, "refused:1: the value is not a number");
	refused_table("names", "5 1\n0x5 2\n", WN_FAILED, "refused:2: given twice");
	refused_table("routes", "10.0.0.0/33 1\n", WN_FAILED, "refused:1: not a prefix");
	refused_table("routes", "10.0.0.1/8 1\n", WN_FAILED, "refused:1: not a prefix");
	refused_table("routes", "10.0.0.0/8 1\n::/0 4\n10.0.0.0/8 2\n", WN_FAILED, "refused:3: given twice");
	refused_table("seats", "0 1\n", WN_USAGE, "takes: slots=FILE, names=FILE, routes=FILE");
	refused_parameter("seats=999999999999", "at most 268435456 cells");
	params.loads = (const char *const[]){"zone=here"};
	params.load_count = 1;
	refused(&params, WN_USAGE, "--zone: program 'dialect' has no such option; it has: none");
	params.load_count = 0;
	params.data = path_of("none");
	refused(&params, WN_NO_INPUT, "No such file");
	params.data = folder;
	refused(&params, WN_NO_INPUT, "not a file");
}

static void test_array(void)
{
	struct wn_runtime_params params = params_of();

	write_file("array", "# index value\n0 5\n2 0xff # with a comment\n\n3 18446744073709551615\n");
	params.tables[0] = wish("slots", "array");
	params.table_count = 1;
	for (uint32_t i = 0; i < 6; i++)
		ask('a', i);
	ask('a', UINT64_MAX);
	ask('w', 2);
	run(&params);
	CHECK_INT(value_of(0), 5);
	CHECK_INT(found(1), 1);
	CHECK_INT(value_of(1), 0);
	CHECK_INT(value_of(2), 255);
	CHECK(value_of(3) == UINT64_MAX);
	CHECK_INT(found(4) + found(5) + found(6) + found(7), 0);
	forget();
}

static uint64_t key_of(uint32_t i)
{
	return i % 3 == 0 ? i : i % 3 == 1 ? (uint64_t)i << 40 : i * UINT64_C(0x9e3779b97f4a7c15);
}

static void test_hash(void)
{
	struct wn_runtime_params params = params_of();
	FILE *file = fopen(path_of("hash"), "w");

	for (uint32_t i = 0; i < 20000; i += 2)
		fprintf(file, "%llu %u\n", (unsigned long long)key_of(i), i + 7);
	fclose(file);
	params.tables[0] = wish("names", "hash");
	params.table_count = 1;
	for (uint32_t i = 0; i < 20000; i++)
		ask('h', key_of(i));
	run(&params);
	for (uint32_t i = 0; i < 20000; i++) {
		CHECK_INT(found(i), i % 2 == 0);
		if (i % 2 == 0)
			CHECK_INT(value_of(i), i + 7);
	}
	forget();
}

struct prefix {
	uint8_t bytes[16];
	uint32_t length, v6;
};

static uint32_t random_state = 7;

static uint32_t next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 17;
	random_state ^= random_state << 5;
	return random_state;
}

/* Addresses huddle, so that prefixes lie within each other. */
static void random_address(uint8_t *bytes)
{
	for (int i = 0; i < 16; i++)
		bytes[i] = (uint8_t)(next_random() % 4 ? next_random() % 3 : next_random());
}

static int begins_with(const uint8_t *address, const struct prefix *prefix)
{
	for (uint32_t bit = 0; bit < prefix->length; bit++)
		if ((address[bit / 8] ^ prefix->bytes[bit / 8]) >> (7 - bit % 8) & 1)
			return 0;
	return 1;
}

/* Number of the longest prefix, or -1. */
static int slow_match(const struct prefix *prefixes, int count, const uint8_t *address, uint32_t v6)
{
	int best = -1;

	for (int i = 0; i < count; i++)
		if (prefixes[i].v6 == v6 && begins_with(address, &prefixes[i]) &&
		    (best < 0 || prefixes[i].length > prefixes[best].length))
			best = i;
	return best;
}

static int is_known(const struct prefix *prefixes, int count, const struct prefix *prefix)
{
	for (int i = 0; i < count; i++)
		if (prefixes[i].v6 == prefix->v6 && prefixes[i].length == prefix->length &&
		    !memcmp(prefixes[i].bytes, prefix->bytes, 16))
			return 1;
	return 0;
}

static int make_prefixes(struct prefix *prefixes, int wanted, FILE *file)
{
	int count = 0;

	while (count < wanted) {
		struct prefix *prefix = &prefixes[count];
		char text[INET6_ADDRSTRLEN];

		random_address(prefix->bytes);
		prefix->v6 = (uint32_t)count & 1;
		prefix->length = next_random() % (prefix->v6 ? 129 : 33);
		for (uint32_t bit = prefix->length; bit < 128; bit++)
			prefix->bytes[bit / 8] &= (uint8_t)~(0x80 >> bit % 8);
		if (is_known(prefixes, count, prefix))
			continue;
		inet_ntop(prefix->v6 ? AF_INET6 : AF_INET, prefix->bytes, text, sizeof(text));
		fprintf(file, "%s/%u %d\n", text, prefix->length, 1000 + count);
		count++;
	}
	return count;
}

static void test_lpm(void)
{
	enum { PREFIXES = 600, ADDRESSES = 6000 };
	static struct prefix prefixes[PREFIXES];
	static uint8_t addresses[ADDRESSES][16];
	struct wn_runtime_params params = params_of();
	FILE *file = fopen(path_of("lpm"), "w");
	int count = make_prefixes(prefixes, PREFIXES, file), best;

	fclose(file);
	params.tables[0] = wish("routes", "lpm");
	params.table_count = 1;
	for (uint32_t i = 0; i < ADDRESSES; i++) {
		uint8_t *address = addresses[i];

		random_address(address);
		if (next_random() % 2)
			memcpy(address, prefixes[next_random() % PREFIXES].bytes, 16);
		if (i % 2)
			memcpy(ask('6', 0)->bytes + 16, address, 16);
		else
			ask('4', (uint64_t)address[0] << 24 | (uint64_t)address[1] << 16 |
					 (uint64_t)address[2] << 8 | address[3]);
	}
	run(&params);
	for (uint32_t i = 0; i < ADDRESSES; i++) {
		best = slow_match(prefixes, count, addresses[i], i & 1);
		CHECK_INT(found(i), best >= 0);
		if (best >= 0)
			CHECK_INT(value_of(i), 1000 + best);
	}
	forget();
}

static void test_empty_tables(void)
{
	struct wn_runtime_params params = params_of();

	ask('a', 0);
	ask('h', 0);
	ask('4', 0);
	ask('6', 0);
	run(&params);
	CHECK_INT(found(0) + found(1) + found(2) + found(3), 0);
	forget();
	write_file("empty", "# nothing\n");
	params.tables[0] = wish("slots", "empty");
	params.tables[1] = wish("names", "empty");
	params.tables[2] = wish("routes", "empty");
	params.table_count = 3;
	ask('a', 0);
	ask('h', 0);
	ask('4', 0);
	ask('6', 0);
	run(&params);
	CHECK_INT(found(0) + found(1) + found(2) + found(3), 0);
	forget();
}

static void test_file(void)
{
	struct wn_runtime_params params = params_of();

	write_file("file", "0123456789abcdef");
	params.data = path_of("file");
	ask('l', 0);
	ask('d', 4);
	ask('d', 12);
	ask('c', 8);
	ask('d', 13);         /* the last four bytes begin at 12 */
	ask('d', UINT64_MAX);
	ask('c', 9);
	ask('c', UINT64_MAX - 3);
	run(&params);
	CHECK_INT(value_of(0), 16);
	CHECK_INT(value_of(1), 0x37363534);
	CHECK_INT(value_of(2), 0x66656463);
	CHECK(memcmp(network.taken[3].bytes + 16, "89abcdef", 8) == 0);
	CHECK_INT(counters.answered, 4);
	CHECK_INT(counters.dropped[WN_CAUSE_PROGRAM_FAULT], 4);
	forget();
}

static struct question *ask_cell(char what, uint64_t index, uint32_t first, uint32_t second)
{
	struct question *question = ask(what, index);

	for (int i = 0; i < 4; i++) {
		question->bytes[16 + i] = (uint8_t)(first >> (24 - 8 * i));
		question->bytes[20 + i] = (uint8_t)(second >> (24 - 8 * i));
	}
	return question;
}

static void test_cells(void)
{
	struct wn_runtime_params params = params_of();

	ask_cell('L', 0, 0, 0);                 /* 0: zero at the start */
	ask_cell('S', 99, 7, 0);
	ask_cell('A', 99, UINT32_MAX, 0);       /* 2: held 7 */
	ask_cell('L', 99, 0, 0);                /* 3: now 6 */
	ask_cell('X', 99, 5, 50);               /* 4: held 6, so nothing */
	ask_cell('X', 99, 6, 60);               /* 5: held 6, now 60 */
	ask_cell('L', 99, 0, 0);                /* 6 */
	ask_cell('S', 6, 11, 0)->bytes[1] = 1;  /* the other table */
	ask_cell('L', 6, 0, 0)->bytes[1] = 1;   /* 8 */
	ask_cell('L', 6, 0, 0);                 /* 9: this one is untouched */
	ask_cell('L', 0, 0, 0)->bytes[1] = 1;   /* 10: nor does it begin within the first */
	ask_cell('L', 100, 0, 0);               /* the rest are faults */
	ask_cell('S', 7, 1, 0)->bytes[1] = 1;
	ask_cell('A', UINT64_MAX, 1, 0);
	ask_cell('X', 100, 0, 1);
	ask_cell('W', 0, 0, 0);
	run(&params);
	CHECK_INT(value_of(0), 0);
	CHECK_INT(value_of(2), 7);
	CHECK_INT(value_of(3), 6);
	CHECK_INT(value_of(4), 6);
	CHECK_INT(value_of(5), 6);
	CHECK_INT(value_of(6), 60);
	CHECK_INT(value_of(8), 11);
	CHECK_INT(value_of(9), 0);
	CHECK_INT(value_of(10), 0);
	CHECK_INT(counters.answered, 11);
	CHECK_INT(counters.dropped[WN_CAUSE_PROGRAM_FAULT], 5);
	forget();
}

/* Every lane adds to the same cell: nothing is lost. */
static void test_cells_of_many(void)
{
	enum { ADDS = 20000 };
	struct wn_runtime_params params = params_of();
	uint64_t most = 0;

	for (uint32_t i = 0; i < ADDS; i++)
		ask_cell('A', 5, 1, 0);
	params.device = "cpu,workers=3";
	run(&params);
	for (uint32_t i = 0; i < ADDS; i++)
		most = value_of(i) > most ? value_of(i) : most;
	CHECK_INT(most, ADDS - 1);
	forget();
}

static void test_equal_and_copy(void)
{
	struct wn_runtime_params params = params_of();

	memcpy(ask('e', 8)->bytes + 16, "same....same....", 16);
	memcpy(ask('e', 8)->bytes + 16, "same....samx....", 16);
	memcpy(ask('e', 9)->bytes + 16, "same....same....", 16); /* past the end */
	memcpy(ask('m', 0)->bytes + 16, "abcdefghijklmnop", 16);
	run(&params);
	CHECK_INT(value_of(0), 1);
	CHECK_INT(value_of(1), 0);
	CHECK_INT(counters.dropped[WN_CAUSE_PROGRAM_FAULT], 1);
	CHECK(memcmp(network.taken[2].bytes + 16, "aabcdefghijklmnp", 16) == 0);
	forget();
}

static void test_histograms(void)
{
	struct wn_runtime_params params = params_of();
	struct wn_memory_hooks hooks = {&network, network_next, network_take};
	uint64_t buckets[WN_HISTOGRAM_BUCKETS_LOG2];
	struct wn_runtime *runtime;

	ask('x', 0);
	ask('x', 1);
	ask('x', 255);
	ask('x', 256);
	ask('x', UINT64_MAX);
	network_init(&network, question_count, make);
	params.hooks = &hooks;
	runtime = wn_runtime_create(&params, NULL);
	CHECK(runtime != NULL);
	CHECK_INT(wn_runtime_start(runtime, NULL), 0);
	while (!wn_runtime_wait(runtime, 100))
		continue;
	CHECK_INT(wn_runtime_stop(runtime), 0);
	CHECK_TEXT(wn_runtime_program_histogram(runtime, 0, buckets), "lengths");
	CHECK_INT(buckets[6], 5); /* all are 32 bytes long */
	CHECK_TEXT(wn_runtime_program_histogram(runtime, 1, buckets), "values");
	CHECK_INT(buckets[0], 1);
	CHECK_INT(buckets[1], 1);
	CHECK_INT(buckets[8], 1);
	CHECK_INT(buckets[9], 1);
	CHECK_INT(buckets[64], 1);
	CHECK_TEXT(wn_runtime_program_histogram(runtime, 2, buckets), NULL);
	wn_runtime_destroy(runtime);
	forget();
}

int main(void)
{
	if (!mkdtemp(folder))
		return check_skip_all("no folder for files");
	RUN(test_parameters);
	RUN(test_refusals);
	RUN(test_array);
	RUN(test_hash);
	RUN(test_lpm);
	RUN(test_empty_tables);
	RUN(test_file);
	RUN(test_cells);
	RUN(test_cells_of_many);
	RUN(test_equal_and_copy);
	RUN(test_histograms);
	free(questions);
	for (int i = 0; i < 6; i++) {
		static const char *const names[] = {"array", "hash", "lpm", "empty", "file", "refused"};

		unlink(path_of(names[i]));
	}
	rmdir(folder);
	return check_finish();
}
