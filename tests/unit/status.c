/* SPDX-License-Identifier: Apache-2.0 */
/* wn_fail: what it returns, what it writes, what it cuts. */
#include "check.h"

#include <errno.h>

#include "warpnic/status.h"

static void test_fills_and_returns(void)
{
	struct wn_error error = {0};

	CHECK_INT(wn_fail(&error, ENOENT, WN_NO_INPUT, "%s: %d", "in.pcap", 7), -ENOENT);
	CHECK_INT(error.status, WN_NO_INPUT);
	CHECK_TEXT(error.text, "in.pcap: 7");
	CHECK_INT(wn_fail(&error, EPERM, WN_UNAVAILABLE, "later"), -EPERM);
	CHECK_INT(error.status, WN_UNAVAILABLE);
	CHECK_TEXT(error.text, "later");
}

static void test_without_an_error(void)
{
	CHECK_INT(wn_fail(NULL, EINVAL, WN_USAGE, "%s", "nobody listens"), -EINVAL);
}

static void test_cuts_what_is_too_long(void)
{
	struct wn_error error;
	char text[3 * sizeof(error.text)];

	memset(&error, 'x', sizeof(error));
	memset(text, 'y', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	CHECK_INT(wn_fail(&error, EINVAL, WN_USAGE, "%s", text), -EINVAL);
	CHECK_INT(strlen(error.text), sizeof(error.text) - 1);
	CHECK_INT(error.text[0], 'y');
}

/* Scripts rely on these numbers. */
static void test_exit_statuses(void)
{
	CHECK_INT(WN_OK, 0);
	CHECK_INT(WN_FAILED, 1);
	CHECK_INT(WN_USAGE, 2);
	CHECK_INT(WN_NO_INPUT, 66);
	CHECK_INT(WN_UNAVAILABLE, 69);
}

int main(void)
{
	RUN(test_fills_and_returns);
	RUN(test_without_an_error);
	RUN(test_cuts_what_is_too_long);
	RUN(test_exit_statuses);
	return check_finish();
}
