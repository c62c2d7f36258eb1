/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What only the xdp link has: what it refuses, whose program is there already, what is left to the
 * kernel, several queues, interfaces that go down or away, and rings that hold nonsense. In a
 * network namespace of its own; see veth.h.
 */
#include <errno.h>
#include <linux/capability.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "link/bpf.h"
#include "link/link.h"
#include "link/xdp_socket.h"
#include "warpnic/runtime.h"
#include "tests/check.h"
#include "tests/contract/session.h"

/* -- refusals -- */

static void test_refusals(void)
{
	static const struct {
		const char *spec, *filter;
		int rc;
		enum wn_status status;
		const char *word;
	} cases[] = {
		{ "xdp:wn-none,steer=all", NULL, -ENODEV, WN_UNAVAILABLE, "wn-a" },
		{ "xdp:", NULL, -EINVAL, WN_USAGE, "wn-a" },
		{ "xdp:wn-a", NULL, -EINVAL, WN_USAGE, "steer=all" },
		{ "xdp:wn-a,steer=all,queue=1", NULL, -EINVAL, WN_USAGE, "1 receive queue" },
		{ "xdp:wn-a,steer=all,queue=0,queues=all", NULL, -EINVAL, WN_USAGE, "queues=all" },
		{ "xdp:wn-a,ports=", NULL, -EINVAL, WN_USAGE, "ports=PORT" },
		{ "xdp:wn-a,ports=53+", NULL, -EINVAL, WN_USAGE, "53+5353" },
		{ "xdp:wn-a,ports=0", NULL, -EINVAL, WN_USAGE, "53+5353" },
		{ "xdp:wn-a,ports=65536", NULL, -EINVAL, WN_USAGE, "53+5353" },
		{ "xdp:wn-a,ports=53x", NULL, -EINVAL, WN_USAGE, "53+5353" },
		{ "xdp:wn-a,ports=1+2+3+4+5+6+7+8+9+1+2+3+4+5+6+7+8", NULL, -EINVAL, WN_USAGE, "16" },
		{ "xdp:wn-a,ports=53,steer=all", NULL, -EINVAL, WN_USAGE, "give one" },
		{ "xdp:wn-a,steer=all,ring=96", NULL, -EINVAL, WN_USAGE, "power of two" },
#if WN_HAVE_LIBPCAP
		{ "xdp:wn-a", "ip protochain 17", -ELOOP, WN_USAGE, "protochain" },
		{ "xdp:wn-a", "udp prot 5", -EINVAL, WN_USAGE, "syntax" },
		{ "xdp:wn-a,ports=53", "udp", -EINVAL, WN_USAGE, "give one" },
		{ "xdp:wn-a,steer=all", "udp", -EINVAL, WN_USAGE, "give one" },
#else
		{ "xdp:wn-a", "udp", -ENOTSUP, WN_UNAVAILABLE, "libpcap" },
#endif
		{ "xdp:wn-a,steer=all,mode=zerocopy", NULL, -EOPNOTSUPP, WN_UNAVAILABLE, "mode=auto" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct wn_link link;
		struct wn_error error = { .status = WN_OK };
		char text[64];

		CHECK_INT(wn_link_open(&link, cases[i].spec, cases[i].filter, 0, NULL, &error),
			  cases[i].rc);
		CHECK_INT(error.status, cases[i].status);
		if (!CHECK(strstr(error.text, cases[i].word) != NULL))
			printf("# %s: %s\n", cases[i].spec, error.text);
		/* Nothing stays on the interface. */
		CHECK_INT(wn_bpf_occupant((int)if_nametoindex("wn-a"), text, sizeof(text)), 0);
	}
}

/* There is no io_uring beside the socket: a file is refused, and the words say what would be right. */
static void test_file_refused(void)
{
	struct wn_runtime_params params = {.program = "capture", .links = {"xdp:wn-a,steer=all"}, .link_count = 1,
					   .deliver_file = "uring:file:/tmp/warpnic-never"};
	static const char *const words[] = {"no io_uring", "uring:udp", "-w FILE", "xdp:wn-a"};
	struct wn_error error = {0};
	char text[64];

	CHECK(!wn_runtime_create(&params, &error));
	CHECK_INT(error.status, WN_USAGE);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!CHECK(strstr(error.text, words[i]) != NULL))
			printf("# %s\n", error.text);
	CHECK(access("/tmp/warpnic-never", F_OK) < 0);
	CHECK_INT(wn_bpf_occupant((int)if_nametoindex("wn-a"), text, sizeof(text)), 0);
}

