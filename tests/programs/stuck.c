/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests: bounded, but no test lives to see the end of it. */
#define WN_SUMMARY "does not come back"
#include <warpnic/program.h>

WN_PROGRAM(stuck, WN_ANY, WN_LOOK_ALL)
{
	uint32_t sum = 0;

	WN_LOOP(i, 0xffffffffu, 0xffffffffu)
	{
		WN_LOOP(k, 1000000u, 1000000u)
		{
			sum = sum * 31 + wn_u8(packet, (i + k + sum) % 8);
		}
	}
	wn_put_u8(packet, 0, sum);
	return WN_REPLY;
}
