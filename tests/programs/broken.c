/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests: does not compile. */
#include <warpnic/program.h>

WN_PROGRAM(broken, WN_ANY, WN_LOOK_NOTHING)
{
	return no_such_name;
}
