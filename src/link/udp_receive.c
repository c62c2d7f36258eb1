/* SPDX-License-Identifier: Apache-2.0 */
/* Datagrams from a socket straight into slots. */
#include "link/udp.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "clock.h"

#define OFFSET_LIFE_NS (10 * WN_MILLISECOND_NS)

enum { BURST_MIN = 16 };

/* What the control messages of one packet said. */
struct details {
	int64_t realtime_ns;     /* 0: not told */
	uint32_t segment_bytes;  /* 0: not a train */
};

/*
 * Which of our addresses a datagram was sent to: not the header's, for a broadcast address cannot be a source. macOS
 * fills in only that one.
 */
static void read_local(const struct in_pktinfo *info, struct wn_udp_peer *peer)
{
	const uint32_t addressed = ntohl(info->ipi_addr.s_addr);

	peer->local.v4 = info->ipi_spec_dst;
	peer->has_local = 1;
	if (info->ipi_spec_dst.s_addr)
		return;
	peer->local.v4 = info->ipi_addr;
	peer->has_local = addressed != INADDR_BROADCAST && !IN_MULTICAST(addressed);
}

static void read_details(struct msghdr *header, struct wn_udp_peer *peer, struct details *details)
{
	for (struct cmsghdr *message = CMSG_FIRSTHDR(header); message;
	     message = CMSG_NXTHDR(header, message)) {
		const void *data = CMSG_DATA(message);

		if (wn_os_is_time(message, &details->realtime_ns) || wn_os_is_train(message, &details->segment_bytes))
			continue;
		if (message->cmsg_level == IPPROTO_IP && message->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo info;

			memcpy(&info, data, sizeof(info));
			read_local(&info, peer);
		} else if (message->cmsg_level == IPPROTO_IPV6 && message->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo info;

			memcpy(&info, data, sizeof(info));
			peer->local.v6 = info.ipi6_addr;
			peer->has_local = !IN6_IS_ADDR_MULTICAST(&info.ipi6_addr);
		}
	}
}

/* The program's copy of the peer. Returns the slot flags it brings. */
static uint32_t show_peer(const struct wn_udp_peer *peer, struct wn_peer *shown)
{
	const struct sockaddr_in6 *v6 = &peer->address.v6;

	/* All of it: behind a short address would lie the tail of a former peer's. */
	memset(shown, 0, sizeof(*shown));
	if (peer->address.any.sa_family == AF_INET) {
		memcpy(shown->address, &peer->address.v4.sin_addr, 4);
		shown->port = ntohs(peer->address.v4.sin_port);
		shown->family = 4;
		return 0;
	}
	shown->port = ntohs(v6->sin6_port);
	shown->scope = v6->sin6_scope_id;
	if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
		memcpy(shown->address, &v6->sin6_addr.s6_addr[12], 4);
		shown->family = 4;
		return 0;
	}
	memcpy(shown->address, &v6->sin6_addr, 16);
	shown->family = 6;
	return WN_SLOT_IPV6;
}

static void prepare(struct wn_udp_queue *own, const struct wn_receive_batch *batch, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct msghdr *header = &own->receive[i].msg_hdr;
		struct wn_udp_peer *peer = &own->peers[wn_batch_index(batch, i)];

		own->receive_vectors[i].iov_base = wn_batch_frame(batch, i);
		header->msg_name = &peer->address;
		header->msg_namelen = sizeof(peer->address);
		header->msg_controllen = header->msg_control ? WN_UDP_CONTROL_BYTES : 0;
		header->msg_flags = 0;
	}
}

/*
 * A kernel timestamp on our clock. The two clocks drift apart slowly, unless somebody sets the time,
 * so a look at both now and then is enough; the stamps themselves tell when.
 */
static int64_t to_monotonic(struct wn_udp_queue *own, int64_t realtime_ns)
{
	if (realtime_ns >= own->offset_until_ns ||
	    realtime_ns < own->offset_until_ns - 2 * OFFSET_LIFE_NS) {
		const int64_t realtime = wn_clock_of(CLOCK_REALTIME);

		own->offset_ns = wn_clock_ns() - realtime;
		own->offset_until_ns = realtime + OFFSET_LIFE_NS;
	}
	return realtime_ns + own->offset_ns;
}

static void describe(const struct wn_udp *udp, struct wn_udp_queue *own,
		     struct wn_receive_batch *batch, uint32_t i, int64_t now)
{
	struct wn_os_message *message = &own->receive[i];
	struct wn_udp_peer *peer = &own->peers[wn_batch_index(batch, i)];
	const uint32_t room = (uint32_t)own->receive_vectors[i].iov_len;
	const uint32_t length = message->msg_len < room ? message->msg_len : room;
	struct details details = {0, 0};
	uint32_t flags = show_peer(peer, wn_batch_peer(batch, i));

	if (message->msg_hdr.msg_control) {
		peer->has_local = 0;
		read_details(&message->msg_hdr, peer, &details);
	}
	if (details.realtime_ns)
		flags |= WN_SLOT_TIME_KERNEL;
	wn_batch_describe(batch, i, length, message->msg_len, flags,
			  (uint64_t)(details.realtime_ns ? to_monotonic(own, details.realtime_ns) : now));
	if (udp->has_gro)
		wn_batch_make_train(batch, i, details.segment_bytes);
}

/*
 * Preparing messages that then stay empty costs something, too: a call gets twice as many as the last
 * one filled, and all of them when that had none left.
 */
static uint32_t next_burst(uint32_t count, uint32_t offered)
{
	if (count == offered || 2 * count > WN_UDP_BURST)
		return WN_UDP_BURST;
	return 2 * count > BURST_MIN ? 2 * count : BURST_MIN;
}

int wn_udp_receive(struct wn_link *link, uint32_t queue, struct wn_receive_batch *batch)
{
	const struct wn_udp *udp = link->state;
	struct wn_udp_queue *own = &udp->queues[queue];
	const uint32_t capacity = batch->capacity < own->burst ? batch->capacity : own->burst;
	int count;
	int64_t now;

	prepare(own, batch, capacity);
	count = wn_os_receive(own->fd, own->receive, capacity, batch->wait_ns, &own->waits);
	if (count <= 0)
		return count;
	now = wn_clock_ns();
	for (uint32_t i = 0; i < (uint32_t)count; i++)
		describe(udp, own, batch, i, now);
	own->burst = next_burst((uint32_t)count, capacity);
	return count;
}

int wn_udp_discard(struct wn_link *link, uint32_t queue, uint64_t *bytes)
{
	const struct wn_udp *udp = link->state;
	struct wn_udp_queue *own = &udp->queues[queue];
	struct wn_udp_peer nobody;
	int packets = 0;

	for (uint32_t i = 0; i < WN_UDP_BURST; i++) {
		char control[WN_UDP_CONTROL_BYTES] __attribute__((aligned(16)));
		struct details details = {0, 0};
		struct msghdr header = {.msg_control = control, .msg_controllen = sizeof(control)};
		const ssize_t length = wn_os_discard(own->fd, &header);

		if (length < 0)
			break;
		read_details(&header, &nobody, &details);
		*bytes += (uint64_t)length;
		packets += details.segment_bytes && length ? (int)((length + details.segment_bytes - 1) /
								   details.segment_bytes)
							   : 1;
	}
	return packets;
}
