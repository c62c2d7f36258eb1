/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
int _NSGetExecutablePath(char *path, uint32_t *size);
