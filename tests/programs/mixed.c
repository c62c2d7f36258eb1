/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests: the first byte of a packet says what shall become of it. */
#define WN_SUMMARY "does what the first byte says"
#define WN_COUNTERS(X) X(seen) X(seen_bytes)
#define WN_RECORD(X) X(u32, index) X(u32, second)
#include <warpnic/program.h>

WN_PROGRAM(mixed, WN_ANY, WN_LOOK_ALL)
{
	const uint32_t what = wn_length(packet) ? wn_u8(packet, 0) : 255;

	wn_count(packet, counter_seen, 1);
	wn_count(packet, counter_seen_bytes, wn_length(packet));
	switch (what) {
	case 0:
		return WN_DROP;
	case 1:
		wn_put_u8(packet, 0, 0xa1);
		return WN_REPLY;
	case 2:
		return WN_DELIVER;
	case 3:
		return WN_FORWARD;
	case 4:
		wn_record_u32(packet, 0, wn_index(packet));
		wn_record_u32(packet, 4, wn_u8(packet, 1));
		return WN_DELIVER;
	case 5: /* reads behind its end, and would send what it found there */
		wn_put_u8(packet, 1, wn_u8(packet, wn_length(packet)));
		return WN_REPLY;
	case 6:
		return 7;
	case 7: /* grows: what it gains must be zero */
		wn_set_length(packet, wn_length(packet) + 100);
		return WN_REPLY;
	case 8:
		wn_set_length(packet, 1);
		return WN_REPLY;
	case 9:
		return wn_forward_to(1);
	case 10:
		return wn_forward_to(31);
	case 11: /* grows past its room */
		wn_set_length(packet, 70000);
		return WN_REPLY;
	case 12: /* a record behind its end */
		wn_record_u32(packet, 64, 1);
		return WN_DELIVER;
	case 13: /* a record that begins late: what lies before it must be zero */
		wn_record_u32(packet, 12, 0x01020304);
		return WN_DELIVER;
	case 16: /* a counter that is not there */
		wn_count(packet, 0xffffffff, 1);
		wn_count(packet, wn_counter_count, 1);
		return WN_REPLY;
	case 14: /* writes behind its end */
		wn_put_u32(packet, wn_length(packet) - 2, 0xffffffff);
		return WN_REPLY;
	default:
		return WN_REPLY;
	}
}
