/* SPDX-License-Identifier: Apache-2.0 */
/* Packets as a person writes them, beside frames built by other code, and what is not understood. */
#include <errno.h>

#include "tests/lane/frames.h"
#include "tool/craft.h"
#include "tool/frame.h"

static struct wn_crafted crafted;

static void check_bytes(const char *text, const void *bytes, uint32_t length)
{
	struct wn_error error = {0};

	CHECK_INT(wn_craft(&crafted, text, &error), 0);
	CHECK_TEXT(error.text, "");
	CHECK_INT(crafted.length, length);
	CHECK(crafted.length == length && memcmp(crafted.bytes, bytes, length) == 0);
}

static void test_bytes(void)
{
	check_bytes("", "", 0);
	check_bytes("  00 FF a1b2 ", "\x00\xff\xa1\xb2", 4);
	check_bytes("\"a b\" \"\\n\\r\\t\\0\\\\\\\"\\x7f\"", "a b\n\r\t\0\\\"\x7f", 10);
	check_bytes("3*5a 0*00", "ZZZ", 3);
	check_bytes("u8:255 u16:258 u32:0x01020304", "\xff\x01\x02\x01\x02\x03\x04", 7);
	check_bytes("f32:1 f32:-0.5", "\x3f\x80\x00\x00\xbf\x00\x00\x00", 8);
	CHECK_INT(crafted.is_frame, 0);
}

/* A frame of tests/lane/frames.h; that one has an identification and another TTL. */
static void check_frame(const char *text, int v6, int tags)
{
	static const uint8_t payload[] = "a payload of some odd length.";
	struct recipe recipe = {.payload = payload, .length = sizeof(payload) - 1, .v6 = v6, .tags = tags};
	uint8_t bytes[256], *ip = bytes + 14 + 4 * tags;
	const uint32_t length = frame_make(bytes, &recipe);

	if (v6) {
		ip[7] = 9;
	} else {
		ip[8] = 9;
		frame_put16(ip + 4, 0);
		frame_put16(ip + 10, 0);
		frame_put16(ip + 10, ~frame_sum(0, ip, 20) & 0xffff);
	}
	for (int i = 0; i < tags; i++)
		frame_put16(bytes + 12 + 4 * i, 0x8100);
	check_bytes(text, bytes, length);
	CHECK_INT(crafted.is_frame, 1);
}

static void test_frames(void)
{
	check_frame("eth 02:00:00:00:00:07 > 02:00:00:00:00:09 udp 10.0.0.1:4321 > 10.0.0.2:53 ttl 9 "
		    "\"a payload of some odd length.\"", 0, 0);
	check_frame("eth 02:00:00:00:00:07 > 02:00:00:00:00:09 vlan 100 vlan 101 udp [fd00::1]:4321 > "
		    "[fd00::2]:53 ttl 9 \"a payload of some odd length.\"", 1, 2);
	check_bytes("eth 02:00:00:00:00:07 > ff:ff:ff:ff:ff:ff type 88b5 01",
		    "\xff\xff\xff\xff\xff\xff\x02\x00\x00\x00\x00\x07\x88\xb5\x01", 15);
}

static void test_refused(void)
{
	static const char *const texts[] = {
		"0", "xyz", "\"open", "\"\\q\"", "u16:65536", "u8:-1", "u64:1", "f32:x", "5*0", "5*0g", "70000*00",
		"udp 10.0.0.1:1 10.0.0.2:2", "udp 10.0.0.1 > 10.0.0.2:2", "udp 10.0.0.1:1 > [::1]:2",
		"udp 10.0.0.1:70000 > 10.0.0.2:2", "udp 10.0.0.1:1 > 10.0.0.2:2 ttl 256", "vlan 5000 udp",
		"eth 02:00:00:00:00 > 02:00:00:00:00:09 type 1", "eth 02:00:00:00:00:07 > 02:00:00:00:00:09 00",
		"udp", "vlan 1", "eth",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct wn_error error = {0};

		if (!CHECK_INT(wn_craft(&crafted, texts[i], &error), -EINVAL))
			printf("# for %s\n", texts[i]);
		CHECK(error.text[0] != '\0');
	}
}

static void test_look(void)
{
	struct wn_frame_targets targets = {0};
	struct wn_frame_parts parts;
	char options[WN_FRAME_OPTIONS_BYTES];

	CHECK_INT(wn_craft(&crafted, "vlan 3 udp [fd00::1]:1 > [fd00::2]:2 \"abc\"", NULL), 0);
	wn_frame_look(&parts, crafted.bytes, crafted.length);
	CHECK_INT(parts.family, 6);
	CHECK_INT(parts.payload, 14 + 4 + 40 + 8);
	CHECK_INT(parts.end - parts.payload, 3);
	wn_frame_note_target(&targets, crafted.bytes, crafted.length);
	wn_frame_note_target(&targets, crafted.bytes, crafted.length);
	CHECK_INT(wn_craft(&crafted, "udp 10.0.0.1:1 > 10.0.0.2:2", NULL), 0);
	wn_frame_note_target(&targets, crafted.bytes, crafted.length);
	wn_frame_link_options(&targets, options);
	CHECK_TEXT(options, "mac=02:00:00:00:00:02,ip=10.0.0.2,ip=fd00::2");
	/* Cut anywhere, it is looked at no further: under a sanitizer this proves something. */
	for (uint32_t length = 0; length <= crafted.length; length++) {
		uint8_t copy[256];

		memcpy(copy, crafted.bytes, length);
		wn_frame_look(&parts, copy, length);
		CHECK(parts.end <= length);
	}
}

int main(void)
{
	RUN(test_bytes);
	RUN(test_frames);
	RUN(test_refused);
	RUN(test_look);
	return check_finish();
}