/* An interface that is down can be opened; frames come when it is up. */
static void test_opened_down(void)
{
	struct session s;

	veth_run("ip link set wn-a down");
	if (!start(&s, "xdp:wn-a,steer=all", NULL, 2048)) {
		CHECK_INT(receive(&s, 0, WN_MILLISECOND_NS), -ENETDOWN);
		veth_run("ip link set wn-a up");
		CHECK_INT(veth_wait(), 0);
		send_frames("wn-b", 0x88b5, 3);
		CHECK_INT(count_received(&s, 0), 3);
		stop(&s);
	}
	veth_run("ip link set wn-a up");
	CHECK_INT(veth_wait(), 0);
}

/* In the driver or behind it, as asked; behind it where the driver has no XDP: loopback. */
static void test_modes(void)
{
	struct session s;

	if (!start(&s, "xdp:wn-a,steer=all", NULL, 2048)) {
		CHECK(strstr(s.link.where, "native, copies") != NULL);
		CHECK_INT(veth_run("ip link show wn-a | grep 'xdp '"), 0);
		stop(&s);
	}
	if (!start(&s, "xdp:wn-a,steer=all,mode=skb", NULL, 2048)) {
		CHECK(strstr(s.link.where, "skb, copies") != NULL);
		CHECK_INT(veth_run("ip link show wn-a | grep xdpgeneric"), 0);
		stop(&s);
	}
	if (!start(&s, "xdp:lo,steer=all", NULL, 2048)) {
		CHECK(strstr(s.link.where, "skb, copies") != NULL);
		stop(&s);
	}
}

/* A queue that another socket has. */
static void test_queue_taken(void)
{
	const struct wn_xdp_socket_setup setup = {
		.interface = "wn-a", .interface_index = (int)if_nametoindex("wn-a"), .entries = 64,
		.frame_bytes = 2048, .mode = WN_XDP_COPY,
	};
	struct wn_xdp_socket socket;
	struct wn_link link;
	struct wn_error error = { .status = WN_OK };

	if (CHECK_INT(wn_xdp_socket_open(&socket, &setup, &error), 0)) {
		CHECK_INT(wn_link_open(&link, "xdp:wn-a,steer=all", NULL, 0, NULL, &error), -EBUSY);
		CHECK_INT(error.status, WN_UNAVAILABLE);
		CHECK(strstr(error.text, "queue 0 belongs to another") != NULL);
	}
	wn_xdp_socket_close(&socket);
}

#define RIGHT(capability) (UINT64_C(1) << (capability))

