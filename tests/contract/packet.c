/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What only the packet link has: VLAN tags, directions, filters, fanout, interfaces that go down or
 * away. In a network namespace of its own; see veth.h.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "link/link.h"
#include "tests/check.h"
#include "tests/contract/session.h"

static void test_no_interface(void)
{
	struct wn_link link;
	struct wn_error error;

	CHECK_INT(wn_link_open(&link, "packet:wn-none", NULL, 0, NULL, &error), -ENODEV);
	CHECK_INT(error.status, WN_UNAVAILABLE);
	CHECK(strstr(error.text, "wn-none") && strstr(error.text, "wn-a"));
	CHECK_INT(wn_link_open(&link, "packet:", NULL, 0, NULL, &error), -EINVAL);
	CHECK_INT(error.status, WN_USAGE);
	CHECK(strstr(error.text, "wn-a") != NULL);
}

/* An interface without Ethernet headers. */
static void test_not_ethernet(void)
{
	struct wn_link link;
	struct wn_error error;

	if (veth_run("ip tuntap add mode tun name wn-tun"))
		SKIP("no tun interfaces here");
	CHECK(wn_link_open(&link, "packet:wn-tun", NULL, 0, NULL, &error) < 0);
	CHECK_INT(error.status, WN_UNAVAILABLE);
	CHECK(strstr(error.text, "Ethernet") != NULL);
	veth_run("ip link del wn-tun");
}

static void test_no_permission(void)
{
	struct wn_link link;
	struct wn_error error;
	const pid_t pid = fork();
	int status = -1;

	if (!pid) {
		if (setuid(65534))
			_exit(2);
		CHECK(wn_link_open(&link, "packet:wn-a", NULL, 0, NULL, &error) < 0);
		CHECK_INT(error.status, WN_UNAVAILABLE);
		CHECK(strstr(error.text, "CAP_NET_RAW") && strstr(error.text, "setcap"));
		_exit(check_failures() != 0);
	}
	CHECK_INT(waitpid(pid, &status, 0), pid);
	CHECK_INT(status, 0);
}

static void send_tagged(uint16_t tag_type, uint32_t length)
{
	const int fd = veth_socket("wn-b");
	uint8_t frame[128] = { 0 };

	make_frame(frame, tag_type);
	frame[14] = 0x60;  /* priority 3, vlan 5 */
	frame[15] = 5;
	frame[16] = 0x88;
	frame[17] = 0xb5;
	CHECK_INT(send(fd, frame, length, 0), length);
	close(fd);
}

/* The kernel takes the tag out of a frame and keeps it beside; here it is back in its place. */
static void test_vlan(void)
{
	static const uint16_t tags[] = { 0x8100, 0x88a8 };
	uint8_t plain[FRAME];
	struct session s;

	for (int version = 2; version <= 3; version++) {
		for (int i = 0; i < 2; i++) {
			if (start(&s, version == 2 ? "packet:wn-a" : "packet:wn-a,version=3", NULL,
				  2048))
				return;
			send_tagged(tags[i], FRAME);
			CHECK_INT(receive(&s, 0, WN_SECOND_NS), 1);
			make_frame(plain, tags[i]);
			CHECK_INT(slot_at(&s, 0)->length, FRAME);
			CHECK_INT(slot_at(&s, 0)->wire_length, FRAME);
			CHECK(!memcmp(frame_at(&s, 0), plain, 14));
			CHECK(!memcmp(frame_at(&s, 0) + 14, "\x60\x05\x88\xb5", 4));
			CHECK(!memcmp(frame_at(&s, 0) + 18, plain + 18, FRAME - 18));
			stop(&s);
		}
	}
	/* Without its tag the frame would have fitted. */
	if (!start(&s, "packet:wn-a", NULL, 64)) {
		send_tagged(0x8100, 68);
		CHECK_INT(receive(&s, 0, WN_SECOND_NS), 1);
		CHECK_INT(slot_at(&s, 0)->length, 64);
		CHECK_INT(slot_at(&s, 0)->wire_length, 68);
		CHECK_INT(slot_at(&s, 0)->flags & WN_SLOT_TRUNCATED, WN_SLOT_TRUNCATED);
		stop(&s);
	}
#if WN_HAVE_LIBPCAP
	if (!start(&s, "packet:wn-a", "vlan 5", 2048)) {
		send_frames("wn-b", 0x88b5, 3);
		send_tagged(0x8100, FRAME);
		send_tagged(0x8100, FRAME);
		CHECK_INT(count_received(&s, 0), 2);
		stop(&s);
	}
#endif
}

