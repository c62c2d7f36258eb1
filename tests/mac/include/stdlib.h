/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAC_STDLIB_H
#define MAC_STDLIB_H
#include <types.h>

#define EXIT_SUCCESS 0
#define EXIT_FAILURE 1
#define RAND_MAX 0x7fffffff

void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void *realloc(void *memory, size_t size);
void *aligned_alloc(size_t alignment, size_t size);
int posix_memalign(void **memory, size_t alignment, size_t size);
void free(void *memory);
__attribute__((noreturn)) void abort(void);
__attribute__((noreturn)) void exit(int status);
int atexit(void (*function)(void));
int abs(int value);
int atoi(const char *text);
long atol(const char *text);
double atof(const char *text);
long strtol(const char *text, char **end, int base);
unsigned long strtoul(const char *text, char **end, int base);
long long strtoll(const char *text, char **end, int base);
unsigned long long strtoull(const char *text, char **end, int base);
double strtod(const char *text, char **end);
float strtof(const char *text, char **end);
char *getenv(const char *name);
int setenv(const char *name, const char *value, int replace);
int unsetenv(const char *name);
void qsort(void *base, size_t count, size_t size, int (*compare)(const void *, const void *));
void *bsearch(const void *key, const void *base, size_t count, size_t size, int (*compare)(const void *, const void *));
char *realpath(const char *path, char *resolved);
char *mkdtemp(char *path);
int mkstemp(char *path);
int system(const char *command);
int getloadavg(double *loads, int count);

#endif
