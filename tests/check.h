/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests that print TAP, with nothing but the C library.
 *
 *     static void test_sum(void)
 *     {
 *             CHECK_INT(1 + 1, 2);
 *     }
 *
 *     int main(void)
 *     {
 *             RUN(test_sum);
 *             return check_finish();
 *     }
 *
 * A check that fails prints where and with which values, marks the test failed, and goes on. Checks
 * may be made by any thread of a test, as long as they are joined before it returns. After fork()
 * the child's failures are its own: end it with `_exit(check_failures() != 0)` and check its status.
 *
 *   CHECK(condition)               the condition holds
 *   CHECK_INT(actual, expected)    equal as intmax_t
 *   CHECK_TEXT(actual, expected)   equal strings; NULL equals only NULL
 *   SKIP(reason)                   ends the test, which counts as skipped with this reason
 *   check_skip_all(reason)         `return check_skip_all("...")` in main: nothing can be tested
 */
#ifndef WN_TESTS_CHECK_H
#define WN_TESTS_CHECK_H

#include <inttypes.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define CHECK(condition) check_that(!!(condition), __FILE__, __LINE__, #condition)
#define CHECK_INT(actual, expected)                                                                \
	check_int((intmax_t)(actual), (intmax_t)(expected), __FILE__, __LINE__, #actual)
#define CHECK_TEXT(actual, expected) check_text(actual, expected, __FILE__, __LINE__, #actual)
#define RUN(test) check_run(test, #test)
#define SKIP(reason)                                                                               \
	do {                                                                                       \
		check_state.skipped = (reason);                                                    \
		return;                                                                            \
	} while (0)

static struct {
	pthread_mutex_t lock;   /* guards failures */
	int failures;           /* of the test that runs */
	int tests, tests_failed;
	const char *skipped;
} check_state = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* Failures of the running test so far. */
static inline int check_failures(void)
{
	int failures;

	pthread_mutex_lock(&check_state.lock);
	failures = check_state.failures;
	pthread_mutex_unlock(&check_state.lock);
	return failures;
}

static inline void check_failed(const char *file, int line, const char *what)
{
	pthread_mutex_lock(&check_state.lock);
	check_state.failures++;
	printf("# %s:%d: %s\n", file, line, what);
	fflush(stdout);
	pthread_mutex_unlock(&check_state.lock);
}

static inline int check_that(int holds, const char *file, int line, const char *condition)
{
	if (!holds)
		check_failed(file, line, condition);
	return holds;
}

static inline int check_int(intmax_t actual, intmax_t expected, const char *file, int line,
			    const char *expression)
{
	char text[512];

	if (actual == expected)
		return 1;
	snprintf(text, sizeof(text), "%s is %" PRIdMAX ", expected %" PRIdMAX, expression, actual,
		 expected);
	check_failed(file, line, text);
	return 0;
}

static inline int check_text(const char *actual, const char *expected, const char *file, int line,
			     const char *expression)
{
	char text[2048];

	if (actual == expected || (actual && expected && !strcmp(actual, expected)))
		return 1;
	snprintf(text, sizeof(text), "%s is \"%s\", expected \"%s\"", expression,
		 actual ? actual : "(null)", expected ? expected : "(null)");
	check_failed(file, line, text);
	return 0;
}

static inline void check_run(void (*test)(void), const char *name)
{
	int failures;

	check_state.failures = 0;
	check_state.skipped = NULL;
	test();
	failures = check_failures();
	check_state.tests++;
	check_state.tests_failed += failures > 0;
	printf("%s %d - %s", failures ? "not ok" : "ok", check_state.tests, name);
	if (check_state.skipped && !failures)
		printf(" # SKIP %s", check_state.skipped);
	printf("\n");
	fflush(stdout);
}

/* Prints the plan. Returns the exit status: 0, or 1 where a test failed. */
static inline int check_finish(void)
{
	printf("1..%d\n", check_state.tests);
	fflush(stdout);
	return check_state.tests_failed > 0;
}

/* TAP's word for a program without tests; meson shows it as skipped. */
static inline int check_skip_all(const char *reason)
{
	printf("1..0 # SKIP %s\n", reason);
	fflush(stdout);
	return 0;
}

#endif
