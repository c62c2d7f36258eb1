/* SPDX-License-Identifier: Apache-2.0 */
#include "warpnic/status.h"

#include <stdarg.h>
#include <stdio.h>

int wn_fail(struct wn_error *error, int code, enum wn_status status, const char *format, ...)
{
	va_list arguments;

	if (error) {
		error->status = status;
		va_start(arguments, format);
		vsnprintf(error->text, sizeof(error->text), format, arguments);
		va_end(arguments);
	}
	return -code;
}
