/* SPDX-License-Identifier: Apache-2.0 */
/* Delivers every packet to the host: with -w and filter words, a small tcpdump. */
#define WN_SUMMARY "delivers every packet to the host, for a capture file (-w)"
#include <warpnic/program.h>

WN_PROGRAM(capture, WN_ANY, WN_LOOK_NOTHING)
{
	(void)packet;
	return WN_DELIVER;
}
