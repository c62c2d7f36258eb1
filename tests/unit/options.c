/* SPDX-License-Identifier: Apache-2.0 */
/* The text after --link: every type of option, and every way to get one wrong. */
#include "check.h"

#include <errno.h>

#include "link/options.h"

static const struct wn_option table[] = {
	{.name = "queues", .type = WN_OPTION_NUMBER, .minimum = 1, .maximum = 64, .preset = "2",
	 .help = "how many"},
	{.name = "count", .type = WN_OPTION_NUMBER, .minimum = 0, .maximum = UINT64_MAX,
	 .help = "packets"},
	{.name = "buffer", .type = WN_OPTION_SIZE, .minimum = 4096, .maximum = 1 << 30,
	 .preset = "64k", .help = "bytes"},
	{.name = "full", .type = WN_OPTION_CHOICE, .choices = "drop|wait|w", .preset = "wait",
	 .help = "what a full ring does"},
	{.name = "time", .type = WN_OPTION_CHOICE, .choices = "kernel|pump", .help = "whose clock"},
	{.name = "write", .type = WN_OPTION_TEXT, .help = "a file"},
	{.name = "peer", .type = WN_OPTION_TEXT, .may_repeat = 1, .help = "an address"},
	{.name = NULL},
};

static struct wn_error error;

static int parse(struct wn_options *options, const char *text)
{
	memset(&error, 0, sizeof(error));
	return wn_options_init(options, table, "test", text, &error);
}

/* What is refused must be a usage error that contains `part`. */
static void check_refused(const char *text, const char *part)
{
	struct wn_options options;

	if (!CHECK_INT(parse(&options, text), -EINVAL) || !CHECK_INT(error.status, WN_USAGE) ||
	    !CHECK(strstr(error.text, part) != NULL))
		printf("# \"%s\" gave \"%s\", expected \"%s\"\n", text, error.text, part);
	wn_options_finish(&options);
}

static void test_presets(void)
{
	struct wn_options options;

	CHECK_INT(parse(&options, "here"), 0);
	CHECK_TEXT(options.address, "here");
	CHECK_INT(wn_options_number(&options, "queues"), 2);
	CHECK_TEXT(wn_options_text(&options, "queues"), "2");
	CHECK_INT(wn_options_given(&options, "queues"), 0);
	CHECK_INT(wn_options_number(&options, "count"), 0);
	CHECK_INT(wn_options_number(&options, "buffer"), 65536);
	CHECK_INT(wn_options_number(&options, "full"), 1);
	CHECK_TEXT(wn_options_text(&options, "write"), "");
	CHECK_INT(options.repeated_count, 0);
	CHECK_TEXT(error.text, "");
	wn_options_finish(&options);
}

static void test_every_type(void)
{
	struct wn_options options;

	CHECK_INT(parse(&options, "[::1]:53,queues=64,count=3M,buffer=1m,full=w,write=a=b.pcap,time=pump"),
		  0);
	CHECK_TEXT(options.address, "[::1]:53");
	CHECK_INT(wn_options_number(&options, "queues"), 64);
	CHECK_INT(wn_options_given(&options, "queues"), 1);
	CHECK_INT(wn_options_number(&options, "count"), 3000000);
	CHECK_INT(wn_options_number(&options, "buffer"), 1 << 20);
	CHECK_INT(wn_options_number(&options, "full"), 2);
	CHECK_INT(wn_options_number(&options, "time"), 1);
	CHECK_TEXT(wn_options_text(&options, "write"), "a=b.pcap");
	CHECK_TEXT(wn_options_text(&options, "full"), "w");
	wn_options_finish(&options);
}

static void test_addresses(void)
{
	struct wn_options options;

	CHECK_INT(parse(&options, ""), 0);
	CHECK_TEXT(options.address, "");
	wn_options_finish(&options);
	CHECK_INT(parse(&options, ",queues=3"), 0);
	CHECK_TEXT(options.address, "");
	CHECK_INT(wn_options_number(&options, "queues"), 3);
	wn_options_finish(&options);
	CHECK_INT(wn_options_init(&options, NULL, "bare", "x", &error), 0);
	CHECK_TEXT(options.address, "x");
	wn_options_finish(&options);
	CHECK_INT(wn_options_init(&options, NULL, "bare", "x,y=1", &error), -EINVAL);
	CHECK(strstr(error.text, "none") != NULL);
	wn_options_finish(&options);
}

static void test_repeated_texts(void)
{
	struct wn_options options;
	char text[512] = "x";

	CHECK_INT(parse(&options, "x,peer=a,write=f,peer=b,peer="), 0);
	CHECK_INT(options.repeated_count, 3);
	CHECK_TEXT(options.repeated[0].text, "a");
	CHECK_TEXT(options.repeated[1].text, "b");
	CHECK_TEXT(options.repeated[2].text, "");
	CHECK(options.repeated[0].option == &table[6]);
	wn_options_finish(&options);

	for (int i = 0; i < WN_OPTION_VALUES_MAX; i++)
		strcat(text, ",peer=p");
	CHECK_INT(parse(&options, text), 0);
	CHECK_INT(options.repeated_count, WN_OPTION_VALUES_MAX);
	wn_options_finish(&options);
	check_refused(strcat(text, ",peer=q"), "more than 16 times");
}

