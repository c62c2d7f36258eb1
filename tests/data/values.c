/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables whose values have a size: what a text file says comes back part by part, through a handle, and no
 * handle leads out of the tables.
 */
#define ASKED "values"
#include "data/table.h"
#include "tests/data/questions.h"

/* `how`: '1', '2', '4', '8' bytes from `from` on, 'c' copies `count`, 'n' shows the handle. */
static struct question *ask_part(char what, uint64_t key, char how, uint32_t from, uint32_t count)
{
	struct question *question = ask(what, key);

	question->bytes[1] = (uint8_t)how;
	question->bytes[2] = (uint8_t)(from >> 8);
	question->bytes[3] = (uint8_t)from;
	question->bytes[4] = (uint8_t)count;
	return question;
}

static uint32_t size_of(uint32_t i)
{
	return (uint32_t)network.taken[i].bytes[6] << 8 | network.taken[i].bytes[7];
}

static uint64_t faults(void)
{
	return counters.dropped[WN_CAUSE_PROGRAM_FAULT];
}

static void test_forms(void)
{
	struct wn_runtime_params params = params_of();

	write_file("names", "1  1u8 2u8 0x0304u16 0x05060708u32 9 10u64 # every width\n"
			   "2  192.0.2.1 02:00:5e:00:53:Ff xaAbb 0xcu32 18446744073709551615\n"
			   "0xffffffffffffffff x000102030405060708090a0b0c0d0e0f1011121314151617\n");
	params.tables[0] = wish("names", "names");
	params.table_count = 1;
	ask_part('h', 1, '8', 0, 0);
	ask_part('h', 1, '8', 8, 0);
	ask_part('h', 1, '8', 16, 0);
	ask_part('h', 2, '8', 0, 0);
	ask_part('h', 2, '4', 8, 0);
	ask_part('h', 2, '4', 12, 0);
	ask_part('h', 2, '8', 16, 0);
	ask_part('h', UINT64_MAX, '1', 23, 0);
	ask_part('h', UINT64_MAX, '2', 22, 0);
	ask_part('h', UINT64_MAX, 'c', 5, 16);
	ask_part('h', 3, '8', 0, 0);
	run(&params);
	CHECK(value_of(0) == UINT64_C(0x0102030405060708));
	CHECK_INT(value_of(1), 9);
	CHECK_INT(value_of(2), 10);
	CHECK(value_of(3) == UINT64_C(0xc000020102005e00));
	CHECK_INT(value_of(4), 0x53ffaabb);
	CHECK_INT(value_of(5), 12);
	CHECK(value_of(6) == UINT64_MAX);
	CHECK_INT(value_of(7), 0x17);
	CHECK_INT(value_of(8), 0x1617);
	for (uint32_t i = 0; i < 16; i++)
		CHECK_INT(network.taken[9].bytes[16 + i], 5 + i);
	CHECK_INT(size_of(0), 24);
	CHECK_INT(found(10) + size_of(10), 0);
	CHECK_INT(faults(), 0);
	forget();
}

/* Where a part is not all within the value, or not at a multiple of its size. */
static void test_outside(void)
{
	struct wn_runtime_params params = params_of();

	write_file("slots", "0 x010203040506\n2 1u16 2u16 3u16\n");
	params.tables[0] = wish("slots", "slots");
	params.table_count = 1;
	ask_part('a', 0, '1', 5, 0);
	ask_part('a', 0, '2', 4, 0);
	ask_part('a', 0, '4', 0, 0);
	ask_part('a', 1, '2', 0, 0);       /* named by no line: zeros */
	ask_part('a', 2, '2', 4, 0);
	ask_part('a', 0, 'c', 6, 0);
	ask_part('a', 3, '2', 0, 0);       /* 6: there is none, so no fault */
	ask_part('a', 0, '1', 6, 0);       /* 7: faults from here on */
	ask_part('a', 0, '1', 65535, 0);
	ask_part('a', 0, '2', 5, 0);
	ask_part('a', 0, '2', 1, 0);
	ask_part('a', 0, '4', 4, 0);
	ask_part('a', 0, '4', 2, 0);
	ask_part('a', 0, '8', 0, 0);
	ask_part('a', 0, 'c', 0, 7);
	ask_part('a', 0, 'c', 6, 1);
	run(&params);
	CHECK_INT(value_of(0), 6);
	CHECK_INT(value_of(1), 0x0506);
	CHECK_INT(value_of(2), 0x01020304);
	CHECK_INT(value_of(3), 0);
	CHECK_INT(found(3), 1);
	CHECK_INT(value_of(4), 3);
	CHECK_INT(found(6), 0);
	CHECK_INT(counters.answered, 7);
	CHECK_INT(faults(), 9);
	forget();
}

