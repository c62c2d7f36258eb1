/* SPDX-License-Identifier: Apache-2.0 */
#ifdef NDEBUG
#define assert(expression) ((void)0)
#else
__attribute__((noreturn)) void __assert_rtn(const char *function, const char *file, int line, const char *expression);
#define assert(expression) ((expression) ? (void)0 : __assert_rtn(__func__, __FILE__, __LINE__, #expression))
#endif
#define static_assert _Static_assert
