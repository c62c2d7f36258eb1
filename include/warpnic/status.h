/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How calls of this library fail.
 *
 * Set-up calls return 0 or a negative errno and, where they take one, fill a struct wn_error: one
 * line that names what was asked, what is wrong and what would be right, and the exit status a
 * command should end with.
 */
#ifndef WARPNIC_STATUS_H
#define WARPNIC_STATUS_H

/* What the library exports; everything else is hidden. */
#if defined(__GNUC__) || defined(__clang__)
#define WN_API __attribute__((visibility("default")))
#else
#define WN_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Exit statuses, after sysexits.h where it has one. */
enum wn_status {
	WN_OK = 0,
	WN_FAILED = 1,
	WN_USAGE = 2,        /* unknown program, link kind, option or value */
	WN_NO_INPUT = 66,    /* a file that should be read is missing or unreadable */
	WN_UNAVAILABLE = 69  /* no such device or interface, or no permission */
};

struct wn_error {
	enum wn_status status;
	char text[1024];     /* UTF-8, no newline at the end, "" while there is no error */
};

/*
 * Fills `error` (may be NULL) and returns -code, so that a caller can write
 * `return wn_fail(error, EINVAL, WN_USAGE, "...")`. Any thread.
 */
#if defined(__GNUC__) || defined(__clang__)
__attribute__((format(printf, 4, 5)))
#endif
WN_API int wn_fail(struct wn_error *error, int code, enum wn_status status, const char *format, ...);

#ifdef __cplusplus
}
#endif

#endif
