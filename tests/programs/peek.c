/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the tests: goes around the packet's view, which no program may do, to where its parameter says. Under
 * AddressSanitizer that must be found.
 */
#define WN_SUMMARY "looks where it should not"
#define WN_PARAMETERS(X)                                                                           \
	X(number, behind, "0", "reads so many bytes behind the packet's end, from 1")              \
	X(number, before, "0", "reads so many bytes before the frame, from 1")                     \
	X(number, record, "0", "reads the byte of that number behind its record, from 1")          \
	X(flag, grow, "off", "makes the packet longer first, so that it may")
#include <warpnic/program.h>

WN_PROGRAM(peek, WN_ANY, WN_LOOK_ALL)
{
	const uint64_t behind = wn_parameter(packet, parameter_behind);
	const uint64_t before = wn_parameter(packet, parameter_before);
	const uint64_t record = wn_parameter(packet, parameter_record);
	uint32_t seen = 0;

	if (wn_parameter(packet, parameter_grow))
		wn_set_length(packet, wn_length(packet) + (uint32_t)behind);
	if (behind)
		seen += packet->bytes[wn_length(packet) - 1 + (wn_parameter(packet, parameter_grow) ? 0 : behind)];
	if (before)
		seen += *(packet->bytes - before);
	if (record)
		seen += packet->record[WN_RECORD_BYTES_MAX - 1 + record];
	wn_put_u8(packet, 0, seen);
	return WN_REPLY;
}
