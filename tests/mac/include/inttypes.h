/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAC_INTTYPES_H
#define MAC_INTTYPES_H
#include <stdint.h>
#define PRIu32 "u"
#define PRId32 "d"
#define PRIx32 "x"
#define PRIu64 "llu"
#define PRId64 "lld"
#define PRIx64 "llx"
#define PRIX64 "llX"
#define PRIdMAX "jd"
#define PRIuMAX "ju"
#define SCNu64 "llu"
#define SCNd64 "lld"
#define SCNx64 "llx"
#endif
