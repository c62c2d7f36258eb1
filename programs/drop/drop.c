/* SPDX-License-Identifier: Apache-2.0 */
/* Drops every packet: what the way itself costs. */
#define WN_SUMMARY "drops every packet"
#include <warpnic/program.h>

WN_PROGRAM(drop, WN_ANY, WN_LOOK_NOTHING)
{
	(void)packet;
	return WN_DROP;
}
