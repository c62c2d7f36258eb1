/* SPDX-License-Identifier: Apache-2.0 */
/* Routes from the kernel, where it is not Linux. */
#include "routes.h"

#include <errno.h>

int wn_routes_ask(struct wn_routes *routes, const char *names, struct wn_error *error)
{
	(void)routes;
	return wn_fail(error, ENOTSUP, WN_UNAVAILABLE, "--routes 'kernel:%s': only on Linux; give a file", names);
}