static void test_unknown_option_names_the_known(void)
{
	check_refused("x,quues=3", "quues");
	check_refused("x,quues=3", "queues, count, buffer, full, time, write, peer");
	check_refused("x,queue=3", "'queue=3'");
	check_refused("x,queuess=3", "queuess");
	check_refused("x,=3", "unknown");
	check_refused("x,QUEUES=3", "unknown");
}

static void test_an_empty_option_is_named_as_empty(void)
{
	check_refused("x,", "option 1 is empty");
	check_refused("x,,queues=3", "option 1 is empty");
	check_refused("x,queues=3,", "option 2 is empty");
	check_refused("x,queues=3,,count=2", "option 2 is empty");
	check_refused("x,", "it has: queues, count");
}

/* A comma or a backslash in a name: "\," and "\\". */
static void test_escapes(void)
{
	static const struct {
		const char *text, *address, *write;
	} cases[] = {
		{"a\\,b.pcap,write=c", "a,b.pcap", "c"},
		{"\\,", ",", ""},
		{"a,write=\\,x\\,\\,", "a", ",x,,"},
		{"a\\\\,write=b\\\\", "a\\", "b\\"},
		{"a\\\\\\,b", "a\\,b", ""},
		{"a\\b,write=c\\d\\", "a\\b", "c\\d\\"},
		{"\\\\\\\\,write=", "\\\\", ""},
	};
	struct wn_options options;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		CHECK_INT(parse(&options, cases[i].text), 0);
		CHECK_TEXT(options.address, cases[i].address);
		CHECK_TEXT(wn_options_text(&options, "write"), cases[i].write);
		wn_options_finish(&options);
	}
	CHECK_INT(parse(&options, "x,peer=a\\,b,queues=3,peer=c"), 0);
	CHECK_INT(options.repeated_count, 2);
	CHECK_TEXT(options.repeated[0].text, "a,b");
	CHECK_INT(wn_options_number(&options, "queues"), 3);
	wn_options_finish(&options);
	check_refused("x,write=a\\,queues=2,write=b", "given twice");
}

static void test_wrong_values(void)
{
	check_refused("x,queues=0", "queues=0: must be a number from 1 to 64");
	check_refused("x,queues=65", "from 1 to 64");
	check_refused("x,queues=-1", "queues=-1");
	check_refused("x,queues=", "queues=:");
	check_refused("x,queues=two", "queues=two");
	check_refused("x,queues=1.5", "1.5");
	check_refused("x,buffer=4095", "from 4096 to 1073741824");
	check_refused("x,buffer=2g", "from 4096");
	check_refused("x,full=", "one of drop|wait|w");
	check_refused("x,full=wai", "one of drop|wait|w");
	check_refused("x,full=waits", "one of drop|wait|w");
	check_refused("x,full=drop|wait", "one of drop|wait|w");
	check_refused("x,queues", "needs a value");
	check_refused("x,queues=3,queues=3", "given twice");
	check_refused("x,write=a,write=b", "given twice");
}

static void test_numbers(void)
{
	static const struct {
		const char *text;
		uint64_t decimal, binary;
	} good[] = {
		{"0", 0, 0},
		{"1", 1, 1},
		{"10k", 10000, 10240},
		{"10K", 10000, 10240},
		{"3m", 3000000, 3 << 20},
		{"3M", 3000000, 3 << 20},
		{"2g", 2000000000, UINT64_C(2) << 30},
		{"2G", 2000000000, UINT64_C(2) << 30},
		{"18446744073709551615", UINT64_MAX, UINT64_MAX},
	};
	static const char *const bad[] = {
		"", " 1", "1 ", "+1", "-1", "k", "1kk", "1kb", "1t", "1,0", "0x", "x1",
		"18446744073709551616", "99999999999999999999999", "18446744073709551615k",
		"20000000000g",
	};
	uint64_t number;

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		CHECK_INT(wn_parse_number(good[i].text, 0, &number), 0);
		CHECK(number == good[i].decimal);
		CHECK_INT(wn_parse_number(good[i].text, 1, &number), 0);
		CHECK(number == good[i].binary);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (!CHECK_INT(wn_parse_number(bad[i], 1, &number), -EINVAL))
			printf("# \"%s\"\n", bad[i]);
}

/* A leading zero is not a reason to count in eights. */
static void test_numbers_are_decimal(void)
{
	uint64_t number = 0;

	CHECK_INT(wn_parse_number("010", 0, &number), 0);
	CHECK_INT(number, 10);
	CHECK_INT(wn_parse_number("09", 0, &number), 0);
	CHECK_INT(number, 9);
}

static void test_a_long_error_is_cut(void)
{
	char text[5000];

	memset(text, 'a', sizeof(text));
	text[1] = ',';
	text[sizeof(text) - 1] = '\0';
	check_refused(text, "unknown option");
	CHECK(strlen(error.text) < sizeof(error.text));
}

int main(void)
{
	RUN(test_presets);
	RUN(test_every_type);
	RUN(test_addresses);
	RUN(test_repeated_texts);
	RUN(test_unknown_option_names_the_known);
	RUN(test_an_empty_option_is_named_as_empty);
	RUN(test_escapes);
	RUN(test_wrong_values);
	RUN(test_numbers);
	RUN(test_numbers_are_decimal);
	RUN(test_a_long_error_is_cut);
	return check_finish();
}
