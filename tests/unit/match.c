/* SPDX-License-Identifier: Apache-2.0 */
/* Two runs side by side: the same where they are, and the first difference named where they are not. */
#include <string.h>

#include "tests/check.h"
#include "tool/match.h"

static struct wn_match_outcome a, b;

static const struct wn_match_program echo = {.name = "echo", .shape = WN_MATCH_STACKED, .packets = 300};
static const struct wn_match_program capture = {.name = "capture", .shape = WN_MATCH_FRAMES, .packets = 300};

static void run_twice(const struct wn_match_program *program)
{
	struct wn_error error = {0};

	CHECK_INT(wn_match_run(program, "", "cpu", WN_MODE_BATCH, &a, NULL, &error), 0);
	CHECK_INT(wn_match_run(program, "", "cpu,workers=1", WN_MODE_RESIDENT, &b, NULL, &error), 0);
	CHECK_TEXT(error.text, "");
}

static int differs(const char *words)
{
	char text[256] = "";
	const int does = wn_match_compare(&a, &b, text, sizeof(text));

	if (does && !strstr(text, words))
		printf("# %s\n", text);
	return does && strstr(text, words) != NULL;
}

static void test_same(void)
{
	char text[256];

	run_twice(&echo);
	CHECK(a.sent.count > 20 && a.counters.answered > 20);
	CHECK_INT(wn_match_compare(&a, &b, text, sizeof(text)), 0);
	run_twice(&capture);
	CHECK(a.delivered.count > 200);
	CHECK_INT(wn_match_compare(&a, &b, text, sizeof(text)), 0);
}

static void test_byte(void)
{
	run_twice(&echo);
	b.sent.events[b.sent.bytes - 1] ^= 1;
	CHECK(differs("sent: kind 1"));
	run_twice(&capture);
	b.delivered.events[13] ^= 128;
	CHECK(differs("byte 1 of"));
}

static void test_order(void)
{
	uint32_t head[3];

	run_twice(&echo);
	memcpy(head, b.sent.events, sizeof(head));
	head[1]++;
	memcpy(b.sent.events, head, sizeof(head));
	CHECK(differs("sent: on the cpu kind 1 of packet"));
}

static void test_lost(void)
{
	run_twice(&capture);
	b.delivered.bytes = 0;
	b.delivered.count = 0;
	CHECK(differs("delivered: "));
}

static void test_counts(void)
{
	run_twice(&echo);
	b.counters.received--;
	CHECK(differs("received: 300 on the cpu, 299 here"));
	b.counters.received++;
	b.counters.dropped[WN_CAUSE_PROGRAM]++;
	CHECK(differs(wn_cause_name(WN_CAUSE_PROGRAM)));
	b.counters.dropped[WN_CAUSE_PROGRAM]--;
	a.program_count = b.program_count = 1;
	a.program[0] = b.program[0] + 1;
	CHECK(differs("counter 0"));
	wn_match_finish(&a);
	wn_match_finish(&b);
}

static void test_refused(void)
{
	const struct wn_match_program none = {.name = "no-such-program", .packets = 1};
	struct wn_error error = {0};

	CHECK(wn_match_run(&none, "", "cpu", WN_MODE_AUTO, &a, NULL, &error) < 0);
	CHECK(strstr(error.text, "no-such-program") != NULL);
}

int main(void)
{
	RUN(test_same);
	RUN(test_byte);
	RUN(test_order);
	RUN(test_lost);
	RUN(test_counts);
	RUN(test_refused);
	return check_finish();
}