/* In a child, which loses rights first. */
static void check_without(uint64_t capabilities, const char *word)
{
	const pid_t pid = fork();
	int status = -1;

	if (!pid) {
		struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
		struct __user_cap_data_struct data[2];
		const struct rlimit limit = { 1 << 20, 1 << 20 };
		struct wn_link link;
		struct wn_error error;

		CHECK_INT(syscall(SYS_capget, &header, data), 0);
		for (int i = 0; i < 2; i++)
			data[i].effective &= ~(uint32_t)(capabilities >> 32 * i);
		CHECK_INT(syscall(SYS_capset, &header, data), 0);
		if (capabilities == RIGHT(CAP_IPC_LOCK))
			CHECK_INT(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
		CHECK(wn_link_open(&link, "xdp:wn-a,steer=all", NULL, 0, NULL, &error) < 0);
		CHECK_INT(error.status, WN_UNAVAILABLE);
		if (!CHECK(strstr(error.text, word) != NULL))
			printf("# %s\n", error.text);
		fflush(stdout);
		_exit(check_failures() != 0);
	}
	CHECK_INT(waitpid(pid, &status, 0), pid);
	CHECK_INT(status, 0);
}

static void test_no_permission(void)
{
	check_without(RIGHT(CAP_NET_RAW), "CAP_NET_RAW");
	/* CAP_SYS_ADMIN holds the other two. */
	check_without(RIGHT(CAP_SYS_ADMIN) | RIGHT(CAP_NET_ADMIN), "CAP_NET_ADMIN");
	check_without(RIGHT(CAP_SYS_ADMIN) | RIGHT(CAP_BPF), "CAP_BPF");
	check_without(RIGHT(CAP_IPC_LOCK), "RLIMIT_MEMLOCK");
}

/* Whose program is there; and the first link does not notice the second one's attempt. */
static void test_occupied(void)
{
	struct session s;
	struct wn_link link;
	struct wn_error error;

	if (start(&s, "xdp:wn-a,steer=all", NULL, 2048))
		return;
	for (int skb = 0; skb <= 1; skb++) {
		CHECK_INT(wn_link_open(&link, skb ? "xdp:wn-a,steer=all,mode=skb" : "xdp:wn-a,steer=all",
				       NULL, 0, NULL, &error), -EBUSY);
		CHECK_INT(error.status, WN_UNAVAILABLE);
		if (!CHECK(strstr(error.text, "program") && strstr(error.text, "'warpnic'")))
			printf("# %s\n", error.text);
	}
	send_frames("wn-b", 0x88b5, 3);
	CHECK_INT(count_received(&s, 0), 3);
	stop(&s);
}

/* However the process ends, its program goes. */
static void test_killed(void)
{
	const int index = (int)if_nametoindex("wn-a");
	const int64_t end_ns = wn_clock_ns() + 30 * WN_SECOND_NS;
	char text[128] = "";
	int ready[2], there = 1;
	pid_t pid;

	CHECK_INT(pipe(ready), 0);
	pid = fork();
	if (!pid) {
		struct wn_link link;

		if (wn_link_open(&link, "xdp:wn-a,steer=all", NULL, 0, NULL, NULL))
			_exit(1);
		if (write(ready[1], "", 1) == 1)
			pause();
		_exit(1);
	}
	close(ready[1]);
	CHECK_INT(read(ready[0], text, 1), 1);
	close(ready[0]);
	CHECK_INT(wn_bpf_occupant(index, text, sizeof(text)), 1);
	CHECK(strstr(text, "'warpnic'") != NULL);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	while (there && wn_clock_ns() < end_ns) {
		there = wn_bpf_occupant(index, text, sizeof(text));
		if (there)
			usleep(10000);
	}
	CHECK_INT(there, 0);
}

/* -- frames -- */

/* What the filter does not ask for goes to the kernel, and only that. */
static void test_rest_passes(void)
{
	struct session s;
	uint8_t frame[2048];
	int kernel = 0, fd;

#if !WN_HAVE_LIBPCAP
	SKIP("no filter words without libpcap");
#endif
	if (start(&s, "xdp:wn-a", "ether proto 0x88b6", 2048))
		return;
	fd = veth_socket("wn-a");
	send_frames("wn-b", 0x88b5, 5);
	send_frames("wn-b", 0x88b6, 2);
	CHECK_INT(count_received(&s, 0), 2);
	while (recv(fd, frame, sizeof(frame), MSG_DONTWAIT) > 0) {
		CHECK_INT(frame[13], 0xb5);
		kernel++;
	}
	CHECK_INT(kernel, 5);
	close(fd);
	stop(&s);
}

/* Frames without a buffer are lost, counted, and never come. */
static void test_kernel_drops(void)
{
	struct session s;
	int count;

	if (start(&s, "xdp:wn-a,steer=all,mode=skb,ring=64", NULL, 2048))
		return;
	send_frames("wn-b", 0x88b5, 3000);
	count = count_received(&s, 0);
	CHECK_INT(count, 64);
	CHECK_INT(s.link.ops->kernel_dropped(&s.link, 0), 3000 - 64);
	/* Asking does not forget, and the frames are there again. */
	CHECK_INT(s.link.ops->kernel_dropped(&s.link, 0), 3000 - 64);
	send_frames("wn-b", 0x88b5, 50);
	CHECK_INT(count_received(&s, 0), 50);
	stop(&s);
}

/* Ten times as many as there are frames, either way: none is lost on the way round. */
static void test_frames_go_round(void)
{
	uint8_t frame[FRAME], got[FRAME];
	struct session s;
	int far, sent = 0, back = 0;

	make_frame(frame, 0x88b5);
	if (start(&s, "xdp:wn-a,steer=all,ring=64", NULL, 2048))
		return;
	far = veth_socket("wn-b");
	for (int round = 0; round < 40; round++) {
		struct wn_send_item items[16];

		send_frames("wn-b", 0x88b5, 16);
		CHECK_INT(count_received(&s, 0), 16);
		for (int i = 0; i < 16; i++)
			items[i] = (struct wn_send_item){ .bytes = frame, .length = FRAME, .error = -1,
							  .reply_index = WN_NOT_A_REPLY };
		sent += s.link.ops->send(&s.link, 0, items, 16);
		CHECK_INT(items[15].error, 0);
		while (recv(far, got, sizeof(got), MSG_DONTWAIT) == FRAME)
			back++;
	}
	CHECK_INT(sent, 640);
	/* The kernel may still be at the last of them. */
	for (int turn = 0; turn < 3000 && back < 640; turn++) {
		if (recv(far, got, sizeof(got), MSG_DONTWAIT) == FRAME)
			back++;
		else
			usleep(10000);
	}
	CHECK_INT(back, 640);
	CHECK_INT(s.link.ops->kernel_dropped(&s.link, 0), 0);
	close(far);
	stop(&s);
}

static void test_queues(void)
{
	struct session s;
	int count = 0;

	if (veth_run("ip link add wn-m numrxqueues 3 numtxqueues 3 type veth peer name wn-n "
		     "numrxqueues 3 numtxqueues 3 && ip link set wn-m up && ip link set wn-n up"))
		SKIP("no veth with several queues here");
	CHECK_INT(veth_wait_for("wn-m", "wn-n"), 0);
	if (!start(&s, "xdp:wn-m,steer=all,queues=all", NULL, 2048)) {
		CHECK_INT(s.link.limits.queue_count, 3);
		CHECK(strstr(s.link.where, "queues 0-2") != NULL);
		send_frames("wn-n", 0x88b5, 30);
		for (uint32_t queue = 0; queue < 3; queue++)
			count += count_received(&s, queue);
		CHECK_INT(count, 30);
		stop(&s);
	}
	if (!start(&s, "xdp:wn-m,steer=all,queue=2", NULL, 2048))
		stop(&s);
	veth_run("ip link del wn-m");
}

static void test_send_errors(void)
{
	static uint8_t large[4000];
	uint8_t frame[FRAME];
	struct session s;
	struct wn_send_item items[6];

	make_frame(frame, 0x88b5);
	make_frame(large, 0x88b5);
	for (int i = 0; i < 6; i++)
		items[i] = (struct wn_send_item){ .bytes = frame, .length = FRAME, .error = -1,
						  .reply_index = WN_NOT_A_REPLY };
	items[1].length = 5;
	items[2].bytes = large;
	items[2].length = sizeof(large);
	items[3].segment_bytes = 20;
	items[4].bytes = large;
	items[4].length = 1500 + 14;
	if (!start(&s, "xdp:wn-a,steer=all", NULL, 2048)) {
		const int far = veth_socket("wn-b");

		CHECK_INT(s.link.ops->send(&s.link, 0, items, 6), 6);
		CHECK_INT(items[0].error, 0);
		CHECK_INT(items[1].error, EINVAL);
		CHECK_INT(items[2].error, EMSGSIZE);
		CHECK_INT(items[3].error, EINVAL);
		CHECK_INT(items[4].error, 0);
		CHECK_INT(items[5].error, 0);
		CHECK_INT(recv(far, large, sizeof(large), 0), FRAME);
		CHECK_INT(recv(far, large, sizeof(large), 0), 1514);
		CHECK_INT(recv(far, large, sizeof(large), 0), FRAME);
		CHECK(recv(far, large, sizeof(large), MSG_DONTWAIT) < 0);
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
	if (start(&s, "xdp:wn-a,steer=all", NULL, 2048))
		return;
	veth_run("ip link set wn-a down");
	CHECK_INT(receive(&s, 0, 10 * WN_MILLISECOND_NS), -ENETDOWN);
	CHECK_INT(receive(&s, 0, WN_MILLISECOND_NS), 0);
	for (int i = 0; i < 2; i++) {
		CHECK_INT(s.link.ops->send(&s.link, 0, &item, 1), 1);
		CHECK_INT(item.error, ENETDOWN);
	}
	veth_run("ip link set wn-a up");
	CHECK_INT(veth_wait(), 0);
	send_frames("wn-b", 0x88b5, 3);
	CHECK_INT(count_received(&s, 0), 3);
	CHECK_INT(s.link.ops->send(&s.link, 0, &item, 1), 1);
	CHECK_INT(item.error, 0);
	stop(&s);
}

/* -- rings that hold nonsense; the kernel's side is played here -- */

enum { ENTRIES = 8, CHUNK = 2048 };

struct fake {
	struct wn_xdp_socket socket;
	uint32_t producers[4], consumers[4];
	uint64_t fill[ENTRIES], completion[ENTRIES], free[ENTRIES];
	struct xdp_desc rx[ENTRIES], tx[ENTRIES];
	uint8_t with_kernel[2 * ENTRIES];
	uint8_t frames[2 * ENTRIES * CHUNK];
};

static void play_ring(struct fake *f, int i, struct wn_xdp_ring *ring, void *entries)
{
	*ring = (struct wn_xdp_ring){ .producer = &f->producers[i], .consumer = &f->consumers[i],
				      .entries = entries, .mask = ENTRIES - 1 };
}

static struct fake *play(void)
{
	struct fake *f = calloc(1, sizeof(*f));

	play_ring(f, 0, &f->socket.fill, f->fill);
	play_ring(f, 1, &f->socket.rx, f->rx);
	play_ring(f, 2, &f->socket.tx, f->tx);
	play_ring(f, 3, &f->socket.completion, f->completion);
	f->socket.frames = f->frames;
	f->socket.frame_bytes = CHUNK;
	f->socket.frame_count = ENTRIES;
	f->socket.free = f->free;
	f->socket.with_kernel = f->with_kernel;
	memset(f->with_kernel, 1, ENTRIES);
	for (uint64_t i = 0; i < ENTRIES; i++)
		f->free[f->socket.free_count++] = (ENTRIES + i) * CHUNK;
	return f;
}

static void test_bad_addresses(void)
{
	static const struct xdp_desc bad[] = {
		{ .addr = 2 * ENTRIES * CHUNK, .len = 60 },  /* behind the frames */
		{ .addr = UINT64_MAX - 10, .len = 60 },
		{ .addr = ENTRIES * CHUNK, .len = 60 },      /* one of those to send from */
		{ .addr = 256, .len = CHUNK },               /* reaches into its neighbour */
		{ .addr = 256, .len = UINT32_MAX },
	};
	struct fake *f = play();
	uint32_t length = 0;

	memcpy(f->rx, bad, sizeof(bad));
	f->rx[5] = (struct xdp_desc){ .addr = 3 * CHUNK + 256, .len = 77 };
	f->producers[1] = 6;
	CHECK(wn_xdp_receive_peek(&f->socket, &length) == f->frames + 3 * CHUNK + 256);
	CHECK_INT(length, 77);
	CHECK_INT(f->socket.bad_addresses, 5);
	wn_xdp_receive_retire(&f->socket);
	wn_xdp_receive_show(&f->socket);
	CHECK_INT(f->consumers[1], 6);
	CHECK_INT(f->producers[0], 1);
	CHECK_INT(f->fill[0], 3 * CHUNK);
	CHECK(!wn_xdp_receive_peek(&f->socket, &length));
	free(f);
}

/* Completions of frames that are not out, or out no more, free nothing. */
static void test_bad_completions(void)
{
	struct fake *f = play();

	for (int i = 0; i < ENTRIES; i++) {
		CHECK(wn_xdp_send_reserve(&f->socket) != NULL);
		wn_xdp_send_put(&f->socket, 60);
	}
	wn_xdp_send_show(&f->socket);
	CHECK_INT(f->producers[2], ENTRIES);
	CHECK(!wn_xdp_send_reserve(&f->socket));
	f->consumers[2] = ENTRIES;
	f->completion[0] = 0;                                /* one to receive into */
	f->completion[1] = UINT64_MAX;
	f->completion[2] = 2 * ENTRIES * CHUNK;
	f->completion[3] = (ENTRIES + 2) * CHUNK;
	f->completion[4] = (ENTRIES + 2) * CHUNK;            /* twice */
	f->producers[3] = 5;
	CHECK(wn_xdp_send_reserve(&f->socket) == f->frames + (ENTRIES + 2) * CHUNK);
	CHECK_INT(f->socket.free_count, 1);
	CHECK_INT(f->socket.bad_completions, 4);
	CHECK_INT(f->consumers[3], 5);
	free(f);
}

/* Gone: the queue ends. The last test: it takes the interface with it. */
static void test_removed(void)
{
	const int64_t start_ns = wn_clock_ns();
	struct session s;
	int n = 0;

	if (start(&s, "xdp:wn-a,steer=all", NULL, 2048))
		return;
	veth_run("ip link del wn-a");
	while (n != -ENODEV && wn_clock_ns() < start_ns + 30 * WN_SECOND_NS)
		n = receive(&s, 0, 10 * WN_MILLISECOND_NS);
	CHECK_INT(n, -ENODEV);
	stop(&s);
}

int main(void)
{
	const char *reason = veth_xdp_obstacle();

	if (reason)
		return check_skip_all(reason);
	RUN(test_bad_addresses);
	RUN(test_bad_completions);
	RUN(test_refusals);
	RUN(test_file_refused);
	RUN(test_opened_down);
	RUN(test_modes);
	RUN(test_queue_taken);
	RUN(test_no_permission);
	RUN(test_occupied);
	RUN(test_killed);
	RUN(test_rest_passes);
	RUN(test_kernel_drops);
	RUN(test_frames_go_round);
	RUN(test_queues);
	RUN(test_send_errors);
	RUN(test_down_and_up);
	RUN(test_removed);
	return check_finish();
}