/* The store of this one holds three values of 8 bytes' room. */
static void test_made_up_handles(void)
{
	struct wn_runtime_params params = params_of();

	write_file("slots", "0 x010203040506\n1 x111213141516\n2 x212223242526\n");
	params.tables[0] = wish("slots", "slots");
	params.table_count = 1;
	ask_part('!', UINT64_C(2) << 16 | 8, '8', 0, 0);    /* the last word there is */
	ask_part('!', UINT64_C(3) << 16 | 8, '8', 0, 0);    /* behind it */
	ask_part('!', UINT64_C(2) << 16 | 9, '1', 0, 0);    /* says it is longer */
	ask_part('!', 65535, '1', 65534, 0);
	ask_part('!', UINT64_MAX, '1', 0, 0);
	ask_part('!', UINT64_MAX - 65535 + 1, '1', 0, 0);
	ask_part('!', UINT64_C(1) << 63 | 1, '1', 0, 0);
	ask_part('!', 0, '1', 0, 0);                        /* a value of no bytes */
	run(&params);
	CHECK(value_of(0) == UINT64_C(0x2122232425260000));
	CHECK_INT(counters.answered, 1);
	CHECK_INT(faults(), 7);
	network_finish(&network);
	params.table_count = 0;                             /* and where there is no table at all */
	run(&params);
	CHECK_INT(counters.answered, 0);
	CHECK_INT(faults(), 8);
	forget();
}

static void test_prefixes(void)
{
	struct wn_runtime_params params = params_of();

	write_file("routes", "10.0.0.0/8 x00 192.0.2.1 02:00:00:00:00:01 80u16\n"
			    "10.1.0.0/16 1u8 192.0.2.2 02:00:00:00:00:02 81u16\n"
			    "2001:db8::/32 2u8 192.0.2.3 02:00:00:00:00:03 82u16\n");
	params.tables[0] = wish("routes", "routes");
	params.table_count = 1;
	ask_part('4', 0x0a020304, 'c', 5, 6);
	ask_part('4', 0x0a010304, 'c', 1, 4);
	ask_part('4', 0x0b000000, '1', 0, 0);
	memcpy(ask_part('6', 0, '1', 0, 0)->bytes + 16, "\x20\x01\x0d\xb8", 4);
	run(&params);
	CHECK(memcmp(network.taken[0].bytes + 16, "\x02\0\0\0\0\x01", 6) == 0);
	CHECK(memcmp(network.taken[1].bytes + 16, "\xc0\0\x02\x02", 4) == 0);
	CHECK_INT(found(2), 0);
	CHECK_INT(value_of(3), 2);
	CHECK_INT(size_of(3), 13);
	forget();
}

/* Many keys, beside tables of other sizes and one of plain numbers. */
static void test_many(void)
{
	enum { KEYS = 5000 };
	struct wn_runtime_params params = params_of();
	FILE *file = fopen(path_of("names"), "w");

	for (uint32_t i = 0; i < KEYS; i++)
		fprintf(file, "%llu %u %u %uu32 x01020304\n", (unsigned long long)i << 32, i, 2 * i, 3 * i);
	fclose(file);
	file = fopen(path_of("long"), "w");
	fprintf(file, "1 ");
	for (uint32_t i = 0; i < 512; i++)
		fprintf(file, " %u", 1000 + i);
	fprintf(file, "\n");
	fclose(file);
	write_file("plain", "5 77\n");
	write_file("short", "5 7u8\n6 0xffu8\n");
	params.tables[0] = wish("long_ones", "long");
	params.tables[1] = wish("names", "names");
	params.tables[2] = wish("plain", "plain");
	params.tables[3] = wish("short_ones", "short");
	params.table_count = 4;
	for (uint32_t i = 0; i < KEYS; i++)
		ask_part('h', (uint64_t)i << 32, i % 2 ? '8' : '4', i % 2 ? 8 : 16, 0);
	ask_part('p', 5, 'n', 0, 0);
	ask_part('l', 1, '8', 4088, 0);
	ask_part('s', 6, '1', 0, 0);
	ask_part('l', 1, '8', 4096, 0);
	ask_part('s', 6, '1', 1, 0);
	run(&params);
	for (uint32_t i = 0; i < KEYS; i++) {
		CHECK_INT(found(i), 1);
		CHECK_INT(value_of(i), i % 2 ? 2 * i : 3 * i);
	}
	CHECK_INT(value_of(KEYS), 77);
	CHECK_INT(value_of(KEYS + 1), 1511);
	CHECK_INT(size_of(KEYS + 1), 4096);
	CHECK_INT(value_of(KEYS + 2), 255);
	CHECK_INT(faults(), 2);
	forget();
}