static void test_direction(void)
{
	struct session s;

	if (!start(&s, "packet:wn-a", NULL, 2048)) {
		send_frames("wn-a", 0x88b5, 5);
		send_frames("wn-b", 0x88b5, 3);
		CHECK_INT(count_received(&s, 0), 3);
		stop(&s);
	}
	if (!start(&s, "packet:wn-a,direction=both", NULL, 2048)) {
		send_frames("wn-a", 0x88b5, 5);
		send_frames("wn-b", 0x88b5, 3);
		CHECK_INT(count_received(&s, 0), 8);
		stop(&s);
	}
}

/* On loopback each frame is seen once, although it goes out and comes in. */
static void test_loopback(void)
{
	struct session s;

	if (!start(&s, "packet:lo", NULL, 2048)) {
		CHECK_INT(s.link.limits.slot_bytes_min, 65536);
		send_frames("lo", 0x88b5, 4);
		CHECK_INT(count_received(&s, 0), 4);
		stop(&s);
	}
}

static void test_filter(void)
{
	struct session s;
	struct wn_link link;
	struct wn_error error;

#if !WN_HAVE_LIBPCAP
	CHECK(wn_link_open(&link, "packet:wn-a", "ip", 0, NULL, &error) < 0);
	CHECK_INT(error.status, WN_UNAVAILABLE);
	(void)s;
#else
	CHECK(wn_link_open(&link, "packet:wn-a", "udp prot 5", 0, NULL, &error) < 0);
	CHECK_INT(error.status, WN_USAGE);
	CHECK(strstr(error.text, "udp prot 5") && strstr(error.text, "syntax"));
	if (!start(&s, "packet:wn-a", "ether proto 0x88b6", 2048)) {
		send_frames("wn-b", 0x88b5, 5);
		send_frames("wn-b", 0x88b6, 2);
		CHECK_INT(count_received(&s, 0), 2);
		CHECK_INT(frame_at(&s, 0)[13], 0xb6);
		stop(&s);
	}
#endif
}

/* Several queues: each frame goes to exactly one of them. */
static void test_fanout(void)
{
	static const char *const specs[] = {
		"packet:wn-a,queues=3,fanout=lb",
		"packet:wn-a,queues=3",
		"packet:wn-a,queues=2,fanout=cpu,version=3",
		"packet:wn-a,queues=2,fanout=rollover",
	};

	for (size_t i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
		struct session s;
		int count = 0, busy = 0;

		if (start(&s, specs[i], NULL, 2048))
			return;
		send_frames("wn-a", 0x88b5, 10);
		send_frames("wn-b", 0x88b5, 30);
		for (uint32_t queue = 0; queue < s.link.limits.queue_count; queue++) {
			const int n = count_received(&s, queue);

			count += n;
			busy += n > 0;
		}
		CHECK_INT(count, 30);
		CHECK(busy == 3 || i > 0);
		stop(&s);
	}
}

/* A full kernel ring loses frames, which are counted and never come. */
static void test_kernel_drops(void)
{
	struct session s;
	int count = 0, n;

	if (!start(&s, "packet:wn-a,ring=64k", NULL, 2048)) {
		send_frames("wn-b", 0x88b5, 5000);
		while ((n = receive(&s, 0, 50 * WN_MILLISECOND_NS)) > 0)
			count += n;
		CHECK(count > 0 && count < 5000);
		CHECK_INT((uint64_t)count + s.link.ops->kernel_dropped(&s.link, 0), 5000);
		/* Asking does not forget. */
		CHECK_INT((uint64_t)count + s.link.ops->kernel_dropped(&s.link, 0), 5000);
		stop(&s);
	}
}

/* The longest frame of the interface fits into the slot that the limits ask for. */
static void test_longest_frame(void)
{
	static const char *const specs[] = { "packet:wn-a", "packet:wn-a,version=3" };
	static uint8_t frame[2040];

	make_frame(frame, 0x88b5);
	frame[sizeof(frame) - 1] = 0x5a;
	CHECK_INT(veth_run("ip link set wn-a mtu 2026 && ip link set wn-b mtu 2026"), 0);
	for (int i = 0; i < 2; i++) {
		struct session s;
		const int far = veth_socket("wn-b");

		if (start(&s, specs[i], NULL, 2048))
			return;
		CHECK_INT(s.link.limits.slot_bytes_min, 2048);
		CHECK_INT(send(far, frame, sizeof(frame), 0), sizeof(frame));
		CHECK_INT(receive(&s, 0, WN_SECOND_NS), 1);
		CHECK_INT(slot_at(&s, 0)->length, sizeof(frame));
		CHECK_INT(frame_at(&s, 0)[sizeof(frame) - 1], 0x5a);
		close(far);
		stop(&s);
	}
	veth_run("ip link set wn-a mtu 1500; ip link set wn-b mtu 1500");
}

