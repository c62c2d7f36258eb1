/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAC_TIME_H
#define MAC_TIME_H
#include <types.h>

struct tm {
	int tm_sec, tm_min, tm_hour, tm_mday, tm_mon, tm_year, tm_wday, tm_yday, tm_isdst;
	long tm_gmtoff;
	char *tm_zone;
};

typedef enum {
	CLOCK_REALTIME = 0,
	CLOCK_MONOTONIC_RAW = 4,
	CLOCK_MONOTONIC = 6,
	CLOCK_PROCESS_CPUTIME_ID = 12,
	CLOCK_THREAD_CPUTIME_ID = 16
} clockid_t;

int clock_gettime(clockid_t clock, struct timespec *time);
int nanosleep(const struct timespec *wait, struct timespec *left);
time_t time(time_t *now);
time_t mktime(struct tm *tm);
time_t timegm(struct tm *tm);
struct tm *gmtime_r(const time_t *time, struct tm *tm);
struct tm *localtime_r(const time_t *time, struct tm *tm);
size_t strftime(char *text, size_t size, const char *format, const struct tm *tm);
char *strptime(const char *text, const char *format, struct tm *tm);

#endif
