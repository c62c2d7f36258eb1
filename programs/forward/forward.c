/* SPDX-License-Identifier: Apache-2.0 */
/* Sends every packet out of the next link: two links become a wire. */
#define WN_SUMMARY "sends every packet out of the next link"
#include <warpnic/program.h>

WN_PROGRAM(forward, WN_ANY, WN_LOOK_NOTHING)
{
	(void)packet;
	return WN_FORWARD;
}