/* What is left of a block of a version 3 ring is there in the next call. */
static void test_partial_blocks(void)
{
	struct session s;
	struct wn_receive_batch batch;
	int count = 0;

	if (!start(&s, "packet:wn-a,version=3", NULL, 2048)) {
		send_frames("wn-b", 0x88b5, 50);
		for (int i = 0; i < 40 && count < 50; i++) {
			batch = (struct wn_receive_batch){ .view = &s.ring.view, .capacity = 3,
							   .wait_ns = 20 * WN_MILLISECOND_NS };
			count += s.link.ops->receive(&s.link, 0, &batch);
		}
		CHECK_INT(count, 50);
		stop(&s);
	}
}

static void test_send_errors(void)
{
	static uint8_t large[4000];
	uint8_t frame[FRAME];
	struct session s;
	struct wn_send_item items[5];

	make_frame(frame, 0x88b5);
	make_frame(large, 0x88b5);
	for (int i = 0; i < 5; i++)
		items[i] = (struct wn_send_item){ .bytes = frame, .length = FRAME, .error = -1,
						  .reply_index = WN_NOT_A_REPLY };
	items[1].length = 5;
	items[2].bytes = large;
	items[2].length = sizeof(large);
	items[3].segment_bytes = 20;
	if (!start(&s, "packet:wn-a", NULL, 2048)) {
		const int far = veth_socket("wn-b");

		CHECK_INT(s.link.ops->send(&s.link, 0, items, 5), 5);
		CHECK_INT(items[0].error, 0);
		CHECK_INT(items[1].error, EINVAL);
		CHECK_INT(items[2].error, EMSGSIZE);
		CHECK_INT(items[3].error, EINVAL);
		CHECK_INT(items[4].error, 0);
		CHECK_INT(recv(far, large, sizeof(large), 0), FRAME);
		CHECK_INT(recv(far, large, sizeof(large), 0), FRAME);
		CHECK(recv(far, large, sizeof(large), MSG_DONTWAIT) < 0);
		close(far);
		stop(&s);
	}
}

static void test_bypass(void)
{
	uint8_t frame[FRAME], got[FRAME];
	struct session s;
	struct wn_send_item item = { .bytes = frame, .length = FRAME, .error = -1,
				     .reply_index = WN_NOT_A_REPLY };

	make_frame(frame, 0x88b5);
	if (!start(&s, "packet:wn-a,bypass=on,promisc=on", NULL, 2048)) {
		const int far = veth_socket("wn-b");

		CHECK_INT(s.link.ops->send(&s.link, 0, &item, 1), 1);
		CHECK_INT(item.error, 0);
		CHECK_INT(recv(far, got, sizeof(got), 0), FRAME);
		CHECK(!memcmp(got, frame, FRAME));
		close(far);
		stop(&s);
	}
}

/* Down: said once, and the link goes on when the interface is back. */
static void test_down_and_up(void)
{
	uint8_t frame[FRAME];
	struct session s;
	struct wn_send_item item = { .bytes = frame, .length = FRAME,
				     .reply_index = WN_NOT_A_REPLY };

	make_frame(frame, 0x88b5);
	if (!start(&s, "packet:wn-a", NULL, 2048)) {
		veth_run("ip link set wn-a down");
		CHECK_INT(receive(&s, 0, 20 * WN_SECOND_NS), -ENETDOWN);
		CHECK_INT(receive(&s, 0, WN_MILLISECOND_NS), 0);
		CHECK_INT(s.link.ops->send(&s.link, 0, &item, 1), 1);
		CHECK_INT(item.error, ENETDOWN);
		veth_run("ip link set wn-a up");
		CHECK_INT(veth_wait(), 0);
		send_frames("wn-b", 0x88b5, 3);
		CHECK_INT(count_received(&s, 0), 3);
		stop(&s);
	}
}

/* Gone: the queue ends, also where it had gone down before. */
static void test_removed(void)
{
	const int64_t start_ns = wn_clock_ns();
	struct session s;
	int n = 0;

	if (!start(&s, "packet:wn-a", NULL, 2048)) {
		veth_run("ip link set wn-a down");
		CHECK_INT(receive(&s, 0, 20 * WN_SECOND_NS), -ENETDOWN);
		veth_run("ip link del wn-a");
		while (n != -ENODEV && wn_clock_ns() < start_ns + 30 * WN_SECOND_NS)
			n = receive(&s, 0, 10 * WN_MILLISECOND_NS);
		CHECK_INT(n, -ENODEV);
		stop(&s);
	}
}

int main(void)
{
	const char *reason = veth_open();

	if (reason)
		return check_skip_all(reason);
	RUN(test_no_interface);
	RUN(test_not_ethernet);
	RUN(test_no_permission);
	RUN(test_vlan);
	RUN(test_direction);
	RUN(test_loopback);
	RUN(test_filter);
	RUN(test_fanout);
	RUN(test_kernel_drops);
	RUN(test_longest_frame);
	RUN(test_partial_blocks);
	RUN(test_send_errors);
	RUN(test_bypass);
	RUN(test_down_and_up);
	RUN(test_removed);
	return check_finish();
}