/* Read and laid out as the runtime does, without a program. */
static void refused_lines(enum wn_table_kind kind, uint32_t value_bytes, const char *lines, const char *words)
{
	struct wn_error error = {0};
	struct wn_entries entries;
	struct wn_store store = {0};
	struct wn_table table;
	int rc;

	write_file("refused", lines);
	rc = wn_entries_read(&entries, kind, value_bytes, path_of("refused"), &error);
	if (!rc)
		rc = wn_table_build(&table, &store, kind, &entries, path_of("refused"), &error);
	CHECK(rc < 0);
	CHECK_INT(error.status, WN_FAILED);
	if (!CHECK(strstr(error.text, words) != NULL))
		printf("# '%s' is not in: %s\n", words, error.text);
	wn_entries_finish(&entries);
	free(store.bytes);
}

static void test_refusals(void)
{
	static const struct {
		enum wn_table_kind kind;
		uint32_t value_bytes;
		const char *lines, *words;
	} rows[] = {
		{WN_TABLE_array, 6, "0 x010203040506\n1 7\n",
		 "refused:2: the value has 8 bytes; this table's have 6"},
		{WN_TABLE_array, 6, "0 x0102030405 7u8 8u8\n", "refused:1: the value has 7 bytes"},
		{WN_TABLE_array, 6, "# none\n0\n", "refused:2: the value has 0 bytes"},
		{WN_TABLE_array, 6, "0 256u8 1u8 1u32\n", "refused:1: '256u8' is no part of a value"},
		{WN_TABLE_array, 6, "0 1u9\n", "'1u9' is no part"},
		{WN_TABLE_array, 6, "0 -1\n", "'-1' is no part"},
		{WN_TABLE_array, 6, "0 x123\n", "'x123' is no part"},
		{WN_TABLE_array, 6, "0 x\n", "'x' is no part"},
		{WN_TABLE_array, 6, "0 01:2:03\n", "'01:2:03' is no part"},
		{WN_TABLE_array, 6, "0 01:02:\n", "'01:02:' is no part"},
		{WN_TABLE_array, 6, "0 1.2.3\n", "'1.2.3' is no part"},
		{WN_TABLE_array, 6, "0 x010203040506\n0 x010203040506\n", "refused:2: given twice"},
		{WN_TABLE_hash, 24, "y 1 2 3\n", "refused:1: the key is not a number"},
		{WN_TABLE_array, 4096, "600000 1\n", "refused:1: the value has 8 bytes"},
		{WN_TABLE_array, 6, "268435457 x010203040506\n", "refused:1: the index is above 268435456"},
		{WN_TABLE_array, 17, "89478486 x0102030405060708090a0b0c0d0e0f1011\n",
		 "refused:1: the index is above 89478485"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		refused_lines(rows[i].kind, rows[i].value_bytes, rows[i].lines, rows[i].words);
}

int main(void)
{
	static const char *const names[] = {"names", "slots", "routes", "long", "plain", "short", "refused"};

	if (!mkdtemp(folder))
		return check_skip_all("no folder for files");
	RUN(test_forms);
	RUN(test_outside);
	RUN(test_made_up_handles);
	RUN(test_prefixes);
	RUN(test_many);
	RUN(test_refusals);
	free(questions);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlink(path_of(names[i]));
	rmdir(folder);
	return check_finish();
}
