/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAC_SYS_RESOURCE_H
#define MAC_SYS_RESOURCE_H
#include <types.h>

typedef uint64_t rlim_t;
struct rlimit {
	rlim_t rlim_cur, rlim_max;
};
struct rusage {
	struct timeval ru_utime, ru_stime;
	long ru_maxrss, ru_ixrss, ru_idrss, ru_isrss, ru_minflt, ru_majflt, ru_nswap, ru_inblock, ru_oublock;
	long ru_msgsnd, ru_msgrcv, ru_nsignals, ru_nvcsw, ru_nivcsw;
};

#define RUSAGE_SELF 0
#define RUSAGE_CHILDREN (-1)
#define RLIM_INFINITY (((uint64_t)1 << 63) - 1)
#define RLIMIT_MEMLOCK 6
#define RLIMIT_NOFILE 8

int getrusage(int who, struct rusage *usage);
int getrlimit(int resource, struct rlimit *limit);
int setrlimit(int resource, const struct rlimit *limit);

#endif
