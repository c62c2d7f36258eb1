/* SPDX-License-Identifier: Apache-2.0 */
/* Capture files that the pcap link does not open, and what it says then. */
#include <errno.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "tests/pcap/session.h"

static void test_missing_file(void)
{
	char path[96], options[96];

	snprintf(path, sizeof(path), "%s/none.pcap", folder);
	check_refused(path, "", ENOENT, WN_NO_INPUT, "No such file");
	/* Where the input is missing no output is made. */
	snprintf(options, sizeof(options), ",write=%s", output);
	unlink(output);
	check_refused(path, options, ENOENT, WN_NO_INPUT, "No such file");
	CHECK(access(output, F_OK) < 0);
}

static void test_unreadable_file(void)
{
	pid_t pid;
	int status = -1;

	if (geteuid())
		SKIP("needs root, to become a user without rights");
	write_file(1);
	chmod(input, 0);
	pid = fork();
	if (!pid) {
		if (setuid(65534))
			_exit(2);
		check_refused(input, "", EACCES, WN_NO_INPUT, "Permission denied");
		_exit(check_failures() != 0);
	}
	CHECK_INT(waitpid(pid, &status, 0), pid);
	CHECK_INT(status, 0);
	chmod(input, 0600);
}

static void test_directory(void)
{
	check_refused(folder, "", EISDIR, WN_NO_INPUT, "Is a directory");
}

static void test_empty_file(void)
{
	write_bytes(input, "", 0);
	check_refused(input, "", ENODATA, WN_NO_INPUT, "empty");
}

static void test_truncated_header(void)
{
	write_file(0);
	CHECK_INT(truncate(input, 12), 0);
	check_refused(input, "", EINVAL, WN_NO_INPUT, "truncated");
}

static void test_wrong_magic(void)
{
	write_bytes(input, "This is not a capture file, whatever its name says.", 51);
	check_refused(input, "", EINVAL, WN_NO_INPUT, "unknown file format");
}

static void test_link_types(void)
{
	struct capture capture;

	CHECK_INT(capture_open(&capture, input, (uint32_t)CAPTURE_NANOSECONDS, 113, 65535, 0), 0);
	CHECK_INT(capture_close(&capture), 0);
	check_refused(input, "", EPROTONOSUPPORT, WN_NO_INPUT, "LINUX_SLL (113)");
	CHECK_INT(capture_open(&capture, input, (uint32_t)CAPTURE_NANOSECONDS, 9999, 65535, 0), 0);
	CHECK_INT(capture_close(&capture), 0);
	check_refused(input, "", EPROTONOSUPPORT, WN_NO_INPUT, "unknown (9999)");
	CHECK_INT(capture_write_ng(input, 1, 60, 101), 0);
	check_refused(input, "", EPROTONOSUPPORT, WN_NO_INPUT, "RAW");
}

static void test_usage(void)
{
	write_file(1);
	check_refused("", "", EINVAL, WN_USAGE, "write=FILE");
	check_refused(input, ",speed=quick", EINVAL, WN_USAGE, "speed=quick");
	check_refused(input, ",speed=0", EINVAL, WN_USAGE, "speed=0");
	check_refused(input, ",speed=2,rate=5", EINVAL, WN_USAGE, "only one");
}

static void test_filter_words(void)
{
	struct wn_link link;
	struct wn_error error;
	char spec[96];

	write_file(1);
	snprintf(spec, sizeof(spec), "pcap:%s", input);
	CHECK(wn_link_open(&link, spec, "tcp prot 5", 0, NULL, &error) < 0);
	CHECK_INT(error.status, WN_USAGE);
	CHECK(strstr(error.text, "tcp prot 5") != NULL);
}

int main(void)
{
	const char *missing = begin();

	if (missing)
		return check_skip_all(missing);
	RUN(test_missing_file);
	RUN(test_unreadable_file);
	RUN(test_directory);
	RUN(test_empty_file);
	RUN(test_truncated_header);
	RUN(test_wrong_magic);
	RUN(test_link_types);
	RUN(test_usage);
	RUN(test_filter_words);
	return finish();
}
